"""`geomcore minima`: what kind of point each state and each merge of the classes is."""

from typing import Annotated

import typer

from training.commands.arguments.options import (
    CORES,
    MOST_POINTS,
    MOST_STEPS,
    MOST_TRIALS,
    Force,
    Jobs,
    Out,
    Quiet,
    Seed,
    known_number,
    noted,
    reads_table,
)

# What is drawn where no data are given.
BALLS = {"classes": "3", "radius": 0.15, "points": 100}
LARGEST = 1e100  # a number of the data
# The columns for which a terminal has room.
ON_SCREEN = ("point", "loss", "closed form", "verdict", "gradient", "cell radius", "λ*", "descent")


@reads_table
def minima(
    data: Annotated[
        str | None, typer.Argument(help="As for construct; default: balls around unit vectors.")
    ] = None,
    classes: Annotated[str, typer.Option(help="Numbers of balls, such as 3 or 3,4,5.")] = BALLS[
        "classes"
    ],
    radius: Annotated[float, typer.Option(help="Of the balls.")] = BALLS["radius"],
    points: Annotated[int, typer.Option(min=1, max=MOST_POINTS, help="Points per ball.")] = BALLS[
        "points"
    ],
    table=None,
    steps: Annotated[
        int, typer.Option(min=0, max=MOST_STEPS, help="Steps of gradient descent.")
    ] = 5000,
    trials: Annotated[
        int, typer.Option(min=0, max=MOST_TRIALS, help="Perturbations of each point.")
    ] = 5,
    scale: Annotated[
        float,
        typer.Option(min=0, max=1e100, callback=known_number, help="Total norm of a perturbation."),
    ] = 0.001,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Find out what kind of point each state and merge is.

    A state leaves some classes as they are, a merge sends several to one point.
    """
    given = noted(locals())
    data_sets = _data_sets(data, classes, radius, points, table, seed)
    # Loaded after what is refused, for that takes a second.
    from geomcore.display.lines import folded
    from training.experiments import plot_minima
    from training.experiments.explanations import explanations
    from training.experiments.minima import contradicted, growth, in_words, points_of, survey
    from training.output.page import render
    from training.output.start import started

    with started("minima", given) as (run, screen):
        sections, rows, costs = [], [], []
        for one in data_sets:
            work = points_of(one)
            with run.timed(one.name), screen.progress(len(work)) as step:
                found = survey(
                    work, one, progress=step, steps=steps, trials=trials, scale=scale, seed=seed
                )
            rows += found.rows
            costs.append(growth(found))
            shown = [in_words(row) for row in found.rows]
            figures = run.figures(one.name.replace(" ", "-"), plot_minima.figures(found))
            about = {"name": one.name, "data": one.summary()}
            notes = explanations(found.rows)
            about |= {"notes": notes.values(), "refused": found.refused}
            sections.append(about | {"rows": shown, "figures": figures})
            screen.print(one.summary())
            screen.table([{name: row[name] for name in ON_SCREEN} for row in shown])
            screen.print()
            for column, note in notes.items():
                if column in ON_SCREEN:
                    screen.print(folded([note]))
            for row in found.refused:
                screen.print(folded([f"{row['name']}: {row['refusal']}"]))
        wrong = [row["name"] for row in contradicted(rows)]
        run.table("minima", rows)
        run.table("growth", costs)
        content = {"sections": sections, "growth": costs, "wrong": wrong}
        run.text("index.html", render("commands/minima.html", run.record, **content))
        run.publish()
        screen.table(costs)
    for name in wrong:
        screen.print(f"descent found lower loss near a certified minimum: {name}")
    screen.print(f"\nrun folder: {run.path}")
    return 1 if wrong else 0


def _data_sets(source, classes, radius, points, table, seed):
    import numpy as np

    from geomcore.datasets.table_error import Option
    from training.commands.arguments.data import flag, load_data

    data = None if source is None else load_data(source, seed=seed, **table)
    from training.experiments.minima import MOST_CLASSES, balls

    if data is not None:
        count = len(np.unique(data.y))
        if count < 2:
            raise ValueError(f"DATA must hold at least two classes, got {count}")
        if count > MOST_CLASSES:
            raise ValueError(
                f"DATA has {count} classes, the table of all states and merges "
                f"is made for at most {MOST_CLASSES}"
            )
        if (largest := np.abs(data.X).max()) > LARGEST:
            raise ValueError(
                f"DATA must have numbers up to {LARGEST:.0e} in size, of larger ones curvatures "
                f"overflow, got {largest:.3g}"
            )
        balls_alone = {"classes": classes, "radius": radius, "points": points}
        given = next((name for name, value in balls_alone.items() if value != BALLS[name]), None)
        if given is not None:
            raise ValueError(f"--{given} speaks of balls, it goes without DATA")
        return [data]
    for name, value in table.items():
        if value not in (None, []):
            raise ValueError(f"{flag(Option(name))} goes with a CSV file as DATA")
    try:
        numbers = [int(part) for part in classes.split(",")]
    except ValueError:
        numbers = []
    if not numbers or any(not 2 <= q <= MOST_CLASSES for q in numbers):
        raise ValueError(
            f"--classes must be numbers from 2 to {MOST_CLASSES} with commas between, "
            f"got {classes!r}"
        )
    return balls(numbers, points, radius=radius, seed=seed)
