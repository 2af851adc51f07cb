"""The rank modulo a prime of combinations of rows is that of all rows, or they are not used."""

import numpy as np
import pytest
from flint import fmpq, fmpz

from constructions.critical import ranks
from constructions.critical.cell import Cell
from constructions.critical.ranks import generic_rank

CASES = [((2, 3, 9), ()), ((2, 3, 2, 8), ((0, 0, 0), (1, 1, 1))), ((1, 7), ())]


def many(widths, kinks=(), N=40, seed=0):
    """A cell, and all of its outputs."""
    rng = np.random.default_rng(seed)
    masks = [(rng.random((N, w)) < 0.5).astype(float) for w in widths[1:-1]]
    for l, i, u in kinks:
        masks[l][i, u] = 0
    cell = Cell(widths, rng.standard_normal((N, widths[0])), None, [], masks, list(kinks))
    units = [[fmpq(int(j == k)) for j in range(widths[-1])] for k in range(widths[-1])]
    return cell, [(i, row) for i in range(N) for row in units]


@pytest.fixture
def answers(monkeypatch):
    """What combinations of rows give at each draw, where many rows are few."""
    found, inner = [], ranks._rank_of_fewer

    def kept(*args):
        found.append(inner(*args))
        return found[-1]

    monkeypatch.setattr(ranks, "_rank_of_fewer", kept)
    monkeypatch.setattr(ranks, "FEW_ENTRIES", 0)
    monkeypatch.setattr(ranks, "JOINT", 4)
    return found


@pytest.mark.parametrize(("widths", "kinks"), CASES)
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_rank_of_all_rows(widths, kinks, seed, answers, monkeypatch):
    cell, wanted = many(widths, kinks, seed=seed)
    found = generic_rank(cell, wanted)
    assert answers == [found.rank] * 2
    monkeypatch.setattr(ranks, "FEW_ENTRIES", np.inf)
    whole = generic_rank(cell, wanted)
    assert len(answers) == 2 and whole.rank == found.rank
    assert whole.error < found.error < 1e-20


def test_of_combinations_of_outputs_it_is_theirs(answers, monkeypatch):
    cell, wanted = many((2, 3, 9))
    thirds = [
        (i, [fmpq(k + 1, 3) * v + fmpq(1, 5) for v in row]) for i, row in wanted for k in (0, 1)
    ]
    some = [(i, row) for i, row in thirds if i % 3]  # nothing is asked for at some points
    found = generic_rank(cell, some)
    assert answers == [found.rank] * 2
    monkeypatch.setattr(ranks, "FEW_ENTRIES", np.inf)
    assert generic_rank(cell, some).rank == found.rank


def test_where_they_do_not_span_all_rows_these_are_taken(answers, monkeypatch):
    # one point alone reads the second number, with seven outputs of its own
    cell, wanted = many((2, 7))
    cell.X[1:, 1] = 0.0
    assert generic_rank(cell, wanted).rank == 21
    assert answers == [None, None]  # of that point, two and four joint ones
    monkeypatch.setattr(ranks, "JOINT", 5)
    assert generic_rank(cell, wanted).rank == 21 and answers[2:] == [21, 21]


def test_rows_of_zeros_have_rank_0(answers):
    cell, wanted = many((2, 3, 9))
    zeros = [(i, [fmpq(0)] * 9) for i, _ in wanted]
    assert generic_rank(cell, zeros).rank == 0 and answers == [0, 0]


def test_few_rows_are_all_taken(answers, monkeypatch):
    cell, wanted = many((2, 3, 2))  # two outputs of each point are no more than its combinations
    assert generic_rank(cell, wanted).rank > 0 and not answers


@pytest.mark.parametrize("seed", range(3))
def test_sums_over_points_are_those_of_their_rows(seed):
    cell, _ = many((3, 4, 2, 5), seed=seed, N=6)
    p = int(fmpz(2**61 - 1))
    whole, _ = ranks._whole_numbers(cell.X)
    weights, inputs = ranks._drawn(cell, whole, p)
    points = np.array([0, 2, 5])
    back = np.random.default_rng(seed).integers(p, size=(4, 3, 5)).astype(object)
    summed = ranks._summed_rows(cell, weights, inputs, points, back, p)
    for own, one in zip(back, summed, strict=True):
        rows = ranks._rows(cell, weights, inputs, len(cell.masks), points, own, p)
        assert (rows.sum(axis=0) % p == one).all() and one.any()
