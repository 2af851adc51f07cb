from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from separations import check_hull_certificate, check_separation

from constructions import elimination_order, separate
from constructions.separation.features import features_of_like_size, independent_features


def condition(Z):
    size = np.linalg.svd(Z / np.abs(Z).max(axis=0), compute_uv=False)
    return size[0] / size[-1]


def exact_rest(X, j, others):
    """Column j less the float combination of others that is nearest to it, in Fractions."""
    base = np.column_stack([X[:, others], np.ones(len(X))])
    shares = naive.exact(np.linalg.lstsq(base, X[:, j], rcond=None)[0])
    return [
        x[j] - naive.dot(shares, [*(x[i] for i in others), Fraction(1)]) for x in naive.exact(X)
    ]


# By hand


def test_features_that_do_not_follow_are_only_shifted_and_scaled():
    X = np.array([[1.0, 5.0, 7.0], [3.0, 5.0, 7.5], [1.0, 5.0, 9.0]]) * [1, 1, 1e200]
    X = np.vstack([X, X + [1, 0, 0]])
    Z = features_of_like_size(X)
    assert not Z[:, 1].any()
    for z, x in zip(Z.T[[0, 2]], X.T[[0, 2]], strict=True):
        np.testing.assert_allclose(np.diff(z) / np.ptp(z), np.diff(x) / np.ptp(x), atol=1e-15)
    assert np.abs(Z).max() == 1 and np.abs(Z.mean(axis=0)).max() < 1e-15
    assert independent_features(X) is None


def test_a_feature_that_follows_exactly_is_left_out():
    P = np.random.default_rng(0).integers(-50, 50, (9, 2)).astype(float)
    X = np.column_stack([P, P[:, 0] - 3 * P[:, 1] + 7, P[:, 1], np.full(9, 0.1)])
    assert independent_features(X).shape == (9, 2)


@pytest.mark.parametrize("factor", [0.1, 2.54, 1 / 3])
def test_of_a_rounded_multiple_the_rounding_is_left(factor):
    P = np.random.default_rng(1).normal(size=(30, 2))
    X = np.column_stack([P, P[:, 0] * factor])
    Z = independent_features(X)
    assert Z.shape == (30, 3) and condition(Z) < 100
    # the new feature is the exact rest but for an affine map of all features
    rest = np.array([float(v) for v in exact_rest(X, 2, [0, 1])])
    design = np.column_stack([Z, np.ones(30)])
    unit = np.abs(rest).max()
    assert 0 < unit < 1e-14
    left = rest / unit - design @ np.linalg.lstsq(design, rest / unit, rcond=None)[0]
    assert np.abs(left).max() < 1e-9


def test_of_few_points_nothing_is_said():
    X = np.random.default_rng(2).normal(size=(5, 3))
    X[:, 2] = X[:, 0] * 0.1
    assert independent_features(X[:4]) is None
    assert independent_features(X).shape == (5, 3)


# Laws


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 3), st.integers(-250, 250))
def test_no_feature_that_is_left_follows_from_others(seed, d, k, power):
    rng = np.random.default_rng(seed)
    P = rng.normal(size=(40, d))
    D = P @ rng.normal(size=(d, k)) + rng.normal(size=k)
    both = np.column_stack([P, D, D[:, 0], D[:, 0] * rng.uniform(1, 9)])
    X = both[:, rng.permutation(both.shape[1])] * 10.0**power
    Z = independent_features(X)
    # one copy is exact; roundings of two multiples may be multiples again
    assert d < Z.shape[1] <= d + k + 1
    assert condition(Z) < 1e6


# Tables: features that depend on others but for rounding, in very different units


def celsius(P, rng):
    return P[:, :1] * 1.8 + 32


def shares(P, rng):
    parts = rng.dirichlet(np.ones(3), len(P))[:, :2].round(2)
    return np.column_stack([parts, (1 - parts.sum(axis=1)).round(2)])


DEPENDENT = {
    "a multiple": lambda P, rng: P[:, :1] * rng.uniform(0.01, 100),
    "Celsius and Fahrenheit": celsius,
    "a total": lambda P, rng: P.sum(axis=1, keepdims=True),
    "shares that add up to 1": lambda P, rng: rng.dirichlet(np.ones(3), len(P)),
    "shares rounded to percents": shares,
    "mixtures": lambda P, rng: P @ rng.normal(size=(P.shape[1], rng.integers(1, 6))),
    "rounded mixtures": lambda P, rng: np.round(P @ rng.normal(size=(P.shape[1], 2)), 3),
    "two copies of a multiple": lambda P, rng: np.repeat(P[:, :1] * 2.54, 2, axis=1),
    "a multiple and a multiple of it": lambda P, rng: P[:, :1] * 0.3 * np.array([[1.0, 0.7]]),
}


def overlapping(kind, d, rng):
    """Two sets with d features and some that follow from them, so many that their hulls meet."""
    P = rng.normal(size=(12 * (d + 6), d))
    X = np.hstack([P, DEPENDENT[kind](P, rng)])
    X = X[:, rng.permutation(X.shape[1])]
    return X[::2], X[1::2]


@pytest.mark.parametrize("d", [1, 4, 24])
@pytest.mark.parametrize("kind", DEPENDENT)
def test_overlapping_sets_with_dependent_features_are_proved_not_separable(kind, d):
    A, B = overlapping(kind, d, np.random.default_rng(d))
    answer = separate(A, B)
    assert answer.separable is False
    check_separation(answer, A, B)
    # on d + k + 1 points or fewer, as in general position
    assert sum(map(len, answer.support)) <= A.shape[1] + 2


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.integers(1, 7),
    st.sampled_from(list(DEPENDENT)),
    st.floats(0, 14),
    st.sampled_from([0, 0.5, 8]),
)
def test_dependent_features_in_any_units_are_decided(seed, d, kind, decades, shift):
    rng = np.random.default_rng(seed)
    A, B = overlapping(kind, d, rng)
    units = 10.0 ** rng.uniform(-decades / 2, decades / 2, A.shape[1])
    A, B = A * units, B * units
    B[:, 0] += shift * units[0]
    answer = separate(A, B)
    check_separation(answer, A, B)
    if shift == 0.5:  # separate or not by chance, but never by rounding alone
        assert answer.separable is not None
    else:
        assert answer.separable is (shift == 8 and answer.margin > 0)


def apart(d, decades, rng):
    """Two sets, features in units so many decades apart, and the distance of their hulls.

    The point of each that is nearest to the other lies on the normal; all other points are
    at least as far along it, in features of one size a tenth of their extent.
    """
    units = 10.0 ** rng.permutation(np.linspace(-decades / 2, decades / 2, d))
    normal = rng.uniform(0.2, 1, d) * rng.choice([-1, 1], d) / units
    half = normal / np.linalg.norm(normal) / np.linalg.norm(normal)
    sets = []
    for side in (1, -1):
        ways = rng.normal(size=(6 * d, d)) * units
        height = ways @ normal
        ways[np.sign(height) != side] *= -1
        ways = ways[np.abs(height) > 0.1]
        sets.append(np.vstack([side * half, side * half + ways]))
    return *sets, 2 * np.linalg.norm(half)


@pytest.mark.parametrize("d", [2, 5, 12, 20])
@pytest.mark.parametrize("decades", [8, 11, 14])
def test_the_margin_is_the_largest_in_units_decades_apart(d, decades):
    A, B, distance = apart(d, decades, np.random.default_rng(d + decades))
    answer = separate(A, B)
    check_separation(answer, A, B)
    assert (1 - 1e-6) * answer.bound <= answer.margin <= distance / 2 * (1 + 1e-12)
    assert answer.bound >= distance / 2 * (1 - 1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 9), st.floats(0, 14))
def test_units_do_not_change_what_is_separable_nor_cost_margin(seed, d, decades):
    rng = np.random.default_rng(seed)
    A, B, distance = apart(d, decades, rng)
    answer = separate(A, B)
    check_separation(answer, A, B)
    assert answer.margin == pytest.approx(distance / 2, rel=2e-6)
    crossed = np.vstack([B, A.mean(axis=0)])
    answer = separate(A, crossed)
    assert answer.separable is False
    check_separation(answer, A, crossed)


@pytest.mark.parametrize("raw", [True, False])
def test_a_wide_table_with_overlap_is_decided_raw_and_standardised(raw):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 36))
    X[:, 30:] = X[:, :30] @ rng.normal(size=(30, 6))
    X = X * 10.0 ** rng.uniform(-3, 3, 36) if raw else (X - X.mean(axis=0)) / X.std(axis=0)
    y = rng.integers(0, 2, 1500)
    answer = separate(X[y == 0], X[y == 1])
    assert answer.separable is False
    check_hull_certificate(answer.certificate, X[y == 0], X[y == 1])


def test_an_order_of_classes_is_found_or_refuted_with_dependent_features():
    rng = np.random.default_rng(3)
    y = np.repeat(np.arange(3), 60)
    P = rng.normal(size=(180, 4)) + 9.0 * (y == 2)[:, None]
    X = np.hstack([P, P[:, :1] * 2.54, P.sum(axis=1, keepdims=True)]) * 10.0 ** np.arange(-6, 6, 2)
    found = elimination_order(X, y)
    assert found.order == [2] and sorted(found.stuck) == [0, 1]
    for label in (0, 1):
        check_hull_certificate(found.stuck[label], X[y == label], X[y == 1 - label])
