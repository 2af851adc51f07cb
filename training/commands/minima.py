"""What `geomcore minima` does: examine all states and merges, tell what they are."""

from pathlib import Path

import numpy as np

from geomcore import datasets
from geomcore.plot.style import close, lighten
from training.commands.case import load_data
from training.experiments import plot_minima
from training.experiments.minima import COLUMNS, examine, points_of
from training.output.folder import RunFolder, limited_threads
from training.output.page import render
from training.output.screen import Screen

MOST_CLASSES = 6  # 64 states twice, and 203 partitions


def minima(source, *, classes, radius, points, label, steps, trials, scale, seed, out, jobs, quiet):
    """Examine all states and merges of one data set, or of balls for several Q.

    Returns
    -------
    int
        The exit status: 1 if descent found a lower loss near a certified minimum.
    """
    cases = _data(source, classes, radius, points, label, seed)
    arguments = {
        "data": source,
        "classes": classes,
        "radius": radius,
        "points": points,
        "label": label,
        "steps": steps,
        "trials": trials,
        "scale": scale,
        "jobs": jobs,
    }
    out = Path("runs") / "minima" if out is None else out
    screen = Screen(quiet)
    with limited_threads(jobs), RunFolder(out, "minima", arguments, seed) as run:
        sections, rows, growth = [], [], []
        for name, data in cases.items():
            work = points_of(data)
            found, networks, refused = [], [], []
            with run.timed(name), screen.progress(len(work)) as step:
                for job in work:
                    step(f"{name}: {job['name']}")
                    row, net = examine(
                        job, data, steps=steps, trials=trials, scale=scale, seed=seed
                    )
                    if net is None:
                        refused.append(row)
                    else:
                        found.append({"data": name, **row})
                        networks.append(net)
            rows += found
            growth.append(_growth(name, data, found))
            figures = _draw(name, found, networks, data, run)
            shown = [_shown(row) for row in found]
            sections.append({"name": name, "rows": shown, "figures": figures, "refused": refused})
            screen.table([_on_screen(row) for row in shown])
            screen.print()
            for row in refused:
                screen.print(f"{row['name']}: {row['refusal']}")
        wrong = [r for r in rows if r["verdict"].endswith("minimum") and r["lower_found"]]
        _write(run, rows, growth, sections, wrong)
        screen.table(growth)
    for row in wrong:
        screen.print(f"descent found lower loss near a certified minimum: {row['name']}")
    screen.print(f"\nrun folder: {run.path}")
    return 1 if wrong else 0


def _data(source, classes, radius, points, label, seed):
    """The data sets by name."""
    if source is not None:
        data = load_data(source, seed=seed, label=label)
        if len(np.unique(data.y)) > MOST_CLASSES:
            raise ValueError(
                f"DATA has {len(np.unique(data.y))} classes, the table of all states and merges "
                f"is made for at most {MOST_CLASSES}"
            )
        return {data.name: data}
    if label is not None:
        raise ValueError("--label goes with a CSV file as DATA")
    try:
        numbers = [int(part) for part in classes.split(",")]
    except ValueError:
        numbers = []
    if not numbers or any(not 2 <= q <= MOST_CLASSES for q in numbers):
        raise ValueError(
            f"--classes must be numbers from 2 to {MOST_CLASSES} with commas between, "
            f"got {classes!r}"
        )
    return {
        f"{q} balls": datasets.clusters(points, classes=q, radius=radius, rng=seed) for q in numbers
    }


def _growth(name, data, rows):
    """What one data set costs, for the last table."""
    count = {kind: sum(r["kind"] == kind for r in rows) for kind in ("state", "merge", "paper")}
    seconds = {
        part: sum(r[f"{part}_seconds"] for r in rows) for part in ("build", "verify", "descent")
    }
    return {
        "data": name,
        "points": str(len(data.X)),
        "states": f"{count['state']} + {count['paper']}",
        "merges": str(count["merge"]),
        **{f"{part} (s)": f"{value:.1f}" for part, value in seconds.items()},
    }


def _draw(name, rows, networks, data, run):
    stem = name.replace(" ", "-")
    figures = []

    def add(key, fig, caption):
        figures.append((run.figure(f"{stem}-{key}", fig), caption))
        close(fig)

    add(
        "losses",
        plot_minima.figure_of_losses(rows),
        "The loss of each point, with its verdict as colour and marker; the closed form where "
        "one is published or elementary (crosses; for a mixed state without bias it is the "
        "formula with untruncated means, which is not the minimum over the last layer); and the "
        "loss after gradient descent from the point itself and from perturbations of it.",
    )
    for kind, what in (("state", "state"), ("merge", "merge")):
        some = [i for i, r in enumerate(rows) if r["kind"] == kind]
        some = [i for i in some if networks[i].widths[1] <= data.X.shape[1]]
        if some:
            fig = plot_minima.figure_of_truncated(
                [rows[i] for i in some], [networks[i] for i in some], data
            )
            caption = (
                f"The truncated data of each {what} after its last hidden layer, in one plane "
                "(PCA of the data); a class that has become one point is one large marker. The "
                "frame has the colour of the verdict, as above."
            )
            add(f"{kind}s", lighten(fig), caption)
    return figures


def _write(run, rows, growth, sections, wrong):
    import pandas as pd

    run.table("minima", pd.DataFrame(rows, columns=["data", *COLUMNS]))
    run.table("growth", pd.DataFrame(growth))
    page = render(
        "commands/minima.html",
        run.record,
        sections=sections,
        growth=growth,
        wrong=[row["name"] for row in wrong],
    )
    run.text("index.html", page)
    run.publish()


def _shown(row):
    """A row of the table as strings."""

    def number(value, form="{:.3g}"):
        return "-" if value != value else form.format(value)

    proved = " (proved)" if row["proved"] else ""
    inner = row["verdict_in_cumulative"]
    return {
        "point": row["name"],
        "loss": number(row["loss"], "{:.6g}"),
        "closed form": number(row["closed_form"], "{:.6g}"),
        "verdict": row["verdict"] + proved,
        "in W^(L) alone": inner or "-",
        "gradient": number(row["gradient_norm"], "{:.1e}"),
        "lower bound": number(row["lower_bound"], "{:.6g}"),
        "witness": number(row["witness_loss"], "{:.6g}"),
        "margin": number(row["margin"]),
        "cell radius": number(row["cell_radius"]),
        "λ*": number(row["basin"]),
        "λ* balanced": number(row["balanced_basin"]),
        "min eigenvalue": number(row["smallest_eigenvalue"], "{:.1e}"),
        "zero eigenvalues": f"{number(row['zero_eigenvalues'], '{:.0f}')} of {row['parameters']}",
        "descent": number(row["descent_loss"], "{:.6g}"),
        "perturbed, descent": f"{number(row['perturbed_lowest'], '{:.6g}')} – "
        f"{number(row['perturbed_highest'], '{:.6g}')}",
    }


def _on_screen(row):
    """The columns for which a terminal has room."""
    kept = ("point", "loss", "closed form", "verdict", "gradient", "cell radius", "λ*", "descent")
    return {name: row[name] for name in kept}
