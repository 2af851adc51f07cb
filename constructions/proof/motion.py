r"""How far the outputs of every layer move when parameters do, bounded from above.

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
on its own rounding. Three kinds of rounding are followed:

*points*: the rounding of a pre-activation enters like a change of the biases, so with
:math:`f_j` a bound on that made at layer j, a pre-activation is off by at most
:math:`\sum_j \|P_{\ell j}[k]\| f_j`, and a hidden output by
:math:`\sum_j \|D_\ell P_{\ell j}\| f_j`, by which the lengths of the inputs of the next layer
are widened.

*products*: so does the rounding of a product. A row k of :math:`W_i P` in floating point is off
by at most :math:`\gamma \sum_n |W_{i,kn}| |P_n|`; with :math:`f_{ij}` the norm of these over all
rows, for the product that starts at layer j, rows of :math:`P_{\ell j}` are off by at most
:math:`\sum_{i>j} \|P_{\ell i}[k]\| f_{ij}`, and :math:`D_\ell P_{\ell j}` by
:math:`\sum_{i>j} \|D_\ell P_{\ell i}\| f_{ij}`. This is added to every norm, those of the last
layer included, so also where factors cancel and the product is small beside its error.

*the rest* (norms, square roots, sums of few terms) is relative to its result, far below `SLACK`.
A number below `LEAST`, where that fails, counts as no margin.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from constructions.proof.affine import LEAST, UNIT, lengths_above
from geomcore.gradients import activation_pattern

SLACK = 1e-6


class Bounds(NamedTuple):
    """Norms that bound the motion of the points, one row for each of G activation patterns.

    Attributes
    ----------
    owner : ndarray of int, shape (N,)
        Pattern of each point.
    lengths : ndarray, shape (G, L)
        Largest norm of an exact input of each layer.
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


def unit_reach(bounds, speeds):
    """Motion of each pre-activation per unit of change, for factors s_j, shape (G, units)."""
    return np.sqrt(np.maximum(np.einsum("guj,gj->gu", bounds.units**2, speeds**2), 1e-300))


def motions(bounds, r):
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
    # only nan is replaced: by itself nan_to_num makes inf the largest float, which is no bound
    return tuple(np.where(np.isnan(part), np.inf, part) for part in (speeds, moves))


def bounds_of(net, X):
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
    return Bounds(
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
    products = {}  # D_l P_lj by j; nothing passes a layer of dead units
    faults, offs = [], [0.0]  # bounds on the rounding made at each layer; on the error of x
    slips = np.zeros((L, L))  # bounds on that made at layer i in the product that starts at j
    for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        lengths.append((float(lengths_above(x).max()) + offs[-1]) * (1 + SLACK))
        value = x @ W.T + b
        gamma = 4 * (W.shape[1] + 4) * UNIT
        size = _length(W) * lengths[-1] + _length(b[None])
        faults.append(gamma * size * (1 + SLACK) + W.shape[1] * LEAST)
        norms = np.zeros((len(W), L))
        norms[:, l] = 1 + SLACK
        for j in sorted(products, reverse=True):
            slip = gamma * (np.abs(W) @ lengths_above(products[j])) * (1 + SLACK)
            slip += products[j].size * LEAST
            products[j] = W @ products[j]
            off = slip + _sums(norms[:, :l], slips[:l, j])
            norms[:, j] = (lengths_above(products[j]) + off) * (1 + SLACK)
            slips[l, j] = _length(slip[None])
        products[l] = np.eye(len(W))
        if l < L - 1:
            error = norms[:, : l + 1] @ faults * (1 + SLACK) + LEAST
            least = np.where(np.isfinite(value), np.abs(value), 0).min(axis=0)
            margins.append(np.nan_to_num(np.maximum(least * (1 - SLACK) - error, 0)))
            units.append(norms)
            mask = masks[l][:, None]
            products = {j: p * mask for j, p in products.items()} if mask.any() else {}
            x = np.maximum(value, 0)
        for j in sorted(products, reverse=True):
            off = _sums(layers[l], slips[:, j])
            layers[l, j] = (_spectral(products[j]) + off) * (1 + SLACK)
        offs.append(float(layers[l, : l + 1] @ faults) * (1 + SLACK))
    return lengths, np.concatenate(margins), np.vstack(units), layers, offs[-2]


def _sums(norms, slips):
    """Bounds on how far roundings at several layers lead: sums of products, inf where one is."""
    return np.nan_to_num(norms @ slips, nan=np.inf, posinf=np.inf)


def _length(array):
    """Upper bound of the Euclidean norm of all entries."""
    return float(lengths_above(np.reshape(array, (1, -1)))[0])


def _spectral(product):
    """Spectral norm but for relative rounding; inf if an entry is not finite."""
    return np.linalg.norm(product, 2) if np.isfinite(product).all() else np.inf
