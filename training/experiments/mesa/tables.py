"""What a mesa experiment found, as tables: those of the sources, and those that compare models."""

from typing import NamedTuple

import numpy as np

from geomcore.display.lines import told_in_brief
from geomcore.foreign.wording import counted
from training.experiments.judging.intervals import LEAST_SEEDS, mean_interval, signed_rank
from training.experiments.judging.spread import Spread, spread_of
from training.experiments.mesa.judging.columns import Columns
from training.experiments.mesa.protocol import FLIPPED, LINEAR, MODELS
from training.experiments.mesa.published import HEADS, PENALISED, PENALTIES

PLANE = 2  # the dimension of the sources
# What is compared with the plain linear head, seed by seed.
COMPARED = {
    "accuracy": "accuracy",
    "head_points_1": "head, points < 1",
    "head_area_1": "head, area < 1",
    "head_area_relative": "head, area < 0.1 of exterior",
    "logit_area_1": "logit, area < 1",
    "logit_area_relative": "logit, area < 0.1 of exterior",
}
SHOWN = {
    "accuracy": "accuracy",
    "head_points_1": "head: points < 1",
    "head_area_1": "head: area < 1",
    "head_area_relative": "head: area < 0.1 of exterior",
    "head_area_zero": "head: area 0",
    "head_overlap_relative": "head: overlap",
    "logit_area_1": "logit: area < 1",
    "logit_area_relative": "logit: area < 0.1 of exterior",
    "logit_area_zero": "logit: area 0",
    "negative_share": "negative slopes",
    "head_by_distance": "head: r with distance",
}
CORRELATIONS = ("head_by_distance",)


def name_of(model):
    """The name of a model, for people."""
    return (MODELS | {FLIPPED.key: FLIPPED})[model].name


def heads(found):
    """The table of the first source, with its numbers beside ours, as strings by column."""
    columns, rows = Columns(found.rows, PLANE), []
    for name, key, form, *published in HEADS:
        row = {"quantity": name}
        for model, number in zip(("lp", LINEAR), published, strict=True):
            what = "Lp" if model == "lp" else "Linear"
            row[f"{what}, published"] = form.format(number)
            runs = counted(_kept(columns, model), "run")
            row[f"{what}, here ({runs})"] = middle(columns, key, model, form)
        rows.append(row)
    return rows


def penalties(found, *, spread=True):
    """The table of the second source, with its numbers above ours, as strings by column.

    Parameters
    ----------
    found : Found
    spread : bool
        With the quartiles of ours.
    """
    columns, rows = Columns(found.rows, PLANE), []
    for model in found.models:
        if model in PENALISED:
            told = zip(PENALTIES, PENALISED[model], strict=True)
            numbers = {name: form.format(number) for (name, _, form), number in told}
            rows.append({"model": name_of(model), "numbers": "published", **numbers})
        numbers = {
            name: middle(columns, key, model, form, spread=spread) for name, key, form in PENALTIES
        }
        runs = counted(_kept(columns, model), "run")
        rows.append({"model": name_of(model), "numbers": f"here, {runs}", **numbers})
    return rows


def _kept(columns, model):
    """The number of runs of a model that ours are from."""
    return len(columns.trained(model)) if model in columns else 0


def middle(columns, key, model, form, *, spread=True):
    """Median over the seeds in which a model did not collapse, with quartiles if asked for.

    Of few runs what each of them gave takes the place of quartiles; one has neither.
    """
    if model not in columns:
        return "-"
    values = columns.values(key, model)[:, 0]
    if not len(values):
        return "-"
    low, half, high = np.quantile(values, [0.25, 0.5, 0.75])
    if not spread or len(values) == 1:
        return form.format(half)
    if len(values) < LEAST_SEEDS:
        return f"{form.format(half)} ({', '.join(map(form.format, values))})"
    return f"{form.format(half)} ({form.format(low)} to {form.format(high)})"


def overview(found, *, falling=False):
    """For each dimension and model how many collapsed and are kept, and means over the latter.

    Parameters
    ----------
    found : Found
    falling : bool
        Only over those that end with w3 < 0.

    Returns
    -------
    list of dict of str to str
    """
    rows = []
    for d in found.dims:
        columns = Columns(found.rows, d)
        for model in columns.models:
            seeds = columns.trained(model)
            below = [s for s in seeds if columns.row(model, s)["w3"] < 0]
            row = {"d": str(d), "model": name_of(model)}
            row["collapsed"] = f"{columns.collapsed(model)} of {len(columns.seeds)}"
            row["kept"], row["w3 < 0"] = str(len(seeds)), str(len(below))
            for key, name in SHOWN.items():
                values = columns.values(key, model, seeds=below if falling else seeds)
                form = "{:.2f}" if key in CORRELATIONS else "{:.1%}"
                row[name] = form.format(values.mean()) if len(values) else "-"
            rows.append(row)
    return rows


def collapses(found):
    """How many runs collapsed, by the sign of the last scalar weight at the start, as strings."""
    rows = []
    for d in found.dims:
        columns = Columns(found.rows, d)
        for model in found.models:
            row = {"d": str(d), "model": name_of(model)}
            for sign, name in ((1, "w3 > 0 at the start"), (-1, "w3 < 0 at the start")):
                own = [columns.row(model, s) for s in columns.seeds]
                own = [r for r in own if r["w3_start"] * sign > 0]
                row[name] = f"{sum(r['collapsed'] for r in own)} of {len(own)} collapsed"
            kept = [r for r in (columns.row(model, s) for s in columns.seeds) if r["collapsed"]]
            alike = sum(abs(r["accuracy"] - r["majority"]) < 1e-12 for r in kept)
            row["of these at the majority rate"] = f"{alike} of {len(kept)}"
            rows.append(row)
    return rows


@told_in_brief
class Comparison(NamedTuple):
    """What a model has more of a quantity than the plain linear head, seed by seed.

    Attributes
    ----------
    d : int
    model, quantity : str
    spread : Spread or None
        Of the differences, None if no seed has any.
    signed_rank_p : float
    """

    d: int
    model: str
    quantity: str
    spread: Spread | None
    signed_rank_p: float


def comparisons(found):
    """Each model less the plain linear head, seed by seed: a list of `Comparison`."""
    compared = []
    for d in found.dims:
        columns = Columns(found.rows, d)
        if LINEAR not in columns:
            continue
        for model in columns.models:
            if model == LINEAR:
                continue
            for key in COMPARED:
                values = columns.differences(key, model, LINEAR)
                spread = spread_of(values, seed=found.seed)
                compared.append(Comparison(d, model, key, spread, signed_rank(values)))
    return compared


def comparison_rows(compared):
    """`comparisons` as numbers: means, intervals, numbers of pairs, p of signed ranks."""
    nothing = mean_interval([])
    rows = []
    for d, model, quantity, spread, p in compared:
        interval = nothing if spread is None else spread.interval
        rows.append(
            {"d": d, "model": model, "quantity": quantity, "difference": interval.value}
            | {"low": interval.low, "high": interval.high, "pairs": interval.pairs}
            | {"signed_rank_p": p}
        )
    return rows


def comparison_words(compared):
    """`comparisons` as strings by column, a row for each dimension and model.

    Pairs are told as the fewest and the most of the quantities, which have not all the same: there
    is no part of the exterior's slope where that is 0.
    """
    told, pairs = {}, {}
    for d, model, quantity, spread, p in compared:
        place = told.setdefault((d, model), {})
        pairs.setdefault((d, model), set()).add(0 if spread is None else len(spread.values))
        few, most = (end(pairs[d, model]) for end in (min, max))
        place["d"], place["model"] = str(d), name_of(model)
        place["pairs"] = str(few) if few == most else f"{few} to {most}"
        text = "-" if spread is None else spread.times(100).told("{:+.1f}")
        place[COMPARED[quantity]] = f"{text} *" if p < 0.05 else text
    return list(told.values())


def verdict_words(verdicts):
    """The verdicts as strings by column."""
    names = ("claim", "d", "verdict", "about")
    return [{name: str(row[name]) for name in names} for row in verdicts]


def reading_words(readings):
    """The readings as strings by column."""
    return [
        {
            "claim": row["claim"],
            "d": str(row["d"]),
            "reading": row["name"],
            "of": "source" if row["is_source"] else "ours",
            "answer": row["answer"],
            "numbers": row["told"],
        }
        for row in readings
    ]
