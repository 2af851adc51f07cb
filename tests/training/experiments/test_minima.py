"""The table of minima: its points, its rows, and when it is wrong."""

import numpy as np
import pytest

from geomcore import datasets
from training.experiments.minima import (
    COLUMNS,
    balls,
    closed_form,
    contradicted,
    examine,
    growth,
    in_words,
    points_of,
    survey,
)

OPTIONS = {"steps": 5, "trials": 0, "scale": 1e-3, "seed": 0}


# By hand


def test_each_number_of_balls_is_one_data_set_and_bears_its_name():
    data_sets = balls([2, 3, 2], 4, radius=0.1, seed=1)
    assert [data.name for data in data_sets] == ["2 balls", "3 balls"]
    assert [len(data.X) for data in data_sets] == [8, 12]
    np.testing.assert_array_equal(
        data_sets[1].X, datasets.clusters(4, classes=3, radius=0.1, rng=1).X
    )


def test_a_survey_has_one_row_and_network_per_point_and_tells_its_progress():
    (data,) = balls([2], 5, radius=0.15, seed=0)
    jobs, told = points_of(data)[:3], []
    found = survey(jobs, data, progress=told.append, **OPTIONS)
    assert told == ["2 balls: clustered", "2 balls: state 00", "2 balls: state 01"]
    assert [row["name"] for row in found.rows] == ["clustered", "state 00", "state 01"]
    assert list(found.rows[0]) == ["data", *COLUMNS]
    assert [net.parameter_count for net in found.networks] == [r["parameters"] for r in found.rows]
    assert found.refused == []
    cost = growth(found)
    assert (cost["points"], cost["states"], cost["merges"]) == ("10", "2 + 0", "0")


def test_a_point_that_cannot_be_constructed_is_refused_with_its_reason():
    X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    data = datasets.Dataset(X, np.array([0, 1, 2, 1, 0]), "line", {})
    found = survey(points_of(data)[:2], data, **OPTIONS)
    assert [row["name"] for row in found.refused] == ["clustered", "state 000"]
    assert all(row["refusal"] for row in found.refused)
    assert found.rows == found.networks == []


def test_a_row_in_words_leaves_out_what_is_not_known():
    (data,) = balls([2], 5, radius=0.15, seed=0)
    row = survey(points_of(data)[:1], data, **OPTIONS).rows[0]
    words = in_words(row)
    assert words["verdict"] == "global minimum (proved)"
    assert words["witness"] == "-"
    assert words["zero eigenvalues"].endswith(f" of {row['parameters']}")


@pytest.mark.parametrize(
    ("verdict", "lower_found", "wrong"),
    [
        ("global minimum", 0, False),
        ("local minimum", 1, True),
        ("global minimum", 2, True),
        ("not stationary", 6, False),
        ("undetermined", 1, False),
    ],
)
def test_only_a_lower_loss_near_a_minimum_contradicts_the_table(verdict, lower_found, wrong):
    row = {"verdict": verdict, "lower_found": lower_found}
    assert contradicted([row]) == [row] * wrong


# Against the naive oracle


def test_the_closed_form_of_a_merge_is_the_loss_of_the_group_means():
    data = datasets.clusters(4, rng=0)
    jobs = {job["name"]: job for job in points_of(data)}
    Y = np.eye(3)[data.y]
    for name, groups in (("merge 0 1 2", [[0, 1, 2]]), ("merge 1 | 0 2", [[1], [0, 2]])):
        loss = 0.0
        for group in groups:
            own = Y[np.isin(data.y, group)]
            loss += sum(((row - own.mean(axis=0)) ** 2).sum() for row in own)
        assert closed_form(jobs[name], data.X, data.y) == pytest.approx(loss / len(Y))
    assert np.isnan(closed_form(jobs["state 011"], data.X, data.y))


# Laws


def test_descent_from_a_refuted_point_falls_and_from_a_minimum_does_not():
    data = datasets.clusters(6, rng=1)
    for job in points_of(data):
        if job["name"] in ("state 011", "state 111", "merge 0 | 1 2"):
            row, net = examine(job, data, steps=300, trials=1, scale=1e-3, seed=0)
            assert net.widths[-1] == 3
            fell = row["descent_loss"] < row["loss"] * (1 - 1e-6)
            assert fell == (row["verdict"] == "not stationary")
            assert bool(row["lower_found"]) == (row["verdict"] == "not stationary")
