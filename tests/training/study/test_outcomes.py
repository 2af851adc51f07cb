"""What became of a trial: never left, returned, still falling, stuck, diverged."""

import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.network import ReLUNetwork
from training.descent.optimizers import SGD
from training.descent.stopping import BUDGET, DIVERGED, LossBelow
from training.study.outcomes import FAR, OUTCOMES, late_losses, outcomes, tally, undecided
from training.study.result import load_study
from training.study.study import PerturbationStudy, perturbation_study

NET, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[-1.0], [1.0]])
LOSSES = st.sampled_from([0.0, 1e-9, 0.005, 0.01, 0.5, 0.99, 1.0, 9.0, 11.0, 1e30, np.inf])


def outcome(
    initial, late, final, *, loss=0.0, steps=100, constant=1.0, relaxation=10.0, why=BUDGET
):
    columns = {
        "initial_loss": np.array([initial], float),
        "late_loss": np.array([late], float),
        "final_loss": np.array([final], float),
        "steps": np.array([steps]),
        "stop_reason": np.array([why]),
    }
    given_values = {"loss": loss, "tolerance": 0.01, "constant": constant, "relaxation": relaxation}
    arrays = {name: np.array([value], float) for name, value in given_values.items()}
    return outcomes(columns, **arrays)[0]


def study(path=None, **changes):
    arguments = {"scales": [0.001, 0.1, 1.0], "trials": 4, "steps": 20, "seed": 0}
    return PerturbationStudy(path, NET, X, X, **{**arguments, **changes})


# The tables that schema 3 has changed, as they were.
BEFORE = {
    "reference": """CREATE TABLE reference (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, loss REAL NOT NULL,
    tolerance REAL NOT NULL, learning_rate REAL, norm_per_scale REAL NOT NULL,
    certified_radius REAL
)""",
    "trial": """CREATE TABLE trial (
    reference INTEGER NOT NULL REFERENCES reference, scale INTEGER NOT NULL,
    trial INTEGER NOT NULL, initial_loss REAL NOT NULL, final_loss REAL NOT NULL,
    steps INTEGER NOT NULL, stop_reason TEXT NOT NULL, accuracy REAL NOT NULL,
    distance REAL NOT NULL, pattern_returned INTEGER NOT NULL, parameters BLOB,
    PRIMARY KEY (reference, scale, trial)
) WITHOUT ROWID""",
}


def made_older(path, schema):
    """Make a file of today one of an earlier schema."""
    with sqlite3.connect(path) as connection:
        for table, statement in BEFORE.items():
            connection.execute(f"ALTER TABLE {table} RENAME TO later")
            connection.execute(statement)
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            listed = ", ".join(names)
            connection.execute(f"INSERT INTO {table} SELECT {listed} FROM later")
            connection.execute("DROP TABLE later")
        connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()


# By hand


@pytest.mark.parametrize(
    ("losses", "word"),
    [
        ((0.005, 0.005, 0.005), "stayed"),
        ((0.01, 0.5, 0.01), "stayed"),
        ((0.5, 0.02, 0.005), "returned"),
        ((0.5, 0.2, 0.1), "falling"),
        ((0.5, 0.1, 0.1), "stuck"),
        ((0.5, 0.1, 0.2), "stuck"),
        # It was within the tolerance, and training took it away.
        ((0.005, 0.02, 0.02), "stuck"),
        ((0.5, 5.0, 10.0), "stuck"),
        ((0.5, 5.0, 10.1), "diverged"),
        ((3.0, 5.0, 29.0), "stuck"),
        ((3.0, 5.0, 7.6e40), "diverged"),
        ((0.005, np.inf, np.inf), "diverged"),
        ((np.inf, np.inf, 3.0), "falling"),
        ((0.5, np.nan, 0.1), "not returned"),
        ((0.5, np.nan, 7.6e40), "diverged"),
    ],
)
def test_every_trial_gets_the_word_for_it(losses, word):
    assert outcome(*losses) == word


def test_a_percent_of_what_is_left_in_the_last_tenth_is_falling_and_less_is_stuck():
    assert outcome(8, 1.01 + 1e-9, 1.0) == "falling"
    assert outcome(8, 1.01 - 1e-9, 1.0) == "stuck"
    # Measured from the loss of the reference, not from zero.
    assert outcome(8, 1.006, 1.0, loss=0.5) == "falling"


def test_a_budget_shorter_than_a_relaxation_asks_for_less():
    # 120 steps of 1e8 that the slowest direction needs: nothing can have fallen by a percent.
    assert outcome(8, 1.0 + 1e-7, 1.0, steps=120, relaxation=1e8) == "falling"
    assert outcome(8, 1.0 + 1e-7, 1.0, steps=120, relaxation=100) == "stuck"
    assert outcome(8, 1.0 + 1e-7, 1.0, steps=120, relaxation=np.nan) == "stuck"
    # Where the gradient vanishes nothing falls however long it takes.
    assert outcome(8, 1.0, 1.0, steps=120, relaxation=1e8) == "stuck"
    assert outcome(8, 8.0, 8.0, steps=0) == "falling"


def test_what_the_best_constant_output_costs_bounds_nothing_where_it_is_not_known():
    assert outcome(0.02, 0.1, 0.3, constant=np.nan) == "diverged"
    assert outcome(0.02, 0.1, 0.3, constant=1.0) == "stuck"


def test_a_study_of_too_large_a_rate_counts_what_grew_as_diverged():
    # Every step multiplies the loss by 36: at the end it is a number, and a huge one.
    result = study(optimizer=SGD(3.5), steps=10).run()
    assert np.isfinite(result.columns["final_loss"]).all()
    assert set(result.outcome[result.columns["scale"] >= 0.1]) == {"diverged"}
    assert result.frame("scale")["diverged"].tolist()[1:] == [4, 4]
    assert result.frame("scale")["limited"].all()


def test_a_study_says_who_never_left():
    frame = study().run().frame("scale")
    assert frame["stayed"].tolist() == [4, 0, 0]
    assert frame["left"].tolist() == [0, 4, 4]
    assert frame["returned"].tolist() == [0, 4, 4]
    assert frame["untrained"].tolist() == [1, 0, 0]
    assert np.isnan(frame["fraction"][0]) and np.isnan(frame["low"][0])
    assert frame["fraction"].tolist()[1:] == [1, 1]


def test_a_tiny_rate_decides_itself_and_gives_no_radius():
    result = study(optimizer=SGD(1e-7), scales=[0.1, 1.0]).run()
    assert set(result.outcome) == {"falling"}
    assert result.frame("scale")["limited"].tolist() == [True, True]
    basin = result.basins().iloc[0]
    assert np.isnan(basin.radius) and np.isnan(basin.norm)
    assert basin.reason == "most fall at λ = 0.1, more steps would tell"
    assert np.isnan(basin.kept)


def test_where_nothing_left_there_is_no_radius():
    basin = study(scales=[1e-4, 1e-3]).run().basins().iloc[0]
    assert np.isnan(basin.radius) and basin.kept == np.inf
    assert basin.reason == "no trial left its reference at the scales tried"


def test_dead_networks_are_stuck_and_their_radius_is_that_of_the_landscape():
    # Far pushes of the hidden bias kill the unit: its gradient is zero from then on.
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    points = [[1.0], [2.0]]
    options = {"trials": 30, "steps": 2000, "seed": 0, "tensors": ["b1"]}
    result = perturbation_study(net, points, points, scales=[0.1, 0.5, 5.0, 50.0], **options)
    frame = result.frame("scale")
    assert frame["stuck"].iloc[-1] > 5 and not frame["limited"].iloc[-1]
    assert frame["returned"].iloc[0] == frame["left"].iloc[0]


def test_what_is_below_its_reference_has_left_for_good():
    columns = {"initial_loss": np.array([2.0]), "final_loss": np.array([0.5])}
    words = np.array(["falling"])
    assert not undecided(columns, words, np.array([True]))[0]
    assert undecided(columns, words, np.array([False]))[0]


def test_a_trial_that_neither_rose_nor_falls_tells_of_the_landscape():
    words = np.array(["stuck"] * 2, dtype=object)
    columns = {"initial_loss": np.array([2.0, 2.0]), "final_loss": np.array([2.0, 2.5])}
    assert undecided(columns, words, np.zeros(2, bool)).tolist() == [False, True]


# Laws


@given(st.integers(1, 40), st.integers(1, 7), st.integers(0, 2**31))
def test_the_late_loss_is_the_last_one_within_nine_tenths(steps, every, seed):
    rng = np.random.default_rng(seed)
    recorded = np.array([s for s in range(steps + 1) if s % every == 0 or s == steps])
    losses, taken = rng.random((len(recorded), 3)), rng.integers(0, steps + 1, 3)
    for t, found in enumerate(late_losses(losses, recorded, taken)):
        rows = [r for r, step in enumerate(recorded) if 10 * step <= 9 * taken[t]]
        assert found == losses[rows[-1], t]


@given(st.lists(st.tuples(LOSSES, LOSSES, LOSSES), min_size=1, max_size=20))
def test_the_words_cover_all_trials_and_those_that_left_add_up(rows):
    words = np.array([outcome(*row) for row in rows], dtype=object)
    found = tally(words, np.zeros(len(words), bool))
    assert set(words) <= set(OUTCOMES)
    assert found["stayed"] + found["left"] == len(words)
    assert found["left"] == sum(found[name] for name in OUTCOMES[1:])
    for (initial, _, final), word in zip(rows, words, strict=True):
        assert (word == "stayed") == (initial <= 0.01 and final <= 0.01)
        assert (word in ("stayed", "returned")) == (final <= 0.01)
        if word not in ("stayed", "returned"):
            assert (word == "diverged") == (not final <= FAR * max(initial, 1.0) or final == np.inf)


def test_a_trial_that_stops_early_is_judged_by_its_own_last_tenth():
    long = study(steps=10**3, stop=LossBelow(0.05), scales=[1.0], optimizer=SGD(0.01)).run()
    assert set(long.columns["stop_reason"]) == {"loss threshold"}
    # The rule stopped them while they fell.
    assert set(long.outcome) == {"falling"}


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("batch_size", [None, 1])
def test_outcomes_do_not_depend_on_who_runs_beside(engine, batch_size, monkeypatch):
    options = {"engine": engine, "batch_size": batch_size, "steps": 30}
    whole = study(**options).run()
    monkeypatch.setattr("training.study.trials.LONGEST", 1)
    parts = study(**options).run(jobs=2)
    np.testing.assert_array_equal(whole.columns["late_loss"], parts.columns["late_loss"])
    assert whole.outcome.tolist() == parts.outcome.tolist()


# Files of schema 1 and 2


@pytest.mark.parametrize("schema", [1, 2])
def test_an_older_file_says_what_can_be_told(tmp_path, schema):
    path = tmp_path / "s"
    study(path, steps=3).run()
    today = load_study(path)
    made_older(path, schema)
    found = load_study(path)
    same = np.isin(today.outcome, ["stayed", "returned"])
    assert found.outcome[same].tolist() == today.outcome[same].tolist()
    assert set(found.outcome[~same]) == {"not returned"}
    frame = found.frame("scale")
    assert (frame["stayed"] + frame["left"] == frame["trials"]).all()
    assert "an older file does not tell" in found.basins()["reason"][0]
    assert "not back" in found.summary()


def test_a_file_of_schema_2_goes_on_to_the_rows_it_would_have_had(tmp_path):
    path = tmp_path / "s"

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("training.study.trials.LONGEST", 1)
        study(path).run(progress=stop)
    made_older(path, 2)
    assert 0 < len(load_study(path).frame()) < 12
    found, whole = study(path).run().columns, study().run().columns
    for name in set(whole) - {"late_loss"}:
        np.testing.assert_array_equal(found[name], whole[name])


@pytest.mark.parametrize("why", [BUDGET, DIVERGED])
def test_a_reason_to_stop_is_not_the_outcome_unless_it_is_divergence(why):
    assert (outcome(0.5, 0.2, 0.1, why=why) == "diverged") == (why == DIVERGED)
