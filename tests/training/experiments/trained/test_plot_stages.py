"""Figures of truncated data, cones and outputs."""

import numpy as np
import pytest

from geomcore import ReLUNetwork
from geomcore.projection import fit_projection
from training.experiments.trained.measures import layer_rows
from training.experiments.trained.plot_stages import (
    figure_of_cones,
    figure_of_outputs,
    figure_of_stages,
)
from training.experiments.trained.views import view


def seen_of(found, name):
    return view(found.last(name), found.digits.X, found.layers_of(name), name=name)


def test_every_stage_is_drawn_in_three_projections_with_its_defect(found):
    fig = figure_of_stages(seen_of(found, "mse"), found.digits.y)
    assert len(fig.axes) == 3 * 4
    assert fig.axes[0].get_title() == "data"
    for ax in fig.axes[1:4]:
        assert "rank 24 of 24" in ax.get_title() and "defect" in ax.get_title()
    labels = [fig.axes[4 * k].get_ylabel() for k in range(3)]
    assert labels == ["PCA of the data", "PCA of the truncated data", "plane of the class means"]
    drawn = np.vstack([c.get_offsets() for c in fig.axes[0].collections])
    expected = fit_projection(found.digits.X)(found.digits.X)
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(expected, axis=0))


def test_cones_have_a_base_and_an_edge_for_each_unit(found):
    seen = seen_of(found, "constructed")
    fig = figure_of_cones(seen, found.digits.y)
    for l, ax in enumerate(fig.axes):
        (star,) = [line for line in ax.lines if line.get_marker() == "*"]
        projection = fit_projection(seen.stages[l])
        np.testing.assert_allclose(star.get_xydata()[0], projection(seen.bases[l][None])[0])
        edges = [line for line in ax.lines if line is not star]
        assert len(edges) == 24 and {line.get_linestyle() for line in edges} == {"-"}
        assert "aperture" in ax.get_title() and "in S₋: 100% of" in ax.get_title()


def test_vectors_that_are_no_edges_are_dashed_and_called_so():
    net = ReLUNetwork([np.eye(2), [[1, 1], [-1, -1]], np.eye(2)], [[0, 0], [-1, 0], [0, 0]])
    X, y = np.array([[2.0, 3.0], [1.0, 5.0]]), np.array([0, 1])
    seen = view(net, X, layer_rows(net, X, y, 2)[0], name="mse")
    first, second = figure_of_cones(seen, y).axes
    assert "no cone" not in first.get_title() and "in S₋: nothing" in first.get_title()
    assert "no cone" in second.get_title() and "largest angle" in second.get_title()
    assert {line.get_linestyle() for line in second.lines[:-1]} == {":"}
    assert "no cone" in figure_of_stages(seen, y).axes[2].get_title()


def test_three_outputs_are_drawn_in_three_dimensions(found):
    fig = figure_of_outputs(found)
    assert [ax.get_title() for ax in fig.axes] == ["constructed", "squared error", "cross-entropy"]
    assert all(ax.name == "3d" and ax.get_xlabel() == "output for 0" for ax in fig.axes)
    # Logits have no targets.
    assert [len(ax.lines) for ax in fig.axes] == [1, 1, 0]


@pytest.mark.parametrize(
    ("Q", "name", "label"), [(2, "rectilinear", "output for 0"), (4, "3d", "direction 1")]
)
def test_other_numbers_of_outputs_are_drawn_as_they_can(found, Q, name, label):
    rng = np.random.default_rng(0)
    net = ReLUNetwork(
        [rng.normal(size=(24, 24)), rng.normal(size=(Q, 24))], [np.ones(24), np.zeros(Q)]
    )
    digits = found.digits._replace(chosen=tuple(range(Q)), y=np.arange(len(found.digits.y)) % Q)
    fig = figure_of_outputs(found._replace(digits=digits, networks={("mse", 0.1): net}))
    (ax,) = fig.axes
    assert ax.name == name and ax.get_xlabel() == label
