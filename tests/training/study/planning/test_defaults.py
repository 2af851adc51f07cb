"""What counts as returned, and the learning rate, where nothing is given."""

import sqlite3

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from geomcore.arrays import as_labels
from geomcore.network import ReLUNetwork
from training.descent.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from training.descent.optimizers import SGD
from training.study.planning.defaults import default_rate, default_tolerance
from training.study.study import PerturbationStudy

LOSSES = [
    kind(weighted)
    for kind in (SquaredError, CrossEntropy, BinaryCrossEntropy)
    for weighted in (False, True)
]
SMALL = {"scales": [0.1], "trials": 2, "steps": 5, "seed": 0}


class Quartic:
    """Fourth powers of the errors; it says nothing of its own about constants."""

    name = "quartic"

    def weights(self, index):
        return np.full(len(index), 1 / len(index))

    def value(self, outputs, Y):
        return ((outputs - Y) ** 4).sum(axis=-1)

    def gradient(self, outputs, Y):
        return 4 * (outputs - Y) ** 3


def least_by_search(loss, labels):
    weights = loss.weights(labels.index)

    def of(constant):
        return float(loss.value(np.tile(constant, (len(labels.index), 1)), labels.Y) @ weights)

    start = np.random.default_rng(0).normal(size=labels.targets.shape[1])
    best = minimize(of, start, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-12})
    return best.fun


def study_of(net, X, Y, **changes):
    return PerturbationStudy(None, net, X, Y, **{**SMALL, **changes})


# By hand


def test_tolerances_of_unequal_classes():
    labels = as_labels([0] * 97 + [1] * 2 + [2], 100)
    p = np.array([0.97, 0.02, 0.01])
    found = [default_tolerance(loss, labels) for loss in LOSSES]
    entropy, binary = -(p * np.log(p)).sum(), -(p * np.log(p) + (1 - p) * np.log(1 - p)).sum()
    q = 1 / 3
    wanted = [
        1 - (p**2).sum(),
        2.0,
        entropy,
        3 * np.log(3),
        binary,
        -9 * (q * np.log(q) + (1 - q) * np.log(1 - q)),
    ]
    assert found == pytest.approx([1e-3 * value for value in wanted], rel=1e-12)


def test_one_class_needs_a_tolerance_and_leaves_no_file(tmp_path):
    net, X = ReLUNetwork([[[1.0]]], [[0.0]]), [[1.0], [2.0]]
    for path in (None, tmp_path / "s"):
        with pytest.raises(ValueError, match="tolerance must be given: the best constant"):
            PerturbationStudy(path, net, X, [7, 7], **SMALL)
    assert not list(tmp_path.iterdir())
    found = study_of(net, X, [7, 7], tolerance=0.5).run()
    assert found.reference.tolerance == 0.5


def test_a_saturated_reference_gets_a_rate_at_which_descent_does_not_leap():
    X = np.eye(2)
    for size in (30.0, 1000.0):
        net = ReLUNetwork([size * np.eye(2)], [[0, 0]])
        found = study_of(net, X, [0, 1], loss="cross_entropy").run()
        # Of a linear map with bias at unit points and one half as second derivative.
        assert 0.3 < found.reference.learning_rate < 3
        assert np.isfinite(found.columns["final_loss"]).all()


def test_a_reference_that_is_not_saturated_keeps_the_rate_of_its_own_curvature():
    net, X = ReLUNetwork([np.eye(2)], [[0, 0]]), np.eye(2)
    labels = as_labels([0, 1], 2)
    bare = CrossEntropy()
    with_bound = default_rate(net, X, labels, bare, name="a")

    class WithoutBound:
        name, weights, value = bare.name, bare.weights, bare.value
        gradient, curvature = bare.gradient, bare.curvature

    assert with_bound == default_rate(net, X, labels, WithoutBound(), name="a")


# Against the naive oracle


@settings(max_examples=40)
@given(
    st.sampled_from(LOSSES),
    st.lists(st.integers(0, 2), min_size=2, max_size=12).filter(lambda y: len(set(y)) > 1),
)
def test_no_constant_output_has_a_lower_loss(loss, y):
    labels = as_labels(y, len(y))
    least = 1e3 * default_tolerance(loss, labels)
    assert least == pytest.approx(least_by_search(loss, labels), rel=1e-4, abs=1e-6)


@settings(max_examples=40)
@given(st.sampled_from(LOSSES), st.integers(0, 2**31), st.integers(1, 4))
def test_no_constant_output_has_a_lower_loss_for_soft_targets(loss, seed, k):
    Y = np.random.default_rng(seed).dirichlet(np.ones(k), size=5)
    if k == 1:
        Y = np.random.default_rng(seed).uniform(size=(5, 1))
        loss = LOSSES[-2] if isinstance(loss, CrossEntropy) else loss
    labels = as_labels(Y, 5)
    least = 1e3 * default_tolerance(loss, labels)
    assert least == pytest.approx(least_by_search(loss, labels), rel=1e-3, abs=1e-6)


def test_a_loss_of_ones_own_is_minimised_by_descent():
    labels = as_labels([0] * 9 + [1] * 2, 11)
    found = 1e3 * default_tolerance(Quartic(), labels)
    assert found == pytest.approx(least_by_search(Quartic(), labels), rel=1e-6)


# Bad input


@pytest.mark.parametrize("value", [-1e-9, -1.0, np.nan, np.inf, -np.inf, "0.1", True, 1j, [0.1]])
def test_tolerances_that_are_none_are_refused(value):
    net, X = ReLUNetwork([[[1.0]]], [[0.0]]), [[-1.0], [1.0]]
    with pytest.raises(ValueError, match="tolerance must be a finite number, at least 0"):
        study_of(net, X, X, tolerance=value)


def test_a_loss_without_curvature_needs_an_optimizer_and_leaves_no_file(tmp_path):
    net, X = ReLUNetwork([[[1.0]]], [[0.0]]), [[-1.0], [1.0]]
    study = PerturbationStudy(tmp_path / "s", net, X, X, loss=_keyed(Quartic()), **SMALL)
    with pytest.raises(ValueError, match="learning_rate must be given"):
        study.run()
    assert not list(tmp_path.iterdir())
    study_of(net, X, X, loss=Quartic(), optimizer=SGD(0.1)).run()


def _keyed(loss):
    loss.key = "quartic"
    return loss


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble, np.int64])
def test_scalars_of_numpy_are_numbers_in_the_file(tmp_path, kind):
    net, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[-1.0], [1.0]])
    PerturbationStudy(
        tmp_path / "s",
        net,
        X,
        X,
        scales=[kind(1), kind(2)],
        trials=np.int64(2),
        steps=np.uint8(3),
        seed=np.int32(0),
        tolerance=kind(1),
        certified_radius=kind(1),
        optimizer=SGD(kind(1)),
        batch_size=np.int16(1),
        keep_parameters=np.bool_(True),
    ).run()
    connection = sqlite3.connect(tmp_path / "s")
    names = "loss, tolerance, learning_rate, norm_per_scale, certified_radius"
    kinds = ", ".join(f"typeof({name.strip()})" for name in names.split(","))
    assert connection.execute(f"SELECT {kinds} FROM reference").fetchall() == [("real",) * 5]
    names = "reference scale trial steps pattern_returned initial_loss final_loss accuracy distance"
    kinds = ", ".join(f"typeof({name})" for name in names.split())
    found = connection.execute(f"SELECT DISTINCT {kinds} FROM trial").fetchall()
    connection.close()
    assert found == [("integer",) * 5 + ("real",) * 4]
