"""Local minima that are step functions: their Hessian by hand, and what must not be one."""

from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat
from planted import lowest_near

from constructions import verify
from constructions.critical import search
from constructions.critical.search import nearby_minimum
from constructions.critical.steps import _slopes_vanish, step_minimum
from constructions.proof.exact import precision
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.parameters import move


def step(kappa, mean=0.0):
    """A unit of the second layer that is 1 at x > 0 and off at x < 0, and v = (1, mean).

    The first layer reads the first coordinate, but could read the second one as well. Labels
    there are (1, mean + kappa), (1, mean - kappa) in turn, and (+-1/4, 0) at x < 0, all
    of it shifted by (3, -2) = c. In the weight w,
    v and c the Hessian is 2 / 6 times a form that is at least 5 w^2 + 4 kappa w v_2 + 4/3 v_2^2,
    positive definite for kappa^2 < 5/3.
    """
    X = np.array([[1.0, 1.0], [2.0, -1.0], [3.0, 1.0], [4.0, 2.0], [-2.0, 0.0], [-3.0, 1.0]])
    Y = np.array([[1.0, mean + kappa], [1.0, mean - kappa]] * 2 + [[0.25, 0.0], [-0.25, 0.0]])
    Y += [3.0, -2.0]
    weights = [[[1.0, 0.0], [-1.0, 0.0]], [[0.0, -2.0]], [[1.0], [mean]]]
    return ReLUNetwork(weights, [[0.0, 0.0], [1.0], [3.0, -2.0]]), X, Y


def proved(net, X, Y):
    labels = as_labels(Y, len(X), targets=None)
    with precision(192):
        return step_minimum(net, X, labels, [arb(1) / len(X)] * len(labels.classes))


@pytest.mark.parametrize("kappa", [0.5, 1.25, 1.29])
def test_a_step_function_is_a_local_minimum_if_its_hessian_is_positive(kappa):
    net, X, Y = step(kappa)
    found = verify(net, X, Y)
    assert (found.verdict, found.proved) == ("local minimum", True) and found.distance < 1e-15
    assert "a local minimum that is a step function" in found.summary()
    assert found.critical["argument"] == "critical point"
    assert found.critical["rank"] == 5 and found.critical["rank_error"] == 0.0
    assert found.loss == pytest.approx(4 / 6 * kappa**2 + 1 / 48)
    rng = np.random.default_rng(0)
    for radius in (0.1 if kappa < 1 else 1e-3, 1e-3, 1e-5):
        assert lowest_near(net, X, Y, radius, rng, 1000) > -1e-15


@pytest.mark.parametrize("kappa", [1.2915, 1.5, 3.0])
def test_with_a_larger_spread_it_is_a_saddle(kappa):
    net, X, Y = step(kappa)
    assert "Hessian" in proved(net, X, Y)[1]
    assert verify(net, X, Y).verdict == "saddle"


def test_the_exact_step_function_is_near_by():
    net, X, Y = step(0.5)
    way = np.random.default_rng(0).standard_normal(net.parameter_count)
    for size in (1e-12, 1e-9):
        moved = move(net, way, size / np.linalg.norm(way))
        labels = as_labels(Y, len(X), targets=None)
        with precision(192):
            weights = [arb(1) / len(X)] * len(labels.classes)
        found, why = nearby_minimum(moved, X, labels, weights)
        assert why == "a local minimum that is a step function"
        assert 0.01 * size < found.distance < 10 * size
        assert abs(float(found.loss.mid()) - 9 / 48) < 1e-15
        assert len(found.moves) == 3 and found.moves[0] == 0
        assert np.hypot(*found.moves[1:]) == pytest.approx(found.distance)
        assert found.rank == (5, 0.0) and found.uniqueness == 0.0 and found.ways_down == ()
        assert not (found.is_zero or found.is_best_of_cell)


def test_a_step_function_through_all_labels_has_loss_zero():
    net, X, _ = step(0.0)
    Y = np.array([[4.0, -2.0]] * 4 + [[3.0, -2.0]] * 2)
    steps, why = proved(net, X, Y)
    assert why == "a local minimum that is a step function" and steps.loss == 0
    assert search._stepped(net, steps).is_zero


def test_a_slope_that_the_layers_below_can_change_is_no_minimum():
    net, X, Y = step(0.5, mean=0.5)
    assert "slope" in proved(net, X, Y)[1]
    assert verify(net, X, Y).verdict not in ("local minimum", "global minimum")


def test_sums_that_vanish_on_the_whole_but_not_for_each_pattern_below_prove_nothing():
    # as in `step` with mean 1/2, labels of slope 0 on the whole: (1, -2, 1) and (-1, 2, -1)
    X = np.array([[1.0], [2.0], [3.0], [4.0], [-2.0], [-3.0]])
    for wave, kink, holds in (
        ([1.0, -1.0, -1.0, 1.0], -9.0, True),
        ([1.0, -1.0, -1.0, 1.0], -2.5, False),
        ([1.0, -2.0, 1.0, 0.0], -9.0, True),
    ):
        Y = np.array([[1.0 + w] for w in wave] + [[0.0]] * 2)
        # a third unit that nothing reads cuts the points at `kink`
        below = [[[1.0], [-1.0], [1.0]], [[0.0, -2.0, 0.0]], [[1.0]]]
        net = ReLUNetwork(below, [[0.0, 0.0, kink], [1.0], [0.0]])
        _, why = proved(net, X, Y)
        assert ("slope" in why) != holds


def test_the_constant_part_of_a_slope_counts():
    # errors -1 at 0, and 2, -1, 0 at 1, 2, 3: their sums with x vanish on either side of 1/2
    X = np.array([[0.0], [1.0], [2.0], [3.0], [-2.0], [-3.0]])
    Y = np.array([[2.0], [-1.0], [2.0], [1.0], [0.0], [0.0]])
    weights = [[[1.0], [-1.0], [1.0]], [[0.0, -2.0, 0.0]], [[1.0]]]
    for cut, holds in ((-9.0, True), (-0.5, False)):
        net = ReLUNetwork(weights, [[1.0, -1.0, cut], [1.0], [0.0]])
        assert ("slope" in proved(net, X, Y)[1]) != holds


def test_a_sign_that_rounding_may_have_made_is_refused():
    # 3 / 10 - 0.3 is 5e-17 in floats
    net, X, Y = step(0.5)
    weights = [np.array([[1.0, 0.0], [-1.0, 0.0], [0.1, 0.0]]), [[0.0, -2.0, 0.0]], net.weights[2]]
    other = ReLUNetwork(weights, [[0.0, 0.0, -0.3], *net.biases[1:]])
    assert 0 < other.hidden(X)[0][2, 2] < 1e-16
    found, why = proved(other, X, Y)
    assert found is None and "on or off" in why


@pytest.mark.parametrize(("weight", "is_one"), [(1e-7, True), (1e-5, False)])
def test_only_weights_that_may_be_zero_are_taken_for_zero(weight, is_one):
    net, X, Y = step(0.5)
    weights = [net.weights[0], np.array([[weight, -2.0]]), net.weights[2]]
    found, why = proved(ReLUNetwork(weights, net.biases), X, Y)
    assert (why != "") == is_one
    if is_one:
        assert not found.W[0, 0] and found.W[0, 1] == -2.0 and found.loss == fmpq(9, 48)


def test_a_unit_that_may_be_on_elsewhere_is_refused():
    # off at x < 0 by nothing: 1 - 0.5 * 2 = 0
    net, X, Y = step(0.5)
    weights = [net.weights[0], np.array([[0.0, -0.5]]), net.weights[2]]
    found, why = proved(ReLUNetwork(weights, net.biases), X, Y)
    assert found is None and "on or off" in why


def test_one_constant_for_all_points_has_no_unique_last_layer():
    net, X, Y = step(0.5)
    found, why = proved(net, X[:4], Y[:4])
    assert found is None and "unique" in why


def test_a_weight_that_acts_at_a_single_point_is_no_constant():
    # a unit below is on at the point 4 alone, and the constant unit reads it
    net, X, Y = step(0.5)
    below = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    for weight in (0.0, 0.25):
        weights = [below, np.array([[0.0, -2.0, weight]]), net.weights[2]]
        found, why = proved(ReLUNetwork(weights, [[0.0, 0.0, -3.5], *net.biases[1:]]), X, Y)
        assert (found is not None) == (weight == 0) and (why == "") == (weight != 0)


def test_layers_may_be_of_any_width():
    # a second step that is off everywhere, and a third unit below that is on and not read
    net, X, Y = step(0.5)
    weights = [np.vstack([net.weights[0], [[0.0, 1.0]]]), [[0.0, -2.0, 0.0], [0.0, -1.0, 0.0]]]
    weights.append(np.c_[net.weights[2], [0.0, 0.0]])
    wide = ReLUNetwork(weights, [[0.0, 0.0, 9.0], [1.0, -1.0], net.biases[2]])
    found, why = proved(wide, X, Y)
    assert why == "a local minimum that is a step function" and found.loss == fmpq(9, 48)
    assert found.on.tolist() == [True, False]


def test_networks_without_a_constant_layer_are_left_alone():
    net, X, Y = step(0.5)
    assert proved(ReLUNetwork(net.weights[:1], net.biases[:1]), X, Y)[1] == ""
    weights = [net.weights[0], np.array([[0.25, -2.0]]), net.weights[2]]
    assert proved(ReLUNetwork(weights, net.biases), X, Y)[1] == ""


@pytest.mark.parametrize(
    ("errors", "vanish"), [([0, 5, 1, -1], True), ([1, 5, 1, -1], False), ([0, 5, 1, -2], False)]
)
def test_slopes_count_where_the_unit_itself_is_on_and_by_the_patterns_below(errors, vanish):
    X = np.array([[1.0], [2.0], [3.0], [3.0]])
    below, own = np.array([[1], [1], [0], [0]], bool), np.array([[1], [0], [1], [1]], bool)
    labels, weights = SimpleNamespace(index=np.zeros(4, int)), [fmpq(1, 4)]
    last, rows = fmpq_mat([[1], [0]]), [[fmpq(e)] for e in errors]
    found = _slopes_vanish(X, [below, own], np.array([True]), labels, weights, last, rows)
    assert found is vanish
