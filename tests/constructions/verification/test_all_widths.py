"""Two-layer networks with weight decay beside all others, as `verify` sees them."""

import dataclasses
from functools import cache

import numpy as np
import pytest

from constructions import Certificate, best_two_layer, recheck, verify
from constructions.two_layer.best_neuron import best_neuron, bound_without_search
from constructions.verdicts import CRITICAL, WIDTHS
from constructions.verification import all_widths
from geomcore import ReLUNetwork
from tests.constructions.two_layer.convex import least_loss

X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
Y = abs(X) + [[0.0], [0.2], [0.0], [0.0], [-0.1]]
DECAY = 0.02
ABS = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])


@cache
def best():
    """The best network of any width for these points."""
    found = best_two_layer(X, Y, weight_decay=DECAY, gap=1e-9, output_bias="penalised")
    return found.network


def named(found, name):
    """The checks of a certificate with a name."""
    return [check for check in found.checks if check.name == name]


def loss_of(net, weight_decay):
    """With the decay of all parameters."""
    error = ((net(X) - Y) ** 2).sum() / len(X)
    return error + weight_decay / 2 * sum((tensor**2).sum() for tensor in net.tensors)


def test_the_best_network_is_a_global_minimum_but_for_a_slack():
    found = verify(best(), X, Y, weight_decay=DECAY)
    assert (found.verdict, found.proved) == ("global minimum", True)
    assert 0 < found.slack <= found.rtol * found.loss and found.slack <= 2 * found.gap
    value = least_loss(X, Y[:, 0], DECAY, "penalised")
    assert abs(found.lower_bound - value) <= 1e-6 * value
    (check,) = named(found, WIDTHS)
    assert check.passed and check.value == found.slack
    assert "of any width," in " ".join(found.summary().split())


def test_no_network_of_any_width_is_below_the_bound():
    rng = np.random.default_rng(0)
    lower = verify(best(), X, Y, weight_decay=DECAY).lower_bound
    for width in (1, 2, 3, 10, 40) * 40:
        size = rng.uniform(0.1, 1.5) / np.sqrt(width) ** 0.5
        net = ReLUNetwork(
            [rng.normal(size=(width, 1)) * size, rng.normal(size=(1, width)) * size],
            [rng.normal(size=width) * size, rng.normal(size=1) * size],
        )
        assert loss_of(net, DECAY) >= lower
        # near the best one, too
        near = [t + 1e-4 * rng.normal(size=t.shape) for t in best().tensors]
        assert loss_of(ReLUNetwork(near[::2], near[1::2]), DECAY) >= lower


def test_a_network_that_is_not_the_best_is_told_the_gap():
    net = ABS
    found = verify(net, X, Y, weight_decay=DECAY)
    assert found.verdict != "global minimum" and found.slack == 0
    value = least_loss(X, Y[:, 0], DECAY, "penalised")
    assert 0 < found.lower_bound <= value <= loss_of(net, DECAY)
    assert found.gap >= loss_of(net, DECAY) - value
    (check,) = named(found, WIDTHS)
    assert check.passed is False
    assert "of any width" in found.summary()
    # with a tolerance as large as that, it is one
    coarse = verify(net, X, Y, weight_decay=DECAY, rtol=1.001 * found.gap / found.loss)
    assert coarse.verdict == "global minimum" and coarse.slack >= loss_of(net, DECAY) - value


def test_a_loss_of_zero_is_the_least_of_all_widths_without_any_slack():
    net = ReLUNetwork([[[0.0]], [[0.0]]], [[0.0], [0.0]])
    for rtol in (1e-9, 0.0):
        found = verify(net, X, 0 * Y, weight_decay=DECAY, rtol=rtol)
        (check,) = named(found, WIDTHS)
        assert (found.verdict, found.loss, check.passed) == ("global minimum", 0.0, True)
        assert found.slack == check.value == 0


def test_an_exact_minimum_next_to_it_is_told_beside_the_slack():
    # one unit that is on everywhere, at the optimum of two parameters by hand: x -> a x
    x, y, decay = np.array([[1.0]]), np.array([[1.0]]), 0.1
    best = best_two_layer(x, y, weight_decay=decay, gap=1e-12, output_bias="penalised").network
    found = verify(best, x, y, weight_decay=decay)
    assert found.verdict == "global minimum" and found.slack > 0
    (check,) = named(found, CRITICAL)
    assert check.passed == (found.distance is not None)
    if found.distance is not None:
        assert found.critical["argument"] == "critical point"


def test_a_file_keeps_it_and_recheck_confirms_it():
    found = verify(best(), X, Y, weight_decay=DECAY)
    again = Certificate.from_json(found.to_json())
    assert all(check.passed for check in recheck(again, best(), X, Y))


@pytest.mark.parametrize(
    ("field", "change", "passed"),
    [
        ("lower_bound", 1 - 1e-9, None),  # rounding of another machine
        ("lower_bound", 1 + 1e-9, False),  # above the loss
        ("lower_bound", 1.001, False),
        ("slack", 0.2, False),
        ("slack", 0.0, False),
        ("slack", 0.5, None),
    ],
)
def test_other_numbers_are_not_confirmed(field, change, passed):
    found = verify(best(), X, Y, weight_decay=DECAY)
    other = dataclasses.replace(found, **{field: getattr(found, field) * change})
    (check,) = [c for c in recheck(other, best(), X, Y) if c.name == field]
    assert check.passed is passed


@pytest.mark.parametrize(
    ("net", "options"),
    [
        (ABS, {"weight_decay": DECAY, "loss": "class_weighted"}),
        (ABS, {}),
        (ReLUNetwork([[[0.5]]], [[0.0]]), {"weight_decay": DECAY}),
        (ReLUNetwork([[[0.5]]] * 3, [[0.1]] * 3), {"weight_decay": DECAY}),
        (ReLUNetwork([[[1e200]], [[1e200]]], [[1.0], [0.0]]), {"weight_decay": DECAY}),
    ],
    ids=["class-weighted", "no decay", "affine", "three layers", "overflow"],
)
def test_of_others_there_is_no_such_bound(net, options):
    assert not named(verify(net, X, Y, **options), WIDTHS)


@pytest.mark.parametrize("exponent", [-150, -60, 0, 60, 140])
def test_at_any_scale_of_the_data(exponent):
    # f -> s f, with v and w by sqrt(s): the loss without decay is s^2 times, the decay s times
    s = 4.0**exponent
    W = [best().weights[0] * 2.0**exponent, best().weights[1] * 2.0**exponent]
    net = ReLUNetwork(W, [best().biases[0] * 2.0**exponent, best().biases[1] * s])
    with np.errstate(over="ignore", under="ignore"):
        found = verify(net, X, Y * s, weight_decay=DECAY * s)
    assert found.lower_bound <= found.loss_bound
    if found.verdict == "global minimum":
        assert found.slack <= found.rtol * found.loss_bound


def test_a_bound_above_the_loss_is_not_confirmed():
    found = verify(best(), X, Y, weight_decay=DECAY)
    other = dataclasses.replace(found, lower_bound=found.loss_bound * (1 + 1e-12))
    (check,) = [c for c in recheck(other, best(), X, Y) if c.name == "lower_bound"]
    assert check.passed is False


def test_what_is_said_of_no_exact_point_is_no_ones_else():
    net = ReLUNetwork(*([tensors[0], tensors[1]] for tensors in (best().weights, best().biases)))
    coarse = {"weight_decay": DECAY * 1.01, "rtol": 0.1}
    found, other = verify(net, X, Y, **coarse), verify(net, X, Y, **coarse)
    assert found.critical["argument"] == "slack"
    found.critical["kinks"].append("changed")
    assert other.critical["kinks"] == [] == verify(net, X, Y, **coarse).critical["kinks"]


def random_problem(points, d, units=3):
    """A network and targets that are twice its outputs, with noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(points, d))
    W, V = rng.normal(size=(units, d)) / np.sqrt(d), rng.normal(size=(1, units))
    net = ReLUNetwork([W, V], [np.zeros(units), np.zeros(1)])
    return net, X, 2 * net(X) + 0.1 * rng.normal(size=(points, 1))


@pytest.mark.parametrize("rtol", [1e-8, 1e-3, 0.5])
def test_a_bound_that_decides_nothing_is_not_sought_to_the_last_digit(rtol, monkeypatch):
    looked = []

    def spied(*given, **options):
        looked.append(options["rtol"])
        return best_neuron(*given, **options)

    monkeypatch.setattr(all_widths, "best_neuron", spied)
    net, points, targets = random_problem(30, 2)
    found = verify(net, points, targets, weight_decay=1e-3, rtol=rtol)
    assert found.verdict != "global minimum" and looked == [all_widths.COARSEST]
    assert 0 < found.lower_bound < found.loss
    looked.clear()
    assert verify(best(), X, Y, weight_decay=DECAY, rtol=rtol).verdict == "global minimum"
    assert looked == ([1e-4, 2.5e-9] if rtol == 1e-8 else [1e-4])


@pytest.mark.parametrize(("points", "d"), [(5, 1), (200, 11), (600, 6)])
def test_many_points_and_dimensions_leave_fewer_cones(points, d, monkeypatch):
    cones = []
    monkeypatch.setattr(
        all_widths,
        "best_neuron",
        lambda *given, nodes, **options: cones.append(nodes) or best_neuron(*given, nodes=1),
    )
    net, X, Y = random_problem(points, d)
    verify(net, X, Y, weight_decay=0.1)
    D = d + 1
    assert 1 <= cones[0] <= all_widths.NODES
    assert cones[0] * (points * D**2 + D**4) <= all_widths.WORK
    assert (cones[0] == all_widths.NODES) == (points == 5)


def test_in_many_dimensions_nothing_is_climbed(monkeypatch):
    monkeypatch.setattr(all_widths, "best_neuron", None)
    net, X, Y = random_problem(20, 60)
    found = verify(net, X, Y, weight_decay=1.0)
    assert 0 < found.lower_bound < found.loss
    # the same bound as that of the search, which looks at no cone then
    R = net(X) - Y
    assert bound_without_search(X, R) == best_neuron(X, R, seconds=1e-9).bound
