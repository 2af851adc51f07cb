"""Units at rest below kinks at dead points, which they part as they grow."""

import numpy as np
import pytest
from decayed import loss_of

from constructions import verify
from geomcore import ReLUNetwork

DECAY = 0.1
X = np.array([[4.0], [8.0], [-0.5], [-1.0]])
FIRST, SIZE, LAST = np.array([0.625, 0.140625]), 0.640625, -0.25  # |(w, b)| = |v| = SIZE


def critical(apart, resting=(1, 0)):
    """A network (1-1-1-1), with units at rest, and targets with which its slope is zero.

    The unit of layer 2 is on its kink at the last two points, at which layer 1 is dead. Their
    slopes are `apart`; outputs do not tell them apart.
    """
    more, again = resting
    one = np.zeros((1 + more, 2))
    one[0] = FIRST
    two, three = np.zeros((1 + again, 1 + more)), np.zeros((1, 1 + again))
    two[0, 0] = three[0, 0] = SIZE
    net = ReLUNetwork([one[:, :1], two, three], [one[:, 1], np.zeros(1 + again), [LAST]])
    on = np.linalg.solve(np.column_stack([X[:2], np.ones(2)]).T, -DECAY * FIRST / SIZE**2)
    off = (-DECAY * LAST - on.sum()) / 2 + apart / 2 * np.array([1, -1])
    return net, net(X) - len(X) / 2 * np.concatenate([on, off])[:, None]


def said(net, Y):
    return verify(net, X, np.arange(len(Y)), targets=Y, loss="mse", weight_decay=DECAY)


def test_kinks_each_inside_of_their_bounds_are_proved():
    found = said(*critical(0.0))
    assert (found.verdict, found.proved) == ("local minimum", True)
    assert all(0 < kink.multiplier < kink.rise for kink in found.kinks)


@pytest.mark.parametrize("apart", [2.0, 8.0])
def test_without_units_at_rest_the_sums_of_multipliers_are_enough(apart):
    found = said(*critical(apart, (0, 0)))
    assert (found.verdict, found.proved) == ("local minimum", True)
    assert min(kink.rise for kink in found.kinks) < 0


@pytest.mark.parametrize("resting", [(1, 0), (2, 1)])
@pytest.mark.parametrize("apart", [2.0, 8.0, -8.0])
def test_a_unit_at_rest_below_parts_kinks_at_dead_points(apart, resting):
    # it goes on at one of these points more than at the other, and with it the unit above
    net, Y = critical(apart, resting)
    way = {True: (-1.0, 0.0), False: (0.6, 0.6)}[apart > 0]
    start = loss_of(net.tensors, X, Y, "mse", DECAY)
    for t in (1e-2, 1e-3, 1e-4):
        near = [part.copy() for part in net.tensors]
        near[0][1], near[1][1], near[2][0, 1] = t * way[0], t * way[1], t
        assert loss_of(near, X, Y, "mse", DECAY) < start - 1e-2 * t * t
    assert said(net, Y).verdict not in ("local minimum", "global minimum")


def test_units_at_rest_above_cost_and_change_nothing():
    for above in (0, 14):  # signs of 15 slopes would be 32,768 choices
        assert said(*critical(0.0, (1, above))).verdict == "local minimum"
