"""Pictures of losses before and after training, and of the fraction of trials that return."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from geomcore.arrays import as_array, as_number, as_positive
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.plot.arguments import as_axes, as_losses, as_numbers, by_scale, same_scales
from geomcore.plot.sizes import shade_met, slots, spread
from geomcore.plot.style import (
    COLORS,
    arms,
    legible,
    logarithmic,
    name_axes,
    new_axes,
    panels,
)
from geomcore.plot.ticks import marks, powers
from geomcore.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colour and marker of what became of a trial; any other word is drawn as the last.
OUTCOMES = {
    "stayed": ("#999999", "o"),
    "returned": ("#0072B2", "o"),
    "falling": ("#E69F00", "v"),
    "stuck": ("#D55E00", "s"),
    "below": ("#009E73", "^"),
    "diverged": ("#000000", "X"),
    "not returned": ("#882255", "D"),
}
MOST_DOTS = 150  # of one scale; of more trials a regular selection of their order statistics


HIGHEST = 1e200  # a logarithmic axis that goes further overflows


@answers_keywords
def plot_histograms(
    losses: Mapping[float, ArrayLike], *, floor: float = 1e-20, reference: float | None = None
) -> Figure:
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
    floor = as_positive(floor, "floor")
    reference = None if reference is None else as_number(reference, "reference")
    losses = {
        scale: as_losses(values, f"losses[{scale:g}]", sign=False)
        for scale, values in by_scale(losses, "losses").items()
    }
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
        ax.set_ylabel(f"λ = {scale:g}", rotation=0, ha="right", va="center")
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


@answers_keywords
def plot_losses(
    losses: Mapping[float, ArrayLike],
    *,
    initial: Mapping[float, ArrayLike] | None = None,
    outcomes: Mapping[float, ArrayLike] | None = None,
    tolerance: float | None = None,
    floor: float = 1e-20,
    ax: Axes | None = None,
) -> Axes:
    """Draw the losses of all trials, scale by scale, as empirical distributions.

    Parameters
    ----------
    losses : dict of float to array_like, shape (T,)
        Final losses of the trials of each scale lambda, drawn in increasing
        order from left to right: of 100 trials 30 lie left of the dot at 30 %
        of the width. At most 150 are drawn, evenly chosen from that order.
    initial : dict of float to array_like, shape (T,), optional
        Losses after the perturbation and before training, in the same way, as
        a line.
    outcomes : dict of float to array_like of str, shape (T,), optional
        What became of each trial, for its colour and marker: stayed, returned,
        falling, stuck, below (lower than where it began), diverged, or anything
        else.
    tolerance : float, optional
        A loss to mark, up to which a trial counts as returned.
    floor : float, optional
        Losses below are drawn at it: there, rounding decides.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
        Losses that are nan, inf, or above 1e200 are drawn above all others.

    Raises
    ------
    ValueError
        If there is nothing to draw, or the lengths do not fit.
    """
    losses, floor = by_scale(losses, "losses"), as_positive(floor, "floor")
    initial = None if initial is None else same_scales(initial, losses, "initial")
    outcomes = None if outcomes is None else same_scales(outcomes, losses, "outcomes")
    tolerance = None if tolerance is None else as_number(tolerance, "tolerance")
    scales = list(losses)
    ends, starts, words = [], [], []
    for scale in scales:
        end = as_losses(losses[scale], f"losses[{scale:g}]")
        start = end if initial is None else as_losses(initial[scale], f"initial[{scale:g}]")
        word = np.full(end.shape, "") if outcomes is None else np.array(outcomes[scale], str)
        if not end.shape == start.shape == word.shape:
            raise ValueError(
                f"losses[{scale:g}] must be those of at least one trial, with as many initial "
                f"losses and outcomes, got shapes {end.shape}, {start.shape}, {word.shape}"
            )
        ends.append(end)
        starts.append(start)
        words.append(word)
    every = np.concatenate([*ends, *starts])
    finite = every[every <= HIGHEST]
    diverged = len(finite) < len(every)
    ceiling = 10 * max(finite.max(initial=floor), floor, tolerance or 0)
    ax = as_axes(ax, lambda: new_axes(2))
    ax.set_yscale("log")
    least = min(finite.min(initial=ceiling), ceiling if tolerance is None else tolerance)
    ax.set_ylim(max(least, floor) / 3, ceiling * (0.5, 3)[diverged])
    powers(ax.yaxis, *ax.get_ylim())
    logarithmic(ax, scales)
    _axis_of_scales(ax, scales)
    if tolerance is not None:
        height = max(tolerance, floor)
        ax.axhline(height, color=COLORS[0], lw=1, ls="--", zorder=1, label="tolerance")
    chosen, label = [], "before training"
    for scale, end, start, word in zip(scales, ends, starts, words, strict=True):
        order = np.argsort(end, kind="stable")
        few = np.linspace(0, len(end) - 1, min(len(end), MOST_DOTS)).round().astype(int)
        x = spread(ax, scales, scale, (few + 0.5) / len(end))
        if initial is not None:
            heights = _drawable(np.sort(start), floor, ceiling)
            ax.plot(x, heights[few], color="0.45", lw=1.4, marker="_", ms=4, zorder=2, label=label)
            label = None
        chosen.append((x, _drawable(end, floor, ceiling)[order[few]], word[order[few]]))
    x, heights, word = map(np.concatenate, zip(*chosen, strict=True))
    for name in [w for w in dict.fromkeys([*OUTCOMES, *word.tolist()]) if (word == w).any()]:
        color, marker = OUTCOMES.get(name, OUTCOMES["returned" if name == "" else "not returned"])
        own, label = word == name, legible(name) or "final loss"
        ax.plot(x[own], heights[own], ls="", marker=marker, color=color, ms=4, mew=0, label=label)
    if diverged:
        ax.annotate(
            "beyond all bounds", (0.01, ceiling), xycoords=("axes fraction", "data"), fontsize=8
        )
    ax.grid(alpha=0.25)
    name_axes(ax, ["perturbation scale λ", "loss"])
    return ax


def _axis_of_scales(ax, scales):
    """Ends and ticks of the x axis, after `logarithmic`; scales in increasing order."""
    ends = slots(ax, scales).ravel()[[0, -1]]
    ax.set_xlim(*ends)
    inches = ax.get_position().width * ax.figure.get_figwidth()  # about, before it is laid out
    marks(ax.xaxis, *ends, np.unique(scales), inches)


def _drawable(losses, floor, ceiling):
    return np.clip(np.nan_to_num(losses, nan=np.inf), floor, ceiling)


@answers_keywords
def plot_return(
    scales: ArrayLike,
    fractions: ArrayLike,
    intervals: ArrayLike,
    *,
    untrained: ArrayLike | None = None,
    limited: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the fraction of trials that return, with its interval, against the scale.

    Parameters
    ----------
    scales : array_like, shape (k,)
        Perturbation scales lambda >= 0.
    fractions : array_like, shape (k,)
        Fractions of the trials that return to the reference loss; nan where
        there is none, as of no trials.
    intervals : array_like, shape (k, 2)
        Lower and upper ends of the confidence intervals.
    untrained : array_like, shape (k,), optional
        Fractions of the trials that are at the reference loss before any
        training, a second curve; where they are half of all, the background
        is grey.
    limited : array_like of bool, shape (k,), optional
        Where the budget of steps decides; there the markers are empty.
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
    k = len(scales)
    if not k or scales.min() < 0:
        raise ValueError(
            f"scales must hold at least one number, none below 0, got {quoted(scales)}"
        )
    fractions = as_numbers(fractions, "fractions", (k,))
    intervals = as_numbers(intervals, "intervals", (k, 2))
    untrained = None if untrained is None else as_numbers(untrained, "untrained", (k,))
    limited = np.zeros(k) if limited is None else as_numbers(limited, "limited", (k,))
    limited = limited.astype(bool)
    ax = as_axes(ax, lambda: new_axes(2))
    logarithmic(ax, scales)
    order = np.argsort(scales)
    scales, fractions, intervals = scales[order], fractions[order], intervals[order]
    _axis_of_scales(ax, scales)
    if untrained is not None:
        untrained = untrained[order]
        shade_met(ax, scales, untrained, label="tolerance met\nbefore training")
        ax.plot(scales, untrained, "_--", color="0.45", lw=1.4, ms=8, label="before training")
    counted = np.isfinite(fractions)
    bars = arms(fractions[counted], *intervals[counted].T)
    style = {"fmt": "o-", "color": COLORS[0], "capsize": 3, "lw": 1.5, "ms": 5}
    ax.errorbar(scales[counted], fractions[counted], bars, label="after training", **style)
    empty = counted & limited[order]
    if empty.any():
        style = {"ls": "", "marker": "o", "ms": 5, "color": COLORS[0], "mfc": "white", "zorder": 5}
        ax.plot(scales[empty], fractions[empty], label="the budget decides", **style)
    ax.set_ylim(-0.05, 1.05)
    ax.grid(alpha=0.25)
    name_axes(ax, ["perturbation scale λ", "fraction that returns"])
    return ax
