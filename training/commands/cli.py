"""The `geomcore` command.

Exit status: 0, or 1 if a check failed (not proved, no method applies), or 2 for
bad usage, with one line on standard error that says what was wrong.
"""

import inspect
import os
import re
import sys
from importlib.metadata import version
from itertools import pairwise
from typing import Annotated, get_args

import typer

from training.commands.check import check
from training.commands.claims.claims import claims
from training.commands.construct import construct
from training.commands.experiments.census import census
from training.commands.experiments.dynamics import dynamics
from training.commands.experiments.kernels import kernels
from training.commands.experiments.mesa import mesa
from training.commands.experiments.nonneg import nonneg
from training.commands.experiments.sparse import sparse
from training.commands.experiments.trained import trained
from training.commands.landscape import landscape
from training.commands.minima import minima
from training.commands.optimum.optimum import optimum
from training.commands.quickstart import quickstart
from training.commands.regions import regions
from training.commands.report import report
from training.commands.settle import settle
from training.commands.study import study
from training.commands.verify import verify

PROGRAM = "geomcore"
LONGEST = 300  # characters of the line that says what was wrong

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Build ReLU networks with zero loss from the geometry of data, verify them, look at them.",
)
app.command()(quickstart)
app.command()(construct)
app.command()(verify)
app.command()(check)
app.command()(settle)
app.command()(study)
app.command()(minima)
app.command()(dynamics)
app.command()(landscape)
app.command()(regions)
app.command()(census)
app.command()(optimum)
app.command()(trained)
app.command()(mesa)
app.command()(kernels)
app.command()(nonneg)
app.command()(sparse)
app.command()(claims)
app.command()(report)


@app.callback(invoke_without_command=True)
def _program(
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Show the version and exit.")
    ] = False,
):
    if show_version:
        print(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


def main(arguments=None):
    """Run the command line; return the exit status."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        status = app(args=arguments or ["--help"], prog_name=PROGRAM, standalone_mode=False)
        return status if isinstance(status, int) else 0
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except (ValueError, OSError, ImportError, MemoryError) as error:
        return _fail(_named_as_options(_sentence(error), arguments), 2)
    except Exception as error:
        # The errors of the command-line parser, whichever copy of it typer brings.
        if hasattr(error, "format_message"):
            return _fail(_usage(error, arguments), 2)
        if hasattr(error, "exit_code"):
            return error.exit_code
        raise


def _fail(reason, status):
    """Tell the reason in one line of at most `LONGEST` characters."""
    text = f"{PROGRAM}: {reason}"
    if len(text) > LONGEST or not text.isprintable():
        # It is here since it brings NumPy along, which an ordinary usage error need not wait for.
        from geomcore.foreign.wording import one_line

        text = one_line(text, LONGEST)
    print(text, file=sys.stderr)
    return status


def _sentence(error):
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{error.strerror}"
    return str(error).strip() or type(error).__name__


def _usage(error, arguments):
    """What the parser says; if a value is missing or of another kind, as our own sentences do."""
    parameter, command = getattr(error, "param", None), _command(arguments)
    if command is None:
        return f"{error.format_message().rstrip('.')}; see {PROGRAM} --help"
    if parameter is None:
        return error.format_message()
    option = next((o for o in parameter.opts if o.startswith("--")), None)
    if option is None:
        return f"{parameter.name.upper()} is missing, see {PROGRAM} {command.__name__} --help"
    kind, about = get_args(inspect.signature(command).parameters[parameter.name].annotation)
    kinds = [kind, *get_args(kind)]
    wanted = "a whole number" if int in kinds else "a number" if float in kinds else None
    given = [a.partition("=")[2] for a in arguments if a.startswith(f"{option}=")]
    given += [b for a, b in pairwise(arguments) if a in parameter.opts]
    if wanted is None or not given:
        return error.format_message()
    if about.min is not None and about.max is not None:
        wanted += f" from {about.min:,} to {about.max:,}"
    elif about.min is not None:
        wanted += f", at least {about.min:,}"
    return f"{option} must be {wanted}, got {given[-1]!r}"


def _command(arguments):
    """The function of the command that was typed, or None."""
    commands = {command.callback.__name__: command.callback for command in app.registered_commands}
    return next((commands[a] for a in arguments if a in commands), None)


def _named_as_options(text, arguments):
    """A sentence about arguments of a function, with the options of these names.

    Examples
    --------
    >>> _named_as_options("tolerance must be a finite number, got -1", ["study", "wine"])
    '--tolerance must be a finite number, got -1'
    >>> _named_as_options("y must be labels (method='universal' takes any)", ["construct", "wine"])
    'y must be labels (--method universal takes any)'
    """
    command = _command(arguments)
    known = inspect.signature(command).parameters if command is not None else ()

    def option(found):
        name, rest = found.groups()
        if name not in known:
            return found[0]
        return f"--{name.replace('_', '-')}{f' {rest}' if rest else ''}"

    text = re.sub(r"^(\w+) (must)\b", option, text)
    return re.sub(r"(?<![\w-])(\w+)=(?:'(\w+)'|(?![\w.]))", option, text)


if __name__ == "__main__":
    sys.exit(main())
