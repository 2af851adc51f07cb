import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import construct
from constructions.theorems.clustered import cluster_hypotheses, collapse_clusters
from geomcore import CircularCone, cumulative_parameters, datasets, truncation_map

# By hand


def test_the_numbers_of_two_pairs_of_points():
    X = np.array([[4.0, 0.9], [4.0, 1.1], [-0.1, 3.0], [0.1, 3.0]])
    found = cluster_hypotheses(X, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(found.means, [[4, 1], [0, 3]])
    assert found.radius == pytest.approx(0.1)
    # two classes: each sees the other straight ahead, as a ball of radius 0.4 at distance 20^0.5
    assert found.aperture == pytest.approx(2 * np.arcsin(0.4 / 20**0.5))
    assert [h.holds for h in found.hypotheses] == [True, True, True]
    assert found.hypotheses[1].bound == pytest.approx(20**0.5 / 8)


def test_each_hypothesis_fails_on_its_own_and_says_by_how_much():
    names = ("independent", "delta", "aperture")
    index = np.array([0, 0, 1, 1])
    collinear = np.array([[1.0, 1.0], [1.0, 1.1], [3.0, 3.0], [3.0, 3.3]])
    wide = np.array([[4.0, 0.0], [4.0, 2.0], [0.0, 3.0], [0.1, 3.0]])
    found = {
        "independent": cluster_hypotheses(collinear, index),
        "delta": cluster_hypotheses(wide, index),
    }
    for name, clusters in found.items():
        fails = [n for n, h in zip(names, clusters.hypotheses, strict=True) if not h.holds]
        assert fails == [name] or name in fails
        failed = clusters.hypotheses[names.index(name)]
        assert failed.value >= failed.bound
        assert "is not <" in str(failed)


def test_balls_of_radius_015_are_clustered_and_of_radius_02_are_not():
    for radius, expected in ((0.15, True), (0.2, False)):
        data = datasets.clusters(400, radius=radius, rng=0)
        found = cluster_hypotheses(data.X, data.y)
        assert all(h.holds for h in found.hypotheses) is expected


def test_the_parameters_of_clustered_networks_are_counted_as_in_the_paper():
    data = datasets.clusters(20, classes=3, d=7, radius=0.1, rng=0)
    found = construct(data.X, data.y, "clustered", hidden_width=3)
    assert found.network.widths == (7, 3, 3, 3, 3)
    # Q (M + Q^2) weights, and Q biases in each of Q hidden layers
    weights = sum(W.size for W in found.network.weights)
    assert found.report["parameters at width Q"] == 3 * (7 + 9) == weights
    assert found.report["numbers that describe the cones"] == 3 * (7 + 2)
    _, bs = cumulative_parameters(found.network)
    np.testing.assert_allclose(bs[-1], 0, atol=1e-12)


# Against the naive oracle


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(0, 3), st.floats(0.001, 0.4))
def test_the_hypotheses_are_those_of_the_proposition(seed, Q, extra, radius):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(Q), 4)
    centres = np.eye(Q, Q + extra) + 0.3 * rng.normal(size=(Q, Q + extra))
    X = centres[y] + radius * rng.uniform(-1, 1, (4 * Q, Q + extra))
    found = cluster_hypotheses(X, y)
    delta, reach, theta = naive.cluster_numbers(X, y)
    assert found.radius == pytest.approx(delta)
    independent, ball, cone = found.hypotheses
    assert independent.holds and ball.bound == pytest.approx(reach / 4)
    assert ball.holds == (delta < reach / 4)
    distances = [np.linalg.norm(a - b) for a in found.means for b in found.means if a is not b]
    if all(d > 4 * delta for d in distances if d > 0):
        assert found.aperture == pytest.approx(theta, abs=1e-6)
        assert cone.holds == (theta < np.pi)
    else:
        assert not cone.holds


# Laws


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(0, 3), st.floats(0.0, 0.1))
def test_each_layer_collapses_its_class_and_leaves_later_ones_and_bases_alone(
    seed, Q, extra, radius
):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(Q), 5)
    X = np.eye(Q, Q + extra)[y] + radius * rng.uniform(-0.5, 0.5, (5 * Q, Q + extra))
    found = cluster_hypotheses(X, y)
    if not all(h.holds for h in found.hypotheses):
        return
    for width in (Q, Q + extra):
        tau = X
        for j, (W, b) in enumerate(collapse_clusters(found, width)):
            assert W.shape == (width, Q + extra)
            pre = tau @ W.T + b
            assert (pre[y == j] < 0).all()
            assert (pre[y != j] > 0).all()
            before, tau = tau, truncation_map(W, b, tau)
            projector = np.linalg.pinv(W) @ W
            np.testing.assert_allclose(tau[y != j], before[y != j] @ projector, atol=1e-9)
            np.testing.assert_allclose(tau[y == j], tau[y == j][:1].repeat(5, 0), atol=1e-9)


def test_the_aperture_is_the_smallest_that_holds_all_balls():
    data = datasets.clusters(50, classes=4, radius=0.1, rng=1)
    found = cluster_hypotheses(data.X, data.y)
    rng = np.random.default_rng(0)
    sphere = rng.normal(size=(20_000, 4))
    sphere *= 4 * found.radius / np.linalg.norm(sphere, axis=1, keepdims=True)
    centre = found.means.mean(axis=0)
    holds_all = {0.93: True, 1.0: True}
    for share in (1.0, 0.93):
        for j, apex in enumerate(found.means):
            cone = CircularCone(apex, centre - apex, share * found.aperture)
            for other in np.delete(found.means, j, axis=0):
                holds_all[share] &= cone.contains(other + sphere, tol=1e-9).all()
    assert holds_all == {1.0: True, 0.93: False}
