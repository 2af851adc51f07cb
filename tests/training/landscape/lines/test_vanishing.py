"""A loss of zero on a whole segment is proved, and nothing else is taken for one."""

import pytest

from geomcore import ReLUNetwork
from training import barrier

# max(x, 0) by one unit; of two units with the same output the last layers may share it.
RAMP = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
TWO = [[1.0], [1.0]]
X = [[-1.0], [2.0], [3.0]]
Y = [[0.0], [2.0], [3.0]]


def shared(part):
    return ReLUNetwork([TWO, [[part, 1.0 - part]]], [[0.0, 0.0], [0.0]])


def bounds(found):
    return found.lower, found.upper, found.is_tight, found.nodes


ZERO = (0.0, 0.0, True, ((0.0, 0.0), (0.0, 0.0)))


# By hand


@pytest.mark.parametrize("y", [Y, [[0.0], [2.0], [2.0]]])
def test_between_equal_networks_there_is_only_one_loss(y):
    found = barrier(RAMP, RAMP, X, y)
    if y == Y:
        assert bounds(found) == ZERO
    else:
        assert found.lower <= 1 / 3 <= found.upper and found.lower > 0


def test_a_constant_target_that_is_met_is_tight():
    # the best constant has no loss, so that nothing is small beside it
    assert bounds(barrier(RAMP, RAMP, [[2.0]], [[2.0]])) == ZERO
    assert bounds(barrier(RAMP, RAMP, [[2.0], [2.0]], [[2.0]] * 2, loss="class_weighted")) == ZERO


def test_last_layers_of_zero_loss_have_zero_loss_between_them():
    assert bounds(barrier(shared(0.25), shared(1.0), X, Y)) == ZERO
    found = barrier(shared(0.25), shared(1.0), X, Y, via=[shared(0.5)])
    assert (found.lower, found.upper, found.nodes) == (0.0, 0.0, ((0.0, 0.0),) * 3)


def test_one_output_and_a_softmax_is_always_right():
    other = ReLUNetwork([[[-3.0]], [[7.0]]], [[1.0], [2.0]])
    assert bounds(barrier(RAMP, other, X, [0, 0, 0], loss="cross_entropy")) == ZERO


# Laws


def test_a_way_over_other_hidden_layers_is_no_zero():
    twice = ReLUNetwork([[[4.0]], [[0.25]]], [[0.0], [0.0]])
    found = barrier(RAMP, twice, X, Y)
    assert found.upper >= found.lower > 0.1
    for nodes in found.nodes:
        assert nodes[0] == 0 and nodes[1] < 1e-12
    path = barrier(RAMP, twice, X, Y, via=[RAMP])
    assert (path.segment, path.nodes[0]) == (1, (0.0, 0.0)) and path.lower > 0.1


def test_what_is_near_zero_is_not_zero():
    for step in (2.0**-52, 1e-9, 1e-3):
        near = ReLUNetwork([[[1.0]], [[1.0 + step]]], [[0.0], [0.0]])
        found = barrier(RAMP, near, X, Y)
        assert found.upper > 0 and found.upper >= step**2 * 13 / 3 * (1 - 1e-9)
    # the last bit of a sum that floats round away
    far = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [1e-30]])
    assert barrier(far, far, [[2.0]], [[2.0]], seconds=1.0).upper >= 1e-60


@pytest.mark.parametrize("decay", [1e-300, 0.1])
def test_weight_decay_is_never_zero(decay):
    found = barrier(RAMP, RAMP, X, Y, weight_decay=decay)
    assert found.upper >= decay and found.nodes[0][1] > 0


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_at_any_size_zero_is_zero(size):
    net = ReLUNetwork([[[size]], [[1.0]]], [[0.0], [0.0]])
    assert bounds(barrier(net, net, [[1.0]], [[size]])) == ZERO
    found = barrier(net, net, [[1.0]], [[size / 2]], seconds=1.0)
    assert found.upper > 0


def test_no_hidden_layer_and_dependent_points_are_no_exception():
    a, b = (ReLUNetwork([[[w, 1.0 - w]]], [[0.0]]) for w in (0.0, 1.0))
    assert (
        bounds(barrier(a, b, [[2.0, 2.0], [2.0, 2.0], [5.0, 5.0]], [[2.0], [2.0], [5.0]])) == ZERO
    )
