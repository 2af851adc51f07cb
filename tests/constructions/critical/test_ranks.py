"""Ranks modulo primes are those of random real parameters, and counted bounds are no smaller."""

import numpy as np
import pytest
from flint import arb, fmpq, fmpz

from constructions.critical import cell as calculus
from constructions.critical import ranks
from constructions.critical.balls import Balls
from constructions.critical.cell import Block, Cell
from constructions.critical.fitted.constraints import Across, Parallel
from constructions.critical.fitted.fewer import Asked
from constructions.critical.ranks import coefficients_rank, counted_bound, generic_rank


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
    # of two combinations that are multiples of each other, one counts
    both = [(i, row) for i in range(12) for row in ([fmpq(1, 3), fmpq(1)], [fmpq(1), fmpq(3)])]
    assert generic_rank(cell, both).rank == generic_rank(cell, sums).rank


def test_kinks_of_a_unit_that_depend_on_each_other_have_no_generic_rank():
    kinks = [(0, i, 0) for i in range(4)]
    assert generic_rank(cell_of((2, 3, 2), 0, kinks=kinks), []) is None


def test_points_of_any_size_are_whole_numbers_modulo_primes():
    cell = cell_of((2, 3, 2), 1)
    small = generic_rank(cell, all_outputs(cell)).rank
    scaled = cell._replace(X=cell.X * np.array([2.0**-900, 2.0**900]))
    assert generic_rank(scaled, all_outputs(cell)).rank == small


def test_primes_have_all_their_bits_and_are_not_the_same_twice():
    drawn = [ranks._prime() for _ in range(60)]
    assert all(p.bit_length() == 61 and fmpz(p).is_prime() for p in drawn)
    assert len(set(drawn)) == 60
    # all of them may come, not only those with some digit
    assert {p >> 59 for p in drawn} == {2, 3} and {p % 4 for p in drawn} == {1, 3}


def test_a_bound_on_the_error_is_that_of_schwartz_and_zippel_and_of_the_unlucky_primes():
    # degree of an output: 1 and 1; with one kink in layer 1 and two of one unit in layer 2,
    # 1, then 1 + 2 times that, then 1
    kinks = (0, 0, 0), (1, 1, 1), (1, 4, 1), (1, 5, 2)
    for widths, on_kink, degree, outputs in (
        ((2, 3, 2), (), 2, True),
        ((2, 3, 3, 2), kinks, 5, True),
        ((2, 3, 3, 2), kinks, 5, False),
    ):
        cell = cell_of(widths, 0, kinks=on_kink)
        cell.X[:] = np.random.default_rng(0).integers(-7, 8, cell.X.shape)
        cell.X[0, 0] = 7.0
        thirds = [(i, [fmpq(1), fmpq(2, 5)]) for i in range(len(cell.X))]
        found = generic_rank(cell, thirds if outputs else [])
        size = found.rank + 1  # of the minor that would have been missed
        # of (5, 2), and two for the sum
        bits = 3 + 5 * outputs + sum(2 * b for b in (2, 2, 2)[: len(widths) - 1])
        zippel = size * degree / 2**60
        unlucky = size * degree * (bits + np.log2(size) + 1) / 60 / 2.7e16
        assert found.error == pytest.approx((zippel + unlucky) ** 2, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("row", "bits"),
    [
        ([fmpq(1), fmpq(0)], 1),
        ([fmpq(-4), fmpq(3)], 3),
        ([fmpq(1, 3**40), fmpq(1, 3**39)], 2),
        # their common denominator is as long as both
        ([fmpq(7**30, 3**40), fmpq(1, 5**30)], (35**30).bit_length()),
        ([fmpq(-1, 2**70), fmpq(1, 3**40)], 71),
    ],
)
def test_the_bits_of_a_combination_are_those_of_its_whole_row(row, bits):
    cell = cell_of((2, 3, 2), 0)
    found = generic_rank(cell, [(0, [fmpq(1), fmpq(0)]), (1, row)])
    _, own = ranks._whole_numbers(cell.X)
    bits = own + bits + 2 + 2 * (2 + 2)
    minor, degree = found.rank + 1, 2
    share = minor * degree * (bits + np.log2(minor) + 1) / 60 / ranks.PRIMES
    assert found.error == pytest.approx((minor * degree / 2.0**60 + share) ** 2, rel=1e-12, abs=0)


def test_an_error_is_a_probability(monkeypatch):
    monkeypatch.setattr(ranks, "PRIMES", 1e-9)
    cell = cell_of((2, 3, 2), 0)
    assert generic_rank(cell, all_outputs(cell)).error == 1.0


def test_points_become_whole_numbers():
    whole, bits = ranks._whole_numbers(np.array([[0.5, -0.75], [3.0, 0.0]]))
    assert whole.tolist() == [[2, -3], [12, 0]] and bits == 4
    assert all(type(v) is int for v in whole.ravel())
    assert ranks._whole_numbers(np.zeros((1, 1)))[1] == 0


def test_a_unit_of_which_the_kinks_fix_everything_is_zero():
    # three independent rows (x, 1) in the plane leave (w, b) = 0
    cell = cell_of((2, 3, 2), 3, kinks=[(0, i, 0) for i in range(3)])
    found = generic_rank(cell, all_outputs(cell))
    assert found.rank == float_rank(cell, 0)


def test_ranks_are_refused_where_there_is_too_much_to_compute(monkeypatch):
    cell = cell_of((2, 3, 2), 0, kinks=[(0, 0, 0)])
    entries = (24 + 1) * 17
    for most, refused in ((entries, False), (entries - 1, True)):
        monkeypatch.setattr(ranks, "MOST_ENTRIES", most)
        assert (generic_rank(cell, all_outputs(cell)) is None) is refused


def test_nothing_that_is_wanted_has_rank_zero():
    assert generic_rank(cell_of((2, 3, 2), 0), []).rank == 0


@pytest.mark.parametrize("layer", [0, 1])
def test_what_a_unit_is_counted_for(layer):
    """A scaling for each unit that is on; of one that is never on all its own parameters."""
    cell = cell_of((2, 3, 4, 2), 0)
    P = 3 * 3 + 4 * 4 + 5 * 2
    free = [np.ones(3, bool), np.ones(4, bool)]
    assert counted_bound(cell, free) == P - 7
    free[layer][1] = False
    assert counted_bound(cell, free) == P - 6
    dead = [mask.copy() for mask in cell.masks]
    dead[layer][:, 1] = 0
    dead = cell._replace(masks=dead)
    own = (3 + 4, 4 + 2)[layer]
    for flag in (True, False):
        free[layer][1] = flag
        assert counted_bound(dead, free) == P - 6 - own
    # on a kink it is neither
    assert counted_bound(dead._replace(kinks=[(layer, 0, 1)]), free) == P - 6
    # two that are never on, in layers that follow each other: their weight counts once
    if layer == 0:
        both = [mask.copy() for mask in dead.masks]
        both[1][:, 2] = 0
        assert counted_bound(cell._replace(masks=both), free) == P - 5 - (7 + 6 - 1)


HELD = [
    Parallel(2, True, 1, 0, 2),
    Parallel(2, True, 0, 3, 4),
    Across(1, (fmpq(3), fmpq(-1, 2)), None, 2),
    Across(0, (fmpq(1), fmpq(2)), None, 2),
    Parallel(0, False, 2, 1, 3),
]


def test_numbers_that_are_drawn_satisfy_the_constraints():
    cell, p = cell_of((3, 4, 5, 2), 0), ranks._prime()
    whole = ranks._whole_numbers(cell.X)[0]
    W, _ = ranks._drawn(cell, whole, p, HELD)
    for one in HELD:
        if isinstance(one, Parallel):
            assert not (one.values(W) % p).any()
            assert (one._columns(W)[:, one.unit] != 0).all()
        else:
            g = np.array(ranks._modulo(one.functional, p), dtype=object)
            assert g @ W[2][:, one.unit] % p == 0 and W[2][:, one.unit].any()
    free = ranks._drawn(cell, whole, p)[0]
    assert all((one.values(free) % p).any() for one in HELD if isinstance(one, Parallel))


def asked_for(functional, value=1):
    return Asked(0, functional, [arb(1), arb(0)], fmpq(value), arb(value), 0)


def test_constraints_that_depend_on_each_other_are_refused():
    cell, asked = cell_of((2, 3, 2), 1), [asked_for((fmpq(1), fmpq(0)))]
    twice = [Across(0, (fmpq(1), fmpq(2)), None, 1), Across(0, (fmpq(2), fmpq(4)), None, 1)]
    assert coefficients_rank(cell, asked, twice[:1], True).rank == 1
    assert coefficients_rank(cell, asked, twice, True) is None


def test_long_numbers_make_an_error_likelier():
    cell, long = cell_of((2, 3, 2), 1), fmpq(1, 3**400)
    least = coefficients_rank(cell, [asked_for((fmpq(1), fmpq(0)))], [], False).error
    for asked, held in (
        ([asked_for((fmpq(1), long))], []),
        ([asked_for((fmpq(1), fmpq(0)), long)], []),
        ([asked_for((fmpq(1), fmpq(0)))], [Across(0, (fmpq(1), long), None, 1)]),
    ):
        assert coefficients_rank(cell, asked, held, False).error > 1.5 * least


def test_what_is_asked_for_is_not_ranked_if_it_is_too_much(monkeypatch):
    cell, asked = cell_of((2, 3, 2), 1), [asked_for((fmpq(1), fmpq(0)))]
    for by_label, numbers in ((False, 3 * 3 + 3), (True, 3 * 3 + 2)):
        monkeypatch.setattr(ranks, "MOST_ENTRIES", numbers)
        assert coefficients_rank(cell, asked, [], by_label) is not None
        monkeypatch.setattr(ranks, "MOST_ENTRIES", numbers - 1)
        assert coefficients_rank(cell, asked, [], by_label) is None


def test_nothing_asked_for_has_rank_zero():
    cell, zero = cell_of((2, 3, 2), 1), (fmpq(0), fmpq(0))
    assert coefficients_rank(cell, [asked_for(zero, 0)], [], False).rank == 0


@pytest.mark.parametrize("by_label", [False, True])
def test_the_bound_on_the_error_counts_the_bits_of_whole_rows(by_label):
    cell, long = cell_of((3, 4, 2), 1), fmpq(1, 3**40)
    asked = [asked_for((fmpq(1), fmpq(1))), asked_for((fmpq(1), long))]
    asked.append(asked[0]._replace(point=5))
    found = coefficients_rank(cell, asked, [], by_label)
    _, bits = ranks._whole_numbers(cell.X)
    # two coefficients and a value have denominators, of 64 bits each; one more is for a numerator
    bits += 4 * 64 + 2 * (2 + 3 + 2 + 2)
    minor, degree = found.rank + 1, 4
    share = minor * degree * (bits + np.log2(minor) + 1) / 60 / ranks.PRIMES
    assert found.error == pytest.approx((minor * degree / 2.0**60 + share) ** 2, rel=1e-12, abs=0)


def test_how_much_is_looked_at_is_told_by_the_widths(monkeypatch):
    cell = cell_of((3, 4, 2), 1)
    asked = [asked_for((fmpq(1), fmpq(0)))._replace(label=q) for q in (0, 0, 1)]
    for by_label, numbers in ((False, 3 * (16 + 3)), (True, 3 * (16 + 4))):
        monkeypatch.setattr(ranks, "MOST_ENTRIES", numbers)
        assert coefficients_rank(cell, asked, [], by_label) is not None
        monkeypatch.setattr(ranks, "MOST_ENTRIES", numbers - 1)
        assert coefficients_rank(cell, asked, [], by_label) is None
