"""One panel of a film: a layer with the points before and after it, its base point and edges."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from geomcore.plot.strips import class_rows
from geomcore.plot.style import EDGES, class_style, few_ticks
from geomcore.plot.ticks import coordinate

INK, PALE = "0.15", 0.35
# Lengths of edges, in sizes of the picture: where they lie in it they go all the way.
WHOLE, PART = 3.0, 0.45
LOST = "outside: {}"


class Panel:
    """One layer: points before and after it, its base point and its edges.

    Parameters
    ----------
    ax : matplotlib Axes
    at : int
        Position of the layer among those that are shown.
    scenes : Scenes
    moving : bool
        Whether what `show` changes is left out when the figure is drawn.
    """

    def __init__(self, ax, at, scenes, *, moving):
        self.ax, self.at, self.scenes = ax, at, scenes
        Q = len(scenes.labels.classes)
        self.members = [scenes.index == q for q in range(Q)]
        size = float(np.clip(60 / np.sqrt(len(scenes.index)), 2.5, 5))
        self.edges = LineCollection([], colors=INK, linewidths=1.1, zorder=2)
        self.opposite = LineCollection([], colors="0.5", linewidths=0.9, ls=":", zorder=1.5)
        for lines in (self.edges, self.opposite):
            ax.add_collection(lines, autolim=False)
        self.before, self.after, self.piles = [], [], []
        for q in range(Q):
            color, marker = class_style(q)
            rim = {"markeredgecolor": EDGES.get(color, color), "markeredgewidth": 0.3}
            dots = {"ls": "", "marker": marker, "color": color, **rim}
            self.before += ax.plot([], [], **{**dots, "ms": 2}, alpha=PALE, zorder=1)
            self.after += ax.plot([], [], **dots, ms=size, zorder=3)
            # Of piles at one place, the later ones leave the earlier ones to be seen.
            edge = {"markeredgewidth": 0.8, "markeredgecolor": "black", "ms": 10 - 4 * q / Q}
            self.piles += ax.plot([], [], **{**dots, **edge}, zorder=4)
        (self.base,) = ax.plot([], [], marker="x", ms=8, mew=2, color=INK, ls="", zorder=5)
        # Reserves the room that any number needs.
        self.title = ax.set_title(f"layer {scenes.layers[at]}\n ", fontsize=9, loc="left")
        self.outside = ax.text(
            0.98, 0.02, "", transform=ax.transAxes, ha="right", fontsize=7, color="0.35"
        )
        self.artists = [
            *(self.before + [self.opposite, self.edges] + self.after + self.piles),
            *(self.base, self.title, self.outside),
        ]
        for artist in self.artists:
            artist.set_animated(moving)
        xlim, ylim = scenes.limits
        rows = scenes.plane is None
        ax.set(xlim=xlim, ylim=ylim, aspect="auto" if rows else "equal")
        ax.tick_params(labelsize=7)
        few_ticks(ax, 3)
        if rows:
            class_rows(ax, scenes.labels.classes)
            ax.set(ylim=ylim, ylabel="")
        elif len(scenes.plane.mean) == 3 and not scenes.given:
            _tripod(ax, scenes)

    def show(self, scene):
        """Move everything to where it is in a `Scene`."""
        at, rank, width = self.at, scene.rank[self.at], self.scenes.widths[self.layer]
        before, after, piled = scene.before[at], scene.after[at], scene.piled[at]
        for q, own in enumerate(self.members):
            self.before[q].set_data(*before[own].T)
            self.after[q].set_data(*after[own & ~piled[q]].T)
            self.piles[q].set_data(*after[own & piled[q]][:1].T)
        base, edges = scene.base[at], scene.edges[at]
        self.base.set_data(*base[:, None])
        for lines, sign in ((self.edges, 1), (self.opposite, -1)):
            lines.set_segments([] if edges is None else self._rays(base, sign * edges))
        cone = (
            f"rank {rank} of {width}" if edges is not None else f"rank {rank} of {width}: no cone"
        )
        self.title.set_text(f"layer {self.layer}\n{cone}, defect {scene.defect[at]:.0e}")
        self.base.set_color(INK if edges is not None else "0.6")
        lost = [*["base"] * self._far(base[None]), *self._count(after)]
        self.outside.set_text(LOST.format(", ".join(lost)) if lost else "")

    def draw(self):
        """Draw what `show` changes over what is there."""
        for artist in self.artists:
            if not isinstance(artist, Line2D) or len(artist.get_xdata(orig=True)):
                self.ax.draw_artist(artist)

    def holds_few(self, scene):
        """Whether most points of a `Scene` lie outside after the layer."""
        return 2 * self._far(scene.after[self.at]) > len(scene.after[self.at])

    def frame(self, points):
        """Give the panel limits of its own, around some points, and say so in its corner."""
        low, high = points.min(axis=0), points.max(axis=0)
        if self.scenes.plane is None:
            low, high = low[:1], high[:1]
        middle, half = (low + high) / 2, 0.55 * (high - low).max()
        if not half > 1e-9 * np.abs(middle).max():  # they coincide
            half = np.abs(middle).max() or 1.0
        sides = half * np.ptp(self.scenes.limits, axis=1) / np.ptp(self.scenes.limits, axis=1).min()
        self.ax.set_xlim(middle[0] - sides[0], middle[0] + sides[0])
        if self.scenes.plane is not None:
            self.ax.set_ylim(middle[1] - sides[1], middle[1] + sides[1])
        self.outside.set_text("axes of its own")

    @property
    def layer(self):
        """Number of the layer, from 1."""
        return int(self.scenes.layers[self.at])

    def _rays(self, base, edges):
        """Segments from the base point, longer where nothing of their length is lost."""
        size = np.abs(np.diff(self.scenes.limits[0])).max()
        plane = self.scenes.plane
        flat = plane is None or len(plane.mean) == 2
        far = np.abs(base - self.scenes.limits.mean(axis=1)).max() if flat else 0.0
        length = WHOLE * (size + far) if flat else PART * size
        return [(base, base + length * edge) for edge in edges]

    def _far(self, points):
        low, high = np.sort(self.scenes.limits, axis=1).T
        return int(((points < low) | (points > high)).any(axis=1).sum())

    def _count(self, points):
        far = self._far(points)
        return [f"{far} of {len(points)} points"] * (far > 0)


def _tripod(ax, scenes):
    """The directions of the coordinates, small, in a corner."""
    low, high = scenes.limits.T
    size = (high - low).max()
    corners = [np.where(c, high - 0.16 * size, low + 0.16 * size) for c in np.ndindex(2, 2)]
    points = np.vstack([scene.after[:, ::5].reshape(-1, 2) for scene in scenes.frames[::20]])
    free = [np.linalg.norm(points - corner, axis=1).min() for corner in corners]
    origin = corners[int(np.argmax(free))]
    for k, arrow in enumerate(scenes.plane.axes.T):
        tip = origin + 0.09 * size * arrow
        ax.annotate("", tip, origin, arrowprops={"arrowstyle": "-|>", "lw": 0.7, "color": "0.45"})
        at = origin + 0.125 * size * arrow
        ax.text(*at, coordinate(k), fontsize=7, color="0.35", ha="center", va="center")
