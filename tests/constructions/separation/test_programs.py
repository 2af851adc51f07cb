import subprocess
import sys

import cvxpy as cp
import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from constructions.separation.programs import (
    common_point,
    covering_faces,
    hinge,
    least_distance,
    maximum_margin,
    nearest_on_hyperplane,
)


def margin_rows(A, B):
    """Rows (a, 1) and -(b, 1)."""
    A, B = np.array(A, float), np.array(B, float)
    return np.vstack([np.c_[A, np.ones(len(A))], -np.c_[B, np.ones(len(B))]])


# By hand


@pytest.mark.parametrize("solve", [maximum_margin, least_distance])
def test_the_widest_slab_between_two_points_of_the_line(solve):
    found = solve(margin_rows([[3.0]], [[1.0]]))
    np.testing.assert_allclose(found.plane, [1.0, -2.0], atol=1e-6)
    assert (found.weights > 0).all()


@pytest.mark.parametrize("solve", [maximum_margin, least_distance])
@pytest.mark.parametrize("B", [[[1.0]], [[0.0]], [[0.5], [7.0]]])
def test_no_slab_between_sets_whose_hulls_meet(solve, B):
    assert solve(margin_rows([[0.0], [1.0]], B)) is None


def test_a_common_point_is_given_by_weights_on_few_points():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    alpha, beta = common_point(square, np.array([[0.25, 0.25]]))
    np.testing.assert_allclose(square.T @ alpha, [0.25, 0.25], atol=1e-9)
    assert (alpha > 1e-12).sum() <= 3
    np.testing.assert_allclose(beta, [1.0])


def test_solvers_write_nothing_to_standard_output():
    code = (
        "from constructions import separate; separate([[0.0], [2.0]], [[1.0]])\n"
        "from constructions.separation.programs import covering_faces\n"
        "import numpy as np; covering_faces(np.zeros((1, 1)), np.array([[1.0], [-1.0]]), 2)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == ran.stderr == ""


def test_no_common_point_of_sets_that_are_apart():
    assert common_point(np.zeros((2, 1)), np.ones((1, 1))) is None


def test_the_nearest_point_of_a_line_is_moved_only_as_far_as_it_must():
    x, e1, e2 = np.array([5.0, 0.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])
    np.testing.assert_allclose(nearest_on_hyperplane(x, e1, -1.0, []), [1, 0])
    np.testing.assert_allclose(nearest_on_hyperplane(x, e1, -1.0, [(e2, 3.0, 1.0)]), [1, 0])
    moved = nearest_on_hyperplane(x, e1, -1.0, [(e2, -3.0, 1.0)])
    np.testing.assert_allclose(moved, [1, 4], atol=1e-6)
    impossible = nearest_on_hyperplane(x, e1, -1.0, [(e1, -3.0, 1.0)])
    np.testing.assert_allclose(impossible, [1, 0])


def test_two_faces_around_an_interval_are_found_and_one_is_not_enough():
    P, O = np.array([[0.0], [1.0]]), np.array([[-1.0], [2.0]])
    W, b = covering_faces(P, O, 2)
    assert (P @ W.T + b < 0).all()
    assert ((O @ W.T + b > 0).any(axis=1)).all()
    assert covering_faces(P, O, 1) is None


def test_the_hinge_leaves_out_what_it_can():
    P, O = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.5, 3.0], [0.5, 4.0], [0.5, 0.0]])
    w, c = hinge(P, O)
    assert (P @ w + c <= -1 + 1e-7).all()
    np.testing.assert_array_equal(O @ w + c > 0, [True, True, False])


# Against the naive oracle


@pytest.mark.parametrize("d", [1, 3, 8])
def test_the_widest_slab_is_that_of_the_program_as_it_is_written(d):
    rng = np.random.default_rng(d)
    A, B = np.round(rng.normal(size=(2, 12, d)), 1)  # with zeros
    A[:, 0] += 4 + d
    M = margin_rows(A, B)
    plane = cp.Variable(d + 1)
    outside = M @ plane >= 1
    problem = cp.Problem(cp.Minimize(cp.sum_squares(plane[:-1])), [outside])
    problem.solve(solver=cp.CLARABEL)
    found = maximum_margin(M)
    np.testing.assert_allclose(found.plane, plane.value, rtol=1e-9)
    np.testing.assert_allclose(found.weights, outside.dual_value, rtol=1e-6, atol=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(-6, 0))
def test_both_programs_find_the_distance_of_the_hulls(seed, d, logarithm):
    rng = np.random.default_rng(seed)
    A, B = rng.uniform(size=(12, d)), -rng.uniform(size=(9, d))
    A[:, 0] += 10.0**logarithm
    best = naive.hull_distance(A, B)
    M = margin_rows(A, B)
    wc = least_distance(M).plane
    assert (M @ wc).min() >= 1 - 1e-6
    assert 2 / np.linalg.norm(wc[:-1]) == pytest.approx(best, rel=1e-5)
    if logarithm > -2:
        assert 2 / np.linalg.norm(maximum_margin(M).plane[:-1]) == pytest.approx(best, rel=1e-5)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 3), st.floats(0, 2))
def test_a_common_point_exists_exactly_where_linprog_finds_no_plane(seed, d, shift):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(8, d)), rng.normal(size=(7, d)) + shift
    found = common_point(A, B)
    assert (found is None) == (naive.separation_depth(A, B) > 1e-7)
    if found is not None:
        np.testing.assert_allclose(A.T @ found[0], B.T @ found[1], atol=1e-7)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_the_hinge_loss_is_that_of_linprog(seed):
    rng = np.random.default_rng(seed)
    P, O = rng.normal(size=(6, 2)), 2 * rng.normal(size=(8, 2))
    found = hinge(P, O)
    rows = [[*p, 1.0, *np.zeros(8)] for p in P]
    rows += [[*(-o), -1.0, *(-np.eye(8)[i])] for i, o in enumerate(O)]
    best = linprog(
        [0, 0, 0, *np.full(8, 1 / 8)],
        A_ub=rows,
        b_ub=[-1.0] * len(rows),
        bounds=[(None, None)] * 3 + [(0, None)] * 8,
    )
    w, c = found if found is not None else (np.zeros(2), -1.0)
    assert (P @ w + c <= -1 + 1e-6).all()
    loss = np.maximum(0, 1 - (O @ w + c)).mean()
    assert best.fun - 1e-7 <= loss <= best.fun + 1e-4 * (1 + np.abs(w).sum())


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([maximum_margin, least_distance]))
def test_the_multipliers_weigh_the_nearest_points_of_the_hulls(seed, d, solve):
    rng = np.random.default_rng(seed)
    A, B = rng.uniform(size=(12, d)), -rng.uniform(size=(9, d))
    A[:, 0] += 0.5
    weights = solve(margin_rows(A, B)).weights
    ends = [part / part.sum() @ S for part, S in ((weights[:12], A), (weights[12:], B))]
    assert (weights >= 0).all()
    assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(naive.hull_distance(A, B), rel=1e-5)


# Laws


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 5))
def test_the_nearest_point_lies_on_the_plane_and_forward_of_the_others(seed, d):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=d)
    normal = np.linalg.qr(rng.normal(size=(d, d)))[0]
    forward = [(normal[i], float(rng.normal()), 0.3) for i in range(1, d)]
    p = nearest_on_hyperplane(x, normal[0], 0.5, forward)
    assert abs(normal[0] @ p + 0.5) < 1e-12
    for w, c, m in forward:
        assert w @ p + c >= m - 1e-6
        # orthogonal demands act one by one
        assert w @ p == pytest.approx(max(w @ x, m - c), abs=1e-5)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from([1e-3, 1.0, 1e4]))
def test_covering_faces_cover_at_every_scale(seed, scale):
    rng = np.random.default_rng(seed)
    P = scale * rng.uniform(-0.4, 0.4, (8, 2))
    O = scale * np.array([[3.0, 0.0], [-3.0, 1.0], [-2.0, -4.0], [1.0, 4.0]])
    W, b = covering_faces(P, O, 3)
    assert (P @ W.T + b < 0).all()
    assert ((O @ W.T + b > 0).any(axis=1)).all()
