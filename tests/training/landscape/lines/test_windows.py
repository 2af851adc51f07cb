"""What is added up in a tree of windows is the sum over the points, in every piece."""

from itertools import pairwise

import numpy as np
import pytest

from training.landscape.lines.polynomials import values
from training.landscape.lines.sweep import Segments
from training.landscape.lines.windows import _handed_down, _seen_in, _window, added_up


def segments(ends, cuts, degree, outputs, rng):
    """Random segments of points, each cut at some of the breakpoints."""
    rows = []
    for point, own in enumerate(cuts):
        at = [0, *own, len(ends) - 1]
        rows += [(point, ends[a], ends[b]) for a, b in pairwise(at)]
    point, left, right = (np.array(part) for part in zip(*rows, strict=True))
    return Segments(point, left, right, rng.normal(size=(len(rows), degree + 1, outputs)))


def summed(found, t, Y, weights):
    """The loss at numbers t by the definition, one point after another."""
    total = np.zeros(len(t))
    for point, left, right, coefficients in zip(*found, strict=True):
        inside = (left < t) & (t < right)
        u = (t[inside] - (left + right) / 2) / ((right - left) / 2)
        powers = u[:, None] ** np.arange(len(coefficients))
        total[inside] += weights[point] * ((powers @ coefficients - Y[point]) ** 2).sum(axis=1)
    return total


@pytest.mark.parametrize("pieces", [1, 2, 3, 4, 5, 8, 13, 16, 17])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_the_loss_in_every_piece_is_the_sum_over_the_points(pieces, seed, scale):
    rng = np.random.default_rng(seed)
    ends = scale * (np.cumsum(rng.uniform(0.5, 1.5, pieces + 1)) - 2)
    inner = np.arange(1, pieces)
    cuts = [inner[rng.random(len(inner)) < share] for share in (0.0, 0.3, 0.3, 1.0)]
    found = segments(ends, cuts, 2, 3, rng)
    Y, weights = rng.normal(size=(4, 3)), rng.uniform(0.5, 2, 4)
    loss = added_up(found, ends, Y, weights)
    assert loss.shape == (pieces, 5)
    for u in (-0.9, -0.2, 0.5):
        t = (ends[1:] + ends[:-1]) / 2 + u * np.diff(ends) / 2
        wanted = summed(found, t, Y, weights)
        np.testing.assert_allclose(values(loss, np.full(pieces, u)), wanted, rtol=1e-9)


def test_a_point_that_crosses_nothing_is_the_same_polynomial_in_every_piece():
    # (t + 1)^2 on [-4, 4], t = 4 u, seen in [k, k + 1]
    ends = np.arange(-4.0, 5.0)
    one = Segments(np.array([0]), ends[:1], ends[-1:], np.array([[[1.0], [4.0]]]))
    loss = added_up(one, ends, np.zeros((1, 1)), np.ones(1))
    middle = ends[:-1] + 1.5
    np.testing.assert_allclose(loss, np.column_stack([middle**2, middle, np.full(8, 0.25)]))


def test_windows_of_a_tree_are_twice_as_wide_a_level_up():
    ends = np.array([0.0, 1.0, 4.0, 9.0, 16.0])
    for span, nodes, wanted in (
        (1, [4, 5, 6, 7], [(0, 1), (1, 4), (4, 9), (9, 16)]),
        (2, [2, 3], [(0, 4), (4, 16)]),
        (4, [1], [(0, 16)]),
    ):
        low, high = _window(np.array(nodes), span, ends)
        assert list(zip(low, high, strict=True)) == wanted


def test_a_polynomial_seen_in_a_window_has_its_values():
    c = np.array([[1.0, -2.0, 3.0]] * 2)
    left, right = np.array([-1.0, 1e300]), np.array([3.0, 1e300])
    low, high = np.array([0.0, 1e300]), np.array([0.5, 1e300])
    found = _seen_in(c, left, right, low, high)
    for u in (-1.0, 0.25, 1.0):
        t = 0.25 + 0.25 * u
        v = (t - 1) / 2
        assert values(found, np.full(2, u))[0] == pytest.approx(1 - 2 * v + 3 * v * v, rel=1e-14)
    # where there is nothing to see, nothing overflows
    np.testing.assert_array_equal(found[1], [1.0, 0.0, 0.0])


def test_what_a_window_holds_comes_down_to_its_pieces():
    ends = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    windows = np.zeros((8, 2))
    windows[1], windows[3], windows[4] = [2.0, 2.0], [30.0, 1.0], [100.0, 0.0]  # t, 27 + t, 100
    found = _handed_down(windows, ends)
    np.testing.assert_allclose(found, [[100.5, 0.5], [1.5, 0.5], [32.0, 1.0], [34.0, 1.0]])
    np.testing.assert_array_equal(_handed_down(np.ones((2, 1)), np.array([0.0, 1.0])), [[1.0]])
