"""The whole grid, small: the same whatever was done before, and a sentence for what is damaged."""

import numpy as np
import pytest

from training.experiments.sparse import survey as module
from training.experiments.sparse.protocol import DATA, PIXELS, Size
from training.experiments.sparse.survey import Run, grid_of, survey

TINY = Size(units=9, synthetic_units=6, points=300, steps=6, looked_up=60)


@pytest.fixture(scope="module", autouse=True)
def few_penalties():
    """Two of the penalties are enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PENALTIES", (1.0,))
        yield


@pytest.fixture(scope="module")
def done():
    pieces, told = {}, []
    found = survey(TINY, seeds=2, seed=5, pieces=pieces, progress=lambda *count: told.append(count))
    return found, pieces, told


def test_names_tell_runs_apart():
    for data in (*DATA, PIXELS):
        names = [run.name for run in grid_of(data)]
        assert len(set(names)) == len(names)
    assert Run("free", 0.0, 0).name == "free, penalty 0, loop 0"


def test_all_of_the_grid_is_there(done):
    found, _, told = done
    assert len(found.rows) == 2 * sum(len(grid_of(data)) for data in (*DATA, PIXELS))
    assert told[0][0] == 0 and told[-1][0] == told[-1][1] and len(told) == 7
    assert {row["seed"] for row in found.rows} == {5, 6}
    assert not any(row["diverged"] for row in found.rows)
    assert all(
        row["live"] + row["dead"] == (6 if row["data"] == "synthetic" else 9) for row in found.rows
    )
    assert len(found.baselines) == 4 and len(found.chance) == 80
    assert all(len(c["steps"]) == len(c["active"]) for c in found.courses.values())
    assert all(
        np.isfinite(row["steps_to_sparse"])
        for row in found.rows
        if row["loop"] == 6 and not {"learned", "follow"} & {row["interaction"], row["gamma"]}
    )


def test_all_autoencoders_of_a_seed_start_alike(done):
    found = done[0]
    for data in DATA:
        own = [c for (d, s, _), c in found.courses.items() if (d, s) == (data, 5)]
        assert np.ptp([c["norm"][0] for c in own]) < 1e-6
    first = {
        loop: {
            c["active"][0]
            for (d, s, n), c in found.courses.items()
            if (d, s) == ("patches", 5) and n.endswith(f"loop {loop}")
        }
        for loop in (0, 6)
    }
    assert len(first[0]) == 1 and len(first[6]) == 1


def test_what_is_done_is_not_done_again_and_the_numbers_are_the_same(done, monkeypatch):
    found, pieces, _ = done
    kept = {name: piece for name, piece in pieces.items() if "seed 5" in name}
    again = survey(TINY, seeds=2, seed=5, pieces=kept)
    for one, other in zip(found.rows, again.rows, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            same = value == other[key] or (value != value and other[key] != other[key])
            assert same, key
    monkeypatch.setattr(module, "piece_of", lambda one: pytest.fail("done again"))
    survey(TINY, seeds=2, seed=5, pieces=kept)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda piece: None, "its parts are missing"),
        (lambda piece: piece | {"runs": {}}, "runs are no list"),
        (lambda piece: piece | {"runs": piece["runs"][1:]}, "of other runs"),
        (lambda piece: piece | {"runs": [1] + piece["runs"][1:]}, "of other runs"),
        (
            lambda piece: piece | {"runs": [piece["runs"][0] | {"course": {}}] + piece["runs"][1:]},
            "the course of free, penalty 0, loop 0 is missing",
        ),
        (
            lambda piece: (
                piece | {"runs": [piece["runs"][0] | {"tensors": [1]}] + piece["runs"][1:]}
            ),
            "arrays of free, penalty 0, loop 0 are missing",
        ),
        (lambda piece: piece | {"baselines": [{}]}, "a row has other columns"),
        (lambda piece: piece | {"chance": [{"columns": "x", "found": "y"}]}, "found of a row"),
        (lambda piece: piece | {"nulls": {"patches": [1.0]}}, "no array of numbers"),
    ],
)
def test_a_damaged_piece_ends_in_a_sentence(done, damage, told):
    pieces = dict(done[1])
    pieces["patches seed 6"] = damage(pieces["patches seed 6"])
    with pytest.raises(ValueError, match=told) as error:
        survey(TINY, seeds=2, seed=5, pieces=pieces)
    assert "patches seed 6" in str(error.value)
