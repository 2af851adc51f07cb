"""Points fill the box; means have weights, and errors where they are sampled."""

import numpy as np
import pytest

from geomcore import Polytope, ReLUNetwork
from geomcore.mesa.sampling import drawn, sampled, spread


def test_points_fill_the_box_and_nothing_else():
    box = np.array([(-1.0, 3.0), (1e6, 1e6 + 1), (0.0, 1e-9)])
    X = drawn(box, 4000, np.random.default_rng(0))
    assert X.shape == (4000, 3) and (X >= box[:, 0]).all() and (X <= box[:, 1]).all()
    share = (X - box[:, 0]) / (box[:, 1] - box[:, 0])
    np.testing.assert_allclose(share.mean(axis=0), 0.5, atol=0.02)
    np.testing.assert_allclose(share.var(axis=0), 1 / 12, atol=0.005)


def test_a_mean_and_its_error():
    values, weights = np.array([1.0, 2.0, 6.0, 50.0]), np.array([1.0, 1.0, 1.0, 0.0])
    assert spread(values, weights, 0) == (3.0, 0.0)
    mean, error = spread(values, weights / 7, 4)
    assert mean == pytest.approx(3) and error == pytest.approx(np.std([1, 2, 6], ddof=1) / 3**0.5)
    assert spread(values, weights * [2, 1, 0, 0], 0) == (pytest.approx(4 / 3), 0.0)
    assert spread(values, weights * 0, 4) == (None, None)
    assert spread(values, weights * [0, 0, 1, 0], 0) == (6.0, 0.0)
    assert spread(values * 0, weights, 4) == (0.0, 0.0)


@pytest.mark.parametrize("value", [6.0, 0.0, 1e300])
def test_a_single_sampled_point_has_no_finite_error(value):
    weights = np.array([0.25, 0.0])
    assert spread(np.array([value, 1.0]), weights, 4) == (value, np.inf)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_means_of_any_size_beside_any_other(scale):
    values = np.array([scale, 2 * scale, 1e300, 1e-300])
    mean, error = spread(values, np.array([1.0, 1.0, 0.0, 0.0]), 9)
    assert mean == pytest.approx(1.5 * scale) and error == pytest.approx(0.5 * scale)


def test_blocks_of_points_are_one_sample():
    net = ReLUNetwork([np.eye(3), np.ones((1, 3))], [np.zeros(3), [0.0]])
    P, box = Polytope(np.eye(3), np.ones(3)), np.array([(-2.0, 2.0)] * 3)
    count = 2 * 16384 + 5
    found = sampled(net, P, box, 0, 0.2, count, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    X = np.concatenate([drawn(box, n, rng) for n in (16384, 16384, 5)])
    np.testing.assert_allclose(found.norms, np.sqrt((X > 0).sum(axis=1)))
    np.testing.assert_array_equal(found.inside > 0, (X <= 1).all(axis=1))
    np.testing.assert_array_equal(found.near > 0, (X < 1.2).all(axis=1))
    np.testing.assert_array_equal(found.is_zero, (X <= 0).all(axis=1))
    assert found.samples == count and found.sizes.sum() == pytest.approx(1)
