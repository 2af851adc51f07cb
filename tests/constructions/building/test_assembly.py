import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions.building.assembly import (
    Frame,
    assemble,
    cumulative_bias,
    exact_frame,
    last_hidden,
    least_squares,
    of_size_one,
    plain_frame,
    standard_frame,
)
from geomcore.arrays import as_labels
from geomcore.cumulative import cumulative_parameters

# By hand


def test_a_frame_moves_the_centre_to_zero_and_divides_by_the_scale():
    frame = Frame(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    np.testing.assert_array_equal(frame(np.array([[3.0, 2.0], [1.0, 6.0]])), [[1, 0], [0, 1]])


def test_a_constant_feature_keeps_its_unit():
    frame = standard_frame(np.array([[1.0, 5.0], [3.0, 5.0]]))
    np.testing.assert_array_equal(frame.centre, [2.0, 5.0])
    np.testing.assert_array_equal(frame.scale, [1.0, 1.0])


def test_an_exact_frame_rounds_nothing_and_brings_each_feature_to_size_one():
    X = np.array([[1e-30, 3.0, 0.0], [0.5, -1e200, 0.0]])
    frame = exact_frame(X)
    np.testing.assert_array_equal(frame.centre, 0)
    np.testing.assert_array_equal(frame(X) * frame.scale, X)
    np.testing.assert_array_equal(np.abs(frame(X)).max(axis=0) >= 0.5, [True, True, False])


def test_a_plain_frame_changes_nothing_but_extreme_sizes():
    X = np.array([[3.0, -1.0], [0.5, 1e-9]])
    np.testing.assert_array_equal(plain_frame(X)(X), X)
    for factor in (2.0**-900, 2.0**900):
        frame = plain_frame(X * factor)
        assert 0.5 <= np.abs(frame(X * factor)).max() < 1
        assert frame.scale[0] == frame.scale[1]


def test_features_that_no_weight_can_bring_to_size_one_are_refused():
    X = np.array([[0.0, 1e-310], [1.0, 3e-310]])
    with pytest.raises(ValueError, match=r"features that spread by at least .* column 1"):
        standard_frame(X)
    assert (standard_frame(np.array([[0.0, 1e-310], [1.0, 1e-310]])).scale > 0).all()


def two_layers():
    """Layers that send 0, 1, 2 on the line to (0, 1), (0, 0), (1, 0) and then shift."""
    return [
        (np.array([[1.0], [-1.0]]), np.array([-1.0, 1.0])),
        (np.eye(2), np.array([1.0, 2.0])),
    ]


def test_the_network_maps_classes_to_their_targets():
    X = np.array([[0.0], [1.0], [2.0]])
    labels = as_labels([0, 1, 2], 3, targets=[[5.0], [-1.0], [7.0]])
    net = assemble(two_layers(), Frame(np.zeros(1), np.ones(1)), X, labels)
    np.testing.assert_allclose(net(X), [[5.0], [-1.0], [7.0]], atol=1e-13)
    assert net.widths == (1, 2, 2, 1)


def test_a_layer_in_a_frame_is_one_on_the_data():
    frame = Frame(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    W, b = frame.layer(np.array([[1.0, 3.0]]), np.array([5.0]))
    # (x - 1)/2 + 3 (y - 2)/4 + 5
    np.testing.assert_array_equal(W, [[0.5, 0.75]])
    np.testing.assert_array_equal(b, [3.0])


def test_layers_are_scaled_down_or_to_the_nearest_power_of_two():
    X = np.array([[3.0], [1.0]])
    layers = [(np.eye(1), np.zeros(1)), (np.eye(1), np.array([1.0])), (-np.eye(1), np.zeros(1))]
    (W, b), (V, c), (U, _) = of_size_one(layers, X)
    assert (W, V, U) == (0.5, 0.5, -4.0)  # largest outputs 3/2, 4/4, and none
    assert (b, c) == (0.0, 0.25)
    (W, _), *_ = of_size_one(layers, X, rounding=np.round)
    assert W == 0.25  # 3 is nearer to 4 than to 2, as logarithms go


def test_activations_too_small_for_any_weight_are_an_overflow():
    with pytest.raises(OverflowError, match="beyond the largest float"):
        of_size_one([(np.array([[1e300], [0.0]]), np.array([0.0, 0.0]))], np.array([[5e-324]]))


def test_the_cumulative_bias_is_where_zero_goes_without_activations():
    layers = [(np.eye(2), np.array([1.0, -2.0])), (np.array([[1.0, 1.0]]), np.array([5.0]))]
    np.testing.assert_array_equal(cumulative_bias(layers), [4.0])
    np.testing.assert_array_equal(last_hidden(layers, np.zeros((1, 2))), [[6.0]])


def test_a_last_layer_may_have_its_weights_alone_free():
    hidden, Y = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [9.0]])
    W, b = least_squares(hidden, Y, offset=np.array([1.0]))
    np.testing.assert_allclose(W, [[4.0]])  # (0, 1, 2) . (1, 2, 9) / 5
    np.testing.assert_allclose(b, [-4.0])
    W, b = least_squares(hidden, Y, weights=np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(np.r_[W[0], b], [1.0, 0.0], atol=1e-14)


# Against the naive oracle


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 9), st.booleans())
def test_no_other_last_layer_has_a_smaller_weighted_error(seed, m, n, free_bias):
    rng = np.random.default_rng(seed)
    hidden, Y = rng.normal(size=(n, m)), rng.normal(size=(n, 2))
    weights = rng.uniform(0.1, 2, n)
    offset = None if free_bias else rng.normal(size=m)
    W, b = least_squares(hidden, Y, weights=weights, offset=offset)

    def error(W, b):
        return sum(weights[i] * ((W @ hidden[i] + b - Y[i]) ** 2).sum() for i in range(n))

    for _ in range(20):
        V, c = 1e-3 * rng.normal(size=(2, m)), 1e-3 * rng.normal(size=2)
        other = error(W + V, b + c if free_bias else -(W + V) @ offset)
        assert other >= error(W, b) - 1e-12


@pytest.mark.parametrize("noise", [0.0, 1e-16, 3e-15])
def test_rounding_of_collapsed_points_does_not_reach_the_last_layer(noise):
    # two collapsed groups whose hidden outputs differ by rounding: rank 2, not 4
    index = np.repeat([0, 1], 30)
    jitter = noise * np.random.default_rng(0).standard_normal((60, 3))
    points = np.array([[0.5, 0.25, 0.0], [0.25, 0.75, 0.5]])[index] + jitter
    W, b = least_squares(points, np.eye(2)[index])
    assert np.abs(W).max() <= 10
    np.testing.assert_allclose(points @ W.T + b, np.eye(2)[index], atol=1e-12)


# Laws


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(-8, 8), st.floats(-1e6, 1e6), st.integers(1, 3))
def test_every_layer_reaches_one_and_acts_as_given_in_the_frame(seed, logarithm, shift, depth):
    rng = np.random.default_rng(seed)
    scale = 2.0 ** rng.integers(-10, 10, 2)
    frame = Frame(np.array([shift, -shift]), scale)
    X = frame.centre + scale * rng.normal(size=(6, 2))
    size = 10.0**logarithm
    layers = [(size * rng.normal(size=(2, 2)), size * rng.normal(size=2)) for _ in range(depth)]
    labels = as_labels(np.arange(6) % 3, 6)
    net = assemble(layers, frame, X, labels)
    Z = frame(X)
    for (W, b), hidden in zip(layers, net.hidden(X), strict=True):
        Z = np.maximum(Z @ W.T + b, 0)
        top = Z.max()
        if top == 0:
            break
        assert 1 - 1e-6 < hidden.max() < 2 + 1e-6
        np.testing.assert_allclose(hidden, Z / top * hidden.max(), atol=1e-6)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_a_homogeneous_last_layer_has_cumulative_bias_zero(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(3, 4)) + 3
    labels = as_labels([0, 1, 2], 3)
    layers = [(rng.normal(size=(4, 4)), rng.uniform(3, 4, 4)) for _ in range(2)]
    net = assemble(layers, Frame(np.zeros(4), np.ones(4)), X, labels, homogeneous=True)
    _, bs = cumulative_parameters(net)
    np.testing.assert_allclose(bs[-1], 0, atol=1e-9)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_the_last_layer_fits_affinely_independent_classes_to_rounding(seed, d):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(d + 1, d))
    labels = as_labels(np.arange(d + 1), d + 1)
    identity = (np.eye(d), np.full(d, 10.0))
    net = assemble([identity], standard_frame(X), X, labels)
    H = np.column_stack([net.hidden(X)[-1], np.ones(d + 1)])
    loss = float(naive.exact_loss(net.weights, net.biases, X, labels.Y))
    assert loss < (1e-15 * np.linalg.cond(H)) ** 2


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(-12, 12), st.floats(-1e6, 1e6))
def test_standard_frames_have_spread_about_one_and_lose_no_digits(seed, logarithm, shift):
    rng = np.random.default_rng(seed)
    X = 10.0**logarithm * (rng.normal(size=(20, 3)) + shift)
    frame = standard_frame(X)
    Z = frame(X)
    assert (0.5 < Z.std(axis=0)).all() and (Z.std(axis=0) < 2).all()
    assert (np.abs(Z.mean(axis=0)) < 0.01 + 1e-9 * abs(shift)).all()
    mantissa, _ = np.frexp(frame.scale)
    np.testing.assert_array_equal(mantissa, 0.5)
    back = Z * frame.scale + frame.centre
    np.testing.assert_allclose(back, X, rtol=0, atol=1e-15 * np.abs(X).max())


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(-980, 980), st.integers(-980, 980))
def test_standard_frames_are_equivariant_under_powers_of_two_bit_for_bit(seed, first, second):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(20, 2)) + rng.normal(size=2)
    powers = np.array([first, second])
    plain, moved = standard_frame(X), standard_frame(np.ldexp(X, powers))
    np.testing.assert_array_equal(moved.scale, np.ldexp(plain.scale, powers))
    np.testing.assert_array_equal(moved.centre, np.ldexp(plain.centre, powers))
    np.testing.assert_array_equal(moved(np.ldexp(X, powers)), plain(X))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(3, 6))
def test_ill_conditioned_classes_are_fitted_to_the_rounding_of_the_product(seed, logarithm):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4, 3))
    X[3] = X[:3].mean(axis=0) + 10.0**-logarithm * rng.normal(size=3)
    labels = as_labels(np.arange(4), 4)
    net = assemble([(np.eye(3), np.full(3, 10.0))], standard_frame(X), X, labels)
    H = np.column_stack([net.hidden(X)[-1], np.ones(4)])
    V = np.column_stack([net.weights[-1], net.biases[-1]])
    rounding = np.abs(H) @ np.abs(V.T)
    assert (np.abs(net(X) - labels.Y) <= 1e-15 * rounding).all()
