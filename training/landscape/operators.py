"""Second derivatives of the loss as linear operators, without finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import check_network
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.network import Network
from geomcore.stack import stack
from geomcore.typing import Array, ArrayLike, LossName
from training.descent.losses import as_loss
from training.descent.problem import as_training_data
from training.landscape.arguments import check_decay

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

    from training.typing import Loss

# Numbers in the activations of a block of directions.
AT_A_TIME = 2_000_000
# Numbers in the widest layer below which products are small matters.
SMALL = 200_000
# Parameters of the largest matrix that is written out.
LARGEST = 10_000


class Curvature:
    """A network, points and a loss, ready for products with second derivatives.

    Attributes
    ----------
    count : int
        Of the parameters that may move, in the order of ``net.packed()``.
    gradient : ndarray, shape (count,)
    loss : float
        With weight decay.
    constant_loss : float
        Of the best constant output; 0 if the loss object does not tell.
    """

    def __init__(self, net, X, y, *, loss="mse", weight_decay=0.0, tensors=None, targets=None):
        check_network(net, Network)
        self._loss = as_loss(loss)
        if not hasattr(self._loss, "curvature"):
            raise ValueError(f"loss must have a second derivative `curvature`, got {quoted(loss)}")
        check_decay(weight_decay)
        X, labels = as_training_data(net, X, y, loss=self._loss, targets=targets)
        if hasattr(self._loss, "check"):
            self._loss.check(labels.Y)
        self._decay, self._Y = float(weight_decay), labels.Y
        self._weights = self._loss.weights(labels.index)[:, None]
        self._stacked, self._params = stack([net])
        self.chosen = self._stacked.select(tensors)
        with np.errstate(over="ignore", invalid="ignore"):
            self._outputs = self._stacked.forward(self._params, X)
        self._grad = self._weights * self._loss.gradient(self._outputs[-1], self._Y)
        flat = [self._params[i].reshape(-1) for i in self.chosen]
        self.parameters = np.concatenate(flat)
        self.count = len(self.parameters)
        self._ends = np.cumsum([len(part) for part in flat])
        with np.errstate(over="ignore", invalid="ignore"):
            values = self._loss.value(self._outputs[-1], self._Y)[0] @ self._weights[:, 0]
        squares = sum(float(np.vdot(p, p)) for p in self._params)
        self.loss = float(values + 0.5 * self._decay * squares)
        self.constant_loss = 0.0
        if hasattr(self._loss, "constant_loss"):
            told = self._loss.constant_loss(self._Y, self._weights[:, 0])
            self.constant_loss = float(told)
        if not np.isfinite(self.loss):
            raise ValueError(f"net must have a finite loss, got {self.loss}")
        slopes = self._stacked.backward(self._params, self._outputs, self._grad)
        self.gradient = self._flat(slopes, 1)[:, 0] + self._decay * self.parameters
        widest = max(out.shape[-1] for out in self._outputs)
        self._block = max(1, AT_A_TIME // (len(X) * widest))
        self.is_small = len(X) * widest < SMALL

    def hessian_times(self, V):
        """Products with the Hessian, (count, m) to (count, m), within the cell of the network.

        Where a pre-activation is zero the unit counts as off.
        """
        return self._in_blocks(V, self._hessian_times)

    def gauss_newton_times(self, V):
        """Products with the Gauss-Newton matrix, (count, m) to (count, m)."""
        return self._in_blocks(V, self._gauss_newton_times)

    def output_derivative(self):
        """Derivative of all outputs by the parameters, shape (N k, count)."""
        N, k = self._outputs[-1].shape[-2:]
        out = np.empty((N * k, self.count))
        for start in range(0, self.count, self._block):
            part = slice(start, min(start + self._block, self.count))
            unit = np.zeros((self.count, part.stop - start))
            unit[np.arange(part.start, part.stop), np.arange(part.stop - start)] = 1.0
            moved = self._stacked.tangents(self._params, self._outputs, self._directions(unit))[-1]
            out[:, part] = moved.reshape(-1, N * k).T
        return out

    def _in_blocks(self, V, times):
        V = np.asarray(V, dtype=float)
        is_vector = V.ndim == 1
        V = V[:, None] if is_vector else V
        parts = [times(V[:, i : i + self._block]) for i in range(0, V.shape[1], self._block)]
        out = np.concatenate([np.zeros((self.count, 0)), *parts], axis=1) + self._decay * V
        return out[:, 0] if is_vector else out

    def _hessian_times(self, V):
        directions = self._directions(V)
        tangents = self._stacked.tangents(self._params, self._outputs, directions)
        bent = self._weights * self._loss.curvature(self._outputs[-1], self._Y, tangents[-1])
        here = (self._params, self._outputs, self._grad)
        return self._flat(
            self._stacked.backward_tangent(*here, directions, tangents, bent), V.shape[1]
        )

    def _gauss_newton_times(self, V):
        tangents = self._stacked.tangents(self._params, self._outputs, self._directions(V))
        bent = self._weights * self._loss.curvature(self._outputs[-1], self._Y, tangents[-1])
        return self._flat(self._stacked.backward(self._params, self._outputs, bent), V.shape[1])

    def _directions(self, V):
        """The columns of V as changes of all tensors, zero in those that are held."""
        m = V.shape[1]
        out = [np.zeros((m, *p.shape[1:])) for p in self._params]
        parts = np.split(V.T, self._ends[:-1], axis=1)
        for i, part in zip(self.chosen, parts, strict=True):
            out[i] = part.reshape(out[i].shape)
        return out

    def _flat(self, tensors, m):
        parts = [np.broadcast_to(tensors[i], (m, *tensors[i].shape[1:])) for i in self.chosen]
        return np.concatenate([part.reshape(m, -1) for part in parts], axis=1).T


@answers_keywords
def hessian(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: LossName | Loss = "mse",
    weight_decay: float = 0.0,
    tensors: Sequence[str] | None = None,
    targets: ArrayLike | None = None,
) -> Array:
    r"""The second derivative of the loss at a network, as a matrix.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or targets.
    loss : str or loss object
        Any that `training.train` knows and that has a second derivative.
    weight_decay : float
        Half of it times the sum of the squares of all parameters is added to the loss.
    tensors : list of str, optional
        Those that may move, such as ``["W1", "b1"]``: a block of the Hessian. Default all.
    targets : array_like, shape (Q, k), optional
        What the network is to put out for each label in sorted order.

    Returns
    -------
    ndarray, shape (P, P)
        Symmetric; parameters in the order of ``net.packed()``: W1, b1, W2, b2, ...

    Raises
    ------
    ValueError
        If shapes do not fit, or there are more than 10,000 parameters.

    Notes
    -----
    Exact but for rounding, from products with directions (Pearlmutter 1994), in the cell of the
    network: a unit whose pre-activation is zero counts as off.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> hessian(ReLUNetwork([[[1.0]]], [[0.0]]), [[-1.0], [1.0]], [[0.0], [0.0]])
    array([[2., 0.],
           [0., 2.]])
    """
    found = Curvature(
        net, X, y, loss=loss, weight_decay=weight_decay, tensors=tensors, targets=targets
    )
    if found.count > LARGEST:
        raise ValueError(
            f"net must have at most {LARGEST:,} parameters for a matrix, got {found.count:,}: "
            "hessian_operator takes any number"
        )
    H = found.hessian_times(np.eye(found.count))
    return (H + H.T) / 2


@answers_keywords
def hessian_operator(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: LossName | Loss = "mse",
    weight_decay: float = 0.0,
    tensors: Sequence[str] | None = None,
    targets: ArrayLike | None = None,
) -> LinearOperator:
    """Products with the second derivative of the loss, as a `scipy.sparse.linalg.LinearOperator`.

    The network is looked at once; a product with one direction costs about two gradients.

    Parameters
    ----------
    net, X, y, loss, weight_decay, tensors, targets
        As for `hessian`.

    Returns
    -------
    scipy.sparse.linalg.LinearOperator, shape (P, P)

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> hessian_operator(net, [[-1.0], [1.0]], [[0.0], [0.0]]) @ [1.0, 2.0]
    array([2., 4.])
    """
    found = Curvature(
        net, X, y, loss=loss, weight_decay=weight_decay, tensors=tensors, targets=targets
    )
    return _operator(found, found.hessian_times)


@answers_keywords
def gauss_newton_operator(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: LossName | Loss = "mse",
    weight_decay: float = 0.0,
    tensors: Sequence[str] | None = None,
    targets: ArrayLike | None = None,
) -> LinearOperator:
    r"""Products with :math:`\sum_i w_i J_i^T H_i J_i`, the Hessian without that of the outputs.

    Parameters
    ----------
    net, X, y, loss, weight_decay, tensors, targets
        As for `hessian`.

    Returns
    -------
    scipy.sparse.linalg.LinearOperator, shape (P, P)

    Raises
    ------
    ValueError
        If shapes do not fit.

    See Also
    --------
    training.largest_curvature : its largest eigenvalue, by the power iteration.
    """
    found = Curvature(
        net, X, y, loss=loss, weight_decay=weight_decay, tensors=tensors, targets=targets
    )
    return _operator(found, found.gauss_newton_times)


def _operator(found, times):
    from scipy.sparse.linalg import LinearOperator

    shape = (found.count, found.count)

    def vector(v):
        return times(np.reshape(v, -1))

    return LinearOperator(
        shape, matvec=vector, rmatvec=vector, matmat=times, rmatmat=times, dtype=float
    )
