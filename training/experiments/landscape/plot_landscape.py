"""Figures of the loss around a network: lines, plane, spectrum, ways."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from geomcore.display.palette import COLORS
from geomcore.plot.style import add_title, panels
from geomcore.plot.ticks import powers

LEAST = 1e-16  # losses are drawn down to this part of the largest one in the picture,
SHADED = 1e-8  # those of a plane down to this one
DECADES = 100.0  # between least and largest loss, from which on their axis is logarithmic
FEW_TICKS = 100  # more breakpoints are drawn fainter

CAPTIONS = {
    "lines": "The loss along lines through the network, which is at t = 0 (dot). {exact} t = 1 "
    "moves the parameters by as much as is said below each panel.",
    "surface": "The loss in the plane of two random directions that are scaled like the network, "
    "row by row; the cross is the network. {after}",
    "spectrum": "Density of the eigenvalues of the Hessian, smoothed by a Gaussian of deviation "
    "{width:.2g}{band}. Ticks: the largest and the smallest eigenvalues that were computed.",
    "ways": "The loss on straight ways from the network (t = 0) to the other one. Dashed: "
    "the proved upper bounds of the largest loss on each.",
}


def figures(found):
    """Draw what was found.

    Parameters
    ----------
    found : Survey
        Of `training.experiments.landscape.survey.survey`.

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    exact = all(line.exact is not None for line in found.lines)
    words = {
        "exact": "Piecewise polynomials, computed exactly; ticks below: where a unit is switched "
        "at a point."
        if exact
        else "Losses at 201 points.",
        "after": ""
        if found.surface.after is None
        else f"Right: after {found.surface.steps:,} steps "
        "of training from each point, on the same scale.",
        "width": found.spectrum.width,
        "band": "" if found.spectrum.values is not None else " (band: three standard errors)",
    }
    alts = {
        "lines": "; ".join(_line_in_words(line) for line in found.lines),
        "surface": f"Losses from {found.surface.losses.min():.3g} to "
        f"{_finite(found.surface.losses).max():.3g} around {found.loss:.3g} in the middle",
        "spectrum": f"Eigenvalues from {found.spectrum.bottom[0]:.3g} to "
        f"{found.spectrum.top[0]:.3g}, trace {found.spectrum.trace:.3g}",
        "ways": "; ".join(
            f"{way.name}: largest loss at most {way.barrier.upper:.4g}" for way in found.ways
        ),
    }
    drawn = {
        "lines": figure_of_lines,
        "surface": figure_of_surface,
        "spectrum": figure_of_spectrum,
        "ways": figure_of_ways,
    }
    for key, draw in drawn.items():
        if key != "ways" or found.ways:
            yield key, draw(found), CAPTIONS[key].format(**words), alts[key]


def figure_of_lines(found):
    """Draw the loss along each line, a panel each; return the figure."""
    fig, axes = panels(
        len(found.lines), columns=2, size=(4.0, 2.7), margin=(0.4, 0.3), shared=False
    )
    fig.get_layout_engine().set(w_pad=0.12, h_pad=0.08)
    for ax, line in zip(axes, found.lines, strict=True):
        t, losses = line.grid.t, line.grid.losses
        if line.exact is not None:
            ends = line.exact.breakpoints
            inner = np.sort(np.concatenate([ends, t, [line.exact.minimum.t]]))
            t, losses = inner, line.exact(inner)
            cuts = ends[1:-1]
            faint = max(0.12, min(1.0, FEW_TICKS / max(len(cuts), 1)))
            place = ax.get_xaxis_transform()
            marks = {"ms": 6, "mew": 0.5, "alpha": faint, "transform": place, "rasterized": True}
            ax.plot(cuts, np.full(len(cuts), 0.03), "|", color="0.25", **marks)
        _loss_axis(ax, losses)
        ax.plot(t, _seen(losses), color=COLORS[0], lw=1.4)
        ax.plot([0], _seen(np.array([found.loss]), losses), "o", color=COLORS[1], ms=5, zorder=5)
        cells = "" if line.exact is None else f", {line.exact.cells:,} cells"
        add_title(ax, f"{line.name}{cells}", 3.4)
        size = f"norm {line.grid.unit:.3g}"
        if np.isfinite(line.grid.relative):
            size += f", {line.grid.relative:.0%} of the parameters"
        ax.set_xlabel(f"t (1 = {size})", fontsize=9)
        ax.set_ylabel("loss", fontsize=9)
    return fig


def figure_of_surface(found):
    """Draw the loss in the plane, and after training beside it; return the figure."""
    surface = found.surface
    both = [surface.losses] if surface.after is None else [surface.losses, surface.after]
    fig, axes = plt.subplots(
        1,
        len(both),
        figsize=(4.4 * len(both) + 0.9, 4.0),
        layout="constrained",
        squeeze=False,
        sharey=True,
    )
    high = max(_finite(losses).max() for losses in both)
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
        ax.plot([0], [0], "+", color=COLORS[1], ms=12, mew=2.5)
        ax.set_xlabel(_axis("α", surface, 0), fontsize=9)
        if len(both) > 1:
            ax.set_title(title, fontsize=10)
    axes[0][0].set_ylabel(_axis("β", surface, 1), fontsize=9)
    bar = fig.colorbar(image, ax=list(axes[0]), label="loss", extend="min")
    powers(bar.ax.yaxis, low, max(high, low * 1.1))
    return fig


def figure_of_spectrum(found):
    """Draw the density of the eigenvalues with both ends; return the figure."""
    spectrum = found.spectrum
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


def figure_of_ways(found):
    """Draw the loss on the ways to the other network; return the figure."""
    fig, ax = plt.subplots(figsize=(6.6, 3.8), layout="constrained")
    everything = []
    for k, way in enumerate(found.ways):
        t, losses = [], []
        for i, part in enumerate(way.parts):
            at = np.sort(np.concatenate([part.breakpoints, np.linspace(0, 1, 201)]))
            t.append((i + at) / len(way.parts))
            losses.append(part(at))
        t, losses = np.concatenate(t), np.concatenate(losses)
        everything += [losses, [way.barrier.upper]]
        ax.plot(t, losses, color=COLORS[k], lw=1.4, label=way.name)
        ax.axhline(way.barrier.upper, color=COLORS[k], lw=0.9, ls=(0, (4, 2)))
    everything = np.concatenate(everything)
    _loss_axis(ax, everything)
    for line in ax.lines:
        line.set_ydata(_seen(np.asarray(line.get_ydata(), dtype=float), everything))
    ax.set_xlabel("t: share of the way")
    ax.set_ylabel("loss")
    fig.legend(loc="outside upper center", ncols=1, frameon=False, fontsize=9)
    return fig


def _loss_axis(ax, losses):
    """A logarithmic axis for losses if they span much."""
    seen = _seen(losses)
    if seen.max() > DECADES * seen.min() > 0:
        ax.set_yscale("log")
        powers(ax.yaxis, seen.min(), seen.max())


def _seen(losses, among=None):
    """Losses not below the least that is drawn, and no infinite ones."""
    high = _finite(losses if among is None else among).max(initial=0)
    return np.clip(losses, LEAST * high, high if high > 0 else None)


def _finite(losses):
    losses = np.asarray(losses, dtype=float)
    return losses[np.isfinite(losses)]


def _axis(name, surface, k):
    size = f"norm {surface.units[k]:.3g}"
    if np.isfinite(surface.relative[k]):
        size += f", {surface.relative[k]:.0%} of the parameters"
    return f"{name} (1 = {size})"


def _line_in_words(line):
    ends = f"{line.grid.losses[0]:.3g} and {line.grid.losses[-1]:.3g} at the ends"
    if line.exact is None:
        return f"{line.name}: {ends}"
    least = line.exact.minimum
    return f"{line.name}: {ends}, least {least.loss:.3g} at t = {least.t:.3g}"
