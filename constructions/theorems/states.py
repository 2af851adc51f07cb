"""Points that are not zero-loss: some classes left alone, merged, or truncated in part.

For s in {0, 1}^Q layer j collapses class j if s_j = 0 and leaves all data alone
if s_j = 1 (CE23 Theorem 2.5); the last layer is the least-squares one. What kind of
point this is, `verify` finds out; docs/minima.md says what holds of the theorem.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from constructions.building.assembly import (
    cumulative_bias,
    last_hidden,
    least_squares,
    of_size_one,
    standard_frame,
)
from constructions.building.collapse import Collapse, collapse_layer, rotation_to_diagonal
from constructions.building.draft import Refused, chained
from constructions.building.result import ConstructionError, describe
from constructions.separation.programs import nearest_on_hyperplane
from constructions.separation.separation import separate
from constructions.theorems.enumeration import all_states
from constructions.verdicts import SQUARED, check_loss
from geomcore.arrays import as_array, as_labels, as_points, as_rng
from geomcore.foreign.choices import as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.network import ReLUNetwork
from geomcore.typing import ArrayLike, Seed
from geomcore.weighting import point_weights

if TYPE_CHECKING:
    from constructions.building.result import Construction
    from constructions.typing import SquaredName


@answers_keywords
def suboptimal(
    X: ArrayLike,
    y: ArrayLike,
    state: Sequence[int],
    *,
    bias: bool = True,
    loss: SquaredName = "mse",
    targets: ArrayLike | None = None,
    rng: Seed = None,
) -> Construction:
    """Collapse the classes with state 0, one layer each, and leave the others alone.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    state : sequence of 0 and 1, length Q
        One for each class in sorted order; 1 = left alone. All 0 is the zero-loss point.
    bias : bool, optional
        Whether the last layer has a bias; the paper's has none (its cumulative
        bias is zero, so the fit is linear in the truncated points).
    loss : {"mse", "class_weighted"}, optional
        Which loss the last layer minimises.
    targets : array_like, shape (Q, k), optional
        Target of each label in sorted order; default one-hot rows.
    rng : numpy.random.Generator or seed, optional
        Default 0.

    Returns
    -------
    Construction

    Raises
    ------
    ValueError
        If the arguments do not fit together.
    ConstructionError
        If a class with state 0 cannot be separated from all that is to be kept.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2309.10639, Theorem 2.5.

    Examples
    --------
    >>> X = [[0.0, 0.0], [0.1, 0.0], [3.0, 0.0], [3.0, 0.2], [0.0, 3.0], [0.1, 3.0]]
    >>> suboptimal(X, [0, 0, 1, 1, 2, 2], (0, 1, 1)).network.widths
    (2, 2, 2, 2, 3)
    """
    X, labels = _data(X, y, targets, loss)
    bias = as_flag(bias, "bias")
    state = _as_state(state, len(labels.classes))
    groups = [[q] for q in range(len(state)) if not state[q]]
    idle = [q for q in range(len(state)) if state[q]]
    return _build(X, labels, groups, idle, f"state {''.join(map(str, state))}", bias, loss, rng)


@answers_keywords
def suboptimal_family(
    X: ArrayLike,
    y: ArrayLike,
    *,
    bias: bool = True,
    loss: SquaredName = "mse",
    targets: ArrayLike | None = None,
    rng: Seed = None,
) -> list[Construction]:
    """`suboptimal` for all 2^Q states, in the order 0...0, 0...1, ..., 1...1.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    bias, loss, targets, rng : optional
        As for `suboptimal`.

    Returns
    -------
    list of Construction
        2^Q of them; ``method`` names the state.

    Raises
    ------
    ValueError, ConstructionError
        As `suboptimal`.

    Examples
    --------
    >>> X = [[0.0], [0.25], [2.0], [2.5]]
    >>> [made.method for made in suboptimal_family(X, [0, 0, 1, 1])]
    ['state 00', 'state 01', 'state 10', 'state 11']
    """
    X, labels = _data(X, y, targets, loss)
    options: dict[str, Any] = {"bias": bias, "loss": loss, "targets": targets, "rng": rng}
    return [suboptimal(X, y, state, **options) for state in all_states(len(labels.classes))]


@answers_keywords
def merged(
    X: ArrayLike,
    y: ArrayLike,
    groups: Sequence[Sequence[Any]],
    *,
    loss: SquaredName = "mse",
    targets: ArrayLike | None = None,
    rng: Seed = None,
) -> Construction:
    """Collapse each group of classes as one set and fit the last layer.

    The loss is the scatter of the targets within the groups. Unless every
    group is a single class it is positive, and the point is a local minimum.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    groups : sequence of sequences of labels
        A partition of the classes.
    loss, targets, rng : optional
        As for `suboptimal`.

    Returns
    -------
    Construction

    Raises
    ------
    ValueError
        If the groups are no partition of the labels.
    ConstructionError
        If the groups cannot be collapsed one after another.

    Examples
    --------
    >>> X = [[0.0, 0.0], [0.1, 0.0], [3.0, 0.0], [3.0, 0.2], [0.0, 3.0], [0.1, 3.0]]
    >>> made = merged(X, [0, 0, 1, 1, 2, 2], [[0, 1], [2]])
    >>> round(made.report["loss"], 6)
    0.333333
    """
    X, labels = _data(X, y, targets, loss)
    known = {label: q for q, label in enumerate(labels.classes.tolist())}
    try:
        parts = [[known[label] for label in group] for group in groups]
    except (TypeError, KeyError):
        raise ValueError(
            f"groups must be a partition of the labels {list(known)}, got {quoted(groups)}"
        ) from None
    if sorted(q for part in parts for q in part) != list(range(len(known))) or [] in parts:
        raise ValueError(
            f"groups must be a partition of the labels {list(known)}, got {quoted(groups)}"
        )
    name = "merge " + " | ".join(" ".join(str(labels.classes[q]) for q in part) for part in parts)
    return _build(X, labels, parts, [], name, True, loss, rng)


@answers_keywords
def partial(
    X: ArrayLike,
    y: ArrayLike,
    fractions: Sequence[float],
    *,
    bias: bool = True,
    loss: SquaredName = "mse",
    targets: ArrayLike | None = None,
    rng: Seed = None,
) -> Construction:
    """Collapse a given fraction of the points of each class.

    The base point of layer j moves along its cone's axis, from where all of
    the class is left alone to where all of it is collapsed, until the wanted
    number of points is in the backward sector; others may be truncated in part.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    fractions : sequence of float in [0, 1], length Q
        Fraction of each class, in sorted order, that is collapsed.
    bias, loss, targets, rng : optional
        As for `suboptimal`.

    Returns
    -------
    Construction
        ``report["collapsed"]`` has the number of points of each class in the backward sector.

    Raises
    ------
    ValueError, ConstructionError
        As `suboptimal`.

    Examples
    --------
    >>> X = [[0.0, 0.0], [0.1, 0.0], [3.0, 0.0], [3.0, 0.2], [0.0, 3.0], [0.1, 3.0]]
    >>> partial(X, [0, 0, 1, 1, 2, 2], (1, 0.5, 0)).report["collapsed"]
    {0: 2, 1: 1, 2: 0}
    """
    X, labels = _data(X, y, targets, loss)
    bias = as_flag(bias, "bias")
    Q = len(labels.classes)
    fractions = as_array(fractions, "fractions", 1)
    if fractions.shape != (Q,) or not ((fractions >= 0) & (fractions <= 1)).all():
        raise ValueError(f"fractions must be {Q} numbers from 0 to 1, got {quoted(fractions)}")
    frame = standard_frame(X)
    Z = frame(X)
    rng = as_rng(0 if rng is None else rng)
    layers, order = _collapse_groups(Z, labels, [[q] for q in range(Q)], [], rng)
    pulled, counts = [], {}
    current = Z
    for layer, q in zip(layers, order, strict=True):
        rows = np.flatnonzero(labels.index == q)
        layer, count = _pull_back(layer, current, current[rows], fractions[q])
        counts[labels.classes[q].item()] = count
        pulled.append(layer)
        a = current @ layer.W.T + layer.b
        current = np.linalg.solve(layer.W, (np.maximum(a, 0) - layer.b).T).T
    counts = {label: counts[label] for label in labels.classes.tolist()}
    name = "partial " + ", ".join(f"{f:g}" for f in fractions)
    return _finish(X, labels, pulled, order, [], frame, name, bias, loss, {"collapsed": counts})


def _pull_back(layer, everything, own, fraction):
    """Move the base back along the axis until only this fraction of `own` is dead."""
    axis = np.linalg.solve(layer.W, np.ones(len(layer.b)))  # moving along it shifts all rows alike
    ahead = (own @ layer.W.T + layer.b).max(axis=1)  # a point dies when the shift passes this
    count = round(fraction * len(own))
    levels = np.sort(ahead)
    if count == len(own):
        return layer, count
    if count == 0:
        shift = 1.5 * (everything @ layer.W.T + layer.b).min() - 1e-3 * np.ptp(levels)
    else:
        shift = (levels[count - 1] + levels[count]) / 2
    shift = min(shift, 0.0)
    moved = layer._replace(b=layer.b - shift, base=layer.base + shift * axis)
    return moved, int((own @ moved.W.T + moved.b <= 0).all(axis=1).sum())


def _data(X, y, targets, loss):
    X = as_points(X).astype(np.float64, copy=False)
    labels = as_labels(y, len(X), targets=targets)
    check_loss(loss, SQUARED)
    if len(labels.classes) < 2:
        raise ValueError(f"y must hold at least two classes, got {labels.classes.tolist()}")
    return X, labels


def _as_state(state, Q):
    values = state.tolist() if isinstance(state, np.ndarray) else state
    good = isinstance(values, list | tuple) and len(values) == Q
    if not good or not all(isinstance(v, Integral) and v in (0, 1) for v in values):
        raise ValueError(f"state must hold {Q} numbers 0 or 1, one per class, got {quoted(state)}")
    return tuple(int(v) for v in values)


def _build(X, labels, groups, idle, name, bias, loss, rng):
    frame = standard_frame(X)
    rng = as_rng(0 if rng is None else rng)
    layers, order = _collapse_groups(frame(X), labels, groups, idle, rng)
    return _finish(X, labels, layers, order, idle, frame, name, bias, loss, {})


def _collapse_groups(Z, labels, groups, idle, rng):
    """Collapse the groups in any order that works; then one layer without effect per idle class.

    Returns
    -------
    list of Collapse, list of int
        The layers, and the first class of each group (the idle classes last).
    """
    member = np.full(len(Z), -1)
    for g, group in enumerate(groups):
        member[np.isin(labels.index, group)] = g
    remaining = list(range(len(groups)))
    alive = np.ones(len(Z), bool)
    layers, order, bases = [], [], []
    while remaining:
        best = None
        for g in remaining:
            rest = Z[alive & (member != g)]
            keep = np.vstack([rest, *(p[None] for p in bases)])
            if not len(keep):  # a single group with nothing to be kept: any cone around it
                best = g, None, keep
                break
            answer = separate(keep, Z[member == g], rtol=1e-3)
            if answer.separable and (best is None or answer.margin > best[1].margin * (1 + 1e-3)):
                best = g, answer, keep
        if best is None:
            names = [[str(labels.classes[q]) for q in groups[g]] for g in remaining]
            raise ConstructionError(
                {"suboptimal": f"none of {names} could be separated from what is to be kept"}
            )
        g, answer, keep = best
        G = Z[member == g]
        if answer is None:
            layers.append(_swallow(G, rng))
        else:
            base = nearest_on_hyperplane(G.mean(axis=0), answer.normal, answer.offset, [])
            layers.append(collapse_layer(G, keep, answer.normal, base, rng))
        bases.append(layers[-1].base)
        alive &= member != g
        remaining.remove(g)
        order.append(groups[g][0])
    everything = np.vstack([Z, *(p[None] for p in bases)])
    for q in idle:
        layers.append(_leave_alone(everything, rng))
        order.append(q)
    return layers, order


def _leave_alone(points, rng):
    """A layer whose forward sector holds all points."""
    d = points.shape[1]
    axis = rng.standard_normal(d)
    R = rotation_to_diagonal(axis / np.linalg.norm(axis), rng)
    centre = points.mean(axis=0)
    size = float(np.linalg.norm(points - centre, axis=1).max()) or 1.0
    base = centre - 2 * np.sqrt(d) * size * axis / np.linalg.norm(axis)
    return Collapse(R, -R @ base, base, 1.0)


def _swallow(points, rng):
    """A layer whose backward sector holds all points."""
    kept = _leave_alone(points, rng)
    centre = points.mean(axis=0)
    base = 2 * centre - kept.base
    return Collapse(kept.W, -kept.W @ base, base, 1.0)


def _finish(X, labels, layers, order, idle, frame, name, bias, loss, report):
    try:
        layers = chained([(c.W, c.b) for c in layers])
    except Refused as refusal:
        raise ConstructionError({"suboptimal": str(refusal)}) from None
    layers[0] = frame.layer(*layers[0])
    try:
        layers = of_size_one(layers, X, rounding=np.round)
    except OverflowError as overflow:
        raise ConstructionError({"suboptimal": str(overflow)}) from None
    weights = point_weights(labels.index, class_weighted=loss == "class_weighted")
    # the paper's fit is linear in the truncated points: h - b^(L-1) = W^(L-1) x^(tau)
    offset = None if bias else cumulative_bias(layers)
    last = least_squares(last_hidden(layers, X), labels.Y, weights=weights, offset=offset)
    net = ReLUNetwork(*zip(*layers, last, strict=True))
    kinds = ["identity" if q in idle else "spread cone" for q in order]
    return describe(net, name, kinds, order, X, labels, report)
