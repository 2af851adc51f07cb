import numpy as np
import pytest

from constructions.proof.enclosure import enclose
from constructions.proof.examination import pattern_check, truncation_checks
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels

# Both rows of the first layer are the same map of x, but for the bias: it has rank one.
TWICE = [[1.0, 0.0], [1.0, 0.0]]


def checks(net, X, y=None):
    """The checks on collapse and on the identity, in this order."""
    labels = as_labels(np.zeros(len(X), int) if y is None else y, len(X))
    return truncation_checks(net, np.array(X, float), labels)


def pattern(net, X):
    X = np.array(X, float)
    return pattern_check(enclose(net, X, as_labels(np.zeros(len(X), int), len(X), targets=[[0]])))


# By hand


def test_the_pattern_has_the_smallest_pre_activation():
    net = ReLUNetwork([[[1.0], [-4.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    found = pattern(net, [[1.0], [0.25], [3.0]])
    assert found.passed is True and 0.24 < found.value <= 0.25
    assert "0.25" in found.detail
    net = ReLUNetwork([[[1.0]], [[1.0]], [[1.0]]], [[0.0], [4.0], [0.0]])
    assert 0.98 < pattern(net, [[1.0], [3.0]]).value <= 1  # and 5 in the second layer


def test_a_pre_activation_of_zero_is_a_kink():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-1.0], [0.0]])
    found = pattern(net, [[1.0], [2.0]])
    assert (found.passed, found.value) == (False, 0.0)
    assert found.detail.startswith("1 pre-activation is exactly zero")


def test_without_hidden_layers_no_pre_activation_is_near_zero():
    assert pattern(ReLUNetwork([[[1.0]]], [[0.0]]), [[0.0]])[1:3] == (True, np.inf)


def test_the_layer_that_fails_most_is_named():
    # At x = 1/2 the first layer puts out (1/2, 0), and W x_tau + b is (3/4, -1/4).
    X = [[0.5, 0.0], [2.0, 0.0]]
    net = ReLUNetwork([TWICE, [[1.0, 1.0]]], [[0.0, -1.0], [0.0]])
    found = checks(net, X)[1]
    assert found.passed is False and found.value == pytest.approx(np.sqrt(1 / 8), rel=1e-12)
    assert "(layer 1, rank 1)" in found.detail
    # The second one puts out 1/2, where the truncated points give 1.
    net = ReLUNetwork([TWICE, [[1.0, -1.0]]], [[0.0, -1.0], [0.0]])
    found = checks(net, X)[1]
    assert found.passed is False and found.value == pytest.approx(0.5, rel=1e-12)
    assert "(layer 2, rank 0)" in found.detail


def test_the_first_layer_is_named_where_nothing_fails():
    net = ReLUNetwork([np.eye(2), np.eye(2)], [[0.0, 0.0]] * 2)
    found = checks(net, [[1.0, 2.0]])[1]
    assert (found.passed, found.value) == (True, 0.0)
    assert "(layer 1, rank 2)" in found.detail


@pytest.mark.parametrize("size", [2.0**-6, 1.0, 64.0])
@pytest.mark.parametrize(("share", "holds"), [(2e-8, True), (4e-8, False)])
def test_a_defect_is_compared_with_the_largest_output_of_any_layer(size, share, holds):
    # At x = share/2 the first layer fails by share/sqrt(8), and its largest output is 1.
    net = ReLUNetwork([TWICE, [[1e-3, 1e-3]]], [[0.0, -share * size], [0.0]])
    found = checks(net, [[share * size / 2, 0.0], [size, 0.0]])[1]
    assert found.value == pytest.approx(share * size / np.sqrt(8), rel=1e-6)
    assert found.passed is holds


@pytest.mark.parametrize(("apart", "holds"), [(1.2e-8, True), (2e-8, False)])
def test_a_defect_is_taken_as_it_is_where_all_outputs_are_zero(apart, holds):
    net = ReLUNetwork([TWICE, [[1.0, 1.0]]], [[-1.0, -1.0 - apart], [0.0]])
    found = checks(net, [[0.0, 0.0]])[1]
    assert found.value == pytest.approx(apart / np.sqrt(2), rel=1e-6)
    assert found.passed is holds


def test_classes_are_as_wide_as_their_widest_after_truncation():
    # Nothing is truncated; the classes are 3 and 8 wide, and the points 5 from the first one.
    X = [[4.0, 2.0], [1.0, 2.0], [1.0, 1.0], [9.0, 6.0]]
    net = ReLUNetwork([np.eye(2), np.eye(2)], [[0.0, 0.0]] * 2)
    for y, widest in (([0, 0, 1, 1], 8), ([1, 1, 0, 0], 8), ([0, 0, 1, 2], 3)):
        found = checks(net, X, y)[0]
        assert found.passed is False and found.value == widest / 5


@pytest.mark.parametrize(("share", "holds"), [(0.9e-8, True), (1.5e-8, False)])
def test_a_class_collapses_up_to_rounding(share, holds):
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    found = checks(net, [[0.0], [8.0], [8.0 + 8 * share]], [0, 1, 1])[0]
    assert found.value == pytest.approx(share, rel=1e-6) and found.passed is holds


def test_one_point_is_collapsed():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    assert checks(net, [[3.0], [3.0]])[0][1:3] == (True, 0.0)


def test_without_hidden_layers_nothing_is_truncated():
    collapse, identity = checks(ReLUNetwork([[[1.0]]], [[0.5]]), [[3.0]])
    assert collapse.passed is None and "no hidden layer" in collapse.detail
    assert identity.passed is True


def test_what_overflows_is_not_judged():
    net = ReLUNetwork([[[1e200]], [[1e200]]], [[0.0], [0.0]])
    for found in checks(net, [[1.0]]):
        assert found.passed is None and "do not fit double precision" in found.detail
