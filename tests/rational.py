"""Networks, losses and cells in exact rational arithmetic: what proofs are judged by.

Slow and plain, and none of our code is imported. A float is the rational number that it is. A
layer is one matrix [W | b] of rationals, a network the list of its layers, and so is a direction.
`shares` are the weights of the points in the loss sum_i shares_i |o_i - y_i|^2.
"""

import math
from math import isqrt
from typing import NamedTuple

import numpy as np
from flint import arb, fmpq, fmpq_mat

ZERO = fmpq(0)


def rational(value):
    """The rational number that a finite float is."""
    return fmpq(*float(value).as_integer_ratio())


def matrix(array):
    """A float array (m, n) as a matrix of rationals."""
    array = np.asarray(array, dtype=float)
    return fmpq_mat(*array.shape, [rational(v) for v in array.ravel().tolist()])


def zeros(m, n):
    return fmpq_mat(m, n, [ZERO] * (m * n))


def layers_of(weights, biases):
    """The layers [W | b] of tensors of floats."""
    both = zip(weights, biases, strict=True)
    return [matrix(np.column_stack([np.asarray(W, float), b])) for W, b in both]


def root_below(q):
    """A rational just below the root of q >= 0 (relative error below 1e-20)."""
    if q == 0:
        return ZERO
    p, d = int(q.p), int(q.q)
    half = (160 - p.bit_length() + d.bit_length()) // 2
    shifted = (p << 2 * half) // d if half >= 0 else p // (d << -2 * half)
    return fmpq(isqrt(shifted)) * fmpq(2) ** -half


def squares(layers):
    """The squared Euclidean length of all entries of some matrices."""
    return sum((v * v for layer in layers for v in layer.entries()), ZERO)


def moved(layers, direction, step=1):
    """The network theta + step * direction."""
    return [A + D * fmpq(step) for A, D in zip(layers, direction, strict=True)]


def scaled(direction, factor):
    return [D * fmpq(factor) for D in direction]


# Forward


def lifted(x, last=1):
    """The rows (x, last)."""
    return fmpq_mat([[*row, fmpq(last)] for row in x.tolist()])


def relu(z):
    return fmpq_mat(z.nrows(), z.ncols(), [v if v > 0 else ZERO for v in z.entries()])


def forward(layers, X):
    """Pre-activations of every layer; the last ones are the outputs."""
    found, x = [], X
    for layer in layers:
        found.append(lifted(x) * layer.transpose())
        x = relu(found[-1])
    return found


def errors(outputs, Y):
    """|o_i - y_i|^2 for each point."""
    return [sum((v * v for v in row), ZERO) for row in (outputs - Y).tolist()]


def loss_of(outputs, Y, shares):
    return sum((s * e for s, e in zip(shares, errors(outputs, Y), strict=True)), ZERO)


def loss(layers, X, Y, shares):
    return loss_of(forward(layers, X)[-1], Y, shares)


def accuracy(outputs, index, targets):
    """Fraction of points nearest to the target of their class; ties go to the first class."""
    right = 0
    for row, q in zip(outputs.tolist(), index, strict=True):
        far = [sum(((a - t) ** 2 for a, t in zip(row, target, strict=True)), ZERO)
               for target in targets.tolist()]  # fmt: skip
        right += far.index(min(far)) == q
    return fmpq(right, len(index))


# Along a line


def series(layers, direction, X, Y, shares):
    """Coefficients of the loss at theta + t * direction, a polynomial for small t >= 0.

    Pre-activations are polynomials in t; whether a unit is active for small t > 0 is decided by
    its first coefficient that is not zero.
    """
    x = [X]
    for l, (A, D) in enumerate(zip(layers, direction, strict=True)):
        rows = [lifted(term, last=1 if k == 0 else 0) for k, term in enumerate(x)]
        z = [row * A.transpose() for row in rows]
        z.append(zeros(X.nrows(), A.nrows()))
        for k, row in enumerate(rows):
            z[k + 1] += row * D.transpose()
        if l < len(layers) - 1:
            on = [
                next((v > 0 for v in c if v != 0), False)
                for c in zip(*(t.entries() for t in z), strict=True)
            ]
            z = [
                fmpq_mat(
                    t.nrows(),
                    t.ncols(),
                    [v if a else ZERO for v, a in zip(t.entries(), on, strict=True)],
                )
                for t in z
            ]
        x = z
    gaps = [(x[0] - Y).tolist(), *(term.tolist() for term in x[1:])]
    found = [ZERO] * (2 * len(gaps) - 1)
    for p, first in enumerate(gaps):
        for q, second in enumerate(gaps):
            for s, u, v in zip(shares, first, second, strict=True):
                found[p + q] += s * sum((a * b for a, b in zip(u, v, strict=True)), ZERO)
    return found


def slope(layers, direction, X, Y, shares):
    """One-sided derivative of the loss along a direction, by tangents: right on kinks, too."""
    x, dx = X, zeros(X.nrows(), X.ncols())
    for l, (A, D) in enumerate(zip(layers, direction, strict=True)):
        z = lifted(x) * A.transpose()
        dz = lifted(dx, last=0) * A.transpose() + lifted(x) * D.transpose()
        if l < len(layers) - 1:
            both = zip(z.entries(), dz.entries(), strict=True)
            dx = [d if v > 0 or (v == 0 and d > 0) else ZERO for v, d in both]
            x, dx = relu(z), fmpq_mat(z.nrows(), z.ncols(), dx)
    found = ZERO
    for gap, change, share in zip((z - Y).tolist(), dz.tolist(), shares, strict=True):
        found += 2 * share * sum((a * b for a, b in zip(gap, change, strict=True)), ZERO)
    return found


# Gradients within a cell (units at zero count as inactive)


def _pull(layers, pre, X, l, delta):
    """Pull the rows `delta` at the pre-activations of layer l back to all parameters."""
    found = [zeros(A.nrows(), A.ncols()) for A in layers]
    for j in range(l, -1, -1):
        x = relu(pre[j - 1]) if j else X
        found[j] = delta.transpose() * lifted(x)
        if j:
            back = delta * fmpq_mat([row[:-1] for row in layers[j].tolist()])
            on = [v > 0 for v in pre[j - 1].entries()]
            back = [v if a else ZERO for v, a in zip(back.entries(), on, strict=True)]
            delta = fmpq_mat(X.nrows(), layers[j].ncols() - 1, back)
    return found


def gradient(layers, X, Y, shares):
    """Gradient of the loss in all parameters, as a direction."""
    pre = forward(layers, X)
    rows = [[2 * s * v for v in row] for s, row in zip(shares, (pre[-1] - Y).tolist(), strict=True)]
    return _pull(layers, pre, X, len(layers) - 1, fmpq_mat(rows))


def unit_gradient(layers, x, l, k):
    """Gradient of the pre-activation of unit k of layer l (from 0) at one point, a matrix 1 x d."""
    unit = fmpq_mat(1, layers[l].nrows(), [fmpq(int(j == k)) for j in range(layers[l].nrows())])
    return _pull(layers, forward(layers, x), x, l, unit)


# Cells and best fits


def pattern(pre):
    """For each hidden layer, point and unit, whether it is active."""
    return [tuple(v > 0 for v in z.entries()) for z in pre[:-1]]


def parts(pre):
    """Rows that are tied together by the pattern: (rows, last dead layer from 1, or 0)."""
    hidden = [z.tolist() for z in pre[:-1]]
    found = {}
    for i in range(pre[-1].nrows()):
        on = [tuple(v > 0 for v in z[i]) for z in hidden]
        dead = max((l for l, units in enumerate(on, start=1) if not any(units)), default=0)
        found.setdefault(dead or tuple(on), []).append(i)
    return [(rows, key if isinstance(key, int) else 0) for key, rows in found.items()]


class Fit(NamedTuple):
    """A weighted least-squares solution: of all, the one with the least squared length."""

    change: object
    squared: object
    loss: object


def least_squares(A, R, shares, metric=None):
    """The least Z in sum_i shares_i |(A Z - R)_i|^2, of least trace(Z^T metric Z) if several."""
    _, rank = A.rref()
    if not rank:
        return Fit(
            zeros(A.ncols(), R.ncols()), ZERO, loss_of(zeros(R.nrows(), R.ncols()), R, shares)
        )
    reduced, _ = A.transpose().rref()
    pivots = [next(j for j, v in enumerate(row) if v != 0) for row in reduced.tolist()[:rank]]
    basis = fmpq_mat([A.tolist()[j] for j in pivots]).transpose()
    if metric is not None:
        basis = metric.solve(basis)
    M = A * basis
    weighted = fmpq_mat([[s * v for v in row] for s, row in zip(shares, M.tolist(), strict=True)])
    Z = basis * (weighted.transpose() * M).solve(weighted.transpose() * R)
    size = Z if metric is None else metric * Z
    squared = sum((u * v for u, v in zip(Z.entries(), size.entries(), strict=True)), ZERO)
    return Fit(Z, squared, loss_of(A * Z, R, shares))


def cell_bound(X, Y, shares, pre):
    """Sum over the parts of the loss of the best affine fit or constant; and of their ranks."""
    total, rank = ZERO, 0
    points, wanted = lifted(X).tolist(), Y.tolist()
    for rows, dead in parts(pre):
        design = fmpq_mat([[fmpq(1)] if dead else points[i] for i in rows])
        fit = least_squares(design, fmpq_mat([wanted[i] for i in rows]), [shares[i] for i in rows])
        total, rank = total + fit.loss, rank + design.rank()
    return total, rank


def cumulative_bias(layers):
    """b^(L-1), exactly, as a list; zeros for a network without hidden layers."""
    c = fmpq_mat(layers[0].ncols() - 1, 1, [ZERO] * (layers[0].ncols() - 1))
    for layer in layers[:-1]:
        c = layer * lifted(c.transpose()).transpose()
    return c.entries()


def column(matrix, k):
    return [row[k] for row in matrix.tolist()]


def with_held_bias(layers, change):
    """The change (D, -D c) of the last layer: its cumulative bias is held."""
    c = cumulative_bias(layers)
    rows = [row[:-1] for row in change.tolist()]
    return fmpq_mat(
        [[*row, -sum((u * v for u, v in zip(row, c, strict=True)), ZERO)] for row in rows]
    )


def best_last_layer(layers, X, Y, shares, *, weight, bias, cumulative=False):
    """The nearest least-squares last layer in the tensors that may move.

    Returns
    -------
    (list, Fit)
        The network with it, and the fit: its squared length is that of the change of (W_L, b_L).
    """
    pre = forward(layers, X)
    hidden = relu(pre[-2]) if len(layers) > 1 else X
    gap, metric = Y - pre[-1], None
    m = hidden.ncols()
    if cumulative:
        c = cumulative_bias(layers)
        rows = [[h - v for h, v in zip(row, c, strict=True)] for row in hidden.tolist()]
        metric = fmpq_mat([[fmpq(int(i == j)) + c[i] * c[j] for j in range(m)] for i in range(m)])
    elif weight or bias:
        rows = [[*(row if weight else []), *([fmpq(1)] * bias)] for row in hidden.tolist()]
    else:
        rows = [[ZERO] for _ in range(hidden.nrows())]
    fit = least_squares(fmpq_mat(rows), gap, shares, metric)
    change = [
        [*(row[:m] if weight else [ZERO] * m), row[-1] if bias else ZERO]
        for row in fit.change.transpose().tolist()
    ]
    change = with_held_bias(layers, fmpq_mat(change)) if cumulative else fmpq_mat(change)
    return [*layers[:-1], layers[-1] + change], fit


def cut(q, bits=64):
    """A rational cut towards zero to a number of binary digits."""
    p, d = abs(int(q.p)), int(q.q)
    shift = bits - p.bit_length() + d.bit_length()
    short = (p << shift) // d if shift >= 0 else p // (d << -shift)
    return (short if q > 0 else -short) * fmpq(2) ** -shift


# Floats beside rationals


def at_most(a, b):
    """a <= b for floats and rationals; false for nan."""
    a, b = (v if isinstance(v, fmpq) or not math.isfinite(v) else rational(v)
            for v in (a, b))  # fmt: skip
    for v, answer in ((a, -math.inf), (b, math.inf)):
        if isinstance(v, float):
            if v == answer:
                return True
            if v != v or v == -answer:
                return False
    return a <= b


def length_at_most(squared, bound):
    """The root of a rational is at most a float."""
    if not math.isfinite(bound):
        return bound == math.inf
    return bound >= 0 and squared <= rational(bound) ** 2


def degree(stated, exact):
    """What to add to a kind of failure: a last place is wrong, or more."""
    stated, exact = (v if isinstance(v, fmpq) or not math.isfinite(v) else rational(v)
                     for v in (stated, exact))  # fmt: skip
    finite = isinstance(stated, fmpq) and isinstance(exact, fmpq)
    return " (rounding)" if finite and abs(stated - exact) * 10**9 <= abs(exact) else ""


def shown(value):
    """A rational, readably."""
    return arb(value).str(8, radius=False) if isinstance(value, fmpq) else repr(value)
