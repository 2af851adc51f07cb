"""Every operator that is followed, as onnxruntime computes it, and those that are refused."""

import warnings
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import numpy_helper
from onnx_models import answers, made, node

from geomcore import from_onnx


def numbers(*shape, seed=0):
    return np.random.default_rng(seed + sum(shape)).normal(size=shape).astype(np.float32)


def whole(*values):
    return np.array(values, dtype=np.int64)


CHANNELS = {"s": numbers(3), "b": numbers(3, seed=1), "m": numbers(3, seed=2)}
CHANNELS["v"] = np.abs(numbers(3, seed=3)) + np.float32(0.5)
W, SQUARE = {"W": numbers(5, 4)}, {"W": numbers(5, 5)}
# Name: nodes, shape of x, constants; and widths of the network.
REPRESENTED = {
    "gemm": ([node("Gemm", "x W b")], ["N", 5], W | {"b": numbers(4)}, (5, 4)),
    "gemm without biases": ([node("Gemm", "x W")], ["N", 5], W, (5, 4)),
    "gemm with one bias for all": ([node("Gemm", "x W b")], ["N", 5], W | {"b": numbers()}, (5, 4)),
    "gemm with a row of biases": (
        [node("Gemm", "x W b")], ["N", 5], W | {"b": numbers(1, 4)}, (5, 4),
    ),
    "gemm with factors": (
        [node("Gemm", "x W b", transB=1, alpha=0.25, beta=0.7)],
        [1, 4], W | {"b": numbers(5)}, (4, 5),
    ),
    "gemm of a column": ([node("Gemm", "x W", transA=1)], [5, 1], W, (5, 4)),
    "gemm with weights first": ([node("Gemm", "W x", transA=1)], [5, 1], W, (5, 4)),
    "gemm with weights first and a row": ([node("Gemm", "W x", transB=1)], [1, 4], W, (4, 5)),
    "gemm on rows that biases tell apart": (
        [node("Gemm", "x W b")], [2, 5], W | {"b": numbers(2, 4)}, (10, 8),
    ),
    "matmul": ([node("MatMul", "x W")], ["N", 5], W, (5, 4)),
    "matmul of a batch of known size": ([node("MatMul", "x W")], [3, 5], W, (5, 4)),
    "matmul with weights first": ([node("MatMul", "W x")], [4, 1], W, (4, 5)),
    "matmul with weights first, on a vector": ([node("MatMul", "W x")], [4], W, (4, 5)),
    "matmul with weights first, on a matrix": ([node("MatMul", "W x")], [4, 3], W, (12, 15)),
    "matmul with weights first, on a square": ([node("MatMul", "W x")], [5, 5], SQUARE, (25, 25)),
    "matmul on the last of several axes": ([node("MatMul", "x W")], ["N", 2, 5], W, (10, 8)),
    "matmul on the axis before the last": ([node("MatMul", "W x")], ["N", 4, 2], W, (8, 10)),
    "matmul with a vector": ([node("MatMul", "x w")], ["N", 5], {"w": numbers(5)}, (5, 1)),
    "matmul with a vector first": ([node("MatMul", "w x")], [5, 2], {"w": numbers(5)}, (10, 2)),
    "matmul with axes of length 1": (
        [node("MatMul", "x W")], [1, 1, 1, 5], {"W": numbers(1, 5, 4)}, (5, 4),
    ),
    "matmul and add": (
        [node("MatMul", "x W", "h"), node("Add", "b h")], ["N", 5], W | {"b": numbers(4)}, (5, 4),
    ),
    "add a number": ([node("Add", "x b")], ["N", 3], {"b": numbers(1)}, (3, 3)),
    "add to all of a batch": ([node("Add", "x b")], [2, 3], {"b": numbers(3)}, (3, 3)),
    "add to each of a batch": ([node("Add", "x b")], [2, 3], {"b": numbers(2, 3)}, (6, 6)),
    "add to channels": ([node("Add", "x b")], ["N", 3, 2], {"b": numbers(3, 1)}, (6, 6)),
    "subtract": ([node("Sub", "x b")], ["N", 3], {"b": numbers(3)}, (3, 3)),
    "subtract from": ([node("Sub", "b x")], ["N", 3], {"b": numbers(3)}, (3, 3)),
    "multiply": ([node("Mul", "a x")], ["N", 3], {"a": numbers(3)}, (3, 3)),
    "divide": ([node("Div", "x a")], ["N", 3], {"a": numbers(3)}, (3, 3)),
    "negative": ([node("Neg", "x")], ["N", 3], {}, (3, 3)),
    "normalise before a layer": (
        [node("Sub", "x m", "h"), node("Div", "h s", "k"), node("MatMul", "k W")],
        ["N", 5], W | {"m": numbers(5), "s": numbers(5, seed=1)}, (5, 4),
    ),
    "batch normalisation": (
        [node("BatchNormalization", "x s b m v", epsilon=0.1)], ["N", 3], CHANNELS, (3, 3),
    ),
    "batch normalisation of channels": (
        [node("BatchNormalization", "x s b m v")], [1, 3, 2, 1], CHANNELS, (6, 6),
    ),
    "relu": ([node("Relu", "x")], ["N", 3], {}, (3, 3, 3)),
    "relu twice": (
        [node("Gemm", "x W", "h"), node("Relu", "h", "k"), node("Relu", "k", "l"),
         node("Gemm", "l W", transB=1)], ["N", 5], W, (5, 4, 5),
    ),
    "relu at the end": (
        [node("Gemm", "x W", "h"), node("Relu", "h")], ["N", 5], W, (5, 4, 4),
    ),
    "two layers that become one": (
        [node("Gemm", "x W", "h"), node("Gemm", "h W", transB=1)], ["N", 5], W, (5, 5),
    ),
    "two layers": (
        [node("Gemm", "x W", "h"), node("Relu", "h", "k"), node("Gemm", "k W", transB=1)],
        ["N", 5], W, (5, 4, 5),
    ),
    "identity": ([node("Identity", "x")], ["N", 3], {}, (3, 3)),
    "dropout": ([node("Dropout", "x", "y mask")], ["N", 3], {}, (3, 3)),
    "dropout with its mode": (
        [node("Dropout", "x r t")], ["N", 3],
        {"r": np.float32(0.5), "t": np.array(False)}, (3, 3),
    ),
    "flatten": ([node("Flatten", "x")], ["N", 2, 3], {}, (6, 6)),
    "flatten one point": ([node("Flatten", "x", axis=0)], ["N", 2, 3], {}, (6, 6)),
    "flatten across rows": ([node("Flatten", "x", axis=-2)], [2, 2, 3, 1], {}, (12, 12)),
    "reshape": ([node("Reshape", "x t")], ["N", 2, 3], {"t": whole(-1, 6)}, (6, 6)),
    "reshape, keeping": ([node("Reshape", "x t")], ["N", 2, 3], {"t": whole(0, -1)}, (6, 6)),
    "reshape of one": ([node("Reshape", "x t")], [1, 2, 3], {"t": whole(1, 6)}, (6, 6)),
    "reshape across rows": ([node("Reshape", "x t")], [2, 3], {"t": whole(3, -1)}, (6, 6)),
    "reshape by the shape of the input": (
        [node("Shape", "x", "s"), node("Gather", "s i", "n"), node("Unsqueeze", "n o", "u"),
         node("Concat", "u m", "t", axis=0), node("Reshape", "x t", "h"), node("Gemm", "h W")],
        ["N", 5, 1], W | {"i": np.int64(0), "o": whole(0), "m": whole(-1)}, (5, 4),
    ),
    "squeeze": ([node("Squeeze", "x a")], ["N", 3, 1], {"a": whole(-1)}, (3, 3)),
    "unsqueeze": ([node("Unsqueeze", "x a")], ["N", 3], {"a": whole(1, 3)}, (3, 3)),
    "transpose that moves nothing": (
        [node("Transpose", "x", perm=[0, 2, 1])], ["N", 3, 1], {}, (3, 3),
    ),
    "cast": ([node("Cast", "x", to=1)], ["N", 3], {}, (3, 3)),
    "weights made of constants": (
        [node("Transpose", "W", "V"), node("Add", "V c", "U"), node("MatMul", "U W", "T"),
         node("MatMul", "x T")], ["N", 4],
        {"W": np.round(numbers(5, 4)), "c": np.float32([2])}, (4, 4),
    ),
    "constants made after they are used": (
        [node("Add", "x c"), node("Constant", "", "c", value=numpy_helper.from_array(numbers(3)))],
        ["N", 3], {}, (3, 3),
    ),
    "nodes that nobody needs": (
        [node("Gemm", "x W"), node("Relu", "x", "other"), node("Relu", "other", "more")],
        ["N", 5], W, (5, 4),
    ),
    "input of unknown width": ([node("Gemm", "x W")], ["N", "M"], W, (5, 4)),
}  # fmt: skip


def imported(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return from_onnx(model)


def points(shape, net):
    shape = [n if isinstance(n, int) else 1 for n in shape]
    if shape[0] == 1:
        shape[-1] = net.widths[0] if len(shape) == 2 else shape[-1]
    return np.random.default_rng(1).normal(size=(25, *shape)).astype(np.float32)


def compare(model, net, points):
    """The network with the model, at points one after the other."""
    in_float32, in_float64 = answers(model)
    for X in points:
        ours = net(X.reshape(-1, net.widths[0]).astype(np.float64)).reshape(-1)
        np.testing.assert_allclose(ours, in_float64(X).reshape(-1), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(ours, in_float32(X).reshape(-1), rtol=3e-6, atol=3e-6)


@pytest.mark.parametrize("case", REPRESENTED)
def test_what_is_followed_computes_what_onnxruntime_computes(case):
    nodes, shape, constants, widths = REPRESENTED[case]
    model = made(nodes, shape, constants)
    net = imported(model)
    assert net.widths == widths
    compare(model, net, points(shape, net))


def drawn(rng, kind, here, out, constants):
    """A node of a kind with constants of any shapes, which need not fit."""
    c = f"c{len(constants)}"

    def one(*shape):
        constants[c] = rng.normal(size=shape).astype(np.float32)

    def shape(least, most):
        return rng.integers(1, 4, size=rng.integers(least, most + 1)).tolist()

    inputs, attributes = f"{here} {c}", {}
    if kind in ("Gemm", "MatMul"):
        one(*shape(2, 2) if kind == "Gemm" else shape(1, 3))
        if kind == "Gemm":
            names = ("transA", "transB")
            attributes = {name: int(rng.integers(0, 2)) for name in names}
            attributes |= {"alpha": float(rng.choice([1.0, 0.25]))}
    elif kind in ("Add", "Sub", "Mul", "Div"):
        one(*shape(0, 3))
    elif kind == "BatchNormalization":
        one(int(rng.integers(1, 4)))
        constants[c] = np.abs(constants[c]) + np.float32(0.5)
        inputs = f"{here} {c} {c} {c} {c}"
    elif kind in ("Reshape", "Squeeze", "Unsqueeze"):
        sizes = rng.integers(-1, 4, size=rng.integers(1, 4)) if kind == "Reshape" else []
        constants[c] = np.array(sizes if kind == "Reshape" else [rng.integers(-3, 4)], np.int64)
    else:
        inputs = here
        if kind == "Flatten":
            attributes = {"axis": int(rng.integers(-2, 4))}
        elif kind == "Transpose":
            attributes = {"perm": rng.permutation(rng.integers(1, 4)).tolist()}
    if kind in ("Gemm", "MatMul", "Add", "Sub") and rng.random() < 0.4:
        inputs = f"{c} {here}"
    return node(kind, inputs, out, **attributes)


def test_whatever_is_read_of_random_graphs_is_what_onnxruntime_computes():
    rng, read = np.random.default_rng(0), 0
    kinds = ["Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "BatchNormalization", "Reshape"]
    kinds += ["Squeeze", "Unsqueeze", "Flatten", "Transpose", "Relu", "Relu", "Neg", "Identity"]
    for _ in range(250):
        shape, constants, count = rng.integers(1, 4, size=rng.integers(1, 4)).tolist(), {}, 4
        places = ["x", *(f"h{k}" for k in range(count - 1)), "y"][-int(rng.integers(2, 6)) :]
        places[0] = "x"
        nodes = [drawn(rng, rng.choice(kinds), *ends, constants) for ends in pairwise(places)]
        batch = len(shape) > 1 and rng.random() < 0.5
        model = made(nodes, ["N", *shape[1:]] if batch else shape, constants)
        try:
            net = imported(model)
        except ValueError:
            continue
        read += 1
        X = rng.normal(size=[1, *shape[1:]] if batch else shape)
        wanted = answers(model)[1](X)
        ours = net(X.reshape(-1, net.widths[0])).reshape(-1)
        np.testing.assert_allclose(ours, wanted.reshape(-1), rtol=1e-9, atol=1e-9)
    assert read > 50


@pytest.mark.parametrize("opset", [7, 8, 9, 11, 13, 15, 20])
@pytest.mark.parametrize("as_inputs", [False, True])
def test_old_and_new_sets_of_operators_are_read(opset, as_inputs):
    constants = W | {key: np.tile(value, 2)[:4] for key, value in CHANNELS.items()}
    constants |= {"t": whole(-1, 5), "p": numbers(5), "q": numbers(5, seed=4)}
    dropout = node("Dropout", "n", "d", **({"ratio": 0.5} if opset < 12 else {}))
    nodes = [
        node("Reshape", "x t", "f"), node("Sub", "f p", "c"), node("MatMul", "c W", "h"),
        node("Add", "h b", "a"), node("Relu", "a", "r"),
        node("BatchNormalization", "r s b m v", "n"), dropout, node("Identity", "d", "i"),
        node("Gemm", "i W q", transB=1),
    ]  # fmt: skip
    model = made(nodes, [1, 5, 1], constants, opset=opset, as_inputs=as_inputs)
    net = imported(model)
    assert net.widths == (5, 4, 5)
    compare(model, net, points([1, 5, 1], net))


@pytest.mark.parametrize("opset", [9, 17])
@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax", "Sigmoid"])
def test_probabilities_at_the_end_are_left_off_and_that_is_told(kind, opset):
    nodes = [node("Gemm", "x W", "h"), node(kind, "h", "p", name="last"), node("Identity", "p")]
    with pytest.warns(UserWarning, match=rf"the .* at the end \({kind} 'last'\) is left off"):
        net = from_onnx(made(nodes, ["N", 5], W, opset=opset))
    assert net == from_onnx(made(nodes[:1], ["N", 5], W, outputs="h"))


REFUSED = {
    "a convolution": (
        [node("Conv", "x W", name="conv1")], [1, 1, 5, 5], {"W": numbers(1, 1, 3, 3)},
        "Conv 'conv1' is neither an affine map nor a ReLU",
    ),
    "pooling": (
        [node("MaxPool", "x", kernel_shape=[2, 2], name="pool")], [1, 1, 4, 4], {},
        "MaxPool 'pool' is neither",
    ),
    "a leaky ReLU": ([node("LeakyRelu", "x", name="leak")], ["N", 3], {}, "LeakyRelu 'leak' is"),
    "a node without a name": ([node("Tanh", "x")], ["N", 3], {}, "the Tanh that makes 'y' is"),
    "a product of two": (
        [node("Gemm", "x W", "h"), node("Mul", "h h", name="sq")], ["N", 5], W,
        "Mul 'sq' joins two branches",
    ),
    "a residual": (
        [node("Gemm", "x W", "h"), node("Relu", "h", "k"), node("Gemm", "k V", "l"),
         node("Add", "h l", name="skip")], ["N", 5], W | {"V": numbers(4, 4)},
        "Add 'skip' joins two branches",
    ),
    "a number divided by x": (
        [node("Div", "a x", name="inv")], ["N", 3], {"a": numbers(3)}, "Div 'inv' ",
    ),
    "division by zero": (
        [node("Div", "x a", name="zero")], ["N", 1], {"a": np.float32([0])},
        "Div 'zero' does not hold finite real numbers",
    ),
    "weights that are not finite": (
        [node("MatMul", "x W", name="first")], ["N", 2], {"W": np.float32([[1], [np.inf]])},
        "MatMul 'first' does not hold finite",
    ),
    "a softmax that is not at the end": (
        [node("Softmax", "x", "h", name="soft"), node("Gemm", "h W", name="next")], ["N", 5], W,
        "Softmax 'soft' is not at the end, Gemm 'next' follows",
    ),
    "a softmax over the points": (
        [node("Softmax", "x", axis=0, name="soft"), node("Reshape", "y t", "z")], ["N", 5],
        {"t": whole(-1, 5)}, None,
    ),
    "dropout in training": (
        [node("Dropout", "x r t", name="drop")], ["N", 3],
        {"r": np.float32(0.5), "t": np.array(True)}, "Dropout 'drop' is in training",
    ),
    "batch normalisation in training": (
        [node("BatchNormalization", "x s b m v", "y q r", training_mode=1, name="bn")],
        ["N", 3], CHANNELS, "BatchNormalization 'bn' is in training",
    ),
    "batch normalisation of a negative variance": (
        [node("BatchNormalization", "x s b m s", name="bn")],
        ["N", 3], CHANNELS | {"s": -np.ones(3, np.float32)},
        "BatchNormalization 'bn' does not hold finite real numbers",
    ),
    "a factor that is not finite": (
        [node("Gemm", "x W b", beta=np.inf, name="last")], ["N", 5], W | {"b": np.zeros(4, "f4")},
        "Gemm 'last' does not hold finite real numbers",
    ),
    "numbers that change places": (
        [node("Transpose", "x", perm=[0, 2, 1], name="turn")], ["N", 2, 3], {},
        "Transpose 'turn' changes the order of numbers",
    ),
    "a sum that copies": (
        [node("Add", "x a", name="grow")], ["N", 1], {"a": numbers(3)}, "Add 'grow' has constants",
    ),
    "a width that does not fit": (
        [node("MatMul", "x W", name="first")], ["N", 3], W, r"MatMul 'first' has weights \(5, 4\)",
    ),
    "a cast that rounds": (
        [node("Cast", "x", to=10, name="half")], ["N", 3], {}, "Cast 'half' rounds",
    ),
    "weights that depend on the input": (
        [node("Relu", "x", "W"), node("MatMul", "x W", name="both")], [3, 3], {},
        "MatMul 'both' joins two branches",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", [case for case in REFUSED if REFUSED[case][3]])
def test_what_is_no_chain_is_refused_by_the_name_of_the_node(case):
    nodes, shape, constants, sentence = REFUSED[case]
    with pytest.raises(ValueError, match=sentence) as caught:
        from_onnx(made(nodes, shape, constants))
    assert len(str(caught.value)) < 300 and str(caught.value).isprintable()
