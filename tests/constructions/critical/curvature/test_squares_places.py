"""Where curvature is summed over outputs first, and where its parts are put."""

import numpy as np

from constructions.critical.balls import Balls
from constructions.critical.cell import Cell
from constructions.critical.curvature import squares


def test_rows_are_long_from_so_many_products_on(monkeypatch):
    cell = Cell((2, 4, 3), Balls(np.zeros((5, 2))), None, [], [], [])
    products = 5 * 3 * 27**2  # of 15 rows of 2 4 + 4 + 4 3 + 3 parameters
    for most, is_long in ((products, True), (products - 0.5, True), (products + 0.5, False)):
        monkeypatch.setattr(squares, "LONG", most)
        assert squares.is_long(cell) is is_long
