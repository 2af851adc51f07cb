"""`verify` under attack: a small share of the trials of benchmarks/proof_trials.py."""

import dataclasses
import math

import hostile
import judge
import judge_checker
import numpy as np
import pytest
import rational
from flint import fmpq

from constructions import verify

SEED = 0
TRIALS = 120
CHUNKS = 8

# The judge itself, by hand


def kept(weights, biases, X, y, **options):
    """A case as it stands."""
    options = {"loss": "mse", "subset": None, **options}
    weights, biases = [np.array(W, float) for W in weights], [np.array(b, float) for b in biases]
    return hostile.Case(weights, biases, np.array(X, float), np.array(y), None, options, 1, ())


# max(1 - x, 0) at three points, exactly right, a merge of the last two, and wrong
RIGHT = kept([[[-1]], [[1]]], [[1], [0]], [[0], [2], [3]], [[1.0], [0.0], [0.0]])
MERGED = kept([[[-1]], [[0.75]]], [[1], [0.25]], [[0], [2], [3]], [[1.0], [0.0], [0.5]])
WRONG = kept([[[-1]], [[1]]], [[1], [0]], [[0], [2], [3]], [[1.5], [0.0], [0.0]])
# weights zero: the loss falls along (w, v) = (1, 1) at the second order
SADDLE = kept([[[0.0]], [[0.0]]], [[1], [0]], [[-1], [1]], [[-1.0], [1.0]])


def test_the_series_along_a_line_is_the_loss_at_small_steps():
    case = hostile.draw(SEED, 7)
    trial = judge.Trial(case, None, 0)
    rng = np.random.default_rng(0)
    for _ in range(5):
        way = [rational.matrix(rng.integers(-2, 3, (A.nrows(), A.ncols()))) for A in trial.layers]
        line = rational.series(trial.layers, way, trial.X, trial.Y, trial.shares)
        assert line[0] == trial.loss
        assert line[1] == rational.slope(trial.layers, way, trial.X, trial.Y, trial.shares)
        t = fmpq(1, 2**400)
        there = rational.moved(trial.layers, way, t)
        loss = rational.loss(there, trial.X, trial.Y, trial.shares)
        assert loss == sum((c * t**k for k, c in enumerate(line)), fmpq(0))


def test_the_gradient_is_the_slope_in_every_direction():
    trial = judge.Trial(WRONG, None, 0)
    slopes = rational.gradient(trial.layers, trial.X, trial.Y, trial.shares)
    for l, layer in enumerate(trial.layers):
        for i, j in np.ndindex(layer.nrows(), layer.ncols()):
            way = [rational.zeros(A.nrows(), A.ncols()) for A in trial.layers]
            way[l][i, j] = 1
            slope = rational.slope(trial.layers, way, trial.X, trial.Y, trial.shares)
            assert slope == slopes[l][i, j]


def test_least_squares_are_the_nearest_of_all():
    A = rational.matrix([[1, 1], [1, 1], [2, 2]])
    R = rational.matrix([[1], [2], [3]])
    fit = rational.least_squares(A, R, [fmpq(1)] * 3)
    assert fit.change.entries() == [fmpq(3, 4), fmpq(3, 4)]  # the sum is 9/6
    assert fit.squared == fmpq(9, 8) and fit.loss == 14 - fmpq(81, 6)
    metric = rational.matrix([[1, 0], [0, 3]])  # the second entry costs three times as much
    fit = rational.least_squares(A, R, [fmpq(1)] * 3, metric)
    assert fit.change.entries() == [fmpq(9, 8), fmpq(3, 8)]


def test_a_case_is_drawn_alike_twice_and_is_not_the_next_one():
    first, again, other = hostile.draw(3, 14), hostile.draw(3, 14), hostile.draw(3, 15)
    assert repr(first) == repr(again) != repr(other)


# The judge sees lies


def with_witness(found, **fields):
    return {"witness": {**found.witness, **fields}}


def with_basin(found, **fields):
    return {"basin": {**found.basin, **fields}}


def last_bias(found, **fields):
    """A step of 1/2 in b_2 alone."""
    zero = {"weights": [[0.0]], "biases": [0.0]}
    direction = [zero, {"weights": [[0.0]], "biases": [1.0]}]
    return {"witness": {"direction": direction, "step": 0.5, "loss": 0.0, **fields}}


LIES = [
    ("loss", WRONG, lambda f: {"loss": f.loss * 1.1}),
    ("loss_bound", WRONG, lambda f: {"loss_bound": f.loss_bound / 2}),
    ("loss_floor", WRONG, lambda f: {"loss_floor": f.loss_floor * 2}),
    ("lower_bound", MERGED, lambda f: {"lower_bound": f.lower_bound + 1e-3}),
    ("lower_bound (rounding)", MERGED, lambda f: {"lower_bound": math.nextafter(1 / 24, 1)}),
    ("accuracy", RIGHT, lambda f: {"accuracy": 2 / 3}),
    ("margins", RIGHT, lambda f: {"margins": (0.75,), "activation_margin": 0.75}),
    ("margins (rounding)", RIGHT, lambda f: {"margins": (math.nextafter(0.5**0.5, 1),)}),
    ("activation_margin", RIGHT, lambda f: {"activation_margin": 0.1}),
    ("digest", RIGHT, lambda f: {"network": f.data}),
    ("digest", RIGHT, lambda f: {"data": f.network}),
    ("size", RIGHT, lambda f: {"points": 4}),
    ("radius", RIGHT, lambda f: {"radius": 0.8}),
    ("basin", RIGHT, lambda f: with_basin(f, rate=2 * f.basin["rate"])),
    ("basin: ball", RIGHT, lambda f: with_basin(f, ball=0.8)),
    ("basin: rate", RIGHT, lambda f: with_basin(f, rate=50.0, strength=4.0)),
    ("basin: radius", RIGHT, lambda f: with_basin(f, radius=f.basin["ball"])),
    ("global minimum: false", MERGED, lambda f: {"verdict": "global minimum"}),
    ("distance", WRONG, lambda f: {"distance": f.distance / 2}),
    ("distance: no such point", SADDLE, lambda f: {"distance": 9.0}),
    ("local minimum: far", MERGED, lambda f: {"distance": 1.0}),
    ("local minimum: false", SADDLE, lambda f: {"verdict": "local minimum", "distance": 0.1}),
    ("local minimum: loss", WRONG, lambda f: {"verdict": "local minimum", "distance": 9.0}),
    ("undetermined", WRONG, lambda f: {"verdict": "undetermined"}),
    ("not stationary: no witness", WRONG, lambda f: {"witness": None}),
    ("not stationary (proved): false", MERGED,
     lambda f: {"verdict": "not stationary", **last_bias(f, slope=-1.0)}),
    ("not stationary (proved): derivative", WRONG, lambda f: with_witness(f, slope=-9.0)),
    ("saddle (proved): derivative", SADDLE, lambda f: with_witness(f, curvature=-9.0)),
    ("saddle (proved): false", MERGED,
     lambda f: {"verdict": "saddle", **last_bias(f, curvature=-1.0)}),
    ("saddle (proved): false", SADDLE, lambda f: last_bias(f, order=3, coefficient=-1.0)),
    ("witness: no descent", WRONG, lambda f: with_witness(f, step=0.0)),
    ("witness: loss", WRONG, lambda f: with_witness(f, loss=f.witness["loss"] / 2)),
    ("witness: floor", WRONG, lambda f: with_witness(f, loss=f.loss_floor * 2)),
    ("witness: subset", WRONG._replace(options={"loss": "mse", "subset": ("W1", "b1")}),
     lambda f: last_bias(f, slope=-0.1)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "case", "lie"), LIES, ids=[kind for kind, *_ in LIES])
def test_the_judge_sees_what_is_wrong(kind, case, lie):
    net, X, y, options = judge.arguments(case)
    found = verify(net, X, y, **options)
    lied = judge.Trial(case, dataclasses.replace(found, **lie(found)), 0)
    assert kind in {k for k, _ in lied.failures()}
    assert kind not in {k for k, _ in judge.Trial(case, found, 0).failures()}


@pytest.mark.parametrize("case", [RIGHT, MERGED, WRONG, SADDLE], ids=["0", "1", "2", "3"])
def test_the_checker_sees_what_was_tampered_with(case):
    net, X, y, options = judge.arguments(case)
    found = verify(net, X, y, **options)
    assert not judge_checker.findings(case, found)
    rng, lies = np.random.default_rng(0), 0
    for _ in range(40):
        what, other, lie = judge_checker.tampered(case, found, rng)
        wrong = lie is not None and [*judge.Trial(other, lie, 0).failures()]
        if wrong:
            assert judge_checker.findings(other, lie), (what, wrong)
            lies += 1
    assert lies >= 10


# The attack


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_certificate_says_anything_false(chunk):
    wrong = {}
    for index in range(chunk, TRIALS, CHUNKS):
        _, failures = judge.attack(hostile.draw(SEED, index), seed=index)
        if failures:
            wrong[index] = failures
    assert not wrong, f"seed {SEED}, by number of the trial: {wrong}"
