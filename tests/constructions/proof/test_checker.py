"""The independent checker: honest certificates hold, and whatever is changed in one is refused."""

import hashlib
import json
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from builders import random_network, random_points
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from constructions import check_certificate, construct, merged, partial, suboptimal, verify
from constructions.proof.certificate import LOSS_NAMES
from constructions.proof.checker import CLAIMS, _exact, _norm, _root
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
            "version": 2,
            "network": digest(**tensors),
            "data": digest(X=self.X, Y=self.targets[self.classes], classes=self.classes),
            "points": len(X),
            "widths": [self.X.shape[1], *map(len, self.biases)],
            "proved": True,
            "loss_name": "mse",
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
    assert {field for field, holds in findings.items() if not holds} == {
        "gradient_norm",
        "smallest_eigenvalue",
        "checks",
        "bits",
        "gtol",
        "exact",
    }
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
    ("proved", True),
    ("loss_bound", 10**400),
    ("loss_floor", -(10**400)),
    ("loss_floor", -1e308),
    ("lower_bound", -(10**400)),
    ("lower_bound", -1e308),
    ("rtol", 10**400),
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
        harmless = harmless or (name == "line" and field == "radius" and value == 10**400)
        if not same and not harmless:
            assert found[field] in (False, None), value


@pytest.mark.parametrize("field", CLAIMS)
def test_a_missing_field_is_refused(field):
    rest = {key: value for key, value in COLLAPSED.fields.items() if key != field}
    assert COLLAPSED.findings(rest)[field] is False


@pytest.mark.parametrize("certificate", [None, 1, "certificate", [], {}])
def test_what_is_no_certificate_is_refused_in_every_field(certificate):
    assert set(COLLAPSED.findings(certificate).values()) == {False}


def test_an_unknown_field_is_not_examined():
    assert COLLAPSED.findings({**COLLAPSED.fields, "colour": "red"})["colour"] is None


def test_a_verdict_that_is_not_said_to_be_proved_is_not_examined_but_the_step_is():
    assert STEEP.findings({**STEEP.fields, "proved": False})["verdict"] is None
    witness = {**STEEP.fields["witness"], "slope": -100.0}
    assert STEEP.findings({**STEEP.fields, "proved": False, "witness": witness})["witness"]
    witness["step"] = 3.0
    assert "witness" in STEEP.refused(proved=False, witness=witness)


def test_bad_arguments_raise():
    good = [COLLAPSED.weights, COLLAPSED.biases, COLLAPSED.X, COLLAPSED.targets, COLLAPSED.classes]
    bad = {
        0: [COLLAPSED.weights[:1], [np.eye(2), np.eye(1)], [np.full((1, 1), np.nan)] * 2],
        1: [[np.zeros(2), np.zeros(1)]],
        2: [np.zeros((3, 2)), np.zeros(3), np.zeros((0, 1)), np.full((3, 1), np.inf)],
        3: [np.zeros((2, 2)), np.zeros((1, 1)), np.zeros(2)],
        4: [[0, 1], [0, 1, 2], [0, 1, -1]],
    }
    for place, values in bad.items():
        for value in values:
            with pytest.raises(ValueError, match=r"."):
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


@given(st.integers(0, 2**200), st.integers(1, 2**200))
def test_a_root_is_bounded_from_above_and_closely(p, q):
    square = fmpq(p, q)
    root = _root(square)
    assert square <= root * root <= square * (1 + fmpq(1, 2**100))


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_a_norm_is_bounded_from_above_and_closely(m, n, seed, rank):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(m, rank)), rng.normal(size=(rank, n))
    A = left @ np.diag(10.0 ** rng.integers(-8, 8, size=rank)) @ right
    largest = np.linalg.norm(A, 2)
    bound = _norm(_exact(A))
    assert largest * (1 - 1e-14) <= int(bound.p) / int(bound.q) <= largest * (1 + 1e-9)


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
    assert not doubted(*certified(net, X, Y, subset=subset, loss=str(rng.choice(LOSS_NAMES))))


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
