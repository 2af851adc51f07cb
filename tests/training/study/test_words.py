"""What a study found, as strings for a reader."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from geomcore import ReLUNetwork
from training import SGD, PerturbationStudy, perturbation_study
from training.study.words import as_text, basin_rows, page_parts, told


@pytest.fixture(scope="module")
def result():
    net, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[-1.0], [1.0]])
    return perturbation_study(
        net, X, X, scales=[0.1, 1.0], trials=5, steps=50, seed=0, optimizer=SGD(0.3)
    )


def test_columns_are_aligned_the_first_to_the_left():
    assert as_text([{"a": "x", "bc": "1"}, {"a": "yz", "bc": "234"}]) == "a    bc\nx     1\nyz  234"


def test_a_summary_is_a_text_with_a_line_per_scale_and_per_reference(result):
    text = result.summary()
    assert isinstance(text, str) and str(text) == text
    table, basins, notes = [part.splitlines() for part in text.split("\n\n")]
    assert len(table) == 3 and len(basins) == 2 and "stayed: within" in notes[0]
    assert max(map(len, text.splitlines())) <= 80
    assert len(set(map(len, table))) == 1
    for line, row in zip(table[1:], result.frame("scale").itertuples(), strict=True):
        assert f"{row.returned} of {row.left}" in line and f"{row.scale:g}" in line
    assert basins[1].split() == ["network", ">", "1", ">", "1", "-"]


def test_the_columns_of_the_table_it_was_are_found_with_a_warning(result):
    for names in ("returned", ["scale", "returned"]):
        with pytest.warns(DeprecationWarning, match=r"the table is frame\('scale'\)"):
            found = result.summary()[names]
        assert found.equals(result.frame("scale")[names])
    assert result.summary()[:1] == "λ"


def test_a_summary_can_be_copied_and_sent(result):
    for again in (copy.deepcopy(result.summary()), pickle.loads(pickle.dumps(result.summary()))):
        assert again == result.summary()


@pytest.mark.parametrize("per", ["scales", None, 1, ["scale"]])
def test_a_frame_is_per_trial_or_per_scale(result, per):
    with pytest.raises(ValueError, match="per must be 'trial' or 'scale'"):
        result.frame(per)


def test_where_none_returns_a_summary_says_how_many_are_kept(result):
    away = np.array([0.0, 0.0, 0.0, 0.0, 1.0] + [0.0, 1.0, 1.0, 1.0, 1.0])
    ends = {"initial_loss": away, "late_loss": away, "final_loss": away}
    study = replace(result, columns={**result.columns, **ends})
    text, basin = study.summary(), study.basins().iloc[0]
    assert basin.radius == 0 and basin.kept == pytest.approx(10**-0.5)
    assert "fewer than half of those that leave return" in " ".join(text.split())
    assert "half of all trials are kept at λ = 0.316 (" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    assert "Even at λ = 0.1 fewer than half" in told(study)


def test_no_reason_is_cut_where_a_table_is_printed():
    net, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[-1.0], [1.0]])
    for scales, rate in (([1e-7], 0.1), ([1.234e-2], 1e-7), ([1.234e-2], 3.5)):
        study = perturbation_study(
            net, X, X, scales=scales, trials=4, steps=10, learning_rate=rate, tolerance=1e-6
        )
        reason = study.basins()["reason"][0]
        assert reason and reason in repr(study.basins())


def test_the_table_of_a_page_is_narrow_enough_for_it(result):
    (part,) = page_parts(result)
    row = part["rows"][0]
    assert part["name"] == "" and part["story"] == told(result)
    assert row["returned"] == "5 of 5" and row["quartiles"].count(" – ") == 1
    # Columns are as wide as their cells, or as the longest word of their name; 7.2 pixels a letter.
    words = [[*map(len, name.split()), len(value)] for name, value in row.items()]
    assert sum(7.2 * max(word) + 15 for word in words) <= 1048


def test_one_is_told_in_the_singular():
    net, X = ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]]), np.array([[0.0]])
    study = PerturbationStudy(
        None, net, X, [[1.0]], scales=[0.1], trials=1, steps=1, learning_rate=0.1, tolerance=0.1
    )
    assert "1 reference, 1 scale 0.1, 1 trial of 1 step each" in " ".join(repr(study).split())
    assert "1 scale 0.1, 1 trial: " in " ".join(repr(study.run()).split())


def test_basins_below_and_beyond_the_scales_stand_in_eighty_columns():
    about = {"reference": "zero loss", "verdict": "global minimum", "certified": 3.14e-06}
    about |= {"reason": "", "least": 0.000321, "most": 0.00123, "norm_low": 0.0}
    for low, radius, high in ((0.0, 0.000339, 0.000412), (0.0, 0.0, 0.000339)):
        row = about | {"low": low, "radius": radius, "high": high, "norm": 0.00117 * (radius > 0)}
        text = as_text(basin_rows(pd.DataFrame([row])))
        assert "< 0.000321 – 0.000" in text and ("norm" in text) == (radius > 0)
        assert max(map(len, text.splitlines())) <= 80


def test_a_page_has_a_part_for_each_of_several_references():
    net, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[-1.0], [1.0]])
    both = {"one": net, "two": ReLUNetwork([[[1.0]]], [[0.5]])}
    study = perturbation_study(both, X, X, scales=[0.1, 1.0], trials=3, steps=9, learning_rate=0.1)
    parts = page_parts(study)
    assert [part["name"] for part in parts] == ["one", "two"]
    assert [len(part["rows"]) for part in parts] == [2, 2]
    assert parts[1]["story"] == told(study.of("two"))
