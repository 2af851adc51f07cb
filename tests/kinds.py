"""Networks on data of which it is known what they are: proved minima, and points of no minimum."""

import numpy as np

from constructions import merged, suboptimal
from geomcore import ReLUNetwork


def a_minimum(name, data):
    """Networks that are a proved minimum: a zero-loss, a suboptimal and a merged one."""
    if name == "zero":
        return suboptimal(data.X, data.y, (0, 0, 0)).network
    if name == "state":
        return suboptimal(data.X, data.y, (0, 1, 0)).network
    return merged(data.X, data.y, [[0, 1], [2]]).network


# One of each kind of witness: a slope, one in the cumulative weight, a curvature, and
# coefficients of second and third order.
REFUTED = {
    "slope": (
        ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]]),
        [[0.0], [2.0], [3.0]],
        [[1.5], [0.0], [0.0]],
        None,
    ),
    "following": (
        ReLUNetwork([[[1.0]], [[1.0], [-1.0]]], [[1.0], [0.0, 0.5]]),
        [[1.0], [2.0], [3.0]],
        [[1.5, 0.0], [1.0, 1.0], [0.0, 2.0]],
        "cumulative",
    ),
    "curvature": (
        ReLUNetwork([[[0.0]], [[0.0]]], [[1.0], [0.5]]),
        [[-1.0], [1.0]],
        [[0.0], [1.0]],
        None,
    ),
    "second": (
        ReLUNetwork([np.zeros((4, 2)), np.zeros((1, 4))], [np.zeros(4), [0.5]]),
        [[-1.0, 0.5], [0.25, 1.0]],
        [[1.5], [-0.5]],
        None,
    ),
    "third": (
        ReLUNetwork(
            [np.zeros((4, 2)), np.zeros((4, 4)), np.zeros((1, 4))],
            [np.zeros(4), np.zeros(4), [0.5]],
        ),
        [[-1.0, 0.5], [0.25, 1.0]],
        [[1.5], [-0.5]],
        None,
    ),
}
