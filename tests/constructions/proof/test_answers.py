from fractions import Fraction

import naive
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.proof.answers import Tally
from constructions.proof.exact import ball_matrix
from geomcore.arrays import as_labels


def exact_answers(outputs, labels):
    """Both losses and the number of right points, in Fractions."""
    plain, weighted, right = Fraction(0), Fraction(0), 0
    targets = [naive.exact(t) for t in labels.targets]
    sizes = np.bincount(labels.index).tolist()
    for out, q in zip(outputs, labels.index.tolist(), strict=True):
        errors = [sum((o - t) ** 2 for o, t in zip(out, target, strict=True)) for target in targets]
        plain += errors[q] / len(outputs)
        weighted += errors[q] / sizes[q]
        right += errors.index(min(errors)) == q
    return plain, weighted, right


def fraction(value):
    value = value.fmpq()
    return Fraction(int(value.p), int(value.q))


def contains(ball, value):
    return abs(value - fraction(ball.mid())) <= fraction(ball.rad())


def tallies(value, labels, error=0.0):
    """The same answers, told in balls and in floats with error bounds."""
    in_balls = Tally(labels, count=True)
    rows = np.arange(len(value))
    in_balls.add_balls(list(rows[:, None]), [ball_matrix(v[None]).entries() for v in value])
    in_floats = Tally(labels, count=True)
    in_floats.add_floats(rows, value, np.full(value.shape, error))
    for close in in_floats.close:
        in_floats.decide(close, [ball_matrix(v[None]).entries() for v in value[close]])
    return in_balls, in_floats


# By hand


def test_a_tie_goes_to_the_first_class():
    labels = as_labels([0, 1, 0, 1], 4, targets=[[1.0, 0.0], [0.0, 1.0]])
    value = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, np.nextafter(0.5, 1)], [-3.0, -3.0]])
    for tally in tallies(value, labels):
        assert (tally.right, tally.unsure) == (1, 0)


def test_an_output_that_may_be_nearest_to_either_target_is_unsure():
    labels = as_labels([0, 1], 2, targets=[[0.0], [1.0]])
    tally = Tally(labels, count=True)
    half = arb(0.5).union(arb(0.51))
    tally.add_balls([np.array([0]), np.array([1])], [[half], [half]])
    assert (tally.right, tally.unsure) == (0, 2)


def test_a_loss_below_the_least_double_is_not_zero():
    labels = as_labels([[0.0], [0.0]], 2)
    for tally in tallies(np.array([[1e-170], [-1e-200]]), labels):
        plain, _ = tally.losses()
        assert not plain == 0 and contains(
            plain, (Fraction(1e-170) ** 2 + Fraction(1e-200) ** 2) / 2
        )


def test_outputs_that_overflow_leave_the_loss_open():
    labels = as_labels([0, 1], 2, targets=[[0.0], [1.0]])
    tally = Tally(labels, count=True)
    error = np.array([[np.inf], [0.1]])
    tally.add_floats(np.array([0, 1]), np.array([[np.nan], [1.0]]), error)
    assert not tally.losses()[0].is_finite()
    assert [rows.tolist() for rows in tally.close] == [[0]] and tally.right == 1


def test_many_targets_are_no_slower_than_their_points():
    N = 20_000
    value = np.arange(float(N))[:, None]
    tally = Tally(as_labels(value, N), count=True)
    tally.add_floats(np.arange(N), value + 0.25, np.full((N, 1), 0.125))
    assert tally.right == N and not tally.close


# Against the naive oracle


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    Q=st.integers(1, 4),
    k=st.integers(1, 3),
    exponent=st.integers(-1000, 450),
    grid=st.booleans(),
)
def test_losses_and_right_answers_are_exact(seed, Q, k, exponent, grid):
    rng = np.random.default_rng(seed)
    targets, value = rng.normal(size=(Q, k)), rng.normal(size=(9, k))
    if grid:  # ties
        targets, value = np.round(targets), np.round(2 * value) / 2
    targets, value = np.ldexp(targets, exponent), np.ldexp(value, exponent)
    y = np.r_[np.arange(Q), rng.integers(0, Q, 9 - Q)]
    labels = as_labels(y, 9, targets=targets)
    plain, weighted, right = exact_answers([naive.exact(v) for v in value], labels)
    for tally in tallies(value, labels):
        assert contains(tally.losses()[0], plain) and contains(tally.losses()[1], weighted)
        assert (tally.right, tally.unsure) == (right, 0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), logarithm=st.integers(-8, 0), scale=st.integers(-300, 150))
def test_whatever_is_within_the_errors_is_covered(seed, logarithm, scale):
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=(2, 2)) * 10.0**scale
    labels = as_labels([0, 1, *rng.integers(0, 2, 4)], 6, targets=targets)
    value = rng.normal(size=(6, 2)) * 10.0**scale
    error = 10.0**logarithm * 10.0**scale
    tally = Tally(labels, count=True)
    tally.add_floats(np.arange(6), value, np.full(value.shape, error))
    unsure = sum(len(rows) for rows in tally.close)
    for _ in range(5):
        true = value + rng.choice([-1, 0, 1], size=value.shape) * error * (1 - 1e-12)
        plain, weighted, right = exact_answers([naive.exact(v) for v in true], labels)
        assert contains(tally.losses()[0], plain) and contains(tally.losses()[1], weighted)
        assert tally.right <= right <= tally.right + unsure


@pytest.mark.parametrize("count", [False, True])
def test_points_are_counted_only_when_asked(count):
    labels = as_labels([0, 1], 2, targets=[[0.0], [1.0]])
    tally = Tally(labels, count=count)
    tally.add_balls([np.array([0])], [[arb(0)]])
    tally.add_floats(np.array([1]), np.array([[1.0]]), np.array([[0.0]]))
    assert tally.right == 2 * count


# Attacks on the error bounds: inputs at which they are nearly attained


def floats(value, targets, error):
    """The mean loss of points of one class, by floats."""
    value = np.asarray(value, dtype=float).reshape(len(value), -1)
    labels = as_labels(np.zeros(len(value), int), len(value), targets=targets)
    tally = Tally(labels, count=False)
    tally.add_floats(np.arange(len(value)), value, np.full(value.shape, error))
    return tally.losses()[0]


def test_an_error_beyond_the_difference_leaves_zero_possible():
    assert contains(floats([2.0], [[2.0]], 1.0), Fraction(0))
    assert contains(floats([2.0], [[2.0]], 1.0), Fraction(1))
    # the other output is off by at least 1
    ball = floats([[2.0, 2.0]], [[2.0, 0.0]], 1.0)
    assert contains(ball, Fraction(1)) and contains(ball, Fraction(10))


def test_an_output_that_is_right_beside_one_that_is_not_hides_nothing():
    assert contains(floats([[1.0, 0.0]], [[0.0, 0.0]], 0.0), Fraction(1))


@pytest.mark.parametrize("error", [0.0, 2.0**-40])
@pytest.mark.parametrize("count", [0, 10_000])
@pytest.mark.parametrize("square", [2.0**-54, 2.0**-53 * (1 + 2.0**-20)])
def test_sums_of_many_squares_that_are_all_rounded_alike_are_bounded(square, count, error):
    # each square is lost beside the first, or counted twice
    gap = np.r_[1.0, np.full(count, square**0.5)]
    ball = floats(gap, [[0.0]], error)
    for sign in (1, -1):
        exact = sum((Fraction(g) + sign * Fraction(error)) ** 2 for g in gap) / len(gap)
        assert contains(ball, exact)
    assert fraction(ball.rad()) < exact * Fraction(1, 10**10)


def test_an_output_between_a_tie_and_the_other_target_is_unsure():
    # |out - 1|^2 - |out|^2 is in [-1/2, 0]: at 0 the first class has it
    labels = as_labels([0, 1], 2, targets=[[0.0], [1.0]])
    tally = Tally(labels, count=True)
    out = arb(0.625, 0.125)  # its ends are exact
    tally.add_balls([np.array([0])], [[out]])
    assert (tally.right, tally.unsure) == (0, 1)
    tally.add_balls([np.array([1])], [[out]])
    assert (tally.right, tally.unsure) == (0, 2)


@pytest.mark.parametrize("exponent", [-1000, -300, 0, 450, 1000])
def test_floats_decide_what_is_clear_at_every_size(exponent):
    labels = as_labels([0, 1, 1], 3, targets=np.ldexp([[1.0, 0.0], [0.0, -2.0]], exponent))
    value = np.ldexp([[0.9, 0.1], [0.1, -1.9], [0.9, 0.1]], exponent)
    tally = Tally(labels, count=True)
    tally.add_floats(np.arange(3), value, np.ldexp(np.full((3, 2), 0.1), exponent))
    assert tally.right == 2 and not tally.close


def test_outputs_far_beyond_the_targets_are_left_to_balls():
    labels = as_labels([0, 1], 2, targets=np.array([[1.0, 0.0], [0.0, 1.0]]) * 1e-300)
    value = np.array([[1e300, 0.0], [1e300, 0.0]])
    tally = Tally(labels, count=True)
    tally.add_floats(np.arange(2), value, np.zeros((2, 2)))
    assert [rows.tolist() for rows in tally.close] == [[0, 1]] and tally.right == 0


def test_far_from_all_targets_rounding_decides_nothing():
    # nine squares, which two programs add up in two orders; only the last tells the targets apart
    rng = np.random.default_rng(0)
    targets = np.zeros((2, 9))
    targets[:, -1] = 1.0, -1.0
    value = rng.uniform(1e6, 1e9, (200, 9))
    value[:, -1] = rng.normal(size=200) * 1e-9
    labels = as_labels([0, 1], 2, targets=targets)
    for v in value:
        tally = Tally(labels, count=True)
        tally.add_floats(np.arange(2), np.array([v, v]), np.zeros((2, 9)))
        # the point of one class is right, and that of the other is not, or it is left to balls
        right = 0 if v[-1] > 0 else 1
        left = {int(i) for rows in tally.close for i in rows}
        assert tally.right + (right in left) == 1


def test_the_doubt_about_a_distance_grows_with_the_outputs():
    # a sum that starts with 1 loses the squares that follow, in one distance and not in the other
    k = 16_000
    own, other = np.full((2, k), 0.99 * 2.0**-26.5)
    own[0], other[0] = 1.0, -(1 + 2.0**-47)
    labels = as_labels([0, 1], 2, targets=np.vstack([own, other]))
    tally = Tally(labels, count=True)
    tally.add_floats(np.arange(2), np.zeros((2, k)), np.zeros((2, k)))
    close = np.concatenate([[], *tally.close])
    assert 0 in close or tally.right > 0
    assert 1 in close or tally.right < 2


def test_a_class_of_tiny_errors_beside_one_of_large_errors_keeps_them():
    labels = as_labels([0, 1, 2], 3, targets=[[0.0, 0.0], [0.0, 1e-300], [0.0, 2.0]])
    value = np.array([[1.0, 0.0], [1e-170, 1e-300], [0.0, 2.0]])
    tally = Tally(labels, count=False)
    tally.add_floats(np.arange(3), value, np.zeros((3, 2)))
    for ball, exact in zip(tally.per_class, (1, Fraction(1e-170) ** 2, 0), strict=True):
        assert contains(ball, Fraction(exact))
    assert contains(floats([0.0], [[0.0]], 0.0), Fraction(0))
    # nothing but an error bound whose square is lost beside 1
    unsure = Tally(labels, count=False)
    value[1, 0] = 0.0
    unsure.add_floats(np.arange(3), value, np.array([[0.0, 0.0], [1e-170, 0.0], [0.0, 0.0]]))
    assert contains(unsure.per_class[1], Fraction(1e-170) ** 2)


def test_one_output_that_overflows_leaves_the_loss_open():
    labels = as_labels([0], 1, targets=[[0.0, 0.0]])
    tally = Tally(labels, count=False)
    tally.add_floats(np.array([0]), np.array([[np.nan, 1.0]]), np.array([[np.inf, 0.1]]))
    assert not tally.losses()[0].is_finite()
