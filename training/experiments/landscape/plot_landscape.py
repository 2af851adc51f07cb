"""Figures of the loss around a network: lines, plane, spectrum, ways."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore.display.palette import COLORS
from geomcore.plot.style import add_title, panels
from training.landscape.plot import (
    draw_exact,
    draw_losses,
    figure_of_spectrum,
    figure_of_surface,
    finite,
    mark,
    named_length,
    seen,
    set_loss_axis,
)

CAPTIONS = {
    "lines": "The loss along lines through the network, which is at t = 0 (dot); losses below "
    "1e-16 of the largest are drawn at that. {exact} t = 1 moves the parameters by as much as is "
    "said below each panel.",
    "surface": "The loss in the plane of two random directions that are scaled like the network, "
    "row by row; the cross is the network. {after}",
    "spectrum": "Density of the eigenvalues of the Hessian, smoothed by a Gaussian of deviation "
    "{width:.2g}{band}. Ticks: the largest and the smallest eigenvalues that were computed.",
    "ways": "The loss on ways from the network (t = 0) to the other one. Dashed: "
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
        f"{finite(found.surface.losses).max():.3g} around {found.loss:.3g} in the middle",
        "spectrum": f"Eigenvalues from {found.spectrum.bottom[0]:.3g} to "
        f"{found.spectrum.top[0]:.3g}, trace {found.spectrum.trace:.3g}",
        "ways": "; ".join(
            f"{way.name}: largest loss at most {way.barrier.upper:.4g}" for way in found.ways
        ),
    }
    drawn = {
        "lines": figure_of_lines,
        "surface": lambda found: figure_of_surface(found.surface),
        "spectrum": lambda found: figure_of_spectrum(found.spectrum),
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
        if line.exact is None:
            draw_losses(ax, line.grid.t, line.grid.losses)
        else:
            draw_exact(ax, line.exact, [0.0])
        mark(ax, 0.0, found.loss, line.grid.losses)
        cells = "" if line.exact is None else f", {line.exact.cells:,} cells"
        add_title(ax, f"{line.name}{cells}", 3.4)
        name = named_length("t", line.grid.unit, line.grid.relative)
        ax.set_xlabel(name, fontsize=9)
    return fig


def figure_of_ways(found):
    """Draw the loss on the ways to the other network; return the figure."""
    fig, ax = plt.subplots(figsize=(6.6, 3.8), layout="constrained")
    everything = []
    for k, way in enumerate(found.ways):
        t, losses = [], []
        for i, (at, there) in enumerate(way.parts):
            t.append((i + at) / len(way.parts))
            losses.append(there)
        t, losses = np.concatenate(t), np.concatenate(losses)
        everything += [losses, [way.barrier.upper]]
        ax.plot(t, losses, color=COLORS[k], lw=1.4, label=way.name)
        ax.axhline(way.barrier.upper, color=COLORS[k], lw=0.9, ls=(0, (4, 2)))
    everything = np.concatenate(everything)
    set_loss_axis(ax, everything)
    for line in ax.lines:
        line.set_ydata(seen(np.asarray(line.get_ydata(), dtype=float), everything))
    ax.set_xlabel("t: share of the way")
    ax.set_ylabel("loss")
    fig.legend(loc="outside upper center", ncols=1, frameon=False, fontsize=9)
    return fig


def _line_in_words(line):
    ends = f"{line.grid.losses[0]:.3g} and {line.grid.losses[-1]:.3g} at the ends"
    if line.exact is None:
        return f"{line.name}: {ends}"
    least = line.exact.minimum
    return f"{line.name}: {ends}, least {least.loss:.3g} at t = {least.t:.3g}"
