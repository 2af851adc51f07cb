"""Views that turn: drawn only of what a certificate speaks of, and as it is."""

import json
import os

import numpy as np
import pytest
from stored_runs import run_in_space, stored_run

from geomcore import ReLUNetwork, datasets, save
from training.commands.arguments.data import load_data
from training.report.plot_views import _cones, _outputs, views_of
from training.report.runs import read_runs


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return run_in_space(tmp_path_factory.mktemp("space") / "run")


def views(path, read=load_data):
    (run,), _ = read_runs([path])
    return views_of(run, read)


# By hand


def test_a_network_from_space_to_space_has_both_views(space):
    path, net, data = space
    found, missing = views(path)
    assert [view.key for view in found] == ["cones", "outputs"] and missing == []
    dots = [t for t in found[1].steps[0]["traces"] if t["name"] == "1"]
    drawn = np.array([dots[0][k] for k in "xyz"]).T
    np.testing.assert_allclose(drawn, net(data.X)[data.y == 1], atol=1e-4)


def test_a_standardised_study_has_views_of_what_its_network_reads(tmp_path):
    path, net, data = run_in_space(tmp_path / "study", study=True)
    found, missing = views(path)
    assert [view.key for view in found] == ["cones", "outputs"] and missing == []
    dots = [t for t in found[1].steps[0]["traces"] if t["name"] == "1"]
    drawn = np.array([dots[0][k] for k in "xyz"]).T
    np.testing.assert_allclose(drawn, net(data.X)[data.y == 1], atol=1e-4)


def test_a_study_whose_data_are_gone_has_views_of_those_that_it_keeps(tmp_path):
    path, _, _ = run_in_space(tmp_path / "study", study=True)

    def moved(source, **given):
        return load_data("absent.csv" if source == "clusters" else source, **given)

    assert [view.key for view in views(path, moved)[0]] == ["cones", "outputs"]
    (path / "data.npz").unlink()
    assert views(path, moved) == ([], ["network-0.npz: the data, clusters, can no longer be read"])


def test_the_cone_is_where_all_units_are_off(space):
    _, _, data = space
    # W x + b <= 0 is the octant below 1/2.
    net = ReLUNetwork([np.eye(3), np.eye(3)], [np.full(3, -0.5), np.zeros(3)])
    (step,) = _cones(net, data, "").steps
    shade = step["traces"][0]
    inside = (data.X <= 0.5).all(axis=1)
    assert shade["type"] == "mesh3d" and not inside.any()
    assert step["name"] == "Layer 1 collapses no point"
    corners = np.array([shade[k] for k in "xyz"]).T
    assert corners.max() == pytest.approx(0.5) and (corners.max(axis=0) == corners.max()).all()
    # every face lies in a plane where a unit turns on
    for face in zip(*(shade[k] for k in "ijk"), strict=True):
        assert np.isclose(corners[[*face]], 0.5).all(axis=0).any()


def test_a_layer_is_told_with_what_it_collapses():
    data = datasets.clusters(rng=0)
    for level, told in [
        (0.5, "class 0"),
        (data.X[data.y == 0, 0].mean(), "part of class 0"),
        (9.0, "200 points of 2 classes"),
    ]:
        # On the first axis the layer is off below the level, on the third below 1/2.
        net = ReLUNetwork([np.eye(3), np.eye(3)], [[-1.5, -9.0, -0.5], np.zeros(3)])
        if told != "200 points of 2 classes":
            net = ReLUNetwork([np.diag([-1, 1, 1]), np.eye(3)], [[level, -9, -9], np.zeros(3)])
        (step,) = _cones(net, data, "").steps
        assert step["name"] == f"Layer 1 collapses {told}"


def test_a_layer_without_a_cone_shows_the_data_alone():
    data = datasets.clusters(rng=0)
    W = np.vstack([np.eye(3), -np.eye(3)])
    net = ReLUNetwork([W, np.ones((3, 6))], [np.ones(6) * 9, np.zeros(3)])
    view = _cones(net, data, "")
    assert view.steps[0]["name"] == "Layer 1 has no cone here"
    assert {trace["type"] for trace in view.steps[0]["traces"]} == {"scatter3d"}
    assert "more dimensions" in view.note


def test_views_are_plain_json(space):
    for view in views(space[0])[0]:
        json.dumps(view._asdict(), allow_nan=False)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1.0, 1e20, 1e300])
def test_at_every_size_a_view_is_plain_json_or_refused(scale):
    data = datasets.clusters(rng=0)
    net = ReLUNetwork([np.eye(3), np.eye(3)], [np.full(3, -0.5 * scale), np.zeros(3)])
    data = data._replace(X=data.X * scale)
    for view in (_cones, _outputs):
        if scale > 1e30:
            with pytest.raises(ValueError, match="too large to be drawn"):
                view(net, data, "")
        else:
            json.dumps(view(net, data, "")._asdict(), allow_nan=False)


@pytest.mark.parametrize("points", [1, 2])
def test_few_points_and_equal_ones_have_views(points):
    data = datasets.clusters(rng=0)
    data = data._replace(X=np.ones((points, 3)), y=np.arange(points))
    net = ReLUNetwork([np.eye(3), np.zeros((3, 3))], [np.full(3, -2.0), np.zeros(3)])
    (step,) = _cones(net, data, "").steps
    assert step["name"].startswith("Layer 1 collapses") and len(step["traces"]) >= points
    json.dumps(_cones(net, data, "")._asdict(), allow_nan=False)


# Bad input


def test_without_the_same_data_or_network_there_is_no_view(space, tmp_path):
    path = space[0]
    found, missing = views(path, lambda source, **given: load_data("clusters", seed=1))
    assert found == [] and "the data are not those" in missing[0]
    found, missing = views(path, lambda source, **given: load_data("absent.csv"))
    assert missing == ["network.npz: the data, clusters, can no longer be read"] and not found
    other, net, _ = run_in_space(tmp_path / "other")
    save(ReLUNetwork(net.weights, [b + 1 for b in net.biases]), other / "network.npz")
    found, missing = views(other)
    assert found == [] and "the network is not the one" in missing[0]


def test_a_certificate_that_is_none_is_told(space, tmp_path):
    path, _, _ = run_in_space(tmp_path / "run")
    (path / "certificate.json").write_text('{"widths": "x"}')
    found, missing = views(path)
    assert found == [] and missing[0].startswith("network.npz: ")


def test_runs_in_other_dimensions_have_no_view_and_nothing_to_say(tmp_path):
    assert views(stored_run(tmp_path / "a")) == ([], [])


def test_files_outside_of_the_folder_make_no_view(space, tmp_path):
    written = json.loads((space[0] / "run.json").read_text())["written"]
    path = stored_run(tmp_path / "a")
    told = json.loads((path / "run.json").read_text())
    away = os.path.relpath(space[0], path)
    told["written"] |= {f"{away}/{name}": found for name, found in written.items()}
    told["arguments"]["data"] = "clusters"
    (path / "run.json").write_text(json.dumps(told))
    assert views(path) == ([], [])
    for name in ("certificate.json", "network.npz"):
        path, _, _ = run_in_space(tmp_path / name)
        (path / name).unlink()
        (path / name).symlink_to(space[0] / name)
        found, missing = views(path)
        assert found == [] and f"{name} is no file in the folder of the run" in missing[0]


@pytest.mark.parametrize("targets", [5, True, ["1,0"]])
def test_targets_that_are_no_text_are_data_that_cannot_be_read(tmp_path, targets):
    path, _, _ = run_in_space(tmp_path / "run")
    told = json.loads((path / "run.json").read_text())
    told["arguments"]["targets"] = targets
    (path / "run.json").write_text(json.dumps(told))
    assert views(path)[1] == ["network.npz: the data, clusters, can no longer be read"]
