"""The answer of `verify`: a verdict with the numbers behind it, as an object and as JSON."""

import dataclasses
import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

VERDICTS = ("global minimum", "local minimum", "saddle", "not stationary", "undetermined")
LOSS_NAMES = ("mse", "class_weighted")
FORMAT = "geomcore certificate"
# Version 1 of the format has a field "cost" where the object has `loss_name`, in these words.
COSTS = {"mse": "plain", "class_weighted": "class-weighted"}


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

    Attributes
    ----------
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
        The tensors that may move, such as ("W3", "b3"); None for all of them.
    loss : float
        Mean over points of the squared error norm, in floating point.
    class_weighted_loss : float
        Sum over classes of the mean over the class (CE24 (2.13)).
    loss_bound, loss_floor : float
        Proved upper and lower bound on the loss (the named one) of the stored
        network, taken as exact numbers.
    lower_bound : float
        Proved lower bound on the loss of all networks in the same activation
        cell; 0 where nothing better is proved.
    accuracy : float
        Fraction of points whose output is nearest to the target of their own class.
    gradient_norm : float
        Norm of the gradient of the loss in the parameters that may move, in floating point.
    activation_margin : float
        Smallest of `margins`; 0 if a pre-activation may be zero.
    margins : tuple of float
        For each hidden layer, a proved lower bound on the smallest
        |pre-activation| over the data, divided by the Frobenius norm of (W_l, b_l).
    distance : float or None
        How far the last layer (W_L, b_L) has to move, in Frobenius norm, to
        the exact point: proved upper bound.
    radius : float or None
        No activation flips while all parameters together change by at most
        this Euclidean norm; within it a local minimum is one.
    basin : dict or None
        ``radius`` (lambda*), ``rate``, ``ball``, ``strength`` of `basin_of_return`.
    witness : dict or None
        Of a refutation: ``direction`` (one {"weights", "biases"} per layer, of norm 1),
        ``slope`` or ``curvature`` along it, or ``order`` and ``coefficient`` of the first
        term of the loss that falls, ``step``, and ``loss``, the loss (the
        named one) after that step, which anyone can compute again.
    smallest_eigenvalue : float or None
        Of the Hessian within the cell, in the parameters that may move, if it was needed.
    checks : tuple of Check
    points, widths : int and tuple of int
        Size of the data and of the network.
    bits : int
        Precision of the ball arithmetic.
    """

    verdict: str
    proved: bool
    loss_name: str
    subset: tuple | None
    loss: float
    class_weighted_loss: float
    loss_bound: float
    loss_floor: float
    lower_bound: float
    accuracy: float
    gradient_norm: float
    activation_margin: float
    margins: tuple
    distance: float | None
    radius: float | None
    basin: dict | None
    witness: dict | None
    smallest_eigenvalue: float | None
    checks: tuple
    points: int
    widths: tuple
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
        fields = {key: getattr(self, name) for name, key in _keys().items()}
        fields["cost"] = COSTS[self.loss_name]
        fields["checks"] = [c._asdict() for c in self.checks]
        return json.dumps({"format": FORMAT, "version": 1, **_plain(fields)}, indent=2)

    @classmethod
    def from_json(cls, text):
        """Read what `to_json` wrote; ValueError for anything else."""
        try:
            fields = json.loads(text)
        except (TypeError, ValueError) as error:
            raise ValueError(f"text must be a certificate in JSON: {error}") from None
        if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
            raise ValueError(f"text must be a JSON object with format {FORMAT!r}")
        if fields.pop("version", None) != 1:
            raise ValueError("text holds a certificate of another version than 1")
        keys = _keys()
        if set(fields) != set(keys.values()):
            raise ValueError(f"certificate must have the fields {sorted(keys.values())}")
        if fields["verdict"] not in VERDICTS:
            raise ValueError(f"verdict must be one of {VERDICTS}, got {fields['verdict']!r}")
        fields = {name: _numbers(value) for name, value in fields.items()}
        for name, value in fields.items():
            if not _is_field(name, value):
                raise ValueError(f"certificate holds no valid {name}: {value!r}")
        cost = fields.pop("cost")
        fields["loss_name"] = next(name for name, word in COSTS.items() if word == cost)
        fields["checks"] = tuple(Check(**c) for c in fields["checks"])
        for name in ("margins", "widths", "subset"):
            fields[name] = None if fields[name] is None else tuple(fields[name])
        return cls(**fields)


def _keys():
    """For each field of a certificate, in order, its key in the format."""
    names = [field.name for field in dataclasses.fields(Certificate)]
    return {name: "cost" if name == "loss_name" else name for name in names}


def check_loss(loss):
    """Raise unless `loss` is the name of one of the two losses."""
    if loss not in LOSS_NAMES:
        raise ValueError(f"loss must be one of {LOSS_NAMES}, got {loss!r}")


def _plain(value):
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def _is_field(name, value):
    """True if this can be the value of a field of `Certificate`, as read from JSON."""
    match name:
        case "verdict":
            return True
        case "cost":
            return value in COSTS.values()
        case "subset":
            return value is None or (
                isinstance(value, list) and all(isinstance(v, str) for v in value)
            )
        case "proved":
            return isinstance(value, bool)
        case "points" | "bits":
            return isinstance(value, int) and not isinstance(value, bool)
        case "basin" | "witness":
            return value is None or isinstance(value, dict)
        case "distance" | "radius" | "smallest_eigenvalue":
            return value is None or _is_number(value)
        case "margins" | "widths":
            return isinstance(value, list) and all(_is_number(v) for v in value)
        case "checks":
            return isinstance(value, list) and all(
                isinstance(c, dict) and set(c) == set(Check._fields) for c in value
            )
        case _:
            return _is_number(value)


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(value):
    if isinstance(value, dict):
        return {k: _numbers(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return float(value) if value in ("inf", "-inf", "nan") else value
