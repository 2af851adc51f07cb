"""What is proved of the way back stands beside what a study found, at its own rate."""

import numpy as np
import pytest

from constructions import balanced, construct, descent_basin, merged, suboptimal, verify
from geomcore.datasets import clusters, concentric, sequential, single_cone
from training import perturbation_study
from training.study import proved as room
from training.study.proved import AS_STUDIED, BALANCED, proved_returns
from training.study.words import as_text, proved_notes, proved_rows

DATA = clusters(12, rng=0)
NET = construct(DATA.X, DATA.y).network


def study_of(net, data, **options):
    options = {"scales": [0.01], "trials": 1, "steps": 1, "progress": False, **options}
    return perturbation_study(net, data.X, data.y, **options)


@pytest.fixture(autouse=True)
def few_scalings(monkeypatch):
    monkeypatch.setattr(room, "EVALUATIONS", 30)


@pytest.mark.parametrize("make", [clusters, sequential, single_cone, concentric])
def test_the_four_configurations_have_basins_at_the_rate_of_the_study(make):
    data = make(30, rng=0)
    net = construct(data.X, data.y).network
    study = study_of(net, data)
    found = study.proved(net, data.X, data.y)
    step = study.reference.learning_rate
    assert list(found["layers"]) == [AS_STUDIED, BALANCED] and (found["step"] == step).all()
    for row, one in zip(
        found.itertuples(), (net, balanced(net, data.X, evaluations=30)), strict=True
    ):
        certificate = verify(one, data.X, data.y)
        basin = descent_basin(certificate, one, data.X, data.y, step)
        assert row.flow == certificate.basin["radius"] > row.descent == basin.radius > 0
        assert (row.rate, row.reason) == (basin.rate, "")
        assert step * row.curvature_most < 1 and row.largest_step * row.curvature_most < 1.001
        assert row.curvature_least <= row.curvature_most
    # the flow is what balancing is for
    assert found["flow"][1] > found["flow"][0]


def test_states_and_merges_that_are_minima_have_rows_and_others_say_why_not():
    nets = {
        "zero": NET,
        "state 111": suboptimal(DATA.X, DATA.y, [1, 1, 1]).network,
        "state 001": suboptimal(DATA.X, DATA.y, [0, 0, 1]).network,
        "merge": merged(DATA.X, DATA.y, [[0, 1], [2]]).network,
    }
    study = study_of(nets, DATA)
    found = study.proved(nets, DATA.X, DATA.y)
    assert list(found["reference"]) == [
        *("zero", "zero", "state 111", "state 111", "state 001", "merge", "merge")
    ]
    none = found[found["reference"] == "state 001"].iloc[0]
    assert none.verdict == "not stationary" and none.reason == "no minimum is proved"
    assert np.isnan([none.flow, none.descent, none.rate, none.curvature_most]).all()
    others = found[found["reference"] != "state 001"]
    assert (others["flow"] > 0).all()
    assert (others["descent"].isna() == (others["reason"] != "")).all()
    told = proved_notes(found)
    assert any(line.startswith("state 001 (as studied): no minimum is proved.") for line in told)
    # classes that are left alone are balls of a small radius, whose singular values are small, too
    slow = found[found["largest_rate"] < 1e-5]
    assert "state 111" in set(slow["reference"]) and "zero" not in set(slow["reference"])
    text = " ".join(map(str.strip, told))
    assert text.count("no rate that can be proved is of practical use") == len(slow)
    row = slow.iloc[0]
    assert f"{row.largest_step:.2g}, a factor e takes up to {1 / row.largest_rate:.2g}" in text


def test_a_rate_that_is_too_large_is_told_with_what_would_do():
    study = study_of(NET, DATA, learning_rate=0.3)
    found = study.proved(NET, DATA.X, DATA.y)
    row = found.iloc[0]
    assert np.isnan(row.descent) and row.reason.startswith("L, the norm of the Hessian, is at ")
    text = " ".join(map(str.strip, proved_notes(found)))
    assert f"1/L is {0.3 * row.curvature_most:.2g} times smaller than the rate" in text
    assert f"With steps of {row.largest_step:.2g} a tenth of the flow's radius" in text
    # and that is so
    certificate = verify(NET, DATA.X, DATA.y, step=row.largest_step)
    assert certificate.descent["radius"] >= 0.0999 * row.flow
    assert certificate.descent["rate"] == pytest.approx(row.largest_rate, rel=1e-2)
    rows = proved_rows(found)
    assert (rows[0]["descent"], rows[0]["per step"]) == ("-", "-")
    assert rows[0]["flow"] == f"{row.flow:.2g}"


def test_lines_have_room_on_a_terminal():
    nets = {"a name of many letters and more": NET, "b" * 70: NET}
    found = study_of(nets, DATA, learning_rate=3e-7).proved(nets, DATA.X, DATA.y)
    lines = [*as_text(proved_rows(found)).splitlines(), *proved_notes(found)]
    assert max(map(len, lines)) <= 80 and all(lines)


def test_mini_batches_are_not_what_is_proved():
    study = study_of(NET, DATA, batch_size=4)
    found = study.proved(NET, DATA.X, DATA.y, batch_size=4)
    assert found["descent"].isna().all() and (found["flow"] > 0).all()
    assert set(found["reason"]) == {room.BATCHES}
    whole = study.proved(NET, DATA.X, DATA.y, batch_size=len(DATA.X))
    assert (whole["descent"] > 0).all()


def test_large_networks_are_not_balanced(monkeypatch):
    monkeypatch.setattr(room, "LARGE", 10)
    found = study_of(NET, DATA).proved(NET, DATA.X, DATA.y)
    assert list(found["reason"]) == ["", room.TOO_LARGE]
    assert found["descent"][0] > 0 and np.isnan(found["descent"][1])


def test_wrong_calls_say_which_argument():
    study = study_of({"a": NET, "b": NET}, DATA)
    with pytest.raises(ValueError, match=r"net must have a network for each reference, .* 'b'"):
        study.proved({"a": NET}, DATA.X, DATA.y)
    with pytest.raises(ValueError, match="several references"):
        proved_returns(study, NET, DATA.X, DATA.y)
    with pytest.raises(ValueError, match="batch_size must"):
        study.of("a").proved(NET, DATA.X, DATA.y, batch_size=0)
