"""NC1 to NC4 of a cloud of points."""

import numpy as np
import pytest
from dynamics_by_loops import collapse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from training.dynamics.measures import CollapseMeasures, collapse_measures


def simplex(Q, m, rng=0):
    """Q unit vectors in R^m with all cosines -1 / (Q - 1)."""
    P = ortho_group.rvs(m, random_state=rng)[:Q] if m > 1 else np.eye(1)
    return np.sqrt(Q / (Q - 1)) * (P - P.mean(axis=0))


def cloud(Q, m, each=4, spread=0.3, rng=0):
    """Points of Q classes of unequal sizes, a classifier, and answers."""
    rng = np.random.default_rng(rng)
    index = np.concatenate([np.full(each + c, c) for c in range(Q)])
    H = rng.normal(size=(Q, m))[index] + spread * rng.normal(size=(len(index), m))
    return H, index, rng.normal(size=(Q, m)), rng.integers(Q, size=len(index))


# By hand


@pytest.mark.parametrize(("Q", "m"), [(2, 2), (3, 3), (3, 7), (5, 5), (10, 40)])
def test_an_exact_simplex_frame_has_collapsed(Q, m):
    M = 3.5 * simplex(Q, m) + 2
    index = np.repeat(np.arange(Q), 3)
    found = collapse_measures(M[index], index, Q, classifier=0.2 * simplex(Q, m), chosen=index)
    assert found.between_rank == Q - 1 and found.nc4 == 0
    np.testing.assert_allclose(found[:6], 0, atol=1e-14)


@pytest.mark.parametrize(("Q", "m"), [(2, 3), (3, 3), (6, 9)])
def test_variability_of_pairs_around_a_simplex_frame(Q, m):
    # means of norm 1: the covariance between is P / (Q - 1), P the projector on their span; the one
    # within is s^2 v v^T, v being the direction of the pairs
    M, index, s = simplex(Q, m), np.repeat(np.arange(Q), 2), 0.01
    v = M[0] / np.linalg.norm(M[0])
    found = collapse_measures(M[index] + s * np.tile([1, -1], Q)[:, None] * v, index, Q)
    assert found.nc1 == pytest.approx(s**2 * (Q - 1) / Q, rel=1e-10)
    assert found.scatter == pytest.approx(s**2, rel=1e-10)


def test_a_frame_that_is_no_simplex():
    # a square: its cosines are 0 (four pairs) and -1 (two), where a simplex has -1/3
    M = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    found = collapse_measures(M, np.arange(4), 4, classifier=-M, chosen=np.array([1, 1, 2, 3]))
    assert found.nc2_norms == pytest.approx(0, abs=1e-15)
    assert found.nc2_angles == pytest.approx(np.sqrt(2) / 3)
    assert found.nc2_simplex == pytest.approx((4 / 3 + 2 * 2 / 3) / 6)
    assert found.nc3 == pytest.approx(4)  # the opposite of the means
    assert found.nc4 == 0.25
    assert found.between_rank == 2


def test_equal_norms_and_equal_angles_are_different_things():
    longer = simplex(3, 3) * np.array([[1], [1], [1.0]])
    assert collapse_measures(longer, np.arange(3), 3).nc2_norms == pytest.approx(0, abs=1e-14)
    line = np.array([[-1.0], [0.5], [0.5 + 1e-3]])  # centre is 0.00033
    found = collapse_measures(line, np.arange(3), 3)
    assert found.nc2_norms > 0.3 and found.nc2_angles > 0.9


# Against loops


@pytest.mark.parametrize(("Q", "m"), [(2, 1), (2, 5), (3, 2), (4, 4), (5, 12)])
def test_the_measures_are_those_of_the_definitions(Q, m):
    H, index, A, chosen = cloud(Q, m, rng=Q + m)
    found = collapse_measures(H, index, Q, classifier=A, chosen=chosen)
    np.testing.assert_allclose(found[:7], collapse(H, index, Q, A, chosen), rtol=1e-9, atol=1e-12)


# Laws


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 5),
    st.integers(1, 6),
    st.floats(-90, 90),
    st.floats(0, 100),
    st.integers(0, 10**6),
)
def test_scaling_moving_and_turning_change_nothing(Q, m, exponent, shift, seed):
    H, index, A, chosen = cloud(Q, m, rng=seed)
    R = ortho_group.rvs(m, random_state=seed) if m > 1 else np.array([[-1.0]])
    scale = 10.0**exponent
    moved = scale * (H @ R.T + shift)
    before = collapse_measures(H, index, Q, classifier=A, chosen=chosen)
    after = collapse_measures(moved, index, Q, classifier=A @ R.T / scale, chosen=chosen)
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-9)


def test_powers_of_two_change_not_a_digit():
    H, index, A, chosen = cloud(3, 4)
    before = collapse_measures(H, index, 3, classifier=A, chosen=chosen)
    for exponent in (-900, -40, 3, 900):
        assert before == collapse_measures(
            np.ldexp(H, exponent), index, 3, classifier=np.ldexp(A, -exponent), chosen=chosen
        )


def test_the_number_of_points_of_a_class_does_not_count():
    H, index, A, _ = cloud(3, 4)
    rows = np.concatenate([np.arange(len(H)), np.flatnonzero(index == 1), np.flatnonzero(index)])
    once = collapse_measures(H, index, 3, classifier=A)
    again = collapse_measures(H[rows], index[rows], 3, classifier=A)
    np.testing.assert_allclose(again[:6], once[:6], rtol=1e-12)


# Degenerate


def test_one_class_has_nothing_to_measure():
    found = collapse_measures(np.eye(3), np.zeros(3, int), 1, classifier=np.ones((1, 3)))
    assert found.between_rank == 0 and np.isnan(found[:7]).all()


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e-300])
def test_where_all_means_coincide_nothing_is_said(scale):
    H = scale * np.array([[1.0, 2], [3, 4], [1, 2], [3, 4], [1, 4], [3, 2]])
    index = np.repeat([0, 1, 2], 2)
    found = collapse_measures(H, index, 3, classifier=np.ones((3, 2)), chosen=index)
    assert found.between_rank == 0 and np.isnan(found[:7]).all()


def test_means_that_coincide_to_rounding_only_coincide():
    # what a layer puts out for a class that is dead in another order of summation
    H = np.repeat([[0.1, 0.2, 0.7]], 6, axis=0)
    H[1::2] *= 1 + 2**-52
    H[2] *= 1 + 2**-51
    found = collapse_measures(H, np.repeat([0, 1, 2], 2), 3, chosen=np.zeros(6, int))
    assert found.between_rank == 0 and np.isnan(found[:7]).all()


def test_one_point_per_class_has_no_variability_to_measure():
    found = collapse_measures(simplex(3, 3), np.arange(3), 3, chosen=np.arange(3))
    assert np.isnan(found.nc1) and np.isnan(found.scatter)
    assert found.nc2_simplex < 1e-14 and found.nc4 == 0 and found.between_rank == 2


def test_two_of_three_means_coincide():
    # the classes 0 and 1 vary along the second axis, of which the means know nothing
    H = np.array([[0.0, 1], [0, -1], [0, 2], [0, -2], [3, 0], [3, 0]])
    index, chosen = np.repeat([0, 1, 2], 2), np.array([1, 0, 1, 0, 2, 0])
    found = collapse_measures(H, index, 3, chosen=chosen)
    assert found.between_rank == 1
    assert found.nc1 == pytest.approx(0, abs=1e-30)
    assert found.scatter == pytest.approx((1 + 4) / 3 / 2)
    assert found.nc4 == pytest.approx(1 / 6)  # equally near is near: only the last one is wrong


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.7])
def test_a_mean_in_the_centre_to_rounding_has_no_direction(shift):
    H = np.array([[-1.0, 0], [0, 0], [1, 0]]) / 3 + shift
    found = collapse_measures(H, np.arange(3), 3)
    assert found.nc2_norms == pytest.approx(np.sqrt(2) / 2)
    assert np.isnan(found.nc2_angles) and np.isnan(found.nc2_simplex)


@pytest.mark.parametrize("entry", [0.0, np.inf])
def test_a_classifier_without_direction_is_not_compared(entry):
    H, index, _, _ = cloud(3, 4)
    assert np.isnan(collapse_measures(H, index, 3, classifier=np.full((3, 4), entry)).nc3)


def test_far_from_the_origin_digits_are_kept():
    H, index, A, chosen = cloud(3, 4)
    H = np.round(H * 2**10) / 2**10  # so that the shift loses nothing
    near = collapse_measures(H, index, 3, classifier=A, chosen=chosen)
    far = collapse_measures(H + 2.0**30, index, 3, classifier=A, chosen=chosen)
    np.testing.assert_allclose(far, near, rtol=1e-10)


def test_its_repr_is_short():
    lines = repr(CollapseMeasures(*[0.1234567891] * 7, 2)).split("\n")
    assert len(lines) <= 5 and max(map(len, lines)) <= 80
