"""Options that several commands have, and the names of data sets."""

import functools
import inspect
import os
from pathlib import Path
from typing import Annotated

import typer

# Drawn at random, with a seed.
SYNTHETIC = ("clusters", "sequential", "single_cone", "concentric")
DRAWN = (*SYNTHETIC, "spirals")
BUNDLED = ("iris", "wine", "breast_cancer", "digits")

CORES = os.cpu_count() or 1

# Beyond these a number is a slip of the hand, and the work would not end.
MOST_JOBS = 4096
MOST_POINTS = 10**6
MOST_TRIALS = 10**6
MOST_STEPS = 10**9


def known_number(value: float):
    """A number within bounds, of which some versions of the parser say that nan is between them."""
    if value != value:
        raise typer.BadParameter("nan is no number")
    return value


Data = Annotated[str, typer.Argument(help=f"{', '.join(DRAWN + BUNDLED)}, or a CSV or npz file.")]
# How a CSV file is read, as in `geomcore.datasets.load_table`; None where nothing is said.
TABLE = {
    "label": Annotated[
        str | None,
        typer.Option(help="CSV: column of the label, by name or number from 0. Default the last."),
    ],
    "header": Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="CSV: the first line holds names, or a point."),
    ],
    "delimiter": Annotated[
        str | None,
        typer.Option(help="CSV: what separates columns: a character, tab, or space for blanks."),
    ],
    "decimal": Annotated[str | None, typer.Option(help="CSV: decimal mark, . or a comma.")],
    "encoding": Annotated[
        str | None, typer.Option(help="CSV: such as utf-16 or cp1252. Default utf-8.")
    ],
    "drop": Annotated[
        list[str] | None,
        typer.Option(help="CSV: leave this column out, by name or number. May be repeated."),
    ],
    "drop_missing": Annotated[
        bool | None, typer.Option("--drop-missing", help="CSV: leave out rows with missing values.")
    ],
    "one_hot": Annotated[
        bool | None,
        typer.Option("--one-hot", help="CSV: one column of zeros and ones per text of a feature."),
    ],
}
Targets = Annotated[
    str | None,
    typer.Option(
        help="What the network is to put out for each label in sorted order: 0,1 or -1,1, or with "
        "two outputs 1,0;0,1, or a file of such lines. Default: an output per label, 1 for its own."
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        help="clustered, sequential, cone, simplex, universal, or auto: the first of them that "
        "applies."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the run: new, empty, or an earlier run. Default runs/..."),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Replace a study, or a run with files that you have changed (or whose run.json has no "
        "digests to tell). They stay; a file that is in the way is kept as NAME.kept.",
    ),
]
Jobs = Annotated[int, typer.Option(min=1, max=MOST_JOBS, help="Threads.")]
Loss = Annotated[
    str,
    typer.Option(help="What is minimized: mse, class_weighted, cross_entropy (softmax) or bce."),
]
WeightDecay = Annotated[
    float,
    typer.Option(
        min=0.0,
        callback=known_number,
        help="Half of this times the square of all parameters is added to it.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, results only.")]


def reads_table(command):
    """Give a command the options `TABLE` in the place of its parameter `table`, a dict of them."""
    shape = inspect.signature(command)

    @functools.wraps(command)
    def with_options(*args, **given):
        table = {name: given.pop(name, None) for name in TABLE}
        return command(*args, **given, table=table)

    parameters = {}
    for name, parameter in shape.parameters.items():
        if name == "table":
            for option, kind in TABLE.items():
                parameters[option] = parameter.replace(name=option, annotation=kind)
        else:
            parameters[name] = parameter
    with_options.__signature__ = shape.replace(parameters=list(parameters.values()))
    with_options.__annotations__ = {name: p.annotation for name, p in parameters.items()}
    return with_options


def noted(given):
    """The arguments of a command for `run.json`, of `targets` and `TABLE` those that are given.

    The label is noted always.

    Examples
    --------
    >>> noted({"data": "t.csv", "table": {"label": None, "drop": ["id"], "header": None}})
    {'data': 't.csv', 'label': None, 'drop': ['id']}
    """
    table = {k: v for k, v in given["table"].items() if k == "label" or v not in (None, [])}
    named = {k: v for k, v in given.items() if k != "table" and (k, v) != ("targets", None)}
    return named | table
