"""Whether what units read at their kinks leaves them free."""

from types import SimpleNamespace

import numpy as np

from constructions.critical.balls import Balls
from constructions.critical.planes.rows import are_free


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
