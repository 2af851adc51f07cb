"""`geomcore landscape`: the loss around a network, along exact lines and on proved ways."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.arguments.options import (
    CORES,
    MOST_STEPS,
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

PARTS = 5  # of the survey, for the progress


@reads_table
def landscape(
    network: Annotated[Path, typer.Argument(help="The network, as for verify.")],
    data: Data,
    to: Annotated[
        Path | None, typer.Option(help="Another network: the way to it, with a proved barrier.")
    ] = None,
    bend: Annotated[
        int,
        typer.Option(min=0, max=MOST_STEPS, help="Steps to train a bent way to it. 0: none."),
    ] = 1000,
    extent: Annotated[
        float, typer.Option(help="How far along each direction, in units of its length.")
    ] = 1.0,
    points: Annotated[
        int, typer.Option(min=3, max=501, help="Along each side of the plane; odd.")
    ] = 51,
    steps: Annotated[
        int,
        typer.Option(min=0, max=MOST_STEPS, help="Of training from each point of the plane."),
    ] = 0,
    targets: Targets = None,
    table=None,
    loss: Loss = "mse",
    weight_decay: WeightDecay = 0.0,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Look at the loss around NETWORK: lines, a plane, curvature.

    With --to, also the way to another network.
    """
    given = noted(locals())
    from geomcore.arrays import as_number, as_positive, check_network
    from geomcore.network import ReLUNetwork
    from training.commands.arguments.data import check_fit, load_data, load_network
    from training.descent.losses import as_loss
    from training.landscape.arguments import LARGEST

    as_loss(loss)
    as_number(weight_decay, "weight_decay", 0)
    if as_positive(extent, "extent") > LARGEST:
        raise ValueError(f"extent must be at most {LARGEST:g}, got {extent:g}")
    if points % 2 == 0:
        raise ValueError(f"points must be odd, for the network is in the middle, got {points}")
    net = load_network(network)
    check_network(net, ReLUNetwork, name="NETWORK")
    source = load_data(data, seed=seed, targets=targets, **table)
    check_fit(net, source)
    other = None
    if to is not None:
        other = load_network(to)
        check_network(other, ReLUNetwork, name="--to")
        if other.widths != net.widths:
            raise ValueError(f"--to must have widths {net.widths}, got {other.widths}")
    # Loaded after what is refused, for that takes a second.
    from training.experiments.landscape import plot_landscape, tables
    from training.experiments.landscape.survey import survey
    from training.output.page import render
    from training.output.start import started

    kept = [name for name in given if name not in ("seed", "out", "quiet", "force")]
    about = f"{network.stem}-{source.name}"
    with started("landscape", given, about=about, apart=("network", "data", "to"), kept=kept) as (
        run,
        screen,
    ):
        screen.print(source.summary())
        with screen.compiling(), screen.progress(PARTS + (to is not None)) as step:
            found = survey(
                net,
                source.X,
                source.y,
                targets=source.targets,
                loss=loss,
                weight_decay=weight_decay,
                extent=extent,
                points=points,
                steps=steps,
                other=other,
                bend_steps=bend,
                seed=seed,
                jobs=jobs,
                told=step,
            )
            step("drawing")
            with run.timed("figures"):
                figures = run.figures("landscape", plot_landscape.figures(found))
        parts = {
            "lines": tables.line_rows(found),
            "layers": tables.layer_rows(found),
            "basins": tables.basin_rows(found),
            "ways": tables.way_rows(found),
        }
        for name, rows in parts.items():
            if rows:
                run.table(name, rows)
        spectrum = found.spectrum
        run.table(
            "density",
            {"eigenvalue": spectrum.grid, "density": spectrum.density}
            | {"standard_error": spectrum.density_error},
        )
        for k, line in enumerate(found.lines):
            if line.exact is not None:
                run.table(f"line-{k + 1}", line.exact.frame())
        content = {
            "network": network.name,
            "other": None if to is None else to.name,
            "data": source.summary(),
            "extent": f"{extent:g}",
            "sentences": tables.in_sentences(found),
            "parts": {name: tables.shown(rows) for name, rows in parts.items()},
            "figures": figures,
            "spectrum": spectrum.summary(),
        }
        run.text("index.html", render("commands/landscape.html", run.record, **content))
        run.publish()
        for sentence in content["sentences"]:
            screen.print(sentence)
        for name, rows in content["parts"].items():
            if rows:
                screen.print(f"\n{name}")
                screen.table(rows)
    screen.print(f"\nrun folder: {run.path}")
    return 0
