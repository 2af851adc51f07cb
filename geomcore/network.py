"""Networks: chains of layers, and ReLU networks in particular."""

import numpy as np

from geomcore.arrays import as_dtype, as_layer, as_points, check_sequence, freeze
from geomcore.layers import Affine, ReLU


class Network:
    """A chain of layers, applied to rows.

    Parameters
    ----------
    layers : sequence of callables
        Each maps (N, n) to (N, m) and has ``pull_back(X, out, grad)``, as
        `geomcore.layers.Affine` and `geomcore.layers.ReLU` do.
    """

    def __init__(self, layers):
        check_sequence(layers, "layers")
        for i, layer in enumerate(layers):
            if not callable(layer) or not hasattr(layer, "pull_back"):
                raise ValueError(f"layers[{i}] must be a layer with pull_back, got {layer!r}")
        self._layers = tuple(layers)

    @property
    def layers(self):
        return self._layers

    def __call__(self, X):
        """Outputs of the network at the rows of `X`, shape (N, d_L)."""
        X = as_points(X)
        for layer in self.layers:
            X = layer(X)
        return X


class ReLUNetwork(Network):
    r"""A fully connected ReLU network.

    .. math:: x^{(\ell)} = \sigma(W_\ell x^{(\ell-1)} + b_\ell), \quad
              \ell = 1, \dots, L-1, \qquad
              x^{(L)} = W_L x^{(L-1)} + b_L

    Parameters
    ----------
    weights : list of array_like, shapes (d_1, d_0), ..., (d_L, d_{L-1})
    biases : list of array_like, shapes (d_1,), ..., (d_L,)

    Attributes
    ----------
    weights, biases : tuple of ndarray
        Read-only float64 copies.
    widths : tuple of int
        (d_0, d_1, ..., d_L).

    Raises
    ------
    ValueError
        If the shapes do not chain, or a value is nan or inf.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of deep
       ReLU neural networks on sequentially separable data",
       arXiv:2405.07098, section 2.

    Examples
    --------
    >>> net = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [0]])
    >>> net([[-2.0], [3.0]])
    array([[2.],
           [3.]])
    >>> net.widths
    (1, 2, 1)
    """

    def __init__(self, weights, biases):
        check_sequence(weights, "weights")
        check_sequence(biases, "biases")
        if len(weights) != len(biases):
            raise ValueError(
                f"biases must have one entry per layer ({len(weights)}), got {len(biases)}"
            )
        pairs = []
        for l, (W, b) in enumerate(zip(weights, biases, strict=True)):
            W, b = as_layer(W, b, name=(f"weights[{l}]", f"biases[{l}]"))
            if pairs and W.shape[1] != pairs[-1][0].shape[0]:
                raise ValueError(
                    f"weights[{l}] must have {pairs[-1][0].shape[0]} columns, the width of the "
                    f"layer before it, got shape {W.shape}"
                )
            pairs.append((freeze(W), freeze(b)))
        self._weights = tuple(W for W, _ in pairs)
        self._biases = tuple(b for _, b in pairs)

    @property
    def weights(self):
        return self._weights

    @property
    def biases(self):
        return self._biases

    @property
    def widths(self):
        return (self.weights[0].shape[1], *(len(b) for b in self.biases))

    @property
    def layers(self):
        """The same network as a chain of `Affine` and `ReLU` layers."""
        chain = []
        for W, b in zip(self.weights, self.biases, strict=True):
            chain += [Affine(W, b), ReLU()]
        return tuple(chain[:-1])

    @property
    def parameter_count(self):
        """Number of weights and biases."""
        return sum(W.size + b.size for W, b in zip(self.weights, self.biases, strict=True))

    def packed(self, dtype=np.float64):
        """Return the network as the compiled kernels take it.

        Parameters
        ----------
        dtype : dtype, optional
            Type of the parameters, that of the points they will meet.

        Returns
        -------
        parameters : ndarray, shape (parameter_count,)
            Layer by layer the weights, row by row, and then the biases.
        widths : ndarray of int64, shape (L + 1,)
            (d_0, d_1, ..., d_L).

        Examples
        --------
        >>> ReLUNetwork([[[1, 2]], [[3]]], [[4], [5]]).packed()
        (array([1., 2., 4., 3., 5.]), array([2, 1, 1]))
        """
        parts = [part.reshape(-1) for pair in self._pairs(np.dtype(dtype)) for part in pair]
        return np.concatenate(parts), np.array(self.widths, dtype=np.int64)

    def __call__(self, X):
        """Outputs of the network at the rows of `X`, shape (N, d_L); float32 in, float32 out."""
        X = as_points(X, d=self.widths[0])
        *inner, last = self._pairs(X.dtype)
        for W, b in inner:
            X = X @ W.T
            X += b
            np.maximum(X, 0, out=X)
        W, b = last
        return X @ W.T + b

    def hidden(self, X):
        r"""Outputs of the hidden layers, :math:`x^{(1)}, \dots, x^{(L-1)}`.

        Returns
        -------
        list of ndarray, shapes (N, d_1), ..., (N, d_{L-1})
        """
        X = as_points(X, d=self.widths[0])
        outputs = []
        for W, b in self._pairs(X.dtype)[:-1]:
            X = np.maximum(X @ W.T + b, 0)
            outputs.append(X)
        return outputs

    def _pairs(self, dtype):
        return [
            (as_dtype(W, dtype, f"weights[{l}]"), as_dtype(b, dtype, f"biases[{l}]"))
            for l, (W, b) in enumerate(zip(self.weights, self.biases, strict=True))
        ]

    def __eq__(self, other):
        if not isinstance(other, ReLUNetwork):
            return NotImplemented
        return self.widths == other.widths and all(
            np.array_equal(p, q)
            for p, q in zip(self.weights + self.biases, other.weights + other.biases, strict=True)
        )

    __hash__ = None

    def __repr__(self):
        return f"ReLUNetwork(widths={self.widths})"
