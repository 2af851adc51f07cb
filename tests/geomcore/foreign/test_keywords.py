import importlib
import inspect
import pickle

import pytest

import training
from constructions import GeometricClassifier, construct, separate, verify
from geomcore import PolyhedralCone, ReLUNetwork, datasets, plot, save, truncation_map
from geomcore.foreign.keywords import SAME, answers_keywords


@answers_keywords
def drawn(n, *, rng=None, classes=3):
    """What was given."""
    return n, rng, classes


# By hand


@pytest.mark.parametrize(
    ("function", "word", "meant"),
    [
        (drawn, "seed", "rng"),
        (drawn, "random_state", "rng"),
        (drawn, "clases", "classes"),
        (drawn, "n_classes", "classes"),
        (construct, "seed", "rng"),
        (construct, "hidden_widths", "hidden_width"),
        (construct, "target", "targets"),
        (construct, "labels", "y"),
        (verify, "model", "net"),
        (verify, "Y", "y"),
        (verify, "losses", "loss"),
        (separate, "tol", "rtol"),
        (datasets.clusters, "seed", "rng"),
        (datasets.spirals, "random_state", "rng"),
        (datasets.load_table, "drop_mising", "drop_missing"),
        (save, "filename", "path"),
        (truncation_map, "tol", "rtol"),
        (plot.plot_data, "axes", "ax"),
        (training.perturb, "seed", "rng"),
        (training.SGD, "lr", "learning_rate"),
        (training.Adam, "step_size", "learning_rate"),
        (ReLUNetwork, "bias", "biases"),
        (PolyhedralCone, "edge", "edges"),
        (GeometricClassifier, "methd", "method"),
    ],
)
def test_an_unknown_keyword_is_answered_with_the_nearest_known_one(function, word, meant):
    name = f"{function.__name__}.__init__" if inspect.isclass(function) else function.__name__
    with pytest.raises(TypeError, match=rf"{name}\(\) .* {word!r}, did you mean {meant!r}"):
        function(**{word: 1})


def test_a_keyword_that_is_near_none_is_just_unexpected():
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'qqqq'$"):
        drawn(qqqq=1)


def test_a_class_stays_a_class_with_its_signature():
    assert inspect.isclass(training.SGD) and training.SGD(0.1) == training.SGD(learning_rate=0.1)
    assert list(inspect.signature(training.SGD).parameters) == ["learning_rate", "momentum", "clip"]
    assert pickle.loads(pickle.dumps(training.SGD(0.1))) == training.SGD(0.1)
    assert list(inspect.signature(ReLUNetwork).parameters) == ["weights", "biases"]


def test_nothing_else_about_a_function_changes():
    assert drawn(1, rng=2) == (1, 2, 3)
    assert drawn.__doc__ == "What was given." and str(inspect.signature(drawn)) == (
        "(n, *, rng=None, classes=3)"
    )
    assert pickle.loads(pickle.dumps(construct)) is construct
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'n'"):
        drawn()


# Laws


def test_exported_functions_that_take_keywords_answer_them():
    for name in ("geomcore", "geomcore.datasets", "geomcore.plot", "constructions", "training"):
        module = importlib.import_module(name)
        for key in module.__all__:
            function = getattr(module, key)
            # the checker of certificates imports nothing of ours
            if inspect.isfunction(function) and key != "check_certificate":
                with pytest.raises(TypeError, match="unexpected keyword argument 'rtolerance'"):
                    function(rtolerance=1)
                assert hasattr(function, "__wrapped__"), f"{name}.{key}"


def test_no_word_stands_for_itself():
    assert all(word not in meant for word, meant in SAME.items())
