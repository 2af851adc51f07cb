"""Derivatives of the loss in all parameters: in floating point, and along a line in balls.

A network's parameters are one flat vector, in the order of `ReLUNetwork.packed`:
layer by layer the weights row by row, then the biases.
"""

from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat

from constructions.exact import ball_matrix
from geomcore.network import ReLUNetwork


class LineDerivatives(NamedTuple):
    """Balls around the loss along theta + t v at t = 0, and its first two derivatives in t.

    Attributes
    ----------
    loss, slope, curvature : arb
    """

    loss: arb
    slope: arb
    curvature: arb


def split(net, vector):
    """A flat vector as one (W, b) pair per layer of the network's shapes."""
    pairs, at = [], 0
    for W, b in zip(net.weights, net.biases, strict=True):
        weight = vector[at : at + W.size].reshape(W.shape)
        pairs.append((weight, vector[at + W.size : at + W.size + b.size]))
        at += W.size + b.size
    return pairs


def join(pairs):
    """The flat vector of (W, b) pairs."""
    return np.concatenate([part.ravel() for pair in pairs for part in pair])


def moved(net, vector, step=1.0):
    """The network with parameters theta + step * vector."""
    pairs = split(net, vector)
    return ReLUNetwork(
        [W + step * V for W, (V, _) in zip(net.weights, pairs, strict=True)],
        [b + step * c for b, (_, c) in zip(net.biases, pairs, strict=True)],
    )


def gradient(net, X, Y, weights, *, kinks=False):
    """Gradient of sum_i weights_i |net(x_i) - y_i|^2.

    Parameters
    ----------
    net : ReLUNetwork
    X, Y : ndarray, shapes (N, d), (N, k)
    weights : ndarray, shape (N,)
    kinks : bool, optional
        Derivative of the ReLU at zero: 1 if True, else 0.

    Returns
    -------
    ndarray, shape (P,)
    """
    total = [(np.zeros(W.shape), np.zeros(b.shape)) for W, b in _pairs(net)]
    for rows in _blocks(len(X), net):
        inputs, masks, output = _forward(net, X[rows], kinks)
        delta = 2 * weights[rows, None] * (output - Y[rows])
        for l in reversed(range(len(total))):
            total[l][0][...] += delta.T @ inputs[l]
            total[l][1][...] += delta.sum(axis=0)
            if l:
                delta = (delta @ net.weights[l]) * masks[l - 1]
    return join(total)


def hessian_vector(net, X, Y, weights, vector):
    """Hessian of the same loss, within the activation cell, times a vector.

    Forward and backward passes are differentiated along the vector; exact up to rounding.
    """
    pairs = split(net, vector)
    total = [(np.zeros(W.shape), np.zeros(b.shape)) for W, b in _pairs(net)]
    for rows in _blocks(len(X), net):
        inputs, masks, output = _forward(net, X[rows], False)
        tangents = [np.zeros_like(inputs[0])]
        for l, (W, (V, c)) in enumerate(zip(net.weights, pairs, strict=True)):
            tangent = tangents[l] @ W.T + inputs[l] @ V.T + c
            tangents.append(tangent * masks[l] if l < len(masks) else tangent)
        scale = 2 * weights[rows, None]
        delta, ddelta = scale * (output - Y[rows]), scale * tangents[-1]
        for l in reversed(range(len(total))):
            total[l][0][...] += ddelta.T @ inputs[l] + delta.T @ tangents[l]
            total[l][1][...] += ddelta.sum(axis=0)
            if l:
                ddelta = (ddelta @ net.weights[l] + delta @ pairs[l][0]) * masks[l - 1]
                delta = (delta @ net.weights[l]) * masks[l - 1]
    return join(total)


def hessian(net, X, Y, weights):
    """The Hessian within the activation cell, shape (P, P)."""
    P = net.parameter_count
    H = np.stack([hessian_vector(net, X, Y, weights, e) for e in np.eye(P)])
    return (H + H.T) / 2


def one_sided_slope(net, X, Y, weights, vector):
    """Derivative of the loss at theta in the direction of the vector, from one side.

    Right also at a kink: a unit at zero follows max(0, its derivative).
    """
    total = 0.0
    for rows in _blocks(len(X), net):
        x, tangent = X[rows], np.zeros_like(X[rows])
        last = len(net.weights) - 1
        for l, ((W, b), (V, c)) in enumerate(zip(_pairs(net), split(net, vector), strict=True)):
            x, tangent = x @ W.T + b, tangent @ W.T + x @ V.T + c
            if l < last:
                tangent = np.where(x > 0, tangent, np.where(x == 0, np.maximum(tangent, 0), 0))
                x = np.maximum(x, 0)
        total += float((2 * weights[rows, None] * (x - Y[rows]) * tangent).sum())
    return total


def line_derivatives(net, X, Y, weights, vector):
    """Loss, slope and curvature along a line, in balls at the current precision.

    Parameters
    ----------
    net : ReLUNetwork
    X, Y : ndarray, shapes (N, d), (N, k)
    weights : list of arb, length N
    vector : ndarray, shape (P,)

    Returns
    -------
    LineDerivatives or None
        None if the sign of a pre-activation is not decided, or it is zero.
    """
    N = len(X)
    zero, first, second = ball_matrix(X), None, None
    last = len(net.weights) - 1
    for l, ((W, b), (V, c)) in enumerate(zip(_pairs(net), split(net, vector), strict=True)):
        W, V = ball_matrix(W).transpose(), ball_matrix(V).transpose()
        ones = arb_mat(N, 1, [1] * N)
        b, c = ball_matrix(b[None]), ball_matrix(c[None])
        value = zero * W + ones * b
        slope = zero * V + ones * c
        curve = None
        if first is not None:
            slope += first * W
            curve = 2 * (first * V)
            if second is not None:
                curve += second * W
        if l < last:
            signs = [(a > 0) - (a < 0) for a in value.entries()]
            if 0 in signs:
                return None
            mask = [s > 0 for s in signs]
            value, slope = _masked(value, mask), _masked(slope, mask)
            curve = None if curve is None else _masked(curve, mask)
        zero, first, second = value, slope, curve
    k = zero.ncols()
    gap = (zero - ball_matrix(Y)).entries()
    speed = first.entries()
    bend = [arb(0)] * (N * k) if second is None else second.entries()
    loss = slope = curvature = arb(0)
    for i in range(N):
        part = range(i * k, i * k + k)
        loss += weights[i] * sum((gap[j] * gap[j] for j in part), arb(0))
        slope += weights[i] * sum((gap[j] * speed[j] for j in part), arb(0))
        curvature += weights[i] * sum(
            (speed[j] * speed[j] + gap[j] * bend[j] for j in part), arb(0)
        )
    return LineDerivatives(loss, 2 * slope, 2 * curvature)


def _masked(matrix, mask):
    entries = [a if on else arb(0) for a, on in zip(matrix.entries(), mask, strict=True)]
    return arb_mat(matrix.nrows(), matrix.ncols(), entries)


def _pairs(net):
    return list(zip(net.weights, net.biases, strict=True))


def _blocks(N, net):
    """Slices of points whose hidden outputs fit well in memory."""
    size = max(256, 20_000_000 // sum(net.widths))
    return [slice(start, start + size) for start in range(0, N, size)]


def _forward(net, X, kinks):
    """Inputs of all layers, masks of the hidden ones, output."""
    inputs, masks = [X], []
    for W, b in _pairs(net)[:-1]:
        value = inputs[-1] @ W.T + b
        masks.append(value >= 0 if kinks else value > 0)
        inputs.append(np.maximum(value, 0))
    return inputs, masks, inputs[-1] @ net.weights[-1].T + net.biases[-1]
