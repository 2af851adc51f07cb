"""`train_sparse`: against `train`, at the ends of its range, and where it must refuse."""

import warnings

import numpy as np
import pytest

from geomcore.layers import ExplainingAway
from training import (
    L2,
    SGD,
    Adam,
    Box,
    MaxNorm,
    NonNegative,
    SparseAutoencoder,
    UnitColumns,
    UnitNorm,
    train,
    train_sparse,
)

RNG = np.random.default_rng(0)
X = np.abs(RNG.normal(size=(200, 5)))
SHORT = {"penalty": 0.1, "steps": 60, "batch_size": 32, "rng": 1}


def start(units=6, d=5, seed=0, **options):
    rng = np.random.default_rng(seed)
    W_d = rng.normal(size=(d, units))
    W_d /= np.linalg.norm(W_d, axis=0)
    return SparseAutoencoder(W_d.T, rng.normal(size=units), W_d, rng.normal(size=d), **options)


# Against the trainer of networks


@pytest.mark.parametrize("batch_size", [32, 200])
def test_without_penalty_it_takes_the_steps_of_train(batch_size):
    """Of which the loss is twice as large."""
    net = start().network()
    options = {"batch_size": batch_size, "steps": 40}
    rng = np.random.default_rng(3)
    other = train(net, X, X, optimizer=SGD(0.02), rng=rng, engine="numpy", **options).network
    found = train_sparse(
        X,
        6,
        penalty=0.0,
        treatment="free",
        start=start(),
        optimizer=SGD(0.04),
        rng=np.random.default_rng(3),
        **options,
    ).autoencoder
    tensors = (found.W_e, found.b_e, found.W_d, found.b_d)
    for tensor, expected in zip(tensors, other.tensors, strict=True):
        np.testing.assert_allclose(tensor, expected, rtol=1e-9, atol=1e-11)


def test_a_learned_loop_takes_the_steps_of_train():
    begin = start(loop=3, gamma=0.2)
    net = begin.network()
    other = train(net, X, X, optimizer=SGD(0.02), steps=30).network
    found = train_sparse(
        X,
        6,
        penalty=0.0,
        treatment="free",
        loop=3,
        gamma=0.2,
        interaction="learned",
        start=begin,
        optimizer=SGD(0.04),
        steps=30,
        batch_size=200,
    ).autoencoder
    np.testing.assert_allclose(found.G, other.layers[1].G, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.W_e, other.tensors[0], rtol=1e-9, atol=1e-11)


# Laws


@pytest.mark.parametrize("treatment", ["columns", "inverse", "weighted", "free"])
@pytest.mark.parametrize("loop", [0, 4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_last_record_is_that_of_the_autoencoder(treatment, loop, dtype):
    result = train_sparse(X.astype(dtype), 7, treatment=treatment, loop=loop, **SHORT)
    model, history = result.autoencoder, result.history
    objective = model.objective(X, penalty=0.1, treatment=treatment)
    near = 1e-10 if dtype == np.float64 else 1e-4
    assert history.loss[-1] == pytest.approx(objective, rel=near)
    Z = model.encode(X)
    assert history.activity[-1] == pytest.approx(Z.sum(axis=1).mean(), rel=near)
    assert history.active[-1] == pytest.approx((Z > 0).mean(), abs=2e-3)
    missed = 0.5 * ((model(X) - X) ** 2).sum(axis=1).mean()
    assert history.reconstruction[-1] == pytest.approx(missed, rel=near)
    np.testing.assert_allclose(history.norms[-1], model.norms, rtol=near)
    assert history.steps[0] == 0 and history.steps[-1] == 60 == result.steps
    assert history.loss[-1] < history.loss[0]


def test_dead_units_are_counted():
    begin = start()
    b_e = begin.b_e.copy()
    b_e[[1, 4]] = -1e6
    dead = SparseAutoencoder(begin.W_e, b_e, begin.W_d, begin.b_d)
    history = train_sparse(X, 6, penalty=0.1, start=dead, steps=3).history
    assert (history.dead >= 2).all()
    Z = dead.encode(X)
    assert history.dead[0] == (Z == 0).all(axis=0).sum()


def test_the_same_seed_gives_the_same_numbers_and_another_one_others():
    runs = [train_sparse(X, 6, **{**SHORT, "rng": seed}) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0].autoencoder.W_e, runs[1].autoencoder.W_e)
    assert not np.array_equal(runs[0].autoencoder.W_e, runs[2].autoencoder.W_e)


def test_tied_weights_stay_tied():
    for form in ({}, {"loop": 3}, {"loop": 2, "interaction": "learned"}):
        for treatment in ("columns", "inverse", "weighted", "free"):
            model = train_sparse(X, 6, tied=True, treatment=treatment, **form, **SHORT).autoencoder
            np.testing.assert_array_equal(model.W_e, model.W_d.T)


def test_where_the_decoder_bias_starts():
    for bias, expected in (("mean", X.mean(axis=0)), ("zero", 0.0), ("none", 0.0)):
        model = train_sparse(X, 6, penalty=0.1, decoder_bias=bias, steps=0, rng=0).autoencoder
        np.testing.assert_allclose(model.b_d, np.broadcast_to(expected, 5), rtol=1e-12)
        np.testing.assert_allclose(model.b_e, -model.W_e @ model.b_d, atol=1e-12)
    assert not train_sparse(X, 6, decoder_bias="none", **SHORT).autoencoder.b_d.any()
    assert train_sparse(X, 6, decoder_bias="zero", **SHORT).autoencoder.b_d.any()


def test_the_step_size_is_that_of_the_start_or_follows_the_dictionary():
    kept = train_sparse(X, 9, loop=2, treatment="free", **SHORT)
    begin = train_sparse(X, 9, loop=2, treatment="free", **{**SHORT, "steps": 0})
    assert kept.autoencoder.gamma == begin.autoencoder.gamma
    first = begin.autoencoder
    assert first.gamma == pytest.approx(1 / np.linalg.norm(first.W_d, 2) ** 2)
    followed = train_sparse(X, 9, loop=2, treatment="free", gamma="follow", **SHORT).autoencoder
    assert followed.gamma == pytest.approx(1 / np.linalg.norm(followed.W_d, 2) ** 2)
    assert followed.gamma != first.gamma


def test_a_learned_interaction_starts_at_that_of_the_dictionary():
    model = train_sparse(
        X, 6, penalty=0.1, loop=2, interaction="learned", steps=0, rng=0
    ).autoencoder
    np.testing.assert_allclose(model.G, model.W_d.T @ model.W_d - np.eye(6), atol=1e-12)
    moved = train_sparse(X, 6, loop=2, interaction="learned", **SHORT).autoencoder
    assert np.abs(moved.G - (moved.W_d.T @ moved.W_d - np.eye(6))).max() > 1e-3


def test_a_loop_long_enough_leads_to_the_sparse_code():
    result = train_sparse(X, 6, loop=30, **{**SHORT, "steps": 300})
    model = result.autoencoder
    inner, first = model.inner, X @ model.W_e.T + model.b_e
    assert inner.stability().is_stable
    without = ExplainingAway(model.G, 0, model.gamma)
    assert inner.defects(first).max() < 0.1 * without.defects(first).max()


@pytest.mark.filterwarnings("ignore:training ended above")
def test_penalties_and_constraints_act_on_the_tensors_that_they_name():
    kept = train_sparse(
        X, 6, treatment="free", constraints=NonNegative(("W_d", "b_e")), **SHORT
    ).autoencoder
    assert (kept.W_d >= 0).all() and (kept.b_e >= 0).all() and (kept.W_e < 0).any()
    small = train_sparse(
        X, 6, treatment="free", constraints=MaxNorm(0.5, ("W_d",)), **SHORT
    ).autoencoder
    assert np.linalg.norm(small.W_d) <= 0.5 + 1e-12
    options = {**SHORT, "optimizer": SGD(0.1), "steps": 1, "batch_size": 200}
    plain = train_sparse(X, 6, treatment="free", start=start(), **options).autoencoder
    pulled = train_sparse(
        X, 6, treatment="free", start=start(), penalties=L2(0.3, ("W_d",)), **options
    ).autoencoder
    np.testing.assert_allclose(plain.W_d - pulled.W_d, 0.1 * 0.6 * start().W_d, atol=1e-12)
    np.testing.assert_array_equal(plain.W_e, pulled.W_e)


@pytest.mark.parametrize(
    ("points", "units"), [(np.ones((1, 1)), 1), (np.ones((1, 4)), 3), (X[:, :1], 5), (0 * X, 4)]
)
@pytest.mark.parametrize("loop", [0, 3])
def test_the_smallest_data_and_constant_ones(points, units, loop):
    result = train_sparse(points, units, loop=loop, **SHORT)
    assert result.stop_reason == "step budget" and np.isfinite(result.history.loss).all()
    assert result.autoencoder(points).shape == points.shape


def test_data_are_not_changed():
    before = X.copy()
    train_sparse(X, 6, loop=2, **SHORT)
    np.testing.assert_array_equal(X, before)


def test_the_table_has_a_row_for_each_record():
    result = train_sparse(X, 6, **SHORT)
    table = result.frame()
    assert len(table) == len(result.history.steps)
    assert list(table)[:3] == ["step", "loss", "reconstruction"]
    assert table["least_norm"].iloc[-1] == pytest.approx(1)
    assert all(len(line) <= 80 for line in repr(result).splitlines())


# Divergence


@pytest.mark.parametrize("loop", [0, 3])
def test_a_run_that_diverges_is_a_result_with_finite_numbers_and_a_warning(loop):
    with pytest.warns(UserWarning, match="overflowed, give it a smaller"):
        result = train_sparse(
            X, 6, treatment="free", loop=loop, optimizer=SGD(1e8), **{**SHORT, "steps": 500}
        )
    assert result.diverged and result.steps < 500
    assert np.isfinite(result.autoencoder.W_d).all() and np.isfinite(result.history.loss).all()
    objective = result.autoencoder.objective(X, penalty=0.1)
    assert objective == pytest.approx(result.history.loss[-1], rel=1e-9)


def test_a_run_that_ends_above_its_start_says_so():
    with pytest.warns(UserWarning, match="ended above its start"):
        result = train_sparse(X, 6, treatment="free", optimizer=SGD(3.0), **{**SHORT, "steps": 2})
    assert result.ended_above or result.diverged


def test_a_step_size_above_the_limit_is_told():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = train_sparse(X, 9, loop=2, gamma=1.9, **SHORT)
    assert not result.stability.is_stable
    assert "gamma 1.9 is not below" in result.summary()
    assert train_sparse(X, 9, **SHORT).stability is None


@pytest.mark.parametrize("scale", [1e200, 1e300])
def test_data_whose_squares_overflow_are_a_run_that_diverged_at_once(scale):
    with pytest.warns(UserWarning, match="overflowed"):
        result = train_sparse(scale * X, 6, **SHORT)
    assert result.steps == 0 and result.diverged


@pytest.mark.parametrize("scale", [1e-300, 1e-30])
@pytest.mark.filterwarnings("ignore:training ended above")  # by what is nothing
def test_tiny_data_are_as_zeros(scale):
    result = train_sparse(scale * X, 6, loop=2, **SHORT)
    assert np.isfinite(result.autoencoder.W_d).all() and not result.diverged


# Bad input


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"units": 0}, r"^units must be a whole number, at least 1, got 0$"),
        ({"penalty": -0.1}, r"^penalty must be a finite number, at least 0"),
        ({"penalty": np.nan}, r"^penalty must be"),
        ({"loop": -1}, r"^loop must be a whole number, at least 0"),
        ({"gamma": 0.0}, r"^gamma must be a positive number"),
        ({"gamma": "followed"}, r"^gamma must be"),
        ({"gamma": "follow", "loop": 1, "interaction": "learned"}, r"^gamma must be a number or"),
        ({"alpha": 0.0}, r"^alpha must be a positive number"),
        ({"batch_size": 0}, r"^batch_size must be"),
        ({"steps": -1}, r"^steps must be"),
        ({"optimizer": "adam"}, r"^optimizer must be SGD\(0\.01\)"),
        ({"optimizer": Adam}, r"^optimizer must be"),
        ({"penalties": 3}, r"^penalties must be objects"),
        ({"constraints": NonNegative(("W1",))}, r"W_d"),
        ({"constraints": NonNegative(("G",))}, r"b_e"),
        ({"start": 3}, r"^start must be a SparseAutoencoder"),
        ({"start": start(5)}, r"^start must have a dictionary of shape \(5, 6\)"),
        (
            {"start": SparseAutoencoder(np.ones((6, 5)), np.ones(6), np.eye(5, 6), np.ones(5))}
            | {"tied": True},
            r"^start must have tied weights",
        ),
        ({"start": start(), "decoder_bias": "none"}, r"^start must have b_d = 0"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_by_name(arguments, match):
    given = {"units": 6, **SHORT, **arguments}
    with pytest.raises(ValueError, match=match):
        train_sparse(X, **given)


@pytest.mark.parametrize("gamma", [None, "follow"])
def test_a_start_whose_norm_has_no_finite_square_is_refused(gamma):
    large = SparseAutoencoder(
        np.ones((2, 2)), np.zeros(2), np.full((2, 2), 1e200), np.zeros(2), G=np.zeros((2, 2))
    )
    with pytest.raises(ValueError, match=r"^start must have a dictionary whose norm"):
        train_sparse(
            X[:, :2], 2, penalty=0.1, start=large, loop=3, gamma=gamma, treatment="free", steps=1
        )


@pytest.mark.parametrize(
    ("constraint", "options"),
    [
        (NonNegative(("W_d",)), {}),
        (NonNegative(), {"keep_map": True}),
        (NonNegative(("G", "W_d")), {"loop": 2, "interaction": "learned", "keep_map": True}),
        (Box(-1, 1, ("W_d",)), {}),
        (Box(-0.2, 0.3, ("W_e", "b_e")), {}),
        (Box(0, 0, ("W_d",)), {}),
        (UnitColumns(("W_d",)), {}),
        (UnitNorm(("W_d",)), {"treatment": "free"}),
        (MaxNorm(np.sqrt(6.01), ("W_d",)), {}),
        (MaxNorm(0.5), {"treatment": "weighted", "tied": True}),
    ],
    ids=str,
)
@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.filterwarnings("ignore:training ended above its start")
def test_a_constraint_holds_after_every_step(constraint, options, steps):
    options = {"optimizer": SGD(0.1), "batch_size": 20, "rng": 0} | options
    run = train_sparse(X, 6, penalty=0.1, constraints=[constraint], steps=steps, **options)
    for name in constraint.tensors or ("W_e", "b_e", "W_d", "b_d"):
        if options.get("tied") and name == "W_e":
            continue
        p = getattr(run.autoencoder, name)
        np.testing.assert_allclose(constraint.project(p[None])[0], p, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("constraint", "options", "name"),
    [
        (Box(-0.2, 0.2), {}, "W_d"),
        (Box(0, 0.9, ("W_d",)), {}, "W_d"),
        (Box(0.01, np.inf, ("W_d",)), {}, "W_d"),
        (UnitNorm(), {}, "W_d"),
        (MaxNorm(2.0, ("W_d",)), {"tied": True}, "W_d"),
        (Box(-1, 1, ("W_e",)), {"keep_map": True}, "W_e"),
        (Box(0, 1, ("b_e",)), {"keep_map": True}, "b_e"),
        (MaxNorm(2.0, ("G",)), {"loop": 1, "interaction": "learned", "keep_map": True}, "G"),
    ],
    ids=str,
)
def test_a_constraint_that_unit_columns_would_break_is_refused(constraint, options, name):
    with pytest.raises(ValueError, match=f"^constraints on {name} must allow what treatment='col"):
        train_sparse(X, 6, penalty=0.1, constraints=[constraint], steps=3, **options)


def test_a_start_with_a_loop_of_its_own_is_taken_only_where_it_is_learned():
    plain = start()
    tensors = (plain.W_e, plain.b_e, plain.W_d, plain.b_d)
    other = SparseAutoencoder(*tensors, G=np.full((6, 6), 0.1), loop=7, gamma=0.3)
    given = {"penalty": 0.1, "gamma": 0.2, "steps": 0, "treatment": "free"}
    run = train_sparse(X, 6, start=other, loop=2, interaction="learned", **given).autoencoder
    assert (run.loop, run.gamma) == (2, 0.2)
    np.testing.assert_array_equal(run.G, other.G)
    for interaction in ("dictionary", "detached"):
        with pytest.raises(ValueError, match=r"^start must have G = W_d' W_d - I, as the run has"):
            train_sparse(X, 6, start=other, loop=2, interaction=interaction, **given)
    assert train_sparse(X, 6, start=other, **given).autoencoder.loop == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_trained_can_be_gone_on_with(dtype):
    """Its G is rounded twice, to the precision of the data."""
    given = {"penalty": 0.1, "loop": 3, "treatment": "free", "rng": 0}
    first = train_sparse(100 * X.astype(dtype), 6, steps=30, **given).autoencoder
    again = train_sparse(100 * X.astype(dtype), 6, steps=0, start=first, **given).autoencoder
    for name in ("W_e", "b_e", "W_d", "b_d", "G"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


@pytest.mark.parametrize("points", [np.ones((0, 3)), np.ones((3, 0)), [[np.nan]], [1.0]], ids=str)
def test_points_must_be_there_and_finite(points):
    with pytest.raises(ValueError, match=r"^X must"):
        train_sparse(points, 3, penalty=0.1)


def test_what_other_libraries_call_it_is_answered():
    with pytest.raises(TypeError, match="did you mean 'rng'"):
        train_sparse(X, 3, penalty=0.1, seed=0)
