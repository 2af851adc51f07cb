"""Pieces on the line and in the plane: their sizes, their gradients, which of them touch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import Polytope, ReLUNetwork, input_gradients, mesa_measures

SQUARE = Polytope([[1, 0], [0, 1], [-1, 0], [0, -1]], [1, 1, 1, 1])


def test_components_are_connected_through_sides():
    # zero where x and y have another sign than their product asks: two opposite quadrants
    net = ReLUNetwork(
        [[[1.0, 0], [0, 1], [-1, 0], [0, -1], [1, 1], [-1, -1]], [[-1.0, -1, -1, -1, 1, 1]]],
        [np.zeros(6), [0.0]],
    )
    found = mesa_measures(net, SQUARE, box=1.5)
    assert found.zero.components == 2
    assert found.zero.largest == pytest.approx(2.25) and found.zero.area == pytest.approx(4.5)
    assert found.zero.fraction == pytest.approx(0.5)
    assert found.zero.union == pytest.approx(4 + 4.5 - 2)


def test_on_a_line():
    P = Polytope([[1.0], [-1.0]], [1.0, 0.5])
    net = ReLUNetwork([P.normals, np.ones((1, 2))], [-P.offsets, [0.0]])
    found = mesa_measures(net, P, box=2, margin=0.5)
    assert found.samples == 0
    np.testing.assert_allclose(found.areas, [1.5, 1.0, 1.5])
    np.testing.assert_allclose(found.norms, [0, 1, 1])
    assert found.zero.fraction == 1 and found.zero.jaccard == pytest.approx(1)
    # a hat: flat beyond its ends, in two parts
    hat = ReLUNetwork([[[1.0], [1.0], [1.0]], [[1.0, -2.0, 1.0]]], [[1.0, 0.0, -1.0], [0.0]])
    found = mesa_measures(hat, P, box=[(-2, 3)])
    assert found.zero.components == 2 and found.zero.largest == pytest.approx(2)
    assert found.zero.area == pytest.approx(3) and found.zero.intersection == pytest.approx(0)
    assert found.zero.jaccard == pytest.approx(0)


def parts_of(centres):
    """Connected parts of triangles with these centres, and the number in the largest one."""
    left, sizes = set(range(len(centres))), [0]
    while left:
        reached = [left.pop()]
        for i in reached:
            # triangles with a common side are nearer than any others
            near = np.linalg.norm(centres - centres[i], axis=1) < 0.25
            more = left & set(np.flatnonzero(near).tolist())
            reached += more
            left -= more
        sizes.append(len(reached))
    return len(sizes) - 1, max(sizes)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_lines_through_corners_and_along_faces_are_counted_by_triangles(seed):
    # all lines and faces are x, y, x + y or x - y = whole number: they cut half squares along
    # their diagonals, so areas are numbers of triangles
    rng = np.random.default_rng(seed)
    ways = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
    ways = np.vstack([ways, -ways])
    W = ways[rng.integers(0, 8, 7)] * rng.choice([1.0, 2.0, 4.0], size=(7, 1))
    b = np.abs(W).max(axis=1) * rng.integers(-2, 3, 7)
    head = rng.integers(-2, 3, size=(1, 7)).astype(float)
    net = ReLUNetwork([W, head], [b, [0.0]])
    some = rng.integers(0, 8, 5)
    P = Polytope(ways[some], rng.integers(0, 3, 5).astype(float))
    corner = np.stack(np.meshgrid(*[np.arange(-2, 2, 0.5)] * 2), axis=-1).reshape(-1, 2) + 0.25
    step = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) / 6
    X = (corner[:, None] + step).reshape(-1, 2)
    inside, norms = P.slack(X) < 0, np.linalg.norm(input_gradients(net, X), axis=1)
    each = 16 / len(X)
    if not inside.any():
        with pytest.raises(ValueError, match="found none"):
            mesa_measures(net, P, box=2)
        return
    found = mesa_measures(net, P, box=2, thresholds=(1.5, 3.3), margin=9.0)
    assert found.polytope_area == pytest.approx(inside.sum() * each, rel=1e-12)
    for flat, is_flat in zip(
        found.flat_sets[:3], (norms == 0, norms < 1.5, norms < 3.3), strict=True
    ):
        assert flat.area == pytest.approx(is_flat.sum() * each, abs=1e-12)
        assert flat.intersection == pytest.approx((is_flat & inside).sum() * each, abs=1e-12)
        assert flat.union == pytest.approx((is_flat | inside).sum() * each, abs=1e-12)
        assert flat.fraction == pytest.approx(is_flat[inside].mean(), abs=1e-12)
        components, largest = parts_of(X[is_flat])
        assert flat.components == components
        assert flat.largest == pytest.approx(largest * each, abs=1e-12)
    assert found.norms[0] == pytest.approx(norms[inside].mean(), abs=1e-12)
