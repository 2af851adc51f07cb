"""ONNX models and files: there and back, weights beside the model, and what is hostile."""

import os
import tracemalloc

import numpy as np
import pytest
from builders import random_network, random_points

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx_models import made, node

from geomcore import from_onnx, load, to_onnx
from geomcore.layers import Affine
from geomcore.network import Network, ReLUNetwork

WIDTHS = [(3, 3, 2), (2, 5, 5, 1), (1, 1), (4, 2, 2, 3)]


def beside(path, location, *, offset=0, length=None, dims=(2, 3)):
    """Write a model of which the weights are in another file."""
    tensor = TensorProto(name="W", data_type=TensorProto.FLOAT, dims=dims)
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "offset": offset, "length": length}
    for key, value in entries.items():
        if value is not None:
            tensor.external_data.add(key=key, value=str(value))
    model = made([node("MatMul", "x W", name="first")], ["N", 2])
    model.graph.initializer.append(tensor)
    path.write_bytes(model.SerializeToString())
    return path


# By hand


@pytest.mark.parametrize("widths", WIDTHS)
def test_a_network_goes_out_and_comes_back_bit_for_bit(widths):
    net = random_network(widths)
    assert from_onnx(to_onnx(net)) == net


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_onnxruntime_computes_what_the_network_computes(dtype, rtol):
    net, X = random_network((4, 6, 5, 3)), random_points(50, 4)
    content = to_onnx(net, dtype=dtype).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {"x": X.astype(dtype)})
    assert out.dtype == dtype
    np.testing.assert_allclose(out, net(X), rtol=rtol, atol=rtol)


def test_a_model_made_here_passes_the_checker():
    onnx.checker.check_model(to_onnx(random_network((3, 4, 2))), full_check=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, "bfloat16"])
def test_weights_of_all_types_are_the_same_numbers(dtype):
    stored = np.random.default_rng(0).normal(size=(3, 2))
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    stored = stored.astype(dtype)
    net = from_onnx(made([node("MatMul", "x W")], ["N", 3], {"W": stored}))
    np.testing.assert_array_equal(net.weights[0], stored.T.astype(np.float64))


def test_weights_in_a_file_beside_the_model_are_read(tmp_path):
    W = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "net.onnx.data").write_bytes(b"1234" + W.tobytes())
    net = load(beside(tmp_path / "net.onnx", "net.onnx.data", offset=4))
    np.testing.assert_array_equal(net.weights[0], W.T)


def test_what_is_folded_is_told_and_what_is_exact_is_not(recwarn):
    W = {"W": np.ones((2, 2), np.float32)}
    exact = [node("Mul", "x a", "h"), node("MatMul", "h W", "k"), node("Add", "k b")]
    from_onnx(made(exact, ["N", 2], W | {"a": np.float32(0.5), "b": np.float32([1, 2])}))
    assert not recwarn.list
    thirds = [node("Div", "x a", "h", name="thirds"), node("MatMul", "h W", name="first")]
    with pytest.warns(
        UserWarning, match=r"became one \(Div 'thirds', MatMul 'first'\), rounding may differ"
    ):
        from_onnx(made(thirds, ["N", 2], W | {"a": np.float32(3)}))


def test_a_network_that_mixes_the_rows_of_a_batch_is_read_for_one_and_that_is_told():
    nodes = [node("Flatten", "x", "h", axis=0), node("MatMul", "h W")]
    model = made(nodes, ["N", 2, 2], {"W": np.ones((4, 1), np.float32)})
    with pytest.warns(UserWarning, match="mix the rows of a batch, it is read for one at a time"):
        assert from_onnx(model).widths == (4, 1)


# Bad input


def test_other_things_than_models_and_networks_are_refused():
    with pytest.raises(ValueError, match=r"model must be a path or an onnx.ModelProto, got int"):
        from_onnx(3)
    with pytest.raises(ValueError, match="net must be a ReLUNetwork, got Network"):
        to_onnx(Network([Affine([[1.0]], [0.0])]))
    with pytest.raises(ValueError, match=r"dtype must be 'float64' or 'float32', got 'float16'"):
        to_onnx(random_network((1, 1)), dtype=np.float16)
    with pytest.raises(ValueError, match="dtype must be 'float64' or 'float32', got 'nonsense'"):
        to_onnx(random_network((1, 1)), dtype="nonsense")
    with pytest.raises(ValueError, match=r"weights\[0\] must fit float32"):
        to_onnx(ReLUNetwork([[[1e300]]], [[0.0]]), dtype=np.float32)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda m: m.graph.output.add(name="h"),
            "the Relu that makes 'y' and the Gemm that .* with 2 outputs is none",
        ),
        (lambda m: m.graph.ClearField("output"), "it with 0 outputs is none"),
        (lambda m: [m.graph.node.add() for _ in range(100_000)], "it has 100,002 nodes"),
        (lambda m: m.opset_import[0].ClearField("version"), "operator set of 7 or newer"),
        (lambda m: setattr(m.graph.node[1], "domain", "mine"), "'y' is of the domain 'mine'"),
        (lambda m: setattr(m.graph.output[0], "name", "z"), "the output 'z' does not come from"),
        (lambda m: m.graph.node[0].input.__setitem__(0, "z"), "nothing makes 'z'"),
        (lambda m: m.graph.node[0].input.__setitem__(0, "y"), "go round in a circle"),
        (lambda m: m.graph.node[0].output.__setitem__(0, "y"), "two nodes make 'y'"),
        (lambda m: m.graph.node[1].output.__setitem__(0, "W"), "'W' is made twice"),
        (lambda m: m.graph.node[0].input.__setitem__(1, ""), "the Gemm that makes 'h' "),
        (lambda m: m.graph.node[0].ClearField("input"), "the Gemm that makes 'h' "),
        (lambda m: m.graph.node[1].ClearField("output"), "does not come from an input"),
        (lambda m: m.graph.initializer[0].dims.append(2**40), "initializer 'W' has the shape"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, -1), "'W' has the shape"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, 7), "'W' cannot be read"),
        (lambda m: setattr(m.graph.initializer[0], "data_type", 8), "'W' cannot be read"),
        (lambda m: m.graph.input[0].type.tensor_type.ClearField("shape"), "'x' has no shape"),
        (lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 7), "'x' is no tensor"),
    ],
)
def test_damaged_models_are_refused_in_one_sentence(change, sentence):
    W = np.ones((2, 3), np.float32)
    model = made([node("Gemm", "x W", "h"), node("Relu", "h")], ["N", 2], {"W": W})
    change(model)
    with pytest.raises(ValueError, match=sentence) as caught:
        from_onnx(model)
    assert len(str(caught.value)) < 300 and str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b"", b"\0" * 50, b"PK\3\4" + b"x" * 99, b"\x3a\xff\xff\xff"])
def test_files_that_are_no_models_are_refused(tmp_path, content):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ValueError, match="must be an ONNX file"):
        load(tmp_path / "net.onnx")


def test_a_model_cut_anywhere_is_refused_or_another_network(tmp_path):
    path = tmp_path / "net.onnx"
    whole = to_onnx(random_network((2, 3, 1))).SerializeToString()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"net\.onnx must "):
            load(path)


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/passwd", "sub/secret", "..", "", "link", "C:secret", "a\\b"]
)
def test_no_file_is_read_but_one_beside_the_model(tmp_path, location, monkeypatch):
    folder = tmp_path / "models"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path, folder / "sub"):
        (place / "secret").write_bytes(bytes(24))
    os.symlink(tmp_path / "secret", folder / "link")
    path = beside(folder / "net.onnx", location)
    opened = []
    monkeypatch.setattr(
        "geomcore.interop.onnx_graph.open_regular", lambda path, what: opened.append(path)
    )
    with pytest.raises(ValueError, match=r"'W' has its numbers in .* no file beside the model"):
        load(path)
    assert not opened


@pytest.mark.parametrize(
    "entries", [{"offset": 1}, {"offset": -1}, {"length": 2**40}, {"length": 3}, {"offset": "x"}]
)
def test_places_that_are_not_in_the_file_of_weights_are_refused(tmp_path, entries):
    (tmp_path / "data").write_bytes(bytes(24))
    with pytest.raises(ValueError, match=r"initializer 'W' (is not where|does not say where)"):
        load(beside(tmp_path / "net.onnx", "data", **entries))


def test_a_model_in_memory_has_no_file_beside_it(tmp_path):
    (tmp_path / "data").write_bytes(bytes(24))
    path = beside(tmp_path / "net.onnx", "data")
    with pytest.raises(ValueError, match="'W' has its numbers in 'data'"):
        from_onnx(onnx.load(path, load_external_data=False))


def chained(kind, inputs, count, **attributes):
    """Nodes of one kind that are applied to what they make, again and again."""
    places = [f"c{k}" for k in range(count + 1)]
    return [
        node(kind, inputs.replace("?", places[k]), places[k + 1], **attributes)
        for k in range(count)
    ]


ONES = np.ones((1000, 1), np.float32)
BOMBS = {
    "an input without end": ([node("Relu", "x")], ["N", 2**40], {}),
    "a wide identity": ([node("Relu", "x")], ["N", 2**14], {}),
    "two thin layers": (
        [node("MatMul", "x a", "h"), node("MatMul", "h b")],
        ["N", 10_000], {"a": np.ones((10_000, 1), "f4"), "b": np.ones((1, 10_000), "f4")},
    ),
    "a matrix for each of many": (
        [node("MatMul", "x W")], ["N", 1000, 100], {"W": np.ones((100, 100), "f4")},
    ),
    "constants that double": (
        [*chained("Concat", "? ?", 30, axis=0), node("Add", "x c30")],
        ["N", 3], {"c0": np.ones(2, "f4")},
    ),
    "constants that are copied": (
        [*chained("Cast", "?", 100, to=11), node("Add", "x c100")],
        ["N", 3], {"c0": np.ones(2**20, "f4")},
    ),
    "constants that grow": (
        [node("Transpose", "c", "d"), node("Add", "c d", "e"), node("Add", "e e", "f"),
         *[node("Add", "c f", f"g{k}") for k in range(20)], node("Sum", "x f g0 g1")],
        ["N", 3], {"c": np.ones((5000, 1), "f4")},
    ),
    "a product of constants": (
        [node("MatMul", "a b", "c"), node("Add", "x c")],
        ["N", 3], {"a": np.ones((10_000, 1), "f4"), "b": np.ones((1, 10_000), "f4")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS)
def test_little_files_do_not_take_much_memory(case):
    model = made(*BOMBS[case])
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"model must (hold a chain|be a complete)"):
            from_onnx(model)
        assert tracemalloc.get_traced_memory()[1] < 2**29
    finally:
        tracemalloc.stop()


def test_one_matrix_in_many_layers_is_counted(monkeypatch):
    monkeypatch.setattr("geomcore.interop.chain.MOST", 1000)
    nodes = []
    for k in range(20):
        nodes += [node("MatMul", f"h{k} W", f"k{k}"), node("Relu", f"k{k}", f"h{k + 1}")]
    nodes += [node("Identity", "h20")]
    nodes[0].input[0] = "x"
    with pytest.raises(ValueError, match="is beyond 1,000 numbers"):
        from_onnx(made(nodes, ["N", 10], {"W": np.eye(10, dtype=np.float32)}))


def test_a_long_chain_is_followed_without_recursion():
    count = 3000
    nodes = [*chained("Identity", "?", count), node("Identity", f"c{count}")]
    nodes[0].input[0] = "x"
    net = from_onnx(made(nodes, ["N", 2]))
    np.testing.assert_array_equal(net.weights[0], np.eye(2))


def test_names_in_sentences_are_printable_and_short():
    model = made([node("Tanh", "x", name="\x1b[2J" + "x" * 5000)], ["N", 2])
    with pytest.raises(ValueError, match=r"Tanh '.x1b") as caught:
        from_onnx(model)
    assert len(str(caught.value)) < 300 and str(caught.value).isprintable()


def test_nodes_with_graphs_and_strings_are_refused():
    inner = helper.make_graph([], "inner", [], [helper.make_tensor_value_info("a", 1, [1])])
    text = numpy_helper.from_array(np.array(["a"], dtype=object), "c")
    given = [
        node("If", "x", then_branch=inner, else_branch=inner, name="branch"),
        node("Add", "x c", name="sum"),
    ]
    for one in given:
        model = made([one], ["N", 1])
        model.graph.initializer.append(text)
        with pytest.raises(ValueError, match=f"'{one.name}' "):
            from_onnx(model)
