"""What the tables of finished runs say of the claims, in one form."""

from training.experiments.claims.points import formula_readings, minimum_readings
from training.experiments.claims.returns import return_readings
from training.experiments.claims.sources import CLAIMS
from training.experiments.claims.tables import rows_of
from training.experiments.claims.works import TYPES, VERDICT_TABLE, WORKS
from training.experiments.claims.zero_loss import zero_loss_readings
from training.experiments.judging.verdict import judged
from training.output.verdicts import UNDECIDED, VERDICTS

# The columns that tell the parts of a claim apart, in the tables of the experiments.
PARTS = ("d", "quantity", "loss", "data")
PARTS_TOLD = {"d": "d = {}"}
NO_ROW = "no row in {}"
UNAVAILABLE = "not available"  # instead of a verdict: there is no evidence, see the reason
POINTS = {"E2": minimum_readings, "E3": formula_readings}  # of the table of `geomcore minima`
STUDIES = {letter: f"study-{letter}" for letter in TYPES}
ANSWERS = STUDIES["c"]  # the study whose folder is told of E4


def judgements(folder, zero_rows, missing=()):
    """The verdicts on all claims.

    Parameters
    ----------
    folder : Path
        With the run folders inside.
    zero_rows : list of dict
        Of `zero_losses`.
    missing : dict of str to str, optional
        Folders of runs that are not finished, and why; nothing in them is read.

    Returns
    -------
    list of dict
        ``claim``, ``part`` ("" where there is one only), ``verdict``, ``reason``, ``run``: its
        folder, "" for what was computed here. A claim of which a finished run says nothing is not
        decided. Where the run is missing, or its table is damaged or tells a claim twice or one
        that is not its own, the verdict on its claims is `UNAVAILABLE`, and the reason names run
        and file; nothing that the table says of them is kept.
    """
    missing = dict(missing)
    found = [_judged("E1", zero_loss_readings(zero_rows), "")]
    for work in WORKS:
        claims = [claim for claim in work.claims if claim not in (*POINTS, "E4")]
        found += _contained(claims, work.folder, missing, _from_table, folder, work)
    found += _contained(POINTS, "minima", missing, _of_points, folder)
    lacking = {name: f"{name}: {missing[name]}" for name in STUDIES.values() if name in missing}
    # All four are one piece of evidence.
    missing |= {ANSWERS: "; ".join(lacking.values())} if lacking else {}
    found += _contained(["E4"], ANSWERS, missing, _of_studies, folder)
    order = [claim.name for claim in CLAIMS]
    return sorted(found, key=lambda row: order.index(row["claim"]))


def _contained(claims, run, missing, rows, *about):
    """The rows of some claims: those of a function, or why there are none."""
    if not claims:
        return []
    why = missing.get(run)
    if why is None:
        try:
            return rows(*about)
        except (ValueError, OSError) as error:
            why = str(error)
    return [_row(claim, "", UNAVAILABLE, why, run) for claim in claims]


def _of_points(folder):
    rows = rows_of(folder / "minima" / "minima.csv")
    return [_judged(claim, read(rows), "minima", "minima.csv") for claim, read in POINTS.items()]


def _of_studies(folder):
    trials = {letter: rows_of(folder / run / "trials.csv") for letter, run in STUDIES.items()}
    for letter, rows in trials.items():
        if not rows:
            return [
                _row("E4", "", UNDECIDED, NO_ROW.format(f"{STUDIES[letter]}/trials.csv"), ANSWERS)
            ]
    return [_judged("E4", return_readings(trials), ANSWERS)]


def _judged(claim, readings, run, table=""):
    if not any(reading.is_source for reading in readings):
        return _row(claim, "", UNDECIDED, NO_ROW.format(table), run)
    found = judged(readings, beyond="Beyond its own")
    return _row(claim, "", found.verdict, found.reason, run)


def _from_table(folder, work):
    """The rows of some `verdicts.csv`, with one for each claim that it leaves out."""
    name, found = f"{work.folder}/{VERDICT_TABLE}", {}
    for row in rows_of(folder / work.folder / VERDICT_TABLE):
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
