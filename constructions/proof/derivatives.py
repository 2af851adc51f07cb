"""Derivatives of the loss in all parameters: in floating point, and along a line in balls.

A network's parameters are one vector, see `geomcore.parameters`.
"""

from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

from constructions.proof.exact import ball_matrix
from geomcore.parameters import flatten, split
from geomcore.threads import factorizing

DENSE = 1200  # parameters up to which the whole Hessian is computed


class AtOutputs(NamedTuple):
    """Derivatives of a loss in the outputs, shape (n, k), for targets (n, k) and weights (n,).

    Attributes
    ----------
    slope : callable
        Of outputs, targets and weights.
    bent : callable
        Of outputs, targets, weights and a direction: the second derivative times that.
    """

    slope: object
    bent: object


SQUARED = AtOutputs(
    lambda outputs, Y, weights: 2 * weights[:, None] * (outputs - Y),
    lambda outputs, Y, weights, direction: 2 * weights[:, None] * direction,
)


def pairs_of(net, vector=None):
    """The (W, b) pairs of a ReLU network's layers, or those that a vector of parameters makes."""
    tensors = net.tensors if vector is None else split(vector, net)
    return list(zip(tensors[0::2], tensors[1::2], strict=True))


def joined(pairs):
    """The vector of parameters of (W, b) pairs."""
    return flatten([part for pair in pairs for part in pair])


def _along(net, vector):
    """(W, b, V, c) for each layer: its parameters, and how they change along a vector."""
    both = zip(pairs_of(net), pairs_of(net, vector), strict=True)
    return [(W, b, V, c) for (W, b), (V, c) in both]


def length(vector):
    """Euclidean norm, also where squares overflow; inf if an entry is not finite."""
    peak = float(np.abs(vector).max(initial=0.0))
    if not 0 < peak < np.inf:
        return 0.0 if peak == 0 else np.inf
    return peak * float(np.linalg.norm(vector / peak))


def gradient(net, X, Y, weights, *, kinks=False, loss=SQUARED):
    """Gradient of sum_i weights_i |net(x_i) - y_i|^2, or of another loss.

    Parameters
    ----------
    net : ReLUNetwork
    X, Y : ndarray, shapes (N, d), (N, k)
    weights : ndarray, shape (N,)
    kinks : bool, optional
        Derivative of the ReLU at zero: 1 if True, else 0.
    loss : AtOutputs, optional

    Returns
    -------
    ndarray, shape (P,)
    """
    total = [(np.zeros(W.shape), np.zeros(b.shape)) for W, b in pairs_of(net)]
    for rows in _blocks(len(X), net):
        inputs, masks, output = _forward(net, X[rows], kinks)
        delta = loss.slope(output, Y[rows], weights[rows])
        exponent = 0
        for l in reversed(range(len(total))):
            delta, exponent = scaled_back(delta, exponent)
            with np.errstate(over="ignore"):
                total[l][0][...] += np.ldexp(delta.T @ inputs[l], exponent)
                total[l][1][...] += np.ldexp(delta.sum(axis=0), exponent)
            if l:
                delta = (delta @ net.weights[l]) * masks[l - 1]
    return joined(total)


def gradient_terms(net, X, delta):
    """Norms of the gradient's part in each tensor if no term of it cancelled another.

    `delta`, shape (N, k), holds the sizes of the loss' derivatives in the outputs.
    """
    inputs = [X, *net.hidden(X)]
    terms, exponent = [], 0
    for W, x in zip(reversed(net.weights), reversed(inputs), strict=True):
        delta, exponent = scaled_back(delta, exponent)
        parts = [length(delta.T @ np.abs(x)), length(delta.sum(axis=0))]
        with np.errstate(over="ignore"):
            terms += np.ldexp(parts, exponent).tolist()
        delta = (delta @ np.abs(W)) * (x > 0)
    return np.array(terms)


def scaled_back(delta, exponent):
    """What is propagated back, brought to size 1 by a power of two, and with what exponent.

    A derivative in an early layer is a product of numbers of any sizes, which may be
    moderate where what comes back to it is not: 1e-300 times inputs of 1e300.
    """
    peak = np.abs(delta).max(initial=0.0)
    own = int(np.frexp(peak)[1]) if np.isfinite(peak) else 0
    return np.ldexp(delta, -own), exponent + own


def hessian_vector(net, X, Y, weights, vector, *, loss=SQUARED):
    """Hessian of the same loss, within the activation cell, times a vector.

    Forward and backward passes are differentiated along the vector; exact up to rounding.
    """
    pairs = pairs_of(net, vector)
    total = [(np.zeros(W.shape), np.zeros(b.shape)) for W, b in pairs_of(net)]
    for rows in _blocks(len(X), net):
        inputs, masks, output = _forward(net, X[rows], False)
        tangents = [np.zeros_like(inputs[0])]
        for l, (W, (V, c)) in enumerate(zip(net.weights, pairs, strict=True)):
            tangent = tangents[l] @ W.T + inputs[l] @ V.T + c
            tangents.append(tangent * masks[l] if l < len(masks) else tangent)
        delta = loss.slope(output, Y[rows], weights[rows])
        ddelta = loss.bent(output, Y[rows], weights[rows], tangents[-1])
        for l in reversed(range(len(total))):
            total[l][0][...] += ddelta.T @ inputs[l] + delta.T @ tangents[l]
            total[l][1][...] += ddelta.sum(axis=0)
            if l:
                ddelta = (ddelta @ net.weights[l] + delta @ pairs[l][0]) * masks[l - 1]
                delta = (delta @ net.weights[l]) * masks[l - 1]
    return joined(total)


def hessian(net, X, Y, weights, *, loss=SQUARED):
    """The Hessian within the activation cell, shape (P, P)."""
    P = net.parameter_count
    H = np.stack([hessian_vector(net, X, Y, weights, e, loss=loss) for e in np.eye(P)])
    return (H + H.T) / 2


def eigenpairs(H):
    """Eigenvalues and eigenvectors of a symmetric matrix; None, None if an entry overflows."""
    peak = float(np.abs(H).max())
    if not np.isfinite(peak):
        return None, None
    with factorizing(H):
        values, vectors = np.linalg.eigh(H / (peak or 1.0))
    return values * (peak or 1.0), vectors


def smallest_eigenpair(net, X, Y, weights, free, *, loss=SQUARED):
    """Smallest and largest eigenvalue of the Hessian in free parameters; a unit eigenvector.

    All of the Hessian for small networks; Lanczos on Hessian-vector products above.
    None, None, None if that does not converge, or an entry overflows.
    """
    index = np.flatnonzero(free)
    P = len(free)
    direction = np.zeros(P)
    if P <= DENSE:
        values, vectors = eigenpairs(hessian(net, X, Y, weights, loss=loss)[np.ix_(index, index)])
        if values is None:
            return None, None, None
        direction[index] = vectors[:, 0]
        return float(values[0]), float(np.abs(values).max()), direction

    def product(v):
        full = np.zeros(P)
        full[index] = v.ravel()
        return hessian_vector(net, X, Y, weights, full, loss=loss)[index]

    operator = LinearOperator((len(index), len(index)), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(P)
    try:
        largest = eigsh(operator, k=1, v0=start[index], tol=1e-2, return_eigenvectors=False)
        values, vectors = eigsh(operator, k=1, which="SA", v0=start[index], tol=1e-3, maxiter=300)
    except ArpackNoConvergence as failure:
        if not len(failure.eigenvalues) or not len(failure.eigenvectors):
            return None, None, None
        values, vectors = failure.eigenvalues, failure.eigenvectors
        largest = np.abs(values)
    except ArpackError:
        return None, None, None
    direction[index] = vectors[:, 0]
    return float(values[0]), float(np.abs(largest).max()), direction


def one_sided_slope(net, X, Y, weights, vector, *, loss=SQUARED):
    """Derivative of the loss at theta in the direction of the vector, from one side.

    Right also at a kink: a unit at zero follows max(0, its derivative).
    """
    total = 0.0
    for rows in _blocks(len(X), net):
        x, tangent = X[rows], np.zeros_like(X[rows])
        last = len(net.weights) - 1
        for l, ((W, b), (V, c)) in enumerate(
            zip(pairs_of(net), pairs_of(net, vector), strict=True)
        ):
            x, tangent = x @ W.T + b, tangent @ W.T + x @ V.T + c
            if l < last:
                tangent = np.where(x > 0, tangent, np.where(x == 0, np.maximum(tangent, 0), 0))
                x = np.maximum(x, 0)
        total += float((loss.slope(x, Y[rows], weights[rows]) * tangent).sum())
    return total


def line_series(net, X, Y, weights, vector, order=2, *, last_bias=None):
    """Taylor coefficients of the loss along theta + t v for small t >= 0, in balls.

    Along the line every pre-activation is a polynomial in t, and its first
    coefficient that is not zero decides whether the unit is active for small
    t > 0. So this holds on a kink, too, where it is one-sided.

    Parameters
    ----------
    net : ReLUNetwork
    X, Y : ndarray, shapes (N, d), (N, k)
    weights : list of arb, length N
    vector : ndarray, shape (P,)
    order : int, optional
        Highest power of t.
    last_bias : list of arb, optional
        How the last biases change, in place of what the vector has for them.

    Returns
    -------
    list of arb, length order + 1, or None
        None if the sign of a coefficient that matters is not decided.
    """
    series = output_series(net, X, vector, order, last_bias=last_bias)
    if series is None:
        return None
    N, k = len(X), net.widths[-1]
    gaps = [(series[0] - ball_matrix(Y)).entries(), *(term.entries() for term in series[1:])]
    found = []
    for power in range(order + 1):
        total = arb(0)
        for i in range(N):
            part = arb(0)
            for j in range(i * k, i * k + k):
                for p in range(power + 1):
                    part += gaps[p][j] * gaps[power - p][j]
            total += weights[i] * part
        found.append(total)
    return found


def output_series(net, X, vector, order, *, last_bias=None):
    """Taylor coefficients of the outputs along theta + t v, as for `line_series`.

    Returns
    -------
    list of arb_mat, length order + 1, shapes (N, k), or None
    """
    N, last = len(X), len(net.weights) - 1
    series = [ball_matrix(X)]
    ones = arb_mat(N, 1, [1] * N)
    for l, (W, b, V, c) in enumerate(_along(net, vector)):
        W, V = ball_matrix(W).transpose(), ball_matrix(V).transpose()
        longer = [term * W for term in series] + [arb_mat(N, W.ncols())]
        for k, term in enumerate(series):
            longer[k + 1] += term * V
        longer[0] += ones * ball_matrix(b[None])
        exact = last_bias is not None and l == last
        longer[1] += ones * (arb_mat([last_bias]) if exact else ball_matrix(c[None]))
        series = longer[: order + 1]
        if l < last:
            mask = _active_after(series)
            if mask is None:
                return None
            series = [_masked(term, mask) for term in series]
    return series + [arb_mat(N, net.widths[-1])] * (order + 1 - len(series))


def _active_after(series):
    """Whether each unit is active for small t > 0; None if that is not decided.

    A unit all of whose coefficients are exactly 0 adds nothing up to this order, on or off.
    """
    mask = []
    for coefficients in zip(*(term.entries() for term in series), strict=True):
        leading = next((a for a in coefficients if not a == 0), arb(-1))
        if not (leading > 0 or leading < 0):
            return None
        mask.append(leading > 0)
    return mask


def _masked(matrix, mask):
    entries = [a if on else arb(0) for a, on in zip(matrix.entries(), mask, strict=True)]
    return arb_mat(matrix.nrows(), matrix.ncols(), entries)


def _blocks(N, net):
    """Slices of points whose hidden outputs fit well in memory."""
    size = max(256, 20_000_000 // sum(net.widths))
    return [slice(start, start + size) for start in range(0, N, size)]


def _forward(net, X, kinks):
    """Inputs of all layers, masks of the hidden ones, output."""
    inputs, masks = [X], []
    for W, b in pairs_of(net)[:-1]:
        value = inputs[-1] @ W.T + b
        masks.append(value >= 0 if kinks else value > 0)
        inputs.append(np.maximum(value, 0))
    return inputs, masks, inputs[-1] @ net.weights[-1].T + net.biases[-1]
