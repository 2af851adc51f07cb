"""What a certificate tells of its kinks, its losses and the way to an exact point."""

import dataclasses

import pytest

from constructions import Certificate, verify
from constructions.proof.certificate import Kink
from constructions.verdicts import LOSS_NAMES, SQUARED
from geomcore import ReLUNetwork

NET = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
X, Y = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]


@pytest.mark.parametrize(
    ("multiplier", "rise", "holds", "falls"),
    [
        (0.25, 0.75, True, "by +0.25 below it and by +0.5 above"),
        (0.25, 0.25, False, "by +0.25 below it and by +0 above"),
        (0.0, 0.25, False, "by +0 below it and by +0.25 above"),
        (-0.25, 0.25, False, "by -0.25 below it and by +0.5 above"),
        (0.5, 0.25, False, "by +0.5 below it and by -0.25 above"),
        (2.0, 3.0, True, "by +2 below it and by +1 above"),
    ],
)
def test_a_kink_holds_where_the_loss_rises_to_both_sides(multiplier, rise, holds, falls):
    kink = Kink(1, 0, 0, multiplier, rise)
    assert kink.holds is holds
    assert kink.falls == f"the loss changes {falls}, at first order"
    kinks = [kink._asdict()]
    point = {"rank": 3, "rank_error": 0.0, "eigenvalue": 1.0, "uniqueness": 1.0, "kinks": kinks}
    found = verify(NET, X, Y)
    found = dataclasses.replace(found, critical={"argument": "critical point"} | point)
    told = f"0 < {multiplier:.3g} < {rise:.3g}" if holds else kink.falls
    assert f"at point 0: {told}" in " ".join(found.summary().split())


def test_a_summary_tells_of_the_way_to_an_exact_point_where_it_is_no_last_layer():
    point = {"rank": 3, "rank_error": 0.0, "eigenvalue": 1.0, "uniqueness": 1.0, "kinks": []}
    found = verify(NET, X, Y)
    for critical in (None, {"argument": "critical point"} | point):
        for distance in (None, 0.125):
            other = dataclasses.replace(found, critical=critical, distance=distance)
            is_told = "exact point        at most 0.125 away" in other.summary()
            assert is_told is (critical is not None and distance is not None)
            assert ("exact point " in other.summary()) is is_told


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_a_summary_has_two_numbers_for_a_squared_loss_and_one_for_another(decay):
    found = verify(NET, X, Y)
    for loss in LOSS_NAMES:
        other = dataclasses.replace(
            found, loss_name=loss, loss=0.25, class_weighted_loss=0.75, weight_decay=decay
        )
        both = "0.25 mean squared, 0.75 class-weighted" if loss in SQUARED else "0.25"
        told = both + (" with the decay" if decay else "")
        assert f"loss               {told}" in other.summary().splitlines()


def test_a_certificate_that_says_nothing_of_decay_is_of_the_loss_without():
    stated = dataclasses.asdict(verify(NET, X, Y))
    del stated["weight_decay"]
    assert Certificate(**stated).weight_decay == 0.0
