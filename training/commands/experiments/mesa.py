"""`geomcore mesa`: are Lp heads flat inside polytopes, and linear ones not? Claims A1 to A4."""

from typing import Annotated

import typer

from training.commands.arguments.options import CORES, Force, Jobs, Out, Quiet, Seed
from training.commands.arguments.resumed import Resume, resumes

MOST_SEEDS, MOST_EPOCHS = 1000, 10**6


@resumes
def mesa(
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_SEEDS, help="Polytopes, each with data of its own.")
    ] = 30,
    dims: Annotated[str, typer.Option(help="Dimensions, with commas between.")] = "2,3,5,10",
    models: Annotated[
        str | None,
        typer.Option(
            help="Which ones, with commas between: see docs/mesa.md. Default: all of mesa."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, max=MOST_EPOCHS, help="At most. Default 200.")
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    resume: Resume = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Train on polytopes, and measure where networks are flat.

    Heads are Lp norms or linear; judges claims A1 to A4 of docs/claims.md.
    """
    given = dict(locals())
    from training.experiments.mesa.protocol import MESA
    from training.experiments.mesa.report import as_dims, as_models, report

    report(MESA, given, as_models(models, MESA), as_dims(dims))
    return 0
