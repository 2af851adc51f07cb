import json
from fractions import Fraction

import naive
import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import Certificate, construct, verify
from constructions.verdicts import VERDICTS
from geomcore import ReLUNetwork, datasets

TWO_DEAD = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])  # max(1 - x, 0)


def check_bounds(found, net, X, Y):
    """The proved bounds, against the network in Fractions."""
    _, pre_activations = naive.exact_forward(net.weights, net.biases, X)
    loss = naive.exact_loss(net.weights, net.biases, X, Y)
    assert Fraction(found.lower_bound) <= loss <= Fraction(found.loss_bound)
    assert len(found.margins) == len(pre_activations)
    for l, layer in enumerate(pre_activations):
        norm = np.hypot(np.linalg.norm(net.weights[l]), np.linalg.norm(net.biases[l]))
        smallest = float(min(abs(v) for x in layer for v in x))
        assert found.margins[l] * norm <= smallest * (1 + 1e-12)
    assert found.activation_margin == min(found.margins, default=np.inf)


# By hand


def test_a_network_that_is_exactly_right_is_a_global_minimum_at_distance_zero():
    found = verify(TWO_DEAD, [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]])
    assert (found.verdict, found.proved, found.distance) == ("global minimum", True, 0.0)
    assert (found.loss, found.loss_bound, found.lower_bound, found.accuracy) == (0, 0, 0, 1)
    assert found.gradient_norm == 0
    # the smallest pre-activation is 1 at every point but the last, and |(W, b)| = 2^0.5
    assert found.activation_margin == pytest.approx(0.5**0.5)
    assert (found.points, found.widths) == (3, (1, 1, 1))


def test_both_losses_are_those_of_the_paper():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[5.0], [-5.0]])  # the identity on these points
    found = verify(net, [[0.0], [0.0], [4.0]], ["a", "a", "b"], targets=[[1.0], [1.0]])
    assert found.loss == pytest.approx((1 + 1 + 9) / 3)
    assert found.class_weighted_loss == pytest.approx(1 + 9)


def test_accuracy_counts_the_points_nearest_to_their_own_target():
    net = ReLUNetwork([[[1.0]]], [[0.0]])
    found = verify(net, [[0.4], [0.6], [9.0], [-7.0]], [0, 0, 1, 0], targets=[[0.0], [1.0]])
    assert found.accuracy == 0.75


@pytest.mark.parametrize("error", [1e-2, 1e-4, 1e-6])
def test_a_right_shape_with_a_wrong_last_layer_is_not_called_a_minimum(error):
    found = construct([[0.0, 0.0], [3.0, 1.0], [0.0, 4.0]], [0, 1, 2], "sequential")
    *hidden, last = found.network.weights
    net = ReLUNetwork([*hidden, last + error], found.network.biases)
    certificate = verify(net, [[0.0, 0.0], [3.0, 1.0], [0.0, 4.0]], [0, 1, 2])
    assert certificate.verdict == "not stationary" and certificate.proved
    assert certificate.witness["loss"] < certificate.loss
    assert certificate.distance >= 0.1 * error
    assert verify(found.network, [[0.0, 0.0], [3.0, 1.0], [0.0, 4.0]], [0, 1, 2]).proved


def test_a_giant_idle_weight_does_not_excuse_a_wrong_output():
    # the second unit is dead on all points; its weight makes every change of the others "small"
    net = ReLUNetwork(
        [[[-1.0], [1.0]], [[1.0, 1e12]]],
        [[1.0, -50.0], [0.3]],
    )
    X, Y = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]
    certificate = verify(net, X, Y)
    assert certificate.loss == pytest.approx(0.09)
    assert certificate.verdict == "not stationary"


def test_different_labels_on_one_hidden_output_are_no_minimum():
    # points 2 and 3 are dead at the hidden layer, but only they differ in label
    found = verify(TWO_DEAD, [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.5]])
    assert found.verdict == "not stationary"
    assert any("share one last hidden output" in c.detail for c in found.checks)


def test_equal_targets_of_different_labels_may_share_a_hidden_output():
    found = verify(TWO_DEAD, [[0.0], [2.0], [3.0]], [0, 1, 2], targets=[[1.0], [0.0], [0.0]])
    assert found.verdict == "global minimum"


def test_repeated_points_count_once():
    net = ReLUNetwork([[[-1 / 3]], [[3.0]]], [[1 / 3], [0.0]])  # 3/3 is rounded, so not exact
    X = [[0.0], [0.0], [-0.0], [2.0], [3.0], [0.0]]
    found = verify(net, X, [[1.0], [1.0], [1.0], [0.0], [0.0], [1.0]])
    assert found.verdict == "global minimum" and found.distance > 0


def test_a_small_error_that_needs_a_large_change_of_the_last_layer_is_a_slack():
    net = ReLUNetwork([[[2.0]]], [[1.0]])
    found = verify(net, [[0.0], [1e-9]], [[1.0], [1.0 + 2e-9 + 1e-10]])
    assert found.loss < 1e-19 and found.distance is None and found.slack == found.loss_bound
    far = verify(net, [[0.0], [1e-6]], [[1.0], [1.0 + 2e-6 + 1e-7]])
    assert far.distance == pytest.approx(0.1, rel=1e-4)
    assert far.verdict in ("undetermined", "not stationary")


def test_a_dead_network_fits_one_target_and_not_two():
    net = ReLUNetwork([[[0.0, 0.0]], [[3.0]]], [[-1.0], [2.0]])
    X = [[1.0, 2.0], [3.0, 4.0]]
    assert verify(net, X, [[2.0], [2.0]]).verdict == "global minimum"
    assert verify(net, X, [[2.0], [2.5]]).verdict == "not stationary"
    best = ReLUNetwork(net.weights, [net.biases[0], [2.25]])
    assert verify(best, X, [[2.0], [2.5]]).verdict == "local minimum"
    assert verify(net, X, ["a", "a"], targets=[[2.0]]).verdict == "global minimum"


def test_a_kink_is_reported_and_does_not_hide_a_zero_loss():
    found = verify(TWO_DEAD, [[1.0], [0.0]], [[0.0], [1.0]])
    assert found.verdict == "global minimum" and found.activation_margin == 0
    assert found.checks[0].passed is False and "kink" in found.checks[0].detail


def test_a_linear_network_is_judged_by_its_outputs():
    net = ReLUNetwork([[[2.0]]], [[1.0]])
    right = verify(net, [[0.0], [1.0]], [[1.0], [3.0]])
    assert (right.verdict, right.margins, right.activation_margin) == ("global minimum", (), np.inf)
    many = verify(net, [[0.0], [1.0], [2.0], [3.0]], [[1.0], [3.0], [5.0], [7.0]])
    assert (many.verdict, many.distance) == ("global minimum", 0.0)
    wrong = verify(net, [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.5]])
    assert wrong.verdict == "not stationary"
    assert wrong.loss == pytest.approx(1 / 12)


def test_one_point_is_enough():
    found = verify(TWO_DEAD, [[0.25]], [[0.75]])
    assert (found.verdict, found.points) == ("global minimum", 1)
    assert verify(TWO_DEAD, [[0.25]], [[0.5]]).verdict == "not stationary"


def test_rows_whose_squares_underflow_do_not_hide_rounding():
    # The row is below 1e-162 and almost orthogonal to the point: what a float product makes of
    # it is rounding, which the second layer blows up.
    d, k, scale, small = 2048, 16, 2.0**-600, 2.0**-26.6
    x, w = np.full(d, small), np.full(d, small)
    x[:k] = w[:k] = 1
    x[-k:] = 1
    w[-k:] = -(1 + 0.5 * (d - 2 * k) * small * small / k)
    net = ReLUNetwork([w[None] * scale, [[2.0**43 / scale]]], [[0.0], [0.25]])
    found = verify(net, np.tile(x, (8, 1)), [[0.25]] * 8)
    loss = naive.exact_loss(net.weights, net.biases, x[None], [[0.25]])
    assert loss > Fraction(3, 4)
    assert Fraction(found.loss_floor) <= loss <= Fraction(found.loss_bound)
    assert found.verdict != "global minimum"


def test_a_loss_below_the_least_double_is_not_zero():
    net = ReLUNetwork([[[1e-170]]], [[0.0]])
    for N in (2, 100_001):
        found = verify(net, np.linspace(1, 2, N)[:, None], np.zeros((N, 1)))
        assert found.loss_bound > 0 and found.verdict != "global minimum"


@pytest.mark.parametrize("scale", [1e-308, 1e-200, 1e-154, 1e154, 1e200, 1.7e308])
def test_no_scale_ends_in_an_error_or_in_a_false_bound(scale):
    X, Y = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [4.0]])
    for net in (
        ReLUNetwork([[[scale]], [[scale]]], [[scale], [0.0]]),
        ReLUNetwork([[[scale]], [[1.0]]], [[-1.5 * min(scale, 1e308)], [1.0]]),
        ReLUNetwork([[[1.0]], [[1.0]], [[scale]]], [[1.0], [-2.5], [0.0]]),
    ):
        for options in ({}, {"loss": "class_weighted"}, {"subset": "last"}, {"subset": "b1"}):
            found = verify(net, X, Y, **options)
            loss = naive.exact_loss(net.weights, net.biases, X, Y)
            if options.get("loss"):
                loss *= 3  # three classes of one point each
            assert Fraction(found.loss_floor) <= loss
            assert found.loss_bound == np.inf or loss <= Fraction(found.loss_bound)
            assert found.loss_floor <= found.loss <= found.loss_bound or options.get("loss")
            assert Certificate.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("weights", "biases", "X", "y"),
    [
        ([[[1.0]], [[2e186]]], [[0.0], [0.0]], [[1.0]], [[0.0]]),
        ([[[-1e157]], [[1.0]]], [[0.0], [0.0]], [[0.0], [1.0], [3e-152]], [[-2.0], [3.0], [1.0]]),
        ([[[0.0]], [[0.0], [0.0]]], [[0.0], [0.5, 0.5]], [[0.0], [3e156]], ["c", "d"]),
        ([[[0.0]], [[0.0]], [[-1e-16]]], [[7e156], [1.0], [1.0]], [[-0.2], [1.8]], ["c", "d"]),
        ([[[1.0]], [[0.0]]], [[0.0], [-6e270]], [[8e180], [8e180]], [[0.0], [-3e271]]),
    ],
)
def test_steps_that_leave_the_range_of_doubles_are_left_out(weights, biases, X, y):
    net = ReLUNetwork(weights, biases)
    targets = None if isinstance(y[0], list) or len(biases[-1]) == 2 else [[1.0], [0.0]]
    found = verify(net, X, y, targets=targets)
    assert found.verdict in ("undetermined", "not stationary", "saddle")
    assert Certificate.from_json(found.to_json()) == found


def test_no_radius_is_stated_where_the_exact_point_may_be_outside():
    net = ReLUNetwork([[[0.0]], [[0.0]]], [[-3e-228], [0.9999999999]])
    found = verify(net, [[0.0]], [[1.0]])
    assert (found.verdict, found.radius, found.basin) == ("global minimum", None, None)
    assert found.distance >= 1 - 0.9999999999


def test_without_the_last_layer_only_a_loss_of_zero_is_a_global_minimum():
    # 3/3 is rounded, so the stored loss is not zero; that of a network with another W2 is
    net = ReLUNetwork([[[-1 / 3]], [[3.0]]], [[1 / 3], [0.0]])
    X, Y = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]
    assert verify(net, X, Y, subset=["W1", "b1"]).verdict == "undetermined"
    assert verify(net, X, Y, subset=["W1", "W2", "b2"]).verdict == "global minimum"
    assert verify(TWO_DEAD, X, Y, subset=["W1", "b1"]).verdict == "global minimum"


def test_a_list_of_all_tensors_is_no_subset():
    X, Y = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]
    found = verify(TWO_DEAD, X, Y, subset=["b2", "W2", "W1", "b1"])
    assert found == verify(TWO_DEAD, X, Y) and found.subset is None


def test_ties_behind_thousands_of_digits_are_decided():
    # 2^1000 and 2^-1000 in turn, so that no ball of a few thousand bits holds the digits
    layers = [np.diag([2.0**1000, 2.0**-1000]), np.diag([2.0**-1000, 2.0**1000])] * 3
    weights = [np.ones((2, 1)), *layers[:5], np.ones((2, 2))]
    net = ReLUNetwork(weights, [np.zeros(2)] * 7)
    found = verify(net, [[1.0], [3.0]], [0, 1])
    assert found.accuracy == 0.5


def test_an_output_between_two_targets_belongs_to_the_first_class():
    dead = ReLUNetwork([[[1.0]], [[1.0], [1.0]]], [[-9.0], [1 / 3, 1 / 3]])
    found = verify(dead, [[0.0], [1.0], [2.0]], [0, 1, 1])
    assert found.accuracy == 1 / 3


def test_the_summary_says_what_was_proved():
    text = verify(TWO_DEAD, [[0.0], [2.0]], [[1.0], [0.0]]).summary()
    for part in ("global minimum (proved)", "accuracy", "100.00% of 2 points", "gradient norm"):
        assert part in text


def test_how_far_an_exact_fit_is_stands_in_a_refutation_too():
    edge = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    found = verify(edge, [[0.0], [1.0]], [[1.0], [0.0]])
    assert found.verdict == "not stationary"
    assert found.distance == pytest.approx(5**0.5)  # from (1, 0) to (-1, 1)


@pytest.mark.parametrize(
    ("y", "one_hot"),
    [
        ([0, 1], True),
        ([[0.0, 1.0], [1.0, 0.0]], True),
        ([[1.0, 0.0], [0.0, 2.0]], False),
        ([[0.0, 1.0], [1.0, 1.0]], False),
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], False),
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], False),
    ],
)
def test_a_certificate_knows_whether_its_targets_are_one_hot(y, one_hot):
    outputs = np.shape(y)[1] if np.ndim(y) == 2 else 2
    net = ReLUNetwork([[[1.0]], np.ones((outputs, 1))], [[0.0], np.zeros(outputs)])
    assert verify(net, [[0.0], [2.0]], y).one_hot is one_hot


# Against the naive oracle


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.sampled_from([(1, 1), (2, 2), (1, 2, 1), (2, 3, 2), (3, 2, 4, 2), (2, 1, 1, 3)]),
    st.integers(1, 8),
)
def test_bounds_losses_and_gradients_of_random_networks(seed, widths, N):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng)
    X, y = rng.normal(size=(N, widths[0])), rng.integers(0, 2, N)
    targets = rng.normal(size=(2, widths[-1]))[: len(set(y.tolist()))]
    Y = targets[np.unique(y, return_inverse=True)[1]]
    found = verify(net, X, y, targets=targets)
    check_bounds(found, net, X, Y)
    assert found.loss == pytest.approx(((net(X) - Y) ** 2).sum() / N)
    expected = naive.class_weighted_loss(net(X), Y, y.tolist())
    assert found.class_weighted_loss == pytest.approx(expected)
    if found.activation_margin > 1e-4:
        slopes = naive.loss_gradient(net.weights, net.biases, X, Y)
        assert found.gradient_norm == pytest.approx(np.linalg.norm(slopes), rel=1e-4, abs=1e-7)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from([(1, 2, 1), (2, 3, 2), (2, 2, 2, 1)]))
def test_exact_bounds_have_no_width(seed, widths):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng)
    X, Y = rng.normal(size=(4, widths[0])), rng.normal(size=(4, widths[-1]))
    found = verify(net, X, Y, exact=True)
    check_bounds(found, net, X, Y)
    assert found.loss_bound <= np.nextafter(np.nextafter(found.loss_floor, np.inf), np.inf)
    assert found.checks[0].passed


# Laws


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.sampled_from([(2, 2), (2, 2, 2), (2, 3, 3, 2), (2, 4, 2, 2)]),
    st.booleans(),
)
def test_contradictory_targets_are_never_called_a_zero_loss(seed, widths, fitted):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng)
    X = rng.normal(size=(9, 2))
    X[4] = X[0]
    Y = net(X) if fitted else rng.normal(size=(9, 2))
    Y[4] = Y[0] + [0.0, 1e-9]  # equal points, different targets: no network has loss zero
    found = verify(net, X, Y)
    # of one affine layer the best is a global one, but of no zero loss
    is_best = len(widths) == 2 and found.lower_bound > 0
    # with a slack nothing says that the loss is zero, and the least one is not lower by more
    least = float(Y[4, 1] - Y[0, 1]) ** 2 / 2 / len(X)
    is_near = found.slack > 0 and found.loss - found.slack <= least
    assert found.verdict != "global minimum" or is_best or is_near


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from([(3, 1, 2), (3, 4, 1, 2), (2, 2, 2)]))
def test_targets_that_no_last_layer_reaches_are_never_called_a_global_minimum(seed, widths):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng)
    X = rng.normal(size=(8, widths[0]))
    H = np.c_[net.hidden(X)[-1], np.ones(8)]
    wrong = rng.normal(size=(8, 2))
    wrong -= H @ np.linalg.lstsq(H, wrong, rcond=None)[0]
    size = np.linalg.norm(wrong)
    if size < 1e-6:
        return
    Y = net(X) + 1e-9 * wrong / size
    found = verify(net, X, Y)
    assert found.loss < 1e-17
    assert found.verdict != "global minimum"


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(1e-3, 0.3))
def test_perturbed_constructions_are_bounded_and_not_called_minima(seed, size):
    rng = np.random.default_rng(seed)
    data = datasets.clusters(20, rng=0)
    net = construct(data.X, data.y, "clustered").network
    pushed = ReLUNetwork(
        [W + size * rng.normal(size=W.shape) for W in net.weights],
        [b + size * rng.normal(size=b.shape) for b in net.biases],
    )
    found = verify(pushed, data.X, data.y)
    check_bounds(found, pushed, data.X, np.eye(3)[data.y])
    assert found.verdict in ("not stationary", "undetermined")


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(-30, 30), st.integers(0, 5))
def test_the_order_of_points_and_the_scale_of_layers_do_not_matter(seed, power, start):
    rng = np.random.default_rng(seed)
    data = datasets.single_cone(12, d=2, rng=start)
    net = construct(data.X, data.y, "cone", cone=data.info["cone"]).network
    rows = rng.permutation(len(data.X))
    c = 2.0**power
    scaled = ReLUNetwork(
        [net.weights[0] * c, net.weights[1] / c, net.weights[2]],
        [net.biases[0] * c, net.biases[1], net.biases[2]],
    )
    one, other = verify(net, data.X, data.y), verify(scaled, data.X[rows], data.y[rows])
    assert one.verdict == other.verdict == "global minimum"
    assert other.margins[0] == pytest.approx(one.margins[0], rel=1e-6)


@pytest.mark.parametrize("form", [np.asfortranarray, np.float32, lambda X: X[::-1][::-1]])
def test_points_of_every_form_are_accepted_and_left_alone(form):
    X = form(np.array([[0.5, 0.25], [2.0, 3.0], [-4.0, 8.0]]))
    copy = X.copy()
    X.flags.writeable = False
    net = random_network((2, 3, 2))
    found = verify(net, X, [0, 1, 1])
    np.testing.assert_array_equal(X, copy)
    check_bounds(found, net, np.asarray(X, float), np.eye(2)[[0, 1, 1]])
    listed = verify(net, np.asarray(X).tolist(), [0, 1, 1])
    assert listed == found


CERTIFICATES = {
    "global minimum": (TWO_DEAD, [[0.0], [2.0]], [[1.0], [0.0]]),
    "undetermined": (TWO_DEAD, [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.5]]),
    "linear": (ReLUNetwork([[[2.0]]], [[1.0]]), [[0.0], [1.0], [2.0]], [[1.0], [3.0], [4.0]]),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_survive_json(name):
    found = verify(*CERTIFICATES[name])
    text = found.to_json()
    assert Certificate.from_json(text) == found
    assert Certificate.from_json(text).to_json() == text
    json.loads(text, parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))


# Bad input


def altered(**changes):
    fields = json.loads(verify(*CERTIFICATES["global minimum"]).to_json())
    fields.update(changes)
    return json.dumps(fields)


def without(name):
    fields = json.loads(altered())
    del fields[name]
    return json.dumps(fields)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        None,
        '{"format": "something else"}',
        without("loss"),
        without("format"),
        without("version"),
        altered(version=4),
        altered(version=2),
        altered(critical={}),
        altered(critical=5),
        altered(slack="much"),
        altered(verdict="best"),
        altered(verdict=None),
        altered(verdict=["global minimum"]),
        altered(extra=1),
        altered(checks=5),
        altered(checks=[5]),
        altered(checks=[{"name": "x"}]),
        altered(checks=None),
        altered(margins=None),
        altered(margins=["x"]),
        altered(widths=3),
        altered(loss="much"),
        altered(proved="yes"),
    ],
)
def test_what_is_no_certificate_is_refused(text):
    with pytest.raises(ValueError):
        Certificate.from_json(text)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("net", [[0.0]], [0]), "net must be a ReLUNetwork, got str"),
        ((TWO_DEAD, [[0.0, 1.0]], [0]), "1 columns"),
        ((TWO_DEAD, np.zeros((0, 1)), []), "at least one point"),
        ((TWO_DEAD, [[np.nan]], [0]), "X must be finite"),
        ((TWO_DEAD, [[0.0]], [0, 1]), "one label per point"),
        (
            (TWO_DEAD, [[0.0], [1.0]], [0, 1]),
            r"one output per class \(2\), got 1; .* by targets=\[\[0\], \[1\]\] if .* logit of 1",
        ),
        (
            (TWO_DEAD, [[0.0]], [[0.0, 1.0]]),
            "2 outputs, as the targets have entries, got 1",
        ),
        ((TWO_DEAD, [[0.0]], [[np.inf]]), "y must be finite"),
        ((TWO_DEAD, [[0.0]], [None]), "missing labels"),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        verify(*arguments)


@pytest.mark.parametrize("rtol", [-1.0, 2.0, np.nan, "x"])
def test_a_wrong_tolerance_is_refused(rtol):
    with pytest.raises(ValueError, match="rtol"):
        verify(TWO_DEAD, [[0.0]], [[1.0]], rtol=rtol)


def test_targets_must_fit_the_labels():
    for targets in ([[0.0]], [[0.0], [np.nan]], [0.0, 1.0], [[0.0, 1.0], [1.0, 0.0]]):
        with pytest.raises(ValueError, match="targets"):
            verify(TWO_DEAD, [[0.0], [1.0]], [0, 1], targets=targets)


def test_the_verdicts_are_those_of_the_public_contract():
    assert VERDICTS == (
        "global minimum",
        "local minimum",
        "saddle",
        "not stationary",
        "undetermined",
    )
