"""The picture of a film: what stands still is drawn once, what moves in every frame."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from geomcore.foreign.wording import shortened
from geomcore.plot.strips import class_rows
from geomcore.plot.style import (
    class_style,
    lay_out,
    legend_handles,
    legible,
    rasterize,
)
from geomcore.plot.ticks import RAISED, coordinate
from training.dynamics.film.plot_panel import INK, PALE, Panel

DPI = 100
COLUMNS = 4
SIDE = 2.7  # of the longer side of a panel, in inches
DEGREES = 0.9  # height of the degrees below it
MOMENTS = {"first": 0.0, "quarter": 0.25, "half": 0.5, "last": 1.0}
LONGEST = 60  # characters of a title


class Stage:
    """The figure of a film, that gives the pixels of one frame after the other.

    Parameters
    ----------
    scenes : Scenes
    title : str
        Stands before step and loss.
    scale : float
        Size of the picture, 1 for 100 dots per inch.
    """

    def __init__(self, scenes, title, *, scale=1.0):
        self.scenes, self.text = scenes, f"{_written(title)}   " if title else ""
        count = len(scenes.layers)
        columns, sides = min(count, COLUMNS), _sides(scenes)
        rows = -(-count // columns)
        fig = Figure(
            figsize=(
                max(columns * (sides[0] + 0.35) + 1.5, 4.6),
                rows * (sides[1] + DEGREES + 0.75) + 0.5,
            ),
            layout="constrained",
            dpi=DPI * scale,
        )
        self.canvas = FigureCanvasAgg(fig)
        grid = fig.subplots(
            2 * rows,
            columns,
            squeeze=False,
            gridspec_kw={"height_ratios": [sides[1], DEGREES] * rows},
        )
        self.heading = fig.suptitle(" ", fontsize=10, x=0.01, ha="left", family="monospace")
        self.panels, self.cursors = [], []
        for at in range(rows * columns):
            i, j = divmod(at, columns)
            above, below = grid[2 * i, j], grid[2 * i + 1, j]
            if at >= count:
                above.set_visible(False)
                below.set_visible(False)
                continue
            self.panels.append(Panel(above, at, scenes, moving=True))
            if j:
                above.tick_params(labelleft=False)
            self.cursors.append(draw_degrees(below, at, scenes, names=not j))
        _name_axes(fig, scenes)
        _legend(fig, scenes)
        lay_out(fig)
        for artist in (self.heading, *self.cursors):
            artist.set_animated(True)
        self.canvas.draw()
        self.still = self.canvas.copy_from_bbox(fig.bbox)

    def pixels(self, i):
        """Those of frame number `i`, shape (height, width, 3), as whole numbers up to 255."""
        scene = self.scenes.frames[i]
        self.canvas.restore_region(self.still)
        self.heading.set_text(f"{self.text}step {scene.step:>9,}   loss {scene.loss:.2e}")
        self.canvas.figure.draw_artist(self.heading)
        for panel, cursor in zip(self.panels, self.cursors, strict=True):
            panel.show(scene)
            cursor.set_xdata([i, i])
            panel.draw()
            cursor.axes.draw_artist(cursor)
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()


def strip_of(scenes, title=""):
    """Draw the first, a quarter, half and the last of a film; return the figure.

    Parameters
    ----------
    scenes : Scenes
    title : str

    Returns
    -------
    matplotlib Figure
        A column for each of these moments, a row for each layer.
    """
    last = len(scenes.frames) - 1
    moments = [scenes.frames[round(part * last)] for part in MOMENTS.values()]
    sides, count = _sides(scenes), len(scenes.layers)
    fig, grid = plt.subplots(
        count,
        len(moments),
        squeeze=False,
        figsize=(4 * (sides[0] + 0.25) + 1.5, count * (sides[1] + 0.45) + 0.7),
        layout="constrained",
    )
    for j, (name, scene) in enumerate(zip(MOMENTS, moments, strict=True)):
        for at, ax in enumerate(grid[:, j]):
            panel = Panel(ax, at, scenes, moving=False)
            panel.show(scene)
            rasterize(ax)
            ax.tick_params(labelleft=j == 0, labelbottom=at == count - 1)
            if at == 0:
                told = f"{name}: step {scene.step:,}, loss {scene.loss:.1e}"
                panel.title.set_text(f"{told}\n{panel.title.get_text()}")
            panel.title.set_fontsize(8)
    if title:
        fig.suptitle(_written(title), fontsize=10, x=0.01, ha="left")
    _name_axes(fig, scenes, "{}")
    _legend(fig, scenes, degrees=False)
    return fig


def still_of(scenes):
    """Draw the last frame of a film, a panel for each layer; return the figure.

    Parameters
    ----------
    scenes : Scenes

    Returns
    -------
    matplotlib Figure
        All panels have the same axes, but for those in which most points would lie outside of
        them; these say so.
    """
    count, sides = len(scenes.layers), _sides(scenes)
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    size = columns * (sides[0] + 0.35) + 1.7, rows * (sides[1] + 0.6) + 0.4
    fig, grid = plt.subplots(rows, columns, squeeze=False, figsize=size, layout="constrained")
    for at, ax in enumerate(grid.flat):
        if at >= count:
            ax.set_visible(False)
            continue
        panel, scene = Panel(ax, at, scenes, moving=False), scenes.frames[-1]
        panel.show(scene)
        is_own = panel.holds_few(scene)
        if is_own:
            panel.frame(np.concatenate([scene.before[at], scene.after[at]]))
        rasterize(ax)
        ax.tick_params(labelleft=is_own or at % columns == 0)
    _name_axes(fig, scenes, "{}")
    _legend(fig, scenes, degrees=False)
    return fig


def draw_degrees(ax, at, scenes, *, names):
    """Draw how much of each class a layer truncates, frame by frame; return the moving cursor.

    Parameters
    ----------
    ax : matplotlib Axes
    at : int
        Position of the layer among those that are shown.
    scenes : Scenes
    names : bool
        Whether the rows have the names of their classes.

    Returns
    -------
    matplotlib Line2D
    """
    frames = scenes.frames
    backward, mixed = (
        np.array([getattr(scene, name)[at] for scene in frames]) for name in ("backward", "mixed")
    )
    if len(frames) == 1:
        backward, mixed = backward[[0, 0]], mixed[[0, 0]]
    # Frame by frame, so that what is quick is seen, too.
    places = np.arange(len(backward))
    Q = len(scenes.labels.classes)
    for q in range(Q):
        color, _ = class_style(q)
        floor, height = q + 0.42, 0.84
        first = floor - height * backward[:, q]
        ax.fill_between(places, floor, first, color=color, lw=0)
        ax.fill_between(places, first, first - height * mixed[:, q], color=color, alpha=PALE, lw=0)
        ax.axhline(floor, color="0.8", lw=0.5)
    class_rows(ax, scenes.labels.classes)
    marked = sorted({round(part * (len(frames) - 1)) for part in MOMENTS.values()})
    ax.set_xticks(marked, [f"{frames[i].step:,}" for i in marked])
    ax.set(xlim=(0, places[-1]), ylabel="")
    ax.tick_params(labelsize=7, labelleft=names, left=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax.axvline(0, color="black", lw=1)


def _written(title):
    """A title as matplotlib can write it, and not too long."""
    return " ".join(legible(word) for word in shortened(title, LONGEST).split())


def _sides(scenes):
    """Width and height of a panel, in inches."""
    if scenes.plane is None:
        return np.array([SIDE, 0.8 * SIDE])
    lengths = np.ptp(scenes.limits, axis=1)
    return SIDE * lengths / lengths.max()


def _name_axes(fig, scenes, form="above: {}; below: step"):
    """Label the coordinates, which all panels share."""
    unit = ""
    if scenes.unit != 1:
        exponent = str(round(np.log10(scenes.unit))).translate(RAISED)
        unit = f", in units of 10{exponent}"
    plane = scenes.plane
    if plane is None:
        names = [coordinate(0) + unit, "class"]
    elif len(plane.mean) == 2 and not scenes.given:
        names = [coordinate(0) + unit, coordinate(1)]
    else:
        names = [f"direction 1{unit}", "direction 2"]
    fig.supxlabel(form.format(names[0]), fontsize=8)
    fig.supylabel(names[1], fontsize=8)


def _legend(fig, scenes, *, degrees=True):
    """Classes and signs, to the right of all panels."""
    classes = scenes.labels.classes
    handles = legend_handles(classes)
    for handle, name in zip(handles, classes, strict=True):
        handle.set_label(f"class {legible(name)}")
    line = {"color": INK, "ls": ""}
    handles += [
        Line2D([], [], color="0.4", marker="o", ls="", ms=2, alpha=0.6, label="before layer"),
        Line2D([], [], **line, marker="x", ms=7, mew=2, label="base point"),
        Line2D([], [], color=INK, lw=1.1, label="edge of cone"),
        Line2D([], [], color="0.5", lw=0.9, ls=":", label="opposite: collapses"),
    ]
    if degrees:
        handles += [
            Patch(color="0.3", label="collapsed"),
            Patch(color="0.3", alpha=PALE, lw=0, label="on a face"),
            Patch(fc="white", ec="0.8", label="left alone"),
        ]
    fig.legend(handles=handles, loc="outside right center", frameon=False, fontsize=8)
