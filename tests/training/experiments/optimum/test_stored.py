"""What is kept of `geomcore optimum`: read again it is the same, or said to be damaged."""

import numpy as np
import pytest

from constructions import regularisation_path
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


def never():
    raise AssertionError("it was kept")


def test_networks_and_duals_are_read_as_they_were_written(tmp_path):
    best = regularisation_path(X, abs(X), [0.1]).optima[0]
    with Pieces.open(tmp_path / "pieces.sqlite", {}) as pieces:
        stored.ends_from(
            pieces, 0.1, (1, 3, 1), lambda: ends(X, abs(X), 0.1, 3, 4, steps=5, seed=2)
        )
        stored.dual_from(pieces, 0.1, lambda: dual_of(best, X, abs(X)))
    with Pieces.open(tmp_path / "pieces.sqlite", {}) as pieces:
        kept = stored.ends_from(pieces, 0.1, (1, 3, 1), never)
        dual = stored.dual_from(pieces, 0.1, never)
    made, own = ends(X, abs(X), 0.1, 3, 4, steps=5, seed=2), dual_of(best, X, abs(X))
    assert (kept.weight_decay, kept.width) == (0.1, 3)
    assert kept.losses.tolist() == made.losses.tolist()
    for one, other in zip(kept.networks, made.networks, strict=True):
        assert all((a == b).all() for a, b in zip(one.tensors, other.tensors, strict=True))
    assert isinstance(dual, Dual) and (dual.multipliers == own.multipliers).all()
    assert (dual.neurons == own.neurons).all()


def test_training_that_diverged_is_kept(tmp_path):
    made = ends(X, abs(X), 0.1, 2, 2, steps=1, seed=2)
    made = made._replace(losses=np.array([np.inf, 1.0]))
    with Pieces.open(tmp_path / "pieces.sqlite", {}) as pieces:
        assert stored.ends_from(pieces, 0.1, (1, 2, 1), lambda: made).losses[0] == np.inf


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        ("network", [], "network is not a list of 1"),
        ("network", [np.ones((1, 1))] * 4, "network 0 is not an array"),
        ("start", np.full((1, 2), np.nan), "start is not finite"),
        ("loss", "small", "loss is not of type float"),
        ("reason", "luck", "the reason is none"),
        ("history", [[1, 2]], "history 0 is not a list of 6"),
        ("random", "{", "random is no state"),
        ("random", "{}", "random is no state"),
    ],
)
def test_what_has_another_form_is_said_to_be_damaged(tmp_path, part, value, told):
    with Pieces.open(tmp_path / "one.sqlite", {}) as pieces:
        stored.path_from(pieces, X, abs(X), [0.1], **OPTIONS)
        (name,) = [f"best, weight decay {0.1!r}"]
        with Pieces.open(tmp_path / "other.sqlite", {}) as other:
            other[name] = pieces[name] | {part: value}
            with pytest.raises(ValueError, match=told) as raised:
                stored.path_from(other, X, abs(X), [0.1], **OPTIONS)
    assert "damaged" in str(raised.value)
