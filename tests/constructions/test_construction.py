import json
from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import ConstructionError, best_two_layer, construct, verify
from constructions.theorems.table import THEOREMS
from geomcore import (
    PolyhedralCone,
    cumulative_parameters,
    datasets,
    truncate,
    truncation_defects,
)

TRIANGLE = np.array([[0.0, 0.0], [0.1, 0.0], [3.0, 0.0], [3.0, 0.2], [0.0, 3.0], [0.1, 3.0]])
LETTERS = ["a", "a", "b", "b", "c", "c"]


def check_construction(found, X, y, targets=None):
    """Zero loss, proved from the network alone; records and report describe the network."""
    certificate = verify(found.network, X, y, targets=targets)
    assert certificate.verdict == "global minimum" and certificate.proved
    assert certificate.loss <= 1e-20 and certificate.loss_bound <= 1e-20
    assert certificate.activation_margin > 0
    assert len(found.layers) == len(found.network.weights) - 1
    Ws, bs = cumulative_parameters(found.network)
    for record, W, b in zip(found.layers, Ws, bs, strict=False):
        np.testing.assert_allclose(record.W, W)
        np.testing.assert_allclose(record.b, b)
    # the verifier proves lower bounds of the same numbers, off by the rounding of W x + b with the
    # cumulative parameters
    longest = np.linalg.norm(np.asarray(X, float), axis=1).max()
    for l, (record, margin) in enumerate(zip(found.layers, certificate.margins, strict=True)):
        norm = np.hypot(*map(np.linalg.norm, (found.network.weights[l], found.network.biases[l])))
        size = (np.linalg.norm(record.W) * longest + np.linalg.norm(record.b)) / norm
        rounding = 8 * (len(record.base) + 4) * np.finfo(float).eps * size
        assert 0.99 * margin - rounding <= record.margin <= 1.01 * margin + rounding
    json.dumps(found.report)
    assert found.report["parameters"] == sum(
        t.size for t in (*found.network.weights, *found.network.biases)
    )
    text = found.summary()
    assert found.method in text and all(f"layer {r.index}" in text for r in found.layers)


def check_truncation(found, X, y):
    """Layer by layer, tau sends its class to the base and leaves the others alone."""
    y = np.asarray(y)
    defects = truncation_defects(found.network, X)
    assert max(row.defect for row in defects) < 1e-6
    size = np.abs(X).max()
    before, done = np.asarray(X, float), []
    for record, after in zip(found.layers, truncate(found.network, X), strict=True):
        own = y == record.label
        rest = ~np.isin(y, [*done, record.label])
        tolerance = 1e-9 * size * record.condition
        spread = after[own] - record.base
        np.testing.assert_allclose(spread, 0, atol=tolerance)
        projected = before[rest] @ (np.linalg.pinv(record.W) @ record.W)
        np.testing.assert_allclose(after[rest], projected, atol=tolerance)
        collapsed = np.isin(y, done)
        moved = before[collapsed] @ (np.linalg.pinv(record.W) @ record.W)
        np.testing.assert_allclose(after[collapsed], moved, atol=tolerance)
        done.append(record.label)
        before = after
    assert done == found.order


# By hand


def test_two_points_on_the_line_get_a_network_of_width_one():
    found = construct([[0.0], [1.0]], [0, 1], "sequential", targets=[[2.0], [5.0]])
    assert found.network.widths == (1, 1, 1, 1)
    np.testing.assert_allclose(found.network([[0.0], [1.0]]), [[2.0], [5.0]], atol=1e-14)
    loss = naive.exact_loss(
        found.network.weights, found.network.biases, [[0.0], [1.0]], [[2.0], [5.0]]
    )
    assert loss < Fraction(1, 10**28)


def test_auto_says_why_it_passes_over_each_method():
    data = datasets.concentric(40, d=2, rng=0)
    found = construct(data.X, data.y)
    assert list(found.report["skipped"]) == [m for m in THEOREMS if m in found.report["skipped"]]
    assert found.method not in found.report["skipped"]
    assert "is not <" in found.report["skipped"]["clustered"]
    assert "point common to both convex hulls" in found.report["skipped"]["sequential"]
    for reason in found.report["skipped"].values():
        assert reason in " ".join(found.summary().split())
    assert construct(TRIANGLE + [1, 1], LETTERS).report["skipped"]["clustered"] == (
        "it needs at least 3 features for 3 classes, got 2"
    )


# The data sets that the methods are made for


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("arguments", [{}, {"classes": 4, "d": 6, "radius": 0.1}, {"sigma": 0.03}])
def test_clusters_collapse_at_every_width_from_q_to_d(seed, arguments):
    data = datasets.clusters(40, rng=seed, **arguments)
    Q, d = len(np.unique(data.y)), data.X.shape[1]
    for width in {Q, (Q + d) // 2, d}:
        found = construct(data.X, data.y, "clustered", hidden_width=width)
        assert found.network.widths == (d, *[width] * Q, Q)
        check_construction(found, data.X, data.y)
        check_truncation(found, data.X, data.y)
        assert [r.kind for r in found.layers] == ["circular cone"] * Q


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("Q, d", [(3, 3), (3, 2), (5, 4)])
def test_sequential_data_collapse_in_their_order(seed, Q, d):
    data = datasets.sequential(60, classes=Q, d=d, gap=0.1 if Q == 3 else 0.05, rng=seed)
    found = construct(data.X, data.y, "sequential")
    assert found.network.widths == (d, *[d] * Q, Q)
    assert found.order[: Q - 2] == data.info["order"][: Q - 2]
    assert all(m > 0 for m in found.report["margins"])
    check_construction(found, data.X, data.y)
    check_truncation(found, data.X, data.y)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("given_faces", [True, False])
def test_cones_and_simplices_are_collapsed_inside_then_outside(seed, d, given_faces):
    cones, balls = datasets.single_cone(50, d=d, rng=seed), datasets.concentric(50, d=d, rng=seed)
    cone = {"cone": cones.info["cone"]} if given_faces else {}
    simplex = {"simplex": balls.info["simplex"]} if given_faces else {}
    for data, method, k, arguments in (
        (cones, "cone", d, cone),
        (balls, "simplex", d + 1, simplex),
    ):
        found = construct(data.X, data.y, method, **arguments)
        faces = found.report["faces"]
        assert found.network.widths == (d, faces, faces, 2)
        assert faces == k or (faces < k and not given_faces)
        assert found.order == [0, 1] and found.report["inside"] == 0
        check_construction(found, data.X, data.y)
        first = truncate(found.network, data.X)[0][data.y == 0]
        np.testing.assert_allclose(first - first[0], 0, atol=1e-9 * found.layers[0].condition)


@pytest.mark.parametrize("name", ["wine", "breast_cancer", "digits"])
def test_real_data_are_sequential(name):
    data = getattr(datasets, name)()
    found = construct(data.X, data.y, "sequential")
    check_construction(found, data.X, data.y)
    Q = len(np.unique(data.y))
    assert found.network.widths == (data.X.shape[1],) * (Q + 1) + (Q,)
    assert verify(found.network, data.X, data.y).accuracy == 1


def test_cone_and_concentric_data_are_no_clusters_and_not_sequential():
    for data in (datasets.single_cone(60, rng=1), datasets.concentric(60, rng=1)):
        with pytest.raises(ConstructionError, match="is not <"):
            construct(data.X, data.y, "clustered")
        with pytest.raises(ConstructionError) as error:
            construct(data.X, data.y, "sequential")
        assert sorted(error.value.certificates) == [0, 1]


def test_each_search_is_logged_before_it_begins(caplog):
    balls = datasets.concentric(20, d=2, rng=0)
    with caplog.at_level("INFO", logger="constructions"):
        assert construct(balls.X, balls.y).method == "simplex"
        assert caplog.messages == ["constructing: cone", "constructing: simplex"]
        construct(TRIANGLE, LETTERS, "universal")
        construct(TRIANGLE, LETTERS)
    assert caplog.messages[2:] == ["constructing: universal"]


# Laws


def test_equal_calls_give_equal_networks_and_rng_is_respected():
    data = datasets.sequential(30, rng=0)
    plain = construct(data.X, data.y, "sequential")
    assert construct(data.X, data.y, "sequential").network == plain.network
    assert construct(data.X, data.y, "sequential", rng=0).network == plain.network
    generator = np.random.default_rng(0)
    assert construct(data.X, data.y, "sequential", rng=generator).network == plain.network
    other = construct(data.X, data.y, "sequential", rng=1)
    assert other.network != plain.network
    check_construction(other, data.X, data.y)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(["clustered", "sequential", "cone"]))
def test_the_order_of_the_points_does_not_matter(seed, method):
    rng = np.random.default_rng(seed)
    make = {"clustered": datasets.clusters, "sequential": datasets.sequential}
    data = make.get(method, datasets.single_cone)(20, rng=seed)
    rows = rng.permutation(len(data.X))
    one = construct(data.X, data.y, method)
    other = construct(data.X[rows], data.y[rows], method)
    assert one.order == other.order and one.network.widths == other.network.widths
    check_construction(other, data.X, data.y)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.sampled_from([1e-6, 1.0, 1e6]),
    st.sampled_from([0.0, 1e3, -1e6]),
    st.booleans(),
)
def test_sequential_networks_exist_at_every_shift_and_scale(seed, scale, shift, uneven):
    data = datasets.sequential(15, rng=seed % 50)
    units = np.array([1.0, 1e4, 1e-3]) if uneven else 1.0
    X = scale * (data.X + shift) * units
    found = construct(X, data.y, "sequential")
    check_construction(found, X, data.y)


@pytest.mark.parametrize(
    "X, y",
    [
        ([[0.0], [1.0]], [0, 1]),  # d = 1
        ([[0.0, 7.0], [1.0, 7.0]], [0, 1]),  # a constant feature
        ([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], [0, 0, 1, 1]),  # points of a line
        ([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]], [0, 1, 2]),  # classes of a line
        ([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [0, 1, 2]),
        ([[0.0, 0.0, 5.0], [1.0, 0.0, 5.0], [0.0, 1.0, 5.0], [1.0, 1.0, 5.0]], [0, 1, 2, 3]),
        (np.arange(8.0)[:, None] * [1.0, 2.0, -1.0, 0.0], [0, 0, 1, 1, 2, 2, 3, 3]),
        ([[1.0, 1.0]] * 3 + [[2.0, 2.0]] * 2, [0, 0, 0, 1, 1]),  # repeated points
        ([[0.0, 0.0], [-0.0, 0.0], [2.0, 2.0]], [0, 0, 1]),  # zeros of both signs
    ],
)
def test_degenerate_data_are_constructed(X, y):
    found = construct(X, y, "sequential")
    check_construction(found, X, y)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_one_point_per_class_is_clustered(d):
    X = np.random.default_rng(d).normal(size=(2, d)) + 2 * np.eye(2, d)
    found = construct(X, ["u", "v"], "clustered")
    check_construction(found, X, ["u", "v"])
    check_truncation(found, X, ["u", "v"])


def test_targets_may_be_given_for_labels_or_for_points():
    targets = np.array([[0.0, -1.0], [2.5, 3.0], [4.0, 4.0]])
    by_label = construct(TRIANGLE, LETTERS, "sequential", targets=targets)
    check_construction(by_label, TRIANGLE, LETTERS, targets)
    np.testing.assert_array_equal(by_label.targets, targets)
    assert by_label.classes == ["a", "b", "c"]
    Y = np.repeat(targets, 2, axis=0)
    by_point = construct(TRIANGLE, Y, "sequential")
    check_construction(by_point, TRIANGLE, Y)
    assert by_point.classes == [0, 1, 2]
    column = np.repeat([[3.0], [-1.0], [8.0]], 2, axis=0)
    assert construct(TRIANGLE, column, "sequential").network.widths[-1] == 1
    check_construction(construct(TRIANGLE, column, "sequential"), TRIANGLE, column)


@pytest.mark.parametrize(
    "y",
    [
        [5, 5, -2, -2, 0, 0],
        [0.5, 0.5, 2.5, 2.5, 1.5, 1.5],
        np.array(LETTERS, object),
        np.array([Fraction(1, k) for k in (2, 2, 3, 3, 4, 4)], object),
    ],
)
def test_labels_of_any_sortable_type_name_classes_and_layers(y):
    found = construct(TRIANGLE, y, "sequential")
    names = sorted(set(np.asarray(y).tolist()))
    assert found.classes == names and sorted(found.order) == names
    np.testing.assert_allclose(
        found.network(TRIANGLE), np.eye(3)[[names.index(v) for v in y]], atol=1e-12
    )


FORMS = {
    "list": lambda X: X.tolist(),
    "float32": lambda X: X.astype(np.float32),
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "negative strides": lambda X: X[::-1][::-1],
    "integer": lambda X: np.round(10 * X).astype(int),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["clustered", "sequential", "cone", "simplex"])
def test_every_form_of_points_is_accepted_and_left_alone(form, method):
    X = {
        "clustered": datasets.clusters(10, classes=2, rng=0),
        "sequential": datasets.sequential(10, classes=2, rng=0),
        "cone": datasets.single_cone(10, d=2, gap=0.4, rng=0),
        "simplex": datasets.concentric(10, d=2, gap=0.4, rng=0),
    }[method]
    y, X = X.y, FORMS[form](X.X)
    copy = np.array(X)
    if isinstance(X, np.ndarray):
        X.flags.writeable = False
    y.flags.writeable = False
    found = construct(X, y, method)
    np.testing.assert_array_equal(X, copy)
    assert verify(found.network, X, y).verdict == "global minimum"


def test_given_cones_may_be_pairs_and_have_fewer_edges_than_dimensions():
    data = datasets.single_cone(30, d=2, rng=3)
    cone = data.info["cone"]
    pair = construct(data.X, data.y, "cone", cone=(cone.base, cone.edges))
    assert pair.network == construct(data.X, data.y, "cone", cone=cone).network
    lifted = np.c_[data.X, np.random.default_rng(0).normal(size=len(data.X))]
    wedge = PolyhedralCone([0.0, 0.0, 0.0], np.c_[cone.edges, np.zeros(2)])
    found = construct(lifted, data.y, "cone", cone=wedge)
    assert found.network.widths == (3, 2, 2, 2)
    check_construction(found, lifted, data.y)


# Bad input


def test_equal_points_with_different_labels_are_refused_by_row():
    X = [[0.0, 1.0], [2.0, 2.0], [5.0, 5.0], [2.0, 2.0], [-0.0, 1.0]]
    with pytest.raises(ValueError, match=r"rows 1 and 3 .*1 such row in"):
        construct(X, [0, 1, 0, 0, 0])
    with pytest.raises(ValueError, match="rows 0 and 4"):
        construct(X, [0, 1, 0, 1, 1])


@pytest.mark.parametrize(
    "X, y, arguments, message",
    [
        (TRIANGLE, LETTERS[:5], {}, "one label per point"),
        (TRIANGLE, ["a"] * 6, {}, "at least two classes"),
        (TRIANGLE[:0], [], {}, "at least two classes|at least one point"),
        (TRIANGLE[:, :0], LETTERS, {}, "at least one column"),
        (TRIANGLE * np.nan, LETTERS, {}, "X must be finite"),
        (TRIANGLE + np.inf, LETTERS, {}, "X must be finite"),
        (TRIANGLE[0], LETTERS, {}, "X must have 2 axes"),
        (TRIANGLE.astype(str), LETTERS, {}, "X must hold real numbers"),
        (TRIANGLE, [*LETTERS[:5], None], {}, "missing labels"),
        (TRIANGLE, [0, 0, 1, 1, 2, np.nan], {}, "nan"),
        (TRIANGLE, np.array([0, 0, "b", "b", 1, 1], object), {}, "sortable"),
        (TRIANGLE, LETTERS, {"method": "best"}, "method must be one of"),
        (TRIANGLE, LETTERS, {"method": None}, "method must be one of"),
        (TRIANGLE, LETTERS, {"method": "sequental"}, "did you mean 'sequential'\\?"),
        (TRIANGLE, LETTERS, {"base_points": "segments"}, "did you mean 'segment'\\?"),
        (TRIANGLE, LETTERS, {"targets": np.eye(2)}, "targets must have one row per class"),
        (TRIANGLE, LETTERS, {"targets": [[np.nan]] * 3}, "targets must be finite"),
        (TRIANGLE, np.eye(6), {"targets": np.eye(6)}, "targets= goes with labels"),
        (TRIANGLE, LETTERS, {"rng": -1}, "rng must be"),
        (TRIANGLE, LETTERS, {"rng": "dice"}, "rng must be"),
        (np.eye(6), LETTERS, {"method": "clustered", "hidden_width": 2}, "hidden_width"),
        (np.eye(6), LETTERS, {"method": "clustered", "hidden_width": 7}, "hidden_width"),
        (np.eye(6), LETTERS, {"method": "clustered", "hidden_width": 3.0}, "hidden_width"),
        (np.eye(6), LETTERS, {"method": "clustered", "hidden_width": True}, "hidden_width"),
        (np.eye(6), LETTERS, {"method": "sequential", "hidden_width": 3}, "hidden_width"),
        (TRIANGLE, LETTERS, {"method": "sequential", "cone": (np.zeros(2), np.eye(2))}, "cone"),
        (TRIANGLE, LETTERS, {"method": "cone", "simplex": np.eye(3, 2)}, "simplex"),
        (TRIANGLE, LETTERS, {"method": "cone", "cone": 5}, "cone must be"),
        (TRIANGLE, LETTERS, {"method": "cone", "cone": (np.zeros(3), np.eye(3))}, "R\\^2"),
        (TRIANGLE, LETTERS, {"method": "cone", "cone": (np.zeros(2), np.ones((2, 2)))}, "edges"),
        (TRIANGLE, LETTERS, {"method": "simplex", "simplex": np.ones((3, 2))}, "simplex must"),
        (TRIANGLE, LETTERS, {"method": "simplex", "simplex": np.eye(4, 3)}, "simplex must"),
        (TRIANGLE, LETTERS, {"method": "simplex", "simplex": 5}, "simplex must"),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(X, y, arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        construct(X, y, **arguments)
    assert not isinstance(error.value, ConstructionError)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "method, X, y, message",
    [
        ("clustered", TRIANGLE, LETTERS, "at least 3 features for 3 classes, got 2"),
        ("sequential", TRIANGLE[:, :1], [0, 0, 1, 1, 0, 2], "at least 2 features|equal"),
        ("cone", TRIANGLE, LETTERS, "exactly 2 classes, got 3"),
        ("simplex", TRIANGLE, LETTERS, "exactly 2 classes, got 3"),
        ("cone", [[0.0], [1.0], [2.0]], [0, 1, 0], "at least 2 features, got 1"),
        ("clustered", [[1.0, 1.0], [3.0, 3.0]], [0, 1], "independent .* is not <"),
    ],
)
def test_a_method_that_does_not_apply_says_which_hypothesis_fails(method, X, y, message):
    with pytest.raises(ValueError, match=message):
        construct(X, y, method)


# The best two-layer network


def test_two_layer_is_the_best_network_with_its_decay_and_says_so():
    found = construct(TRIANGLE, LETTERS, "two-layer", weight_decay=0.05)
    best = best_two_layer(TRIANGLE, LETTERS, weight_decay=0.05)
    assert found.method == "two-layer" and len(found.network.widths) == 3
    assert found.report["loss"] == best.loss and found.report["gap"] == best.gap <= 1e-4
    assert 0 < found.report["lower_bound"] == best.lower_bound
    assert found.layers == () and found.order == [] and len(found.frame()) == 0
    assert "lower bound" in found.summary() and "two-layer" in repr(found)
    assert found.classes == sorted(set(LETTERS))


@pytest.mark.parametrize(
    ("method", "weight_decay", "message"),
    [
        ("two-layer", None, "weight_decay must be a positive number, got None"),
        ("two-layer", -1.0, "weight_decay must be a positive number"),
        ("auto", 0.1, "weight_decay goes with method 'two-layer', got method 'auto'"),
        ("cone", 0.1, "weight_decay goes with method 'two-layer', got method 'cone'"),
    ],
)
def test_a_decay_goes_with_two_layer_only(method, weight_decay, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        construct(TRIANGLE, LETTERS, method, weight_decay=weight_decay)
