"""A few equations imply all that are asked for, where they are said to; and only there."""

import numpy as np
import pytest
from flint import arb

from constructions import verify
from constructions.critical import cell as calculus
from constructions.critical import search
from constructions.critical.balls import Balls, as_balls
from constructions.critical.cell import Cell
from constructions.critical.fitted import fewer
from constructions.critical.fitted.fewer import Asked, chosen_of, coefficients
from constructions.critical.labels import beyond_of, label_space
from constructions.critical.points import BITS
from constructions.critical.ranks import GenericRank, coefficients_rank
from constructions.critical.search import nearby_points
from constructions.proof.exact import precision
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels


def cell_of(seed, widths=(2, 4, 3, 2), N=9):
    rng = np.random.default_rng(seed)
    masks = [(rng.random((N, w)) < 0.7).astype(float) for w in widths[1:-1]]
    cell = Cell(widths, rng.standard_normal((N, widths[0])), None, [], masks, [])
    return cell, rng.standard_normal(cell.places[-1][1].stop)


def asked_of(points, labels, targets):
    space = label_space(np.asarray(targets, float))
    return [
        Asked(i, *direction, q)
        for i, q in zip(points, labels, strict=True)
        for direction in beyond_of(space, np.asarray(targets, float), [q])
    ]


TARGETS = [[0.0, 1.0], [2.0, 1.0], [0.0, -3.0]]


@pytest.mark.parametrize("by_label", [False, True])
@pytest.mark.parametrize("widths", [(2, 4, 3, 2), (2, 5, 2), (3, 2, 3, 4, 2)])
def test_rows_times_parameters_are_what_is_asked_for(widths, by_label):
    cell, theta = cell_of(0, widths)
    labels = [i % 3 for i in range(9)]
    asked = asked_of(range(9), labels, TARGETS)
    found = calculus.forwards(cell, theta)
    rows = coefficients(found.W[-1], found.inputs[-2], cell.masks[-1], asked, by_label)
    W, b = (theta[at] for at in cell.places[-2])
    inner = np.column_stack([W.reshape(widths[-2], -1), b]).ravel()
    c = theta[cell.places[-1][1]]
    rest = (c - np.array(TARGETS)).ravel() if by_label else np.r_[c, -1.0]
    wanted = [
        [float(v) for v in one.direction] @ (found.values[-1][one.point] - TARGETS[one.label])
        for one in asked
    ]
    assert rows.mid @ np.concatenate([inner, rest]) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("by_label", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_rank_modulo_primes_is_that_of_random_numbers(seed, by_label):
    cell, theta = cell_of(seed)
    asked = asked_of(range(9), [i % 3 for i in range(9)], TARGETS)
    found = calculus.forwards(cell, theta)
    rows = coefficients(found.W[-1], found.inputs[-2], cell.masks[-1], asked, by_label).mid
    rank = coefficients_rank(cell, asked, [], by_label)
    assert rank.rank == np.linalg.matrix_rank(rows) and 0 < rank.error < 1e-25


def test_constraints_hold_of_the_numbers_that_are_drawn(monkeypatch):
    cell, theta = cell_of(1)
    cell = cell._replace(masks=[np.ones((9, 4)), np.ones((9, 3))])
    asked = asked_of(range(9), [i % 3 for i in range(9)], TARGETS)
    free = coefficients_rank(cell, asked, [], False).rank
    places = fewer._constraints(cell, asked, calculus.forwards(cell, theta).W)
    assert places == []  # nothing holds of random weights
    W = calculus.forwards(cell, theta).W
    W[-1][:, 1], W[-1][:, 2] = 2 * W[-1][:, 0], -W[-1][:, 0]
    W[0][3] = -3 * W[0][1]
    held = fewer._constraints(cell, asked, W)
    assert sorted((own.layer, own.is_column, own.unit) for own in held)[0][:2] == (0, False)
    assert len(held) == 3 and coefficients_rank(cell, asked, held, False).rank < free


def three_classes(parts=(0.7, -0.3), across=0.0):
    """Outputs that are constant on each of three sets of points.

    On the first set two units of the second layer are on that read one and the same number s,
    0.3 s + 0.1 and 0.7 s + 0.2, with parallel columns of the last weights; on the second one unit
    that is constant; on the third none.
    """
    rng = np.random.default_rng(0)
    near, far = rng.uniform(0.2, 1, (2, 6, 2))
    X = np.vstack([near, -far, [[-3.0, 8.0], [-2.0, 8.5], [-3.0, 9.0]]])
    y = np.repeat([0, 1, 2], [6, 6, 3])
    W1, b1 = np.array([[1.0, 1.0], [-1.0, -1.0], [0.0, 1.0]]), np.array([0.0, 0.0, -5.0])
    W2 = np.array([[0.3, -7.0, -100.0], [0.7, -7.0, -100.0], [-7.0, 0.0, -100.0]])
    b2, T = np.array([0.1, 0.2, 0.1]), np.eye(3)
    step = (T[0] - T[2]) / (parts[0] * b2[0] + parts[1] * b2[1])
    V = np.column_stack([parts[0] * step, parts[1] * step, (T[1] - T[2]) / b2[2]])
    V[:, 1] += across * np.array([1.0, -2.0, 1.0])
    return X, y, ReLUNetwork([W1, W2, V], [b1, b2, T[2]])


def proofs(X, y, net):
    labels = as_labels(y, len(X), targets=None)
    with precision(BITS):
        weights = [arb(1) / len(X)] * len(labels.classes)
    return [found for found, _ in nearby_points(net, X, labels, weights)]


def test_a_zero_loss_through_parallel_columns_is_exact(monkeypatch):
    X, y, net = three_classes()
    assert 0 < np.abs(net(X) - np.eye(3)[y]).max() < 1e-12
    (found, *_) = proofs(X, y, net)
    assert found is not None and found.is_zero and 0 < found.rank.error < 1e-25
    certificate = verify(net, X, y)
    assert (certificate.verdict, certificate.proved) == ("global minimum", True)
    assert certificate.slack == 0 < certificate.critical["rank_error"]
    real = search.reduced
    monkeypatch.setattr(search, "reduced", lambda *p: None if p[-1] is not None else real(*p))
    assert proofs(X, y, net)[0] is None  # the equations of all points depend on each other


def test_all_outputs_are_their_labels_at_the_proved_point(monkeypatch):
    X, y, net = three_classes()
    seen = {}
    real = search.critical_point_near

    def kept(problem, whole, theta):
        found, why = real(problem, whole, theta)
        if found is not None:
            seen["problem"], seen["theta"], seen["whole"] = problem, found.theta, whole
        return found, why

    monkeypatch.setattr(search, "critical_point_near", kept)
    assert proofs(X, y, net)[0] is not None
    chosen = seen["problem"].chosen
    assert 0 < len(chosen.asked) < 2 * len(X) and chosen.constraints
    outputs = calculus.forwards(seen["whole"].cell, seen["theta"]).values[-1]
    off = outputs - seen["whole"].cell.Y
    assert (off.lower <= 0).all() and (off.upper >= 0).all() and off.rad.max() < 1e-10


@pytest.mark.parametrize("parts", [(0.7, -0.2999), (0.7001, -0.3)])
def test_outputs_that_are_nearly_constant_prove_nothing(parts):
    assert not any(found is not None and found.is_zero for found in proofs(*three_classes(parts)))


def test_columns_that_are_nearly_parallel_prove_nothing():
    X, y, net = three_classes(across=1e-3)
    assert not any(found is not None and found.is_zero for found in proofs(X, y, net))


@pytest.mark.parametrize("more", [-1, 1])
def test_other_ranks_than_those_seen_prove_nothing(monkeypatch, more):
    cell, theta = cell_of(2)
    cell = cell._replace(masks=[np.ones((9, 4)), np.ones((9, 3))])  # one affine map
    asked = asked_of(range(9), [0] * 9, TARGETS)
    found = calculus.forwards(cell, theta)
    chosen = chosen_of(cell, asked, found, True)
    assert len(chosen.asked) == 2 * 3 and chosen.constraints == []
    assert chosen.error == pytest.approx(coefficients_rank(cell, asked, [], True).error, rel=1)
    monkeypatch.setattr(fewer, "coefficients_rank", lambda *_: GenericRank(6 + more, 0.0))
    assert chosen_of(cell, asked, found, True) is None
    monkeypatch.setattr(fewer, "coefficients_rank", lambda *_: None)
    assert chosen_of(cell, asked, found, True) is None


def test_rows_that_may_depend_on_each_other_do_not_stand():
    cell, theta = cell_of(2)
    cell = cell._replace(masks=[np.ones((9, 4)), np.ones((9, 3))])
    asked = asked_of(range(9), [0] * 9, TARGETS)
    floats = calculus.forwards(cell, theta)
    chosen = chosen_of(cell, asked, floats, True)
    balls = cell._replace(X=as_balls(cell.X))
    found = calculus.forwards(balls, as_balls(theta))
    assert chosen.stands(balls, found)
    assert not chosen._replace(asked=asked).stands(balls, found)
    wide = [*found.inputs[:-2], Balls(found.inputs[-2].mid, 9.0 + 0 * found.inputs[-2].rad)]
    assert not chosen.stands(balls, found._replace(inputs=[*wide, found.inputs[-1]]))


def test_nothing_is_chosen_of_nothing_or_if_it_takes_all():
    cell, theta = cell_of(3)
    found = calculus.forwards(cell, theta)
    assert chosen_of(cell, [], found, True) is None
    assert chosen_of(cell, asked_of([0, 1], [0, 1], TARGETS), found, True) is None
    one = Cell((2, 2), cell.X, None, [], [], [])
    assert chosen_of(one, asked_of([0, 1], [0, 1], TARGETS), found, True) is None


def with_parallel_weights(kinks=(), widths=(2, 4, 3, 2)):
    """A cell of one pattern in which the last columns, and two rows of the first layer, are so."""
    cell, theta = cell_of(4, widths)
    cell = cell._replace(masks=[np.ones((9, w)) for w in widths[1:-1]], kinks=list(kinks))
    W = calculus.forwards(cell, theta).W
    W[-1][:, 1], W[-1][:, 2] = 2 * W[-1][:, 0], -W[-1][:, 0]
    W[0][3] = -3 * W[0][1]
    return cell, theta, asked_of(range(9), [i % 3 for i in range(9)], TARGETS)


@pytest.mark.parametrize("unit", [1, 3])
def test_rows_of_units_on_a_kink_are_no_constraint(unit):
    cell, theta, asked = with_parallel_weights()
    found = fewer._constraints(cell, asked, calculus.forwards(cell, theta).W)
    assert [own.unit for own in found if own.layer == 0] in ([1], [3])
    for layer, count in ((0, 0), (1, 1)):
        cell, theta, asked = with_parallel_weights([(layer, 0, unit % (4 - layer))])
        found = fewer._constraints(cell, asked, calculus.forwards(cell, theta).W)
        assert sum(own.layer == 0 for own in found) == count
        assert sum(own.layer == 2 for own in found) == 2


def test_with_one_hidden_layer_only_last_columns_are_constraints():
    cell, theta, asked = with_parallel_weights(widths=(2, 4, 2))
    found = fewer._constraints(cell, asked, calculus.forwards(cell, theta).W)
    assert {own.layer for own in found} <= {1}


def test_constraints_that_are_not_needed_are_left_out():
    # 9 points in one pattern: with the columns parallel the rank is 4, whatever the rows below are
    cell, theta, _ = with_parallel_weights()
    asked = asked_of(range(9), [0] * 9, TARGETS)
    found = calculus.forwards(cell, theta)
    assert len(fewer._constraints(cell, asked, found.W)) == 3
    chosen = chosen_of(cell, asked, found, True)
    assert {(own.layer, own.is_column) for own in chosen.constraints} == {(2, True)}
    fewest = coefficients_rank(cell, asked, chosen.constraints, True)
    assert fewest.rank == len(chosen.asked) and chosen.error == fewest.error
    for one in chosen.constraints:
        rest = [own for own in chosen.constraints if own is not one]
        assert coefficients_rank(cell, asked, rest, True).rank > len(chosen.asked)


def test_a_pivot_that_may_be_zero_does_not_stand():
    cell, theta, _ = with_parallel_weights()
    chosen = chosen_of(
        cell, asked_of(range(9), [0] * 9, TARGETS), calculus.forwards(cell, theta), 1
    )
    balls = cell._replace(X=as_balls(cell.X))
    found = calculus.forwards(balls, as_balls(theta))
    assert chosen.constraints and chosen.stands(balls, found)
    alone = chosen._replace(asked=[])
    assert alone.stands(balls, found)
    W = [*found.W[:-1], Balls(found.W[-1].mid, 9.0 + 0 * found.W[-1].rad)]
    assert not alone.stands(balls, found._replace(W=W))


def test_without_equations_nothing_is_added_to_the_error_of_a_rank():
    assert fewer.NOTHING.error == 0 and fewer.NOTHING.stands(None, Nothing)
    assert fewer.NOTHING.slopes(None, Nothing) == [] == fewer.NOTHING.values(Nothing)


class Nothing:
    W = ()


def test_below_the_last_layer_of_one_hidden_layer_nothing_is_asked_to_be_parallel():
    cell, _ = cell_of(0, (2, 3, 2))
    # all columns and all rows of both layers are parallel
    W = [np.ones((3, 2)), np.ones((2, 3))]
    found = fewer._constraints(
        cell._replace(masks=[np.ones((9, 3))]), asked_of([0], [0], TARGETS), W
    )
    assert found and all(own.layer == 1 and getattr(own, "is_column", True) for own in found)
