import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.plot.outlines import sector_outlines

SQUARE = [[-1, 1], [-1, 1]]
CUBE = [[-1, 1], [-1, 1], [-1, 1]]


def area(polygon):
    x, y = polygon.T
    return abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2


# By hand


def test_a_quadrant_of_the_square_has_its_four_corners():
    (outline,) = sector_outlines(np.eye(2), [0, 0], SQUARE)
    assert {tuple(c) for c in outline} == {(0, 0), (-1, 0), (-1, -1), (0, -1)}


def test_an_octant_of_the_cube_has_three_square_faces():
    faces = sector_outlines(np.eye(3), [0, 0, 0], CUBE)
    assert len(faces) == 3
    for i, face in enumerate(faces):
        np.testing.assert_allclose(face[:, i], 0, atol=1e-12)
        assert area(np.delete(face, i, axis=1)) == pytest.approx(1)


def test_the_faces_of_a_tetrahedron_are_triangles():
    W = np.vstack([-np.eye(3), np.ones((1, 3))])
    faces = sector_outlines(W, [0, 0, 0, -1], [[-9, 9]] * 3)
    assert len(faces) == 4
    corners = {tuple(c) for face in faces for c in np.round(face, 9) + 0.0}
    assert corners == {(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)}


def test_a_half_space_leaves_half_of_the_box():
    (outline,) = sector_outlines([[0, 3]], [0], SQUARE)
    assert area(outline) == pytest.approx(2)


def test_sectors_beside_the_box_have_no_outline_and_units_that_never_fire_no_face():
    assert sector_outlines([[1, 0]], [5], SQUARE) == []
    assert sector_outlines([[1, 0, 0]], [5], CUBE) == []
    assert sector_outlines([[0, 0]], [1], SQUARE) == []
    (outline,) = sector_outlines([[0, 0]], [-1], SQUARE)
    assert area(outline) == 4


# Laws


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_the_area_of_a_sector_is_the_share_of_points_in_it(seed, m):
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(m, 2)), rng.normal(0, 0.3, m)
    found = sum(area(outline) for outline in sector_outlines(W, b, SQUARE))
    side = (np.arange(200) + 0.5) / 100 - 1
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    share = (grid @ W.T + b <= 0).all(axis=1).mean()
    assert found == pytest.approx(4 * share, abs=0.05)


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_corners_of_faces_lie_in_the_sector_on_their_plane_and_in_the_box(seed, m):
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(m, 3)), rng.normal(0, 0.3, m)
    for face in sector_outlines(W, b, CUBE):
        height = face @ W.T + b
        assert height.max() <= 1e-9
        assert np.abs(height).max(axis=0).min() <= 1e-9
        assert np.abs(face).max() <= 1 + 1e-9


@given(st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_outlines_do_not_depend_on_the_scale_of_a_layer(seed, scale):
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(2, 2)), rng.normal(size=2)
    first, second = sector_outlines(W, b, SQUARE), sector_outlines(scale * W, scale * b, SQUARE)
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert area(one) == pytest.approx(area(other), abs=1e-9)


# Bad input


@pytest.mark.parametrize(
    ("W", "b", "box", "sentence"),
    [
        ([[1.0]], [0], SQUARE, "W must have at least 2 columns"),
        (np.eye(2), [0], SQUARE, "b must have one entry per row of W"),
        (np.eye(4), np.zeros(4), [[-1, 1]] * 4, r"box must have shape \(2, 2\) or \(3, 2\)"),
        (np.eye(2), [0, 0], [[1, 1], [0, 1]], "box must have lower limits below"),
    ],
)
def test_wrong_calls_say_what_is_wrong(W, b, box, sentence):
    with pytest.raises(ValueError, match=sentence):
        sector_outlines(W, b, box)
