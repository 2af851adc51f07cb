"""The independent checker: honest certificates hold, and whatever is changed in one is refused."""

import json
from fractions import Fraction

import numpy as np
import pytest
from builders import random_network, random_points
from checker_examples import COLLAPSED, EXAMPLES, LINE, Example
from hypothesis import given
from hypothesis import strategies as st

from constructions import check_certificate
from constructions.proof.checker import CLAIMS
from geomcore import ReLUNetwork

MILLIONTH = 1 + 1e-6

# By hand


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_certificate_worked_out_by_hand_holds_in_every_field(name):
    findings = EXAMPLES[name].findings(EXAMPLES[name].fields)
    # on a kink floats may see another gradient
    open_ = {"smallest_eigenvalue", "checks", "bits", "exact"} | {
        "gradient_norm" for _ in range(name in ("kink", "held"))
    }
    assert {field for field, holds in findings.items() if holds is None} == open_
    assert False not in findings.values()


def changed(example, path, value):
    """The certificate with one entry, perhaps deep in it, set to a value or a function of it."""
    certificate = json.loads(json.dumps(example.fields))
    *way, last = path if isinstance(path, tuple) else (path,)
    place = certificate
    for key in way:
        place = place[key]
    place[last] = value(place[last]) if callable(value) else value
    return certificate


def more(value):
    return value * MILLIONTH


def less(value):
    return value / MILLIONTH


ENTRY = ("witness", "direction", 0, "weights", 0, 0)
# example, what is changed, to what
UNTRUE = [
    # gross
    ("collapsed", "format", "certificate"),
    ("collapsed", "version", 1),
    ("collapsed", "network", "0" * 64),
    ("collapsed", "data", LINE.fields["data"]),
    ("collapsed", "points", 4),
    ("collapsed", "widths", [1, 2, 1]),
    ("collapsed", "verdict", "local maximum"),
    ("collapsed", "verdict", "saddle"),
    ("collapsed", "verdict", "undetermined"),
    ("collapsed", "proved", "yes"),
    ("collapsed", "loss_name", "cross-entropy"),
    ("collapsed", "subset", ["W3"]),
    ("collapsed", "subset", []),
    ("collapsed", "rtol", -1.0),
    ("collapsed", "rtol", 1.0),
    ("collapsed", "rtol", 10**300),
    ("collapsed", "gtol", -1.0),
    ("collapsed", "gtol", True),
    ("collapsed", "verdict", "Global minimum"),
    ("collapsed", "verdict", "strict global minimum"),
    ("collapsed", "verdict", ""),
    ("line", "verdict", "strict local minimum"),
    ("line", "verdict", "undetermined"),
    ("collapsed", "distance", "inf"),
    ("collapsed", "version", 2.0),
    ("collapsed", "points", 3.0),
    ("collapsed", "widths", [True, 1, 1]),
    ("collapsed", "widths", [1.0, 1, 1]),
    ("collapsed", "subset", {"W1": 0, "b1": 0, "W2": 0, "b2": 0}),
    ("collapsed", "subset", ["W1", None, ["b1"]]),
    ("collapsed", "loss_floor", -1e-300),
    ("line", "loss_floor", -1.0),
    ("line", "loss", "inf"),
    ("line", "class_weighted_loss", "inf"),
    ("collapsed", ("basin", "more"), 1.0),
    ("line", "gradient_norm", 1e-5),
    ("line", "gradient_norm", -1e-300),
    ("steep", "gradient_norm", more),
    ("steep", "gradient_norm", less),
    ("steep", "gradient_norm", "nan"),
    ("steep", ("witness", "more"), 1.0),
    ("steep", ("witness", "curvature"), -1.0),
    ("steep", ("witness", "order"), 2),
    ("steep", ENTRY, True),
    ("steep", ("witness", "direction", 0, "biases"), [False]),
    ("steep", ENTRY, 2**53 + 1),
    ("collapsed", "loss", 0.1),
    ("collapsed", "class_weighted_loss", 0.1),
    ("collapsed", "lower_bound", 1e-300),
    ("collapsed", "accuracy", 2 / 3),
    ("collapsed", "accuracy", [1.0]),
    ("collapsed", "margins", [0.9]),
    ("collapsed", "margins", []),
    ("collapsed", "margins", [0.7, 0.7]),
    ("collapsed", "margins", [-0.1]),
    ("collapsed", "activation_margin", 0.1),
    ("collapsed", "activation_margin", "inf"),
    ("collapsed", "distance", None),
    ("collapsed", "distance", -1.0),
    ("collapsed", "distance", 1.0),
    ("collapsed", "radius", 1.0),
    ("collapsed", "radius", -1.0),
    ("collapsed", "radius", "inf"),
    ("collapsed", ("basin", "radius"), 0.3),
    ("collapsed", ("basin", "radius"), -0.1),
    ("collapsed", ("basin", "ball"), 0.05),
    ("collapsed", ("basin", "ball"), 0.5),
    ("collapsed", ("basin", "rate"), 1.0),
    ("collapsed", ("basin", "strength"), 0.44),
    ("collapsed", ("basin", "strength"), -0.2),
    ("collapsed", "step", None),
    ("collapsed", "step", 0.0),
    ("collapsed", "step", -0.2),
    ("collapsed", "step", "0.2"),
    ("collapsed", "step", "inf"),
    ("collapsed", "step", float("nan")),
    ("collapsed", "step", float("inf")),
    ("collapsed", "step", True),
    ("collapsed", "step", 10**400),
    ("collapsed", "step", 5e-324),
    ("collapsed", "step", 0.212),
    ("collapsed", "step", 1e308),
    ("collapsed", ("descent", "radius"), 0.0282),
    ("collapsed", ("descent", "radius"), 0.0),
    ("collapsed", ("descent", "radius"), -0.01),
    ("collapsed", ("descent", "ball"), 0.287),
    ("collapsed", ("descent", "ball"), 0.5),
    ("collapsed", ("descent", "ball"), "inf"),
    ("collapsed", ("descent", "strength"), 0.269),
    ("collapsed", ("descent", "strength"), -0.2686),
    ("collapsed", ("descent", "curvature"), 4.7304),
    ("collapsed", ("descent", "curvature"), 5.0),
    ("collapsed", ("descent", "curvature"), "inf"),
    ("collapsed", ("descent", "curvature"), None),
    ("collapsed", ("descent", "more"), 1.0),
    ("collapsed", "descent", COLLAPSED.fields["basin"]),
    ("collapsed", "basin", COLLAPSED.fields["descent"]),
    ("line", "descent", COLLAPSED.fields["descent"]),
    ("line", "verdict", "saddle"),
    ("line", "verdict", "not stationary"),
    ("line", "class_weighted_loss", 1.9),
    ("line", "margins", [1.0]),
    ("line", "activation_margin", 1.0),
    ("line", "radius", -1.0),
    ("line", "basin", COLLAPSED.fields["basin"]),
    ("line", "subset", ["b1", "b1"]),
    ("steep", "verdict", "saddle"),
    ("steep", "verdict", "local minimum"),
    ("steep", "witness", None),
    ("steep", "distance", 0.0),
    ("steep", "distance", less),
    ("steep", "subset", ["b1"]),
    ("steep", ("witness", "step"), 0.0),
    ("steep", ("witness", "step"), -1.0),
    ("steep", ("witness", "step"), 1e308),
    ("steep", ("witness", "loss"), 0.5),
    ("steep", ("witness", "loss"), 4 / 3),
    ("steep", ("witness", "slope"), 0.0),
    ("steep", ENTRY, 0.0),
    ("steep", ENTRY, -1.0),
    ("steep", ("witness", "direction"), []),
    ("steep", ("witness", "direction", 0, "weights"), [[1, 0]]),
    ("steep", ("witness", "direction", 0, "biases"), [[0]]),
    ("steep", ("witness", "direction", 0, "biases"), ["0"]),
    ("saddle", "verdict", "not stationary"),
    ("saddle", ("witness", "curvature"), 1.0),
    ("saddle", ("witness", "slope"), -1.0),
    ("kink", "margins", [0.1]),
    ("kink", ENTRY[:2] + (0, "biases", 0), -1),
    ("held", "subset", ["W2"]),
    ("held", "subset", ["b2"]),
    ("held", "subset", ["W1", "b1"]),
    # by one part in a million
    ("line", "loss", more),
    ("line", "loss", less),
    ("line", "loss_bound", less),
    ("line", "loss_floor", more),
    ("line", "class_weighted_loss", more),
    ("line", "class_weighted_loss", less),
    ("line", "lower_bound", more),
    ("line", "accuracy", less),
    ("collapsed", "margins", [more(COLLAPSED.fields["margins"][0])]),
    ("collapsed", "activation_margin", more),
    ("collapsed", "radius", more),
    ("collapsed", ("basin", "rate"), more),
    ("collapsed", ("descent", "rate"), more),
    ("steep", ("witness", "loss"), less),
    ("steep", ("witness", "slope"), more),
    ("saddle", ("witness", "loss"), less),
    ("saddle", ("witness", "curvature"), more),
    ("kink", ("witness", "slope"), more),
    ("kink", ("witness", "loss"), less),
    ("held", "distance", less),
    ("held", "loss_bound", less),
    ("held", "loss_floor", more),
]


@pytest.mark.parametrize(("name", "path", "value"), UNTRUE)
def test_what_is_not_true_is_refused(name, path, value):
    field = path[0] if isinstance(path, tuple) else path
    findings = EXAMPLES[name].findings(changed(EXAMPLES[name], path, value))
    # what may stand, but not with the rest: it is told there
    elsewhere = {
        "subset": ("distance", "witness"),
        "step": ("descent",),
        "distance": ("verdict",),
        "witness": ("verdict",),
    }
    assert False in [findings[name] for name in (field, *elsewhere.get(field, ()))]


HOSTILE = [
    None,
    True,
    "inf",
    "nan",
    "1.0",
    float("nan"),
    float("inf"),
    -(10**400),
    10**400,
    -1e308,
    [],
    [[]],
    [None],
    ["inf"],
    {},
    {"direction": 1},
    {"radius": []},
    [[[[1.0]]]],
    "W1",
    ["W1", 1],
    {"direction": [{"weights": [[{}]], "biases": ["x"]}], "step": 10**400, "loss": "inf"},
]
MAY_BE_NULL = ("distance", "witness", "radius", "basin", "step", "descent")
# What may be null, and what a tampered value can be true of, however odd it is.
HARMLESS = {
    ("subset", None),
    ("loss_bound", "inf"),
    ("gap", "inf"),
    ("gap", 10**400),
    ("proved", True),
    ("loss_bound", 10**400),
    ("lower_bound", -(10**400)),
    ("lower_bound", -1e308),
}


@pytest.mark.parametrize("field", CLAIMS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_no_damage_is_confirmed_and_none_raises(name, field):
    example = EXAMPLES[name]
    for value in HOSTILE:
        same = value == example.fields[field] and type(value) is type(example.fields[field])
        harmless = value is None and field in MAY_BE_NULL
        for key, odd in HARMLESS:
            harmless = harmless or (field == key and type(value) is type(odd) and value == odd)
        found = example.findings({**example.fields, field: value})
        assert found.keys() == example.fields.keys()
        # a network without hidden layers has no cell to leave
        harmless = harmless or (
            name in ("line", "steep") and field == "radius" and value in ("inf", 10**400)
        )
        # a bound that is far away, of a point that is not called a minimum
        far = name in ("steep", "kink") and field == "distance" and value in ("inf", 10**400)
        if not same and not harmless and not far:
            assert found[field] in (False, None), value


@pytest.mark.parametrize("field", CLAIMS)
def test_a_missing_field_is_refused(field):
    rest = {key: value for key, value in COLLAPSED.fields.items() if key != field}
    # files of the time before there were these
    assert COLLAPSED.findings(rest)[field] is (field in ("weight_decay", "step", "descent"))


@pytest.mark.parametrize("certificate", [None, 1, "certificate", [], {}])
def test_what_is_no_certificate_is_refused_in_every_field(certificate):
    found = COLLAPSED.findings(certificate)
    later = {found.pop(field) for field in ("weight_decay", "step", "descent")}
    assert later == {certificate == {}} and set(found.values()) == {False}


def test_an_unknown_field_is_refused():
    assert COLLAPSED.findings({**COLLAPSED.fields, "colour": "red"})["colour"] is False
    assert COLLAPSED.findings({**COLLAPSED.fields, 1: 2})[1] is False


def test_fields_that_are_not_examined_are_always_listed():
    data = COLLAPSED.X, COLLAPSED.targets, COLLAPSED.classes
    for certificate in ({}, COLLAPSED.fields):
        found = check_certificate(certificate, COLLAPSED.weights, COLLAPSED.biases, *data)
        assert {finding.field for finding in found} == set(COLLAPSED.fields)


def test_a_certificate_that_is_no_json_is_refused_and_does_not_raise():
    for field in CLAIMS:
        assert COLLAPSED.findings({**COLLAPSED.fields, field: np.arange(2)})[field] in (False, None)
    assert "subset" in COLLAPSED.refused(subset=[np.arange(2)])


def test_a_subset_that_names_all_tensors_is_as_good_as_none():
    for subset in (["W1", "b1", "W2", "b2"], ["b2", "W2", "b1", "W1"]):
        assert not COLLAPSED.refused(subset=subset)


def test_options_may_be_zero():
    assert not {"rtol", "gtol"} & COLLAPSED.refused(rtol=0.0, gtol=0.0)


def test_a_layer_of_zeros_has_no_margin():
    fields = {"loss": 0.0, "class_weighted_loss": 0.0, "accuracy": 1.0}
    zero = Example(
        [([[0]], [0]), ([[1]], [0])],
        [[1]],
        [[0]],
        [0],
        verdict="undetermined",
        margins=[0.5],
        **fields,
    )
    assert "margins" in zero.refused(proved=False)
    assert "margins" not in zero.refused(proved=False, margins=[0.0])


def test_losses_beyond_the_doubles_are_infinite_and_no_others():
    big, fields = 1.1e154, {"accuracy": 1.0, "margins": [], "verdict": "undetermined"}
    losses = {"loss": 1.21e308, "class_weighted_loss": "inf", "loss_bound": 1.22e308}
    losses |= {"loss_floor": 1.2e308, "proved": False, "gradient_norm": "inf"}
    large = Example([([[0]], [big])], [[0], [1]], [[0], [1]], [0, 1], **fields, **losses)
    large.fields |= {"loss": float(Fraction(big) ** 2 - Fraction(big) + Fraction(1, 2))}
    large.fields |= {"accuracy": 0.5}
    assert not large.refused()
    assert large.refused(loss="inf") == {"loss"}
    assert large.refused(class_weighted_loss=1.7e308) == {"class_weighted_loss"}
    # verify raises a float to the lower bound that it has, which cannot be above the largest
    assert not large.refused(class_weighted_loss=float(np.finfo(float).max))


@pytest.mark.parametrize("bound", ["inf", 1e300])
def test_loose_bounds_excuse_no_loss(bound):
    for loss in (0.0, -1.0, 0.6, 1e299):
        assert "loss" in LINE.refused(loss_bound=bound, loss_floor=0.0, loss=loss)
        assert "class_weighted_loss" in LINE.refused(
            loss_bound=bound, loss_floor=0.0, class_weighted_loss=loss
        )


def test_bad_arguments_raise():
    good = [COLLAPSED.weights, COLLAPSED.biases, COLLAPSED.X, COLLAPSED.targets, COLLAPSED.classes]
    bad = {
        0: [COLLAPSED.weights[:1], [np.eye(2), np.eye(1)], [np.full((1, 1), np.nan)] * 2, 5.0, []],
        1: [[np.zeros(2), np.zeros(1)], [np.zeros((1, 1)), np.zeros(1)], [0.0, 0.0], [], 1.0],
        2: [np.zeros((3, 2)), np.zeros(3), np.zeros((0, 1)), np.full((3, 1), np.inf), 5.0]
        + [np.full((3, 1), 1j), [[1], [2, 3], [4]], [["a"]] * 3, [[True]] * 3, None, "X"],
        3: [np.zeros((2, 2)), np.zeros((1, 1)), np.zeros(2), 5.0, np.zeros((2, 0))]
        # the last is of a class without points
        + [np.zeros((3, 1))],
        4: [[0, 1], [0, 1, 2], [0, 1, -1], [0, 0, 0], [0, 1, 0.5], [[1], [0], [0]], 1, "100"],
    }
    names = ["weights|biases", "weights|biases", "X|weights", "targets|classes", "classes"]
    for place, values in bad.items():
        for value in values:
            with pytest.raises(ValueError, match=rf"^({names[place]})"):
                check_certificate({}, *good[:place], value, *good[place + 1 :])


# Against the naive oracle


def naive_loss(net, X, Y):
    """The mean squared error in fractions, unit by unit."""
    total = Fraction(0)
    for x, y in zip(X.tolist(), Y.tolist(), strict=True):
        values = [Fraction(v) for v in x]
        for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), 1):
            sums = []
            for row, shift in zip(W.tolist(), b.tolist(), strict=True):
                terms = [Fraction(w) * v for w, v in zip(row, values, strict=True)]
                sums.append(sum(terms, Fraction(shift)))
            values = sums if l == len(net.weights) else [max(v, Fraction(0)) for v in sums]
        total += sum((v - Fraction(t)) ** 2 for v, t in zip(values, y, strict=True))
    return total / len(X)


@given(st.integers(0, 2**32 - 1), st.integers(-300, 100))
def test_bounds_of_the_loss_are_told_apart_to_the_last_bit(seed, scale):
    net, X, Y = random_network([2, 3, 2], seed), random_points(4, 2), random_points(4, 2, rng=seed)
    net = ReLUNetwork([net.weights[0] * 10.0**scale, net.weights[1]], net.biases)
    loss = naive_loss(net, X, Y)
    nearest = float(loss)
    above = nearest if nearest >= loss else float(np.nextafter(nearest, np.inf))
    below = nearest if nearest <= loss else float(np.nextafter(nearest, 0))
    for bound, floor, holds in ((above, below, True), (below, above, above == below)):
        stated = {"loss_name": "mse", "loss_bound": bound, "loss_floor": floor}
        findings = check_certificate(stated, net.weights, net.biases, X, Y, np.arange(4))
        found = {finding.field: finding.holds for finding in findings}
        assert (found["loss_bound"], found["loss_floor"]) == (holds, holds)
