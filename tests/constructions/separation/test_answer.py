from dataclasses import replace

from constructions import separate

TOUCHING = separate([[0.0], [2.0], [9.0]], [[1.0]])
APART = separate([[0.0], [1.0]], [[2.0], [9.0]])


def test_the_summary_of_a_separation_gives_its_margin():
    assert APART.summary().splitlines() == [
        "separable (proved): margin 0.5, no hyperplane has more than 0.5",
        "decided by 1 row of A and 1 row of B",
    ]


def test_the_summary_of_hulls_that_meet_says_that_this_is_proved():
    assert TOUCHING.summary().splitlines() == [
        "not separable (proved): the hulls have a point in common",
        "decided by 2 rows of A and 1 row of B",
    ]


def test_the_summary_of_what_is_open_does_not_claim_a_common_point():
    text = replace(TOUCHING, separable=None, certificate=None).summary()
    assert text.startswith("undetermined: no floats that separate were found")
