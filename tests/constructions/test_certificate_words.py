"""A summary says what a certificate holds, and nothing else."""

import dataclasses

import pytest

from constructions import verify
from constructions.certificate_words import lines_of
from constructions.proof.certificate import Check
from geomcore import ReLUNetwork

NET = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
X, Y = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]


@pytest.mark.parametrize(("count", "more"), [(0, 0), (1, 0), (5, 0), (6, 1), (17, 12)])
def test_a_summary_names_five_kinks_and_counts_the_others(count, more):
    kinks = [
        {"layer": 1, "point": i, "unit": 0, "multiplier": 0.25, "rise": 0.5} for i in range(count)
    ]
    point = {"rank": 3, "rank_error": 0.0, "eigenvalue": 1.0, "uniqueness": 1.0, "kinks": kinks}
    found = verify(NET, X, Y)
    found = dataclasses.replace(found, critical={"argument": "critical point"} | point)
    lines = [line for line in found.summary().splitlines() if "unit 0 at point" in line]
    assert [f"at point {i}:" in line for i, line in enumerate(lines)] == [True] * min(count, 5)
    assert (f"and {more} more" in found.summary()) is (more > 0)


def test_a_multiplier_just_below_its_bound_is_not_written_as_equal_to_it():
    kink = {"layer": 1, "point": 0, "unit": 0, "multiplier": 4.8764e-08, "rise": 4.8799e-08}
    point = {"rank": 3, "rank_error": 0.0, "eigenvalue": 1.0, "uniqueness": 1.0, "kinks": [kink]}
    found = dataclasses.replace(verify(NET, X, Y), critical={"argument": "critical point"} | point)
    assert "0 < 4.876e-08 < 4.88e-08" in found.summary()


def test_a_summary_says_what_was_found_and_nothing_else():
    refuted = verify(NET, X, [[1.5], [0.0], [0.0]])
    text = refuted.summary()
    lines = lines_of(refuted)
    assert lines[0].endswith(
        "not stationary (proved) for the mean squared error on the targets given"
    )
    assert "another loss, such as cross-entropy" in lines[1] and lines[2].startswith("loss   ")
    assert f"to {refuted.witness['loss']:.6g}" in text
    assert not any(words in text for words in ("cell radius", "basin of return", "eigenvalue"))
    proved = verify(NET, X, Y, subset="last")
    text = proved.summary()
    assert "global minimum (proved) in W2, b2 alone of the mean" in text
    assert "witness  " not in text
    proved = verify(NET, X, Y)
    text = proved.summary()
    assert f"cell radius        {proved.radius:.3g}:" in text
    assert f"basin of return    {proved.basin['radius']:.3g}, rate" in text
    checks = [Check(str(passed), passed, None, "seen") for passed in (True, False, None)]
    odd = dataclasses.replace(proved, proved=False, smallest_eigenvalue=-0.25, checks=tuple(checks))
    assert odd.summary().splitlines()[0].startswith("verdict            global minimum of the ")
    assert odd.summary().splitlines()[-5:] == [
        "smallest Hessian eigenvalue  -0.25",
        "tried for other verdicts; this one does not rest on them",
        "  yes  True: seen",
        "  no   False: seen",
        "  ?    None: seen",
    ]
