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

from constructions.exact import EPS
from geomcore.gradients import activation_pattern
from geomcore.network import ReLUNetwork

SLACK = 1e-6


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


class _Group(NamedTuple):
    """Points with one activation pattern, and the norms that bound their motion.

    Attributes
    ----------
    rows : ndarray of int
    margins : list of ndarray, shapes (N_g, d_l)
        Lower bounds on |pre-activation|, for each hidden layer.
    lengths : list of ndarray, shape (N_g,)
        Norms of the inputs of all layers.
    units : list of list of ndarray, shape (d_l,)
        units[l][j]: norms of the rows of P_lj.
    layers : list of list of float
        layers[l][j]: norm of D_l P_lj; the last entry is for the output.
    rounding : float
        Bound on the rounding error of the last hidden outputs.
    """

    rows: np.ndarray
    margins: list
    lengths: list
    units: list
    layers: list
    rounding: float


def cell_radius(net, X):
    """A radius within which no hidden activation flips at any of the points.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)

    Returns
    -------
    float
        Bound on the Euclidean norm of the change of all weights and biases
        together; 0 if a pre-activation may be zero, inf without hidden layers.
    """
    if len(net.weights) == 1:
        return np.inf
    return _cell_radius(_groups(net, X))


def _cell_radius(groups):
    return min(_largest(lambda r, g=group: _stays(g, r), _first_order(group)) for group in groups)


def _first_order(group):
    """The radius if moved inputs were no longer than the inputs themselves: an upper bound."""
    best = np.inf
    speeds = [np.sqrt(length**2 + 1) for length in group.lengths]
    for l, margin in enumerate(group.margins):
        reach = np.sqrt(
            sum(np.multiply.outer(speeds[j] ** 2, n**2) for j, n in enumerate(group.units[l]))
        )
        best = min(best, float((margin / np.maximum(reach, 1e-300)).min()))
    return best


def _largest(holds, top):
    """The largest r up to `top` for which a monotone condition holds, by bisection from below."""
    if not top > 0:
        return 0.0
    if holds(top):
        return top
    low, high = 0.0, top
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _stays(group, r):
    """Whether no unit can flip at the points of the group within a change of norm r."""
    speeds = _speeds(group, r)
    if speeds is None:
        return False
    for l, margin in enumerate(group.margins):
        reach2 = sum(np.multiply.outer(speeds[j] ** 2, n**2) for j, n in enumerate(group.units[l]))
        if not (margin > r * np.sqrt(reach2) * (1 + SLACK)).all():
            return False
    return True


def _speeds(group, r):
    """The factors s_j of each layer for changes up to r, per point."""
    speeds = []
    moved = np.zeros(len(group.rows))
    for j, length in enumerate(group.lengths):
        speeds.append(np.sqrt((length + moved) ** 2 + 1))
        squares = sum((n * s) ** 2 for n, s in zip(group.layers[j], speeds, strict=True))
        moved = r * np.sqrt(squares) * (1 + SLACK)
        if not np.isfinite(moved).all():
            return None
    return speeds


def _motion(group, r):
    """Bounds on the motion of the last hidden output and of the output, per point."""
    speeds = _speeds(group, r)
    hidden, output = (
        r * np.sqrt(sum((n * s) ** 2 for n, s in zip(norms, speeds, strict=False))) * (1 + SLACK)
        for norms in (group.layers[-2], group.layers[-1])
    )
    return hidden, output


def _groups(net, X):
    """Points by pattern; equal bounds are shared."""
    pattern = activation_pattern(net, X)
    _, index = np.unique(pattern, axis=0, return_inverse=True)
    index = index.reshape(-1)
    cuts = np.cumsum([0, *net.widths[1:-1]])
    groups = []
    for g in range(index.max() + 1):
        rows = np.flatnonzero(index == g)
        masks = [pattern[rows[0], a:b] for a, b in pairwise(cuts)]
        groups.append(_describe(net, X[rows], rows, masks))
    return groups


def _describe(net, X, rows, masks):
    x = X
    margins, lengths, units, layers = [], [], [], []
    products = []  # D_l P_lj, j = 1..l
    faults = []  # bounds on the rounding error made at each layer, per point
    last = len(net.weights) - 1
    for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        lengths.append(np.linalg.norm(x, axis=1) * (1 + SLACK))
        value = x @ W.T + b
        unit = 2 * (W.shape[1] + 4) * EPS
        fault = unit * (np.linalg.norm(W) * lengths[-1] + np.linalg.norm(b))
        P = [W @ product for product in products]
        row_norms = [np.linalg.norm(p, axis=1) * (1 + SLACK) for p in P] + [np.ones(len(W))]
        if l < last:
            error = sum(
                (np.multiply.outer(f, n) for f, n in zip([*faults, fault], row_norms, strict=True)),
                np.zeros(value.shape),
            )
            margins.append(np.maximum(np.abs(value) * (1 - SLACK) - error, 0))
            units.append(row_norms)
            mask = masks[l]
            products = [p * mask[:, None] for p in P] + [np.diag(mask.astype(float))]
            norms = [np.linalg.norm(p, 2) * (1 + SLACK) for p in products]
            faults.append(fault)
            x = np.maximum(value, 0)
        else:
            norms = [np.linalg.norm(p, 2) * (1 + SLACK) for p in P] + [1.0]
        layers.append(norms)
    spread = sum((f * n for f, n in zip(faults, layers[-2], strict=True)), np.zeros(1))
    return _Group(rows, margins, lengths, units, layers, float(spread.max()))


def basin_of_return(net, X, groups, *, distance=0.0):
    r"""A radius from which gradient flow on the mean squared loss provably comes back.

    Let all points of group g share one last hidden output h_g, each group being
    dead at some layer, and let the last layer be the least-squares one. With
    :math:`\tilde H = [h_1 \dots h_G; 1 \dots 1]`, :math:`\Pi = diag(N_g/N)` and s a lower
    bound of :math:`\sigma_{min}(\tilde H \Pi^{1/2})` in a ball of radius r in which no
    activation flips, :math:`\|\nabla C\|^2 \ge 4 s^2 (C - C^*)`. So the flow from a point
    at distance lambda is no longer than :math:`\sqrt{C - C^*}/s`, and stays in the ball if
    :math:`\lambda + \sqrt{C - C^*}/s \le r`.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    groups : list of ndarray of int
        Rows that share one last hidden output; together all points.
    distance : float, optional
        How far the exact minimum may be from the stored network.

    Returns
    -------
    Basin or None
        None if the bounds leave nothing.
    """
    if len(net.weights) == 1:
        return None
    described = _groups(net, X)
    cell = _cell_radius(described)
    shares = np.array([len(rows) for rows in groups]) / len(X)
    hidden = net.hidden(X)[-1]
    H = np.stack([np.r_[hidden[rows[0]], 1.0] for rows in groups], axis=1)
    if H.shape[1] > H.shape[0]:
        return None
    strength = np.linalg.svd(H * np.sqrt(shares), compute_uv=False)[-1] * (1 - SLACK)
    strength -= max(part.rounding for part in described)
    owner = np.empty(len(X), int)
    for g, rows in enumerate(groups):
        owner[rows] = g

    def motions(r):
        """Largest motion of hidden outputs and outputs of each group for changes up to r."""
        h, o = np.zeros(len(groups)), np.zeros(len(groups))
        for part in described:
            moved = _motion(part, r)
            np.maximum.at(h, owner[part.rows], moved[0])
            np.maximum.at(o, owner[part.rows], moved[1])
        return h, o

    best = None

    def error(size):
        """Bound on the square root of the excess loss after a change up to `size`."""
        return np.sqrt(shares @ motions(size)[1] ** 2) * (1 + SLACK)

    for ball in cell * np.linspace(0.05, 1, 20):
        h, _ = motions(ball)
        s = strength - np.sqrt(shares @ h**2) * (1 + SLACK)
        if not s > 0:
            break
        size = _largest(lambda size, ball=ball, s=s: size + error(size) / s <= ball, ball)
        if best is None or size > best.radius:
            best = Basin(size, 4 * s**2, float(ball), float(s))
    if best is None or best.radius <= distance:
        return None
    return best._replace(radius=float(best.radius - distance))


def balanced(net, X, groups, *, evaluations=200):
    """The same function with layers rescaled so that the basin of return is larger.

    Layer l is multiplied by c_l and the next one divided by it, c_l > 0; that
    changes no output, but it changes how far parameters may move.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    groups : list of ndarray of int
        As in `basin_of_return`.
    evaluations : int, optional
        How many scalings are tried.

    Returns
    -------
    ReLUNetwork
        The given one if nothing better is found.
    """

    def value(logs):
        basin = basin_of_return(rescaled(net, np.exp2(logs)), X, groups)
        return 0.0 if basin is None else -basin.radius

    start = np.zeros(len(net.weights) - 1)
    corners = np.vstack([start, np.eye(len(start))])
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
