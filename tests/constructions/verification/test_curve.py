"""Steps down along a curve on which kinks stay, at planted points."""

from fractions import Fraction

import numpy as np
import pytest
from decayed import labels_of, loss_of, planted_decayed
from flint import arb
from resting import widened

from constructions import Certificate, recheck, verify
from constructions.penalised.search import nearby_strict_points
from constructions.verification.curve import _on_kinks
from geomcore.parameters import flatten, split


def rational_loss(tensors, X, Y, decay):
    """The mean squared error with the decay, in fractions."""
    exact = [[[Fraction(v) for v in row] for row in np.atleast_2d(t).tolist()] for t in tensors]
    total = Fraction(decay) / 2 * sum(v * v for t in exact for row in t for v in row)
    for x, y in zip(X.tolist(), Y.tolist(), strict=True):
        h = [Fraction(v) for v in x]
        for l in range(0, len(exact), 2):
            h = [
                sum(w * v for w, v in zip(row, h, strict=True)) + b
                for row, b in zip(exact[l], exact[l + 1][0], strict=True)
            ]
            h = h if l + 2 == len(exact) else [max(v, Fraction(0)) for v in h]
        total += sum((f - Fraction(t)) ** 2 for f, t in zip(h, y, strict=True)) / len(X)
    return total


def with_a_kink_above():
    """A minimum with a kink in its second layer, and the same beside a unit at rest; the data."""
    net, X, Y = planted_decayed((1, 2, 1, 1), 6, [(1, 0, 0)], 287, decay=0.03)
    return net, widened(net), X, Y


def test_a_unit_that_grows_below_a_kink_lowers_the_loss_along_a_curve():
    net, wide, X, Y = with_a_kink_above()
    about = {"weight_decay": 0.03, "rtol": 1e-6}
    assert verify(net, X, Y, **about).verdict == "local minimum"
    found = verify(wide, X, Y, **about)
    assert (found.verdict, found.proved) == ("saddle", True)
    assert found.critical["eigenvalue"] < 0 and len(found.critical["kinks"]) == 1
    witness = found.witness
    assert witness["bend"] == found.critical["eigenvalue"]
    moves = [np.array(part[k]) for part in witness["direction"] for k in ("weights", "biases")]
    end = [t + witness["step"] * m for t, m in zip(wide.tensors, moves, strict=True)]
    before, after = (rational_loss(t, X, Y, 0.03) for t in (wide.tensors, end))
    assert after <= Fraction(witness["loss"]) < Fraction(found.loss_floor) <= before
    assert np.linalg.norm(flatten(moves)) == pytest.approx(1)
    assert all(check.passed for check in recheck(found, wide, X, Y))
    assert Certificate.from_json(found.to_json()).witness == witness


def test_along_that_curve_the_loss_falls_as_the_formula_says():
    """And not along the line, on which the kink above has its price, at the same order."""
    _, wide, X, Y = with_a_kink_above()
    found = verify(wide, X, Y, weight_decay=0.03, rtol=1e-6)
    points = nearby_strict_points(wide, X, labels_of(Y, 6), [arb(1) / 6] * 6, "mse", 0.03)
    saddle = next(point for point, _ in points if point is not None)
    (way,), (kink,) = saddle.ways_down, saddle.kinks
    theta, bend = flatten(wide.tensors), found.critical["eigenvalue"]
    start = loss_of(wide.tensors, X, Y, "mse", 0.03)
    for t in (1e-2, 3e-3, 1e-3):
        end = _on_kinks(wide, X[[kink.point]], [(1, 0, kink.unit)], theta + t * way)
        curve = loss_of(split(end, wide), X, Y, "mse", 0.03) - start
        line = loss_of(split(theta + t * way, wide), X, Y, "mse", 0.03) - start
        assert curve == pytest.approx(bend / 2 * t**2, rel=20 * t)
        assert line > 0


def test_where_the_gain_is_above_the_price_of_the_kink_the_step_is_straight():
    net, X, Y = planted_decayed((2, 2, 2, 1), 16, [(1, 0, 0)], 37)
    found = verify(widened(net), X, Y, weight_decay=1e-3, rtol=1e-6)
    assert found.verdict == "saddle" and found.witness["order"] == 2
