import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from separations import check_hull_certificate

from constructions import ConstructionError, construct, elimination_order, verify
from constructions.building.draft import Refused
from constructions.theorems.sequential import collapse_in_order
from geomcore import datasets, truncation_map


def check_sequence(Z, y, found):
    """Every layer sends its class to its base and moves neither later classes nor bases."""
    tau = Z.copy()
    done = []
    for q, collapse, margin in zip(found.order, found.collapses, found.margins, strict=True):
        own, later = y == q, ~np.isin(y, [*done, q])
        forward = np.vstack([Z[later], *(c.base[None] for c in found.collapses[: len(done)])])
        assert (Z[own] @ collapse.W.T + collapse.b < 0).all()
        assert (forward @ collapse.W.T + collapse.b > 0).all()
        # the hyperplane itself is the mean of the rows
        normal, offset = collapse.W.sum(axis=0), collapse.b.sum()
        normal, offset = normal / np.linalg.norm(normal), offset / np.linalg.norm(normal)
        assert (forward @ normal + offset).min() >= margin * (1 - 1e-6)
        assert (Z[own] @ normal + offset).max() <= -margin * (1 - 1e-6)
        assert margin > 0
        tau = truncation_map(collapse.W, collapse.b, tau)
        done.append(q)
        for p in done:
            base = found.collapses[found.order.index(p)].base
            np.testing.assert_allclose(tau[y == p] - base, 0, atol=1e-8)
        np.testing.assert_allclose(tau[~np.isin(y, done)], Z[~np.isin(y, done)], atol=1e-8)


# By hand


def test_two_points_on_the_line_collapse_one_after_the_other():
    Z, y = np.array([[0.0], [4.0]]), np.array([0, 1])
    found = collapse_in_order(Z, y, elimination_order(Z, y), np.arange(2), np.random.default_rng(0))
    check_sequence(Z, y, found)
    first, second = found.collapses
    assert first.base[0] == pytest.approx(2)
    assert second.base[0] == pytest.approx(3)


def test_an_order_that_does_not_fit_the_data_is_refused():
    Z, y = np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 2])
    found = elimination_order(Z, y)
    crossed = np.array([[0.0], [2.0], [1.0]])
    wrong = found.order[0]
    twice = np.vstack([crossed, crossed + 0.5])
    with pytest.raises(Refused, match=f"class {wrong}"):
        collapse_in_order(
            np.vstack([twice, -twice]),
            np.tile(y, 4),
            found,
            np.arange(3),
            np.random.default_rng(0),
        )


SEPARABLE = {
    "a gap below the rounding of the extent": ([[0.0], [1e-17], [1.0]], [0, 1, 1]),
    "decades in one column": ([[1e-30], [1e-25], [1e-20], [1e-3], [0.5]], [0, 0, 1, 1, 1]),
    "large": ([[0.0, 0], [1e200, 0], [3e200, 0], [4e200, 1e200]], [0, 0, 1, 1]),
    "small": ([[0.0, 0], [1e-200, 0], [3e-200, 0], [4e-200, 1e-200]], [0, 0, 1, 1]),
    "far away": ([[1e12, 1e12], [1e12 + 2.0**-12, 1e12]], [0, 1]),
}


@pytest.mark.parametrize("name", SEPARABLE)
def test_separable_data_are_never_said_to_be_proved_not_separable(name):
    X, y = SEPARABLE[name]
    try:
        made = construct(X, y, "sequential")
    except ConstructionError as error:
        assert "proved" not in str(error) and not error.certificates
    else:
        assert made.report["loss"] < 1e-20


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_certificates_of_a_refusal_speak_of_the_data_as_given(size, shift):
    rng = np.random.default_rng(0)
    X, y = (rng.normal(size=(30, 2)) + shift) * [size, 1.0], rng.integers(0, 2, 30)
    with pytest.raises(ConstructionError, match="proved") as refused:
        construct(X, y, "sequential")
    found = refused.value.certificates
    assert sorted(found) == [0, 1]
    for label, certificate in found.items():
        check_hull_certificate(certificate, X[y == label], X[y != label])


def test_points_that_centring_rounds_to_one_are_looked_at_again():
    # the middle point is on the segment of the others in the rounded frame, and off it in truth
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [1e-40, 1e-40], [0.0, 1.0], [0.5, 1.0], [-1e-40, 0.0]])
    y = np.array([0, 0, 1, 1, 1, 0])
    try:
        construct(X, y, "sequential")
    except ConstructionError as error:
        assert "proved" not in str(error)


# Against the naive oracle


def test_iris_is_refused_with_exact_certificates():
    data = datasets.iris()
    with pytest.raises(ConstructionError, match=r"\['0'\] none of \['1', '2'\]") as error:
        construct(data.X, data.y, "sequential")
    assert list(error.value.reasons) == ["sequential"]
    assert sorted(error.value.certificates) == [1, 2]
    A, B = data.X[data.y == 1], data.X[data.y == 2]
    for label, own, other in ((1, A, B), (2, B, A)):
        certificate = error.value.certificates[label]
        assert certificate.exact
        assert naive.separation_depth(own, other) < 1e-9
        gap = certificate.weights_a @ own - certificate.weights_b @ other
        # the weights are exact in scaled features, and so up to their rounding in these
        np.testing.assert_allclose(gap, 0, atol=1e-12)
        for weights in (certificate.weights_a, certificate.weights_b):
            assert (weights >= 0).all() and weights.sum() == pytest.approx(1, abs=1e-14)


# Laws


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 3), st.lists(st.integers(-250, 250), min_size=3))
def test_a_refusal_is_proved_for_columns_of_any_size(seed, d, decades):
    rng = np.random.default_rng(seed)
    X = rng.integers(-3, 4, (8, d)) * 10.0 ** np.array(decades[:d])
    y = rng.integers(0, 3, 8)
    equal = (X[:, None] == X).all(axis=2)
    y = y[equal.argmax(axis=1)]  # equal points, equal labels
    if len(np.unique(y)) < 2:
        return
    try:
        made = construct(X, y, "sequential")
    except ConstructionError as error:
        if "proved" in str(error):
            left = np.isin(y, list(error.certificates))
            for label, certificate in error.certificates.items():
                own = y == label
                check_hull_certificate(certificate, X[own], X[left & ~own])
    else:
        assert made.report["loss"] < 1e-12


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("Q, d", [(2, 2), (3, 2), (3, 3), (4, 3), (5, 6)])
def test_sequential_data_collapse_class_by_class(seed, Q, d):
    data = datasets.sequential(30, classes=Q, d=d, rng=seed)
    order = elimination_order(data.X, data.y)
    found = collapse_in_order(data.X, data.y, order, np.arange(Q), np.random.default_rng(seed))
    assert found.order == order.order
    check_sequence(data.X, data.y, found)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(1, 3), st.integers(1, 6))
def test_separable_clouds_collapse_with_affinely_independent_bases(seed, Q, extra, n):
    rng = np.random.default_rng(seed)
    d = Q - 1 + extra
    y = np.repeat(np.arange(Q), n)
    Z = np.eye(Q, d)[y] + 0.2 * rng.uniform(-1, 1, (Q * n, d)) / np.sqrt(d)
    order = elimination_order(Z, y)
    assert order.complete
    found = collapse_in_order(Z, y, order, np.arange(Q), rng)
    check_sequence(Z, y, found)
    bases = np.stack([c.base for c in found.collapses])
    singular = np.linalg.svd(np.c_[bases, np.ones(Q)], compute_uv=False)
    assert singular[-1] > 1e-6


def test_base_points_on_the_papers_segments_serve_where_the_segments_cross():
    data = datasets.clusters(rng=0)
    found = construct(data.X, data.y, "sequential", base_points="segment")
    means = np.stack([data.X[data.y == q].mean(axis=0) for q in range(3)])
    for record in found.layers:
        mean = means[record.label]
        step = (record.base - mean) / (means.mean(axis=0) - mean)
        assert np.ptp(step) < 1e-9 and 0 < step[0] < 1
    assert verify(found.network, data.X, data.y).verdict == "global minimum"


def test_a_segment_that_does_not_cross_its_hyperplane_is_a_refusal_with_numbers():
    # the barycentre of the means lies behind the hyperplane of the large class
    X = [[0.0, 0.0], [10.0, 0.0], [5.0, 9.0], [11.0, 0.0], [12.0, 0.0]]
    with pytest.raises(ConstructionError, match="signed distances"):
        construct(X, [0, 0, 0, 1, 1], "sequential", base_points="segment")
    with pytest.raises(ValueError, match="base_points must be"):
        construct(X, [0, 0, 0, 1, 1], "sequential", base_points="paper")


def test_robust_base_points_make_no_layer_of_a_first_collapse_worse():
    data = datasets.wine()
    plain = construct(data.X, data.y, "sequential", robust=False)
    robust = construct(data.X, data.y, "sequential", robust=True)
    assert robust.layers[0].condition <= plain.layers[0].condition
    assert verify(robust.network, data.X, data.y).verdict == "global minimum"


def test_a_tiny_gap_on_the_line_is_refused_for_working_precision_and_nothing_else():
    # One hyperplane of the line is one point: the gap bounds how far the base points can be apart.
    with pytest.raises(ConstructionError, match=r"to working precision .* is 5.9e-10, below 1e-06"):
        construct([[0.0], [2e-9], [1.0]], [0, 1, 1], "sequential")
    assert construct([[0.0], [2e-2], [1.0]], [0, 1, 1], "sequential").method == "sequential"
