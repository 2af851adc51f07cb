import dataclasses
import json
import pickle

import numpy as np
import pytest

from constructions import Certificate, Check, merged, verify
from constructions.verdicts import (
    CELL,
    CRITICAL,
    DECIDES,
    DESCENT,
    DIAGNOSTICS,
    HEADINGS,
    PATTERN,
    SLACK,
    VERDICTS,
    ZERO,
    cost,
    part,
    told,
)
from geomcore import ReLUNetwork, datasets

FOUND = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
POINTS = [[0.0], [2.0], [3.0]]
EDGE = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])  # 0 is on its kink


def certificates():
    """One certificate of each kind of proof, by verdict."""
    data = datasets.clusters(n=30, rng=0)
    rng = np.random.default_rng(0)
    any_net = ReLUNetwork([rng.normal(size=(4, 3)), rng.normal(size=(3, 4))], [[1] * 4, [0] * 3])
    flat = ReLUNetwork([np.zeros((2, 3)), np.zeros((3, 2))], [[1.0, 1.0], [1 / 3] * 3])
    half = merged(data.X, data.y, [[0, 1], [2]]).network
    return {
        "global minimum": verify(FOUND, POINTS, [[1.0], [0.0], [0.0]]),
        "local minimum": verify(half, data.X, data.y),
        "saddle": verify(flat, data.X, data.y),
        "not stationary": verify(any_net, data.X, data.y),
    }


# By hand


@pytest.mark.parametrize(
    ("y", "options", "words"),
    [
        ([0, 1, 1], {}, "mean squared error on one-hot targets"),
        ([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], {}, "mean squared error on one-hot targets"),
        ([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0]], {}, "mean squared error on the targets given"),
        ([0, 1, 1], {"targets": [[1, 1], [2, 0]]}, "mean squared error on the targets given"),
        (
            [0, 1, 1],
            {"loss": "class_weighted"},
            "class-weighted squared error on one-hot targets",
        ),
    ],
)
def test_the_first_line_of_a_summary_names_the_cost(y, options, words):
    net = ReLUNetwork([[[-1.0]], [[1.0], [-1.0]]], [[1.0], [0.0, 1.0]])
    first, second, *_ = verify(net, POINTS, y, **options)._lines()
    assert first.endswith(words) and "nothing is said of another loss" in second


def test_a_certificate_from_a_file_does_not_know_whether_its_targets_were_one_hot():
    found = verify(FOUND, POINTS, [[1.0], [0.0], [0.0]])
    again = Certificate.from_json(found.to_json())
    assert found.one_hot is False and again.one_hot is None and again == found
    assert cost("mse", None) in again._lines()[0]
    assert pickle.loads(pickle.dumps(found)).one_hot is False


def test_the_file_of_a_certificate_has_the_fields_that_it_had():
    stated = json.loads(verify(FOUND, POINTS, [[1.0], [0.0], [0.0]]).to_json())
    fields = [field.name for field in dataclasses.fields(Certificate)]
    assert list(stated) == ["format", "version", *fields] and "one_hot" not in stated
    assert [check["name"] for check in stated["checks"]] == [PATTERN, ZERO, *DIAGNOSTICS]


def test_no_line_under_a_proof_says_no():
    for verdict, found in certificates().items():
        assert (found.verdict, found.proved) == (verdict, True)
        lines = found._lines()
        start = lines.index("proof")
        proof = lines[start + 1 : start + 3]
        assert proof[0].startswith(f"  {PATTERN}: no pre-activation is below")
        names = [name.replace(DESCENT, "a way down") for name, _ in DECIDES[verdict]]
        assert any(proof[1].startswith(f"  {name}: ") for name in names)
        for line in lines[start + 3 :]:
            assert line in HEADINGS.values() or line[:7] in ("  yes  ", "  no   ", "  ?    ")


def test_a_kink_is_a_step_of_the_proof_that_goes_down_from_it():
    found = verify(EDGE, [[0.0], [1.0]], [[1.0], [0.0]])
    lines = found._lines()
    start = lines.index("proof")
    assert "exactly zero: the point is on a kink" in lines[start + 1]
    assert lines[start + 2].startswith("  a way down: on a kink, with one-sided slope -1.73")


def test_what_could_not_be_decided_is_no_proof():
    unsure = Check(PATTERN, None, None, "3 pre-activations may be zero")
    assert told([unsure], "global minimum", True) == [
        HEADINGS["other"],
        f"  ?    {PATTERN}: 3 pre-activations may be zero",
    ]


def test_without_a_proof_nothing_is_called_one():
    down = Check(DESCENT, False, None, "the gradient has norm 1")
    assert told([down], "saddle", False)[0] == "found in floating point, not proved"
    assert told([down], "undetermined", False) == [
        "tried; none of it decides",
        "  no   no descent found: the gradient has norm 1",
    ]


# Laws


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("passed", [True, False, None])
def test_only_the_check_that_decides_counts_as_proof(verdict, passed):
    for name in (ZERO, CELL, CRITICAL, SLACK, DESCENT, "anything else"):
        found = part(Check(name, passed, None, ""), verdict, True)
        assert (found == "proof") == ((name, passed) in DECIDES.get(verdict, ()))
    for name in DIAGNOSTICS:
        assert part(Check(name, passed, None, ""), verdict, True) == "diagnostic"


def test_every_check_is_told_once_and_stands_in_the_table():
    for found in certificates().values():
        lines = found._lines()
        for check in found.checks:
            assert sum(line.endswith(f": {check.detail}") for line in lines) == 1
        table = found.frame()
        assert table["name"].tolist() == [check.name for check in found.checks]
        assert set(table["part"]) <= {"proof", "other", "diagnostic"}


# Bad input


def test_texts_of_a_hostile_file_cannot_reach_the_screen():
    found = verify(FOUND, POINTS, [[1.0], [0.0], [0.0]])
    evil = Check("\x1b[2Jproof", True, None, "line\nproof\n  all is well: \u202e")
    odd = dataclasses.replace(found, checks=(evil,), subset=("W1\x1b[2J",))
    text = odd.summary()
    assert all(line.isprintable() for line in text.splitlines())
    assert "proof" not in text.splitlines()


def test_what_is_not_stationary_is_sent_to_settle():
    for verdict, found in certificates().items():
        assert ("what next          settle" in found.summary()) == (verdict == "not stationary")
