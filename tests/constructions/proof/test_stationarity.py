import json
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import naive
import numpy as np
import pytest
from builders import random_network
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_moons

from constructions import Certificate, construct, verify
from constructions.proof import stationarity
from geomcore import ReLUNetwork, datasets, save
from training.descent.optimizers import SGD
from training.descent.trainer import train

X = np.array([[-1.0, 0.5], [0.25, 1.0], [1.5, -0.75], [0.5, 2.0], [-0.5, -1.0], [2.0, 1.0]])
Y = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [2.0, 0.0], [1.0, 1.0], [0.0, 3.0]])
MEAN = Y.mean(axis=0)  # 2/3 and 1


def zero_network(*widths, last):
    shapes = list(pairwise(widths))
    biases = [np.zeros(m) for _, m in shapes[:-1]]
    return ReLUNetwork([np.zeros((m, n)) for n, m in shapes], [*biases, last])


def check_witness(found, net, X, Y):
    """Recompute the witness from the certificate's JSON and the network alone, in Fractions."""
    witness = json.loads(found.to_json())["witness"]
    step = witness["step"]
    parts = witness["direction"]
    squares = sum(np.square(p["weights"]).sum() + np.square(p["biases"]).sum() for p in parts)
    assert squares == pytest.approx(1)
    weights = [W + step * np.array(p["weights"]) for W, p in zip(net.weights, parts, strict=True)]
    biases = [b + step * np.array(p["biases"]) for b, p in zip(net.biases, parts, strict=True)]
    before = naive.exact_loss(net.weights, net.biases, X, Y)
    after = naive.exact_loss(weights, biases, X, Y)
    assert after < before
    assert float(after) == pytest.approx(witness["loss"], rel=1e-9)


def minimum_of_one_unit():
    """A network of one hidden unit, trained to rounding, on its own data."""
    net = ReLUNetwork([[[1.0, 0.25]], [[0.5], [-0.25]]], [[1.5], [0.5, 0.5]])
    found = train(net, X, Y, optimizer=SGD(0.02), steps=200_000, record=200_000)
    return found.network


# By hand


def test_a_slope_refutes_and_its_witness_can_be_recomputed():
    net = ReLUNetwork([np.eye(2), np.eye(2)], [[3.0, 3.0], [0.0, 0.0]])
    found = verify(net, X, Y)
    assert (found.verdict, found.proved) == ("not stationary", True)
    assert found.witness["slope"] < 0
    check_witness(found, net, X, Y)


def test_equal_active_units_with_zero_output_weights_are_a_saddle():
    # output is the mean; turning the idle output weights and the unit together lowers the loss
    net = ReLUNetwork([[[0.0, 0.0]], [[0.0], [0.0]]], [[1.0], MEAN])
    found = verify(net, X, Y)
    assert (found.verdict, found.proved) == ("saddle", True)
    assert found.witness["curvature"] < 0 and found.smallest_eigenvalue < 0
    check_witness(found, net, X, Y)


def test_the_zero_network_is_not_stationary_unless_it_answers_the_mean():
    net = zero_network(2, 3, 2, last=[0.0, 0.0])
    found = verify(net, X, Y)
    assert (found.verdict, found.proved) == ("not stationary", True)
    check_witness(found, net, X, Y)


@pytest.mark.parametrize("depth", [1, 2])
def test_the_zero_network_at_the_mean_is_a_saddle_of_the_order_of_its_depth(depth):
    targets = Y - MEAN + [0.5, 0.25]  # a mean without rounding
    targets = np.round(targets * 64) / 64
    net = zero_network(2, *[4] * depth, 2, last=targets.mean(axis=0))
    found = verify(net, X, targets)
    assert found.verdict == "saddle"
    assert found.witness["order"] == depth + 1 and found.witness["coefficient"] < 0
    check_witness(found, net, X, targets)


@pytest.mark.parametrize("depth", [1, 2])
def test_a_saddle_of_higher_order_is_proved_where_the_lower_terms_vanish(depth):
    net = zero_network(2, *[4] * depth, 2, last=[0.5, 0.0])
    found = verify(net, X[:2], [[1.5, 0.0], [-0.5, 0.0]])  # the mean is exact
    assert (found.verdict, found.proved) == ("saddle", True)
    assert found.witness["order"] == depth + 1 and found.witness["coefficient"] < 0


def test_a_line_falls_at_its_first_coefficient_that_is_not_small():
    from flint import arb

    from constructions.proof.stationarity import FLAT, _first_fall

    def found(*coefficients, slack=0.0):
        return _first_fall([arb(9), *map(arb, coefficients)], slack)

    assert found(0, 0, -1) == (3, True)
    assert found(0, -1, 5) == (2, True)
    assert found(-1, 0, 0) == found(0, 0, 1) == found(0, 0, 0) == (None, False)
    assert found(0, 1, -9) == found(1, -1, 0) == (None, False)
    # what is below the slack, or a share FLAT of the largest, is rounding, and then nothing is
    # proved if it rises; if it falls, the loss falls anyhow
    assert found(0.5, 0, -1, slack=0.5) == (3, False)
    assert found(-0.5, 0, -1, slack=0.5) == (3, True)
    assert found(0.5, 0, -1, slack=0.4) == (None, False)
    assert found(0, FLAT / 2, -1) == (3, False) and found(0, -FLAT / 2, -1) == (3, True)
    assert found(0, 2 * FLAT, -1) == (None, False)
    assert found(0, 2 * FLAT, 0, -2) == (4, False)  # a share of -2
    # a ball that may be zero decides nothing
    assert found(0, arb(-1, 2), -1) == (None, False)
    assert found(0, arb(0, FLAT / 9), -1) == (3, False)


def test_on_a_kink_no_minimum_is_claimed():
    # the loss is (max(w, 0) - 1)^2 + ...: flat to the left of the kink, falling to the right
    net = ReLUNetwork([[[0.0]], [[1.0]]], [[0.0], [0.0]])
    found = verify(net, [[1.0]], [[1.0]])
    assert (found.verdict, found.proved) == ("not stationary", True)
    assert found.radius is None
    assert any("on a kink, with one-sided slope -" in c.detail for c in found.checks)
    # here the kink is a minimum, which no certificate of ours shows
    found = verify(net, [[1.0], [-1.0]], [[-1.0], [-1.0]], subset="W1")
    assert found.verdict == "undetermined" and not found.proved
    assert any("on a kink" in c.detail for c in found.checks)


def test_the_cumulative_weight_descends_with_its_bias_following():
    # h = 2, 3, 4 and c = 1; the residuals 1, 0, -1/2 have (h - c).r < 0 < (h + c).r
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]])
    points, targets = [[1.0], [2.0], [3.0]], [[1.0], [3.0], [4.5]]
    found = verify(net, points, targets, subset="cumulative")
    assert (found.verdict, found.proved) == ("not stationary", True)
    parts = found.witness["direction"]
    assert parts[0] == {"weights": [[0.0]], "biases": [0.0]}
    V, bias = parts[1]["weights"][0][0], parts[1]["biases"][0]
    assert V == pytest.approx(0.5**0.5) and bias == pytest.approx(-V)
    assert found.witness["slope"] == pytest.approx(2 / 3 * V * -0.5, rel=1e-12)
    assert found.gradient_norm == pytest.approx(2 / 3 * 0.5)  # in W^(2) = W2, b2 following
    # with c = 2 and h = 3, 4, 5 the last bias follows twice as far, and is not counted
    far = ReLUNetwork([[[1.0]], [[1.0]]], [[2.0], [-1.0]])
    found = verify(far, points, targets, subset="cumulative")
    assert found.gradient_norm == pytest.approx(2 / 3 * 0.5)


def test_a_gradient_in_a_first_layer_of_another_size_refutes():
    # the residual is -5 * 2^-100; what comes back to the first layer underflows, x makes up for it
    x = 2.0**1000
    net = ReLUNetwork([[[3 / x]], [[1 / x]]], [[0.0], [0.0]])
    found = verify(net, [[x]], [[5 * 2.0**-100]], subset="W1")
    assert (found.verdict, found.proved) == ("not stationary", True)
    assert found.gradient_norm == 10 * 2.0**-100
    assert -found.witness["slope"] == pytest.approx(found.gradient_norm, rel=1e-12)


def test_a_gradient_that_overflows_proves_nothing():
    net = ReLUNetwork([[[1e200]], [[1e200]]], [[0.0], [0.0]])
    found = verify(net, [[1.0]], [[0.0]])
    assert (found.verdict, found.proved, found.witness) == ("undetermined", False, None)


def saddle():
    """A saddle: two equal active units with output weights of zero."""
    return ReLUNetwork([[[0.0, 0.0]], [[0.0], [0.0]]], [[1.0], MEAN])


def test_the_curvature_of_a_saddle_is_that_of_the_exact_loss():
    net = saddle()
    found = verify(net, X, Y)
    parts = found.witness["direction"]
    t = Fraction(1, 2**40)
    up, here, down = (naive_loss_along(net, parts, s) for s in (t, 0, -t))
    exact = (up - 2 * here + down) / t**2  # but for terms of fourth order in t
    assert exact <= Fraction(found.witness["curvature"]) <= exact + abs(exact) / 10**9


def test_a_curvature_that_only_floating_point_sees_is_no_saddle(monkeypatch):
    flat = np.zeros(7)
    flat[2] = 1.0  # the bias of the hidden unit, on which nothing depends here
    steep = np.zeros(7)
    steep[-1] = 1.0  # the last bias, along which the loss rises
    assert verify(saddle(), X, Y).verdict == "saddle"
    monkeypatch.setattr("constructions.proof.stationarity._directions", lambda problem: [])
    for direction in (flat, steep):
        pair = (-1.0, 1.0, direction)
        name = "constructions.proof.local_problem.smallest_eigenpair"
        monkeypatch.setattr(name, lambda *args, pair=pair: pair)
        found = verify(saddle(), X, Y)
        assert (found.verdict, found.proved, found.witness) == ("undetermined", False, None)


def test_a_lower_loss_beyond_a_flat_stretch_is_no_saddle(monkeypatch):
    # the unit is off; its bias changes nothing here, and lowers the loss from 1 on
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-2.0], [0.5]])
    name = "constructions.proof.local_problem.smallest_eigenpair"
    monkeypatch.setattr(name, lambda *args: (-1.0, 1.0, np.array([0.0, 1.0, 0.0, 0.0])))
    found = verify(net, [[1.0]], [[30.0]], subset="b1")
    assert (found.verdict, found.proved) == ("undetermined", False)


def test_a_hessian_without_eigenvalues_proves_nothing(monkeypatch):
    name = "constructions.proof.local_problem.smallest_eigenpair"
    monkeypatch.setattr(name, lambda *args: (None, None, None))
    found = verify(saddle(), X, Y)
    assert (found.verdict, found.proved) == ("undetermined", False)


def test_a_point_that_is_stationary_in_the_cumulative_weight_may_be_undetermined():
    # the least-squares weight but for 1e-7, which is neither near enough nor a slope to gtol
    h, y = np.array([2.0, 3.0, 4.0]), np.array([1.0, 3.0, 4.5])
    best = (h - 1) @ (y - 1) / ((h - 1) @ (h - 1))
    net = ReLUNetwork([[[1.0]], [[best + 1e-7]]], [[1.0], [1 - best - 1e-7]])
    points, targets = (h - 1)[:, None], y[:, None]
    found = verify(net, points, targets, subset="cumulative", gtol=1e-3)
    assert (found.verdict, found.proved) == ("undetermined", False)
    assert verify(net, points, targets, subset="cumulative").verdict == "not stationary"


def test_without_a_proved_slope_only_a_step_near_by_refutes(monkeypatch):
    net = ReLUNetwork([np.eye(2), np.eye(2)], [[3.0, 3.0], [0.0, 0.0]])
    size = np.sqrt(sum((t**2).sum() for t in net.tensors))
    proved = verify(net, X, Y)
    monkeypatch.setattr("constructions.proof.stationarity.MOST_BALLS", 0)
    found = verify(net, X, Y)
    assert (proved.proved, found.proved) == (True, False)
    assert found.verdict == "not stationary" and proved.witness["step"] > 1e-3
    assert 0 < found.witness["step"] <= 1e-6 * size * (1 + 1e-12)
    assert found.witness["loss"] < found.loss_floor


def test_a_step_is_no_witness_unless_floats_tell_the_losses_apart():
    # Half of 94906267^2 is half a unit above a float, and does not change; the rest, 0.72, does:
    # the loss falls from above the next float to below it.
    net, points = ReLUNetwork([[[0.0]]], [[0.0]]), [[0.0], [1.0]]
    targets = [[94906267.0], [1.2]]
    found = verify(net, points, targets, subset="W1", gtol=0.0)
    assert (found.verdict, found.witness) == ("undetermined", None)
    assert any("no step in double precision shows it" in c.detail for c in found.checks)
    more = verify(net, points, [[94906267.0], [2.0]], subset="W1", gtol=0.0)
    assert more.verdict == "not stationary"


def test_a_kink_that_looks_active_is_no_slope():
    # The pre-activation of the first point is exactly 0, but positive in floating point. Raising
    # it raises the loss, lowering it does nothing; far away the second point comes into play.
    rng = np.random.default_rng(45)
    x, w = rng.uniform(1, 2, 3), rng.normal(size=3)
    high = -float(w @ x)
    low = -float(sum(Fraction(a) * Fraction(c) for a, c in zip(w, x, strict=True)) + Fraction(high))
    point = np.array([*x, 1.0, 1.0])
    net = ReLUNetwork([[[*w, low, 0.0]], [[1.0]]], [[high], [0.5]])
    _, (pre,) = naive.exact_forward(net.weights, net.biases, [point])
    assert pre == [[0]] and net.weights[0] @ point + high > 0
    found = verify(net, [point, -point], [[0.0], [30.0]], subset="W1")
    assert (found.verdict, found.proved) == ("undetermined", False)


def test_a_ball_that_touches_zero_from_below_is_not_inactive():
    from flint import arb, arb_mat

    from constructions.proof.derivatives import _active_after

    below = arb(0).union(arb(-1))
    for leading, answer in ((below, None), (arb(-1), [False]), (arb(0), [True]), (arb(2), [True])):
        series = [arb_mat([[leading]]), arb_mat([[arb(1)]])]
        assert _active_after(series) == answer
    assert _active_after([arb_mat(1, 1), arb_mat(1, 1)]) == [False]


def test_stated_slopes_are_upper_bounds_of_exact_ones():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        net = random_network((2, 3, 2), rng)
        found = verify(net, X, Y)
        slope = found.witness["slope"]
        parts = found.witness["direction"]
        sizes = [Fraction(1, 2**k) for k in (60, 61)]
        change = [
            (naive_loss_along(net, parts, t) - naive_loss_along(net, parts, 0)) / t for t in sizes
        ]
        exact = 2 * change[1] - change[0]  # but for terms of second order in 2^-60
        assert exact <= Fraction(slope) < exact + abs(exact) * Fraction(1, 10**12)


def naive_loss_along(net, parts, t):
    weights = [
        [
            [Fraction(a) + t * Fraction(v) for a, v in zip(r, s, strict=True)]
            for r, s in zip(W.tolist(), p["weights"], strict=True)
        ]
        for W, p in zip(net.weights, parts, strict=True)
    ]
    biases = [
        [Fraction(a) + t * Fraction(v) for a, v in zip(b.tolist(), p["biases"], strict=True)]
        for b, p in zip(net.biases, parts, strict=True)
    ]
    return naive.exact_loss(weights, biases, X, Y)


def test_a_pre_activation_that_only_looks_zero_is_decided():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[1e-300], [0.5]])
    found = verify(net, [[0.0], [1.0]], [[0.0], [1.0]])
    assert found.checks[0].passed and found.verdict == "not stationary"


@pytest.mark.parametrize("k", [0, 1])
def test_a_linear_bottleneck_is_a_minimum_at_the_first_direction_and_a_saddle_at_the_second(k):
    # reduced-rank regression: the critical points are the singular directions
    affine = np.linalg.lstsq(np.column_stack([X, np.ones(6)]), Y)[0].T
    A, centre = affine[:, :2], X.mean(axis=0)
    v = np.linalg.svd((X - centre) @ A.T)[2][k]
    w = v @ A
    net = ReLUNetwork([w[None], v[:, None]], [[9.0], MEAN - v * (w @ centre + 9.0)])
    found = verify(net, X, Y)
    assert (found.verdict, found.proved) == ("saddle" if k else "local minimum", True)
    if k:
        check_witness(found, net, X, Y)


@pytest.mark.parametrize("share", [0.25, 0.5, 1.5, -0.5])
def test_a_split_unit_is_at_the_loss_of_the_whole_and_never_called_a_minimum_wrongly(share):
    # alpha, 1 - alpha: stationary for all shares, a saddle for some of them
    net = minimum_of_one_unit()
    (W1, W2), (b1, b2) = net.weights, net.biases
    split = ReLUNetwork(
        [np.vstack([W1, W1]), np.column_stack([share * W2, (1 - share) * W2])],
        [np.r_[b1, b1], b2],
    )
    whole, found = verify(net, X, Y), verify(split, X, Y)
    assert found.loss == pytest.approx(whole.loss, rel=1e-12)
    assert found.gradient_norm <= 1e-7
    assert found.verdict in ("saddle", "undetermined")
    if found.verdict == "saddle":
        check_witness(found, split, X, Y)


def test_some_split_is_a_saddle():
    net = minimum_of_one_unit()
    (W1, W2), (b1, b2) = net.weights, net.biases
    verdicts = set()
    for share in (0.5, 1.5, -0.5):
        split = ReLUNetwork(
            [np.vstack([W1, W1]), np.column_stack([share * W2, (1 - share) * W2])],
            [np.r_[b1, b1], b2],
        )
        verdicts.add(verify(split, X, Y, gtol=1e-7).verdict)
    assert "saddle" in verdicts


# Against the naive oracle


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), widths=st.sampled_from([(2, 3, 2), (2, 1, 2), (2, 3, 3, 2)]))
def test_a_random_network_is_refuted_by_a_witness_that_holds_in_fractions(seed, widths):
    net = random_network(widths, seed)
    found = verify(net, X, Y)
    assert (found.verdict, found.proved) == ("not stationary", True)
    check_witness(found, net, X, Y)
    exact = verify(net, X, Y, exact=True)
    assert (exact.verdict, exact.proved) == ("not stationary", True)
    loss = naive.exact_loss(net.weights, net.biases, X, Y)
    assert Fraction(found.loss_floor) <= loss <= Fraction(found.loss_bound)


# Laws


@pytest.mark.parametrize("seed", range(3))
def test_a_trained_network_is_not_called_a_minimum_before_it_is_one(seed):
    data = datasets.clusters(10, rng=seed)
    rng = np.random.default_rng(seed)
    net = ReLUNetwork(
        [rng.normal(size=(4, 3)), rng.normal(size=(3, 4))], [rng.normal(size=4), np.zeros(3)]
    )
    net = train(net, data.X, data.y, steps=500, record=500).network
    found = verify(net, data.X, data.y)
    assert found.verdict == "not stationary"
    check_witness(found, net, data.X, np.eye(3)[data.y])


@pytest.mark.parametrize("kind", ["states", "zoo"])
def test_exact_arithmetic_never_contradicts(kind):
    nets = [
        zero_network(2, 3, 2, last=MEAN),
        zero_network(2, 3, 2, last=[0.0, 0.0]),
        ReLUNetwork([np.eye(2), np.eye(2)], [[3.0, 3.0], [0.0, 0.0]]),
        ReLUNetwork([[[0.0, 0.0]], [[0.0], [0.0]]], [[1.0], MEAN]),
        ReLUNetwork([np.eye(2), np.eye(2)], [[-9.0, -9.0], MEAN]),
    ]
    if kind == "zoo":
        cases = [(net, X, Y) for net in nets]
    else:
        data = datasets.clusters(4, classes=2, rng=0)
        net = construct(data.X, data.y, "clustered").network
        cases = [(net, data.X, np.eye(2)[data.y])]
    for net, points, targets in cases:
        assert (
            verify(net, points, targets).verdict == verify(net, points, targets, exact=True).verdict
        )


def test_a_subset_is_refuted_by_a_step_in_that_subset():
    net = ReLUNetwork([np.eye(2), np.eye(2)], [[3.0, 3.0], [0.0, 0.0]])
    found = verify(net, X, Y, subset="W1")
    assert found.verdict == "not stationary"
    first, last = found.witness["direction"]
    assert np.any(first["weights"]) and not np.any(first["biases"])
    assert not np.any(last["weights"]) and not np.any(last["biases"])
    check_witness(found, net, X, Y)


def test_huge_parameters_are_refuted_without_a_warning():
    net = ReLUNetwork([1e100 * np.eye(2), np.eye(2)], [[3e100, 3e100], [0.0, 0.0]])
    assert verify(net, X, Y).verdict == "not stationary"


def test_certificates_of_refutations_round_trip():
    for net in (
        zero_network(2, 3, 2, last=[0.5, 1.0]),
        ReLUNetwork([[[0.0, 0.0]], [[0.0], [0.0]]], [[1.0], MEAN]),
    ):
        found = verify(net, X, Y)
        assert Certificate.from_json(found.to_json()) == found


@pytest.mark.slow
def test_the_command_verifies_without_cvxpy(tmp_path):
    data = datasets.clusters(20, rng=0)
    save(construct(data.X, data.y, "clustered").network, tmp_path / "net.npz")
    np.savez(tmp_path / "data.npz", X=data.X, y=data.y)
    program = (
        "import sys; from training.commands.cli import main\n"
        f"status = main(['verify', {str(tmp_path / 'net.npz')!r}, {str(tmp_path / 'data.npz')!r},"
        f" '--out', {str(tmp_path / 'run')!r}, '--quiet'])\n"
        "assert 'cvxpy' not in sys.modules\nsys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    again = Certificate.from_json((tmp_path / "run" / "certificate.json").read_text())
    assert (again.verdict, again.proved) == ("global minimum", True)


# Bad input


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValueError, match="loss must be one of"):
        verify(zero_network(2, 2, last=[0.0, 0.0]), X, Y, loss="median")


@pytest.mark.parametrize(
    ("series", "order", "step", "sloping"),
    [
        ([0.3, 0.0, -1.0], 2, 0.5, False),
        ([0.3, -0.4, -1.0], 2, 0.5, False),
        ([0.3, -0.4, -1.0], 2, -0.5, False),
        ([0.3, -0.5, -1.0], 2, 0.5, True),  # both bring a quarter
        ([0.3, -0.6, -1.0], 2, -0.5, True),
        ([0.3, -1e-10, 0.0, -3e-10], 3, 2.8e-5, True),
        ([0.3, -1e-10, 0.0, -3e-10], 3, 1.0, False),
        ([0.3, 0.0, -1e-3, -1.0], 3, 1e-4, True),
    ],
)
def test_a_step_that_is_lower_for_its_slope_shows_no_saddle(series, order, step, sloping):
    found = stationarity._is_sloping([arb(c) for c in series], order, {"step": step})
    assert found is sloping


def test_far_out_where_norms_grow_while_the_loss_falls_there_is_no_saddle():
    # trained, then settled until rounding: the loss falls like 1e-10 and 3e-10 of a step cubed
    X, y = make_moons(200, noise=0.15, random_state=3)
    first = [
        [22.51638378343379, -10.657471436208512],
        [33.64656715193933, -28.381051808860565],
        [25.09197933016609, -26.35149008776958],
    ]
    second = [
        [-18.670877313416373, 34.90432588134613, -30.400363740842142],
        [18.15244604066764, -34.734385792446446, 29.945572154836704],
    ]
    biases = [
        [7.5857577614577085, 22.07292320293178, 22.291499516738213],
        [42.65129206229911, -42.82726240053454],
    ]
    found = verify(ReLUNetwork([first, second], biases), X, y, loss="cross_entropy")
    assert found.verdict in ("undetermined", "not stationary")
