"""`geomcore census`: where training ends, over many random starts."""

from contextlib import nullcontext
from typing import Annotated

import typer

from training.commands.arguments.options import (
    CORES,
    MOST_JOBS,
    MOST_STEPS,
    MOST_TRIALS,
    Force,
    Loss,
    Out,
    Quiet,
    Seed,
    Targets,
    WeightDecay,
    noted,
    reads_table,
)
from training.commands.arguments.resumed import Resume, resumes

SHOWN = 60  # rows of a table on the page; all are in end_points.csv
ON_SCREEN = 12  # and on a terminal
# The columns for which a terminal has room.
COLUMNS = ("loss", "runs", "networks", "kind", "proof", "kinks", "flat")


@resumes
@reads_table
def census(
    data: Annotated[
        list[str] | None, typer.Argument(help="One or several, each as for construct.")
    ] = None,
    widths: Annotated[
        list[str] | None,
        typer.Option(
            help="Inputs, hidden layers, outputs, as 4,5,3. May be repeated; each is used for the "
            "data that it fits."
        ),
    ] = None,
    targets: Targets = None,
    table=None,
    runs: Annotated[
        int, typer.Option(min=1, max=MOST_TRIALS, help="Random starts of each shape.")
    ] = 200,
    loss: Loss = "mse",
    weight_decay: WeightDecay = 0.0,
    steps: Annotated[int, typer.Option(min=0, max=MOST_STEPS, help="Of Adam.")] = 20000,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 0.01,
    seconds: Annotated[
        float, typer.Option(help="Time after which no more is tried to settle a network.")
    ] = 300.0,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    resume: Resume = False,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            max=MOST_JOBS,
            help="Threads that train; processes that settle and verify.",
        ),
    ] = CORES,
    quiet: Quiet = False,
):
    """Train from many random starts, and prove where each ends."""
    given = noted(locals())

    if not data:
        raise ValueError("DATA is missing, see geomcore census --help")
    shapes = _shapes(widths)
    data_sets = _data_sets(data, seed, targets, table)
    pairs = _pairs(data_sets, shapes)
    # Loaded after what is refused, for that takes a second.
    from training.census import plot_census
    from training.census.census import census as census_of
    from training.census.census import checked
    from training.census.points import end_points
    from training.census.tables import (
        frequent_rows,
        function_rows,
        lost_rows,
        overview_row,
        point_rows,
        run_rows,
        sentences,
        summary_row,
    )
    from training.descent.executors import processes
    from training.output.folder import stem
    from training.output.page import render
    from training.output.start import started

    options = {"loss": loss, "weight_decay": weight_decay, "rate": learning_rate}
    options["seconds"] = seconds
    for pair in pairs:
        checked(*pair, **options)
    options |= {"steps": steps, "seed": seed, "runs": runs}
    work = options | {"data": {one.name: _digest(one) for one in data_sets}}
    with started("census", given, about=data_sets[0].name) as (run, screen):
        for one in data_sets:
            screen.fold(one.summary())
        several = min(jobs, runs) > 1
        with (
            run.pieces(work, resume=resume) as pieces,
            run.timed("runs"),
            screen.compiling() as compiling,
            screen.trials(first="training", what="run") as progress,
            processes(min(jobs, runs), compiling=compiling)
            if several
            else nullcontext() as executor,
        ):
            found = []
            for one, shape in pairs:
                before, total = len(found) * runs, len(pairs) * runs

                def told(done, _, before=before, total=total):
                    progress(before + done, total)

                options |= {"jobs": jobs, "executor": executor, "pieces": pieces}
                found.append(census_of(one, shape, progress=told, **options))
        points = [end_points(one) for one in found]
        both = list(zip(found, points, strict=True))
        summaries = [summary_row(*one) for one in both]
        sections, files = [], []
        with run.timed("figures"):
            whole = _overview(run, found)
            for (one, own), row in zip(both, summaries, strict=True):
                name = stem(_name(one))
                files += _keep_networks(run, name, own)
                sections.append(
                    {
                        "name": _name(one),
                        "data": one.data.summary(),
                        "told": sentences(row),
                        "rows": function_rows(own),
                        "frequent": frequent_rows(own),
                        "lost": lost_rows(one),
                        "figures": run.figures(name, plot_census.figures(one)),
                    }
                )
        run.table("runs", [row for one in both for row in run_rows(*one)])
        ends = [row for one in both for row in point_rows(*one)]
        run.table("end_points", [row | file for row, file in zip(ends, files, strict=True)])
        run.table("summary", summaries)
        content = {
            "sections": sections,
            "overview": [overview_row(row) for row in summaries],
            "whole": whole,
            "shown": SHOWN,
            "cost": _cost(found[0]),
        }
        run.text("index.html", render("commands/experiments/census.html", run.record, **content))
        run.publish()
        for section in sections:
            screen.print(f"\n{section['name']}")
            rows = section["rows"]
            if rows:
                screen.table([{key: row[key] for key in COLUMNS} for row in rows[:ON_SCREEN]])
            if any(row["flat"].endswith("*") for row in rows[:ON_SCREEN]):
                screen.print("* rank and flat are computed in floating point, not proved")
            if len(rows) > ON_SCREEN:
                screen.print(f"and {len(rows) - ON_SCREEN} of higher loss, see end_points.csv")
            if section["lost"]:
                screen.table(section["lost"])
            for sentence in section["told"]:
                screen.fold(sentence)
    screen.print(f"\nrun folder: {run.path}")
    return 0


def _data_sets(sources, seed, targets, table):
    """The data sets, which must have different names."""
    from training.commands.arguments.data import load_data

    found = [load_data(source, seed=seed, targets=targets, **table) for source in sources]
    from training.output.folder import stem

    names = [stem(one.name) for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"DATA must have different names, got {names.count(name)} of {name}")
    return found


def _shapes(texts):
    """The widths in the options `--widths`."""
    shapes = []
    for text in texts or ():
        try:
            shape = tuple(int(part) for part in text.split(","))
        except ValueError:
            shape = ()
        if len(shape) < 2 or min(shape) < 1:
            raise ValueError(
                "--widths must be two positive whole numbers or more with commas between, as "
                f"4,5,3, got {text!r}"
            )
        shapes.append(shape)
    if not shapes:
        raise ValueError("--widths is missing: inputs, hidden layers, outputs, as --widths 4,5,3")
    return list(dict.fromkeys(shapes))


def _pairs(data_sets, shapes):
    """Each data set with the shapes that fit it; each must have one, and each shape a data set."""
    from geomcore.arrays import as_labels

    ends = []
    for one in data_sets:
        labels = as_labels(one.y, len(one.X), targets=one.targets)
        ends.append((one.X.shape[1], labels.targets.shape[1]))
    for one, (d, k) in zip(data_sets, ends, strict=True):
        if not any((shape[0], shape[-1]) == (d, k) for shape in shapes):
            shown = ",".join(map(str, shapes[0]))
            raise ValueError(
                f"--widths must begin with {d} and end with {k} for {one.name}, got {shown}"
            )
    for shape in shapes:
        if (shape[0], shape[-1]) not in ends:
            shown = ",".join(map(str, shape))
            raise ValueError(f"--widths {shown} fits none of the data, of {ends[0][0]} features")
    return [
        (one, shape)
        for one, end in zip(data_sets, ends, strict=True)
        for shape in shapes
        if (shape[0], shape[-1]) == end
    ]


def _digest(data):
    """Of points and targets, so that a run goes on with the data it was begun with."""
    from constructions.proof.certificate import data_digest
    from geomcore.arrays import as_labels, as_points

    return data_digest(as_points(data.X), as_labels(data.y, len(data.X), targets=data.targets))


def _name(found):
    from training.census.tables import shape

    return f"{found.data.name} {shape(found)}"


def _overview(run, found):
    """The figure of several censuses."""
    from training.census import plot_census as plot

    if len(found) == 1:
        return []
    drawn = plot.figure_of_shapes(found), plot.OVERVIEW, plot.losses_in_words(found)
    return run.figures("all", [("losses", *drawn)])


def _keep_networks(run, name, points):
    """Write the best network of each end point, with its certificate; return their names."""
    files = []
    for point in points:
        stem = f"{name}-end-{point.number:03d}"
        run.network(stem, point.best.network)
        run.text(f"{stem}.certificate.json", point.best.certificate)
        files.append({"network": f"{stem}.npz", "certificate": f"{stem}.certificate.json"})
    return files


def _cost(found):
    """The loss in words."""
    import numpy as np

    from constructions.verdicts import cost

    labels = found.question.labels
    is_one_hot = np.array_equal(labels.targets, np.eye(len(labels.targets)))
    return cost(found.question.loss, is_one_hot, found.question.weight_decay)
