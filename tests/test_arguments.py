"""What public functions answer to wrong arguments: one sentence that names the argument."""

import importlib
import inspect
from functools import partial

import numpy as np
import pytest

import constructions
import training
from geomcore import Network, ReLUNetwork, datasets, plot

PACKAGES = ("geomcore", "geomcore.datasets", "geomcore.plot", "constructions", "training")
X, Y = np.array([[0.0, 0.0], [0.1, 0.0], [3.0, 0.1], [3.0, 0.2]]), np.array([0, 0, 1, 1])
NET = ReLUNetwork([np.eye(2), np.eye(2)], [np.zeros(2), np.zeros(2)])
STUDY = {"scales": [0.1], "trials": 1, "steps": 1}


def classify(verify):
    return constructions.GeometricClassifier(verify=verify).fit(X, Y)


def code_sparsely(**value):
    return training.NonNegativeSparseCoder(2, steps=1, **value).fit(X)


def run(resume):
    return training.PerturbationStudy(None, NET, X, Y, **STUDY).run(resume=resume)


STATES = {
    "suboptimal": partial(constructions.suboptimal, X, Y, (0, 1)),
    "suboptimal_family": partial(constructions.suboptimal_family, X, Y),
    "partial": partial(constructions.partial, X, Y, (1, 0.5)),
}
STUDIES = {
    "PerturbationStudy": partial(training.PerturbationStudy, None, NET, X, Y, **STUDY),
    "perturbation_study": partial(training.perturbation_study, NET, X, Y, **STUDY),
}
# Each function with a flag, called with all else that it needs.
FLAGS = {
    **{
        ("best_unit", flag): partial(constructions.best_unit, [[1.0]], [1.0])
        for flag in ("non_negative", "bias")
    },
    **{
        ("two_layer_bound", flag): partial(constructions.two_layer_bound, NET, X, Y, weight_decay=1)
        for flag in ("fit_last", "bias")
    },
    ("best_neuron", "bias"): partial(constructions.best_neuron, X, X),
    **{(name, "bias"): function for name, function in STATES.items()},
    **{
        (name, flag): function
        for name, function in STUDIES.items()
        for flag in ("relative", "keep_parameters", "drop_last")
    },
    **{
        (name, "class_weighted"): getattr(training, name)
        for name in ("SquaredError", "CrossEntropy", "BinaryCrossEntropy")
    },
    **{
        (name, "standardize"): getattr(datasets, name)
        for name in ("iris", "wine", "breast_cancer", "digits")
    },
    ("prepare", "standardize"): partial(datasets.prepare, X, Y),
    ("load_table", "drop_missing"): partial(datasets.load_table, "t.csv"),
    ("load_table", "one_hot"): partial(datasets.load_table, "t.csv"),
    ("load_table", "standardize"): partial(datasets.load_table, "t.csv"),
    ("plot_data", "legend"): partial(plot.plot_data, X, Y),
    ("verify", "exact"): partial(constructions.verify, NET, X, Y),
    ("construct", "robust"): partial(constructions.construct, X, Y),
    ("GeometricClassifier", "verify"): classify,
    ("run", "resume"): run,
    ("perturb", "relative"): partial(training.perturb, NET, 0.1, 1),
    ("norm_per_scale", "relative"): partial(training.norm_per_scale, NET),
    ("train", "drop_last"): partial(training.train, NET, X, Y, steps=1),
    ("truncation_history", "drop_last"): partial(training.truncation_history, NET, X, Y, steps=1),
    ("sharpness", "invariant"): partial(training.sharpness, NET, X, Y),
    ("train_ensemble", "drop_last"): partial(training.train_ensemble, [NET], X, Y, steps=1),
    **{("NonNegativeSparseCoder", flag): code_sparsely for flag in ("keep_map", "tied")},
    **{
        ("train_sparse", flag): partial(training.train_sparse, X, 2, penalty=0.1, steps=1)
        for flag in ("keep_map", "tied")
    },
}


# Each function with a choice of words, called with all else that it needs, and what a slip means.
CHOICES = {
    ("construct", "method", "sequental"): (partial(constructions.construct, X, Y), "sequential"),
    ("construct", "base_points", "segmnt"): (partial(constructions.construct, X, Y), "segment"),
    ("GeometricClassifier", "method", "Universal"): (
        lambda method: constructions.GeometricClassifier(method).fit(X, Y),
        "universal",
    ),
    ("best_unit", "activation", "rleu"): (
        partial(constructions.best_unit, [[1.0]], [1.0]),
        "relu",
    ),
    ("best_two_layer", "output_bias", "nonne"): (
        partial(constructions.best_two_layer, X, Y, weight_decay=1),
        "none",
    ),
    ("two_layer_bound", "output_bias", "fre"): (
        partial(constructions.two_layer_bound, NET, X, Y, weight_decay=1),
        "free",
    ),
    ("verify", "loss", "mae"): (partial(constructions.verify, NET, X, Y), "mse"),
    ("train", "loss", "cross-entropy"): (partial(training.train, NET, X, Y), "cross_entropy"),
    ("train", "engine", "compield"): (partial(training.train, NET, X, Y, steps=1), "compiled"),
    ("perturbation_study", "loss", "mes"): (
        partial(training.perturbation_study, NET, X, Y, **STUDY),
        "mse",
    ),
    **{
        ("train_sparse", name, slip): (
            partial(training.train_sparse, X, 2, penalty=0.1, steps=1),
            meant,
        )
        for name, slip, meant in (
            ("treatment", "column", "columns"),
            ("interaction", "detatched", "detached"),
            ("decoder_bias", "meen", "mean"),
        )
    },
    ("mnist", "split", "tset"): (partial(datasets.mnist, "."), "test"),
    ("patches", "whiten", "zac"): (datasets.patches, "zca"),
}


def is_ours(function):
    return function.__module__.split(".")[0] in PACKAGES


def exported():
    """Every exported function and class, and the public methods of the classes, by name."""
    for package in map(importlib.import_module, PACKAGES):
        for name in package.__all__:
            value = getattr(package, name)
            if callable(value):
                yield name, value
            if inspect.isclass(value):
                methods = inspect.getmembers(value, inspect.isfunction)
                yield from ((key, m) for key, m in methods if key[0] != "_" and is_ours(m))


def test_every_flag_is_tried():
    found = {
        (name, argument.name)
        for name, function in exported()
        for argument in inspect.signature(function).parameters.values()
        if isinstance(argument.default, bool)
    }
    assert found == set(FLAGS) - {("construct", "robust")}


@pytest.mark.parametrize("flag", FLAGS, ids=".".join)
@pytest.mark.parametrize("value", ["yes", "False", 1.0, [], np.array([True])], ids=repr)
def test_a_flag_is_true_or_false_and_no_text(flag, value):
    with pytest.raises(ValueError, match=rf"^{flag[1]} must be True or False, got "):
        FLAGS[flag](**{flag[1]: value})


@pytest.mark.parametrize("case", CHOICES, ids=".".join)
def test_a_misspelt_word_is_answered_with_the_one_that_was_meant(case):
    (_, name, slip), (function, meant) = case, CHOICES[case]
    with pytest.raises(ValueError, match=rf"^{name} must be .*{slip!r}, did you mean {meant!r}\?$"):
        function(**{name: slip})
    for other in ("qqqq", None, 3, [meant], b"x"):
        with pytest.raises(ValueError, match=rf"^{name} must be .*got"):
            function(**{name: other})


def test_an_optimizer_is_an_object_and_no_name():
    for wrong in ("adam", training.Adam, None.__class__, 0.1):
        with pytest.raises(ValueError, match=r"^optimizer must be 'auto', SGD\(0.01\), Adam\("):
            training.train(NET, X, Y, optimizer=wrong, steps=1)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("adma", "Adam(0.001)"),
        ("ADAM", "Adam(0.001)"),
        (training.Adam, "Adam(0.001)"),
        ("sdg", "SGD(0.01)"),
        ("sgd", "SGD(0.01)"),
        ("aut", "'auto'"),
        ("qqqq", None),
        (0.1, None),
        (int, None),
    ],
)
def test_a_misspelt_optimizer_is_answered_with_the_one_that_was_meant(wrong, meant):
    for train in (
        training.train,
        lambda net, *given, **more: training.train_ensemble([net], *given, **more),
    ):
        with pytest.raises(ValueError, match=r"^optimizer must be 'auto', SGD") as told:
            train(NET, X, Y, optimizer=wrong, steps=1)
        _, _, rest = str(told.value).partition(", did you mean ")
        assert rest == ("" if meant is None else f"{meant}?")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: constructions.construct(X, "y"), r"^y must have one .* \(4\), got 'y'$"),
        (lambda: constructions.construct(X, None), r"^y must .* per point \(4\), got None$"),
        (lambda: constructions.construct(X, Y, cone=3), r"^cone must be .* edges\), got 3$"),
        (lambda: constructions.construct(X * 0, Y), r"labels differ \(2 such rows in all\)$"),
        (lambda: constructions.construct(X[[0, 0]], [0, 1]), r"differ \(1 such row in all\)$"),
        (lambda: constructions.partial(X, Y, "half"), "^fractions must hold real .* got 'half'$"),
        (lambda: constructions.partial(X, Y, 0.5), r"^fractions must have 1 axis, got"),
        (lambda: constructions.verify(NET, X, Y, gtol=-1), "^gtol must be at least 0 and"),
        (lambda: constructions.verify(NET, X, Y, rtol="x"), "^rtol must be a number or None, got"),
        (lambda: NET.packed(3), "^dtype must be 'float64' or 'float32', got 3$"),
        (lambda: NET.packed("int64"), "^dtype must be 'float64' or 'float32', got 'int64'$"),
        (lambda: ReLUNetwork(np.eye(2), [0]), "^weights must be a list .* per layer, got ndarray$"),
        (lambda: ReLUNetwork("W", "b"), "^weights must be a list with .* got str$"),
        (lambda: constructions.construct(X.astype(object), Y), r"as objects, of which \.as"),
        (lambda: constructions.construct(X, Y, targets=[0, 1]), r"^targets must have rows, such"),
        (
            lambda: training.train(ReLUNetwork([[[1.0, 1.0]]], [[0.0]]), X, Y),
            r"^y must have 1 column \(or as many classes\), the outputs of the network, got 2$",
        ),
        (lambda: Network(3), "^layers must be a list with one object per layer, got int$"),
    ],
)
def test_what_is_wrong_is_said_by_the_name_of_the_argument(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
