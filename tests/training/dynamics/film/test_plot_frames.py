"""The pictures of a film: what moves, what stands still, and what is said of it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import random_network, random_points
from matplotlib.colors import to_rgb

from geomcore import ReLUNetwork
from geomcore.plot.style import class_style
from training.dynamics.film.plot_frames import Stage, still_of, strip_of
from training.dynamics.film.reel import Frame
from training.dynamics.film.scenes import scenes_of

X, Y = random_points(30, 2), np.arange(30) % 3
DEFICIENT = ReLUNetwork([np.eye(2), [[1, 1], [-1, -1]], np.eye(2)], [[0, 0], [-1, 0], [0, 0]])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def scenes(*nets, X=X, y=Y, **options):
    frames = [Frame(100 * i, 0.5**i, net) for i, net in enumerate(nets)]
    return scenes_of(frames, X, y, **options)


def moving(n=5, widths=(2, 2, 2, 3)):
    net, other = random_network(widths, 4), random_network(widths, 5)
    pairs = list(zip(net.tensors, other.tensors, strict=True))
    return [net.rebuild([p + t * q for p, q in pairs]) for t in np.arange(n) / n]


@pytest.fixture(scope="module")
def stage():
    return Stage(scenes(*moving()), "digits")


def test_points_bases_and_edges_are_where_the_scene_has_them(stage):
    for i in (3, 0):
        stage.pixels(i)
        scene = stage.scenes.frames[i]
        for at, panel in enumerate(stage.panels):
            drawn = np.vstack(
                [np.column_stack(lines.get_data()) for lines in (*panel.after, *panel.piles)]
            )
            expected = {tuple(p) for p in scene.after[at]}
            assert {tuple(p) for p in drawn} == expected
            np.testing.assert_array_equal(np.ravel(panel.base.get_data()), scene.base[at])
            for ray, edge in zip(panel.edges.get_segments(), scene.edges[at], strict=True):
                along = (ray[1] - ray[0]) / np.linalg.norm(ray[1] - ray[0])
                np.testing.assert_allclose(along, edge, atol=1e-9)
                np.testing.assert_array_equal(ray[0], scene.base[at])
            for ray, edge in zip(panel.opposite.get_segments(), scene.edges[at], strict=True):
                assert (ray[1] - ray[0]) @ edge < 0


def test_step_loss_rank_and_defect_are_told(stage):
    stage.pixels(2)
    assert stage.heading.get_text() == "digits   step       200   loss 2.50e-01"
    for at, panel in enumerate(stage.panels):
        defect = stage.scenes.frames[2].defect[at]
        assert panel.title.get_text() == f"layer {at + 1}\nrank 2 of 2, defect {defect:.0e}"


def test_axes_stay_and_pictures_do_not_remember_earlier_ones(stage):
    first, limits = stage.pixels(0), [ax.axis() for ax in stage.canvas.figure.axes]
    stage.pixels(4)
    assert [ax.axis() for ax in stage.canvas.figure.axes] == limits
    np.testing.assert_array_equal(stage.pixels(0), first)
    np.testing.assert_array_equal(Stage(stage.scenes, "digits").pixels(0), first)


def test_a_picture_is_that_of_a_figure_that_is_drawn_anew(stage):
    quick, fig = stage.pixels(3), stage.canvas.figure
    artists = [stage.heading, *stage.cursors, *(a for p in stage.panels for a in p.artists)]
    for artist in artists:
        artist.set_animated(False)
    stage.canvas.draw()
    slow = np.asarray(stage.canvas.buffer_rgba())[..., :3].copy()
    for artist in artists:
        artist.set_animated(True)
    # Where marks cross the frame of a panel, which is drawn before them, rims may differ.
    assert (quick != slow).any(axis=2).mean() < 0.01 and fig.canvas is stage.canvas


def test_classes_have_their_colours_in_every_frame(stage):
    for i in range(len(stage.scenes.frames)):
        pixels = stage.pixels(i).reshape(-1, 3)
        for q in range(3):
            color = np.round(255 * np.array(to_rgb(class_style(q)[0])))
            assert (pixels == color).all(axis=1).sum() > 20


def test_a_layer_without_a_cone_has_no_edges_and_says_so():
    stage = Stage(scenes(DEFICIENT), "")
    stage.pixels(0)
    first, second = stage.panels
    assert len(first.edges.get_segments()) == 2 and not second.edges.get_segments()
    assert "rank 1 of 2: no cone, defect" in second.title.get_text()
    assert first.base.get_color() != second.base.get_color()


def test_points_outside_of_the_picture_are_counted():
    near, far = (ReLUNetwork([np.eye(2), np.eye(2)], [[-t, -t], [0, 0]]) for t in (1.0, 1e6))
    stage = Stage(scenes(near, far), "")
    stage.pixels(1)
    assert stage.panels[0].outside.get_text() == "outside: base, 30 of 30 points"
    stage.pixels(0)
    assert stage.panels[0].outside.get_text() == ""


def test_a_pile_is_one_large_marker():
    net = ReLUNetwork([np.eye(2), np.eye(2)], [[-9, -9], [0, 0]])
    stage = Stage(scenes(net), "")
    stage.pixels(0)
    panel = stage.panels[0]
    assert [len(line.get_xdata()) for line in panel.piles] == [1, 1, 1]
    assert [len(line.get_xdata()) for line in panel.after] == [0, 0, 0]


def test_the_degrees_below_are_those_of_all_frames(stage):
    grid = [
        ax
        for ax in stage.canvas.figure.axes
        if ax.collections and ax not in [panel.ax for panel in stage.panels]
    ]
    for at, ax in enumerate(grid):
        fills = [c for c in ax.collections if len(c.get_paths())]
        scenes = stage.scenes.frames
        for q, (whole, half) in enumerate(zip(fills[::2], fills[1::2], strict=True)):
            floor = q + 0.42
            for i, scene in enumerate(scenes):
                top = floor - 0.84 * scene.backward[at][q]
                ends = [(floor, top), (top, top - 0.84 * scene.mixed[at][q])]
                for fill, (low, high) in zip((whole, half), ends, strict=True):
                    corners = fill.get_paths()[0].vertices
                    own = corners[corners[:, 0] == i, 1]
                    assert own.max() == pytest.approx(low) and own.min() == pytest.approx(high)
    assert [text.get_text() for text in grid[0].get_xticklabels()] == ["0", "100", "200", "400"]


def test_the_cursor_goes_with_the_frames(stage):
    stage.pixels(4)
    assert [cursor.get_xdata()[0] for cursor in stage.cursors] == [4, 4]


@pytest.mark.parametrize("d", [1, 3, 6])
def test_data_of_any_dimension_are_drawn(d):
    nets, points = moving(2, (d, d, 2, 3)), random_points(30, d)
    made = scenes(*nets, X=points)
    stage = Stage(made, "")
    assert (stage.pixels(0) != stage.pixels(1)).any()
    names = [text.get_text() for text in stage.panels[0].ax.texts]
    assert ("x₃" in names) == (d == 3)


def test_units_are_told_where_numbers_are_no_labels():
    net = ReLUNetwork([np.eye(2), np.eye(2)], [[0, 0], [0, 0]])
    fig = strip_of(scenes(net, X=X * 1e-200))
    assert "in units of 10⁻²⁰⁰" in fig.get_supxlabel()


# The strip


def test_the_strip_has_four_moments_of_each_layer():
    made = scenes(*moving(9))
    fig = strip_of(made, "three classes")
    titles = [ax.get_title(loc="left") for ax in fig.axes]
    assert [t.splitlines()[0] for t in titles[:4]] == [
        "first: step 0, loss 1.0e+00",
        "quarter: step 200, loss 2.5e-01",
        "half: step 400, loss 6.2e-02",
        "last: step 800, loss 3.9e-03",
    ]
    assert all("layer 2" in t and "rank 2 of 2" in t for t in titles[4:])
    assert len({ax.axis() for ax in fig.axes}) == 1
    fig.canvas.draw()


def test_names_that_mean_something_to_matplotlib_are_written_as_they_are():
    y = np.array(["$a_b", "_c", "^"])[Y]
    fig = strip_of(scenes(*moving(2), y=y), "$x$")
    fig.canvas.draw()
    texts = [text.get_text() for text in fig.legends[0].get_texts()]
    assert texts[:3] == [r"class \$a_b", "class ^", "class _c"]


def test_many_points_go_into_vector_files_as_pictures(tmp_path):
    points = random_points(900, 2)
    fig = strip_of(scenes(*moving(2), X=points, y=np.arange(900) % 3))
    fig.savefig(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").stat().st_size < 1_000_000


@pytest.mark.parametrize("hidden", [1, 4, 5, 9])
def test_a_still_has_a_panel_for_each_layer_of_the_last_frame(hidden):
    widths = (2, *[2] * hidden, 3)
    fig = still_of(scenes(*moving(3, widths)))
    titles = [ax.get_title(loc="left") for ax in fig.axes if ax.get_visible()]
    assert [title.splitlines()[0] for title in titles] == [f"layer {l + 1}" for l in range(hidden)]
    assert all("rank 2 of 2" in title for title in titles)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_panel_of_a_still_whose_points_are_far_away_has_axes_of_its_own(d):
    # The base of the second layer is far from the data, and it collapses all of them to it.
    biases = [[9.0] * d, [-900.0] * d, [0.0] * 3]
    net = ReLUNetwork([np.eye(d), np.eye(d), np.ones((3, d))], biases)
    fig = still_of(scenes(net, X=random_points(30, d)))
    near, far = fig.axes[:2]
    assert ["axes of its own" in [t.get_text() for t in ax.texts] for ax in (near, far)] == [
        False,
        True,
    ]
    low, high = far.get_xlim()
    assert high - low > 0 and far.get_xlim() != near.get_xlim()
    shown = [line.get_xdata() for line in far.lines if len(line.get_xdata()) and low < high]
    assert any(((low <= x) & (x <= high)).all() for x in shown)
