"""The outputs of a network along a line in parameter space: polynomials between crossings.

On the line the first pre-activations of a point are linear in t. Between their zeros the outputs of
the first layer are linear, and so the second pre-activations are quadratic; and so on, layer by
layer, each splitting the intervals of each point at the zeros of its own polynomials. Where a unit
is on is decided inside of an interval, never at its ends, so that a zero which is misplaced by the
rounding changes nothing by more than the rounding.
"""

from typing import NamedTuple

import numpy as np

from training.landscape.lines.polynomials import means, roots, shifted

EPS = np.finfo(float).eps
# Crossings of which the difference is a smaller part of t are one; near 0, of the first cut.
SAME = 4 * EPS
# Numbers that a block of points may hold.
WORKING = 4_000_000


class Segments(NamedTuple):
    """Intervals of t, for each point in ascending order, and the outputs in each of them.

    Attributes
    ----------
    point : ndarray of int, shape (K,)
    left, right : ndarray, shape (K,)
    outputs : ndarray, shape (K, L + 1, k)
        Coefficients in powers of u, from -1 at `left` to 1 at `right`.
    """

    point: np.ndarray
    left: np.ndarray
    right: np.ndarray
    outputs: np.ndarray

    @property
    def middle(self):
        return self.left + (self.right - self.left) / 2

    @property
    def half(self):
        return (self.right - self.left) / 2


def segments_of(net, along, X, interval, cuts=()):
    """The `Segments` of all points.

    Parameters
    ----------
    net, along : ReLUNetwork
        At t the parameters are those of `net` plus t times those of `along`.
    X : ndarray, shape (N, d)
    interval : (float, float)
    cuts : sequence of float
        Further ends, in ascending order.
    """
    width = sum(net.widths) * (len(net.widths) + 1)
    block = max(1, WORKING // (width * 16))
    ends = np.array([interval[0], *cuts, interval[1]])
    parts = [
        _of_block(net, along, X[start : start + block], start, ends)
        for start in range(0, len(X), block)
    ]
    joined = Segments(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    return _joined(joined, ends)


def _joined(found, cuts):
    """Ends that differ by nothing but their rounding as one number; no empty intervals."""
    ends, number = np.unique(np.concatenate([found.left, found.right]), return_inverse=True)
    interval = cuts[0], cuts[-1]
    # a crossing is off by the rounding of the ends of its piece, which are cuts of one size
    size = np.abs(cuts)[1:-1].min(initial=np.abs(interval).max())
    near = SAME * np.maximum(np.abs(ends), size)
    common = ends.copy()
    common[ends <= interval[0] + near], common[ends >= interval[1] - near] = interval
    # each is joined to the first of those that are near to it, so that no chain of them is one
    for k in np.flatnonzero(np.diff(ends) <= near[1:]):
        if common[k + 1] not in interval and ends[k + 1] - common[k] <= near[k + 1]:
            common[k + 1] = common[k]
    left, right = np.split(common[number], 2)
    keep = left < right
    return Segments(found.point[keep], left[keep], right[keep], found.outputs[keep])


def _of_block(net, along, X, start, ends):
    N, parts = len(X), len(ends) - 1
    point = np.repeat(np.arange(N), parts)
    left, right = np.tile(ends[:-1], N), np.tile(ends[1:], N)
    found = Segments(point, left, right, X[point][:, None, :])
    pairs = zip(net.weights, net.biases, along.weights, along.biases, strict=True)
    for l, tensors in enumerate(pairs):
        Z, rounding = _affine(found, *tensors)
        found = found._replace(outputs=Z)
        if l < len(net.weights) - 1:
            found = _rectified(found, rounding)
    return found._replace(point=found.point + start)


def _affine(found, W, b, dW, db):
    """The next pre-activations, one degree more, and a bound on their rounding."""
    m, h = found.middle[:, None, None], found.half[:, None, None]
    A = found.outputs
    K, n, _ = A.shape
    still, moved = A @ W.T, A @ dW.T
    Z = np.zeros((K, n + 1, len(b)))
    Z[:, :n] = still + m * moved
    Z[:, 1:] += h * moved
    Z[:, 0] += b + m[:, 0] * db
    Z[:, 1] += h[:, 0] * db
    largest = np.abs(A).sum(axis=1)
    reach = np.abs(found.middle[:, None]) + found.half[:, None]
    size = largest @ np.abs(W).T + np.abs(b) + reach * (largest @ np.abs(dW).T + np.abs(db))
    # the rounding of so many terms
    return Z, 2 * (W.shape[1] + 2) * EPS * size


def _rectified(found, rounding):
    """What the units put out, on intervals that are split where one of them is switched."""
    Z = found.outputs
    K, n, w = Z.shape
    # What is nothing but rounding is zero, and on or off makes no difference.
    Z = np.where(np.abs(Z).max(axis=1, keepdims=True) > rounding[:, None], Z, 0.0)
    rows, u = roots(np.moveaxis(Z, 2, 1).reshape(K * w, n))
    found = found._replace(outputs=Z)
    rows, u = _cuts(found, rows // w, u)
    parts, on = _split(found, rows, u)
    # A polynomial that touches zero switches nothing: no split there.
    same = (parts.point[1:] == parts.point[:-1]) & (on[1:] == on[:-1]).all(axis=1)
    if same.any():
        # the part after the i-th root within its interval has number i + (intervals before)
        part_after = np.arange(len(rows)) + rows + 1
        keep = ~same[part_after - 1]
        if not keep.all():
            parts, on = _split(found, rows[keep], u[keep])
    return parts._replace(outputs=np.where(on[:, None, :], parts.outputs, 0.0))


def _cuts(found, rows, u):
    """Roots in ascending order without those that are the same number t, or that of an end."""
    order = np.lexsort((u, rows))
    rows, u = rows[order], u[order]
    t = found.middle[rows] + found.half[rows] * u
    keep = (found.left[rows] < t) & (t < found.right[rows])
    keep[1:] &= (rows[1:] != rows[:-1]) | (t[1:] != t[:-1])
    return rows[keep], u[keep]


def _split(found, rows, u):
    """Intervals between cuts at u (of interval `rows`, both ascending), and which units are on."""
    K = len(found.point)
    owner = np.concatenate([np.arange(K), rows])
    start = np.concatenate([np.full(K, -1.0), u])
    order = np.lexsort((start, owner))
    owner, start = owner[order], start[order]
    is_last = np.append(owner[1:] != owner[:-1], True)
    end = np.where(is_last, 1.0, np.append(start[1:], 1.0))
    m, h = found.middle[owner], found.half[owner]
    left = np.where(start == -1.0, found.left[owner], m + h * start)
    right = np.where(end == 1.0, found.right[owner], m + h * end)
    outputs = shifted(found.outputs[owner], (start + end) / 2, (end - start) / 2)
    parts = Segments(found.point[owner], left, right, outputs)
    return parts, means(outputs) > 0
