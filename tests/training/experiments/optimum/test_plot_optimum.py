"""The pictures of `geomcore optimum`."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from constructions import regularisation_path
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from training.experiments.optimum import plot_networks, plot_optimum
from training.experiments.optimum.dual import dual_of
from training.experiments.optimum.random_starts import Ends


def drawn(X, y, decays=(0.1, 0.01), targets=None):
    """Keys and figures for some data, with runs that are made up."""
    labels = as_labels(y, len(X), targets=targets)
    path = regularisation_path(X, y, decays, gap=0.01, targets=targets)
    duals = [dual_of(best, X, labels.Y) for best in path.optima]
    found = [
        Ends(best.weight_decay, width, [], np.array([best.loss, 1.5 * best.loss, np.inf]))
        for best in path.optima
        for width in (2, 5)
    ]
    figures = plot_optimum.figures(path, X, labels, np.ndim(y) == 1, duals, found)
    return {key: fig for key, fig, caption, alt in figures if caption and alt}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_on_a_line_curves_go_through_their_kinks():
    X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    found = drawn(X, abs(X))
    assert list(found) == ["path", "functions", "circle", "runs"]
    (axes, _) = found["functions"].axes
    data, curve, ticks = axes.lines
    np.testing.assert_array_equal(data.get_ydata(), abs(X[:, 0]))
    assert set(ticks.get_xdata()) <= set(curve.get_xdata())
    curves = [line for line in found["circle"].axes[0].lines if len(line.get_xdata()) > 100]
    assert len(curves) == 2 and max(c.get_ydata().max() for c in curves) <= 1 + 1e-12
    dots = [len(line.get_xdata()) for line in found["runs"].axes[0].lines[:2]]
    assert dots == [3, 3]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classes", "one output", "values", "two values"])
def test_in_the_plane(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 2))
    y = np.where(X[:, 0] > 0, "a", "b")
    if kind in ("values", "two values"):
        y = X[:, :1] ** 2 if kind == "values" else X**2
    found = drawn(X, y, targets=[[0.0], [1.0]] if kind == "one output" else None)
    assert list(found) == ["path", "planes", "sphere-1", "sphere-2", "runs"]
    for fig in found.values():
        fig.canvas.draw()


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[0.0, 0.0]], [[1.0]]),
        ([[0.0, 0.0], [0.0, 0.0]], [0, 1]),
        ([[0.0], [0.0]], [[1.0], [1.0]]),
        ([[1e8, 1.0], [1e8, 2.0], [-1e8, 0.0]], [0, 1, 1]),
    ],
)
def test_networks_without_neurons_and_flat_data_are_drawn(X, y):
    for fig in drawn(np.array(X), np.array(y), decays=(0.5,)).values():
        fig.canvas.draw()


def test_lines_are_where_the_neurons_switch():
    net = ReLUNetwork(
        [[[3.0, 4.0], [0.0, 0.0], [1e-200, 0.0]], [[1.0, 1.0, 1.0]]], [[-5.0, 1.0, 0.0], [0.0]]
    )
    first, last = plot_networks.lines_of(net)
    for point in first:
        assert np.dot([3, 4], point) == pytest.approx(5)
    assert first[0] != first[1] and last[0][0] == last[1][0] == 0
    line = ReLUNetwork([[[2.0], [0.0]], [[1.0, 1.0]]], [[-1.0, 1.0], [0.0]])
    assert plot_networks.kinks_of(line).tolist() == [0.5]


def test_of_many_weight_decays_some_are_shown():
    assert plot_networks.chosen(list(range(9))) == [0, 3, 5, 8]
    assert plot_networks.chosen([1, 2]) == [1, 2]
