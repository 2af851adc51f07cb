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
