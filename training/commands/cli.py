"""The `geomcore` command.

Exit status: 0, or 1 if a check failed (not proved, no method applies), or 2 for
bad usage, with one line on standard error that says what was wrong.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

# What a command needs is imported inside it, so that --help and errors are quick.

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Build ReLU networks with zero loss from the geometry of data, verify them, look at them.",
)

Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the run: new, empty, or an earlier run. Default runs/..."),
]
Jobs = Annotated[int, typer.Option(min=1, help="Threads.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, results only.")]
Label = Annotated[
    str | None, typer.Option(help="Column of the label in a CSV file, by name or number.")
]
Data = Annotated[
    str,
    typer.Argument(
        help="clusters, sequential, single_cone, concentric, spirals, iris, wine, breast_cancer, "
        "digits, or a CSV or npz file."
    ),
]
METHODS = (
    "clustered, sequential, cone, simplex, universal, or auto: the first of them that applies."
)
CORES = os.cpu_count() or 1


@app.command()
def quickstart(
    seed: Seed = 0,
    out: Out = None,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
    smoke: Annotated[bool, typer.Option(help="A small version, for tests.")] = False,
):
    """Construct, verify, perturb and train on five data sets, with pictures."""
    from training.commands import quickstart as commands

    return commands.quickstart(seed=seed, out=out, jobs=jobs, quiet=quiet, smoke=smoke)


@app.command()
def construct(
    data: Data,
    method: Annotated[str, typer.Option(help=METHODS)] = "auto",
    label: Label = None,
    seed: Seed = 0,
    out: Out = None,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Construct a network with zero loss on DATA and verify it."""
    from training.commands import quickstart as commands

    return commands.construct(
        data, method=method, label=label, seed=seed, out=out, jobs=jobs, quiet=quiet
    )


@app.command()
def verify(
    network: Annotated[Path, typer.Argument(help="A network.npz, as construct writes it.")],
    data: Data,
    label: Label = None,
    certificate: Annotated[
        Path | None, typer.Option(help="A certificate.json to confirm; status 0 if it holds.")
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Verify the network in NETWORK on DATA; status 0 if it is a proved global minimum."""
    from training.commands import quickstart as commands

    return commands.verify(
        network, data, label=label, seed=seed, out=out, jobs=jobs, quiet=quiet,
        certificate=certificate,
    )  # fmt: skip


@app.command()
def study(
    data: Annotated[
        str | None, typer.Argument(help="As for construct; not needed with --resume --out.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="A network.npz to perturb; default: construct one.")
    ] = None,
    method: Annotated[str | None, typer.Option(help=METHODS)] = None,
    label: Label = None,
    states: Annotated[
        bool | None, typer.Option("--states", help="Also all states: classes left alone or not.")
    ] = None,
    merges: Annotated[
        bool | None, typer.Option("--merges", help="Also all merges of classes.")
    ] = None,
    scales: Annotated[
        str | None, typer.Option(help="Norms of the noise per tensor. Default 0.01,0.03,...,3.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials per network and scale. Default 100.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=0, help="Steps per trial, 0: no training. Default 1000.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Points per step. Default all.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Default: from the curvature at each network.")
    ] = None,
    relative: Annotated[
        bool | None, typer.Option("--relative", help="Noise relative to the norm of each tensor.")
    ] = None,
    tensors: Annotated[
        str | None, typer.Option(help="Perturb these tensors only, such as W1,b1.")
    ] = None,
    keep_parameters: Annotated[
        bool | None, typer.Option("--keep-parameters", help="Store the networks after training.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler that does the work.")
    ] = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="Also write trials.parquet.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped study.")] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of everything random. Default 0.")
    ] = None,
    out: Out = None,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Perturb networks many times, train them back, map the basin; can be killed and resumed."""
    from training.commands import study as study_command

    given = {
        "data": data,
        "network": network,
        "method": method,
        "label": label,
        "states": states,
        "merges": merges,
        "scales": scales,
        "trials": trials,
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "relative": relative,
        "tensors": tensors,
        "keep_parameters": keep_parameters,
        "seed": seed,
    }
    return study_command.study(
        given, out=out, resume=resume, jobs=jobs, quiet=quiet, dask=dask, parquet=parquet
    )


@app.command()
def minima(
    data: Annotated[
        str | None, typer.Argument(help="As for construct; default: balls around unit vectors.")
    ] = None,
    classes: Annotated[str, typer.Option(help="Numbers of balls, such as 3 or 3,4,5.")] = "3",
    radius: Annotated[float, typer.Option(help="Of the balls.")] = 0.15,
    points: Annotated[int, typer.Option(min=1, help="Points per ball.")] = 100,
    label: Label = None,
    steps: Annotated[int, typer.Option(min=0, help="Steps of gradient descent.")] = 5000,
    trials: Annotated[int, typer.Option(min=0, help="Perturbations of each point.")] = 5,
    scale: Annotated[float, typer.Option(min=0, help="Total norm of a perturbation.")] = 0.001,
    seed: Seed = 0,
    out: Out = None,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Find out what kind of point each state and each merge of the classes is."""
    from training.commands.minima import minima

    return minima(
        data, classes=classes, radius=radius, points=points, label=label, steps=steps,
        trials=trials, scale=scale, seed=seed, out=out, jobs=jobs, quiet=quiet,
    )  # fmt: skip


def main(arguments=None):
    """Run the command line; return the exit status."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        status = app(args=arguments or ["--help"], prog_name="geomcore", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except (ValueError, OSError, ImportError) as error:
        return _fail(error, 2)
    except Exception as error:
        # The errors of the command-line parser, whichever copy of it typer brings.
        if hasattr(error, "format_message"):
            return _fail(error.format_message(), 2)
        if hasattr(error, "exit_code"):
            return error.exit_code
        raise


def _fail(reason, status):
    reason = " ".join(str(reason).split()) or type(reason).__name__
    print(f"geomcore: {reason}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
