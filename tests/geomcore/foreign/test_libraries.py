"""Objects of other libraries: which function takes them."""

import numpy as np
import pytest

from constructions import construct, verify
from geomcore import ReLUNetwork, from_keras, from_onnx, from_sklearn, from_torch
from geomcore.arrays import check_network
from geomcore.foreign.libraries import KNOWN, advice, check_library, type_name

NET = ReLUNetwork([[[1.0]]], [[0.0]])


def made_by(*modules):
    """An object of a class that descends from classes of these modules."""
    kind = object
    for module in reversed(modules):
        kind = type("Model", (kind,), {"__module__": module})
    return kind()


# By hand


@pytest.mark.parametrize(
    ("modules", "library"),
    [
        (["torch.nn.modules.container"], "torch"),
        (["__main__", "torch.nn.modules.module"], "torch"),
        (["keras.src.models", "keras.src.layers", "torch.nn.modules.module"], "keras"),
        (["sklearn.neural_network"], "sklearn"),
        (["onnx.onnx_ml_pb2", "google.protobuf"], "onnx"),
    ],
)
def test_a_model_is_sent_to_the_function_of_its_library(modules, library):
    model = made_by(*modules)
    assert advice(model) == f"; geomcore.from_{library} makes one of it"
    with pytest.raises(ValueError, match=f"^net must be a ReLUNetwork, got Model; .*{library} ma"):
        check_network(model, ReLUNetwork)
    for name in KNOWN:
        if name == library:
            check_library(model, name)
        else:
            with pytest.raises(
                ValueError, match=f"^model must be a model of {name}, got Model; geo"
            ):
                check_library(model, name)


def test_nothing_is_said_of_what_nobody_knows():
    assert advice(3) == advice(None) == advice(made_by("mine")) == advice(np.eye(2)) == ""
    assert advice(made_by("torchlike.models")) == ""


def test_what_holds_a_network_is_asked_for_it():
    found = construct([[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match=r"^net must be a ReLUNetwork, got Construction; give its"):
        verify(found, [[0.0], [1.0]], [0, 1])
    assert advice(found, ReLUNetwork) == "; give its .network" and advice(found) == ""


def test_a_type_is_known_by_its_name():
    names = [type_name(t) for t in (np.float64, np.dtype("f4"), float, "float16", 3, None)]
    assert names == ["float64", "float32", "float64", "float16", 3, None]


# Bad input


@pytest.mark.parametrize("function", [from_keras, from_sklearn, from_torch])
def test_a_path_is_sent_to_load(function):
    with pytest.raises(ValueError, match=r"^model must be a model of \w+, got str; geomcore.load "):
        function("net.pt")


def test_a_model_of_another_library_is_told_before_a_library_is_missed():
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    for function in (from_keras, from_sklearn, from_onnx):
        with pytest.raises(ValueError, match=r"got Sequential; geomcore.from_torch makes one of"):
            function(model)
