"""`geomcore kernels`: what non-negative kernels do to single units and to networks. Claims C."""

from typing import Annotated

import typer

from training.commands.arguments.options import CORES, Force, Jobs, Out, Quiet, Seed
from training.commands.arguments.resumed import Resume, resumes

MOST_SEEDS = 1000


@resumes
def kernels(
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_SEEDS, help="Splits and starts of the networks.")
    ] = 20,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    resume: Resume = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Keep kernels at 0 or above: three worked examples, and digits.

    The examples have a known optimum.
    """
    given = dict(locals())
    from training.experiments.judging.spread import means_over
    from training.experiments.kernels import at_scale, claims_kernels, examples, plot_kernels
    from training.output.page import render
    from training.output.start import started

    with started("kernels", given) as (run, screen):
        with (
            run.timed("runs"),
            run.pieces({"seeds": seeds, "seed": seed}, resume=resume) as pieces,
            screen.compiling(),
            screen.trials(first="training", what="network") as progress,
        ):
            runs = examples.runs()
            scale = at_scale.at_scale(seeds, seed=seed, jobs=jobs, pieces=pieces, told=progress)
        verdicts, readings = claims_kernels.verdicts(runs)
        overview = at_scale.overview(scale, seed=seed)
        with run.timed("figures"):
            figures = run.figures("kernels", plot_kernels.figures(runs, scale, overview))
        run.table("examples", examples.rows_of(runs))
        run.table("networks", scale.rows)
        run.table("readings", readings)
        run.table("verdicts", verdicts)
        content = {
            "fixed": examples.fixed_rows(),
            "source": [
                {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}
                for row in examples.rows_of(runs)
                if row["targets"] == "2x" and row["optimizer"] == examples.SOURCE_OPTIMIZER
            ],
            "verdicts": verdicts,
            "readings": [
                {k: row[k] for k in ("claim", "name", "answer", "told")} for row in readings
            ],
            "rule": claims_kernels.RULE,
            "means": means_over(seeds),
            "overview": at_scale.in_words(overview),
            "differences": at_scale.differences(scale, seed=seed) if seeds > 1 else [],
            "measures": at_scale.MEASURES,
            "epochs": at_scale.EPOCHS,
            "batch": at_scale.BATCH,
            "rate": at_scale.RATE,
            "figures": {picture.stem.rpartition("-")[2]: picture for picture in figures},
        }
        run.text("index.html", render("commands/experiments/kernels.html", run.record, **content))
        run.publish()
        # a terminal has no room for the intervals
        screen.table([{k: v.split(" (")[0] for k, v in row.items()} for row in content["overview"]])
        for row in verdicts:
            screen.fold(f"\n{row['claim']}: {row['about']}: {row['verdict']}.")
            screen.fold(row["reason"])
        screen.fold(f"\n{claims_kernels.RULE}")
    screen.print(f"\nrun folder: {run.path}")
    return 0
