import warnings

import numpy as np
import pytest
from builders import random_layer, random_points
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import ReLUNetwork
from geomcore.interop.chain import Chain

EPS = np.finfo(float).eps


def quiet(chain):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return chain.network()


# By hand


def test_layers_with_a_relu_between_stay_as_they_are(recwarn):
    (W, b), (V, c) = random_layer(3, 2), random_layer(1, 3)
    chain = Chain("model")
    chain.affine(W, b, "first")
    chain.relu("relu")
    chain.affine(V, c, "last")
    assert chain.width == 1
    assert chain.network() == ReLUNetwork([W, V], [b, c])
    assert not recwarn.list


def test_layers_in_a_row_become_one_and_that_is_told():
    chain = Chain("net.onnx")
    for name in "abcdef":
        chain.affine([[2.0]], [1.0], name)
    told = r"net.onnx: affine maps in a row became one \(b, c, d and 2 more\), rounding may differ"
    with pytest.warns(UserWarning, match=told):
        net = chain.network()
    assert net == ReLUNetwork([[[64.0]]], [[63.0]])


def test_the_warning_points_at_who_asked():
    chain = Chain("model")
    chain.affine([[1.0]], [0.0], "a")
    chain.head("logistic", "b")
    with pytest.warns(UserWarning, match=r"the sigmoid at the end \(b\) is left off") as told:
        chain.network()
    assert told[0].filename == __file__


def test_relus_at_both_ends_have_identities_beside_them():
    chain = Chain("model", 2)
    chain.relu("a")
    chain.relu("b")
    chain.affine([[1.0, 2.0]], None, "c")
    chain.relu("d")
    with pytest.warns(UserWarning, match="it ends in a ReLU, an identity comes after it"):
        net = chain.network()
    assert net == ReLUNetwork([np.eye(2), [[1, 2]], [[1]]], [[0, 0], [0], [0]])


# Laws


@st.composite
def parts(draw):
    """What is appended, in words."""
    return draw(st.lists(st.sampled_from(["affine", "scale", "number", "relu"]), max_size=7))


@settings(max_examples=80)
@given(parts(), st.integers(0, 99))
def test_the_network_is_the_composition(kinds, seed):
    rng = np.random.default_rng(seed)
    chain, X = Chain("model", 3), random_points(6, 3, rng)
    out = X
    for kind in kinds:
        n = out.shape[1]
        if kind == "affine":
            W, b = random_layer(int(rng.integers(1, 5)), n, rng)
            chain.affine(W, b, "layer")
            out = out @ W.T + b
        elif kind == "relu":
            chain.relu("relu")
            out = np.maximum(out, 0)
        else:
            a, c = rng.normal(size=(2, n)) if kind == "scale" else rng.normal(size=2)
            chain.scale(a, c, "scale")
            out = a * out + c
    np.testing.assert_allclose(quiet(chain)(X), out, rtol=1e-11, atol=1e-11)


@settings(max_examples=60)
@given(st.integers(0, 999))
def test_if_no_rounding_is_told_there_was_none(seed):
    """Against rational arithmetic, where numbers that lie on a grid are often exact."""
    from fractions import Fraction

    rng = np.random.default_rng(seed)
    grid = rng.choice([0.5, 1.0, 2.0, 0.1, 3.0, 0.0], size=(2, 2))
    W, b = rng.normal(size=(2, 2)).round(1), rng.normal(size=2).round(1) * rng.integers(0, 2)
    chain = Chain("model")
    chain.affine(W, b, "a")
    chain.scale(*grid, "s")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        net = chain.network()
    chain = Chain("model")
    chain.scale(*grid, "s")
    chain.affine(W, b, "a")
    with warnings.catch_warnings(record=True) as told_after:
        warnings.simplefilter("always")
        after = chain.network()
    for i in range(2):
        exact = [Fraction(a) * Fraction(w) for a, w in zip(grid[0], W[i], strict=True)]
        shift = [Fraction(c) * Fraction(w) for c, w in zip(grid[1], W[i], strict=True)]
        found = [Fraction(x) for x in (*after.weights[0][i], after.biases[0][i])]
        assert told_after or found == [*exact, sum(shift) + Fraction(b[i])]
    for i, (a, c) in enumerate(grid.T):
        exact = [Fraction(a) * Fraction(w) for w in W[i]]
        exact.append(Fraction(a) * Fraction(b[i]) + Fraction(c))
        found = [*net.weights[0][i], net.biases[0][i]]
        assert told or [Fraction(x) for x in found] == exact


def test_what_is_exact_is_not_told(recwarn):
    chain = Chain("model", 2)
    chain.scale([0.5, -4.0], 0.0, "powers of two")
    chain.affine([[0.1, 0.2]], None, "no biases")
    chain.scale(1.0, [0.3], "biases")
    net = chain.network()
    assert net == ReLUNetwork([[[0.05, -0.8]]], [[0.3]])
    assert not recwarn.list


# Bad input


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda c: c.affine([[1, 2, 3]], [0], "it"), "it takes 3 numbers, 2 come"),
        (lambda c: c.affine([[1, 2]], [0, 1], "it"), r"it has weights \(1, 2\) and biases \(2,\)"),
        (lambda c: c.affine([1, 2], None, "it"), r"it has weights \(2,\)"),
        (lambda c: c.affine(np.ones((0, 2)), None, "it"), r"it has weights \(0, 2\)"),
        (lambda c: c.affine([[1, np.nan]], None, "it"), "it does not hold finite real numbers"),
        (lambda c: c.affine([[1, 1j]], None, "it"), "it does not hold"),
        (lambda c: c.affine([["a", "b"]], None, "it"), "it does not hold real numbers"),
        (lambda c: c.scale([1, 2, 3], 0, "it"), "it has 3 numbers for 2"),
        (lambda c: c.scale([[1, 2]], 0, "it"), "it has 2 numbers for 2"),
        (lambda c: [c.scale(1e200, 0, "a"), c.scale(1e200, 0, "it")], "it and the map before it"),
        (lambda c: [c.head("softmax", "it"), c.relu("r")], "it is not at the end, r follows"),
        (lambda c: [c.head("softmax", "it"), c.head("softmax", "s")], "it is not at the end"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(use, sentence):
    wanted = f"^model must hold a chain of affine maps and ReLUs, {sentence}"
    with pytest.raises(ValueError, match=wanted):
        use(Chain("model", 2))


def test_what_would_take_long_to_become_one_is_refused(monkeypatch):
    monkeypatch.setattr("geomcore.interop.chain.LONGEST", 1000)
    chain = Chain("model")
    for _ in range(2):
        chain.affine(np.eye(9), None, "it")
    with pytest.raises(ValueError, match="it and the maps before it would take long"):
        chain.affine(np.eye(9), None, "it")


def test_a_width_that_nothing_tells_is_refused():
    chain = Chain("model")
    chain.scale(2.0, 1.0, "a")
    with pytest.raises(ValueError, match="the end does not tell how many numbers go in"):
        chain.network()
    with pytest.raises(ValueError, match="would need an identity of width 100,000"):
        Chain("model", 100_000).relu("it")
