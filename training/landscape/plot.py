"""Figures of lines, planes, spectra and curvatures."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from geomcore.display.palette import COLORS
from geomcore.plot.ticks import powers

LEAST = 1e-16  # losses are drawn down to this part of the largest one in the picture,
SHADED = 1e-8  # those of a plane down to this one
DECADES = 100.0  # between least and largest loss, from which on their axis is logarithmic
FEW_TICKS = 100  # more breakpoints are drawn fainter


def draw_exact(ax, line, marked=()):
    """Draw an `ExactSlice` with ticks at its breakpoints; `marked` are more t to look at."""
    ends = line.breakpoints
    t = np.concatenate([ends, np.linspace(ends[0], ends[-1], 201), [line.minimum.t], marked])
    t = np.sort(t)
    cuts = ends[1:-1]
    faint = max(0.12, min(1.0, FEW_TICKS / max(len(cuts), 1)))
    place = ax.get_xaxis_transform()
    marks = {"ms": 6, "mew": 0.5, "alpha": faint, "transform": place, "rasterized": True}
    ax.plot(cuts, np.full(len(cuts), 0.03), "|", color="0.25", **marks)
    draw_losses(ax, t, line(t))


def draw_losses(ax, t, losses):
    """Draw losses over t, on a logarithmic axis if they span much."""
    set_loss_axis(ax, losses)
    ax.plot(t, seen(losses), color=COLORS[0], lw=1.4)
    ax.set_ylabel("loss", fontsize=9)


def mark(ax, t, loss, losses):
    """Mark one loss among others."""
    ax.plot([t], seen(np.array([loss]), losses), "o", color=COLORS[1], ms=5, zorder=5)


def figure_of_slice(line):
    """Draw an `ExactSlice` or a `LossSlice`; return the figure."""
    fig, ax = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
    if hasattr(line, "breakpoints"):
        draw_exact(ax, line)
        mark(ax, line.minimum.t, line.minimum.loss, line(line.breakpoints))
        ax.set_xlabel("t")
    else:
        draw_losses(ax, line.t, line.losses)
        ax.set_xlabel(named_length("t", line.unit, line.relative))
    return fig


def figure_of_curvature(history, rate=None):
    r"""Draw both ends of the spectrum and the loss during training.

    Parameters
    ----------
    history : CurvatureHistory
    rate : float, optional
        Learning rate of plain gradient descent: :math:`2 / rate` is drawn, too.

    Returns
    -------
    matplotlib Figure
    """
    fig, (top, below) = plt.subplots(2, 1, figsize=(6, 4.6), sharex=True, layout="constrained")
    for k in range(history.losses.shape[1]):
        told = {"lw": 1.2, "alpha": 1.0 if k == 0 else 0.5}
        names = ("largest", "smallest") if k == 0 else (None, None)
        top.plot(history.steps, history.largest[:, k], color=COLORS[0], label=names[0], **told)
        top.plot(history.steps, history.smallest[:, k], color=COLORS[1], label=names[1], **told)
        below.plot(history.steps, history.losses[:, k], color=COLORS[0], **told)
    if rate is not None:
        top.axhline(2 / rate, color="0.3", lw=1, ls=(0, (4, 2)), label="2 / rate")
    top.legend(frameon=False, fontsize=9)
    top.set_ylabel("eigenvalue of the Hessian")
    set_loss_axis(below, history.losses[np.isfinite(history.losses)])
    below.set_ylabel("loss")
    below.set_xlabel("step")
    return fig


def figure_of_surface(surface, trajectory=None):
    """Draw the loss in a plane, and after training beside it.

    Parameters
    ----------
    surface : LossSurface
    trajectory : TrajectoryPlane, optional
        Networks of a training run, drawn as a line: those whose plane it is. How much of their
        squared distances lies in it, and how far they are from it at most, is said above.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If the plane is another one.
    """
    if trajectory is not None:
        check_plane(surface, trajectory)
    both = [surface.losses] if surface.after is None else [surface.losses, surface.after]
    fig, axes = plt.subplots(
        1,
        len(both),
        figsize=(4.4 * len(both) + 0.9, 4.0),
        layout="constrained",
        squeeze=False,
        sharey=True,
    )
    high = max(finite(losses).max() for losses in both)
    low = max(min(losses.min() for losses in both), SHADED * high, np.finfo(float).tiny)
    norm = LogNorm(low, max(high, low * (1 + 1e-9)))
    titles = ("at once", f"after {surface.steps:,} steps")
    for ax, losses, title in zip(axes[0], both, titles, strict=False):
        drawn = np.clip(np.where(np.isfinite(losses), losses, high), low, high).T
        image = ax.pcolormesh(
            surface.alpha,
            surface.beta,
            drawn,
            norm=norm,
            cmap="cividis",
            shading="nearest",
            rasterized=True,
        )
        if high > low * 1.01:
            levels = np.geomspace(low, high, 9)[1:-1]
            ax.contour(surface.alpha, surface.beta, drawn, levels, colors="white", linewidths=0.6)
        if trajectory is not None:
            path = trajectory.coordinates / surface.units
            ax.plot(*path.T, ".-", color=COLORS[1], lw=1, ms=4)
        ax.plot([0], [0], "+", color=COLORS[1], ms=12, mew=2.5)
        ax.set_xlabel(named_length("α", surface.units[0], surface.relative[0]), fontsize=9)
        if len(both) > 1:
            ax.set_title(title, fontsize=10)
    if trajectory is not None:
        fig.suptitle(
            f"run: {trajectory.explained.sum():.3%} of its squared distances in the plane, "
            f"at most {trajectory.distances.max():.3g} off it",
            fontsize=9,
        )
    axes[0][0].set_ylabel(named_length("β", surface.units[1], surface.relative[1]), fontsize=9)
    bar = fig.colorbar(image, ax=list(axes[0]), label="loss", extend="min")
    powers(bar.ax.yaxis, low, max(high, low * 1.1))
    return fig


def check_plane(surface, trajectory):
    """Raise unless the directions of a surface are those of a trajectory, of any length."""
    is_one = trajectory.directions.shape == surface.directions.shape
    if is_one:
        along = trajectory.directions @ (surface.directions / surface.units[:, None]).T
        is_one = np.allclose(along, np.eye(2), atol=1e-6)
    if not is_one:
        raise ValueError(
            "trajectory must be in the plane of the surface: give its directions to loss_surface"
        )


def figure_of_spectrum(spectrum):
    """Draw the density of the eigenvalues of a `Spectrum` with both ends; return the figure."""
    fig, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    top = spectrum.density.max()
    least = max(top * 1e-6, 0.05 / (spectrum.count * spectrum.width * np.sqrt(2 * np.pi)))
    ax.set_yscale("log")
    ax.plot(spectrum.grid, np.maximum(spectrum.density, least), color=COLORS[0], lw=1.4)
    if spectrum.values is None:
        low, high = (spectrum.density + s * 3 * spectrum.density_error for s in (-1, 1))
        ax.fill_between(
            spectrum.grid,
            np.maximum(low, least),
            np.maximum(high, least),
            color=COLORS[5],
            alpha=0.4,
            lw=0,
        )
    ends = np.concatenate([spectrum.top, spectrum.bottom])
    ax.plot(
        ends,
        np.full(len(ends), 0.0),
        "|",
        color=COLORS[1],
        ms=14,
        mew=1.2,
        transform=ax.get_xaxis_transform(),
        clip_on=False,
    )
    ax.axvline(0, color="0.6", lw=0.8, zorder=0)
    ax.set_ylim(least, 2 * top)
    ax.set_xlabel("eigenvalue of the Hessian")
    ax.set_ylabel("density")
    return fig


def set_loss_axis(ax, losses):
    """A logarithmic axis for losses if they span much."""
    drawn = seen(losses)
    if drawn.max() > DECADES * drawn.min() > 0:
        ax.set_yscale("log")
        powers(ax.yaxis, drawn.min(), drawn.max())


def seen(losses, among=None):
    """Losses not below the least that is drawn, and no infinite ones."""
    high = finite(losses if among is None else among).max(initial=0)
    return np.clip(losses, LEAST * high, high if high > 0 else None)


def finite(losses):
    """Those of some losses that are finite numbers."""
    losses = np.asarray(losses, dtype=float)
    return losses[np.isfinite(losses)]


def named_length(name, unit, relative):
    """The name of a coordinate, and how far 1 moves the parameters."""
    size = f"norm {unit:.3g}"
    if np.isfinite(relative):
        size += f", {relative:.0%} of the parameters"
    return f"{name} (1 = {size})"
