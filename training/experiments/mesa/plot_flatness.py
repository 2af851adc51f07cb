"""Figures of flatness over seeds: gradients, flat points, weights, negative mass, dimension."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore.display.palette import COLORS
from geomcore.plot.style import MARKERS, add_title, panels
from training.experiments.judging.spread import spread_of
from training.experiments.mesa.judging.columns import Columns
from training.experiments.mesa.measured import SCALARS, THRESHOLDS
from training.experiments.mesa.protocol import FLIPPED, LINEAR, MODELS
from training.experiments.mesa.tables import name_of

TOLD = {"head": "head output before its ReLU", "logit": "logit"}
BINS = 36
LEGEND = 5.6  # inches that the names of the thresholds need
LINEAR_PART = 0.01  # of the axis of negative weights, around 0
ROOM, BEYOND = 0.25, 1.5  # left of it in linear parts, and right of the largest sum as a factor


def shown_models(found, d):
    """The models of which there is a run in dimension `d` that is not left out."""
    columns = Columns(found.rows, d)
    return [m for m in columns.models if columns.trained(m)]


def signed_models(found, d):
    """Those of them whose head weights have signs that count; the flipped one has none."""
    return [m for m in shown_models(found, d) if m in MODELS and MODELS[m].head == LINEAR]


def _in_percent(values, seed):
    """The `Spread` of parts, in percent; None if there is none."""
    spread = spread_of(values, seed=seed)
    return None if spread is None else spread.times(100)


def figure_of_gradients(found, d):
    """Histograms of gradient norms at the test points inside, a panel per model; the figure."""
    columns, models = Columns(found.rows, d), shown_models(found, d)
    pooled = {
        (model, scalar): np.concatenate(
            [found.norms[d, s, model][scalar] for s in columns.trained(model)]
        )
        for model in models
        for scalar in SCALARS
    }
    largest = np.quantile(np.concatenate(list(pooled.values())), 0.97)
    bins = np.linspace(0, largest if largest > 0 else 1.0, BINS)
    fig, axes = panels(len(models), columns=4, size=(2.7, 1.9), margin=(0.4, 0.5))
    for ax, model in zip(axes, models, strict=True):
        for k, scalar in enumerate(SCALARS):
            values = pooled[model, scalar]
            weights = np.full(len(values), 1 / max(len(values), 1))
            style = {"histtype": "stepfilled", "alpha": 0.55} if k == 0 else {"histtype": "step"}
            # What is beyond the last bin is counted in it.
            ax.hist(np.minimum(values, bins[-1]), bins, weights=weights, color=COLORS[k], **style)
        ax.set_yscale("symlog", linthresh=0.05)
        ax.set_ylim(0, 1.1)
        ax.set_yticks([0, 0.05, 0.1, 1], ["0", "5 %", "10 %", "100 %"])
        add_title(ax, name_of(model), 2.4)
    for ax in axes[-min(4, len(axes)) :]:
        ax.set_xlabel("norm of the gradient", fontsize=9)
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLORS[k], alpha=0.7) for k in range(2)]
    names = list(TOLD.values())
    fig.legend(handles, names, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return fig


def figure_of_thresholds(found, d):
    """Flat test points inside by threshold, means over seeds with intervals; the figure."""
    columns, models = Columns(found.rows, d), shown_models(found, d)
    kinds = [*(f"points_{t:g}" for t in THRESHOLDS), "points_relative"]
    names = [*(f"norm < {t:g}" for t in THRESHOLDS), "norm < 0.1 of the exterior's median"]
    fig, axes = plt.subplots(
        2, 1, figsize=(max(LEGEND, 1.6 + 0.9 * len(models)), 5.6), sharex=True, layout="constrained"
    )
    for ax, scalar in zip(axes, SCALARS, strict=True):
        for k, kind in enumerate(kinds):
            told = [
                _in_percent(columns.values(f"{scalar}_{kind}", m)[:, 0], found.seed) for m in models
            ]
            at = np.arange(len(models)) + 0.2 * (k - 1.5)
            heights = [0.0 if spread is None else spread.mean for spread in told]
            ax.bar(at, heights, 0.2, color=COLORS[k], label=names[k])
            for place, spread in zip(at, told, strict=True):
                if spread is not None:
                    spread.draw_range(ax, place, color="0.25", size=2, width=1.0, upright=True)
        ax.set_ylabel("% of test points inside", fontsize=9)
        add_title(ax, TOLD[scalar], 4)
    axes[1].set_xticks(range(len(models)), list(map(name_of, models)), rotation=20, ha="right")
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return fig


def figure_of_weights(found, d):
    """Head weights of all seeds, a panel per model; the figure."""
    columns = Columns(found.rows, d)
    models = [m for m in shown_models(found, d) if m != FLIPPED.key]
    pooled = {
        m: np.concatenate([found.networks[d, s, m].layers[2].W[0] for s in columns.trained(m)])
        for m in models
    }
    everything = np.concatenate(list(pooled.values()))
    low, high = np.quantile(everything, [0.005, 0.995])
    bins = np.linspace(min(low, -0.1), max(high, 0.1), BINS + 8)
    fig, axes = panels(len(models), columns=4, size=(2.7, 1.9), margin=(0.4, 0.2))
    for ax, model in zip(axes, models, strict=True):
        values = np.clip(pooled[model], bins[0], bins[-1])
        ax.hist(values, bins, weights=np.full(len(values), 1 / len(values)), color=COLORS[0])
        ax.axvline(0, color=COLORS[3], lw=1, ls=(0, (4, 2)))
        ax.set_yscale("symlog", linthresh=0.05)
        ax.set_ylim(0, 1.1)
        ax.set_yticks([0, 0.05, 0.1, 1], ["0", "5 %", "10 %", "100 %"])
        add_title(ax, name_of(model), 2.4)
    for ax in axes[-min(4, len(axes)) :]:
        ax.set_xlabel("head weight", fontsize=9)
    return fig


def figure_of_masses(found, d):
    """Flat area against the mass of negative head weights, a dot per run; the figure."""
    columns = Columns(found.rows, d)
    models = signed_models(found, d)
    fig, axes = plt.subplots(1, 2, figsize=(9.4, 4.0), layout="constrained", sharey=True)
    for ax, scalar in zip(axes, SCALARS, strict=True):
        most = LINEAR_PART
        for k, model in enumerate(models):
            rows = [columns.row(model, s) for s in columns.trained(model)]
            x = [row["negative_mass"] for row in rows]
            y = [100 * row[f"{scalar}_area_1"] for row in rows]
            style = {"color": COLORS[k % 10], "marker": MARKERS[k % 10]}
            ax.scatter(x, y, s=26, alpha=0.75, linewidth=0, label=name_of(model), **style)
            most = max([most, *x])
        ax.set_xscale("symlog", linthresh=LINEAR_PART)
        # Room for whole dots: a negative sum is none, so its tick is left out.
        ax.set_xlim(-ROOM * LINEAR_PART, most * BEYOND)
        ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= most * BEYOND])
        ax.set_xlabel("sum of |w| over negative head weights", fontsize=9)
        add_title(ax, TOLD[scalar], 4)
    axes[0].set_ylabel("% of the polytope with norm < 1", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return fig


def figure_of_dimensions(found):
    """Flat part of the polytope by dimension, means over seeds with intervals; the figure."""
    fig, axes = plt.subplots(1, 2, figsize=(9.4, 4.0), layout="constrained", sharey=True)
    models = [m for m in Columns(found.rows, found.dims[0]).models if m != FLIPPED.key]
    for ax, scalar in zip(axes, SCALARS, strict=True):
        for k, model in enumerate(models):
            told = []
            for d in found.dims:
                values = Columns(found.rows, d).values(f"{scalar}_area_relative", model)[:, 0]
                told.append(_in_percent(values, found.seed))
            # Side by side, so that intervals can be told from each other.
            at, color = np.arange(len(found.dims)) + 0.05 * (k - len(models) / 2), COLORS[k % 10]
            means = [np.nan if spread is None else spread.mean for spread in told]
            style = {"marker": MARKERS[k % 10], "ms": 5, "lw": 1}
            ax.plot(at, means, color=color, label=name_of(model), **style)
            for place, spread in zip(at, told, strict=True):
                if spread is not None:
                    spread.draw_range(ax, place, color=color, size=3, width=1.0, upright=True)
        ax.set_xticks(range(len(found.dims)), list(map(str, found.dims)))
        ax.set_xlabel("dimension", fontsize=9)
        add_title(ax, TOLD[scalar], 4)
    axes[0].set_ylabel("% of the polytope below 0.1 of the exterior's median", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return fig
