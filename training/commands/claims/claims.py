"""`geomcore claims`: one page that answers for every published claim, A1 to E8.

The same command again goes on where it was stopped.
"""

from typing import Annotated

import typer

from training.commands.arguments.options import CORES, Force, Jobs, Out, Quiet, Seed


def claims(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer seeds and trials: minutes, wider intervals.")
    ] = False,
    only: Annotated[
        str | None,
        typer.Option(help="Claims, with commas between, such as C1,E2. Default all."),
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Run all experiments, and judge every published claim.

    Experiments that are finished in --out are not run again.
    """
    given = dict(locals())
    from training.experiments.claims.report import as_names, report

    names = as_names(only)
    return report(given, names)
