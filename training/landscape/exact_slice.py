"""The loss along a line in parameter space, exactly: polynomials between the crossings."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geomcore.arrays import check_network
from geomcore.display.lines import listed
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted, quoted
from geomcore.network import ReLUNetwork
from geomcore.parameters import unflatten
from training.landscape.arguments import as_interval, as_line_problem
from training.landscape.directions import as_direction
from training.landscape.polynomials import derivative, roots, shifted, squares, values
from training.landscape.sweep import Segments, segments_of

# Pairs of a number t and a point that are worked on at a time.
AT_A_TIME = 500_000
# Pieces in which the least loss is looked for once more, from the outputs.
CANDIDATES = 100


class Extreme(NamedTuple):
    """Where a slice is least or largest, and its loss there."""

    t: float
    loss: float


@dataclass(frozen=True, eq=False)
class ExactSlice:
    """The loss along a line; see `exact_slice`. A call gives it at numbers t.

    Attributes
    ----------
    breakpoints : ndarray, shape (M + 1,)
        The ends of the interval, and between them all t at which a unit is switched at a point.
    coefficients : ndarray, shape (M, 2 L + 1)
        Of the loss in each of the M pieces, in powers of u, which goes from -1 to 1 in the piece:
        t = (left + right) / 2 + u (right - left) / 2.
    cells : int
        Cells of parameter space, of one activation pattern each, that the line crosses: M.
    minimum, maximum : Extreme
        (t, loss) of the least and of the largest loss in the interval.
    slopes : ndarray, shape (M, 2)
        Derivative of the loss by t at both ends of each piece.
    jumps : ndarray, shape (M - 1,)
        Of the derivative at the inner breakpoints: right minus left.
    """

    breakpoints: np.ndarray
    coefficients: np.ndarray
    _segments: Segments
    _targets: np.ndarray
    _weights: np.ndarray
    _decay: tuple

    def __repr__(self):
        fields = {"interval": self.breakpoints[[0, -1]].tolist(), "cells": self.cells}
        return listed(self, {**fields, "minimum": tuple(self.minimum)})

    @property
    def cells(self):
        return len(self.coefficients)

    def __call__(self, t):
        """The loss at t, of the shape of t; ValueError outside of the interval."""
        t = np.asarray(t, dtype=float)
        low, high = self.breakpoints[[0, -1]]
        if not ((t >= low) & (t <= high)).all():
            raise ValueError(f"t must lie between {low:.6g} and {high:.6g}, got {quoted(t)}")
        flat = t.reshape(-1)
        N = len(self._targets)
        block = max(1, AT_A_TIME // N)
        parts = [self._losses(flat[i : i + block]) for i in range(0, len(flat), block)]
        out = np.concatenate([np.zeros(0), *parts]).reshape(t.shape)
        return out if t.ndim else float(out)

    def _losses(self, t):
        which = self._segment_at(t)
        found = self._segments
        u = np.clip((t[:, None] - found.middle[which]) / found.half[which], -1, 1)
        outputs = values(found.outputs[which.ravel()], u.ravel())
        error = outputs.reshape(*which.shape, -1) - self._targets
        losses = np.einsum("tnk,tnk->tn", error, error) @ self._weights
        c = self._decay
        return losses + c[0] + t * (c[1] + t * c[2])

    def _segment_at(self, t):
        """Number of the segment of each point in which t is, shape (T, N)."""
        order = np.argsort(t, kind="stable")
        out = np.empty((len(t), len(self._targets)), dtype=int)
        for p, (first, end) in enumerate(pairwise([*self._first, len(self._segments.point)])):
            inner = self._segments.right[first : end - 1]
            out[order, p] = first + np.searchsorted(inner, t[order], side="right")
        return out

    @cached_property
    def _first(self):
        """Number of the first segment of each point."""
        return np.flatnonzero(np.diff(self._segments.point, prepend=-1))

    @property
    def _half(self):
        return np.diff(self.breakpoints) / 2

    @cached_property
    def slopes(self):
        d = derivative(self.coefficients)
        ends = [values(d, np.full(len(d), u)) for u in (-1.0, 1.0)]
        return np.stack(ends, axis=1) / self._half[:, None]

    @property
    def jumps(self):
        return self.slopes[1:, 0] - self.slopes[:-1, 1]

    @cached_property
    def minimum(self):
        return self._extreme(1)

    @cached_property
    def maximum(self):
        return self._extreme(-1)

    def _extreme(self, sign):
        """Where the loss times `sign` is least, by the polynomials and then by the outputs."""
        rows, u = roots(derivative(self.coefficients))
        M = self.cells
        rows = np.concatenate([rows, np.arange(M), np.arange(M)])
        u = np.concatenate([u, np.full(M, -1.0), np.full(M, 1.0)])
        best = np.argsort(sign * values(self.coefficients[rows], u), kind="stable")[:CANDIDATES]
        ends = self.breakpoints[[0, -1]]
        middle = self.breakpoints[:-1] + self._half
        t = np.sort(np.clip(middle[rows[best]] + self._half[rows[best]] * u[best], *ends))
        losses = self(t)
        k = int(np.argmin(sign * losses))
        return Extreme(float(t[k]), float(losses[k]))

    def plot(self):
        """Draw it; return the matplotlib figure."""
        from training.landscape import plot

        return plot.figure_of_slice(self)

    def frame(self):
        """One row per piece, as a `pandas.DataFrame`.

        Columns: left, right, the loss at both ends and its slope there, least loss in the piece,
        and the jump of the slope at the right end (nan at the end of the interval).
        """
        import pandas as pd

        M = self.cells
        rows, u = roots(derivative(self.coefficients))
        ends = [values(self.coefficients, np.full(M, x)) for x in (-1.0, 1.0)]
        least = np.minimum(*ends)
        np.minimum.at(least, rows, values(self.coefficients[rows], u))
        return pd.DataFrame(
            {
                "left": self.breakpoints[:-1],
                "right": self.breakpoints[1:],
                "loss_left": ends[0],
                "loss_right": ends[1],
                "slope_left": self.slopes[:, 0],
                "slope_right": self.slopes[:, 1],
                "least_loss": least,
                "jump": np.append(self.jumps, np.nan),
            }
        )

    def summary(self):
        """Lines for people."""
        low, high = self.breakpoints[[0, -1]]
        kinks = np.abs(self.jumps) > 1e-9 * max(np.abs(self.slopes).max(), np.finfo(float).tiny)
        degree = self.coefficients.shape[1] - 1
        return (
            f"loss along a line, t from {low:.6g} to {high:.6g}\n"
            f"  {counted(self.cells, 'piece')}, each a polynomial of degree at most {degree}; "
            f"{counted(int(kinks.sum()), 'kink')} of the loss among "
            f"{counted(self.cells - 1, 'crossing')}\n"
            f"  least loss {self.minimum.loss:.6g} at t = {self.minimum.t:.6g}"
        )


@answers_keywords
def exact_slice(
    net, direction, X, y, interval=(-1.0, 1.0), *, loss="mse", weight_decay=0.0, targets=None
):
    r"""The loss along a line through a network, as a piecewise polynomial.

    On :math:`\theta_0 + t v` every pre-activation is between two crossings a polynomial in t of
    degree at most its layer, and the squared error one of degree at most 2 L. The line is swept
    from crossing to crossing, for each point by itself, and what is returned holds for all t, not
    on a grid: least loss, kinks and jumps of the slope are read off the polynomials.

    Parameters
    ----------
    net : ReLUNetwork
    direction : array_like, shape (P,)
        v, in the order of ``net.packed()``: W1, b1, W2, b2, ...; or a ReLUNetwork of the same
        widths that holds it.
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or targets.
    interval : (float, float)
        Of t.
    loss : str
        "mse" or "class_weighted". Cross-entropies are no polynomials: see `barrier`, `loss_slice`.
    weight_decay : float
        Half of it times the sum of the squares of all parameters is added.
    targets : array_like, optional
        What the network is to put out for each label in sorted order.

    Returns
    -------
    ExactSlice

    Raises
    ------
    ValueError
        If shapes do not fit, a value is nan or inf, the interval is empty, or the loss is another.

    Notes
    -----
    "Exactly" is up to the rounding of float64: crossings, coefficients and losses are off by some
    units in the last place of what is added up in them. Nothing is missed between grid points, but
    two crossings nearer than the rounding may be none. For a bound with proof: `barrier`.

    Examples
    --------
    >>> net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    >>> slice = exact_slice(net, [0.0, 1.0, 0.0, 0.0], [[-0.5], [0.25]], [[0.0], [0.25]])
    >>> slice.breakpoints, round(slice.minimum.t, 12), slice.minimum.loss
    (array([-1.  , -0.25,  0.5 ,  1.  ]), 0.0, 0.0)
    """
    check_network(net, ReLUNetwork)
    along = unflatten(net, as_direction(net, direction))
    X, labels, weights = as_line_problem(net, X, y, loss, weight_decay, targets)
    interval = as_interval(interval)
    return slice_of(net, along, X, labels.Y, weights, interval, weight_decay)


def slice_of(net, along, X, Y, weights, interval, weight_decay):
    """`exact_slice` of arguments that are checked; `weights` of the points, shape (N,)."""
    segments = segments_of(net, along, X, interval)
    decay = _decay(net, along, weight_decay)
    breakpoints = np.unique(np.concatenate([segments.left, segments.right]))
    coefficients = _added_up(segments, breakpoints, Y, weights)
    coefficients = coefficients + _on_pieces(decay, breakpoints, coefficients.shape[1])
    return ExactSlice(breakpoints, coefficients, segments, Y, weights, decay)


def _decay(net, along, weight_decay):
    """Coefficients (1, t, t^2) of the term that weight decay adds."""
    a, v = net.packed()[0], along.packed()[0]
    return tuple(0.5 * weight_decay * x for x in (a @ a, 2 * (a @ v), v @ v))


def _on_pieces(decay, breakpoints, n):
    out = np.zeros((len(breakpoints) - 1, n))
    half, middle = np.diff(breakpoints) / 2, (breakpoints[:-1] + breakpoints[1:]) / 2
    out[:, :3] = shifted(np.tile(decay, (len(out), 1)), middle, half)
    return out


def _added_up(segments, breakpoints, Y, weights):
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
