r"""The direction in which a unit at rest gains most, in floating point.

Of unit vectors w, :math:`|g(w)|` with :math:`g = \sum_i \lambda_i \sigma(w \cdot \tilde h_i)` has
many maxima. Ascents from many starts run side by side, as matrix products: where there are few
points, they end before a compiled search would be loaded. Each goes from cell to cell towards the
slope of :math:`|g|^2 / 2`, and part of the way only where that would lead down.
"""

import numpy as np

DRAWN, TAKEN = 64, 16  # directions that are looked at, and those ascents start from, times D
MOST_ROWS = 500  # whose own directions are looked at
STEPS, HALVINGS = 200, 12
SMALL = 1e-13  # relative gain below which an ascent ends


def strongest(slopes, lifted, given=()):
    r"""A unit vector w with a large :math:`|\sum_i \lambda_i \sigma(w \cdot \tilde h_i)|`.

    Parameters
    ----------
    slopes : ndarray, shape (N, Q)
        :math:`\lambda_i`, finite.
    lifted : ndarray, shape (N, D)
        :math:`\tilde h_i = (h_i, 1)`.
    given : sequence of ndarray, shape (D,)
        Directions to ascend from, beside others.

    Returns
    -------
    ndarray, shape (D,)
        The same for the same arguments.
    """
    D = lifted.shape[1]
    # the ReLU is homogeneous: rows of length 1, and multipliers of size 1 that carry their lengths
    top = np.abs(lifted).max(axis=1, keepdims=True)
    size = top * np.linalg.norm(lifted / top, axis=1, keepdims=True)
    rows, most = lifted / size, np.abs(slopes).max(initial=0.0)
    slopes = slopes / (most or 1.0) * (size / size.max())
    slopes = slopes / (np.abs(slopes).max(initial=0.0) or 1.0)
    own = rows[:: max(1, len(rows) // MOST_ROWS)]
    drawn = np.random.default_rng(0).normal(size=(DRAWN * D, D))
    W = np.concatenate([np.eye(D), -np.eye(D), own, -own, drawn])
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    order = np.argsort(-_values(W, rows, slopes), kind="stable")
    given = np.reshape(given, (-1, D)) if len(given) else np.empty((0, D))
    W = np.concatenate([given, W[order[: TAKEN * D]]])
    W, values = _ascended(W / np.linalg.norm(W, axis=1, keepdims=True), rows, slopes)
    return W[values.argmax()]


def _values(W, rows, slopes):
    return np.linalg.norm(np.maximum(W @ rows.T, 0.0) @ slopes, axis=1)


def _ascended(W, rows, slopes):
    """Ends of ascents from unit vectors, shape (n, D), and their values."""
    W, values = W.copy(), _values(W, rows, slopes)
    going = np.arange(len(W))
    for _ in range(STEPS):
        heights = W[going] @ rows.T
        gain = np.maximum(heights, 0.0) @ slopes
        ahead = ((gain @ slopes.T) * (heights > 0)) @ rows
        ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-300)
        before, open_, part = values[going], np.arange(len(going)), 1.0
        for _ in range(HALVINGS):
            at = going[open_]
            trial = (1 - part) * W[at] + part * ahead[open_]
            trial /= np.maximum(np.linalg.norm(trial, axis=1, keepdims=True), 1e-300)
            found = _values(trial, rows, slopes)
            higher = found > values[at]
            W[at[higher]], values[at[higher]] = trial[higher], found[higher]
            open_, part = open_[~higher], part / 2
            if not len(open_):
                break
        going = going[values[going] > before * (1 + SMALL)]
        if not len(going):
            break
    return W, values
