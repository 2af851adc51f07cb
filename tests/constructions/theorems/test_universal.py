import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import ConstructionError, construct
from constructions.proof.enclosure import enclose
from constructions.theorems.universal import why_not_zero
from geomcore import ReLUNetwork, datasets
from geomcore.arrays import as_labels


def check_universal(X, y, most=None, **arguments):
    """Zero loss proved by balls from the network alone, at the widths of the theorem."""
    found = construct(X, y, "universal", **arguments)
    X = np.array(X, float)
    labels = as_labels(y, len(X))
    d, Q = X.shape[1], len(labels.classes)
    depth = len(found.network.weights)
    assert found.network.widths == (d, *[d + Q] * (depth - 1), Q)
    enclosure = enclose(found.network, X, labels)
    assert enclosure.undecided == enclosure.kinks == 0
    assert enclosure.loss_bound <= 1e-18
    assert ((found.network(X) - labels.Y) ** 2).sum(axis=1).mean() <= 1e-18
    # points of a class are one point before the last layer, so another last layer is exact
    assert not len(enclosure.clean)
    for group in enclosure.groups:
        assert len(np.unique(labels.index[group.rows])) == 1
    assert len(enclosure.groups) == Q or len(np.unique(X, axis=0)) == Q
    assert found.report["peels"] <= len(np.unique(X, axis=0))
    assert len(found.layers) == depth - 1
    if most is not None:
        assert depth <= most
    return found


def random_data(seed, N, d, Q, kind, gap):
    """Finite data with ties; pairs at the given distance; equal points have equal labels."""
    rng = np.random.default_rng(seed)
    if kind == "grid":
        X = rng.integers(0, 4, (N, d)).astype(float)
    elif kind == "line":
        X = rng.integers(-8, 9, (N, 1)) * rng.normal(size=(1, d))
    elif kind == "circle":
        t = rng.integers(0, 24, N) * np.pi / 12
        X = np.round(np.outer(np.cos(t), np.eye(d)[0]) + np.outer(np.sin(t), np.eye(d)[-1]), 9)
    else:
        X = rng.normal(size=(N, d))[rng.integers(0, N, N)]
    if gap:
        pairs = rng.choice(N, (N // 3, 2), replace=False) if N > 2 else np.empty((0, 2), int)
        steps = rng.normal(size=(len(pairs), d))
        steps *= gap * max(np.ptp(X, axis=0).max(), 1) / np.linalg.norm(steps, axis=1)[:, None]
        X[pairs[:, 0]] = X[pairs[:, 1]] + steps
    _, group = np.unique(X, axis=0, return_inverse=True)
    return X, rng.integers(0, Q, N)[group.reshape(-1)]


# By hand


@pytest.mark.parametrize(
    "X, y, most",
    [
        ([[3.0, 4.0]], ["a"], 2),  # one point
        ([[1.0], [2.0], [5.0]], [7, 7, 7], 2),  # one class
        ([[0.0], [1.0], [2.0]], [0, 1, 0], 4),  # d = 1
        ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0], 4),  # XOR
        (np.arange(5.0)[:, None] * [1.0, 2.0], [0, 1, 0, 1, 0], 6),  # points of a line
        ([[2.0, 2.0]] * 4, [1] * 4, 2),  # equal points
        ([[2.0, 2.0]] * 3 + [[0.0, 1.0]] * 2, [0, 0, 0, 1, 1], 3),
        (np.eye(4), [0, 1, 2, 3], 5),  # Q = N
        ([[0.0], [1e-9], [2e-9]], [0, 1, 0], 4),
        ([[0.0], [1e100], [3e100]], [0, 1, 0], 4),
        ([[0.0], [1e-100], [3e-100]], [0, 1, 0], 4),
        ([[0.0, 7.0], [1.0, 7.0], [2.0, 7.0]], [0, 1, 0], 4),  # a constant feature
    ],
)
def test_small_and_degenerate_data_are_constructed(X, y, most):
    check_universal(X, y, most)


def test_a_class_inside_another_is_constructed():
    t = np.arange(16) * np.pi / 8
    ring = np.column_stack([np.cos(t), np.sin(t)])
    check_universal(np.vstack([ring, 0.3 * ring]), [0] * 16 + [1] * 16, 5)


@pytest.mark.parametrize(
    "make, most",
    [
        (lambda rng: datasets.iris()[:2], 6),
        (lambda rng: datasets.spirals(150, rng=rng)[:2], 14),
        (lambda rng: (rng.normal(size=(60, 2)), rng.integers(0, 2, 60)), 15),
    ],
)
def test_known_data_need_no_more_layers_than_before(make, most):
    check_universal(*make(np.random.default_rng(0)), most)


def test_a_checkerboard_takes_fewer_layers_than_one_per_cell_and_class():
    X = np.random.default_rng(0).uniform(0, 4, (200, 2))
    check_universal(X, np.floor(X).sum(axis=1).astype(int) % 2, 26)


# Laws


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from(["normal", "grid", "line", "circle"]),
    st.sampled_from([0, 1e-2, 1e-3, 1e-4, 1e-5]),
)
def test_any_finite_data_are_interpolated(seed, N, d, Q, kind, gap):
    check_universal(*random_data(seed, N, d, Q, kind, gap))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(3, 40), st.integers(1, 5), st.integers(2, 5))
def test_tiny_gaps_are_bridged_or_refused_with_numbers(seed, N, d, Q):
    X, y = random_data(seed, N, d, Q, "grid", 1e-6)
    try:
        check_universal(X, y)
    except ConstructionError as error:
        assert "attempts" in str(error) and any(c.isdigit() for c in str(error))


def test_a_network_that_is_off_is_not_certified():
    X, y = [[0.0], [1.0], [2.0]], [0, 1, 0]
    labels = as_labels(y, 3)
    net = construct(X, y, "universal").network
    X = np.array(X)
    assert why_not_zero(net, X, labels) is None
    weights, biases = list(net.weights), list(net.biases)
    biases[-1] = biases[-1] + 1e-8
    assert "is proved to be at most" in why_not_zero(ReLUNetwork(weights, biases), X, labels)
    assert why_not_zero(net, X[::-1] + 0.5, labels) is not None


# Bad input


def test_equal_points_with_different_labels_are_refused_by_row():
    with pytest.raises(ValueError, match="rows 0 and 2"):
        construct([[0.0], [1.0], [0.0]], [0, 1, 1], "universal")


def test_gaps_below_rounding_are_refused_with_numbers():
    X = [[0.0], [1.0], [np.nextafter(1.0, 2.0)], [2.0], [2.0 + 5e-16], [3.0]]
    with pytest.raises(ConstructionError, match="attempts"):
        construct(X, [0, 1, 0, 1, 0, 1], "universal")
