"""A polytope is the same whatever the lengths of its normals, and knows where points are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore import Polytope, datasets

SQUARE = Polytope([[1, 0], [0, 1], [-1, 0], [0, -1]], [1, 2, 3, 4])


def shoelace(corners):
    x, y = np.asarray(corners, dtype=float).T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2


def by_half_planes(P, box):
    """Corners by another road: all crossings of two lines that no face cuts off, by angle."""
    low, high = np.asarray(box, dtype=float).T
    normals = np.vstack([P.normals, np.eye(2), -np.eye(2)])
    offsets = np.concatenate([P.offsets, high, -low])
    found = []
    for i in range(len(normals)):
        for j in range(i):
            if abs(np.linalg.det(normals[[i, j]])) > 1e-12:
                x = np.linalg.solve(normals[[i, j]], offsets[[i, j]])
                if (normals @ x - offsets <= 1e-11).all():
                    found.append(x)
    if len(found) < 3:
        return np.zeros((0, 2))
    found = np.array(found)
    around = found - found.mean(axis=0)
    return found[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]


def test_slack_and_zones_by_hand():
    X = [[0, 0], [1, 2], [1.1, 0], [1.3, 2.1], [-3.5, -4.1]]
    np.testing.assert_allclose(SQUARE.slack(X), [-1, 0, 0.1, 0.3, 0.5])
    assert SQUARE.zones(X).tolist() == [0, 0, 1, 2, 2]
    assert SQUARE.zones(X, margin=0.4).tolist() == [0, 0, 1, 1, 2]
    assert SQUARE.zones(X, margin=0.05).tolist() == [0, 0, 2, 2, 2]
    # the exterior begins at the margin
    assert SQUARE.zones([[1.25, 0], [1.125, 0]], margin=0.25).tolist() == [2, 1]


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 0.3, 7.0, 1e150, 1e300])
def test_lengths_of_normals_do_not_matter(scale):
    P = Polytope(SQUARE.normals * scale, SQUARE.offsets * scale)
    np.testing.assert_allclose(P.normals, SQUARE.normals)
    np.testing.assert_allclose(P.offsets, SQUARE.offsets)
    rng = np.random.default_rng(0)
    normals, offsets = rng.normal(size=(7, 4)), rng.normal(size=7)
    P, Q = Polytope(normals, offsets), Polytope(normals * scale, offsets * scale)
    X = rng.normal(size=(9, 4))
    np.testing.assert_allclose(P.slack(X), Q.slack(X), rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(Q.normals, axis=1), 1)


def test_the_polytope_of_data_is_the_one_that_labelled_them():
    for d in (2, 3, 10):
        data = datasets.polytope(500, d=d, rng=d)
        P = Polytope.of(data)
        np.testing.assert_array_equal(P.normals, data.info["normals"])
        np.testing.assert_array_equal(P.slack(data.X) <= 0, data.y == 1)
        assert P.d == d


@given(st.integers(0, 2**32 - 1))
def test_the_polygon_is_what_half_planes_leave_of_the_box(seed):
    rng = np.random.default_rng(seed)
    F = rng.integers(1, 9)
    P = Polytope(rng.normal(size=(F, 2)), rng.normal(size=F) + 0.3)
    box = np.sort(rng.uniform(-2, 2, size=(2, 2)), axis=1)
    corners, wanted = P.polygon(box), by_half_planes(P, box)
    assert abs((shoelace(corners) if len(corners) else 0) - shoelace(wanted)) < 1e-9
    assert (P.slack(corners) <= 1e-12).all() if len(corners) else True
    assert (corners >= box[:, 0]).all() and (corners <= box[:, 1]).all()


def test_a_polygon_without_end_ends_at_the_box_and_what_is_far_has_none():
    half = Polytope([[1.0, 0.0]], [0.5])
    assert shoelace(half.polygon(2)) == 10 and half.reaches_beyond(2)
    assert Polytope([[1.0, 0.0]], [-3.0]).polygon(2).shape == (0, 2)
    # a corner of the box only, and a line
    assert len(Polytope([[-1.0, -1.0]], [-4.0]).polygon(2)) == 0
    line = Polytope([[1.0, 0.0], [-1.0, 0.0]], [1.0, -1.0])
    assert shoelace(line.polygon(2)) == 0 if len(line.polygon(2)) else True
    # faces twice
    again = Polytope(np.vstack([SQUARE.normals] * 3), np.tile(SQUARE.offsets, 3))
    assert shoelace(again.polygon(9)) == pytest.approx(24)


@pytest.mark.parametrize("scale", [1e-90, 1e-9, 1e9, 1e90])
def test_polygons_of_any_size(scale):
    P = Polytope(SQUARE.normals, SQUARE.offsets * scale)
    corners = P.polygon(9 * scale) / scale
    assert shoelace(corners) == pytest.approx(24, rel=1e-12)
    assert not P.reaches_beyond(9 * scale) and P.reaches_beyond(3.9 * scale)


def test_whether_it_reaches_beyond_the_box_in_all_dimensions():
    assert not SQUARE.reaches_beyond(4) and SQUARE.reaches_beyond(3.99)
    for d in (1, 2, 3, 6):
        cube = Polytope(np.vstack([np.eye(d), -np.eye(d)]), np.ones(2 * d))
        assert not cube.reaches_beyond(1) and cube.reaches_beyond(0.9)
        open_ = Polytope(np.eye(d), np.ones(d))
        assert open_.reaches_beyond(50)
        assert not cube.grown(0.5).reaches_beyond(1.5) and cube.grown(0.5).reaches_beyond(1.4)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: Polytope([[0.0, 0.0]], [1.0]), "normals must not be 0, got zeros in row 0"),
        (lambda: Polytope([[1.0, 0.0]], [1.0, 2.0]), "offsets must have one entry per normal"),
        (lambda: Polytope(np.zeros((0, 2)), []), "normals must not be empty"),
        (lambda: Polytope([[1e-200, 0.0]], [1e200]), "offsets must be finite once normals have"),
        (lambda: Polytope([[np.nan, 0.0]], [1.0]), "normals must be finite"),
        (lambda: Polytope.of(datasets.iris()), "data must be a Dataset of datasets.polytope"),
        (lambda: Polytope.of(None), "data must be a Dataset of datasets.polytope"),
        (lambda: SQUARE.slack([[1.0]]), "X must have 2 columns"),
        (lambda: SQUARE.zones([[1.0, 1.0]], margin=0), "margin must be a positive number"),
        (lambda: SQUARE.polygon(-1), "box must be a positive number"),
        (lambda: SQUARE.polygon([(0, 1)]), "box must be a number or 2 pairs of numbers"),
        (lambda: SQUARE.polygon([(1, 0), (0, 1)]), "box must be a number or 2 pairs of numbers"),
        (lambda: SQUARE.polygon(1e200), "box must have ends up to"),
        (lambda: Polytope([[1.0]], [1.0]).polygon(1), "a polygon is in the plane"),
    ],
)
def test_wrong_calls_say_which_argument(call, told):
    with pytest.raises(ValueError, match=told):
        call()
