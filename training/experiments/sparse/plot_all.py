"""All figures of the sparse coding experiment, with what is said below them and in words."""

import matplotlib.pyplot as plt
import numpy as np

from training.experiments.judging.spread import means_over, spread_of
from training.experiments.sparse import plot_sparse
from training.experiments.sparse.baselines import LEARNED, TOP
from training.experiments.sparse.protocol import (
    LOOP,
    LOOPS,
    MIDDLE,
    NAMES,
    PATCHES,
    SIDE,
    TREATMENTS,
)
from training.experiments.sparse.survey import Run
from training.output.alt import listed

FIGURES = 6
SQUARES = 48  # of a mosaic
COLUMNS = 24
CAPTIONS = {
    "fields": "Receptive fields, the rows of the encoder less their means (on which patches of "
    f"mean 0 do not act), of {SQUARES} units each, the first seed, penalty {MIDDLE:g}: orange "
    "positive, purple negative, each on a scale of its own.",
    "atoms": "The same of the columns of the dictionary, and at the end those of the baselines.",
    "curves": "The error against the part of the units that is on, means over seeds: a point per "
    "penalty, less active for a higher one. Filled: no loop; open: with the loop.",
    "time": "Norms of the columns of the dictionary and units that are on while patches are "
    "trained on, means over seeds.",
    "gabors": f"How much of a field a Gabor function explains, the first seed, penalty {MIDDLE:g}: "
    "parts of the units. The grey line is where a field counts as a Gabor function.",
    "recovery": "How well the dictionary that made the synthetic points is recovered: {means}. "
    "Grey: from the least to the most that random directions reach; hatched: the same of data "
    "points taken as columns. Nothing is learned in either.",
}


def figures(found):
    """Draw what was found.

    Parameters
    ----------
    found : Found

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    drawn = {
        "fields": lambda: figure_of_mosaics(found, 0),
        "atoms": lambda: figure_of_mosaics(found, 1),
        "curves": lambda: plot_sparse.figure_of_curves(found),
        "time": lambda: plot_sparse.figure_of_time(found),
        "gabors": lambda: plot_sparse.figure_of_gabors(found),
        "recovery": lambda: plot_sparse.figure_of_recovery(found),
    }
    alt = _in_words(found)
    told = CAPTIONS | {
        "recovery": CAPTIONS["recovery"].format(means=means_over(found.seeds, "as strokes"))
    }
    for key, draw in drawn.items():
        yield key, draw(), told[key], f"{key}; {alt}"


def figure_of_mosaics(found, place):
    """Draw fields (0) or columns (1) of each treatment as images; return the figure."""
    names = {
        f"{NAMES[t]}, {f'loop of {loop} steps' if loop else 'no loop'}": Run(t, MIDDLE, loop).name
        for t in TREATMENTS
        for loop in LOOPS
    }
    if place == 1:
        names |= {method: f"{method}, penalty {MIDDLE:g}" for method in (LEARNED, TOP)}
    fig, axes = plt.subplots(
        len(names) // 2, 2, figsize=(11, 0.72 * len(names) / 2 + 0.1), layout="constrained"
    )
    for ax, (told, name) in zip(axes.flat, names.items(), strict=True):
        pair = found.dictionaries[PATCHES, name]
        fields = (pair[0] if place == 0 else pair[1].T)[:SQUARES]
        image = mosaic(fields - fields.mean(axis=1, keepdims=True))
        ax.imshow(image, cmap="PuOr_r", vmin=-1, vmax=1, interpolation="nearest")
        ax.set_axis_off()
        ax.set_title(told, fontsize=9, loc="left")
    return fig


def mosaic(fields):
    """Fields (m, 64) as squares beside each other, nan between them."""
    lines = -(-len(fields) // COLUMNS)
    image = np.full((lines * (SIDE + 1) - 1, COLUMNS * (SIDE + 1) - 1), np.nan)
    for k, field in enumerate(fields):
        top = np.abs(field).max()
        i, j = (k // COLUMNS) * (SIDE + 1), (k % COLUMNS) * (SIDE + 1)
        image[i : i + SIDE, j : j + SIDE] = field.reshape(SIDE, SIDE) / (top if top > 0 else 1.0)
    return image


def _in_words(found):
    """Units that are on, error and Gabor fields at the middle penalty, treatment by treatment."""
    told = []
    for treatment in TREATMENTS:
        for loop in LOOPS:
            name = Run(treatment, MIDDLE, loop).name
            kind = f"loop of {LOOP}" if loop else "no loop"
            active, missed, gabor = (
                spread_of(plot_sparse.values_of(found.rows, PATCHES, name, quantity))
                for quantity in ("active", "missed", "field_gabor")
            )
            what = "all seeds diverged"
            if active is not None:
                what = f"{active.mean:.0%} of the units on, error {missed.mean:.0%}"
            what += f", {gabor.mean:.0%} Gabor fields" if gabor is not None else ""
            told.append(f"{NAMES[treatment]}, {kind}: {what}")
    return f"patches, penalty {MIDDLE:g}, means over seeds: {listed(told, between='; ')}"
