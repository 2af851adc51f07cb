"""Points of a known dictionary."""

import numpy as np
import pytest

from geomcore.datasets import sparse_synthetic

# Laws


@pytest.mark.parametrize(
    ("units", "d", "count", "active"), [(6, 4, 50, 2), (1, 1, 3, 1), (3, 7, 5, 3), (9, 1, 1, 1)]
)
def test_points_are_combinations_of_unit_vectors(units, d, count, active):
    data = sparse_synthetic(units, d, count, active=active, rng=0)
    D, Z = data.info["dictionary"], data.info["codes"]
    assert D.shape == (d, units) and Z.shape == (count, units) and data.X.shape == (count, d)
    assert np.allclose(np.linalg.norm(D, axis=0), 1) and np.allclose(data.X, Z @ D.T)
    assert ((Z > 0).sum(axis=1) == active).all() and (Z >= 0).all()
    assert Z[Z > 0].min() >= 0.5 and Z.max() <= 1.5 and (data.y == Z).all()


def test_units_are_active_equally_often():
    Z = sparse_synthetic(8, 4, 20_000, active=2, rng=1).info["codes"]
    assert np.abs((Z > 0).mean(axis=0) - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 20_000)


def test_noise_has_the_size_that_is_told():
    data = sparse_synthetic(8, 30, 4000, noise=0.2, rng=2)
    rest = data.X - data.info["codes"] @ data.info["dictionary"].T
    assert rest.std() == pytest.approx(0.2, rel=0.02) and data.info["noise"] == 0.2


# Bad input


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"units": 3, "active": 4}, "active must be at most units = 3, got 4"),
        ({"active": 0}, "active must be a whole number, at least 1, got 0"),
        ({"noise": -1.0}, "noise must be a finite number, at least 0"),
        ({"noise": 1e308}, r"noise must be so small that points are finite, got 1e\+308"),
        ({"d": 1.5}, "d must be a whole number"),
    ],
)
def test_numbers_out_of_range_are_refused(given, told):
    with pytest.raises(ValueError, match=told):
        sparse_synthetic(**given)
