"""Flat directions at critical points whose families are known."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from settling_problems import on_a_kink

from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from training import settle
from training.census.flatness import flatness
from training.census.starts import starts
from training.settling.settled import KinkedPair

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


def test_with_weight_decay_directions_that_do_not_bend_are_flat():
    net = ReLUNetwork([[[0.5], [0.4]], [[0.5, 0.4]]], [[0.3, 0.2], [0.0]])
    X, y = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [3.0]])
    settled = settle(net, X, y, weight_decay=0.01)
    for least, unbent in ((0.0, 1), (-1e-12, 1), (5e-10, 1), (2e-9, 0)):
        spectrum = np.append(least * settled.spectrum.max(), settled.spectrum[1:])
        found = flatness(replace(settled, spectrum=spectrum), X, as_labels(y, 3))
        assert found == (7, 6 - unbent, 0) and found.flat == 1 + unbent


# Against derivatives by imaginary steps, and tangents of its symmetries one by one


def tensors(widths, theta):
    at, found = 0, []
    for n, m in pairwise(widths):
        found.append((theta[at : at + m * n].reshape(m, n), theta[at + m * n : at + m * n + m]))
        at += m * n + m
    return found


def seen(settled, X, theta, masks):
    """What the loss sees of the outputs of the masked network, and pre-activations on kinks."""
    values, read = [], X
    for (W, b), mask in zip(tensors(settled.network.widths, theta), [*masks, 1], strict=True):
        values.append(read @ W.T + b)
        read = values[-1] * mask
    if settled.loss_name == "cross_entropy":
        read = read - read.mean(axis=1, keepdims=True)
    return np.concatenate(
        [read.ravel(), [values[k.layer - 1][k.point, k.unit] for k in settled.kinks]]
    )


def symmetries(settled, masks):
    """Directions in which nothing changes, whatever the parameters are."""
    widths = settled.network.widths
    theta, rows = settled.network.packed()[0], []
    here = tensors(widths, theta)

    def moved(change):
        row = np.zeros_like(theta)
        change(tensors(widths, row))
        rows.append(row)

    for l, mask in enumerate(masks):
        for u in range(mask.shape[1]):
            on_kink = any((k.layer - 1, k.unit) == (l, u) for k in settled.kinks)
            if mask[:, u].any():

                def scale(parts, l=l, u=u):
                    parts[l][0][u], parts[l][1][u] = here[l][0][u], here[l][1][u]
                    parts[l + 1][0][:, u] = -here[l + 1][0][:, u]

                moved(scale)
            elif not on_kink:
                own = np.zeros_like(theta)
                parts = tensors(widths, own)
                parts[l][0][u], parts[l][1][u], parts[l + 1][0][:, u] = 1, 1, 1
                rows += [np.eye(len(theta))[i] for i in np.flatnonzero(own)]
    if settled.loss_name == "cross_entropy":
        for k in range(widths[-2]):
            moved(lambda parts, k=k: parts[-1][0][:, k].fill(1))
        moved(lambda parts: parts[-1][1].fill(1))
    return np.array(rows)


# Seeds that settle: on kinks of either layer, of units that are on elsewhere or nowhere, with dead
# units, and with saturated outputs.
SEEDS = {
    ("mse", (2, 2, 1)): (0, 2, 5, 12, 26),
    ("mse", (2, 3, 2, 1)): (3, 5, 10, 12, 17, 18),
    ("cross_entropy", (2, 2, 2)): (1, 4, 13, 16, 31, 39),
    ("cross_entropy", (2, 3, 2, 2)): (4, 6, 9, 12, 22, 23),
}


@pytest.mark.parametrize(
    ("loss", "widths", "seed"), [(*kind, seed) for kind, seeds in SEEDS.items() for seed in seeds]
)
def test_it_is_the_kernel_less_the_symmetries(loss, widths, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(16, 2)), rng.normal(size=(16, 1))
    if loss == "cross_entropy":
        y = rng.integers(0, 2, 16)
    (net,) = starts(widths, [seed])
    settled = settle(net, X, y, loss=loss)
    assert settled.is_critical
    assert flatness(settled, X, as_labels(y, 16)) == expected(settled, X)


@pytest.mark.parametrize(
    ("net", "kink"),
    [
        # a unit that is nowhere on but on its kink at the first point
        (ReLUNetwork([[[1.0], [-1.0]], np.eye(2)], [[1.0, 0.0], [0.0, 1.0]]), (1, 0, 1)),
        # the same in the first layer of two, with a dead unit of its number in the second
        (
            ReLUNetwork([[[1.0], [-1.0]], np.eye(2), np.eye(2)], [[1.0, 0.0], [0, -9], [0, 1]]),
            (1, 0, 1),
        ),
        # and in the second
        (
            ReLUNetwork([[[1.0]], [[1.0], [-1.0]], np.eye(2)], [[1.0], [0, 1], [0, 1]]),
            (2, 0, 1),
        ),
    ],
)
def test_under_the_softmax_units_on_kinks_alone_are_read(net, kink):
    y = np.array([0, 1, 0, 1])
    settled = settle(net, LINE, y, loss="cross_entropy", seconds=1e-3)
    settled = replace(settled, network=net, kinks=(KinkedPair(*kink, 0.1, 0.2),))
    assert flatness(settled, LINE, as_labels(y, 4)) == expected(settled, LINE)


def expected(settled, X):
    """Parameters, rank and symmetries, in another way."""
    masks = [value > 0 for value in settled.network.hidden(X)]
    for k in settled.kinks:
        masks[k.layer - 1][k.point, k.unit] = False
    theta = settled.network.packed()[0]
    # the masked network is a polynomial, so imaginary steps give derivatives to the last bit
    steps = [seen(settled, X, theta + 1e-30j * e, masks).imag / 1e-30 for e in np.eye(len(theta))]
    rank, known = (_rank(rows) for rows in (np.transpose(steps), symmetries(settled, masks)))
    return len(theta), rank, known


def _rank(rows):
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.linalg.matrix_rank(rows / np.where(size > 0, size, 1), rtol=1e-8)
