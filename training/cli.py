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
    from training import commands

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
    from training import commands

    return commands.construct(
        data, method=method, label=label, seed=seed, out=out, jobs=jobs, quiet=quiet
    )


@app.command()
def verify(
    network: Annotated[Path, typer.Argument(help="A network.npz, as construct writes it.")],
    data: Data,
    label: Label = None,
    seed: Seed = 0,
    out: Out = None,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Verify the network in NETWORK on DATA; status 0 if it is a proved global minimum."""
    from training import commands

    return commands.verify(network, data, label=label, seed=seed, out=out, jobs=jobs, quiet=quiet)


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
