"""The inequalities of a basin of gradient descent, one by one; its runs are in verification."""

from fractions import Fraction

import numpy as np
import pytest

from constructions import cell_radius
from constructions.proof import descent_basin as room
from constructions.proof.basin import surroundings_of
from constructions.proof.motion import bounds_of, motions
from geomcore import ReLUNetwork
from training import hessian

STEP = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])  # max(1 - x, 0)
POINTS = np.array([[0.0], [2.0], [3.0]])
CURVED = ReLUNetwork(
    [
        [[1.0, 0.5], [-0.5, 1.0]],
        [[1.0, -0.25], [0.5, 1.0], [0.25, 0.25]],
        [[1.0, 0.5, 1.0], [0.25, -0.5, 1.0]],
        [[1.0, 0.5], [0.5, -1.0]],
    ],
    [[1.0, 1.5], [1.0, 0.5, 0.75], [1.5, 0.5], [0.0, 0.25]],
)
PLANE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [-0.25, -2.0]])
SHARES = np.array([0.1, 0.2, 0.3, 0.3, 0.1])
CASES = [(STEP, POINTS, SHARES[:3]), (CURVED, PLANE, SHARES)]
SLACK = 1e-6


def parts(net, X, weights, distance):
    """Norms of the products at the exact minimum, factors and motions in balls, in plain loops."""
    bounds = bounds_of(net, X)
    layers = bounds.layers.copy()
    layers[:, -1] += distance * layers[:, -2]
    bounds = bounds._replace(layers=layers)
    share = [weights[bounds.owner == g].sum() for g in range(len(layers))]

    def moved(r):
        speeds, moves = motions(bounds, r)
        return speeds, [
            np.sqrt(sum(w * m**2 for w, m in zip(share, moves[:, l], strict=True))) * (1 + SLACK)
            for l in (-2, -1)
        ]

    return layers, share, moved


def curvature(net, X, weights, distance, root, r):
    """The bound of the Hessian by the formulas at the top of the module."""
    layers, share, moved = parts(net, X, weights, distance)
    speeds, (_, output) = moved(r)
    L = len(net.weights)
    gauss, bent = 0.0, 0.0
    for p, s, w in zip(layers, speeds, share, strict=True):
        q = {}
        for l in range(L):
            for j in range(l + 1):
                through = [(p[l, i] * q[i - 1, j]) ** 2 for i in range(L) if j < i <= l]
                q[l, j] = (p[l, j] + r * np.sqrt(sum(through))) * (1 + SLACK)
        gauss += w * sum((q[L - 1, j] * s[j]) ** 2 for j in range(L))
        M = [
            [q[L - 1, i] * q[i - 1, j] * s[j] if j < i else 0.0 for j in range(L)] for i in range(L)
        ]
        bent += w * np.linalg.eigvalsh(np.array(M) + np.array(M).T)[-1] ** 2
    return 2 * (gauss + np.sqrt(bent) * (root + output)) * (1 + 10 * SLACK)


def strength(net, X, weights, distance, r):
    """The bound of the smallest singular value of the class matrix in a ball, of full rank."""
    bounds = bounds_of(net, X)
    design = np.column_stack([net.hidden(X)[-1], np.ones(len(X))]) * np.sqrt(weights)[:, None]
    singular = np.linalg.svd(design, compute_uv=False)
    s = singular[-1] * (1 - SLACK) - 10 * max(design.shape) * 2.0**-52 * singular[0]
    s -= bounds.rounding * np.sqrt(weights.sum())
    return s - parts(net, X, weights, distance)[2](r)[1][0]


def reaches(net, X, weights, distance, away, ball):
    """Whether descent that starts so far from the exact minimum stays in a ball around it."""
    s = strength(net, X, weights, distance, ball)
    output = parts(net, X, weights, distance)[2](away)[1][1]
    return bool(s > 0 and away + 2 * output / s <= ball)


# The bound of the Hessian


@pytest.mark.parametrize("distance", [0.0, 1e-3])
@pytest.mark.parametrize(("net", "X", "weights"), CASES)
@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_the_curvature_is_that_of_its_formula(net, X, weights, loss, distance):
    around, root = room._around(net, X, loss, weights, None, distance)
    assert root == pytest.approx(np.sqrt(loss) * (1 + SLACK), rel=1e-12)
    for r in (0.0, 1e-3, 0.5, 3.0):
        found = room._curvature(around, root, r)
        wanted = curvature(net, X, weights, distance, root, r)
        assert wanted * (1 - 1e-12) <= found <= wanted * (1 + 1e-8)


@pytest.mark.parametrize("size", [1e-60, 1e-40, 1e40, 1e60])
def test_the_curvature_of_layers_of_very_different_sizes_is_that_of_its_formula(size):
    net = ReLUNetwork([[[1.0]], [[size]], [[1.0]]], [[1.0], [size], [0.0]])
    X, weights = np.array([[0.0], [1.0]]), np.array([0.25, 0.75])
    around, root = room._around(net, X, 0.5, weights, 1, 0.0)
    for r in (0.0, 1e-3):
        found = room._curvature(around, root, r)
        wanted = curvature(net, X, weights, 0.0, root, r)
        assert wanted * (1 - 1e-12) <= found <= wanted * (1 + 1e-8)


@pytest.mark.parametrize("size", [2.0**-20, 1.0, 2.0**10])
def test_the_hessian_of_the_worst_direction_comes_near_to_the_bound(size):
    # one unit that is on, output v h + c: both factors of size `size`, error `size` squared
    net = ReLUNetwork([[[0.0]], [[size]]], [[size], [0.0]])
    X, Y = np.zeros((1, 1)), np.array([[3 * size**2]])
    around, root = room._around(net, X, 4 * size**4, None, 1, 0.0)
    top = np.abs(np.linalg.eigvalsh(hessian(net, X, Y))).max()
    assert top <= room._curvature(around, root, 0.0) <= 3 * top
    # on the way outwards the factors grow with it
    for r in (0.25 * size, 0.9 * size):
        away = ReLUNetwork([[[0.0]], [[size + 0.6 * r]]], [[size + 0.8 * r], [0.0]])
        for target in (Y, -Y):
            top = np.abs(np.linalg.eigvalsh(hessian(away, X, target))).max()
            loss = float((net(X) - target).item() ** 2)
            around, root = room._around(net, X, loss, None, 1, 0.0)
            assert top <= room._curvature(around, root, r)


def test_what_overflows_is_bounded_by_nothing():
    around, root = room._around(STEP, POINTS, 0.0, None, None, 0.0)
    bound = room.QUIET(room._curvature)
    assert bound(around, root, 1e300) == np.inf
    assert bound(around, np.inf, 0.1) == np.inf
    # one of two patterns is enough
    layers = around.bounds.layers.copy()
    layers[0] = np.inf
    broken = around._replace(bounds=around.bounds._replace(layers=layers))
    assert bound(broken, root, 0.1) == np.inf


# The ball, the step and the way back


@pytest.mark.parametrize("distance", [0.0, 1e-6])
@pytest.mark.parametrize("share", [1e-6, 0.5, 0.99])
@pytest.mark.parametrize(("net", "X", "weights"), CASES)
def test_every_number_of_a_step_is_the_one_of_its_inequality(net, X, weights, share, distance):
    step = share / curvature(net, X, weights, distance, 1e-3**0.5, 0.0)
    given = (net, X, weights, distance)
    basin = room.basin_with_step(
        net, X, step, loss_bound=1e-3, weights=weights, rank=None, distance=distance
    )
    root = np.sqrt(1e-3) * (1 + SLACK)
    cell = cell_radius(net, X) - distance
    assert basin.step == step and 0 < basin.ball <= cell
    assert basin.curvature == pytest.approx(curvature(*given, root, basin.ball), rel=1e-8)
    assert basin.curvature * step <= 1
    s = strength(*given, basin.ball)
    assert basin.strength == pytest.approx(s, rel=1e-9)
    exact = 2 * step * basin.strength**2
    assert basin.rate == pytest.approx(exact, rel=1e-12) and basin.rate <= exact
    away = basin.radius + distance
    assert reaches(*given, away, basin.ball)
    assert not reaches(*given, away + 1.1e-10 * basin.ball, basin.ball)
    for ball in cell * np.geomspace(1e-4, 1, 40):  # no other ball gives much more
        if curvature(*given, root, ball) * step <= 1:
            assert not reaches(*given, 1.01 * basin.radius + distance, ball)


@pytest.mark.parametrize("distance", [0.0, 1e-6])
@pytest.mark.parametrize("share", [1e-7, 0.01, 0.5])
@pytest.mark.parametrize(("net", "X", "weights"), CASES)
def test_every_number_of_a_radius_is_the_one_of_its_inequality(net, X, weights, share, distance):
    given = (net, X, weights, distance)
    options = {"loss_bound": 1e-3, "weights": weights, "rank": None, "distance": distance}
    most = room.basin_with_step(net, X, 1e-9, **options).radius
    basin = room.basin_with_radius(net, X, share * most, **options)
    assert basin.radius == share * most and basin.ball <= cell_radius(net, X) - distance
    away = basin.radius + distance
    assert reaches(*given, away, basin.ball)
    root = np.sqrt(1e-3) * (1 + SLACK)
    assert basin.curvature == pytest.approx(curvature(*given, root, basin.ball), rel=1e-8)
    assert 1 - 1e-14 < basin.step * basin.curvature < 1
    assert basin.strength == pytest.approx(strength(*given, basin.ball), rel=1e-9)
    exact = 2 * basin.step * basin.strength**2
    assert basin.rate == pytest.approx(exact, rel=1e-12) and basin.rate <= exact
    # it is the smallest of the balls that are tried, and so the step is nearly the largest
    ratio = (min(cell_radius(net, X) - distance, 1e12 * away) / away) ** (1 / (room.BALLS - 1))
    assert not reaches(*given, away, basin.ball / ratio)


def test_a_radius_that_no_ball_returns_from_has_no_step():
    options = {"loss_bound": 0.0, "rank": None, "distance": 0.0}
    cell = cell_radius(STEP, POINTS)
    for radius in (0.9 * cell, cell, 2 * cell, 1e300):
        assert room.basin_with_radius(STEP, POINTS, radius, **options) is None
    # without strength there is no way back, wherever the ball ends
    around = surroundings_of(CURVED, PLANE)
    assert -1 < around.strength(0.5 * around.cell) < 0
    assert room.basin_with_radius(CURVED, PLANE, 0.5 * around.cell, **options) is None
    # an infinite loss leaves no curvature, and so no step
    options["loss_bound"] = np.inf
    assert room.basin_with_radius(STEP, POINTS, 1e-3, **options) is None
    assert room.basin_with_step(STEP, POINTS, 1e-300, **options) is None


def test_no_basin_without_surroundings_or_beyond_the_distance():
    kink = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    options = {"loss_bound": 0.0, "rank": None, "distance": 0.0}
    assert room.basin_with_step(kink, np.zeros((1, 1)), 0.1, **options) is None
    assert room.basin_with_radius(kink, np.zeros((1, 1)), 0.1, **options) is None
    # two points so near to each other that a way back is 1e11 times as long as the way there
    X = np.array([[0.0], [1e-11]])
    assert 1e-12 < surroundings_of(STEP, X).at_minimum < 1e-11
    assert room.basin_with_step(STEP, X, 1e-3, **{**options, "rank": 2}) is None
    # what is left of a ball when the way to the exact minimum is taken off
    radius = room.basin_with_step(STEP, POINTS, 1e-3, **options).radius
    for distance in (1.01 * radius, 10 * radius):
        options["distance"] = distance
        assert room.basin_with_step(STEP, POINTS, 1e-3, **options) is None


@pytest.mark.parametrize("limit", [1e-9, 0.03, 0.25])
def test_the_largest_ball_has_the_curvature_that_the_step_allows(monkeypatch, limit):
    around = surroundings_of(STEP, POINTS)
    assert limit < around.cell

    def largest(cell, step):
        return room._largest_ball(around._replace(cell=cell), 0.0, step)

    # a curvature of ball / limit: allowed up to the limit
    monkeypatch.setattr(room, "_curvature", lambda around, root, ball: ball / limit)
    for cell in (around.cell, limit, 1.0, np.inf):
        assert limit * (1 - 1e-6) <= largest(cell, 1.0) <= limit * (1 + 1e-12)
        for step, room_left in ((0.5, 2.0), (1e-7, 1e7), (1e-20, 1e20)):
            wanted = min(room_left * limit, cell)
            assert wanted * (1 - 1e-6) <= largest(cell, step) <= wanted * (1 + 1e-12)
    assert largest(limit / 3, 1.0) == limit / 3
    monkeypatch.setattr(room, "_curvature", lambda around, root, ball: 1.1)
    assert largest(around.cell, 1.0) == largest(np.inf, 1.0) == 0.0
    monkeypatch.setattr(room, "_curvature", lambda around, root, ball: 0.9)
    assert largest(around.cell, 1.0) == around.cell
    assert largest(np.inf, 1.0) >= 1e100


@pytest.mark.parametrize("seed", range(30))
def test_the_curvature_of_the_largest_ball_times_the_step_is_at_most_1_exactly(monkeypatch, seed):
    around = surroundings_of(STEP, POINTS)
    limit, step = np.random.default_rng(seed).uniform(0.01, 0.3, size=2)
    monkeypatch.setattr(room, "_curvature", lambda around, root, ball: ball / (limit * step))
    for cell in (around.cell, limit, np.nextafter(limit, 1), np.inf):
        ball = room._largest_ball(around._replace(cell=cell), 0.0, step)
        assert Fraction(ball / (limit * step)) * Fraction(step) <= 1
        assert ball >= 0.999 * limit


def test_the_curvature_at_the_minimum_is_bounded_from_both_sides():
    for net, X, weights in CASES:
        options = {"loss_bound": 1e-3, "weights": weights, "rank": None, "distance": 0.0}
        low, high = room.curvature_at_minimum(net, X, **options)
        design = np.column_stack([net.hidden(X)[-1], np.ones(len(X))]) * np.sqrt(weights)[:, None]
        gram = 2 * np.linalg.norm(design, 2) ** 2
        assert gram * (1 - 1e-5) <= low <= gram
        root = np.sqrt(1e-3) * (1 + SLACK)
        wanted = curvature(net, X, weights, 0.0, root, 0.0)
        assert wanted * (1 - 1e-12) <= high <= wanted * (1 + 1e-8)
        # no step above the inverse of the lower one has a ball, one below the upper one has one
        assert room.basin_with_step(net, X, 1.001 / low, **options) is None
        assert room.basin_with_step(net, X, 0.99 / high, **options) is not None
    alike = room.curvature_at_minimum(STEP, POINTS, loss_bound=0.0, rank=None, distance=0.0)
    third = {"weights": np.full(3, 1 / 3), "loss_bound": 0.0, "rank": None, "distance": 0.0}
    assert alike == room.curvature_at_minimum(STEP, POINTS, **third)
    kink = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    options = {"loss_bound": 0.0, "rank": None, "distance": 0.0}
    assert room.curvature_at_minimum(kink, np.zeros((1, 1)), **options) == (0.0, np.inf)


def test_the_curvature_at_the_minimum_has_room_for_the_rounding_of_hidden_outputs():
    # w x + b with near-total cancellation: 32 in floats is off by up to some tenths
    rng = np.random.default_rng(0)
    for _ in range(20):
        w, x = 2.0**50 * rng.uniform(1, 2), rng.uniform(1, 2)
        net = ReLUNetwork([[[w]], [[1.0]]], [[32.0 - w * x], [0.0]])
        options = {"loss_bound": 0.0, "rank": 1, "distance": 0.0}
        low, _ = room.curvature_at_minimum(net, [[x]], **options)
        hidden = Fraction(w) * Fraction(x) + Fraction(net.biases[0].item())
        assert 0 < Fraction(low) <= 2 * (hidden**2 + 1)


def test_a_rate_that_floats_cannot_hold_is_no_basin():
    around, root = room._around(STEP, POINTS, 0.0, None, None, 0.0)
    s = around.strength(0.1)
    assert room._described(around, root, 0.1, 0.0, 1e-3) is None
    for step in (1e-300, 1e-307, 1e-308, 2e-308, 1e-310, 5e-324):
        found = room._described(around, root, 0.1, 0.01, step)
        if found is None:
            assert 2 * Fraction(step) * Fraction(float(s)) ** 2 < 2.0**-1000
        else:
            assert 0 < Fraction(found.rate) <= 2 * Fraction(step) * Fraction(found.strength) ** 2
    assert room._described(around, root, 0.1, 0.01, 1e-300) is not None
    assert room._described(around, root, 0.1, 0.01, 5e-324) is None
    # one of the two factors of a rate is enough to lose its digits
    for strength, step in ((1e-200, 1e-120), (1e10, 1e-318), (1e-150, 1e-20)):
        other = around._replace(at_minimum=strength)
        assert room._described(other, root, 1e-300, 0.01, step) is None
    assert room._described(around._replace(at_minimum=1e-100), root, 1e-300, 0.01, 1e-50)
