"""Layer by layer: polygons on which a network is affine so far, cut by the next layer's units."""

from typing import NamedTuple

import numpy as np

from geomcore.layers.affine import Affine
from geomcore.layers.lp_norm import LpNorm
from geomcore.layers.relu import ReLU
from geomcore.network import ReLUNetwork

# A pre-activation at a corner that is a smaller part of what was added up in it is zero.
ROUNDING = 2e-14
# Of smaller ones the rounding is not a part, for products are no floats with all digits.
LEAST = 1e-305
OVERFLOW = "net must have values on the {where} that are finite floats, got overflow"
# Numbers in the affine maps of the polygons that are worked on at a time.
AT_A_TIME = 4_000_000


class Step(NamedTuple):
    """An affine map, and whether its values are rectified.

    Attributes
    ----------
    W : ndarray, shape (m, n)
    b : ndarray, shape (m,)
    is_rectified : bool
    W_sizes : ndarray, shape (m, n)
        Moduli of what is added up in W: of itself, or of products if it is one of several maps.
    b_sizes : ndarray, shape (m,)
    """

    W: np.ndarray
    b: np.ndarray
    is_rectified: bool
    W_sizes: np.ndarray
    b_sizes: np.ndarray


class Pieces(NamedTuple):
    """Polygons, the patterns of the hidden layers there, and the outputs as affine maps.

    Attributes
    ----------
    corners : ndarray, shape (V, 2)
    starts : ndarray of int64, shape (R + 1,)
    patterns : ndarray of uint8, shape (R, units)
    maps : ndarray, shape (R, k, 3)
        Coefficients of x, y and 1.
    vague : ndarray of uint8, shape (R,)
        1 where the sign of a hidden unit is within its rounding.
    """

    corners: np.ndarray
    starts: np.ndarray
    patterns: np.ndarray
    maps: np.ndarray
    vague: np.ndarray


def steps_of(net):
    """A network as affine maps, rectified or not; ValueError if it is not piecewise linear.

    An Lp head with p = 1 that follows a ReLU is affine, with the absolute values of its weights.
    """
    if isinstance(net, ReLUNetwork):
        last = len(net.weights) - 1
        pairs = zip(net.weights, net.biases, strict=True)
        return [_plain(W, b)._replace(is_rectified=l < last) for l, (W, b) in enumerate(pairs)]
    steps, is_positive = [], False
    for i, layer in enumerate(net.layers):
        if isinstance(layer, ReLU):
            if not steps or steps[-1].is_rectified:
                raise ValueError(
                    "net must begin with an affine layer, and have one between ReLUs, got a ReLU "
                    f"as layers[{i}]"
                )
            steps[-1] = steps[-1]._replace(is_rectified=True)
            is_positive = True
        elif isinstance(layer, Affine):
            steps.append(_plain(layer.W, layer.b))
            is_positive = False
        elif isinstance(layer, LpNorm) and float(layer.p) == 1 and is_positive:
            steps.append(_plain(np.abs(layer.W), layer.b))
            is_positive = False
        else:
            raise ValueError(
                "net must be piecewise linear: affine layers, ReLUs, and Lp norms with p = 1 after "
                f"a ReLU, got {layer!r}"
            )
    return _merged(steps)


def _plain(W, b):
    """An affine map that is not rectified, of numbers that nothing was added up in."""
    return Step(W, b, False, np.abs(W), np.abs(b))


def _merged(steps):
    """Two affine maps in a row are one, which is rounded: its sizes are those of the products."""
    out = []
    for step in steps:
        if out and not out[-1].is_rectified:
            before = out.pop()
            # what overflows here does so in the unit, too, where it is refused
            with np.errstate(over="ignore", invalid="ignore"):
                step = Step(
                    step.W @ before.W,
                    step.W @ before.b + step.b,
                    step.is_rectified,
                    _sizes_of_product(step.W, before.W_sizes),
                    _sizes_of_product(step.W, before.b_sizes) + np.abs(step.b),
                )
        out.append(step)
    return out


def _sizes_of_product(W, sizes):
    """What is added up in W times numbers of these sizes, at least `LEAST` but for zeros."""
    is_sum = (W != 0).astype(float) @ (sizes != 0).astype(float) > 0
    return np.where(is_sum, np.maximum(np.abs(W) @ sizes, LEAST), 0.0)


def subdivided(steps, first, is_lost, counts):
    """Yield the `Pieces` of the square from -1 to 1.

    Parameters
    ----------
    steps : list of Step
    first : ndarray, shape (d, 3)
        The point of input space at (x, y).
    is_lost : ndarray of bool, shape (d,)
        Which of its coordinates have lost digits to underflow.
    counts : list of int
        The regions of the first l hidden layers are added to entry l.

    Raises
    ------
    ValueError
        If what is added up in a unit overflows.
    """
    # compiled code, which importing geomcore does not wait for
    from geomcore.regions.cutting import cut_all

    square = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    nothing = np.zeros((1, 0), np.uint8)
    start = (
        np.ascontiguousarray(first.T)[None],
        np.zeros(1, int),
        np.ones((1, len(first)), np.uint8),
    )
    waiting = [(0, square, np.array([0, 4]), nothing, np.zeros(1, np.uint8), start)]
    while waiting:
        l, corners, starts, patterns, vague, given = waiting.pop()
        step, inner = steps[l], _on(*given)
        maps = _applied(step, inner)
        if not step.is_rectified:
            yield Pieces(corners, starts, patterns, maps.swapaxes(1, 2), vague)
            continue
        # |x| and |y| are at most 1
        held = np.abs(inner).sum(axis=1)
        if l == 0:
            held = np.where(is_lost, np.maximum(held, LEAST), held)
        sizes = held @ step.W_sizes.T + step.b_sizes
        if not np.isfinite(sizes).all():  # all would be within the rounding of that
            raise ValueError(OVERFLOW.format(where="box"))
        before = vague | _lost(step, held, sizes)
        corners, starts, parents, signs, vague = cut_all(corners, starts, maps, ROUNDING * sizes)
        vague |= before[parents]
        counts[l] += len(parents)
        patterns = np.concatenate([patterns[parents], signs], axis=1)
        if l + 1 == len(steps):  # the last values are rectified, too
            known = _on(maps, parents, signs)
            yield Pieces(corners, starts, patterns, known.swapaxes(1, 2), vague)
            continue
        wide = max(len(step.b), len(steps[l + 1].b))
        block = max(1, AT_A_TIME // (3 * wide))
        for i in reversed(range(0, len(parents), block)):
            part = slice(i, min(i + block, len(parents)))
            ends = starts[part.start : part.stop + 1]
            mine = corners[ends[0] : ends[-1]]
            # maps of the parents: those of the pieces are made when it is their turn
            given = (maps, parents[part], signs[part])
            waiting.append((l + 1, mine, ends - ends[0], patterns[part], vague[part], given))


def _lost(step, held, sizes):
    """1 for polygons (K,) on which what is added up in a unit may have been lost to underflow."""
    if (sizes >= LEAST).all():
        return np.zeros(len(sizes), np.uint8)
    # zeros that no rounding has made are zeros
    terms = (held != 0).astype(float) @ (step.W_sizes != 0).T.astype(float)
    terms += step.b_sizes != 0
    return ((sizes < LEAST) & (terms > 0)).any(axis=1).astype(np.uint8)


def _on(maps, parents, signs):
    """What rectified values are on pieces of polygons."""
    known = maps[parents]
    known *= signs[:, None]
    return known


def _applied(step, inner):
    """The maps of the next values, (K, 3, n) to (K, 3, m)."""
    K, _, n = inner.shape
    out = (inner.reshape(3 * K, n) @ step.W.T).reshape(K, 3, -1)
    out[:, 2] += step.b
    return out
