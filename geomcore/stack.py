"""Many networks of one shape at a time: their forward and backward passes.

The parameters of T networks are one flat list of tensors with a leading trial axis, (T, m, n)
for weights and (T, m) for biases, so that a layer of all networks is one batched matrix product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from geomcore.arrays import check_network
from geomcore.foreign.wording import quoted
from geomcore.layers import Layer
from geomcore.network import Network
from geomcore.parameters import selected


@dataclass(frozen=True, eq=False)
class Stack:
    """What networks of one shape have in common.

    Attributes
    ----------
    template : Network
        One of them: its type, layers and hyperparameters are those of all.
    slots : tuple of slice
        For each layer the positions of its tensors in the flat list.
    """

    template: Network
    slots: tuple

    @property
    def parts(self):
        """Pairs (layer, slice of its tensors)."""
        return list(zip(self.template.layers, self.slots, strict=True))

    @property
    def names(self):
        """Names of all tensors; see `geomcore.parameters.tensor_names`."""
        return self.template.names

    def select(self, tensors):
        """Positions of the tensors of these names; see `geomcore.parameters.selected`."""
        return selected(self.names, tensors)

    def forward(self, params, X):
        """Input and outputs of all layers; X is (N, d) for all networks or (T, N, d)."""
        outputs = [X]
        for layer, slot in self.parts:
            outputs.append(layer.forward(params[slot], outputs[-1]))
        return outputs

    def output(self, params, X):
        """Output of the last layer alone, (T, N, k); keeps no other layer in memory."""
        for layer, slot in self.parts:
            X = layer.forward(params[slot], X)
        return X

    def backward(self, params, outputs, grad):
        """Gradients of all tensors, given `grad` (T, N, k) with respect to the last output."""
        gradients = [None] * len(params)
        for l, (layer, slot) in reversed(list(enumerate(self.parts))):
            here = (params[slot], outputs[l], outputs[l + 1], grad)
            gradients[slot] = layer.gradients(*here)
            if l > 0:
                grad = layer.cotangent(*here)
        return gradients

    def tangents(self, params, outputs, dparams):
        """Directional derivatives of the input and of all layers' outputs along `dparams`."""
        tangents = [np.zeros_like(outputs[0])]
        for l, (layer, slot) in enumerate(self.parts):
            here = (params[slot], outputs[l], outputs[l + 1])
            tangents.append(layer.tangent(*here, dparams[slot], tangents[-1]))
        return tangents

    def backward_tangent(self, params, outputs, grad, dparams, tangents, dgrad):
        """Directional derivative of `backward` along `dparams`, within the cell.

        Parameters
        ----------
        params, outputs, grad
            As for `backward`.
        dparams, tangents
            The direction, and what `tangents` gives for it.
        dgrad : ndarray, shape (T, N, k)
            How `grad` changes along it.

        Returns
        -------
        list of ndarray
            One for each tensor: a product with the second derivative.
        """
        products = [None] * len(params)
        for l, (layer, slot) in reversed(list(enumerate(self.parts))):
            here = (params[slot], outputs[l], outputs[l + 1], grad)
            along = (dparams[slot], tangents[l], dgrad)
            products[slot] = layer.gradients_tangent(*here, *along)
            if l > 0:
                grad, dgrad = layer.cotangent(*here), layer.cotangent_tangent(*here, *along)
        return products

    def patterns(self, outputs):
        """Activation patterns (T, N, units), from the outputs of all layers."""
        lead = outputs[-1].shape[:2]
        ends = zip(self.template.layers, pairwise(outputs), strict=True)
        found = [layer.active(X, out) for layer, (X, out) in ends]
        # Before the first tensors the outputs are those of all networks.
        active = [np.broadcast_to(a, (*lead, a.shape[-1])) for a in found if a is not None]
        return np.concatenate([np.zeros((*lead, 0), dtype=bool), *active], axis=2)

    def network(self, params, trial):
        """Network number `trial`, of the type that was stacked."""
        return self.template.rebuild([p[trial] for p in params])


def stack(networks):
    """Stack networks of one shape.

    Parameters
    ----------
    networks : sequence of Network
        At least one; all with the same layers, widths and hyperparameters.

    Returns
    -------
    shape : Stack
    params : list of ndarray, shapes (T, m, n) and (T, m)
        Fresh copies.

    Raises
    ------
    ValueError
        If a layer cannot be trained, there are no tensors at all, or the
        networks differ in shape.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0, 2.0]], [[3.0]]], [[0.5], [0.0]])
    >>> shape, params = stack([net, net])
    >>> [p.shape for p in params]
    [(2, 1, 2), (2, 1), (2, 1, 1), (2, 1)]
    >>> shape.output(params, np.array([[1.0, 1.0]]))[:, 0, 0]
    array([10.5, 10.5])
    """
    if not isinstance(networks, Sequence) or not networks:
        raise ValueError(f"networks must be a non-empty list of networks, got {quoted(networks)}")
    first = networks[0]
    for t, net in enumerate(networks):
        check_network(net, Network, f"networks[{t}]")
        if t == 0:
            _check_layers(first)
        elif not _is_like(net, first):
            raise ValueError(f"networks[{t}] must have the shape of the others, got {quoted(net)}")
    slots, filled = [], 0
    for layer in first.layers:
        slots.append(slice(filled, filled + len(layer.letters)))
        filled = slots[-1].stop
    if not filled:
        raise ValueError(f"net must have tensors, a layer such as Affine, got {quoted(first)}")
    columns = zip(*(net.tensors for net in networks), strict=True)
    return Stack(first, tuple(slots)), [np.stack(column) for column in columns]


def _check_layers(net):
    """Raise unless all layers of a network can be trained, and it consists of them."""
    if type(net).layers is not Network.layers:
        raise ValueError(
            f"net must have the layers that it was made of, a {type(net).__name__} has others"
        )
    for layer in net.layers:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"net has a layer that cannot be trained (no geomcore.layers.Layer): {layer!r}"
            )


def _is_like(net, first):
    """Whether a network differs from the first one by the numbers in its tensors only."""
    return (
        # Which engine trains them depends on the type.
        type(net) is type(first)
        and len(net.layers) == len(first.layers)
        and all(layer.is_like(other) for layer, other in zip(first.layers, net.layers, strict=True))
        and [p.shape for p in net.tensors] == [p.shape for p in first.tensors]
    )
