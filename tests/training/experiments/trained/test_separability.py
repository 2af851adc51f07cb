"""Sequential separability of all subsets, against trying every order of every subset."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import elimination_order, separate
from training.experiments.trained import separability
from training.experiments.trained.separability import (
    Facts,
    Sequence,
    in_order,
    sequence,
    step_rows,
    subset_rows,
)


def by_trying(X, y, S):
    """Orders of S in which each class is separable from the later ones, one program for each."""

    def serves(order):
        return all(
            separate(X[y == q], X[np.isin(y, order[i + 1 :])]).separable
            for i, q in enumerate(order[:-1])
        )

    return [order for order in permutations(S) if serves(order)]


def on_a_line(text):
    """One point of the line for each letter, of the class that the digit says."""
    return np.arange(len(text), dtype=float)[:, None], np.array([int(c) for c in text])


# By hand


def test_what_lies_between_two_parts_of_a_class_goes_after_that_class_never():
    # 0 lies around 1, 1 around nothing: neither can be cut off from the other by a point.
    facts = Facts(*on_a_line("01022"))
    assert facts(0, {1}).separable is False and facts(1, {0}).separable is False
    assert facts(2, {0, 1}).separable and facts(0, {2}).separable
    assert facts(2, {0, 1}).margin == pytest.approx(0.5, rel=2e-3)
    assert sequence(facts, (0, 1)) == (False, (), 0.0, 0)
    assert sequence(facts, (0, 2)).orders == 2
    assert sequence(facts, (0, 1, 2)).separable is False
    assert in_order(facts, (2, 0)) is True and in_order(facts, (2, 0, 1)) is False


def test_an_order_may_serve_where_another_does_not():
    # 1 lies between 0 and 2: it must wait until one of them is gone.
    facts = Facts(*on_a_line("0011122"))
    found = sequence(facts, (0, 1, 2))
    assert found.separable and found.orders == 4 and found.order[0] in (0, 2)
    assert found.margin == pytest.approx(0.5, rel=2e-3)
    assert in_order(facts, (1, 0, 2)) is False and in_order(facts, (0, 1, 2)) is True


def test_the_order_of_the_claim_comes_first_and_as_it_is_written():
    rows = subset_rows(Facts(*on_a_line("0123456")))
    assert rows[0]["subset"] == "0 1 6 4" and rows[0]["as_written"] is True
    assert rows[0]["separable"] and rows[0]["orders"] == 8 and rows[0]["of"] == 24
    assert len(rows) == len({row["subset"] for row in rows}) == 21 + 35 + 35
    assert [row["separable"] for row in rows] == [True] * 91
    assert subset_rows(Facts(*on_a_line("012")))[0]["subset"] == "0 1"


def test_steps_are_those_of_the_order_with_margins_of_their_own():
    X = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0], [4.0, 9.0]])
    rows = step_rows(X, np.array([0, 1, 6, 4]))
    assert [(r["digit"], r["against"], r["separable"]) for r in rows] == [
        (0, "1 6 4", True),
        (1, "6 4", True),
        (6, "4", True),
    ]
    np.testing.assert_allclose([r["margin"] for r in rows], [2, 1.5, 3], rtol=1e-3)
    assert step_rows(X, np.array([0, 1, 6, 5])) == []


# Against the naive oracle


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(2, 4), st.floats(0.1, 2.0))
def test_all_subsets_are_as_trying_every_order_says(seed, d, Q, size):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(Q), rng.integers(0, Q, 2 * Q)])
    X = np.round(rng.normal(size=(Q, d))[y] + size * rng.normal(size=(len(y), d)), 2)
    facts = Facts(X, y)
    for size in (2, 3):
        for S in combinations(range(Q), min(size, Q)):
            tried, found = by_trying(X, y, S), sequence(facts, S)
            assert found.separable is bool(tried) and found.orders == len(tried)
            assert not tried or (found.order in tried and found.margin > 0)
            assert in_order(facts, S) is (S in tried)
    whole = sequence(facts, range(Q))
    assert whole.separable is elimination_order(X, y).complete


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_margins_are_never_more_than_there_is(seed):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(4), 3)
    X = 2 * rng.normal(size=(4, 3))[y] + rng.normal(size=(12, 3))
    facts = Facts(X, y)
    facts(0, {1, 2, 3})
    for others in ({1}, {2, 3}, {1, 2, 3}):
        known = facts(0, others)
        own = separate(X[y == 0], X[np.isin(y, list(others))])
        assert known.separable is own.separable
        assert known.margin <= own.bound


# Laws


def test_few_programs_decide_all_subsets_of_ten_classes():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(10), 4)
    X = 4 * rng.normal(size=(10, 12))[y] + rng.normal(size=(40, 12))
    facts = Facts(X, y)
    rows = subset_rows(facts)
    assert len(rows) == 45 + 120 + 210 and facts.programs == 10
    assert all(row["separable"] and row["orders"] == row["of"] for row in rows)


def test_a_common_point_tells_of_all_sets_with_the_classes_that_it_is_made_of():
    facts = Facts(*on_a_line("0102233"))
    assert facts(0, {1, 2, 3}).separable is False
    # It is a point of 1 alone that lies in the hull of 0.
    assert facts(0, {1}).separable is facts(0, {1, 3}).separable is False
    assert facts(1, {0}).separable is False and facts.programs == 1


def test_what_is_open_is_said_to_be_open(monkeypatch):
    class Nothing:
        separable, margin, certificate = None, 0.0, None

    real = separate

    def doubtful(A, B, *, rtol):
        return Nothing() if len(B) > 1 else real(A, B, rtol=rtol)

    monkeypatch.setattr(separability, "separate", doubtful)
    facts = Facts(*on_a_line("012"))
    assert facts(0, {1, 2}).separable is None and facts(0, {1}).separable is True
    assert sequence(facts, (0, 1, 2)) == Sequence(None, (), 0.0, 0)
    assert in_order(facts, (0, 1, 2)) is None


def test_progress_is_told_before_each_program():
    told = []
    facts = Facts(*on_a_line("01"), progress=told.append)
    assert facts(1, {0}).separable and facts(0, {1}).separable
    assert told == ["separating 1 from 0"] and facts.programs == 1


# Bad input


@pytest.mark.parametrize("others", [{0}, {0, 1}, set(), {7}])
def test_a_class_is_asked_to_be_separable_from_others_that_are_there(others):
    with pytest.raises(ValueError, match=r"others must be classes of \[0, 1\] without 0"):
        Facts(*on_a_line("01"))(0, others)
