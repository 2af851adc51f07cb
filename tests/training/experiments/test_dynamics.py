"""Truncation dynamics over seeds, and the verdicts."""

import numpy as np
import pytest
from tampered import refuses_all, replace

from geomcore import datasets
from training.dynamics.film.reel import Frame
from training.dynamics.rates import fit_decay
from training.experiments import dynamics_starts
from training.experiments.dynamics import QUANTITIES, reel_of, survey
from training.experiments.dynamics_starts import draws, part_of
from training.output.pieces import Pieces

FRACTIONS = (0.25, 0.75)


@pytest.fixture(scope="module")
def found():
    data_sets = draws(3, points=8, radius=0.15, seed=0)
    return survey(data_sets, FRACTIONS, steps=400, seed=0)


# Runs


def test_there_is_a_row_for_each_seed_and_fraction_with_what_the_history_says(found):
    assert [(row["seed"], row["fraction"]) for row in found.rows] == [
        (s, f) for s in range(3) for f in FRACTIONS
    ]
    for i, row in enumerate(found.rows):
        s, k = divmod(i, 2)
        history, layer, q = found.histories[s], found.starts[s].layer, found.starts[s].q
        assert row["collapsed_start"] == row["fraction"] == history.backward[0, k, layer, q]
        assert row["spread_end"] == history.spread[-1, k, layer, q]
        rate = found.starts[s].rate
        fit = fit_decay(rate * history.steps, history.spread[:, k, layer, q], floor=0.05)
        assert row["spread_rate"] == fit.rate and row["learning_rate"] == rate
        assert row["loss_end"] < row["loss_start"]
        assert row["rank"] == row["width"] == 3 and row["defect"] < 1e-12


def test_all_runs_last_as_long_and_take_small_steps(found):
    assert max(history.steps[-1] for history in found.histories) == 400
    ends = [times[-1] for times in found.times]
    assert max(ends) - min(ends) < 1.01 * max(started.rate for started in found.starts)


def test_half_the_step_gives_the_same_rates(found, monkeypatch):
    monkeypatch.setattr(dynamics_starts, "STEP", dynamics_starts.STEP / 2)
    data_sets = draws(3, points=8, radius=0.15, seed=0)
    finer = survey(data_sets, FRACTIONS, steps=800, seed=0)
    for coarse, fine in zip(found.rows, finer.rows, strict=True):
        assert fine["spread_rate"] == pytest.approx(coarse["spread_rate"], rel=0.05, abs=0.01)


def test_the_same_seeds_give_the_same_rows(found):
    again = survey(draws(3, points=8, radius=0.15, seed=0), FRACTIONS, steps=400, seed=0)
    for one, other in zip(found.rows, again.rows, strict=True):
        np.testing.assert_array_equal(list(one.values()), list(other.values()))


def test_progress_is_told_before_each_seed():
    told = []
    data_sets = draws(2, points=5, radius=0.15, seed=7)
    survey(data_sets, FRACTIONS, steps=5, seed=7, progress=told.append)
    assert told == [
        "starting points of seed 7",
        "starting points of seed 8",
        "seed 7",
        "seed 8",
    ]


# What was finished before


def assert_same(one, other):
    for a, b in zip(one.rows, other.rows, strict=True):
        assert {k: np.float64(v).tobytes() for k, v in a.items()} == {
            k: np.float64(v).tobytes() for k, v in b.items()
        }
    assert one.verdicts == other.verdicts


@pytest.mark.parametrize("stop", ["starting points of seed 1", "seed 0", "seed 2"])
def test_a_survey_that_was_stopped_goes_on_to_the_same_numbers(found, tmp_path, stop):
    def power_cut(text):
        if text == stop:
            raise KeyboardInterrupt

    data_sets = draws(3, points=8, radius=0.15, seed=0)
    for progress in (power_cut, None):
        with Pieces.open(tmp_path / "p", {}) as pieces:
            before = len(pieces)
            try:
                options = {"pieces": pieces, "progress": progress}
                again = survey(data_sets, FRACTIONS, steps=400, seed=0, **options)
            except KeyboardInterrupt:
                continue
    assert 0 < before < 6
    assert_same(found, again)


def test_what_is_there_is_not_worked_out_again(found, monkeypatch):
    data_sets, pieces = draws(3, points=8, radius=0.15, seed=0), {}
    survey(data_sets, FRACTIONS, steps=400, seed=0, pieces=pieces)
    assert set(pieces) == {f"{what} {s}" for what in ("start", "seed") for s in range(3)}
    for name in ("start", "train_ensemble"):
        monkeypatch.setattr(f"training.experiments.dynamics.{name}", None)
    told = []
    again = survey(data_sets, FRACTIONS, steps=400, seed=0, pieces=pieces, progress=told.append)
    assert_same(found, again)
    assert told == []


# Films


def test_a_film_is_of_the_run_that_was_measured(found):
    frames = reel_of(found.starts[1], 1, time=found.time)
    assert isinstance(frames[0], Frame) and frames[0].network == found.starts[1].networks[1]
    assert frames[-1].step == found.histories[1].steps[-1]
    assert frames[-1].loss == pytest.approx(found.histories[1].losses[-1, 1], rel=1e-9)
    assert len(frames) == 200


# Verdicts


def test_each_quantity_has_a_verdict_that_its_numbers_give(found):
    assert set(found.verdicts) == set(found.dependence) == set(QUANTITIES)
    rates = np.reshape([row["spread_rate"] for row in found.rows], (3, 2))
    slopes = (rates[:, 1] - rates[:, 0]) / 0.5
    np.testing.assert_allclose(found.dependence["spread"].slopes, slopes)
    halves = [[row["early_rate"], row["late_rate"]] for row in found.rows]
    change = np.diff(np.reshape(halves, (3, 2, 2)).mean(axis=1), axis=1)[:, 0]
    np.testing.assert_allclose(found.dependence["along"].slopes, change)
    np.testing.assert_allclose(np.diff(found.halves, axis=1)[:, 0], change)


def test_two_seeds_decide_nothing():
    few = survey(draws(2, points=5, radius=0.15, seed=0), FRACTIONS, steps=50, seed=0)
    assert {verdict.verdict for verdict in few.verdicts.values()} == {
        "not decided by this evidence"
    }


# Bad input


@pytest.mark.parametrize(
    "fractions",
    [
        [0.5],
        [0.0, 0.5],
        [0.5, 1.0],
        [0.5, 0.5],
        [],
        [np.nan, 0.5],
        0.5,
        ["a", 0.5],
        np.linspace(0.01, 0.99, 41),
    ],
)
def test_wrong_fractions_are_refused(fractions):
    with pytest.raises(ValueError, match="fractions must be two different numbers"):
        survey(draws(2, points=5, radius=0.15, seed=0), fractions, steps=5, seed=0)


def test_classes_that_cannot_be_collapsed_are_refused():
    iris = datasets.iris()
    parts = [part_of(iris, np.random.default_rng(s)) for s in range(2)]
    with pytest.raises(ValueError, match="could be separated"):
        survey(parts, FRACTIONS, steps=5, seed=0)


def test_copies_are_no_repetitions():
    (data,) = draws(1, points=5, radius=0.15, seed=0)
    with pytest.raises(ValueError, match=r"data_sets must differ, .* got 1 different among 3"):
        survey([data] * 3, FRACTIONS, steps=10**15, seed=0)


def test_one_data_set_is_refused_before_any_work():
    with pytest.raises(ValueError, match="data_sets must be 2 or more, for an interval"):
        survey(draws(1, points=5, radius=0.15, seed=0), FRACTIONS, steps=10**15, seed=0)


# Pieces that were changed


@pytest.fixture(scope="module")
def kept():
    """A function that resumes a survey, and its pieces."""
    data_sets = draws(2, points=5, radius=0.15, seed=7)
    with Pieces.open(None, {}) as pieces:

        def resume():
            return survey(data_sets, (0.2, 0.8), steps=5, seed=7, pieces=pieces)

        resume()
        yield resume, pieces


@pytest.mark.parametrize("name", ["start 0", "start 1", "seed 1"])
def test_a_piece_of_another_form_is_told(kept, name):
    resume, pieces = kept
    before = [row["loss_end"] for row in resume().rows]
    assert refuses_all(pieces, name, resume) > 15
    assert [row["loss_end"] for row in resume().rows] == before


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("start 0", "layer", 7),
        ("start 0", "layer", -1),
        ("start 0", "q", 3),
        ("start 0", "rate", 0.0),
        ("start 0", "rate", float("nan")),
        ("start 0", "networks", []),
        ("start 0", "networks", [[[np.eye(2)], [np.zeros(2)]]] * 2),
        ("start 0", "networks", [[[np.eye(3)], [np.full(3, np.inf)]]] * 2),
        ("start 0", "networks", [[[np.eye(3)], [np.zeros(2)]]] * 2),
        ("seed 0", "widths", [3, 3]),
        ("seed 0", "steps", np.arange(2)),
        ("seed 0", "losses", np.zeros((0, 2))),
    ],
)
def test_what_it_cannot_be_is_told(kept, name, key, value):
    resume, pieces = kept
    right = pieces[name]
    replace(pieces, name, right | {key: value})
    with pytest.raises(ValueError, match=f"the piece {name} in it is damaged: "):
        resume()
    replace(pieces, name, right)
