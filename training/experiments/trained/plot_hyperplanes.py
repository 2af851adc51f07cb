"""Hyperplanes of layers as images over the pixels, and the points on their two sides."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from geomcore.plot.strips import few_of
from geomcore.plot.style import class_style, legible
from training.experiments.trained.views import about, separating

# One for each hyperplane, none of them that of a class; told apart by the colour-blind.
COLORS = ("#332288", "#117733", "#AA4499", "#DDAA33", "#44AA99")
OFF = "0.6"  # of the points on the negative side
BLANK = "#FBE7A8"  # of pixels that never vary
MOST_POINTS = 120  # of a class
SIDE = 1.75  # of an image, in inches


def figure_of_hyperplanes(seen, digits):
    """Draw the hyperplanes of each layer that separate the classes best.

    Parameters
    ----------
    seen : View
    digits : Digits

    Returns
    -------
    matplotlib Figure
        For each layer a row of images of weights (the colour of the hyperplane where they
        are positive, dark where they are negative, pixels that never vary left out) above
        a row of the points by their signed distance: coloured on the positive side, grey on the
        other, a line for each class.
    """
    index = np.searchsorted(digits.chosen, digits.y)
    Q, layers = len(digits.chosen), len(seen.rows)
    fig, axes = plt.subplots(
        2 * layers,
        len(COLORS),
        figsize=(SIDE * len(COLORS) + 1.3, layers * (SIDE + 0.35 + 0.22 * Q + 0.5)),
        height_ratios=[SIDE, 0.22 * Q + 0.4] * layers,
        squeeze=False,
        layout="constrained",
    )
    varies = (np.ptp(digits.all_X, axis=0) > 0).reshape(digits.shape)
    for l, row in enumerate(seen.rows):
        found = separating(
            seen.weights[l], seen.biases[l], seen.stages[l], index, Q, most=len(COLORS)
        )
        above, below = axes[2 * l], axes[2 * l + 1]
        above[0].set_ylabel(f"layer {l + 1}\n{about(row)}", fontsize=8)
        for k, color in enumerate(COLORS):
            if k >= len(found):
                above[k].set_axis_off()
                below[k].set_axis_off()
                continue
            plane = found[k]
            weights = seen.weights[l][plane.unit].reshape(digits.shape)
            _image(above[k], np.ma.masked_array(weights, ~varies), color)
            on = ", ".join(str(digits.chosen[q]) for q in plane.on)
            above[k].set_title(
                f"unit {plane.unit + 1}: {on} on\npure to {plane.purity:.0%}", fontsize=8
            )
            _sides(below[k], plane.distances, index, digits.chosen, color)
            if k:
                below[k].set_yticklabels([])
        if not found:
            above[0].set_axis_on()
            above[0].set(xticks=[], yticks=[])
            above[0].set_title("no hyperplane has\nclasses on both sides", fontsize=8)
    for ax in axes[-1]:
        ax.set_xlabel("signed distance", fontsize=8)
    return fig


def _image(ax, weights, color):
    shades = LinearSegmentedColormap.from_list("side", ["black", "white", color])
    shades = shades.with_extremes(bad=BLANK)
    size = float(np.abs(weights).max()) or 1.0
    ax.imshow(weights, cmap=shades, vmin=-size, vmax=size, interpolation="nearest")
    ax.set(xticks=[], yticks=[])


def _sides(ax, distances, index, classes, color):
    """A line of points for each class, coloured by the side on which they lie."""
    for q in range(len(classes)):
        own = few_of(np.sort(distances[index == q]), MOST_POINTS)
        height = q + 0.5 * np.linspace(-0.5, 0.5, len(own))
        marker = class_style(q)[1]
        for side, shade in ((own > 0, color), (own <= 0, OFF)):
            ax.plot(own[side], height[side], marker, color=shade, ms=2.5, mew=0)
    ax.axvline(0, color="black", lw=0.8)
    ax.set_yticks(range(len(classes)), [legible(c) for c in classes], fontsize=7)
    ax.set_ylim(len(classes) - 0.5, -0.5)
    ax.tick_params(labelsize=6)
    ax.locator_params(axis="x", nbins=4)
    ax.ticklabel_format(axis="x", style="sci", scilimits=(-2, 3), useMathText=False)
    ax.xaxis.get_offset_text().set_fontsize(6)
