"""What a network is on given data: recomputed from the network and the data alone."""

import dataclasses
import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat

from constructions.enclosure import BLOCK, above, enclose, point_key
from constructions.exact import ball_matrix, precision
from geomcore.arrays import as_labels, as_points, as_rtol
from geomcore.network import ReLUNetwork
from geomcore.truncation import step_defect, truncation_steps

VERDICTS = ("global minimum", "local minimum", "saddle", "not stationary", "undetermined")
FORMAT = "geomcore certificate"


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
        One of `VERDICTS`. "global minimum": a network with loss exactly zero is
        proved to exist at `distance` from the stored one.
    proved : bool
        True if the verdict rests on ball arithmetic; "undetermined" never is.
    loss : float
        Mean over points of the squared error norm, in floating point.
    class_weighted_loss : float
        Sum over classes of the mean over the class (CE24 (2.13)).
    loss_bound, lower_bound : float
        Proved bounds on the loss of the stored network, taken as exact numbers.
    accuracy : float
        Fraction of points whose output is nearest to the target of their own class.
    gradient_norm : float
        Norm of the gradient of `loss` in all parameters, in floating point.
    activation_margin : float
        Smallest of `margins`; 0 if a pre-activation may be zero.
    margins : tuple of float
        For each hidden layer, a proved lower bound on the smallest
        |pre-activation| over the data, divided by the Frobenius norm of (W_l, b_l).
    distance : float or None
        How far the last layer (W_L, b_L) has to move, in Frobenius norm, for
        the loss to be exactly zero: proved upper bound.
    radius, basin, witness : None
        For local minima, basins of return and refutations.
    checks : tuple of Check
    points, widths : int and tuple of int
        Size of the data and of the network.
    bits : int
        Precision of the ball arithmetic.
    """

    verdict: str
    proved: bool
    loss: float
    class_weighted_loss: float
    loss_bound: float
    lower_bound: float
    accuracy: float
    gradient_norm: float
    activation_margin: float
    margins: tuple
    distance: float | None
    radius: float | None
    basin: dict | None
    witness: dict | None
    checks: tuple
    points: int
    widths: tuple
    bits: int

    def summary(self):
        """A few lines for a reader."""
        lines = [
            f"verdict            {self.verdict}" + (" (proved)" if self.proved else ""),
            f"loss               {self.loss:.3g} mean squared, "
            f"{self.class_weighted_loss:.3g} class-weighted",
            f"exact loss         at most {self.loss_bound:.3g}",
            f"accuracy           {self.accuracy:.2%} of {self.points} points",
            f"gradient norm      {self.gradient_norm:.3g}",
            f"activation margin  {self.activation_margin:.3g} relative to the layer's norm",
        ]
        mark = {True: "yes", False: "no ", None: "?  "}
        lines += [f"  {mark[c.passed]}  {c.name}: {c.detail}" for c in self.checks]
        return "\n".join(lines)

    def to_json(self):
        """The certificate as a JSON text; infinite numbers are written as strings."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
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
        names = {f.name for f in dataclasses.fields(cls)}
        if set(fields) != names:
            raise ValueError(f"certificate must have the fields {sorted(names)}")
        if fields["verdict"] not in VERDICTS:
            raise ValueError(f"verdict must be one of {VERDICTS}, got {fields['verdict']!r}")
        fields = {name: _numbers(value) for name, value in fields.items()}
        for name, value in fields.items():
            if not _is_field(name, value):
                raise ValueError(f"certificate holds no valid {name}: {value!r}")
        fields["checks"] = tuple(Check(**c) for c in fields["checks"])
        fields["margins"], fields["widths"] = tuple(fields["margins"]), tuple(fields["widths"])
        return cls(**fields)


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
        case "proved":
            return isinstance(value, bool)
        case "points" | "bits":
            return isinstance(value, int) and not isinstance(value, bool)
        case "basin" | "witness":
            return value is None or isinstance(value, dict)
        case "distance" | "radius":
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


def verify(net, X, y, *, targets=None, exact=False, rtol=1e-8):
    r"""Find out what a network is on given data, and prove what can be proved.

    Nothing is taken from how the network was made. The stored network is
    followed in ball arithmetic, which fixes the activation pattern of the
    exact network and bounds its loss. The verdict is "global minimum" if a
    network with loss exactly zero is proved to exist next to it: same hidden
    layers, and a last layer that differs by at most `rtol` times its norm; and if
    the stored outputs are off by at most `rtol` times the longest target (in root
    mean square), so that large idle weights excuse nothing.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d_0)
    y : array_like, shape (N,) or (N, d_L)
        Labels (one-hot targets in sorted order of the labels), or targets.
    targets : array_like, shape (Q, d_L), optional
        Target of each label in sorted order.
    exact : bool, optional
        Carry so many digits that nothing is rounded; for small networks.
    rtol : float, optional
        Largest relative distance of the exact last layer, and largest relative error.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a value is nan or inf.

    Notes
    -----
    Let all points that share a last hidden output h_g have one target y_g. If
    the vectors (h_g, 1) are linearly independent, proved by inverting their
    Gram matrix in balls, then :math:`[W_L\; b_L] + R G^{-1} H^T` maps every
    h_g to y_g exactly, where R holds the residuals and G = H^T H.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2405.07098, (2.11), (2.13), (3.6).

    Examples
    --------
    >>> net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    >>> verify(net, [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]).verdict
    'global minimum'
    """
    if not isinstance(net, ReLUNetwork):
        raise ValueError(f"net must be a ReLUNetwork, got {type(net).__name__}")
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    labels = as_labels(y, len(X), targets=targets)
    if labels.targets.shape[1] != net.widths[-1]:
        raise ValueError(
            f"net has {net.widths[-1]} outputs, but the targets have "
            f"{labels.targets.shape[1]} entries for {len(labels.classes)} classes"
        )
    rtol = as_rtol(rtol, X.shape)
    enclosure = enclose(net, X, labels, exact=exact)
    distance, why = _exact_last_layer(net, X, labels, enclosure)
    longest = float((labels.targets**2).sum(axis=1).max()) or 1.0
    near = (
        distance is not None
        and distance <= rtol * _norm(net.weights[-1], net.biases[-1])
        and enclosure.loss_bound <= rtol**2 * longest
    )
    norms = [_norm(W, b) for W, b in zip(net.weights[:-1], net.biases[:-1], strict=True)]
    margins = tuple(
        float(m / n) if n > 0 else 0.0 for m, n in zip(enclosure.margins, norms, strict=True)
    )
    output = net(X)
    error = ((output - labels.Y) ** 2).sum(axis=1)
    sizes = np.bincount(labels.index)
    return Certificate(
        verdict="global minimum" if near else "undetermined",
        proved=near,
        loss=float(error.mean()),
        class_weighted_loss=float((np.bincount(labels.index, error) / sizes).sum()),
        loss_bound=enclosure.loss_bound,
        lower_bound=enclosure.loss_floor,
        accuracy=float((nearest_target(output, labels.targets) == labels.index).mean()),
        gradient_norm=gradient_norm(net, X, labels.Y),
        activation_margin=min(margins, default=np.inf),
        margins=margins,
        distance=distance,
        radius=None,
        basin=None,
        witness=None,
        checks=(
            _pattern_check(enclosure),
            Check("exactly zero loss next to it", near, distance, why),
            *_truncation_checks(net, X, labels),
        ),
        points=len(X),
        widths=net.widths,
        bits=enclosure.bits,
    )


def _norm(W, b):
    return float(np.hypot(np.linalg.norm(W), np.linalg.norm(b)))


def nearest_target(output, targets):
    """Index of the target nearest to each output, shape (N,)."""
    return ((targets**2).sum(axis=1) - 2 * output @ targets.T).argmin(axis=1)


def gradient_norm(net, X, Y):
    """Norm of the gradient of the mean squared error norm in all weights and biases."""
    weight_gradients = [np.zeros(W.shape) for W in net.weights]
    bias_gradients = [np.zeros(b.shape) for b in net.biases]
    for start in range(0, len(X), BLOCK):
        x, y = X[start : start + BLOCK], Y[start : start + BLOCK]
        inputs = [x, *net.hidden(x)]
        delta = 2 * (net(x) - y) / len(X)
        for l in reversed(range(len(net.weights))):
            weight_gradients[l] += delta.T @ inputs[l]
            bias_gradients[l] += delta.sum(axis=0)
            delta = (delta @ net.weights[l]) * (inputs[l] > 0)
    return float(np.sqrt(sum((g**2).sum() for g in [*weight_gradients, *bias_gradients])))


def _exact_last_layer(net, X, labels, enclosure):
    """Proved bound on the change of (W_L, b_L) that makes the loss exactly zero, or None; why."""
    if enclosure.loss_bound == 0:
        return 0.0, "the loss of the stored network is exactly zero"
    width = net.widths[-2]
    groups = _distinct(enclosure.groups, X)
    count = len(groups) + len(enclosure.clean)
    for group in groups:
        present = labels.targets[np.unique(labels.index[group.rows])]
        if (present != present[0]).any():
            return None, "points with different targets share one last hidden output"
    if count > width + 1:
        return None, f"{count} different last hidden outputs, but only {width + 1} are free"
    if len(enclosure.clean):
        return None, f"{len(enclosure.clean)} points are active everywhere, so never collapsed"
    with precision(enclosure.bits):
        rows = [[*group.hidden, arb(1)] for group in groups]
        H = arb_mat(count, width + 1, [a for row in rows for a in row])
        V = ball_matrix(np.column_stack([net.weights[-1], net.biases[-1]]))
        Y = ball_matrix(labels.targets[[labels.index[g.rows[0]] for g in groups]])
        try:
            change = H.transpose() * (H * H.transpose()).solve(Y - H * V.transpose())
        except ZeroDivisionError:
            return (
                None,
                "the last hidden outputs are not proved affinely independent",
            )
        distance = above(sum((a * a for a in change.entries()), arb(0)).sqrt())
    return distance, f"the last layer moves by at most {distance:.2g}"


def _distinct(groups, X):
    """The groups, with equal points put together."""
    of_point = {}
    for group in groups:
        of_point.setdefault(point_key(X[group.rows[0]]), []).append(group)
    return [
        same[0]._replace(rows=np.concatenate([g.rows for g in same])) for same in of_point.values()
    ]


def _pattern_check(enclosure):
    if enclosure.undecided:
        detail = f"{enclosure.undecided} pre-activations may be zero at {enclosure.bits} bits"
        return Check("activation pattern of the exact network", None, None, detail)
    if enclosure.kinks:
        detail = f"{enclosure.kinks} pre-activations are exactly zero: the point is on a kink"
        return Check("activation pattern of the exact network", False, 0.0, detail)
    smallest = min(enclosure.margins, default=np.inf)
    detail = f"no pre-activation is below {smallest:.2g}, at {enclosure.bits} bits"
    return Check("activation pattern of the exact network", True, smallest, detail)


def _truncation_checks(net, X, labels):
    """Whether truncation collapses each class to a point, and represents the network."""
    identity = "x = W x_tau + b at every layer"
    collapse = "truncated points equal within each class"
    worst, scale = None, 0.0
    for step in truncation_steps(net, X):
        row = step_defect(step)
        if worst is None or row.defect > worst.defect:
            worst = row
        scale = max(scale, float(np.abs(step.output).max()))
    detail = f"largest defect {worst.defect:.2g} (layer {worst.layer}, rank {worst.rank})"
    holds = worst.defect <= 1e-8 * (scale or 1.0)
    checks = [Check(identity, holds, float(worst.defect), detail)]
    if len(net.weights) == 1:
        return [Check(collapse, None, None, "the network has no hidden layer"), *checks]
    last = step.truncated
    _, first = np.unique(labels.index, return_index=True)
    spread = max(
        float(np.abs(last[labels.index == q] - last[row]).max()) for q, row in enumerate(first)
    )
    size = float(np.abs(X - X[0]).max()) or 1.0
    detail = f"largest difference {spread / size:.2g} of the size of the data"
    return [Check(collapse, spread <= 1e-8 * size, spread / size, detail), *checks]
