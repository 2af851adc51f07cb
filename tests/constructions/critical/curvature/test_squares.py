"""Curvature summed over outputs first is that of all rows of outputs."""

from itertools import pairwise

import numpy as np
import pytest

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls
from constructions.critical.cell import Block, Cell
from constructions.critical.curvature import squares
from constructions.critical.entropies import block_of

WIDTHS = [(3, 4), (2, 3, 1), (3, 5, 4), (2, 3, 2, 3), (1, 2, 2, 2, 5)]
LOSSES = ["mse", "cross_entropy", "bce"]


def cell_of(widths, loss, N=9, seed=0):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((N, widths[0])), rng.dirichlet(np.ones(widths[-1]), N)
    masks = [(rng.random((N, m)) < 0.6).astype(float) for m in widths[1:-1]]
    blocks = [
        block_of(loss, slice(a, b), Balls(rng.random(b - a)), widths[-1])
        for a, b in ((0, 4), (4, N - 1))
    ]
    P = sum((n + 1) * m for n, m in pairwise(widths))
    return Cell(widths, Balls(X), Balls(Y), blocks, masks, []), rng.standard_normal(P)


def both(cell, theta, monkeypatch):
    """(curvature of all rows, curvature summed over outputs first)."""
    found = calculus.run(cell, theta)
    ends = []
    for least in (np.inf, 0.0):
        monkeypatch.setattr(squares, "LONG", least)
        ends.append(calculus.curvature(cell, found))
    return ends


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("loss", LOSSES)
def test_it_is_that_of_all_rows_and_no_wider(widths, loss, monkeypatch):
    cell, theta = cell_of(widths, loss)
    rows, outputs = both(cell, Balls(theta), monkeypatch)
    size = np.abs(rows.mid).max()
    if (loss, widths[-1]) == ("cross_entropy", 1):  # the softmax of one output is 1
        assert size < 1e-11
        size = 1.0
    assert size > 0.01
    np.testing.assert_allclose(outputs.mid, rows.mid, rtol=0, atol=1e-13 * size)
    assert (np.abs(outputs.mid - rows.mid) <= outputs.rad + rows.rad).all()
    assert outputs.rad.max() <= 2 * rows.rad.max() < 1e-11 * size
    assert (np.abs(outputs.mid - outputs.mid.T) <= outputs.rad).all()


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("loss", LOSSES)
def test_that_of_a_box_holds_those_in_it(widths, loss, monkeypatch):
    cell, theta = cell_of(widths, loss, seed=1)
    rng, reach = np.random.default_rng(2), 1e-3
    box = both(cell, Balls(theta, np.full(len(theta), reach)), monkeypatch)[1]
    for _ in range(4):
        moved = Balls(theta + reach * rng.choice([-1.0, 1.0], len(theta)))
        inner = both(cell, moved, monkeypatch)[0]
        assert (np.abs(inner.mid - box.mid) <= box.rad + inner.rad).all()


def test_points_that_share_in_the_loss_are_done_with_their_rows(monkeypatch):
    cell, theta = cell_of((2, 3, 2), "mse", N=6)
    form = np.array([[2.0, 1.0], [1.0, 3.0]])
    blocks = [
        Block(slice(0, 2), Balls(form), Balls(np.eye(2) + 1)),
        Block(slice(2, 4), Balls(np.ones(2)), Balls(np.eye(2))),
    ]
    assert [squares.is_by_point(block) for block in blocks] == [False, True]
    cell = cell._replace(blocks=blocks)
    rows, outputs = both(cell, Balls(theta), monkeypatch)
    np.testing.assert_allclose(outputs.mid, rows.mid, atol=1e-12)
    without = both(cell._replace(blocks=blocks[:1]), Balls(theta), monkeypatch)[1]
    assert np.abs(outputs.mid - without.mid).max() > 0.1


def test_a_unit_that_is_never_on_bends_nothing(monkeypatch):
    cell, theta = cell_of((3, 4, 2), "mse")
    cell.masks[0][:, 1] = 0.0
    found = both(cell, Balls(theta), monkeypatch)[1]
    own = np.r_[3:6, 13]
    assert not found.mid[own].any() and found.rad[own].max() < 1e-300 and found.mid.any()


def test_what_is_not_known_is_not_known_after_it(monkeypatch):
    cell, theta = cell_of((2, 3, 2), "mse")
    wide = Balls(theta, np.where(np.arange(len(theta)) == 9, np.inf, 0.0))  # a last weight
    found = both(cell, wide, monkeypatch)[1]
    assert np.isinf(found.rad).any() and not np.isnan(found.mid).any()


def test_where_there_is_no_loss_nothing_bends(monkeypatch):
    cell, theta = cell_of((2, 3, 2), "mse")
    for found in both(cell._replace(blocks=[]), Balls(theta), monkeypatch):
        assert not found.mid.any() and not found.rad.any()


def tied_cell(widths, seed=0, one_pattern=True):
    """A cell with two blocks of four points each that share in the loss, and parameters."""
    cell, theta = cell_of(widths, "mse", seed=seed)
    rng = np.random.default_rng(seed + 10)
    blocks = []
    for start in (0, 4):
        root, across = rng.standard_normal((4, 5)), rng.standard_normal((widths[-1], 6))
        rows = slice(start, start + 4)
        blocks.append(Block(rows, Balls(root @ root.T), Balls(across @ across.T)))
        for mask in cell.masks if one_pattern else ():
            mask[rows] = mask[start]
    return cell._replace(blocks=blocks), theta


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("reach", [0.0, 1e-3])
def test_of_one_pattern_it_is_that_of_all_rows_and_no_wider(widths, reach, monkeypatch):
    cell, theta = tied_cell(widths)
    assert all(squares.is_summed(cell, block) for block in cell.blocks)
    rows, summed = both(cell, Balls(theta, np.full(len(theta), reach)), monkeypatch)
    size = np.abs(rows.mid).max()
    assert size > 0.01
    np.testing.assert_allclose(summed.mid, rows.mid, rtol=0, atol=1e-13 * size)
    assert (np.abs(summed.mid - rows.mid) <= summed.rad + rows.rad).all()
    assert summed.rad.max() <= 2 * rows.rad.max()
    assert (np.abs(summed.mid - summed.mid.T) <= summed.rad).all()


@pytest.mark.parametrize("widths", WIDTHS)
def test_of_one_pattern_that_of_a_box_holds_those_in_it(widths, monkeypatch):
    cell, theta = tied_cell(widths, seed=1)
    rng, reach = np.random.default_rng(2), 1e-3
    box = both(cell, Balls(theta, np.full(len(theta), reach)), monkeypatch)[1]
    for _ in range(4):
        moved = Balls(theta + reach * rng.choice([-1.0, 1.0], len(theta)))
        inner = both(cell, moved, monkeypatch)[0]
        assert (np.abs(inner.mid - box.mid) <= box.rad + inner.rad).all()


def test_what_is_not_known_of_the_form_is_not_known_after_it(monkeypatch):
    cell, theta = tied_cell((2, 3, 2))
    first = cell.blocks[0]
    wide = first._replace(form=Balls(first.form.mid, np.full((4, 4), 1e-3)))
    found = both(cell._replace(blocks=[wide, cell.blocks[1]]), Balls(theta), monkeypatch)[1]
    moved = first._replace(form=first.form + 1e-3)
    inner = both(cell._replace(blocks=[moved, cell.blocks[1]]), Balls(theta), monkeypatch)[0]
    assert (np.abs(inner.mid - found.mid) <= found.rad + inner.rad).all()
    lost = both(cell, Balls(theta, np.where(np.arange(17) == 9, np.inf, 0.0)), monkeypatch)[1]
    assert np.isinf(lost.rad).any() and not np.isnan(lost.mid).any()


def test_points_of_several_patterns_are_done_with_their_rows(monkeypatch):
    cell, theta = tied_cell((3, 5, 4), one_pattern=False)
    assert not any(squares.is_summed(cell, block) for block in cell.blocks)
    rows, own = both(cell, Balls(theta), monkeypatch)
    np.testing.assert_array_equal(own.mid, rows.mid)
    # a pattern differs in the second hidden layer alone
    cell, theta = tied_cell((2, 3, 1, 2))
    cell.masks[1][:4] = [[1.0], [1.0], [0.0], [1.0]]
    assert [squares.is_summed(cell, block) for block in cell.blocks] == [False, True]
    rows, own = both(cell, Balls(theta), monkeypatch)
    assert (np.abs(own.mid - rows.mid) <= own.rad + rows.rad).all()
