"""`geomcore report`: runs joined into one page that opens offline."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.arguments.options import CORES, Force, Jobs, Out, Quiet, Seed


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, of any commands.")],
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Join the pages of RUNS into one page. Its tables sort, and its views in space turn."""
    given = {"runs": [str(run) for run in runs], "seed": seed, "out": out, "force": force}
    given |= {"jobs": jobs, "quiet": quiet}
    from training.output.start import started
    from training.report.joined import joined, size_in_words
    from training.report.runs import is_run_of, read_runs

    stored, left_out = read_runs(runs)
    if out is not None and is_run_of(out, runs):
        raise ValueError(f"--out must be another folder than those of the runs, got {out}")
    library = _library()
    with started("report", given, kept=("runs",)) as (run, screen):
        views, without = [], []
        with screen.progress(len(stored)) as step:
            for one in stored:
                step(f"reading {one.name}")
                found, missing = _views(one) if library is not None else ([], [])
                views.append(found)
                without.append(missing)
        text, rows = joined(
            stored,
            views,
            record=run.record,
            left_out=left_out,
            without=without,
            library=library,
        )
        run.table("runs", rows)
        run.text("index.html", text)
        run.publish()
        for told in left_out:
            screen.err.print(f"left out: {told}", markup=False)
        screen.table([{k: row[k] for k in ("run", "command", "state", "figures")} for row in rows])
        if library is None:
            screen.tell("views that turn need plotly: pip install 'geomcore[report]'")
    size = size_in_words(len(text.encode()))
    screen.print(f"\none page of {size}: {run.path / 'index.html'}")
    return 0


def _library():
    """The source of plotly.js, or None."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        return None
    return get_plotlyjs()


def _views(run):
    from training.commands.arguments.data import load_data
    from training.report.plot_views import views_of

    return views_of(run, load_data)
