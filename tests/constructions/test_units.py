"""The best unit is as good as any that is tried, and its loss is that of its weights."""

from math import comb

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, nnls

from constructions import best_unit
from constructions.units import _cells

LINE = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])


def loss_of(theta, rows, y, activation):
    values = rows @ theta
    return (
        ((np.maximum(values, 0) if activation == "relu" else values) - y)
        @ ((np.maximum(values, 0) if activation == "relu" else values) - y)
        / len(y)
    )


def test_one_weight_by_hand():
    # on the right half the points want 2, on the left half nothing helps: 4 + 16 of 5 points
    found = best_unit(LINE, 2 * LINE[:, 0], non_negative=True)
    assert found.weights[0] == pytest.approx(2, abs=1e-7) and found.bias == 0.0
    assert found.loss == pytest.approx(4) and found.cells == 2
    # the mirror image needs a negative weight, and without one the best is nothing
    free = best_unit(LINE, -2 * LINE[:, 0])
    assert free.weights[0] == pytest.approx(-2, abs=1e-7) and free.loss == pytest.approx(4)
    held = best_unit(LINE, -2 * LINE[:, 0], non_negative=True)
    assert held.weights[0] == pytest.approx(0, abs=1e-6) and held.loss == pytest.approx(8)


def test_weights_that_the_points_do_not_tell_apart_may_differ():
    # one of the weights is enough, and the shortest vector of weights has a negative one
    assert best_unit([[2.0, -2.0, -2.0]], [0.4], non_negative=True).loss < 1e-12
    found = best_unit([[-2.0, 2.0], [0.0, 0.0], [-2.0, 2.0]], [1.0, 1.5, 0.2], non_negative=True)
    assert found.loss == pytest.approx((0.4**2 + 1.5**2 + 0.4**2) / 3)
    found = best_unit([[-2.0, 4.0], [1.0, -2.0]], [2.0, -1.0], non_negative=True)
    assert found.loss == pytest.approx(0.5) and (found.weights >= 0).all()


@settings(max_examples=15)
@given(
    st.integers(1, 3),
    st.integers(1, 7),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1e-100, 1.0, 1e100]),
)
@example(d=3, n=1, seed=3, non_negative=True, bias=False, size=1.0)
@example(d=2, n=3, seed=0, non_negative=True, bias=True, size=1e-100)
@example(d=2, n=1, seed=11, non_negative=False, bias=False, size=1e100)
def test_no_unit_that_is_tried_is_better(d, n, seed, non_negative, bias, size):
    rng = np.random.default_rng(seed)
    X, y = rng.integers(-2, 3, size=(n, d)) * 1.0, rng.normal(size=n)
    found = best_unit(X, y * size, non_negative=non_negative, bias=bias)
    rows = np.column_stack([X, np.ones(n)]) if bias else X
    theta = np.append(found.weights, found.bias) if bias else found.weights
    loss = loss_of(theta, rows, y * size, "relu")
    assert found.loss == pytest.approx(loss, rel=1e-9, abs=(1e-12 * size) ** 2)
    low = [0.0] * d + [None] if non_negative else [None] * (d + 1)
    for _ in range(6):
        start = rng.normal(size=rows.shape[1])
        start[:d] = np.abs(start[:d]) if non_negative else start[:d]
        near = minimize(
            loss_of, start, (rows, y, "relu"), bounds=[(b, None) for b in low[: len(start)]]
        )
        assert found.loss <= (near.fun + 1e-6) * size**2


@pytest.mark.parametrize("seed", range(5))
def test_a_linear_unit_is_least_squares(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    free = best_unit(X, y, activation="linear")
    assert free.weights == pytest.approx(np.linalg.lstsq(X, y)[0], abs=1e-6)
    held = best_unit(X, y, activation="linear", non_negative=True)
    assert held.weights == pytest.approx(nnls(X, y)[0], abs=1e-5) and held.cells == 1
    assert (held.weights >= 0).all()


@pytest.mark.parametrize(("n", "p"), [(1, 1), (6, 1), (1, 2), (7, 2), (3, 3), (6, 3), (6, 4)])
def test_cells_are_as_many_as_theory_says(n, p):
    rows = np.random.default_rng(n + p).normal(size=(n, p))
    assert len(_cells(rows)) == 2 * sum(comb(n - 1, k) for k in range(p))
    again = np.vstack([rows, 3 * rows[:1], -rows[-1:], np.zeros((1, p))])
    assert len(_cells(again)) == len(_cells(rows))


def test_points_that_are_all_zero_leave_nothing_to_fit():
    for d in (1, 2, 3):
        found = best_unit(np.zeros((4, d)), [1.0, 1.0, 2.0, 2.0])
        assert found.loss == pytest.approx(2.5) and found.cells == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"X": np.zeros((0, 1))}, "X must hold at least one point"),
        ({"X": [[np.nan]] * 5}, "X must"),
        ({"y": [1.0]}, "y must be 5 finite numbers"),
        ({"y": ["a"] * 5}, "y must be 5 finite numbers"),
        ({"y": [np.inf] * 5}, "y must be 5 finite numbers"),
        ({"activation": "gelu"}, "activation must"),
        ({"bias": "yes"}, "bias must"),
        ({"non_negative": 1.5}, "non_negative must"),
        (
            {"X": np.random.default_rng(0).normal(size=(60, 6)), "y": np.ones(60)},
            "X must have at most 20 sets",
        ),
    ],
)
def test_wrong_calls_say_which_argument(change, told, monkeypatch):
    from constructions import units

    monkeypatch.setattr(units, "MOST_CELLS", 20)
    with pytest.raises(ValueError, match=told):
        best_unit(**{"X": LINE, "y": LINE[:, 0], **change})


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9, 1e-11])
def test_points_that_nearly_coincide_are_told_apart(gap):
    # one direction splits the last two points, however near they are
    assert best_unit([[1, 1], [1, 1 + gap], [1, 1 - gap]], [0, 1, 0]).loss < 1e-6
    assert best_unit([[1.0], [1 + gap], [1 - gap]], [0, 1, 0], bias=True).loss < 1e-6
    flat = [[1, 1, 0], [1, 1 + gap, 0], [1, 1 - gap, 0], [0, 0, 1]]
    found = best_unit(flat, [0, 1, 0, 1])
    assert found.loss < 1e-6 and found.cells == 12


@pytest.mark.parametrize("offset", [100.0, 1e6, 1e12, -1e12])
def test_points_far_from_the_origin_are_fitted_as_well(offset):
    x = offset + np.arange(6.0)
    bent = best_unit(x[:, None], [0, 0, 0, 1, 2, 3], bias=True)
    assert bent.loss < 1e-15 and bent.weights[0] == pytest.approx(1, rel=1e-3)
    straight = best_unit(x[:, None], np.arange(6.0), bias=True, activation="linear")
    assert straight.loss < 1e-15 and straight.weights[0] == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200, 1e300])
def test_losses_that_under_or_overflow_decide_nothing(size):
    found = best_unit([[1.0], [2.0]], [size, 2 * size])
    assert found.weights[0] == pytest.approx(size, rel=1e-6, abs=0)
    found = best_unit([[size], [-size]], [1.0, 0.0])
    assert found.weights[0] * size == pytest.approx(1, rel=1e-6)
    with pytest.raises(ValueError, match="sizes whose quotient is a float"):
        best_unit([[1e-200]], [1e200])


def test_a_program_that_the_solver_gives_up_on_is_no_end():
    X = [[1.5, 0.5], [-0.5, 0], [-1, -0.5], [1.5, 1.5], [-1.5, 0.5], [0, -1.5], [0.5, 0.5]]
    y = [0.438, -1.596, 1.494, 0.361, -0.464, 1.350, 1.212]
    found = best_unit(X, y)
    assert found.loss == pytest.approx(loss_of(found.weights, np.array(X), np.array(y), "relu"))
    turns = np.linspace(0, 2 * np.pi, 100_001)
    rays = np.maximum(np.array(X) @ np.stack([np.cos(turns), np.sin(turns)]), 0)
    best = np.maximum(rays.T @ y, 0) ** 2 / np.maximum((rays**2).sum(axis=0), 1e-300)
    assert found.loss == pytest.approx((np.dot(y, y) - best.max()) / len(y), rel=1e-6)


def test_too_many_points_in_the_plane_and_no_columns_are_refused(monkeypatch):
    from constructions import units

    monkeypatch.setattr(units, "MOST_CELLS", 20)
    with pytest.raises(ValueError, match="X must have at most 20 sets"):
        best_unit(np.random.default_rng(0).normal(size=(12, 2)), np.ones(12))
    with pytest.raises(ValueError, match="at least one point and one column"):
        best_unit(np.zeros((3, 0)), np.ones(3))
