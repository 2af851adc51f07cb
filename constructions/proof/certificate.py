"""The answer of `verify`: a verdict with the numbers behind it, as an object and as JSON."""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, NotRequired, TypedDict

import msgspec
import numpy as np

VERDICTS = ("global minimum", "local minimum", "saddle", "not stationary", "undetermined")
LOSS_NAMES = ("mse", "class_weighted")
FORMAT = "geomcore certificate"
VERSION = 2
NOT_FINITE = {str(value): value for value in (math.inf, -math.inf)}


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


class Change(TypedDict):
    """How one layer moves along a direction."""

    weights: list[list[float]]
    biases: list[float]


class Witness(TypedDict):
    """A direction with a step that lowers the loss, see `Certificate`."""

    direction: list[Change]
    step: float
    loss: float
    slope: NotRequired[float]
    curvature: NotRequired[float]
    order: NotRequired[int]
    coefficient: NotRequired[float]


class Return(TypedDict):
    """The numbers of a `constructions.proof.basin.Basin`."""

    radius: float
    rate: float
    ball: float
    strength: float


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
        "not stationary" and "saddle" speak of the stored point itself.
    proved : bool
        True if the verdict rests on ball or rational arithmetic; "undetermined" never is.
    loss_name : str
        "mse" or "class_weighted": which of the two losses the verdict is about.
    subset : tuple of str or None
        The tensors that may move, such as ("W3", "b3"); None for all of them;
        ("cumulative",) for the last cumulative weight.
    rtol, gtol, exact : float, float, bool
        The arguments of `verify`.
    loss, class_weighted_loss : float
        Mean over points of the squared error norm, and the sum over classes of the mean
        over the class (CE24 (2.13)), in floating point, moved between proved bounds of each.
    loss_bound, loss_floor : float
        Upper and lower bound on the loss (the named one) of the stored network.
    lower_bound : float
        Lower bound on the loss of all networks that differ from the stored one in the tensors
        that may move alone and have its activation pattern on the data: in a subset of
        the last layer's tensors, whatever their values. 0 where nothing better is proved.
    accuracy : float
        Fraction of points whose output is nearest to the target of their own class, exactly; a
        tie goes to the first class in sorted order. (A point for which that takes more digits
        than there is room for counts as wrong.)
    gradient_norm : float
        Norm of the gradient of the loss in the parameters that may move, in floating point.
    activation_margin : float
        Smallest of `margins`; 0 if a pre-activation may be zero.
    margins : tuple of float
        For each hidden layer, a lower bound on the smallest |pre-activation| over the
        data, divided by the Frobenius norm of (W_l, b_l).
    distance : float or None
        Upper bound on how far the last layer (W_L, b_L) has to move, in Frobenius norm, to an
        exact point, in the tensors that may move alone: one of loss zero, or else one whose
        loss is the lower bound; None if none is proved to exist.
    radius : float or None
        No activation flips while all parameters together change by at most
        this Euclidean norm; within it a local minimum is one.
    basin : dict or None
        ``radius`` (lambda*), ``rate``, ``ball``, ``strength`` of `basin_of_return`.
    witness : dict or None
        Of a refutation: ``direction`` (one {"weights", "biases"} per layer, of norm 1), ``step``
        and ``loss``, an upper bound on the loss (the named one) after that step, taken
        in double precision, below ``loss_floor``; and an upper bound on a derivative of the
        exact loss along the direction (in floating point unless ``proved``): ``slope``, the
        one-sided first one, ``curvature``, the second one, or ``coefficient``, that of the
        power ``order`` of the step. With the cumulative weight the last biases
        move exactly as that demands, of which the direction has the nearest doubles.
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
    verdict: Literal[VERDICTS]
    proved: bool
    loss_name: Literal[LOSS_NAMES]
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
    radius: float | None
    basin: Return | None
    witness: Witness | None
    smallest_eigenvalue: float | None
    checks: tuple[Check, ...]
    bits: int

    def summary(self):
        """A few lines for a reader."""
        lines = [
            f"verdict            {self.verdict}"
            + (" (proved)" if self.proved else "")
            + (f" in {', '.join(self.subset)} alone" if self.subset else ""),
            f"loss               {self.loss:.3g} mean squared, "
            f"{self.class_weighted_loss:.3g} class-weighted",
            f"exact loss         at most {self.loss_bound:.3g}",
            f"accuracy           {self.accuracy:.2%} of {self.points} points",
            f"gradient norm      {self.gradient_norm:.3g}",
            f"activation margin  {self.activation_margin:.3g} relative to the layer's norm",
        ]
        mark = {True: "yes", False: "no ", None: "?  "}
        if self.radius is not None:
            lines.append(f"cell radius        {self.radius:.3g}: no activation flips within")
        if self.basin is not None:
            lines.append(
                f"basin of return    {self.basin['radius']:.3g}, rate {self.basin['rate']:.3g}"
            )
        if self.witness is not None:
            lines.append(
                f"witness            a step of {self.witness['step']:.3g} lowers the loss "
                f"to {self.witness['loss']:.6g}"
            )
        if self.smallest_eigenvalue is not None:
            lines.append(f"smallest Hessian eigenvalue  {self.smallest_eigenvalue:.3g}")
        lines += [f"  {mark[c.passed]}  {c.name}: {c.detail}" for c in self.checks]
        return "\n".join(lines)

    def to_json(self):
        """The certificate as a JSON text; infinite numbers are written as strings."""
        fields = dataclasses.asdict(self) | {"checks": [c._asdict() for c in self.checks]}
        return json.dumps({"format": FORMAT, "version": VERSION, **_plain(fields)}, indent=2)

    @classmethod
    def from_json(cls, text):
        """Read what `to_json` wrote; ValueError for anything else."""
        try:
            fields = msgspec.json.decode(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"text must be a certificate in JSON: {error}") from None
        if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
            raise ValueError(f"text must be a JSON object with format {FORMAT!r}")
        version = fields.pop("version", None)
        if version == 1 and type(version) is int:
            raise ValueError(
                "text holds a certificate of version 1, which does not say what network and data "
                "it is about: make a new one with `geomcore verify`"
            )
        if version != VERSION or type(version) is not int:
            raise ValueError(f"text holds a certificate of another version than {VERSION}")
        names = {field.name for field in dataclasses.fields(cls)}
        if set(fields) != names:
            raise ValueError(f"certificate must have the fields {sorted(names)}")
        checks = fields["checks"]
        if isinstance(checks, list):
            fields["checks"] = [_values(c, Check._fields) for c in checks]
        try:
            fields = {k: v if k in _TEXTS else _numbers(v) for k, v in fields.items()}
            found = msgspec.convert(fields, cls)
        except (msgspec.ValidationError, OverflowError, RecursionError) as error:
            raise ValueError(f"certificate holds no valid field: {error}") from None
        for name in ("basin", "witness"):
            if _shape(getattr(found, name)) != _shape(fields[name]):
                raise ValueError(f"certificate holds no valid field: {name} has unknown keys")
        return found


_TEXTS = ("network", "data", "verdict", "loss_name", "subset")


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
    return _digest(
        [("X", X, "<f8"), ("Y", labels.Y, "<f8"), ("classes", labels.index, "<i8")],
    )


def _digest(parts):
    found = hashlib.sha256()
    for name, array, kind in parts:
        found.update(f"{name} {' '.join(map(str, array.shape))}\n".encode("ascii"))
        found.update(np.ascontiguousarray(array + 0, dtype=kind).data)
    return found.hexdigest()


def check_loss(loss):
    """Raise unless `loss` is the name of one of the two losses."""
    if not isinstance(loss, str) or loss not in LOSS_NAMES:
        raise ValueError(f"loss must be one of {LOSS_NAMES}, got {loss!r}")


def _plain(value):
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _numbers(value):
    if isinstance(value, dict):
        return {k: _numbers(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value


def _values(entry, keys):
    """The values of a dict in the order of its keys; as it is if it has others."""
    if isinstance(entry, dict) and set(entry) == set(keys):
        return [entry[key] for key in keys]
    return entry


def _shape(value):
    """All keys of nested dicts and lists."""
    if isinstance(value, dict):
        return {key: _shape(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_shape(v) for v in value]
    return None
