"""Figures of sparse coding: curves, norms and activity over time, Gabor fits, recovery."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from geomcore.display.palette import COLORS
from geomcore.plot.style import MARKERS, add_title, panels
from training.experiments.judging.spread import spread_of
from training.experiments.sparse.baselines import LEARNED, TOP
from training.experiments.sparse.gabor import gabor_fits
from training.experiments.sparse.measured import GABOR
from training.experiments.sparse.protocol import (
    DATA,
    HIGHEST,
    LOOP,
    LOOPS,
    MIDDLE,
    NAMES,
    PATCHES,
    PENALTIES,
    SIDE,
    SYNTHETIC,
    TREATMENTS,
)
from training.experiments.sparse.survey import DIRECTIONS, POINTS, Run

STYLES = {t: (COLORS[k], MARKERS[k]) for k, t in enumerate(TREATMENTS)}
OTHERS = {LEARNED: (COLORS[6], "*"), TOP: (COLORS[8], "P")}
DASHES = {0: "-", LOOP: (0, (4, 2))}


def figure_of_curves(found):
    """Draw the error against the units that are on, a panel per kind of data; return the figure."""
    fig, axes = panels(2, columns=2, size=(3.9, 3.2), margin=(0.4, 0.9), shared=False)
    for ax, data in zip(axes, DATA, strict=True):
        for treatment, (color, marker) in STYLES.items():
            for loop in LOOPS:
                runs = [Run(treatment, p, loop).name for p in PENALTIES]
                x, y = (_means(found.rows, data, runs, q) for q in ("active", "missed"))
                face = color if not loop else "white"
                ax.plot(x, y, marker=marker, color=color, mfc=face, ls=DASHES[loop], ms=6, lw=1.2)
        if data == PATCHES:
            for method, (color, marker) in OTHERS.items():
                own = [[r for r in found.baselines if _is(r, method, p)] for p in PENALTIES]
                x, y = ([_mean(r[q] for r in o) for o in own] for q in ("active", "missed"))
                ax.plot(x, y, marker=marker, color=color, ls=":", ms=7, lw=1.0)
        _logarithmic(ax)
        ax.set_xlabel("part of the units that is on")
        add_title(ax, data, 3.6)
    axes[0].set_ylabel("squared error, part of the squares")
    _legend(fig, others=True)
    return fig


def figure_of_time(found):
    """Draw norms and activity against steps for two penalties; return the figure."""
    fig, axes = panels(4, columns=2, size=(3.9, 2.4), margin=(0.4, 0.9), shared=False)
    quantities = {"norm": "mean norm of a column", "active": "part of the units that is on"}
    for row, (quantity, told) in enumerate(quantities.items()):
        for ax, penalty in zip(axes[2 * row : 2 * row + 2], (MIDDLE, HIGHEST), strict=True):
            for treatment, (color, _) in STYLES.items():
                for loop in LOOPS:
                    name = Run(treatment, penalty, loop).name
                    own = [c for (d, _, n), c in found.courses.items() if (d, n) == (PATCHES, name)]
                    least = min(len(c[quantity]) for c in own)
                    values = np.mean([c[quantity][:least] for c in own], axis=0)
                    steps = own[0]["steps"][:least]
                    ax.plot(1 + steps, values, color=color, ls=DASHES[loop], lw=1.4)
            ax.set_xscale("log")
            ax.set_yscale("log")
            add_title(ax, f"patches, penalty {penalty:g}", 3.6)
        axes[2 * row].set_ylabel(told)
    for ax in axes[2:]:
        ax.set_xlabel("1 + steps of training")
    _legend(fig)
    return fig


def figure_of_gabors(found):
    """Draw the quality of Gabor fits, of the first seed and of nulls; return the figure."""
    fig, axes = panels(2, columns=2, size=(3.9, 3.0), margin=(0.4, 1.0), shared=True)
    for ax, (place, told) in zip(
        axes, ((0, "receptive fields"), (1, "columns of the dictionary")), strict=True
    ):
        for treatment, (color, _) in STYLES.items():
            for loop in LOOPS:
                pair = found.dictionaries[PATCHES, Run(treatment, MIDDLE, loop).name]
                fields = pair[0] if place == 0 else pair[1].T
                fields = fields - fields.mean(axis=1, keepdims=True)
                r2 = gabor_fits(fields, (SIDE, SIDE), starts=1).r2
                _steps(ax, r2[np.isfinite(r2)], color=color, ls=DASHES[loop])
        for kind, (color, ls) in {
            "random combinations": (COLORS[6], ":"),
            "random phases": (COLORS[8], "-."),
        }.items():
            _steps(ax, found.nulls[kind], color=color, ls=ls)
        ax.axvline(GABOR, color="0.6", lw=0.8)
        add_title(ax, told, 3.6)
        ax.set_xlabel("part explained by a Gabor function, R²")
    axes[0].set_ylabel("part of the units at most so good")
    more = [
        plt.Line2D([], [], color=COLORS[6], ls=":", label="random combinations of patches"),
        plt.Line2D([], [], color=COLORS[8], ls="-.", label="patches with random phases"),
    ]
    _legend(fig, more)
    return fig


def figure_of_recovery(found):
    """Draw how well the known dictionary is recovered, beside nulls; return the figure."""
    fig, axes = panels(len(PENALTIES), columns=3, size=(2.6, 2.3), margin=(1.3, 0.6))
    spans = {
        kind: [row["recovered"] for row in found.chance if row["columns"] == kind]
        for kind in (DIRECTIONS, POINTS)
    }
    styles = {
        DIRECTIONS: {"color": "0.85", "lw": 0},
        POINTS: {"fc": "none", "ec": "0.75", "hatch": "////", "lw": 0},
    }
    for ax, penalty in zip(axes, PENALTIES, strict=True):
        for kind, values in spans.items():
            ax.axvspan(min(values), max(values), **styles[kind])
        for k, (treatment, (color, marker)) in enumerate(STYLES.items()):
            for loop in LOOPS:
                name = Run(treatment, penalty, loop).name
                told = spread_of(values_of(found.rows, SYNTHETIC, name, "recovered"))
                place, face = k + (0.18 if loop else -0.18), "white" if loop else color
                if told is not None:
                    told.draw(ax, place, color=color, marker=marker, face=face)
        ax.set_yticks(range(len(TREATMENTS)), [NAMES[t] for t in TREATMENTS])
        ax.set_ylim(len(TREATMENTS) - 0.5, -0.5)
        ax.set_xlabel("mean cosine of the match")
        add_title(ax, f"penalty {penalty:g}", 2.4)
    handles = [
        plt.Line2D([], [], color="0.3", marker="o", ls="", mfc=face, label=told)
        for face, told in (("0.3", "no loop"), ("white", f"loop of {LOOP} steps"))
    ]
    handles += [
        plt.Rectangle((0, 0), 1, 1, label=kind, **styles[kind]) for kind in (DIRECTIONS, POINTS)
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    return fig


def _logarithmic(ax):
    """Both axes logarithmic, with ticks that have room at 1, 2, 5, 10, ..."""
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        getattr(ax, f"set_{name}scale")("log")
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def _legend(fig, more=(), *, others=False):
    handles = [
        plt.Line2D([], [], color=color, marker=marker, label=NAMES[t])
        for t, (color, marker) in STYLES.items()
    ]
    handles += [
        plt.Line2D([], [], color="0.3", ls=DASHES[0], label="no loop"),
        plt.Line2D([], [], color="0.3", ls=DASHES[LOOP], label=f"loop of {LOOP} steps"),
    ]
    if others:
        handles += [
            plt.Line2D([], [], color=color, marker=marker, ls=":", label=method)
            for method, (color, marker) in OTHERS.items()
        ]
    fig.legend(
        handles=[*handles, *more], loc="outside upper center", ncols=3 if more else 4, frameon=False
    )


def _steps(ax, values, **style):
    values = np.sort(values)
    if len(values):
        parts = np.arange(1, len(values) + 1) / len(values)
        ax.plot(values, parts, drawstyle="steps-post", lw=1.3, **style)


def values_of(rows, data, name, quantity):
    """The values of a quantity of one run, of the seeds that did not diverge."""
    return [
        row[quantity]
        for row in rows
        if (row["data"], row["name"]) == (data, name) and not row["diverged"]
    ]


def _means(rows, data, names, quantity):
    return [_mean(values_of(rows, data, name, quantity)) for name in names]


def _mean(values):
    values = [v for v in values if np.isfinite(v)]
    return float(np.mean(values)) if values else np.nan


def _is(row, method, penalty):
    return (row["method"], row["penalty"]) == (method, penalty)
