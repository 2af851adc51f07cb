r"""The polynomial map that a network is in one cell, and its derivatives, over any numbers.

In a cell every unit is on or off at every point, by masks. Units on their kink at a point are off
there, and their pre-activations z_a are functions of their own. The numbers may be floats, `Balls`
or object arrays of `flint.arb`: all that is needed is +, *, @, sums and slices.
"""

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from constructions.critical.balls import Balls, of_arbs, stacked
from constructions.critical.curvature.squares import is_long, is_summed, squared
from constructions.critical.points import BITS, exactly
from constructions.proof.exact import precision


class Block(NamedTuple):
    """A part of the loss: tr(E^T form E across), with the errors E at some points in a row.

    Blocks of other losses (entropies.py) have the same `rows` and methods, which take the outputs
    and the targets of these n points alone, shape (n, K), in the numbers of the cell.

    Attributes
    ----------
    rows : slice
        Of the points.
    form : array, shape (n, n), or (n,) for a diagonal matrix
    across : array, shape (K, K)
    """

    rows: slice
    form: np.ndarray
    across: np.ndarray

    def value(self, outputs, Y):
        """The loss, a number."""
        error = outputs - Y
        return (self._formed(error) * error).reshape(-1).sum(axis=0)

    def slope(self, outputs, Y):
        """Derivative in the outputs, shape (n, K)."""
        return 2 * self._formed(outputs - Y)

    def curved(self, outputs, Y, rows):
        """Second derivative in the outputs times rows of theirs, shape (n K, P)."""
        if len(self.form.shape) > 1:
            return 2 * (_kronecker(self.form, self.across) @ rows)
        n, K = outputs.shape
        weighted = self.form.reshape(n, 1, 1) * (self.across @ rows.reshape(n, K, rows.shape[1]))
        return 2 * weighted.reshape(n * K, rows.shape[1])

    def _formed(self, error):
        """form E across."""
        if len(self.form.shape) == 1:
            return self.form.reshape(-1, 1) * (error @ self.across)
        return self.form @ error @ self.across


class Cell(NamedTuple):
    """Where the derivatives are taken: the points, and which units are on at them.

    Attributes
    ----------
    widths : tuple of int
    X : array, shape (N, d)
        Points, in the numbers that are used.
    Y : array, shape (N, K)
        Targets.
    blocks : list of Block, or of blocks of another loss
        The loss is the sum of these, one after the other; points after the last add nothing.
    masks : list of ndarray of float64, shapes (N, d_l)
        1 where a hidden unit is on, else 0.
    kinks : list of (int, int, int)
        Layer from 0, point and unit of each pair that is on its kink; off in `masks`.
    """

    widths: tuple
    X: np.ndarray
    Y: np.ndarray
    blocks: list
    masks: list
    kinks: list

    @property
    def places(self):
        """(slice of W_l, slice of b_l) in the vector of parameters, layer by layer."""
        return _places(tuple(self.widths))


@lru_cache(maxsize=64)  # asked for at every step of a descent
def _places(widths):
    found, at = [], 0
    for n, m in pairwise(widths):
        found.append((slice(at, at + m * n), slice(at + m * n, at + m * n + m)))
        at += m * n + m
    return tuple(found)


class Pass(NamedTuple):
    """What the network does at all points, forwards and backwards.

    Attributes
    ----------
    W : list of arrays
    inputs : list of arrays
        What each layer reads; the first one is X.
    values : list of arrays
        What each layer makes, before masks; the last one is the output.
    slopes : list of arrays
        Derivative of the Lagrangian in `values`; empty if only the way forwards was gone.
    gains : list of arrays
        Derivative of the Lagrangian in the outputs of the hidden layers: at a kink, how fast
        the loss rises when the unit goes on, with all that follows from it.
    """

    W: list
    inputs: list
    values: list
    slopes: list = ()
    gains: list = ()


def forwards(cell, theta):
    """Follow the masked network, a `Pass` without slopes."""
    W, inputs, values = [], [cell.X], []
    sizes = zip(cell.places, cell.widths, cell.widths[1:], strict=False)
    for l, ((at_W, at_b), n, m) in enumerate(sizes):
        W.append(theta[at_W].reshape(m, n))
        values.append(inputs[-1] @ W[-1].T + theta[at_b])
        if l < len(cell.masks):
            inputs.append(values[-1] * cell.masks[l])
    return Pass(W, inputs, values)


def run(cell, theta, multipliers=None):
    r"""Follow the network forwards and the Lagrangian :math:`C + \sum_a \mu_a z_a` back.

    Parameters
    ----------
    cell : Cell
    theta : array, shape (P,)
    multipliers : array, shape (number of kinks,), optional

    Returns
    -------
    Pass
    """
    found = forwards(cell, theta)
    slopes, gains = [_slope(cell, found.values[-1])], []
    for l in reversed(range(len(cell.masks))):
        gains.append(slopes[-1] @ found.W[l + 1])
        slope = gains[-1] * cell.masks[l]
        own = [j for j, (layer, _, _) in enumerate(cell.kinks) if layer == l]
        if own and multipliers is not None:
            slope = slope + _placed(cell, own, multipliers)
        slopes.append(slope)
    return found._replace(slopes=slopes[::-1], gains=gains[::-1])


def _slope(cell, outputs):
    """The derivative of the loss in the outputs."""
    parts = [block.slope(outputs[block.rows], cell.Y[block.rows]) for block in cell.blocks]
    used = cell.blocks[-1].rows.stop if cell.blocks else 0
    return stacked([*parts, (outputs[used:] - cell.Y[used:]) * 0])


def _placed(cell, own, multipliers):
    """The multipliers of some kinks of one layer at their places, zeros elsewhere."""
    layer = cell.kinks[own[0]][0]
    at = tuple(np.array([cell.kinks[j][1:] for j in own]).T)

    def spread(values):
        found = np.zeros(cell.masks[layer].shape, dtype=values.dtype)
        found[at] = values[own]
        return found

    if isinstance(multipliers, Balls):
        return Balls(spread(multipliers.mid), spread(multipliers.rad))
    return spread(multipliers)


def loss(cell, found):
    """The loss in the cell."""
    outputs, total = found.values[-1], 0
    for block in cell.blocks:
        total = total + block.value(outputs[block.rows], cell.Y[block.rows])
    return total


def loss_in_box(cell, theta):
    """The loss anywhere in a box of parameters in which the masks stay; a cell and box in balls.

    By the mean value theorem, from the middle in more digits, or from the outputs, whichever is
    narrower: the latter take the outputs of a point as independent wherever they are used, as in
    log(1 + e^f) - f, and rounding in balls knows no logit of 200 to better than 1e-12.
    """
    found = run(cell, theta)
    with precision(BITS):
        exact = in_arbs(cell)
        middle = loss(exact, forwards(exact, exactly(theta.mid)))
    slope = stacked(gradient(found)) * Balls(np.zeros(theta.shape), theta.rad)
    near, wide = of_arbs([middle], ()) + slope.sum(), loss(cell, found)
    return near if near.rad < wide.rad else wide


def in_arbs(cell):
    """A cell in balls, in arb."""

    def inside(parts):
        return [exactly(part) if isinstance(part, Balls) else part for part in parts]

    blocks = [block._make(inside(block)) for block in cell.blocks]
    masks = [exactly(mask) for mask in cell.masks]
    return cell._replace(X=exactly(cell.X), Y=exactly(cell.Y), blocks=blocks, masks=masks)


def gradient(found):
    """Derivative of the Lagrangian in the parameters, a list of arrays, W and b layer by layer."""
    parts = []
    for slope, read in zip(found.slopes, found.inputs, strict=True):
        parts += [(slope.T @ read).reshape(-1), slope.sum(axis=0)]
    return parts


def heights(cell, found):
    """The pre-activations at the kinks, a list."""
    return [found.values[l][i, u] for l, i, u in cell.kinks]


def rises(cell, found):
    """The derivative of the Lagrangian in the output of each unit on its kink, a list."""
    return [found.gains[l][i, u] for l, i, u in cell.kinks]


# Derivatives of many functions at once, in balls


def output_rows(cell, found, points=None, outputs=None):
    """Derivatives of outputs at points in the parameters.

    Parameters
    ----------
    points, outputs : ndarray of int, shape (R,), optional
        Default all outputs of the first point, of the second, ...

    Returns
    -------
    Balls, shape (R, P)
    """
    N, K = len(cell.X), cell.widths[-1]
    if points is None:
        points, outputs = np.repeat(np.arange(N), K), np.tile(np.arange(K), N)
    return value_rows(cell, found, len(cell.widths) - 2, points, outputs)


def height_rows(cell, found):
    """Derivatives of the pre-activations at the kinks, `Balls` of shape (number of kinks, P)."""
    P = cell.places[-1][1].stop
    mid, rad = np.zeros((len(cell.kinks), P)), np.zeros((len(cell.kinks), P))
    layers = np.array([l for l, _, _ in cell.kinks], int)
    for l in np.unique(layers).tolist():
        at = np.flatnonzero(layers == l)
        points, units = np.array([cell.kinks[j][1:] for j in at]).T
        rows = value_rows(cell, found, l, points, units)
        mid[at], rad[at] = rows.mid, rows.rad
    return Balls(mid, rad)


def value_rows(cell, found, layer, points, units):
    """Derivatives of values of one layer at points, one unit each, `Balls` of shape (R, P)."""
    back = Balls(np.zeros((len(points), cell.widths[layer + 1])))
    back.mid[np.arange(len(points)), units] = 1
    P = cell.places[-1][1].stop
    mid, rad = np.zeros((len(points), P)), np.zeros((len(points), P))
    for l in range(layer, -1, -1):
        at_W, at_b = cell.places[l]
        read = found.inputs[l][points]
        R, m, n = len(points), back.shape[1], read.shape[1]
        block = (back.reshape(R, m, 1) * read.reshape(R, 1, n)).reshape(R, m * n)
        mid[:, at_W], rad[:, at_W] = block.mid, block.rad
        mid[:, at_b], rad[:, at_b] = back.mid, back.rad
        if l:
            back = (back @ found.W[l]) * cell.masks[l - 1][points]
    return Balls(mid, rad)


def curvature(cell, found, rows=None):
    """The part of `hessian` that is left where outputs are linear, J^T A J.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls.
    rows : Balls, shape (N K, P), optional
        `output_rows` of all outputs, where these are known.

    Returns
    -------
    Balls, shape (P, P)
    """
    K, P = cell.widths[-1], cell.places[-1][1].stop
    total, own, weighted, outputs = Balls(np.zeros((P, P))), [], [], found.values[-1]
    for block in cell.blocks:
        if is_long(cell) and is_summed(cell, block):
            total = total + squared(cell, found, block)
            continue
        at = np.arange(block.rows.start * K, block.rows.stop * K)
        own.append(output_rows(cell, found, *divmod(at, K)) if rows is None else rows[at])
        bent = block.curved(outputs[block.rows], cell.Y[block.rows], own[-1])
        weighted.append(bent)
    return total + stacked(own).T @ stacked(weighted) if own else total


def hessian(cell, found, rows=None):
    """Second derivative of the Lagrangian in the parameters.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls, with the multipliers.
    rows : Balls, shape (N K, P), optional
        `output_rows` of all outputs, where these are known.

    Returns
    -------
    Balls, shape (P, P)
    """
    P = cell.places[-1][1].stop
    total = curvature(cell, found, rows)
    mid, rad = np.zeros((P, P)), np.zeros((P, P))
    for l in range(len(cell.masks)):
        N, n, w = len(cell.X), cell.widths[l], cell.widths[l + 1]
        read = stacked([found.inputs[l], Balls(np.ones((N, 1)))], axis=1)
        for m in range(l + 1, len(cell.widths) - 1):
            # how the inputs of layer m follow from the values of layer l, (N, width of m, w)
            if m == l + 2:
                follow = found.W[l + 1].reshape(1, -1, w) * cell.masks[l][:, None, :]
                follow = follow * cell.masks[l + 1][:, :, None]
            elif m > l + 2:
                follow = _followed(found.W[m - 1], follow, cell.masks[m - 1])
            for s in range(cell.widths[m + 1]):
                slope, t = found.slopes[m][:, s].reshape(N, 1), cell.widths[m]
                row = (cell.places[m][0].start + s * t + np.arange(t))[:, None, None]
                if m == l + 1:  # each unit of layer l is followed by itself alone
                    block = ((slope * cell.masks[l]).T @ read).reshape(t, 1, n + 1)
                    units = np.arange(w)[:, None]
                else:
                    part = follow * slope.reshape(N, 1, 1)
                    block = (part.reshape(N, t * w).T @ read).reshape(t, w, n + 1)
                    units = np.arange(w)[None, :]
                to_W = cell.places[l][0].start + units[:, :, None] * n + np.arange(n)
                to_b = cell.places[l][1].start + units
                for target, source in ((mid, block.mid), (rad, block.rad)):
                    target[row, to_W] = source[:, :, :n]
                    target[row[:, :, 0], to_b] = source[:, :, n]
    return total + Balls(mid + mid.T, rad + rad.T)


def _followed(W, follow, mask):
    """W times (N, t, w), masked."""
    N, t, w = follow.shape
    flat = Balls(follow.mid.transpose(1, 0, 2), follow.rad.transpose(1, 0, 2)).reshape(t, N * w)
    made = (W @ flat).reshape(W.shape[0], N, w)
    made = Balls(made.mid.transpose(1, 0, 2), made.rad.transpose(1, 0, 2))
    return made * mask[:, :, None]


def _kronecker(A, B):
    n, m = len(A), len(B)
    return (A.reshape(n, 1, n, 1) * B.reshape(1, m, 1, m)).reshape(n * m, n * m)
