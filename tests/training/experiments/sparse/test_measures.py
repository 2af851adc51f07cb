"""Measures of dictionaries against closed forms on tiny ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.datasets import sparse_synthetic
from training.experiments.sparse.measures import (
    coherence,
    cosines,
    recovery,
    recovery_null,
    recovery_of_points,
)

# By hand


def test_coherence_of_tiny_dictionaries():
    assert coherence(np.eye(3)) == 0
    assert coherence([[5.0]]) == 0
    assert coherence([[1.0, -1.0], [0.0, 0.0]]) == 1
    angle = np.pi / 5
    turned = np.array([[1, np.cos(angle)], [0, np.sin(angle)]]) * [2, 0.1]
    assert coherence(turned) == pytest.approx(np.cos(angle))
    three = 2 * np.pi / 3 * np.arange(3)
    assert coherence([np.cos(three), np.sin(three)]) == pytest.approx(0.5)  # the simplex
    assert coherence([[1.0, 0.0], [1.0, 0.0]]) == 0  # a column of zeros is like no other


def test_recovery_of_tiny_dictionaries():
    assert recovery(np.eye(3)[:, [2, 0, 1]] * [1, 7, 0.1], np.eye(3)) == (1, 1)
    # Of codes that are not negative a column of the other sign is another one.
    assert recovery(np.eye(3)[:, [2, 0, 1]] * [-1, 7, 0.1], np.eye(3)) == (2 / 3, 2 / 3)
    assert recovery(-np.eye(3), np.eye(3)) == (0, 0)
    assert recovery([[-0.6, 0.0], [0.8, -1.0]], np.eye(2)).mean == pytest.approx(0.4)
    assert recovery([[1.0], [0.0]], np.eye(2)) == (0.5, 0.5)  # one column cannot be two
    assert recovery([[1.0, 1.0], [0.0, 0.0]], np.eye(2)) == (0.5, 0.5)
    assert recovery(np.eye(2), [[0.6], [0.8]]).mean == pytest.approx(0.8)
    assert recovery(np.eye(2), [[0.6], [0.8]]).found == 0
    assert recovery(np.zeros((2, 2)), np.eye(2)) == (0, 0)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_scales_do_not_matter(scale):
    D = np.random.default_rng(0).standard_normal((4, 5))
    assert np.allclose(cosines(D * scale, D), cosines(D, D), atol=1e-12)
    assert coherence(D * scale) == pytest.approx(coherence(D), abs=1e-12)


# Against all matches


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(0, 999))
def test_the_match_is_the_best_of_all(d, m, n, seed):
    rng = np.random.default_rng(seed)
    D, truth = rng.standard_normal((d, m)), rng.standard_normal((d, n))
    C = np.zeros((n, max(m, n)))
    for i, j in itertools.product(range(n), range(m)):
        a, b = truth[:, i], D[:, j]
        C[i, j] = max(a @ b, 0) / np.sqrt((a @ a) * (b @ b))
    best = max(
        sum(C[i, p] for i, p in enumerate(chosen))
        for chosen in itertools.permutations(range(C.shape[1]), n)
    )
    assert recovery(D, truth).mean == pytest.approx(best / n)


# Laws


def test_chance_finds_little_and_the_same_seed_the_same():
    truth = np.random.default_rng(1).standard_normal((16, 32))
    null = recovery_null(truth, 32, draws=5, rng=0)
    assert null == recovery_null(truth, 32, draws=5, rng=0) and len(null) == 5
    assert max(r.mean for r in null) < 0.65 and max(r.found for r in null) < 0.1
    on_a_line = recovery_null([[1.0]], 1, draws=20, rng=0)
    assert set(on_a_line) == {(0, 0), (1, 1)}  # one way or the other


def test_data_points_are_nearer_to_what_made_them_than_random_directions():
    pure = recovery_of_points(3 * np.eye(4), np.eye(4), 4, draws=3, rng=0)
    assert pure == [(1, 1)] * 3
    data = sparse_synthetic(16, 8, 500, active=3, rng=0)
    truth = data.info["dictionary"]
    points, random = (
        np.mean([r.mean for r in null])
        for null in (recovery_of_points(data.X, truth, 16, rng=1), recovery_null(truth, 16, rng=1))
    )
    assert points > random + 0.05
    assert recovery_of_points(data.X, truth, 16, rng=1) == recovery_of_points(
        data.X, truth, 16, rng=1
    )


# Bad input


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: recovery(np.eye(2), np.eye(3)), "as many rows"),
        (lambda: recovery(np.eye(2), np.zeros((2, 0))), "truth must have at least one column"),
        (lambda: coherence([1.0]), "D must|A must"),
        (lambda: coherence([[np.nan]]), "A must"),
        (lambda: recovery_null(np.eye(2), 0), "units must be a whole number"),
        (lambda: recovery_of_points(np.eye(2), np.eye(2), 3), "units must be at most the number"),
    ],
)
def test_wrong_arguments_are_refused(call, told):
    with pytest.raises(ValueError, match=told):
        call()
