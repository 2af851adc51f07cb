"""Networks: chains of layers, and ReLU networks in particular."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geomcore.arrays import as_dtype, as_points, check_sequence
from geomcore.display.lines import abbreviated, listed, wrapped
from geomcore.display.page import page
from geomcore.foreign.choices import as_choice
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.libraries import type_name
from geomcore.foreign.wording import counted, quoted
from geomcore.layers import Affine, Layer, ReLU
from geomcore.typing import Array, ArrayLike, DTypeLike, Floats, Integers

if TYPE_CHECKING:
    import pandas as pd

MOST_LINES = 40  # of a summary
ENDS = 4  # widths that are told at each end of a long chain
FEW_LAYERS = 5  # that a repr need not count


@answers_keywords
class Network:
    """A chain of layers, applied to rows.

    Parameters
    ----------
    layers : sequence of Layer
        See `geomcore.layers.Layer`. Any other callable that maps (N, n) to
        (N, m) and has ``pull_back(X, out, grad)`` will do where nothing but
        outputs and input gradients is asked for.

    Attributes
    ----------
    layers : tuple
    widths : tuple of int or None
        Width of the input, and then of what comes out of each layer that fixes
        it (all but those that act coordinate by coordinate); None where a
        layer does not tell.
    names : tuple of str
        Names of all tensors: the letter of each, and the number of its layer
        among those that have tensors.
    tensors : list of ndarray, each of a shape of its own
        In the same order.

    Raises
    ------
    ValueError
        If something is no layer, or the widths do not chain.

    Examples
    --------
    >>> net = Network([Affine([[1, 2], [3, 4]], [5, 6]), ReLU(), Affine([[7, 8]], [9])])
    >>> net
    Network(Affine(2 -> 2), ReLU(), Affine(2 -> 1))
    >>> net.widths, net.names
    ((2, 2, 1), ('W1', 'b1', 'W2', 'b2'))
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        check_sequence(layers, "layers", "object")
        for i, layer in enumerate(layers):
            is_layer = callable(layer) and hasattr(layer, "pull_back")
            if isinstance(layer, type) or not is_layer:
                raise ValueError(f"layers[{i}] must be a layer with pull_back, got {quoted(layer)}")
            if isinstance(layer, Layer) and not is_dataclass(layer):
                raise ValueError(f"layers[{i}] must be a dataclass, got {type(layer).__name__}")
        self._layers = tuple(layers)
        self._widths = _chained(self._layers)

    @property
    def layers(self) -> tuple[Any, ...]:
        return self._layers

    @property
    def widths(self) -> tuple[int, ...]:
        return self._widths

    @property
    def names(self) -> tuple[str, ...]:
        parts = [layer.letters for layer in self.layers if getattr(layer, "letters", ())]
        return tuple(f"{letter}{l}" for l, part in enumerate(parts, 1) for letter in part)

    @property
    def tensors(self) -> list[Array]:
        return [tensor for layer in self.layers for tensor in getattr(layer, "tensors", ())]

    @property
    def parameter_count(self) -> int:
        """Number of entries of all tensors."""
        return sum(tensor.size for tensor in self.tensors)

    def rebuild(self, tensors: Sequence[ArrayLike]) -> Network:
        """The network of the same layers, with the same hyperparameters, that has these tensors."""
        tensors, layers = list(tensors), []
        if len(tensors) != len(self.names):
            raise ValueError(
                f"tensors must be {', '.join(self.names) or 'none'}, got {len(tensors)} of them"
            )
        for layer in self.layers:
            count = len(getattr(layer, "letters", ()))
            own, tensors = tensors[:count], tensors[count:]
            layers.append(layer.rebuild(own) if own else layer)
        return Network(layers)

    def __call__(self, X: ArrayLike) -> Floats:
        """Outputs of the network at the rows of `X`, shape (N, d_L)."""
        X = as_points(X, d=self.widths[0])
        for layer in self.layers:
            X = layer(X)
        return X

    def __getitem__(self, part: slice) -> Network:
        """The network of some consecutive layers, ``net[:3]``: what the first three compute.

        Examples
        --------
        >>> net = Network([Affine([[1, 2]], [5]), ReLU(), Affine([[3]], [9]), ReLU()])
        >>> net[:3]
        Network(Affine(2 -> 1), ReLU(), Affine(1 -> 1))
        """
        layers = self.layers[part] if isinstance(part, slice) and part.step in (None, 1) else ()
        if not layers:
            raise ValueError(
                f"layers must be a slice that holds some of {len(self.layers)}, such as net[:3], "
                f"got {quoted(part)}"
            )
        return Network(layers)

    # Without it Python would try net[0], net[1], ... where it looks for rows.
    __iter__ = None

    def __eq__(self, other):
        if not isinstance(other, Network):
            return NotImplemented
        return self.widths == other.widths and self.layers == other.layers

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        return wrapped(self, [repr(layer) for layer in self.layers])

    _repr_html_ = page

    def summary(self) -> str:
        """A few lines for a reader: how many parameters, and one line for each layer.

        Examples
        --------
        >>> print(ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [0]]).summary())
        ReLUNetwork, widths 1 - 2 - 1, 7 parameters
          Affine(1 -> 2), 4 parameters
          ReLU()
          Affine(2 -> 1), 3 parameters
        """
        known = [str(width) for width in self.widths if width is not None]
        if len(known) > 2 * ENDS:
            known = [*known[:ENDS], "...", *known[-ENDS:]]
        widths = " - ".join(known)
        size = counted(self.parameter_count, "parameter")
        lines = [f"{type(self).__name__}, widths {widths}, {size}"]
        for layer in self.layers:
            count = sum(tensor.size for tensor in getattr(layer, "tensors", ()))
            size = f", {counted(count, 'parameter')}" if count else ""
            lines.append(f"  {abbreviated(layer)}{size}")
        if len(lines) > MOST_LINES:
            more = f"  ... {counted(len(lines) - MOST_LINES, 'more layer')} ..."
            lines = [*lines[: MOST_LINES // 2 + 1], more, *lines[-MOST_LINES // 2 + 1 :]]
        return "\n".join(lines)

    def frame(self) -> pd.DataFrame:
        """The layers as a table: kind, inputs, outputs, parameters.

        Returns
        -------
        pandas.DataFrame
            One row per layer, numbered from 1; inputs and outputs are those of layers that fix
            them.
        """
        from pandas import DataFrame

        rows = [
            {
                "kind": type(layer).__name__,
                "inputs": getattr(layer, "inputs", None),
                "outputs": getattr(layer, "outputs", None),
                "parameters": sum(tensor.size for tensor in getattr(layer, "tensors", ())),
            }
            for layer in self.layers
        ]
        table = DataFrame(rows, index=range(1, len(rows) + 1))
        return table.astype({"inputs": "Int64", "outputs": "Int64"}).rename_axis("layer")

    # Networks never change, so a copy is the network itself; only what is built anew is read-only.
    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return Network, (self.layers,)


def _chained(layers):
    """The widths of a chain of layers; ValueError where one does not fit the one before it."""
    widths, width = [None], None
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            width = None
            widths.append(None)
            continue
        if None not in (layer.inputs, width) and layer.inputs != width:
            raise ValueError(
                f"layers[{i}] must take {counted(width, 'input')}, as many as the layer before it "
                f"has outputs, got {quoted(layer)}"
            )
        if len(widths) == 1 and width is None:
            widths[0] = width = layer.inputs
        if layer.outputs is not None:
            width = layer.outputs
            widths.append(width)
    return tuple(widths)


@answers_keywords
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
    weights, biases : tuple of ndarray, shapes (d_l, d_{l-1}) and (d_l,)
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

    def __init__(self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]) -> None:
        check_sequence(weights, "weights")
        check_sequence(biases, "biases")
        if len(weights) != len(biases):
            raise ValueError(
                f"biases must have one entry per layer ({len(weights)}), got {len(biases)}"
            )
        affine = []
        for l, (W, b) in enumerate(zip(weights, biases, strict=True)):
            layer = Affine(W, b, names=(f"weights[{l}]", f"biases[{l}]"))
            if affine and layer.inputs != affine[-1].outputs:
                raise ValueError(
                    f"weights[{l}] must have {counted(affine[-1].outputs, 'column')}, the width of "
                    f"the layer before it, got shape {layer.W.shape}"
                )
            affine.append(layer)
        relu = ReLU()
        self._layers = tuple(part for layer in affine for part in (layer, relu))[:-1]
        self._widths = (affine[0].inputs, *(layer.outputs for layer in affine))
        self._weights = tuple(layer.W for layer in affine)
        self._biases = tuple(layer.b for layer in affine)

    @property
    def weights(self) -> tuple[Array, ...]:
        return self._weights

    @property
    def biases(self) -> tuple[Array, ...]:
        return self._biases

    def packed(self, dtype: DTypeLike = np.float64) -> tuple[Floats, Integers]:
        """Return the network as the compiled kernels take it.

        Parameters
        ----------
        dtype : dtype, optional
            Type of the parameters, that of the points they will meet: float64 or float32.

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
        dtype = np.dtype(as_choice(type_name(dtype), ("float64", "float32"), "dtype"))
        parts = [part.reshape(-1) for pair in self._pairs(dtype) for part in pair]
        return np.concatenate(parts), np.array(self.widths, dtype=np.int64)

    def __call__(self, X: ArrayLike) -> Floats:
        """Outputs of the network at the rows of `X`, shape (N, d_L); float32 in, float32 out."""
        X = as_points(X, d=self.widths[0])
        *inner, last = self._pairs(X.dtype)
        for W, b in inner:
            X = X @ W.T
            X += b
            np.maximum(X, 0, out=X)
        W, b = last
        return X @ W.T + b

    def hidden(self, X: ArrayLike) -> list[Floats]:
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

    def rebuild(self, tensors: Sequence[ArrayLike]) -> ReLUNetwork:
        """The ReLU network that has these tensors, W1, b1, ..., WL, bL."""
        tensors = list(tensors) if isinstance(tensors, Sequence) else []
        if len(tensors) != len(self.tensors):
            raise ValueError(
                f"tensors must be a list of {len(self.tensors)} arrays, W1, b1, ..., got "
                f"{len(tensors)} of them"
            )
        return ReLUNetwork(tensors[0::2], tensors[1::2])

    def __repr__(self):
        values = {"widths": self.widths}
        if len(self.weights) > FEW_LAYERS:
            values["layers"] = len(self.weights)
        return listed(self, values)

    def __reduce__(self):
        return ReLUNetwork, (self.weights, self.biases)
