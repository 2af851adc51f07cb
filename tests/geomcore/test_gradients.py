import naive
import numpy as np
import pytest
from builders import random_network, random_points
from hypothesis import given
from hypothesis import strategies as st

from geomcore import (
    Network,
    ReLUNetwork,
    activation_pattern,
    affine_map_at,
    input_gradients,
    input_jacobians,
)
from geomcore.layers import Affine, LearnedLpNorm, LpNorm, ReLU
from geomcore.threads import MANY

# Deep, wide, tall, single, without hidden layer, and wide enough for BLAS.
WIDTHS = [(2, 32, 1, 1), (3, 3, 3, 3, 3), (1, 1, 1), (4, 2), (2, 5, 3), (6, 40, 30, 2)]
SEEDS = st.integers(0, 10**6)


def smooth_points(net, n, gap=1e-3):
    """Points whose pre-activations all stay away from zero."""
    kept = [
        x
        for x in random_points(50 * n, net.widths[0])
        if all(np.abs(z).min() > gap for z in naive.relu_layers(net.weights, net.biases, x)[:-1])
    ]
    return np.array(kept[:n])


class Square:
    """A layer that is no ReLU: x -> x^2."""

    def __call__(self, X):
        return X**2

    def pull_back(self, X, out, grad):
        return 2 * X * grad


def test_inactive_units_pass_no_gradient():
    net = ReLUNetwork([np.eye(2), [[3, 5]]], [[0, 0], [0]])
    np.testing.assert_array_equal(input_gradients(net, [[1, -1], [-1, 1]]), [[3, 0], [0, 5]])


def test_a_unit_exactly_at_zero_counts_as_inactive():
    net = ReLUNetwork([[[1]], [[1]]], [[-1], [0]])
    assert not activation_pattern(net, [[1]]).any()
    assert input_gradients(net, [[1]]) == 0
    assert affine_map_at(net, [1]).A == 0


def test_gradients_run_through_layers_of_any_kind():
    net = Network([Affine([[1, 2]], [1]), Square()])
    np.testing.assert_allclose(input_gradients(net, [[1, 1]]), [[8, 16]])


@pytest.mark.parametrize("widths", WIDTHS)
def test_jacobians_are_difference_quotients(widths):
    net = random_network(widths)
    X = smooth_points(net, 5)
    assert len(X) == 5
    J = input_jacobians(net, X)
    for x, found in zip(X, J, strict=True):
        wanted = naive.difference_quotients(
            lambda t: naive.relu_layers(net.weights, net.biases, t)[-1], x
        )
        np.testing.assert_allclose(found, wanted, atol=1e-7 * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize("widths", WIDTHS)
def test_patterns_are_the_signs_of_the_pre_activations(widths):
    net = random_network(widths)
    X = random_points(30, widths[0])
    wanted = [
        np.concatenate([[], *naive.relu_layers(net.weights, net.biases, x)[:-1]]) > 0 for x in X
    ]
    np.testing.assert_array_equal(activation_pattern(net, X), wanted)


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_many_points_get_the_patterns_and_gradients_that_few_get(widths, dtype, monkeypatch):
    monkeypatch.setattr("geomcore.threads.PER_THREAD", 2 * MANY)
    net = random_network(widths)
    X = random_points(4 * MANY + 1, widths[0]).astype(dtype)
    parts = np.array_split(X, 40)
    output = widths[-1] - 1
    G = input_gradients(net, X, output)
    assert G.dtype == dtype
    pattern = activation_pattern(net, X)
    apart = np.vstack([activation_pattern(net, part) for part in parts])
    same = (pattern == apart).all(axis=1)
    assert same.mean() > 0.999
    wanted = np.vstack([input_gradients(net, part, output) for part in parts])
    eps = np.finfo(dtype).eps
    size = np.prod([np.abs(W).sum(axis=1).max() for W in net.weights])
    np.testing.assert_allclose(G[same], wanted[same], atol=10 * eps * size)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), SEEDS)
def test_gradients_are_rows_of_the_jacobian_and_of_the_affine_map(widths, seed):
    net = random_network(widths, seed)
    X = random_points(5, widths[0], seed)
    J = input_jacobians(net, X)
    assert J.shape == (5, widths[-1], widths[0])
    for o in range(widths[-1]):
        np.testing.assert_allclose(input_gradients(net, X, o), J[:, o], rtol=1e-12, atol=1e-12)
    for x, rows, value in zip(X, J, net(X), strict=True):
        A, c = affine_map_at(net, x)
        size = 1 + np.abs(A).max() + np.abs(value).max()
        np.testing.assert_allclose(A, rows, atol=1e-11 * size)
        np.testing.assert_allclose(A @ x + c, value, atol=1e-11 * size)


@given(SEEDS)
def test_the_affine_map_is_the_network_wherever_the_pattern_is_the_same(seed):
    net = random_network((3, 6, 4, 2), seed)
    x = random_points(1, 3, seed)
    near = x + 0.05 * random_points(50, 3, seed + 1)
    same = (activation_pattern(net, near) == activation_pattern(net, x)).all(axis=1)
    A, c = affine_map_at(net, x[0])
    np.testing.assert_allclose(net(near[same]), near[same] @ A.T + c, atol=1e-11)


@given(SEEDS)
def test_a_chain_of_layers_has_the_gradients_of_the_network_it_spells_out(seed):
    net = random_network((3, 4, 4, 2), seed)
    chain = Network(net.layers)
    X = random_points(10, 3, seed)
    np.testing.assert_allclose(input_gradients(chain, X, 1), input_gradients(net, X, 1))
    np.testing.assert_allclose(input_jacobians(chain, X), input_jacobians(net, X))
    for found, wanted in zip(affine_map_at(chain, X[0]), affine_map_at(net, X[0]), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("widths", [(2, 3, 2), (4, 2)])
def test_no_points_have_no_gradients(widths):
    net = random_network(widths)
    X = np.empty((0, widths[0]))
    assert input_gradients(net, X).shape == (0, widths[0])
    assert input_jacobians(net, X).shape == (0, 2, widths[0])
    assert activation_pattern(net, X).shape == (0, sum(widths[1:-1]))


def test_lists_fortran_order_and_read_only_arrays_give_the_same():
    net = random_network((3, 4, 2))
    X = random_points(5000, 3)
    frozen = X.copy()
    frozen.flags.writeable = False
    for same in (X.tolist(), np.asfortranarray(X), frozen, np.repeat(X, 2, axis=0)[::2]):
        np.testing.assert_array_equal(input_gradients(net, same), input_gradients(net, X))
        np.testing.assert_array_equal(activation_pattern(net, same), activation_pattern(net, X))
    np.testing.assert_array_equal(X, frozen)


@pytest.mark.parametrize("n", [2, 5000])
@pytest.mark.parametrize("output", [-1, 2, 0.5, None])
def test_an_output_the_network_does_not_have_is_refused(n, output):
    if output is None:
        output = "first"
    with pytest.raises(ValueError, match="output must be a whole number from 0 to 1"):
        input_gradients(random_network((3, 4, 2)), random_points(n, 3), output)


def test_points_of_another_dimension_are_refused():
    net = random_network((3, 4, 2))
    for function in (input_gradients, input_jacobians, activation_pattern):
        with pytest.raises(ValueError, match="X must have 3 columns"):
            function(net, [[1, 2]])
    for chain in (Network(net.layers), Network([ReLU(), *net.layers])):
        with pytest.raises(ValueError, match="X must have 3 columns"):
            input_gradients(chain, [[1, 2]])
    with pytest.raises(ValueError, match="x must have 3 entries"):
        affine_map_at(net, [1, 2])


def test_what_is_no_network_is_refused():
    with pytest.raises(ValueError, match="net must be a Network"):
        input_gradients("net", [[1]])
    with pytest.raises(ValueError, match="net must be a ReLUNetwork"):
        activation_pattern(Network([ReLU()]), [[1]])
    with pytest.raises(ValueError, match="affine layers, norms of order 1 and ReLUs"):
        affine_map_at(Network([Square()]), [1])


def test_the_affine_map_of_a_norm_of_order_one_is_that_of_its_jacobian():
    rng = np.random.default_rng(0)
    layers = [Affine(*normal(rng, (6, 2), 6)), LpNorm(*normal(rng, (3, 6), 3), 1), *last_of(rng)]
    net = Network(layers)
    for x in rng.normal(size=(20, 2)):
        A, c = affine_map_at(net, x)
        np.testing.assert_allclose(A, input_jacobians(net, [x])[0], atol=1e-12)
        np.testing.assert_allclose(A @ x + c, net([x])[0], atol=1e-12)
    with pytest.raises(ValueError, match="norms of order 1"):
        affine_map_at(Network([LpNorm(np.eye(2), [0, 0], 2)]), [1, 1])


def last_of(rng):
    return [ReLU(), Affine(*normal(rng, (2, 3), 2))]


CHAINS = {
    "order 1": lambda rng: [*first(rng), LpNorm(rng.normal(size=(1, 32)), [0.3], 1), *last(rng)],
    "order 2": lambda rng: [*first(rng), LpNorm(rng.normal(size=(1, 32)), [0.3], 2), *last(rng)],
    "order 3.5": lambda rng: [*first(rng), LpNorm(rng.normal(size=(1, 32)), [-1], 3.5), *last(rng)],
    "learned": lambda rng: [*first(rng), LearnedLpNorm(*normal(rng, (3, 32), 3, 3))],
    "norms": lambda rng: [
        LpNorm(*normal(rng, (4, 2), 4), 2),
        ReLU(),
        LpNorm(*normal(rng, (3, 4), 3), 1),
        LpNorm(*normal(rng, (2, 3), 2), 1),
    ],
    "a ReLU at the end": lambda rng: [Affine(*normal(rng, (3, 2), 3)), ReLU()],
    "no ReLU": lambda rng: [Affine(*normal(rng, (3, 2), 3)), Affine(*normal(rng, (2, 3), 2))],
    "wider": lambda rng: (
        ReLUNetwork(
            normal(rng, (330, 2), (320, 330), (5, 320), (2, 5)), normal(rng, 330, 320, 5, 2)
        ).layers
    ),
    "wide": lambda rng: [
        Affine(*normal(rng, (90, 2), 90)),
        ReLU(),
        Affine(*normal(rng, (80, 90), 80)),
    ],
}


def normal(rng, *shapes):
    return [rng.normal(size=shape) for shape in shapes]


def first(rng):
    return [Affine(*normal(rng, (32, 2), 32)), ReLU()]


def last(rng):
    return [ReLU(), Affine(*normal(rng, (2, 1), 2))]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", sorted(CHAINS))
def test_many_points_give_the_gradients_that_few_give(kind, dtype):
    rng = np.random.default_rng(0)
    net = Network(CHAINS[kind](rng))
    X = rng.normal(size=(MANY + 77, 2)).astype(dtype)
    X[:3] = 0
    few = [X[start : start + 1000] for start in range(0, len(X), 1000)]
    expected = np.concatenate([input_jacobians(net, part) for part in few])
    found = input_jacobians(net, X)
    tolerance = 1e-11 if dtype == np.float64 else 2e-4
    scale = np.abs(expected).max()
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)
    for o in range(min(expected.shape[1], 3)):
        np.testing.assert_allclose(
            input_gradients(net, X, o), expected[:, o], rtol=tolerance, atol=tolerance * scale
        )


@pytest.mark.parametrize("widths", [(64, 3), (64, 3, 2), (70, 5, 4, 3, 2)])
@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e150])
def test_many_inputs_give_the_gradients_of_the_affine_maps(widths, scale):
    rng = np.random.default_rng(1)
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    net = ReLUNetwork(normal(rng, *shapes), [np.zeros(m) for m in widths[1:]])
    X = scale * rng.normal(size=(MANY, widths[0]))
    X[5] = 0
    found = input_gradients(net, X, 1)
    for i in (0, 5, 600, MANY - 1):  # at 0 all units have their kinks, and count as off
        wanted = affine_map_at(net, X[i]).A[1]
        np.testing.assert_allclose(found[i], wanted, rtol=1e-12, atol=1e-12)
    assert len(widths) == 2 or not found[5].any()


def test_a_wide_affine_network_has_the_same_gradient_everywhere():
    rng = np.random.default_rng(0)
    net = ReLUNetwork(normal(rng, (330, 330)), normal(rng, 330))
    found = input_gradients(net, rng.normal(size=(MANY, 330)), 7)
    np.testing.assert_array_equal(found, np.tile(net.weights[0][7], (MANY, 1)))


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e12, 1e300])
def test_gradients_of_norms_keep_their_scale(p, scale):
    rng = np.random.default_rng(0)
    W = rng.normal(size=(1, 2))
    X = rng.normal(size=(MANY, 2))
    X[0] = 0
    one, other = (input_gradients(Network([LpNorm(W * s, [0], p)]), X) for s in (1.0, scale))
    np.testing.assert_allclose(other / scale, one, rtol=1e-9)
    np.testing.assert_array_equal(one[0], 0)
    moved = input_gradients(Network([LpNorm(W, [0], p)]), X * scale)
    np.testing.assert_allclose(moved, one, rtol=1e-9)
