"""Second derivatives: by hand, and beside differences of gradients, for every loss and layer."""

import numpy as np
import pytest
from builders import random_data, random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import ReLUNetwork
from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.network import Network
from geomcore.parameters import unflatten
from training import gauss_newton_operator, hessian, hessian_operator, largest_curvature
from training.landscape.operators import Curvature

LOSSES = ("mse", "class_weighted", "cross_entropy", "bce")


def case(seed, widths=(2, 4, 3), n=12):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng, scaled=True)
    return net, rng.normal(size=(n, widths[0])), np.arange(n) % widths[-1]


def differences(net, X, y, step=1e-6, **kind):
    """The Hessian by central differences of the gradient."""
    theta = net.packed()[0]
    rows = []
    for i in range(len(theta)):
        e = np.zeros(len(theta))
        e[i] = step
        up, down = (Curvature(unflatten(net, theta + s * e), X, y, **kind) for s in (1, -1))
        rows.append((up.gradient - down.gradient) / (2 * step))
    return np.array(rows)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from(LOSSES), st.sampled_from([0.0, 0.3]))
def test_the_hessian_is_the_derivative_of_the_gradient(seed, loss, decay):
    net, X, y = case(seed)
    H = hessian(net, X, y, loss=loss, weight_decay=decay)
    assert (H == H.T).all()
    wanted = differences(net, X, y, loss=loss, weight_decay=decay)
    # a kink within the step is rare, and then both sides differ by much
    np.testing.assert_allclose(H, wanted, rtol=1e-5, atol=1e-6 * np.abs(H).max())


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from(LOSSES))
def test_gradient_and_loss_are_those_of_differences(seed, loss):
    net, X, y = case(seed)
    found = Curvature(net, X, y, loss=loss, weight_decay=0.2)
    v = np.random.default_rng(seed).normal(size=found.count)
    theta, step = net.packed()[0], 1e-6
    up, down = (
        Curvature(unflatten(net, theta + s * step * v), X, y, loss=loss, weight_decay=0.2).loss
        for s in (1, -1)
    )
    assert (up - down) / (2 * step) == pytest.approx(found.gradient @ v, rel=1e-5, abs=1e-7)


def test_a_product_is_that_with_the_matrix():
    net, X, y = case(0, (3, 5, 5, 2))
    H = hessian(net, X, y)
    operator = hessian_operator(net, X, y)
    V = np.random.default_rng(1).normal(size=(len(H), 4))
    np.testing.assert_allclose(operator @ V, H @ V, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(operator @ V[:, 0], H @ V[:, 0], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(operator.T @ V, H @ V, rtol=1e-10, atol=1e-10)


def test_blocks_of_tensors_are_blocks_of_the_matrix():
    net, X, y = case(2)
    H = hessian(net, X, y)
    first = 2 * 4 + 4
    np.testing.assert_allclose(hessian(net, X, y, tensors=["W1", "b1"]), H[:first, :first])
    np.testing.assert_allclose(hessian(net, X, y, tensors=["W2", "b2"]), H[first:, first:])


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gauss_newton_matrix_is_the_one_of_the_output_derivative(loss):
    net, X, y = case(3)
    found = Curvature(net, X, y, loss=loss)
    N, k = len(X), net.widths[-1]
    J = found.output_derivative().reshape(N, k, -1)
    Y = np.eye(k)[y]
    outputs = net(X)
    G = 0
    for i in range(N):
        curved = np.stack(
            [found._loss.curvature(outputs[i : i + 1], Y[i : i + 1], e[None])[0] for e in np.eye(k)]
        )
        G = G + found._weights[i] * J[i].T @ curved @ J[i]
    operator = gauss_newton_operator(net, X, y, loss=loss)
    np.testing.assert_allclose(operator @ np.eye(found.count), G, rtol=1e-9, atol=1e-11)
    top = largest_curvature(net, X, y, loss=loss, rtol=1e-12, iterations=3000)
    assert top == pytest.approx(np.linalg.eigvalsh(G)[-1], rel=1e-6)


def test_at_loss_zero_both_matrices_agree():
    net, X, _ = case(4)
    H = hessian(net, X, net(X))
    np.testing.assert_allclose(
        H, gauss_newton_operator(net, X, net(X)) @ np.eye(len(H)), atol=1e-12
    )


def test_one_unit_by_hand():
    # f = v relu(w x + b) + c at x = 2, target 0, with w x + b = 5 and f = 15 + 1
    net = ReLUNetwork([[[2.0]], [[3.0]]], [[1.0], [1.0]])
    H = hessian(net, [[2.0]], [[0.0]])
    J = np.array([3 * 2, 3, 5, 1.0])  # of w, b, v, c
    bent = np.zeros((4, 4))
    bent[0, 2] = bent[2, 0] = 2
    bent[1, 2] = bent[2, 1] = 1
    np.testing.assert_allclose(H, 2 * np.outer(J, J) + 2 * 16 * bent, rtol=1e-14)
    # off, and exactly on the kink, only the last bias bends the loss
    for b in (-100.0, -4.0):
        H = hessian(ReLUNetwork([[[2.0]], [[3.0]]], [[b], [1.0]]), [[2.0]], [[0.0]])
        np.testing.assert_allclose(H, np.diag([0, 0, 0, 2.0]))


def test_a_layer_of_another_kind():
    rng = np.random.default_rng(5)
    layers = [Affine(rng.normal(size=(4, 2)), rng.normal(size=4)), ReLU()]
    net = Network([*layers, LpNorm(rng.normal(size=(3, 4)), rng.normal(size=3), p=3.0)])
    X, Y = rng.normal(size=(7, 2)), rng.normal(size=(7, net.widths[-1]))
    found = Curvature(net, X, Y)
    theta = np.concatenate([t.ravel() for t in net.tensors])
    v, step = rng.normal(size=len(theta)), 1e-6
    up, down = (Curvature(unflatten(net, theta + s * step * v), X, Y).gradient for s in (1, -1))
    np.testing.assert_allclose(
        found.hessian_times(v), (up - down) / (2 * step), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("function", [hessian, hessian_operator, gauss_newton_operator])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"net": None}, "net must be"),
        ({"X": [[1.0]]}, "X must"),
        ({"y": [0, 1]}, "y must"),
        ({"loss": "hinge"}, "loss must"),
        ({"weight_decay": -1}, "weight_decay must"),
        ({"tensors": ["W9"]}, "tensors must"),
    ],
)
def test_wrong_calls_say_which_argument(function, change, told):
    net, X, y = case(0)
    with pytest.raises(ValueError, match=told):
        function(**{"net": net, "X": X, "y": y, **change})


def test_a_matrix_that_is_too_large_is_refused_before_any_work():
    net = random_network((100, 100, 1))
    X, Y = random_data(net.widths, 3)
    with pytest.raises(ValueError, match=r"at most 10,000 parameters .* hessian_operator"):
        hessian(net, X, Y)
