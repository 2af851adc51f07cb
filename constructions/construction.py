"""`construct`: data in, a network with zero loss out, with the theorem that made it."""

from typing import NamedTuple

import numpy as np

from constructions.building.assembly import Frame, assemble, standard_frame
from constructions.building.result import ConstructionError, describe
from constructions.separation.separation import elimination_order
from constructions.theorems.clustered import cluster_hypotheses, collapse_clusters
from constructions.theorems.polyhedral import (
    check_faces,
    collapse_inside_then_outside,
    faces_of_cone,
    faces_of_simplex,
    find_faces,
)
from constructions.theorems.sequential import NotSequential, collapse_in_order
from constructions.theorems.universal import (
    ATTEMPTS,
    NotSeparated,
    collapse_everything,
    why_not_zero,
)
from geomcore.arrays import as_array, as_labels, as_points, as_rng
from geomcore.cones import PolyhedralCone
from geomcore.cumulative import layer_parameters


class _Draft(NamedTuple):
    """What a method hands back: hidden layers in a frame, and what to say about them."""

    layers: list
    kinds: list
    order: list
    frame: Frame
    report: dict
    homogeneous: bool = False


class _Refused(Exception):
    """A method does not apply."""

    def __init__(self, reason, certificates=None):
        super().__init__(reason)
        self.certificates = certificates or {}


def construct(
    X,
    y,
    method="auto",
    *,
    targets=None,
    rng=None,
    cone=None,
    simplex=None,
    hidden_width=None,
    base_points="free",
    robust=None,
    beam=None,
):
    """Build a ReLU network that maps every point exactly to the target of its class.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels, or target vectors (each distinct row is a class then).
    method : {"auto", "clustered", "sequential", "cone", "simplex", "universal"}, optional
        "auto" tries the others in this order; ``report["skipped"]`` says why
        each earlier one does not apply.
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

    Returns
    -------
    Construction

    Raises
    ------
    ValueError
        If the arguments do not fit together, a value is nan or inf, there is
        one class only, or equal points have different labels (which rows).
    ConstructionError
        If the method does not apply: which hypothesis fails, and by how much.

    Notes
    -----
    All but "clustered" work in coordinates that are centred and scaled
    feature by feature; the change of coordinates is folded into the first layer.

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
    if method not in ("auto", *_METHODS):
        raise ValueError(f"method must be one of {['auto', *_METHODS]}, got {method!r}")
    if base_points not in ("free", "segment"):
        raise ValueError(f"base_points must be 'free' or 'segment', got {base_points!r}")
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
    given = {"cone": cone, "simplex": simplex, "clustered": hidden_width, "universal": beam}
    names = {"clustered": "hidden_width", "universal": "beam"}
    for name, value in given.items():
        if value is not None and method not in ("auto", name):
            option = names.get(name, name)
            raise ValueError(f"{option} goes with method {name!r}, got method {method!r}")
    options = {
        "cone": _as_faces_of_cone(cone, X.shape[1]),
        "simplex": _as_faces_of_simplex(simplex, X.shape[1]),
        "hidden_width": hidden_width,
        "base_points": base_points,
        "robust": X.shape[1] <= 100 if robust is None else bool(robust),
        "beam": beam,
        "rng": as_rng(0 if rng is None else rng),
    }
    reasons, certificates = {}, {}
    for name in _METHODS if method == "auto" else (method,):
        try:
            draft = _METHODS[name](X, labels, options)
            return _finish(name, draft, X, labels, reasons)
        except _Refused as refusal:
            reasons[name] = str(refusal)
            certificates.update(refusal.certificates)
    raise ConstructionError(reasons, certificates)


def refuse_contradictions(X, index):
    """Raise ValueError if two equal points have different labels, naming their rows."""
    _, first, group = np.unique(X, axis=0, return_index=True, return_inverse=True)
    other = np.flatnonzero(index != index[first[group.reshape(-1)]])
    if len(other):
        row = int(other[0])
        raise ValueError(
            f"equal points must have equal labels: rows {int(first[group.reshape(-1)[row]])} and "
            f"{row} of X are equal but their labels differ ({len(other)} such rows in all)"
        )


def _as_faces_of_cone(cone, d):
    if cone is None:
        return None
    if not isinstance(cone, PolyhedralCone):
        try:
            base, edges = cone
        except (TypeError, ValueError):
            raise ValueError("cone must be a PolyhedralCone or a pair (base, edges)") from None
        cone = PolyhedralCone(base, edges)
    if len(cone.base) != d:
        raise ValueError(f"cone must live in R^{d} like the data, got R^{len(cone.base)}")
    return faces_of_cone(cone.base, cone.edges)


def _as_faces_of_simplex(simplex, d):
    if simplex is None:
        return None
    vertices = as_array(simplex, "simplex", 2)
    if vertices.shape[1] != d:
        raise ValueError(f"simplex must live in R^{d} like the data, got shape {vertices.shape}")
    return faces_of_simplex(vertices)


def _clustered(X, labels, options):
    Q, d = len(labels.classes), X.shape[1]
    if d < Q:
        raise _Refused(f"it needs at least {Q} features for {Q} classes, got {d}")
    width = d if options["hidden_width"] is None else options["hidden_width"]
    if not isinstance(width, int | np.integer) or not Q <= width <= d:
        raise ValueError(f"hidden_width must be an integer from {Q} to {d}, got {width!r}")
    clusters = cluster_hypotheses(X, labels.index)
    failed = [str(h) for h in clusters.hypotheses if not h.holds]
    if failed:
        raise _Refused("; ".join(failed))
    cumulative = collapse_clusters(clusters, width)
    net = layer_parameters([W for W, _ in cumulative], [b for _, b in cumulative])
    return _Draft(
        layers=list(zip(net.weights, net.biases, strict=True)),
        kinds=["circular cone"] * Q,
        order=list(range(Q)),
        frame=Frame(np.zeros(d), np.ones(d)),
        report={
            "hypotheses": [str(h) for h in clusters.hypotheses],
            "delta": clusters.radius,
            "theta": clusters.aperture,
            "parameters at width Q": Q * (d + Q**2),
            "numbers that describe the cones": Q * (d + 2),
        },
        homogeneous=True,
    )


def _sequential(X, labels, options):
    Q, d = len(labels.classes), X.shape[1]
    if d < Q - 1:
        raise _Refused(f"it needs at least {Q - 1} features for {Q} classes, got {d}")
    frame = standard_frame(X)
    Z = frame(X)
    found = elimination_order(Z, labels.index, rtol=1e-3 if Z.size < 10_000_000 else 0.05)
    if not found.complete:
        names = [str(labels.classes[q]) for q in found.stuck]
        proved = [q for q, c in found.stuck.items() if c is not None]
        certificates = {}
        for q in proved:
            certificates[labels.classes.tolist()[q]] = found.stuck[q]
        after = [str(labels.classes[q]) for q in found.order]
        raise _Refused(
            f"after removing classes {after} none of {names} can be separated from the others"
            + (
                " (proved: for each, a point common to both convex hulls)"
                if len(proved) == len(names)
                else f" ({len(names) - len(proved)} of them undecided in double precision)"
            ),
            certificates,
        )
    try:
        sequence = collapse_in_order(
            Z,
            labels.index,
            found,
            np.arange(Q),
            options["rng"],
            robust=options["robust"],
            segment=options["base_points"] == "segment",
        )
    except NotSequential as failure:
        raise _Refused(str(failure)) from None
    collapses = sequence.collapses
    net = layer_parameters([c.W for c in collapses], [c.b for c in collapses])
    return _Draft(
        layers=list(zip(net.weights, net.biases, strict=True)),
        kinds=["spread cone"] * Q,
        order=sequence.order,
        frame=frame,
        report={"margins": sequence.margins, "flatness": [c.flatness for c in collapses]},
    )


def _cone(X, labels, options):
    return _polyhedral(X, labels, options, "cone", range(2, X.shape[1] + 1))


def _simplex(X, labels, options):
    return _polyhedral(X, labels, options, "simplex", [X.shape[1] + 1])


def _polyhedral(X, labels, options, shape, counts):
    if len(labels.classes) != 2:
        raise _Refused(f"it needs exactly 2 classes, got {len(labels.classes)}")
    if not counts:
        raise _Refused(f"it needs at least 2 features, got {X.shape[1]}")
    frame = standard_frame(X)
    Z = frame(X)
    if options[shape] is not None:
        W, b = options[shape]
        faces = check_faces(W * frame.scale, b + W @ frame.centre, Z, labels.index)
    else:
        for k in counts:
            faces = find_faces(Z, labels.index, k, options["rng"])
            independent = np.linalg.matrix_rank(faces.W, tol=1e-8) == min(faces.W.shape)
            if faces.uncovered == 0 and independent:
                break
    if faces.uncovered:
        origin = "the given" if options[shape] is not None else "the best found"
        raise _Refused(
            f"{faces.uncovered} points are on the wrong side of {origin} {len(faces.b)} faces, "
            f"by up to {faces.violation:.3g} (features scaled to unit spread)"
        )
    layers = collapse_inside_then_outside(faces, Z, labels.index, options["rng"])
    if layers is None:
        raise _Refused("the second class is too near the faces to be collapsed in double precision")
    return _Draft(
        layers=layers,
        kinds=["faces", "spread cone"],
        order=[faces.inside, 1 - faces.inside],
        frame=frame,
        report={"inside": labels.classes.tolist()[faces.inside], "faces": len(faces.b)},
    )


def _universal(X, labels, options):
    frame = standard_frame(X)
    # every layer is stored in the coordinates of the data already
    plain = Frame(np.zeros(X.shape[1]), np.ones(X.shape[1]))
    failures = []
    for gap, flattest, again in ATTEMPTS:
        try:
            found = collapse_everything(
                X,
                labels.index,
                frame,
                options["rng"],
                beam=options["beam"],
                gap=gap,
                flattest=flattest,
                again=again,
            )
        except NotSeparated as failure:
            failures.append(str(failure))
            continue
        net = assemble(found.layers, plain, X, labels)
        problem = why_not_zero(net, X, labels)
        if problem is None:
            return _Draft(
                layers=found.layers,
                kinds=found.kinds,
                order=found.order,
                frame=plain,
                report={"peels": found.peels, "layers": len(found.layers) + 1},
            )
        failures.append(problem)
    raise _Refused(
        f"of {len(failures)} attempts the first: {failures[0]}; the last: {failures[-1]}"
    )


def _longest(labels):
    """Largest squared length of a target, at least 1."""
    return max(1.0, float((labels.targets**2).sum(axis=1).max()))


_METHODS = {
    "clustered": _clustered,
    "sequential": _sequential,
    "cone": _cone,
    "simplex": _simplex,
    "universal": _universal,
}


def _finish(method, draft, X, labels, skipped):
    """Assemble the network and describe its layers."""
    net = assemble(draft.layers, draft.frame, X, labels, homogeneous=draft.homogeneous)
    loss = float(((net(X) - labels.Y) ** 2).sum(axis=1).mean())
    if not loss <= 1e-12 * _longest(labels):
        raise _Refused(f"the network is too ill-conditioned for double precision: loss {loss:.2g}")
    return describe(
        net,
        method,
        draft.kinds,
        draft.order,
        X,
        labels,
        {"skipped": dict(skipped), "loss": loss, **draft.report},
    )
