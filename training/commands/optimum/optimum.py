"""`geomcore optimum`: the best two-layer network with weight decay, and what training finds."""

import math
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from training.commands.arguments.options import (
    CORES,
    MOST_STEPS,
    MOST_TRIALS,
    Force,
    Jobs,
    Out,
    Quiet,
    Seed,
    Targets,
    known_number,
    noted,
    reads_table,
)
from training.commands.arguments.resumed import Resume, resumes

MOST_DECAYS = 50
MOST_WIDTH = 100_000
# The columns of the trained networks for which a terminal has room.
COLUMNS = ("decay", "width", "runs", "near", "least loss", "median", "least gap", "median gap")


@resumes
@reads_table
def optimum(
    data: Annotated[
        str | None, typer.Argument(help="As for construct; not needed with --resume --out.")
    ] = None,
    weight_decay: Annotated[
        str, typer.Option(help="One or several, with commas; the output bias is free of it.")
    ] = "1e-2,1e-3",
    network: Annotated[
        Path | None, typer.Option(help="A two-layer network to judge, as for verify.")
    ] = None,
    targets: Targets = None,
    table=None,
    gap: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, callback=known_number, help="Relative gap at which a search ends."
        ),
    ] = 1e-3,
    seconds: Annotated[
        float, typer.Option(help="For each weight decay, once compiled; then its search ends.")
    ] = 30.0,
    runs: Annotated[
        int,
        typer.Option(min=0, max=MOST_TRIALS, help="Networks of each width to train beside it."),
    ] = 200,
    widths: Annotated[str, typer.Option(help="Of these, with commas.")] = "5,10,50,200",
    steps: Annotated[int, typer.Option(min=0, max=MOST_STEPS, help="Of Adam.")] = 10_000,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    resume: Resume = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Find the best two-layer network of any width. Status 0 if each gap is proved, else 1."""
    given = noted(locals())
    if data is None:
        raise ValueError("DATA is missing, see geomcore optimum --help")
    from geomcore.arrays import as_labels, as_positive
    from training.commands.arguments.data import load_data

    decays = sorted(set(_numbers(weight_decay, "--weight-decay")), reverse=True)
    sizes = sorted(set(_widths(widths)))
    as_positive(seconds, "seconds")
    judged = None if network is None else _two_layers(network)
    source = load_data(data, seed=seed, targets=targets, **table)
    if judged is not None:
        from training.commands.arguments.data import check_fit

        check_fit(judged, source)
    labels = as_labels(source.y, len(source.X), targets=source.targets)
    # Loaded after what is refused, for that takes a second.
    from constructions import two_layer_bound
    from geomcore.threads import single_threaded_blas
    from training.experiments.optimum import plot_optimum, stored, tables
    from training.experiments.optimum.dual import dual_of
    from training.experiments.optimum.plot_networks import chosen
    from training.experiments.optimum.random_starts import ends
    from training.output.page import render
    from training.output.start import started

    X = source.X.astype(float)
    is_told = source.y.ndim == 1
    limits = {"seconds": seconds}
    work = {"decays": decays, "gap": gap, "runs": runs, "steps": steps, "seed": seed} | limits
    work["data"] = stored.digest_of(X, labels.Y)
    work["network"] = None if judged is None else stored.digest_of(*judged.tensors)
    with started("optimum", given, about=source.name) as (run, screen):
        screen.fold(source.summary())
        trainings = [(k, width) for k in range(len(decays)) for width in sizes if runs]
        with (
            run.pieces(work, resume=resume) as pieces,
            screen.compiling(),
            screen.progress(3 + len(trainings)) as step,
            # a product that is split over threads may differ in its last bit
            single_threaded_blas(),
        ):
            step("the best networks")

            def told(found):
                step(str(found), still=True)

            with run.timed("path"):
                options = {"gap": gap, "seconds": seconds, "progress": told, "rng": seed}
                options["targets"] = source.targets
                path = stored.path_from(pieces, X, source.y, decays, **options)
            step("bounds")
            duals = []
            if X.shape[1] <= 2:
                duals = [
                    stored.dual_from(
                        pieces, best, X, labels.Y, partial(dual_of, best, X, labels.Y, **limits)
                    )
                    for best in chosen(path.optima)
                ]
            bounds = []
            if judged is not None:
                bounds = [
                    two_layer_bound(judged, X, labels.Y, weight_decay=decay, **limits)
                    for decay in decays
                ]
            found = []
            with run.timed("runs"):
                for k, width in trainings:
                    best, decay = path.optima[k], decays[k]
                    name = f"{runs} networks of width {width}, weight decay {decay:g}"
                    step(f"training {name}")

                    def trained(count, name=name):
                        step(f"trained {count} of {name}", still=True)

                    options = {"steps": steps, "seed": seed, "jobs": jobs, "told": trained}
                    made = partial(ends, X, labels.Y, decay, width, runs, **options)
                    found.append(stored.ends_from(pieces, best, X, labels.Y, width, runs, made))
            step("drawing")
            with run.timed("figures"):
                drawn = plot_optimum.figures(path, X, labels, is_told, duals, found)
                figures = run.figures(source.name, drawn)
        _keep(run, path, bounds, found, tables)
        name = "the network" if network is None else network.name
        content = {
            "about": source.name,
            "data": source.summary(),
            "path": tables.path_rows(path),
            "path_told": tables.path_sentences(path),
            "judged": tables.judged_rows(bounds, path),
            "judged_told": tables.judged_sentences(bounds, path, name),
            "name": name,
            "runs": tables.width_rows(found, path),
            "steps": f"{steps:,}",
            "drawn": {
                figure.stem.removeprefix(f"{_prefix(source)}-"): figure for figure in figures
            },
        }
        run.text("index.html", render("commands/optimum/optimum.html", run.record, **content))
        run.publish()
        screen.print()
        screen.table(content["path"])
        for sentence in content["path_told"]:
            screen.fold(f"\n{sentence}")
        if bounds:
            screen.print()
            screen.table(content["judged"])
            for sentence in content["judged_told"]:
                screen.fold(f"\n{sentence}")
        if found:
            screen.print()
            screen.table([{key: row[key] for key in COLUMNS} for row in content["runs"]])
            for sentence in tables.width_sentences(found, path):
                screen.fold(f"\n{sentence}")
    screen.print(f"\nrun folder: {run.path}")
    return 0 if all(best.finished for best in path.optima) else 1


def _keep(run, path, bounds, found, tables):
    """Write the tables, the best networks, and of each width the best trained one."""
    run.table("path", tables.path_frame(path))
    for best in path.optima:
        run.network(f"best-{best.weight_decay:g}", best.network)
    if bounds:
        run.table("network", tables.judged_frame(bounds, path))
        for bound in bounds:
            if bound.improved is not None:
                run.network(f"improved-{bound.weight_decay:g}", bound.improved)
    if found:
        run.table("runs", tables.run_rows(found, path))
        for own in found:
            run.network(f"trained-{own.weight_decay:g}-{own.width}", own.best)


def _prefix(source):
    from training.output.folder import stem

    return stem(source.name)


def _two_layers(path):
    """The network to judge, which must have one hidden layer."""
    from geomcore.arrays import check_network
    from geomcore.foreign.wording import counted
    from geomcore.network import ReLUNetwork
    from training.commands.arguments.data import load_network

    net = load_network(path)
    check_network(net, ReLUNetwork, name="--network")
    if len(net.weights) != 2:
        raise ValueError(
            "--network must have one hidden layer, it has "
            f"{counted(len(net.weights) - 1, 'hidden layer')}"
        )
    return net


def _numbers(text, option):
    """The positive numbers in an option."""
    from geomcore.foreign.wording import quoted

    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not 0 < len(found) <= MOST_DECAYS or not all(0 < v < math.inf for v in found):
        raise ValueError(
            f"{option} must be positive numbers with commas between, at most {MOST_DECAYS}, got "
            f"{quoted(text)}"
        )
    return found


def _widths(text):
    """The whole numbers in `--widths`."""
    from geomcore.foreign.wording import quoted

    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(1 <= width <= MOST_WIDTH for width in found):
        raise ValueError(
            f"--widths must be whole numbers from 1 to {MOST_WIDTH:,} with commas between, got "
            f"{quoted(text)}"
        )
    return found
