"""Figures of truncation dynamics: spreads, degrees of truncation, rates with both models."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore.plot.style import class_style, legible, panels
from geomcore.plot.ticks import powers
from training.output.alt import listed

LEAST = 1e-4  # relative spreads are drawn down to this one
SECTORS = {"backward": "collapsed", "mixed": "projected onto a face", "forward": "left alone"}
SHADES = {"backward": "0.35", "mixed": "0.65", "forward": "0.9"}
COLUMNS = 5
RATES = {"spread": "spread", "base": "base point", "along": "spread, halves of a run"}

CAPTIONS = {
    "spread": "The spread of class {label} after the layer that truncates it, relative to that of "
    "the data, for each fraction truncated at the start: a grey line per seed, in colour the "
    "median; spreads below 1e-4 are drawn at that. An exponential law is a straight line "
    "here. Time is steps times learning rate. "
    "{ranks}",
    "degrees": "How much of class {label} is collapsed, projected onto a face of the cone, and "
    "left alone by that layer, mean over seeds, over time. {ranks}",
    "rates": "The rate of each run against the fraction truncated at the start: a grey line per "
    "seed; on the right the mean over the fractions in the first and in the second half of the "
    "runs. Blue: the line with the mean slope of the seeds, in the band of its 95 % interval. "
    "Dashed: no dependence.",
}


def figures(found):
    """Draw what was found.

    Parameters
    ----------
    found : Dynamics
        Of `training.experiments.dynamics.survey`.

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    words = {"label": found.label, "ranks": ranks_in_words(found)}
    alts = {
        "spread": listed(
            (
                f"{100 * row['fraction']:.3g}% truncated, seed {row['seed']}: from "
                f"{row['spread_start']:.2g} to {row['spread_end']:.2g}"
                for row in found.rows
            ),
            between="; ",
        ),
        "degrees": f"Stacked areas in {len(found.fractions)} panels",
        "rates": "; ".join(
            f"{name}, {found.verdicts[key].verdict}: {found.verdicts[key].reason}"
            for key, name in RATES.items()
        ),
    }
    drawn = {"spread": figure_of_spreads, "degrees": figure_of_degrees, "rates": figure_of_rates}
    for key, draw in drawn.items():
        yield key, draw(found), CAPTIONS[key].format(**words), alts[key]


def ranks_in_words(found):
    """Whether the layers that truncate have full rank, in all runs, and their largest defect."""
    deficient = sum(row["rank"] < row["width"] for row in found.rows)
    defect = max(row["defect"] for row in found.rows)
    if deficient:
        return (
            f"In {deficient} of {len(found.rows)} runs that layer ends rank-deficient; truncated "
            f"data miss its output by up to {defect:.1e}."
        )
    return f"That layer has full rank at the end of all runs (largest defect {defect:.0e})."


def figure_of_spreads(found):
    """Draw relative spreads over time, a panel per fraction; return the figure."""
    fig, axes = _panels(found)
    for k, ax in axes.items():
        color = class_style(found.starts[0].q)[0]
        lines = []
        for started, history, times in _seeds(found):
            relative = history.relative_spread[:, k, started.layer, started.q]
            lines.append((times, np.maximum(relative, LEAST)))
            ax.plot(*lines[-1], color="0.7", lw=0.8)
        end = min(times[-1] for times, _ in lines)
        shared = np.linspace(0, end, 200)
        middle = np.median([np.interp(shared, *line) for line in lines], axis=0)
        ax.plot(shared, middle, color=color, lw=2)
        ax.set_yscale("log")
        ax.set_ylim(LEAST, 1.5)
    powers(next(iter(axes.values())).yaxis, LEAST, 1)
    fig.supxlabel("time", fontsize=10)
    fig.supylabel(f"relative spread of class {legible(found.label)}", fontsize=10)
    return fig


def figure_of_degrees(found):
    """Draw the three degrees of truncation over time, a panel per fraction; return the figure."""
    fig, axes = _panels(found)
    for k, ax in axes.items():
        end = min(times[-1] for times in found.times)
        shared = np.linspace(0, end, 200)
        parts = [
            np.mean(
                [
                    np.interp(shared, times, getattr(history, name)[:, k, start.layer, start.q])
                    for start, history, times in _seeds(found)
                ],
                axis=0,
            )
            for name in SECTORS
        ]
        ax.stackplot(shared, parts, colors=SHADES.values(), labels=SECTORS.values())
        ax.set(xlim=(0, end), ylim=(0, 1))
    handles, labels = next(iter(axes.values())).get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
    fig.supxlabel("time", fontsize=10)
    fig.supylabel(f"part of class {legible(found.label)}", fontsize=10)
    return fig


def figure_of_rates(found):
    """Draw rates against fractions, and halves of runs against each other; return the figure."""
    fig, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    F = len(found.fractions)
    fractions = np.reshape([row["collapsed_start"] for row in found.rows], (-1, F))
    drawn = {
        key: (fractions, np.reshape([row[f"{key}_rate"] for row in found.rows], (-1, F)))
        for key in ("spread", "base")
    }
    drawn["along"] = np.broadcast_to([0.0, 1.0], found.halves.shape), found.halves
    for ax, (key, name) in zip(axes, RATES.items(), strict=True):
        at, rates = drawn[key]
        for f, r in zip(at, rates, strict=True):
            ax.plot(f, r, color="0.7", lw=0.8, marker=".", ms=4)
        told, ends = found.dependence[key], np.array([at.min(), at.max()])
        if np.isfinite(told.slope):
            off = ends - at.mean()
            ax.plot(ends, told.mean_rate + told.slope * off, color="#0072B2", lw=2)
            if np.isfinite(told.low):
                band = np.sort([told.mean_rate + s * off for s in (told.low, told.high)], axis=0)
                ax.fill_between(ends, *band, color="#0072B2", alpha=0.15, lw=0)
            ax.axhline(told.mean_rate, color="black", lw=1, ls="--")
        ax.set_title(f"{name}: {found.verdicts[key].verdict}", fontsize=10)
        ax.set_xlabel("fraction truncated at the start")
        ax.grid(alpha=0.25)
    axes[0].set_ylabel("rate per unit of time")
    axes[2].set_xlabel("")
    axes[2].set_xticks([0, 1], ["first half", "second half"])
    axes[2].set_xlim(-0.3, 1.3)
    return fig


def _panels(found):
    """A figure with a panel for each fraction, by the number of the fraction."""
    count = len(found.fractions)
    fig, axes = panels(count, columns=COLUMNS, size=(2.3, 2.4), margin=(0.6, 0.5))
    for fraction, ax in zip(found.fractions, axes, strict=True):
        ax.set_title(f"{100 * fraction:.3g}% truncated", fontsize=9)
        ax.tick_params(labelsize=8)
    return fig, dict(enumerate(axes))


def _seeds(found):
    return zip(found.starts, found.histories, found.times, strict=True)
