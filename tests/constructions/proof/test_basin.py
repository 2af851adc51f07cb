import itertools
from fractions import Fraction

import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import balanced, basin_of_return, cell_radius, construct, merged, verify
from constructions.proof.basin import radius_and_basin, rescaled, surroundings_of
from constructions.proof.derivatives import joined, pairs_of
from constructions.proof.motion import bounds_of, motions
from geomcore import ReLUNetwork, datasets
from geomcore.gradients import activation_pattern
from geomcore.parameters import move
from training import largest_curvature

STEP = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])  # max(1 - x, 0)
POINTS = np.array([[0.0], [2.0], [3.0]])


def perturbed(net, radius, trials, seed):
    """Stacked layers of `trials` networks on the sphere of the radius around `net`."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((trials, net.parameter_count))
    noise *= radius / np.linalg.norm(noise, axis=1)[:, None]
    pairs = list(zip(net.weights, net.biases, strict=True))
    stacked, at = [], 0
    for W, b in pairs:
        V = noise[:, at : at + W.size].reshape(trials, *W.shape)
        c = noise[:, at + W.size : at + W.size + b.size]
        stacked.append([W + V, b + c])
        at += W.size + b.size
    return stacked


def gradient_step(layers, X, Y, rate):
    """One step of gradient descent on the mean squared error, in place; the loss before it."""
    inputs = [np.broadcast_to(X, (len(layers[0][0]), *X.shape))]
    for l, (W, b) in enumerate(layers):
        value = inputs[-1] @ W.swapaxes(1, 2) + b[:, None]
        inputs.append(np.maximum(value, 0) if l < len(layers) - 1 else value)
    gap = inputs.pop() - Y
    loss = (gap**2).sum(axis=2).mean(axis=1)
    delta = 2 * gap / len(X)
    for l in reversed(range(len(layers))):
        W, b = layers[l]
        grads = delta.swapaxes(1, 2) @ inputs[l], delta.sum(axis=1)
        if l:
            delta = (delta @ W) * (inputs[l] > 0)
        W -= rate * grads[0]
        b -= rate * grads[1]
    return loss


# By hand


def test_the_cell_of_a_step_is_bounded_by_its_nearest_flip():
    # pre-activations 1, -1, -2 at x = 0, 2, 3. The last two share a pattern, which has the
    # smallest margin and the longest point of them: 1 / |(3, 1)|, below the true 1 / |(2, 1)|
    assert cell_radius(STEP, POINTS) == pytest.approx(1 / 10**0.5, rel=1e-5)
    assert cell_radius(STEP, POINTS[:2]) == pytest.approx(1 / 5**0.5, rel=1e-5)


def test_without_hidden_layers_there_is_no_wall_and_no_basin():
    net = ReLUNetwork([np.eye(2)], [np.zeros(2)])
    assert cell_radius(net, np.ones((1, 2))) == np.inf
    assert basin_of_return(net, np.ones((1, 2))) is None


def test_on_a_kink_the_cell_has_radius_zero():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    assert cell_radius(net, np.zeros((1, 1))) == 0
    assert basin_of_return(net, np.zeros((1, 1))) is None


def test_hidden_outputs_are_as_long_as_they_are_exactly():
    # the hidden output is 7 in floating point, but 7.12, and the second unit flips accordingly
    x, w, b = 1.0681311030397562, 1093359450011664.0, -1167851235359892.8
    net = ReLUNetwork([[[w]], [[-1e-9]], [[1.0]]], [[b], [0.01], [0.0]])
    hidden = float(Fraction(w) * Fraction(x) + Fraction(b))
    assert hidden > 1.017 * (w * x + b)
    assert 0 < cell_radius(net, [[x]]) <= (0.01 - 1e-9 * hidden) / np.hypot(hidden, 1)


def exact_product(*factors):
    product = [[Fraction(v) for v in row] for row in factors[0]]
    for factor in factors[1:]:
        columns = list(zip(*[[Fraction(v) for v in row] for row in factor], strict=True))
        product = [
            [sum(a * c for a, c in zip(r, column, strict=True)) for column in columns]
            for r in product
        ]
    return product


@pytest.mark.parametrize("scale", [1.0, 2.0**-600, 2.0**400])
@pytest.mark.parametrize("seed", range(5))
def test_products_that_cancel_are_bounded_with_their_rounding(seed, scale):
    # all units active; the rows of the second layer are orthogonal to the columns of the first
    # but for rounding, so the float product is all error
    rng = np.random.default_rng(seed)
    m, n = 8, 2
    W1 = rng.uniform(1, 2, size=(m, n)) * scale
    basis = np.linalg.qr(np.column_stack([W1 / scale, rng.normal(size=(m, m - n))]))[0]
    W2 = basis[:, n:].T[:3]
    W3 = rng.normal(size=(2, 3))
    net = ReLUNetwork(
        [W1, W2, W3], [np.ones(m) * scale, np.full(3, 1e3 * max(scale, 1)), np.zeros(2)]
    )
    bounds = bounds_of(net, np.ones((1, n)))
    for l, j, factors in ((1, 0, (W2,)), (2, 1, (W3,)), (2, 0, (W3, W2))):
        product = exact_product(*factors)
        frobenius = float(sum(v * v for row in product for v in row)) ** 0.5
        spectral = np.linalg.norm([[float(v) for v in row] for row in product], 2)
        assert spectral <= bounds.layers[0, l, j] <= 1.001 * frobenius + 1e-12
        if l == 1:
            rows = [float(sum(v * v for v in row)) ** 0.5 for row in product]
            assert (np.array(rows) <= bounds.units[0, -3:, j]).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_product_of_cancelling_layers_is_bounded_also_for_the_output(seed):
    rng = np.random.default_rng(seed)
    W2, W3 = rng.normal(size=(6, 6)) * 1e8, rng.normal(size=(6, 6))
    W3 -= W3 @ np.linalg.pinv(W2) @ W2  # rounding only
    net = ReLUNetwork([np.eye(6), W2, W3], [np.ones(6), np.full(6, 1e10), np.zeros(6)])
    bounds = bounds_of(net, np.ones((1, 6)))
    exact = exact_product(W3, W2)
    assert np.linalg.norm([[float(v) for v in r] for r in exact], 2) <= bounds.layers[0, 2, 0]


@pytest.mark.parametrize("scale", [2.0**-900, 2.0**-520, 2.0**500])
def test_a_basin_of_tiny_or_huge_parameters_is_no_larger_than_it_is(scale):
    # the step with its first layer scaled: motions of the output scale, and squares of them vanish
    net = ReLUNetwork([[[-scale]], [[1 / scale]]], [[scale], [0.0]])
    basin = basin_of_return(net, POINTS)
    radius = cell_radius(net, POINTS)
    assert radius <= 1.001 * scale / 5**0.5
    if basin is not None:
        assert basin.radius <= basin.ball <= radius
        assert basin.strength**2 <= 1.001 * scale**2  # sigma_2 of the rows (h, 1), h about `scale`


def test_the_rate_is_that_of_the_last_layer():
    basin = basin_of_return(STEP, POINTS)
    # rows (1, 1), (0, 1), (0, 1) with weights 1/3: the strength at the point itself
    design = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 1.0]]) / 3**0.5
    assert basin.strength < np.linalg.svd(design, compute_uv=False)[-1]
    assert basin.rate == pytest.approx(4 * basin.strength**2)
    assert 0 < basin.radius < basin.ball <= cell_radius(STEP, POINTS)


def test_the_bound_of_the_motion_is_reached_by_the_worst_change():
    # one active unit at x: (dW, db) along (x, 1) moves it by r |(x, 1)|
    for x in (0.0, 0.5):
        _, moves = motions(bounds_of(STEP, np.array([[x]])), 0.1)
        assert moves[0, 0] == pytest.approx(0.1 * np.hypot(x, 1), rel=1e-5)
        assert moves[0, 0] >= 0.1 * np.hypot(x, 1)


# Against the naive oracle


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), widths=st.sampled_from([(2, 3, 1), (1, 1, 1), (3, 2, 4, 2)]))
def test_no_activation_flips_within_the_cell_radius(seed, widths):
    rng = np.random.default_rng(seed)
    net, X = random_network(widths, rng), rng.normal(size=(5, widths[0]))
    radius = cell_radius(net, X)
    pattern = activation_pattern(net, X)
    directions = list(rng.normal(size=(20, net.parameter_count)))
    directions += list(np.eye(net.parameter_count)) + list(-np.eye(net.parameter_count))
    for v in directions:
        other = move(net, v / np.linalg.norm(v), 0.999999 * radius)
        np.testing.assert_array_equal(activation_pattern(other, X), pattern)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 4))
def test_for_one_layer_the_radius_is_the_distance_of_the_nearest_hyperplane(seed, m):
    rng = np.random.default_rng(seed)
    net, X = random_network((3, m, 2), rng), rng.normal(size=(6, 3))
    distances = [
        abs(w @ x + c) / np.sqrt(x @ x + 1)
        for w, c in zip(net.weights[0], net.biases[0], strict=True)
        for x in X
    ]
    # all points of a pattern are given the length of the longest of them
    assert cell_radius(net, X) <= min(distances)
    longest = np.sqrt((X**2).sum(axis=1).max() + 1)
    smallest = np.abs(X @ net.weights[0].T + net.biases[0]).min()
    assert cell_radius(net, X) >= smallest / longest * (1 - 1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 4))
def test_for_one_layer_and_one_point_the_radius_is_exact(seed, m):
    rng = np.random.default_rng(seed)
    net, x = random_network((3, m, 2), rng), rng.normal(size=3)
    distances = np.abs(net.weights[0] @ x + net.biases[0]) / np.sqrt(x @ x + 1)
    assert cell_radius(net, x[None]) == pytest.approx(distances.min(), rel=1e-5)
    assert cell_radius(net, x[None]) <= distances.min()


# Laws

CASES = ["zero loss", "zero loss, balanced", "merge of two", "merge of all", "left alone"]


def case(name):
    data = datasets.clusters(12, radius=0.1, rng=3)
    X, y = data.X, data.y
    if name.startswith("zero loss"):
        net = construct(X, y, "clustered").network
        net = balanced(net, X) if "balanced" in name else net
    elif name == "merge of two":
        net = merged(X, y, [[0, 1], [2]]).network
    elif name == "merge of all":
        net = merged(X, y, [[0, 1, 2]]).network
    else:
        H = np.column_stack([X, np.ones(len(X))])
        V = np.linalg.lstsq(H, np.eye(3)[y])[0]
        net = ReLUNetwork([np.eye(3), V[:-1].T], [2 * np.ones(3), V[-1] - 2 * V[:-1].sum(axis=0)])
    return net, X, y, verify(net, X, y)


@pytest.mark.parametrize("name", CASES)
def test_a_thousand_perturbations_on_the_sphere_return_at_the_stated_rate(name):
    net, X, y, found = case(name)
    Y, basin = np.eye(3)[y], found.basin
    assert found.proved and basin["radius"] > 0
    trials, rate, steps = 1000, 0.02, 150
    layers = perturbed(net, basin["radius"], trials, seed=0)
    first = previous = gradient_step(layers, X, Y, rate) - found.lower_bound
    assert (first > 0).all()
    for k in range(1, steps):
        now = gradient_step(layers, X, Y, rate) - found.lower_bound
        # Euler's method lags behind the flow by a factor 1 + O(rate) in the exponent
        bound = first * np.exp(-0.9 * basin["rate"] * rate * k)
        assert (now <= bound + 1e-14).all()
        assert (now <= previous + 1e-14).all()
        previous = now
    start = [np.concatenate([W.ravel(), b]) for W, b in zip(net.weights, net.biases, strict=True)]
    ends = [np.concatenate([W.reshape(trials, -1), b], axis=1) for W, b in layers]
    moved_by = np.linalg.norm(np.hstack(ends) - np.concatenate(start), axis=1)
    assert (moved_by <= basin["ball"]).all()


@pytest.mark.parametrize("name", ["zero loss", "merge of two", "left alone"])
def test_the_gradient_is_as_strong_as_the_rate_says(name):
    net, X, y, found = case(name)
    for seed in range(20):
        layers = perturbed(net, found.basin["radius"], 1, seed)
        other = ReLUNetwork([W[0] for W, _ in layers], [b[0] for _, b in layers])
        at = verify(other, X, y)
        assert at.gradient_norm**2 >= found.basin["rate"] * (at.loss - found.loss) * (1 - 1e-9)


def test_the_class_weighted_loss_has_a_basin_too():
    data = datasets.clusters(9, radius=0.1, rng=1)
    keep = np.r_[0:9, 9:14, 18:21]
    X, y = data.X[keep], data.y[keep]
    net = construct(X, y, "clustered").network
    found = verify(net, X, y, loss="class_weighted")
    sizes = np.bincount(y)[y]
    direct = basin_of_return(net, X, weights=1 / sizes)
    assert found.basin["radius"] == pytest.approx(direct.radius, rel=1e-6)


def test_points_with_one_output_count_by_their_weight_only():
    basin = basin_of_return(STEP, POINTS)
    twice = basin_of_return(STEP, np.vstack([POINTS, POINTS]))
    assert twice.radius == pytest.approx(basin.radius, rel=1e-9)


@pytest.mark.parametrize("radius", [0.1, 0.15])
def test_balancing_enlarges_the_basin_and_leaves_the_function(radius):
    data = datasets.clusters(30, radius=radius, rng=0)
    net = construct(data.X, data.y, "clustered").network
    better = balanced(net, data.X)
    np.testing.assert_allclose(better(data.X), net(data.X), atol=1e-12)
    before, after = verify(net, data.X, data.y), verify(better, data.X, data.y)
    assert after.verdict == "global minimum"
    assert after.basin["radius"] > before.basin["radius"] >= 1e-3
    # multiplication by powers of two and back does not round
    unbalanced = rescaled(net, np.exp2(np.arange(len(net.weights) - 1)))
    np.testing.assert_array_equal(unbalanced(data.X), net(data.X))


def test_a_merge_of_all_classes_has_a_basin_without_bound_and_the_curvature_of_a_bias():
    data = datasets.clusters(30, rng=0)
    net = merged(data.X, data.y, [[0, 1, 2]]).network
    better = balanced(net, data.X)
    assert basin_of_return(better, data.X).radius > 1e11
    assert not any(hidden.any() for hidden in better.hidden(data.X))
    # of |b - y|^2 in the last bias b, the only parameter that moves the outputs
    assert largest_curvature(better, data.X, data.y) == pytest.approx(2)


def test_a_rescaled_layer_is_undone_in_the_next():
    net = ReLUNetwork([[[-1.0]], [[3.0]], [[5.0]]], [[1.0], [2.0], [7.0]])
    found = rescaled(net, [4.0, 0.5])
    assert [W.item() for W in found.weights] == [-4.0, 3 / 8, 10.0]
    assert [b.item() for b in found.biases] == [4.0, 1.0, 7.0]


def test_a_larger_distance_leaves_a_smaller_basin():
    sizes = [basin_of_return(STEP, POINTS, distance=d).radius for d in (0.0, 1e-6, 1e-3)]
    assert all(a > b for a, b in itertools.pairwise(sizes))


# Bad input


def test_dependent_hidden_outputs_have_no_basin_of_full_rank():
    net = ReLUNetwork([[[1.0]], [[0.0]]], [[5.0], [0.0]])
    X = np.array([[0.0], [1.0], [2.0]])
    assert basin_of_return(net, X, rank=3) is None
    assert basin_of_return(net, X, rank=0) is None


def test_a_refuted_point_has_neither_radius_nor_basin():
    found = verify(ReLUNetwork([[[1.0]], [[1.0]]], [[5.0], [0.0]]), POINTS, POINTS + 1)
    assert found.verdict == "not stationary" and found.radius is None and found.basin is None


def test_lists_are_points_too():
    assert cell_radius(STEP, POINTS.tolist()) == cell_radius(STEP, POINTS)
    third = [1 / 3] * 3
    assert basin_of_return(STEP, POINTS.tolist(), weights=third) == basin_of_return(STEP, POINTS)
    assert balanced(STEP, POINTS.tolist(), evaluations=1)(POINTS).shape == (3, 1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e150, 1e160, 1.7e308])
@pytest.mark.parametrize("place", range(5))
def test_what_overflows_is_no_warning(place, scale):
    rng = np.random.default_rng(0)
    parts = [rng.uniform(-1, 1, s) for s in ((2, 2), (2,), (1, 2), (1,), (3, 2))]
    parts[place] = parts[place] * scale
    net = ReLUNetwork([parts[0], parts[2]], [parts[1], parts[3]])
    assert cell_radius(net, parts[4]) >= 0
    assert balanced(net, parts[4], evaluations=5).widths == net.widths
    basin = basin_of_return(net, parts[4])
    assert basin is None or 0 < basin.radius <= basin.ball <= cell_radius(net, parts[4])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rank": "2"}, "rank must be"),
        ({"rank": 1.5}, "rank must be"),
        ({"rank": -1}, "rank must be"),
        ({"distance": None}, "distance must be a number, at least 0"),
        ({"distance": -1.0}, "distance must be a number, at least 0"),
        ({"distance": np.nan}, "distance must be a number, at least 0"),
        ({"weights": [1.0, -1.0, 1.0]}, "weights must be 3 numbers"),
    ],
)
def test_wrong_options_of_a_basin_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        basin_of_return(STEP, POINTS, **options)


def test_a_distance_beyond_all_doubles_leaves_no_basin():
    assert basin_of_return(STEP, POINTS, distance=10**400) is None


@pytest.mark.parametrize("function", [cell_radius, basin_of_return, balanced])
@pytest.mark.parametrize(
    ("net", "X", "message"),
    [
        ("net", POINTS, "net must be a ReLUNetwork"),
        (STEP, [[0.0, 1.0]], "X must have 1 columns"),
        (STEP, np.empty((0, 1)), "X must hold at least one point"),
        (STEP, [[np.nan]], "X must be finite"),
    ],
)
def test_what_is_no_network_and_no_data_is_named(function, net, X, message):
    with pytest.raises(ValueError, match=message):
        function(net, X)


def test_weights_may_be_zero_and_a_distance_is_zero_by_default():
    found = basin_of_return(STEP, POINTS, weights=[0.5, 0.5, 0.0])
    assert found.strength == pytest.approx(basin_of_return(STEP, POINTS[:2]).strength, rel=0.1)
    assert radius_and_basin(STEP, POINTS) == (
        cell_radius(STEP, POINTS),
        basin_of_return(STEP, POINTS, distance=0.0),
    )


def test_weights_must_fit_the_points():
    for weights in ([0.5, 0.5], [1.0, 1.0, -1.0]):
        with pytest.raises(ValueError, match="weights must be 3 numbers"):
            basin_of_return(STEP, POINTS, weights=weights)


def test_pairs_of_takes_what_joined_gives():
    pairs = list(zip(STEP.weights, STEP.biases, strict=True))
    np.testing.assert_array_equal(joined(pairs_of(STEP, joined(pairs))), joined(pairs))


def test_points_whose_squares_overflow_have_no_radius():
    with np.errstate(over="ignore"):
        assert cell_radius(ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]]), [[1e160]]) == 0.0
        # one hidden output is infinite, the other is not
        net = ReLUNetwork([[[1e200]], [[1.0]]], [[1.0], [0.0]])
        assert basin_of_return(net, [[1e200], [1.0]]) is None


# The inequalities of docs/minima.md, computed once more from the bounds of motion.py

CURVED = ReLUNetwork(
    [[[1.0, 0.5], [-0.5, 1.0]], [[1.0, -0.25], [0.5, 1.0], [0.25, 0.25]], [[1.0, 0.5, -1.0]]],
    [[1.0, 1.5], [1.0, 0.5, 0.75], [0.0]],
)
PLANE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [-0.25, -2.0]])


@pytest.mark.parametrize("distance", [0.0, 1e-4])
@pytest.mark.parametrize("rank", [1, 2, None])
@pytest.mark.parametrize("shares", [None, [0.1, 0.2, 0.3, 0.3, 0.1]])
@pytest.mark.parametrize(("net", "X"), [(STEP, POINTS), (CURVED, PLANE)])
def test_every_number_of_a_basin_is_the_one_of_its_inequality(net, X, shares, rank, distance):
    weights = np.full(len(X), 1 / len(X)) if shares is None else np.array(shares[: len(X)])
    bounds = bounds_of(net, X)
    given = None if shares is None else weights
    found = basin_of_return(net, X, weights=given, rank=rank, distance=distance)
    layers = bounds.layers.copy()
    layers[:, -1] += distance * layers[:, -2]
    bounds = bounds._replace(layers=layers)
    total = [weights[bounds.owner == g].sum() for g in range(len(layers))]

    def motion(r, layer):
        moves = motions(bounds, r)[1][:, layer]
        return np.sqrt(sum(t * m**2 for t, m in zip(total, moves, strict=True))) * (1 + 1e-6)

    design = np.column_stack([net.hidden(X)[-1], np.ones(len(X))]) * np.sqrt(weights)[:, None]
    singular = np.linalg.svd(design, compute_uv=False)
    D = rank or np.linalg.matrix_rank(design)
    strength = singular[D - 1] * (1 - 1e-6) - 10 * max(design.shape) * 2.0**-52 * singular[0]
    strength -= bounds.rounding * np.sqrt(weights.sum())
    s = strength - motion(found.ball, -2)
    assert found.strength == pytest.approx(s, rel=1e-12) and s > 0
    assert found.rate == pytest.approx(4 * s**2, rel=1e-12) and found.rate <= 4 * s**2
    assert found.ball <= cell_radius(net, X) - distance
    sizes = (found.radius + distance) * np.array([1.0, 1 + 1e-8])
    assert [r + motion(r, -1) / s <= found.ball for r in sizes] == [True, False]
    # no other ball gives much more
    for ball in np.linspace(0.01, 1, 200) * (cell_radius(net, X) - distance):
        other = strength - motion(ball, -2)
        r = found.radius * 1.01 + distance
        assert not other > 0 or r + motion(r, -1) / other > ball


def test_the_cell_radius_is_the_largest_for_which_no_unit_flips():
    bounds = bounds_of(CURVED, PLANE)

    def stays(r):
        speeds, _ = motions(bounds, r)
        squares = np.einsum("guj,gj->gu", bounds.units**2, speeds**2)
        return (bounds.margins > r * np.sqrt(squares) * (1 + 1e-6)).all()

    radius = cell_radius(CURVED, PLANE)
    assert stays(radius) and not stays(radius * (1 + 1e-10))


def test_what_is_known_around_a_minimum_begins_at_the_exact_one():
    cell = cell_radius(CURVED, PLANE)
    assert surroundings_of(CURVED, PLANE).cell == cell
    around = surroundings_of(CURVED, PLANE, distance=1e-3)
    assert around.cell == cell - 1e-3 and around.distance == 1e-3
    assert surroundings_of(CURVED, PLANE, distance=cell) is None


def test_a_ball_without_strength_has_no_size_however_large_it_is():
    around = surroundings_of(STEP, POINTS)
    for ball in (1.0, 2.0, 1e6):
        assert around.strength(ball) < 0 and around.size(ball) == 0.0
    assert -1 < around.strength(1.0)
    # the way back counts so many times
    ball = 0.1
    s = around.strength(ball)
    for times in (1, 2, 5):
        found = around.size(ball, times, rounds=3)
        stays = [
            r + times * around.motion(r, -1) / s <= ball for r in (found, found + 1.1e-6 * ball)
        ]
        assert stays == [True, False]
