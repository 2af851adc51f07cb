"""What is kept of `geomcore optimum`: read again it is the same, or said to be damaged."""

import dataclasses

import numpy as np
import pytest

from constructions import regularisation_path
from geomcore.network import ReLUNetwork
from training.experiments.optimum import stored
from training.experiments.optimum.dual import Dual, dual_of
from training.experiments.optimum.random_starts import ends
from training.output.pieces import Pieces

X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
DECAYS = [0.3, 0.03, 0.01]
OPTIONS = {"gap": 1e-6, "seconds": 60.0, "progress": None, "rng": 3, "targets": None}


def plain(path):
    """All numbers of a path but for its times."""
    found = []
    for best in path.optima:
        rounds = [one._replace(seconds=0.0) for one in best.history]
        told = (best.loss, best.lower_bound, best.asked, best.reason, best.neurons)
        found.append(
            (*told, best.neurons_before, rounds, [t.tolist() for t in best.network.tensors])
        )
    return found


def test_a_path_goes_on_from_each_of_its_decays(tmp_path):
    told = {name: value for name, value in OPTIONS.items() if name != "progress"}
    whole = plain(regularisation_path(X, abs(X), DECAYS, **told))
    for count in range(len(DECAYS) + 1):
        file = tmp_path / f"{count}.sqlite"
        if count:
            with Pieces.open(file, {}) as pieces:
                stored.path_from(pieces, X, abs(X), DECAYS[:count], **OPTIONS)
        with Pieces.open(file, {}) as pieces:
            assert len(pieces) == count
            assert plain(stored.path_from(pieces, X, abs(X), DECAYS, **OPTIONS)) == whole
            assert len(pieces) == len(DECAYS)


@pytest.fixture(scope="module")
def kept():
    """The piece of one weight decay, by its name."""
    with Pieces.open(None, {}) as pieces:
        stored.path_from(pieces, X, abs(X), [0.1], **OPTIONS)
        return {name: pieces[name] for name in [f"best, weight decay {0.1!r}"]}


def never():
    raise AssertionError("it was kept")


@pytest.fixture(scope="module")
def best():
    return regularisation_path(X, abs(X), [0.1]).optima[0]


@pytest.fixture(scope="module")
def made():
    return ends(X, abs(X), 0.1, 3, 4, steps=5, seed=2)


def test_networks_and_duals_are_read_as_they_were_written(tmp_path, best, made):
    own = dual_of(best, X, abs(X))
    with Pieces.open(tmp_path / "pieces.sqlite", {}) as pieces:
        stored.ends_from(pieces, best, X, abs(X), 3, 4, lambda: made)
        stored.dual_from(pieces, best, X, abs(X), lambda: own)
    with Pieces.open(tmp_path / "pieces.sqlite", {}) as pieces:
        kept = stored.ends_from(pieces, best, X, abs(X), 3, 4, never)
        dual = stored.dual_from(pieces, best, X, abs(X), never)
    assert (kept.weight_decay, kept.width) == (0.1, 3)
    assert kept.losses.tolist() == made.losses.tolist()
    for one, other in zip(kept.networks, made.networks, strict=True):
        assert all((a == b).all() for a, b in zip(one.tensors, other.tensors, strict=True))
    assert isinstance(dual, Dual) and (dual.multipliers == own.multipliers).all()
    assert (dual.neurons == own.neurons).all()


def test_training_that_diverged_is_kept(tmp_path, best, made):
    W, b, V, c = made.networks[0].tensors
    networks = [ReLUNetwork([W, V], [b, c + 1e200]), *made.networks[1:]]
    diverged = made._replace(networks=networks, losses=np.array([np.inf, *made.losses[1:]]))
    with Pieces.open(tmp_path / "pieces.sqlite", {}) as pieces:
        kept = stored.ends_from(pieces, best, X, abs(X), 3, 4, lambda: diverged)
    assert kept.losses[0] == np.inf


@pytest.mark.parametrize(
    ("points", "scale"),
    [(X[:1], 1.0), (0 * X, 1.0), (X, 1e-300), (X, 1e140), (1e-160 * X, 1.0), (X + 1e8, 1.0)],
)
def test_what_is_true_at_any_scale_is_no_damage(points, scale):
    y = scale * abs(X[: len(points)])
    with Pieces.open(None, {}) as pieces:
        options = OPTIONS | {"gap": 0.1, "seconds": 0.5}
        (found,) = stored.path_from(pieces, points, y, [0.1], **options).optima
        stored.dual_from(pieces, found, points, y, lambda: dual_of(found, points, y))
        made = ends(points, y, 0.1, 2, 2, steps=3)
        assert stored.ends_from(pieces, found, points, y, 2, 2, lambda: made).width == 2


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        ("network", [], "network is not a list of 1"),
        ("network", [np.ones((1, 1))] * 4, "network 0 is not an array"),
        ("start", np.full((1, 2), np.nan), "start is not finite"),
        ("loss", "small", "loss is not of type float"),
        ("reason", "luck", "the reason is none"),
        ("history", [[1, 2]], "history 0 is not a list of 6"),
        ("weight_decay", 0.5, "weight_decay is that of another piece"),
        ("asked", 0.5, "asked is not the gap"),
        ("loss", 0.0, "loss is not that of its network"),
        ("loss", np.nan, "loss is not that of its network"),
        ("loss", np.inf, "loss is not that of its network"),
        ("loss", 0.3, "loss is not that of its network"),
        ("lower_bound", 10.0, "lower_bound is not between"),
        ("lower_bound", -1e-9, "lower_bound is not between"),
        ("lower_bound", np.nan, "lower_bound is not between"),
        ("neurons", -5, "neurons is not the number"),
        ("neurons", 0, "neurons is not the number"),
        ("neurons_before", 0, "neurons_before is less"),
        ("start", np.zeros((0, 2)), "neurons is not the number"),
        ("start", np.full((2, 2), 1e300), "start has vectors"),
        ("seconds", np.nan, "seconds is no time"),
        ("seconds", -1.0, "seconds is no time"),
        ("history", [], "history is empty"),
        ("history", [[1, 2, np.nan, 1.0, 0.1, 0.0]], "history 0 is no round"),
        ("history", [[2, 2, 0.1, 1.0, 0.1, 0.0]], "history 0 is no round"),
        (
            "network",
            [np.zeros((0, 1)), np.zeros(0), np.zeros((1, 0)), np.zeros(1)],
            "network has no unit",
        ),
        ("network", [np.ones((2, 1)), np.ones(2), np.ones((1, 2)), np.ones(1)], "loss is not"),
        ("random", "{", "random is no state"),
        ("random", "{}", "random is no state"),
    ],
)
def test_a_best_network_that_is_none_is_said_to_be_damaged(kept, part, value, told):
    name = f"best, weight decay {0.1!r}"
    with Pieces.open(None, {}) as pieces:
        pieces[name] = kept[name] | {part: value}
        with pytest.raises(ValueError, match=told) as raised:
            stored.path_from(pieces, X, abs(X), [0.1], **OPTIONS)
    assert "damaged" in str(raised.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda dual: {"weight_decay": 7.0}, "weight_decay is that of another piece"),
        (lambda dual: {"multipliers": dual.multipliers[:0]}, "multipliers are not one"),
        (lambda dual: {"multipliers": dual.multipliers * np.nan}, "multipliers are not one"),
        (lambda dual: {"multipliers": dual.multipliers * 1.001}, "multipliers are not feasible"),
        (lambda dual: {"neurons": np.zeros((2, 9))}, "neurons are not those"),
        (lambda dual: {"neurons": dual.neurons * np.nan}, "neurons are not those"),
        (lambda dual: {"neurons": -dual.neurons}, "neurons are not those"),
    ],
)
def test_a_dual_that_is_none_is_said_to_be_damaged(best, change, told):
    dual = dual_of(best, X, abs(X))
    with Pieces.open(None, {}) as pieces, pytest.raises(ValueError, match=told) as raised:
        stored.dual_from(pieces, best, X, abs(X), lambda: dual._replace(**change(dual)))
    assert "damaged" in str(raised.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda ends: (ends.networks[:1], ends.losses[:1]), "losses are 1, 4 were asked for"),
        (lambda ends: (ends.networks, ends.losses * np.nan), "loss 0 is not that"),
        (lambda ends: (ends.networks, -ends.losses), "loss 0 is not that"),
        (lambda ends: (ends.networks, 0 * ends.losses + np.inf), "loss 0 is not that"),
        (lambda ends: (ends.networks, ends.losses * (1 + 1e-9)), "loss 0 is not that"),
        (lambda ends: (ends.networks[::-1], ends.losses), "loss 0 is not that"),
    ],
)
def test_losses_that_are_not_those_of_the_networks_are_said_to_be_damaged(best, made, change, told):
    networks, losses = change(made)
    changed = made._replace(networks=networks, losses=losses)
    with Pieces.open(None, {}) as pieces, pytest.raises(ValueError, match=told) as raised:
        stored.ends_from(pieces, best, X, abs(X), 3, 4, lambda: changed)
    assert "damaged" in str(raised.value)


def test_losses_that_were_rounded_otherwise_are_taken_as_they_were(best, made):
    other = np.nextafter(made.losses, np.inf)
    with Pieces.open(None, {}) as pieces:
        kept = stored.ends_from(pieces, best, X, abs(X), 3, 4, lambda: made._replace(losses=other))
    assert kept.losses.tolist() == other.tolist()


def test_a_bound_above_a_trained_network_is_found_out(best, made):
    wrong = dataclasses.replace(best, lower_bound=made.losses.min() * (1 + 1e-9))
    with Pieces.open(None, {}) as pieces:
        with pytest.raises(ValueError, match="below the lower bound kept"):
            stored.ends_from(pieces, wrong, X, abs(X), 3, 4, lambda: made)
