"""`geomcore settle`: onto the critical point that a trained network is near, and what that is."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.options import (
    CORES,
    TABLE,
    Data,
    Force,
    Jobs,
    Out,
    Quiet,
    Seed,
    Targets,
    noted,
    reads_table,
)


@reads_table
def settle(
    network: Annotated[Path, typer.Argument(help="The trained network, as for verify.")],
    data: Data,
    targets: Targets = None,
    table=None,
    seconds: Annotated[float, typer.Option(help="After which no more is tried.")] = 20.0,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Settle NETWORK on DATA and verify it; status 0 if it is proved to be a minimum."""
    given = noted(locals())
    from geomcore.arrays import check_network
    from geomcore.network import ReLUNetwork
    from training.commands.case import Case
    from training.commands.data import check_fit, load_data, load_network
    from training.commands.story import publish
    from training.output.start import started
    from training.settling.settle import settle as settle_network

    net = load_network(network)
    check_network(net, ReLUNetwork, name="NETWORK")
    source = load_data(data, seed=seed, targets=targets, **table)
    check_fit(net, source)
    wanted = ("network", "data", "targets", "seconds", "jobs", *TABLE)
    kept = [name for name in given if name in wanted]
    with started("settle", given, about=source.name, kept=kept) as (run, screen):
        screen.print(source.summary())
        with screen.progress(3) as step:
            step("settling")
            goal = {"targets": source.targets, "seconds": seconds}
            settled = settle_network(net, source.X, source.y, **goal)
            case = Case(source, network=settled.network)
            step("verifying")
            case.verify()
            step("drawing")
            case.draw(run)
        case.keep(run)
        if settled.kinks:
            run.table("kinks", settled.frame())
        told = settled.summary().replace("\n  ", " ").replace("\n", ". ")
        publish(run, f"{network.name}, settled on {source.name}", [case], intro=told)
        screen.print(f"{settled.summary()}\n\n{case.certificate.summary()}")
    screen.print(f"\nrun folder: {run.path}")
    return 0 if case.certificate.verdict in ("global minimum", "local minimum") else 1
