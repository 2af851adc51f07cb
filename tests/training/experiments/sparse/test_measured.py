"""What is measured of an autoencoder, on ones that are small enough to do it by hand."""

import numpy as np
import pytest

from training.experiments.sparse.gabor import gabor
from training.experiments.sparse.measured import (
    acting,
    activity_of,
    gabor_measures,
    helped,
    idle_part,
    measures_of,
    null_of,
    step_limit,
)
from training.experiments.sparse.protocol import QUICK, Task, task_of
from training.sparse.autoencoder import SparseAutoencoder

# By hand


def test_activity_of_two_points():
    Z = np.array([[1.0, 0.0, 0.0], [3.0, 2.0, 0.0]])
    x, out = np.array([[2.0, 0.0], [0.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 2.0]])
    row = activity_of(Z, x, out, np.array([2.0, 0.5, 9.0]))
    assert row == {"missed": 1 / 8, "active": 0.5, "dead": 1, "sum": 3.0, "cost": 4.5}
    assert np.isnan(activity_of(Z, x * 0, out, np.ones(3))["missed"])


def test_cost_is_what_no_rescaling_changes():
    rng = np.random.default_rng(0)
    Z, x, D = rng.random((5, 4)), rng.random((5, 3)), rng.random((3, 4))
    one = activity_of(Z, x, x, np.linalg.norm(D, axis=0))
    c = np.array([0.1, 2.0, 5.0, 1.0])
    other = activity_of(Z * c, x, x, np.linalg.norm(D / c, axis=0))
    assert one["cost"] == pytest.approx(other["cost"])
    assert one["sum"] != pytest.approx(other["sum"])


def test_who_is_raised_by_the_others():
    # unit 1 takes from unit 0, unit 0 adds to unit 1; what a unit takes from itself is no other's
    G = np.array([[5.0, 1.0, 0.0], [-1.0, -5.0, 0.0], [0.0, 0.0, 0.0]])
    net = SparseAutoencoder(np.eye(3), np.zeros(3), np.eye(3), np.zeros(3), G=G, loop=1)
    assert helped(net, np.array([[1.0, 1.0, 0.0]])) == 0.5
    assert helped(net, np.array([[0.0, 1.0, 1.0]])) == 0
    assert np.isnan(helped(net, np.zeros((2, 3))))
    plain = SparseAutoencoder(np.eye(3), np.zeros(3), np.eye(3), np.zeros(3), G=G)
    assert np.isnan(helped(plain, np.ones((1, 3))))


def test_what_a_row_has_in_common_with_all_pixels_is_idle():
    W = np.array([[3.0, 1.0], [1.0, -1.0]])
    x = np.zeros((1, 2), np.float32)
    patch = Task(x, x, 2, None, (1, 2), 0)
    assert (acting(W, patch) == [[1, -1], [1, -1]]).all()
    assert idle_part(W, acting(W, patch)) == pytest.approx(8 / 12)
    assert acting(W, patch._replace(shape=None)) is W and np.isnan(idle_part(W * 0, W * 0))


def test_the_largest_stable_step_is_that_of_the_dictionary():
    D = np.diag([2.0, 0.5])
    net = SparseAutoencoder(D.T, np.zeros(2), D, np.zeros(2), loop=3, gamma=0.1)
    assert step_limit(net) == pytest.approx(2 / 4)
    assert np.isnan(step_limit(SparseAutoencoder(D.T, np.zeros(2), D, np.zeros(2))))


def test_waves_are_beyond_their_spectrum_with_random_phases_and_noise_is_not():
    waves = gabor([[2 + k % 4, 3.5, k, 0.4, 0.4, 0.15, 1, 1] for k in range(40)], (8, 8))
    noise = np.random.default_rng(0).standard_normal((200, 64))
    rng = np.random.default_rng(1)
    assert gabor_measures(waves, (8, 8), "f", rng)["f_beyond_phases"] > 0.9
    assert gabor_measures(noise, (8, 8), "f", rng)["f_beyond_phases"] < 0.15


def test_a_pixel_is_no_gabor_function_and_nothing_is_none():
    waves = gabor([[3.5, 3.5, a, 0.7, 0.7, 0.2, 1, 1] for a in (0, 0.5, 1)], (8, 8))
    pixels = np.eye(64)[[9, 20]]
    row = gabor_measures(np.vstack([waves, pixels, np.zeros((1, 64))]), (8, 8), "field")
    assert row["field_gabor"] == 0.5 and row["field_pixels"] == pytest.approx(1 / 3)
    assert all(np.isnan(v) for v in gabor_measures(np.zeros((0, 64)), (8, 8), "f").values())


# Laws


def test_an_autoencoder_that_is_the_truth_is_told_so():
    truth = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0]
    x = (np.random.default_rng(2).random((50, 4)) @ truth.T).astype(np.float32)
    net = SparseAutoencoder(truth.T, np.zeros(4), truth, np.zeros(4), loop=2)
    row = measures_of(net, Task(x, x, 4, truth, None, 0), np.random.default_rng(0))
    assert row["missed"] < 1e-9 and row["recovered"] == pytest.approx(1) and row["found"] == 1
    assert row["coherence"] < 1e-9 and row["dead"] == 0 and "field_r2" not in row
    assert row["loop_factor"] == pytest.approx(1) and row["encoder_norm"] == pytest.approx(1)


def test_patches_fit_gabor_functions_better_than_their_combinations():
    task = task_of("patches", 0, QUICK._replace(points=500))
    null = null_of(task, np.random.default_rng(0))
    assert np.median(null["patches"]) > np.median(null["random combinations"])
    assert {len(r2) for r2 in null.values()} == {200, 64}
    assert np.mean(null["random combinations"] > 0.7) < 0.05
