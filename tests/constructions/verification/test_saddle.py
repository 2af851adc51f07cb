"""Exact saddles next to stored networks, with a step down that all confirm."""

import dataclasses
import json

import numpy as np
import pytest
from planted import planted

from constructions import Certificate, check_certificate, recheck, verify
from constructions.proof.stationarity import Refutation
from constructions.verdicts import SADDLE
from constructions.verification.near import near_point
from constructions.verification.verification import examine
from geomcore import ReLUNetwork

APART = [(0, 0, 0), (0, 1, 1)]


def first_saddle(kind, size):
    for seed in range(200):
        made = planted((2, 3, 2), 14, APART, seed, kind=kind, size=size)
        if made is not None and verify(*made).verdict == "saddle":
            return made
    raise AssertionError("no planted saddle is proved")


def test_an_exact_saddle_has_a_witness_that_all_confirm():
    net, X, Y = first_saddle("minimum", 50.0)
    found = verify(net, X, Y)
    assert found.proved and found.critical["argument"] == "saddle" and len(found.kinks) == 2
    assert found.distance < 1e-10 and (found.lower_bound, found.slack) == (0.0, 0.0)
    assert found.critical["eigenvalue"] < 0
    assert SADDLE in {check.name for check in found.checks if check.passed}
    assert found.witness["slope"] < 0 and found.witness["loss"] < found.loss_floor
    again = Certificate.from_json(found.to_json())
    assert again == found
    assert all(check.passed for check in recheck(again, net, X, Y))
    stated = json.loads(found.to_json())
    answer = check_certificate(
        stated,
        net.weights,
        net.biases,
        X,
        np.unique(Y, axis=0),
        np.unique(Y, axis=0, return_inverse=True)[1].ravel(),
    )
    holds = {field: held for field, held, _ in answer}
    assert holds["witness"] and False not in holds.values()
    assert holds["verdict"] is None and holds["critical"] is None
    text = found.summary()
    assert "an exact saddle next to it: a saddle on 2 kinks" in text
    assert "a way down: a step from the stored network along the way down from the saddle" in text


@pytest.mark.parametrize("kind", ["falls", "rises too little"])
def test_what_falls_over_a_kink_is_not_stationary(kind):
    proved = 0
    for seed in range(30):
        made = planted((2, 3, 2), 14, APART, seed, kind=kind)
        if made is not None:
            found = verify(*made)
            assert found.critical is None and found.verdict in ("not stationary", "undetermined")
            proved += found.proved
            if found.proved:
                assert found.witness["slope"] < 0 and found.witness["loss"] < found.loss_floor
                assert (found.distance, found.slack, found.lower_bound) == (None, 0.0, 0.0)
                assert SADDLE not in {check.name for check in found.checks if check.passed}
                again = Certificate.from_json(found.to_json())
                assert all(check.passed for check in recheck(again, *made))
    assert proved >= 5


def test_a_saddle_is_refuted_wherever_its_witness_stands():
    # an altered direction, or step, is named
    net, X, Y = first_saddle("minimum", 50.0)
    found = verify(net, X, Y)
    for change in ({"step": -found.witness["step"]}, {"slope": 2 * found.witness["slope"]}):
        other = dataclasses.replace(found, witness={**found.witness, **change})
        assert "witness" in [c.name for c in recheck(other, net, X, Y) if c.passed is False]


def test_a_saddle_without_a_way_down_from_the_stored_network_takes_another_step(monkeypatch):
    # a unit that is on everywhere and passes the smaller of two components; 1e-10 from it
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    net = ReLUNetwork([[[1e-10, 1.0]], [[0.0], [1.0]]], [[4.0], [0.0, -4.0]])
    assert "along the way down from" in verify(net, X, X * [2.0, 1.0]).summary()
    monkeypatch.setattr("constructions.verification.saddle.step_down", lambda *a, **k: None)
    found = verify(net, X, X * [2.0, 1.0])
    assert (found.verdict, found.critical["argument"]) == ("saddle", "saddle")
    assert found.witness["loss"] < found.loss_floor
    assert "along the way down from" not in found.summary()


def test_a_saddle_without_any_step_down_is_not_told(monkeypatch):
    net, X, Y = first_saddle("minimum", 50.0)
    for unproved in (
        Refutation("saddle", False, {}, None, ""),
        Refutation("", True, None, None, ""),
    ):
        monkeypatch.setattr("constructions.verification.saddle.step_down", lambda *a, **k: None)
        monkeypatch.setattr(
            "constructions.verification.saddle.refute", lambda *a, r=unproved, **k: r
        )
        near, checks = near_point(_problem(net, X, Y), 1e-8, 1e-9, None)
        assert near is None
        assert [(c.name, c.passed) for c in checks][1:] == [("an exact saddle next to it", False)]


def _problem(net, X, Y):
    options = {"targets": None, "loss": "mse", "weight_decay": 0.0, "subset": None, "exact": False}
    return examine(net, X, Y, **options, rtol=1e-8, gtol=1e-9)[1]
