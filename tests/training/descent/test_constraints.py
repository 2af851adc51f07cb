"""Constraints: they hold after every step, and are projections."""

import numpy as np
import pytest
from builders import random_data, random_start
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geomcore.stack import stack
from training.descent.constraints import Box, MaxNorm, NonNegative, UnitColumns, UnitNorm
from training.descent.penalties import L1
from training.descent.trainer import train

CONSTRAINTS = {
    "non-negative": NonNegative(),
    "box": Box(-0.5, 2.0),
    "unit columns": UnitColumns(),
    "unit norm": UnitNorm(),
    "norm": MaxNorm(1.5),
}
TENSORS = arrays(np.float64, (2, 3, 4), elements=st.floats(-10, 10))


def tensors_of(net):
    return dict(zip(stack([net])[0].names, stack([net])[1], strict=True))


# By hand


def test_a_constraint_holds_after_every_step_for_the_tensors_it_names():
    seen = []
    train(
        random_start((3, 4, 2)),
        *random_data((3, 4, 2)),
        steps=5,
        constraints=[NonNegative(["W1"]), UnitColumns(["W2"])],
        callbacks=lambda snapshot: seen.append((snapshot.step, tensors_of(snapshot.network()))),
    )
    assert [step for step, _ in seen] == [0, 1, 2, 3, 4, 5]
    assert (seen[0][1]["W1"] < 0).any()
    for _, tensors in seen[1:]:
        assert (tensors["W1"] >= 0).all()
        np.testing.assert_allclose(np.linalg.norm(tensors["W2"][0], axis=0), 1.0)
        assert (tensors["b1"] < 0).any()


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_tensors_of_any_size_are_projected(scale):
    p = np.array([[[3.0, 0.0], [0.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]]) * scale
    expected = np.array([[[0.6, 0.0], [0.0, 0.8]], [[0.0, 0.0], [0.0, 0.0]]])
    np.testing.assert_allclose(UnitNorm().project(p), expected)
    np.testing.assert_allclose(UnitColumns().project(p)[0], np.eye(2))
    np.testing.assert_allclose(MaxNorm(2 * scale).project(p), 2 * scale * expected)
    np.testing.assert_array_equal(MaxNorm(6 * scale).project(p), p)


# Laws


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
@given(TENSORS)
def test_a_projection_done_twice_is_done_once(name, p):
    constraint = CONSTRAINTS[name]
    once = constraint.project(p)
    np.testing.assert_allclose(constraint.project(once), once, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", ["non-negative", "box", "norm", "unit norm"])
@given(TENSORS, TENSORS)
def test_no_allowed_point_is_nearer_than_the_projection(name, p, other):
    constraint = CONSTRAINTS[name]
    allowed = constraint.project(other)
    for t in range(2):
        if name == "unit norm" and not other[t].any():
            continue
        nearest = np.linalg.norm(p[t] - constraint.project(p)[t])
        assert nearest <= np.linalg.norm(p[t] - allowed[t]) * (1 + 1e-9) + 1e-12


def test_constraints_change_nothing_in_place():
    p = np.random.default_rng(0).standard_normal((2, 3, 4))
    kept = p.copy()
    for constraint in CONSTRAINTS.values():
        constraint.project(p)
    np.testing.assert_array_equal(p, kept)


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"constraints": [L1(0.1)]}, "constraints must be objects with tensors, project"),
        ({"constraints": NonNegative([])}, "tensors must be a list of some of"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    X, Y = random_data((3, 4, 2))
    with pytest.raises(ValueError, match=message):
        train(**{"net": random_start((3, 4, 2)), "X": X, "Y": Y, **changes})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Box(1.0, 0.0), "low and high must be numbers in this order"),
        (lambda: Box(0.0, np.nan), "low and high must be numbers in this order"),
        (lambda: Box("0", 1.0), "low and high must be numbers in this order"),
        (lambda: Box(np.inf, np.inf), "low and high must be numbers in this order"),
        (lambda: MaxNorm(np.inf), "limit must be a positive number"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
