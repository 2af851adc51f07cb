"""All seeds of the sparse coding experiment: pieces of work, done in any order."""

import warnings
from typing import NamedTuple

import numpy as np

from geomcore.display.lines import told_in_brief
from geomcore.threads import single_threaded_blas
from training.descent.executors import as_finished
from training.descent.optimizers import Adam
from training.experiments.sparse.baselines import LEARNED, TOP, dictionary_learning, top_k
from training.experiments.sparse.measured import gabor_measures, measures_of, null_of
from training.experiments.sparse.measures import coherence, recovery_null, recovery_of_points
from training.experiments.sparse.protocol import (
    BATCH,
    BIASES,
    DATA,
    LOOP,
    LOOPS,
    PATCHES,
    PENALTIES,
    PIXELS,
    RATE,
    SYNTHETIC,
    TREATMENTS,
    Size,
    stream,
    task_of,
)
from training.experiments.sparse.speed import add_speed
from training.output.pieces import spoilt
from training.sparse.trainer import train_sparse

LEARNED_LOOP = "learned"
# The step size of the loop: half of what is stable at the start, or of what is stable at each step.
FIXED, FOLLOW = "fixed", "follow"
DRAWS = 20  # dictionaries per seed of which nothing is learned, of either kind
DIRECTIONS, POINTS = "random directions", "data points"
COURSES = ("steps", "active", "reconstruction", "dead", "norm", "sum")
# The columns of tables that are no numbers.
WORDS = ("name", "treatment", "interaction", "decoder_bias", "gamma", "method", "columns")


class Run(NamedTuple):
    """One autoencoder of the grid."""

    treatment: str
    penalty: float
    loop: int
    interaction: str = "dictionary"
    decoder_bias: str = "mean"
    gamma: str = FIXED

    @property
    def name(self):
        kind = "" if self.interaction == "dictionary" else f" {self.interaction}"
        kind += "" if self.gamma == FIXED else f" {self.gamma}"
        bias = "" if self.decoder_bias == "mean" else f", bias {self.decoder_bias}"
        return f"{self.treatment}, penalty {self.penalty:g}, loop {self.loop}{kind}{bias}"


@told_in_brief
class Found(NamedTuple):
    """What was found; see `survey`.

    Attributes
    ----------
    size : Size
    seeds, seed : int
        How many, and the first one.
    rows : list of dict
        One per data, seed and autoencoder; `training.experiments.sparse.measured` says of what.
    baselines : list of dict
        The same of what others do, on patches.
    courses : dict of (str, int, str) to dict of str to ndarray
        By data, seed and name of the run, what was recorded while training: `COURSES`.
    dictionaries : dict of (str, str) to (ndarray, ndarray)
        Encoder (m, d) and dictionary (d, m) of the first seed by data and name of the run; of
        baselines the dictionary, twice.
    nulls : dict of str to ndarray
        Qualities of Gabor fits of fields that are none, over all seeds.
    chance : list of dict
        Recovery scores of dictionaries of which nothing is learned: ``seed``, ``columns`` (what
        they are, `DIRECTIONS` or `POINTS`), ``recovered``, ``found``.
    """

    size: Size
    seeds: int
    seed: int
    rows: list
    baselines: list
    courses: dict
    dictionaries: dict
    nulls: dict
    chance: list


def grid_of(data):
    """The runs of one kind of data.

    Returns
    -------
    list of Run
    """
    if data == PIXELS:
        return [
            Run("columns", penalty, 0, decoder_bias=bias)
            for penalty in PENALTIES
            for bias in BIASES
        ]
    runs = [Run("free", 0.0, loop) for loop in LOOPS]
    runs += [Run(t, penalty, loop) for t in TREATMENTS for penalty in PENALTIES for loop in LOOPS]
    runs += [Run("free", penalty, LOOP, LEARNED_LOOP) for penalty in PENALTIES]
    return runs + [Run("free", penalty, LOOP, gamma=FOLLOW) for penalty in PENALTIES]


def count_of(data):
    """Networks and dictionaries of a piece, for progress."""
    return len(grid_of(data)) + (2 * len(PENALTIES) if data == PATCHES else 0)


def survey(size, *, seeds, seed, images="sklearn", executor=None, pieces=None, progress=None):
    """Train and measure all autoencoders.

    Parameters
    ----------
    size : Size
    seeds, seed : int
        How many, and the first one; each has data, initial numbers and shuffles of its own, which
        all its autoencoders share.
    images : "sklearn" or str, optional
        As for `geomcore.datasets.patches`.
    executor, pieces, progress : optional
        As for `training.experiments.mesa.survey.survey`.

    Returns
    -------
    Found
        The same to the last bit whatever the executor and the pieces done before.

    Raises
    ------
    ValueError
        If a piece is not as it was written, or the images hold too few patches.
    """
    pieces = {} if pieces is None else pieces
    places = [(data, s) for s in range(seed, seed + seeds) for data in (*DATA, PIXELS)]
    names = {place: f"{place[0]} seed {place[1]}" for place in places}
    missing = [place for place in places if names[place] not in pieces]
    total = sum(count_of(data) for data, _ in places)
    done = total - sum(count_of(data) for data, _ in missing)
    if progress is not None:
        progress(done, total)
    work = [(data, s, tuple(size), images, s == seed) for data, s in missing]
    come = map(piece_of, work) if executor is None else as_finished(piece_of, work, executor)
    for place, piece in come:
        pieces[names[tuple(place)]] = piece
        done += count_of(place[0])
        if progress is not None:
            progress(done, total)
    return _together(size, seeds, seed, places, names, pieces)


def piece_of(one):
    """Train and measure all of one seed and kind of data: plain values and arrays."""
    data, seed, size, images, is_first = one
    size = Size(*size)
    # A product that is split over threads may differ in its last bit.
    with single_threaded_blas():
        task = task_of(data, seed, size, images)
        rng = stream(seed + 2**32, data)
        piece = {"runs": [], "baselines": [], "nulls": {}, "chance": []}
        for run in grid_of(data):
            piece["runs"].append(_trained(run, task, size, rng, is_first))
        if data == PATCHES:
            piece["nulls"] = null_of(task, rng)
            piece["baselines"] = _baselines(task, size, piece["runs"], is_first)
        if data == SYNTHETIC:
            draw = {"draws": DRAWS, "rng": rng}
            nulls = {
                DIRECTIONS: recovery_null(task.truth, task.units, **draw),
                POINTS: recovery_of_points(task.X, task.truth, task.units, **draw),
            }
            piece["chance"] = [
                {"columns": kind, "recovered": r.mean, "found": r.found}
                for kind, null in nulls.items()
                for r in null
            ]
    return (data, seed), piece


def _trained(run, task, size, rng, is_first):
    with warnings.catch_warnings():
        # That it diverged stands in the row.
        warnings.simplefilter("ignore", UserWarning)
        result = train_sparse(
            task.X,
            task.units,
            penalty=run.penalty,
            treatment=run.treatment,
            loop=run.loop,
            interaction=run.interaction,
            decoder_bias=run.decoder_bias,
            gamma=None if run.gamma == FIXED else run.gamma,
            steps=size.steps,
            batch_size=BATCH,
            optimizer=Adam(RATE),
            rng=task.start,
        )
    told = result.autoencoder
    row = {"name": run.name, **run._asdict(), "diverged": bool(result.diverged)}
    history = result.history
    course = (
        *(history.steps, history.active, history.reconstruction, history.dead),
        *(history.norms.mean(axis=1), history.activity),
    )
    return {
        "row": row | measures_of(told, task, rng),
        "course": dict(zip(COURSES, map(np.asarray, course), strict=True)),
        "tensors": [told.W_e.astype(np.float32), told.W_d.astype(np.float32)] if is_first else [],
    }


def _baselines(task, size, runs, is_first):
    """What others do at each penalty; a top-k autoencoder with as many units on as ours."""
    found = []
    for penalty in PENALTIES:
        ours = next(
            run["row"]
            for run in runs
            if (run["row"]["treatment"], run["row"]["penalty"], run["row"]["loop"])
            == ("columns", penalty, 0)
        )
        k = max(1, round(ours["active"] * task.units))
        made = {
            LEARNED: dictionary_learning(task, penalty, size.looked_up, task.start),
            TOP: top_k(task, k, size.steps, BATCH, RATE, task.start),
        }
        for method, (D, row) in made.items():
            row = {"method": method, "penalty": penalty, **row, "coherence": coherence(D)}
            row |= gabor_measures(D.T, task.shape, "atom")
            kept = D.astype(np.float32) if is_first else None
            found.append({"row": row, "dictionary": kept})
    return found


def _together(size, seeds, seed, places, names, pieces):
    rows, baselines, courses, dictionaries, nulls, chance = [], [], {}, {}, {}, []
    units = dict.fromkeys((PATCHES, PIXELS), size.units) | {SYNTHETIC: size.synthetic_units}
    for data, s in places:
        name = names[data, s]
        piece = pieces[name]
        try:
            check_piece(piece, data)
        except ValueError as error:
            raise spoilt(pieces, name, error) from None
        for run in piece["runs"]:
            row = {"data": data, "seed": s, **run["row"]}
            row["live"] = units[data] - row["dead"]
            rows.append(row)
            courses[data, s, row["name"]] = run["course"]
            if run["tensors"]:
                dictionaries[data, row["name"]] = tuple(run["tensors"])
        for one in piece["baselines"]:
            row = {"data": data, "seed": s, **one["row"]}
            baselines.append(row)
            if one["dictionary"] is not None:
                D = one["dictionary"]
                dictionaries[data, f"{row['method']}, penalty {row['penalty']:g}"] = (D.T, D)
        for kind, r2 in piece["nulls"].items():
            nulls[kind] = np.concatenate([nulls.get(kind, np.zeros(0)), r2])
        chance += [{"seed": s, **one} for one in piece["chance"]]
    add_speed(rows, courses)
    return Found(size, seeds, seed, rows, baselines, courses, dictionaries, nulls, chance)


def check_piece(piece, data):
    """Raise ValueError unless a piece has the parts that `piece_of` writes."""
    parts = {"runs": list, "baselines": list, "nulls": dict, "chance": list}
    if not isinstance(piece, dict) or piece.keys() != parts.keys():
        raise ValueError("its parts are missing")
    for part, kind in parts.items():
        if not isinstance(piece[part], kind):
            raise ValueError(f"{part} are no {kind.__name__}")
    expected = [run.name for run in grid_of(data)]
    told = [
        run.get("row", {}).get("name") if isinstance(run, dict) else None for run in piece["runs"]
    ]
    if told != expected:
        raise ValueError("it is of other runs")
    if not all(isinstance(one, dict) and "columns" in one for one in piece["chance"]):
        raise ValueError("its dictionaries that are not learned are of an older version")
    baselines = [one.get("row") if isinstance(one, dict) else None for one in piece["baselines"]]
    for rows in (baselines, [run["row"] for run in piece["runs"]], piece["chance"]):
        _check_rows(rows)
    drawn = [one.get("dictionary") for one in piece["baselines"]]
    told = [array for array in drawn if array is not None] + [*piece["nulls"].values()]
    if not all(isinstance(array, np.ndarray) and array.dtype.kind == "f" for array in told):
        raise ValueError("what it is compared with is no array of numbers")
    for run in piece["runs"]:
        course = run.get("course")
        if not isinstance(course, dict) or tuple(course) != COURSES:
            raise ValueError(f"the course of {run['row']['name']} is missing")
        if not all(isinstance(v, np.ndarray) for v in (*course.values(), *run["tensors"])):
            raise ValueError(f"arrays of {run['row']['name']} are missing")


def _check_rows(rows):
    """Raise ValueError unless rows of a table have the same columns, of words and of numbers."""
    for row in rows:
        if not isinstance(row, dict) or row.keys() != rows[0].keys():
            raise ValueError("a row has other columns")
        for name, value in row.items():
            # A truth value is no number here.
            kinds = (str,) if name in WORDS else (bool,) if name == "diverged" else (int, float)
            if type(value) not in kinds:
                raise ValueError(f"{name} of a row is of another type")
