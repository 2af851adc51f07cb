"""A witness in the cumulative weight descends along the exact line, not the one that is stored."""

import numpy as np
import pytest
from checker_examples import Example

SMALL = 2.0**-41


def witness(slope, off):
    """Along the weight, with a bias that is not minus the offset times it, but for `off`."""
    last = {"weights": [[1]], "biases": [-1 + off]}
    return {
        "direction": [{"weights": [[0]], "biases": [0]}, last],
        "step": 1.0,
        "loss": 0.75,  # at t = 1 it is 1/2, but for the rounding of the bias
        "slope": slope,
    }


# max(x + 1, 0) - 1 at 0 and 1 with the targets 0 and 3, where the cumulative bias is 1: along the
# weight, with its bias following, the loss is (2 - t)^2 / 2.
HELD = Example(
    [([[1]], [1]), ([[1]], [-1])],
    [[0], [1]],
    [[0], [3]],
    [0, 1],
    verdict="not stationary",
    subset=["cumulative"],
    loss=2.0,
    class_weighted_loss=4.0,
    accuracy=0.5,
    margins=[0.5],
    gradient_norm=0.0,
    witness=witness(-2.0, 0.0),
)


@pytest.mark.parametrize("off", [0.0, SMALL, -SMALL])
def test_the_slope_is_that_of_the_bias_that_follows(off):
    for slope in (-2.0, float(np.nextafter(-2.0, 0)), -1.0):
        assert not HELD.refused(witness=witness(slope, off))
    for steeper in (-2 - SMALL, -2.5, -6.5):
        assert HELD.refused(witness=witness(steeper, off)) == {"witness", "verdict"}


def test_a_bias_that_does_not_follow_is_refused():
    for off in (4 * SMALL, 1e-3, 1.0, 2.0):
        assert HELD.refused(witness=witness(-2.0, off)) == {"witness", "verdict"}
