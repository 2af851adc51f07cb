"""What a network is on given data: recomputed from the network and the data alone."""

import numpy as np
from flint import arb, arb_mat

from constructions.proof.basin import radius_and_basin
from constructions.proof.cell import local_minimum
from constructions.proof.certificate import Certificate, Check, check_loss
from constructions.proof.derivatives import length
from constructions.proof.enclosure import enclose, point_key
from constructions.proof.exact import EPS, ball_matrix, length_above, precision
from constructions.proof.last_layer import last_layer_minimum
from constructions.proof.stationarity import LocalProblem, Refutation, refute
from geomcore.arrays import as_labels, as_points, as_rtol
from geomcore.cumulative import cumulative_parameters
from geomcore.network import ReLUNetwork
from geomcore.parameters import selected
from geomcore.truncation import step_defect, truncation_steps
from geomcore.weighting import points_sharing

LARGE_BASIN = 3_000_000  # points times units up to which the cell radius is computed


def verify(
    net,
    X,
    y,
    *,
    targets=None,
    loss="mse",
    subset=None,
    exact=False,
    rtol=1e-8,
    gtol=1e-9,
):
    r"""Find out what a network is on given data, and prove what can be proved.

    Nothing is taken from how the network was made. The stored network is
    followed in ball arithmetic, which fixes the activation pattern of the
    exact network and bounds its loss. Then, in this order:

    "global minimum"
        A network with loss exactly zero is proved to exist next to the stored
        one: same hidden layers, and a last layer that differs by at most `rtol`
        times its norm; and the stored outputs are off by at most `rtol` times
        the longest target (in root mean square), so that large idle weights
        excuse nothing.
    "local minimum"
        The same hidden layers with their least-squares last layer, which is as
        near, reach the lower bound that holds for the whole activation cell.
    "not stationary"
        The gradient is not zero (on a kink: a one-sided slope is negative); the
        witness is a step that lowers the loss.
    "saddle"
        The gradient is zero to rounding, and the Hessian has a negative
        eigenvalue, or the loss falls along a line at a higher order (on a
        kink, one-sided); the witness is a step along that direction.
    "undetermined"
        None of these.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d_0)
    y : array_like, shape (N,) or (N, d_L)
        Labels (one-hot targets in sorted order of the labels), or targets.
    targets : array_like, shape (Q, d_L), optional
        Target of each label in sorted order.
    loss : {"mse", "class_weighted"}, optional
        Mean over all points of the squared error norm, or the sum over classes
        of the mean over the class (CE24 (2.13)).
    subset : str or sequence of str, optional
        The tensors that may move: names "W1", "b1", ..., or "last" for the last
        layer, or "cumulative" for the last cumulative weight W^(L) with its
        cumulative bias b^(L) held (the parameters in which CE23 (2.71) is a
        minimum). Default all.
    exact : bool, optional
        Carry so many digits that nothing is rounded; for small networks.
    rtol : float, optional
        Largest relative distance of the exact last layer, and largest relative error.
    gtol : float, optional
        A gradient counts as zero below this fraction of the size of its terms.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If the shapes do not fit together, a value is nan or inf, or a name is unknown.

    Notes
    -----
    Let all points that share a last hidden output h_g have one target y_g. If
    the vectors (h_g, 1) are linearly independent, proved by inverting their
    Gram matrix in balls, then :math:`[W_L\; b_L] + R G^{-1} H^T` maps every
    h_g to y_g exactly, where R holds the residuals and G = H^T H. The proof
    of local minima is in docs/minima.md.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2405.07098, (2.11), (2.13), (3.6).
    .. [2] T. Chen and P. Muñoz Ewald, arXiv:2309.10639, Theorems 2.4 and 2.5.

    Examples
    --------
    >>> net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    >>> verify(net, [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]).verdict
    'global minimum'
    >>> refuted = verify(net, [[0.0], [2.0], [3.0]], [[1.5], [0.0], [0.0]])
    >>> refuted.verdict, refuted.witness["loss"] < refuted.loss
    ('not stationary', True)
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
    check_loss(loss)
    names = _tensor_names(net, subset)
    rtol, gtol = as_rtol(rtol, X.shape), as_rtol(gtol, X.shape)

    enclosure = enclose(net, X, labels, exact=exact)
    problem = _problem(net, X, labels, loss, names, subset == "cumulative", enclosure)
    loss_bound, loss_floor = problem.bounds(enclosure)
    zero_distance, rank, zero_why = _exact_last_layer(net, X, labels, enclosure)
    longest = float((labels.targets**2).sum(axis=1).max()) or 1.0
    reach = rtol * _norm(net.weights[-1], net.biases[-1])
    zero = (
        zero_distance is not None
        and zero_distance <= reach
        and enclosure.loss_bound <= rtol**2 * longest
    )
    checks = [
        _pattern_check(enclosure),
        Check("exactly zero loss next to it", zero, zero_distance, zero_why),
    ]
    distance, lower = zero_distance, 0.0
    local = False
    refutation = Refutation("undetermined", False, None, None, "")
    if not zero:
        proof, why = _minimum(problem, names)
        local = (
            proof is not None
            and proof.distance <= reach
            and loss_bound <= proof.ceiling * (1 + 4 * EPS) + rtol**2 * longest
        )
        if proof is not None:
            lower = proof.bound
            distance = proof.distance if distance is None else distance
        checks.append(Check("meets the lower bound of its cell", local, distance, why))
        if not local:
            refutation = refute(problem, gtol=gtol)
            checks.append(
                Check("no descent found", refutation.witness is None, None, refutation.detail)
            )
    verdict = "global minimum" if zero else "local minimum" if local else refutation.verdict
    radius, basin = None, None
    if zero or local:
        if zero and not rank:
            found = _minimum(problem, names)[0]
            rank = found.rank if found is not None else 0
        elif not zero:
            rank = proof.rank
        radius, basin = _radius_and_basin(problem, rank, zero_distance if zero else proof.distance)

    norms = [_norm(W, b) for W, b in zip(net.weights[:-1], net.biases[:-1], strict=True)]
    margins = tuple(
        float(m / n) if n > 0 else 0.0 for m, n in zip(enclosure.margins, norms, strict=True)
    )
    output = net(X)
    error = ((output - labels.Y) ** 2).sum(axis=1)
    sizes = np.bincount(labels.index)
    return Certificate(
        verdict=verdict,
        proved=bool(zero or local or refutation.proved),
        loss_name=loss,
        subset=None if subset is None else names if problem.offset is None else ("cumulative",),
        loss=float(error.mean()),
        class_weighted_loss=float((np.bincount(labels.index, error) / sizes).sum()),
        loss_bound=loss_bound,
        loss_floor=loss_floor,
        lower_bound=lower,
        accuracy=float((nearest_target(output, labels.targets) == labels.index).mean()),
        gradient_norm=length(problem.gradient()),
        activation_margin=min(margins, default=np.inf),
        margins=margins,
        distance=distance,
        radius=radius,
        basin=basin,
        witness=refutation.witness,
        smallest_eigenvalue=refutation.smallest_eigenvalue,
        checks=(*checks, *_truncation_checks(net, X, labels)),
        points=len(X),
        widths=net.widths,
        bits=enclosure.bits,
    )


def _tensor_names(net, subset):
    """The names of the tensors that may move."""
    if subset is None:
        return net.names
    if isinstance(subset, str):
        subset = net.names[-2:] if subset in ("last", "cumulative") else (subset,)
    also = "'last', 'cumulative' or "
    return tuple(net.names[i] for i in selected(net.names, subset, argument="subset", also=also))


def _problem(net, X, labels, loss, names, cumulative, enclosure):
    sharing = points_sharing(labels.index, class_weighted=loss == "class_weighted")
    _, first = np.unique(labels.index, return_index=True)
    with precision(enclosure.bits):
        per_class = [arb(1) / n for n in sharing[first].tolist()]
    moving = [name in names for name in net.names]
    free = np.repeat(moving, [tensor.size for tensor in net.tensors])
    exact = [per_class[q] for q in labels.index]
    offset = None
    if cumulative:
        offset = cumulative_parameters(net)[1][-2] if len(net.weights) > 1 else 0 * X[0]
    return LocalProblem(
        net, X, labels, loss, 1 / sharing, exact, per_class, free, offset, enclosure
    )


def _minimum(problem, names):
    """A proof that a minimum is near, in all parameters or in those of the last layer."""
    net, enclosure = problem.net, problem.enclosure
    L = len(net.weights)
    if set(names) <= {f"W{L}", f"b{L}"}:
        return last_layer_minimum(problem, f"W{L}" in names, f"b{L}" in names)
    if enclosure.undecided or enclosure.kinks:
        return None, "a pre-activation may be zero, so there is no cell around the point"
    if f"W{L}" not in names or f"b{L}" not in names:
        return None, "the last layer is held fixed, at least in part"
    return local_minimum(net, problem.labels, problem.X, problem.per_class, enclosure)


def _radius_and_basin(problem, rank, distance):
    """Cell radius, and basin of return if the rank is proved, for problems small enough."""
    net, X, enclosure = problem.net, problem.X, problem.enclosure
    whole = problem.free.all() and problem.offset is None
    if enclosure.undecided or enclosure.kinks or not whole:
        return None, None
    if len(X) * sum(net.widths) > LARGE_BASIN:
        return None, None
    radius, basin = radius_and_basin(net, X, weights=problem.weights, rank=rank, distance=distance)
    radius = max(radius - distance, 0.0)
    return radius, None if basin is None else {k: float(v) for k, v in basin._asdict().items()}


def _norm(W, b):
    return float(np.hypot(np.linalg.norm(W), np.linalg.norm(b)))


def nearest_target(output, targets):
    """Index of the target nearest to each output, shape (N,)."""
    return ((targets**2).sum(axis=1) - 2 * output @ targets.T).argmin(axis=1)


def _exact_last_layer(net, X, labels, enclosure):
    """What makes the loss exactly zero.

    Returns
    -------
    (float or None, int, str)
        Proved bound on the change of (W_L, b_L); the proved number of independent
        rows (h, 1), one for each group of points that are tied together in the
        cell, or 0; and a sentence.
    """
    if enclosure.loss_bound == 0:
        return 0.0, 0, "the loss of the stored network is exactly zero"
    width = net.widths[-2]
    groups = _distinct(enclosure.groups, X)
    count = len(groups) + len(enclosure.clean)
    for group in groups:
        present = labels.targets[np.unique(labels.index[group.rows])]
        if (present != present[0]).any():
            return None, 0, "points with different targets share one last hidden output"
    if count > width + 1:
        return None, 0, f"{count} different last hidden outputs, but only {width + 1} are free"
    if len(enclosure.clean):
        return None, 0, f"{len(enclosure.clean)} points are active everywhere, so never collapsed"
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
                0,
                "the last hidden outputs are not proved affinely independent",
            )
        distance = length_above(change.entries())
    return distance, count, f"the last layer moves by at most {distance:.2g}"


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
