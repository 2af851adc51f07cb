"""From the runs of all experiments to one page, for `geomcore claims`."""

from contextlib import contextmanager
from pathlib import Path

from training.experiments.claims.evidence import UNAVAILABLE, judgements
from training.experiments.claims.points import RTOL
from training.experiments.claims.returns import ACCURACY, HALF, LARGE, LOSS, NEARLY, SMALL
from training.experiments.claims.running import FAILED, ensure
from training.experiments.claims.sources import CLAIMS, WORKS
from training.experiments.claims.zero_loss import zero_losses
from training.output.page import render
from training.output.record import read_record
from training.output.start import started
from training.output.verdicts import VERDICTS

DRAWS, QUICK_DRAWS = 10, 2  # of each type of data, for E1
RULE = f"""\
A claim is read in one or more ways, by its source's own measure or by another one, and each \
reading is answered yes, no, open (the 95 % interval, or the proof, decides nothing) or size (the \
effect is there, its size is another). It does not hold if a reading of its source says no, and \
is not decided if one is open. If they say yes, it holds, unless another reading says no, or a \
size is another: then it holds with a correction. The experiments print their own thresholds on \
their pages; those of E1 to E4 are these. E1: yes where zero loss is proved for every draw. E2: \
no where one of the points is proved to be no local minimum, yes where all are proved minima. E3: \
yes where all losses agree with the formula to {RTOL:g} of it, or to {RTOL:g} where it is 0. E4: \
yes up to λ = {SMALL:g} where the Wilson interval of the fraction that ends at zero loss lies \
above {NEARLY:g}, no where it lies below; yes at λ = {LARGE:g} where it lies below {HALF:g}, no \
where above; a size is another where the interval of the mean lies outside {LOSS[0]:g} to \
{LOSS[1]:g} (loss) or {ACCURACY[0]:g} to {ACCURACY[1]:g} (accuracy)."""


def as_names(text):
    """The claims in an option, in their order; all if it is None.

    Examples
    --------
    >>> as_names("E2,C1")
    ('C1', 'E2')
    """
    known = [claim.name for claim in CLAIMS]
    if text is None:
        return tuple(known)
    chosen = [part.strip() for part in text.split(",")]
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ValueError(f"--only must be of {', '.join(known)}, got {unknown[0]!r}")
    return tuple(name for name in known if name in chosen)


def report(given, names):
    """Have all runs that the claims need, and write the page; the exit status.

    Parameters
    ----------
    given : dict
        The arguments of the command by name.
    names : tuple of str
        Of claims.
    """
    quick, seed, jobs = (given[k] for k in ("quick", "seed", "jobs"))
    works = [work for work in WORKS if _is_needed(work, names)]
    folder = Path("runs/claims") if given["out"] is None else given["out"]
    given = {**given, "out": folder}
    with started("claims", given) as (run, screen), _told_how_to_go_on(screen):
        run.begin()
        told, missing = [], {}
        for k, work in enumerate(works):
            screen.tell(
                f"{k + 1} of {len(works)}: geomcore {work.command} in {folder / work.folder}"
            )
            how, why = ensure(work, folder, quick=quick, seed=seed, jobs=jobs, quiet=given["quiet"])
            missing |= {work.folder: why} if how == FAILED else {}
            told.append(_told(work, folder, how, why))
            if how == FAILED:
                screen.fold(f"{work.folder}: {how}, {why}")
        zero_rows = []
        if "E1" in names:
            with screen.compiling(), screen.progress(4) as step, run.timed("zero loss"):
                zero_rows = zero_losses(QUICK_DRAWS if quick else DRAWS, seed=seed, told=step)
            run.table("zero_loss", zero_rows)
        # Nothing is read of runs that were not asked for; no row speaks of them.
        others = {work.folder: "not asked for" for work in WORKS if work not in works}
        rows = judgements(folder, zero_rows, missing | others)
        rows = [row for row in rows if row["claim"] in names]
        about = {claim.name: claim for claim in CLAIMS}
        table = [_full(row, about[row["claim"]]) for row in rows]
        counts = {v: sum(row["verdict"] == v for row in rows) for v in VERDICTS}
        unavailable = [row for row in rows if row["verdict"] == UNAVAILABLE]
        counts |= {UNAVAILABLE: len(unavailable)} if unavailable else {}
        run.table("claims", table)
        run.table("runs", told)
        content = {
            "claims": [about[name] for name in names],
            "rows": rows,
            "counts": counts,
            "rule": RULE,
            "runs": told,
            "quick": quick,
            "figures": _pictures(works, folder, missing),
        }
        run.text("claims.md", _as_markdown(content, run.record))
        run.text("index.html", render("commands/claims/claims.html", run.record, **content))
        run.publish()
        screen.table(
            [{k: row[k] for k in ("claim", "part", "verdict")} for row in rows]
            or [{"claim": "none"}]
        )
        screen.fold(f"\n{RULE}")
    screen.print(f"\nrun folder: {run.path}")
    return 1 if unavailable else 0


@contextmanager
def _told_how_to_go_on(screen):
    try:
        yield
    except KeyboardInterrupt:
        screen.err.print("to go on: the same command once more", markup=False)
        raise


def _is_needed(work, names):
    """Whether a run answers for one of some claims; all four studies do for E4."""
    own = ("E4",) if work.command == "study" else work.claims
    return bool({*own} & {*names})


def _told(work, folder, how, why):
    """A row of the table of runs."""
    row = {"run": work.folder, "command": work.command, "how": how, "why": why}
    if how == FAILED:
        return {**row, "seed": "", "seconds": "", "started": "", "geomcore": ""}
    record = read_record(folder / work.folder)
    options = {k: v for k, v in record.arguments.items() if v is not None}
    typed = " ".join(f"{k}={v}" for k, v in options.items() if k != "jobs")
    return {
        **row,
        "command": f"{work.command} {typed}",
        "seed": record.seed,
        "seconds": record.seconds,
        "started": record.started,
        "geomcore": record.versions.get("geomcore"),
    }


def _full(row, claim):
    """A row of the table of claims."""
    return {
        "claim": row["claim"],
        "part": row["part"],
        "statement": claim.statement,
        "source": claim.source,
        "published": claim.published,
        "verdict": row["verdict"],
        "found": row["reason"],
        "run": row["run"],
    }


def _pictures(works, folder, missing):
    """The pictures of the runs that show the claims: path inside, name of the run, its claims."""
    found = []
    for work in works:
        for stem in work.figures if work.folder not in missing else ():
            if (folder / work.folder / f"{stem}.png").exists():
                found.append({"path": f"{work.folder}/{stem}.png", "run": work.folder})
    return found


def _as_markdown(content, record):
    """The table of claims for docs/claims.md."""
    lines = [f"Seed {record['seed']}, {record['started'][:10]}, {_versions(record)}.", ""]
    lines += ["| claim | published | found | verdict |", "| --- | --- | --- | --- |"]
    about = {claim.name: claim for claim in content["claims"]}
    for row in content["rows"]:
        claim = about[row["claim"]]
        part = f" ({row['part']})" if row["part"] else ""
        cells = [f"**{claim.name}**{part} {claim.statement}", claim.published, row["reason"]]
        cells = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
        lines.append(f"| {' | '.join(cells)} | **{row['verdict']}** |")
    return "\n".join([*lines, "", content["rule"], ""])


def _versions(record):
    shown = ("geomcore", "numpy", "scipy", "numba")
    return ", ".join(f"{k} {record['versions'][k]}" for k in shown if record["versions"].get(k))
