"""`geomcore settle`: onto the critical point that a trained network is near, and what that is."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from training.commands.arguments.options import (
    CORES,
    TABLE,
    Data,
    Force,
    Jobs,
    Loss,
    Out,
    Quiet,
    Seed,
    Targets,
    WeightDecay,
    noted,
    reads_table,
)


@reads_table
def settle(
    network: Annotated[Path, typer.Argument(help="The trained network, as for verify.")],
    data: Data,
    targets: Targets = None,
    table=None,
    loss: Loss = "mse",
    weight_decay: WeightDecay = 0.0,
    seconds: Annotated[float, typer.Option(help="Time after which no more is tried.")] = 300.0,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Settle NETWORK on DATA and verify it. Status 0 if it is proved to be a minimum."""
    given = noted(locals())
    from geomcore.arrays import as_labels, as_positive, check_network
    from geomcore.display.lines import folded
    from geomcore.network import ReLUNetwork
    from training.commands.arguments.data import check_fit, load_data, load_network
    from training.settling.arguments import check_kind, check_size, warning_of

    as_positive(seconds, "seconds")
    net = load_network(network)
    check_network(net, ReLUNetwork, name="NETWORK")
    source = load_data(data, seed=seed, targets=targets, **table)
    check_fit(net, source)
    labels = as_labels(source.y, len(source.X), targets=source.targets)
    check_kind(loss, weight_decay, labels.targets)
    check_size(net, len(source.X))
    # Loaded after what is refused, for that takes a second.
    from constructions.verdicts import NEXT
    from training.commands.cases.case import Case
    from training.commands.cases.story import publish
    from training.experiments.settled import plot_settled, tables
    from training.experiments.settled.swapped import swap_of
    from training.output.start import started
    from training.settling.settle import settle as settle_network

    wanted = ("network", "data", "targets", "loss", "weight_decay", "seconds", "jobs", *TABLE)
    kept = [name for name in given if name in wanted]
    kind = {"loss": loss, "weight_decay": weight_decay}
    about = f"{network.stem}-{source.name}"
    with started("settle", given, about=about, apart=("network", "data"), kept=kept) as (
        run,
        screen,
    ):
        screen.fold(source.summary())
        swap = swap_of(net, source.X, source.y, targets=source.targets, loss=loss)
        swapped = "" if swap is None else swap.told()
        doubt = warning_of(net, len(source.X))
        if doubt:
            screen.tell(folded([doubt]))
        with screen.progress(3) as step:
            step("settling")
            goal = {"targets": source.targets, "seconds": seconds, **kind}
            told = partial(step, still=True)
            settled = settle_network(net, source.X, source.y, **goal, told=told)
            case = Case(source, network=settled.network)
            step("verifying")
            case.verify(**kind)
            step("drawing")
            case.draw(run)
        case.keep(run)
        if settled.kinks:
            run.table("kinks", settled.frame())
        layers = tables.layer_rows(settled.network, source.X, source.y, targets=source.targets)
        if layers:
            run.table("layers", layers)
        drawn = run.figures(source.name, plot_settled.figures(settled, source))
        content = {
            "swapped": swapped,
            "told": tables.told(settled),
            "bends": tables.bends(settled),
            "kinks": tables.kink_rows(settled),
            "kink_count": len(settled.kinks),
            "layers": tables.layer_words(layers),
            "drawn": {picture.stem.rpartition("-")[2]: picture for picture in drawn},
            "verdict": case.certificate.verdict,
            "proved": case.certificate.proved,
        }
        title = f"{network.name}, settled on {source.name}"
        publish(run, title, [case], template="commands/settle.html", **content)
        if swapped:
            screen.fold(swapped)
        # That it be settled is no advice here.
        lines = case.certificate.summary().splitlines()
        found = "\n".join(line for line in lines if line not in NEXT["not stationary"])
        screen.fold(f"{settled.summary()}\n\n{found}")
    screen.print(f"\nrun folder: {run.path}")
    return 0 if case.certificate.verdict in ("global minimum", "local minimum") else 1
