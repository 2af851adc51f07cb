"""Perturbations: the norm of the noise, tensor by tensor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.layers import Affine
from geomcore.network import Network, ReLUNetwork
from training.study.perturbation import perturb

NET = ReLUNetwork([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]], [[1.0, -1.0], [0.0]])


def noise_norms(net, moved):
    pairs = zip(net.weights + net.biases, moved.weights + moved.biases, strict=True)
    return [np.linalg.norm(q - p) for p, q in pairs]


# By hand


def test_noise_on_a_tensor_with_one_entry_is_plus_or_minus_the_scale():
    net = ReLUNetwork([[[2.0]]], [[0.0]])
    moved = {float(p.weights[0][0, 0]) for p in perturb(net, 0.5, 40, rng=0)}
    assert moved == {1.5, 2.5}


# Against the naive oracle


def test_noise_is_the_normal_draw_of_each_tensor_in_turn_divided_by_its_norm():
    rng = np.random.default_rng(3)
    for moved in perturb(NET, 0.2, 2, rng=3):
        for l in range(2):
            for p, q in ((NET.weights[l], moved.weights[l]), (NET.biases[l], moved.biases[l])):
                E = rng.normal(size=p.shape)
                np.testing.assert_allclose(q, p + 0.2 * E / np.sqrt((E**2).sum()), rtol=1e-12)


# Laws


@given(st.floats(1e-6, 1e6), st.integers(0, 1000))
def test_absolute_noise_on_every_tensor_has_norm_scale(scale, seed):
    for moved in perturb(NET, scale, 2, rng=seed):
        np.testing.assert_allclose(noise_norms(NET, moved), scale, rtol=1e-6, atol=1e-9)


@given(st.floats(1e-3, 1e3), st.integers(0, 1000))
def test_relative_noise_scales_with_the_tensor_and_leaves_zeros(scale, seed):
    (moved,) = perturb(NET, scale, 1, relative=True, rng=seed)
    expected = [scale * np.linalg.norm(t) for t in NET.weights + NET.biases]
    np.testing.assert_allclose(noise_norms(NET, moved), expected, rtol=1e-6)


def test_same_seed_gives_the_same_networks_and_trials_differ():
    first, second = perturb(NET, 0.1, 5, rng=7), perturb(NET, 0.1, 5, rng=7)
    assert first == second
    assert first[0] != first[1]


def test_scale_zero_and_no_trials_are_allowed():
    assert perturb(NET, 0, 2) == [NET, NET]
    assert perturb(NET, 0.1, 0) == []


def test_general_chain_keeps_its_type():
    (moved,) = perturb(Network([Affine([[1.0]], [0.0])]), 0.1, 1, rng=0)
    assert type(moved) is Network
    assert abs(moved.layers[0].W[0, 0] - 1) == pytest.approx(0.1)


# Bad input


@pytest.mark.parametrize("scale", [-1.0, np.nan, np.inf, "big", None, [0.1]])
def test_scale_must_be_a_finite_number_at_least_zero(scale):
    with pytest.raises(ValueError, match="scale must be a finite number"):
        perturb(NET, scale, 1)


@pytest.mark.parametrize("trials", [-1, 1.5, None])
def test_trials_must_be_a_count(trials):
    with pytest.raises(ValueError, match="trials must be"):
        perturb(NET, 0.1, trials)


def test_only_networks_are_perturbed():
    with pytest.raises(ValueError, match="net must be a"):
        perturb([np.eye(2)], 0.1, 1)
