"""How things are described: equal things alike, things that differ apart, the rest not at all."""

import functools
import json
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore import Network, ReLUNetwork
from geomcore.layers import Affine, Layer, ReLU
from training import SGD, Adam, LossBelow
from training.descent.losses import CrossEntropy, SquaredError
from training.descent.penalties import L1, L2
from training.study.identity import describe, digest

X = np.array([[-1.0], [1.0], [0.5]])
NET = ReLUNetwork([[[1.0]]], [[0.0]])
ARGUMENTS = {"scales": [1.0], "trials": 3, "steps": 100, "seed": 0, "optimizer": SGD(0.05)}


class Below:
    """A rule of a user, which asks any function."""

    reason = "below"

    def __init__(self, test, key=None):
        self.test = test
        if key is not None:
            self.key = key

    def met(self, progress):
        return self.test(progress.loss)


class Slotted:
    """A rule whose attributes are in slots, with a key of its class."""

    __slots__ = ("level",)
    reason, key = "below", "loss at most level"

    def __init__(self, level):
        self.level = level

    def met(self, progress):
        return progress.loss <= self.level


class Tuple(NamedTuple):
    """The same with the attributes in a tuple."""

    level: float
    reason = "below"
    key = "loss at most level"

    def met(self, progress):
        return progress.loss <= self.level


@dataclass(frozen=True, slots=True)
class Nested:
    """A rule that holds another one in a dict."""

    rules: dict
    reason = "below"
    key = "the first of rules"

    def met(self, progress):
        return next(iter(self.rules.values())).met(progress)


class Lazy(SGD):
    """Not the optimizer that it is derived from."""

    def update(self, params, gradients, state, step):
        return params, state


@dataclass
class Plain:
    """A rule whose key is a field with a default."""

    level: float
    key: str = "loss at most level"
    reason = "below"


class Cached:
    """A rule whose key is computed once, and then is in its dict."""

    reason = "below"

    def __init__(self, level):
        self.level = level

    @functools.cached_property
    def key(self):
        return "loss at most level"


@dataclass(frozen=True, eq=False, repr=False)
class Squared(Layer):
    """A layer of a user."""

    factor: float
    key: ClassVar[str] = "the factor times the square"


class Own(ReLUNetwork):
    """A network of a user."""

    key = "own"


@dataclass(slots=True)
class Field:
    """A rule whose key is a field with a default, in a slot."""

    level: float
    key: str = "loss at most level"
    reason = "below"


class Property:
    """A rule whose key is a property that says too little."""

    reason = "below"

    def __init__(self, level):
        self.level = level

    @property
    def key(self):
        return "loss at most level"


class Dict(dict):
    """A rule that is a dict, with more in an attribute."""

    reason, key = "below", "loss at most level"


class Partial(functools.partial):
    """What it calls is held where nobody sees it."""

    key = "partial"


def patched(value, name, other):
    object.__setattr__(value, name, other)
    return value


def cycle():
    loop = []
    loop.append(loop)
    return loop


# By hand


def test_a_network_is_its_layers_their_settings_and_their_tensors():
    found = describe(Network([Affine([[2.0]], [1.0]), ReLU()]))
    affine = {
        "type": "Affine",
        "fields": {},
        "tensors": [digest(np.array([[2.0]])), digest(np.array([1.0]))],
    }
    assert found == {"layers": [affine, {"type": "ReLU", "fields": {}, "tensors": []}]}


# Laws


SAME = [
    (1, 1.0),
    (np.float64(0.5), 0.5),
    (np.int64(3), 3),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    ([1, 2], (1.0, 2)),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1, 2}, frozenset((2, 1))),
    (float("nan"), np.float32("nan")),
    (SGD(1), SGD(1.0)),
    (NET, Network(NET.layers)),
    (Below(abs, key="k"), Below(len, key="k")),
    (np.eye(2), np.eye(2).T),
]
DIFFERENT = [
    (1, True),
    (0, False),
    (0.0, -0.0),
    (1, "1"),
    (None, "None"),
    (0.1, np.float32(0.1)),
    (0.1, np.nextafter(0.1, 1)),
    (1e300, 1e300 * (1 + 2e-16)),
    (2**53, 2**53 + 1),
    (Fraction(1, 2), Fraction(1, 3)),
    (Fraction(1, 3), 1 / 3),
    (Decimal("0.1"), 0.1),
    (1j, 1),
    (b"a", "a"),
    ([1, 2], [2, 1]),
    ([[1], 2], [1, [2]]),
    ({"a": 1}, [["a", 1]]),
    ({"a": 1}, {"a": 2}),
    ({1: 2}, {"1": 2}),
    ({"dict": []}, {}),
    ({1}, [1]),
    ({"type": "SGD"}, SGD(0.1)),
    (np.zeros(2), np.zeros((2, 1))),
    (np.zeros(2), np.zeros(4, np.float32)),
    (np.array([1, 2]), np.array([1, 2], ">i8") + 1),
    (SGD(0.1), SGD(0.1, momentum=0.5)),
    (SGD(0.1), Adam(0.1)),
    (LossBelow(0.1), LossBelow(0.001)),
    (SquaredError(), SquaredError(class_weighted=True)),
    (SquaredError(), CrossEntropy()),
    (L1(0.1), L2(0.1)),
    (L1(0.1), L1(0.1, ["W1"])),
    (Network([Affine([[1.0]], [0.0])] * 2), Network([*[Affine([[1.0]], [0.0])] * 2, ReLU()])),
    (
        Network([Affine(np.ones((1, 2)), [0.0])]),
        Network([Affine(np.ones((1, 1)), [1.0]), Affine([[1.0]], [0.0])]),
    ),
    (ReLUNetwork([[[0.0]]], [[0.0]]), ReLUNetwork([[[-0.0]]], [[0.0]])),
    (Below(abs, key="k"), Below(abs, key="l")),
    (Slotted(0.1), Slotted(0.001)),
    (Tuple(0.1), Tuple(0.001)),
    (Tuple(0.1), Slotted(0.1)),
    (Nested({"a": Slotted(0.1)}), Nested({"a": Slotted(0.001)})),
    (Field(0.1), Field(0.001)),
    (Plain(0.1), Plain(0.001)),
    (Cached(0.1), Cached(0.001)),
    (Squared(0.1), Squared(0.001)),
    (patched(Squared(0.1), "key", "k"), patched(Squared(0.001), "key", "k")),
    (Own([[[1.0]]], [[0.0]]), Own([[[2.0]]], [[0.0]])),
    (Own([[[1.0]]], [[0.0]]), NET),
    (patched(Below(abs, key="k"), "level", 0.1), patched(Below(abs, key="k"), "level", 0.001)),
    (Property(0.1), Property(0.001)),
    (Dict(level=0.1), Dict(level=0.001)),
    (patched(Dict(), "level", 0.1), patched(Dict(), "level", 0.001)),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_things_written_differently_have_one_description(one, other):
    assert json.dumps(describe(one)) == json.dumps(describe(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_things_that_differ_have_two_descriptions(one, other):
    assert json.dumps(describe(one)) != json.dumps(describe(other))
    assert json.dumps(describe([one])) != json.dumps(describe([other]))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


def strict(value):
    """A text that tells all plain values apart but 1 and 1.0, lists and tuples."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return repr(value)
    if isinstance(value, int | float):
        whole = value == value and abs(value) != np.inf and value == int(value)
        return repr(int(value)) if whole and repr(value) != "-0.0" else repr(value)
    if isinstance(value, list):
        return f"[{','.join(map(strict, value))}]"
    return f"{{{','.join(sorted(f'{strict(k)}:{strict(v)}' for k, v in value.items()))}}}"


@given(PLAIN, PLAIN)
def test_plain_values_have_equal_descriptions_only_if_they_are_equal(one, other):
    assert (json.dumps(describe(one)) == json.dumps(describe(other))) == (
        strict(one) == strict(other)
    )


# Bad input


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (abs, "value must"),
        ([1, abs], r"value\[1\] must"),
        ({"a": lambda: 0}, r"value\['a'\] must"),
        (functools.partial(abs, 1), "what a partial does"),
        (Below(abs), "what a Below does"),
        (Lazy(0.1), "what a Lazy does"),
        (Below(abs, key=lambda: 0), "what a Below does"),
        (Nested({"a": Below(abs)}), r"value\.rules\['a'\] must"),
        (SGD, "what a type does"),
        (object(), "what a object does"),
        (Partial(abs, 1), "what a Partial holds cannot be seen: set the attribute `key` of the"),
        (Property(abs), r"value\.level must"),
        (Plain(abs), r"value\.level must"),
        (patched(SGD(0.1), "update", print), "what a SGD does"),
        (patched(LossBelow(0.1), "reason", "other"), "what a LossBelow does"),
        (patched(ReLU(), "forward", print), "what a ReLU does"),
        (patched(ReLUNetwork([[[1.0]]], [[0.0]]), "rebuild", print), "what a ReLUNetwork does"),
        (cycle(), "contains itself"),
        (np.array([abs]), "what a ndarray does"),
        (np.ma.masked_array([1.0], [True]), "what a MaskedArray does"),
        (np.random.default_rng(0), "what a Generator does"),
        (type("SGD", (), {"__module__": "training.descent.optimizers"})(), "what a SGD does"),
    ],
)
def test_what_cannot_be_described_faithfully_is_refused_with_advice(value, where):
    with pytest.raises(ValueError, match=where) as caught:
        describe(value)
    assert "attribute `key`" in str(caught.value)
