"""What the tables of finished runs say of the claims, in one form."""

import csv

import numpy as np

from training.experiments.claims.points import formula_readings, minimum_readings
from training.experiments.claims.returns import return_readings
from training.experiments.claims.sources import CLAIMS, TYPES, WORKS
from training.experiments.claims.zero_loss import zero_loss_readings
from training.experiments.judging.verdict import judged
from training.output.verdicts import UNDECIDED, VERDICTS

# The columns that tell the parts of a claim apart, in the tables of the experiments.
PARTS = ("d", "quantity", "loss", "data")
PARTS_TOLD = {"d": "d = {}"}
NUMBERS = ("loss", "closed_form", "classes", "scale", "final_loss", "accuracy")
NOT_RUN = "no finished run"


def rows_of(path):
    """The rows of a CSV file of a run; numbers where they are needed as such.

    Returns
    -------
    list of dict
        Of no rows if there is no such file.
    """
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name in NUMBERS:
            if name in row:
                row[name] = _number(row[name])
        if "proved" in row:
            row["proved"] = row["proved"] == "True"
    return rows


def judgements(folder, zero_rows, missing=()):
    """The verdicts on all claims.

    Parameters
    ----------
    folder : Path
        With the run folders inside.
    zero_rows : list of dict
        Of `zero_losses`.
    missing : sequence of str
        Folders of runs that are not finished; nothing in them is read.

    Returns
    -------
    list of dict
        ``claim``, ``part`` ("" where there is one only), ``verdict``, ``reason``, ``run``: its
        folder, "" for what was computed here.
    """
    found = []
    for work in WORKS:
        if work.folder in missing:
            found += [_row(c, "", UNDECIDED, NOT_RUN, work.folder) for c in work.claims]
        elif work.command not in ("minima", "study"):
            for row in rows_of(folder / work.folder / "verdicts.csv"):
                found.append(_from_table(row, work.folder))
    found.append(_judged("E1", zero_loss_readings(zero_rows), ""))
    if "minima" not in missing:
        rows = rows_of(folder / "minima" / "minima.csv")
        found.append(_judged("E2", minimum_readings(rows), "minima"))
        found.append(_judged("E3", formula_readings(rows), "minima"))
    names = {letter: f"study-{letter}" for letter in TYPES}
    if not {*names.values()} & {*missing}:
        trials = {a: rows_of(folder / name / "trials.csv") for a, name in names.items()}
        found.append(_judged("E4", return_readings(trials), names["c"]))
    elif names["c"] not in missing:
        found.append(_row("E4", "", UNDECIDED, NOT_RUN, names["c"]))
    order = [claim.name for claim in CLAIMS]
    return sorted(found, key=lambda row: order.index(row["claim"]))


def _judged(claim, readings, run):
    found = judged(readings, beyond="Beyond its own")
    return _row(claim, "", found.verdict, found.reason, run)


def _from_table(row, run):
    """A row of some `verdicts.csv`: its claim may be told as "C2, relu"."""
    claim, _, more = row["claim"].partition(", ")
    if row["verdict"] not in VERDICTS:
        raise ValueError(f"{run}/verdicts.csv has an unknown verdict, {row['verdict']!r}")
    parts = [PARTS_TOLD.get(name, "{}").format(row[name]) for name in PARTS if row.get(name)]
    return _row(
        claim, ", ".join([*([more] if more else []), *parts]), row["verdict"], row["reason"], run
    )


def _row(claim, part, verdict, reason, run):
    return {"claim": claim, "part": part, "verdict": verdict, "reason": reason, "run": run}


def _number(text):
    if text == "":
        return None
    try:
        return float(text)
    except ValueError:
        return np.nan if text == "nan" else text
