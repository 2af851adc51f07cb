"""What a critical point must have: signs, ranks, independence and curvature, at their limits."""

from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb, arb_mat
from planted import planted

from constructions.critical import cell as calculus
from constructions.critical import minimum, search
from constructions.critical.balls import Balls, as_balls
from constructions.critical.cell import Cell
from constructions.critical.fitted.fewer import NOTHING
from constructions.critical.points import BITS
from constructions.critical.reduced import along
from constructions.critical.search import nearby_minimum, nearby_points
from constructions.critical.spans import slices
from constructions.critical.spans.definite import least_on_slice
from constructions.proof.exact import precision
from geomcore.arrays import as_labels

APART = [(0, 0, 0), (0, 1, 1)]


def proved(net, X, y):
    labels = as_labels(y, len(X), targets=None)
    with precision(BITS):
        weights = [arb(1) / len(X)] * len(labels.classes)
    return nearby_minimum(net, np.asarray(X, float), labels, weights)


def on_two_kinks(widths=(2, 3, 2)):
    made = (planted(widths, 14, APART, seed) for seed in range(100))
    return next(one for one in made if one is not None and proved(*one)[0] is not None)


# Parts of the proof by hand


def test_a_row_space_is_spanned_by_as_many_columns_as_the_rank():
    rows = np.array([[1.0, 0.0, 0.0], [0.0, 1e-9, 0.0], [1.0, 1e-9, 0.0]])
    found = slices.row_space(rows, 2)
    assert found.shape == (3, 2) and not found[2].any()
    assert np.allclose(found.T @ found, np.eye(2))
    assert slices.row_space(rows, 0).shape == (3, 0)
    assert slices.row_space(rows, 3) is None
    assert slices.row_space(rows[:2], 3) is None
    assert slices.row_space(rows, 1).shape == (3, 1)
    # rows are scaled, and what nearly depends on others does not count
    near = np.array([[1.0, 0.0], [1.0, 1e-12]])
    assert slices.row_space(near, 2) is None
    assert slices.row_space(near * [1.0, 1e3], 2).shape == (2, 2)
    assert slices.row_space(np.array([[1.0, 0.0], [0.0, 0.0]]), 2) is None
    assert slices.row_space(np.full((2, 2), np.nan), 1) is None


@pytest.mark.parametrize(
    "directions",
    [
        np.eye(1),
        [[2.0]],
        np.eye(2),
        [[0.0, 1.0], [1.0, 0.0]],
        [[1.0, 0.0], [0.0, -1.0]],
        [[1.0, 1.0], [0.0, 1.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[1.0], [0.0]],
        [[1.0, 0.0, 3.0], [0.0, 1.0, 0.5]],
        np.eye(3),
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.25, 1.0]],
        [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]],
    ],
)
def test_rows_along_directions_are_those_of_each_point(directions):
    directions = np.array(directions)
    (K, m), P = directions.shape, 5
    J = Balls(np.random.default_rng(0).integers(-8, 8, (4 * K, P)).astype(float))
    J.rad[:] = 0.25
    for start, stop in ((0, 4), (1, 3), (2, 3)):
        exact = arb_mat(K, m, directions.ravel().tolist())
        found = along(J, slice(start, stop), exact, K)
        rows = J.mid.reshape(4, K, P)[start:stop]
        wanted = np.concatenate([directions.T @ of_point for of_point in rows])
        assert found.shape == ((stop - start) * m, P)
        np.testing.assert_allclose(found.mid, wanted, atol=1e-13)
        reach = np.tile(np.abs(directions).sum(axis=0) / 4, stop - start)
        assert (found.rad >= reach[:, None]).all() and (found.rad <= reach[:, None] + 1e-12).all()
        if K == m and (directions == np.eye(K)).all():  # without any rounding
            assert (found.rad == 0.25).all()


def test_columns_are_extended_by_rows_that_are_independent_of_them():
    columns = np.eye(4)[:, :2]
    assert slices.extended(columns, np.zeros((0, 4))) is columns
    found = slices.extended(columns, np.array([[5.0, 1.0, 1e-3, 0.0]]))
    assert found.shape == (4, 3) and np.allclose(found.T @ found, np.eye(3))
    assert not found[3].any()
    assert slices.extended(columns, np.array([[5.0, 1.0, 1e-12, 0.0]])) is None
    assert slices.extended(columns, np.array([[5.0, 1.0, 0.0, 0.0]])) is None
    assert slices.extended(columns, np.array([[0.0, 0.0, 1.0, 0.0]] * 2)) is None
    assert slices.extended(columns, np.zeros((1, 4))) is None
    both = slices.extended(columns, np.eye(4)[2:])
    assert np.allclose(both @ both.T, np.eye(4))
    assert slices.extended(columns, np.vstack([np.eye(4)[2:], np.ones((1, 4))])) is None


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize(
    ("width", "keeps"), [(0.0, True), (0.49, True), (0.5, False), (1.0, False), (np.inf, False)]
)
def test_a_sign_is_kept_if_it_is_so_in_the_whole_box(side, width, keeps):
    # a unit x + b at the points -1.5 and 1.5, b = side
    X, mask = np.array([[-1.5], [1.5]]), np.array([[0.0], [1.0]])
    cell = Cell((1, 1, 1), Balls(X), Balls(np.zeros((2, 1))), [], [mask], [])
    theta = Balls(np.array([1.0, side, 1.0, 0.0]), np.array([0.0, width, 0.0, 0.0]))
    assert minimum.keeps_signs(SimpleNamespace(cell=cell, kinks=[]), theta) == keeps
    # the one that is near is not asked if it is on its kink; another one is
    near = int(side < 0)
    for point, told in ((near, width < 2.5), (1 - near, keeps)):
        whole = SimpleNamespace(cell=cell, kinks=[(0, point, 0)])
        assert minimum.keeps_signs(whole, theta) == told
    wrong = cell._replace(masks=[1 - mask])
    assert not minimum.keeps_signs(SimpleNamespace(cell=wrong, kinks=[]), theta)


def test_kinks_of_a_later_layer_are_no_kinks_of_this_one():
    X = np.array([[0.0], [1.0]])
    masks = [np.array([[0.0], [1.0]]), np.array([[1.0], [1.0]])]
    cell = Cell((1, 1, 1, 1), Balls(X), Balls(np.zeros((2, 1))), [], masks, [])
    theta = Balls(np.array([1.0, 0.0, 1.0, 1.0, 1.0, 0.0]))
    assert minimum.keeps_signs(SimpleNamespace(cell=cell, kinks=[(0, 0, 0)]), theta)
    assert not minimum.keeps_signs(SimpleNamespace(cell=cell, kinks=[(1, 0, 0)]), theta)
    assert not minimum.keeps_signs(SimpleNamespace(cell=cell, kinks=[]), theta)


def test_the_least_curvature_is_that_on_the_kernel_within_the_slice():
    H, none = Balls(np.diag([-5.0, 2.0, 3.0, -7.0])), Balls(np.zeros((0, 4)))
    slice_ = np.eye(4)[:, :3]
    assert least_on_slice(H, none, slice_) == -np.inf
    Z = Balls(np.array([[1.0, 0.0, 0.0, 0.0]]))
    assert 1.9 < least_on_slice(H, Z, slice_) <= 2.0
    assert least_on_slice(H, Balls(np.array([[0.0, 1.0, 0.0, 0.0]])), slice_) == -np.inf
    assert least_on_slice(H, Z, np.eye(4)) == -np.inf
    assert 2.9 < least_on_slice(H, none, np.eye(4)[:, 2:3]) <= 3.0
    # of all matrices in the balls: the kernel of (1, s) leans by s
    for lean, positive in ((0.5, True), (0.7, False)):
        wide = Balls(Z.mid, np.array([[0.0, lean, 0.0, 0.0]]))
        assert (2 - 5 * lean**2 > 0) == positive
        assert positive or least_on_slice(H, wide, slice_) == -np.inf


# What follows is examined in the whole box, and said as it is


def with_box(monkeypatch, change):
    own = minimum.solution_near

    def changed(*given):
        box = own(*given)
        return box if box is None else box._replace(**change(box))

    monkeypatch.setattr(minimum, "solution_near", changed)


@pytest.mark.parametrize(
    ("widths", "rank"), [((2, 3, 1), 9), ((3, 3, 2), 17), ((2, 2, 3), 13), ((2, 3, 2), 14)]
)
def test_inputs_and_outputs_may_be_of_any_number(widths, rank):
    net, X, Y = on_two_kinks(widths)
    found, _ = proved(net, X, Y)
    # it is counted where a scale of each hidden unit is all that changes nothing, and else drawn
    counted = rank == net.parameter_count - widths[1]
    assert found.rank.rank == rank and (found.rank.error == 0) == counted == (widths[2] > 1)
    assert found.rank.error < 1e-20
    assert {(k.layer - 1, k.point, k.unit) for k in found.kinks} == set(APART)


def test_rows_of_kinks_count_among_those_that_bound_the_rank():
    # 14 rows of outputs and 2 of kinks have rank 12, which is neither their number nor counted
    found, _ = proved(*planted((2, 3, 2), 8, APART, 48))
    assert found.rank.rank == 12 and 0 < found.rank.error < 1e-20


def test_in_a_wide_box_a_multiplier_may_have_any_sign(monkeypatch):
    made = on_two_kinks()
    with_box(monkeypatch, lambda box: {"radius": np.full(len(box.radius), 0.01)})
    assert proved(*made)[0] is None


def test_unique_is_what_a_box_has_beyond_its_image(monkeypatch):
    made = on_two_kinks()
    with_box(
        monkeypatch,
        lambda box: {
            "radius": np.arange(1.0, len(box.radius) + 1) * 1e-9,
            "image": np.arange(1.0, len(box.radius) + 1) * 4e-10,
        },
    )
    found, _ = proved(*made)
    assert 5.99e-10 < found.uniqueness < 6e-10
    with_box(monkeypatch, lambda box: {"radius": box.radius[::-1], "image": box.image[::-1]})
    found, _ = proved(*made)  # the last two are multipliers
    assert 1.79e-9 < found.uniqueness < 1.81e-9


def test_a_box_holds_all_parameters_and_multipliers_of_a_slice():
    rng = np.random.default_rng(0)
    attempt = object.__new__(minimum._Attempt)
    basis = np.linalg.qr(rng.standard_normal((6, 3)))[0]
    attempt.theta, attempt.multipliers = rng.standard_normal(6), np.array([1.0, 2.0, 3.0])
    attempt.whole = SimpleNamespace(free=[0, 2])
    theta, mu = attempt.box(basis, np.array([1.0, 0.1, 0.01, 0.5, 0.25]))
    assert (theta.rad >= np.abs(basis) @ [1.0, 0.1, 0.01]).all()
    assert (theta.mid == attempt.theta).all()
    assert mu.rad.tolist() == [0.5, 0.0, 0.25] and mu.mid.tolist() == [1.0, 2.0, 3.0]
    for _ in range(20):
        x = np.array([1.0, 0.1, 0.01]) * rng.choice([-1.0, 1.0], 3)
        assert (np.abs(basis @ x) <= theta.rad).all()


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("slices.has_rank", lambda *given: False, "the derivative is not proved to have rank"),
        ("has_full_column_rank", lambda A: False, "the kinks are not proved to be independent"),
        ("are_free", lambda *given: False, "the kinks are not proved to be independent"),
        ("least_on_kernel", lambda *given: -np.inf, "the Hessian is not proved to be positive"),
        ("least_on_kernel", lambda *given: 0.0, "the Hessian is not proved to be positive"),
        ("solution_near", lambda *given: None, "no exact critical point is proved to exist"),
        ("generic_rank", lambda *given: None, "the kinks of a unit depend on each other"),
        ("signs_of", lambda *given: (False, []), "a multiplier is not proved to lie inside"),
    ],
)
def test_whatever_is_not_proved_refuses_the_minimum(name, answer, said, monkeypatch):
    made = on_two_kinks()
    monkeypatch.setattr(minimum, "curvature_down", lambda H, G: None)
    assert proved(*made)[0] is not None
    of, _, name = name.rpartition(".")
    monkeypatch.setattr(getattr(minimum, of) if of else minimum, name, answer)
    found, why = proved(*made)
    assert found is None and said in why


def test_a_way_down_along_the_kinks_is_one_whatever_their_multipliers_are(monkeypatch):
    net, X, Y = on_two_kinks()
    way = np.arange(1.0, net.parameter_count + 1)
    monkeypatch.setattr(minimum, "curvature_down", lambda H, G: (way, -0.25))
    labels = as_labels(Y, len(X), targets=None)
    with precision(BITS):
        per_class = [arb(1) / len(X)] * len(labels.classes)
    for name, answer in (("signs_of", (False, [])), ("least_on_kernel", -np.inf)):
        with monkeypatch.context() as patched:
            patched.setattr(minimum, name, lambda *given, answer=answer: answer)
            found, why = next(nearby_points(net, X, labels, per_class))
        assert why == "a saddle on 2 kinks" and found.smallest_eigenvalue == -0.25
        assert len(found.ways_down) == 1
    # where the Hessian is positive no way is asked for
    found, why = next(nearby_points(net, X, labels, per_class))
    assert why == "a local minimum on 2 kinks" and not found.ways_down
    assert 0 < found.smallest_eigenvalue < np.inf


def test_ways_over_kinks_are_told_one_by_one(monkeypatch):
    net, X, Y = on_two_kinks()
    sides = [([0], -1.0), ([1], 1.0)]
    monkeypatch.setattr(minimum, "signs_of", lambda *given: (False, sides))
    labels = as_labels(Y, len(X), targets=None)
    with precision(BITS):
        per_class = [arb(1) / len(X)] * len(labels.classes)
    found, why = next(nearby_points(net, X, labels, per_class))
    assert why.startswith("no critical point, as the loss falls over a kink, but one while")
    assert why.endswith("it stays on 2 kinks")
    assert found.smallest_eigenvalue == 0.0 and len(found.ways_down) == 2


def test_independent_kinks_are_asked_for_in_the_slice(monkeypatch):
    made, asked = on_two_kinks(), []
    own = minimum.has_full_column_rank

    def second_fails(A):
        asked.append(A.shape)
        return own(A) and A.shape[1] != len(APART)

    monkeypatch.setattr(minimum, "has_full_column_rank", second_fails)
    found, why = proved(*made)
    assert found is None and "kinks are not proved to be independent" in why


def test_biases_that_are_zero_are_not_counted(monkeypatch):
    # four hidden units, then a last layer
    theta = np.array([9.0, 9.0, 9.0, 9.0, 0.0, 1.0, -1.0, 5e-324, 9.0, 0.0])
    places = [(slice(0, 4), slice(4, 8)), (slice(8, 9), slice(9, 10))]
    counted = []
    monkeypatch.setattr(minimum._Attempt, "counted", lambda self, biases: counted.append(biases))
    monkeypatch.setattr(minimum._Attempt, "slices", lambda self, rank, if_plain: None)
    monkeypatch.setattr(minimum._Attempt, "independent", None)
    monkeypatch.setattr(minimum, "generic_rank", lambda *given: None)
    problem = SimpleNamespace(balls=SimpleNamespace(places=places), wanted=[])
    found, why = minimum.critical_point_near(problem, SimpleNamespace(kinks=[], held=[]), theta)
    assert found is None and why == minimum.DEPENDENT
    ((biases,),) = counted
    assert biases.tolist() == [False, True, True, True]


@pytest.mark.parametrize("drawn", [14, 15, None])
def test_a_rank_that_is_not_counted_at_the_exact_point_is_drawn(drawn, monkeypatch):
    made, first = on_two_kinks(), True  # of rank 14

    def counted(self, not_zero):
        nonlocal first
        first, stored = False, first
        return 14 if stored else 15  # as if a bias might be 0 in the box

    error = 0.0 if drawn is None else 0.25
    rank = None if drawn is None else minimum.GenericRank(drawn, error)
    monkeypatch.setattr(minimum._Attempt, "counted", counted)
    slices_of = minimum._Attempt.slices  # as if it were plain that 14 is attained
    monkeypatch.setattr(
        minimum._Attempt, "slices", lambda self, rank, if_plain=False: slices_of(self, rank)
    )
    monkeypatch.setattr(minimum, "generic_rank", lambda *given: rank)
    found, why = proved(*made)
    if drawn is None:
        assert found is None and why == minimum.DEPENDENT
    elif drawn > 14:
        assert found is None and why == minimum.BELOW.format(drawn)
    else:
        assert found.rank == rank and why == "a local minimum on 2 kinks"


@pytest.mark.parametrize(("drawn", "implied", "told"), [(0.25, 0.5, 0.75), (0.75, 0.5, 1.0)])
def test_a_rank_may_be_larger_or_equations_may_imply_less(drawn, implied, told, monkeypatch):
    own_rank, own_problem = minimum.generic_rank, search.reduced
    monkeypatch.setattr(
        minimum, "generic_rank", lambda *given: own_rank(*given)._replace(error=drawn)
    )
    monkeypatch.setattr(
        search,
        "reduced",
        lambda *given: own_problem(*given)._replace(chosen=NOTHING._replace(error=implied)),
    )
    found, _ = proved(*on_two_kinks((2, 3, 1)))  # drawn, and not counted
    assert found.rank.error == told


def test_the_derivative_of_the_system_begins_with_the_hessian_on_the_slice(monkeypatch):
    inner, seen = minimum._examined, []

    def examined(attempt, critical, basis, rank, box):
        theta, mu = attempt.box(basis, box.radius)
        found = calculus.run(attempt.problem.balls, theta, mu)
        H, Z = calculus.hessian(attempt.problem.balls, found), attempt._rows(found)[0]
        r1 = critical.shape[1]
        seen.append((r1, len(Z)))
        held = box.jacobian
        for own, part in (
            (as_balls(critical.T) @ H @ critical, held[:r1, :r1]),
            (Z @ critical, held[r1 : r1 + len(Z), :r1]),
        ):
            assert own.mid.any() and (np.abs(own.mid - part.mid) <= own.rad + part.rad).all()
        return inner(attempt, critical, basis, rank, box)

    monkeypatch.setattr(minimum, "_examined", examined)
    found, _ = proved(*on_two_kinks())
    assert not found.ways_down and all(r1 > 2 and k == 2 for r1, k in seen) and seen
