"""Activation patterns of a network, and its derivatives with respect to the input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_array, as_place, as_points, check_network
from geomcore.display.lines import told_in_brief
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.layers.chains import packed_chain
from geomcore.network import Network, ReLUNetwork
from geomcore.threads import MANY, SMALL, for_kernels, in_parts
from geomcore.typing import Array, ArrayLike, Booleans, Floats

# Rows handled at a time where all layers' outputs are kept.
BLOCK = 4096
# Inputs, or entries of a matrix, from which products of so many rows are faster: tiles of points
# side by side would have to be transposed; see benchmarks/mesa.
INPUTS, WIDE, ROWS = 64, 320 * 320, 512


@told_in_brief
class AffineMap(NamedTuple):
    """The affine map x -> A x + c; see `affine_map_at`.

    Attributes
    ----------
    A : ndarray, shape (d_L, d_0)
    c : ndarray, shape (d_L,)
    """

    A: Array
    c: Array


@answers_keywords
def activation_pattern(net: ReLUNetwork, X: ArrayLike) -> Booleans:
    r"""Say which hidden units are active at which points.

    Unit i of layer :math:`\ell` is active at x if
    :math:`(W_\ell x^{(\ell-1)} + b_\ell)_i > 0`.

    Parameters
    ----------
    net : ReLUNetwork
        Of widths (d_0, ..., d_L).
    X : array_like, shape (N, d_0)

    Returns
    -------
    ndarray of bool, shape (N, d_1 + ... + d_{L-1})
        One row per point, the first hidden layer first.

    Raises
    ------
    ValueError
        If `net` is no ReLU network or `X` does not fit its input.

    See Also
    --------
    affine_map_at : what the network is where the pattern is constant.

    References
    ----------
    .. [1] J. Vallin, K. Larsson, M. G. Larson, "The geometric structure of
       fully-connected ReLU layers", arXiv:2310.03482.

    Examples
    --------
    >>> net = ReLUNetwork([np.eye(2), [[1, 1]]], [[0, -1], [0]])
    >>> activation_pattern(net, [[1, 2], [1, 0], [-1, 1]])
    array([[ True,  True],
           [ True, False],
           [False, False]])
    """
    check_network(net, ReLUNetwork)
    X = as_points(X, d=net.widths[0])
    if len(X) < MANY or len(net.widths) == 2:
        return np.hstack([np.empty((len(X), 0), bool), *(x > 0 for x in net.hidden(X))])
    from geomcore import kernels

    X = for_kernels(X)
    parameters, widths = net.packed(X.dtype)
    out = np.empty((len(X), sum(net.widths[1:-1])), bool)
    in_parts(
        lambda s: kernels.activation_pattern(parameters, widths, X[s], out[s]),
        len(X),
        threads=_is_narrow(net),
    )
    return out


@answers_keywords
def input_gradients(net: Network, X: ArrayLike, output: int = 0) -> Floats:
    r"""Gradients of one output of a network with respect to its input.

    .. math:: \nabla_x \, x^{(L)}_o (x) \quad \text{for each row } x

    Parameters
    ----------
    net : Network
        Any chain of layers. Narrow ones of affine layers, norms and ReLUs take a compiled
        kernel. For the gradient of a unit inside, take the first layers: ``net[:3]``.
    X : array_like, shape (N, d)
    output : int, optional
        Index o of the output, from 0; default 0.

    Returns
    -------
    ndarray, shape (N, d)
        float32 if `X` is.

    Raises
    ------
    ValueError
        If `net` is no network, `X` does not fit its input, or it has no such
        output.

    Notes
    -----
    The derivative of the ReLU at 0 is taken as 0. Time and memory are those
    of one forward and one backward pass.

    References
    ----------
    .. [1] J. Vallin, K. Larsson, M. G. Larson, "The geometric structure of
       fully-connected ReLU layers", arXiv:2310.03482.

    Examples
    --------
    >>> net = ReLUNetwork([np.eye(2), [[3, 5]]], [[0, 0], [0]])
    >>> input_gradients(net, [[1, 1], [1, -1], [-1, -1]])
    array([[3., 5.],
           [3., 0.],
           [0., 0.]])
    """
    check_network(net, Network)
    X = as_points(X, d=net.widths[0])
    chain = None if len(X) < MANY else _chain(net, X.dtype)
    if chain is None or (chain.largest >= WIDE and not chain.is_plain):
        return _pulled_back(net, X, output)[:, 0]
    output = as_place(output, "output", net.widths[-1])
    if chain.is_plain and (chain.largest >= WIDE or net.widths[0] >= INPUTS):
        return _by_products(chain, X, output)
    if not chain.is_plain:
        return _compiled(chain, X, [output])[:, 0]
    from geomcore import kernels
    from geomcore.layers import plane

    X, widths = for_kernels(X), chain.widths
    is_plane = plane.is_for(widths)
    kernel = (plane if is_plane else kernels).input_gradients
    out = np.empty(X.shape, X.dtype)
    in_parts(
        lambda s: kernel(chain.parameters, widths, X[s], output, out[s]),
        len(X),
        threads=is_plane or chain.largest <= SMALL,
    )
    return out


@answers_keywords
def input_jacobians(net: Network, X: ArrayLike) -> Floats:
    r"""Jacobian matrices of a network with respect to its input.

    Parameters
    ----------
    net : Network
        Any chain of layers, with d_L outputs.
    X : array_like, shape (N, d)

    Returns
    -------
    ndarray, shape (N, d_L, d)
        Entry (i, o, k) is the derivative of output o by coordinate k at row i.

    Raises
    ------
    ValueError
        If `net` is no network or `X` does not fit its input.

    See Also
    --------
    input_gradients : one output, faster.

    References
    ----------
    .. [1] J. Vallin, K. Larsson, M. G. Larson, "The geometric structure of
       fully-connected ReLU layers", arXiv:2310.03482.

    Examples
    --------
    >>> net = ReLUNetwork([np.eye(2), [[3, 5], [1, 1]]], [[0, 0], [0, 0]])
    >>> input_jacobians(net, [[1, -1]])
    array([[[3., 0.],
            [1., 0.]]])
    """
    check_network(net, Network)
    X = as_points(X, d=net.widths[0])
    chain = None if len(X) < MANY else _chain(net, X.dtype)
    if chain is None or chain.largest >= WIDE:
        return _pulled_back(net, X, None)
    return _compiled(chain, X, range(chain.outputs))


@answers_keywords
def affine_map_at(net: Network, x: ArrayLike) -> AffineMap:
    r"""Return the affine map that a ReLU network is around a point.

    .. math:: x^{(L)}(x') = A x' + c \quad
              \text{for all } x' \text{ with the activation pattern of } x

    Parameters
    ----------
    net : Network
        Made of affine layers, norms of order 1 and ReLUs.
    x : array_like, shape (d_0,)

    Returns
    -------
    AffineMap
        ``(A, c)`` of shapes (d_L, d_0) and (d_L,), float64.

    Raises
    ------
    ValueError
        If `net` is not piecewise affine, or `x` does not fit its input.

    Notes
    -----
    A unit whose pre-activation is exactly 0 counts as inactive.

    References
    ----------
    .. [1] J. Vallin, K. Larsson, M. G. Larson, "The geometric structure of
       fully-connected ReLU layers", arXiv:2310.03482.

    Examples
    --------
    >>> net = ReLUNetwork([np.eye(2), [[3, 5]]], [[1, 1], [2]])
    >>> A, c = affine_map_at(net, [0, -4])
    >>> A, c
    (array([[3., 0.]]), array([5.]))
    """
    check_network(net, Network)
    value = as_array(x, "x", 1)
    d = net.widths[0]
    if d is not None and len(value) != d:
        raise ValueError(f"x must have {d} entries, got shape {value.shape}")
    A, c = np.eye(len(value)), np.zeros(len(value))
    for layer in net.layers:
        if isinstance(layer, Affine):
            A, c = layer.W @ A, layer.W @ c + layer.b
            value = layer.W @ value + layer.b
        elif isinstance(layer, ReLU):
            active = value > 0
            A, c = np.where(active[:, None], A, 0), np.where(active, c, 0)
            value = np.where(active, value, 0)
        elif isinstance(layer, LpNorm) and layer.p == 1:
            W = layer.W * np.sign(layer.W * value)
            A, c, value = W @ A, W @ c + layer.b, W @ value + layer.b
        else:
            raise ValueError(
                "net must consist of affine layers, norms of order 1 and ReLUs, found "
                f"{quoted(layer)}"
            )
    return AffineMap(A, c)


def _chain(net, dtype):
    """The layers of a network for the kernels, None where these do not know them."""
    return packed_chain(net.layers, dtype) if type(net).layers is Network.layers else None


def _compiled(chain, X, outputs):
    """Gradients (N, len(outputs), d) of some outputs of a narrow chain."""
    from geomcore.layers import kernels

    X, outputs = for_kernels(X), np.array(outputs, dtype=np.int64)
    out = np.empty((len(X), len(outputs) * X.shape[1]), X.dtype)
    in_parts(
        lambda s: kernels.input_jacobians(chain.parameters, chain.table, X[s], outputs, out[s]),
        len(X),
        threads=chain.largest <= SMALL,
    )
    return out.reshape(len(X), len(outputs), X.shape[1])


def _by_products(chain, X, output):
    """Gradients (N, d) of one output of a wide ReLU network: products of blocks of points."""
    from geomcore.layers.gates import gate, mask, rectify

    *inner, (last, _) = chain.matrices
    out = np.empty(X.shape, X.dtype)
    if not inner:
        out[:] = last[output]
        return out
    # Written to again and again: new memory for every block would cost a fifth.
    rooms = [np.empty((ROWS, len(W)), X.dtype) for W, _ in inner]
    spare = [np.empty_like(room) for room in rooms[:-1]]
    for start in range(0, len(X), ROWS):
        block = X[start : start + ROWS]
        values = [block, *(room[: len(block)] for room in rooms)]
        for l, (W, b) in enumerate(inner):
            z = np.matmul(values[l], W.T, out=values[l + 1])
            if l + 1 < len(inner):
                rectify(z, b)
            else:
                gate(z, b, last[output])
        g = values[-1]
        for l in range(len(inner) - 1, 0, -1):
            g = np.matmul(g, inner[l][0], out=spare[l - 1][: len(block)])
            mask(g, values[l])
        np.matmul(g, inner[0][0], out=out[start : start + ROWS])
    return out


def _pulled_back(net, X, output):
    """Return the Jacobians (N, d_L, d) at X, or those of one output only, (N, 1, d)."""
    layers, last = list(net.layers), None
    if type(layers[-1]) is Affine:
        # The gradients of its outputs are the same at all points.
        layer = layers.pop()
        last = layer.pull_back(None, None, np.eye(layer.outputs, dtype=X.dtype))
    blocks = []
    for start in range(0, max(len(X), 1), BLOCK):
        values = [X[start : start + BLOCK]]
        for layer in layers:
            values.append(layer(values[-1]))
        outputs = range(values[-1].shape[1] if last is None else len(last))
        if output is not None:
            outputs = [as_place(output, "output", len(outputs))]
        J = np.empty((len(values[0]), len(outputs), X.shape[1]), X.dtype)
        for j, o in enumerate(outputs):
            if last is None:
                g = np.zeros_like(values[-1])
                g[:, o] = 1
            else:
                g = np.broadcast_to(last[o], values[-1].shape)
            for layer, value, out in zip(layers[::-1], values[-2::-1], values[:0:-1], strict=True):
                g = layer.pull_back(value, out, g)
            J[:, j] = g
        blocks.append(J)
    return np.concatenate(blocks)


def _is_narrow(net):
    return max(W.size for W in net.weights) <= SMALL
