"""Areas of clipped polygons, against rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from builders import random_network
from hypothesis import given
from hypothesis import strategies as st

from geomcore import linear_regions
from geomcore.mesa.clipping import clipped, clipped_areas


def exact_area(corners, faces):
    """The area by rational arithmetic, without rounding."""
    points = [[Fraction(float(c)) for c in corner] for corner in corners]
    for face in faces:
        a, b, c = (Fraction(float(k)) for k in face)
        kept = []
        for p, q in zip(points, points[1:] + points[:1], strict=True):
            z, z_next = a * p[0] + b * p[1] + c, a * q[0] + b * q[1] + c
            if z <= 0:
                kept.append(p)
            if z * z_next < 0:
                t = z / (z - z_next)
                kept.append([p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])])
        points = kept
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return float(sum(p[0] * q[1] - p[1] * q[0] for p, q in pairs) / 2)


@given(st.integers(0, 2**32 - 1))
def test_areas_are_those_of_rational_arithmetic(seed):
    rng = np.random.default_rng(seed)
    found = linear_regions(
        random_network((2, 4, 3, 1), seed, scaled=True, bias=0.3), [(-1, 1), (-1, 1)]
    )
    faces = rng.normal(size=(rng.integers(0, 6), 3))
    # faces through corners, along sides, twice
    if len(faces) > 2:
        p, q = found.corners[:2]
        faces[0] = [q[1] - p[1], p[0] - q[0], -(q[1] - p[1]) * p[0] - (p[0] - q[0]) * p[1]]
        faces[1] = faces[2]
    areas = clipped_areas(found.corners, found.starts, faces)
    for r in range(len(found)):
        assert areas[r] == pytest.approx(exact_area(found.polygon(r), faces), abs=1e-14)
    assert clipped_areas(found.corners, found.starts, np.zeros((0, 3))).sum() == pytest.approx(4)


def test_nothing_and_everything_are_left():
    square = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    assert len(clipped(square, np.array([[0.0, 0.0, 1.0]]))) == 0
    np.testing.assert_array_equal(clipped(square, np.array([[0.0, 0.0, -1.0]])), square)
    # only a side, and only a corner, are no area
    for face in ([1.0, 0.0, 1.0], [1.0, 1.0, 2.0]):
        assert clipped_areas(square, np.array([0, 4]), np.array([face])).tolist() == [0.0]
    # side by side along a face
    assert len(clipped(square, np.array([[1.0, 0.0, -1.0]]))) == 4
