"""What stands between the input and the output of an ONNX graph: constants, and a chain of nodes.

Nothing is computed of what is not a constant, and no more numbers are made of constants than
`LARGEST`.
"""

import math
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import numpy as np

from geomcore.foreign.files import open_regular
from geomcore.foreign.wording import one_line, quoted
from geomcore.interop.chain import LARGEST
from geomcore.interop.extras import extra

HOMES = ("", "ai.onnx")  # names of the standard set of operators
FLOATS = ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16")
# What is read or said of a damaged model ends in these.
DAMAGE = (ValueError, TypeError, IndexError, KeyError, AttributeError, ArithmeticError)


MOST = 100_000  # nodes of a graph, and initializers
# Stands in shapes for the length of a first axis that may have any.
ANY = 0
COUNT = -(2**40)


class Damage(Exception):
    """Why a graph is no graph: the end of a sentence."""


class Step(NamedTuple):
    """A node on the way from the input to the output.

    Attributes
    ----------
    kind : str
        Its operator.
    name : str
        What to call it in a sentence.
    attributes : dict
    constants : list of (ndarray or None)
        Its inputs; None for one that is absent or comes along the way.
    at : int
        Which input comes along the way.
    """

    kind: str
    name: str
    attributes: dict
    constants: list
    at: int


def chain_of_nodes(chain, graph, folder):
    """The input of a graph and the nodes that lead from it to its output.

    Parameters
    ----------
    chain : Chain
        For its sentences.
    graph : onnx.GraphProto
    folder : Path or None
        Where files with weights may lie; None: nowhere.

    Returns
    -------
    given : onnx.ValueInfoProto
    steps : list of Step

    Raises
    ------
    Refused
        If the nodes make no chain, or a constant is made by another operator.
    Damage
        If the graph is none.
    """
    for parts, what in ((graph.node, "nodes"), (graph.initializer, "initializers")):
        if len(parts) > MOST:
            raise Damage(f"it has {len(parts):,} {what}")
    nodes, makers = list(graph.node), {}
    for k, node in enumerate(nodes):
        for name in filter(None, node.output):
            if name in makers:
                raise Damage(f"two nodes make {quoted(name)}")
            makers[name] = k
    constants = {}
    for tensor in graph.initializer:
        if tensor.name in makers:
            raise Damage(f"{quoted(tensor.name)} is made twice")
        constants[tensor.name] = tensor
    free = {value.name: value for value in graph.input if value.name not in constants}
    ends, steps, given = [out.name for out in graph.output], [], None
    made = 0
    here = stray = None  # what has come so far, and a node that takes something else
    for k in _needed(nodes, makers, ends):
        node, name = nodes[k], called(nodes[k])
        if node.domain not in HOMES:
            raise chain.refused(name, f"is of the domain {quoted(node.domain)}")
        attributes = _attributes(chain, name, node, folder)
        inputs = list(node.input)
        if node.op_type == "Shape" and inputs and inputs[0] in free:
            constants[node.output[0]] = _shape(chain, free[inputs[0]], attributes)
            continue
        running = [i for i, text in enumerate(inputs) if text and text not in constants]
        if not running:
            values = [_value(chain, constants, text, folder) for text in inputs]
            value = _constant(chain, name, node.op_type, attributes, values)
            constants[node.output[0]] = value
            made += 0 if any(np.may_share_memory(value, one) for one in values) else value.size
            if node.op_type != "Constant" and made > LARGEST:
                raise chain.refused(name, f"and others make {made:,} numbers of constants")
            continue
        comes = inputs[running[0]]
        if len(running) > 1:
            raise chain.refused(name, "joins two branches")
        if here is None:
            given = free.get(comes)
            if given is None:
                raise Damage(f"nothing makes {quoted(comes)}, which {name} takes")
        elif comes != here:
            stray = stray or name  # at a branch, and the node that joins it comes later
        here = node.output[0]
        values = [
            None if i == running[0] else _value(chain, constants, text, folder)
            for i, text in enumerate(inputs)
        ]
        steps.append(Step(node.op_type, name, attributes, values, running[0]))
    if len(ends) != 1:
        names = " and ".join(called(nodes[makers[end]]) for end in ends[:2] if end in makers)
        raise chain.refused(names or "it", f"with {len(ends)} outputs is none")
    end = ends[0]
    if stray is not None:
        raise chain.refused(stray, "takes another output of a node than the first")
    if here is None and end in free:
        return free[end], []
    if here is None or here != end:
        raise Damage(f"the output {quoted(end)} does not come from an input")
    return given, steps


def input_shape(chain, given, steps):
    """The shape of the input, with `ANY` for a first axis of any length.

    Raises
    ------
    Refused
        If it is no tensor of floats, or another axis is not known.
    """
    name = f"input {quoted(given.name)}"
    kind = given.type.tensor_type
    types = extra("onnx").TensorProto.DataType
    if kind.elem_type not in [types.Value(text) for text in FLOATS]:
        raise chain.refused(name, "is no tensor of floating-point numbers")
    if not kind.HasField("shape"):
        raise chain.refused(name, "has no shape")
    shape = [d.dim_value if d.HasField("dim_value") else ANY for d in kind.shape.dim]
    if any(n < 0 for n in shape) or math.prod(n or 1 for n in shape) > LARGEST:
        raise chain.refused(name, f"has the shape {quoted(shape)}")
    if len(shape) == 2 and shape[1] == 0:
        shape[1] = _width(steps)
    if 0 in shape[1:] or shape == [0]:
        raise chain.refused(name, f"has axes of unknown length, {quoted(shape)}")
    return tuple(shape)


def called(node):
    """What to call a node in a sentence.

    Examples
    --------
    >>> from onnx.helper import make_node
    >>> called(make_node("Relu", ["x"], ["y"])), called(make_node("Relu", ["x"], ["y"], name="r"))
    ("the Relu that makes 'y'", "Relu 'r'")
    """
    kind = quoted(node.op_type)[1:-1]
    if node.name:
        return f"{kind} {quoted(node.name)}"
    return f"the {kind} that makes {quoted(node.output[0] if node.output else '')}"


def _needed(nodes, makers, ends):
    """The numbers of the nodes of which the outputs are made, each after what it needs."""
    before, todo = {}, [makers[end] for end in ends if end in makers]
    while todo:
        k = todo.pop()
        if k not in before:
            before[k] = {makers[name] for name in nodes[k].input if name in makers}
            todo += before[k]
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError:
        raise Damage("its nodes go round in a circle") from None


def _width(steps):
    """How many numbers the first node with weights takes; 0 if none tells."""
    for step in steps:
        weights = step.constants[1] if step.at == 0 and len(step.constants) > 1 else None
        if step.kind in ("Gemm", "MatMul") and np.ndim(weights) == 2:
            return weights.shape[1 if step.attributes.get("transB") else 0]
        if step.kind == "BatchNormalization" and weights is not None:
            return weights.size
    return 0


def _attributes(chain, name, node, folder):
    """The attributes of a node by name, tensors as arrays."""
    onnx = extra("onnx")
    found = {}
    for attribute in node.attribute:
        kinds = onnx.AttributeProto
        if attribute.type == kinds.TENSOR:
            found[attribute.name] = _array(chain, name, attribute.t, folder)
        elif attribute.type in (kinds.FLOAT, kinds.INT, kinds.FLOATS, kinds.INTS, kinds.STRING):
            found[attribute.name] = onnx.helper.get_attribute_value(attribute)
        else:
            raise chain.refused(name)
    return found


def _value(chain, constants, name, folder):
    """A constant by name, which is read when it is first needed; None for one that is absent."""
    if not name:
        return None
    if not isinstance(constants[name], np.ndarray):
        label = f"initializer {quoted(name)}"
        constants[name] = _array(chain, label, constants[name], folder)
    return constants[name]


def _array(chain, label, tensor, folder):
    """The array of a tensor, which may lie in a file beside the model."""
    onnx = extra("onnx")
    numpy_helper = extra("onnx.numpy_helper")
    if any(n < 0 for n in tensor.dims) or math.prod(n or 1 for n in tensor.dims) > 2**40:
        raise chain.refused(label, f"has the shape {quoted(list(tensor.dims))}")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        read = onnx.TensorProto()
        read.CopyFrom(tensor)
        read.ClearField("external_data")
        read.data_location = onnx.TensorProto.DEFAULT
        read.raw_data = _beside(chain, label, tensor, folder)
        tensor = read
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except DAMAGE as error:
        raise Damage(f"{label} cannot be read, {one_line(str(error), 80)}") from None


def _beside(chain, label, tensor, folder):
    """The bytes of a tensor that lie in a file beside the model."""
    about = {entry.key: entry.value for entry in tensor.external_data}
    location = about.get("location", "")
    plain = location and not set(location) & set("/\\:\0") and location not in (".", "..")
    if folder is None or not plain or (folder / location).is_symlink():
        why = f"has its numbers in {quoted(location)}, which is no file beside the model"
        raise chain.refused(label, why)
    numpy_helper = extra("onnx.helper")
    try:
        wanted = math.prod(tensor.dims)
        wanted *= np.dtype(numpy_helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
        offset, length = int(about.get("offset") or 0), int(about.get("length") or wanted)
    except DAMAGE:
        raise Damage(f"{label} does not say where its numbers are") from None
    with open_regular(folder / location, "a file of weights") as file:
        size = file.seek(0, 2)
        if length != wanted or not 0 <= offset <= size - length:
            raise Damage(f"{label} is not where it says in {quoted(location)}")
        file.seek(offset)
        return file.read(length)


def _constant(chain, name, kind, attributes, values):
    """What a node makes of constants."""
    if kind == "Constant":
        for key in ("value", "value_float", "value_floats", "value_int", "value_ints"):
            if key in attributes:
                given = attributes[key]
                dtype = {"value": None, "value_int": np.int64, "value_ints": np.int64}
                return np.asarray(given, dtype=dtype.get(key, np.float32))
        raise chain.refused(name, "holds no numbers")
    if kind not in CONSTANT:
        raise chain.refused(name, "makes a constant that is not followed here")
    try:
        with np.errstate(all="ignore"):
            return np.asarray(CONSTANT[kind](attributes, *values))
    except DAMAGE as error:
        raise Damage(f"{name} does not fit what it takes, {one_line(str(error), 80)}") from None


def _shape(chain, given, attributes):
    """The shape of the input as a constant, or a part of it."""
    shape = input_shape(chain, given, [])
    shape = np.array([n or COUNT for n in shape], dtype=np.int64)
    return shape[attributes.get("start", 0) : attributes.get("end", len(shape))]


def _arithmetic(function):
    """A function of two arrays as one of attributes and arrays."""

    def computed(attributes, a, b):
        if math.prod(np.broadcast_shapes(a.shape, b.shape)) > LARGEST:
            raise ValueError("it would be too large")
        return function(a, b)

    return computed


def _product(attributes, A, B):
    """A matrix product; in float64, for the order of sums is anybody's."""
    if A.size * (B.shape[-1] if B.ndim > 1 else 1) > LARGEST or B.ndim > 2:
        raise ValueError("it would be too large")
    return A.astype(np.float64) @ B


def _cast(attributes, a):
    """Another type of numbers, of those that NumPy has."""
    dtype = extra("onnx.helper").tensor_dtype_to_np_dtype(attributes["to"])
    return a.astype(dtype)


def _reshaped(attributes, a, shape):
    sizes = [a.shape[i] if n == 0 else int(n) for i, n in enumerate(shape)]
    return a.reshape(sizes)


def _flattened(attributes, a):
    axis = attributes.get("axis", 1)
    axis += a.ndim if axis < 0 else 0
    return a.reshape(math.prod(a.shape[:axis]), -1)


def _joined(attributes, *parts):
    if sum(part.size for part in parts) > LARGEST:
        raise ValueError("it would be too large")
    return np.concatenate(parts, axis=attributes["axis"])


def _taken(attributes, a, index):
    if index.size * a.size > LARGEST:
        raise ValueError("it would be too large")
    return np.take(a, index, axis=attributes.get("axis", 0))


def _sliced(attributes, a, starts, ends, axes=None, steps=None):
    if a.ndim != 1:
        raise ValueError("only lists of numbers are cut")
    step = 1 if steps is None else int(steps.item())
    return a[int(starts.item()) : int(ends.item()) : step]


def _axes(attributes, axes):
    return (
        None
        if axes is None and "axes" not in attributes
        else tuple(int(n) for n in (attributes["axes"] if axes is None else axes))
    )


# Operators whose results are followed if all they take are constants.
CONSTANT = {
    "Add": _arithmetic(np.add),
    "Cast": _cast,
    "Concat": _joined,
    "Div": _arithmetic(np.divide),
    "Flatten": _flattened,
    "Gather": _taken,
    "Identity": lambda attributes, a: a,
    "MatMul": _product,
    "Mul": _arithmetic(np.multiply),
    "Neg": lambda attributes, a: -a,
    "Reshape": _reshaped,
    "Slice": _sliced,
    "Squeeze": lambda attributes, a, axes=None: np.squeeze(a, _axes(attributes, axes)),
    "Sub": _arithmetic(np.subtract),
    "Transpose": lambda attributes, a: np.transpose(a, attributes.get("perm")),
    "Unsqueeze": lambda attributes, a, axes=None: np.expand_dims(a, _axes(attributes, axes)),
}
