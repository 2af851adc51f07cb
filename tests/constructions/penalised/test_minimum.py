"""Minima with weight decay: by hand, planted, and what is none."""

import numpy as np
import pytest
from decayed import first_minimum, labels_of, loss_of, network_of, objective, planted_decayed
from flint import arb

from constructions.penalised import minimum
from constructions.penalised.search import nearby_strict_points
from geomcore import ReLUNetwork
from geomcore.parameters import flatten, split

ONE = [(0, 0, 0), (0, 1, 1)]


def points_of(net, X, y, loss, decay):
    labels = labels_of(np.asarray(y), len(X))
    per_class = [arb(1) / len(X)] * len(labels.classes)
    return nearby_strict_points(net, np.asarray(X, float), labels, per_class, loss, decay)


def proved(net, X, y, loss, decay):
    return first_minimum(points_of(net, X, y, loss, decay))


def lower_by(net, X, Y, loss, decay, radius, rng, count=200):
    """The largest decrease of the loss at random points within a radius, extended precision."""
    theta, start = flatten(net.tensors), loss_of(net.tensors, X, Y, loss, decay)
    lowest = 0.0
    for _ in range(count):
        way = rng.standard_normal(len(theta))
        way *= radius * rng.random() / np.linalg.norm(way)
        other = loss_of(split(theta + way, net), X, Y, loss, decay)
        lowest = min(lowest, float(other - start))
    return lowest


# One point x = 1 with target t and m units that are on: with (w, b, v) of unit j equal to
# r q_j (1, 1, sqrt 2) / sqrt 2, |q| = 1, the loss is e^2 + w (r^2 + c^2 / 2), e the error
# sqrt 2 r^2 + c - t. Its minimum has e = -w / (2 sqrt 2) and c = 1 / sqrt 2.


def by_hand(t, decay, q):
    q = np.asarray(q, float) / np.linalg.norm(q)
    c, e = 1 / np.sqrt(2), -decay / (2 * np.sqrt(2))
    r = np.sqrt((t + e - c) / np.sqrt(2))
    w = r * q / np.sqrt(2)
    loss = e**2 + decay * (r**2 + c**2 / 2)
    return ReLUNetwork([w[:, None], r * q[None]], [w, [c]]), loss


@pytest.mark.parametrize("q", [[1.0], [0.6, 0.8], [1.0, 2.0, 3.0]])
@pytest.mark.parametrize("decay", [0.5, 1e-3])
def test_the_minimum_of_one_point_is_proved_up_to_its_rotations(q, decay):
    net, loss = by_hand(3.0, decay, q)
    found, why = proved(net, [[1.0]], [[3.0]], "mse", decay)
    turns = len(q) - 1
    upto = f" up to {turns} symmetr{'y' if turns == 1 else 'ies'}" if turns else ""
    assert why.endswith(f"strict{upto}")
    assert found.distance < 1e-14 and found.kinks == ()
    assert abs(float(found.loss.mid()) - loss) < 1e-14 and found.loss.contains(arb(loss)) in (0, 1)
    assert found.rank.rank == net.parameter_count - turns and found.rank.error == 0
    assert found.smallest_eigenvalue > 0


@pytest.mark.parametrize("shift", [1e-7, 1e-10])
def test_the_distance_is_how_far_the_exact_point_is(shift):
    net, _ = by_hand(3.0, 0.1, [1.0])
    other = net.rebuild([*net.tensors[:-1], net.biases[-1] + shift])
    found, _ = proved(other, [[1.0]], [[3.0]], "mse", 0.1)
    assert shift * (1 - 1e-4) <= found.distance <= shift * (1 + 1e-4)


def test_units_that_are_multiples_of_each_other_but_for_rounding_are_so_at_the_exact_point():
    net, _ = by_hand(3.0, 0.1, [0.6, 0.8, 0.5])
    rng = np.random.default_rng(0)
    shaken = net.rebuild([t * (1 + 1e-8 * rng.standard_normal(t.shape)) for t in net.tensors])
    found, why = proved(shaken, [[1.0]], [[3.0]], "mse", 0.1)
    assert why.endswith("strict up to 2 symmetries") and 1e-9 < found.distance < 1e-7


def test_without_the_decay_or_with_another_one_it_is_none():
    net, _ = by_hand(3.0, 0.1, [0.6, 0.8])
    for decay in (0.05, 0.2):
        assert proved(net, [[1.0]], [[3.0]], "mse", decay)[0] is None


def test_a_slice_along_the_orbit_is_refused(monkeypatch):
    net, _ = by_hand(3.0, 0.1, [0.6, 0.8])
    own = minimum.slices_across

    def along(cell, theta, idle=()):
        for across, planes in own(cell, theta, idle):
            (a, b), *_ = planes
            tangent = np.zeros(len(theta))
            tangent[a], tangent[b] = theta[b], -theta[a]
            across[:, 0] = tangent / np.linalg.norm(tangent)
            yield across, planes

    monkeypatch.setattr(minimum, "slices_across", along)
    assert proved(net, [[1.0]], [[3.0]], "mse", 0.1)[0] is None


def test_a_slice_that_is_not_proved_to_be_across_is_refused(monkeypatch):
    net, _ = by_hand(3.0, 0.1, [0.6, 0.8])
    monkeypatch.setattr(minimum, "spans", lambda columns, others: False)
    found, why = proved(net, [[1.0]], [[3.0]], "mse", 0.1)
    assert found is None and "across the orbit" in why


def test_columns_span_with_others_what_they_do_not_span_alone():
    columns = np.eye(3)[:, :2]
    assert minimum.spans(np.eye(3), minimum.Balls(np.zeros((3, 0))))
    assert minimum.spans(columns, minimum.Balls(np.array([[5.0], [1.0], [0.1]])))
    assert not minimum.spans(columns, minimum.Balls(np.array([[5.0], [1.0], [0.0]])))
    wide = minimum.Balls(np.array([[5.0], [1.0], [0.1]]), np.full((3, 1), 0.2))
    assert not minimum.spans(columns, wide)


# Planted

CASES = [
    ("mse", (2, 2, 2), 14, [], 3),
    ("mse", (2, 3, 2), 16, ONE, 3),
    ("cross_entropy", (2, 2, 2), 14, [], 6),
    ("cross_entropy", (2, 3, 2), 16, ONE, 6),
    ("bce", (2, 3, 2), 16, ONE, 1),
]


def planted(loss, widths, N, kinks, count, **options):
    found = []
    for seed in range(100):
        made = planted_decayed(widths, N, kinks, seed, loss=loss, **options)
        found += [made] * (made is not None)
        if len(found) == count:
            return found
    raise AssertionError(f"only {len(found)} networks")


def curvature_across(net, X, Y, loss, decay):
    """The smallest eigenvalue of difference quotients of the gradient, within the cell."""
    theta, h = flatten(net.tensors), 1e-6
    function = objective(net.widths, X, Y, loss, decay)
    steps = h * np.eye(len(theta))
    H = np.array([function(theta + s)[1] - function(theta - s)[1] for s in steps]) / (2 * h)
    return np.linalg.eigvalsh((H + H.T) / 2).min()


@pytest.mark.parametrize(("loss", "widths", "N", "kinks", "least"), CASES)
def test_planted_minima_are_proved_and_nothing_near_them_is_lower(loss, widths, N, kinks, least):
    rng, count = np.random.default_rng(0), 0
    for net, X, Y in planted(loss, widths, N, kinks, 20):
        found, _ = proved(net, X, Y, loss, 1e-3)
        if not kinks:
            assert (found is not None) == (curvature_across(net, X, Y, loss, 1e-3) > 1e-7)
        if found is None:
            continue
        count += 1
        assert found.distance < 1e-7
        assert {(k.layer - 1, k.point, k.unit) for k in found.kinks} == set(kinks)
        assert all(0 < k.multiplier < k.rise for k in found.kinks)
        value = loss_of(net.tensors, X, Y, loss, 1e-3)
        assert abs(float(found.loss.mid()) - float(value)) < 1e-12
        for radius in (1e-3, 1e-5):
            assert lower_by(net, X, Y, loss, 1e-3, radius, rng, 100) > -1e-13
    assert count >= least


def falls_along(net, X, Y, loss, way):
    """Whether the loss is lower at a small step along a way, in extended precision."""
    theta, start = flatten(net.tensors), loss_of(net.tensors, X, Y, loss, 1e-3)
    steps = [s * t for t in (1e-2, 1e-3, 1e-4) for s in (1, -1)]
    after = [loss_of(split(theta + t * way, net), X, Y, loss, 1e-3) for t in steps]
    return min(after) < start - 1e-12


@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "bce"])
@pytest.mark.parametrize("kind", ["falls", "rises too little"])
def test_a_multiplier_outside_of_its_bounds_makes_a_saddle(loss, kind):
    for net, X, Y in planted(loss, (2, 3, 2), 16, ONE, 8, kind=kind):
        assert proved(net, X, Y, loss, 1e-3)[0] is None
        found = [point for point, _ in points_of(net, X, Y, loss, 1e-3) if point is not None]
        assert found and all(one.ways_down and one.smallest_eigenvalue <= 0 for one in found)
        assert any(falls_along(net, X, Y, loss, way) for one in found for way in one.ways_down)


def test_smooth_saddles_are_proved_to_be_saddles():
    count = 0
    for net, X, Y in planted("bce", (2, 2, 2), 14, [], 12):
        least = curvature_across(net, X, Y, "bce", 1e-3)
        if least < -1e-6:
            count += 1
            assert proved(net, X, Y, "bce", 1e-3)[0] is None
            ((found, _),) = points_of(net, X, Y, "bce", 1e-3)
            assert least * 1.01 < found.smallest_eigenvalue < least * 0.99
            assert falls_along(net, X, Y, "bce", *found.ways_down)
    assert count >= 5


@pytest.mark.parametrize("kinks", [[], ONE])
def test_a_saddle_whose_way_down_is_not_found_is_not_a_minimum(kinks, monkeypatch):
    monkeypatch.setattr(minimum, "curvature_down", lambda H, G: None)
    widths, N = ((2, 3, 2), 16) if kinks else ((2, 2, 2), 14)
    whys = [
        next(points_of(net, X, Y, "bce", 1e-3)) for net, X, Y in planted("bce", widths, N, kinks, 8)
    ]
    said = "the Hessian is not proved to be positive definite across the symmetries"
    assert sum(found is None and why == said for found, why in whys) >= 4


def test_a_critical_point_of_the_masks_beyond_their_cell_is_none(monkeypatch):
    """Without its kinks, a minimum on kinks has polynomials whose critical points lie elsewhere."""
    monkeypatch.setattr("constructions.penalised.search.looks_critical", lambda *g: (True, True))
    monkeypatch.setattr("constructions.penalised.search.candidates", lambda net, X: [[]])
    for net, X, Y in planted("cross_entropy", (2, 3, 2), 16, ONE, 6):
        found, why = proved(net, X, Y, "cross_entropy", 1e-3)
        assert found is None and why == "no exact critical point is proved to exist near by"


def test_all_of_the_box_is_examined_and_not_its_centre(monkeypatch):
    """In a wide box multipliers of 1e-3 may have any sign."""
    own = minimum.solution_near

    def wide(value, jacobian):
        box = own(value, jacobian)
        return box._replace(radius=np.full(len(box.radius), 0.01))

    net, X, Y = planted("cross_entropy", (2, 3, 2), 16, ONE, 1)[0]
    assert proved(net, X, Y, "cross_entropy", 1e-3)[0] is not None
    monkeypatch.setattr(minimum, "solution_near", wide)
    assert proved(net, X, Y, "cross_entropy", 1e-3)[0] is None


def test_unique_is_what_a_box_has_beyond_its_image(monkeypatch):
    own = minimum.solution_near

    def known(value, jacobian):
        box = own(value, jacobian)
        return box._replace(radius=0 * box.radius + 1e-9, image=0 * box.image + 4e-10)

    monkeypatch.setattr(minimum, "solution_near", known)
    net, _ = by_hand(3.0, 0.1, [0.6, 0.8])
    found, _ = proved(net, [[1.0]], [[3.0]], "mse", 0.1)
    assert 5.99e-10 < found.uniqueness < 6e-10


def test_unique_is_one_of_parameters_and_not_of_multipliers(monkeypatch):
    own = minimum.solution_near

    def known(value, jacobian):
        box = own(value, jacobian)
        radius = np.arange(len(box.radius), 0.0, -1.0) * 1e-9
        return box._replace(radius=radius, image=0.4 * radius)

    monkeypatch.setattr(minimum, "solution_near", known)
    net, X, Y = planted("cross_entropy", (2, 3, 2), 16, ONE, 1)[0]
    found, _ = next(points_of(net, X, Y, "cross_entropy", 1e-3))
    assert found.uniqueness == pytest.approx(3 * 0.6e-9)  # the last two are multipliers
    # nor of units at rest, which do not move
    monkeypatch.setattr(minimum, "layers_that_may_grow", lambda *given: [])
    weights = [np.vstack([net.weights[0], np.zeros((1, 2))]), np.c_[net.weights[1], np.zeros(2)]]
    wide = ReLUNetwork(weights, [np.append(net.biases[0], 0.0), net.biases[1]])
    found, why = next(points_of(wide, X, Y, "cross_entropy", 1e-3))
    assert "on 2 kinks, with 1 unit at rest" in why
    assert found.uniqueness == pytest.approx(3 * 0.6e-9)


def test_a_box_holds_all_parameters_of_a_slice():
    rng = np.random.default_rng(0)
    attempt = object.__new__(minimum._Attempt)
    attempt.slice = np.linalg.qr(rng.standard_normal((6, 3)))[0]
    attempt.slice[2] = 0  # does not move
    attempt.slice[1, 0] = 0  # moves with the others
    attempt.theta, attempt.multipliers = rng.standard_normal(6), np.array([1.0, 2.0, 3.0])
    attempt.whole = minimum.Everything(None, [0, 1, 2], None, [0, 2], None)
    radius = np.array([1.0, 0.1, 0.01, 0.5, 0.25])
    theta, mu = attempt.box(radius)
    for _ in range(50):
        x = radius[:3] * rng.uniform(-1, 1, 3)
        moved = attempt.theta + attempt.slice @ x
        assert (np.abs(moved - theta.mid) <= theta.rad + 1e-15).all()
    assert theta.rad[2] == 0 and np.allclose(theta.rad, np.abs(attempt.slice) @ radius[:3])
    assert (theta.rad >= np.abs(attempt.slice) @ radius[:3]).all()
    assert mu.rad.tolist() == [0.5, 0.0, 0.25] and mu.mid.tolist() == [1.0, 2.0, 3.0]


def test_kinks_that_point_the_same_way_are_not_independent(monkeypatch):
    net, X, Y = planted("cross_entropy", (2, 3, 2), 16, ONE, 1)[0]
    monkeypatch.setattr(minimum, "has_full_column_rank", lambda A: False)
    found, why = next(points_of(net, X, Y, "cross_entropy", 1e-3))
    assert found is None and why == "the kinks are not proved to be independent"


def test_a_way_down_is_one_whatever_the_multipliers_are(monkeypatch):
    net, X, Y = planted("cross_entropy", (2, 3, 2), 16, ONE, 1)[0]
    way = np.arange(1.0, net.parameter_count + 1)
    monkeypatch.setattr(minimum, "curvature_down", lambda H, G: (way, -0.25))
    for name, answer in (("signs_of", (False, [])), ("least_on_slice", -np.inf)):
        with monkeypatch.context() as patched:
            patched.setattr(minimum, name, lambda *given, answer=answer: answer)
            found, why = next(points_of(net, X, Y, "cross_entropy", 1e-3))
        assert why == "a saddle on 2 kinks" and found.smallest_eigenvalue == -0.25
        assert found.ways_down[0].tolist() == way.tolist()
    # where the Hessian is positive no way is asked for
    found, why = next(points_of(net, X, Y, "cross_entropy", 1e-3))
    assert why == "a local minimum on 2 kinks, strict" and not found.ways_down


def test_ways_over_kinks_are_told_one_by_one(monkeypatch):
    net, X, Y = planted("cross_entropy", (2, 3, 2), 16, ONE, 1)[0]
    sides = [([0], -1.0), ([1], 1.0)]
    monkeypatch.setattr(minimum, "signs_of", lambda *given: (False, sides))
    found, why = next(points_of(net, X, Y, "cross_entropy", 1e-3))
    assert why.startswith("no critical point, as the loss falls over a kink, but one while")
    assert found.smallest_eigenvalue == 0.0 and len(found.ways_down) == 2


def test_the_decay_is_part_of_the_curvature():
    """A feature that is 0 at all points has the curvature of the decay alone."""
    net, _ = by_hand(3.0, 0.1, [1.0])
    wide = ReLUNetwork([np.c_[net.weights[0], 0.0], net.weights[1]], net.biases)
    found, _ = proved(wide, [[1.0, 0.0]], [[3.0]], "mse", 0.1)
    assert 0.04 < found.smallest_eigenvalue <= 0.1
    assert network_of(wide.widths, flatten(wide.tensors)) == wide
