r"""Units that weight decay has brought to rest: (w, b, v) = 0, on their kink at every point.

With :math:`\lambda_i` the derivative of the Lagrangian in the pre-activations of the next layer at
point i, and h_i the input of the unit's layer, such a unit costs more than it gains if

.. math:: \max_{|w| \le 1} \Big| \sum_i \lambda_i \sigma(w \cdot (h_i, 1)) \Big| < \omega .
"""

import numpy as np

from constructions.critical.balls import Balls, as_balls, row_sums, stacked
from constructions.penalised.orbits import places_of_unit

STARTS, ASCENTS = 50, 100
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


def stay_at_rest(cell, found, units, decay):
    """Whether no unit at rest is proved to lower the loss.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls, with the multipliers.
    units : list of (int, int)
    decay : float

    Returns
    -------
    bool

    Notes
    -----
    For a vector v, :math:`\\sum_i (v \\cdot \\lambda_i) \\sigma(w \\cdot \\tilde h_i)` is at most
    :math:`|\\Lambda v| |\\tilde H w|`, so the maximum is at most the product of the largest
    singular values. Points that are dead in the layer before are one, (0, 1). A unit of the same
    layer that is not at rest attains :math:`\\omega`: then this fails.
    """
    for l in {l for l, _ in units}:
        slopes, lifted = found.slopes[l + 1], _lifted(found.inputs[l])
        dead = ~cell.masks[l - 1].any(axis=1) if l else np.zeros(len(lifted), bool)
        if dead.any():
            one = np.eye(lifted.shape[1])[-1:]
            lifted = stacked([lifted[~dead], Balls(one)])
            slopes = stacked([slopes[~dead], slopes[dead].sum(axis=0).reshape(1, -1)])
        most = as_balls(norm_above(slopes)) * norm_above(lifted)
        if not most.upper < decay:
            return False
    return True


def way_to_grow(cell, found, units, decay):
    r"""How a unit at rest is proved to lower the loss as it grows.

    With :math:`g = \sum_i \lambda_i \sigma(w \cdot \tilde h_i)`, :math:`|w| = 1` and
    :math:`v = -g / |g|`, the loss changes by :math:`t^2 (\omega - |g|)` and higher powers as the
    unit becomes t (w, v); unless the unit is read by others on a kink, of which nothing is said.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls, with the multipliers.
    units : list of (int, int)
    decay : float

    Returns
    -------
    (ndarray of shape (P,), float) or None
        A direction of length 1, and an upper bound of the second derivative along it, negative.
    """
    last = max((l for l, _, _ in cell.kinks), default=-1)
    for l, u in dict(units).items():
        if last > l:
            continue
        slopes = found.slopes[l + 1]
        lifted = _lifted(found.inputs[l])
        w = _steepest(slopes.mid, lifted.mid)
        heights = lifted @ w
        on = Balls.between(np.maximum(heights.lower, 0.0), np.maximum(heights.upper, 0.0))
        gain = slopes.T @ on
        square = float((gain * gain).sum().lower)
        # w is of length 1 but for rounding
        least = np.sqrt(max(square, 0.0)) * (1 - 1e-12)
        if not least > decay:
            continue
        way = np.zeros(cell.places[-1][1].stop)
        way[places_of_unit(cell, l, u)] = np.append(w, -gain.mid / np.linalg.norm(gain.mid))
        return way / np.linalg.norm(way), float(np.nextafter(decay - least, np.inf))
    return None


def _lifted(read):
    """(h, 1) for the inputs of a layer."""
    return stacked([as_balls(read), Balls(np.ones((len(read), 1)))], axis=1)


def _steepest(slopes, lifted):
    """A vector of length 1 with a large gain, in floating point, by ascent from many starts."""
    sizes = np.linalg.norm(lifted, axis=1, keepdims=True)
    starts = lifted / sizes
    W = np.vstack([starts, -starts])[:: max(1, len(starts) // STARTS)]
    for _ in range(ASCENTS):
        on = np.maximum(W @ lifted.T, 0.0)
        gain = on @ slopes
        # the derivative of |g|^2 / 2
        W = W * 1e-3 + ((gain @ slopes.T) * (on > 0)) @ lifted
        W = W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-300)
    best = np.linalg.norm(np.maximum(W @ lifted.T, 0.0) @ slopes, axis=1).argmax()
    return W[best]


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
