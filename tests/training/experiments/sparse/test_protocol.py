"""The data of a seed."""

import numpy as np
import pytest

from training.experiments.sparse.protocol import HELD_OUT, QUICK, task_of

SMALL = QUICK._replace(points=300, synthetic_units=8)


@pytest.mark.parametrize("data", ["patches", "synthetic", "pixels"])
def test_a_seed_has_data_of_its_own_the_same_each_time(data):
    one, same, other = (task_of(data, seed, SMALL) for seed in (3, 3, 4))
    assert one.X.shape[0] == 300 and one.held_out.shape[0] == HELD_OUT
    assert one.X.dtype == one.held_out.dtype == np.float32
    assert (one.X == same.X).all() and one.start == same.start
    assert (one.X != other.X).any() and one.start != other.start


def test_whitened_patches_have_mean_0_and_size_1_and_pixels_a_mean():
    patches, pixels = (task_of(data, 0, SMALL) for data in ("patches", "pixels"))
    both = np.vstack([patches.X, patches.held_out])
    assert np.abs(both.mean(axis=1)).max() < 1e-5 and np.mean(both**2) == pytest.approx(1, 1e-4)
    assert np.vstack([pixels.X, pixels.held_out]).std() == pytest.approx(1, 1e-4)
    assert pixels.X.mean() > 1 and pixels.shape is None


def test_synthetic_points_have_their_dictionary():
    task = task_of("synthetic", 0, SMALL)
    assert task.truth.shape == (4, 8) and task.units == 8 and task.X.shape == (300, 4)
    assert np.allclose(np.linalg.norm(task.truth, axis=0), 1)
