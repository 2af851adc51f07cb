"""What is proved to be a local minimum is one, and what is planted as one is found."""

import numpy as np
import pytest
from flint import arb
from planted import loss_of, lowest_near, planted

from constructions.critical.points import BITS
from constructions.critical.search import nearby_minimum
from constructions.proof.exact import precision
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.parameters import move

SERIES = [(0, 0, 0), (1, 0, 0)]
APART = [(0, 0, 0), (0, 1, 1)]


def proved(net, X, y):
    labels = as_labels(y, len(X), targets=None)
    with precision(BITS):
        weights = [arb(1) / len(X)] * len(labels.classes)
    return nearby_minimum(net, np.asarray(X, float), labels, weights)


def seeds_of(widths, N, kinks, kind, count, size=1e-3):
    """The first few planted networks of a kind."""
    found = []
    for seed in range(400):
        made = planted(widths, N, kinks, seed, kind=kind, size=size)
        if made is not None:
            found.append(made)
        if len(found) == count:
            return found
    raise AssertionError(f"only {len(found)} networks of kind {kind}")


def pre_activations(net, X, kinks):
    """Of each hidden layer, and which of them are not at a kink."""
    h = X
    for l, (W, b) in enumerate(zip(net.weights[:-1], net.biases[:-1], strict=True)):
        z = h @ W.T + b
        apart = np.ones(z.shape, bool)
        for layer, i, u in kinks:
            apart[i, u] &= layer != l
        yield z, apart
        h = np.maximum(z, 0)


# Planted


@pytest.mark.parametrize(
    ("widths", "N", "kinks"),
    [((2, 2, 1), 16, []), ((2, 3, 2), 14, APART), ((2, 3, 3, 2), 14, SERIES)],
)
def test_planted_minima_are_proved_and_nothing_near_them_is_lower(widths, N, kinks):
    rng, count = np.random.default_rng(0), 0
    for net, X, Y in seeds_of(widths, N, kinks, "minimum", 6):
        found, _ = proved(net, X, Y)
        if found is None:
            continue
        count += 1
        assert {(k.layer - 1, k.point, k.unit) for k in found.kinks} == set(kinks)
        assert all(0 < k.multiplier < k.rise for k in found.kinks)
        assert (
            found.distance < 1e-8
            and abs(float(found.loss.mid()) - float(loss_of(net.tensors, X, Y))) < 1e-12
        )
        nearest = min(
            np.abs(z[mask]).min(initial=1.0) for z, mask in pre_activations(net, X, kinks)
        )
        for radius in (0.02 * min(nearest, 1), 1e-4 * min(nearest, 1)):
            assert lowest_near(net, X, Y, radius, rng) > -1e-13
    assert count >= 3


@pytest.mark.parametrize("kind", ["falls", "rises too little"])
def test_a_multiplier_outside_of_its_bounds_is_never_a_minimum(kind):
    for net, X, Y in seeds_of((2, 3, 2), 14, APART, kind, 8):
        found, _ = proved(net, X, Y)
        assert found is None


def test_the_rise_counts_kinks_that_follow():
    rng, lower = np.random.default_rng(1), 0
    for net, X, Y in seeds_of((2, 3, 3, 2), 14, SERIES, "naive", 6):
        assert proved(net, X, Y)[0] is None
        lower += lowest_near(net, X, Y, 1e-3, rng, 2000) < 0
    assert lower >= 3


def test_a_saddle_on_a_slice_is_not_a_minimum():
    for net, X, Y in seeds_of((2, 2, 1), 16, [], "minimum", 4, size=50.0):
        found, _ = proved(net, X, Y)
        if found is not None:
            assert lowest_near(net, X, Y, 1e-3, np.random.default_rng(0), 2000) > -1e-9


# By hand


def test_one_unit_that_fits_a_line_is_the_best_of_its_cell():
    # f = v relu(w x + b) + c on x = 1, 2, 3 with labels 0, 2, 1: the line 1/2 x
    net = ReLUNetwork([[[1.0]], [[0.5]]], [[0.0], [0.0]])
    found, _ = proved(net, [[1.0], [2.0], [3.0]], [[0.0], [2.0], [1.0]])
    assert found.is_best_of_cell and not found.is_zero
    assert found.distance < 1e-14
    assert abs(float(found.loss.mid()) - 0.5) < 1e-15


def test_a_network_that_interpolates_has_loss_zero_exactly():
    net = ReLUNetwork([[[1.0], [-1.0]], [[0.1, 0.3]]], [[0.05, 0.02], [0.7]])
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    Y = net(X)
    found, _ = proved(net, X, Y)
    assert found.is_zero and found.loss == 0 and found.distance < 1e-14


def test_slopes_that_do_not_vanish_are_not_critical():
    net = ReLUNetwork([[[1.0]], [[0.5]]], [[0.0], [0.01]])
    assert proved(net, [[1.0], [2.0], [3.0]], [[0.0], [2.0], [1.0]])[0] is None


def test_the_origin_between_two_signs_is_no_minimum():
    # all units dead and everything zero: nothing can be said
    net = ReLUNetwork([np.zeros((2, 1)), np.zeros((1, 2))], [np.zeros(2), np.zeros(1)])
    assert proved(net, [[-1.0], [1.0]], [[1.0], [-1.0]])[0] is None


def test_a_dead_network_with_the_mean_of_the_labels_is_the_best_of_its_cell():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-9.0], [0.5]])
    found, _ = proved(net, [[1.0], [2.0]], [[0.0], [1.0]])
    assert found.is_best_of_cell and found.loss == arb("0.25")


@pytest.mark.parametrize("scale", [2.0**-400, 2.0**-60, 2.0**60, 2.0**400])
def test_scales_of_the_data_and_of_layers_prove_the_same_or_nothing(scale):
    net, X, Y = seeds_of((2, 3, 2), 14, APART, "minimum", 1)[0]
    scaled = ReLUNetwork([net.weights[0] / scale, net.weights[1]], net.biases)
    found, _ = proved(scaled, X * scale, Y)
    if found is not None:
        assert len(found.kinks) == 2
        assert abs(float(found.loss.mid()) - float(loss_of(net.tensors, X, Y))) < 1e-12


def test_what_is_too_large_or_not_finite_is_refused():
    net = ReLUNetwork([np.ones((2000, 2)), np.ones((1, 2000))], [np.zeros(2000), np.zeros(1)])
    assert "too many" in proved(net, np.ones((2, 2)), [[0.0], [1.0]])[1]
    big = ReLUNetwork([[[1e308]], [[1e308]]], [[1e308], [0.0]])
    assert proved(big, [[1e300], [2.0]], [[0.0], [1.0]])[0] is None


def test_moved_networks_keep_their_proof_and_say_how_far_it_is():
    net, X, Y = seeds_of((2, 3, 2), 14, APART, "minimum", 1)[0]
    rng = np.random.default_rng(0)
    way = rng.standard_normal(net.parameter_count)
    for step in (1e-12, 1e-9):
        other = move(net, way, step / np.linalg.norm(way))
        found, _ = proved(other, X, Y)
        assert found is None or found.distance > 0.01 * step
