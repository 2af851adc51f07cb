"""The figures of a case: which there are, and that their captions are true."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from constructions import construct
from geomcore import PolyhedralCone, datasets
from geomcore.datasets.dataset import Dataset
from geomcore.network import ReLUNetwork
from training.commands.cases.case import Case
from training.experiments.plot_case import (
    MOST_POINTS,
    figure_of_cones,
    some_points,
    study_figures,
)
from training.output.folder import RunFolder
from training.study.study import perturbation_study


def told(case, key):
    """The picture of a case with this key."""
    (found,) = [one for one in case.figures if one.stem == f"{case.name}-{key}"]
    return found


# By hand


def test_caption_says_that_no_point_is_in_between_only_if_that_is_so(tmp_path):
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(20, 4)), rng.normal(size=(20, 4)) + 20])
    y = np.repeat([0, 1], 20)
    solved = Case(Dataset(X, y, "solved", {}))
    solved.construct("sequential")
    solved.verify()
    net = ReLUNetwork([np.eye(4), np.eye(2, 4)], [np.zeros(4), np.zeros(2)])
    mixed = Case(Dataset(X, y, "mixed", {}), network=net)
    for case in (solved, mixed):
        with RunFolder(tmp_path / case.name, "verify", {}, 0) as run:
            case.draw(run)
    captions = [told(case, "sectors").caption for case in (solved, mixed)]
    assert "No point is in between" in captions[0]
    assert "No point is in between" not in captions[1]


@pytest.mark.parametrize(("scale", "is_told"), [(1e-13, True), (0.1, False)])
def test_captions_tell_that_losses_are_drawn_higher_than_they_are_only_if_some_are(scale, is_told):
    net = ReLUNetwork([np.eye(2), np.eye(2)], [np.ones(2), -np.ones(2)])
    X = np.array([[0.0, 1.0], [1.0, 0.0]])
    study = perturbation_study(net, X, X, scales=[scale], trials=2, steps=0, progress=False)
    for _, fig, caption, _ in study_figures(study):
        assert ("below 1e-20 are drawn at it" in caption) == is_told
        plt.close(fig)


def test_a_network_that_decides_about_no_point_has_no_strips_of_margins(tmp_path):
    # As trained networks are: of twelve units hardly ever all are on, or all off.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 4)), np.arange(30) % 2
    net = ReLUNetwork(
        [rng.normal(size=(12, 4)), rng.normal(size=(2, 12))], [rng.normal(size=12), np.zeros(2)]
    )
    case = Case(Dataset(X, y, "trained", {}), network=net)
    with RunFolder(tmp_path / "run", "verify", {}, 0) as run:
        case.draw(run)
    assert [one.stem for one in case.figures] == [
        "trained-data",
        "trained-truncation",
        "trained-outputs",
    ]


@pytest.mark.parametrize("d", [2, 3])
def test_titles_of_cones_are_apart_however_long_the_names_of_the_classes(d):
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(8, d)) + 20 * axis for axis in np.eye(3, d)])
    y = np.repeat(
        [
            "Escherichia coli O157:H7 (enterohaemorrhagic)",
            "Saccharomyces cerevisiae boulardii",
            "c$",
        ],
        8,
    )
    made = construct(X, y)
    fig = figure_of_cones(Dataset(X, y, "named", {}), made.network, made.layers)
    fig.canvas.draw()
    boxes = [ax.title.get_window_extent() for ax in fig.axes]
    assert len(boxes) > 1
    assert not any(one.overlaps(two) for one in boxes for two in boxes if one is not two)
    plt.close("all")


def test_cones_have_their_tip_marked_and_are_seen_nearly_along_their_axis():
    data = datasets.clusters(10, rng=0)
    case = Case(data)
    case.construct("clustered")
    layers = case.construction.layers
    fig = figure_of_cones(data, case.network, layers)
    for ax, layer in zip(fig.axes, layers, strict=True):
        cone = PolyhedralCone.from_layer(layer.W, layer.b)
        np.testing.assert_allclose(np.ravel(ax.collections[-1]._offsets3d), cone.base)
        x, y = np.radians([ax.elev, ax.azim])
        view = [np.cos(x) * np.cos(y), np.cos(x) * np.sin(y), np.sin(x)]
        axis = -(cone.edges / np.linalg.norm(cone.edges, axis=1, keepdims=True)).sum(axis=0)
        assert view @ axis / np.linalg.norm(axis) > np.cos(np.radians(20))
        assert all(len(axis.get_majorticklocs()) <= 5 for axis in (ax.xaxis, ax.yaxis, ax.zaxis))
    plt.close(fig)


def test_every_picture_says_in_words_what_is_in_it(tmp_path):
    case = Case(datasets.clusters(10, rng=0))
    case.construct("clustered")
    case.verify()
    case.perturb(scales=[0.1], trials=3, steps=2, seed=0)
    with RunFolder(tmp_path / "run", "quickstart", {}, 0) as run:
        case.draw(run)
    assert "30 points in 3 classes: 0 (10), 1 (10), 2 (10)" in told(case, "cones").alt
    assert "the cone of layer 2 holds the 10 points of class 1" in told(case, "cones").alt
    assert "layer 3 makes one point of class 2; in the end every" in told(case, "truncation").alt
    assert "none nearer to another" in told(case, "outputs").alt
    assert "λ 0.1: " in told(case, "return").alt
    assert len({one.alt for one in case.figures}) == len(case.figures)


def test_large_data_are_thinned_for_pictures_with_every_class_kept_and_said(tmp_path):
    X = np.random.default_rng(0).normal(size=(MOST_POINTS + 50, 2))
    y = np.r_[np.zeros(len(X) - 1), 1]
    some = some_points(Dataset(X, y, "large", {}))
    assert some.X.shape == (MOST_POINTS, 2)
    assert set(some.y) == {0, 1}
    case = Case(Dataset(X, y, "large", {}), network=ReLUNetwork([np.eye(2)], [[0, 0]]))
    with RunFolder(tmp_path / "run", "verify", {}, 0) as run:
        case.draw(run)
    assert "4,000 points chosen at random" in told(case, "data").caption
