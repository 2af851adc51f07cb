"""Gradients of the written-out pass, against differences and against chains of layers."""

from itertools import product

import numpy as np
import pytest

from training import SparseAutoencoder
from training.sparse import gradient
from training.sparse.gradient import Form, Pass

CASES = [
    dict(zip(("loop", "interaction", "tied", "biased", "weighted"), case, strict=True))
    for case in product((0, 1, 4), ("dictionary", "learned"), *[(False, True)] * 3)
    if case[0] or case[1] == "dictionary"
]


def a_pass(*, points=8, d=5, m=7, gamma=0.13, dtype=float, penalty=0.3, seed=0, **form):
    rng = np.random.default_rng(seed)
    form = Form(d=d, m=m, penalty=penalty, **form)
    vector = rng.normal(size=form.size).astype(dtype)
    return Pass(form, points, vector, gamma), vector, rng.normal(size=(6, d)).astype(dtype)


def loss_of(written, X):
    """The loss as it is defined, from units and what is missed."""
    written.interact()
    z, missed = written.forward(X)
    atoms = written.tensors["atoms"]
    costs = np.linalg.norm(atoms, axis=1) if written.form.weighted else np.ones(len(atoms))
    return (0.5 * (missed**2).sum() + written.form.penalty * (costs @ z).sum()) / len(X)


def autoencoder(written):
    tensors = written.tensors
    return SparseAutoencoder(
        W_e=tensors["W_e"],
        b_e=tensors["b_e"],
        W_d=tensors["atoms"].T,
        b_d=tensors.get("b_d", np.zeros(written.form.d)),
        G=tensors.get("G"),
        loop=written.form.loop,
        gamma=written.gamma,
    )


# Against the naive oracle


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_limits_of_difference_quotients(case):
    written, vector, X = a_pass(**case)
    written.backward(X)
    found, expected = written.gradient.copy(), np.empty(vector.size)
    for i, value in enumerate(vector.copy()):
        ends = []
        for step in (1e-6, -1e-6):
            vector[i] = value + step
            ends.append(loss_of(written, X))
        vector[i] = value
        expected[i] = (ends[0] - ends[1]) / 2e-6
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_units_and_what_is_missed_are_those_of_the_layers(case):
    written, _, X = a_pass(**case)
    written.interact()
    z, missed = written.forward(X)
    model = autoencoder(written)
    np.testing.assert_allclose(z.T, model.encode(X), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(missed, model(X) - X, rtol=1e-11, atol=1e-11)
    treatment = "weighted" if case["weighted"] else "free"
    assert model.objective(X, penalty=0.3, treatment=treatment) == pytest.approx(
        loss_of(written, X), rel=1e-12
    )


# Laws


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_gradient_of_a_batch_is_the_mean_over_its_points(case):
    written, _, X = a_pass(**case)
    written.backward(X)
    found = written.gradient.copy()
    singles = []
    for x in X:
        written.backward(x[None])
        singles.append(written.gradient.copy())
    np.testing.assert_allclose(found, np.mean(singles, axis=0), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("interaction", ["dictionary", "learned"])
def test_tiles_give_what_the_whole_batch_gives(tied, interaction, monkeypatch):
    form = {"loop": 3, "interaction": interaction, "tied": tied, "biased": True, "weighted": True}
    whole, _, X = a_pass(points=6, **form)
    monkeypatch.setattr(gradient, "TILE", 4)
    tiled, _, _ = a_pass(points=6, **form)
    assert (whole.tile, tiled.tile) == (6, 4)
    for written in (whole, tiled):
        for _ in range(2):  # So that nothing is left over from the call before.
            written.backward(X)
    np.testing.assert_allclose(tiled.gradient, whole.gradient, rtol=1e-12, atol=1e-13)


def test_detached_is_the_gradient_with_g_held():
    form = {"loop": 3, "tied": False, "biased": True, "weighted": False}
    whole, vector, X = a_pass(interaction="dictionary", **form)
    held, _, _ = a_pass(interaction="detached", **form)
    fixed = held.form.views(vector)["atoms"] @ held.form.views(vector)["atoms"].T - np.eye(7)
    own, other, _ = a_pass(interaction="learned", **form)
    for name, tensor in own.form.views(other).items():
        tensor[:] = fixed if name == "G" else held.tensors[name]
    for written in (whole, held, own):
        written.backward(X)
    for name, found in held.parts.items():
        np.testing.assert_allclose(found, own.parts[name], rtol=1e-11, atol=1e-12)
    assert not np.allclose(held.parts["atoms"], whole.parts["atoms"])
    np.testing.assert_allclose(
        whole.parts["atoms"] - held.parts["atoms"],
        (own.parts["G"] + own.parts["G"].T) @ whole.tensors["atoms"],
        rtol=1e-10,
        atol=1e-11,
    )


def test_single_precision_is_kept_and_near():
    form = {"loop": 3, "interaction": "dictionary", "tied": False, "biased": True}
    double, _, X = a_pass(weighted=True, **form)
    single, _, _ = a_pass(weighted=True, dtype=np.float32, **form)
    double.backward(X)
    single.backward(X.astype(np.float32))
    assert single.gradient.dtype == np.float32
    np.testing.assert_allclose(single.gradient, double.gradient, rtol=1e-3, atol=1e-4)


def test_an_atom_of_zeros_has_a_finite_gradient():
    written, _, X = a_pass(loop=0, interaction="dictionary", tied=False, biased=True, weighted=True)
    written.tensors["atoms"][2] = 0
    written.backward(X)
    assert np.isfinite(written.gradient).all()
