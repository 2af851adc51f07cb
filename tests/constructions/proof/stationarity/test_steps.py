"""A curvature shows a saddle by a step that is lower for it; steps end where floats do."""

from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb

from constructions.proof import stationarity
from geomcore import ReLUNetwork

SADDLE, NOTHING = ("saddle", True), ("nothing", False)


@pytest.mark.parametrize(
    ("series", "step", "told"),
    [
        ([0.3, 0.0, -0.5], 0.5, SADDLE),
        ([0.3, -0.1, -0.5], 0.5, SADDLE),
        ([0.3, 0.1, -0.5], -0.5, SADDLE),
        ([0.3, -0.3, -0.5], 0.5, NOTHING),  # lower for the slope: 0.15 of it, 0.125 of the bend
        ([0.3, 0.3, -0.5], -0.5, NOTHING),
        ([0.3, -1e-9, -1.0], 1e-10, NOTHING),
        ([0.3, 0.0, -0.5], None, NOTHING),
        ([0.3, -0.1, 0.5], 0.5, NOTHING),
        ([0.3, -0.1, 0.0], 0.5, NOTHING),
        ([0.3, 0.0, arb(-1, 1)], 0.5, NOTHING),  # it may be 0
        (None, 0.5, ("saddle", False)),  # out of reach of balls
        (None, None, NOTHING),
    ],
)
def test_a_negative_eigenvalue_is_a_saddle_if_a_step_is_lower_for_it(
    series, step, told, monkeypatch
):
    balls = None if series is None else [arb(c) for c in series]
    witness = None if step is None else {"step": step}
    monkeypatch.setattr(stationarity, "_in_balls", lambda *given: balls)
    monkeypatch.setattr(stationarity, "step_down", lambda *given, **derivative: witness)
    nothing = stationarity.Refutation("nothing", False, None, None, "")
    monkeypatch.setattr(stationarity, "_probe", lambda *given: nothing)
    problem = SimpleNamespace(offset=None, smallest_eigenpair=lambda: (-1.0, 1.0, np.ones(2)))
    found = stationarity._second_order(problem, 1e-9)
    assert (found.verdict, found.proved) == told
    assert found.witness is (witness if told[0] == "saddle" else None)


def test_a_step_is_taken_wherever_all_tensors_stay_finite():
    # their sum is beyond the doubles, and none of them is
    net = ReLUNetwork([[[1e308, 1.0]], [[1e308], [1.0]]], [[0.0], [1.0, 1.0]])
    still = np.zeros(net.parameter_count)
    moved = stationarity._moved(net, still)
    for own, given in zip(moved.tensors, net.tensors, strict=True):
        np.testing.assert_array_equal(own, given)


@pytest.mark.parametrize("entry", range(7))
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_step_that_takes_any_entry_out_of_the_doubles_is_none(entry, side):
    net = ReLUNetwork([[[1.0, 2.0]], [[3.0], [4.0]]], [[5.0], [6.0, 7.0]])
    way = np.zeros(7)
    way[entry] = side * 1e308
    assert stationarity._moved(net, way, 1.0) is not None
    assert stationarity._moved(net, way, 2.0) is None


def test_a_step_is_taken_once_along_a_direction():
    net, way = ReLUNetwork([[[1.0, 2.0]]], [[3.0]]), np.array([0.5, -1.0, 0.25])
    for factor, given in ((1.0, ()), (1.0, (1.0,)), (-2.0, (-2.0,))):
        weight, bias = stationarity._moved(net, way, *given).tensors
        assert weight.tolist() == [[1 + factor / 2, 2 - factor]]
        assert bias.tolist() == [3 + factor / 4]


@pytest.mark.parametrize(("most", "begun"), [(9, True), (8, False)])
def test_what_is_out_of_reach_of_balls_has_no_derivative(most, begun, monkeypatch):
    monkeypatch.setattr(stationarity, "MOST_BALLS", most)  # 3 points, 1 + 1 + 1 units
    problem = SimpleNamespace(
        X=np.zeros((3, 1)),
        net=SimpleNamespace(widths=(1, 1, 1)),
        enclosure=SimpleNamespace(bits=64),
        series=lambda direction, order: [arb(k) for k in range(order + 1)],
    )
    for order in (1, 2):
        found = stationarity.derivative_in_balls(problem, None, order)
        assert found == order if begun else found is None
