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
    assert (answer.normal, answer.offset, answer.margin, answer.bound) == (None, 0.0, 0.0, 0.0)


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


def test_the_margin_far_from_the_origin_is_that_of_the_same_points_moved_exactly():
    A = 1e12 + np.array([[0, 0], [0.01, 0.02]])
    B = 1e12 + np.array([[0.02, 0.003], [0.03, 0.03]])
    far, near = separate(A, B), separate(A - 1e12, B - 1e12)  # differences of such floats are exact
    check_separation(far, A, B)
    assert near.margin * (1 - 1e-6) <= far.margin <= near.bound
    assert far.margin >= (1 - 1e-6) * far.bound


def test_a_point_of_both_sets_is_a_certificate_of_its_own():
    A, B = [[0.0, 0.0], [-6.48, -2.46]], [[-2.16, -0.82], [-0.0, 0.0]]
    answer = separate(A, B)
    assert answer.separable is False
    check_separation(answer, A, B)
    np.testing.assert_array_equal(answer.certificate.weights_a, [1, 0])
    np.testing.assert_array_equal(answer.certificate.weights_b, [0, 1])
    assert [rows.tolist() for rows in answer.support] == [[0], [1]]


def test_points_that_are_collinear_but_for_rounding_are_decided():
    found = set()
    for seed in range(400):
        rng = np.random.default_rng(seed)
        direction = np.round(2 * rng.normal(size=rng.integers(2, 4)), 2)
        A, B = rng.integers(-4, 5, (2, 2, 1)) * direction
        answer = separate(A, B)
        check_separation(answer, A, B)
        found.add(answer.separable)
    assert found == {True, False}


EXTREMES = {
    "a gap below the rounding of the extent": ([[0.0]], [[1e-17], [1.0]], True),
    "the same in a corner": ([[0.0, 0.0]], [[1e-17, 0.0], [1.0, -1.0], [1.0, 1.0]], True),
    "columns 60 decades apart": ([[0.0, 1e30], [1e-30, 0.0]], [[2e-30, 2e30], [3e-30, 0.0]], True),
    "many decades in one column": ([[1e-30], [1e-25]], [[1e-20], [1e-3], [0.5]], True),
    "as large as floats": ([[1.7e308, 1.7e308]], [[-1.7e308, 1.7e308]], True),
    "as large as floats, crossing": ([[1.7e308], [-1.7e308]], [[1e308]], False),
    "large": ([[0.0, 0], [1e200, 0]], [[3e200, 0], [4e200, 1e200]], True),
    "large, crossing": ([[0.0, 0], [2e200, 2e200]], [[0.0, 2e200], [2e200, 0]], False),
    "small": ([[0.0, 0], [1e-200, 0]], [[3e-200, 0], [4e-200, 1e-200]], True),
    "small, crossing": ([[0.0, 0], [2e-200, 2e-200]], [[0.0, 2e-200], [2e-200, 0]], False),
    "denormal": ([[0.0]], [[1e-322]], True),
    "the least floats, crossing": ([[0.0], [1e-323]], [[5e-324]], False),
    "large and small": ([[1e-300, 1e300]], [[2e-300, 1e300], [2e-300, -1e300]], True),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_sizes_are_decided_and_proved(name):
    A, B, separable = EXTREMES[name]
    answer = separate(A, B)
    assert answer.separable is separable
    check_separation(answer, A, B)


def test_a_program_that_ends_without_an_answer_is_no_error():
    # HiGHS ends with a status that cvxpy cannot read
    A = [
        [152.63544477099276, -18921.979424764606, -1.4898059484079526e19],
        [-18.020607144082465, 598360.4004602367, 1.5757644664227008e20],
        [-127.51008551725458, -1664091.4001909432, 3.1932952402903265e19],
        [189.7301472699053, -55505.59203431107, 2.2498625666453343e20],
        [90.61215415934127, 2127405.0226810514, -1.7111802241420524e19],
    ]
    B = [[-0.4, 0.6, -0.4], [0.6, -0.4, 0.6], [-0.6, -0.4, 0.4], [0.6, 0.0, -0.4]]
    answer = separate(A, B)
    assert answer.separable is not None
    check_separation(answer, A, B)


def test_the_bound_of_a_denormal_gap_is_not_rounded_to_nothing():
    answer = separate([[0.0]], [[1.5e-323]])  # three times the least float
    check_separation(answer, [[0.0]], [[1.5e-323]])
    assert answer.margin == 5e-324 and answer.bound == 1e-323  # 1.5 of it, rounded down and up


@pytest.mark.parametrize(
    ("A", "B"),
    [
        (
            [
                [3018.7575334855073, -0.00013673174549574968, 8.337365763649524e-07],
                [-4339.483251036038, 0.0001965527581735397, -1.1985016579766356e-06],
            ],
            [[2721.7324337658392, -0.00012327827667944923, 7.517025981511391e-07]],
        ),
        (
            [
                [42.81054980987243, 0.00022541716573601053, -0.004697001971224811],
                [-113.16501076547304, -0.0005958656476155655, 0.012416011497159695],
            ],
            [
                [-141.99350447441412, -0.0007476608797059815, 0.015578958303021842],
                [72.73791767842499, 0.0003829984739142194, -0.007980512846381693],
            ],
        ),
    ],
)
def test_multiples_in_other_units_are_separated_by_their_rounding(A, B):
    answer = separate(A, B)
    check_separation(answer, A, B)
    assert answer.separable is True and answer.margin >= 0.9 * answer.bound


def test_the_distance_of_hulls_bounds_the_margin_where_no_floats_separate_them():
    answer = separate([[5e-324]], [[0.0]])
    assert (answer.separable, answer.margin, answer.bound) == (None, 0.0, 5e-324)
    assert answer.certificate is None


def test_what_no_floats_can_separate_is_not_said_to_be_separated():
    # no float lies between two neighbours, and the normal can only be 1
    for A, B in (([[0.0]], [[5e-324]]), ([[1e-322]], [[1.05e-322]])):
        answer = separate(A, B)
        assert answer.separable is None and answer.certificate is None
        assert answer.normal is None and answer.margin == 0


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


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(-900, 900), st.floats(0, 4))
def test_powers_of_two_change_no_bit_of_an_answer(seed, d, power, shift):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(6, d)), rng.normal(size=(7, d)) + shift
    plain = separate(A, B)
    moved = np.ldexp(A, power), np.ldexp(B, power)
    answer = separate(*moved)
    check_separation(answer, *moved)
    assert answer.separable is plain.separable
    if plain.separable:
        np.testing.assert_array_equal(answer.normal, plain.normal)
        assert answer.offset == np.ldexp(plain.offset, power)
        assert answer.margin == np.ldexp(plain.margin, power)
    else:
        np.testing.assert_array_equal(
            answer.certificate.point, np.ldexp(plain.certificate.point, power)
        )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 5), st.floats(-4, 12), st.floats(-5, 1))
def test_the_margin_is_within_rtol_of_its_bound_far_from_the_origin_too(seed, d, far, logarithm):
    rng = np.random.default_rng(seed)
    A, B = rng.uniform(size=(12, d)), rng.uniform(size=(9, d))
    A[:, 0] += 1 + 10.0**logarithm
    away = 10.0**far * rng.uniform(-1, 1, d)
    A, B = A + away, B + away
    answer = separate(A, B)
    if answer.separable:  # adding `away` may have rounded the gap to nothing
        check_separation(answer, A, B)
        gap = answer.bound * 2
        if gap > 100 * np.spacing(np.abs(away).max()):
            assert answer.margin >= (1 - 1e-6) * answer.bound


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


@pytest.mark.parametrize(
    "start",
    [([0], [3]), ([3], [0]), ([0], [99]), ([-1], [0]), ([0.5], [0]), [0], 7]
    + [([0], ["x"]), ([[0]], [0]), ([0], [[0]]), ([0], [0], [0])],
)
def test_a_wrong_guess_at_the_support_is_refused(start):
    with pytest.raises(ValueError, match="start"):
        separate(TRIANGLE, TRIANGLE + 5, start=start)


@pytest.mark.parametrize("rtol", [-1e-6, 1.0, np.nan, "small"])
def test_a_wrong_tolerance_is_refused(rtol):
    with pytest.raises(ValueError, match="rtol"):
        separate(TRIANGLE, TRIANGLE + 5, rtol=rtol)
