"""The plan of a study of which neither scales nor steps are given."""

import numpy as np
import pytest

from constructions import construct, merged
from geomcore import datasets
from geomcore.arrays import as_labels
from geomcore.network import ReLUNetwork
from training.descent.curvature import largest_curvature
from training.descent.losses import SquaredError
from training.descent.optimizers import SGD
from training.study.planning import plan as planning
from training.study.planning.balance import balanced_for_descent
from training.study.planning.budget import Budget
from training.study.result import load_study
from training.study.study import PerturbationStudy

DATA = datasets.clusters(n=30, classes=3, rng=0)
NET = construct(DATA.X, DATA.y).network


@pytest.fixture(autouse=True)
def little_work(monkeypatch):
    monkeypatch.setattr("training.study.planning.budget.WORK", 2e9)


def study(path=None, net=NET, data=DATA, **changes):
    return PerturbationStudy(path, net, data.X, data.y, **{"trials": 5, **changes})


# By hand


def test_the_scales_bracket_the_transition():
    found = study()
    frame = found.run().frame("scale")
    assert len(frame) == 6
    assert frame["left"].iloc[0] > 0
    assert frame["fraction"].iloc[0] == 1
    assert frame["fraction"].iloc[-1] < 0.5
    tried = found.plan.pilot
    assert {row["returned"] for row in tried if row["trials"] == 8} == {None}
    assert tried[-1]["returned"] == 0 and tried[-1]["scale"] == pytest.approx(
        found.plan.scales[-1], rel=0.05
    )
    assert max(map(len, found.plan.summary().splitlines())) <= 80
    assert "pilot trials" in found.plan.summary()


def test_perturbed_networks_that_are_more_curved_lower_the_rate():
    data = datasets.sequential(rng=0)
    labels = as_labels(data.y, len(data.X))
    made = construct(data.X, data.y).network
    net = balanced_for_descent(made, data.X, labels, SquaredError()).network
    found = study(net=net, data=data)
    rate = found.plan.references[0]["learning_rate"]
    assert rate == pytest.approx(
        0.5 / largest_curvature(net, data.X, data.y, rtol=1e-2) / found.plan.slower
    )
    assert found.plan.slower >= 16
    assert found.run().reference.learning_rate == rate
    assert "more curved" in found.plan.summary()


def test_what_is_given_keeps_its_meaning():
    assert study(scales=[0.1, 1.0], steps=3).plan is None
    scales = study(scales=[0.1, 1.0])
    assert scales.plan.scales == (0.1, 1.0) and scales.plan.pilot == []
    assert scales.plan.slower == 1
    steps = study(steps=7)
    assert steps.steps == 7 and steps.plan.budget is None
    rate = study(learning_rate=0.003)
    assert rate.plan.slower == 1 and rate.run().reference.learning_rate == 0.003
    untrained = study(steps=0).run()
    assert set(untrained.columns["steps"]) == {0}


def test_where_nothing_leaves_the_usual_scales_are_taken():
    # Only the dead unit is moved, and never comes alive.
    net = ReLUNetwork([[[0.0]], [[1.0]]], [[-1e9], [0.5]])
    X = np.array([[1.0], [2.0]])
    found = PerturbationStudy(None, net, X, X / 4, trials=2, tensors=["W1"], steps=2)
    assert found.plan.scales == planning.USUAL


# Laws


def test_the_plan_depends_on_the_study_alone_and_not_on_callbacks():
    seen = []
    found = study(callbacks=lambda snapshot: seen.append(snapshot.step))
    assert seen == []
    assert found.plan == study().plan
    assert study(seed=1).plan.pilot != found.plan.pilot


def test_pilot_trials_are_none_of_the_study():
    found = study(scales=None, steps=50)
    worker = found._work(found._measured)
    own = {worker.start((0, i, j))[0].weights[0].tobytes() for i in range(6) for j in range(5)}
    pilot = planning.Pilot(worker, found.plan.references, True, [])
    for scale in found.plan.scales:
        start = pilot._at(scale, 0).start((0, 0, 0))[0]
        assert start.weights[0].tobytes() not in own


def test_a_study_that_is_begun_goes_on_with_the_plan_of_its_file(tmp_path, monkeypatch):
    path = tmp_path / "s"

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("training.study.trials.LONGEST", 1)
        study(path, batch_size=7).run(progress=stop)
    assert 0 < len(load_study(path).frame()) < 30
    whole = study(batch_size=7).run()

    def never(*args, **given):
        raise AssertionError

    monkeypatch.setattr("training.study.experiment.planned", never)
    found = study(path, batch_size=7).run()
    assert found.frame().equals(whole.frame())
    assert found.references == whole.references


def test_an_empty_file_is_a_study_that_is_not_begun(tmp_path):
    (tmp_path / "s").touch()
    with pytest.raises(ValueError, match="scales must be"):
        study(tmp_path / "s", scales=[])
    assert len(study(tmp_path / "s").run().frame()) == 30


def test_a_merge_from_which_all_return_does_not_stretch_the_scales():
    merge = merged(DATA.X, DATA.y, [[0, 1, 2]]).network
    both = PerturbationStudy(None, {"zero": NET, "all": merge}, DATA.X, DATA.y, trials=2)
    alone = PerturbationStudy(None, {"all": merge}, DATA.X, DATA.y, trials=2)
    assert alone.plan.scales[-1] > 100 > 10 > both.plan.scales[-1]


def test_several_references_share_the_scales_and_keep_their_rates():
    steep = ReLUNetwork([*NET.weights[:-1], NET.weights[-1]], NET.biases)
    found = PerturbationStudy(
        None, {"one": NET, "two": steep}, DATA.X, DATA.y, trials=2, optimizer=SGD(0.01)
    )
    assert {row["reference"] for row in found.plan.pilot} == {"one", "two"}
    assert len(found.run().frame("scale")) == 12


def test_a_plan_tells_that_columns_are_large():
    few = {"scales": (0.1,), "steps": 1, "references": [], "budget": None, "pilot": []}
    told = planning.Plan(**few, slower=4096.0, reach=3000.0).summary()
    assert "a column of X reaches 3e+03: standardise" in told
    assert max(map(len, told.splitlines())) <= 80
    assert "column" not in planning.Plan(**few, slower=4096.0, reach=1.0).summary()


def test_a_plan_tells_how_long_all_relaxations_would_take():
    about = {"scales": (0.1,), "steps": 100, "slower": 1.0, "pilot": []}
    plan = planning.Plan(**about, references=[{"relaxation": 80.0}], budget=Budget(100, 8000, 60.0))
    assert "(limited by time: 100 relaxations would be 8,000 steps, 1 h 20 min)" in plan.summary()
