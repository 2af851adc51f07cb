"""The front door: from a trained network to the critical point that it is near."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from constructions.critical.entropies import block_of
from geomcore.arrays import as_labels, as_points, as_positive, check_network, check_outputs
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.network import ReLUNetwork
from geomcore.threads import single_threaded_blas
from geomcore.typing import ArrayLike, LossName
from geomcore.weighting import point_weights
from training.settling.arguments import check_kind, check_size
from training.settling.face import row_space, slice_of
from training.settling.newton import exact_system, finished
from training.settling.problem import (
    balanced,
    evened,
    network_of,
    parameters_of,
    problem_of,
    scale_of,
)
from training.settling.search import Clock, critical_near
from training.settling.settled import KinkedPair, Settled

RISE = 1e-10  # of the loss, or of the longest squared target: more is no rounding that matters


@answers_keywords
@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")  # looked for
def settle(
    net: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: LossName = "mse",
    weight_decay: float = 0.0,
    targets: ArrayLike | None = None,
    seconds: float = 300.0,
    told: Callable[[str], object] | None = None,
) -> Settled:
    r"""Bring a trained network onto the critical point of its loss that training left it near.

    The network descends by BFGS, which converges to kinks, until nothing moves. Then Newton's
    method looks for a point where, for some pairs a of a point and a hidden unit with
    pre-activation z_a,

    .. math:: \nabla C + \sum_a \mu_a \nabla z_a = 0, \quad z_a = 0, \quad
              0 \le \mu_a \le \delta_a .

    Here C is the loss with these units off, and :math:`\delta_a` how fast it rises in the output
    of the unit. What is near a saddle goes on downhill. Nothing is proved; `constructions.verify`
    does that, and needs a network that stands as close to the exact point as floats are.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels, or target vectors.
    loss : {"mse", "class_weighted", "cross_entropy", "bce"}
        The mean over points of the squared error norm, or the sum over classes of that mean; or
        the mean over points of the cross-entropy of the softmax, or of the logistic function, of
        the outputs, the latter summed over outputs.
    weight_decay : float
        Half of it times the sum of the squares of all weights and biases is added.
    targets : array_like, shape (Q, k), optional
        Output wanted for each label in sorted order; default one-hot rows.
    seconds : float
        After which no more is tried. What ends in half of it does not depend on it.
    told : callable, optional
        Of a short text, called before each round of descents.

    Returns
    -------
    Settled
        Its loss is not above that of `net`, but for rounding.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a value or the loss is nan or inf, the loss is another
        one or makes no sense of the targets, the network is too large, or its weights are so large
        that rounding raises the loss.

    Notes
    -----
    Same arguments, same result, unless the time is over. What is near a smooth point, or one on a
    few kinks, takes below a second. 200 parameters on 200 points with thirty kinks take one to two
    seconds, and two to five times that where they run to infinity; rounding decides which way a
    descent goes there, and how long. What falls by less than 1e-5 of the loss in each of four
    rounds is given up. 2000 parameters take half a minute to zero loss on 500 points; with many
    kinks on 1000 points each step takes a fifth to a third of a second, and there may be hundreds:
    digits with 61-25-10 and some 150 kinks took one to two minutes. What does not end in `seconds`
    says so in its summary, with the gradient. The largest problem has 3000 parameters and 3e7
    entries in the derivative of all outputs.

    A cross-entropy without weight decay has no critical point where every output is on the right
    side: there it "runs to infinity", and so it is said at once. With weight decay, units that are
    never on are put to zero, where their kink is at all points; they are in no list of kinks.

    References
    ----------
    .. [1] A. S. Lewis and M. L. Overton, Nonsmooth optimization via quasi-Newton methods,
       Mathematical Programming 141 (2013).

    Examples
    --------
    >>> net = ReLUNetwork([[[1.0]], [[0.9]]], [[0.1], [0.2]])
    >>> settled = settle(net, [[0.0], [1.0], [2.0]], [[0.0], [1.0], [4.0]])
    >>> settled.reason, round(settled.loss, 9)
    ('critical point', 0.0)
    """
    check_network(net, ReLUNetwork)
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    labels = as_labels(y, len(X), targets=targets)
    check_outputs(net, labels, y, targets)
    weight_decay = check_kind(loss, weight_decay, labels.targets)
    if not (told is None or callable(told)) or isinstance(told, type):
        raise ValueError(f"told must be a function of a text or None, got {quoted(told)}")
    clock = Clock(as_positive(seconds, "seconds"), told)
    check_size(net, len(X))
    weights = point_weights(labels.index, class_weighted=loss == "class_weighted")
    block = block_of(loss, slice(0, len(X)), weights, net.widths[-1])
    problem = problem_of(net, X, labels, weights, loss=loss, weight_decay=weight_decay)
    theta = _even(problem.widths, parameters_of(problem, net))
    before, unit = _loss(net, X, labels, block, weight_decay), float((labels.Y**2).sum(1).max())
    if not np.isfinite([before, problem.loss(theta)]).all() or not np.isfinite(theta).all():
        raise ValueError("net must have a loss that is a finite float, got one that overflows")
    try:
        # one thread: its matrices are small, and the same arguments give the same bits
        with single_threaded_blas():
            point, theta, reason = critical_near(problem, theta, clock)
            theta, factors = evened(problem, theta)
            if point is not None:
                scale = np.array([factors[l][u] for l, _, u in point.kinks])
                mu = point.multipliers / scale
                point = finished(problem, theta, point.kinks, mu, point.masks)._replace(
                    is_fitted=point.is_fitted
                )
            gradient_norm = _gradient_norm(problem, point, theta)
            spectrum = _spectrum(problem, point)
    except (np.linalg.LinAlgError, ValueError) as error:
        raise ValueError(
            f"net, X and y must hold numbers of moderate size to be settled: {error}"
        ) from None
    try:
        network = network_of(problem, net, theta)
    except ValueError:
        raise ValueError(
            "net, X and y must hold numbers of moderate size to be settled: weights overflow"
        ) from None
    after = _loss(network, X, labels, block, weight_decay)
    if before == 0 < after:  # it cannot be better than it was
        network, after = net, before
    if not after <= before + RISE * max(before, unit):
        raise ValueError(
            "net, X and y must hold numbers of moderate size to be settled: by rounding alone the "
            f"loss rises from {before:.3g} to {after:.3g}"
        )
    ends = [n.packed()[0] for n in (net, network)]
    # with weight decay scaling units changes the loss: it is a move like any other
    even = ends if weight_decay else [_even(net.widths, end) for end in ends]
    return Settled(
        network=network,
        reason=reason,
        loss=after,
        loss_before=before,
        moved=float(np.linalg.norm(even[1] - even[0])),
        moved_by_rescaling=float(np.linalg.norm(even[0] - ends[0])),
        is_fitted=point is not None and point.is_fitted,
        kinks=_kinks(problem, point),
        gradient_norm=gradient_norm,
        spectrum=spectrum,
        loss_name=loss,
        weight_decay=float(weight_decay),
    )


def _even(widths, theta):
    """Balanced; scales that are powers of two leave no trace in it."""
    return balanced(widths, balanced(widths, theta), rounded=False)


def _loss(net, X, labels, block, weight_decay):
    value = block.value(net(X), labels.Y)
    return float(value + 0.5 * weight_decay * sum((t**2).sum() for t in net.tensors))


def _kinks(problem, point):
    if point is None:
        return ()
    unit = problem.size**2
    rows = zip(point.kinks, point.multipliers, point.rises, strict=True)
    return tuple(
        sorted(
            KinkedPair(l + 1, int(problem.first[i]), u, float(mu) * unit, float(rise) * unit)
            for (l, i, u), mu, rise in rows
        )
    )


def _gradient_norm(problem, point, theta):
    """Of the Lagrangian, in the units of the network."""
    if point is None:
        slope = problem.loss_and_gradient(theta)[1]
    else:
        cell = problem.cell(point.masks, point.kinks)
        slope = exact_system(cell, point.theta, point.multipliers)[: len(theta)]
    return float(problem.size**2 * np.linalg.norm(scale_of(problem) * slope))


def _spectrum(problem, point):
    """Of the Lagrangian, on the directions that count while kinks stay."""
    if point is None:
        return np.zeros(0)
    scale = scale_of(problem)
    H, basis, Z = slice_of(problem, point)
    if len(Z):
        basis = basis @ row_space(Z * scale @ basis)[1]
    H = problem.size**2 * H * scale * scale[:, None]
    return np.linalg.eigvalsh(basis.T @ H @ basis)
