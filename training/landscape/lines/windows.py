"""Polynomials of many points, each on its own intervals, added up on all of them at once."""

import numpy as np

from training.landscape.lines.polynomials import shifted, squares


def added_up(segments, breakpoints, Y, weights):
    """The loss in each piece: a tree of windows of 1, 2, 4, ... pieces, each segment in a few.

    A segment is added to the largest windows that it fills; then each window is added to its two
    halves. So a point that crosses nothing in a window costs nothing in the pieces of it, and no
    number is added and taken away again.
    """
    error = np.array(segments.outputs)
    error[:, 0] -= Y[segments.point]
    loss = squares(error) * weights[segments.point][:, None]
    M, n = len(breakpoints) - 1, loss.shape[1]
    leaves = 1 << max(M - 1, 0).bit_length()
    ends = np.concatenate([breakpoints, np.full(leaves - M, breakpoints[-1])])
    windows = np.zeros((2 * leaves, n))
    low = np.searchsorted(breakpoints, segments.left) + leaves
    high = np.searchsorted(breakpoints, segments.right) + leaves
    span = 1  # pieces below a node of this height
    while (low < high).any():
        for is_end, nodes in ((low & 1 == 1, low), (high & 1 == 1, high - 1)):
            which = np.flatnonzero((low < high) & is_end)
            node = nodes[which]
            window = _window(node, span, ends)
            own = segments.left[which], segments.right[which]
            np.add.at(windows, node, _seen_in(loss[which], *own, *window))
        low, high = (low + (low & 1)) >> 1, high >> 1
        span *= 2
    return _handed_down(windows, ends)[:M]


def _window(node, span, ends):
    """Both ends of windows of a tree over pieces, given by number and number of pieces."""
    first = node * span - (len(ends) - 1)
    return ends[first], ends[first + span]


def _seen_in(coefficients, left, right, low, high):
    """Polynomials on [left, right], in the variable of the windows [low, high] inside."""
    half = (right - left) / 2
    scale = np.where(half > 0, half, 1.0)
    center = ((low - left) / 2 + (high - right) / 2) / scale
    return shifted(coefficients, center, (high - low) / 2 / scale)


def _handed_down(windows, ends):
    """The sum of all windows around each piece, in the variable of the piece."""
    leaves = len(windows) // 2
    first = 1
    while first < leaves:
        node = np.arange(first, 2 * first)
        span = leaves // first
        mine = _window(node, span, ends)
        for child in (2 * node, 2 * node + 1):
            window = _window(child, span // 2, ends)
            windows[child] += _seen_in(windows[node], *mine, *window)
        first *= 2
    return windows[leaves:]
