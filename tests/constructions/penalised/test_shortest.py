"""The shortest vectors above levels at the vertices of cones."""

import numpy as np
import pytest
from scipy.optimize import nnls

from constructions.penalised.shortest import length_two, rows_above


@pytest.mark.parametrize("r", [1, 2, 3, 6])
def test_vectors_are_above_the_levels_and_as_short_as_can_be(r):
    rng = np.random.default_rng(r)
    units = np.abs(rng.random(r) + 0.3 * rng.standard_normal((50, r, r)))
    units /= np.linalg.norm(units, axis=2, keepdims=True)
    levels = rng.standard_normal((50, 2, r)) + 0.5
    above, short, weights = rows_above(units, levels)
    assert (weights >= 0).all()
    assert np.allclose(above, weights @ units, atol=1e-12)
    at = above @ units.transpose(0, 2, 1)
    assert np.allclose(short, np.maximum(levels - at, 0).max(axis=2), atol=1e-15)
    assert (short < 1e-6).all()
    for b in range(50):
        for n in range(2):
            # Lawson and Hanson: the residual of least squares with c >= 0 gives the shortest
            A = np.vstack([units[b].T, levels[b, n]])
            rest = A @ nnls(A, np.eye(r + 1)[-1])[0] - np.eye(r + 1)[-1]
            best = 0.0 if abs(rest[-1]) < 1e-14 else np.linalg.norm(rest[:-1] / rest[-1])
            assert np.linalg.norm(above[b, n]) == pytest.approx(best, rel=1e-6, abs=1e-9)


def test_where_no_level_is_positive_it_is_zero():
    above, short, _ = rows_above(np.eye(2)[None], np.array([[[-1.0, 0.0], [-3.0, -1.0]]]))
    assert not above.any() and not short.any()


def test_what_is_missing_is_told():
    """Two vertices that are one ask for two levels: of them the larger is met, or it is missed."""
    units = np.array([[[1.0, 0.0], [1.0, 0.0]]])
    above, short, _ = rows_above(units, np.array([[[1.0, 2.0]]]))
    assert above[0, 0, 0] + short[0, 0] >= 2 - 1e-9


def test_the_largest_singular_value():
    rows = np.random.default_rng(0).standard_normal((5, 3, 4))
    assert np.allclose(length_two(rows), np.linalg.norm(rows, 2, axis=(1, 2)))
