import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import ConstructionError, construct
from constructions.theorems import covering
from constructions.theorems.covering import Needed, fewest_faces
from constructions.theorems.polyhedral import _proof, find_faces
from geomcore import datasets

SQUARE = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
SIDES = np.array([[1.2, 0.0], [-1.2, 0.0], [0.0, 1.2], [0.0, -1.2]])


def bound(P, O, most):
    return fewest_faces(P, O, most, exact=(P, O))


# By hand


def test_a_point_in_the_hull_is_left_out_by_no_face():
    found = bound(SQUARE, np.vstack([SIDES, [[0.5, 0.5]]]), 3)
    assert found.count == math.inf and found.rows == [4]


def test_a_point_on_the_boundary_of_the_hull_is_in_it():
    assert bound(SQUARE, np.array([[9.0, 9.0], [0.5, 1.0]]), 3) == (math.inf, [1])


def test_points_beyond_the_four_sides_of_a_square_need_four_faces():
    found = bound(SQUARE, np.vstack([SIDES, 1.1 * SIDES]), 3)
    assert found.count == 4
    beyond = np.vstack([SIDES, SIDES])[found.rows]
    assert len(np.unique(beyond, axis=0)) == 4
    # up to four faces that is not worth a proof
    assert bound(SQUARE, SIDES, 4) == (1, [])


def test_on_the_line_an_interval_needs_two_faces_and_no_more():
    P, O = np.array([[-1.0], [1.0]]), np.array([[2.0], [-2.0], [3.0]])
    assert bound(P, O, 1).count == 2
    assert bound(P, O, 2).count == 1


def test_what_is_proved_is_proved_for_the_exact_points():
    # rounding has moved the point into the hull, and out of it
    P, inside, outside = SQUARE, np.array([[1.0, 0.0]]), np.array([[np.nextafter(1, 2), 0.0]])
    assert fewest_faces(P, inside, 2, exact=(P, outside)).count == 1
    assert fewest_faces(P, inside, 2, exact=(P, inside)).count == math.inf


def test_many_points_are_looked_at_through_fewer_half_spaces(monkeypatch):
    monkeypatch.setattr(covering, "TABLE", 100)
    assert bound(SQUARE, np.vstack([SIDES, [[0.5, 0.5]]]), 3).count == math.inf


def test_what_is_undetermined_proves_nothing(monkeypatch):
    monkeypatch.setattr(covering, "separate", lambda *_, **__: SimpleNamespace(separable=None))
    assert bound(SQUARE, np.vstack([SIDES, [[0.5, 0.5]]]), 3).count == 1


def test_as_many_faces_as_are_needed_are_still_tried():
    X, index = np.vstack([SQUARE, SIDES]), np.r_[np.zeros(4, int), np.ones(4, int)]
    needed = [Needed(4, [0, 1, 2, 3]), Needed(math.inf, [0])]
    assert find_faces(X, index, 4, np.random.default_rng(0), needed=needed).uncovered == 0
    assert find_faces(X, index, 3, np.random.default_rng(0), needed=needed).uncovered > 0
    labels = SimpleNamespace(index=index, classes=np.array(["in", "out"]))
    assert _proof(needed, 4, labels) == ""
    assert "of rows [4, 5, 6, 7] no two lie outside one face around class in" in _proof(
        needed, 3, labels
    )


# Laws


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4))
def test_never_more_faces_are_called_for_than_suffice(seed, d, k):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(k, d))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    X = rng.normal(size=(60, d))
    depth = (X @ W.T - rng.uniform(0.1, 1)).max(axis=1)
    P, O = X[depth < 0], X[depth > 0]
    if len(P) and len(O):
        for most in (1, k - 1, k):
            assert bound(P, O, most).count <= k


@pytest.mark.parametrize("seed", range(3))
def test_a_proof_spares_programs_and_leaves_the_stream_of_numbers_alone(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)

    def drawn(after):
        stream = np.random.default_rng(7)
        assert find_faces(X, y, 3, stream, restarts=2).uncovered > 0
        return stream.random() == after

    monkeypatch.setattr("constructions.theorems.polyhedral._alternate", None)
    monkeypatch.setattr("constructions.theorems.polyhedral.covering_faces", None)
    stream = np.random.default_rng(7)
    for _ in range(2):
        for q in (0, 1):
            stream.standard_normal((2000, 3))
            stream.integers((y != q).sum(), size=1000)
            stream.integers((y == q).sum(), size=1000)
    assert drawn(stream.random())


def test_a_refusal_names_the_rows_that_prove_it():
    X = np.vstack([SQUARE, 0.5 * SQUARE + 0.1, [[0.0, 0.0]]])
    y = np.array(["a"] * 4 + ["b"] * 4 + ["a"])
    with pytest.raises(ConstructionError) as error:
        construct(X, y, "simplex")
    assert re.search(r"row [4-7] lies in the convex hull of class a", str(error.value))
    assert "row 8 lies in the convex hull of class b" in str(error.value)
    balls = datasets.concentric(200, d=2, rng=0)
    with pytest.raises(ConstructionError, match=r"of rows .* no two lie outside one face around"):
        construct(balls.X, balls.y, "cone")
