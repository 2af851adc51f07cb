"""Pictures of single networks in the plane: regions with the polytope, surface, profile."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from geomcore.display.palette import COLORS
from geomcore.gradients import input_gradients
from geomcore.mesa.profile import slack_profile
from geomcore.plot import plot_boundary, plot_regions
from geomcore.plot.style import add_title
from geomcore.regions.regions import linear_regions
from training.experiments.mesa.judging.columns import Columns
from training.experiments.mesa.measured import DRAWN, scalar_of
from training.experiments.mesa.networks import SAMPLES, draw, stream
from training.experiments.mesa.protocol import BOX
from training.experiments.mesa.tables import PLANE, name_of

LEAST = 0.1  # smaller norms have the colour of this one
GRID = 81  # points along each side of a surface
PIXELS = 241  # of a map of a network that is not piecewise linear
COLUMNS = 4


def seed_shown(found):
    """The seed of the pictures: the first in which fewest models collapsed; None off the plane."""
    if PLANE not in found.dims:
        return None
    columns = Columns(found.rows, PLANE)
    collapsed = [sum(columns.row(m, s)["collapsed"] for m in found.models) for s in columns.seeds]
    return columns.seeds[int(np.argmin(collapsed))]


def models_shown(found, seed):
    """The models that are not left out for this seed."""
    columns = Columns(found.rows, PLANE)
    return [m for m in columns.models if seed in columns.trained(m)]


def _grid(count, size, **options):
    rows = -(-count // COLUMNS)
    columns = -(-count // rows)
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(size[0] * columns + 0.9, size[1] * rows + 0.2),
        squeeze=False,
        layout="constrained",
        **options,
    )
    for ax in axes.flat[count:]:
        ax.remove()  # the layout does not know how to pass over hidden ones in 3-D
    return fig, list(axes.flat[:count])


def figure_of_regions(found, seed):
    """The regions of each model by the norm of the gradient of the head output; the figure."""
    models, task = models_shown(found, seed), draw(seed, PLANE)
    fig, axes = _grid(len(models), (2.6, 2.8))
    corners = task.polytope.polygon(BOX)
    nets = {m: found.networks[PLANE, seed, m] for m in models}
    most = max(1.0, *(float(_norms(nets[m]).max()) for m in models))
    norm = LogNorm(LEAST, max(most, 2 * LEAST))
    for ax, model in zip(axes, models, strict=True):
        net = nets[model]
        if _is_linear(net):
            regions = linear_regions(scalar_of(net, "head"), [(-BOX, BOX)] * 2)
            steep = np.linalg.norm(regions.maps[:, 0, :2], axis=1)
            _without_bar(regions, np.maximum(steep, LEAST), ax, norm)
            plot_boundary(linear_regions(net, [(-BOX, BOX)] * 2).level_set(), ax=ax, lw=1.2)
        else:
            side = np.linspace(-BOX, BOX, PIXELS)
            shades = np.maximum(_norms(net).reshape(PIXELS, PIXELS), LEAST)
            ax.pcolormesh(side, side, shades, cmap="cividis", norm=norm, rasterized=True)
            logit = net(_points(PIXELS))[:, 0].reshape(PIXELS, PIXELS)
            if logit.min() < 0 < logit.max():
                ax.contour(side, side, logit, [0.0], colors="black", linewidths=1.2)
        ax.plot(*np.vstack([corners, corners[:1]]).T, color=COLORS[1], lw=1.6, ls=(0, (4, 2)))
        ax.set(xlim=(-BOX, BOX), ylim=(-BOX, BOX), aspect="equal", xlabel="", ylabel="")
        ax.set_xticks([-1, 0, 1])
        ax.set_yticks([-1, 0, 1])
        add_title(ax, name_of(model), 2.4)
    shades = plt.cm.ScalarMappable(norm, "cividis")
    fig.colorbar(shades, ax=axes, label="norm of the gradient", shrink=0.8)
    return fig


def _without_bar(regions, values, ax, norm):
    """Regions in a colour that all panels share."""
    plot_regions(regions, ax=ax)
    polygons = ax.collections[0]
    polygons.set(array=values, cmap="cividis", norm=norm)


def _is_linear(net):
    return getattr(net.layers[2], "p", 1.0) == 1.0


def _points(count):
    side = np.linspace(-BOX, BOX, count)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def _norms(net):
    return np.linalg.norm(input_gradients(scalar_of(net, "head"), _points(PIXELS)), axis=1)


def figure_of_surfaces(found, seed):
    """The head output of each model over the plane, with the polytope below; the figure."""
    models, task = models_shown(found, seed), draw(seed, PLANE)
    fig, axes = _grid(len(models), (2.8, 2.7), subplot_kw={"projection": "3d"})
    corners = task.polytope.polygon(BOX)
    outline = np.vstack([corners, corners[:1]])
    side = np.linspace(-BOX, BOX, GRID)
    x, y = np.meshgrid(side, side)
    for ax, model in zip(axes, models, strict=True):
        net = found.networks[PLANE, seed, model]
        z = scalar_of(net, "head")(_points(GRID))[:, 0].reshape(GRID, GRID)
        shape = {"rcount": GRID, "ccount": GRID, "lw": 0, "antialiased": False}
        ax.plot_surface(x, y, z, cmap="cividis", rasterized=True, **shape)
        floor = z.min() - 0.15 * np.ptp(z)
        ax.plot(*outline.T, floor, color=COLORS[1], lw=1.4)
        ax.set_zlim(floor, z.max() if z.max() > floor else floor + 1)
        ax.view_init(28, -60)
        ax.tick_params(labelsize=7, pad=0)
        ax.set_xticks([-1, 0, 1])
        ax.set_yticks([-1, 0, 1])
        add_title(ax, name_of(model), 2.4)
    return fig


def figure_of_profiles(found, seed):
    """The head output of each model against the slack, quartiles in bins; the figure."""
    models, task = models_shown(found, seed), draw(seed, PLANE)
    fig, axes = _grid(len(models), (2.6, 2.0), sharex=True)
    for ax, model in zip(axes, models, strict=True):
        net = scalar_of(found.networks[PLANE, seed, model], "head")
        rng = stream(seed, PLANE, SAMPLES)
        profile = slack_profile(net, task.polytope, box=BOX, samples=DRAWN, rng=rng)
        middle = profile.ends.mean(axis=1)
        ax.axvspan(middle[0], 0, color="0.93", lw=0)
        ax.fill_between(middle, profile.low, profile.high, color=COLORS[0], alpha=0.3, lw=0)
        ax.plot(middle, profile.median, color=COLORS[0], lw=1.6)
        told = profile.distance_correlation
        like = "" if told is None else f", r\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{told:.2f}"
        add_title(ax, f"{name_of(model)}{like}", 2.3)
        ax.tick_params(labelbottom=True, labelsize=8)
    for ax in axes[-min(COLUMNS, len(axes)) :]:
        ax.set_xlabel("slack (inside: not positive)", fontsize=9)
    return fig
