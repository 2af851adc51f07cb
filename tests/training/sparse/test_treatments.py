"""The treatments of the norms, and the rescaling that each leaves open."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import Adam, InverseSquares, SparseAutoencoder, train, train_sparse
from training.sparse.treatments import renormalise

X = np.random.default_rng(7).normal(size=(40, 5))
FACTORS = [2.0, 1.0, 0.5, 0.1, 1e-3]


def model(*, loop=0, learned=False, seed=0):
    rng = np.random.default_rng(seed)
    W_e, b_e, W_d, b_d = (rng.normal(size=s) for s in ((7, 5), 7, (5, 7), 5))
    G = rng.normal(size=(7, 7)) if learned else None
    return SparseAutoencoder(W_e, b_e, W_d, b_d, G=G, loop=loop, gamma=0.1)


def rescaled(model, c, *, moves_G=True):
    """Units c z, columns d / c: for one factor, or one for each unit."""
    c = np.broadcast_to(c, model.units)
    return SparseAutoencoder(
        model.W_e * c[:, None],
        model.b_e * c,
        model.W_d / c,
        model.b_d,
        G=model.G * c[:, None] / c if moves_G else None,
        loop=model.loop,
        gamma=model.gamma,
    )


def along(model, treatment, **options):
    """The objective at all factors."""
    return [
        rescaled(model, c).objective(X, penalty=0.3, treatment=treatment, **options)
        for c in FACTORS
    ]


# By hand


def test_a_penalty_on_small_rows():
    term = InverseSquares(2.0)
    p = np.array([[[3.0, 4.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]])
    np.testing.assert_allclose(term.value(p), [2 / 25 + 2, 2 + 0.5])
    np.testing.assert_allclose(InverseSquares(3.0).value(np.array([[1.0, 1.0]])), [1.5])
    zero = np.zeros((1, 2, 2))
    assert term.value(zero)[0] == np.inf
    np.testing.assert_array_equal(term.gradient(zero), zero)


def test_columns_become_unit_vectors_and_zeros_stay():
    atoms = np.array([[3.0, 4.0], [0.0, 0.0]])
    tensors = {"atoms": atoms, "W_e": np.ones((2, 2)), "b_e": np.ones(2)}
    renormalise(tensors, keep_map=False)
    np.testing.assert_allclose(atoms, [[0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_array_equal(tensors["W_e"], np.ones((2, 2)))
    renormalise(tensors | {"atoms": 5 * atoms}, keep_map=True)
    np.testing.assert_allclose(tensors["W_e"], [[5.0, 5.0], [1.0, 1.0]])
    np.testing.assert_allclose(tensors["b_e"], [5.0, 1.0])


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_columns_of_any_scale_become_unit_vectors(scale):
    atoms = scale * np.array([[3.0, 4.0], [1.0, 0.0]])
    tensors = {"atoms": atoms, "W_e": np.ones((2, 2)), "b_e": np.ones(2)}
    renormalise(tensors, keep_map=False)
    np.testing.assert_allclose(atoms, [[0.6, 0.8], [1.0, 0.0]])


# Against the naive oracle


def test_the_gradient_of_the_penalty_is_the_limit_of_difference_quotients():
    p, term = np.random.default_rng(0).normal(size=(1, 3, 4)), InverseSquares(0.7)
    found = term.gradient(p)
    for place in np.ndindex(p.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = p.copy()
            moved[place] += step
            ends.append(term.value(moved)[0])
        assert found[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)


# What each leaves open


@pytest.mark.parametrize("form", [{}, {"loop": 3, "learned": True}], ids=str)
def test_reconstructions_do_not_see_the_rescaling(form):
    one, c = model(**form), np.random.default_rng(1).uniform(0.1, 10, size=7)
    np.testing.assert_allclose(rescaled(one, c)(X), one(X), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        rescaled(one, c).encode(X), c * one.encode(X), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("form", [{}, {"loop": 3, "learned": True}], ids=str)
def test_free_norms_leave_a_way_along_which_the_loss_falls_without_end(form):
    losses = along(model(**form), "free")
    assert np.all(np.diff(losses) < 0)
    one = model(**form)
    reconstruction = one.objective(X, penalty=0.0)
    assert losses[-1] == pytest.approx(reconstruction, rel=1e-2) and losses[-1] > reconstruction


@pytest.mark.parametrize("form", [{}, {"loop": 3, "learned": True}], ids=str)
@given(c=st.lists(st.floats(1e-3, 1e3), min_size=7, max_size=7))
def test_weighted_activations_do_not_see_the_rescaling_of_any_unit(form, c):
    one = model(**form)
    found = rescaled(one, np.array(c)).objective(X, penalty=0.3, treatment="weighted")
    assert found == pytest.approx(one.objective(X, penalty=0.3, treatment="weighted"), rel=1e-9)


@pytest.mark.parametrize("form", [{}, {"loop": 3, "learned": True}], ids=str)
def test_the_penalty_on_small_rows_leaves_no_rescaling_open(form):
    one = model(**form)
    factors = np.geomspace(1e-3, 1e3, 400)
    losses = [
        rescaled(one, c).objective(X, penalty=0.3, treatment="inverse", alpha=0.1) for c in factors
    ]
    # One minimum inside: a sum of c A and B / c^2, whose ratio says where it is.
    least = int(np.argmin(losses))
    assert 0 < least < 399
    assert (np.diff(losses)[:least] < 0).all() and (np.diff(losses)[least:] > 0).all()
    cost = one.objective(X, penalty=0.3) - one.objective(X, penalty=0.0)
    small = InverseSquares(0.1).value(one.W_e[None])[0]
    assert factors[least] == pytest.approx((2 * small / cost) ** (1 / 3), rel=0.02)


@pytest.mark.parametrize("form", [{}, {"loop": 3, "learned": True}], ids=str)
def test_unit_columns_leave_no_rescaling_open(form):
    """All networks that differ by it have one and the same with unit columns."""
    one, c = model(**form), np.random.default_rng(1).uniform(0.1, 10, size=7)
    found = []
    for each in (one, rescaled(one, c)):
        tensors = {"atoms": each.W_d.T.copy(), "W_e": each.W_e.copy(), "b_e": each.b_e.copy()}
        tensors["G"] = each.G.copy()
        renormalise(tensors, keep_map=True)
        found.append(tensors)
    for name in found[0]:
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-12, atol=1e-13)
    kept = SparseAutoencoder(
        found[0]["W_e"],
        found[0]["b_e"],
        found[0]["atoms"].T,
        one.b_d,
        G=found[0]["G"],
        loop=one.loop,
        gamma=one.gamma,
    )
    np.testing.assert_allclose(kept(X), one(X), rtol=1e-11, atol=1e-11)


def test_tied_weights_have_no_free_rescaling():
    W = np.random.default_rng(0).normal(size=(7, 5))
    losses = [
        SparseAutoencoder(c * W, np.zeros(7), c * W.T, np.zeros(5)).objective(X, penalty=0.0)
        for c in (1.0, 0.5, 0.1)
    ]
    assert len({round(loss, 6) for loss in losses}) == 3


def test_where_g_follows_the_dictionary_reconstructions_see_the_rescaling():
    one = model(loop=3)
    assert not np.allclose(rescaled(one, 2.0, moves_G=False)(X), one(X), rtol=1e-2)


# In training

DATA = np.abs(np.random.default_rng(3).normal(size=(300, 6)))
SHORT = {"penalty": 0.2, "steps": 200, "batch_size": 32, "rng": 0}


@pytest.mark.parametrize("form", [{}, {"loop": 3}, {"loop": 2, "interaction": "learned"}], ids=str)
@pytest.mark.parametrize("tied", [False, True])
def test_columns_are_unit_vectors_at_every_record(form, tied):
    result = train_sparse(DATA, 8, tied=tied, **form, **SHORT)
    np.testing.assert_allclose(result.history.norms, 1, rtol=1e-12)
    np.testing.assert_allclose(result.autoencoder.norms, 1, rtol=1e-12)


def test_multiplying_the_encoder_does_not_change_the_loss_of_a_start():
    start = model()
    for form in ({}, {"loop": 2, "interaction": "learned"}):
        with_loop = model(loop=form.get("loop", 0), learned=bool(form))
        options = {"penalty": 0.0, "steps": 0, "start": with_loop, "gamma": 0.1, **form}
        kept = train_sparse(X, 7, keep_map=True, **options)
        assert kept.history.loss[0] == pytest.approx(with_loop.objective(X, penalty=0.0))
    changed = train_sparse(X, 7, penalty=0.0, steps=0, start=start)
    assert changed.history.loss[0] != pytest.approx(start.objective(X, penalty=0.0), rel=1e-3)


def test_free_norms_grow_and_the_encoder_shrinks():
    result = train_sparse(DATA, 8, treatment="free", **{**SHORT, "penalty": 1.0, "steps": 2000})
    norms = result.history.norms.mean(axis=1)
    assert norms[-1] > 1.2 * norms[0]
    weighted = train_sparse(
        DATA, 8, treatment="weighted", **{**SHORT, "penalty": 1.0, "steps": 2000}
    )
    assert weighted.history.norms[-1].mean() < norms[-1]


def test_the_penalty_holds_the_rows_of_the_encoder_up():
    options = {**SHORT, "penalty": 1.0, "steps": 2000}
    free = train_sparse(DATA, 8, treatment="free", **options).autoencoder
    held = train_sparse(DATA, 8, treatment="inverse", alpha=1.0, **options).autoencoder
    rows = [np.linalg.norm(a.W_e, axis=1).min() for a in (free, held)]
    assert rows[1] > 1.5 * rows[0]


def test_train_takes_the_penalty_on_small_rows_too():
    net = model().network()
    result = train(
        net, X, X, steps=50, optimizer=Adam(0.01), penalties=InverseSquares(5.0, ("W1",))
    )
    plain = train(net, X, X, steps=50, optimizer=Adam(0.01))
    rows = [np.linalg.norm(r.network.tensors[0], axis=1).min() for r in (result, plain)]
    assert rows[0] > rows[1]


# Bad input


@pytest.mark.parametrize("weight", [0, -1.0, np.inf, np.nan, "1", None, True])
def test_a_weight_is_positive(weight):
    with pytest.raises(ValueError, match=r"^weight must be a positive number"):
        InverseSquares(weight)


@pytest.mark.parametrize("form", [{"tied": True}, {"loop": 1}, {"loop": 1, "tied": True}], ids=str)
def test_the_map_can_be_kept_where_there_is_a_freedom_only(form):
    with pytest.raises(ValueError, match=r"^keep_map must be False"):
        train_sparse(X, 3, penalty=0.1, keep_map=True, **form)
