import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from largest_peel import largest_peel

from constructions.theorems.peels import NoPeel, peel_sequence


def peels_of(Z, index, **arguments):
    rng = np.random.default_rng(0)
    return peel_sequence(np.array(Z, float), np.array(index), rng, **arguments)


def check_peels(Z, index, peels):
    """Each point is in one peel, of its class, that an oracle separates from all later ones."""
    Z, index = np.array(Z, float), np.array(index)
    left = np.ones(len(Z), bool)
    for peel in peels:
        assert len(peel.rows) and left[peel.rows].all()
        assert (index[peel.rows] == peel.label).all()
        left[peel.rows] = False
        if left.any():
            assert naive.separation_depth(Z[peel.rows], Z[left]) > 0
    assert not left.any()
    assert len(peels) <= len(np.unique(Z, axis=0))


# By hand


def test_one_class_is_one_peel():
    peels = peels_of([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]], [0, 0, 0])
    assert len(peels) == 1 and peels[0].label == 0
    np.testing.assert_array_equal(np.sort(peels[0].rows), [0, 1, 2])


def test_alternating_points_of_the_line_come_off_one_by_one():
    peels = peels_of(np.arange(7.0)[:, None], [0, 1, 0, 1, 0, 1, 0])
    assert len(peels) == 7
    check_peels(np.arange(7.0)[:, None], [0, 1, 0, 1, 0, 1, 0], peels)


def test_xor_needs_three_peels():
    Z, index = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    peels = peels_of(Z, index)
    assert len(peels) == 3
    check_peels(Z, index, peels)


def test_a_class_inside_another_is_reached_by_peeling_the_outer_one():
    ring = [[np.cos(t), np.sin(t)] for t in np.arange(12) * np.pi / 6]
    Z, index = [*ring, [0.0, 0.0], [0.1, 0.0]], [1] * 12 + [0, 0]
    peels = peels_of(Z, index)
    check_peels(Z, index, peels)
    # a triangle around the inner class leaves the ring on three sides
    assert [p.label for p in peels].count(0) == 1 and len(peels) <= 4


# Against the naive oracle, and against the exact program


@pytest.mark.parametrize("seed", range(8))
def test_the_first_peel_in_the_plane_is_the_largest_but_for_a_point(seed):
    rng = np.random.default_rng(seed)
    Z, index = rng.normal(size=(18, 2)), rng.integers(0, 2, 18)
    first = peels_of(Z, index, beam=1)[0]
    most = max(naive.cut_off(Z[index == q], Z[index != q]) for q in (0, 1))
    assert most - 1 <= len(first.rows) <= most


@pytest.mark.parametrize("seed", range(4))
def test_the_first_peel_in_space_is_near_the_largest_of_the_exact_program(seed):
    # whose gap is 1e-3, so it may miss a point
    rng = np.random.default_rng(seed)
    Z, index = rng.normal(size=(24, 4)), rng.integers(0, 2, 24)
    first = peels_of(Z, index, beam=1)[0]
    most = max(int(largest_peel(Z[index == q], Z[index != q]).sum()) for q in (0, 1))
    assert most - 1 <= len(first.rows) <= most + 1


# Laws


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 5), st.integers(1, 5))
def test_peels_are_separable_one_after_another(seed, N, d, Q):
    rng = np.random.default_rng(seed)
    Z = rng.integers(0, 4, (N, d)).astype(float)
    _, group = np.unique(Z, axis=0, return_inverse=True)
    index = rng.integers(0, Q, N)[group.reshape(-1)]
    check_peels(Z, index, peels_of(Z, index))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_a_wider_search_of_the_plane_needs_no_more_peels(seed):
    rng = np.random.default_rng(seed)
    Z, index = rng.normal(size=(30, 2)), rng.integers(0, 3, 30)
    narrow, wide = peels_of(Z, index, beam=1), peels_of(Z, index, beam=32)
    check_peels(Z, index, wide)
    assert len(wide) <= len(narrow)


def test_points_and_labels_are_not_modified():
    rng = np.random.default_rng(0)
    Z, index = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    copies = Z.copy(), index.copy()
    Z.flags.writeable = index.flags.writeable = False
    peel_sequence(Z, index, rng)
    np.testing.assert_array_equal(Z, copies[0])
    np.testing.assert_array_equal(index, copies[1])


# Bad input


def test_points_that_floats_cannot_tell_apart_are_refused_with_the_number():
    Z = [[0.0], [1e-16], [1.0], [np.nextafter(1.0, 2.0)]]
    with pytest.raises(NoPeel, match="by more than 1e-12"):
        peels_of(Z, [0, 1, 0, 1])
