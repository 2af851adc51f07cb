"""Every object draws itself, with named axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import random_data, random_network

from geomcore.parameters import move
from training import (
    SGD,
    CurvatureRecorder,
    exact_slice,
    hessian_spectrum,
    loss_slice,
    loss_surface,
    train,
    trajectory_plane,
)

NET = random_network((2, 3, 2), 0)
X, Y = random_data((2, 2), 9, 1)


def drawn():
    v = np.random.default_rng(2).normal(size=NET.parameter_count)
    recorder = CurvatureRecorder(X, Y)
    train(NET, X, Y, optimizer=SGD(0.01), steps=4, record=1, callbacks=recorder)
    plane = trajectory_plane([move(NET, v), move(NET, v[::-1]), NET])
    surface = loss_surface(NET, X, Y, plane.directions, points=5, extent=8.0, steps=2)
    yield "exact", exact_slice(NET, v, X, Y), ()
    yield "grid", loss_slice(NET, X, Y, v), ()
    yield "surface", surface, ()
    yield "trajectory", surface, (plane,)
    yield "spectrum", hessian_spectrum(NET, X, Y), ()
    yield "history", recorder.history(), (0.01,)


@pytest.mark.parametrize(
    ("name", "found", "given"), [*drawn()], ids=lambda v: v if isinstance(v, str) else ""
)
def test_it_draws_itself(name, found, given):
    fig = found.plot(*given)
    assert any(ax.get_xlabel() for ax in fig.axes) and any(ax.get_ylabel() for ax in fig.axes)
    fig.canvas.draw()
    plt.close(fig)


def test_a_trajectory_lies_where_its_networks_are():
    v = np.random.default_rng(2).normal(size=(2, NET.parameter_count))
    plane = trajectory_plane([move(NET, v[0]), move(NET, v[1]), NET])
    fig = loss_surface(NET, X, Y, plane.directions, points=3, extent=9.0).plot(plane)
    line = next(line for line in fig.axes[0].lines if len(line.get_xdata()) == 3)
    np.testing.assert_allclose(np.transpose(line.get_data()), plane.coordinates, atol=1e-12)
    told = "run: 100.000% of its squared distances in the plane, at most"
    assert fig.get_suptitle().startswith(told)
    plt.close(fig)


def test_a_trajectory_of_another_plane_is_refused():
    v = np.random.default_rng(2).normal(size=(3, NET.parameter_count))
    plane, other = (
        trajectory_plane([move(NET, a), move(NET, b), NET]) for a, b in ((v[0], v[1]), (v[0], v[2]))
    )
    small = random_network((2, 1), 0)
    third = trajectory_plane([random_network((2, 1), 1), random_network((2, 1), 2), small])
    surface = loss_surface(NET, X, Y, 5 * plane.directions, points=3)
    plt.close(surface.plot(plane))
    for wrong in (other, third):
        with pytest.raises(ValueError, match="trajectory must be in the plane of the surface"):
            surface.plot(wrong)
