"""Newton's method next to critical points that are known by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from settling_problems import on_a_kink, problem_with, shaken

import training.settling.newton as module
from training.settling.newton import exact_system, kkt, least_multipliers, polished, solved


def near_the_kink(size=1e-3):
    net, X, Y = on_a_kink()
    problem, exact = problem_with(net, X, Y)
    _, theta = problem_with(shaken(net, size), X, Y)
    return problem, exact, theta, [(0, 1, 0)]


def test_it_finds_the_kink_its_multiplier_and_its_rise():
    problem, _, theta, kinks = near_the_kink()
    point = solved(problem, theta, kinks)
    unit = problem.size**2
    assert point.is_sound(problem.loss(theta)) and point.residual < 1e-14
    assert point.loss * unit == pytest.approx(0.045, abs=1e-15)
    # the incoming weights of the unit are not 1 any more, so multipliers are those times their size
    _, b1, W2, _ = problem.tensors(point.theta)
    assert b1[0] == pytest.approx(0, abs=1e-15)
    scale = float(W2[0, 0]) * problem.size
    assert point.multipliers * unit == pytest.approx([0.05 * scale], rel=1e-9)
    assert point.rises * unit == pytest.approx([0.15 * scale], rel=1e-9)
    assert point.room * unit == pytest.approx([0.05 * scale], rel=1e-9)


def test_without_the_kink_nothing_is_sound():
    problem, _, theta, _ = near_the_kink()
    assert not solved(problem, theta, []).is_sound(problem.loss(theta))


def test_a_multiplier_out_of_bounds_is_not_sound():
    net, X, Y = on_a_kink()
    Y = Y.copy()
    Y[1], Y[0] = -0.05, -0.05  # the errors at these points are 0.05: the unit would go on
    problem, theta = problem_with(net, X, Y)
    point = solved(problem, theta, [(0, 1, 0)])
    assert point.residual < 1e-14 and point.is_inside
    assert point.room[0] < 0 and not point.is_sound(point.loss)


def test_a_loss_above_the_start_is_not_sound():
    problem, _, theta, kinks = near_the_kink()
    point = solved(problem, theta, kinks)
    assert not point.is_sound(point.loss * (1 - 1e-9))
    assert not point._replace(is_inside=False).is_sound(point.loss)


def test_polishing_leaves_nothing_but_the_rounding_of_parameters():
    problem, _, theta, kinks = near_the_kink()
    point = polished(problem, solved(problem, theta, kinks))
    cell = problem.cell(point.masks, point.kinks)
    value = exact_system(cell, point.theta, point.multipliers)
    size = np.abs(kkt(cell, point.theta, point.multipliers)) @ np.abs(
        np.append(point.theta, point.multipliers)
    )
    assert (np.abs(value) <= 4e-16 * size + 1e-18).all()


def test_what_is_no_critical_point_is_not_polished():
    problem, _, theta, kinks = near_the_kink(0.05)
    point = solved(problem, theta, kinks)
    assert polished(problem, point) is not None
    cell = problem.cell(point.masks, kinks)
    far = point._replace(theta=theta, multipliers=least_multipliers(cell, theta))
    assert polished(problem, far) is None


def test_a_slope_along_what_seems_flat_is_not_polished_away(monkeypatch):
    problem, _, theta, kinks = near_the_kink()
    point = solved(problem, theta, kinks)
    monkeypatch.setattr(module, "_gap", lambda size: np.inf)
    assert polished(problem, point._replace(theta=theta)) is None


def test_a_valley_that_bends_is_followed_to_its_end(monkeypatch):
    # soft (s - 1)^2 / 2 + (t - (s - 1)^2)^2 / 2: with the curvature at the start the second and
    # third step are as long as each other
    soft = 1e-8

    def slope(cell, theta, mu):
        s, u = theta[0] - 1, theta[1] - (theta[0] - 1) ** 2
        return np.array([soft * s - 2 * s * u, u])

    def curvature(cell, theta, mu):
        s, u = theta[0] - 1, theta[1] - (theta[0] - 1) ** 2
        return np.array([[soft + 4 * s**2 - 2 * u, -2 * s], [-2 * s, 1.0]])

    for name, own in (("exact_system", slope), ("kkt", curvature)):
        monkeypatch.setattr(module, name, own)
    monkeypatch.setattr(module, "_resting", lambda cell, theta: np.zeros(2, bool))
    monkeypatch.setattr(module, "finished", lambda problem, theta, *rest: theta)
    problem = SimpleNamespace(cell=lambda masks, kinks: None)
    start = np.array([1 + 7e-6, 49e-12])
    point = SimpleNamespace(
        theta=start, multipliers=np.zeros(0), kinks=[], masks=[], is_fitted=False
    )
    assert polished(problem, point) == pytest.approx([1.0, 0.0], abs=1e-13)


def test_a_step_along_a_small_eigenvalue_is_corrected_across_a_large_one(monkeypatch):
    # F(s, t) = (soft s - soft, t + s^2 - 1): by itself the first step leaves more than there was
    soft = 1e-3

    def system(cell, theta, mu):
        value = np.array([soft * (theta[0] - 1), theta[1] + (theta[0] ** 2 - 1)])
        return value, np.linalg.norm(value)

    monkeypatch.setattr(module, "_system", system)
    monkeypatch.setattr(module, "kkt", lambda *_: np.diag([soft, 1.0]))
    theta, mu = np.array([0.0, 1.0]), np.zeros(0)
    value, before = system(None, theta, mu)
    first = -value / [soft, 1.0]
    assert system(None, theta + first, mu)[1] > 100 * before
    step = module._best_step(None, theta, mu, value)
    assert system(None, theta + step, mu)[1] < 1e-12


@pytest.mark.parametrize(("coupled", "ends"), [(1e-2, True), (0.9, False)])
def test_polishing_goes_on_where_every_other_step_takes_off_what_the_last_one_added(
    coupled, ends, monkeypatch
):
    # steps with diag(soft, 1) alone: each along s leaves as much across it in t
    soft, size = 1e-3, 5e-5
    problem, _, theta, _ = near_the_kink()
    start = np.zeros(len(theta))
    start[:2] = size, 0.0
    point = solved(problem, theta, [])._replace(theta=1 + start, multipliers=np.zeros(0))
    weights = np.append([soft], np.ones(len(theta) - 1))

    def system(cell, now, mu):
        value = weights * (now - 1)
        value[0] += coupled * soft * (now[1] - 1)
        value[1] += now[0] - 1
        return value

    monkeypatch.setattr(module, "exact_system", system)
    monkeypatch.setattr(module, "kkt", lambda *_: np.diag(weights))
    lengths = [-system(None, 1 + start, None) / weights]
    lengths.append(-system(None, 1 + start + lengths[0], None) / weights)
    assert np.linalg.norm(lengths[1]) > 0.5 * np.linalg.norm(lengths[0])
    found = polished(problem, point)
    assert (found is not None) == ends
    if ends:
        np.testing.assert_allclose(found.theta, np.ones(len(theta)), atol=1e-12)
