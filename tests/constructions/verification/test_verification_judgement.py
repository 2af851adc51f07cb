"""What is said of a point, of each of the proofs about it that there may be."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb

from constructions import verify
from constructions.proof.certificate import Check
from constructions.proof.exact import precision
from constructions.proof.last_layer import ZeroLoss
from constructions.proof.local_problem import LocalProblem
from constructions.proof.stationarity import Refutation
from constructions.verdicts import CELL, CONVEX, DESCENT, ZERO
from constructions.verification import verification
from constructions.verification.near import Near
from geomcore import ReLUNetwork

FOLD = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
ALL = ("W1", "b1", "W2", "b2")
NONE = Refutation("undetermined", False, None, None, "")
DOWN = Refutation("saddle", True, {"step": 1.0}, -2.0, "a step down")
TRIED = Refutation("undetermined", False, None, None, "nothing found")
MORE = [Check("more", False, None, "tried")]
FAR = ZeroLoss(None, 0, "no fit")


def problem_of(offset=None):
    """Of a loss of 1/4, with a longest target of 1."""
    labels = SimpleNamespace(targets=np.array([[1.0], [0.5]]))
    enclosure = SimpleNamespace(bits=64)
    given = {"labels": labels, "enclosure": enclosure, "offset": offset}
    # what an objective has besides
    given |= {"least": 0.0625, "loss_name": "bce", "weight_decay": 0.5}
    return SimpleNamespace(net=FOLD, loss=arb(0.25), **given)


def minimum(distance=1e-12, loss=0.25):
    return SimpleNamespace(distance=distance, loss=arb(loss), bound=0.2, rank=3)


@pytest.fixture
def judge(monkeypatch):
    """Judge by answers in place of proofs."""

    def judged(*, zero=FAR, proof=None, near=None, refuted=TRIED, convex=False, names=ALL, **more):
        answers = {
            "zero_loss": zero,
            "_minimum": (proof, "because"),
            "near_point": (near, MORE),
            "is_convex": convex,
            "refute": refuted,
        }
        for name, answer in answers.items():
            monkeypatch.setattr(verification, name, lambda *given, a=answer, **other: a)
        return verification._judge(problem_of(**more), names, 1e-8, 1e-9)

    return judged


def near(verdict, refutation):
    return Near(verdict, 1e-10, 0.1, 1e-20, {"argument": "critical point"}, refutation)


# Squared errors


@pytest.mark.parametrize("rank", [0, 4])
@pytest.mark.parametrize("proof", [None, minimum()])
def test_a_zero_loss_near_by_is_a_global_minimum_of_the_rank_that_is_known(rank, proof, judge):
    zero = ZeroLoss(1e-12, rank, "a fit")
    # of a loss of 1/4 no network with a loss of 0 is near
    assert judge(zero=zero, proof=proof).verdict == ("local minimum" if proof else "undetermined")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(verification, "_near", lambda *given, **other: True)
        found = judge(zero=zero, proof=proof)
    known = rank or (3 if proof else 0)
    assert found == (
        *("global minimum", True, 1e-12, 0.0, known, NONE),
        *([Check(ZERO, True, 1e-12, "a fit")], 0.0, None),
    )


@pytest.mark.parametrize("convex", [False, True])
def test_a_minimum_near_by_is_that_of_a_cell_or_of_all_networks(convex, judge):
    found = judge(proof=minimum(), convex=convex)
    verdict, why = ("global", f"because; {CONVEX}") if convex else ("local", "because")
    checks = [Check(ZERO, False, None, "no fit"), Check(CELL, True, 1e-12, why)]
    assert found == (f"{verdict} minimum", True, 1e-12, 0.2, 3, NONE, checks, 0.0, None)


@pytest.mark.parametrize("proof", [minimum(distance=1e-3), minimum(loss=0.2), minimum(None)])
def test_what_is_far_is_no_minimum_but_bounds_the_loss(proof, judge):
    checks = [Check(ZERO, False, None, "no fit"), Check(CELL, False, proof.distance, "because")]
    checks += [*MORE, Check(DESCENT, True, None, "nothing found")]
    found = judge(proof=proof, convex=True)
    assert found == ("undetermined", False, proof.distance, 0.2, 0, TRIED, checks, 0.0, None)


@pytest.mark.parametrize("distance", [None, 0.5])
def test_what_is_refuted_has_the_distance_of_an_exact_fit_if_there_is_one(distance, judge):
    zero = ZeroLoss(distance, 2, "a fit")
    found = judge(zero=zero, proof=minimum(distance=1e-3), refuted=DOWN)
    assert found[:6] == ("saddle", True, 1e-3 if distance is None else 0.5, 0.2, 0, DOWN)
    assert found.checks[-1] == Check(DESCENT, False, None, "a step down")
    assert judge(zero=zero).distance == distance and judge(zero=zero).lower == 0.0


@pytest.mark.parametrize(
    ("verdict", "refutation"), [("local minimum", None), ("saddle", DOWN), ("global minimum", None)]
)
def test_what_is_proved_of_a_critical_point_near_by_is_said_as_it_is(verdict, refutation, judge):
    found = judge(near=near(verdict, refutation), proof=minimum(distance=1e-3), refuted=DOWN)
    checks = [Check(ZERO, False, None, "no fit"), Check(CELL, False, 1e-3, "because"), *MORE]
    critical = {"argument": "critical point"}
    assert found == (
        *(verdict, True, 1e-10, 0.1, 0, refutation or NONE),
        *(checks, 1e-20, critical),
    )


@pytest.mark.parametrize(
    ("names", "offset"), [(ALL[1:], None), (ALL, np.zeros(1)), (ALL[1:], np.zeros(1))]
)
def test_a_critical_point_is_looked_for_only_if_all_parameters_may_move(names, offset, judge):
    there = near("local minimum", None)
    assert judge(near=there, names=ALL[::-1]).verdict == "local minimum"
    found = judge(near=there, names=names, offset=offset)
    assert found.verdict == "undetermined" and MORE[0] not in found.checks


# Other losses


@pytest.mark.parametrize(("verdict", "refutation"), [("local minimum", None), ("saddle", DOWN)])
def test_of_other_losses_it_is_the_critical_point_alone(verdict, refutation, monkeypatch):
    there = near(verdict, refutation)
    monkeypatch.setattr(verification, "near_strict_point", lambda *given: (there, [*MORE]))
    found = verification._judge_strict(problem_of(), 1e-8, 1e-9)
    critical = {"argument": "critical point"}
    assert found == (verdict, True, 1e-10, 0.1, 0, refutation or NONE, MORE, 1e-20, critical)


@pytest.mark.parametrize("refuted", [DOWN, TRIED])
def test_of_other_losses_too_what_is_not_proved_may_be_refuted(refuted, monkeypatch):
    monkeypatch.setattr(verification, "near_strict_point", lambda *given: (None, [*MORE]))
    monkeypatch.setattr(verification, "refute", lambda *given, **other: refuted)
    found = verification._judge_strict(problem_of(), 1e-8, 1e-9)
    checks = [*MORE, Check(DESCENT, refuted is TRIED, None, refuted.detail)]
    assert found == (refuted.verdict, refuted.proved, None, 0.0625, 0, refuted, checks, 0.0, None)


@pytest.mark.parametrize(
    ("loss", "decay", "way"),
    [
        ("mse", 0.0, "_judge"),
        ("class_weighted", 0.0, "_judge"),
        ("mse", 0.5, "_judge_strict"),
        ("cross_entropy", 0.0, "_judge_strict"),
        ("bce", 0.5, "_judge_strict"),
    ],
)
def test_decay_and_other_losses_are_judged_by_another_way(loss, decay, way, monkeypatch):
    def other(*given):
        raise LookupError(way)

    monkeypatch.setattr(verification, way, other)
    with pytest.raises(LookupError):
        verify(FOLD, [[-1.0], [1.0]], [[1.0], [1.0]], loss=loss, weight_decay=decay)


# Numbers


def test_a_loss_that_is_stated_lies_in_its_bounds(monkeypatch):
    X, Y = [[-1.0], [1.0]], [[1.0], [1.0]]
    for values, stated in (
        ((0.5, 2.5), (0.5, 2.5)),
        ((-1.0, 7.0), (0.0, 3.0)),
        ((1.5, np.nan), (1.0, 3.0)),
        ((np.nan, 1.0), (1.0, 2.0)),
    ):
        losses = [(values[0], (1.0, 0.0)), (values[1], (3.0, 2.0))]
        monkeypatch.setattr(LocalProblem, "stated_losses", lambda self, losses=losses: losses)
        found = verify(FOLD, X, Y)
        assert (found.loss, found.class_weighted_loss) == stated


@pytest.mark.parametrize("step", [None, 0.1])
def test_a_basin_of_descent_is_asked_for_with_a_step_and_else_not(step):
    found = verify(FOLD, [[-1.0], [1.0]], [[1.0], [1.0]], step=step)
    assert found.verdict == "global minimum" and found.step == step
    assert (found.descent is None) == (step is None)


@pytest.mark.parametrize(
    ("targets", "longest"),
    [
        ([[1e-3], [0.0], [1.0]], 1.0),
        ([[1.0], [1e-3], [0.0]], 1.0),
        ([[3.0, 4.0], [4.5, 0.0]], 25.0),
        ([[0.0, 0.0]], 1.0),
        ([[1e-3], [0.0]], 1e-6),
    ],
)
@pytest.mark.parametrize("least", [0.0, 2.0**-20])
def test_a_loss_is_near_by_the_square_of_the_longest_target(targets, longest, least):
    enclosure, labels = SimpleNamespace(bits=128), SimpleNamespace(targets=np.array(targets))
    for share, is_near in ((0.999, True), (1.001, False)):
        with precision(128):
            loss = arb(least) + arb(longest) * 1e-8 * share
        problem = SimpleNamespace(loss=loss, labels=labels, enclosure=enclosure)
        for distance, reach, within in ((0.5, 0.5, True), (0.5, 0.25, False), (None, 9.0, False)):
            proof = SimpleNamespace(distance=distance)
            found = verification._near(proof, arb(least), reach, problem=problem, rtol=1e-4)
            assert found is (is_near and within)


@pytest.mark.parametrize(("roundings", "is_near"), [(3.9, True), (4.1, False)])
def test_without_a_tolerance_four_roundings_of_a_loss_are_near(roundings, is_near):
    problem = problem_of()
    with precision(128):
        problem.loss = arb(2) * (1 + arb(roundings) * 2.0**-52)
    proof = SimpleNamespace(distance=0.0)
    assert verification._near(proof, arb(2), 0.0, problem=problem, rtol=0.0) is is_near


@pytest.mark.parametrize("scale", [1.0, 2.0**-600, 2.0**600])
def test_reach_and_margins_are_relative_to_the_norm_and_rounded_down(scale):
    W, b = np.array([[3.0, 4.0]]) * scale, np.array([12.0]) * scale
    net = ReLUNetwork([[[1.0], [1.0]], W], [[7.0, 7.0], b])
    norm = 13 * Fraction(scale)
    reach = Fraction(verification._reach(net, 0.1)) / (norm * Fraction(0.1))
    assert 1 - Fraction(1, 10**15) < reach <= 1
    assert verification._reach(ReLUNetwork([[[0.0]]], [[0.0]]), 0.1) == 0
    share = Fraction(verification._per_norm(0.3 * scale, W, b)) * norm / Fraction(0.3 * scale)
    assert 1 - Fraction(1, 10**8) < share < 1
    assert verification._per_norm(0.3, 0 * W, 0 * b) == 0
    assert verification._per_norm(0.0, W, b) == 0
    assert verification._per_norm(5e-324, np.ones((1, 1)), np.zeros(1)) == 0
    assert verification._per_norm(0.3, np.full((1, 2), 1.7e308), b) < 1e-308


def test_a_gap_is_rounded_up_and_is_nothing_between_equal_numbers():
    assert verification.gap_between(0.1, 0.1) == 0 == verification.gap_between(0.0, 0.0)
    assert 2 < verification.gap_between(3.0, 1.0) < 2 + 1e-15
    found, exact = verification.gap_between(1.0, 1e-17), 1 - Fraction(1e-17)
    assert exact <= Fraction(found) < exact + Fraction(1, 10**15)


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (("W2", "b2"), ("last", True, True)),
        (("W2",), ("last", True, False)),
        (("b2",), ("last", False, True)),
        (ALL, ("cell",)),
        (("b1", "b2", "W2"), ("cell",)),
        (("W1", "b1", "W2"), None),
        (("b1", "b2"), None),
        (("W1", "b1"), None),
    ],
)
def test_a_minimum_is_one_of_the_last_layer_or_of_the_cell(names, asked, monkeypatch):
    monkeypatch.setattr(verification, "last_layer_minimum", lambda problem, *ends: ("last", *ends))
    monkeypatch.setattr(verification, "local_minimum", lambda *given: ("cell",))
    for undecided, kinks, is_cell in ((0, 0, True), (1, 0, False), (0, 1, False), (1, 1, False)):
        enclosure = SimpleNamespace(undecided=undecided, kinks=kinks)
        given = {"labels": None, "X": None, "per_class": None}
        problem = SimpleNamespace(net=FOLD, enclosure=enclosure, **given)
        found = verification._minimum(problem, names)
        if asked and (is_cell or asked[0] == "last"):
            assert found == asked
        else:
            assert found[0] is None
            assert ("held fixed" in found[1]) is is_cell
