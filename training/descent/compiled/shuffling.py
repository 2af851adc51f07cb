"""Shuffles in compiled code, number by number those of NumPy's `Generator.permuted`.

NumPy takes 9 ns for each point, as long as a step of a small network takes for the arithmetic of
that point. This does the same with the state of the generator, and leaves it where NumPy would.
"""

from functools import cache

import numpy as np

from geomcore.kernels import OUTER, cached_njit
from training.descent.batches import permuted

# PCG64 (M. E. O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms
# for random number generation", HMC-CS-2014-0905): the state times this number of 128 bits plus an
# increment, of which a rotation of the two halves is the next random number.
HIGH, LOW = np.uint64(0x2360ED051FC65DA4), np.uint64(0x4385DF649FCCF645)
ZERO, ONE = np.uint64(0), np.uint64(1)
HALF, FULL, TURN = np.uint64(32), np.uint64(64), np.uint64(58)
FIRST = np.uint64(0xFFFFFFFF)

# Points that NumPy shuffles in each process, before the kernel is compiled, which takes a second,
# or loaded.
FEW = 5_000_000
_left = FEW


def permute(rng, rows):
    """Fill each row of an int64 array (epochs, n) as `permuted` does.

    Examples
    --------
    >>> rows = np.empty((2, 4), dtype=np.int64)
    >>> permute(np.random.default_rng(1), rows)
    >>> rows
    array([[0, 1, 2, 3],
           [3, 0, 2, 1]])
    """
    global _left
    if _left > 0:
        _left -= rows.size
        permuted(rng, rows)
    elif type(rng.bit_generator) is np.random.PCG64 and _is_as_numpy():
        _permute(rng, rows)
    else:
        permuted(rng, rows)


@cache
def _is_as_numpy():
    """Whether this NumPy shuffles as the kernel does: it promises only that of one version."""
    rngs = [np.random.default_rng(7) for _ in range(2)]
    found, expected = np.empty((2, 3, 70), dtype=np.int64)
    _permute(rngs[0], found)
    permuted(rngs[1], expected)
    states = [rng.bit_generator.state for rng in rngs]
    return bool((found == expected).all()) and states[0] == states[1]


def _permute(rng, rows):
    generator = rng.bit_generator
    with generator.lock:
        told = generator.state
        numbers = told["state"]
        state = np.array(
            [
                numbers["state"] >> 64,
                numbers["state"] & (2**64 - 1),
                numbers["inc"] >> 64,
                numbers["inc"] & (2**64 - 1),
                told["has_uint32"],
                told["uinteger"],
            ],
            dtype=np.uint64,
        )
        # Unsigned numbers wrap around, of which NumPy's scalars warn where nothing is compiled.
        with np.errstate(over="ignore"):
            shuffle(state, rows)
        high, low, _, _, has, half = state.tolist()
        numbers["state"] = high << 64 | low
        told["has_uint32"], told["uinteger"] = has, half
        generator.state = told


@cached_njit(nogil=True, **OUTER)
def shuffle(state, rows):
    """Fill `rows` (epochs, n) with permutations; `state` is that of PCG64.

    Its two halves and those of the increment, whether half a number is left, and this half.
    """
    high, low, inc_high, inc_low, has, half = state
    a0, a1 = LOW & FIRST, LOW >> HALF
    for e in range(len(rows)):
        row = rows[e]
        for k in range(len(row)):
            row[k] = k
        i, mask = np.uint64(len(row) - 1), ONE
        while mask < i:
            mask = mask << ONE | ONE
        while i > ZERO:
            if has == ZERO:
                b0, b1 = low & FIRST, low >> HALF
                t = a0 * b0
                u = a1 * b0 + (t >> HALF)
                v = a0 * b1 + (u & FIRST)
                high = high * LOW + low * HIGH + a1 * b1 + (u >> HALF) + (v >> HALF) + inc_high
                low = low * LOW + inc_low
                high += np.uint64(low < inc_low)
                word, turn = high ^ low, high >> TURN
                word = word >> turn | word << (FULL - turn) % FULL
                number, half, has = word & FIRST, word >> HALF, ONE
            else:
                number, has = half, ZERO
            # What is above i is drawn again. Whether it is cannot be foreseen, so nothing
            # branches: then i is exchanged with itself.
            drawn = number & mask
            j = min(drawn, i)
            kept = row[i]
            row[i] = row[j]
            row[j] = kept
            i -= np.uint64(drawn <= i)
            mask = mask >> ONE if i <= mask >> ONE else mask
    state[0], state[1], state[4], state[5] = high, low, has, half
