"""The survey as pieces: whatever their order and wherever it was stopped, the tables are one."""

import numpy as np
import pandas as pd
import pytest

from training.experiments.trained import survey as module
from training.experiments.trained.survey import survey
from training.output.pieces import Pieces

SMALL = {"starts": 3, "seed": 0, "steps": 700, "thresholds": [1e-1, 1e-2, 1e-5]}
TABLES = (
    "runs",
    "layers",
    "classes",
    "collapse",
    "subsets",
    "steps",
    "comparison",
    "noise",
)


def bytes_of(found):
    return {name: pd.DataFrame(getattr(found, name)).to_csv() for name in TABLES}


def test_there_are_rows_for_every_loss_start_rung_and_layer(found):
    assert [(r["loss_name"], r["start"]) for r in found.runs] == [
        (loss, start) for loss in ("mse", "cross_entropy") for start in range(3)
    ]
    for run in found.runs:
        own = [
            r
            for r in found.layers
            if (r["loss_name"], r["start"]) == (run["loss_name"], run["start"])
        ]
        rungs = sorted({r["threshold"] for r in own})
        assert run["threshold"] == rungs[0] and run["value"] <= rungs[0]
        assert len(own) == 3 * len(rungs)
    assert {r["class"] for r in found.classes} == {0, 1, 6}
    assert len(found.subsets) == 6 + 4 + 1 and found.subsets[0]["subset"] == "0 1 6 4"
    assert len(found.steps) == 3 and all(row["separable"] for row in found.steps)


def test_the_networks_of_the_first_start_are_those_of_the_tables(found, tiny):
    names = {name for name, _ in found.networks}
    assert names == {"mse", "cross_entropy", "constructed"}
    index = np.searchsorted(tiny.chosen, tiny.y)
    for (name, threshold), net in found.networks.items():
        if name == "mse":
            value = ((net(tiny.X) - np.eye(3)[index]) ** 2).sum(axis=1).mean()
            row = next(
                r
                for r in found.layers
                if (r["loss_name"], r["start"], r["threshold"]) == ("mse", 0, threshold)
            )
            assert value == pytest.approx(row["loss"]) and value <= threshold
    last = next(r for r in found.comparison if (r["network"], r["start"]) == ("mse", 0))
    assert last["loss"] == pytest.approx(found.runs[0]["value"]) and last["verdict"]
    assert found.last("nothing") is None and len(found.layers_of("constructed")) == 3


def test_the_constructed_network_collapses_one_class_after_another(found):
    rows = [r for r in found.classes if r["loss_name"] == "constructed"]
    for layer in (1, 2, 3):
        assert sorted(r["backward"] for r in rows if r["layer"] == layer) == [0, 0, 1]
    assert all(r["spread"] < 1e-9 for r in rows if r["backward"] == 1)
    assert all(r["is_cone"] for r in found.layers_of("constructed"))


def test_a_survey_that_was_stopped_goes_on_to_the_same_tables(found, tiny, tmp_path, monkeypatch):
    real, calls = module._run, []

    def failing(*args, **options):
        calls.append(args[:2])
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*args, **options)

    path = tmp_path / "pieces.sqlite"
    monkeypatch.setattr(module, "_run", failing)
    with pytest.raises(KeyboardInterrupt), Pieces.open(path, {}) as pieces:
        survey(tiny, **SMALL, pieces=pieces)
    with Pieces.open(path, {}) as pieces:
        assert 2 <= len(pieces) < 8
        done = len(pieces) - 2
        calls.clear()
        monkeypatch.setattr(
            module,
            "_run",
            lambda *args, **options: calls.append(args[:2]) or real(*args, **options),
        )
        again = survey(tiny, **SMALL, pieces=pieces)
    assert len(calls) == 6 - done
    assert bytes_of(again) == bytes_of(found)
    for key, net in found.networks.items():
        for a, b in zip(net.tensors, again.networks[key].tensors, strict=True):
            np.testing.assert_array_equal(a, b)


def test_how_many_run_at_a_time_changes_nothing(found, tiny):
    assert bytes_of(survey(tiny, **SMALL, jobs=3)) == bytes_of(found)


def test_progress_names_every_piece(tiny):
    told = []
    survey(
        tiny,
        losses=("mse",),
        starts=1,
        steps=2,
        progress=lambda name, *, still=False: None if still else told.append(name),
    )
    assert told[:2] == ["which digits are separable", "constructing"]
    assert told[2].startswith("mse, start 0: loss ") and "proved of mse" in told[3]
    assert len(told) == 4
