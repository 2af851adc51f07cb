"""The option `--resume`: a command that was stopped goes on with what it was begun with."""

import functools
import inspect
import sys
from importlib.metadata import version
from operator import ge, le
from typing import Annotated, get_args, get_origin

import msgspec
import typer
from typer.models import ArgumentInfo

# Said anew whenever a run goes on.
ANEW = ("out", "quiet", "force", "jobs", "resume")
LONGEST = 500  # characters of a note, which holds a path
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on with the run in --out that was stopped, as it was begun."),
]


def resumes(command):
    """Give a command the option `--resume`, and the arguments of the run that is to go on.

    The command takes `resume`, a flag, beside `out`, `force` and `seed`; if it is set, its other
    arguments are those in the `run.json` of the folder `out`, and `force` is set, for files of the
    run that somebody changed are to be kept aside.

    Parameters
    ----------
    command : callable
        With a parameter ``resume``, annotated as `Resume`.

    Returns
    -------
    callable
        It raises a ValueError if ``--out`` is missing, holds no run of this command, or if another
        argument that was typed is not that of the run. That another version of geomcore began the
        run is told on stderr: what was kept is not made anew.
    """
    shape = inspect.signature(command)

    @functools.wraps(command)
    def as_begun(context, **given):
        if given["resume"]:
            given = {**given, **_begun(command, context, given), "force": True}
        return command(**given)

    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    as_begun.__signature__ = shape.replace(parameters=[context, *shape.parameters.values()])
    as_begun.__annotations__ = {**command.__annotations__, "context": typer.Context}
    return as_begun


def _begun(command, context, given):
    """The arguments of the run in `out` by name, checked as if they had been typed."""
    from geomcore.foreign.wording import one_line, quoted
    from training.output.record import read_record

    out, name = given["out"], context.command.name
    if out is None:
        raise ValueError("--resume needs --out, the folder of the run that is to go on")
    if not (out / "run.json").exists():
        raise ValueError(f"--resume: there is no run in {out}")
    record = read_record(out)
    if record.command != name:
        raise ValueError(f"--resume: the run in {out} must be of {name}, it is of {record.command}")
    then, now = record.versions.get("geomcore"), version("geomcore")
    if then != now:
        note = (
            f"note: the run in {out} was begun by geomcore {quoted(then)}, this is {quoted(now)}: "
            "what it has finished stays as it is, the rest may differ in the last digits"
        )
        print(one_line(note, LONGEST), file=sys.stderr)
    told = {**record.arguments, "seed": record.seed}
    begun = {}
    for option, parameter in inspect.signature(command).parameters.items():
        if option in ANEW:
            continue
        value = begun[option] = _checked(
            option, parameter, told.get(option, parameter.default), out
        )
        typed = context.get_parameter_source(option).name != "DEFAULT"
        if typed and given[option] != value:
            raise ValueError(
                f"{_name(option, parameter)} is {quoted(value)} in {out}, a run that goes on "
                f"cannot change it to {quoted(given[option])}"
            )
    return begun


def _checked(option, parameter, value, out):
    """A value from `run.json`, of the type and in the range that the option has."""
    kind, about = parameter.annotation, None
    if get_origin(kind) is Annotated:
        kind, about = get_args(kind)
    try:
        found = msgspec.convert(value, kind, dec_hook=lambda kind, text: kind(text))
        for bound, within in (("min", ge), ("max", le)):
            limit = getattr(about, bound, None)
            numbers = found if isinstance(found, list) else [] if found is None else [found]
            if limit is not None and not all(within(number, limit) for number in numbers):
                raise ValueError("out of range")
    except (msgspec.ValidationError, ValueError, TypeError, OverflowError):
        from geomcore.foreign.wording import quoted

        name = _name(option, parameter)
        raise ValueError(f"{out / 'run.json'} is damaged: {name} is {quoted(value)}") from None
    return found


def _name(option, parameter):
    """How an argument is called on the command line."""
    is_argument = any(isinstance(a, ArgumentInfo) for a in get_args(parameter.annotation))
    return option.upper() if is_argument else f"--{option.replace('_', '-')}"
