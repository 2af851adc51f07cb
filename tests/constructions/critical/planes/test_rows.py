"""Whether what units read at their kinks leaves them free."""

from types import SimpleNamespace

import numpy as np
from multiples import ON_A_LINE, in_balls

from constructions.critical.balls import Balls
from constructions.critical.cell import Cell, forwards, height_rows
from constructions.critical.planes.rows import are_free, held_units


def test_kinks_of_a_unit_are_free_if_what_it_reads_there_is_independent():
    read = Balls(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 1.0]]))

    def is_free(kinks, rad=0.0, layer=0):
        inputs = [read if l == layer else Balls(np.zeros((4, 2))) for l in range(2)]
        inputs[layer] = Balls(read.mid, np.full(read.shape, rad))
        cell = SimpleNamespace(kinks=[(layer, i, u) for i, u in kinks])
        return are_free(cell, SimpleNamespace(inputs=inputs))

    assert is_free([]) and is_free([(0, 0)]) and is_free([(0, 0), (1, 0)])
    assert not is_free([(0, 0), (1, 0), (2, 0)])
    assert is_free([(0, 0), (1, 0), (2, 1)])  # of two units
    assert is_free([(0, 0), (1, 0), (3, 0)]) and is_free([(0, 0), (1, 0)], layer=1)
    assert not is_free([(0, 0), (1, 0), (2, 0)], layer=1)
    assert is_free([(0, 0), (1, 0)], rad=0.4) and not is_free([(0, 0), (1, 0)], rad=0.6)


# units across the line h_1 + h_2 = 1, with what they read at three points of it


def held_at(units, kinks, X=ON_A_LINE):
    d, m = X.shape[1], len(units)
    units = np.asarray(units, float)
    masks = [(X > 0).astype(float), np.zeros((len(X), m))]
    for l, i, u in kinks:
        masks[l][i, u] = 0
    cell = Cell((d, d, m, 1), X, np.zeros((len(X), 1)), [], masks, kinks)
    parts = np.eye(d), np.zeros(d), units[:, :d], units[:, d], np.ones(m), np.zeros(1)
    return cell, np.concatenate([part.ravel() for part in parts])


def test_units_with_more_kinks_than_their_rows_leave_are_held():
    kinks = [(1, 0, 0), (1, 1, 0), (1, 2, 0), (1, 0, 1), (1, 1, 1)]
    cell, theta = held_at([[-1, -1, 1], [-2, -2, 2]], kinks)
    assert held_units(cell, theta, [0, 1, 2, 3, 4]) == [(1, 0)]
    assert held_units(cell, theta, [0, 1, 3, 4]) == []  # of the kinks that are looked at
    with np.errstate(all="ignore"):
        assert held_units(cell, np.full(len(theta), np.inf), [0, 1, 2]) == []
    # the first layer reads points: which of these depend on each other is known
    cell, theta = held_at([[-1, -1, 1]], [(0, i, 0) for i in range(3)], np.ones((3, 2)))
    assert held_units(cell, theta, [0, 1, 2]) == []


def test_equations_for_the_layer_below_are_proved_to_be_independent():
    kinks = [(1, 0, 0), (1, 1, 0), (1, 2, 0), (1, 0, 1), (1, 1, 1)]
    cell, theta = held_at([[-1, -1, 1], [-2, -2, 2]], kinks)
    cell = in_balls(cell)

    def is_free(theta, cell=cell, held=((1, 0),), rad=0.0):
        found = forwards(cell, Balls(theta, np.full(len(theta), rad)))
        return are_free(cell, found, height_rows(cell, found), held)

    assert is_free(theta) and is_free(theta, rad=0.01) and not is_free(theta, rad=1.0)
    assert not is_free(theta, held=())
    # both units held: multiples of each other ask the layer below for the same
    both = cell._replace(kinks=[*kinks, (1, 2, 1)])
    assert not is_free(theta, both, [(1, 0), (1, 1)])
    # a unit of zeros asks it for nothing
    nothing = theta.copy()
    nothing[[6, 7]] = 0.0
    assert not is_free(nothing)
    # as many equations as the first layer has parameters, at the points of its own kinks
    below = [(0, i, u) for i in range(3) for u in range(2)]
    fixed = cell._replace(kinks=[*kinks, *below], masks=[0 * cell.masks[0], cell.masks[1]])
    assert not is_free(theta, fixed)
