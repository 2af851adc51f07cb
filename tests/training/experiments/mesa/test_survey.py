"""Pieces of work of an experiment."""

import numpy as np

from training.descent.executors import processes, threads
from training.experiments.mesa import survey as module
from training.experiments.mesa.protocol import MESA, NONNEG
from training.experiments.mesa.survey import survey
from training.output.pieces import Pieces

SMALL = {"dims": (2,), "seeds": 2, "seed": 3, "epochs": 3}
MODELS = ("lp", "linear", "hard")


def same(one, other):
    assert repr(one.rows) == repr(other.rows)  # nan is not equal to itself
    assert one.networks == other.networks
    for place, told in one.norms.items():
        assert all(np.array_equal(told[k], other.norms[place][k]) for k in told)


# By hand


def test_what_is_left_out_is_told_by_the_collapse_of_what_was_trained():
    pieces = {}
    survey(MESA, ("linear",), **SMALL, pieces=pieces)
    (first, second) = pieces.values()
    for piece, linear, flipped in ((first, True, False), (second, False, True)):
        piece["linear"]["row"]["collapsed"] = linear
        piece["flipped"]["row"]["collapsed"] = flipped
    rows = survey(MESA, ("linear",), **SMALL, pieces=pieces).rows
    told = [(row["model"], row["collapsed"], row["left_out"]) for row in rows]
    assert told == [
        ("linear", True, True),
        ("flipped", False, True),
        ("linear", False, False),
        ("flipped", True, False),
    ]


# Laws


def test_it_is_the_same_whatever_does_it(tmp_path):
    whole = survey(NONNEG, MODELS, **SMALL)
    with threads(2) as executor:
        same(whole, survey(NONNEG, MODELS, **SMALL, executor=executor))
    with processes(2) as executor:
        same(whole, survey(NONNEG, MODELS, **SMALL, executor=executor))
    told = []
    with Pieces.open(tmp_path / "p.sqlite", {}) as pieces:
        for seeds in (1, 2):
            options = SMALL | {"seeds": seeds, "pieces": pieces}
            found = survey(NONNEG, MODELS, **options, progress=lambda *n: told.append(n))
    same(whole, found)
    assert told == [(0, 3), (3, 3), (3, 6), (6, 6)]


def test_what_is_done_is_not_done_again(monkeypatch):
    pieces = {}
    whole = survey(MESA, ("linear",), **SMALL, pieces=pieces)
    monkeypatch.setattr(module, "_piece_of", None)
    same(whole, survey(MESA, ("linear",), **SMALL, pieces=pieces))


def test_a_model_does_not_depend_on_those_beside_it():
    one = survey(NONNEG, ("hard",), **SMALL)
    other = survey(NONNEG, MODELS, **SMALL)
    assert repr(one.rows) == repr([row for row in other.rows if row["model"] == "hard"])


def test_each_linear_head_is_flipped_too(found):
    for d, s in ((2, 3), (3, 5)):
        net, turned = (found.networks[d, s, m] for m in ("linear", "flipped"))
        assert np.array_equal(np.abs(net.tensors[2]), turned.tensors[2])
    assert len(found.rows) == 2 * 3 * 3
    row = next(r for r in found.rows if r["model"] == "linear")
    assert row["epochs"] == 70 and row["stopped_by"] == "step budget" and row["w3_start"] < 0
