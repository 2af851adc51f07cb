from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from separations import check_hull_certificate, check_separation

from constructions import elimination_order, separate
from geomcore import datasets

TRIANGLE = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])


def check_stuck(found, X, y):
    """Every remaining class has a certificate against the other remaining ones, row by row."""
    remaining = sorted(set(y.tolist()) - set(found.order))
    assert sorted(found.stuck) == remaining and len(remaining) > 1
    for label in remaining:
        others = np.isin(y, remaining) & (y != label)
        check_hull_certificate(found.stuck[label], X[y == label], X[others])


# By hand


def test_the_order_of_the_sequential_data_is_the_generators():
    for seed in range(5):
        data = datasets.sequential(60, classes=4, d=3, rng=seed)
        found = elimination_order(data.X, data.y)
        assert found.complete
        assert found.order[:2] == data.info["order"][:2]
        assert set(found.order) == set(data.info["order"])


def test_the_class_with_the_largest_margin_goes_first():
    found = elimination_order([[0.0], [1.0], [10.0]], ["a", "b", "c"])
    assert found.order == ["c", "a", "b"]
    assert found.margins == [pytest.approx(4.5), pytest.approx(0.5), np.inf]
    assert len(found.separations) == 2 and not found.stuck


LABELS = {
    "int": [3, 3, -1, -1],
    "float": [0.5, 0.5, 2.5, 2.5],
    "bool": [True, True, False, False],
    "str": ["b", "b", "aa", "aa"],
    "object": np.array(["b", "b", "aa", "aa"], object),
    "fractions": np.array([Fraction(1, 3)] * 2 + [Fraction(1, 2)] * 2, object),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_sortable_type_come_back_as_they_were(kind):
    y = LABELS[kind]
    found = elimination_order([[0.0], [1.0], [5.0], [6.0]], y)
    assert sorted(found.order) == sorted(set(np.asarray(y).tolist()))
    assert "margin 2" in found.summary()
    stuck = elimination_order([[0.0], [6.0], [0.0], [6.0]], y).stuck
    assert sorted(stuck) == sorted(set(np.asarray(y).tolist()))


def test_stuck_certificates_speak_of_the_remaining_classes_only():
    X = np.array([[0.0, 0.0], [2.0, 0.0], [9.0, 9.0], [9.0, 8.0], [1.0, 0.0], [3.0, 0.0]])
    y = np.array([1, 1, 0, 0, 2, 2])
    found = elimination_order(X, y)
    assert found.order == [0]
    check_stuck(found, X, y)
    assert "its hull meets" in found.summary()


def test_iris_is_stuck_after_setosa_with_exact_certificates():
    data = datasets.iris()
    found = elimination_order(data.X, data.y)
    assert found.order == [0]
    check_stuck(found, data.X, data.y)


# Against the naive oracle


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(1, 3), st.floats(0.2, 3))
def test_an_order_is_found_if_and_only_if_one_of_all_permutations_works(seed, Q, d, spread):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(Q), 3)
    X = rng.normal(size=(Q, d))[y] * spread + 0.4 * rng.normal(size=(3 * Q, d))
    found = elimination_order(X, y)
    orders = naive.elimination_orders(X, y)
    assert found.complete == bool(orders)
    if found.complete:
        assert found.order in orders
        for i, margin in enumerate(found.margins[:-1]):
            rest = np.isin(y, found.order[i + 1 :])
            distance = naive.hull_distance(X[y == found.order[i]], X[rest])
            assert margin == pytest.approx(distance / 2, rel=2e-3)
    else:
        check_stuck(found, X, y)


def test_what_is_open_is_not_said_to_be_inseparable():
    order = elimination_order([[5e-324], [0.0]], [0, 1])
    assert not order.complete
    assert order.summary().splitlines() == [
        f"{label}: undetermined, no floats were found that separate it" for label in (0, 1)
    ]


# Laws


def test_separations_of_an_order_refer_to_the_points_that_were_left():
    data = datasets.sequential(40, classes=4, d=3, rng=1)
    found = elimination_order(data.X, data.y)
    for i, separation in enumerate(found.separations):
        own = data.X[data.y == found.order[i]]
        others = data.X[np.isin(data.y, found.order[i + 1 :])]
        check_separation(separation, own, others)
        rows_a, rows_b = separation.support
        again = separate(own[rows_a], others[rows_b])
        assert again.margin == pytest.approx(separation.margin, rel=2e-3)


FORMS = {
    "list": lambda X: X.tolist(),
    "float32": lambda X: X.astype(np.float32),
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "integer": lambda X: X.astype(int),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_array_is_accepted_and_left_alone(form):
    X = FORMS[form](np.vstack([TRIANGLE, TRIANGLE + 8]))
    if isinstance(X, np.ndarray):
        X.flags.writeable = False
    assert elimination_order(X, [0, 0, 0, 1, 1, 1]).complete


# Bad input


@pytest.mark.parametrize(
    "X, y, message",
    [
        (TRIANGLE, [0, 0, 0], "at least two classes"),
        (TRIANGLE, [0, 1], "one label per point"),
        (np.zeros((0, 2)), [], "at least two classes"),
        (TRIANGLE, [0, 1, None], "missing labels"),
        (TRIANGLE, [0, 1, np.nan], "nan"),
        (TRIANGLE, np.array([0, "a", 1], object), "sortable"),
        ([[0.0, np.nan]], [0], "X must be finite"),
    ],
)
def test_wrong_labelled_points_are_refused_in_one_sentence(X, y, message):
    with pytest.raises(ValueError, match=message):
        elimination_order(X, y)
