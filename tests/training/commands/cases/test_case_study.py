"""What the page of a study says of how it was laid out."""

import json

import pytest

from training.commands.cases.case_study import told_plan


def told(folder, **fields):
    (folder / "plan.json").write_text(json.dumps(fields))
    return told_plan(folder)


def test_a_rate_that_pilot_trials_made_smaller_is_told_with_its_reason(tmp_path):
    text = told(tmp_path, slower=4_194_304.0, relaxations=5.59e-5)
    assert "4,194,304 times smaller" in text and "more curved" in text
    assert "5.6e-05 of the time" in text


@pytest.mark.parametrize("fields", [{}, {"slower": 1.0, "relaxations": 100.0}])
def test_a_usual_rate_and_enough_steps_need_no_words(tmp_path, fields):
    assert told(tmp_path, **fields) == ""


def test_an_unknown_number_of_relaxations_is_not_told(tmp_path):
    assert told(tmp_path, relaxations=None) == ""
