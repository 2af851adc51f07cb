"""How many steps a trial needs: relaxations, and their limit."""

import numpy as np
import pytest
from builders import random_start

from constructions import construct
from geomcore import datasets
from geomcore.arrays import as_labels
from geomcore.layers import ReLU
from geomcore.network import Network, ReLUNetwork
from training.descent.losses import CrossEntropy, SquaredError
from training.descent.optimizers import SGD, Adam
from training.descent.trainer import train
from training.study.planning.budget import (
    FEWEST,
    PACE,
    USUAL,
    WORK,
    default_steps,
    relaxation,
    slowest_curvature,
)
from training.study.study import perturbation_study

DATA = datasets.clusters(n=30, classes=3, rng=0)
LABELS = as_labels(DATA.y, len(DATA.X))
NET = construct(DATA.X, DATA.y).network


# By hand


def test_the_slowest_curvature_of_two_points_on_a_line():
    # M has the rows (x, 1) / sqrt(2) for x = -1 and 3: its Gram matrix is [[5, 1], [1, 1]].
    net, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[-1.0], [3.0]])
    found = slowest_curvature(net, X, as_labels(X, 2), SquaredError())
    assert found == pytest.approx(2 * (3 - np.sqrt(5)))


def test_a_relaxation_is_what_rate_and_curvature_make_it():
    slowest = slowest_curvature(NET, DATA.X, LABELS, SquaredError())
    given = NET, DATA.X, LABELS, SquaredError()
    assert relaxation(*given, SGD(0.1)) == pytest.approx(10 / slowest)
    assert relaxation(*given, SGD(0.1, momentum=0.9)) == pytest.approx(1 / slowest)
    for other in (Adam(), SGD(0.1, clip=1.0)):
        assert relaxation(*given, other) is None


@pytest.mark.parametrize(
    ("net", "loss"),
    [
        (NET, CrossEntropy()),
        (Network([*random_start((3, 4, 3)).layers, ReLU()]), SquaredError()),
        (ReLUNetwork([1e300 * np.eye(3)] * 3, [np.zeros(3)] * 3), SquaredError()),
    ],
)
def test_where_the_slowest_curvature_is_not_known_there_is_no_relaxation(net, loss):
    assert np.isnan(slowest_curvature(net, DATA.X, LABELS, loss))
    assert relaxation(net, DATA.X, LABELS, loss, SGD(0.1)) is None


def test_budgets_are_limited_by_work_and_never_below_the_least():
    net = ReLUNetwork([np.eye(30)], [np.zeros(30)])
    assert default_steps([net], 100, [12.0], 1).steps == 1200
    assert default_steps([net], 100, [None], 1).steps == USUAL
    assert default_steps([net, net], 100, [12.0, None], 1).steps == USUAL
    limited = default_steps([net], 1000, [1e9], 1000)
    assert limited.wanted == 10**11 and limited.steps < 1e6
    assert limited.seconds == pytest.approx(WORK / PACE, rel=0.1)
    huge = default_steps([net], 10**6, [1e300], 10**6)
    assert huge.steps == FEWEST and huge.seconds > WORK / PACE


# Laws


def test_close_to_a_minimum_the_loss_falls_at_least_as_the_slowest_curvature_says():
    slowest = slowest_curvature(NET, DATA.X, LABELS, SquaredError())
    result = train(
        ReLUNetwork(NET.weights, [*NET.biases[:-1], NET.biases[-1] + 1e-6]),
        DATA.X,
        DATA.y,
        learning_rate=1e-3,
        steps=3000,
    )
    time = 1e-3 * result.recorded
    assert (result.losses <= 1.01 * result.losses[0] * np.exp(-2 * slowest * time)).all()


def test_a_study_stores_the_relaxation_and_judges_by_it():
    study = {"scales": [0.1], "trials": 2, "steps": 2}
    found = perturbation_study(NET, DATA.X, DATA.y, **study, learning_rate=1e-9).reference
    assert found.relaxation == pytest.approx(
        1e9 / slowest_curvature(NET, DATA.X, LABELS, SquaredError())
    )
    assert found.constant_loss == pytest.approx(2 / 3)
