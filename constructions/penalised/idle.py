r"""Units that weight decay has brought to rest: (w, b, v) = 0, on their kink at every point.

With :math:`\lambda_i` the derivative of the Lagrangian in the pre-activations of the next layer at
point i, and h_i the input of the unit's layer, such a unit costs more than it gains if

.. math:: \max_{|w| \le 1} \Big| \sum_i \lambda_i \sigma(w \cdot (h_i, 1)) \Big| < \omega .
"""

import numpy as np

from constructions.critical.balls import Balls, as_balls, row_sums, stacked
from constructions.penalised.orbits import places_of_unit

SMALL = 1e-5  # a unit below this part of the size of all parameters may be at rest


def idle_units(cell, theta):
    """Hidden units that may be at rest near parameters, as (layer from 0, unit).

    Parameters
    ----------
    cell : Cell
    theta : ndarray, shape (P,)
    """
    size = SMALL * np.linalg.norm(theta)
    units = [(l, u) for l, mask in enumerate(cell.masks) for u in range(mask.shape[1])]
    return [at for at in units if np.linalg.norm(theta[places_of_unit(cell, *at)]) <= size]


def at_rest(cell, theta, units):
    """A cell in which these units are off, and parameters where they are zero."""
    theta, masks = theta.copy(), [mask.copy() for mask in cell.masks]
    for l, u in units:
        theta[places_of_unit(cell, l, u)] = 0.0
        masks[l][:, u] = 0.0
    kinks = [kink for kink in cell.kinks if (kink[0], kink[2]) not in units]
    return cell._replace(masks=masks, kinks=kinks), theta


def layers_that_may_grow(cell, found, units, decay):
    """Layers (from 0) in which norms do not prove that a unit at rest costs more than it gains.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls, with the multipliers.
    units : list of (int, int)
    decay : float

    Returns
    -------
    list of int

    Notes
    -----
    For a vector v, :math:`\\sum_i (v \\cdot \\lambda_i) \\sigma(w \\cdot \\tilde h_i)` is at most
    :math:`|\\Lambda v| |\\tilde H w|`, so the maximum is at most the product of the largest
    singular values. A unit of the same layer that is on no kink and not at rest attains
    :math:`\\omega`: then this fails.
    """
    left = []
    for l in sorted({l for l, _ in units}):
        slopes, lifted = read_and_slopes(found, cell, l)
        most = as_balls(norm_above(slopes)) * norm_above(lifted)
        if not most.upper < decay:
            left.append(l)
    return left


def read_and_slopes(found, cell, layer):
    r"""What decides on units at rest in a layer: the rows :math:`\lambda_i` and (h_i, 1), `Balls`.

    Points that are dead in the layer before are one, (0, 1), with the sum of their slopes.
    """
    slopes, read = found.slopes[layer + 1], as_balls(found.inputs[layer])
    lifted = stacked([read, Balls(np.ones((len(read), 1)))], axis=1)
    dead = ~cell.masks[layer - 1].any(axis=1) if layer else np.zeros(len(lifted), bool)
    if dead.any():
        one = np.eye(lifted.shape[1])[-1:]
        lifted = stacked([lifted[~dead], Balls(one)])
        slopes = stacked([slopes[~dead], slopes[dead].sum(axis=0).reshape(1, -1)])
    return slopes, lifted


def norm_above(A):
    """A float that is at least the largest singular value of all matrices in balls."""
    gram = A.T @ A
    if not (np.isfinite(gram.mid).all() and np.isfinite(gram.rad).all()):
        return np.inf
    _, V = np.linalg.eigh((gram.mid + gram.mid.T) / 2)
    V = as_balls(V)
    # |x|^2 <= |V'x|^2 / (1 - e) for an almost orthogonal V, and so for its transpose
    rest = row_sums((np.eye(len(V)) - V.T @ V).largest).max(initial=0.0)
    if not rest < 0.5:
        return np.inf
    square = row_sums((V.T @ gram @ V).largest).max(initial=0.0)
    return float(np.sqrt(square / (1 - rest)) * (1 + 1e-12))
