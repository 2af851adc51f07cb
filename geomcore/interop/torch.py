"""Networks from and to PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geomcore.arrays import check_network
from geomcore.foreign.choices import as_choice
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.libraries import check_library, type_name
from geomcore.foreign.wording import quoted
from geomcore.interop.chain import Chain, batch_normalised, layer
from geomcore.interop.extras import extra
from geomcore.interop.state import UNTOLD, add_linear_layers
from geomcore.network import ReLUNetwork

HOW = "; if it is a chain of Linear layers with ReLUs between, give model.state_dict()"
TYPES = ("float64", "float32", "float16", "bfloat16")


@answers_keywords
def from_torch(model: Any) -> ReLUNetwork:
    """Bring in a network of PyTorch, as it is in inference.

    Parameters
    ----------
    model : torch.nn.Sequential or mapping
        Of Linear, ReLU, BatchNorm1d (with running statistics), Flatten,
        Identity and Dropout, and Sequentials of these; a Softmax, LogSoftmax or
        Sigmoid at the end is left off. Or a state dict of a chain of Linear
        layers in their order, with a ReLU between any two, which is not checked.

    Returns
    -------
    ReLUNetwork
        In float64, in which float32, float16 and bfloat16 are exact.

    Raises
    ------
    ValueError
        If something is none of these, by its name.

    Warns
    -----
    UserWarning
        If the network is not literally what came: a softmax left off, layers
        that became one, activations that a state dict does not tell.

    Notes
    -----
    A network with a `forward` of its own cannot be read from outside. If it is a chain of Linear
    layers in the order in which it defines them, with a ReLU between, then::

        net = from_torch(model.state_dict())
    """
    check_library(model, "torch")
    nn = extra("torch").nn
    chain = Chain("model")
    if isinstance(model, Mapping):
        add_state(chain, model)
    elif isinstance(model, nn.Sequential | nn.Linear):
        for name, module in _modules(nn, model, ""):
            _add_module(chain, nn, name, module)
    else:
        raise ValueError(
            f"model must be a torch.nn.Sequential or a state dict, got {type(model).__name__}"
            + HOW * isinstance(model, nn.Module)
        )
    return chain.network()


@answers_keywords
def to_torch(net: ReLUNetwork, *, dtype: Any = None) -> Any:
    """Return a network as a module of PyTorch.

    Parameters
    ----------
    net : ReLUNetwork
    dtype : torch.dtype or str, optional
        Default `torch.float64`, in which nothing is rounded; float32, float16 or bfloat16.

    Returns
    -------
    torch.nn.Sequential
        Of Linear and ReLU, on the CPU; it shares no memory with `net`.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    ValueError
        If `net` is no ReLU network, `dtype` another one, or a number is beyond it.

    Notes
    -----
    ``from_torch(to_torch(net)) == net``.
    """
    check_network(net, ReLUNetwork)
    name = as_choice(TYPES[0] if dtype is None else type_name(dtype), TYPES, "dtype")
    torch = extra("torch")
    dtype = getattr(torch, name)
    modules = []
    for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        linear = torch.nn.utils.skip_init(
            torch.nn.Linear, W.shape[1], W.shape[0], device="cpu", dtype=dtype
        )
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W))
            linear.bias.copy_(torch.tensor(b))
            if not all(part.isfinite().all() for part in linear.parameters()):
                raise ValueError(f"net must fit {dtype}, layer {l} has numbers beyond it")
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def _modules(nn, module, name):
    """The modules of nested Sequentials by name; one that is there twice comes twice."""
    if type(module) is nn.Sequential:
        for key, child in module._modules.items():
            yield from _modules(nn, child, f"{name}.{key}" if name else key)
        # What hooks do to inputs and outputs cannot be seen.
        if not (module._forward_hooks or module._forward_pre_hooks):
            return
    yield name, module


def _add_module(chain, nn, name, module):
    """Append one module to a chain."""
    kind = type(module)
    name = layer(name, kind.__name__)
    if module._forward_hooks or module._forward_pre_hooks:
        raise chain.refused(name, "has hooks, which may change what it computes; remove them")
    if kind is nn.Linear:
        bias = None if module.bias is None else _array(chain, name, module.bias)
        chain.affine(_array(chain, name, module.weight), bias, name)
    elif kind is nn.ReLU:
        chain.relu(name)
    elif kind is nn.BatchNorm1d and module.running_mean is not None:
        pair = [module.weight, module.bias] if module.affine else []
        mean, variance, *pair = (
            _array(chain, name, part) for part in (module.running_mean, module.running_var, *pair)
        )
        chain.scale(*batch_normalised(mean, variance, module.eps, *pair), name)
    elif kind is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1):
        pass
    elif kind in (nn.Identity, nn.Dropout):
        pass
    elif kind in (nn.Softmax, nn.LogSoftmax) and module.dim in (None, 1, -1):
        chain.head(kind.__name__, name)
    elif kind is nn.Sigmoid:
        chain.head(kind.__name__, name)
    else:
        raise chain.refused(name)


def _array(chain, name, tensor):
    """The numbers of a real tensor in float64."""
    if not tensor.is_floating_point() or tensor.is_meta:
        raise chain.refused(name, "does not hold real numbers")
    try:
        return tensor.detach().cpu().to_dense().double().numpy()
    except (RuntimeError, TypeError):
        raise chain.refused(name, "is a tensor of a kind that NumPy lacks") from None


def add_state(chain, state, *, most=None):
    """Append the Linear layers of a state dict to a chain.

    Parameters
    ----------
    chain : Chain
    state : mapping of str to torch.Tensor
        ``NAME.weight`` and ``NAME.bias``, in the order of the layers.
    most : int, optional
        Numbers that it may hold, if somebody else made it: a view may have far
        more than there are in memory.

    Raises
    ------
    Refused
        If something in it is no tensor of a linear layer.
    """
    arrays, total = {}, 0
    for name, tensor in state.items():
        if not isinstance(tensor, extra("torch").Tensor):
            raise chain.refused(
                f"entry {quoted(name)}", f"is no tensor but of type {type(tensor).__name__}"
            )
        total += tensor.numel()
        if most is not None and total > most:
            raise chain.refused(f"tensor {quoted(name)}", f"announces {tensor.numel():,} numbers")
        arrays[str(name)] = _array(chain, f"tensor {quoted(name)}", tensor)
    add_linear_layers(chain, arrays, in_order=True)
    if len(arrays) > 2:
        chain.note(UNTOLD)
