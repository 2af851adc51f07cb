r"""How far parameters may move: the radius of an activation cell, and the basin of return.

Both follow from how far a change of the parameters moves the output of every layer,
see `constructions.proof.motion`.
"""

from __future__ import annotations

import sys
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from constructions.proof.affine import LEAST
from constructions.proof.exact import EPS
from constructions.proof.motion import SLACK, Bounds, bounds_of, motions, unit_reach
from geomcore.arrays import as_array, as_count, as_points, check_network
from geomcore.display.lines import told_in_brief
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.network import ReLUNetwork
from geomcore.threads import factorizing
from geomcore.typing import ArrayLike

# What overflows is infinite, and bounds nothing; that is looked for where it matters.
QUIET = np.errstate(over="ignore", invalid="ignore", divide="ignore")
GRID = 100  # sizes that are tried at once
MOST_SCALING = 40  # binary logarithm of the largest factor of `balanced`


@told_in_brief
class Basin(NamedTuple):
    """A ball of parameters from which gradient flow provably returns.

    Attributes
    ----------
    radius : float
        lambda*: every perturbation of total Euclidean norm up to this returns.
    rate : float
        C(t) - C* <= (C(0) - C*) exp(-rate * t) along gradient flow.
    ball : float
        Radius of the ball that the flow does not leave.
    strength : float
        Lower bound on sigma_min of the class matrix in that ball; rate = 4 strength^2.
    """

    radius: float
    rate: float
    ball: float
    strength: float


@answers_keywords
@QUIET
def cell_radius(net: ReLUNetwork, X: ArrayLike) -> float:
    """A radius within which no hidden activation flips at any of the points.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)

    Returns
    -------
    float
        Bound on the Euclidean norm of the change of all weights and biases
        together; 0 if a pre-activation may be zero, inf without hidden layers.

    Raises
    ------
    ValueError
        If `net` is no ReLU network, `X` does not fit its input or holds no point.
    """
    X = _as_data(net, X)
    if len(net.weights) == 1:
        return np.inf
    return _cell_radius(bounds_of(net, X))


def _as_data(net, X):
    """Points of a ReLU network, at least one, in double precision."""
    check_network(net, ReLUNetwork)
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    return X


def _cell_radius(bounds):
    if not (bounds.margins > 0).all():
        return 0.0
    # if moved inputs were no longer than the inputs themselves: an upper bound
    still = np.sqrt(bounds.lengths**2 + 1)
    top = float((bounds.margins / unit_reach(bounds, still)).min())
    return _largest(lambda r: _stays(bounds, r), top)


def _largest(holds, top, steps=40):
    """The largest r up to `top` for which a monotone condition holds, by bisection from below."""
    if not top > 0:
        return 0.0
    if holds(top):
        return top
    low, high = 0.0, top
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _stays(bounds, r):
    """Whether no unit can flip within a change of norm r."""
    speeds, _ = motions(bounds, r)
    reach = unit_reach(bounds, speeds)
    return bool((bounds.margins > r * reach * (1 + SLACK)).all())


@answers_keywords
def basin_of_return(
    net: ReLUNetwork,
    X: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    rank: int | None = None,
    distance: float = 0.0,
) -> Basin | None:
    r"""A radius from which gradient flow provably comes back to a certified minimum.

    The loss is :math:`C = \sum_i \pi_i |o_i - y_i|^2`. Let the outputs that the
    network can take in its activation cell span a space S, and let the rows
    (h_i, 1) of the last hidden outputs, :math:`\tilde H`, have rank D = dim S:
    the cell certificate of `constructions.proof.cell`. In the cell :math:`C - C^*` is
    the squared distance of the outputs from the best ones in S, and with s a
    lower bound of the D-th singular value of :math:`\Pi^{1/2} \tilde H` in a
    ball of radius r in which no activation flips,
    :math:`\|\nabla C\|^2 \ge 4 s^2 (C - C^*)`. So the flow from a point at distance
    lambda is no longer than :math:`\sqrt{C - C^*}/s`, and stays in the ball if
    :math:`\lambda + \sqrt{C - C^*}/s \le r`.

    Parameters
    ----------
    net : ReLUNetwork
        With the least-squares last layer.
    X : array_like, shape (N, d)
    weights : array_like, shape (N,), optional
        Weight of each point in the loss, at least 0; default 1/N.
    rank : int, optional
        D. Default: the numerical rank. What is said holds if D is the dimension of S, which
        `verify` proves where its certificate has a basin, and which need not be so elsewhere.
    distance : float, optional
        How far the last layer of the exact minimum may be from the stored one.

    Returns
    -------
    Basin or None
        None if the bounds leave nothing, or there is no hidden layer.

    Raises
    ------
    ValueError
        As `cell_radius`, or if weights, rank or distance are not of their kind.

    Notes
    -----
    The proof is in docs/minima.md, "The basin of return".

    Examples
    --------
    Three points, two of them collapsed, fitted exactly by max(1 - x, 0):

    >>> net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    >>> basin = basin_of_return(net, np.array([[0.0], [2.0], [3.0]]))
    >>> 0 < basin.radius < basin.ball <= cell_radius(net, np.array([[0.0], [2.0], [3.0]]))
    True
    """
    return radius_and_basin(net, X, weights=weights, rank=rank, distance=distance)[1]


@QUIET
def radius_and_basin(net, X, *, weights=None, rank=None, distance=0.0):
    """`cell_radius` and `basin_of_return` at once; no basin if the rank is given as 0."""
    X = _as_data(net, X)
    if len(net.weights) == 1:
        return np.inf, None
    weights, rank, distance = _checked(weights, len(X), rank, distance)
    bounds = bounds_of(net, X)
    cell = _cell_radius(bounds)
    around = _surroundings(bounds, cell - distance, net, X, weights, rank, distance)
    return cell, None if around is None else _flow_basin(around)


def _checked(weights, N, rank, distance):
    """Weights of the points, 1/N if None; the rank, or None; the distance as a float."""
    if rank is not None:
        rank = as_count(rank, "rank", least=0)
    if not (isinstance(distance, Real) and 0 <= distance):
        raise ValueError(f"distance must be a number, at least 0, got {quoted(distance)}")
    weights = np.full(N, 1 / N) if weights is None else as_array(weights, "weights", 1)
    if len(weights) != N or not (weights >= 0).all():
        raise ValueError(f"weights must be {N} numbers, at least 0, got shape {weights.shape}")
    return weights, rank, float(min(distance, sys.float_info.max))


@QUIET
def surroundings_of(net, X, *, weights=None, rank=None, distance=0.0):
    """The `Surroundings` of a minimum, arguments as for `basin_of_return`; or None."""
    X = _as_data(net, X)
    weights, rank, distance = _checked(weights, len(X), rank, distance)
    bounds = bounds_of(net, X)
    return _surroundings(bounds, _cell_radius(bounds) - distance, net, X, weights, rank, distance)


class Surroundings(NamedTuple):
    """What is known of the networks around a minimum.

    Attributes
    ----------
    bounds : Bounds
        With those of the exact minimum.
    shares : ndarray, shape (G,)
        Sum of the weights of the points of each pattern.
    at_minimum : float
        Lower bound of sigma_min of the class matrix there.
    cell : float
        Radius around it in which no activation flips.
    distance : float
        Of the exact minimum from the stored one.
    """

    bounds: Bounds
    shares: np.ndarray
    at_minimum: float
    cell: float
    distance: float

    def motion(self, r, layer):
        """Root of the weighted sum of squared motions of an output, for changes up to r."""
        moves = motions(self.bounds, r)[1][..., layer]
        peak = np.maximum(moves.max(axis=-1), LEAST)  # squares would underflow
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(
                peak * np.sqrt((moves / peak[..., None]) ** 2 @ self.shares), nan=np.inf
            ) * (1 + SLACK)

    def strength(self, ball):
        """Lower bound of sigma_min of the class matrix in a ball; not positive: none."""
        return self.at_minimum - self.motion(ball, -2)

    def size(self, ball, times=1, rounds=2):
        """The largest lambda with lambda + times sqrt(C - C*) / s <= ball, to a fraction of it.

        So far perturbations may go if the way back is no longer than `times` the root of what the
        loss is above the minimum, over the strength in the ball; to 1 / GRID^rounds of the ball.
        """
        s = self.strength(ball)
        if not s > 0:
            return 0.0
        low, width = 0.0, ball
        for _ in range(rounds):
            sizes = low + width * np.arange(GRID) / GRID
            stays = sizes[1:] + times * self.motion(sizes[1:], -1) / s <= ball
            low, width = sizes[np.count_nonzero(stays)], width / GRID
        return low

    def best_ball(self, top, times=1):
        """The ball, up to radius `top`, that leaves the largest lambda; about."""
        top = _largest(lambda ball: self.strength(ball) > 0, top)

        def size(ball):
            return self.size(ball, times)

        best = max(top * np.linspace(0.1, 1, 10), key=size)
        near = best + top * np.linspace(-0.09, 0.09, 10)
        return max([best, *near[(near > 0) & (near <= top)]], key=size)


def _surroundings(bounds, cell, net, X, weights, rank, distance):
    design = np.column_stack([net.hidden(X)[-1], np.ones(len(X))]) * np.sqrt(weights)[:, None]
    if not np.isfinite(design).all():
        return None
    with factorizing(design):
        singular = np.linalg.svd(design, compute_uv=False)
    rounding = 10 * max(design.shape) * EPS * singular[0]
    if rank is None:
        rank = int((singular > rounding).sum())
    if not 0 < rank <= len(singular) or not cell > 0:
        return None
    strength = singular[rank - 1] * (1 - SLACK) - rounding
    strength -= bounds.rounding * np.sqrt(weights.sum())
    # the last layer of the exact minimum is not the stored one
    layers = bounds.layers.copy()
    layers[:, -1] += distance * layers[:, -2]
    bounds = bounds._replace(layers=layers)
    return Surroundings(bounds, np.bincount(bounds.owner, weights), strength, cell, distance)


def _flow_basin(around):
    best = around.best_ball(around.cell)
    radius = around.size(best, rounds=5) - around.distance
    # `SLACK` is relative, and so no margin for a number of few bits
    if not radius > LEAST:
        return None
    s = around.strength(best)
    return Basin(float(radius), float(4 * s**2 * (1 - 4 * EPS)), float(best), float(s))


@answers_keywords
@QUIET
def balanced(
    net: ReLUNetwork,
    X: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    rank: int | None = None,
    evaluations: int = 200,
) -> ReLUNetwork:
    """The same function with layers rescaled so that the basin of return is larger.

    Layer l is multiplied by c_l and the next one divided by it, c_l > 0; that
    changes no output, but it changes how far parameters may move.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)
    weights, rank : optional
        As for `basin_of_return`.
    evaluations : int, optional
        How many scalings are tried.

    Returns
    -------
    ReLUNetwork
        The given one if nothing better is found.

    Raises
    ------
    ValueError
        As `basin_of_return`, or if there are no evaluations.

    Notes
    -----
    If the activations at all points are off in some layer, as in the merge of all classes, the
    output is the last bias alone, whatever that layer and those before it are. They can then be
    made as large as one likes, so that no perturbation of a given norm flips an activation, and
    lambda* has no bound: the search ends at factors of 2^40, at lambda* near 8e11. That is true,
    and says nothing about the loss, whose largest curvature there is 2.

    Examples
    --------
    >>> net = ReLUNetwork([[[-64.0]], [[1 / 64]]], [[64.0], [0.0]])
    >>> X = np.array([[0.0], [2.0], [3.0]])
    >>> better = balanced(net, X)
    >>> basin_of_return(better, X).radius > 2 * basin_of_return(net, X).radius
    True
    """
    X, evaluations = _as_data(net, X), as_count(evaluations, "evaluations")
    start = np.zeros(len(net.weights) - 1)
    if not len(start):
        return net
    if rank is None:
        design = np.column_stack([net.hidden(X)[-1], np.ones(len(X))])
        with factorizing(design):
            rank = int(np.linalg.matrix_rank(design))

    def value(logs):
        if np.abs(logs).max() > MOST_SCALING:
            return 0.0
        try:
            other = rescaled(net, np.exp2(logs))
        except ValueError:  # a parameter leaves the range of doubles
            return 0.0
        basin = basin_of_return(other, X, weights=weights, rank=rank)
        return 0.0 if basin is None else -basin.radius

    corners = np.vstack([start, start + np.eye(len(start))])
    options = {"maxfev": evaluations, "xatol": 1e-2, "fatol": 1e-6, "initial_simplex": corners}
    found = minimize(value, start, method="Nelder-Mead", options=options)
    return rescaled(net, np.exp2(found.x)) if found.fun < value(start) else net


def rescaled(net, factors):
    """Multiply the output of each hidden layer by a positive factor and undo it in the next."""
    weights, biases, down = [], [], 1.0
    for W, b, c in zip(net.weights, net.biases, [*factors, 1.0], strict=True):
        weights.append(W * (c / down))
        biases.append(b * c)
        down = c
    return ReLUNetwork(weights, biases)
