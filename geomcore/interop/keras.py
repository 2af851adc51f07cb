"""Networks from Keras."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.libraries import check_library
from geomcore.foreign.wording import quoted
from geomcore.interop.chain import Chain, batch_normalised, layer, normalised
from geomcore.interop.extras import extra

if TYPE_CHECKING:
    from geomcore.network import ReLUNetwork

HEADS = ("softmax", "log_softmax", "sigmoid")


@answers_keywords
def from_keras(model: Any) -> ReLUNetwork:
    """Bring in a model of Keras 3, as it is in inference.

    Parameters
    ----------
    model : keras.Sequential or keras.Model
        A chain of Dense and Activation with relu, linear or, at the end, softmax,
        log_softmax or sigmoid, which are left off; ReLU, Softmax,
        BatchNormalization, Rescaling, Normalization, Flatten, Dropout,
        Identity, and Sequentials of these.

    Returns
    -------
    ReLUNetwork
        In float64, in which all smaller types are exact.

    Raises
    ------
    ImportError
        If the package keras is not installed.
    ValueError
        If a layer is none of these, or two branches join, by its name.

    Warns
    -----
    UserWarning
        If the network is not literally the model: a softmax left off, layers
        that became one.
    """
    check_library(model, "keras")
    keras = extra("keras")
    if not isinstance(model, keras.Model):
        raise ValueError(f"model must be a keras.Model, got {type(model).__name__}")
    if not model.built:
        raise ValueError("model must be built: give it an Input, or call it on data once")
    parts = list(_layers(Chain("model"), keras, model))
    shape = model.input_shape
    if not isinstance(shape, tuple) or (None in shape[1:] and len(shape) > 2):
        raise ValueError(f"model must have one input of known shape, got {quoted(shape)}")
    # So that a layer that acts on the last of several axes does not fit.
    chain = Chain("model", None if None in shape[1:] else math.prod(shape[1:]))
    for part in parts:
        _add_layer(chain, keras, part)
    return chain.network()


def _layers(chain, keras, model):
    """The layers of a model in their order, nested models unpacked."""
    if type(model) is keras.Sequential:
        parts = model.layers
    elif hasattr(model, "_nodes_by_depth"):  # what a functional model is made of
        parts = _operations(chain, model)
    else:
        raise chain.refused(_called(model), "computes what only its code tells")
    for part in parts:
        if isinstance(part, keras.Model):
            yield from _layers(chain, keras, part)
        elif not isinstance(part, keras.layers.InputLayer):
            yield part


def _operations(chain, model):
    """The layers of a functional model, of which each takes what the one before it gives."""
    for ends, what in ((model.inputs, "inputs"), (model.outputs, "outputs")):
        if len(ends) != 1:
            raise chain.refused(_called(model), f"has {len(ends)} {what} and not one")
    nodes = [n for _, level in sorted(model._nodes_by_depth.items(), reverse=True) for n in level]
    for node in nodes:
        if len(node.input_tensors) > 1:
            raise chain.refused(_called(node.operation), "joins two branches")
    return [node.operation for node in nodes]


def _add_layer(chain, keras, part):
    """Append one layer to a chain."""
    kinds, kind, name = keras.layers, type(part), _called(part)
    if kind is kinds.Dense:
        bias = None if part.bias is None else _numbers(part.bias)
        chain.affine(_numbers(part.kernel).T, bias, name)
        _activate(chain, part.activation, name)
    elif kind is kinds.Activation:
        _activate(chain, part.activation, name)
    elif kind is kinds.ReLU and not (part.max_value or part.negative_slope or part.threshold):
        if part.max_value is not None:
            raise chain.refused(name)
        chain.relu(name)
    elif kind is kinds.Softmax and part.axis == -1:
        chain.head("softmax", name)
    elif kind is kinds.BatchNormalization:
        mean, variance = _numbers(part.moving_mean), _numbers(part.moving_variance)
        weight = _numbers(part.gamma) if part.scale else 1.0
        bias = _numbers(part.beta) if part.center else 0.0
        chain.scale(*batch_normalised(mean, variance, part.epsilon, weight, bias), name)
    elif kind is kinds.Rescaling:
        chain.scale(np.asarray(part.scale), np.asarray(part.offset), name)
    elif kind is kinds.Normalization and not part.invert:
        mean, deviation = (_numbers(p).reshape(-1) for p in (part.mean, part.variance))
        deviation = np.maximum(np.sqrt(deviation), keras.config.epsilon())
        chain.scale(*normalised(mean, deviation), name)
    elif kind is kinds.Flatten and part.data_format == "channels_last":
        pass
    elif kind not in (kinds.Dropout, kinds.Identity):
        raise chain.refused(name)


def _activate(chain, activation, name):
    """Append the activation of a layer."""
    kind = getattr(activation, "__name__", type(activation).__name__)
    # A function of somebody else may have any name.
    if activation is not None and not activation.__module__.startswith("keras."):
        raise chain.refused(name, f"has the activation {quoted(kind)}")
    if kind == "relu":
        chain.relu(name)
    elif kind in HEADS:
        chain.head(kind, name)
    elif activation is not None and kind != "linear":
        raise chain.refused(name, f"has the activation {quoted(kind)}")


def _called(part):
    return layer(part.name, type(part).__name__)


def _numbers(variable):
    """The numbers of a variable in float64."""
    keras = extra("keras")
    # bfloat16 must be cast before, and not every backend has float64.
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(variable, "float64")), dtype=float)
