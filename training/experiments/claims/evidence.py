"""What the tables of finished runs say of the claims, in one form."""

from training.experiments.claims.points import formula_readings, minimum_readings
from training.experiments.claims.returns import return_readings
from training.experiments.claims.sources import CLAIMS, TYPES, VERDICT_TABLE, WORKS
from training.experiments.claims.tables import rows_of
from training.experiments.claims.zero_loss import zero_loss_readings
from training.experiments.judging.verdict import judged
from training.output.verdicts import UNDECIDED, VERDICTS

# The columns that tell the parts of a claim apart, in the tables of the experiments.
PARTS = ("d", "quantity", "loss", "data")
PARTS_TOLD = {"d": "d = {}"}
NOT_RUN, NO_ROW = "no finished run", "no row in {}"


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
        folder, "" for what was computed here. A claim of which a finished run says nothing is not
        decided.

    Raises
    ------
    ValueError
        With the name of the run and the file, if a table is damaged, see `rows_of`, or tells a
        claim twice or one that is not its own.
    """
    found = []
    for work in WORKS:
        if work.folder in missing:
            found += [_row(c, "", UNDECIDED, NOT_RUN, work.folder) for c in work.claims]
        elif work.table == VERDICT_TABLE:
            found += _from_table(rows_of(folder / work.folder / work.table), work)
    found.append(_judged("E1", zero_loss_readings(zero_rows), ""))
    if "minima" not in missing:
        rows = rows_of(folder / "minima" / "minima.csv")
        for claim, readings in (("E2", minimum_readings(rows)), ("E3", formula_readings(rows))):
            found.append(_judged(claim, readings, "minima", "minima.csv"))
    names = {letter: f"study-{letter}" for letter in TYPES}
    if not {*names.values()} & {*missing}:
        trials = {a: rows_of(folder / name / "trials.csv") for a, name in names.items()}
        empty = [names[a] for a, rows in trials.items() if not rows]
        if empty:
            reason = NO_ROW.format(f"{empty[0]}/trials.csv")
            found.append(_row("E4", "", UNDECIDED, reason, names["c"]))
        else:
            found.append(_judged("E4", return_readings(trials), names["c"]))
    elif names["c"] not in missing:
        found.append(_row("E4", "", UNDECIDED, NOT_RUN, names["c"]))
    order = [claim.name for claim in CLAIMS]
    return sorted(found, key=lambda row: order.index(row["claim"]))


def _judged(claim, readings, run, table=""):
    if not any(reading.is_source for reading in readings):
        return _row(claim, "", UNDECIDED, NO_ROW.format(table), run)
    found = judged(readings, beyond="Beyond its own")
    return _row(claim, "", found.verdict, found.reason, run)


def _from_table(rows, work):
    """The rows of some `verdicts.csv`, with one for each claim that it leaves out."""
    name, found = f"{work.folder}/{VERDICT_TABLE}", {}
    for row in rows:
        # A claim may be told as "C2, relu".
        claim, _, more = row["claim"].partition(", ")
        if claim not in work.claims:
            raise ValueError(
                f"{name} must be of {', '.join(work.claims)}, it has a row of {claim!r}"
            )
        if row["verdict"] not in VERDICTS:
            raise ValueError(f"{name} has an unknown verdict, {row['verdict']!r}")
        parts = [PARTS_TOLD.get(key, "{}").format(row[key]) for key in PARTS if row.get(key)]
        part = ", ".join([*([more] if more else []), *parts])
        if (claim, part) in found:
            raise ValueError(f"{name} has two rows of {row['claim']!r}, {part!r}")
        found[claim, part] = _row(claim, part, row["verdict"], row["reason"], work.folder)
    told = {claim for claim, _ in found}
    return [
        *found.values(),
        *(
            _row(claim, "", UNDECIDED, NO_ROW.format(VERDICT_TABLE), work.folder)
            for claim in work.claims
            if claim not in told
        ),
    ]


def _row(claim, part, verdict, reason, run):
    return {"claim": claim, "part": part, "verdict": verdict, "reason": reason, "run": run}
