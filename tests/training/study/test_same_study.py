"""Which studies are the same and share a file, and which must never do so."""

import json
import sqlite3

import numpy as np
import pytest

from geomcore import Network, ReLUNetwork
from geomcore.layers import Affine, ReLU
from training import SGD, Adam, LossBelow, NonNegative, PerturbationStudy, Plateau, load_study
from training.descent.losses import SquaredError
from training.descent.penalties import L1, L2

X = np.array([[-1.0], [1.0], [0.5]])
NET = ReLUNetwork([[[1.0]]], [[0.0]])
ARGUMENTS = {"scales": [1.0], "trials": 3, "steps": 100, "seed": 0, "optimizer": SGD(0.05)}


def study(path, net=NET, **changes):
    return PerturbationStudy(path, net, X, X, **{**ARGUMENTS, **changes})


class Below:
    """A rule of a user, which asks any function."""

    reason = "below"

    def __init__(self, test, key=None):
        self.test = test
        if key is not None:
            self.key = key

    def met(self, progress):
        return self.test(progress.loss)


# By hand


def test_the_names_are_public_ones_and_no_module_is_named():
    text = json.dumps(study(None, penalties=L1(0.1), stop=Plateau(), loss="mse").configuration)
    for name in ("SGD", "L1", "Plateau", "SquaredError", "Affine"):
        assert f'"{name}"' in text
    for package in ("training", "geomcore", "constructions", "descent", "optimizers"):
        assert package not in text


# Laws


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"batch_size": None}),
        ({}, {"batch_size": 3}),
        ({}, {"batch_size": 99, "drop_last": True}),
        ({}, {"stop": []}),
        ({"stop": LossBelow(1e-9)}, {"stop": [LossBelow(1e-9)]}),
        ({"stop": LossBelow(1)}, {"stop": (LossBelow(1.0),)}),
        ({"penalties": L2(0.1)}, {"penalties": [L2(0.1)]}),
        ({"constraints": NonNegative()}, {"constraints": (NonNegative(),)}),
        ({}, {"loss": SquaredError()}),
        ({}, {"record": 1}),
        ({"batch_size": 2}, {"batch_size": 2, "record": 2}),
        ({}, {"tensors": ["b1", "W1"]}),
        ({"tensors": ["W1"]}, {"tensors": ("W1",)}),
        ({"scales": [1]}, {"scales": np.array([1.0])}),
        ({"engine": "compiled"}, {"engine": "auto"}),
        ({}, {"callbacks": [print]}),
        ({}, {"certified_radius": 0.1}),
        ({"optimizer": SGD(np.float32(0.05))}, {"optimizer": SGD(float(np.float32(0.05)))}),
        ({"optimizer": Adam(np.float32(0.05))}, {"optimizer": Adam(float(np.float32(0.05)))}),
        ({"penalties": L2(0.1, ["b1", "W1"])}, {"penalties": L2(0.1, ("W1", "b1", "W1"))}),
        ({"scales": [0, 1]}, {"scales": [-0.0, 1.0]}),
    ],
)
def test_settings_that_give_the_same_rows_are_the_same_study(tmp_path, one, other):
    first = study(tmp_path / "s", **one).run().frame()
    again = study(tmp_path / "s", **other).run().frame()
    assert again.equals(first)
    assert study(None, **other).run().frame().equals(first)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"net": Network([*NET.layers, ReLU()])}, r"references\.network"),
        ({"net": {"other": NET}}, r"references\.network"),
        ({"net": {"network": NET, "other": NET}}, r"references\.other is None there"),
        ({"optimizer": SGD(0.05, clip=9.0)}, r"optimizer\.fields\.clip"),
        ({"optimizer": None}, "optimizer"),
        ({"stop": LossBelow(1e-9)}, "stop"),
        ({"penalties": L2(1e-9)}, "penalties"),
        ({"constraints": NonNegative()}, "constraints"),
        ({"loss": SquaredError(True)}, r"loss\.fields\.class_weighted is False there, True here"),
        ({"batch_size": 2}, "batches"),
        ({"record": 2}, "record is 1 there, 2 here"),
        ({"engine": "numpy"}, r"references\.network\.engine"),
        ({"tensors": ["W1"]}, r"references\.network\.tensors"),
        ({"tolerance": 1e-3}, "tolerance"),
    ],
)
def test_settings_that_may_change_a_row_are_another_study(tmp_path, changes, place):
    study(tmp_path / "s").run()
    before = (tmp_path / "s").read_bytes()
    with pytest.raises(ValueError, match=f"another study: {place}"):
        study(tmp_path / "s", **changes).run()
    assert (tmp_path / "s").read_bytes() == before


def test_a_chain_with_and_without_a_relu_do_not_share_a_file(tmp_path):
    layers = [Affine([[1.0]], [0.0]), Affine([[1.0]], [0.0])]
    study(tmp_path / "s", Network(layers)).run()
    with pytest.raises(ValueError, match=r"another study: references\.network\.network\.layers"):
        study(tmp_path / "s", Network([layers[0], ReLU(), layers[1]])).run()


def test_rows_belong_to_names_whatever_the_order_of_the_references(tmp_path):
    a, b = NET, ReLUNetwork([[[5.0]]], [[3.0]])
    options = {"steps": 0, "keep_parameters": True}

    def stop(done, total):
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study(tmp_path / "s", {"a": a, "b": b}, **options).run(progress=stop)
    resumed = study(tmp_path / "s", {"b": b, "a": a}, **options)
    expected = study(None, {"a": a, "b": b}, **options)
    assert resumed.run().frame().equals(expected.run().frame())
    for name in "ab":
        for order in ({"a": a, "b": b}, {"b": b, "a": a}):
            found = study(tmp_path / "s", order, **options).network(1.0, 2, name)
            assert found == expected.network(1.0, 2, name)


def test_a_certified_radius_may_come_later_and_stays(tmp_path):
    for given_radius, expected in ((None, None), (np.float32(0.25), 0.25), (None, 0.25)):
        found = study(tmp_path / "s", certified_radius=given_radius).run()
        assert found.reference.certified_radius == expected


def test_labels_of_classes_with_one_target_stay_apart(tmp_path):
    targets = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    net = ReLUNetwork([np.eye(2)], [[0, 0]])
    points = np.random.default_rng(0).normal(size=(15, 2))
    options = {"scales": [0.0], "trials": 1, "steps": 0, "seed": 0, "optimizer": SGD(0.1)}
    options |= {"targets": targets, "loss": "class_weighted"}
    y = np.array([0] * 8 + [1] * 2 + [2] * 5)
    errors = ((points - np.array(targets)[y]) ** 2).sum(axis=1)
    found = PerturbationStudy(tmp_path / "s", net, points, y, **options).run()
    assert found.reference.loss == pytest.approx(sum(errors[y == j].mean() for j in range(3)))
    with pytest.raises(ValueError, match="another study: Y"):
        moved = np.where(np.arange(15) == 0, 1, y)
        PerturbationStudy(tmp_path / "s", net, points, moved, **options).run()


# Files of schema 1


def old_file(path, references, sessions):
    """A file as it was written by schema 1, resumed so many times."""
    nets = {name: ReLUNetwork([[[k]]], [[0.0]]) for k, name in enumerate(references, 1)}
    for _ in range(sessions):
        study(path, nets).run()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    return nets


def test_a_file_of_the_old_schema_is_read_and_not_resumed(tmp_path):
    nets = old_file(tmp_path / "s", ["a"], 2)
    assert load_study(tmp_path / "s").frame().equals(study(None, nets).run().frame())
    before = (tmp_path / "s").read_bytes()
    for use in (study(tmp_path / "s", nets).run, lambda: study(tmp_path / "s").network(1.0, 0)):
        with pytest.raises(ValueError, match="load_study reads it, but it cannot be resumed"):
            use()
    assert (tmp_path / "s").read_bytes() == before


def test_an_old_file_whose_rows_may_be_under_another_name_says_so(tmp_path):
    old_file(tmp_path / "once", ["a", "b"], 1)
    load_study(tmp_path / "once")
    old_file(tmp_path / "twice", ["a", "b"], 2)
    with pytest.warns(UserWarning, match="trials may stand under the name of another reference"):
        load_study(tmp_path / "twice")


# Bad input


def test_a_rule_without_a_key_is_refused_before_there_is_a_file(tmp_path):
    rule = Below(lambda loss: loss <= 0.1)
    with pytest.raises(ValueError, match=r"stop\[0\] must be known to the file .* `key`"):
        study(tmp_path / "s", stop=rule)
    assert not (tmp_path / "s").exists()
    study(None, stop=rule).run()


def test_rules_of_different_keys_do_not_share_a_file(tmp_path):
    def steps(path, level):
        rule = Below(lambda loss: loss <= level, key=f"loss at most {level}")
        return study(path, stop=rule).run().columns["steps"].tolist()

    first = steps(tmp_path / "s", 0.1)
    assert steps(tmp_path / "s", 0.1) == first != steps(None, 0.001)
    with pytest.raises(ValueError, match=r"stop\[0\]\.key is loss at most 0\.1 there"):
        steps(tmp_path / "s", 0.001)


class Spoiler:
    """A rule that changes what it is shown."""

    reason = "spoilt"

    def __init__(self, change):
        self.change = change

    def met(self, progress):
        self.change(progress)
        return np.zeros(len(progress.running), bool)


def first_to_zero(name):
    def change(shown):
        value = getattr(shown, name)
        (value[-1] if isinstance(value, list) else value)[:] = 0

    return change


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize(
    "spoil",
    [
        *({"callbacks": first_to_zero(name)} for name in ("params", "trials")),
        *({"stop": Spoiler(first_to_zero(name))} for name in ("losses", "running")),
    ],
)
def test_callbacks_and_rules_cannot_change_what_is_trained(engine, spoil):
    with pytest.raises(ValueError, match="read-only"):
        study(None, engine=engine, **spoil).run()


def test_what_is_described_is_what_is_studied_although_the_data_change(tmp_path):
    points, tensors = X.copy(), ["W1"]
    options = {**ARGUMENTS, "tensors": tensors}
    made = PerturbationStudy(tmp_path / "s", NET, points, points, **options)
    expected = study(None, tensors=["W1"]).run()
    points[:], tensors[:] = 7.0, ["b1"]
    found = made.run()
    assert found.frame().equals(expected.frame()) and found.references == expected.references
    study(tmp_path / "s", tensors=["W1"]).run()


def test_networks_that_do_not_move_have_the_loss_of_the_reference_to_the_last_bit():
    rng = np.random.default_rng(0)
    net = ReLUNetwork([rng.normal(size=(5, 3)), rng.normal(size=(2, 5))], [np.ones(5), np.ones(2)])
    points, y = rng.normal(size=(101, 3)), rng.integers(0, 2, 101)
    for engine in ("numpy", "compiled"):
        options = {"trials": 4, "steps": 100, "seed": 0, "optimizer": SGD(1e-300)}
        found = PerturbationStudy(
            None, net, points, y, scales=[0.0], tolerance=0.0, engine=engine, **options
        ).run()
        assert set(found.outcome) == {"stayed"}


def test_callbacks_are_told_of_trials_only():
    seen = []
    made = study(None, callbacks=lambda snapshot: seen.append(snapshot.step))
    assert seen == []
    made.run()
    assert seen


def test_a_reference_without_curvature_needs_an_optimizer():
    dead = ReLUNetwork([[[1.0]], [[0.0]]], [[-9.0], [0.0]])
    flat = Network([*dead.layers[:1], ReLU()])
    with pytest.raises(ValueError, match="learning_rate must be given: the loss has no curvature"):
        study(None, flat, optimizer=None).run()


def test_a_file_may_have_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study(":memory:").run()
    assert (tmp_path / ":memory:").exists() and len(load_study(":memory:").frame()) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tolerance": -1.0}, "tolerance must be a finite number, at least 0"),
        ({"tolerance": float("nan")}, "tolerance must be a finite number"),
        ({"tolerance": "small"}, "tolerance must be a finite number"),
        ({"certified_radius": -1}, "certified_radius must be a finite number"),
        ({"certified_radius": {"other": 1.0}}, "certified_radius must name references among"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"engine": "steam"}, "engine must be one of"),
        ({"optimizer": SGD}, "optimizer must be 'auto', SGD"),
        ({"stop": LossBelow}, "stop must be a stopping rule"),
        ({"penalties": L2}, "penalties must be objects"),
        ({"loss": SquaredError}, "loss must be one of"),
        ({"scales": [2**53, 2**53 + 1]}, "scales must be distinct"),
        ({"scales": [1j]}, "scales must be a list of finite numbers"),
        ({"scales": [True]}, "scales must be a list of finite numbers"),
        ({"scales": [10**400]}, "scales must be a list of finite numbers"),
        ({"tolerance": 10**400}, "tolerance must be a finite number"),
        ({"certified_radius": 10**400}, "certified_radius must be a finite number"),
    ],
)
def test_wrong_settings_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        study(None, **changes)


def test_an_argument_that_training_does_not_know_is_named():
    for name in ("stpes", "jobs", "rngs"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
            study(None, **{name: 3})
