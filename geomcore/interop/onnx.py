"""Networks from and to ONNX."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from geomcore.arrays import as_dtype, check_network
from geomcore.foreign.choices import as_choice
from geomcore.foreign.files import read_whole
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.libraries import check_library, type_name
from geomcore.foreign.wording import one_line
from geomcore.interop.chain import Chain, Refused
from geomcore.interop.extras import extra
from geomcore.interop.onnx_graph import ANY, Damage, chain_of_nodes, input_shape
from geomcore.interop.onnx_nodes import Walk
from geomcore.network import ReLUNetwork
from geomcore.typing import DTypeLike

LARGEST = 2**28  # bytes of a file; of those beside it, there may be more
OLDEST = 7  # operator set; before it, constants were broadcast by other rules
OPSET, IR = 17, 8  # of the models made here: as old as many programs still ask for


@answers_keywords
def from_onnx(model: Any) -> ReLUNetwork:
    """Bring in a network of ONNX.

    Parameters
    ----------
    model : path-like or onnx.ModelProto
        Of operator set 7 or newer, with one input and one output. From the one
        to the other leads a chain of Gemm, MatMul, Relu, BatchNormalization in
        inference, constants that are added, subtracted, multiplied or divided
        by, and what leaves numbers and their order alone: Flatten, Reshape,
        Squeeze, Unsqueeze, Identity, Dropout in inference. A Softmax,
        LogSoftmax or Sigmoid at the end is left off. Weights may lie in a
        file beside the model, but in no other folder.

    Returns
    -------
    ReLUNetwork
        Its inputs are those of one row, if the first axis of the model's input
        counts rows and no node mixes them; else all numbers of one input, in
        the order of C. Outputs likewise. Numbers are in float64, where those of all
        smaller types are exact.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If the package onnx is not installed.
    ValueError
        If the file is damaged, or a node is none of those above: by its name.

    Warns
    -----
    UserWarning
        If the network is not literally the model: a softmax left off, affine
        maps that became one.

    Examples
    --------
    >>> net = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [0]])
    >>> from_onnx(to_onnx(net)) == net
    True
    """
    if not isinstance(model, str | os.PathLike):
        check_library(model, "onnx")
    onnx = extra("onnx")
    source, folder = "model", None
    if not isinstance(model, onnx.ModelProto):
        if not isinstance(model, str | os.PathLike):
            raise ValueError(
                f"model must be a path or an onnx.ModelProto, got {type(model).__name__}"
            )
        source, folder = model, Path(model).parent
        model = _parsed(onnx, model)
    chain = Chain(source)
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    if opset < OLDEST:
        raise ValueError(
            f"{source} must have an operator set of {OLDEST} or newer, it has {opset}; "
            "onnx.version_converter makes it newer"
        )
    try:
        given, steps = chain_of_nodes(chain, model.graph, folder)
        shape = input_shape(chain, given, steps)
    except Damage as error:
        raise ValueError(f"{source} must be a complete ONNX model: {error}") from None
    return _walked(source, shape, steps, opset).network()


@answers_keywords
def to_onnx(net: ReLUNetwork, *, dtype: DTypeLike = np.float64) -> Any:
    """Return a network as a model of ONNX.

    Parameters
    ----------
    net : ReLUNetwork
    dtype : dtype, optional
        `numpy.float64`, in which nothing is rounded, or `numpy.float32`.

    Returns
    -------
    onnx.ModelProto
        Gemm and Relu in turn, of operator set 17; the input ``x`` is (N, d_0),
        the output ``y`` (N, d_L).

    Raises
    ------
    ImportError
        If the package onnx is not installed.
    ValueError
        If `net` is no ReLU network, `dtype` another one, or a number beyond it.

    Examples
    --------
    >>> net = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [0]])
    >>> [node.op_type for node in to_onnx(net).graph.node]
    ['Gemm', 'Relu', 'Gemm']
    """
    check_network(net, ReLUNetwork)
    dtype = np.dtype(as_choice(type_name(dtype), ("float64", "float32"), "dtype"))
    helper, numpy_helper = extra("onnx.helper"), extra("onnx.numpy_helper")
    depth, nodes, tensors = len(net.weights), [], []
    for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), 1):
        before, out = f"h{l - 1}" if l > 1 else "x", f"z{l}" if l < depth else "y"
        tensors.append(numpy_helper.from_array(as_dtype(W, dtype, f"weights[{l - 1}]"), f"W{l}"))
        tensors.append(numpy_helper.from_array(as_dtype(b, dtype, f"biases[{l - 1}]"), f"b{l}"))
        inputs = [before, f"W{l}", f"b{l}"]
        nodes.append(helper.make_node("Gemm", inputs, [out], name=f"affine{l}", transB=1))
        if l < depth:
            nodes.append(helper.make_node("Relu", [out], [f"h{l}"], name=f"relu{l}"))
    kind = helper.np_dtype_to_tensor_dtype(dtype)
    ends = [
        helper.make_tensor_value_info(name, kind, ["N", width])
        for name, width in (("x", net.widths[0]), ("y", net.widths[-1]))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], tensors)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR, producer_name="geomcore")


def write_onnx(net, file):
    """Write `to_onnx(net)` into a binary file."""
    file.write(to_onnx(net).SerializeToString())


def _parsed(onnx, path):
    """The model in a file, of which no other file is read yet."""
    data = read_whole(path, "an ONNX file", LARGEST)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf has one class of its own for each of its two parsers
        raise ValueError(f"{path} must be an ONNX file: {one_line(str(error), 100)}") from None
    if not model.HasField("graph"):
        raise ValueError(f"{path} must be an ONNX file, it holds no graph")
    return model


def _walked(source, shape, steps, opset):
    """The chain of the first reading of the first axis under which no node is refused.

    Rows of their own, each of which the network maps; or part of the one input.
    """
    readings = (True, False) if len(shape) > 1 else (False,)
    first = None
    for rows in readings:
        walk = Walk(source, shape, rows, opset)
        try:
            for step in steps:
                walk.take(step)
            if shape[0] == ANY and not rows:
                walk.chain.note("its nodes mix the rows of a batch, it is read for one at a time")
            return walk.chain
        except Refused as error:
            first = first or error
    raise first
