r"""A ball of parameters from which gradient descent, the algorithm itself, provably returns.

Let L bound the spectral norm of the Hessian of the loss in a ball of radius r around a minimum in
which no activation flips. With a step of at most 1/L the loss falls in each step by at least half
the step times the squared gradient, and with :math:`\|\nabla C\|^2 \ge 4 s^2 (C - C^*)`, as for
`constructions.proof.basin.basin_of_return`, the whole way is at most
:math:`2 \sqrt{C - C^*} / s` long.

*The bound of the Hessian.* With e the motion of the layers and q_lj bounds on the norms of the
products :math:`P_{\ell j}` in the ball,

.. math:: q_{\ell j} \le \|P_{\ell j}\| + r \Big( \sum_{i > j} \|P_{\ell i}\|^2 q_{i-1, j}^2
          \Big)^{1/2},

the derivative of an output is at most :math:`(\sum_j q_{Lj}^2 s_j^2)^{1/2}`, and its second
derivative at most the largest eigenvalue of :math:`M + M^T`, :math:`M_{ij} = q_{Li} q_{i-1, j} s_j`
for j < i. The Hessian of the loss is
:math:`2 \sum_i \pi_i (J_i^T J_i + (o_i - y_i) \cdot \nabla^2 o_i)`, and the weighted residuals are
bounded by the root of the loss.

Everything is widened by `SLACK`, which is far above the rounding of these few sums.
"""

from typing import NamedTuple

import numpy as np

from constructions.proof.basin import QUIET, surroundings_of
from constructions.proof.exact import EPS
from constructions.proof.motion import SLACK, motions
from geomcore.display.lines import brief

BALLS = 400  # radii that are tried for a wanted lambda,
LARGE = 1e12  # up to so many times that
SMALL_BALLS = 25


class DescentBasin(NamedTuple):
    """A ball of parameters from which gradient descent provably returns.

    Attributes
    ----------
    radius : float
        Every perturbation of total Euclidean norm up to this returns.
    step : float
        Of gradient descent with all points at each step.
    rate : float
        C_k - C* <= (C_0 - C*) (1 - rate)^k after k steps.
    ball : float
        Radius of the ball that no iterate leaves.
    strength : float
        Lower bound on sigma_min of the class matrix in that ball; rate = 2 step strength^2.
    curvature : float
        Upper bound on the spectral norm of the Hessian in that ball, at most 1 / step.
    """

    radius: float
    step: float
    rate: float
    ball: float
    strength: float
    curvature: float

    __repr__ = brief


@QUIET
def basin_with_step(net, X, step, *, loss_bound, weights=None, rank, distance):
    """The `DescentBasin` of a step, or None; see `constructions.verification.descent`.

    What holds is true of a minimum with the least-squares last layer whose class matrix has as its
    rank, `rank`, the dimension of the space of outputs in the cell: that is for the caller to know.
    """
    around = _around(net, X, loss_bound, weights, rank, distance)
    if around is None:
        return None
    around, root = around
    top = _largest_ball(around, root, step)
    if not top > 0:
        return None
    ball = around.best_ball(top, times=2)
    # where the strength falls fast, small balls are best
    ball = max([ball, *np.geomspace(1e-6 * top, top, SMALL_BALLS)], key=lambda b: around.size(b, 2))
    radius = around.size(ball, times=2, rounds=5) - around.distance
    return _described(around, root, ball, radius, step) if radius > 0 else None


@QUIET
def basin_with_radius(net, X, radius, *, loss_bound, weights=None, rank, distance):
    """The `DescentBasin` of a wanted radius with the largest step, or None."""
    around = _around(net, X, loss_bound, weights, rank, distance)
    if around is None:
        return None
    around, root = around
    away = radius + around.distance
    # of the balls that are large enough the smallest one has the least curvature
    most = min(around.cell, LARGE * away)
    for ball in np.geomspace(away, most, BALLS) if away < most else ():
        s = around.strength(ball)
        if s > 0 and away + 2 * around.motion(away, -1) / s * (1 + SLACK) <= ball:
            step = (1 - 4 * EPS) / _curvature(around, root, ball)
            return _described(around, root, ball, radius, step) if step > 0 else None
    return None


def _around(net, X, loss_bound, weights, rank, distance):
    """What is known around the minimum, and the root of its loss; or None."""
    around = surroundings_of(net, X, weights=weights, rank=rank, distance=distance)
    if around is None:
        return None
    return around, float(np.sqrt(loss_bound) * (1 + SLACK))


def _described(around, root, ball, radius, step):
    s, curvature = around.strength(ball), _curvature(around, root, ball)
    rate = 2 * step * s**2 * (1 - 4 * EPS)
    return DescentBasin(*(float(v) for v in (radius, step, rate, ball, s, curvature)))


def _largest_ball(around, root, step):
    """The largest radius, up to that of the cell, with a curvature of at most 1 / step."""
    low, high = 0.0, around.cell
    if not np.isfinite(high):
        high = 1.0
        while _curvature(around, root, high) * step <= 1 and high < 1e100:
            high *= 2
    if _curvature(around, root, high) * step <= 1:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if _curvature(around, root, middle) * step <= 1 else (low, middle)
        )
    return low


def _curvature(around, root, ball):
    """Upper bound of the spectral norm of the Hessian of the loss in a ball; inf if none."""
    bounds = around.bounds
    G, L = bounds.lengths.shape
    speeds, _ = motions(bounds, ball)
    p = bounds.layers
    q = np.zeros((G, L, L))
    for l in range(L):
        for j in range(l, -1, -1):
            between = [p[:, l, i] * q[:, i - 1, j] for i in range(j + 1, l + 1)]
            more = ball * np.sqrt(sum((b**2 for b in between), np.zeros(G)))
            q[:, l, j] = (p[:, l, j] + more) * (1 + SLACK)
    first = ((q[:, -1] * speeds) ** 2).sum(axis=1)
    M = np.zeros((G, L, L))
    for i in range(L):
        for j in range(i):
            M[:, i, j] = q[:, -1, i] * q[:, i - 1, j] * speeds[:, j]
    if not (np.isfinite(M).all() and np.isfinite(first).all()):
        return np.inf
    second = np.linalg.norm(M + M.swapaxes(1, 2), 2, axis=(1, 2))
    residual = root + around.motion(ball, -1)
    total = first @ around.shares + np.sqrt(second**2 @ around.shares) * residual
    return float(2 * total * (1 + 10 * SLACK)) if np.isfinite(total) else np.inf
