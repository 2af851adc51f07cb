"""Stopping rules: when they are met, and for what."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.network import ReLUNetwork
from training.descent.optimizers import SGD, Adam
from training.descent.stopping import AccuracyFor, LossBelow, Plateau, Progress, as_rules
from training.descent.trainer import train

# By hand


def test_accuracy_must_last_for_the_number_of_records_asked_for():
    # One weight climbs from 0 to 1, the threshold 1/2 lies between the targets 0 and 1.
    net, X, Y = ReLUNetwork([[[0.0]]], [[0.0]]), [[1.0], [0.0]], [[1.0], [0.0]]
    options = {"optimizer": SGD(0.2), "steps": 50}
    first = train(net, X, Y, stop=AccuracyFor(1.0), **options)
    third = train(net, X, Y, stop=AccuracyFor(1.0, records=3), **options)
    assert first.stop_reason == third.stop_reason == "accuracy"
    assert third.steps == first.steps + 2


def test_a_unit_that_is_dead_everywhere_is_on_a_plateau():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-5.0], [1.0]])
    result = train(net, [[1.0], [2.0]], [[0.5], [1.5]], stop=Plateau(records=4, rtol=1e-6))
    assert (result.steps, result.stop_reason) == (4, "plateau")


def test_one_logit_takes_two_labels():
    net, X = ReLUNetwork([[[0.0]]], [[0.0]]), [[-1.0], [1.0]]
    options = {"loss": "bce", "optimizer": Adam(0.5), "steps": 90}
    result = train(net, X, ["no", "yes"], stop=AccuracyFor(1.0, 5), **options)
    assert result.stop_reason == "accuracy"
    assert result.network(X)[0] < 0 < result.network(X)[1]


def test_the_first_rule_that_is_met_gives_the_reason():
    net, X, Y = ReLUNetwork([[[0.0]]], [[0.0]]), [[0.0]], [[0.0]]
    for stop in ((LossBelow(0.1), AccuracyFor(1.0)), (AccuracyFor(1.0), LossBelow(0.1))):
        assert train(net, X, Y, stop=stop).stop_reason == stop[0].reason


# Laws


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.integers(1, 5))
def test_a_plateau_is_where_less_than_the_fraction_has_gone_since_the_last_look(kept, rtol, k):
    losses, found = [], []
    for step in range(3 * k + 1):
        losses.append(np.array([kept ** (step / k)]))
        progress = Progress(step, losses, np.array([0]))
        found.append(bool(Plateau(records=k, rtol=rtol).met(progress)[0]))
    if abs(kept - (1 - rtol)) > 1e-9:
        stuck = kept > 1 - rtol
        assert found == [stuck and step > 0 and step % k == 0 for step in range(3 * k + 1)]


# Bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AccuracyFor(1.5), r"level must lie in \[0, 1\]"),
        (lambda: AccuracyFor(0.9, records=0), "records must be a whole number"),
        (lambda: Plateau(records=0), "records must be a whole number"),
        (lambda: Plateau(rtol=1.0), r"rtol must lie in \[0, 1\)"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_reason_of_a_rule_must_tell_it_from_other_ends(monkeypatch):
    for reason in ("", None, 0, "diverged", "step budget"):
        monkeypatch.setattr(LossBelow, "reason", reason)
        with pytest.raises(ValueError, match="stop must hold rules whose reason is a text"):
            as_rules(LossBelow(0.1))


@pytest.mark.parametrize("stop", [1e-3, "loss", [LossBelow(0.1), 3]])
def test_what_is_no_rule_is_refused(stop):
    with pytest.raises(ValueError, match="stop must be a stopping rule"):
        as_rules(stop)
