"""Compiled penalties and constraints of one step; the kernel of the steps calls them by address."""

import math

import numpy as np

from geomcore.kernels import FLAGS, cached_njit

MODULUS, SQUARE, NEGATIVE_PART, SMOOTH_COUNT = 0, 1, 2, 3
BETWEEN, UNIT, AT_MOST = 0, 1, 2


@cached_njit(nogil=True, fastmath=FLAGS, no_cpython_wrapper=True)
def penalize(theta, penalties, grad):
    """Add the gradients of the penalties to `grad`."""
    for r in range(len(penalties)):
        kind, first, end, weight, width = penalties[r]
        for i in range(int(first), int(end)):
            v = theta[i]
            if kind == MODULUS:
                v = np.sign(v)
            elif kind == SMOOTH_COUNT:
                v *= math.exp(-0.5 * (v / width) * (v / width)) / width / width
            else:
                v = 0.0 if kind == NEGATIVE_PART and v > 0 else 2 * v
            grad[i] += weight * v


@cached_njit(nogil=True, fastmath=FLAGS, no_cpython_wrapper=True)
def project(new, constraints):
    """Make the parameters keep the constraints; return whether all of them are finite."""
    for r in range(len(constraints)):
        kind, first, rows, columns, least, most = constraints[r]
        start, step = int(first), int(columns)
        for k in range(start, start + step):
            end = k + int(rows) * step
            if kind == BETWEEN:
                for i in range(k, end, step):
                    v = least if new[i] < least else new[i]
                    new[i] = most if v > most else v
                continue
            top = squares = 0.0
            for i in range(k, end, step):
                top = max(top, abs(new[i]))
            if top == 0:
                continue
            # Squares of tiny or huge entries would underflow or overflow.
            for i in range(k, end, step):
                squares += (new[i] / top) * (new[i] / top)
            norm = math.sqrt(squares)
            if kind == UNIT or top * norm > most:
                for i in range(k, end, step):
                    new[i] = new[i] / top * (most / norm)
    total = 0.0
    for i in range(len(new)):
        total += new[i]
    return np.isfinite(total)
