import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from mpl_toolkits.mplot3d import proj3d

from geomcore import CircularCone, PolyhedralCone
from geomcore.plot import (
    class_style,
    plot_cones,
    plot_data,
    plot_outputs,
    plot_return,
    plot_truncation,
)
from geomcore.plot.style import lay_out
from geomcore.projection import fit_projection


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


def labelled(d, classes=3, n=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), np.arange(n) % classes


def drawn_points(ax):
    """Coordinates of everything scattered, class by class."""
    return [np.asarray(c.get_offsets()) for c in ax.collections]


# By hand


def test_points_of_the_plane_are_drawn_where_they_are():
    X, y = labelled(2)
    ax = plot_data(X, y)
    for j, points in enumerate(drawn_points(ax)):
        np.testing.assert_array_equal(points, X[y == j])


def test_points_of_space_are_drawn_where_they_are():
    X, y = labelled(3)
    ax = plot_data(X, y)
    assert ax.name == "3d"
    for j, points in enumerate(ax.collections):
        np.testing.assert_allclose(np.column_stack(points._offsets3d), X[y == j])


def test_points_of_many_dimensions_are_drawn_by_their_principal_components():
    X, y = labelled(6)
    expected = fit_projection(X)(X)
    for j, points in enumerate(drawn_points(plot_data(X, y))):
        np.testing.assert_allclose(points, expected[y == j])


def test_a_cone_in_the_plane_is_filled_behind_its_base():
    ax = plot_data([[-1, -1], [1, 1]], [0, 1])
    ((patch,),) = plot_cones(
        [PolyhedralCone([0, 0], [[1, 0], [0, 1]])], ax=ax, box=[[-1, 1], [-1, 1]]
    )
    corners = {tuple(c) for c in np.round(patch.get_xy(), 12)}
    assert corners == {(0, 0), (-1, 0), (-1, -1), (0, -1)}


def test_padded_weights_are_cut_to_the_dimension_of_the_picture():
    ax = plot_data([[-1, -1], [1, 1]], [0, 1])
    flat = plot_cones([([[1, 0], [0, 1]], [0, 0])], ax=ax)[0][0].get_xy()
    padded = plot_cones([([[1, 0, 7], [0, 1, 8]], [0, 0])], ax=ax)[0][0].get_xy()
    np.testing.assert_array_equal(flat, padded)


def test_a_circular_cone_is_filled_between_its_two_rays():
    cone = CircularCone([0.5, 0], [1, 0], np.pi / 2)
    ax = plot_data([[-1, -1], [1, 1]], [0, 1])
    ((patch,),) = plot_cones([cone], ax=ax, box=[[-0.5, 1], [-1, 1]])
    corners = {tuple(c) for c in np.round(patch.get_xy(), 9)}
    assert corners == {(0.5, 0), (-0.5, 1), (-0.5, -1)}


def test_points_of_a_line_have_one_row_per_class_that_bears_its_name():
    ax = plot_data([[1.0], [2.0], [3.0]], ["bee", "ant", "bee"])
    np.testing.assert_array_equal(np.vstack(drawn_points(ax)), [[2, 0], [1, 1], [3, 1]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ant", "bee"]
    assert ax.get_ylabel() == "class"


# Laws


def test_a_class_has_the_same_colour_in_every_picture():
    X, y = labelled(2)
    axes = [
        plot_data(X, y),
        plot_truncation([X], y).axes[0],
        plot_data(*labelled(5)),
        plot_data(*labelled(3)),
    ]
    for ax in axes:
        colors = [to_hex(c.get_facecolor()[0]).upper() for c in ax.collections]
        assert colors == [class_style(j)[0] for j in range(3)]


def test_a_hundred_classes_have_a_hundred_styles_and_ten_differ_in_both():
    assert len({class_style(j) for j in range(100)}) == 100
    assert len({class_style(j)[0] for j in range(10)}) == 10
    assert len({class_style(j)[1] for j in range(10)}) == 10


@pytest.mark.parametrize("d", [2, 3])
def test_a_unit_has_the_same_length_on_every_axis(d):
    X, y = labelled(d)
    ax = plot_data(X * np.arange(1, d + 1), y)
    ax.figure.canvas.draw()
    if d == 2:
        steps = np.diff(ax.transData.transform([[0, 0], [1, 0], [0, 1]])[[0, 1, 0, 2]], axis=0)
        assert np.linalg.norm(steps[0]) == pytest.approx(np.linalg.norm(steps[2]), rel=1e-6)
    else:
        sizes = [np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim()), np.ptp(ax.get_zlim())]
        ratios = ax._box_aspect / sizes
        np.testing.assert_allclose(ratios, ratios[0])
        assert proj3d.proj_transform(0, 0, 0, ax.get_proj())


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_points_are_drawn_too(d, n):
    if d > 3 and n == 0:
        with pytest.raises(ValueError, match="X must hold at least one point"):
            plot_data(np.empty((0, d)), [])
        return
    ax = plot_data(np.ones((n, d)), np.arange(n))
    assert len(ax.collections) == n


def test_pictures_go_into_given_axes_and_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("a picture was shown"))
    X, y = labelled(2)
    _, axes = plt.subplots(1, 3)
    assert plot_data(X, y, ax=axes[0]) is axes[0]
    assert plot_outputs(np.eye(3)[y], y, ax=axes[1]) is axes[1]
    assert plot_return([0, 1], [1, 0], [[1, 1], [0, 0]], ax=axes[2]) is axes[2]
    assert len(plt.get_fignums()) == 1


def test_a_cone_beside_the_data_draws_nothing():
    ax = plot_data([[-1, -1], [1, 1]], [0, 1])
    assert plot_cones([([[1, 0]], [50])], ax=ax) == [[]]


# Bad input


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: plot_data([[1, 2]], [0, 1]), "y must have one label per point"),
        (lambda: plot_data([[1, 2, 3]], [0], ax=plt.subplots()[1]), "ax must have 3 dimensions"),
        (lambda: plot_cones([], ax=plt.subplots()[1]), "cones must hold"),
        (
            lambda: plot_cones([([[1.0]], [0])], ax=plt.subplots()[1]),
            "W must have at least 2 columns",
        ),
        (
            lambda: plot_cones([([[1, 0]], [0])], ax=plt.subplots()[1], classes=[0, 1]),
            "classes must have one entry per cone",
        ),
    ],
)
def test_wrong_calls_say_what_is_wrong(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("name", ["a", "a name of a class that is as long as a sentence"])
def test_long_names_and_flat_data_leave_the_picture_its_room(name):
    X = np.array([[0.0, 0.0], [4.0, 1.0], [2.0, 0.5]])
    short, own = (plot_data(X, [label, label, "b"]) for label in ("a", name))
    for ax in (short, own):
        lay_out(ax.figure)
        ax.figure.canvas.draw()
    boxes = [ax.get_window_extent() for ax in (short, own)]
    assert boxes[1].width > 0.9 * boxes[0].width
    # the label of the axis is inside of the figure, and flat data have a flat picture
    assert own.yaxis.label.get_window_extent().x0 >= 0
    assert own.figure.get_figheight() < 2.5
