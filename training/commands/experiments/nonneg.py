"""`geomcore nonneg`: do penalties on negative weights make linear heads flat? Claims B1 to B3."""

from typing import Annotated

import typer

from training.commands.arguments.options import CORES, Force, Jobs, Out, Quiet, Seed
from training.commands.arguments.resumed import Resume, resumes

MOST_SEEDS, MOST_EPOCHS = 1000, 10**6


@resumes
def nonneg(
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_SEEDS, help="Polytopes, each with data of its own.")
    ] = 30,
    dims: Annotated[str, typer.Option(help="Dimensions, with commas between.")] = "2,3,5,10",
    models: Annotated[
        str | None,
        typer.Option(
            help="Which ones, with commas between: see docs/mesa.md. Default: all of nonneg."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, max=MOST_EPOCHS, help="At most. Default 500.")
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    resume: Resume = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Train heads with penalised or projected negative weights.

    Heads are linear; judges claims B1 to B3 of docs/claims.md.
    """
    given = dict(locals())
    from training.experiments.mesa.protocol import NONNEG
    from training.experiments.mesa.report import as_dims, as_models, report

    report(NONNEG, given, as_models(models, NONNEG), as_dims(dims))
    return 0
