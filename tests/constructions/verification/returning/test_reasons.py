"""The way back that is told is what is proved of it, or none for the reason that is told."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from constructions.proof.basin import Basin
from constructions.proof.descent_basin import DescentBasin
from constructions.proof.local_problem import LocalProblem
from constructions.verdicts import RETURN
from constructions.verification import returning
from constructions.verification.returning import returns_to
from geomcore import ReLUNetwork

# max(1 - x, 0) at 0, 2 and 3, where it is 1, 0 and 0: the second point is the first to flip
NET, X = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]]), np.array([[0.0], [2.0], [3.0]])
THIRDS = np.full(3, 1 / 3)


def problem(**changes):
    enclosure = SimpleNamespace(undecided=0, kinks=0, bounds=lambda name: (0.5, 0.25))
    enclosure.__dict__.update({k: changes.pop(k) for k in ("undecided", "kinks") if k in changes})
    made = LocalProblem(NET, X, None, "mse", THIRDS, [], [], np.ones(4, bool), None, enclosure)
    return made._replace(**changes)


def found(**changes):
    known = {"verdict": "global minimum", "rank": 2, "distance": 0.0, "critical": None}
    return SimpleNamespace(**known | changes)


def why(told):
    (check,) = told.checks
    assert (check.name, check.passed, told.descent) == (RETURN, None, None)
    return check.detail.removeprefix("none is proved: ")


@pytest.mark.parametrize("distance", [None, 0.0, 0.001])
def test_the_radius_is_that_of_the_cell_less_the_distance(distance):
    told = returns_to(problem(), found(distance=distance))
    cell, moved = 1 / np.sqrt(10), distance or 0.0
    assert cell * (1 - 1e-5) < told.radius + moved < cell
    assert 0 < told.basin["radius"] < told.basin["ball"] < cell - moved
    assert told.descent is None and told.checks == ()


@pytest.mark.parametrize(("radius", "distance"), [(0.3, 0.1), (3.0, 0.1), (0.7, 0.7 / 3)])
def test_the_radius_is_rounded_down(radius, distance, monkeypatch):
    asked = []

    def answer(net, X, **given):
        asked.append(given)
        return radius, Basin(0.5, 0.25, 0.125, np.float32(0.75))

    monkeypatch.setattr(returning, "radius_and_basin", answer)
    told = returns_to(problem(), found(distance=distance))
    assert Fraction(told.radius) + Fraction(distance) < Fraction(radius)
    assert told.radius == pytest.approx(radius - distance, rel=1e-15)
    assert told.basin == {"radius": 0.5, "rate": 0.25, "ball": 0.125, "strength": 0.75}
    assert {type(v) for v in told.basin.values()} == {float}
    (given,) = asked
    assert given["weights"] is THIRDS and (given["rank"], given["distance"]) == (2, distance)


def test_an_endless_radius_stays_so(monkeypatch):
    monkeypatch.setattr(returning, "radius_and_basin", lambda *given, **more: (np.inf, None))
    assert returns_to(problem(), found(distance=0.5)) == (np.inf, None, None, ())


@pytest.mark.parametrize(
    ("of_problem", "of_found", "reason"),
    [
        ({"free": np.array([True, True, False, True])}, {}, "not all parameters may move"),
        ({"free": np.zeros(4, bool)}, {}, "not all parameters may move"),
        ({"offset": []}, {}, "not all parameters may move"),
        ({}, {"verdict": "saddle"}, "no minimum is proved"),
        ({}, {"verdict": "undetermined"}, "no minimum is proved"),
        ({"undecided": 1}, {}, "a pre-activation may be zero, so there is no cell"),
        ({"kinks": 1}, {}, "a pre-activation may be zero, so there is no cell"),
        ({}, {"critical": {"argument": "critical point"}}, "the last layer alone does not pull"),
        ({}, {"distance": 0.4}, "the exact point, 0.4 away, may be out of the cell"),
    ],
)
def test_without_a_cell_of_a_minimum_nothing_is_said_but_why(of_problem, of_found, reason):
    told = returns_to(problem(**of_problem), found(**of_found), 0.1)
    assert (told.radius, told.basin) == (None, None)
    assert why(told).startswith(reason)
    assert returns_to(problem(**of_problem), found(**of_found)) == (None, None, None, ())


def test_of_other_losses_nothing_is_said():
    told = returns_to(SimpleNamespace(**problem()._asdict()), found(), 0.1)
    assert (told.radius, told.basin) == (None, None)
    assert why(told) == "the loss is not a squared error alone"


@pytest.mark.parametrize(("most", "begun"), [(9, True), (8, False)])
def test_what_is_too_large_is_not_begun(most, begun, monkeypatch):
    monkeypatch.setattr(returning, "LARGE_BASIN", most)  # 3 points, 1 + 1 + 1 units
    told = returns_to(problem(), found(), 1e9)
    assert (told.radius is not None) is (told.basin is not None) is begun
    assert begun or why(told).startswith("there are more than ")


@pytest.mark.parametrize("verdict", ["global minimum", "local minimum"])
@pytest.mark.parametrize("critical", [None, {"argument": "fit"}])
def test_a_minimum_that_is_fitted_has_a_radius_and_a_basin(verdict, critical):
    told = returns_to(problem(), found(verdict=verdict, critical=critical))
    assert told.radius > 0.3 and told.basin is not None


@pytest.mark.parametrize(
    ("rank", "reason"),
    [(0, "the last layer alone does not pull"), (2, "the bounds leave nothing, nor do they to")],
)
def test_a_radius_without_a_basin_has_a_reason(rank, reason, monkeypatch):
    monkeypatch.setattr(returning, "radius_and_basin", lambda *given, **more: (0.25, None))
    told = returns_to(problem(), found(rank=rank), 0.1)
    assert told.radius == np.nextafter(0.25, 0) and told.basin is None
    assert why(told).startswith(reason)


@pytest.mark.parametrize("distance", [None, 0.0, 0.01])
def test_a_step_asks_for_what_is_proved_of_the_minimum(distance, monkeypatch):
    asked = []

    def answer(*given, **known):
        asked.append((given, known))
        return DescentBasin(0.5, 0.1, 0.25, 0.75, 0.125, 4.0)

    monkeypatch.setattr(returning, "basin_with_step", answer)
    told = returns_to(problem(), found(distance=distance), 0.1)
    (((net, points, step), known),) = asked
    assert net is NET and points is X and step == 0.1
    assert known["weights"] is THIRDS and (known["loss_bound"], known["rank"]) == (0.5, 2)
    assert known["distance"] == (distance or 0.0)
    parts = {"radius": 0.5, "rate": 0.25, "ball": 0.75, "strength": 0.125, "curvature": 4.0}
    assert told.descent == parts and told.checks == ()


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (0.6, "which no bound can say"),
        (0.3, "and this bound serves those below 0.2499"),
        (0.25, "and this bound serves those below 0.2499"),
        (0.2, "where what is known leaves no radius, or no rate that floats can hold"),
    ],
)
def test_why_a_step_has_no_basin_is_told_with_bounds_that_are_rounded_outward(
    step, reason, monkeypatch
):
    monkeypatch.setattr(returning, "basin_with_step", lambda *given, **known: None)
    monkeypatch.setattr(returning, "curvature_at_minimum", lambda *given, **known: (2.0009, 4.0001))
    told = why(returns_to(problem(), found(), step))
    assert told.endswith(reason)
    assert "is at least 2 and at most 4.001 at the minimum; " in told
    assert f"steps of {step} ask for at most {1 / step:.4g} in a ball" in told


@pytest.mark.parametrize(("least", "most"), [(4.0, 4.0), (2.0, 4.0)])
def test_a_step_that_just_is_or_is_not_too_large(least, most, monkeypatch):
    monkeypatch.setattr(returning, "basin_with_step", lambda *given, **known: None)
    monkeypatch.setattr(returning, "curvature_at_minimum", lambda *given, **known: (least, most))
    # the bound is attained at 1/4, which is not above what the Hessian is known to be
    assert why(returns_to(problem(), found(), 0.25)).endswith("serves those below 0.25")
    assert why(returns_to(problem(), found(), 0.1)).endswith("that floats can hold")
