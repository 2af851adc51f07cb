r"""Forward and backward passes of many networks of one shape at a time.

The parameters of T networks are one flat list of tensors with a leading trial
axis, (T, m, n) for weights and (T, m) for biases, so that a layer of all
networks is one batched matrix product. How one kind of layer is evaluated and
differentiated is a small object; a new kind of layer is one more such object
and one more row of `KINDS`.
"""

from dataclasses import dataclass

import numpy as np

from geomcore.layers import Affine, ReLU
from geomcore.network import Network, ReLUNetwork


class AffineKind:
    """x -> W x + b; tensors W (T, m, n) and b (T, m)."""

    tensors = 2
    letters = ("W", "b")

    def read(self, layer):
        return [layer.W, layer.b]

    def build(self, tensors):
        return Affine(*tensors)

    def forward(self, tensors, X):
        W, b = tensors
        out = X @ W.swapaxes(1, 2)
        out += b[:, None, :]
        return out

    def tangent(self, tensors, X, out, dX, dtensors):
        (W, _), (dW, db) = tensors, dtensors
        return dX @ W.swapaxes(1, 2) + X @ dW.swapaxes(1, 2) + db[:, None, :]

    def gradients(self, tensors, X, out, grad):
        ones = np.ones((1, grad.shape[1]))
        return [grad.swapaxes(1, 2) @ X, (ones @ grad)[:, 0, :]]

    def pull_back(self, tensors, X, out, grad):
        return grad @ tensors[0]


class ReLUKind:
    """x -> max(x, 0); no tensors."""

    tensors = 0
    letters = ()

    def read(self, layer):
        return []

    def build(self, tensors):
        return ReLU()

    def forward(self, tensors, X):
        return np.maximum(X, 0)

    def tangent(self, tensors, X, out, dX, dtensors):
        return dX * (out > 0)

    def gradients(self, tensors, X, out, grad):
        return []

    def pull_back(self, tensors, X, out, grad):
        return grad * (out > 0)


KINDS = {Affine: AffineKind(), ReLU: ReLUKind()}


@dataclass(frozen=True)
class Chain:
    """The common shape of some networks: kinds of layers and the slots of their tensors."""

    kinds: tuple
    slots: tuple
    is_relu_network: bool

    @property
    def parts(self):
        return list(zip(self.kinds, self.slots, strict=True))

    @property
    def names(self):
        """Names of all tensors: letters of their layer and its number among those with tensors."""
        kinds = [kind for kind in self.kinds if kind.tensors]
        return [f"{letter}{l}" for l, kind in enumerate(kinds, 1) for letter in kind.letters]

    def select(self, tensors):
        """Positions of the tensors with the given names, in the order of `names`; None: all.

        Raises
        ------
        ValueError
            If there is no tensor of a given name, or no name at all.
        """
        names = self.names
        if tensors is None:
            return list(range(len(names)))
        if isinstance(tensors, str) or not len(tensors) or not set(tensors) <= set(names):
            raise ValueError(f"tensors must be a list of some of {names}, got {tensors!r}")
        return [i for i, name in enumerate(names) if name in tensors]

    def forward(self, params, X):
        """Input and outputs of all layers; X is (N, d) for all networks or (T, N, d)."""
        outputs = [X]
        for kind, slot in self.parts:
            outputs.append(kind.forward(params[slot], outputs[-1]))
        return outputs

    def output(self, params, X):
        """Output of the last layer alone, (T, N, k); keeps no other layer in memory."""
        for kind, slot in self.parts:
            X = kind.forward(params[slot], X)
        return X

    def backward(self, params, outputs, grad):
        """Gradients of all tensors, given `grad` (T, N, k) with respect to the last output."""
        gradients = [None] * len(params)
        for l in reversed(range(len(self.kinds))):
            kind, slot = self.kinds[l], self.slots[l]
            here = (params[slot], outputs[l], outputs[l + 1], grad)
            gradients[slot] = kind.gradients(*here)
            if l > 0:
                grad = kind.pull_back(*here)
        return gradients

    def tangent(self, params, outputs, dparams):
        """Directional derivative of the last output along `dparams`, (T, N, k)."""
        dX = np.zeros_like(outputs[0])
        for l, (kind, slot) in enumerate(self.parts):
            dX = kind.tangent(params[slot], outputs[l], outputs[l + 1], dX, dparams[slot])
        return dX

    def network(self, params, trial):
        """Network number `trial`, of the type that was stacked."""
        tensors = [p[trial] for p in params]
        if self.is_relu_network:
            return ReLUNetwork(tensors[0::2], tensors[1::2])
        return Network([kind.build(tensors[slot]) for kind, slot in self.parts])


def stack(networks):
    """Stack networks of one shape.

    Parameters
    ----------
    networks : sequence of Network
        At least one; all with the same layers and widths.

    Returns
    -------
    chain : Chain
    params : list of ndarray, shapes (T, m, n) and (T, m)
        Fresh copies.

    Raises
    ------
    ValueError
        If a layer cannot be trained, or the networks differ in shape.

    Examples
    --------
    >>> net = ReLUNetwork([[[1.0, 2.0]], [[3.0]]], [[0.5], [0.0]])
    >>> chain, params = stack([net, net])
    >>> [p.shape for p in params]
    [(2, 1, 2), (2, 1), (2, 1, 1), (2, 1)]
    >>> chain.output(params, np.array([[1.0, 1.0]]))[:, 0, 0]
    array([10.5, 10.5])
    """
    if isinstance(networks, Network) or not len(networks):
        raise ValueError(f"networks must be a non-empty list of networks, got {networks!r}")
    for net in networks:
        if not isinstance(net, Network):
            raise ValueError(f"net must be a geomcore Network, got {type(net)}")
    first = networks[0]
    kinds, slots, filled = [], [], 0
    for layer in first.layers:
        if type(layer) not in KINDS:
            names = ", ".join(sorted(kind.__name__ for kind in KINDS))
            raise ValueError(f"net has a layer that cannot be trained (only {names}): {layer!r}")
        kinds.append(KINDS[type(layer)])
        slots.append(slice(filled, filled + kinds[-1].tensors))
        filled = slots[-1].stop
    columns = []
    for t, net in enumerate(networks):
        tensors = []
        if [type(layer) for layer in net.layers] == [type(layer) for layer in first.layers]:
            for kind, layer in zip(kinds, net.layers, strict=True):
                tensors += kind.read(layer)
        columns.append(tensors)
        if [p.shape for p in tensors] != [p.shape for p in columns[0]]:
            raise ValueError(f"networks[{t}] must have the shape of the others, got {net!r}")
    params = [np.stack(tensor) for tensor in zip(*columns, strict=True)]
    return Chain(tuple(kinds), tuple(slots), isinstance(first, ReLUNetwork)), params
