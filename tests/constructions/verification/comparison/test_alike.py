"""Numbers that come from rounding are alike if they are equal, 0 included, or within a factor."""

from types import SimpleNamespace

import pytest

from constructions.verification.comparison import LOOSE, compared

# of a minimum that is a step function, which no box is drawn around
STEP = {
    "argument": "critical point",
    "rank": 3,
    "rank_error": 0.0,
    "eigenvalue": 0.5,
    "uniqueness": 0.0,
    "kinks": [],
}


def critical(stated, right):
    return compared("critical", *(SimpleNamespace(critical=c) for c in (stated, right)), None)


def test_where_nothing_is_said_of_uniqueness_the_eigenvalue_may_still_be_of_another_machine():
    for factor, passed in ((1.0, True), (1 + 2.0**-52, None), (1 - 2.0**-52, None), (1.1, False)):
        assert critical({**STEP, "eigenvalue": 0.5 * factor}, STEP).passed is passed, factor


@pytest.mark.parametrize(
    ("stated", "right", "alike"),
    [
        (0.0, 0.0, True),
        (2.0**-30, 2.0**-30, True),
        (LOOSE * 2.0**-30, 2.0**-30, True),
        (2.0**-30, LOOSE * 2.0**-30, True),
        (1.001 * LOOSE * 2.0**-30, 2.0**-30, False),
        (0.0, 5e-324, False),
        (5e-324, 0.0, False),
        (-1e-9, 0.0, False),
        (0.0, -1e-9, False),
        (-1e-9, -2e-9, False),
        (-1e-9, 1e-9, False),
        (1e-9, -1e-9, False),
    ],
)
def test_a_radius_of_uniqueness_is_equal_or_within_a_factor(stated, right, alike):
    found = critical(
        {**STEP, "eigenvalue": 0.5 * (1 + 2.0**-52), "uniqueness": stated},
        {**STEP, "uniqueness": right},
    )
    assert found.passed is (None if alike else False)
