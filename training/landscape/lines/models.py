"""Bounds of the loss on pieces of a segment of parameter space: Taylor models in balls.

On a piece, t = m + h u with u from -1 to 1. Every number that the network computes at a point is
enclosed by a quadratic polynomial in u with balls as coefficients: whatever u is, the number lies
in the ball that the polynomial gives there. Cubes and higher powers go into the radius of the
constant term, and so does what is not known at a kink: if z goes from l < 0 to r > 0 on the piece,
and s is r / (r - l), then 0 <= max(z, 0) - s z <= max(-s l, (1 - s) r), for the difference is
convex in z.
"""

from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from constructions.critical.balls import Balls, as_balls


class Segment(NamedTuple):
    """The networks between two, and the data.

    Attributes
    ----------
    start : list of (ndarray, ndarray)
        Weights and biases of the first network.
    step : list of (Balls, Balls)
        What is added on the way to the second one.
    X : ndarray, shape (N, d)
    Y : ndarray, shape (N, k)
    weights : Balls, shape (N,)
    decay : tuple of Balls
        Coefficients of (1, t, t^2) in what weight decay adds.
    cost : callable
        The loss of moving outputs, see `training.landscape.lines.costs`.
    """

    start: list
    step: list
    X: np.ndarray
    Y: np.ndarray
    weights: Balls
    decay: tuple
    cost: object


def segment_between(a, b, X, Y, weights, weight_decay, cost):
    """The `Segment` between two networks of one shape."""
    start = list(zip(a.weights, a.biases, strict=True))
    end = zip(b.weights, b.biases, strict=True)
    step = [(as_balls(V) - W, as_balls(c) - b) for (W, b), (V, c) in zip(start, end, strict=True)]
    sizes = [Balls(np.zeros(())) for _ in range(3)]
    if weight_decay:
        for pairs in zip(start, step, strict=True):
            for p, v in zip(*pairs, strict=True):
                p, v = as_balls(p.reshape(-1)), v.reshape(-1)
                terms = (p * p).sum(), (p * v).sum() * 2.0, (v * v).sum()
                sizes = [s + term for s, term in zip(sizes, terms, strict=True)]
    decay = tuple(s * weight_decay * 0.5 for s in sizes)
    return Segment(start, step, X, Y, weights, decay, cost)


def loss_models(segment, middle, half):
    """Coefficients of the powers of u in enclosures of the loss on pieces of a segment.

    Parameters
    ----------
    segment : Segment
    middle, half : ndarray, shape (B,)
        Floats m, h such that the pieces are from m - h to m + h, exactly.

    Returns
    -------
    list of Balls, shape (B,)
    """
    m, h = middle[:, None, None], half[:, None, None]
    A = [Balls(segment.X[None])]
    for l, ((W, b), (dW, db)) in enumerate(zip(segment.start, segment.step, strict=True)):
        A = _affine(A, W, b, dW, db, m, h)
        if l < len(segment.start) - 1:
            A = _rectified(A)
    loss = [(power * segment.weights).sum(axis=-1) for power in segment.cost(A, segment.Y)]
    c0, c1, c2 = segment.decay
    m, h = middle, half
    more = [c0 + (c1 + c2 * m) * m, (c1 + c2 * (2.0 * m)) * h, c2 * h * h]
    # of a network without hidden layers a cross-entropy has no third coefficient
    return [a + b for a, b in zip_longest(loss, more, fillvalue=0.0)]


def largest(model):
    """Upper bounds of the polynomials in balls for -1 <= u <= 1."""
    out = model[0]
    for power, c in enumerate(model[1:], start=1):
        # an even power lies between 0 and 1
        top = np.maximum(c.upper, 0) if power % 2 == 0 else c.largest
        out = out + top
    return out.upper


def values_at(model, u):
    """The polynomials in balls at numbers u, shape (B,)."""
    out = model[-1]
    for c in model[-2::-1]:
        out = out * u + c
    return out


def _affine(A, W, b, dW, db, m, h):
    """The next pre-activations, up to the square of u."""
    still = [a @ np.ascontiguousarray(W.T) for a in A]
    moved = [a @ dW.T for a in A]
    zero = Balls(np.zeros((1, 1, len(b))))
    Z = []
    for j in range(len(A) + 1):
        z = still[j] + moved[j] * m if j < len(A) else zero
        Z.append(z + moved[j - 1] * h if j else z)
    Z[0] = Z[0] + b + db * m
    Z[1] = Z[1] + db * h
    if len(Z) > 3:
        cube = Z.pop()
        Z[0] = _widened(Z[0], cube.largest)
    return Z


def _rectified(Z):
    low, high = _range(Z)
    with np.errstate(all="ignore"):
        share = high / (high - low)
    # any number between 0 and 1 will do
    share = np.clip(np.nan_to_num(share, nan=0.5), 0.0, 1.0)
    on, off = low >= 0, high <= 0
    is_kink = ~(on | off)
    s = as_balls(share)
    most = np.maximum((s * -low).upper, ((1.0 - s) * high).upper)
    gap = Balls.between(np.zeros_like(most), np.where(is_kink, most, 0.0))
    out = []
    for z in Z:
        scaled = z * s
        # units that are on, and those that are off, are what they are: without even the rounding
        mid = np.where(on, z.mid, np.where(off, 0.0, scaled.mid))
        out.append(Balls(mid, np.where(on, z.rad, np.where(off, 0.0, scaled.rad))))
    wider = out[0] + gap
    out[0] = Balls(
        *(np.where(is_kink, w, o) for w, o in ((wider.mid, out[0].mid), (wider.rad, out[0].rad)))
    )
    return out


def _range(Z):
    """Bounds of quadratic polynomials in balls for -1 <= u <= 1."""
    low, high = Z[0], Z[0]
    for power, c in enumerate(Z[1:], start=1):
        if power % 2:
            low, high = low - c.largest, high + c.largest
        else:
            low, high = low + np.minimum(c.lower, 0), high + np.maximum(c.upper, 0)
    return np.broadcast_arrays(low.lower, high.upper)


def _widened(ball, by):
    rad = np.nextafter(ball.rad + by, np.inf)
    return Balls(np.broadcast_to(ball.mid, rad.shape), rad)
