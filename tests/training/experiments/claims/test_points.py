"""Claims E2 and E3 as readings of a table of points."""

import pytest

from training.experiments.claims.points import formula_readings, minimum_readings


def point(name, verdict="local minimum", *, proved=True, loss=1.0, closed_form=1.0, classes=2):
    kind = {"state": "state", "merge": "merge", "paper": "paper"}[name.split()[0]]
    about = {"name": name, "kind": kind, "classes": classes, "closed_form": closed_form}
    return {**about, "verdict": verdict, "proved": proved, "loss": loss}


PAPER = ["paper 00", "paper 01", "paper 10", "paper 11"]


def test_all_minima_are_a_yes_and_one_that_is_none_is_a_no():
    (yes,) = minimum_readings([point(name) for name in PAPER])
    assert (yes.answer, yes.is_source) == ("yes", True)
    rows = [point(name) for name in PAPER[:3]] + [point("paper 11", "not stationary")]
    (no,) = minimum_readings(rows)
    assert no.answer == "no" and no.told == "2 of 3 are proved minima, 1 proved not to be"


@pytest.mark.parametrize(
    "row", [point("paper 11", proved=False), point("paper 11", "undetermined")]
)
def test_what_is_not_proved_leaves_it_open(row):
    (found,) = minimum_readings([point("paper 01"), row])
    assert found.answer == "open"


def test_points_of_zero_loss_do_not_count():
    """State 0...0 and the merge of nothing are global minima for another reason."""
    rows = [point("paper 00", "saddle"), point("merge 0 | 1", "saddle"), point("merge 0 1")]
    (found,) = minimum_readings(rows)
    assert (found.name, found.answer, found.is_source) == ("merges of classes", "yes", False)


def test_losses_agree_with_the_formula_or_they_do_not():
    rows = [point("paper 01", loss=1 + 1e-10), point("state 01", closed_form=None)]
    (found,) = formula_readings(rows)
    assert found.answer == "yes"
    (found,) = formula_readings([*rows, point("paper 11", loss=1 + 1e-8)])
    assert found.answer == "no" and found.told.startswith("1 of 2 agree")


@pytest.mark.parametrize(
    ("loss", "closed_form", "answer"),
    [
        (float("nan"), 1.0, "open"),
        (None, 1.0, "open"),
        (1.0, float("nan"), "open"),
        (0.0, 0.0, "yes"),
        (1e-12, 0.0, "yes"),
        (1e-3, 0.0, "no"),
    ],
)
def test_a_formula_without_a_number_is_open_and_zero_is_compared_absolutely(
    loss, closed_form, answer
):
    (found,) = formula_readings([point("paper 01", loss=loss, closed_form=closed_form)])
    assert found.answer == answer


def test_a_point_whose_loss_is_nan_is_not_proved():
    (found,) = minimum_readings([point("paper 01", loss=float("nan"))])
    assert found.answer == "open"
