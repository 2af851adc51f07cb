"""What stands in a certificate, by hand."""

from fractions import Fraction

import numpy as np
import pytest
from builders import random_network

from constructions import cell_radius, verify
from geomcore import ReLUNetwork

FOLD = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])  # |x|
SIDES = np.array([[-2.0], [-1.0], [1.0], [2.0]])


def test_an_exact_fit_that_no_cell_bound_explains_has_a_radius_and_no_basin():
    # two lines with two points each are four free outputs, and the last layer reaches three
    found = verify(FOLD, SIDES, np.abs(SIDES))
    assert (found.verdict, found.proved, found.loss_bound) == ("global minimum", True, 0.0)
    assert (found.distance, found.lower_bound, found.basin) == (0.0, 0.0, None)
    assert 0 < found.radius <= 1


def test_the_defaults_stand_in_the_certificate():
    found = verify(FOLD, SIDES, np.abs(SIDES))
    assert (found.rtol, found.gtol, found.exact, found.subset) == (1e-8, 1e-9, False, None)
    assert verify(FOLD, SIDES, np.abs(SIDES), exact=True).exact is True
    for subset, names in (("last", ("W2", "b2")), ("W2", ("W2",)), ("cumulative", ("cumulative",))):
        assert verify(FOLD, SIDES, np.abs(SIDES), subset=subset).subset == names


def test_the_activation_margin_is_the_smallest_of_the_layers():
    net = ReLUNetwork([[[1.0]], [[1.0]], [[1.0]]], [[0.0], [8.0], [0.0]])
    found = verify(net, [[1.0]], [[9.0]])
    assert found.margins == pytest.approx((1.0, 9 / 65**0.5))
    assert found.activation_margin == found.margins[0] <= 1
    assert verify(ReLUNetwork([[[1.0]]], [[0.0]]), [[1.0]], [[1.0]]).activation_margin == np.inf


def test_without_a_proof_the_lower_bound_is_zero():
    found = verify(FOLD, SIDES, np.abs(SIDES) + [[1.0], [2.0], [4.0], [9.0]])
    assert (found.verdict, found.lower_bound) == ("not stationary", 0.0)
    # a zero loss next to it is one, too
    near = verify(
        ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]]), [[0.0], [2.0]], [[1 + 1e-9], [0]]
    )
    assert (near.verdict, near.lower_bound) == ("global minimum", 0.0)
    assert near.distance == pytest.approx(1e-9, rel=1e-6) and near.loss_floor > 0


@pytest.mark.parametrize(
    ("targets", "error", "verdict"),
    [
        ([0.0, 1e-3], 1e-9, "not stationary"),  # a millionth of the longest target
        ([0.0, 1e-3], 1e-13, "global minimum"),
        ([1e-3, 1.0], 1e-9, "global minimum"),  # a billionth of it
        ([1e-3, 1.0], 1e-7, "not stationary"),
        ([0.0, 0.0], 1e-10, "global minimum"),  # without targets, of 1
        ([0.0, 0.0], 1.2e-8, "not stationary"),  # a loss of 1.4e-16
        ([0.0, 0.0], 1e-7, "not stationary"),
    ],
)
def test_large_idle_weights_excuse_no_error(targets, error, verdict):
    # the second unit is dead, and its last weight makes any change of the others small
    net = ReLUNetwork(
        [[[-1.0], [1.0]], [[targets[0] - targets[1], 1e8]]],
        [[1.0, -9.0], [targets[1] + error]],
    )
    found = verify(net, [[0.0], [2.0]], [0, 1], targets=np.array(targets)[:, None])
    assert found.verdict == verdict and found.checks[1].value <= 1.5 * error


def test_a_last_layer_of_zeros_is_at_distance_zero_of_itself():
    found = verify(ReLUNetwork([[[1.0]], [[0.0]]], [[1.0], [0.0]]), [[1.0]], [[0.0]])
    assert (found.verdict, found.distance) == ("global minimum", 0.0)


@pytest.mark.parametrize(("excess", "verdict"), [(3.5, "local minimum"), (4.5, "not stationary")])
def test_a_loss_may_exceed_the_bound_by_four_roundings(excess, verdict):
    # outputs b, targets 1 and -1: the loss is 1 + b^2; the idle weight allows any b
    b = (excess * 2.0**-52) ** 0.5
    net = ReLUNetwork([[[1e3]]], [[b]])
    found = verify(net, [[0.0], [0.0]], [[1.0], [-1.0]], subset="b1", rtol=1e-9, gtol=1e-12)
    assert found.verdict == verdict
    assert found.gradient_norm == pytest.approx(2 * b, rel=1e-9)


def test_without_any_tolerance_what_is_exact_is_still_proved():
    found = verify(FOLD, SIDES, np.abs(SIDES), rtol=0.0)
    assert (found.verdict, found.distance) == ("global minimum", 0.0)
    mean = verify(
        ReLUNetwork([[[0.0]]], [[2.0]]), [[1.0], [2.0]], [[1.0], [3.0]], rtol=0.0, subset="b1"
    )
    assert (mean.verdict, mean.distance, mean.lower_bound) == ("local minimum", 0.0, 1.0)


def test_the_distance_is_measured_against_the_last_layer():
    # the first layer is large, the last one small, and 1e-10 is 0.01 of it
    net = ReLUNetwork([[[-1e8]], [[1e-8]]], [[1e8], [1e-10]])
    found = verify(net, [[0.0], [2.0]], [[1.0], [0.0]])
    # so that all there is to say is that none is lower by more than the loss
    assert found.loss < 1e-19 and found.distance is None and found.slack == found.loss_bound


def test_margins_are_relative_to_their_layer_and_zero_for_a_layer_of_zeros():
    net = ReLUNetwork([[[0.25]], [[0.0]], [[1.0]]], [[0.0], [0.0], [0.0]])
    found = verify(net, [[1.0]], [[0.0]])
    assert found.margins == (pytest.approx(1.0), 0.0)


def test_the_radius_is_what_the_distance_leaves_of_the_cell():
    net, X = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]]), np.array([[0.0], [2.0], [3.0]])
    for error in (0.0, 1e-3, 2e-3, 3e-3):
        found = verify(net, X, [[1 + error], [0.0], [0.0]], rtol=1e-2)
        assert found.verdict == "global minimum" and found.distance >= 0.6 * error
        room = Fraction(cell_radius(net, X)) - Fraction(found.distance)
        assert 0 <= room - Fraction(found.radius) <= Fraction(1, 10**15)
    flat = verify(ReLUNetwork([[[1.0]]], [[0.0]]), X, X)
    assert (flat.verdict, flat.radius) == ("global minimum", np.inf)


@pytest.mark.parametrize("subset", ["last", "cumulative", "W2", ("b1", "W2", "b2")])
def test_a_minimum_in_some_tensors_has_neither_radius_nor_basin(subset):
    found = verify(FOLD, SIDES, np.abs(SIDES), subset=subset)
    assert (found.verdict, found.radius, found.basin) == ("global minimum", None, None)


@pytest.mark.parametrize("held", ["W2", "b2"])
def test_a_cell_proves_no_minimum_while_part_of_the_last_layer_is_held(held):
    X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [3.0], [0.0]])
    net = ReLUNetwork([[[1.0]], [[0.0]]], [[1.0], [1.0]])
    assert verify(net, X, Y).verdict == "local minimum"
    found = verify(net, X, Y, subset=[n for n in net.names if n != held])
    assert found.verdict != "local minimum"
    assert any("held fixed" in check.detail for check in found.checks)


def test_the_check_of_descent_says_whether_none_was_found():
    X, Y = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 0.0]]), np.array([[0.0], [3.0], [0.0]])
    net = ReLUNetwork([[[1.0, 1.0]], [[0.0]]], [[1.0], [2.0]])
    for subset in (None, "cumulative"):
        found = verify(net, X, Y, subset=subset)
        (check,) = [c for c in found.checks if c.name == "no descent found"]
        assert found.witness is not None and check.passed is False


def test_the_gap_is_what_the_loss_may_be_above_the_bound():
    rng = np.random.default_rng(0)
    kinds = set()
    for seed in range(20):
        X, Y = rng.standard_normal((6, 2)), rng.standard_normal((6, 1))
        net = random_network((2, 2, 1), np.random.default_rng(seed))
        if seed % 2:  # with its least-squares last layer, which may be the best of the cell
            H = np.c_[net.hidden(X)[-1], np.ones(6)]
            last = np.linalg.lstsq(H, Y, rcond=None)[0].T
            net = ReLUNetwork([net.weights[0], last[:, :-1]], [net.biases[0], last[:, -1]])
        found = verify(net, X, Y)
        exact = Fraction(found.loss_bound) - Fraction(found.lower_bound)
        assert exact <= Fraction(found.gap) <= exact + Fraction(np.spacing(float(exact))) * 2
        kinds.add(found.lower_bound > 0)
    assert kinds == {True, False}
    zero = verify(ReLUNetwork([[[1.0]]], [[0.0]]), [[0.0], [1.0]], [[0.0], [1.0]])
    assert (zero.loss_bound, zero.gap, zero.slack) == (0.0, 0.0, 0.0)


def test_products_take_one_thread_and_afterwards_as_many_as_before(monkeypatch):
    from threadpoolctl import threadpool_info

    from constructions.verification import verification

    def threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    seen, real, before = [], verification.near_point, threads()
    monkeypatch.setattr(
        verification, "near_point", lambda *args: seen.append(threads()) or real(*args)
    )
    net = random_network([2, 3, 2], np.random.default_rng(0))
    verify(net, [[0.0, 0.0], [1.0, 2.0], [2.0, 1.0]], [0, 1, 0])
    assert seen == [{1}] and threads() == before
