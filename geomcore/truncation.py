"""Truncation maps: ReLU layers seen from input space, and chains of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_labels, as_layer, as_points, as_rtol, check_network
from geomcore.cones import sectors
from geomcore.cumulative import cumulative_parameters
from geomcore.display.lines import told_in_brief
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import ReLUNetwork
from geomcore.prepared import prepared
from geomcore.scaling import pre_activations
from geomcore.threads import factorizing
from geomcore.typing import Array, ArrayLike, Floats, Rtol


@told_in_brief
class TruncationDefect(NamedTuple):
    """How far one layer is from being a truncation map; see `truncation_defects`.

    Attributes
    ----------
    layer : int
        Number of the layer, from 1 to L.
    rank : int
        Numerical rank of its cumulative weights.
    condition : float
        Condition number of its cumulative weights; inf if rank-deficient.
    defect : float
        Largest Euclidean norm, over the points, by which the identity fails.
    """

    layer: int
    rank: int
    condition: float
    defect: float


@told_in_brief
class TruncationStep(NamedTuple):
    """Points after one layer, and after the truncation maps up to it; see `truncation_steps`.

    Attributes
    ----------
    layer : int
        Number of the layer, from 1 to L.
    W, b : ndarray, shapes (d_l, n), (d_l,)
        Cumulative parameters, n being the dimension of the truncated points.
    rank : int
        Numerical rank of W.
    condition : float
        Condition number of W; inf if it is rank-deficient.
    output : ndarray, shape (N, d_l)
        Output of the layer (of the network, for the last one).
    truncated : ndarray, shape (N, n)
    """

    layer: int
    W: np.ndarray
    b: np.ndarray
    rank: int
    condition: float
    output: np.ndarray
    truncated: np.ndarray


@told_in_brief
class TruncationDegree(NamedTuple):
    """Fractions of each class in the sectors of a layer; see `truncation_degree`.

    Attributes
    ----------
    backward, forward, mixed : ndarray, shape (Q,)
        Fraction of each class in the backward cone, in the forward cone, and
        elsewhere; the three add up to 1.
    """

    backward: Array
    forward: Array
    mixed: Array


@answers_keywords
def truncation_map(W: ArrayLike, b: ArrayLike, X: ArrayLike, *, rtol: Rtol = None) -> Floats:
    r"""Apply the truncation map of a ReLU layer to each point of `X`.

    .. math:: \tau_{W,b}(x) = W^+ \left( \sigma(W x + b) - b \right)

    with :math:`\sigma` the ReLU and :math:`W^+` the Moore-Penrose inverse [1]_.

    Parameters
    ----------
    W : array_like, shape (m, d)
        Weights, one row per neuron.
    b : array_like, shape (m,)
        Biases.
    X : array_like, shape (N, d)
        Points, one per row (the paper's :math:`X` is our ``X.T``).
    rtol : float, optional
        A singular value of W counts as zero below ``rtol`` times the largest
        one. Default ``max(m, d) * eps``, as in `numpy.linalg.matrix_rank`.

    Returns
    -------
    ndarray, shape (N, d)
        Row i is :math:`\tau_{W,b}(x_i)`; float32 if `X` is.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a value is nan or inf, or the
        layer divided by its largest weight does not fit the type of `X`.

    See Also
    --------
    PolyhedralCone : the cone that the map keeps, and its base :math:`-W^+ b`.

    Notes
    -----
    If the rows of W are linearly independent, then
    :math:`W \tau(x) + b = \sigma(W x + b)`. Hence the map is idempotent, and
    it is unchanged when a row of (W, b) is scaled by a positive number.
    Neither need hold when the rows are dependent, as they are for m > d.

    What is computed is :math:`W^+ \max(Wx, -b)`, which is the same and saves
    two roundings. Time O(N m d), memory O(N d).

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of deep
       ReLU neural networks on sequentially separable data", arXiv:2405.07098v2, eq. (3.1).

    Examples
    --------
    With W the identity and b = -1 the base is (1, 1); each coordinate below
    the base is lifted to it:

    >>> truncation_map(np.eye(2), [-1, -1], [[3, 2], [0, 2], [0, 0]])
    array([[3., 2.],
           [1., 2.],
           [1., 1.]])
    """
    W, b = as_layer(W, b)
    X = as_points(X, d=W.shape[1])
    return prepared(W, b, as_rtol(rtol, W.shape), X.dtype).apply(X)


@answers_keywords
def truncate(net: ReLUNetwork, X: ArrayLike, *, rtol: Rtol = None) -> list[Floats]:
    r"""Follow points through the truncation maps of a network, in input space.

    .. math:: x^{(\tau,0)} = x, \qquad
              x^{(\tau,\ell)} = \tau_{W^{(\ell)}, b^{(\ell)}}(x^{(\tau,\ell-1)}),
              \quad \ell = 1, \dots, L-1,

    with the cumulative parameters of the network (eq. (3.6) of [1]_). If the
    first layer widens (d_1 > d_0), points are padded with zeros to R^{d_1} and
    the chain lives there (Lemma 2.2 of [2]_).

    Parameters
    ----------
    net : ReLUNetwork
        Of widths (d_0, ..., d_L).
    X : array_like, shape (N, d_0)
    rtol : float, optional
        As in `truncation_map`.

    Returns
    -------
    list of ndarray, each of shape (N, max(d_0, d_1))
        The truncated points after the hidden layers 1, ..., L-1 (empty for a
        network without hidden layers).

    Raises
    ------
    ValueError
        If `net` is no ReLU network or `X` does not fit its input.

    See Also
    --------
    truncation_defects : whether the truncated points represent the network.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of deep
       ReLU neural networks on sequentially separable data", arXiv:2405.07098v2.
    .. [2] P. Muñoz Ewald, "Explicit neural network classifiers for
       non-separable data", arXiv:2504.18710.

    Examples
    --------
    >>> net = ReLUNetwork([np.eye(2), [[1, 1]]], [[-1, -1], [0]])
    >>> truncate(net, [[3, 2], [0, 0]])
    [array([[3., 2.],
           [1., 1.]])]
    """
    return [step.truncated for step in truncation_steps(net, X, rtol=rtol)][:-1]


@answers_keywords
def truncation_defects(
    net: ReLUNetwork, X: ArrayLike, *, rtol: Rtol = None
) -> list[TruncationDefect]:
    r"""Measure, layer by layer, how well truncated points represent a network.

    The identities

    .. math:: x^{(\ell)} = W^{(\ell)} x^{(\tau,\ell)} + b^{(\ell)} \; (\ell < L),
              \qquad x^{(L)} = W^{(L)} x^{(\tau,L-1)} + b^{(L)}

    hold if every cumulative :math:`W^{(\ell)}`, :math:`\ell < L`, is
    surjective (eqs. (3.6), (3.7) of [1]_), and may fail otherwise.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d_0)
    rtol : float, optional
        As in `truncation_map`; also the threshold of the ranks.

    Returns
    -------
    list of TruncationDefect
        One per layer 1, ..., L: ``(layer, rank, condition, defect)``, rank and condition number
        being those of the cumulative weights (of the padded network, if the first layer widens). A
        defect is 0 if there are no points.

    Raises
    ------
    ValueError
        If `net` is no ReLU network or `X` does not fit its input.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of deep
       ReLU neural networks on sequentially separable data", arXiv:2405.07098v2.

    Examples
    --------
    The second hidden layer has two proportional rows:

    >>> net = ReLUNetwork([np.eye(2), [[1, 1], [-1, -1]], [[1, 0]]], [[0, 0], [-1, 0], [0]])
    >>> for row in truncation_defects(net, [[2, 3]]):
    ...     print(row.layer, row.rank, row.condition, round(row.defect, 3))
    1 2 1.0 0.0
    2 1 inf 3.536
    3 1 1.0 2.5
    """
    return [step_defect(step) for step in truncation_steps(net, X, rtol=rtol)]


def truncation_steps(net, X, *, rtol=None):
    """Follow points through a network and through its truncation maps at once, layer by layer.

    What `truncate` and `truncation_defects` are made of; memory for one layer at a time.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d_0)
    rtol : float, optional
        As in `truncation_map`.

    Yields
    ------
    TruncationStep
        For layers 1, ..., L; the last one leaves the truncated points as they are.

    Raises
    ------
    ValueError
        If `net` is no ReLU network or `X` does not fit its input.
    """
    check_network(net, ReLUNetwork)
    output = as_points(X, d=net.widths[0])
    wide, truncated = padded(net, output)
    Ws, bs = cumulative_parameters(wide)
    for l, (V, c) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        output = output @ V.T.astype(output.dtype, copy=False)
        output += c.astype(output.dtype, copy=False)
        if l < len(Ws):
            np.maximum(output, 0, out=output)
        W, b = Ws[l - 1], bs[l - 1]
        if l < len(Ws):
            layer = prepared(W, b, as_rtol(rtol, W.shape), truncated.dtype, spectrum=True)
            truncated, singular = layer.apply(truncated), layer.singular
        else:
            with factorizing(W):
                singular = np.linalg.svd(W, compute_uv=False)
        rank = int(np.count_nonzero(singular > as_rtol(rtol, W.shape) * singular[0]))
        condition = float(singular[0] / singular[-1]) if rank == len(singular) else np.inf
        yield TruncationStep(l, W, b, rank, condition, output, truncated)


def step_defect(step):
    """By how much the identity x = W x_tau + b fails at one layer.

    Parameters
    ----------
    step : TruncationStep

    Returns
    -------
    TruncationDefect
    """
    error = step.truncated @ step.W.T
    error += step.b
    error -= step.output
    exponent = np.frexp(np.abs(error).max(initial=0.0))[1]
    error = np.ldexp(error, -exponent)  # to size 1, so that the squares stay in range
    defect = float(
        np.ldexp(np.sqrt(np.einsum("nm,nm->n", error, error).max(initial=0.0)), exponent)
    )
    return TruncationDefect(step.layer, step.rank, step.condition, defect)


@answers_keywords
def truncation_degree(
    W: ArrayLike, b: ArrayLike, X: ArrayLike, index: ArrayLike
) -> TruncationDegree:
    r"""Count how much of each class a layer has truncated.

    A point is backward if all its coordinates :math:`a_i = (Wx + b)_i \le 0` (it is collapsed to
    one point), forward if all are >= 0 and some is not 0 (it is kept), and mixed otherwise.

    Parameters
    ----------
    W : array_like, shape (m, d)
    b : array_like, shape (m,)
    X : array_like, shape (N, d)
    index : array_like, shape (N,)
        Class of each point, of any sortable type.

    Returns
    -------
    TruncationDegree
        ``(backward, forward, mixed)``, arrays of shape (Q,), classes in sorted order.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a value is nan or inf.

    Examples
    --------
    >>> truncation_degree(np.eye(2), [0, 0], [[-1, -1], [-1, 1], [2, 1]], [0, 0, 1])
    TruncationDegree(backward=[0.5, 0], forward=[0, 1], mixed=[0.5, 0])
    """
    W, b = as_layer(W, b)
    X = as_points(X, d=W.shape[1])
    classes, index, _ = as_labels(index, len(X), name="index")
    sector = sectors(pre_activations(W, b, X))
    sizes = np.bincount(index, minlength=len(classes))
    parts = (np.bincount(index[sector == s], minlength=len(classes)) / sizes for s in (-1, 1, 0))
    return TruncationDegree(*parts)


def padded(net, X):
    r"""Return a network without widening first layer, and points, that stand for the given ones.

    If :math:`W_1` is (m, n) with m > n it is completed by m - n orthogonal
    columns to :math:`\tilde W`, so that :math:`W_1 = \tilde W \iota` with
    :math:`\iota` the padding by zeros; :math:`\tilde W` is invertible if
    :math:`W_1` is injective, and has its condition number (Lemma 2.2 of
    [1]_). Otherwise network and points come back as they are.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d_0)

    Returns
    -------
    net : ReLUNetwork
    X : ndarray, shape (N, max(d_0, d_1))

    References
    ----------
    .. [1] P. Muñoz Ewald, "Explicit neural network classifiers for non-separable data",
       arXiv:2504.18710.
    """
    W = net.weights[0]
    m, n = W.shape
    if m <= n:
        return net, X
    with factorizing(W):
        U, singular, _ = np.linalg.svd(W)
    scale = singular[0] if singular[0] > 0 else 1.0
    completed = np.hstack([W, scale * U[:, n:]])
    return (
        ReLUNetwork([completed, *net.weights[1:]], list(net.biases)),
        np.hstack([X, np.zeros((len(X), m - n), X.dtype)]),
    )
