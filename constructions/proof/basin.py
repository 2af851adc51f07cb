r"""How far parameters may move: the radius of an activation cell, and the basin of return.

For parameters theta + Delta the hidden outputs change by e with, exactly,

.. math:: e_\ell = D_\ell \left( \Delta W_\ell (x_{\ell-1} + e_{\ell-1}) + \Delta b_\ell \right)
                   + D_\ell W_\ell e_{\ell-1}

as long as no activation flips (D the activation masks). Unrolled, layer j enters layer l
through the product :math:`P_{\ell j} = W_\ell D_{\ell-1} W_{\ell-1} \cdots D_j`, whose norm
can be far below the product of the norms. With :math:`\rho_j` the norm of the change of
layer j and the Cauchy-Schwarz inequality, :math:`\sum_j \rho_j^2 \le r^2`,

.. math:: |\Delta a_{\ell k}| \le r \Big( \sum_j \|P_{\ell j}[k]\|^2 s_j^2 \Big)^{1/2},
          \quad s_j = \sqrt{(|x_{j-1}| + |e_{j-1}|)^2 + 1}.

Everything is computed in floating point with every bound widened by `SLACK` and by a bound
on its own rounding, which enters like a change of the biases.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from constructions.proof.exact import EPS
from geomcore.arrays import as_array, as_points, check_network
from geomcore.gradients import activation_pattern
from geomcore.network import ReLUNetwork

SLACK = 1e-6
GRID = 100  # sizes that are tried at once
MOST_SCALING = 40  # binary logarithm of the largest factor of `balanced`


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


class _Bounds(NamedTuple):
    """Norms that bound the motion of the points, one row for each of G activation patterns.

    Attributes
    ----------
    owner : ndarray of int, shape (N,)
        Pattern of each point.
    lengths : ndarray, shape (G, L)
        Largest norm of an input of each layer.
    margins : ndarray, shape (G, units)
        Lower bounds on |pre-activation|, over all hidden units.
    units : ndarray, shape (G, units, L)
        Norms of the rows of P_lj, 0 for j > l.
    layers : ndarray, shape (G, L, L)
        Norms of D_l P_lj, 0 for j > l; without D for the output.
    rounding : float
        Bound on the rounding error of the last hidden outputs.
    """

    owner: np.ndarray
    lengths: np.ndarray
    margins: np.ndarray
    units: np.ndarray
    layers: np.ndarray
    rounding: float


def cell_radius(net, X):
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
    return _cell_radius(_bounds(net, X))


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
    top = float((bounds.margins / _unit_reach(bounds, still)).min())
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
    speeds, _ = _motion(bounds, r)
    reach = _unit_reach(bounds, speeds)
    return bool((bounds.margins > r * reach * (1 + SLACK)).all())


def _unit_reach(bounds, speeds):
    return np.sqrt(np.maximum(np.einsum("guj,gj->gu", bounds.units**2, speeds**2), 1e-300))


def _motion(bounds, r):
    """The factors s_j of each layer, and bounds on the motion of its output, shapes (..., G, L).

    Here r is a number or an array of any shape.
    """
    G, L = bounds.lengths.shape
    r = np.asarray(r, dtype=float)[..., None]
    speeds, moves = np.zeros((*r.shape[:-1], G, L)), np.zeros((*r.shape[:-1], G, L))
    moved = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for l in range(L):
            speeds[..., l] = np.sqrt((bounds.lengths[:, l] + moved) ** 2 + 1)
            moved = r * np.sqrt(((bounds.layers[:, l] * speeds) ** 2).sum(axis=-1)) * (1 + SLACK)
            moves[..., l] = moved
    return np.nan_to_num(speeds, nan=np.inf), np.nan_to_num(moves, nan=np.inf)


def _bounds(net, X):
    """One row of bounds for each activation pattern that occurs."""
    pattern = activation_pattern(net, X)
    packed = np.packbits(pattern, axis=1)
    _, owner = np.unique(packed, axis=0, return_inverse=True)
    owner = owner.reshape(-1)
    cuts = np.cumsum([0, *net.widths[1:-1]])
    rows = []
    for g in range(owner.max() + 1):
        mine = np.flatnonzero(owner == g)
        masks = [pattern[mine[0], a:b] for a, b in pairwise(cuts)]
        rows.append(_describe(net, X[mine], masks))
    lengths, margins, units, layers, rounding = zip(*rows, strict=True)
    return _Bounds(
        owner,
        np.stack(lengths),
        np.stack(margins),
        np.stack(units),
        np.stack(layers),
        max(rounding),
    )


def _describe(net, x, masks):
    """Lengths, margins, norms of rows of P and of D P, rounding: for points with one pattern."""
    L = len(net.weights)
    lengths, margins, units = [], [], []
    layers = np.zeros((L, L))
    products = {}  # D_l P_lj by j; nothing passes a layer at which the points are dead
    faults = []  # bounds on the rounding error made at each layer
    for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        lengths.append(float(np.linalg.norm(x, axis=1).max()) * (1 + SLACK))
        value = x @ W.T + b
        unit = 2 * (W.shape[1] + 4) * EPS
        faults.append(unit * (np.linalg.norm(W) * lengths[-1] + np.linalg.norm(b)))
        products = {j: W @ product for j, product in products.items()}
        norms = np.zeros((len(W), L))
        for j, product in products.items():
            norms[:, j] = np.linalg.norm(product, axis=1) * (1 + SLACK)
        norms[:, l] = 1.0
        products[l] = np.eye(len(W))
        if l < L - 1:
            error = norms[:, : l + 1] @ faults
            margins.append(np.maximum(np.abs(value).min(axis=0) * (1 - SLACK) - error, 0))
            units.append(norms)
            mask = masks[l][:, None]
            products = {j: p * mask for j, p in products.items()} if mask.any() else {}
            x = np.maximum(value, 0)
        for j, product in products.items():
            layers[l, j] = np.linalg.norm(product, 2) * (1 + SLACK)
    rounding = float(layers[-2, : L - 1] @ faults[:-1]) if L > 1 else 0.0
    return lengths, np.concatenate(margins), np.vstack(units), layers, rounding


def basin_of_return(net, X, *, weights=None, rank=None, distance=0.0):
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
        D. Default: the numerical rank; `verify` gives the proved one.
    distance : float, optional
        How far the last layer of the exact minimum may be from the stored one.

    Returns
    -------
    Basin or None
        None if the bounds leave nothing, or there is no hidden layer.

    Raises
    ------
    ValueError
        As `cell_radius`.

    Examples
    --------
    Three points, two of them collapsed, fitted exactly by max(1 - x, 0):

    >>> net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    >>> basin = basin_of_return(net, np.array([[0.0], [2.0], [3.0]]))
    >>> 0 < basin.radius < basin.ball <= cell_radius(net, np.array([[0.0], [2.0], [3.0]]))
    True
    """
    return radius_and_basin(net, X, weights=weights, rank=rank, distance=distance)[1]


def radius_and_basin(net, X, *, weights=None, rank=None, distance=0.0):
    """`cell_radius` and `basin_of_return` at once; no basin if the rank is given as 0."""
    X = _as_data(net, X)
    if len(net.weights) == 1:
        return np.inf, None
    bounds = _bounds(net, X)
    cell = _cell_radius(bounds)
    weights = np.full(len(X), 1 / len(X)) if weights is None else as_array(weights, "weights", 1)
    if len(weights) != len(X) or not (weights >= 0).all():
        raise ValueError(f"weights must be {len(X)} numbers, at least 0, got shape {weights.shape}")
    return cell, _basin(bounds, cell - distance, net, X, weights, rank, distance)


def _basin(bounds, cell, net, X, weights, rank, distance):
    design = np.column_stack([net.hidden(X)[-1], np.ones(len(X))]) * np.sqrt(weights)[:, None]
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
    shares = np.bincount(bounds.owner, weights)

    def motion(r, layer):
        """Root of the weighted sum of squared motions of an output, for changes up to r."""
        return np.sqrt(_motion(bounds, r)[1][..., layer] ** 2 @ shares) * (1 + SLACK)

    def size(ball, rounds=2):
        """The largest lambda from which the flow stays in a ball, to 1 / GRID^rounds of it."""
        s = strength - motion(ball, -2)
        if not s > 0:
            return 0.0
        low, width = 0.0, ball
        for _ in range(rounds):
            sizes = low + width * np.arange(GRID) / GRID
            stays = sizes[1:] + motion(sizes[1:], -1) / s <= ball
            low, width = sizes[np.count_nonzero(stays)], width / GRID
        return low

    top = _largest(lambda ball: strength > motion(ball, -2), cell)
    best = max(top * np.linspace(0.1, 1, 10), key=size)
    near = best + top * np.linspace(-0.09, 0.09, 10)
    best = max([best, *near[(near > 0) & (near <= top)]], key=size)
    radius = size(best, rounds=5) - distance
    if not radius > 0:
        return None
    s = strength - motion(best, -2)
    return Basin(float(radius), float(4 * s**2), float(best), float(s))


def balanced(net, X, *, weights=None, rank=None, evaluations=200):
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

    Examples
    --------
    >>> net = ReLUNetwork([[[-64.0]], [[1 / 64]]], [[64.0], [0.0]])
    >>> X = np.array([[0.0], [2.0], [3.0]])
    >>> better = balanced(net, X)
    >>> basin_of_return(better, X).radius > 2 * basin_of_return(net, X).radius
    True
    """
    X = _as_data(net, X)
    start = np.zeros(len(net.weights) - 1)
    if not len(start):
        return net
    if rank is None:
        design = np.column_stack([net.hidden(X)[-1], np.ones(len(X))])
        rank = int(np.linalg.matrix_rank(design))

    def value(logs):
        if np.abs(logs).max() > MOST_SCALING:
            return 0.0
        basin = basin_of_return(rescaled(net, np.exp2(logs)), X, weights=weights, rank=rank)
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
