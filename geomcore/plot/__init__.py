"""Pictures of data, cones, truncated data, outputs and final losses.

Class number j has the same colour and marker in every picture. Nothing here
calls ``show``; what is drawn is returned, for you to change or save.
"""

from typing import TYPE_CHECKING

from geomcore.names import listing, missing
from geomcore.plot.layers import plot_cones, plot_data
from geomcore.plot.losses import plot_histograms, plot_losses, plot_return
from geomcore.plot.margins import plot_margins
from geomcore.plot.outputs import plot_outputs
from geomcore.plot.piles import plot_piles
from geomcore.plot.regions import plot_boundary, plot_regions
from geomcore.plot.style import class_style
from geomcore.plot.truncation import plot_truncation

__all__ = [
    "class_style",
    "plot_boundary",
    "plot_cones",
    "plot_data",
    "plot_histograms",
    "plot_losses",
    "plot_margins",
    "plot_outputs",
    "plot_piles",
    "plot_regions",
    "plot_return",
    "plot_truncation",
]


if not TYPE_CHECKING:  # or any name would do

    def __getattr__(name):
        raise missing("geomcore.plot", name)


def __dir__():
    return listing(globals())
