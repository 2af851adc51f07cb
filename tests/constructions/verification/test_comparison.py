import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from kinds import REFUTED, a_minimum

from constructions import Certificate, recheck, verify
from constructions.verification.comparison import LOOSE, compared
from constructions.verification.confirmation import confirmation
from geomcore import ReLUNetwork, datasets


@pytest.fixture(scope="module")
def data():
    return datasets.clusters(12, rng=0)


# other options make another certificate, which may be true
OPTIONS = ("rtol", "gtol", "exact", "weight_decay", "step")
STEP = 1e-3  # of gradient descent, whose basin the minima have


def altered(value):
    """Values that differ from one of a certificate, by a lot and by a little."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, 0]
    if isinstance(value, float):
        return [2 * value + 1, -value - 1, value + 1e-3 * (abs(value) + 1)]
    if isinstance(value, tuple) and value and isinstance(value[0], float):
        return [value[:-1], (*value[:-1], 1.01 * value[-1]), (*value, 1.0)]
    return []


@pytest.mark.parametrize("name", ["state", "merge", "zero"])
def test_no_field_can_be_altered(name, data):
    net = a_minimum(name, data)
    found = verify(net, data.X, data.y, step=STEP)
    for field in dataclasses.fields(Certificate):
        if field.name in OPTIONS:
            continue
        for value in altered(getattr(found, field.name)):
            wrong = dataclasses.replace(found, **{field.name: value})
            bad = [check.name for check in recheck(wrong, net, data.X, data.y) if not check.passed]
            assert bad == [field.name], (field.name, value)


def tampered(found):
    """Certificates that say something else than `verify` found, each in one place."""
    replace = dataclasses.replace
    other = "0" * 64
    yield "network", replace(found, network=other)
    yield "data", replace(found, data=other)
    yield "verdict", replace(found, verdict="saddle")
    yield "loss_bound", replace(found, loss_name="class_weighted")
    yield "widths", replace(found, widths=(3, 3))
    first, *rest = found.checks
    yield "checks", replace(found, checks=(first, *rest[:-1]))
    yield "checks", replace(found, checks=(first._replace(passed=False), *rest))
    yield "checks", replace(found, checks=(first._replace(detail="all is well"), *rest))
    yield "checks", replace(found, checks=(first._replace(value=7.0), *rest))
    if found.basin is not None:
        for key in found.basin:
            yield "basin", replace(found, basin={**found.basin, key: 1.1 * found.basin[key]})
        yield "basin", replace(found, basin=None)
    if found.descent is not None:
        for key in found.descent:
            for factor in (1.1, 1 - 1e-8, -1.0, np.nan, np.inf):
                changed = {**found.descent, key: factor * found.descent[key]}
                yield "descent", replace(found, descent=changed)
            yield "descent", replace(found, descent={**found.descent, key: "0.1"})
            yield "descent", replace(found, descent={k: 0.1 for k in found.descent if k != key})
        yield "descent", replace(found, descent=None)
        yield "descent", replace(found, descent=found.basin)
        yield "descent", replace(found, step=STEP / 2)
        yield "descent", replace(found, step=None)
    if found.witness is not None:
        witness = found.witness
        yield "witness", replace(found, witness=None)
        zero = [
            {
                "weights": [[0.0 for _ in r] for r in p["weights"]],
                "biases": [0.0] * len(p["biases"]),
            }
            for p in witness["direction"]
        ]
        for change in (
            {"step": -witness["step"]},
            {"step": 0.0},
            {"loss": 0.0},
            {"loss": witness["loss"] * 1.001},
            {"slope": 2 * witness["slope"]},
            {"slope": witness["slope"] / 2},
            {"direction": zero},
            {"direction": zero, "step": 0.0},
            {"direction": witness["direction"][:-1]},
        ):
            yield "witness", replace(found, witness={**witness, **change})
        yield "witness", replace(found, witness={"step": 1.0, "loss": 0.0, "direction": []})


@pytest.mark.parametrize("name", ["state", "merge", "zero"])
def test_what_has_been_tampered_with_is_not_confirmed_and_named(name, data):
    net = a_minimum(name, data)
    found = verify(net, data.X, data.y, step=STEP)
    assert (found.descent is None) is (found.basin is None)
    for field, wrong in tampered(found):
        assert wrong != found
        bad = [check.name for check in recheck(wrong, net, data.X, data.y) if not check.passed]
        assert bad and bad[0] == field, field


# What is in floating point, and bounds


def standing(found, net, X, y, **changes):
    """How the fields stand that are not confirmed if some are changed."""
    checks = recheck(dataclasses.replace(found, **changes), net, X, y)
    return {check.name: check.passed for check in checks if not check.passed}


def test_a_loss_is_confirmed_within_its_bounds():
    net, X, _, _ = REFUTED["slope"]
    sides = set()
    for k in range(1, 5):
        y = [[1.0 + k / 10], [0.1], [0.1]]  # two classes of unequal sizes
        found = verify(net, X, y)
        for field, name in (("loss", "mse"), ("class_weighted_loss", "class_weighted")):
            bounds = verify(net, X, y, loss=name)
            low, high = bounds.loss_floor, bounds.loss_bound
            assert high == np.nextafter(low, 9)
            sides.add((field, getattr(found, field) == low))
            for value in (low, high):
                assert standing(found, net, X, y, **{field: value}) == {}
            for value in (np.nextafter(low, 0), np.nextafter(high, 9)):
                assert standing(found, net, X, y, **{field: float(value)}) == {field: False}
    assert len(sides) == 4  # the float that stands there is now the lower end, now the upper


@pytest.mark.parametrize(
    ("kind", "name"), [("slope", "gradient_norm"), ("curvature", "smallest_eigenvalue")]
)
def test_what_is_in_floating_point_is_confirmed_to_six_digits(kind, name):
    net, X, y, _ = REFUTED[kind]
    found = verify(net, X, y)
    value = getattr(found, name)
    for factor, holds in ((1 + 5e-7, True), (1 - 5e-7, True), (1 + 2e-6, False), (1 - 2e-6, False)):
        expected = {} if holds else {name: False}
        assert standing(found, net, X, y, **{name: value * factor}) == expected, factor
    assert standing(found, net, X, y, **{name: -value}) == {name: False}
    assert standing(found, net, X, y, **{name: None}) == {name: False}


def test_a_gradient_that_cancels_is_confirmed_as_far_as_its_terms_allow():
    # residuals 1, -1, 1, -1 but for 2^-24: terms that cancel, of norm sqrt(8) without their signs
    net = ReLUNetwork([[[1 + 2.0**-24]]], [[0.0]])
    X, y = [[1.0], [1.0], [-1.0], [-1.0]], [[0.0], [2.0], [-2.0], [0.0]]
    found = verify(net, X, y)
    norm = found.gradient_norm
    assert 1e-7 < norm < 1.3e-7
    for change, expected in ((2e-9, {}), (-2e-9, {}), (4e-9, {"gradient_norm": False})):
        assert standing(found, net, X, y, gradient_norm=norm + change) == expected, change


def test_bounds_that_differ_by_more_than_rounding_are_refused(data):
    net = a_minimum("merge", data)
    found = verify(net, data.X, data.y)
    for name in (
        "loss_bound",
        "loss_floor",
        "lower_bound",
        "activation_margin",
        "distance",
        "radius",
    ):
        value = getattr(found, name)
        assert value is not None and abs(value) < 1
        close, far = value * (1 + 5e-10), value * 1.01 + 1e-30
        assert standing(found, net, data.X, data.y, **{name: far}) == {name: False}, name
        if value != 0:
            assert standing(found, net, data.X, data.y, **{name: close}) == {name: None}, name
    longer = (*found.margins, found.margins[-1])
    assert standing(found, net, data.X, data.y, margins=longer) == {"margins": False}
    assert standing(found, net, data.X, data.y, bits=found.bits + 1) == {"bits": False}


def test_checks_for_readers_have_the_same_words_and_may_have_other_digits(data):
    net = a_minimum("merge", data)
    found = verify(net, data.X, data.y)
    numbered = next(i for i, c in enumerate(found.checks) if any(d.isdigit() for d in c.detail))

    def changed(**changes):
        checks = list(found.checks)
        checks[numbered] = checks[numbered]._replace(**changes)
        return standing(found, net, data.X, data.y, checks=tuple(checks))

    detail = found.checks[numbered].detail
    digit = next(d for d in detail if d.isdigit())
    assert changed(detail=detail.replace(digit, "9" if digit != "9" else "8", 1)) == {
        "checks": None
    }
    assert changed(detail=detail + ".") == {"checks": False}
    assert changed(name="other") == {"checks": False}
    assert changed(passed=not found.checks[numbered].passed) == {"checks": False}
    assert changed(passed=None) == {"checks": False}
    for checks in (found.checks[:-1], (*found.checks, found.checks[-1]), ()):
        assert standing(found, net, data.X, data.y, checks=checks) == {"checks": False}


@pytest.mark.parametrize("key", ["radius", "rate", "ball", "strength"])
@pytest.mark.parametrize("factor", [1 - 5e-10, 1 + 5e-10])
def test_a_bound_that_differs_by_rounding_is_left_open(key, factor, data):
    net = a_minimum("merge", data)
    found = verify(net, data.X, data.y)
    wrong = dataclasses.replace(found, basin=found.basin | {key: found.basin[key] * factor})
    (check,) = [c for c in recheck(wrong, net, data.X, data.y) if not c.passed]
    assert (check.name, check.passed) == ("basin", None)
    assert "holds but for rounding" in confirmation([check])


# What is proved of an exact critical point


POINT = {
    "argument": "critical point",
    "rank": 5,
    "rank_error": 1e-28,
    "eigenvalue": 0.5,
    "uniqueness": 1e-6,
    "kinks": [
        {"layer": 1, "point": 0, "unit": 2, "multiplier": 0.25, "rise": 0.75},
        {"layer": 2, "point": 3, "unit": 1, "multiplier": 0.5, "rise": 2.0},
    ],
}


def critical(stated, right=POINT):
    found = (SimpleNamespace(critical=value) for value in (stated, right))
    return compared("critical", *found, None)


def with_kink(i, **changes):
    kinks = [dict(kink) for kink in POINT["kinks"]]
    kinks[i] |= changes
    return POINT | {"kinks": kinks}


def test_a_critical_point_that_is_stated_as_found_is_confirmed():
    assert critical(POINT) == ("critical", True, None, "critical point")
    assert critical(None, None) == ("critical", True, None, "none")


def test_a_critical_point_is_there_where_one_is_found_and_only_there():
    assert critical(None) == ("critical", False, None, "stated None, found one")
    assert critical(POINT, None) == ("critical", False, None, "stated one, found None")


@pytest.mark.parametrize(
    "stated",
    [
        POINT | {"argument": "fit"},
        POINT | {"rank": 6},
        POINT | {"rank_error": 0.0},
        POINT | {"kinks": []},
        POINT | {"kinks": POINT["kinks"][:1]},
        *(with_kink(i, **{key: 7}) for i in (0, 1) for key in ("layer", "point", "unit")),
    ],
)
def test_what_is_counted_at_a_critical_point_is_compared_exactly(stated):
    one, other = critical(stated), critical(POINT, stated)
    assert one.passed is False and other.passed is False
    parts = [
        ([c["argument"], c["rank"], c["rank_error"]], [tuple(k.values())[:3] for k in c["kinks"]])
        for c in (stated, POINT)
    ]
    assert one.detail == f"stated {parts[0]}, found {parts[1]}"


@pytest.mark.parametrize(
    "change",
    [
        lambda factor: POINT | {"eigenvalue": 0.5 * factor},
        lambda factor: with_kink(0, multiplier=0.25 * factor),
        lambda factor: with_kink(1, multiplier=0.5 * factor),
        lambda factor: with_kink(0, rise=0.75 * factor),
        lambda factor: with_kink(1, rise=2.0 * factor),
    ],
)
def test_numbers_at_a_critical_point_may_differ_by_rounding_alone(change):
    for factor, passed in ((1 + 5e-7, None), (1 - 5e-7, None), (1 + 2e-6, False), (-1, False)):
        assert critical(change(factor)).passed is passed, factor
    # the one is not excused by how near the others are
    both = change(2.0) | {"uniqueness": 0.5e-6}
    assert critical(both).passed is False


def test_a_radius_of_uniqueness_is_that_of_another_machine_or_a_false_one():
    for factor, passed in (
        (0.5, None),
        (LOOSE, None),
        (1 / LOOSE, None),
        (1.001 * LOOSE, False),
        (0.999 / LOOSE, False),
        (-1, False),
        (0, False),
        (np.inf, False),
    ):
        assert (
            critical(
                POINT | {"uniqueness": factor * 2.0**-20}, POINT | {"uniqueness": 2.0**-20}
            ).passed
            is passed
        ), factor


@pytest.mark.parametrize("name", ["distance", "slack"])
def test_bounds_beside_a_critical_point_may_differ_by_what_another_machine_rounds(name):
    def standing(stated, right, point):
        about = [SimpleNamespace(critical=point, **{name: value}) for value in (stated, right)]
        return compared(name, *about, None).passed

    assert standing(1e-15, 1e-15, POINT) is True
    for factor, passed in (
        (0.26, None),
        (0.249, False),
        (0.25, None),
        (2, None),
        (4, None),
        (4.01, False),
        (1e9, False),
    ):
        assert standing(factor * 2.0**-50, 2.0**-50, POINT) is passed, factor
        assert standing(factor * 2.0**-50, 2.0**-50, None) is False, factor
    for stated, right in ((1e-15, 0.0), (0.0, 1e-15), (-1e-15, 1e-15), (1e-15, -1e-15)):
        assert standing(stated, right, POINT) is False
    assert standing(np.inf, 1e-15, POINT) is False
    # of a bound that is no part of it, rounding is what it always is
    about = [SimpleNamespace(critical=POINT, radius=value) for value in (1.0, 2.0)]
    assert compared("radius", *about, None).passed is False


def test_a_gap_is_that_of_the_bounds_that_are_stated():
    def standing(gap, high, low):
        stated = SimpleNamespace(critical=POINT, gap=gap, loss_bound=high, lower_bound=low)
        return compared("gap", stated, SimpleNamespace(critical=POINT, gap=0.5), None).passed

    assert standing(0.5, 0.5, 0.0) is True
    other = float(np.nextafter(0.75 - 0.25 - 2.0**-30, 1))
    assert standing(other, 0.75 - 2.0**-30, 0.25) is None
    for gap in (0.25, 0.5 + 2.0**-40, 1000.0, np.inf, -0.5):
        assert standing(gap, 0.75 - 2.0**-30, 0.25) is False, gap


def test_values_of_checks_may_differ_by_what_another_machine_rounds(data):
    net = a_minimum("merge", data)
    found = verify(net, data.X, data.y)
    place, check = next((i, c) for i, c in enumerate(found.checks) if c.value)
    for value, passed in (
        (2 * check.value, None),
        (0.5 * check.value, None),
        (100 * check.value, False),
        (-check.value, False),
        (None, False),
    ):
        checks = list(found.checks)
        checks[place] = check._replace(value=value)
        changed = standing(found, net, data.X, data.y, checks=tuple(checks))
        assert changed == {"checks": passed}, value
