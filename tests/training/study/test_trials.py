"""Which class an output is read as: one answer in trainer, study, proof and exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import verify
from geomcore.arrays import as_labels
from geomcore.network import ReLUNetwork
from training.descent.losses import SquaredError, offset_of, predicted
from training.descent.optimizers import SGD
from training.descent.stopping import AccuracyFor
from training.descent.trainer import train
from training.study.study import perturbation_study
from training.study.trials import accuracy, network_from_bytes

TARGETS = {
    "one-hot": np.eye(3),
    "signs": 2 * np.eye(3) - 1,
    "long": 3.0 * np.eye(3),
    "of one line": np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]),
    "of two classes alike": np.array([[1.0, 0, 0], [1, 0, 0], [0, 1, 0]]),
}
VALUES = [0.0, -0.0, 0.5, 1.0, -1.0, 1e-20, 2e-20, -1e-20, 1e-300, 3.0]


def nearest(outputs, targets):
    """The first target of least distance to each output, in rationals."""
    found = []
    for row in outputs.tolist():
        squares = [
            sum((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(row, target, strict=True))
            for target in targets.tolist()
        ]
        found.append(squares.index(min(squares)))
    return np.array(found)


@st.composite
def read_points(draw):
    name = draw(st.sampled_from(list(TARGETS)))
    # With general targets floats decide where their sums are exact.
    values = VALUES if name in ("one-hot", "long") else [0.0, 0.5, 1.0, -1.0, 1.5, 3.0]
    row = st.lists(st.sampled_from(values), min_size=3, max_size=3)
    rows = draw(st.lists(row, min_size=3, max_size=8))
    more = draw(st.lists(st.integers(0, 2), min_size=len(rows) - 3, max_size=len(rows) - 3))
    return TARGETS[name], np.array(rows), np.array([0, 1, 2, *more])


# By hand


def test_outputs_that_differ_less_than_their_distance_to_the_targets_are_told_apart():
    outputs = np.array([[1e-20, 2e-20], [0.0, 0.0], [5e-324, 0.0]])
    offset = offset_of(SquaredError(), np.eye(2))
    assert predicted(outputs, np.eye(2), offset).tolist() == [1, 0, 0]


def test_infinite_outputs_are_read_alike_by_prediction_and_study():
    X = np.array([[1.0], [2.0], [3.0]])
    net = ReLUNetwork([[[1e308], [0.0]], [[1.0, 0.0], [2.0, 1.0]]], [[0, 0], [0, 0]])
    with np.errstate(all="ignore"):
        outputs = net(X)
        found = predicted(outputs, np.eye(2), np.zeros(2))
    assert np.isinf(outputs).any()
    assert accuracy(net, X, [0, 1, 1]) == np.mean(found == [0, 1, 1])


# Against the naive oracle, and laws


@settings(max_examples=60)
@given(read_points())
def test_study_and_proof_read_a_tie_as_its_first_class(case):
    targets, outputs, y = case
    right = np.mean(nearest(outputs, targets) == y)
    net = ReLUNetwork([np.eye(3)], [np.zeros(3)])
    given_data = {"targets": targets}
    study = perturbation_study(
        net, outputs, y, scales=[0.0], trials=1, steps=0, seed=0, tolerance=1.0, **given_data
    )
    assert study.columns["accuracy"].tolist() == [right]
    labels = as_labels(y, len(y), targets=targets)
    assert accuracy(net, outputs, labels) == right
    assert verify(net, outputs, y, **given_data).accuracy == right


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(2, 5), st.integers(1, 4), st.booleans())
def test_a_dead_network_is_read_alike_whatever_the_targets(seed, classes, outputs, turned):
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=(classes, outputs))
    if turned:
        # Of one length, up to rounding.
        targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    y = np.r_[np.arange(classes), rng.integers(classes, size=4)]
    net = ReLUNetwork([np.zeros((outputs, 2))], [np.zeros(outputs)])
    X = rng.normal(size=(len(y), 2))
    right = np.mean(nearest(np.zeros((len(y), outputs)), targets) == y)
    assert accuracy(net, X, as_labels(y, len(y), targets=targets)) == right
    assert verify(net, X, y, targets=targets).accuracy == right


@settings(max_examples=30)
@given(read_points(), st.sampled_from(["numpy", "compiled"]))
def test_the_trainer_stops_at_that_accuracy_and_not_above_it(case, engine):
    targets, outputs, y = case
    right = np.mean(nearest(outputs, targets) == y)
    net = ReLUNetwork([np.eye(3)], [np.zeros(3)])
    labels = as_labels(y, len(y), targets=targets)

    def reason(level):
        rule = AccuracyFor(level)
        options = {"optimizer": SGD(1.0), "steps": 0, "engine": engine}
        return train(net, outputs, labels, stop=rule, **options).stop_reason

    assert reason(right) == "accuracy"
    if right < 1:
        assert reason(right + 0.5 / len(y)) == "step budget"


# Bad input


@pytest.mark.parametrize("held", [b"", b"1234567", b"\0" * 8, b"\0" * 80])
def test_parameters_of_another_length_are_refused(held):
    net = ReLUNetwork([np.eye(3)], [np.zeros(3)])
    with pytest.raises(ValueError, match="12 entries"):
        network_from_bytes(net, held)
