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

*Steps in floating point.* Let each step be off by at most :math:`\varepsilon`, and let G bound the
derivative of the outputs in the ball, and so that of :math:`\sqrt f`, f the loss above the minimum.
A step of exact arithmetic takes :math:`\sqrt f` to at most :math:`\sqrt{1 - \rho} \sqrt f`, with
:math:`\rho = 2 \eta s^2`, and its error raises it by at most :math:`G \varepsilon`, so that

.. math:: \sqrt{f_k} \le (1 - \rho)^{k/2} \sqrt{f_0} + 2 G \varepsilon / \rho .

The way of K steps is at most :math:`2 \sqrt{f_0} / s + K \varepsilon (1 + 2 G / s)` long: errors
add up, and along directions in which the loss is flat nothing takes them back. So it is for a
number of steps that the radius is given.

*The error of a step.* In binary64 arithmetic, whatever the order of the sums, fused or not, the
outputs at a point are those of a network whose parameters differ relatively by at most
:math:`\gamma = (n + 1) u / (1 - (n + 1) u)`, n the largest width, and back-propagation is that of
another such one: each is at most :math:`\gamma T` away, T the largest norm of the parameters in the
ball, and so has the same activations if it is in the cell. A block of the gradient has the layers
before it from the first and those behind it from the second, so that the change of the derivative
is bounded twice. With :math:`F = \sum_i \pi_i |J_i|^2` and the second derivatives bounded as above,
a gradient is off by at most

.. math:: 2 \gamma T (F + 2 R' (\sum_i \pi_i |\nabla^2 o_i|^2)^{1/2}) + 2 \kappa \sqrt F R',

:math:`R' = R + \sqrt F \gamma T`, R a bound of the root of the loss, and :math:`\kappa` that of as
many terms as there are points. The subtraction and the product with the step add some u each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from constructions.proof.affine import LEAST, UNIT, lengths_above
from constructions.proof.basin import QUIET, surroundings_of
from constructions.proof.exact import EPS, TINY
from constructions.proof.motion import SLACK, motions
from geomcore.display.lines import told_in_brief

BALLS = 400  # radii that are tried for a wanted lambda,
LARGE = 1e12  # up to so many times that
SMALL_BALLS = 25
MOST_STEPS = 2**1000  # more than that lead as far as one likes


@told_in_brief
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
    steps : int or None
        For so many steps in double precision all this is said; None: for any number of exact ones.
    residue : float
        What their rounding may leave of the root of the loss, 0 for exact ones:
        sqrt(C_k - C*) <= (1 - rate)^(k/2) sqrt(C_0 - C*) + residue, instead of what `rate` says.
    """

    radius: float
    step: float
    rate: float
    ball: float
    strength: float
    curvature: float
    steps: int | None = None
    residue: float = 0.0


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
    if not top > LEAST:
        return None
    ball = around.best_ball(top, times=2)
    # where the strength falls fast, small balls are best
    ball = max([ball, *np.geomspace(1e-6 * top, top, SMALL_BALLS)], key=lambda b: around.size(b, 2))
    radius = around.size(ball, times=2, rounds=5) - around.distance
    return _described(around, root, ball, radius, step)


@QUIET
def basin_with_rounding(net, X, step, steps, *, loss_bound, weights=None, rank, distance):
    """The `DescentBasin` of so many steps in double precision, or None."""
    around = _around(net, X, loss_bound, weights, rank, distance)
    if around is None:
        return None
    around, root = around
    size = float(lengths_above(net.packed()[0][None])[0]) + distance
    known = {"size": size, "width": max(net.widths), "points": len(X)}

    def error(ball):
        return step_error(around, root, ball, step, **known)

    return basin_with_errors(around, root, step, steps, error)


def basin_with_errors(around, root, step, steps, error):
    """The `DescentBasin` of steps that are off, or None.

    ``error(ball)`` is what a step from a ball may be off, and by how much less than `ball` the
    radius must be for that to hold.
    """
    top = _largest_ball(around, root, step)
    if not top > LEAST:
        return None

    def slope(ball):
        return np.sqrt(_derivatives(around, root, ball).first)

    def radius(ball):
        s = around.strength(ball)
        if not s > 0:
            return 0.0
        off, margin = error(ball)
        drift = float(min(steps, MOST_STEPS)) * off * (1 + 2 * slope(ball) / s) * (1 + SLACK)
        return _reach(around, s, ball - margin - drift) - around.distance

    balls = top, around.best_ball(top, times=2), *np.geomspace(1e-6 * top, top, SMALL_BALLS)
    ball = max(balls, key=radius)
    found = _described(around, root, ball, radius(ball), step)
    if found is None:
        return None
    residue = float(2 * slope(ball) * error(ball)[0] / found.rate * (1 + SLACK))
    return found._replace(steps=steps, residue=residue) if np.isfinite(residue) else None


def step_error(around, root, ball, step, *, size, width, points):
    """How far a step in double precision may be off in a ball, and the margin that it needs.

    Parameters
    ----------
    size : float
        Bound of the norm of the parameters at the minimum.
    width, points : int
        Of the widest layer; of the sums over points.
    """
    size = size + ball
    gamma = 4 * (width + 4) * UNIT * size + width * LEAST
    kappa = 4 * (points + 16) * UNIT
    known = _derivatives(around, root, ball)
    first = np.sqrt(known.first)
    residual = known.residual + first * gamma
    off = gamma * (known.first + 2 * known.spread * residual) + kappa * first * residual
    # what underflow takes from a term of the gradient, carried on through all layers
    off = 2 * off * (1 + SLACK) + LEAST * points * (1 + known.reach)
    gradient = 2 * first * known.residual + off
    return (step * (off + 8 * UNIT * gradient) + 2 * UNIT * size + LEAST) * (1 + SLACK), 3 * gamma


def _reach(around, strength, left):
    """The largest lambda with lambda + 2 sqrt(C - C*) / strength <= left, from below."""
    low, high = 0.0, max(left, 0.0)
    for _ in range(60):
        middle = (low + high) / 2
        fits = middle + 2 * around.motion(middle, -1) / strength * (1 + SLACK) <= left
        low, high = (middle, high) if fits else (low, middle)
    return low


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
            return _described(around, root, ball, radius, step)
    return None


@QUIET
def curvature_at_minimum(net, X, *, loss_bound, weights=None, rank, distance):
    """Bounds, from below and from above, of the spectral norm of the Hessian at the minimum.

    Arguments as for `basin_with_step`. The lower one is that of the last layer alone, in which the
    Hessian is twice the Gram matrix of the rows (h, 1): no step above its inverse has a ball.
    """
    found = _around(net, X, loss_bound, weights, rank, distance)
    if found is None:
        return 0.0, np.inf
    around, root = found
    shares = np.full(len(X), 1 / len(X)) if weights is None else weights
    design = np.column_stack([net.hidden(X)[-1], np.ones(len(X))]) * np.sqrt(shares)[:, None]
    # a sum of roundings, each of a share of a row, by the triangle inequality
    off = around.bounds.rounding * np.sqrt(shares.sum())
    off += 10 * max(design.shape) * EPS * lengths_above(design.reshape(1, -1))[0]
    least = max(np.linalg.norm(design, 2) * (1 - SLACK) - off, 0.0)
    return float(2 * least**2 * (1 - SLACK)), _curvature(around, root, 0.0)


def _around(net, X, loss_bound, weights, rank, distance):
    """What is known around the minimum, and the root of its loss; or None."""
    around = surroundings_of(net, X, weights=weights, rank=rank, distance=distance)
    if around is None:
        return None
    return around, float(np.sqrt(loss_bound) * (1 + SLACK))


def _described(around, root, ball, radius, step):
    """The basin; None if a number of it is not positive, or too small to be rounded down.

    `SLACK` is relative, and so no margin for a radius of few bits.
    """
    s, curvature = around.strength(ball), _curvature(around, root, ball)
    part = 2 * step * s
    rate = part * s * (1 - 4 * EPS)
    if not (radius > LEAST and min(part, rate) > TINY):
        return None
    return DescentBasin(*(float(v) for v in (radius, step, rate, ball, s, curvature)))


def _largest_ball(around, root, step):
    """The largest radius, up to that of the cell, with a curvature of at most 1 / step."""

    def allows(ball):
        # less, so that the product of the two floats is at most 1 exactly
        return _curvature(around, root, ball) * step <= 1 - EPS

    low, high = 0.0, around.cell
    if not np.isfinite(high):
        high = 1.0
        while allows(high) and high < 1e100:
            high *= 2
    if allows(high):
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if allows(middle) else (low, middle)
    return low


class _Derivatives(NamedTuple):
    """Bounds in a ball, of sums over the points with their weights.

    Attributes
    ----------
    first : float
        Sum of the squares of the derivatives of the outputs; inf if there is none.
    spread : float
        Root of that of the second derivatives.
    residual : float
        Root of the loss.
    reach : float
        Sum of what a change in a layer changes in all those behind it.
    """

    first: float
    spread: float
    residual: float
    reach: float


def _derivatives(around, root, ball):
    """The `_Derivatives` in a ball."""
    bounds = around.bounds
    G, L = bounds.lengths.shape
    speeds, _ = motions(bounds, ball)
    p = bounds.layers
    q = np.zeros((G, L, L))
    for l in range(L):
        for j in range(l, -1, -1):
            between = [p[:, l, i] * q[:, i - 1, j] for i in range(j + 1, l + 1)]
            more = ball * lengths_above(np.stack(between, axis=1)) if between else 0.0
            q[:, l, j] = (p[:, l, j] + more) * (1 + SLACK)
    first = ((q[:, -1] * speeds) ** 2).sum(axis=1)
    M = np.zeros((G, L, L))
    for i in range(L):
        for j in range(i):
            M[:, i, j] = q[:, -1, i] * q[:, i - 1, j] * speeds[:, j]
    reach = (q * speeds[:, None]).sum(axis=(1, 2)).max()
    if not (np.isfinite(M).all() and np.isfinite(first).all()):
        return _Derivatives(np.inf, np.inf, np.inf, np.inf)
    # squares would underflow
    peak = np.maximum(M.max(axis=(1, 2)), LEAST)
    second = np.linalg.norm((M + M.swapaxes(1, 2)) / peak[:, None, None], 2, axis=(1, 2)) * peak
    largest = max(second.max(), LEAST)
    spread = largest * np.sqrt((second / largest) ** 2 @ around.shares)
    residual = root + around.motion(ball, -1)
    return _Derivatives(float(first @ around.shares), float(spread), float(residual), float(reach))


def _curvature(around, root, ball):
    """Upper bound of the spectral norm of the Hessian of the loss in a ball; inf if none."""
    found = _derivatives(around, root, ball)
    total = found.first + found.spread * found.residual
    return float(2 * total * (1 + 10 * SLACK)) if np.isfinite(total) else np.inf
