"""The answer of `verify`: a verdict with the numbers behind it, as an object and as JSON."""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from constructions.certificate_schema import (
    FORMAT,
    VERSION,
    Header,
    holds_numbers,
    struct_of,
    with_numbers,
)
from constructions.certificate_words import lines_of
from constructions.typing import Verdict
from constructions.verdicts import part
from geomcore.display.lines import folded, listed, told_in_brief
from geomcore.display.page import page
from geomcore.foreign.files import read_whole
from geomcore.foreign.schema import Mismatch, decoded
from geomcore.foreign.wording import quoted
from geomcore.typing import LossName, Path

if TYPE_CHECKING:
    import pandas as pd

    from geomcore.network import ReLUNetwork

# Bytes of a file: a witness in 4 million parameters; without one; and for each parameter in it.
LARGEST, PLAIN, NUMBER = 2**27, 2**20, 64


class Kink(NamedTuple):
    """A hidden unit whose pre-activation is 0 at a point, at the exact point of a certificate.

    Attributes
    ----------
    layer : int
        From 1.
    point, unit : int
        Row of the data (the first of equal ones), and number of the unit, from 0.
    multiplier : float
        How fast the loss rises, at first order, as the pre-activation falls below 0.
    rise : float
        The derivative of the loss, with multipliers times pre-activations added, in the output of
        the unit: as the pre-activation rises above 0, the loss rises by rise - multiplier. Both
        slopes are proved to be positive at a minimum; the numbers are floats near the exact ones.
    """

    layer: int
    point: int
    unit: int
    multiplier: float
    rise: float

    @property
    def holds(self):
        """Whether the loss rises to both sides; at a saddle it need not."""
        return 0 < self.multiplier < self.rise

    @property
    def falls(self):
        """How the loss changes over the kink, in words."""
        down, up = self.multiplier, self.rise - self.multiplier
        return f"the loss changes by {down:+.3g} below it and by {up:+.3g} above, at first order"


@told_in_brief
class Check(NamedTuple):
    """One statement that was examined.

    Attributes
    ----------
    name : str
    passed : bool or None
        None if it could not be decided.
    value : float or None
        The number behind it.
    detail : str
    """

    name: str
    passed: bool | None
    value: float | None
    detail: str


@dataclass(frozen=True)
class Certificate:
    """Answer of `verify`.

    Numbers are proved bounds, true of the stored network, whose floats are exact numbers,
    unless it says "in floating point".

    Attributes
    ----------
    network, data : str
        Digests of what the certificate is about, see `network_digest` and `data_digest`.
    points, widths : int and tuple of int
        Size of the data and of the network.
    verdict : str
        One of `VERDICTS`. "global minimum" and "local minimum" speak of an exact
        point at `distance` from the stored one: the same hidden layers, and the
        exact solution of the last layer's linear or least-squares problem.
        "not stationary" speaks of the stored point itself, and so does "saddle" unless
        `critical` tells of an exact one.
    proved : bool
        True if the verdict rests on ball or rational arithmetic; "undetermined" never is.
    loss_name : str
        "mse", "class_weighted", "cross_entropy" or "bce": the loss that the verdict is about.
    weight_decay : float
        This much times half the square of all parameters is part of that loss.
    subset : tuple of str or None
        The tensors that may move, such as ("W3", "b3"); None for all of them;
        ("cumulative",) for the last cumulative weight.
    rtol, gtol, exact, step : float, float, bool, float or None
        The arguments of `verify`.
    loss, class_weighted_loss : float
        Mean over points of the squared error norm, and the sum over classes of the mean
        over the class (CE24 (2.13)), in floating point, moved between proved bounds of each;
        the decay is part of both. For a cross-entropy, `loss` is that one.
    loss_bound, loss_floor : float
        Upper and lower bound on the loss (the named one) of the stored network.
    lower_bound : float
        Lower bound on the loss of all networks that differ from the stored one in the tensors
        that may move alone and have its activation pattern on the data: in a subset of
        the last layer's tensors, whatever their values; with weight decay and the mean squared
        error, of all networks with one hidden layer. 0 where nothing better is proved.
    accuracy : float
        Fraction of points whose output is nearest to the target of their own class, exactly; a
        tie goes to the first class in sorted order. (A point for which that takes more digits
        than there is room for counts as wrong.)
    gradient_norm : float
        Norm of the gradient of the loss in the parameters that may move, in floating point.
    activation_margin : float
        Smallest of `margins`; 0 if a pre-activation may be zero.
    margins : tuple of float
        For each hidden layer, a lower bound on the smallest absolute pre-activation over the
        data, divided by the Frobenius norm of (W_l, b_l).
    distance : float or None
        Upper bound on how far the last layer (W_L, b_L) has to move, in Frobenius norm, to an
        exact point, in the tensors that may move alone: one of loss zero, or else one whose
        loss is the lower bound; None if none is proved to exist.
    slack : float
        0 if the verdict speaks of an exact point. Else it speaks of the stored network: no
        network within `radius` (of a global minimum: none; with weight decay, none with one
        hidden layer) has a loss that is smaller by more. An exact local minimum at `distance` may
        be proved beside a global one with a slack.
    gap : float
        None of the networks of `lower_bound` has a loss that is smaller by more than this.
    critical : dict or None
        Of a point that no last layer alone reaches (docs/trained.md): ``argument``, one of
        "critical point", "fit" (the best affine fits of all groups, so the best of the cell),
        "saddle" (an exact one) and "slack"; ``rank`` of the derivative of what the loss depends
        on, and the probability ``rank_error`` that it is larger elsewhere in the cell (or 0); with
        weight decay ``rank`` is the number of parameters less the dimension of the symmetries;
        ``eigenvalue``, a lower bound of the Hessian's on a complement of the kernel (of a saddle
        an upper bound of what it is along a way down);
        ``uniqueness``, within this distance of it there is no other such point on a slice of
        that dimension; ``kinks``, see `kinks`.
    radius : float or None
        No activation flips while all parameters together change by at most
        this Euclidean norm; within it a local minimum is one (but for `slack`). None for a
        critical point that is not the best of its cell.
    basin : dict or None
        ``radius`` (lambda*), ``rate``, ``ball``, ``strength`` of `basin_of_return`.
    descent : dict or None
        ``radius``, ``rate``, ``ball``, ``strength`` and ``curvature`` of a `DescentBasin` with
        `step`: from every point of that radius gradient descent returns, and each step takes at
        least this rate of what the loss is above the minimum. The steps are exact ones: what
        rounding changes says `descent_basin`, given their number. None if there was no step to ask
        about, or none is proved: then one of `checks` says why.
    witness : dict or None
        Of a refutation: ``direction`` (one {"weights", "biases"} per layer, of norm 1), ``step``
        and ``loss``, an upper bound on the loss (the named one) after that step, taken
        in double precision, below ``loss_floor``; and an upper bound on a derivative of the
        exact loss along the direction (in floating point unless ``proved``): ``slope``, the
        one-sided first one, ``curvature``, the second one, or ``coefficient``, that of the
        power ``order`` of the step; or ``bend``, the second derivative along a curve on which
        kinks stay, from the exact saddle, of which the step is a chord. With the cumulative weight
        the last biases move exactly as that demands, of which the direction has the nearest
        doubles.
    smallest_eigenvalue : float or None
        Of the Hessian within the cell, in the parameters that may move, if it was
        needed; in floating point.
    checks : tuple of Check
        For a reader.
    bits : int
        Precision of the ball arithmetic.
    """

    network: str
    data: str
    points: int
    widths: tuple[int, ...]
    verdict: Verdict
    proved: bool
    loss_name: LossName
    weight_decay: float = field(default=0.0, kw_only=True)
    subset: tuple[str, ...] | None
    rtol: float
    gtol: float
    exact: bool
    loss: float
    class_weighted_loss: float
    loss_bound: float
    loss_floor: float
    lower_bound: float
    accuracy: float
    gradient_norm: float
    activation_margin: float
    margins: tuple[float, ...]
    distance: float | None
    slack: float
    gap: float
    critical: dict | None
    radius: float | None
    basin: dict | None
    # after files were written that do not have them
    step: float | None = field(default=None, kw_only=True)
    descent: dict | None = field(default=None, kw_only=True)
    witness: dict | None
    smallest_eigenvalue: float | None
    checks: tuple[Check, ...]
    bits: int

    # No field, for files do not have it: whether the targets were one-hot rows, None if unknown.
    one_hot = None

    def __repr__(self):
        names = ["verdict", "proved", "loss_name", "loss", "accuracy", "points", "widths"]
        return listed(self, {name: getattr(self, name) for name in names})

    _repr_html_ = page

    @property
    def kinks(self) -> tuple[Any, ...]:
        """Units on their kink at the exact point, a tuple of `Kink`."""
        return tuple(Kink(**kink) for kink in (self.critical or {}).get("kinks", ()))

    def summary(self) -> str:
        """A few lines for a reader."""
        return folded(self._lines())

    def _lines(self):
        return lines_of(self)

    def frame(self) -> "pd.DataFrame":
        """The checks as a table.

        Returns
        -------
        pandas.DataFrame
            One row per check: part (``"proof"``, or ``"search"`` if it is not proved;
            ``"other"``, tried for another verdict; ``"open"``; ``"return"``;
            ``"diagnostic"``), name, passed, value, detail.
        """
        from pandas import DataFrame

        rows = [(part(check, self.verdict, self.proved), *check) for check in self.checks]
        return DataFrame(rows, columns=["part", *Check._fields])

    def to_json(self) -> str:
        """The certificate as a JSON text; infinite numbers are written as strings."""
        fields = dataclasses.asdict(self) | {"checks": [c._asdict() for c in self.checks]}
        return json.dumps({"format": FORMAT, "version": VERSION, **_plain(fields)}, indent=2)

    @classmethod
    def from_file(cls, path: Path, net: "ReLUNetwork | None" = None) -> "Certificate":
        """Read a file that holds what `to_json` wrote; ValueError, which names it, for others.

        With the network, which bounds the size of a certificate, a hostile one is sooner refused.
        """
        text = read_whole(path, "a certificate", largest(net))
        try:
            return cls.from_json(text)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def from_json(cls, text: str | bytes) -> "Certificate":
        """Read what `to_json` wrote, a str or bytes; ValueError for anything else."""
        try:
            version = decoded(text, Header).version
        except Mismatch as error:
            if error.field != "version":
                raise ValueError(
                    f"text must be a JSON object with format {FORMAT!r}: {error}"
                ) from None
            version = None
        if version in (1, 2):
            raise ValueError(
                f"text holds a certificate of version {version}, which does not say all that one "
                f"of version {VERSION} does: make a new one with `geomcore verify`"
            )
        if version != VERSION:
            raise ValueError(
                f"text must hold a certificate of version {VERSION}, got version {quoted(version)}"
            )
        try:
            stated = decoded(text, _Stated)
        except Mismatch as error:
            if "field `" not in str(error):
                raise ValueError(
                    f"text must hold a certificate as `verify` makes it: {error}"
                ) from None
            if error.field is None:
                raise ValueError(f"text must have the fields of a certificate: {error}") from None
            raise ValueError(
                f"text must hold a certificate as `verify` makes it: {error.field} has unknown "
                f"keys or lacks some: {error}"
            ) from None
        values = {f.name: getattr(stated, f.name) for f in _FIELDS}
        values |= {f.name: with_numbers(values[f.name]) for f in _FIELDS if holds_numbers(f)}
        checks = (msgspec.structs.astuple(check) for check in stated.checks)
        values["checks"] = tuple(Check(a, b, with_numbers(c), d) for a, b, c, d in checks)
        return cls(**values)


_FIELDS = dataclasses.fields(Certificate)
_Stated = struct_of(_FIELDS)


def largest(net=None):
    """Bytes that the file of a certificate of a network has at most, or one of any network."""
    if net is not None and not hasattr(net, "parameter_count"):
        raise ValueError(f"net must be a ReLUNetwork or None, got {type(net).__name__}")
    return min(LARGEST, PLAIN + NUMBER * net.parameter_count) if net is not None else LARGEST


def network_digest(net):
    """SHA-256 of the tensors of a network, in hexadecimal.

    Over, for each tensor in the order W1, b1, W2, ..., the line ``name shape``
    (``W1 61 64``) and its entries as little-endian doubles, row by row. Zeros of either
    sign are the same number and have the same digest.
    """
    parts = zip(net.names, net.tensors, strict=True)
    return _digest([(name, tensor, "<f8") for name, tensor in parts])


def data_digest(X, labels):
    """SHA-256 of points, the target of each and the class of each, in the same form."""
    return _digest([("X", X, "<f8"), ("Y", labels.Y, "<f8"), ("classes", labels.index, "<i8")])


def _digest(parts):
    found = hashlib.sha256()
    for name, array, kind in parts:
        found.update(f"{name} {' '.join(map(str, array.shape))}\n".encode("ascii"))
        found.update(np.ascontiguousarray(array + 0, dtype=kind).data)
    return found.hexdigest()


def _plain(value):
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
