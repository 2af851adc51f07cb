r"""How large the rank of the derivative of a network can be in a cell: modulo primes, or counted.

The derivatives are polynomials in the parameters. Their rank at random parameters modulo a prime is
never more than at almost all real parameters, and less with a probability that Schwartz and
Zippel bound: the degree of a minor over the prime, and the share of the primes that divide all of
its coefficients. On parameters that keep kinks on their kink, each unit's (w, b) is drawn in the
kernel of its rows (h_i, 1), layer by layer.
"""

import math
import secrets
from typing import NamedTuple

import numpy as np
from flint import fmpz, nmod_mat

from constructions.critical.planes.drawing import in_kernel, layer_below
from constructions.proof.exact import rational

BITS = 61
PRIMES = 2.7e16  # there are more of so many bits
DRAWS = 2
MOST_ENTRIES = 20_000_000  # of a derivative that is computed modulo primes
FEW_ENTRIES = 1_000_000  # with no more, all rows take no time
EACH = 2  # rows that are drawn of those of each point
JOINT = 32  # and of those of all points together


class GenericRank(NamedTuple):
    """A bound on the rank of a derivative near a point, that holds but with some probability.

    Attributes
    ----------
    rank : int
    error : float
        Probability that the rank is larger; 0 if it is counted and not drawn.
    """

    rank: int
    error: float


def generic_rank(cell, wanted, held=()):
    """The largest rank that (DF, Dz) has on parameters of a cell that keep its kinks.

    Parameters
    ----------
    cell : Cell
        With points as floats.
    wanted : list of (int, list of fmpq)
        Which outputs F has: a point, and a combination of the outputs there.
    held : list of (int, int), optional
        Layer from 1 on, and unit: of these w is drawn, and the layer below as it has to be.

    Returns
    -------
    GenericRank or None
        None if there are too many numbers, or the kinks of a unit are not independent.
    """
    rows = len(wanted) + len(cell.kinks)
    P = cell.places[-1][1].stop
    if rows * P > MOST_ENTRIES:
        return None
    whole, bits = _whole_numbers(cell.X)
    best = 0
    for _ in range(DRAWS):
        found = _rank_modulo(cell, wanted, whole, _prime(), held)
        if found is None:
            return None
        best = max(best, found)
    spare = bool(wanted) and _are_many(cell, np.array([i for i, _ in wanted]))
    bits += max(
        (_whole_bits(row) for row in {id(row): row for _, row in wanted}.values()), default=0
    )
    return GenericRank(best, _error(cell, best, bits, held, tests=int(spare)))


def counted_bound(cell, free_bias):
    """An upper bound of the same rank, from the directions in which nothing changes.

    A unit that is on somewhere can be scaled, with its outgoing weights the other way; one that
    is never on, and on no kink, can do what it likes.

    Parameters
    ----------
    cell : Cell
    free_bias : list of ndarray of bool, shapes (d_l,)
        Whether the bias of each hidden unit is not 0: then these directions are independent.

    Returns
    -------
    int
    """
    P = cell.places[-1][1].stop
    idle, scaled = np.zeros(P, bool), 0
    for l, mask in enumerate(cell.masks):
        on_kink = {u for layer, _, u in cell.kinks if layer == l}
        n, m = cell.widths[l], cell.widths[l + 1]
        after = cell.widths[l + 2]
        for u in range(m):
            out = cell.places[l + 1][0].start + u + m * np.arange(after)
            if not mask[:, u].any() and u not in on_kink:
                start = cell.places[l][0].start + u * n
                idle[start : start + n] = True
                idle[cell.places[l][1].start + u] = True
                idle[out] = True
            elif mask[:, u].any() and free_bias[l][u]:
                scaled += 1
    return P - int(idle.sum()) - scaled


def _prime():
    """A random prime of `BITS` binary digits."""
    while True:
        candidate = (1 << (BITS - 1)) + secrets.randbits(BITS - 1) | 1
        if fmpz(candidate).is_prime():
            return candidate


def _whole_numbers(X):
    """The points times a power of two that makes them whole, and how many bits the longest has.

    At almost all parameters the rank is that at the points themselves: weights make good for it.
    """
    values = [rational(v) for v in X.ravel().tolist()]
    common = max(int(v.q) for v in values)
    whole = [int((v * common).p) for v in values]
    bits = max(abs(v).bit_length() for v in whole)
    return np.array(whole, dtype=object).reshape(X.shape), bits


def coefficients_rank(cell, asked, constraints, by_label):
    r"""The largest rank of the rows of what is asked for of outputs.

    Parameters
    ----------
    cell : Cell
        With points as floats.
    asked : list of Asked
    constraints : list of Parallel and Across
        Hold of the weights, as kinks stay on their kink.
    by_label : bool
        Which rows.

    Returns
    -------
    GenericRank or None
        As `generic_rank`.

    See Also
    --------
    constructions.critical.fitted.fewer.coefficients : these rows.
    """
    K, width = cell.widths[-1], cell.widths[-2] * (cell.widths[-3] + 1)
    most = own_labels(asked).shape[1] * K if by_label else K + 1
    if len(asked) * (width + most) > MOST_ENTRIES:
        return None
    whole, bits = _whole_numbers(cell.X)
    points, best = [one.point for one in asked], 0
    for _ in range(DRAWS):
        p = _prime()
        drawn = _drawn(cell, whole, p, constraints)
        if drawn is None:
            return None
        weights, inputs = drawn
        g = np.array([_modulo(one.functional, p) for one in asked], dtype=object)
        on = (g @ weights[-1] % p) * cell.masks[-1][points].astype(int).astype(object)
        read = np.hstack([inputs[-2][points], np.ones((len(asked), 1), dtype=object)])
        found = (on[:, :, None] * read[:, None, :] % p).reshape(len(asked), width)
        if by_label:
            own = (g[:, None, :] * own_labels(asked)[:, :, None]).reshape(len(asked), -1)
            found = np.hstack([found, own])
        else:
            value = np.array([_modulo([one.value], p) for one in asked], dtype=object)
            found = np.hstack([found, g, value])
        best = max(best, nmod_mat(*found.shape, [int(v) for v in found.ravel()], p).rank())
    own = [v for one in [*asked, *constraints] for v in getattr(one, "functional", ())]
    # times the denominators of a row: of K' coefficients, and of the value
    bits += (K + 2) * _bits([*own, *(one.value for one in asked)])
    # columns and rows that are parallel or in a kernel are products: as two layers more
    return GenericRank(best, _error(cell._replace(widths=(*cell.widths, K, K)), best, bits))


def own_labels(asked):
    """Which of all labels each is about, an object array of 0 and 1, shape (R, labels)."""
    labels = sorted({one.label for one in asked})
    return np.array([[int(one.label == q) for q in labels] for one in asked], dtype=object)


def _modulo(row, p):
    return [int(v.p) * pow(int(v.q), -1, p) % p for v in row]


def _bits(numbers):
    return max(max(int(v.p).bit_length(), int(v.q).bit_length()) for v in numbers)


def _whole_bits(row):
    """Bits of a sum of whole numbers times a row that its common denominator makes whole."""
    common = fmpz(1)
    for v in row:
        common = common.lcm(v.q)
    longest = max(int(abs(v.p) * (common // v.q)).bit_length() for v in row)
    return longest + len(row).bit_length()


def _rank_modulo(cell, wanted, whole, p, held):
    """Rank of (DF, Dz) modulo p at random parameters that keep the kinks, or None."""
    drawn = _drawn(cell, whole, p, held=held)
    if drawn is None:
        return None
    weights, inputs = drawn
    rows = []
    if wanted:
        points = np.array([i for i, _ in wanted])
        back = np.array([_modulo(row, p) for _, row in wanted], dtype=object)
        if _are_many(cell, points):
            found = _rank_of_fewer(cell, weights, inputs, points, back, p)
            if found is not None:
                return found
        rows.append(_rows(cell, weights, inputs, len(cell.masks), points, back, p))
    rows += _kink_rows(cell, weights, inputs, p)
    return _matrix(np.vstack(rows), p).rank() if rows else 0


def _kink_rows(cell, weights, inputs, p):
    """Derivatives modulo p of the pre-activations at the kinks, a list of arrays (1, P)."""
    rows = []
    for l, i, u in cell.kinks:
        unit = [[int(u == j) for j in range(cell.widths[l + 1])]]
        rows.append(_rows(cell, weights, inputs, l, np.array([i]), unit, p))
    return rows


def _matrix(rows, p):
    return nmod_mat(*rows.shape, [int(v) for v in rows.ravel()], p)


def _are_many(cell, points):
    """Whether `_rank_of_fewer` takes less than half of the rows of outputs at these points."""
    fewer = EACH * len(np.unique(points)) + JOINT + 1
    all_rows, P = len(points) + len(cell.kinks), cell.places[-1][1].stop
    return all_rows * P > FEW_ENTRIES and 2 * (fewer + len(cell.kinks)) < all_rows


def _rank_of_fewer(cell, weights, inputs, points, back, p):
    """The rank modulo p of (DF, Dz) from combinations of its rows, or None if these do not do.

    Of each point, and of all together, random combinations are taken. If a last one of all rows
    depends on those before, they span all rows, but with probability 1 / p: else it would be a
    random element of a space of which they are a proper part.
    """
    own, at = np.unique(points, return_inverse=True)
    rng, n = np.random.default_rng(secrets.randbits(128)), len(points)

    def mixed(shares):
        total = np.zeros((len(own), back.shape[1]), dtype=object)
        np.add.at(total, at, np.asarray(shares, dtype=object)[:, None] * back)
        return total % p

    last = len(cell.masks)
    rows = _kink_rows(cell, weights, inputs, p)
    for _ in range(EACH):
        rows.append(_rows(cell, weights, inputs, last, own, mixed(rng.integers(p, size=n)), p))
    joint = [mixed(rng.integers(p, size=n)) for _ in range(JOINT)]
    # what is proved hangs on the last one alone
    joint = np.stack([*joint, mixed([secrets.randbelow(p) for _ in range(n)])])
    rows = np.vstack([*rows, _summed_rows(cell, weights, inputs, own, joint, p)])
    reduced, rank = _matrix(rows.T, p).rref()
    # the last row is no pivot of this one: what pivots before it span is all there is
    is_spanned = any(int(reduced[rank - 1, j]) for j in range(len(rows) - 1)) if rank else True
    return rank if is_spanned else None


def _summed_rows(cell, weights, inputs, points, back, p):
    """Sums over points of derivatives modulo p of combinations of outputs, (combinations, P).

    The combinations of each point are `back`, shape (combinations, points, K).
    """
    m, n, _ = back.shape
    found = np.zeros((m, cell.places[-1][1].stop), dtype=object)
    for l in range(len(cell.masks), -1, -1):
        at_W, at_b = cell.places[l]
        read = np.hstack([inputs[l][points], np.ones((n, 1), dtype=object)])
        flat = back.transpose(0, 2, 1).reshape(-1, n)
        total = (_matrix(flat, p) * _matrix(read, p)).entries()
        total = np.array([int(v) for v in total], dtype=object).reshape(m, -1, read.shape[1])
        found[:, at_W], found[:, at_b] = total[:, :, :-1].reshape(m, -1), total[:, :, -1]
        if l:
            on = cell.masks[l - 1][points].astype(int).astype(object)
            back = back @ weights[l] % p * on
    return found


def _drawn(cell, whole, p, constraints=(), held=()):
    """Random weights modulo p that keep the kinks, and what layers read; None if there are none.

    Rows that are to be parallel are those of units without kinks. Units are held in no layer next
    to another one.
    """

    def draw(n):
        return [secrets.randbelow(p) for _ in range(n)]

    N = len(whole)
    weights, inputs, settled = [], [whole % p], {}
    for l, (n, m) in enumerate(zip(cell.widths, cell.widths[1:], strict=False)):
        lifted = np.hstack([inputs[-1], np.ones((N, 1), dtype=object)])
        pairs = np.array(draw(m * (n + 1)), dtype=object).reshape(m, n + 1)
        above = [u for layer, u in held if layer == l + 1]
        if above:
            below = None if settled else layer_below(cell, l, above, lifted, p, draw)
            if below is None:
                return None
            pairs, units = below
        for u in range(m):
            points = [i for layer, i, unit in cell.kinks if (layer, unit) == (l, u)]
            if u in settled:
                pairs[u] = settled[u]
            elif points and not above:
                kept = in_kernel(lifted[points], p, draw)
                if kept is None:
                    return None
                pairs[u] = kept
        settled = units if above else {}
        kept = _constrained(pairs, [own for own in constraints if own.layer == l], p, draw)
        if not kept:
            return None
        weights.append(pairs[:, :-1])
        if l < len(cell.masks):
            value = (lifted @ pairs.T) % p
            inputs.append(value * cell.masks[l].astype(int).astype(object))
    return weights, inputs


def _constrained(pairs, constraints, p, draw):
    """Change random weights (m, n + 1) so that constraints hold; whether that can be done."""
    across = {}
    for own in constraints:
        if hasattr(own, "functional"):
            across.setdefault(own.unit, []).append(_modulo(own.functional, p))
    for u, rows in across.items():
        kept = in_kernel(np.array(rows, dtype=object), p, draw)
        if kept is None:
            return False
        pairs[:, u] = kept
    for own in constraints:
        if not hasattr(own, "functional"):
            of = pairs[:, :-1] if own.is_column else pairs[:, :-1].T
            of[:, own.unit] = of[:, own.pivot] * draw(1)[0] % p
    return True


def _rows(cell, weights, inputs, layer, points, back, p):
    """Derivatives modulo p of combinations of one layer's values at points, (points, P)."""
    back = np.array(back, dtype=object)
    found = np.zeros((len(points), cell.places[-1][1].stop), dtype=object)
    for l in range(layer, -1, -1):
        at_W, at_b = cell.places[l]
        product = back[:, :, None] * inputs[l][points][:, None, :] % p
        found[:, at_W], found[:, at_b] = product.reshape(len(points), -1), back
        if l:
            back = back @ weights[l] % p * cell.masks[l - 1][points].astype(int).astype(object)
    return found


def _error(cell, rank, bits, held=(), tests=0):
    """Probability that all draws have found a rank that is too small.

    In each of them so many tests fail with probability 1 / p, besides.
    """
    degree = 0
    for l, width in enumerate(cell.widths[:-1]):
        counts, joint = {}, 0
        for layer, _, u in cell.kinks:
            if layer == l and (l, u) not in held:
                counts[u] = counts.get(u, 0) + 1
            joint += layer == l or (layer == l + 1 and (layer, u) in held)
        # entries of a vector in a kernel are minors of its rows, times the number that is drawn
        if any(layer == l + 1 for layer, _ in held):  # rows times the w of a held unit
            degree += 1 + joint * (degree + 1)
            bits += 2 * math.ceil(math.log2(joint + 1))
        else:
            degree += 1 + max(counts.values(), default=0) * degree
        bits += 2 * math.ceil(math.log2(width + 1))
    rank = rank + 1  # of a minor that was missed
    share = rank * degree * (bits + math.log2(rank) + 1) / (BITS - 1) / PRIMES
    return min(1.0, ((rank * degree + tests) / 2.0 ** (BITS - 1) + share) ** DRAWS)
