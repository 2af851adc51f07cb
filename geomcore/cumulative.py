"""Cumulative parameters of a ReLU network, and the way back to its layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geomcore.arrays import as_layer, as_rtol, check_network, check_sequence
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted
from geomcore.network import ReLUNetwork
from geomcore.threads import factorizing
from geomcore.typing import Array, ArrayLike

# How many times the rounding error of one matrix product the row-space residual may be.
RESIDUAL_FACTOR = 100.0


@answers_keywords
def cumulative_parameters(net: ReLUNetwork) -> tuple[list[Array], list[Array]]:
    r"""Compose the affine parts of the layers of a network.

    .. math:: W^{(1)} = W_1, \quad b^{(1)} = b_1, \qquad
              W^{(\ell)} = W_\ell W^{(\ell-1)}, \quad
              b^{(\ell)} = W_\ell b^{(\ell-1)} + b_\ell

    (eqs. (3.4), (3.5) of [1]_).

    Parameters
    ----------
    net : ReLUNetwork
        Network of widths (d_0, ..., d_L).

    Returns
    -------
    Ws : list of ndarray, shapes (d_1, d_0), ..., (d_L, d_0)
    bs : list of ndarray, shapes (d_1,), ..., (d_L,)

    Raises
    ------
    ValueError
        If `net` is no ReLU network, or a product overflows.

    See Also
    --------
    layer_parameters : the inverse.
    truncate : the truncation maps these parameters define.

    Notes
    -----
    As long as every unit is active, :math:`x^{(\ell)} = W^{(\ell)} x + b^{(\ell)}`.
    Time O(Σ d_ℓ d_{ℓ-1} d_0).

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of deep
       ReLU neural networks on sequentially separable data",
       arXiv:2405.07098v2.

    Examples
    --------
    >>> net = ReLUNetwork([2 * np.eye(2), [[1, 1]]], [[1, -1], [3]])
    >>> Ws, bs = cumulative_parameters(net)
    >>> Ws[1], bs[1]
    (array([[2., 2.]]), array([3.]))
    """
    check_network(net, ReLUNetwork)
    Ws, bs = [net.weights[0].copy()], [net.biases[0].copy()]
    for l, (W, b) in enumerate(zip(net.weights[1:], net.biases[1:], strict=True), start=2):
        with np.errstate(over="ignore", invalid="ignore"):
            Ws.append(W @ Ws[-1])
            bs.append(W @ bs[-1] + b)
        if not (np.isfinite(Ws[-1]).all() and np.isfinite(bs[-1]).all()):
            raise ValueError(f"net must have finite cumulative parameters, layer {l} overflows")
    return Ws, bs


@answers_keywords
def layer_parameters(
    Ws: Sequence[ArrayLike], bs: Sequence[ArrayLike], *, rtol: float | None = None
) -> ReLUNetwork:
    r"""Find the network that has the given cumulative parameters.

    .. math:: W_\ell = W^{(\ell)} (W^{(\ell-1)})^+, \qquad
              b_\ell = b^{(\ell)} - W_\ell b^{(\ell-1)}

    (eq. (2.45) of [1]_, eqs. (3.15), (3.16) of [2]_).

    Parameters
    ----------
    Ws : list of array_like, shapes (d_1, d_0), ..., (d_L, d_0)
        Cumulative weights, first layer first.
    bs : list of array_like, shapes (d_1,), ..., (d_L,)
        Cumulative biases.
    rtol : float, optional
        Relative accuracy of the given numbers: a singular value of
        :math:`W^{(\ell-1)}` counts as zero below ``rtol`` times the largest
        one, and the residual of the row-space condition is judged by it (see
        Notes). Default ``max(shape) * eps`` for each layer.

    Returns
    -------
    ReLUNetwork
        Of widths (d_0, ..., d_L); its cumulative parameters are the given ones.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or if some row of
        :math:`W^{(\ell)}` is outside the row space of :math:`W^{(\ell-1)}`,
        so that no such network exists; the message names the layer.

    See Also
    --------
    cumulative_parameters : the inverse.

    Notes
    -----
    A square :math:`W^{(\ell-1)}` of full rank is solved for; otherwise the
    least-squares solution of least norm is taken. With
    :math:`A = W^{(\ell-1)}`, the row-space condition counts as met when

    .. math:: \|W_\ell A - W^{(\ell)}\|_F \le 100 \, \mathrm{rtol} \,
              (\|W_\ell\|_F \|A\|_2 + \|W^{(\ell)}\|_F),

    100 times what rounding in the product :math:`W_\ell A` leaves. As
    :math:`\|W_\ell\| \|A\|` is at most cond(A) times :math:`\|W^{(\ell)}\|`, an
    ill-conditioned layer is allowed a proportionally larger residual, but
    only where it is really needed to represent :math:`W^{(\ell)}`.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Geometric structure of deep learning
       networks and construction of global L2 minimizers", arXiv:2309.10639.
    .. [2] P. Muñoz Ewald, "Explicit neural network classifiers for
       non-separable data", arXiv:2504.18710.

    Examples
    --------
    >>> net = layer_parameters([2 * np.eye(2), [[2, 2]]], [[1, -1], [3]])
    >>> net.weights[1], net.biases[1]
    (array([[1., 1.]]), array([3.]))
    """
    check_sequence(Ws, "Ws")
    check_sequence(bs, "bs")
    if len(Ws) != len(bs):
        raise ValueError(f"bs must have one entry per layer ({len(Ws)}), got {len(bs)}")
    layers = [
        as_layer(W, b, name=(f"Ws[{l}]", f"bs[{l}]"))
        for l, (W, b) in enumerate(zip(Ws, bs, strict=True))
    ]
    d = layers[0][0].shape[1]
    as_rtol(rtol, layers[0][0].shape)  # which one layer alone does not need
    weights, biases = [layers[0][0]], [layers[0][1]]
    for l in range(1, len(layers)):
        (A, a), (W, b) = layers[l - 1], layers[l]
        if W.shape[1] != d:
            raise ValueError(
                f"Ws[{l}] must have {counted(d, 'column')}, as Ws[0] has, got shape {W.shape}"
            )
        weights.append(_right_quotient(W, A, l, rtol))
        biases.append(b - weights[-1] @ a)
    return ReLUNetwork(weights, biases)


def _right_quotient(W, A, l, rtol):
    """Return Q of least norm with Q A = W; raise if there is none. `l` is for the message."""
    rtol = as_rtol(rtol, A.shape)
    # by powers of two, so that no square under- or overflows, and no digit changes
    exponents = [int(np.frexp(np.abs(M).max())[1]) for M in (W, A)]
    W, A = (np.ldexp(M, -exponent) for M, exponent in zip((W, A), exponents, strict=True))
    Q = _scaled_quotient(W, A, l, rtol)
    with np.errstate(over="ignore", under="ignore"):
        Q = np.ldexp(Q, exponents[0] - exponents[1])
    if not np.isfinite(Q).all():
        raise ValueError(
            f"Ws[{l}] must not be so much larger than Ws[{l - 1}] that the weights overflow, "
            f"got entries of size 2**{exponents[0]} and 2**{exponents[1]}"
        )
    return Q


def _scaled_quotient(W, A, l, rtol):
    """`_right_quotient` of matrices with entries of size 1."""
    with factorizing(A):
        singular = np.linalg.svd(A, compute_uv=False)
    rank = int(np.count_nonzero(singular > rtol * singular[0]))
    if rank == A.shape[0] == A.shape[1]:
        with factorizing(A):
            return np.linalg.solve(A.T, W.T).T
    with factorizing(A):
        Q = np.linalg.lstsq(A.T, W.T, rcond=rtol)[0].T
    residual = np.linalg.norm(Q @ A - W)
    size = np.linalg.norm(W)
    if residual > RESIDUAL_FACTOR * rtol * (np.linalg.norm(Q) * singular[0] + size):
        raise ValueError(
            f"Ws[{l}] must have its rows in the row space of Ws[{l - 1}] (rank {rank} in "
            f"dimension {A.shape[1]}), but a fraction {residual / size:.3g} of it lies outside"
        )
    return Q
