"""`geomcore dynamics`: does truncation speed up with the number of truncated points?"""

from typing import Annotated

import typer

from training.commands.arguments.options import (
    CORES,
    MOST_POINTS,
    MOST_STEPS,
    Force,
    Jobs,
    Out,
    Quiet,
    Seed,
    known_number,
    noted,
    reads_table,
)
from training.commands.arguments.resumed import Resume, resumes

# An interval over seeds needs two.
LEAST_SEEDS, MOST_SEEDS = 2, 1000
POINTS, RADIUS = 50, 0.15  # of the balls that are drawn where no data are given
# The columns for which a terminal has room.
ON_SCREEN = ("truncated", "rate", "of the seeds", "R²", "first half", "second half", "base point")


@resumes
@reads_table
def dynamics(
    data: Annotated[
        str | None,
        typer.Argument(
            help="As for construct, of classes that hyperplanes cut off one after another "
            "(method sequential). Default: new balls around unit vectors for each seed."
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            min=LEAST_SEEDS,
            max=MOST_SEEDS,
            help="Repetitions: new balls, or four fifths of each class of DATA. An interval needs "
            "two, a verdict three.",
        ),
    ] = 10,
    fractions: Annotated[
        str, typer.Option(help="Of one class, truncated at the start, with commas between.")
    ] = "0.1,0.3,0.5,0.7,0.9",
    others: Annotated[
        float,
        typer.Option(min=0, max=1, callback=known_number, help="Fraction of every other class."),
    ] = 1.0,
    follow: Annotated[
        str | None, typer.Option(help="Label of the class. Default the first one.")
    ] = None,
    points: Annotated[int, typer.Option(min=2, max=MOST_POINTS, help="Points per ball.")] = POINTS,
    radius: Annotated[float, typer.Option(help="Of the balls.")] = RADIUS,
    table=None,
    standardize: Annotated[
        bool | None,
        typer.Option(
            "--standardize/--no-standardize",
            help="Subtract its mean from each column of DATA, divide it by its standard "
            "deviation. Default: if the root mean square of one is above 4.",
        ),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=1, max=MOST_STEPS, help="Of the seed with the smallest steps.")
    ] = 60000,
    film: Annotated[
        bool,
        typer.Option(
            "--film/--no-film",
            help="Film one network of the first seed: as GIF, and as MP4 if there is "
            "imageio-ffmpeg.",
        ),
    ] = True,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    resume: Resume = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Train classes truncated in part, and fit how fast they shrink.

    Over several seeds; judges claim E5 of docs/claims.md.
    """
    given = noted(locals())
    data_sets, told = _data_sets(data, seeds, points, radius, table, seed, standardize)
    # Loaded after what is refused, for that takes a second.
    from training.experiments import plot_dynamics
    from training.experiments.dynamics import survey
    from training.experiments.dynamics_starts import as_fractions, as_piece, digest_of, start
    from training.experiments.dynamics_tables import course, in_words, models, verdict_rows
    from training.output.page import render
    from training.output.start import started

    parts = as_fractions(fractions.split(","), "--fractions")
    label = None if follow is None else _label(data_sets[0], follow)
    about = data_sets[0].name if data is not None else ""
    options = {"label": label, "others": others}
    work = {"fractions": parts, **options, "steps": steps, "seeds": seeds, "seed": seed}
    work["data"] = [digest_of(one) for one in data_sets]
    with started("dynamics", given, about=about) as (run, screen):
        screen.tell(told)
        with screen.compiling(), screen.progress(2 * seeds + film) as step:
            with run.timed("runs"):
                first = None
                if not resume:
                    step(f"starting points of seed {seed}")
                    # What cannot be truncated is refused before anything is written.
                    first = start(data_sets[0], parts, **options, rng=seed)
                with run.pieces(work, resume=resume) as pieces:
                    if first is not None:
                        pieces["start 0"] = as_piece(first)
                    found = survey(
                        data_sets,
                        parts,
                        **options,
                        steps=steps,
                        seed=seed,
                        pieces=pieces,
                        progress=step,
                    )
            with run.timed("figures"):
                figures = run.figures("dynamics", plot_dynamics.figures(found))
            shots = None
            if film:
                step("film")
                with run.timed("film"):
                    shots = _film(run, found, step)
        run.table("runs", found.rows)
        run.table("course", course(found))
        run.table("verdicts", verdict_rows(found))
        shown, sides = in_words(found), models(found)
        content = {
            "data": data_sets[0].summary(),
            "standardised": told,
            "label": found.label,
            "verdicts": verdict_rows(found),
            "rows": shown,
            "models": sides,
            "figures": figures,
            "film": shots,
        }
        run.text("index.html", render("commands/experiments/dynamics.html", run.record, **content))
        run.publish()
        screen.fold(data_sets[0].summary())
        screen.table([{name: row[name] for name in ON_SCREEN} for row in shown])
        screen.table(sides)
        for row in verdict_rows(found):
            screen.fold(f"\n{row['quantity']}: {row['verdict']}. {row['reason']}")
    screen.print(f"\nrun folder: {run.path}")
    return 0


def _film(run, found, step):
    """Film the network of the first seed with the middle fraction; what the page says of it."""
    from training.dynamics.film.film import can_make_mp4, film, film_strip
    from training.experiments.dynamics import reel_of

    k, data = len(found.fractions) // 2, found.starts[0].data
    frames = reel_of(found.starts[0], k, time=found.time)
    title = f"{100 * found.fractions[k]:.3g}% of class {found.label} truncated at the start"

    def told(done, total):
        step(f"film, picture {done} of {total}", still=True)

    made = {}
    for kind in ("gif", "mp4") if can_make_mp4() else ("gif",):
        file = run.file(f"dynamics-film.{kind}")
        made[kind] = film(frames, data.X, data.y, file, title=title, progress=told)
    strip = film_strip(frames, data.X, data.y, title=title)
    about = made["gif"]
    caption = (
        f"Layer by layer, {title}: first, quarter, half and last picture of the film. Small: the "
        "truncated points before the layer; large: after it; cross: its base point. Lines are the "
        "edges of its cone where it has one, dotted those of the opposite cone, whose points "
        "it collapses."
    )
    (still,) = run.figures("dynamics", [("strip", strip, caption, about.alt)])
    return {"still": still, "about": about, "title": title, "files": sorted(made)}


def _data_sets(source, seeds, points, radius, table, seed, standardize):
    """A data set for each seed: new draws, or of one that is read a part of each class.

    Returns
    -------
    list of Dataset
    str
        What has been done to their columns; "" if nothing has.
    """
    from geomcore.datasets.table_error import Option
    from training.commands.arguments.data import flag, load_data
    from training.commands.arguments.options import DRAWN

    if source is None:
        for name, value in (*table.items(), ("standardize", standardize)):
            if value not in (None, []):
                told = "DATA" if name == "standardize" else "a CSV file as DATA"
                given = "--standardize" if name == "standardize" else flag(Option(name))
                raise ValueError(f"{given} goes with {told}")
        from training.experiments.dynamics_starts import draws

        return draws(seeds, points=points, radius=radius, seed=seed), ""
    for name, value, default in (("points", points, POINTS), ("radius", radius, RADIUS)):
        if value != default:
            raise ValueError(f"--{name} goes with balls, not with DATA")
    drawn = source in DRAWN
    whole = [load_data(source, seed=seed + s, **table) for s in range(seeds if drawn else 1)]
    import numpy as np

    from training.experiments.dynamics_starts import part_of
    from training.study.planning.columns import LARGE, Columns, largest_column

    size, told = largest_column(whole[0].X), ""
    if size > LARGE if standardize is None else standardize:
        columns = Columns.of(whole[0].X)
        whole = [data._replace(X=columns(data.X)) for data in whole]
        told = (
            f"columns reach {size:.3g}: they are standardised, to mean 0 and standard deviation 1 "
            "(--no-standardize leaves them)"
        )
    if drawn:
        return whole, told
    return [part_of(whole[0], np.random.default_rng([seed, s])) for s in range(seeds)], told


def _label(data, text):
    """The label of a class that is written as `text`."""
    from geomcore.arrays import as_labels

    labels = as_labels(data.y, len(data.X)).classes.tolist()
    for label in labels:
        if str(label) == text:
            return label
    names = [str(label) for label in labels[:20]]
    raise ValueError(f"--follow must be one of {names}, got {text!r}")
