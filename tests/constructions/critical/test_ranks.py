"""Ranks modulo primes are those of random real parameters, and counted bounds are no smaller."""

import numpy as np
import pytest
from flint import fmpq

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls
from constructions.critical.cell import Block, Cell
from constructions.critical.ranks import counted_bound, generic_rank


def cell_of(widths, seed, N=12, kinks=()):
    rng = np.random.default_rng(seed)
    masks = [(rng.random((N, w)) < 0.6).astype(float) for w in widths[1:-1]]
    for l, i, u in kinks:
        masks[l][i, u] = 0
    X, Y = rng.standard_normal((N, widths[0])), np.zeros((N, widths[-1]))
    blocks = [Block(slice(0, N), np.ones(N), np.eye(widths[-1]))]
    return Cell(widths, X, Y, blocks, masks, list(kinks))


def all_outputs(cell):
    K = cell.widths[-1]
    return [
        (i, [fmpq(int(j == k)) for j in range(K)]) for i in range(len(cell.X)) for k in range(K)
    ]


def float_rank(cell, seed):
    """The largest numerical rank of (J, Z) at random parameters that keep the kinks."""
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal(cell.places[-1][1].stop)
    read = cell.X
    for l, (at_W, at_b) in enumerate(cell.places[:-1]):
        n, m = cell.widths[l], cell.widths[l + 1]
        W, b = theta[at_W].reshape(m, n), theta[at_b]
        for u in range(m):
            rows = [i for layer, i, unit in cell.kinks if (layer, unit) == (l, u)]
            if rows:
                lifted = np.column_stack([read[rows], np.ones(len(rows))])
                v = np.r_[W[u], b[u]]
                v = v - np.linalg.pinv(lifted) @ (lifted @ v)
                W[u], b[u] = v[:-1], v[-1]
        read = (read @ W.T + b) * cell.masks[l]
    balls = cell._replace(X=Balls(cell.X))
    found = calculus.forwards(balls, Balls(theta))
    rows = [calculus.output_rows(balls, found).mid, calculus.height_rows(balls, found).mid]
    J = np.vstack(rows)
    J = J / np.maximum(np.linalg.norm(J, axis=1, keepdims=True), 1e-300)
    s = np.linalg.svd(J, compute_uv=False)
    return int((s > 1e-9 * s[0]).sum())


CASES = [
    ((2, 3, 2), ()),
    ((2, 4, 3, 2), ()),
    ((3, 3, 1), ((0, 0, 0), (0, 1, 0))),
    ((2, 3, 3, 2), ((0, 0, 0), (1, 0, 1), (1, 4, 1), (1, 5, 2))),
    ((2, 2), ()),
]


@pytest.mark.parametrize(("widths", "kinks"), CASES)
@pytest.mark.parametrize("seed", range(4))
def test_the_generic_rank_is_that_of_random_parameters(widths, kinks, seed):
    cell = cell_of(widths, seed, kinks=kinks)
    found = generic_rank(cell, all_outputs(cell))
    assert found.rank == max(float_rank(cell, s) for s in range(3))
    assert 0 < found.error < 1e-20


@pytest.mark.parametrize(("widths", "kinks"), CASES)
def test_counted_bounds_hold(widths, kinks):
    for seed in range(6):
        cell = cell_of(widths, seed, kinks=kinks)
        for mask in cell.masks[:1]:
            mask[:, 0] = 0  # a unit that is never on
        free = [np.ones(w, bool) for w in widths[1:-1]]
        bound = counted_bound(cell, free)
        assert generic_rank(cell, all_outputs(cell)).rank <= bound
    if widths == (2, 3, 2):
        assert bound == 17 - 5 - 2  # unit 0 is free in 2 + 1 + 2, two others can be scaled


def test_combinations_of_outputs_have_their_own_rank():
    cell = cell_of((2, 3, 2), 0)
    sums = [(i, [fmpq(1), fmpq(1)]) for i in range(12)]
    assert generic_rank(cell, sums).rank < generic_rank(cell, all_outputs(cell)).rank
    halves = [(i, [fmpq(1, 3), fmpq(1, 3)]) for i in range(12)]
    assert generic_rank(cell, halves).rank == generic_rank(cell, sums).rank
    assert generic_rank(cell, []).rank == 0


def test_kinks_of_a_unit_that_depend_on_each_other_have_no_generic_rank():
    kinks = [(0, i, 0) for i in range(4)]
    assert generic_rank(cell_of((2, 3, 2), 0, kinks=kinks), []) is None


def test_points_of_any_size_are_whole_numbers_modulo_primes():
    cell = cell_of((2, 3, 2), 1)
    small = generic_rank(cell, all_outputs(cell)).rank
    scaled = cell._replace(X=cell.X * np.array([2.0**-900, 2.0**900]))
    assert generic_rank(scaled, all_outputs(cell)).rank == small
