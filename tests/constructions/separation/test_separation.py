import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from separations import check_separation

from constructions import separate
from geomcore import datasets

TRIANGLE = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])


# By hand


def test_the_plane_between_two_points_is_their_bisector():
    answer = separate([[3.0, 4.0]], [[0.0, 0.0]])
    np.testing.assert_allclose(answer.normal, [0.6, 0.8])
    assert (answer.offset, answer.margin) == (pytest.approx(-2.5), pytest.approx(2.5))


def test_the_normal_points_from_b_to_a():
    for A, B, sign in (([[1.0]], [[0.0]], 1), ([[0.0]], [[1.0]], -1)):
        assert separate(A, B).normal[0] == sign


def test_a_point_in_a_triangle_is_certified_by_its_barycentric_coordinates():
    answer = separate(TRIANGLE, [[0.5, 1.0]])
    assert answer.separable is False
    np.testing.assert_allclose(answer.certificate.weights_a, [0.25, 0.25, 0.5])
    np.testing.assert_allclose(answer.certificate.point, [0.5, 1.0])


CASES = {
    "common point": (TRIANGLE, TRIANGLE[:1], False),
    "point on an edge": (TRIANGLE, [[1.0, 1.0]], False),
    "crossing segments": ([[0.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]], False),
    "collinear, overlapping": ([[0, 0], [2, 4]], [[1, 2], [3, 6]], False),
    "collinear, apart": ([[0, 0], [1, 2]], [[2, 4], [3, 6]], True),
    "collinear, touching": ([[0, 0], [1, 2]], [[1, 2], [3, 6]], False),
    "squares that share an edge": (
        [[0, 0], [1, 0], [0, 1], [1, 1]],
        [[1, 0], [1, 1], [2, 0], [2, 1]],
        False,
    ),
    "cubes that share a corner": (
        np.array(list(np.ndindex(2, 2, 2))),
        1 + np.array(list(np.ndindex(2, 2, 2))),
        False,
    ),
    "the same point twice": ([[1, 1], [1, 1]], [[1, 1]], False),
    "one point each": ([[1, 1]], [[1, 2]], True),
    "repeated points": ([[1, 1], [1, 1], [1, 1]], [[1, 2], [1, 2]], True),
    "on the line, apart": ([[1.0], [2.0]], [[0.0], [-1.0]], True),
    "on the line, inside": ([[1.0], [2.0]], [[1.5]], False),
    "on the line, touching": ([[1.0], [2.0]], [[2.0], [3.0]], False),
    "points of a plane in R^3": ([[0, 0, 7], [1, 0, 7]], [[0, 1, 7], [1, 1, 7]], True),
    "a constant feature, crossing": ([[0, 0, 7], [1, 1, 7]], [[0, 1, 7], [1, 0, 7]], False),
}


@pytest.mark.parametrize("name", CASES)
def test_degenerate_positions_are_decided_and_proved(name):
    A, B, separable = CASES[name]
    answer = separate(A, B)
    assert answer.separable is separable
    check_separation(answer, A, B)


@pytest.mark.parametrize("gap", [1e-3, 1e-5, 1e-7, 1e-9])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_gaps_down_to_1e_9_of_the_diameter_are_found_with_the_best_margin(gap, d):
    rng = np.random.default_rng(d)
    A, B = rng.uniform(0, 1, (30, d)), rng.uniform(-1, 0, (30, d))
    A[:, 0] += gap
    # both faces of the gap hold a simplex around the same point: the best margin is gap / 2
    corners = np.vstack([np.full(d, 0.25), np.full(d, 0.25) + 0.5 * np.eye(d)])
    A, B = np.vstack([A, corners]), np.vstack([B, corners])
    A[-d - 1 :, 0], B[-d - 1 :, 0] = gap, 0.0
    answer = separate(A, B)
    assert answer.separable
    check_separation(answer, A, B)
    assert answer.margin == pytest.approx(gap / 2, rel=1e-5)


@pytest.mark.parametrize("shift", [0, 1e6, -1e6])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_shifts_and_scales_do_not_change_the_answer(shift, scale):
    rng = np.random.default_rng(4)
    A, B = rng.normal(size=(20, 3)), rng.normal(size=(20, 3)) + [4, 3, 0]
    plain = separate(A, B)
    assert plain.separable
    moved = [scale * (P + shift) for P in (A, B)]
    answer = separate(*moved)
    check_separation(answer, *moved)
    assert answer.margin == pytest.approx(scale * plain.margin, rel=1e-5)
    crossed = [scale * (P + shift) for P in (A, np.vstack([B, A[:4].mean(axis=0)]))]
    answer = separate(*crossed)
    assert answer.separable is False
    check_separation(answer, *crossed)


def test_single_cone_and_concentric_data_are_proved_not_separable():
    for data in (datasets.single_cone(rng=0), datasets.concentric(rng=0)):
        A, B = data.X[data.y == 0], data.X[data.y == 1]
        answer = separate(A, B)
        assert answer.separable is False
        check_separation(answer, A, B)


# Against the naive oracle


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.integers(1, 12),
    st.integers(1, 12),
    st.floats(0, 3),
    st.sampled_from([None, 2, 8]),
)
def test_exactly_one_of_hyperplane_and_certificate_as_linprog_says(seed, d, n, m, shift, grid):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift
    if grid:  # ties, repeated points, touching hulls
        A, B = np.round(A * grid) / grid, np.round(B * grid) / grid
    before = A.copy(), B.copy()
    answer = separate(A, B)
    depth = naive.separation_depth(A, B)
    assert answer.separable is (depth > 1e-7)
    check_separation(answer, A, B)
    np.testing.assert_array_equal(A, before[0])
    np.testing.assert_array_equal(B, before[1])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 60), st.floats(-2.5, 1))
def test_the_margin_is_half_the_distance_of_the_hulls(seed, d, n, logarithm):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(n, d)), rng.normal(size=(n + 3, d))
    direction = rng.normal(size=d)
    direction /= np.linalg.norm(direction)
    gap = 10.0**logarithm
    A += direction * (gap - (A @ direction).min())
    B -= direction * (B @ direction).max()
    answer = separate(A, B)
    check_separation(answer, A, B)
    best = naive.hull_distance(A, B) / 2
    assert answer.margin == pytest.approx(best, rel=1e-5)


# Laws


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_removing_points_off_the_support_changes_nothing(seed, d):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(40, d)), rng.normal(size=(50, d)) + rng.choice([0, 3.5])
    answer = separate(A, B)
    again = separate(A[answer.support[0]], B[answer.support[1]])
    assert again.separable == answer.separable
    assert again.margin == pytest.approx(answer.margin, rel=1e-5)
    if answer.separable:
        np.testing.assert_allclose(again.normal, answer.normal, atol=1e-4)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_exchanging_the_sets_turns_the_hyperplane_round(seed):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(15, 2)), rng.normal(size=(15, 2)) + rng.choice([0, 4])
    one, other = separate(A, B), separate(B, A)
    assert one.separable == other.separable
    if one.separable:
        np.testing.assert_allclose(one.normal, -other.normal, atol=1e-4)
        assert one.offset == pytest.approx(-other.offset, abs=1e-4)


def test_a_guess_at_the_support_does_not_change_the_answer():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(200, 3)), rng.normal(size=(200, 3)) + 3.0
    plain = separate(A, B)
    for start in (plain.support, ([0], [0]), ([], [5]), (range(200), range(200))):
        answer = separate(A, B, start=start)
        check_separation(answer, A, B)
        assert answer.margin == pytest.approx(plain.margin, rel=1e-5)


FORMS = {
    "list": lambda X: X.tolist(),
    "float32": lambda X: X.astype(np.float32),
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "integer": lambda X: X.astype(int),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_array_is_accepted_and_left_alone(form):
    A, B = FORMS[form](TRIANGLE), FORMS[form](TRIANGLE + 8)
    for P in (A, B):
        if isinstance(P, np.ndarray):
            P.flags.writeable = False
    assert separate(A, B).margin == pytest.approx(np.sqrt(2) * 7 / 2)


# Bad input


@pytest.mark.parametrize(
    "A, B, message",
    [
        (np.zeros((0, 2)), TRIANGLE, "A must hold at least one point"),
        (TRIANGLE, np.zeros((0, 2)), "B must hold at least one point"),
        (np.zeros((3, 0)), TRIANGLE, "A must hold at least one point"),
        (TRIANGLE, np.zeros((3, 3)), "equal dimension"),
        ([[np.nan, 0]], TRIANGLE, "A must be finite"),
        (TRIANGLE, [[np.inf, 0]], "B must be finite"),
        ([0.0, 1.0], TRIANGLE, "A must have 2 axes"),
        ([["x", "y"]], TRIANGLE, "A must hold real numbers"),
        ([[0.0, 1.0], [2.0]], TRIANGLE, "A must"),
    ],
)
def test_wrong_sets_are_refused_in_one_sentence(A, B, message):
    with pytest.raises(ValueError, match=message):
        separate(A, B)


@pytest.mark.parametrize("start", [([0], [99]), ([-1], [0]), ([0.5], [0]), [0], 7, ([0], ["x"])])
def test_a_wrong_guess_at_the_support_is_refused(start):
    with pytest.raises(ValueError, match="start"):
        separate(TRIANGLE, TRIANGLE + 5, start=start)


@pytest.mark.parametrize("rtol", [-1e-6, 1.0, np.nan, "small"])
def test_a_wrong_tolerance_is_refused(rtol):
    with pytest.raises(ValueError, match="rtol"):
        separate(TRIANGLE, TRIANGLE + 5, rtol=rtol)
