"""What a picture of regions says is what the network answers there."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import random_network
from matplotlib.colors import LogNorm

from geomcore import ReLUNetwork, input_jacobians, linear_regions
from training.experiments.regions.pieces import answers
from training.experiments.regions.plane import plane_of
from training.experiments.regions.plot_found import figures, norm_of, steepness


def test_answers_and_steepness_are_those_of_the_network():
    net = random_network((4, 6, 6, 3), 0, scaled=True)
    X = np.random.default_rng(1).normal(size=(30, 4))
    plane = plane_of(4, X)
    found = linear_regions(net, plane.box, plane.origin, 2 * plane.basis)
    points = found.points(found.centroids)
    np.testing.assert_array_equal(answers(found), net(points).argmax(axis=1))
    # lengths are those of input space, whatever the length of the basis
    slopes = input_jacobians(net, points) @ plane.basis.T
    np.testing.assert_allclose(steepness(found), np.linalg.norm(slopes, 2, axis=(1, 2)), rtol=1e-9)


def test_both_figures_with_one_output_and_with_classes():
    for widths, names in (((2, 6, 1), None), ((2, 6, 3), ["a", "b", "c"])):
        net = random_network(widths, 0, scaled=True, bias=0.3)
        X = np.random.default_rng(1).normal(size=(30, 2))
        plane = plane_of(2, X)
        found = linear_regions(net, plane.box)
        drawn = list(figures(found, plane, np.arange(30) % 3, names))
        assert [key for key, *_ in drawn] == ["answers", "steepness"]
        for _, fig, caption, alt in drawn:
            assert caption and alt and fig.axes[0].get_xlabel() == "x1"
            fig.canvas.draw()
            plt.close(fig)


@pytest.mark.parametrize("box", [[(-1, 1), (-1, 1)], [(0, 3), (0, 1)], [(0, 1), (0, 900)]])
def test_both_figures_have_the_plane_at_the_same_place(box):
    net = random_network((2, 6, 3), 0, scaled=True, bias=0.3)
    plane = plane_of(2, box=box)
    found = linear_regions(net, plane.box)
    places = []
    for _, fig, *_ in figures(found, plane, None, ["a", "b" * 25, "c" * 90]):
        fig.canvas.draw()
        ax = fig.axes[0]
        inches = ax.get_position().bounds * np.tile(fig.get_size_inches(), 2)
        places.append([*inches, *fig.get_size_inches()])
        # nothing is cut off: legend, bar and ticks are inside of the figure
        room, whole = ax.get_tightbbox(), fig.bbox
        assert room.x0 >= 0 and room.y0 >= 0
        assert room.x1 <= whole.x1 and room.y1 <= whole.y1
        plt.close(fig)
    np.testing.assert_allclose(*places)


def color_at(collection, point):
    """Of the last polygon of a collection in which a point lies."""
    holds = [path.contains_point(point) for path in collection.get_paths()]
    return collection.get_facecolor()[np.flatnonzero(holds)[-1], :3]


@pytest.mark.parametrize(
    ("targets", "names", "level", "told"),
    [
        (None, None, 0.0, ["negative", "positive"]),
        ([[0.0], [1.0]], ["cat", "dog"], 0.5, ["cat", "dog"]),
        ([[1.0], [0.0]], ["cat", "dog"], 0.5, ["cat", "dog"]),
    ],
)
def test_colours_change_where_the_answer_does(targets, names, level, told):
    # the output is max(x1, 0) - max(-x1, 0) = x1, in two regions; with classes, else x1 - 0.5
    bias = level - 0.5
    net = ReLUNetwork([[[1.0, 0.0], [-1.0, 0.0]], [[1.0, -1.0]]], [[0.0, 0.0], [bias]])
    plane = plane_of(2, box=[(-1, 1), (-1, 1)])
    given = () if targets is None else (np.array(targets),)
    _, fig, _, _ = next(iter(figures(linear_regions(net, plane.box), plane, None, names, *given)))
    areas, boundary = fig.axes[0].collections
    low, high = (color_at(areas, (0.5 + side, 0.3)) for side in (-0.1, 0.1))
    assert np.abs(low - high).max() > 0.1
    ends = np.concatenate(boundary.get_segments())
    np.testing.assert_allclose(ends[:, 0], 0.5, atol=1e-12)
    handles = {
        text.get_text(): handle
        for text, handle in zip(
            fig.axes[0].get_legend().get_texts(),
            fig.axes[0].get_legend().get_patches(),
            strict=True,
        )
    }
    assert list(handles) == told
    first, second = (np.array(handles[name].get_facecolor()[:3]) for name in told)
    is_turned = targets is not None and targets[0] > targets[1]
    for seen, wanted in zip(
        (low, high), (second, first) if is_turned else (first, second), strict=True
    ):
        assert np.abs(seen - wanted).max() < 0.07  # but for the two shades
    plt.close(fig)


def test_the_edge_of_a_region_with_output_zero_is_drawn():
    net = ReLUNetwork([[[1.0, 0.0]], [[1.0]]], [[0.0], [0.0]])  # max(x1, 0)
    plane = plane_of(2, box=[(-1, 1), (-1, 1)])
    _, fig, _, _ = next(iter(figures(linear_regions(net, plane.box), plane)))
    (segment,) = fig.axes[0].collections[1].get_segments()
    np.testing.assert_allclose(segment[:, 0], 0, atol=1e-12)
    plt.close(fig)


def steep_step(slope):
    """0 on the left, a step of height 1 at x = 0.25, then slope 1."""
    W = [[slope, 0.0], [slope, 0.0], [1.0, 0.0]]
    return ReLUNetwork([W, [[1.0, -1.0, 1.0]]], [[-slope / 4, -slope / 4 - 1, -0.25], [0.0]])


def test_colours_are_for_what_most_of_the_area_has():
    plane = plane_of(2, box=[(-1, 1), (-1, 1)])
    found = linear_regions(steep_step(1e10), plane.box)
    steep = steepness(found)
    assert steep.max() > 1e9 and (steep == 0).any()
    norm = norm_of(found, steep)
    assert not isinstance(norm, LogNorm) and (norm.vmin, norm.vmax) == (0, 1)
    *_, (_, fig, caption, _) = figures(found, plane)
    assert "1e+10" in caption and "is steeper" in caption and "are lines" in caption
    # the steepest is drawn last, as a line that is seen
    drawn = fig.axes[0].collections[0]
    assert drawn.get_array()[-1] == steep.max() and drawn.get_linewidth()[0] > 0
    plt.close(fig)
    # slopes 1 and 1000 on halves of the plane are told apart, and zero is white
    W = [[1.0, 0.0], [999.0, 0.0]]
    net = ReLUNetwork([W, [[1.0, 1.0]]], [[0.5, -300.0], [0.0]])
    found = linear_regions(net, plane.box)
    norm = norm_of(found, steepness(found))
    assert isinstance(norm, LogNorm) and norm.vmin == pytest.approx(1)
    assert norm.vmax == pytest.approx(1000)
    *_, (_, fig, caption, _) = figures(found, plane)
    assert "white: it is zero (25.0% of the area)" in caption and "steeper" not in caption
    fig.canvas.draw()
    colors = fig.axes[0].collections[0].get_facecolor()
    assert (colors[0] == 1).all() and not (colors[-1] == 1).all()
    plt.close(fig)


def test_norms_that_differ_little_have_all_colours():
    plane = plane_of(2, box=[(-1, 1), (-1, 1)])
    net = ReLUNetwork([np.eye(2), [[1.0, 2.0]]], [[3.0, -0.999], [0.0]])  # steeper on 1/2000
    found = linear_regions(net, plane.box)
    norm = norm_of(found, steepness(found))
    assert (norm.vmin, norm.vmax) == pytest.approx((1.0, 5**0.5))


def test_the_largest_norms_are_floats():
    net = random_network((2, 6, 2), 0, scaled=True)
    huge = ReLUNetwork([W * 1e150 for W in net.weights], [b * 1e150 for b in net.biases])
    plane = plane_of(2, box=[(-1, 1), (-1, 1)])
    found = linear_regions(huge, plane.box)
    assert np.isfinite(steepness(found)).all() and steepness(found).max() > 1e299


def test_a_network_without_slope_is_drawn():
    plane = plane_of(2, box=[(-1, 1), (-1, 1)])
    net = ReLUNetwork([np.zeros((2, 2)), np.zeros((1, 2))], [np.ones(2), [1.0]])
    for _, fig, caption, _ in figures(linear_regions(net, plane.box), plane):
        fig.canvas.draw()
        assert caption.endswith(".")
        plt.close(fig)
