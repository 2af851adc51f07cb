"""Options that several commands have, and the names of data sets."""

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

Data = Annotated[str, typer.Argument(help=f"{', '.join(DRAWN + BUNDLED)}, or a CSV or npz file.")]
Label = Annotated[
    str | None, typer.Option(help="Column of the label in a CSV file, by name or number.")
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
        help="Replace a study, or a run with files that you have changed. What you have changed "
        "stays; a file that is in the way is kept as NAME.kept.",
    ),
]
Jobs = Annotated[int, typer.Option(min=1, max=MOST_JOBS, help="Threads.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, results only.")]
