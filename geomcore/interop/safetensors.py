"""Networks in safetensors files: tensors by name, and nothing that could be executed."""

import numpy as np

from geomcore.foreign.files import read_whole
from geomcore.foreign.wording import one_line, quoted
from geomcore.interop.chain import Chain
from geomcore.interop.extras import extra
from geomcore.interop.state import UNTOLD, add_linear_layers

LARGEST = 2**31  # bytes of a file
LARGEST_HEADER = 2**20  # of which a tensor takes a hundred
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
ACTIVATION = "activation"  # what our files tell beside the tensors


def read_safetensors(path):
    """Read a chain of linear layers.

    Parameters
    ----------
    path : path-like
        Tensors as in the state dict of a `torch.nn.Sequential`: ``NAME.weight``
        and ``NAME.bias``. The order is that of the numbers in the names.

    Returns
    -------
    ReLUNetwork
        With a ReLU between any two layers.

    Raises
    ------
    ValueError
        If the file is damaged or holds something else.
    """
    library = extra("safetensors")
    data = read_whole(path, "a safetensors file", LARGEST)
    header = int.from_bytes(data[:8], "little")
    if header > LARGEST_HEADER:
        raise ValueError(f"{path} must be a safetensors file, its header has {header:,} bytes")
    chain = Chain(path)
    try:
        parts = dict(library.deserialize(data))
        with library.safe_open(path, framework="np") as file:
            about = file.metadata() or {}
    except library.SafetensorError as error:
        raise ValueError(
            f"{path} must be a safetensors file: {one_line(str(error), 160)}"
        ) from None
    told = about.get(ACTIVATION)
    if told not in (None, "relu"):
        raise chain.refused(f"activation {quoted(told)}")
    tensors = {name: _array(chain, name, **part) for name, part in parts.items()}
    add_linear_layers(chain, tensors, in_order=False)
    if told is None and len(tensors) > 2:
        chain.note(UNTOLD)
    return chain.network()


def write_safetensors(net, file):
    """Write a network into a binary file, with the names that PyTorch gives to `to_torch(net)`.

    Parameters
    ----------
    net : ReLUNetwork
    file : binary file object
    """
    numpy = extra("safetensors.numpy")
    layers = enumerate(zip(net.weights, net.biases, strict=True))
    tensors = {
        f"{2 * l}.{kind}": np.ascontiguousarray(part)
        for l, pair in layers
        for kind, part in zip(("weight", "bias"), pair, strict=True)
    }
    file.write(numpy.save(tensors, {ACTIVATION: "relu"}))


def _array(chain, name, dtype, shape, data):
    """The numbers of a tensor in float64."""
    if dtype not in TYPES:
        raise chain.refused(f"tensor {quoted(name)}", f"has the type {dtype}")
    array = np.frombuffer(data, TYPES[dtype]).reshape(shape)
    if dtype == "BF16":  # the upper half of a float32
        array = (array.astype("<u4") << 16).view("<f4")
    return array.astype(np.float64)
