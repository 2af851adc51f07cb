"""A picture of the data as each layer of a network truncates them."""

import numpy as np

from geomcore.arrays import as_labels, as_points, check_sequence
from geomcore.plot.style import add_figure_legend, collapsed, equal_scales, panels, scatter
from geomcore.projection import Projection, fit_projection


def plot_truncation(stages, y, projection=None, *, titles=None):
    """Draw the truncated data layer by layer, all in one projection with the same limits.

    Parameters
    ----------
    stages : list of array_like, shapes (N, d), (N, d_1), ...
        The data, then the truncated data of each layer, for instance
        ``[X, *truncate(net, X)]``; d_l >= d.
    y : array_like, shape (N,)
        Labels.
    projection : Projection to 2 coordinates, optional
        Default: none for points of the plane, else fitted on ``stages[0]``.
    titles : list of str, optional

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If a stage does not fit the labels or the projection.

    Notes
    -----
    A class that has become one point is drawn as one large marker.
    """
    check_sequence(stages, "stages")
    stages = [as_points(Z, name=f"stages[{l}]") for l, Z in enumerate(stages)]
    labels = as_labels(y, len(stages[0]))
    if any(len(Z) != len(stages[0]) for Z in stages):
        raise ValueError(f"stages must all have {len(stages[0])} points, got other numbers too")
    d = stages[0].shape[1]
    if projection is None:
        projection = Projection(np.zeros(d), np.eye(2, d)) if d <= 2 else fit_projection(stages[0])
    if titles is None:
        titles = ["data"] + [f"after layer {l}" for l in range(1, len(stages))]
    images = [projection(Z) for Z in stages]
    columns = 4
    fig, axes = panels(len(stages), columns=columns, size=(3, 3), margin=(0.9, 0.3))
    for ax, Z, image, title in zip(axes, stages, images, titles, strict=False):
        scatter(ax, image, labels, collapsed=collapsed(Z, labels, stages[0]))
        ax.set_title(title, fontsize=10)
    for ax in axes[-columns:]:
        ax.tick_params(labelbottom=True)
    equal_scales(axes[0], np.vstack(images))
    name = "x" if d <= 2 else "direction "
    fig.supxlabel(f"${name}_1$" if d <= 2 else f"{name}1", fontsize=10)
    fig.supylabel(f"${name}_2$" if d <= 2 else f"{name}2", fontsize=10)
    add_figure_legend(fig, labels.classes)
    return fig
