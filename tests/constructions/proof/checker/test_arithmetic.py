"""The arithmetic of the checker: roots, norms, layers along a line, least squares."""

import itertools

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from constructions import check_certificate
from constructions.proof.checker import _array, _exact, _follow, _least_squares, norm, root


@given(st.integers(0, 2**200), st.integers(1, 2**200))
def test_a_root_is_bounded_from_above_and_closely(p, q):
    square = fmpq(p, q)
    above = root(square)
    assert square <= above * above <= square * (1 + fmpq(1, 2**100))


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_a_norm_is_bounded_from_above_and_closely(m, n, seed, rank):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(m, rank)), rng.normal(size=(rank, n))
    A = left @ np.diag(10.0 ** rng.integers(-8, 8, size=rank)) @ right
    largest = np.linalg.norm(A, 2)
    bound = norm(_exact(A))
    assert largest * (1 - 1e-14) <= int(bound.p) / int(bound.q) <= largest * (1 + 1e-9)


@pytest.mark.parametrize("scale", [1, 2**60, 2.0**-60])
def test_a_norm_is_no_less_than_the_exact_one(scale):
    # of rank one, u v': its norm squared is u'u v'v, an integer; floats miss it on either side
    for u in itertools.product(range(-2, 4), repeat=2):
        for v in ((3, 4), (1, 2), (5, -7), (1, 0)):
            A = scale * np.outer(u, v).astype(float)
            exact = fmpq(sum(a * a for a in u) * sum(a * a for a in v)) * _exact([scale])[0] ** 2
            bound = norm(_exact(A))
            assert exact <= bound * bound <= exact * (1 + fmpq(1, 2**40)), (u, v)


def fractions(*rows):
    return _exact(np.array(rows, dtype=float))


def test_layers_are_followed_along_a_line_to_the_order_asked_for():
    # max((1 + t) x - 1, 0) (2 - t) at x = 1 and 3: 2 t - t^2 and 4 + 4 t - 3 t^2
    layers = [
        [fractions([1], [-1]), fractions([1], [0])],
        [fractions([2], [0]), fractions([-1], [0])],
    ]
    hidden, last = _follow(layers, fractions([1], [3]), 2)
    assert [term.tolist() for term in last.values] == [[[0], [4]], [[2], [4]], [[-1], [-3]]]
    assert hidden.active.tolist() == [[True], [True]]  # at x = 1 for small positive t
    back = [[fractions([1], [-1]), fractions([-1], [0])], layers[1]]
    hidden, last = _follow(back, fractions([1], [3]), 1)
    assert hidden.active.tolist() == [[False], [True]]
    assert last.values[1].tolist() == [[0], [-8]]
    (only,) = _follow([[fractions([1], [-1])]], fractions([1], [3], [1]))
    assert [term.tolist() for term in only.values] == [[[0], [2]]]
    assert only.active.tolist() == [[False], [True]]  # exactly zero is not active
    assert only.owner.tolist() == [0, 1, 0]


@pytest.mark.parametrize("wide", [False, True])
def test_least_squares_is_exact(wide):
    # the line through (0, 0), (1, 1), (1, 3) with weights 1/3: 2 x, and a least loss of 2/3
    Z = fractions([0, 1, 0, 1], [1, 1, 1, 1]) if wide else fractions([0, 1], [1, 1])
    w, R = fractions([1], [1], [1]) / 3, fractions([0], [1], [3])
    found = _least_squares(Z, np.array([0, 1, 1]), w, R)
    assert (found.rank, found.least) == (2, fmpq(2, 3))
    assert found.move == (2 if wide else 4)  # (1, 0, 1, 0) is the smallest of the solutions
    none = _least_squares(0 * Z, np.array([0, 1, 1]), w, R)
    assert (none.rank, none.least, none.move) == (0, fmpq(10, 3), 0)


# Bad input


@pytest.mark.parametrize(
    "value",
    [
        [1.0, True],
        [1.0, 2**53 + 1],
        [1.0, "2"],
        [1.0, None],
        [1.0, np.inf],
        [1.0, 2**1100],
        [1.0, [2.0]],
    ],
)
def test_one_entry_that_is_no_float_is_refused(value):
    with pytest.raises(ValueError, match="b must hold floats in the shape"):
        _array("b", value, 2)


def test_the_largest_float_is_one():
    largest = float(np.finfo(float).max)
    assert _array("b", [largest, -largest], 2).tolist() == [largest, -largest]


def test_each_layer_reads_the_one_before():
    shapes = [(2, 1), (3, 2), (1, 3)]
    good = {"biases": [[0.0] * m for m, _ in shapes], "X": [[1.0]], "targets": [[1.0]]}
    assert check_certificate({}, [np.ones(s) for s in shapes], **good, classes=[0])
    for layer, width in ((1, 1), (1, 3), (2, 1), (2, 2)):
        wrong = [(m, width if l == layer else n) for l, (m, n) in enumerate(shapes)]
        with pytest.raises(ValueError, match=rf"weights\[{layer}\] must hold floats in the shape"):
            check_certificate({}, [np.ones(s) for s in wrong], **good, classes=[0])


def test_shapes_that_do_not_fit_are_refused():
    good = {
        "weights": [[[1.0]]],
        "biases": [[0.0]],
        "X": [[1.0]],
        "targets": [[1.0]],
        "classes": [0],
    }
    assert check_certificate({}, **good)
    for name, value in (
        ("weights", [[[1.0, 2.0]]]),
        ("weights", [[1.0]]),
        ("weights", [[]]),
        ("biases", [[0.0, 1.0]]),
        ("X", []),
        ("X", [[]]),
        ("targets", [[1.0, 2.0]]),
        ("classes", [0, 0]),
    ):
        with pytest.raises(ValueError, match=f"{name}.* must hold floats in the shape"):
            check_certificate({}, **good | {name: value})
    for name, value in (("weights", []), ("biases", [[0.0], [0.0]]), ("biases", 3)):
        with pytest.raises(ValueError, match="lists of one length, not 0"):
            check_certificate({}, **good | {name: value})
    with pytest.raises(ValueError, match="lists of one length, not 0"):
        check_certificate({}, **good | {"weights": 3, "biases": None})
    with pytest.raises(ValueError, match="lists of one length, not 0"):
        check_certificate({}, **good | {"weights": [], "biases": []})
    for value in ([1], [0.5], [-1]):
        with pytest.raises(ValueError, match="classes must be 0, "):
            check_certificate({}, **good | {"classes": value})
