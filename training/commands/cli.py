"""The `geomcore` command.

Exit status: 0, or 1 if a check failed (not proved, no method applies), or 2 for
bad usage, with one line on standard error that says what was wrong.
"""

import os
import sys

import typer

from training.commands.check import check
from training.commands.construct import construct
from training.commands.minima import minima
from training.commands.quickstart import quickstart
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
app.command()(study)
app.command()(minima)


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
        return _fail(error, 2)
    except Exception as error:
        # The errors of the command-line parser, whichever copy of it typer brings.
        if hasattr(error, "format_message"):
            return _fail(error.format_message(), 2)
        if hasattr(error, "exit_code"):
            return error.exit_code
        raise


def _fail(reason, status):
    """Tell the reason, an exception or a text, in one line of at most `LONGEST` characters."""
    text = f"{PROGRAM}: {_sentence(reason)}"
    if len(text) > LONGEST or not text.isprintable():
        # It is here since it brings NumPy along, which an ordinary usage error need not wait for.
        from geomcore.foreign.wording import one_line

        text = one_line(text, LONGEST)
    print(text, file=sys.stderr)
    return status


def _sentence(reason):
    if isinstance(reason, OSError) and reason.strerror:
        place = "" if reason.filename is None else f"{reason.filename}: "
        return f"{place}{reason.strerror}"
    return str(reason).strip() or type(reason).__name__


if __name__ == "__main__":
    sys.exit(main())
