"""The independent checker: honest certificates hold, and whatever is changed in one is refused."""

import hashlib
import json
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from builders import random_network, random_points
from hypothesis import given
from hypothesis import strategies as st

from constructions import check_certificate, construct, merged, partial, suboptimal, verify
from constructions.proof.checker import CLAIMS, _Case, _exact
from constructions.verdicts import SQUARED
from geomcore import ReLUNetwork, datasets
from geomcore.arrays import as_labels

MILLIONTH = 1 + 1e-6


def digest(**arrays):
    """SHA-256 as the format says: a line for each array, then its numbers."""
    found = hashlib.sha256()
    for name, array in arrays.items():
        kind = "<i8" if array.dtype.kind == "i" else "<f8"
        found.update(f"{name} {' '.join(map(str, array.shape))}\n".encode())
        found.update(np.ascontiguousarray(array + 0.0 if kind == "<f8" else array, kind).tobytes())
    return found.hexdigest()


class Example:
    """A network on data, with a certificate worked out by hand.

    Numbers that every certificate has and that are of no interest in an example are filled in.
    """

    def __init__(self, layers, X, targets, classes, **fields):
        self.weights = [np.array(W, dtype=float) for W, _ in layers]
        self.biases = [np.array(b, dtype=float) for _, b in layers]
        self.X, self.targets = np.array(X, dtype=float), np.array(targets, dtype=float)
        self.classes = np.array(classes)
        tensors = {}
        for l, (W, b) in enumerate(zip(self.weights, self.biases, strict=True), 1):
            tensors |= {f"W{l}": W, f"b{l}": b}
        loss = fields.pop("loss")
        self.fields = {
            "format": "geomcore certificate",
            "version": 3,
            "network": digest(**tensors),
            "data": digest(X=self.X, Y=self.targets[self.classes], classes=self.classes),
            "points": len(X),
            "widths": [self.X.shape[1], *map(len, self.biases)],
            "proved": True,
            "loss_name": "mse",
            "weight_decay": 0.0,
            "subset": None,
            "rtol": 1e-8,
            "gtol": 1e-9,
            "exact": False,
            "loss": loss,
            "loss_bound": loss,
            "loss_floor": loss,
            "lower_bound": 0.0,
            "gradient_norm": 0.0,
            "distance": None,
            "slack": 0.0,
            "gap": fields.get("loss_bound", loss),
            "critical": None,
            "radius": None,
            "basin": None,
            "witness": None,
            "smallest_eigenvalue": None,
            "checks": [],
            "bits": 128,
            **fields,
        }
        self.fields.setdefault("activation_margin", min(self.fields["margins"], default="inf"))
        self.fields = json.loads(json.dumps(self.fields))

    def findings(self, certificate):
        """Whether each field holds."""
        data = self.X, self.targets, self.classes
        return {
            finding.field: finding.holds
            for finding in check_certificate(certificate, self.weights, self.biases, *data)
        }

    def refused(self, **changed):
        """The fields that do not hold after a change."""
        findings = self.findings({**self.fields, **changed})
        return {field for field, holds in findings.items() if holds is False}


def root_below(square):
    """A float below the square root of a fraction, by a few units in its last place."""
    return float(np.sqrt(float(square))) * (1 - 1e-15)


# max(1 - x, 0) at 0, 2, 3: one point active, two dead, loss zero. At the dead points |a| >= 1 and
# |x| <= 3, so nothing flips for r < 1 / sqrt(10).
COLLAPSED = Example(
    [([[-1]], [1]), ([[1]], [0])],
    [[0], [2], [3]],
    [[0], [1]],
    [1, 0, 0],
    verdict="global minimum",
    loss=0.0,
    class_weighted_loss=0.0,
    accuracy=1.0,
    margins=[root_below(Fraction(1, 2))],
    distance=0.0,
    radius=root_below(Fraction(1, 10)),
    # N = [[1/3, 1/3], [1/3, 1]] has the smallest eigenvalue (2 - sqrt 2) / 3 = 0.44188...^2;
    # the hidden outputs move by 0.3 / sqrt 3 = 0.17320... in a ball of 0.3
    basin={"radius": 0.05, "strength": 0.2686, "rate": 4 * 0.2686**2 * (1 - 1e-15), "ball": 0.3},
)

# One layer, least squares: the best line through (0, 0), (1, 1), (1, 3) is 2 x.
LINE = Example(
    [([[2]], [0])],
    [[0], [1], [1]],
    [[0], [1], [3]],
    [0, 1, 2],
    verdict="local minimum",
    loss=float(Fraction(2, 3)),
    loss_bound=np.nextafter(2 / 3, 1),
    loss_floor=np.nextafter(2 / 3, 0),
    class_weighted_loss=2.0,
    lower_bound=np.nextafter(2 / 3, 0),
    accuracy=2 / 3,
    margins=[],
    distance=0.0,
    radius="inf",
)
# With slope 1 + t instead: loss(t) = (t^2 + (t - 2)^2) / 3.
STEEP = Example(
    [([[1]], [0])],
    [[0], [1], [1]],
    [[0], [1], [3]],
    [0, 1, 2],
    verdict="not stationary",
    loss=4 / 3,
    loss_bound=np.nextafter(4 / 3, 2),
    loss_floor=np.nextafter(4 / 3, 1),
    class_weighted_loss=4.0,
    lower_bound=np.nextafter(2 / 3, 0),
    # in weight and bias: 2/3 of the residual -2 at the last point
    gradient_norm=4 / 3 * np.sqrt(2.0),
    distance=np.sqrt(1.0),
    accuracy=2 / 3,
    margins=[],
    witness={
        "direction": [{"weights": [[1]], "biases": [0.0]}],
        "step": 1.0,
        "loss": np.nextafter(2 / 3, 1),
        "slope": np.nextafter(-4 / 3, 0),
    },
)
# t max(1 + t x, 0) at -1, 1 with targets -1, 1: loss 1 - t^2 + t^4 near t = 0.
SADDLE = Example(
    [([[0]], [1]), ([[0]], [0])],
    [[-1], [1]],
    [[-1], [1]],
    [0, 1],
    verdict="saddle",
    loss=1.0,
    class_weighted_loss=2.0,
    accuracy=0.5,
    margins=[1.0],
    witness={
        "direction": [{"weights": [[1]], "biases": [0]}, {"weights": [[1]], "biases": [0]}],
        "step": 0.5,
        "loss": 0.8125,
        "curvature": -2.0,
    },
)
# max(x + t, 0) at 0 with target 1: on the kink, loss (1 - t)^2 for t > 0 and 1 for t < 0.
KINK = Example(
    [([[1]], [0]), ([[1]], [0])],
    [[0]],
    [[1]],
    [0],
    verdict="not stationary",
    loss=1.0,
    class_weighted_loss=1.0,
    accuracy=1.0,
    margins=[0.0],
    witness={
        "direction": [{"weights": [[0]], "biases": [1]}, {"weights": [[0]], "biases": [0]}],
        "step": 0.25,
        "loss": 0.5625,
        "slope": -2.0,
    },
)
# w max(x + 1, 0) + b at 0 and 1 with targets 0 and 3. The cumulative bias of the hidden layer is 1,
# so w = 3 - u needs b = -3 + u and the exact point is sqrt(2) u away.
U = 2.0**-40
HELD = Example(
    [([[1]], [1]), ([[3 - U]], [-3 + U])],
    [[0], [1]],
    [[0], [3]],
    [0, 1],
    verdict="global minimum",
    subset=["cumulative"],
    loss=U**2 / 2,
    class_weighted_loss=U**2,
    accuracy=1.0,
    margins=[root_below(Fraction(1, 2))],
    distance=U * 1.4142135623731,
)
EXAMPLES = {
    "collapsed": COLLAPSED,
    "line": LINE,
    "steep": STEEP,
    "saddle": SADDLE,
    "kink": KINK,
    "held": HELD,
}

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
    ("line", "verdict", "global minimum"),
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
        harmless = value is None and field in ("distance", "witness", "radius", "basin")
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
    # files of the time before there was weight decay
    assert COLLAPSED.findings(rest)[field] is (field == "weight_decay")


@pytest.mark.parametrize("certificate", [None, 1, "certificate", [], {}])
def test_what_is_no_certificate_is_refused_in_every_field(certificate):
    found = COLLAPSED.findings(certificate)
    assert found.pop("weight_decay") is (certificate == {}) and set(found.values()) == {False}


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


def test_no_strength_is_confirmed_that_leaves_nothing_of_the_smallest_singular_value():
    # the only hidden unit is off: the row (h, 1) is (0, 1), and does not move
    fields = {"verdict": "global minimum", "loss": 0.0, "class_weighted_loss": 0.0}
    fields |= {"accuracy": 1.0, "margins": [1.0], "distance": 0.0, "radius": 0.9}
    basin = {"radius": 0.2, "strength": 1.0, "rate": 3.9, "ball": 0.5}
    dead = Example([([[0]], [-1]), ([[0]], [2])], [[0]], [[2]], [0], **fields)
    assert not dead.refused(basin={**basin, "strength": 0.999})
    assert dead.refused(basin=basin) == {"basin"}


@pytest.mark.parametrize(("weight", "limit"), [(3.0, 0.43045), (0.25, 0.37577)])
def test_a_radius_has_room_for_the_motion_of_all_layers_before(weight, limit):
    # max(x, 0), then max(w h - w + 1, 0) at x = 1, where both are 1; w = 3 has the bias -1 and
    # the gap 2. The hidden output moves by r sqrt(2), so the second unit does by less than
    # r sqrt(2 w^2 + (1 + r sqrt 2)^2 + 1), which is its gap at the limit.
    gap = 2.0 if weight == 3 else 0.7
    layers = [([[1]], [0]), ([[weight]], [gap - weight]), ([[1]], [0])]
    assert limit * np.sqrt(2 * weight**2 + (1 + limit * np.sqrt(2)) ** 2 + 1) == pytest.approx(
        gap, rel=1e-4
    )
    fields = {"loss": 0.0, "class_weighted_loss": 0.0, "accuracy": 1.0, "margins": [0.1, 0.1]}
    deep = Example(layers, [[1]], [[gap]], [0], verdict="global minimum", distance=0.0, **fields)
    for radius, holds in ((0.999 * limit, True), (1.001 * limit, False)):
        assert deep.findings({**deep.fields, "radius": radius})["radius"] is holds


@pytest.mark.parametrize(("factor", "refused"), [(1 + 1e-6, False), (1 - 1e-6, True)])
def test_a_global_minimum_is_as_near_as_rtol_says(factor, refused):
    # relative to the norm of the last layer, sqrt(18) but for U
    rtol = HELD.fields["distance"] / np.sqrt(18.0) * factor
    assert ("distance" in HELD.refused(rtol=float(rtol))) is refused


def test_a_minimum_that_is_not_said_to_be_proved_is_none():
    assert "verdict" in COLLAPSED.refused(proved=False)
    assert "verdict" in LINE.refused(proved=False)


def test_a_local_minimum_is_none_on_a_kink_nor_where_its_cell_has_a_lower_loss():
    # 2 max(x, 0), of which x = 0 is on the kink: the best line of LINE
    fields = {k: LINE.fields[k] for k in ("loss", "loss_bound", "loss_floor", "lower_bound")}
    fields |= {"class_weighted_loss": 2.0, "accuracy": 2 / 3, "margins": [0.0], "distance": 0.0}
    layers, data = [([[1]], [0]), ([[2]], [0])], ([[0], [1], [1]], [[0], [1], [3]], [0, 1, 2])
    kink = Example(layers, *data, verdict="local minimum", **fields)
    assert kink.refused() == {"verdict"}
    moved = Example([([[1]], [1]), ([[2]], [-2])], *data, verdict="local minimum", **fields)
    assert not moved.refused()
    # max(x, 0), the best of the last layer alone: the two active points could both be fitted
    fields = {"loss": 1.5, "class_weighted_loss": 6.0, "accuracy": 0.25, "lower_bound": 0.125}
    fields |= {"margins": [root_below(1)], "distance": 0.0, "gradient_norm": 0.5}
    data = [[1], [2], [-1], [-2]], [[3], [1], [-1], [0]], [0, 1, 2, 3]
    loose = Example([([[1]], [0]), ([[1]], [0])], *data, verdict="local minimum", **fields)
    assert loose.refused() == {"verdict", "distance"}
    last = {"subset": ["W2", "b2"], "gradient_norm": 0.0}
    assert not loose.refused(**last)
    assert "verdict" in loose.refused(subset=["b1", "W2", "b2"])  # of which b1 is hidden
    assert loose.refused(lower_bound=0.1251) == {"verdict", "distance", "lower_bound"}


def radius_holds(layers, X, radius, distance=0.0):
    """Whether a radius holds, of a network that is at its targets."""
    weights, biases = (
        [np.array(part, float) for part in parts] for parts in zip(*layers, strict=True)
    )
    targets = ReLUNetwork(weights, biases)(np.array(X, float))
    fields = {"loss": 0.0, "class_weighted_loss": 0.0, "accuracy": 1.0}
    fields |= {"margins": [0.1] * (len(layers) - 1), "verdict": "global minimum"}
    fields["distance"] = distance
    example = Example(layers, X, targets, list(range(len(X))), radius=radius, **fields)
    return example.findings(example.fields)["radius"]


def test_a_radius_ends_where_the_nearest_unit_of_all_may_flip():
    # at x = 0 a unit with the bias b flips at the distance |b|
    far_and_near = [([[1], [1]], [8, 1]), ([[1, 1]], [0])]
    for layers in (far_and_near, [([[1], [1]], [1, 8]), ([[1, 1]], [0])]):
        assert radius_holds(layers, [[0]], np.nextafter(1, 0)) is True
        assert radius_holds(layers, [[0]], 1.0) is False
        assert radius_holds(layers, [[0], [0.5]], 1.0) is False


def test_a_radius_leaves_room_for_the_distance():
    layers = [([[1]], [1]), ([[1]], [0])]  # flips at 1
    for radius, holds in ((0.7499, True), (0.7501, False)):
        assert radius_holds(layers, [[0]], radius, distance=0.25) is holds


def test_a_basin_leaves_room_for_the_distance():
    # of COLLAPSED: radius + d + (radius + d) sqrt(outputs) / strength is the ball at the limit
    d, limit = 0.01, 0.041141
    far = {"distance": d, "rtol": 0.5}
    for radius, refused in ((0.999 * limit, False), (1.001 * limit, True)):
        basin = {**COLLAPSED.fields["basin"], "radius": radius}
        assert ("basin" in COLLAPSED.refused(basin=basin, **far)) is refused


def test_a_basin_has_positive_numbers_of_all_parameters_and_all_directions():
    basin = COLLAPSED.fields["basin"]
    assert "basin" in COLLAPSED.refused(basin={**basin, "strength": -basin["strength"]})
    assert "basin" in COLLAPSED.refused(basin={**basin, "radius": -0.01})
    assert "basin" in COLLAPSED.refused(subset=["W2", "b2"])
    assert "basin" in COLLAPSED.refused(distance=-1.0)
    # the motion of the hidden outputs, 0.17320..., and this are above 0.44188, the least direction
    strong = {**basin, "strength": 0.269, "rate": 0.28}
    assert "basin" in COLLAPSED.refused(basin=strong)
    assert "basin" not in COLLAPSED.refused(basin={**strong, "strength": 0.2685})


def test_options_may_be_zero():
    assert not {"rtol", "gtol"} & COLLAPSED.refused(rtol=0.0, gtol=0.0)


def test_outputs_move_by_the_motion_of_all_layers_and_of_the_solution_next_to_it():
    # of COLLAPSED in a ball of r, where the exact solution is d away
    case = _Case(
        COLLAPSED.fields,
        [t for pair in zip(COLLAPSED.weights, COLLAPSED.biases, strict=True) for t in pair],
        COLLAPSED.X,
        COLLAPSED.targets,
        COLLAPSED.classes,
    )
    for r, d in ((0.25, 0.0), (0.25, 0.5)):
        safe, (hidden, output) = case.motion(*_exact([r, d]))
        assert bool(safe)
        active = (1 + d) ** 2 + (1 + r) ** 2 + 1  # times r^2, of the point that is active
        assert float(hidden) == pytest.approx(r * np.sqrt(1 / 3), rel=1e-12)
        assert float(output) == pytest.approx(r * np.sqrt(active / 3 + 2 / 3), rel=1e-12)


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


def test_minus_zero_is_zero_in_a_digest():
    net = ReLUNetwork([[[-1.0, -0.0]], [[1.0]]], [[1.0], [-0.0]])
    X, y = np.array([[-0.0, 1.0], [2.0, -0.0]]), np.array([[1.0], [-0.0]])
    assert not doubted(*certified(net, X, y))


def test_many_dead_points_are_one_constant():
    net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    X, y = (
        np.array([[0.0], [2.0], [3.0], [4.0], [5.0]]),
        np.array([[1.0], [0.0], [0.0], [0.0], [0.0]]),
    )
    assert verify(net, X, y).verdict == "global minimum"
    assert not doubted(*certified(net, X, y))


def test_a_saddle_is_refused_where_the_gradient_is_not_zero():
    # the loss falls along the line, which has a slope
    for order in (1, True, 2, 3, 1.0, "2", None, 10**400):
        witness = {**STEEP.fields["witness"], "order": order, "coefficient": -1e-300}
        del witness["slope"]
        assert {"verdict", "witness"} <= STEEP.refused(verdict="saddle", witness=witness)
    # the first coefficient is a slope, and told as one
    witness = {**STEEP.fields["witness"], "order": 1, "coefficient": -1.0}
    del witness["slope"]
    assert "witness" in STEEP.refused(witness=witness)
    # max(1 + s, 0) (1 + t) with target 0 in s = -2 t + t^2, t = 0: curved along (s, t), and steep
    layers = [([[0]], [1]), ([[1]], [0])]
    fields = {"loss": 1.0, "class_weighted_loss": 1.0, "accuracy": 1.0, "margins": [1.0]}
    witness = {"direction": [{"weights": [[0.0]], "biases": [1.0]}], "step": 0.5}
    witness["direction"].append({"weights": [[-1.0]], "biases": [0.0]})
    witness |= {"loss": 0.5625, "curvature": -4.0}
    steep = Example(layers, [[0]], [[0]], [0], verdict="saddle", witness=witness, **fields)
    # (1 + t)^2 (1 - t)^2 = 1 - 2 t^2 + t^4 has no slope, but the bias of the output has
    steep.fields["gradient_norm"] = float(2 * np.sqrt(3.0))
    assert steep.refused() == {"witness", "verdict"}
    assert not steep.refused(verdict="undetermined", proved=False)


def test_of_a_line_the_first_coefficient_that_is_not_zero_has_to_fall():
    # -2 t^2 + t^4 of the square of SADDLE: order 2 as a coefficient, not order 3 or 4
    witness = {**SADDLE.fields["witness"], "order": 2, "coefficient": -1.0}
    del witness["curvature"]
    assert not SADDLE.refused(witness=witness)
    for order in (1, 3, 4, 5, True, 2.0):
        assert "witness" in SADDLE.refused(witness={**witness, "order": order})


@pytest.mark.parametrize("idle", [False, True])
def test_the_order_of_a_coefficient_is_that_of_its_power(idle):
    # t max(1 + t x, 0) at -2, 1, 0 with targets -1/2, 1/2, 0: loss 1/6 - 2/3 t^3 + 5/3 t^4; with
    # or without a second unit that is on a kink, and plays no part
    layers = [([[0]], [1]), ([[0]], [0])]
    moves = [([[1]], [0]), ([[1]], [0])]
    if idle:
        layers = [([[0], [0]], [1, 0]), ([[0, 0]], [0])]
        moves = [([[1], [0]], [0, 0]), ([[1, 0]], [0])]
    witness = {"direction": [{"weights": W, "biases": b} for W, b in moves]}
    witness |= {"step": 0.25, "loss": 0.163, "order": 3, "coefficient": -0.66}
    fields = {"loss": 1 / 6, "class_weighted_loss": 0.5, "accuracy": 1 / 3, "verdict": "saddle"}
    fields |= {"loss_bound": np.nextafter(1 / 6, 1), "loss_floor": np.nextafter(1 / 6, 0)}
    data = [[-2], [1], [0]], [[-0.5], [0.5], [0]], [0, 1, 2]
    margins = [0.0] if idle else [1.0]
    cubic = Example(layers, *data, witness=witness, margins=margins, **fields)
    assert not cubic.refused()
    for order in (2, 4, 5, 6):
        assert {"witness", "verdict"} <= cubic.refused(witness={**witness, "order": order})


def test_a_saddle_on_a_kink_has_no_slope():
    # t max(x + t, 0) + max(x + t, 0) at 0 and -5 with targets 1 and -1: 1 - t - t^2 / 2 + ...,
    # while the gradient on the side of the dead unit is 0
    moves = [([[0]], [1]), ([[1]], [0])]
    witness = {"direction": [{"weights": W, "biases": b} for W, b in moves]}
    witness |= {"step": 0.25, "loss": 0.74, "order": 2, "coefficient": -0.4}
    fields = {"loss": 1.0, "class_weighted_loss": 2.0, "accuracy": 0.5, "margins": [0.0]}
    layers, data = [([[1]], [0]), ([[1]], [0])], ([[0], [-5]], [[1], [-1]], [0, 1])
    steep = Example(layers, *data, verdict="saddle", witness=witness, **fields)
    assert steep.refused() == {"witness", "verdict"}
    del witness["order"], witness["coefficient"]
    assert not steep.refused(verdict="not stationary", witness={**witness, "slope": -1.0})


def test_a_loss_that_rises_at_first_along_a_line_is_no_saddle():
    # the output along the line is x (-t^2 + 2 t^3) with target x: loss 1 + 2 t^2 - 4 t^3 + ...
    layers = [([[0]], [1]), ([[0]], [1]), ([[1]], [-1])]
    moves = [([[1]], [0]), ([[-1]], [1]), ([[-2]], [2])]
    witness = {"direction": [{"weights": W, "biases": b} for W, b in moves]}
    witness |= {"step": 1, "loss": 0.5, "order": 3, "coefficient": -4.0}
    fields = {"loss": 1.0, "class_weighted_loss": 2.0, "accuracy": 0.5}
    fields |= {"margins": [1.0, 1.0], "verdict": "saddle", "witness": witness}
    rising = Example(layers, [[-1], [1]], [[-1], [1]], [0, 1], **fields)
    assert rising.refused() == {"witness", "verdict"}
    assert not rising.refused(proved=False)  # the step is as it says
    # half as far along: 1 + t^2 / 2 - t^3 / 2 + ...
    half = [{"weights": (np.array(W) / 2).tolist(), "biases": [b[0] / 2]} for W, b in moves]
    witness |= {"direction": half, "step": 2, "coefficient": -0.5}
    assert rising.refused(witness=witness) == {"witness", "verdict"}
    assert not rising.refused(witness=witness, proved=False)


def test_a_step_backwards_shows_nothing_of_a_one_sided_slope():
    # the loss falls along t < 0, and a little along t > 0 at once
    layers = [([[1.0], [0.0]], [0.0, -1.0]), ([[1.0, 1.0]], [0.0])]
    witness = {"direction": [{"weights": [[0], [0]], "biases": [0, -1]}], "step": -11, "loss": 2.0}
    witness["direction"].append({"weights": [[0, 0]], "biases": [0.125]})
    fields = {"loss": 100.0, "class_weighted_loss": 100.0, "accuracy": 1.0, "margins": [0.5]}
    fields |= {"gradient_norm": 40.0, "verdict": "not stationary"}
    back = Example(layers, [[1]], [[11]], [0], witness={**witness, "slope": -2.0}, **fields)
    # the units are at 1 and -1: the residual is -10, through both weights of the input and biases
    back.fields["gradient_norm"] = 40.0
    assert back.refused() == {"witness", "verdict"}
    faster = [
        {"weights": part["weights"], "biases": (22 * np.array(part["biases"])).tolist()}
        for part in witness["direction"]
    ]
    quick = {**witness, "direction": faster, "step": -0.5, "slope": -44.0}
    assert back.refused(witness=quick) == {"witness", "verdict"}
    curved = {**SADDLE.fields["witness"], "step": -0.5}
    assert not SADDLE.refused(witness=curved)  # both sides are honest of a curvature


def test_a_witness_that_is_not_proved_has_one_derivative_all_the_same():
    witness = STEEP.fields["witness"]
    rest = {key: value for key, value in witness.items() if key != "slope"}
    for other in (rest, {**rest, "slope": "x"}, {**rest, "slope": True}, {**witness, "order": 2}):
        assert "witness" in STEEP.refused(proved=False, verdict="undetermined", witness=other)


def test_an_unproved_witness_has_to_hold_the_cumulative_bias():
    # the last bias alone moves, by 3: (x + b) with targets 0 and 3
    layers = [([[1]], [1]), ([[0]], [0])]
    fields = {"loss": 4.5, "class_weighted_loss": 9.0, "accuracy": 0.5, "margins": [0.5]}
    still = {"weights": [[0]], "biases": [0]}
    move = {"weights": [[0]], "biases": [1]}
    witness = {"direction": [still, move], "step": 1, "loss": 2.5, "slope": -3.0}
    free = Example(layers, [[0], [1]], [[0], [3]], [0, 1], verdict="undetermined", **fields)
    free.fields |= {"proved": False, "gradient_norm": float(np.sqrt(9 + 36.0)), "witness": witness}
    assert not free.refused()
    assert "witness" in free.refused(subset=["cumulative"])


@pytest.mark.parametrize(("nearer", "examined"), [(1 + 2**-10, True), (1 - 2**-10, None)])
def test_a_gradient_in_floats_is_compared_where_their_signs_are_sure(nearer, examined):
    # the terms of the pre-activation d are 1 and d - 1, and their sizes nearly 2; the residual is
    # d - 1
    d = 2.0**-29 * nearer
    fields = {"loss": (1 - d) ** 2, "class_weighted_loss": (1 - d) ** 2, "accuracy": 1.0}
    fields |= {"margins": [0.0], "verdict": "undetermined", "proved": False}
    near = Example([([[1]], [d - 1]), ([[1]], [0])], [[1]], [[1]], [0], **fields)
    norm = float(2 * (1 - d) * np.sqrt(3 + d * d))
    for stated, holds in ((norm, examined), (1.01 * norm, examined and False)):
        assert near.findings({**near.fields, "gradient_norm": stated})["gradient_norm"] is holds


def test_a_witness_lowers_the_loss_below_what_is_said_of_it():
    for loss in (STEEP.fields["loss_floor"], STEEP.fields["loss_bound"]):
        witness = {**STEEP.fields["witness"], "loss": loss}
        assert {"witness", "verdict"} <= STEEP.refused(witness=witness)


def test_no_entry_of_what_is_held_may_move():
    # (w, v) x + b at x = (1, 1) with target 3, the weights being held: w may not move for the bias
    layers, fields = [([[1, 0]], [0])], {"loss": 4.0, "class_weighted_loss": 4.0, "accuracy": 1.0}
    fields |= {"margins": [], "verdict": "not stationary", "subset": ["b1"], "gradient_norm": 4.0}
    bias = {
        "direction": [{"weights": [[0, 0]], "biases": [1]}],
        "step": 1,
        "loss": 1,
        "slope": -4.0,
    }
    held = Example(layers, [[1, 1]], [[3]], [0], witness=bias, **fields)
    assert not held.refused()
    for weights in ([[1, 0]], [[0, 1]], [[1, 1]]):
        direction = [{"weights": weights, "biases": [0.0]}]
        witness = {**bias, "direction": direction, "loss": 1 if sum(weights[0]) == 1 else 0}
        assert {"witness", "verdict"} <= held.refused(witness=witness)


@pytest.mark.parametrize(("off", "follows"), [(2.0**-45, True), (1e-6, False), (0.5, False)])
@pytest.mark.parametrize("output", [0, 1])
def test_each_bias_follows_its_cumulative_weight_but_for_rounding(off, follows, output):
    # x = 1, 2 through max(x + 1, 0), of which 1 is the cumulative bias; outputs (1, -1) x + c
    layers = [([[1]], [1]), ([[1], [-1]], [-1, 1])]
    move = {"weights": [[-1], [1]], "biases": [1.0, -1.0]}
    move["biases"][output] += off
    witness = {"direction": [{"weights": [[0]], "biases": [0]}, move], "step": 0.5, "slope": -1.0}
    witness["loss"] = 4.9
    fields = {"loss": 5.0, "class_weighted_loss": 5.0, "accuracy": 1.0, "margins": [0.5]}
    both = Example(
        layers,
        [[1], [2]],
        [[0, 0]],
        [0, 0],
        verdict="undetermined",
        proved=False,
        subset=["cumulative"],
        witness=witness,
        **fields,
    )
    assert ("witness" in both.refused()) is not follows


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


def test_a_verdict_that_is_not_said_to_be_proved_is_not_examined_but_the_step_is():
    assert STEEP.findings({**STEEP.fields, "proved": False})["verdict"] is None
    witness = {**STEEP.fields["witness"], "slope": -100.0}
    assert STEEP.findings({**STEEP.fields, "proved": False, "witness": witness})["witness"]
    witness["step"] = 3.0
    assert "witness" in STEEP.refused(proved=False, witness=witness)


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


# Laws


# Against `verify`

BALLS = datasets.clusters(15, rng=0)


@cache
def network(method):
    """A constructed network, with its data."""
    if method in ("clustered", "sequential", "cone", "simplex", "universal"):
        draw = {"sequential": "sequential", "cone": "single_cone", "simplex": "concentric"}
        data = getattr(datasets, draw.get(method, "clusters"))(30, rng=0)
        return construct(data.X, data.y, method).network, data
    if method == "merge":
        return merged(BALLS.X, BALLS.y, [[0], [1, 2]]).network, BALLS
    if method == "partial":
        return partial(BALLS.X, BALLS.y, [0.5, 1, 1]).network, BALLS
    return suboptimal(BALLS.X, BALLS.y, [int(s) for s in method]).network, BALLS


def certified(net, X, y, **options):
    """The certificate of `verify`, and the arguments of `check_certificate` that go with it."""
    labels = as_labels(y, len(X))
    certificate = json.loads(verify(net, X, y, **options).to_json())
    return certificate, net.weights, net.biases, X, labels.targets, labels.index


def doubted(*arguments):
    """What is not confirmed."""
    return {f.field: f.detail for f in check_certificate(*arguments) if f.holds is False}


@pytest.mark.parametrize("loss", ["mse", "class_weighted"])
@pytest.mark.parametrize(
    "method",
    ["clustered", "sequential", "cone", "simplex", "universal", "merge", "partial", "000", "011"],
)
def test_what_verify_says_of_a_construction_holds(method, loss):
    net, data = network(method)
    assert not doubted(*certified(net, data.X, data.y, loss=loss))


SUBSETS = ["last", "cumulative", "W4", "b4", ("W1", "b1"), ("b2", "W4", "b4")]


@pytest.mark.parametrize("subset", SUBSETS, ids=str)
@pytest.mark.parametrize("state", ["000", "001", "110", "111"])
def test_what_verify_says_of_a_state_in_some_tensors_holds(state, subset):
    net, data = network(state)
    assert not doubted(*certified(net, data.X, data.y, subset=subset, loss="class_weighted"))


@given(st.integers(0, 2**32 - 1))
def test_what_verify_says_of_a_small_network_of_integers_holds(seed):
    # integers make kinks, dead layers, ties, zero layers and equal points likely
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 4, size=rng.integers(2, 5))
    weights = [rng.integers(-2, 3, size=(m, n)) for n, m in pairwise(widths)]
    net = ReLUNetwork(weights, [rng.integers(-2, 3, size=m) for m in widths[1:]])
    X = rng.integers(-2, 3, size=(rng.integers(1, 7), widths[0])).astype(float)
    Y = rng.integers(-1, 2, size=(len(X), widths[-1]))
    subset = [None, "last", "cumulative", net.names[:1]][rng.integers(4)]
    assert not doubted(*certified(net, X, Y, subset=subset, loss=str(rng.choice(SQUARED))))


@given(st.integers(0, 2**32 - 1), st.integers(-300, 300))
def test_what_verify_says_holds_on_all_scales(seed, scale):
    net, X = random_network([2, 3, 2], seed), random_points(5, 2, rng=seed)
    Y = random_points(5, 2, rng=seed + 1)
    weights, biases = list(net.weights), list(net.biases)
    weights[0], biases[0] = weights[0] * 10.0**scale, biases[0] * 10.0**scale
    weights[1] = weights[1] * 10.0 ** -(scale // 2)
    assert not doubted(*certified(ReLUNetwork(weights, biases), X, Y))


@pytest.mark.parametrize("method", ["clustered", "merge", "011"])
def test_no_float_of_a_true_certificate_can_be_made_untrue(method):
    net, data = network(method)
    certificate, *rest = certified(net, data.X, data.y)
    worse = {
        "loss_bound": lambda v: v * (1 - 1e-6) - 1e-300,
        "loss_floor": lambda v: v * (1 + 1e-6) + 1e-300,
        "lower_bound": lambda v: v * (1 + 1e-6) + 1e-300,
        "accuracy": lambda v: v * (1 - 1e-6),
        "activation_margin": lambda v: v * (1 + 1e-6),
        "margins": lambda v: [1.001 * m for m in v],
        "distance": lambda v: v and v / 10,
        "radius": lambda v: v and 2 * v,
        "basin": lambda v: v and {**v, "radius": 2 * v["radius"]},
        "witness": lambda v: v and {**v, "step": 3 * v["step"], "loss": v["loss"] / 2},
        "network": lambda v: rest and v[::-1],
        "data": lambda v: v[::-1],
    }
    if certificate["verdict"] == "not stationary":
        del worse["lower_bound"]  # a bound need not be close
    if certificate["verdict"] == "local minimum":
        worse["verdict"] = lambda v: "global minimum"
    for field, change in worse.items():
        if certificate[field] is not None:
            assert field in doubted({**certificate, field: change(certificate[field])}, *rest)
