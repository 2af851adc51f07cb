"""Pictures of final losses and of the fraction of trials that return."""

import math

import matplotlib.pyplot as plt
import numpy as np

from geomcore.arrays import as_array
from geomcore.plot.style import COLORS, arms, logarithmic, name_axes, new_axes, panels


def plot_histograms(losses, *, floor=1e-20, reference=None):
    """Draw the histogram of final losses for each perturbation scale.

    Parameters
    ----------
    losses : dict of float to array_like, shape (T,)
        Final losses of the trials of each scale lambda; nan and inf count as
        diverged.
    floor : float, optional
        Losses up to this one, zeros among them, share the first bar.
    reference : float, optional
        A loss to mark, that of the unperturbed network.

    Returns
    -------
    matplotlib Figure
        One row per scale, smallest on top; fractions of the trials over a
        common logarithmic axis of losses.

    Raises
    ------
    ValueError
        If there is nothing to draw, or a loss is negative.
    """
    if not losses:
        raise ValueError("losses must hold at least one scale, got none")
    losses = {float(scale): np.asarray(losses[scale], float) for scale in sorted(losses)}
    for scale, values in losses.items():
        if values.ndim != 1 or not len(values) or (values < 0).any():
            raise ValueError(f"losses[{scale:g}] must be losses of at least one trial, none < 0")
    every = np.concatenate(list(losses.values()))
    inside = np.log10(every[np.isfinite(every) & (every > floor)])
    if reference is not None and reference > floor:
        inside = np.append(inside, np.log10(reference))
    # Half decades, at least two of them, all on whole multiples.
    low, high = (inside.min(), inside.max()) if len(inside) else (np.log10(floor),) * 2
    low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    edges = np.arange(low, high + 0.25, 0.5)
    # The two bars that stand for no interval keep off the axis of losses.
    wide, off = (high - low) * 0.07, (high - low) * 0.09
    first, last = low - off - wide, high + off
    diverged, resting = not np.isfinite(every).all(), bool((every <= floor).any())
    fig, axes = panels(len(losses), columns=1, size=(6.5, 0.8), margin=(0, 1.2))
    highest = 0
    shades = plt.get_cmap("viridis")(np.linspace(0.1, 0.8, len(losses)))
    for ax, (scale, values), shade in zip(axes, losses.items(), shades, strict=True):
        usual = values[np.isfinite(values) & (values > floor)]
        counts = np.histogram(np.log10(usual), edges)[0] / len(values)
        zeros, lost = (values <= floor).mean(), (~np.isfinite(values)).mean()
        highest = max(highest, zeros, lost, counts.max())
        ax.bar(edges[:-1], counts, width=0.5, align="edge", color=shade, ec="white", lw=0.5)
        ax.bar(first, zeros, width=wide, align="edge", color=shade, hatch="///", ec="w")
        ax.bar(last, lost, width=wide, align="edge", color="#888888")
        ax.set_ylabel(f"$\\lambda$ = {scale:g}", rotation=0, ha="right", va="center")
        ax.spines[["top", "right"]].set_visible(False)
        if reference is not None and reference > floor:
            ax.axvline(np.log10(reference), color="black", lw=1, ls=":")
    step = max(1, math.ceil((high - low) / 8))
    ticks = np.arange(math.ceil(low / step) * step, high + 1, step)
    middles = [first + wide / 2] * resting + [last + wide / 2] * diverged
    names = [f"\nup to {floor:.0e}"] * resting + ["\ndiverged"] * diverged
    axes[-1].set_xticks([*middles, *ticks], [*names, *(f"$10^{{{t}}}$" for t in ticks)], fontsize=9)
    axes[0].set_xlim(
        first - wide if resting else low - wide, last + 2 * wide if diverged else high + wide
    )
    top = math.ceil(10 * highest) / 10
    axes[0].set_ylim(0, 1.05 * top)
    axes[0].set_yticks([0, top], ["0", f"{top:.0%}"])
    fig.supxlabel("final loss", fontsize=10)
    fig.suptitle("fraction of the trials by final loss, for each perturbation scale", fontsize=10)
    return fig


def plot_return(scales, fractions, intervals, *, ax=None):
    """Draw the fraction of trials that return, with its interval, against the scale.

    Parameters
    ----------
    scales : array_like, shape (k,)
        Perturbation scales lambda >= 0.
    fractions : array_like, shape (k,)
        Fractions of the trials that return to the reference loss.
    intervals : array_like, shape (k, 2)
        Lower and upper ends of the confidence intervals.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    scales = as_array(scales, "scales", 1)
    fractions = as_array(fractions, "fractions", 1)
    intervals = as_array(intervals, "intervals", 2)
    if fractions.shape != scales.shape or intervals.shape != (len(scales), 2):
        raise ValueError(
            "fractions and intervals must have one entry per scale, "
            f"got shapes {scales.shape}, {fractions.shape}, {intervals.shape}"
        )
    ax = new_axes(2) if ax is None else ax
    order = np.argsort(scales)
    scales, fractions, intervals = scales[order], fractions[order], intervals[order]
    bars = arms(fractions, *intervals.T)
    ax.errorbar(scales, fractions, bars, fmt="o-", color=COLORS[0], capsize=3, lw=1.5, ms=5)
    logarithmic(ax, scales)
    ax.set_ylim(-0.05, 1.05)
    ax.grid(alpha=0.25)
    name_axes(ax, ["perturbation scale $\\lambda$", "fraction that returns"])
    return ax
