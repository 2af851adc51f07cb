"""The dual bound of the checker where it has a closed form, and each answer that rests on it."""

import numpy as np
import pytest

from constructions.proof.checker import LARGEST, fraction
from constructions.two_layer import checker
from constructions.two_layer.checker import CLAIMS, TwoLayers

TOLD = {"loss_name": "mse", "weight_decay": 0.5, "lower_bound": 0.0}


def case_of(X, Y, tensors=None, **stated):
    """A network on points each of a class of its own; as it stands, of one unit that is zero."""
    X, Y = np.array(X, dtype=float), np.array(Y, dtype=float)
    d, Q = X.shape[1], Y.shape[1]
    if tensors is None:
        tensors = np.zeros((1, d)), np.zeros(1), np.zeros((Q, 1)), np.zeros(Q)
    tensors = [np.array(t, dtype=float) for t in tensors]
    return TwoLayers(TOLD | stated, tensors, X, Y, np.arange(len(X)))


def exact(values):
    return checker._fractions(np.array(values, dtype=float))


def closed_form(X, Y, R, decay):
    """The best of s push - s^2 bend for s M <= decay, of points in one or two places.

    The rows (x, 1) of two places have to be orthogonal: M is a maximum on a quarter of a circle.
    """
    X, Y, R = (np.array(a, dtype=float) for a in (X, Y, R))
    places = np.unique(X, axis=0)
    rows = np.column_stack([places, np.ones(len(places))])
    sums = [
        np.hypot.reduce(row) * R[(X == place).all(axis=1)].sum(axis=0)
        for row, place in zip(rows, places, strict=True)
    ]
    if len(sums) == 1:
        square = sums[0] @ sums[0]
    else:
        assert rows[0] @ rows[1] == 0
        a, b = sums
        aa, bb, ab = a @ a, b @ b, a @ b
        square = (aa + bb) / 2 + np.hypot((aa - bb) / 2, ab) if ab > 0 else max(aa, bb)
    push = -(R * Y).sum()
    bend = len(R) / 4 * (R * R).sum() + (R.sum(axis=0) ** 2).sum() / (2 * decay)
    s = min(push / (2 * bend), decay / np.sqrt(square) if square else np.inf)
    return s * push - s * s * bend


AWAY = [[1.0, 0.0], [-1.0, 0.75]]  # with 1 beside them they are orthogonal
PLACES = {
    "one point": ([[0.0]], [[3.0]], [[-1.0]]),
    "far away": ([[2.0**90, 0.0]], [[3.0]], [[-1.0]]),
    "two points, one sign": (AWAY, [[3.0], [2.0]], [[-1.0], [-0.5]]),
    "two points, two signs": (AWAY, [[3.0], [-2.0]], [[-1.0], [0.75]]),
    "one of two points": (AWAY, [[3.0], [1.0]], [[-1.0], [0.0]]),
    "two outputs": (AWAY, [[3.0, 0.0], [1.0, 2.0]], [[-1.0, 0.5], [0.25, -2.0]]),
    "outputs of one place each": (AWAY, [[3.0, 0.0], [0.0, 2.0]], [[-1.0, 0.0], [0.0, -2.0]]),
    "a place twice": ([AWAY[0], *AWAY], [[1.0], [5.0], [1.0]], [[0.5], [-2.0], [-0.25]]),
    "nothing is left at a place": ([AWAY[0], *AWAY], [[1.0], [5], [1]], [[0.5], [-0.5], [-0.25]]),
    "tiny targets": (AWAY, [[3 * 2.0**-300], [2.0**-299]], [[-1.0], [-0.5]]),
    "tiny residuals": (AWAY, [[3.0], [2.0]], [[-(2.0**-400)], [-(2.0**-401)]]),
    "large residuals": (AWAY, [[3.0], [2.0]], [[-(2.0**300)], [-(2.0**299)]]),
}


@pytest.mark.parametrize("decay", [2.0**-6, 0.5, 16.0])
@pytest.mark.parametrize("name", PLACES)
def test_the_bound_is_that_of_the_closed_form(name, decay):
    X, Y, R = PLACES[name]
    best, case = closed_form(X, Y, R, decay), case_of(X, Y, weight_decay=decay)
    assert best > 0
    for part, holds in ((0.5, True), (1 - 1e-9, True), (1 + 1e-7, False), (2, False)):
        found = case.implied(exact(R), fraction(float(best * part)))
        # residuals that are nothing beside the targets may be the rounding of floats
        assert found is holds or (name == "tiny residuals" and found is None and part > 1)


def test_what_pushes_the_wrong_way_proves_nothing():
    X, Y, R = PLACES["two points, one sign"]
    case = case_of(X, Y)
    for wrong in (-np.array(R), [[1.0], [-1.5]], [[0.0], [0.0]]):  # the second is orthogonal to Y
        for low in (2.0**-1000, 2.0**-50, 1.0):
            assert case.implied(exact(wrong), fraction(low)) is False
    # nor where the push is hardly a number
    case = case_of(X, np.array(Y) * 2.0**-300)
    for low in (2.0**-1000, 2.0**-600):
        assert case.implied(exact(np.array(Y)), fraction(low)) is False


def test_next_to_the_best_scale_it_is_left_open():
    # decay 16: the scale is free, and at the best one the parabola is flat
    X, Y, R = PLACES["one point"]
    case = case_of(X, Y, weight_decay=16.0)
    peak = fraction(8)  # of 3 s - (1/4 + 1/32) s^2
    for miss, holds in ((-40, True), (-60, True), (None, True), (-60, None), (-36, False)):
        away = checker.fmpq(0) if miss is None else checker.fmpq(1, 2**-miss)
        low = peak * (1 - away if holds is True else 1 + away)
        assert case.implied(exact(R), low) is holds


@pytest.mark.parametrize(("Y", "over"), [(3.0, 2.0**-36), (2.0**24, 2.0**-14)])
def test_a_bound_that_is_missed_by_what_floats_may_miss_is_left_open(Y, over):
    # residuals may have come from numbers as large as the targets
    R = [[-1.0]]
    best, case = closed_form([[0.0]], [[Y]], R, 0.5), case_of([[0.0]], [[Y]])
    for part, holds in ((1 + over / 256, None), (1 + over * 256, False)):
        assert case.implied(exact(R), fraction(float(best * part))) is holds


def test_a_bound_of_norms_is_taken_beyond_twelve_coordinates():
    for d, holds in ((11, False), (12, None)):
        X = np.zeros((1, d))
        best = closed_form(X, [[3.0]], [[-1.0]], 0.5)
        case = case_of(X, [[3.0]])
        assert case.implied(exact([[-1.0]]), fraction(float(best * (1 - 1e-9)))) is True
        assert case.implied(exact([[-1.0]]), fraction(float(best * 1.01))) is holds


# what is claimed; one point at 0 with target 3 and decay 2: the least loss is 4


def optimal(**stated):
    tensors = [[0.0]], [1.0], [[1.0]], [1.0]
    return case_of([[0.0]], [[3.0]], tensors, **({"weight_decay": 2.0} | stated))


def test_the_loss_by_hand():
    case = optimal()
    assert case.loss() == 4 and case.series() == [4]
    assert optimal(weight_decay=1.0).loss() == fraction(2.5)
    assert case_of([[0.0]], [[3.0]]).loss() == 9


def test_a_loss_along_a_line_is_its_series():
    rng = np.random.default_rng(0)
    X, Y = rng.integers(-3, 4, (4, 2)), rng.integers(-3, 4, (4, 2))
    shapes = (3, 2), 3, (2, 3), 2
    here, move = ([rng.integers(-3, 4, s).astype(float) for s in shapes] for _ in range(2))
    case = case_of(X, Y, here, weight_decay=0.25)
    line = [[a, b] for (a,), (b,) in zip(case.layers, case_of(X, Y, move).layers, strict=True)]
    t = checker.fmpq(1, 2**20)
    terms = case.series(line, 6)
    assert len(terms) == 7 and terms[5:] == [0, 0] and 0 not in terms[:3]
    there = [np.array(a) + 2.0**-20 * np.array(b) for a, b in zip(here, move, strict=True)]
    after = case_of(X, Y, there, weight_decay=0.25).loss()
    assert sum(c * t**k for k, c in enumerate(terms)) == after
    for order in range(4):
        assert case.series(line, order) == terms[: order + 1]


def test_nothing_is_a_bound_and_more_than_the_loss_is_none():
    case = optimal()
    assert [case.dual("gap", fraction(v)) for v in (0, -1, -0.5)] == [True] * 3
    assert [case.dual("gap", fraction(v)) for v in (0.5, 1, 3.999999)] == [True] * 3
    assert not case.why
    assert [case.dual("gap", fraction(v)) for v in (4 + 2.0**-40, 4.5, 5, 100)] == [False] * 4
    assert not case.why  # nothing had to be examined
    small = case_of([[0.0]], [[0.5]])
    assert small.loss() == fraction(0.25) and small.dual("gap", fraction(0.5)) is False
    # the very least loss is missed by the rounding of a root, and that is told
    assert case.dual("gap", fraction(4)) is None
    assert "ended before it was decided" in case.why["gap"]


def test_a_bound_that_does_not_hold_is_explained():
    tensors = [[0.0]], [1.0], [[1.0]], [0.0]  # with another output bias: loss 4 + 2
    case = case_of([[0.0]], [[3.0]], tensors, weight_decay=2.0)
    assert case.loss() == 6
    assert case.dual("lower_bound", fraction(5)) is False
    assert "prove no bound as large" in case.why["lower_bound"]


BIT = 2.0**-60


def cancelling():
    """Outputs 3 BIT and 5 BIT, exactly the targets; in floats all but 1 - 1 is lost."""
    W, b = [[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]], [1.0, 0.0, 0.0, -5.0]
    V, c = [[1.0, 3 * BIT, 5 * BIT, 1.0]], [-1.0]
    return case_of(AWAY, [[3 * BIT], [5 * BIT]], (W, b, V, c))


def test_residuals_in_floats_prove_what_exact_ones_do_not():
    case = cancelling()
    targets = np.array([[3 * BIT], [5 * BIT]])
    assert not (case.stages[-1].values[0][case.stages[-1].owner] - case.Y).any()
    best = closed_form(AWAY, targets, -targets, 0.5)
    assert case.dual("lower_bound", fraction(float(best * (1 - 1e-9)))) is True
    assert not case.why
    assert case.dual("lower_bound", fraction(float(best * (1 + 1e-9)))) is False
    assert "prove no bound" in case.why["lower_bound"]


def test_residuals_that_overflow_in_floats_are_left():
    tensors = [[1.0, 0.0]] * 2, [0.0, 0.0], [[1e308, 1e308]], [0.0]
    case = case_of(AWAY, [[3.0], [2.0]], tensors)
    # a residual of 2e308 proves nothing, as it pushes the wrong way
    assert case.dual("lower_bound", fraction(1.0)) is False


@pytest.mark.parametrize(
    ("low", "gap", "holds"),
    [
        (3.5, 0.5, True),
        (3.5, 0.25, True),  # the bound is larger than what is stated
        (3.5, 1.0, True),
        (3.5, 2.0**-60, True),
        (3.5, 0.0, None),
        (3.5, -1.0, False),
        (3.5, "inf", True),
        (4.5, 0.5, True),  # though the lower bound is false
        (4.5, "inf", True),
        (4.5, 5.0, True),
        (-1.0, 4.0, True),
        (-1.0, "inf", True),
    ],
)
def test_a_gap(low, gap, holds):
    case = optimal(lower_bound=low)
    assert case.lower_bound(low) is (low < 4)
    assert case.gap(gap) is holds


def test_a_gap_where_the_search_has_ended(monkeypatch):
    X, Y, _ = PLACES["two points, one sign"]
    monkeypatch.setattr(checker, "WORK", 0)
    tensors = [[0.0, 0.0]], [0.0], [[0.0]], [0.0]
    case = case_of(X, Y, tensors, lower_bound=0.9)
    loss = float(case.loss().p) / float(case.loss().q)
    assert loss == 6.5 and case.lower is None
    for low, holds in ((-2.0, True), (-0.5, True), (0.0, True), (0.5, None), (0.9, None)):
        assert case.gap(loss - low) is holds
    assert case.gap("inf") is True


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"slack": 0.5 - 2.0**-40}, False),
        ({"slack": 1.0}, True),
        ({"slack": 1.0 + 2.0**-40}, False),
        ({"rtol": 0.125}, True),
        ({"rtol": 0.125 - 2.0**-40}, False),
        ({"lower_bound": 4.5, "slack": 0.0}, False),
        ({"lower_bound": 4.0, "slack": 0.0}, None),
        ({"verdict": "local minimum"}, None),
        ({"verdict": "local minimum", "slack": 0.0}, True),
        ({"verdict": "saddle"}, False),
        ({"verdict": "saddle", "slack": 1.0}, False),
        ({"verdict": "saddle", "slack": -1.0}, False),
        ({"verdict": "saddle", "slack": 0.0}, True),
    ],
)
def test_a_slack(change, holds):
    stated = {"lower_bound": 3.5, "slack": 0.5, "rtol": 0.25, "verdict": "global minimum"} | change
    assert optimal(**stated).slack(stated["slack"]) is holds


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"slack": 0.25}, False),
        ({"proved": False}, False),
        ({"proved": 1}, False),
        ({"verdict": "local minimum"}, None),
        ({"verdict": "local minimum", "proved": False}, False),
        ({"verdict": "undetermined"}, False),
        ({"verdict": "undetermined", "proved": False}, True),
        ({"verdict": "undetermined", "proved": False, "critical": {}}, True),
        ({"verdict": "saddle"}, True),
        ({"verdict": "saddle", "witness": {"slope": -1}}, False),
        ({"verdict": "saddle", "critical": {}}, None),
        ({"verdict": "saddle", "critical": {}, "proved": False}, None),
        ({"verdict": "saddle", "proved": False}, None),
        ({"verdict": "not stationary"}, False),
        ({"verdict": "not stationary", "witness": {"slope": -1}}, True),
        ({"verdict": "not stationary", "witness": {"slope": -1}, "critical": {}}, True),
        ({"verdict": "best"}, False),
    ],
)
def test_a_verdict(change, holds):
    stated = {"lower_bound": 3.5, "slack": 0.5, "rtol": 0.25, "verdict": "global minimum"}
    stated |= {"proved": True, "critical": None, "witness": {"curvature": -1}} | change
    case = optimal(**stated)
    case.found["witness"] = True
    assert case.verdict(stated["verdict"]) is holds
    if stated["verdict"] == "saddle" and holds:
        case.found["witness"] = False
        assert case.verdict("saddle") is False


def test_fields_of_the_format():
    case = optimal()
    assert [CLAIMS["loss_name"](case, v) for v in ("mse", "class_weighted")] == [True, False]
    decays = (2.0**-1074, 0.5, 1, 1.5, LARGEST, 0, -0.5, -1, 2 * int(LARGEST))
    assert [CLAIMS["weight_decay"](case, v) for v in decays] == [True] * 5 + [False] * 4
    for subset, holds in (
        (None, True),
        (["b2", "W1", "b1", "W2"], True),
        (["W2", "b2"], False),
        ([], False),
    ):
        assert CLAIMS["subset"](optimal(subset=subset), subset) is holds
