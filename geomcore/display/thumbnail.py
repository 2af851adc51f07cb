"""Small pictures for notebooks, written as SVG: no drawing library is loaded for them."""

import numpy as np

from geomcore.display.palette import COLORS

SIZE = 180  # pixels


def scatter_svg(points, index):
    """Points in the plane, each in the colour of its class.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        Finite.
    index : ndarray of int, shape (N,)

    Returns
    -------
    str
        The SVG, with one unit of length in both directions.

    Examples
    --------
    >>> scatter_svg(np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([0, 1])).count("<circle")
    2
    """
    size = float(np.abs(points).max(initial=0.0)) or 1.0
    points = points / size  # so that no difference overflows
    low, high = points.min(axis=0), points.max(axis=0)
    width = float((high - low).max()) or 1.0
    at = SIZE / 2 + (points - (low + high) / 2) / width * (SIZE - 20) * [1, -1]
    dots = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{COLORS[j % len(COLORS)]}"/>'
        for (x, y), j in zip(at.tolist(), index.tolist(), strict=True)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIZE}" height="{SIZE}" role="img" '
        f'aria-label="the points, coloured by class"><rect width="{SIZE}" height="{SIZE}" '
        f'fill="white"/>{"".join(dots)}</svg>'
    )
