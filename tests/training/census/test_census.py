"""A whole census, which is the same wherever and in however many goes it is made."""

import numpy as np
import pytest
from decayed import blobs
from tampered import refuses_all, replace

from geomcore.datasets.dataset import Dataset
from training.census.census import census
from training.census.ending import NOWHERE
from training.census.points import end_points
from training.census.tables import point_rows, run_rows
from training.descent.executors import processes
from training.output.pieces import Pieces

RUNS, OPTIONS = 7, {"runs": 7, "steps": 300}


@pytest.fixture(scope="module")
def data():
    X, y = blobs(3)
    return Dataset(X, y, "blobs", {})


@pytest.fixture(scope="module")
def found(data):
    return census(data, (2, 2, 3), **OPTIONS)


def told(found):
    points = end_points(found)
    return repr((run_rows(found, points), point_rows(found, points))), [
        (ending.theta.tobytes(), ending.certificate) for ending in found.endings
    ]


def test_all_runs_are_counted(found):
    assert [ending.number for ending in found.endings] == list(range(RUNS))
    points = end_points(found)
    counted = sorted(ending.number for point in points for ending in point.endings)
    assert counted == [ending.number for ending in found.endings if ending.is_end]
    assert {ending.widths for ending in found.endings} == {(2, 2, 3)}


def test_a_run_depends_on_its_number_alone(data, found):
    fewer = census(data, (2, 2, 3), **(OPTIONS | {"runs": 2}))
    assert [e.certificate for e in fewer.endings] == [e.certificate for e in found.endings[:2]]
    other = census(data, (2, 2, 3), seed=1, **(OPTIONS | {"runs": 2}))
    assert other.endings[0].trained_loss != found.endings[0].trained_loss


def test_processes_and_threads_change_nothing(data, found):
    with processes(2) as executor:
        apart = census(data, (2, 2, 3), jobs=2, executor=executor, **OPTIONS)
    assert told(apart) == told(found)


class Stopped(dict):
    """Pieces of a work that is killed after some of them."""

    def __init__(self, pieces, most):
        super().__init__(pieces)
        self.most = most

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        if len(self) == self.most:
            raise KeyboardInterrupt


def test_a_census_that_is_stopped_goes_on_to_the_same_end(data, found):
    pieces, counts = {}, []
    for most in (1, 3, 6):
        stopped = Stopped(pieces, most)
        with pytest.raises(KeyboardInterrupt):
            census(data, (2, 2, 3), pieces=stopped, **OPTIONS)
        pieces = dict(stopped)
    whole = census(
        data, (2, 2, 3), pieces=pieces, progress=lambda *done: counts.append(done), **OPTIONS
    )
    assert counts == [(k, RUNS) for k in (6, 7)]
    assert told(whole) == told(found)


def test_other_losses_and_weight_decay_are_minimized(data):
    for kind in ({"loss": "cross_entropy", "weight_decay": 0.05}, {"loss": "class_weighted"}):
        found = census(data, (2, 2, 3), **(OPTIONS | {"runs": 2}), **kind)
        for ending in found.endings:
            assert ending.kind != NOWHERE and f'"{found.question.loss}"' in ending.certificate


# Bad input


@pytest.mark.parametrize("widths", [(2,), (3, 3, 3), (2, 3, 2), (2, 0, 3)])
def test_widths_that_do_not_fit_are_refused(data, widths):
    with pytest.raises(ValueError, match="widths must"):
        census(data, widths, **OPTIONS)


@pytest.mark.parametrize("name", ["rate", "seconds", "weight_decay"])
def test_numbers_that_make_no_sense_are_refused(data, name):
    for value in (-1.0, np.nan):
        with pytest.raises(ValueError, match=f"{name} must"):
            census(data, (2, 3, 3), **OPTIONS, **{name: value})


def test_a_network_that_is_too_large_is_refused_before_it_is_trained(data):
    with pytest.raises(ValueError, match="widths must have at most 3000 parameters"):
        census(data, (2, 900, 900, 3), runs=1, steps=10**9)
    # A shape that would not fit into memory is not drawn to be counted.
    with pytest.raises(ValueError, match="parameters"):
        census(data, (2, 10**7, 10**7, 3), runs=1)


def test_another_loss_is_refused(data):
    with pytest.raises(ValueError, match="loss must be"):
        census(data, (2, 2, 3), loss="hinge", runs=1, steps=1)
    with pytest.raises(ValueError, match="y must"):
        labels = Dataset(data.X, 2.0 * np.eye(3)[data.y], "far", {})
        census(labels, (2, 3, 3), loss="bce", runs=1, steps=1)


# Pieces that were changed

WIDTHS, FEW = (2, 2, 3), {"runs": 2, "steps": 60}


@pytest.fixture(scope="module")
def kept():
    """A function that resumes a census, and its pieces."""
    X, y = blobs(3)
    data = Dataset(X, y, "blobs", {})
    with Pieces.open(None, {}) as pieces:
        census(data, WIDTHS, **FEW, pieces=pieces)
        yield lambda: census(data, WIDTHS, **FEW, pieces=pieces), pieces


def test_a_run_of_another_form_is_told(kept):
    resume, pieces = kept
    before = [ending.certificate for ending in resume().endings]
    assert refuses_all(pieces, "blobs 2-2-3 run 1", resume) > 40
    assert [ending.certificate for ending in resume().endings] == before


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"number": 1}, "it is not of run 0"),
        ({"widths": [2, 3, 2]}, "it is not of run 0"),
        ({"verdict": "best of all"}, "its verdict is none"),
        ({"certificate": "{}"}, ""),
        ({"theta": np.full(15, np.nan)}, "theta"),
        ({"theta": np.zeros(14)}, "theta is not an array of the shape"),
        ({"loss": "0.5"}, "loss is not of type float"),
        ({"proved": 1}, "proved is not of type bool"),
        ({"rank": 0.5}, "rank is of another type"),
    ],
    ids=str,
)
def test_what_a_run_cannot_be_is_told(kept, changes, told):
    resume, pieces = kept
    name = "blobs 2-2-3 run 0"
    right = pieces[name]
    replace(pieces, name, right | changes)
    with pytest.raises(ValueError, match=f"the piece {name} in it is damaged: .*{told}"):
        resume()
    replace(pieces, name, right)


def test_a_certificate_of_another_network_is_told(kept):
    resume, pieces = kept
    name = "blobs 2-2-3 run 0"
    right, other = pieces[name], pieces["blobs 2-2-3 run 1"]
    for changed in (
        {key: other[key] for key in ("certificate", "verdict")},
        {"theta": right["theta"] + 1e-9},
        {"verdict": "saddle" if right["verdict"] != "saddle" else "undetermined"},
    ):
        replace(pieces, name, right | changed)
        with pytest.raises(ValueError, match="in it is damaged: its certificate is of another"):
            resume()
    replace(pieces, name, right)


def test_trained_networks_of_another_form_are_told(kept):
    resume, pieces = kept
    name, group = "blobs 2-2-3 run 0", "blobs 2-2-3 trained from 0"
    right = pieces[name]
    pieces._connection.execute("DELETE FROM piece WHERE name = ?", [name])
    assert refuses_all(pieces, group, resume) == 1
    for bad in (np.zeros((2, 14)), np.zeros((1, 15)), np.full((2, 15), np.inf)):
        theta = pieces[group]
        replace(pieces, group, bad)
        with pytest.raises(ValueError, match=f"the piece {group} in it is damaged"):
            resume()
        replace(pieces, group, theta)
    resume()
    assert pieces[name].keys() == right.keys()
