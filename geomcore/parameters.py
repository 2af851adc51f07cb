"""All parameters of a network as one vector, and the names of its tensors.

The order is that of the layers and, within a layer, of its tensors: W1, b1, W2, b2, ... for a
ReLU network, as in `ReLUNetwork.packed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from geomcore.arrays import as_array, as_number, check_network
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted, suggestion
from geomcore.names import listing
from geomcore.network import Network
from geomcore.typing import Array, ArrayLike, NDArray

__all__ = [
    "flatten",
    "move",
    "selected",
    "split",
    "tensor_names",
    "unflatten",
]


@answers_keywords
def tensor_names(net: Network) -> list[str]:
    """Names of the tensors of a network in the order of its layers.

    Parameters
    ----------
    net : Network

    Returns
    -------
    list of str
        The letter of each tensor and the number of its layer among those that
        have any: ``W1, b1, ..., WL, bL`` for a ReLU network.

    Raises
    ------
    ValueError
        If `net` is no network.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> tensor_names(ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]]))
    ['W1', 'b1', 'W2', 'b2']
    """
    check_network(net, Network)
    return list(net.names)


def selected(
    names: Sequence[str], chosen: Sequence[str] | None, *, argument: str = "tensors", also: str = ""
) -> list[int]:
    """Positions of the chosen tensors.

    Parameters
    ----------
    names : sequence of str
        Of all tensors.
    chosen : sequence of str or None
        Some of them, in any order; None: all.
    argument, also : str, optional
        What to call `chosen` in an error message, and what else it may be.

    Returns
    -------
    list of int
        Increasing.

    Raises
    ------
    ValueError
        If there is no tensor of a given name, or no name at all.

    Examples
    --------
    >>> selected(["W1", "b1", "W2", "b2"], ["b2", "W1"])
    [0, 3]
    """
    if chosen is None:
        return list(range(len(names)))
    known = isinstance(chosen, list | tuple | set | frozenset) and len(chosen) > 0
    if not known or not all(isinstance(name, str) and name in names for name in chosen):
        some = chosen if isinstance(chosen, list | tuple | set | frozenset) else ()
        unknown = [suggestion(n, names) for n in some if isinstance(n, str) and n not in names]
        raise ValueError(
            f"{argument} must be {also}a list of some of {', '.join(names)}, got {quoted(chosen)}"
            f"{unknown[0] if unknown else ''}"
        )
    return [i for i, name in enumerate(names) if name in chosen]


def flatten(tensors: Network | Sequence[ArrayLike]) -> Array:
    """One vector of all entries of some tensors.

    Parameters
    ----------
    tensors : Network or sequence of ndarray
        Arrays of any shapes, or a network, which stands for its tensors.

    Returns
    -------
    ndarray, shape (P,)

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> flatten(ReLUNetwork([[[1, 2]], [[3]]], [[4], [5]]))
    array([1., 2., 4., 3., 5.])
    """
    if isinstance(tensors, Network):
        tensors = tensors.tensors
    parts = list(tensors) if isinstance(tensors, Sequence) else [None]
    if not all(isinstance(part, np.ndarray) for part in parts):
        raise ValueError(f"tensors must be a Network or a list of arrays, got {quoted(tensors)}")
    return np.concatenate([np.empty(0), *(np.reshape(part, -1) for part in parts)])


def split(vector: NDArray[Any], shapes: Network | Sequence[tuple[int, ...]]) -> list[Array]:
    """Cut a vector into tensors; the inverse of `flatten`.

    Parameters
    ----------
    vector : ndarray, shape (..., P)
        Leading axes are kept.
    shapes : Network or sequence of tuple
        Shapes of the tensors, or a network that has them.

    Returns
    -------
    list of ndarray, shapes (..., *shape)
        Views of `vector` where that is possible.

    Raises
    ------
    ValueError
        If there are not as many entries as the tensors have.

    Examples
    --------
    >>> split(np.arange(4.0), [(1, 2), (2,)])
    [array([[0., 1.]]), array([2., 3.])]
    """
    if isinstance(shapes, Network):
        shapes = [tensor.shape for tensor in shapes.tensors]
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    if vector.shape[-1] != ends[-1]:
        raise ValueError(f"vector must have {ends[-1]} entries, got {vector.shape[-1]}")
    lead = vector.shape[:-1]
    return [
        vector[..., start:end].reshape((*lead, *shape))
        for (start, end), shape in zip(pairwise(ends), shapes, strict=True)
    ]


def unflatten(net: Network, vector: ArrayLike) -> Network:
    """The network of the layers of `net` that has the parameters `vector`.

    Parameters
    ----------
    net : Network
    vector : ndarray, shape (P,)

    Returns
    -------
    Network
        Of the type of `net`.

    Raises
    ------
    ValueError
        If the length does not fit, or an entry is nan or inf.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1, 2]], [[3]]], [[4], [5]])
    >>> unflatten(net, flatten(net)) == net
    True
    """
    check_network(net, Network)
    return net.rebuild(split(_of_all(net, vector, "vector"), net))


def _of_all(net, vector, name):
    """A vector with one finite entry for each parameter of `net`."""
    vector = as_array(vector, name, 1)
    if len(vector) != net.parameter_count:
        raise ValueError(f"{name} must have {net.parameter_count} entries, got {len(vector)}")
    return vector


def move(net: Network, direction: ArrayLike, step: float = 1.0) -> Network:
    r"""The network with parameters :math:`\theta + t\, v`.

    Parameters
    ----------
    net : Network
    direction : ndarray, shape (P,)
        v.
    step : float, optional
        t.

    Returns
    -------
    Network
        Of the type of `net`, which is not changed.

    Raises
    ------
    ValueError
        As `unflatten`.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> move(ReLUNetwork([[[1.0]]], [[2.0]]), np.array([10.0, 20.0]), 0.1).biases[0]
    array([4.])
    """
    check_network(net, Network)
    direction, step = _of_all(net, direction, "direction"), as_number(step, "step")
    parts = zip(net.tensors, split(direction, net), strict=True)
    return net.rebuild([tensor + step * part for tensor, part in parts])


def __dir__():
    return listing(globals())
