"""`geomcore sparse`: norms, penalties and explaining away in sparse coding. Claims D1 to D5."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.arguments.options import CORES, Force, Jobs, Out, Quiet, Seed
from training.commands.arguments.resumed import Resume, resumes

MOST_SEEDS = 1000


@resumes
def sparse(
    seeds: Annotated[
        int,
        typer.Option(min=1, max=MOST_SEEDS, help="Each has patches, points and starts of its own."),
    ] = 10,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of images. Default: two photographs that scikit-learn bundles."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Smaller networks, fewer points and steps.")
    ] = False,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    resume: Resume = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Train sparse autoencoders on patches and known dictionaries.

    Judges claims D1 to D5 of docs/claims.md.
    """
    given = dict(locals())
    from contextlib import nullcontext

    from training.descent.executors import processes
    from training.experiments.judging.spread import means_over
    from training.experiments.sparse import claims, plot_all, protocol, tables
    from training.experiments.sparse.survey import survey
    from training.output.page import render
    from training.output.start import started

    size = protocol.QUICK if quick else protocol.USUAL
    source = "sklearn" if images is None else str(images)
    pictures, digest = _checked(source, size)
    with started("sparse", given) as (run, screen):
        work = {"size": list(size), "seeds": seeds, "seed": seed, "images": pictures}
        if images is not None:
            work["pixels"] = digest
        workers = min(jobs, 3 * seeds)
        with (
            run.timed("runs"),
            run.pieces(work, resume=resume) as pieces,
            screen.compiling(),
            screen.trials(first="training", what="network") as progress,
            processes(workers) if workers > 1 else nullcontext() as executor,
        ):
            found = survey(
                size,
                seeds=seeds,
                seed=seed,
                images=source,
                executor=executor,
                pieces=pieces,
                progress=progress,
            )
        with run.timed("figures"):
            figures = run.figures("sparse", plot_all.figures(found))
        judged, readings = claims.verdicts(found)
        run.table("runs", found.rows)
        run.table("baselines", found.baselines)
        run.table("chance", found.chance)
        run.table("readings", readings)
        run.table("verdicts", judged)
        content = {
            "size": size,
            "seeds": seeds,
            "pictures": pictures,
            "protocol": protocol,
            "verdicts": judged,
            "readings": [
                {k: row[k] for k in ("claim", "name", "answer", "told")} for row in readings
            ],
            "rule": claims.RULE,
            "about": tables.ABOUT,
            "means": means_over(seeds),
            "overviews": {
                data: tables.overview(tables.means(found, data), data) for data in protocol.DATA
            },
            "baselines": tables.baselines(found),
            "biases": tables.biases(found),
            "chance": tables.chance(found),
            "nulls": tables.nulls(found),
            "figures": {picture.stem.rpartition("-")[2]: picture for picture in figures},
        }
        run.text("index.html", render("commands/experiments/sparse.html", run.record, **content))
        run.publish()
        for data, rows in tables.on_screen(found).items():
            screen.fold(f"\n{data}, means over {seeds} seeds" if seeds > 1 else f"\n{data}")
            screen.table(rows)
        screen.fold("\nrecovery by dictionaries of which nothing is learned")
        screen.table(content["chance"])
        for row in judged:
            screen.fold(f"\n{row['claim']}: {row['about']}: {row['verdict']}.")
            screen.fold(row["reason"])
        screen.fold(f"\n{claims.RULE}")
    screen.print(f"\nrun folder: {run.path}")
    return 0


def _checked(source, size):
    """The names of the images, and a digest of some of their pixels.

    Raises
    ------
    ValueError
        If they cannot be read, or have too little room for the patches.
    """
    import hashlib

    from geomcore.datasets import patches
    from training.experiments.sparse.protocol import HELD_OUT, KEEP, SIDE

    try:
        found = patches(
            source, size=SIDE, count=size.points + HELD_OUT, keep=KEEP, whiten="none", rng=0
        )
    except ValueError as error:
        told = str(error).removeprefix("images must ")
        raise ValueError(
            f"--images must {told}" if told != str(error) else f"--images: {told}"
        ) from None
    return found.info["images"], hashlib.sha256(found.X.tobytes()).hexdigest()
