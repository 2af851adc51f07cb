"""`geomcore regions`: all linear regions of a network on a plane of its input space."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.arguments.options import (
    CORES,
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
def regions(
    network: Annotated[Path, typer.Argument(help="The network, as for verify.")],
    data: Annotated[
        str | None, typer.Argument(help="Data to draw over the regions, as for verify.")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(help="Four numbers: ends of the first coordinate, then of the second."),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(help="Two inputs by number from 0. Default: principal components of DATA."),
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="A point of the plane. Default: the mean of DATA, or 0.")
    ] = None,
    targets: Targets = None,
    table=None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Cut a plane of inputs of NETWORK into its linear regions. Exactly: nothing is sampled."""
    given = noted(locals())
    import numpy as np

    from geomcore.regions.regions import as_box, linear_regions
    from training.commands.arguments.data import check_fit, load_data, load_network
    from training.experiments.regions.plane import plane_of

    net = load_network(network)
    d = net.widths[0]
    if d < 2:
        raise ValueError("NETWORK must have at least two inputs for a plane, got one")
    corners = None if box is None else _box(box)
    chosen = None if axes is None else _axes(axes, d)
    point = None if origin is None else _numbers(origin, "--origin", d)
    if data is None and box is None:
        raise ValueError("--box is missing: without DATA there is nothing to take it from")
    source = None
    if data is not None:
        source = load_data(data, seed=seed, targets=targets, **table)
        check_fit(net, source)
    X = None if source is None else source.X
    plane = plane_of(d, X, axes=chosen, origin=point, box=corners)
    as_box(plane.box, "the box around DATA")
    # Loaded after what is refused, for that takes a second.
    from training.experiments.regions import plot_found
    from training.experiments.regions.pieces import answers, scored
    from training.output.page import render
    from training.output.start import started

    labels = None if source is None else source.y
    names, wanted = (None, None) if source is None else _classes(source)
    about = network.stem if source is None else f"{network.stem}-{source.name}"
    with started("regions", given, about=about, apart=("network", "data")) as (run, screen):
        with screen.compiling(), screen.progress(2) as step:
            step("cutting")
            with run.timed("regions"):
                found = linear_regions(net, plane.box, plane.origin, plane.basis)
            step("drawing")
            with run.timed("figures"):
                drawn = plot_found.figures(found, plane, labels, names, wanted)
                figures = run.figures("regions", drawn)
        rows = [
            {"hidden layers": str(l + 1), "regions": f"{count:,}"}
            for l, count in enumerate(found.counts)
        ]
        steep = plot_found.steepness(found)
        run.table(
            "regions",
            {"area": found.areas, "x": found.centroids[:, 0], "y": found.centroids[:, 1]}
            | {"corners": np.diff(found.starts), "units_on": found.patterns.sum(axis=1)}
            | {"answer": answers(scored(found, wanted)), "steepness": steep},
        )
        np.savez_compressed(
            run.file("regions.npz"),
            corners=found.corners,
            starts=found.starts,
            patterns=found.patterns,
            maps=found.maps,
            box=found.box,
            origin=found.origin,
            basis=found.basis,
        )
        content = {
            "network": network.name,
            "data": None if source is None else source.summary(),
            "summary": found.summary(),
            "rows": rows,
            "figures": figures,
        }
        run.text("index.html", render("commands/regions.html", run.record, **content))
        run.publish()
        screen.print(found.summary())
        screen.table(rows)
    screen.print(f"\nrun folder: {run.path}")
    return 0


def _numbers(text, name, count):
    import numpy as np

    try:
        numbers = np.array([float(part) for part in text.split(",")])
    except ValueError:
        numbers = np.zeros(0)
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError(f"{name} must be {count} numbers with commas between, got {text!r}")
    return numbers


def _box(text):
    from geomcore.regions.regions import as_box

    return as_box(_numbers(text, "--box", 4).reshape(2, 2), "--box", told=text)


def _axes(text, d):
    known = [part.strip() for part in text.split(",")]
    fits = all(k.isdecimal() and int(k) < d for k in known)
    if len(known) != 2 or not fits or known[0] == known[1]:
        raise ValueError(
            f"--axes must be two different numbers from 0 to {d - 1} with a comma between, "
            f"got {text!r}"
        )
    return tuple(int(k) for k in known)


def _classes(source):
    """Names and targets of the classes of data; None for each if it has values to fit, or one."""
    from geomcore.arrays import as_labels

    if source.y.ndim == 2:
        return None, None
    labels = as_labels(source.y, len(source.y), targets=source.targets)
    names = labels.classes.tolist()
    return (names, labels.targets) if len(names) > 1 else (None, None)
