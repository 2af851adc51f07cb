"""Eigenvalues that are known, and estimates beside them."""

import numpy as np
import pytest
from builders import random_data, random_network, random_points
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import ReLUNetwork
from training import hessian, hessian_spectrum, sharpness
from training.landscape import spectrum


@pytest.fixture(scope="module")
def large():
    net = random_network((4, 18, 18, 3), 0, scaled=True)
    X, Y = random_data(net.widths, 60, 1)
    assert 480 < net.parameter_count < 520
    H = hessian(net, X, Y)
    return net, X, Y, H, *np.linalg.eigh(H)


def test_estimates_are_within_three_standard_errors(large):
    net, X, Y, H, values, _ = large
    found = hessian_spectrum(net, X, Y, k=5, rng=3)
    assert found.values is None and found.is_converged
    np.testing.assert_allclose(found.top, values[::-1][:5], rtol=1e-8)
    np.testing.assert_allclose(found.bottom, values[:5], rtol=1e-8)
    assert abs(found.trace - np.trace(H)) < 3 * found.trace_error
    assert found.trace_error < 0.3 * abs(np.trace(H))
    exact = spectrum._bells(found.grid, values, found.width).mean(axis=1)
    # as a whole, since each of 400 points has its own error, and where there is any density
    there = exact > 1e-3 * exact.max()
    off = np.abs(found.density - exact)[there] / (found.density_error[there] + 1e-6 * exact.max())
    assert np.mean(off < 3) > 0.9
    area = np.trapezoid(found.density, found.grid)
    assert area == pytest.approx(1, abs=0.01)


def test_the_same_seed_gives_the_same_numbers(large):
    net, X, Y, *_ = large
    first, again, other = (hessian_spectrum(net, X, Y, k=2, rng=seed) for seed in (1, 1, 2))
    assert first.trace == again.trace and (first.density == again.density).all()
    assert first.trace != other.trace


def test_eigenvectors_are_those_of_the_eigenvalues(large):
    net, X, Y, H, *_ = large
    found = hessian_spectrum(net, X, Y, k=3)
    for values, vectors in (
        (found.top, found.top_vectors),
        (found.bottom, found.bottom_vectors),
    ):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-10)
        np.testing.assert_allclose(
            vectors @ H, values[:, None] * vectors, atol=1e-6 * np.abs(found.top[0])
        )


def test_a_small_matrix_is_not_estimated():
    net = random_network((2, 3, 2), 0)
    X, Y = random_data((2, 2), 9, 1)
    found = hessian_spectrum(net, X, Y, k=99)
    values = np.linalg.eigvalsh(hessian(net, X, Y))
    np.testing.assert_allclose(found.values, values, atol=1e-12)
    np.testing.assert_allclose(found.top, values[::-1], atol=1e-12)
    assert found.trace_error == 0 and (found.density_error == 0).all()
    assert found.trace == pytest.approx(values.sum())
    assert np.trapezoid(found.density, found.grid) == pytest.approx(1, abs=0.01)


def test_flat_directions_at_loss_zero_are_those_in_which_no_output_moves():
    # three points: 6 numbers are fixed, of 17 parameters; one unit is off at all of them
    net = random_network((2, 3, 2), 0)
    dead = ReLUNetwork(net.weights, [[1.0, 1.0, -100.0], net.biases[1]])
    X = random_points(3, 2, 1)
    found = hessian_spectrum(dead, X, dead(X))
    assert found.flat == found.fibre
    assert found.fibre >= 17 - 6
    assert f"flat directions {found.flat}" in found.summary()


def test_a_matrix_of_zeros():
    net = ReLUNetwork([[[0.0]], [[0.0]]], [[-1.0], [0.0]])
    found = hessian_spectrum(net, [[1.0]], [[0.0]], tensors=["W1", "b1"])
    assert found.flat == found.fibre == found.count == 2 and found.trace == 0


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(-2, 2))
def test_the_invariant_sharpness_does_not_see_the_scale_of_units(seed, exponent):
    rng = np.random.default_rng(seed)
    net = random_network((2, 3, 3, 1), rng, scaled=True)
    X, Y = random_data((2, 1), 8, rng)
    scales = [10.0 ** (exponent * rng.uniform(-1, 1, size=w)) for w in (3, 3)]
    ends = [np.ones(2), *scales, np.ones(1)]
    other = ReLUNetwork(
        [
            W * out[:, None] / into
            for W, into, out in zip(net.weights, ends, ends[1:], strict=False)
        ],
        [b * out for b, out in zip(net.biases, ends[1:], strict=True)],
    )
    np.testing.assert_allclose(other(X), net(X), rtol=1e-8, atol=1e-10)
    both = [sharpness(n, X, Y, invariant=True) for n in (net, other)]
    assert both[1] == pytest.approx(both[0], rel=1e-6, abs=1e-12)


def test_the_raw_sharpness_grows_as_units_are_scaled():
    nets = [ReLUNetwork([[[s]], [[1 / s]]], [[0.0], [0.0]]) for s in (1.0, 1e3)]
    values = [sharpness(net, [[1.0], [2.0]], [[1.0], [2.0]]) for net in nets]
    assert values[1] > 1e5 * values[0]


def test_sharpness_of_a_large_network_is_its_largest_eigenvalue(large):
    net, X, Y, H, values, _ = large
    assert sharpness(net, X, Y) == pytest.approx(values[-1], rel=1e-8)
    D = np.abs(net.packed()[0])
    top = np.linalg.eigvalsh(D[:, None] * H * D)[-1]
    assert sharpness(net, X, Y, invariant=True) == pytest.approx(top, rel=1e-8)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"k": 0}, "k must"),
        ({"probes": 1}, "probes must"),
        ({"steps": 0}, "steps must"),
        ({"grid": 1}, "grid must"),
        ({"width": 0.0}, "width must"),
        ({"width": "x"}, "width must"),
        ({"rng": "x"}, "rng must"),
        ({"net": 3}, "net must"),
    ],
)
def test_wrong_calls_say_which_argument(change, told):
    X, Y = random_data((2, 2), 9, 1)
    with pytest.raises(ValueError, match=told):
        hessian_spectrum(**{"net": random_network((2, 3, 2)), "X": X, "y": Y, **change})


def test_copies_of_an_eigenvalue_are_all_there():
    rng = np.random.default_rng(0)
    net = ReLUNetwork([rng.standard_normal((50, 10))], [rng.standard_normal(50)])
    X, Y = rng.standard_normal((30, 10)), rng.standard_normal((30, 50))
    for seed in range(3):
        found = hessian_spectrum(net, X, Y, rng=seed, probes=2, steps=5)
        values = np.linalg.eigvalsh(hessian(net, X, Y))
        np.testing.assert_allclose(found.top, values[::-1][:10], rtol=1e-8)
        np.testing.assert_allclose(found.bottom, values[:10], rtol=1e-6, atol=1e-8)
        assert found.is_converged


def test_a_large_hessian_of_zeros_and_a_loss_that_overflows():
    net = ReLUNetwork([np.zeros((500, 1)), np.zeros((1, 500))], [-np.ones(500), [0.0]])
    found = hessian_spectrum(net, [[1.0]], [[0.0]], tensors=["W1"], probes=2, steps=3)
    assert (found.top == 0).all() and found.trace == 0
    assert sharpness(net, [[1.0]], [[0.0]], invariant=True) == 0
    big = ReLUNetwork([[[1e200]], [[1e200]]], [[0.0], [0.0]])
    with pytest.raises(ValueError, match="net must have a finite loss"):
        hessian_spectrum(big, [[1.0]], [[0.0]])


def test_small_data_do_not_make_flat_and_fibre_differ():
    found = hessian_spectrum(ReLUNetwork([[[0.0]]], [[0.0]]), [[0.0], [1e-6]], [[0.0], [0.0]])
    assert found.flat == found.fibre == 1
