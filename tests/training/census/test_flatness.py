"""Flat directions at critical points whose families are known."""

import numpy as np
import pytest
from naive import difference_quotients
from settling_problems import on_a_kink

from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from training import settle
from training.census.flatness import flatness

LINE = np.array([[0.0], [1.0], [2.0], [3.0]])
ZIGZAG = np.array([[0.0], [1.0], [0.0], [1.0]])
FIT = ReLUNetwork([[[1.0], [-1.0]], [[1.2, 1.0]]], [[1.0, 4.0], [-5.0]])  # two units, always on
WITH_DEAD = ReLUNetwork([[[1.0], [-1.0], [1.0]], [[1.2, 1.0, 3.0]]], [[1.0, 4.0, -9.0], [-5.0]])


def counted(net, X, y, **kind):
    settled = settle(net, X, y, **kind)
    assert settled.is_critical
    return flatness(settled, X, as_labels(y, len(X))), settled


# By hand


def test_two_linear_units_are_a_family_of_three_dimensions():
    # 7 parameters, slope and value of one line, and two scales
    found, _ = counted(FIT, LINE, ZIGZAG)
    assert found == (7, 2, 2) and found.flat == 3


def test_a_unit_that_is_never_on_adds_nothing():
    found, settled = counted(WITH_DEAD, LINE, ZIGZAG)
    assert (settled.network.hidden(LINE)[0] > 0).sum(axis=0).tolist() == [4, 4, 0]
    assert found == (10, 2, 2 + 3) and found.flat == 3


def test_a_kink_takes_a_dimension():
    net, X, Y = on_a_kink()
    found, settled = counted(net, X, Y)
    assert len(settled.kinks) == 1
    # slope to the right of the kink, value there, the kink; the scale of the unit
    assert found == (4, 3, 1) and found.flat == 0


def test_under_the_softmax_what_is_added_to_all_outputs_is_known():
    y = np.array([0, 1, 0, 1])
    net = ReLUNetwork([[[0.0], [0.1]]], [[0.0, 0.0]])
    found, settled = counted(net, LINE, y, loss="cross_entropy")
    assert found == (4, 2, 2) and found.flat == 0
    assert len(settled.spectrum) == 2


def test_under_the_softmax_dead_units_are_counted_once():
    y = np.array([0, 1, 0, 1])
    net = ReLUNetwork([[[1.0], [-1.0]], np.eye(2)], [[1.0, -9.0], [0.0, 0.0]])
    found, settled = counted(net, LINE, y, loss="cross_entropy")
    assert (settled.network.hidden(LINE)[0] > 0).sum(axis=0).tolist() == [4, 0]
    # the scale of a unit, all of a dead one, and the same function added to both outputs
    assert found == (10, 2, 1 + 4 + 2) and found.flat == 1


def test_with_weight_decay_units_that_are_on_at_the_same_points_turn():
    net = ReLUNetwork([[[0.5], [0.4]], [[0.5, 0.4]]], [[0.3, 0.2], [0.0]])
    X, y = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [3.0]])
    found, settled = counted(net, X, y, weight_decay=0.01)
    assert (settled.network.hidden(X)[0] > 0).all()
    assert found == (7, 6, 0) and found.flat == 1


# Against difference quotients of the outputs


@pytest.mark.parametrize("seed", [2, 3, 5, 6, 7, 8])  # they settle off all kinks
def test_the_rank_is_that_of_the_outputs_as_functions_of_the_parameters(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(12, 2)), rng.normal(size=(12, 1))
    net = ReLUNetwork(
        [rng.normal(size=(m, n)) for n, m in ((2, 2), (2, 1))], [rng.normal(size=m) for m in (2, 1)]
    )
    settled = settle(net, X, y)
    assert settled.is_critical and not settled.kinks
    found = flatness(settled, X, as_labels(y, 12))
    theta = settled.network.packed()[0]

    def outputs(theta):
        W, v = theta[:4].reshape(2, 2), theta[6:8]
        return np.maximum(X @ W.T + theta[4:6], 0) @ v + theta[8]

    rows = difference_quotients(outputs, theta)
    sizes = np.linalg.svd(rows, compute_uv=False)
    assert found.rank == (sizes > 1e-6 * sizes[0]).sum()
    assert found.parameters == 9
