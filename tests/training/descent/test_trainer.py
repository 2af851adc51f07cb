"""The trainer against finite differences, a per-point trainer and least squares."""

import numpy as np
import pytest
from builders import random_data, random_start
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.layers import Affine, ReLU
from geomcore.network import Network, ReLUNetwork
from geomcore.stack import stack
from training.descent.curvature import largest_curvature
from training.descent.losses import LOSSES
from training.descent.optimizers import SGD
from training.descent.stopping import LossBelow
from training.descent.trainer import train, train_ensemble

SHAPES = {
    "square": (3, 3, 3),
    "wide": (2, 7, 3),
    "tall": (5, 3, 1),
    "one by one": (1, 1, 1),
    "affine": (3, 2),
    "deep": (3, 4, 3, 4, 2),
}


def tensors_of(net):
    return [t for pair in zip(net.weights, net.biases, strict=True) for t in pair]


def naive_loss(tensors, X, Y, weights, name="mse"):
    """Weighted loss with one point at a time."""
    total = 0.0
    for x, y, w in zip(X, Y, weights, strict=True):
        for l in range(0, len(tensors), 2):
            x = tensors[l] @ x + tensors[l + 1]
            if l + 2 < len(tensors):
                x = np.maximum(x, 0)
        if name == "cross_entropy":
            total -= w * np.sum(y * np.log(np.exp(x) / np.sum(np.exp(x))))
        elif name == "bce":
            p = 1 / (1 + np.exp(-x))
            total -= w * np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
        else:
            total += w * np.sum((x - y) ** 2)
    return total


def naive_gradients(tensors, X, Y, weights, name="mse", step=1e-6):
    """Central differences, one parameter at a time."""
    gradients = []
    for i, tensor in enumerate(tensors):
        gradient = np.zeros_like(tensor)
        for at in np.ndindex(tensor.shape):
            values = []
            for sign in (1, -1):
                moved = [t.copy() for t in tensors]
                moved[i][at] += sign * step
                values.append(naive_loss(moved, X, Y, weights, name))
            gradient[at] = (values[0] - values[1]) / (2 * step)
        gradients.append(gradient)
    return gradients


# By hand


def test_one_step_on_one_weight_is_the_gradient_step():
    net = ReLUNetwork([[[2.0]]], [[1.0]])
    result = train(net, [[1.0]], [[0.0]], optimizer=SGD(0.1), steps=1)
    # f = 3, dC/dw = 2 * 3 * 1, dC/db = 2 * 3
    assert result.network.weights[0][0, 0] == pytest.approx(2.0 - 0.6)
    assert result.network.biases[0][0] == pytest.approx(1.0 - 0.6)
    assert result.losses.tolist() == pytest.approx([9.0, 3.24])
    assert result.steps == 1
    assert result.stop_reason == "step budget"


def test_a_unit_that_is_off_everywhere_does_not_move():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-5.0], [0.0]])
    result = train(net, [[1.0], [2.0]], [[1.0], [1.0]], optimizer=SGD(0.5), steps=3)
    assert result.network.weights[0] == net.weights[0]
    assert result.network.biases[0] == net.biases[0]
    assert result.network.biases[1][0] == pytest.approx(1.0)


def test_training_stops_at_the_first_record_below_the_threshold():
    net, X, Y = ReLUNetwork([[[0.0]]], [[0.0]]), [[0.0]], [[1.0]]
    result = train(net, X, Y, optimizer=SGD(0.25), steps=100, stop=LossBelow(0.1))
    # the error halves with each step: losses 1, 1/4, 1/16
    assert result.losses.tolist() == [1.0, 0.25, 0.0625]
    assert (result.steps, result.stop_reason) == (2, "loss threshold")


def test_no_steps_only_evaluates():
    net, (X, Y) = random_start((3, 4, 2)), random_data((3, 4, 2))
    result = train(net, X, Y, steps=0)
    assert result.network == net
    assert result.final_loss == result.losses[0]
    assert result.final_loss == pytest.approx(np.mean(np.sum((net(X) - Y) ** 2, axis=1)))


def test_labels_mean_one_hot_targets():
    net, (X, _) = random_start((3, 4, 2)), random_data((3, 4, 2))
    y = np.array(["b", "a"] * 4 + ["b"])
    Y = np.stack([y == "a", y == "b"], axis=1).astype(float)
    assert train(net, X, y, steps=3).network == train(net, X, Y, steps=3).network


# Against the naive oracle


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_gradients_agree_with_finite_differences(shape, loss):
    widths = SHAPES[shape]
    net, (X, Y) = random_start(widths), random_data(widths)
    Y = np.exp(Y)[np.arange(len(Y)) % 3]
    Y /= Y.sum(axis=1, keepdims=True)
    index = np.unique(Y, axis=0, return_inverse=True)[1].reshape(-1)
    weights = LOSSES[loss].weights(index)
    rate = 1e-3
    result = train(net, X, Y, loss=loss, optimizer=SGD(rate), steps=1)
    expected = naive_gradients(tensors_of(net), X, Y, weights, loss)
    for old, new, gradient in zip(
        tensors_of(net), tensors_of(result.network), expected, strict=True
    ):
        np.testing.assert_allclose((old - new) / rate, gradient, rtol=1e-5, atol=1e-7)
    assert result.losses[0] == pytest.approx(naive_loss(tensors_of(net), X, Y, weights, loss))


def test_gradients_of_a_general_chain_agree_with_those_of_the_network():
    net, (X, Y) = random_start((3, 4, 2)), random_data((3, 4, 2))
    chain = Network([Affine(net.weights[0], net.biases[0]), ReLU(), *net.layers[2:]])
    trained = train(chain, X, Y, steps=5).network
    expected = train(net, X, Y, steps=5).network
    assert type(trained) is Network
    np.testing.assert_array_equal(trained(X), expected(X))


def test_mini_batches_agree_with_a_loop_over_the_same_shuffles():
    net, (X, Y) = random_start((2, 3, 2)), random_data((2, 3, 2), n=7)
    result = train(net, X, Y, optimizer=SGD(0.05), batch_size=3, steps=8, rng=5)
    rng, tensors, rows = np.random.default_rng(5), tensors_of(net), []
    for _ in range(8):
        if not rows:
            order = rng.permuted(np.arange(7))
            rows = [order[:3], order[3:6], order[6:]]
        at = rows.pop(0)
        gradients = naive_gradients(tensors, X[at], Y[at], np.full(len(at), 1 / len(at)))
        tensors = [t - 0.05 * g for t, g in zip(tensors, gradients, strict=True)]
    for trained, expected in zip(tensors_of(result.network), tensors, strict=True):
        np.testing.assert_allclose(trained, expected, rtol=1e-6, atol=1e-8)


def test_largest_curvature_is_the_top_eigenvalue_of_the_hessian_at_zero_loss():
    net, (X, _) = random_start((2, 5, 2)), random_data((2, 5, 2))
    Y, tensors = net(X), tensors_of(net)
    sizes = [t.size for t in tensors]
    step, rows = 1e-4, []
    for i in range(sum(sizes)):
        slopes = []
        for sign in (1, -1):
            flat = np.concatenate([t.ravel() for t in tensors])
            flat[i] += sign * step
            parts = np.split(flat, np.cumsum(sizes)[:-1])
            moved = [p.reshape(t.shape) for p, t in zip(parts, tensors, strict=True)]
            gradients = naive_gradients(moved, X, Y, np.full(len(X), 1 / len(X)))
            slopes.append(np.concatenate([g.ravel() for g in gradients]))
        rows.append((slopes[0] - slopes[1]) / (2 * step))
    expected = np.linalg.eigvalsh((np.array(rows) + np.array(rows).T) / 2)[-1]
    estimate = largest_curvature(net, X, Y, iterations=500, rtol=1e-9)
    assert estimate == pytest.approx(expected, rel=1e-4)


# Laws


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_training_an_affine_map_finds_the_least_squares_fit(seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((12, 2)), rng.standard_normal((12, 2))
    net = ReLUNetwork([np.zeros((2, 2))], [np.zeros(2)])
    A = np.column_stack([X, np.ones(12)])
    curvature = np.linalg.eigvalsh(2 * A.T @ A / 12)
    steps = int(20 * curvature[-1] / curvature[0]) + 1
    result = train(net, X, Y, optimizer=SGD(1 / curvature[-1]), steps=steps)
    expected = np.linalg.lstsq(A, Y, rcond=None)[0]
    np.testing.assert_allclose(result.network(X), A @ expected, atol=1e-6)


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_trial_gives_the_same_numbers_bit_for_bit_whatever_is_trained_beside_it(
    shape, momentum, batch_size
):
    widths = SHAPES[shape]
    X, Y = random_data(widths)
    options = {
        "optimizer": SGD(0.02, momentum),
        "batch_size": batch_size,
        "steps": 30,
        "stop": LossBelow(0.9 * np.mean(np.sum(Y**2, axis=1))),
    }
    networks = [random_start(widths, seed) for seed in range(10, 16)]
    together = train_ensemble(networks, X, Y, rngs=range(6), **options)
    for t, net in enumerate(networks):
        alone = train(net, X, Y, rng=t, **options)
        assert alone.network == together.networks[t]
        assert alone.final_loss == together.final_losses[t]
        assert alone.steps == together.steps[t]
        assert alone.stop_reason == together.stop_reasons[t]


def test_a_gradient_step_below_the_inverse_curvature_lowers_the_loss():
    net, (X, Y) = random_start((3, 5, 2)), random_data((3, 5, 2))
    rate = 0.1 / largest_curvature(net, X, Y)
    losses = train(net, X, Y, optimizer=SGD(rate), steps=50).losses
    assert np.all(np.diff(losses) < 0)


@pytest.mark.parametrize("batch_size", [None, 3])
def test_divergence_ends_its_own_trial_only(batch_size):
    # without a ReLU in between no unit can die, which would end the growth
    X, Y = random_data((2, 2))
    W = np.array([[0.3, 0.1], [-0.2, 0.4]])
    calm = Network([Affine(W, [0.1, 0.0]), Affine(W, [0.0, 0.2])])
    wild = Network([Affine(1e9 * W, [0.1, 0.0]), Affine(1e9 * W, [0.0, 0.2])])
    result = train_ensemble(
        [calm, wild, calm], X, Y, steps=20, batch_size=batch_size, rngs=[0, 1, 0]
    )
    assert result.stop_reasons == ["step budget", "diverged", "step budget"]
    assert result.steps[1] < 20
    np.testing.assert_array_equal(result.networks[0](X), result.networks[2](X))
    assert all(np.isfinite(layer.W).all() for layer in result.networks[1].layers)
    assert result.final_losses[1] > 1e30


def test_final_loss_is_the_loss_of_the_network_that_is_returned():
    net, (X, Y) = random_start((3, 5, 2)), random_data((3, 5, 2))
    result = train(net, X, Y, steps=7, batch_size=2, rng=0, record=3)
    assert result.recorded.tolist() == [0, 3, 6, 7]
    again = train(result.network, X, Y, steps=0)
    assert result.final_loss == again.final_loss == result.losses[-1]


def test_dropping_the_last_batch_leaves_out_its_points():
    net, (X, Y) = random_start((2, 3, 2)), random_data((2, 3, 2), n=5)
    keep = train(net, X, Y, batch_size=4, steps=2, rng=0)
    drop = train(net, X, Y, batch_size=4, steps=2, rng=0, drop_last=True)
    assert keep.network != drop.network
    assert keep.recorded.tolist() == [0, 2]
    assert drop.recorded.tolist() == [0, 1, 2]


def test_a_batch_of_all_points_is_a_full_batch():
    net, (X, Y) = random_start((2, 3, 2)), random_data((2, 3, 2))
    assert train(net, X, Y, batch_size=100, steps=3).network == train(net, X, Y, steps=3).network


def test_lists_float32_fortran_order_and_read_only_arrays_are_accepted_and_left_alone():
    net, (X, Y) = random_start((3, 4, 2)), random_data((3, 4, 2))
    expected = train(net, X, Y, steps=3).network
    frozen = X.copy()
    frozen.flags.writeable = False
    for given_X in (X.tolist(), np.asfortranarray(X), frozen, np.repeat(X, 2, axis=0)[::2]):
        assert train(net, given_X, Y, steps=3).network == expected
    single = train(net, X.astype(np.float32), Y, steps=3).network
    np.testing.assert_allclose(single(X), expected(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(frozen, X)
    assert net == random_start((3, 4, 2))


def test_the_summary_of_many_counts_those_that_ended_above_their_start():
    # the loss (w + b - 1)^2 has curvature 4, so rates above 1/2 lead away, except from the minimum
    nets = [ReLUNetwork([[[w]]], [[0.0]]) for w in (0.0, 1.0, 2.0)]

    def last_line(rate):
        found = train_ensemble(nets, [[1.0]], [[1.0]], optimizer=SGD(rate), steps=5)
        return found.summary().splitlines()[-1]

    assert last_line(0.6) == "2 trials ended above the start: try a smaller learning rate"
    assert last_line(0.4).endswith("stopped by step budget 3")


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": [[0.0]]}, "X must have 3 columns"),
        ({"X": np.empty((0, 3)), "Y": []}, "X must hold at least one point"),
        ({"X": [[0.0, np.nan, 0.0]] * 9}, "X must be finite"),
        ({"Y": np.zeros((9, 5))}, "y must have 2 columns"),
        ({"Y": np.zeros((4, 2))}, "y must have one row per point"),
        ({"Y": list(range(9))}, "y must have 2 columns"),
        ({"loss": "l2"}, "loss must be one of"),
        ({"steps": -1}, "steps must be"),
        ({"steps": 1.5}, "steps must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"record": 0}, "record must be"),
        ({"stop": 1e-3}, "stop must be a stopping rule"),
        ({"rng": "seed", "batch_size": 2}, "rng must be"),
        ({"net": "network"}, "net must be a"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    X, Y = random_data((3, 4, 2))
    arguments = {"net": random_start((3, 4, 2)), "X": X, "Y": Y, **changes}
    with pytest.raises(ValueError, match=message):
        train(**arguments)


def test_networks_of_different_shapes_are_not_stacked():
    with pytest.raises(ValueError, match=r"networks\[1\] must have the shape of the others"):
        stack([random_start((2, 3, 2)), random_start((2, 4, 2))])


def test_a_layer_that_cannot_be_trained_is_refused():
    class Square:
        def __call__(self, X):
            return X**2

        def pull_back(self, X, out, grad):
            return 2 * X * grad

    with pytest.raises(ValueError, match="cannot be trained"):
        train(Network([Square()]), [[1.0]], [[1.0]])


@pytest.mark.parametrize("threshold", [np.nan, "low", None])
def test_threshold_must_be_a_number(threshold):
    with pytest.raises(ValueError, match="threshold must be a number"):
        LossBelow(threshold)
