"""Classes that a network takes for each other are found; a network may also be only bad."""

import numpy as np
import pytest

from geomcore import ReLUNetwork
from training.experiments.settled.swapped import Swap, _cycles, swap_of


def answering(order, points, wrong=0):
    """A network, points and labels: class c is answered order[c], but for the first few points."""
    count = len(order)
    y = np.repeat(np.arange(count), points)
    answers = np.array(order)[y]
    for c in range(count):
        answers[np.flatnonzero(y == c)[:wrong]] = (order[c] + 1) % count
    return ReLUNetwork([np.eye(count)], [np.zeros(count)]), np.eye(count)[answers], y


# By hand


def test_a_network_whose_outputs_are_in_another_order_is_told_which():
    net, X, y = answering((1, 2, 0), 10)
    names = np.array(["cat", "dog", "eel"])[y]
    found = swap_of(net, X, names)
    assert found == Swap(("cat", "dog", "eel"), ("dog", "eel", "cat"), 0.0, 1.0)
    text = found.told()
    assert "0.0% of the points by their own class, and 100.0% if" in text
    assert "takes those of cat as dog, those of dog as eel, those of eel as cat." in text


def test_two_of_many_classes_are_found_and_the_others_are_not_named():
    order = [0, 1, 2, 7, 4, 5, 6, 3, 8, 9]
    found = swap_of(*answering(order, 20, wrong=2))
    assert (found.labels, found.answers) == ((3, 7), (7, 3))
    assert found.accuracy == pytest.approx(0.72) and found.fitted == pytest.approx(0.9)


def test_one_output_with_two_targets_the_wrong_way_round():
    net = ReLUNetwork([[[1.0]]], [[0.0]])
    X, y = [[1.0]] * 4 + [[0.0]] * 4, [0] * 4 + [1] * 4
    assert swap_of(net, X, y, targets=[[0], [1]]).fitted == 1
    assert swap_of(net, X, y, targets=[[1], [0]]) is None
    # of a logistic output at 0.3 the answer is the positive class
    X = [[0.3]] * 4 + [[-3.0]] * 4
    assert swap_of(net, X, y, targets=[[0], [1]], loss="bce").fitted == 1
    assert swap_of(net, X, y, targets=[[0], [1]]) is None


def test_of_many_classes_six_are_named():
    text = swap_of(*answering(np.roll(np.arange(20), 1), 3)).told()
    assert text.count("those of") == 6 and "and 14 more" in text


# Laws


def test_a_network_that_is_only_bad_is_not_said_to_be_exchanged():
    rng = np.random.default_rng(0)
    for count in (2, 3, 5, 10):
        net, y = ReLUNetwork([np.eye(count)], [np.zeros(count)]), np.arange(300) % count
        for X in (rng.normal(size=(300, count)), np.zeros((300, count)), np.eye(count)[0 * y]):
            assert swap_of(net, X, y) is None
    # right at a half: either order is as good
    X = np.eye(2)[np.arange(300) // 2 % 2]
    assert swap_of(ReLUNetwork([np.eye(2)], [np.zeros(2)]), X, np.arange(300) % 2) is None


def test_a_cycle_counts_as_a_whole_or_not_at_all():
    net, X, y = answering((1, 0, 3, 2), 20)
    X[y == 0] = np.eye(4)[np.arange(20) % 4]  # the first two are a muddle now
    found = swap_of(net, X, y)
    assert (found.labels, found.answers) == ((2, 3), (3, 2))


def test_few_points_are_no_evidence():
    assert swap_of(*answering((1, 0), 2)) is None
    assert swap_of(*answering((1, 0), 3)) is not None


@pytest.mark.parametrize("order", [(0,), (0, 1, 2), (2, 0, 1), (1, 0, 3, 2), (0, 2, 1)])
def test_cycles_hold_every_class_once(order):
    cycles = _cycles(np.array(order))
    assert sorted(c for cycle in cycles for c in cycle) == list(range(len(order)))
    assert all(order[a] == b for c in cycles for a, b in zip(c, c[1:] + c[:1], strict=True))


# Degenerate


def test_target_vectors_and_a_single_class_have_no_order():
    net = ReLUNetwork([np.eye(2)], [np.zeros(2)])
    X = np.eye(2)[[0, 0, 0, 1, 1, 1]]
    assert swap_of(net, X, X[::-1]) is None
    assert swap_of(ReLUNetwork([[[1.0]]], [[0.0]]), np.ones((9, 1)), [0] * 9) is None


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_sizes_do_not_matter_nor_do_outputs_that_overflow(scale):
    _, X, y = answering((1, 0), 10)
    big = ReLUNetwork([scale * np.eye(2)], [np.zeros(2)])
    assert swap_of(big, X, y).fitted == 1
    if scale > 1:
        swap_of(big, 1e300 * X, y)
