from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import elimination_order, separate
from geomcore import datasets

TRIANGLE = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])


def check_separation(answer, A, B):
    """Check a hyperplane by exact signs, or a certificate by exact convex weights."""
    A, B = np.array(A, float), np.array(B, float)
    rows_a, rows_b = answer.support
    assert len(rows_a) and len(rows_b)
    if answer.separable:
        assert answer.certificate is None
        assert naive.exact_signs(A, answer.normal, answer.offset) == [1] * len(A)
        assert naive.exact_signs(B, answer.normal, answer.offset) == [-1] * len(B)
        assert np.linalg.norm(answer.normal) == pytest.approx(1, abs=1e-12)
        rounding = 1e-14 * max(np.abs(A).max(), np.abs(B).max())
        assert (A @ answer.normal + answer.offset).min() >= answer.margin - rounding
        assert (B @ answer.normal + answer.offset).max() <= -answer.margin + rounding
    else:
        assert answer.separable is False
        assert answer.normal is None and answer.margin == 0
        check_hull_certificate(answer.certificate, A, B)


def check_hull_certificate(certificate, A, B):
    """The floats are convex weights up to rounding, and exact weights exist on their support."""
    alpha, beta = certificate.weights_a, certificate.weights_b
    assert alpha.shape == (len(A),) and beta.shape == (len(B),)
    assert certificate.exact and (alpha >= 0).all() and (beta >= 0).all()
    scale = max(np.abs(A).max(), np.abs(B).max(), 1e-300)
    for weights, points in ((alpha, A), (beta, B)):
        weights, points = naive.exact(weights), naive.exact(points)
        assert abs(float(sum(weights) - 1)) < 1e-14
        for k, target in enumerate(naive.exact(certificate.point)):
            value = naive.dot(weights, [x[k] for x in points])
            assert abs(float(value - target)) <= 1e-13 * scale
    use_a, use_b = np.flatnonzero(alpha), np.flatnonzero(beta)
    columns = [[*naive.exact(A[i]), 1, 0] for i in use_a]
    columns += [[*(-v for v in naive.exact(B[i])), 0, 1] for i in use_b]
    solution = exact_solution(columns, [0] * A.shape[1] + [1, 1])
    assert solution is not None and all(u >= 0 for u in solution)
    floats = [float(u) for u in solution]
    np.testing.assert_allclose(np.r_[alpha[use_a], beta[use_b]], floats, rtol=1e-12, atol=0)


def exact_solution(columns, r):
    """The one u with sum_i u_i columns_i = r, by Gauss elimination in Fractions, or None."""
    k = len(columns)
    rows = [[Fraction(c[i]) for c in columns] + [Fraction(v)] for i, v in enumerate(r)]
    for j in range(k):
        pivot = next((i for i in range(j, len(rows)) if rows[i][j]), None)
        if pivot is None:
            return None
        rows[j], rows[pivot] = rows[pivot], rows[j]
        rows[j] = [v / rows[j][j] for v in rows[j]]
        for i in range(len(rows)):
            if i != j and rows[i][j]:
                rows[i] = [v - rows[i][j] * p for v, p in zip(rows[i], rows[j], strict=True)]
    return None if any(row[-1] for row in rows[k:]) else [row[-1] for row in rows[:k]]


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


def test_the_order_of_the_sequential_data_is_the_generators():
    for seed in range(5):
        data = datasets.sequential(60, classes=4, d=3, rng=seed)
        found = elimination_order(data.X, data.y)
        assert found.complete
        assert found.order[:2] == data.info["order"][:2]
        assert set(found.order) == set(data.info["order"])


def test_the_class_with_the_largest_margin_goes_first():
    found = elimination_order([[0.0], [1.0], [10.0]], ["a", "b", "c"])
    assert found.order == ["c", "a", "b"]
    assert found.margins == [pytest.approx(4.5), pytest.approx(0.5), np.inf]
    assert len(found.separations) == 2 and not found.stuck


LABELS = {
    "int": [3, 3, -1, -1],
    "float": [0.5, 0.5, 2.5, 2.5],
    "bool": [True, True, False, False],
    "str": ["b", "b", "aa", "aa"],
    "object": np.array(["b", "b", "aa", "aa"], object),
    "fractions": np.array([Fraction(1, 3)] * 2 + [Fraction(1, 2)] * 2, object),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_sortable_type_come_back_as_they_were(kind):
    y = LABELS[kind]
    found = elimination_order([[0.0], [1.0], [5.0], [6.0]], y)
    assert sorted(found.order) == sorted(set(np.asarray(y).tolist()))
    assert "margin 2" in found.summary()
    stuck = elimination_order([[0.0], [6.0], [0.0], [6.0]], y).stuck
    assert sorted(stuck) == sorted(set(np.asarray(y).tolist()))


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


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(1, 3), st.floats(0.2, 3))
def test_an_order_is_found_if_and_only_if_one_of_all_permutations_works(seed, Q, d, spread):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(Q), 3)
    X = rng.normal(size=(Q, d))[y] * spread + 0.4 * rng.normal(size=(3 * Q, d))
    found = elimination_order(X, y)
    orders = naive.elimination_orders(X, y)
    assert found.complete == bool(orders)
    if found.complete:
        assert found.order in orders
        for i, margin in enumerate(found.margins[:-1]):
            rest = np.isin(y, found.order[i + 1 :])
            distance = naive.hull_distance(X[y == found.order[i]], X[rest])
            assert margin == pytest.approx(distance / 2, rel=2e-3)
    else:
        check_stuck(found, X, y)


def check_stuck(found, X, y):
    """Every remaining class has a certificate against the other remaining ones, row by row."""
    remaining = sorted(set(y.tolist()) - set(found.order))
    assert sorted(found.stuck) == remaining and len(remaining) > 1
    for label in remaining:
        others = np.isin(y, remaining) & (y != label)
        check_hull_certificate(found.stuck[label], X[y == label], X[others])


def test_stuck_certificates_speak_of_the_remaining_classes_only():
    X = np.array([[0.0, 0.0], [2.0, 0.0], [9.0, 9.0], [9.0, 8.0], [1.0, 0.0], [3.0, 0.0]])
    y = np.array([1, 1, 0, 0, 2, 2])
    found = elimination_order(X, y)
    assert found.order == [0]
    check_stuck(found, X, y)
    assert "its hull meets" in found.summary()


def test_iris_is_stuck_after_setosa_with_exact_certificates():
    data = datasets.iris()
    found = elimination_order(data.X, data.y)
    assert found.order == [0]
    check_stuck(found, data.X, data.y)


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


def test_separations_of_an_order_refer_to_the_points_that_were_left():
    data = datasets.sequential(40, classes=4, d=3, rng=1)
    found = elimination_order(data.X, data.y)
    for i, separation in enumerate(found.separations):
        own = data.X[data.y == found.order[i]]
        others = data.X[np.isin(data.y, found.order[i + 1 :])]
        check_separation(separation, own, others)
        rows_a, rows_b = separation.support
        again = separate(own[rows_a], others[rows_b])
        assert again.margin == pytest.approx(separation.margin, rel=2e-3)


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
    both = [*np.asarray(A).tolist(), *np.asarray(B).tolist()]
    assert elimination_order(FORMS[form](np.array(both)), [0, 0, 0, 1, 1, 1]).complete


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


@pytest.mark.parametrize(
    "X, y, message",
    [
        (TRIANGLE, [0, 0, 0], "at least two classes"),
        (TRIANGLE, [0, 1], "one label per point"),
        (np.zeros((0, 2)), [], "at least two classes"),
        (TRIANGLE, [0, 1, None], "missing labels"),
        (TRIANGLE, [0, 1, np.nan], "nan"),
        (TRIANGLE, np.array([0, "a", 1], object), "sortable"),
        ([[0.0, np.nan]], [0], "X must be finite"),
    ],
)
def test_wrong_labelled_points_are_refused_in_one_sentence(X, y, message):
    with pytest.raises(ValueError, match=message):
        elimination_order(X, y)
