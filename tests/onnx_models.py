"""ONNX models of a few nodes, and what onnxruntime makes of them."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def node(kind, inputs, output="y", **attributes):
    """A node; inputs and further outputs are separated by blanks."""
    inputs = [text.replace("-", "") for text in inputs.split()]
    return helper.make_node(kind, inputs, output.split(), **attributes)


def made(nodes, shape, constants=None, *, opset=17, outputs="y", as_inputs=False, name="x"):
    """A model in float32 of some nodes, with the input `x` of a shape.

    `as_inputs` makes initializers inputs, too, as old exporters do; without `constants` that are
    arrays, nodes `Constant` must make them.
    """
    constants = {key: np.asarray(value) for key, value in (constants or {}).items()}
    tensors = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
    if as_inputs:
        inputs = [
            helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in tensors
        ] + inputs
    ends = [helper.make_tensor_value_info(y, TensorProto.FLOAT, None) for y in outputs.split()]
    graph = helper.make_graph(list(nodes), "graph", inputs, ends, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 4 if as_inputs else 8
    return model


def in_float64(model):
    """The same model with all floats in double precision."""
    double = onnx.ModelProto()
    double.CopyFrom(model)
    graph = double.graph
    for tensor in graph.initializer:
        _widen(tensor)
    for one in graph.node:
        for attribute in one.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                _widen(attribute.t)
            if one.op_type == "Cast" and attribute.name == "to" and attribute.i == 1:
                attribute.i = 11
    for value in [*graph.input, *graph.output]:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    return double


def _widen(tensor):
    if tensor.data_type == TensorProto.FLOAT:
        array = numpy_helper.to_array(tensor).astype(np.float64)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def answers(model):
    """Functions of `X`: what onnxruntime makes of it in float32, and in float64."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3

    def answer(model, dtype):
        content = model.SerializeToString()
        session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
        return lambda X: session.run(None, {"x": X.astype(dtype)})[0]

    return answer(model, np.float32), answer(in_float64(model), np.float64)
