"""The tables of finished runs, read and checked: what is no table is refused in one sentence."""

import csv
import math

from training.study.outcomes import OUTCOMES, UNKNOWN

TRUTHS = {"True": True, "False": False}


def number(text):
    """A number, which may be nan or infinite; None where the cell is empty."""
    return float(text) if text else None


def _finite(text):
    found = float(text)
    if not math.isfinite(found):
        raise ValueError("it is not finite")
    return found


def _outcome(text):
    if text not in (*OUTCOMES, UNKNOWN):
        raise ValueError("it is no outcome of a trial")
    return text


# The columns of each table that are read, and how; a KeyError or a ValueError refuses a cell.
COLUMNS = {
    "verdicts.csv": {"claim": str, "verdict": str, "reason": str},
    "minima.csv": {
        "name": str,
        "kind": str,
        "classes": int,
        "loss": number,
        "closed_form": number,
        "verdict": str,
        "proved": TRUTHS.__getitem__,
    },
    "trials.csv": {
        "scale": _finite,
        "outcome": _outcome,
        "final_loss": number,
        "accuracy": number,
    },
}


def rows_of(path):
    """The rows of a table of a run.

    Parameters
    ----------
    path : Path
        Its name is one of `COLUMNS`.

    Returns
    -------
    list of dict
        Of no rows if there is no such file, or nothing in it. Columns beyond `COLUMNS` are texts.

    Raises
    ------
    ValueError
        With the name of the run and the file: if the file is no CSV in UTF-8, lacks a column, or
        has a row of another length or a value that cannot be.
    """
    name, columns = f"{path.parent.name}/{path.name}", COLUMNS[path.name]
    if not path.exists():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{name} must be a CSV file in UTF-8: {error}") from None
    for k, row in enumerate(rows):
        lacking = [column for column in columns if column not in row]
        if lacking:
            raise ValueError(f"{name} must have a column {lacking[0]}, it has none")
        if None in row or None in row.values():
            raise ValueError(f"{name} must have rows of one length, row {k + 1} has another")
        for column, read in columns.items():
            try:
                row[column] = read(row[column])
            except (KeyError, ValueError):
                raise ValueError(
                    f"{name} is damaged: {column} of row {k + 1} is {row[column]!r}"
                ) from None
    return rows
