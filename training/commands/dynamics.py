"""`geomcore dynamics`: does truncation speed up with the number of truncated points?"""

from typing import Annotated

import numpy as np
import typer

from training.commands.options import (
    CORES,
    MOST_POINTS,
    MOST_STEPS,
    Force,
    Jobs,
    Out,
    Quiet,
    Seed,
    noted,
    reads_table,
)

MOST_SEEDS = 1000
POINTS, RADIUS = 50, 0.15  # of the balls that are drawn where no data are given
# The columns for which a terminal has room.
ON_SCREEN = ("truncated", "rate", "of the seeds", "R²", "first half", "second half", "base point")


@reads_table
def dynamics(
    data: Annotated[
        str | None,
        typer.Argument(
            help="As for construct; default: new balls around unit vectors for each seed."
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            max=MOST_SEEDS,
            help="Repetitions: new balls, or four fifths of each class of DATA.",
        ),
    ] = 10,
    fractions: Annotated[
        str, typer.Option(help="Of one class, truncated at the start, with commas between.")
    ] = "0.1,0.3,0.5,0.7,0.9",
    others: Annotated[
        float, typer.Option(min=0, max=1, help="Fraction of every other class.")
    ] = 1.0,
    follow: Annotated[
        str | None, typer.Option(help="Label of the class. Default the first one.")
    ] = None,
    points: Annotated[int, typer.Option(min=2, max=MOST_POINTS, help="Points per ball.")] = POINTS,
    radius: Annotated[float, typer.Option(help="Of the balls.")] = RADIUS,
    table=None,
    steps: Annotated[
        int, typer.Option(min=1, max=MOST_STEPS, help="Of the seed with the smallest steps.")
    ] = 60000,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Truncate one class in part, train, and fit how fast it shrinks: claim E5, over seeds."""
    given = noted(locals())
    from training.experiments import plot_dynamics
    from training.experiments.dynamics import survey
    from training.experiments.dynamics_tables import course, in_words, models, verdict_rows
    from training.output.page import render
    from training.output.start import started

    parts = _fractions(fractions)
    data_sets = _data_sets(data, seeds, points, radius, table, seed)
    label = None if follow is None else _label(data_sets[0], follow)
    about = data_sets[0].name if data is not None else ""
    with started("dynamics", given, about=about) as (run, screen):
        with run.timed("runs"), screen.compiling(), screen.progress(seeds) as step:
            found = survey(
                data_sets,
                parts,
                label=label,
                others=others,
                steps=steps,
                seed=seed,
                progress=step,
            )
        with run.timed("figures"):
            figures = run.figures("dynamics", plot_dynamics.figures(found))
        run.table("runs", found.rows)
        run.table("course", course(found))
        run.table("verdicts", verdict_rows(found))
        shown, sides = in_words(found), models(found)
        content = {
            "data": data_sets[0].summary(),
            "label": found.label,
            "verdicts": verdict_rows(found),
            "rows": shown,
            "models": sides,
            "figures": figures,
        }
        run.text("index.html", render("commands/dynamics.html", run.record, **content))
        run.publish()
        screen.print(data_sets[0].summary())
        screen.table([{name: row[name] for name in ON_SCREEN} for row in shown])
        screen.table(sides)
        for row in verdict_rows(found):
            screen.print(f"\n{row['quantity']}: {row['verdict']}. {row['reason']}")
    screen.print(f"\nrun folder: {run.path}")
    return 0


def _fractions(text):
    """The numbers in the option `--fractions`."""
    try:
        parts = sorted({float(part) for part in text.split(",")})
    except ValueError:
        parts = []
    if len(parts) < 2 or not all(0 < part < 1 for part in parts):
        raise ValueError(
            "--fractions must be two different numbers or more between 0 and 1 with commas "
            f"between, got {text!r}"
        )
    return parts


def _data_sets(source, seeds, points, radius, table, seed):
    """A data set for each seed: new draws, or of one that is read a part of each class."""
    from geomcore.datasets.table_error import Option
    from training.commands.data import flag, load_data
    from training.commands.options import DRAWN
    from training.experiments.dynamics import draws, part_of

    if source is not None:
        for name, value, default in (("points", points, POINTS), ("radius", radius, RADIUS)):
            if value != default:
                raise ValueError(f"--{name} goes with balls, not with DATA")
    if source in DRAWN:
        return [load_data(source, seed=seed + s, **table) for s in range(seeds)]
    if source is not None:
        whole = load_data(source, seed=seed, **table)
        return [part_of(whole, np.random.default_rng([seed, s])) for s in range(seeds)]
    for name, value in table.items():
        if value not in (None, []):
            raise ValueError(f"{flag(Option(name))} goes with a CSV file as DATA")
    return draws(seeds, points=points, radius=radius, seed=seed)


def _label(data, text):
    """The label of a class that is written as `text`."""
    from geomcore.arrays import as_labels

    labels = as_labels(data.y, len(data.X)).classes.tolist()
    for label in labels:
        if str(label) == text:
            return label
    names = [str(label) for label in labels[:20]]
    raise ValueError(f"--follow must be one of {names}, got {text!r}")
