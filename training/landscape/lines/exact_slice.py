"""The loss along a line in parameter space, exactly: polynomials between the crossings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geomcore.arrays import check_network
from geomcore.display.lines import listed
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted, quoted
from geomcore.network import ReLUNetwork
from geomcore.parameters import unflatten
from geomcore.typing import Array, ArrayLike, Booleans
from training.landscape.arguments import as_interval, as_line_problem
from training.landscape.directions import as_direction
from training.landscape.lines.polynomials import (
    bounds_below,
    derivative,
    roots,
    shifted,
    squares,
    values,
)
from training.landscape.lines.sweep import Segments, segments_of
from training.landscape.lines.windows import added_up

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from constructions.typing import SquaredName

# Pairs of a number t and a point that are worked on at a time.
AT_A_TIME = 500_000
# Places, and pieces, at which the least loss is looked for once more, from the outputs.
CANDIDATES = 100
LONG = 8.0  # times the largest parameter of a layer
SHALLOW = 4.0**-24  # how far towards a network of zeros, of steps of length 1
MOST_CUTS = 540  # 4 to that is beyond the range of doubles
HALVINGS = 60  # of pieces for that
NOISE = 1e-14  # of a polynomial, relative to the sum of its coefficients,
SHARP = 1e-12  # which does not matter if it is this part of the least loss


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
        The ends of the interval, and between them all t at which a unit is switched at a point; on
        a line that is much longer than the network also powers of 4 times its end, since
        polynomials are accurate on pieces whose ends are of one size.
    is_crossing : ndarray of bool, shape (M - 1,)
        Whether a unit is switched at each inner one.
    coefficients : ndarray, shape (M, 2 L + 1)
        Of the loss in each of the M pieces, in powers of u, which goes from -1 to 1 in the piece:
        t = (left + right) / 2 + u (right - left) / 2.
    cells : int
        Cells of parameter space, of one activation pattern each, that the line crosses.
    minimum, maximum : Extreme
        (t, loss) of the least and of the largest loss in the interval.
    slopes : ndarray, shape (M, 2)
        Derivative of the loss by t at both ends of each piece.
    jumps : ndarray, shape (M - 1,)
        Of the derivative at the inner breakpoints: right minus left.
    """

    breakpoints: Array
    is_crossing: Booleans
    coefficients: Array
    _segments: Segments
    _targets: Array
    _weights: Array
    _decay: tuple

    def __repr__(self):
        fields = {"interval": self.breakpoints[[0, -1]].tolist(), "cells": self.cells}
        return listed(self, {**fields, "minimum": tuple(self.minimum)})

    @property
    def cells(self) -> int:
        return 1 + int(self.is_crossing.sum())

    def __call__(self, t: ArrayLike) -> Any:
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
    def slopes(self) -> Array:
        d = derivative(self.coefficients)
        ends = [values(d, np.full(len(d), u)) for u in (-1.0, 1.0)]
        return np.stack(ends, axis=1) / self._half[:, None]

    @property
    def jumps(self) -> Array:
        return self.slopes[1:, 0] - self.slopes[:-1, 1]

    @cached_property
    def minimum(self) -> Extreme:
        best = self._best_of(self._candidates(self.breakpoints, self.coefficients), 1)
        return self._refined(best)

    @cached_property
    def maximum(self) -> Extreme:
        return self._best_of(self._candidates(self.breakpoints, self.coefficients), -1)

    @staticmethod
    def _candidates(ends, coefficients):
        """Ends and critical points of pieces that follow each other: t, and loss by polynomial."""
        rows, u = roots(derivative(coefficients))
        M = len(coefficients)
        rows = np.concatenate([rows, np.arange(M), np.arange(M)])
        u = np.concatenate([u, np.full(M, -1.0), np.full(M, 1.0)])
        half = np.diff(ends) / 2
        t = np.clip(ends[rows] + half[rows] * (1 + u), ends[0], ends[-1])
        return t, values(coefficients[rows], u)

    def _best_of(self, candidates, sign):
        """Of the best by polynomial the best by the outputs; sign -1: the largest loss."""
        t, losses = candidates
        t = np.sort(t[np.argsort(sign * losses, kind="stable")[:CANDIDATES]])
        losses = self(t)
        k = int(np.argmin(sign * losses))
        return Extreme(float(t[k]), float(losses[k]))

    def _refined(self, best):
        """The least loss also where polynomials of large losses do not see it.

        A polynomial is off by the rounding of the largest loss in its piece. Pieces in which that
        could hide a loss below the best one are halved, and added up anew from the outputs.
        """
        left, right, pieces = self.breakpoints[:-1], self.breakpoints[1:], self.coefficients
        for _ in range(HALVINGS):
            size = np.abs(pieces).sum(axis=1)
            noise = NOISE * size
            low = bounds_below(pieces)
            with np.errstate(invalid="ignore"):
                open_ = (low - noise < best.loss) & (noise > SHARP * best.loss)
            middle = left + (right - left) / 2
            open_ &= (left < middle) & (middle < right)
            if not open_.any():
                break
            # those that reach down the furthest, if there are too many
            chosen = np.flatnonzero(open_)
            chosen = chosen[np.argsort(low[chosen] - noise[chosen], kind="stable")[:CANDIDATES]]
            left = np.concatenate([left[chosen], middle[chosen]])
            right = np.concatenate([middle[chosen], right[chosen]])
            pieces = np.array([self._piece(a, b) for a, b in zip(left, right, strict=True)])
            for a, b, piece in zip(left, right, pieces, strict=True):
                t, losses = self._candidates(np.array([a, b]), piece[None])
                found = self._best_of((t, losses), 1)
                best = found if found.loss < best.loss else best
        return best

    def _piece(self, left, right):
        """The loss between two numbers with no breakpoint between them, from the outputs."""
        middle = np.array([left + (right - left) / 2])
        which = self._segment_at(middle)[0]
        found = self._segments
        center = (middle - found.middle[which]) / found.half[which]
        error = shifted(found.outputs[which], center, (right - left) / 2 / found.half[which])
        error[:, 0] -= self._targets
        loss = self._weights @ squares(error)
        decay = shifted(np.array([self._decay]), middle, np.array([(right - left) / 2]))[0]
        loss[: len(decay)] += decay
        return loss

    def plot(self) -> Figure:
        """Draw it; return the matplotlib figure."""
        from training.landscape import plot

        return plot.figure_of_slice(self)

    def frame(self) -> pd.DataFrame:
        """One row per piece, as a `pandas.DataFrame`.

        Columns: left, right, the loss at both ends and its slope there, least loss in the piece,
        and the jump of the slope at the right end (nan at the end of the interval).
        """
        import pandas as pd

        rows, u = roots(derivative(self.coefficients))
        at = self(self.breakpoints)
        ends = [at[:-1], at[1:]]
        least = np.minimum(*ends)
        middle = self.breakpoints[:-1] + self._half
        np.minimum.at(least, rows, self(middle[rows] + self._half[rows] * u))
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

    def summary(self) -> str:
        """Lines for people."""
        low, high = self.breakpoints[[0, -1]]
        kinks = np.abs(self.jumps) > 1e-9 * max(np.abs(self.slopes).max(), np.finfo(float).tiny)
        degree = self.coefficients.shape[1] - 1
        return (
            f"loss along a line, t from {low:.6g} to {high:.6g}\n"
            f"  {counted(self.cells, 'cell')}, in each a polynomial of degree at most {degree}; "
            f"{counted(int(kinks.sum()), 'kink')} of the loss among "
            f"{counted(self.cells - 1, 'crossing')}\n"
            f"  least loss {self.minimum.loss:.6g} at t = {self.minimum.t:.6g}"
        )


@answers_keywords
def exact_slice(
    net: ReLUNetwork,
    direction: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    interval: tuple[float, float] = (-1.0, 1.0),
    *,
    loss: SquaredName = "mse",
    weight_decay: float = 0.0,
    targets: ArrayLike | None = None,
) -> ExactSlice:
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
        "mse" or "class_weighted". Cross-entropies are no polynomials: see `loss_slice`.
    weight_decay : float
        Half of it times the sum of the squares of all parameters is added.
    targets : array_like, shape (Q, k), optional
        What the network is to put out for each label in sorted order.

    Returns
    -------
    ExactSlice

    Raises
    ------
    ValueError
        If shapes do not fit, a value is nan or inf, the interval is empty, the loss is another, or
        it overflows there.

    Notes
    -----
    "Exactly" is up to the rounding of float64: losses are off by some units in the last place of
    what is added up in them, coefficients by those of the largest loss in their piece. Nothing is
    missed between grid points, but two crossings nearer than the rounding may be none, and a unit
    that only touches zero may seem to be switched twice, within the root of the rounding. For a
    bound with proof: `barrier`. How it is done is in docs/landscape.md.

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
    with np.errstate(over="ignore", invalid="ignore"):
        found = slice_of(net, along, X, labels.Y, weights, interval, weight_decay)
    if not np.isfinite(found.coefficients).all():
        raise ValueError(
            "interval must be one on which the loss is a finite float, got overflow "
            f"between {interval[0]:g} and {interval[1]:g}"
        )
    return found


def slice_of(net, along, X, Y, weights, interval, weight_decay):
    """`exact_slice` of arguments that are checked; `weights` of the points, shape (N,)."""
    cuts = _further_ends(net, along, interval)
    segments = segments_of(net, along, X, interval, cuts)
    decay = _decay(net, along, weight_decay)
    breakpoints = np.unique(np.concatenate([segments.left, segments.right]))
    coefficients = added_up(segments, breakpoints, Y, weights)
    coefficients = coefficients + _on_pieces(decay, breakpoints, coefficients.shape[1])
    is_crossing = ~np.isin(breakpoints[1:-1], cuts)
    return ExactSlice(breakpoints, is_crossing, coefficients, segments, Y, weights, decay)


def _further_ends(net, along, interval):
    """Powers of 4 at which a line that is much longer than a layer is cut, in order."""
    T = np.abs(interval).max()
    sizes, moves = (
        np.array([max(np.abs(W).max(initial=0), np.abs(b).max(initial=0)) for W, b in layers])
        for layers in (zip(n.weights, n.biases, strict=True) for n in (net, along))
    )
    # a layer of zeros is as large as others are
    sizes = np.where(sizes > 0, sizes, sizes.max())
    is_long = T * moves > LONG * sizes
    if not is_long.any():
        return []
    first = (sizes[is_long] / moves[is_long]).min()
    if first == 0:  # a network of zeros, which has no size
        first = min(T, 1 / moves.max()) * SHALLOW
    sizes = T * 4.0 ** -np.arange(1, MOST_CUTS)
    sizes = sizes[sizes > first]
    both = np.concatenate([-sizes, sizes])
    return np.sort(both[(interval[0] < both) & (both < interval[1])])


def _decay(net, along, weight_decay):
    """Coefficients (1, t, t^2) of the term that weight decay adds."""
    if weight_decay == 0:
        return 0.0, 0.0, 0.0
    a, v = net.packed()[0], along.packed()[0]
    return tuple(0.5 * weight_decay * x for x in (a @ a, 2 * (a @ v), v @ v))


def _on_pieces(decay, breakpoints, n):
    out = np.zeros((len(breakpoints) - 1, n))
    half, middle = np.diff(breakpoints) / 2, (breakpoints[:-1] + breakpoints[1:]) / 2
    out[:, :3] = shifted(np.tile(decay, (len(out), 1)), middle, half)
    return out
