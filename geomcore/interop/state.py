"""Tensors by name, as PyTorch's state dicts and safetensors files have them, as a chain."""

import re
from itertools import islice

from geomcore.foreign.wording import quoted
from geomcore.interop.chain import layer

UNTOLD = "it does not tell what is between its layers, ReLU is taken"
# Layers whose names do not tell their order; all orders are tried.
MOST_UNNUMBERED = 8


def add_linear_layers(chain, tensors, *, in_order):
    """Append a chain of linear layers, with a ReLU between any two.

    Parameters
    ----------
    chain : Chain
    tensors : dict of str to ndarray
        ``NAME.weight`` (m, n) and, unless it is zero, ``NAME.bias`` (m,) of every layer.
    in_order : bool
        Whether the dict has the order of the layers. Else that is the one of
        the numbers in their names; or the only one in which the widths fit.

    Raises
    ------
    Refused
        If there are other tensors, or the order is not clear.
    """
    tensors = dict(tensors)
    weights = {}
    for name, tensor in tensors.items():
        stem, _, kind = name.rpartition(".")
        wanted = {"weight": 2, "bias": 1}.get(kind)
        if wanted != tensor.ndim:
            raise chain.refused(f"tensor {quoted(name)} {tensor.shape}", "is no linear layer's")
        if kind == "weight":
            weights[stem] = tensor
        elif f"{stem}.weight" not in tensors:
            raise chain.refused(f"tensor {quoted(name)}", "has no weights beside it")
    if not weights:
        raise chain.refused("it", "holds no tensor")
    order = list(weights) if in_order else _ordered(chain, weights)
    for stem in order:
        if stem != order[0]:
            chain.relu(layer(stem))
        chain.affine(weights[stem], tensors.get(f"{stem}.bias"), layer(stem))


def _ordered(chain, weights):
    """The names of the layers in their order."""
    if len({re.sub(r"\d+", "0", stem) for stem in weights}) == 1:
        return sorted(weights, key=lambda stem: [int(n) for n in re.findall(r"\d+", stem)])
    if len(weights) <= MOST_UNNUMBERED:
        found = list(islice(_fitting(weights, None), 2))
        if len(found) == 1:
            return found[0]
    raise chain.refused(f"layers {quoted(sorted(weights))}", "have no order that is clear")


def _fitting(weights, width):
    """Every order in which each layer takes what the one before it gives."""
    if not weights:
        yield []
    for stem, W in weights.items():
        if width in (None, W.shape[1]):
            rest = {name: V for name, V in weights.items() if name != stem}
            yield from ([stem, *order] for order in _fitting(rest, W.shape[0]))
