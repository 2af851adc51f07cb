"""Ranks where units hold what they read in a plane: random weights of the layer below."""

import numpy as np
import pytest
from decayed import loss_of, planted_decayed
from flint import fmpq
from multiples import in_balls, on_line

from constructions import verify
from constructions.critical import cell as calculus
from constructions.critical import ranks
from constructions.critical.balls import as_balls
from constructions.critical.cell import Cell
from constructions.critical.planes.drawing import in_kernel, layer_below
from constructions.critical.ranks import generic_rank
from geomcore.parameters import flatten, split

P = 2**61 - 1


def drawing(seed):
    rng = np.random.default_rng(seed)
    return lambda n: [int(v) for v in rng.integers(0, P, n)]


@pytest.mark.parametrize(("k", "n"), [(0, 3), (1, 3), (2, 5), (4, 5), (3, 3)])
def test_what_is_drawn_in_a_kernel_is_in_it(k, n):
    rows = np.random.default_rng(k).integers(-9, 10, (k, n)).astype(object)
    drawn = in_kernel(rows, P, drawing(0))
    assert drawn.shape == (n,) and not (rows @ drawn % P).any()
    assert drawn.any() == (k < n)
    other = in_kernel(rows, P, drawing(1))
    assert (drawn != other).any() == (k < n)


def test_rows_that_depend_on_each_other_have_nothing_drawn():
    rows = np.array([[1, 2, 3], [2, 4, 6]], dtype=object)
    assert in_kernel(rows, P, drawing(0)) is None
    assert in_kernel(np.array([[P, 0, 2 * P]], dtype=object), P, drawing(0)) is None


def plane_of(seed, factors=(0.6, -0.8), below=()):
    """The cell of units across a line, with kinks that others follow from, and parameters."""
    widths, theta, X, kinks, _ = on_line(seed, factors, 24)
    for _, i, u in below:
        X[i, u] = 0.0
    masks, h = [], X
    places = Cell(widths, X, None, [], [], []).places
    for l, (W, b) in enumerate(places[:-1]):
        z = h @ theta[W].reshape(widths[l + 1], widths[l]).T + theta[b]
        masks.append((z > 0).astype(float))
        h = np.maximum(z, 0)
    kept = [kink for kink in kinks if kink[1:] != (2, 1)]
    for l, i, u in [*kinks, *below]:
        masks[l][i, u] = 0
    return Cell(widths, X, np.zeros((24, 1)), [], masks, [*below, *kept]), theta


def test_a_layer_and_the_units_above_it_keep_their_kinks_modulo_a_prime():
    cell, _ = plane_of(0, below=[(0, 7, 1), (0, 9, 0)])
    lifted = np.column_stack([np.round(64 * cell.X), np.ones(24)]).astype(int).astype(object)
    layer, units = layer_below(cell, 0, [0], lifted, P, drawing(0))
    value = lifted @ layer.T % P
    assert value[7, 1] == 0 == value[9, 0] and np.count_nonzero(value == 0) == 2
    read = np.hstack([value * cell.masks[0].astype(int), np.ones((24, 1), int)]).astype(object)
    assert not (read[:3] @ units[0] % P).any() and units[0].all()
    # points that are equal give one equation twice
    lifted[1] = lifted[0]
    cell.masks[0][1] = cell.masks[0][0]
    assert layer_below(cell, 0, [0], lifted, P, drawing(0)) is None


def rank_on_kinks(cell, theta, rng):
    """The rank of (DF, Dz) at random parameters near by that keep the kinks, in floats."""
    theta = theta + 0.02 * rng.standard_normal(len(theta))
    for _ in range(30):
        found = calculus.forwards(in_balls(cell), as_balls(theta))
        Z = calculus.height_rows(in_balls(cell), found).mid
        heights = np.array([found.values[l].mid[i, u] for l, i, u in cell.kinks])
        theta = theta - np.linalg.lstsq(Z, heights, rcond=1e-9)[0]
    found = calculus.forwards(in_balls(cell), as_balls(theta))
    Z = calculus.height_rows(in_balls(cell), found).mid
    J = calculus.output_rows(in_balls(cell), found).mid
    assert np.abs(heights).max() < 1e-14
    return np.linalg.matrix_rank(np.vstack([J, Z]), tol=1e-8)


@pytest.mark.parametrize("factors", [(0.6, 0.8), (0.6, -0.8), (2 / 3, -1 / 3, 2 / 3)])
@pytest.mark.parametrize("below", [[], [(0, 3, 1)]])
def test_the_rank_is_that_of_random_parameters_where_units_stay_multiples(factors, below):
    cell, theta = plane_of(1, factors, below)
    kept = [k for k in cell.kinks if k[0] == 0 or k[2] == 0 or k[1] < 2]
    cell = cell._replace(kinks=kept)
    outputs = [(i, [fmpq(1)]) for i in range(24)]
    found = generic_rank(cell, outputs, [(1, 0)])
    rng = np.random.default_rng(0)
    assert found.rank == max(rank_on_kinks(cell, theta, rng) for _ in range(3))
    assert 0 < found.error < 1e-20


def test_units_in_layers_next_to_each_other_are_not_held_both():
    cell, _ = plane_of(0)
    deep = cell._replace(
        widths=(2, 2, 2, 2, 1), masks=[*cell.masks, np.ones((24, 2))], kinks=list(cell.kinks)
    )
    outputs = [(i, [fmpq(1)]) for i in range(24)]
    assert generic_rank(deep, outputs, [(1, 0)]) is not None
    assert generic_rank(deep, outputs, [(2, 0)]) is not None  # it is on no kink
    assert generic_rank(deep, outputs, [(1, 0), (2, 0)]) is None


def test_the_error_counts_the_degree_of_what_is_drawn_for_a_layer():
    cell, _ = plane_of(0, below=[(0, 7, 1)])
    cell.X[:] = np.random.default_rng(0).integers(-7, 8, cell.X.shape)
    cell.X[0, 0] = 7.0
    found = generic_rank(cell, [(i, [fmpq(1)]) for i in range(24)], [(1, 0)])
    # four equations for the first layer, of degree 1 with the w that is drawn; then two kinks
    # of a unit in a kernel; then the last layer
    first = 1 + 4 * (0 + 1)
    degree = first + (1 + 2 * first) + 1
    bits = 3 + 2 + 2 * 3 + 3 * 2 * 2  # of points, outputs, four equations, and three sums
    size = found.rank + 1
    share = size * degree * (bits + np.log2(size) + 1) / 60 / ranks.PRIMES
    assert found.error == pytest.approx((size * degree / 2.0**60 + share) ** 2, rel=1e-12, abs=0)


@pytest.mark.parametrize(("factors", "loss"), [((0.6, 0.8), "mse"), ((0.6, -0.8), "bce")])
def test_planted_minima_without_decay_are_proved_by_a_drawn_rank(factors, loss):
    widths, theta, X, kinks, first = on_line(1, factors, 30)
    net, X, Y = planted_decayed(
        widths, 30, kinks, 1, loss=loss, decay=0.0, on_them=(theta, X), first=first
    )
    found = verify(net, X, np.arange(30), targets=Y, loss=loss)
    assert (found.verdict, found.proved) == ("local minimum", True)
    assert len(found.kinks) == 6 and 0 < found.critical["rank_error"] < 1e-20
    rng, theta = np.random.default_rng(0), flatten(net.tensors)
    start = loss_of(net.tensors, X, Y, loss, 0)
    for k in range(200):
        way = rng.standard_normal(len(theta)) * (rng.random(len(theta)) < (1.0, 0.2)[k % 2])
        way *= 10.0 ** rng.uniform(-6, -2) / max(np.linalg.norm(way), 1e-9)
        assert loss_of(split(theta + way, net), X, Y, loss, 0) >= start - 1e-16
