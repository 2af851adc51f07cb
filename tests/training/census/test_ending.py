"""What one run ends at."""

import json
from dataclasses import fields

import numpy as np
import pytest
from census_runs import ending, unproved
from decayed import blobs

from constructions import Certificate, verify
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from training.census.ending import INFINITY, KINDS, NOWHERE, Ending, Question, ending_of, unpacked
from training.census.starts import starts, trained
from training.output.pieces import Pieces
from training.settling.settled import RUNAWAY, SEPARATED


@pytest.fixture(scope="module")
def question():
    X, y = blobs(1)
    return Question(X, y, None, "mse", 0.0, 60.0)


@pytest.fixture(scope="module")
def endings(question):
    nets = trained(starts((2, 2, 3), range(6)), question.X, question.y, steps=3000)
    return [ending_of(k, net.widths, net.packed()[0], question) for k, net in enumerate(nets)]


# By hand


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (ending(), "local minimum"),
        (ending(verdict="saddle"), "saddle"),
        (ending(verdict="saddle", proved=False), "undetermined"),
        (ending(verdict="not stationary"), "not stationary"),
        (ending(verdict="not stationary", proved=False), "undetermined"),
        (ending(verdict="not stationary", is_critical=False, reason=RUNAWAY), INFINITY),
        (unproved(is_critical=False, reason=RUNAWAY), INFINITY),
        (unproved(is_critical=False, reason=SEPARATED), INFINITY),
        (unproved(is_critical=False, reason="in 3 rounds"), NOWHERE),
        (ending(is_critical=False, reason="in 3 rounds"), "local minimum"),
    ],
)
def test_a_kind_is_stated_only_if_it_is_proved(found, kind):
    assert found.kind == kind and kind in KINDS
    assert found.is_end == (found.is_critical or kind == "local minimum")


def test_a_run_that_has_diverged_settles_nowhere(question):
    net = ReLUNetwork([np.full((2, 2), 1e200), np.full((3, 2), 1e200)], [np.zeros(2), np.zeros(3)])
    found = ending_of(7, net.widths, net.packed()[0], question)
    assert found.kind == NOWHERE and not found.is_end and found.loss == np.inf
    assert "float" in found.reason and found.number == 7 and found.network == net


def test_packed_parameters_are_unpacked():
    (net,) = starts((3, 2, 4, 1), [0])
    assert unpacked(net.widths, net.packed()[0]) == net


# Laws


def test_what_is_told_is_what_settled_network_and_certificate_say(endings, question):
    assert sum(found.is_proved for found in endings) >= 4
    for found in endings:
        told = Certificate.from_json(found.certificate)
        assert told.verdict == found.verdict and told.proved == found.proved
        assert found.certificate == verify(found.network, question.X, question.y).to_json() + "\n"
        residuals = found.network(question.X) - as_labels(question.y, len(question.X)).Y
        assert found.loss == pytest.approx((residuals**2).sum() / len(question.X), rel=1e-9)
        assert found.loss <= found.trained_loss * (1 + 1e-12)
        assert bool(found.why) != found.proved


def test_a_proved_rank_is_the_one_that_is_counted(endings):
    proved = [found for found in endings if found.is_flat_proved]
    assert len(proved) >= 3
    for found in proved:
        told = json.loads(found.certificate)["critical"]
        assert told["rank"] == found.rank and told["argument"] == "critical point"
        # what is left of the parameters is proved to be symmetries where the rank is counted
        assert (found.flat == 0) == (told["rank_error"] == 0)


def test_an_ending_comes_back_from_a_file_to_the_last_bit(endings, tmp_path):
    with Pieces.open(tmp_path / "pieces.sqlite", {}) as pieces:
        for found in endings:
            pieces[str(found.number)] = found.plain()
        for found in endings:
            back = Ending.from_plain(pieces[str(found.number)])
            for field in fields(found):
                a, b = getattr(found, field.name), getattr(back, field.name)
                assert np.array_equal(a, b) if field.name == "theta" else a == b
                assert type(a) is type(b)
