"""`construct`: data in, a network with zero loss out, with the theorem that made it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from constructions.building.assembly import assemble, loss_scale
from constructions.building.draft import Refused
from constructions.building.result import Construction, ConstructionError, describe
from constructions.theorems.table import THEOREMS
from constructions.two_layer.optimum import best_two_layer
from geomcore.arrays import as_labels, as_points, as_positive, as_rng
from geomcore.foreign.choices import as_choice
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted
from geomcore.typing import ArrayLike, Seed

if TYPE_CHECKING:
    from constructions.typing import BasePoints, Method
    from geomcore.cones import PolyhedralCone

TWO_LAYER = "two-layer"
LOG = logging.getLogger("constructions")


@answers_keywords
def construct(
    X: ArrayLike,
    y: ArrayLike,
    method: Method = "auto",
    *,
    targets: ArrayLike | None = None,
    rng: Seed = None,
    cone: PolyhedralCone | tuple[ArrayLike, ArrayLike] | None = None,
    simplex: ArrayLike | None = None,
    hidden_width: int | None = None,
    base_points: BasePoints = "free",
    robust: bool | None = None,
    beam: int | None = None,
    weight_decay: float | None = None,
) -> Construction:
    """Build a ReLU network that maps every point exactly to the target of its class.

    Or, as "two-layer", the best network with one hidden layer and weight decay.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels, or target vectors (each distinct row is a class then).
    method : {"auto", "clustered", "sequential", "cone", "simplex", "universal", "two-layer"}, \
optional
        "auto" tries the others but the last in this order; ``report["skipped"]`` says why
        each earlier one does not apply. "two-layer" fits the targets only as far as its weight
        decay leaves it worth while: see `best_two_layer`.
    targets : array_like, shape (Q, k), optional
        Output for each label in sorted order; default one-hot rows.
    rng : numpy.random.Generator or seed, optional
        For the orientation of cones and the search for faces; default 0, so that
        equal calls give equal networks.
    cone : PolyhedralCone or (base, edges), optional
        For "cone": one class lies in its backward sector. Found from the data if not given.
    simplex : array_like, shape (d + 1, d), optional
        For "simplex": vertices; one class lies inside. Found from the data if not given.
    hidden_width : int, optional
        For "clustered": width of the hidden layers, from Q to d (default d).
    base_points : {"free", "segment"}, optional
        For "sequential": "segment" keeps each base point on the segment from its
        class mean to the mean of the class means, as the paper does; that can
        fail where free base points serve.
    robust : bool, optional
        For "sequential": place free base points by second-order cone programs, which
        makes the layers better conditioned. Default: up to 100 features.
    beam : int, optional
        For "universal": width of the search for few layers (default: by the size of the data).
    weight_decay : float, optional
        For "two-layer", which needs it; ``report`` then has the loss with its decay, the proved
        ``lower_bound`` for all widths, and the relative ``gap``.

    Returns
    -------
    Construction

    Raises
    ------
    ValueError
        If the arguments do not fit together, a value is nan or inf, there is
        one class only, equal points have different labels (which rows), or a
        feature spreads by less than 1e-301.
    ConstructionError
        If the method does not apply: which hypothesis fails, and by how much.

    Notes
    -----
    All but "clustered" work in coordinates that are centred and scaled
    feature by feature; the change of coordinates is folded into the first layer.

    "cone", "simplex" and "universal" search, which can take seconds or minutes: the logger
    "constructions" is told, at level INFO, before one of them begins.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2405.07098, Prop. 4.1, Thm 5.2.
    .. [2] P. Muñoz Ewald, arXiv:2504.18710, Prop. 3.1, Thm 3.3.

    Examples
    --------
    >>> X = [[0.0, 0.0], [0.1, 0.0], [3.0, 0.0], [3.0, 0.2], [0.0, 3.0], [0.1, 3.0]]
    >>> found = construct(X, ["a", "a", "b", "b", "c", "c"], "sequential")
    >>> found.network.widths
    (2, 2, 2, 2, 3)
    >>> np.abs(found.network(X) - np.repeat(np.eye(3), 2, axis=0)).max() < 1e-12
    np.True_
    """
    arguments = locals()
    given = {option: arguments[option] for row in THEOREMS.values() for option in row.options}
    method = as_choice(method, ("auto", *THEOREMS, TWO_LAYER), "method")
    X = as_points(X).astype(np.float64, copy=False)
    labels = as_labels(y, len(X), targets=targets)
    if X.shape[1] == 0:
        raise ValueError(f"X must have at least one column, got shape {X.shape}")
    if len(labels.classes) < 2 and method != "universal":
        raise ValueError(
            f"y must hold at least two classes, got {labels.classes.tolist()} "
            "(method='universal' accepts one)"
        )
    refuse_contradictions(X, labels.index)
    options = _checked(given, method, X, labels)
    if weight_decay is not None and method != TWO_LAYER:
        raise ValueError(f"weight_decay goes with method {TWO_LAYER!r}, got method {method!r}")
    rng = as_rng(0 if rng is None else rng)
    if method == TWO_LAYER:
        return _with_decay(X, labels, as_positive(weight_decay, "weight_decay"), rng)
    reasons, certificates = {}, {}
    for name in THEOREMS if method == "auto" else (method,):
        if THEOREMS[name].searches:
            LOG.info("constructing: %s", name)
        try:
            draft = THEOREMS[name].draft(X, labels, rng, **options[name])
            return _finished(name, draft, X, labels, reasons)
        except Refused as refusal:
            reasons[name] = str(refusal)
            certificates.update(refusal.certificates)
        except OverflowError as overflow:
            reasons[name] = f"it is beyond double precision: {overflow}"
    raise ConstructionError(reasons, certificates)


def refuse_contradictions(X, index):
    """Raise ValueError if two equal points have different labels, naming their rows."""
    _, first, group = np.unique(X, axis=0, return_index=True, return_inverse=True)
    other = np.flatnonzero(index != index[first[group.reshape(-1)]])
    if len(other):
        row = int(other[0])
        raise ValueError(
            f"equal points must have equal labels: rows {int(first[group.reshape(-1)[row]])} and "
            f"{row} of X are equal but their labels differ "
            f"({counted(len(other), 'such row')} in all)"
        )


def _checked(given, method, X, labels):
    """The options of each theorem, checked; ValueError for one that goes with another method."""
    options = {name: {} for name in THEOREMS}
    for name, theorem in THEOREMS.items():
        for option, check in theorem.options.items():
            value = given[option]
            if value is not None and theorem.exclusive and method not in ("auto", name):
                raise ValueError(f"{option} goes with method {name!r}, got method {method!r}")
            options[name][option] = check(value, X, labels)
    return options


def _with_decay(X, labels, weight_decay, rng):
    """The best two-layer network as a `Construction`, which has no layers that collapse classes."""
    best = best_two_layer(X, labels.Y, weight_decay=weight_decay, rng=rng)
    classes = labels.classes.tolist()
    report = {
        "skipped": {},
        "parameters": best.network.parameter_count,
        "loss": best.loss,
        "lower_bound": best.lower_bound,
        "gap": best.gap,
        "weight_decay": weight_decay,
        "hypotheses": best.summary().splitlines(),
    }
    return Construction(best.network, TWO_LAYER, (), classes, labels.targets, [], report)


def _finished(method, draft, X, labels, skipped):
    """Assemble the network and describe its layers."""
    net = assemble(draft.layers, draft.frame, X, labels, homogeneous=draft.homogeneous)
    loss = float(((net(X) - labels.Y) ** 2).sum(axis=1).mean())
    if not loss <= 1e-12 * loss_scale(labels):
        raise Refused(f"the network is too ill-conditioned for double precision: loss {loss:.2g}")
    report = {"skipped": dict(skipped), "loss": loss, **draft.report}
    try:
        return describe(net, method, draft.kinds, draft.order, X, labels, report)
    except ValueError as overflow:
        raise Refused(f"the network is too ill-conditioned: {overflow}") from None
