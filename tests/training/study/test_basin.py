"""The basin radius, where half of the trials return."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.study.basin import _decreasing, basin_of, return_radius
from training.study.records import Reference
from training.study.result import StudyResult


def trials(counts, n=10):
    """Scales and returns of n trials per scale, from the number that returned."""
    scales = np.repeat(list(counts), n)
    returned = np.concatenate([np.arange(n) < k for k in counts.values()])
    return scales, returned


counts = st.lists(st.integers(0, 10), min_size=1, max_size=6)


# By hand


def test_crossing_is_interpolated_in_the_logarithm():
    found = return_radius(*trials({0.01: 100, 0.1: 80, 10.0: 20}, n=100))
    assert found.radius == pytest.approx(1.0)
    assert 0.1 < found.low < 1.0 < found.high < 10


def test_from_zero_on_it_is_interpolated_in_the_scale():
    assert return_radius(*trials({0.0: 10, 1.0: 0})).radius == pytest.approx(0.5)


def test_a_basin_beyond_the_scales_is_infinite_and_one_below_them_is_zero():
    assert return_radius(*trials({0.1: 10, 1.0: 10})) == (np.inf, np.inf, np.inf)
    assert return_radius(*trials({0.1: 0, 1.0: 0})) == (0.0, 0.0, 0.0)


def test_a_dip_by_chance_is_evened_out():
    smooth = return_radius(*trials({0.1: 10, 0.2: 6, 0.4: 6, 1.0: 0})).radius
    dip = return_radius(*trials({0.1: 10, 0.2: 4, 0.4: 8, 1.0: 0})).radius
    assert dip == pytest.approx(smooth)


# Against the naive oracle


@given(counts, st.data())
def test_decreasing_fractions_are_the_least_squares_fit(successes, data):
    sizes = data.draw(
        st.lists(st.integers(10, 20), min_size=len(successes), max_size=len(successes))
    )
    sizes = np.array(sizes)
    found = _decreasing(np.array([successes], dtype=float), sizes)[0]
    # the min-max formula of isotonic regression, in which no solver rounds
    fractions = np.array(successes) / sizes

    def mean(i, j):
        return np.average(fractions[i : j + 1], weights=sizes[i : j + 1])

    last = len(sizes) - 1
    fit = [
        min(max(mean(i, j) for j in range(k, last + 1)) for i in range(k + 1))
        for k in range(last + 1)
    ]
    np.testing.assert_allclose(found, fit, atol=1e-12)


# Laws


@given(counts, st.floats(1e-3, 1e3))
def test_radius_scales_with_the_scales_and_lies_in_its_interval(successes, factor):
    grid = 2.0 ** np.arange(len(successes))
    found = return_radius(*trials(dict(zip(grid, successes, strict=True))), resamples=200)
    scaled = return_radius(*trials(dict(zip(factor * grid, successes, strict=True))), resamples=200)
    np.testing.assert_allclose(scaled, factor * np.array(found), rtol=1e-9)
    assert found.low <= found.high


@given(counts)
def test_one_more_return_does_not_shrink_the_basin(successes):
    grid = 2.0 ** np.arange(len(successes))
    more = [min(10, k + 1) for k in successes]
    few = return_radius(*trials(dict(zip(grid, successes, strict=True))), resamples=1)
    many = return_radius(*trials(dict(zip(grid, more, strict=True))), resamples=1)
    assert few.radius <= many.radius


def test_the_order_of_the_trials_does_not_matter():
    scales, returned = trials({0.1: 9, 1.0: 3, 2.0: 1})
    order = np.random.default_rng(0).permutation(len(scales))
    assert return_radius(scales[order], returned[order]) == return_radius(scales, returned)


# Bad input


@pytest.mark.parametrize(
    ("scales", "returned", "message"),
    [
        ([], [], "returned must be one bool"),
        ([0.1], [1], "returned must be one bool"),
        ([0.1, 0.2], [True], "returned must be one bool"),
        ([-0.1], [True], "scales must be at least 0"),
        ([np.nan], [True], "scales must be finite"),
    ],
)
def test_wrong_arguments_are_named(scales, returned, message):
    with pytest.raises(ValueError, match=message):
        return_radius(scales, np.array(returned, dtype=None))


def test_resamples_must_be_a_count():
    with pytest.raises(ValueError, match="resamples must be"):
        return_radius([0.1], [True], resamples=0)


def made_of(rows):
    """A result with trials of these outcomes: for each scale so many that stayed, came back, stuck.

    The reference has loss 0, the tolerance is 0.1.
    """
    ends = {"stayed": (0.0, 0.0), "returned": (1.0, 0.0), "stuck": (1.0, 1.0)}
    told = [
        (scale, *ends[word])
        for scale, counts in rows.items()
        for word, count in zip(ends, counts, strict=True)
        for _ in range(count)
    ]
    scale, initial, final = (np.array(column) for column in zip(*told, strict=True))
    n = len(told)
    columns = {
        "reference": np.array(["one"] * n, dtype=object),
        "scale": scale,
        "initial_loss": initial,
        "late_loss": final,
        "final_loss": final,
        "steps": np.full(n, 100),
        "stop_reason": np.array(["step budget"] * n, dtype=object),
    }
    return StudyResult((Reference("one", 0.0, 0.1, 0.5, 1.0, constant_loss=1.0),), 0, columns)


def test_where_none_that_leaves_returns_it_is_told_how_many_never_leave():
    found = basin_of(made_of({0.1: (8, 0, 2), 0.2: (4, 0, 6), 0.4: (0, 0, 10)}))
    assert (found["radius"], found["reason"]) == (0.0, "")
    # From 8 of 10 to 4 of 10, one half is three quarters of the way.
    assert found["kept"] == pytest.approx(0.1 * 2**0.75)
    assert found["kept_low"] < found["kept"] < found["kept_high"]


@given(
    st.lists(st.tuples(*[st.integers(0, 4)] * 3).filter(any), min_size=1, max_size=4),
)
def test_no_fewer_are_kept_than_return(counts):
    found = basin_of(made_of(dict(zip([0.1, 0.2, 0.4, 0.8], counts, strict=False))))
    alone = return_radius(
        np.repeat([0.1, 0.2, 0.4, 0.8][: len(counts)], [sum(row) for row in counts]),
        np.concatenate([np.arange(sum(row)) < sum(row[:2]) for row in counts]),
    )
    assert (found["kept"], found["kept_low"], found["kept_high"]) == alone
