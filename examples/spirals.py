"""Interleaved spirals, untangled layer by layer, without training.

    python examples/spirals.py                    three arms, ten layers
    python examples/spirals.py runs/spirals --arms 2

The universal construction gives the plane one more dimension per class. Each
hidden layer cuts a piece of one arm off with a hyperplane and sends it, with
all that was cut off this arm before, to one point: the pile of the class. In
the end there are only piles, and the last layer reads the labels off them.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from constructions import construct, verify
from geomcore import datasets, truncate
from geomcore.plot_style import class_style, legend_handles
from geomcore.projection import Projection


def piles_aside(X, last, y, moved):
    """A projection that leaves the plane as it is and draws the piles around it.

    The data have no component in the extra dimensions, so these may be drawn in
    any direction: here, such that the piles come to lie on a circle around the
    data. Returned with the places of the piles.
    """
    classes = np.unique(y)
    angle = np.pi / 2 + 2 * np.pi * np.arange(len(classes)) / len(classes)
    places = 1.3 * np.abs(X).max() * np.column_stack([np.cos(angle), np.sin(angle)])
    have = [j for j, q in enumerate(classes) if moved[y == q].any()]
    aside = np.zeros((last.shape[1] - 2, 2))
    if have:
        piles = np.stack([last[(y == classes[j]) & moved][0] for j in have])
        aside = np.linalg.lstsq(piles[:, 2:], places[have] - piles[:, :2], rcond=None)[0]
    return Projection(np.zeros(last.shape[1]), np.hstack([np.eye(2), aside.T])), places


def panel(ax, image, moved, y, title):
    """The points still in the plane, and one large marker per pile with its size."""
    for j, q in enumerate(np.unique(y)):
        color, marker = class_style(j)
        ax.scatter(*image[(y == q) & ~moved].T, s=7, color=color, marker=marker, lw=0)
        pile = (y == q) & moved
        if pile.any():
            at = image[pile][0]
            ax.scatter(*at, s=130, color=color, marker=marker, edgecolor="black", zorder=3)
            ax.annotate(
                str(pile.sum()), at, (0, 9), textcoords="offset points", ha="center", fontsize=9
            )
    ax.set_title(title, fontsize=10)
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])


def figure(data, found):
    """Data and truncated data after each hidden layer, all in one projection."""
    extra = found.network.widths[1] - 2
    start = np.pad(data.X, ((0, 0), (0, extra)))
    # layers of faces may end it early; they send the other class to faces, not to a pile
    kinds = [record.kind for record in found.layers]
    shown = kinds.index("faces") if "faces" in kinds else len(kinds)
    stages = [start, *truncate(found.network, data.X)[:shown]]
    moved = [np.abs(Z - start).max(axis=1) > 1e-6 * np.abs(data.X).max() for Z in stages]
    project, places = piles_aside(data.X, stages[-1], data.y, moved[-1])
    images = [project(Z) for Z in stages]
    titles = ["data", *(f"layer {r.index}: class {r.label}" for r in found.layers[:shown])]
    if shown < len(kinds):
        images.append(found.network(data.X) @ places)
        moved.append(np.ones(len(data.X), bool))
        titles.append(f"layers {shown + 1} to {len(kinds)}: the rest")
    columns = min(4, len(images))
    rows = -(-len(images) // columns)
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(2.3 * columns, 2.5 * rows + 0.4),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for ax, image, at_pile, title in zip(axes.flat, images, moved, titles, strict=False):
        panel(ax, image, at_pile, data.y, title)
    limit = 1.2 * np.abs(np.vstack(images)).max()
    axes[0, 0].set(xlim=(-limit, limit), ylim=(-limit, limit))
    for ax in axes.flat[len(images) :]:
        ax.set_visible(False)
    handles = legend_handles(np.unique(data.y))
    fig.legend(handles=handles, title="class", loc="outside lower center", ncols=10, frameon=False)
    return fig


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/spirals"))
    parser.add_argument("--arms", type=int, default=3)
    parser.add_argument("--points", type=int, default=100, help="points per arm")
    parser.add_argument("--turns", type=float, default=0.8, help="how often an arm winds around")
    arguments = parser.parse_args()

    data = datasets.spirals(arguments.points, arms=arguments.arms, turns=arguments.turns, rng=0)
    found = construct(data.X, data.y, "universal")
    print(found.summary())
    print(verify(found.network, data.X, data.y).summary())

    arguments.out.mkdir(parents=True, exist_ok=True)
    fig = figure(data, found)
    for ending in ("png", "svg"):
        fig.savefig(arguments.out / f"spirals.{ending}", dpi=110)
    print(f"picture: {arguments.out / 'spirals.png'}")


if __name__ == "__main__":
    main()
