"""From the runs of all experiments to one page, for `geomcore claims`."""

from contextlib import contextmanager, nullcontext
from pathlib import Path

from training.experiments.claims.evidence import UNAVAILABLE, judgements
from training.experiments.claims.groups import (
    answers,
    as_markdown,
    counted_verdicts,
    grouped,
    rows_for_a_table,
)
from training.experiments.claims.rules import GENERAL
from training.experiments.claims.running import FAILED, ensure_all
from training.experiments.claims.sources import CLAIMS
from training.experiments.claims.works import WORKS
from training.experiments.claims.zero_loss import zero_losses
from training.output.page import render
from training.output.record import NAME, read_record
from training.output.start import started

DRAWS, QUICK_DRAWS = 10, 2  # of each type of data, for E1


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
    works = [work for work in WORKS if answers(work, names)]
    folder = Path("runs/claims-quick" if quick else "runs/claims")
    folder = folder if given["out"] is None else given["out"]
    _refuse_another(folder, quick=quick, seed=seed)
    given = {**given, "out": folder}
    with started("claims", given) as (run, screen), _told_how_to_go_on(screen):
        run.begin()
        told, missing = [], {}
        size = {"quick": quick, "seed": seed, "jobs": jobs, "quiet": given["quiet"]}
        with screen.progress(len(works)) if jobs > 1 else nullcontext() as step:
            had = ensure_all(works, folder, **size, watch=_Watch(works, folder, screen, step))
        for work, (how, why) in zip(works, had, strict=True):
            missing |= {work.folder: why} if how == FAILED else {}
            told.append(_told(work, folder, how, why, quick=quick))
            if how == FAILED:
                screen.fold(f"{work.folder}: {how}, {why}")
        zero_rows, draws = [], QUICK_DRAWS if quick else DRAWS
        if "E1" in names:
            with screen.compiling(), screen.progress(4) as step, run.timed("zero loss"):
                zero_rows = zero_losses(draws, seed=seed, told=step)
            run.table("zero_loss", zero_rows)
        # Nothing is read of runs that were not asked for; no row speaks of them.
        others = {work.folder: "not asked for" for work in WORKS if work not in works}
        rows = judgements(folder, zero_rows, missing | others)
        rows = [row for row in rows if row["claim"] in names]
        table = rows_for_a_table(rows, quick=quick, seed=seed, draws=draws)
        content = {
            "counts": counted_verdicts(rows),
            "general": GENERAL,
            "groups": grouped(rows, table, works, folder, missing, quick=quick),
            "runs": told,
            "quick": quick,
        }
        run.table("claims", table)
        run.table("runs", told)
        run.text("claims.md", as_markdown(content["groups"], run.record))
        run.text("index.html", render("commands/claims/claims.html", run.record, **content))
        run.publish()
        screen.table([{k: row[k] for k in ("claim", "part", "verdict")} for row in rows])
        screen.fold(f"\n{GENERAL} The thresholds are on the page.")
    screen.print(f"\nrun folder: {run.path}")
    return 1 if any(row["verdict"] == UNAVAILABLE for row in rows) else 0


class _Watch:
    """What is seen of runs that are made: which ones begin, and how far those are that run."""

    def __init__(self, works, folder, screen, step):
        self.works, self.folder, self.screen, self.step = works, folder, screen, step
        self.latest = {}

    def began(self, work):
        """Say which of how many it is."""
        self.screen.tell(
            f"{self.works.index(work) + 1} of {len(self.works)}: "
            f"geomcore {work.command} in {self.folder / work.folder}"
        )
        self.heard(work, "begins")

    def heard(self, work, line):
        """Show how far those are that run."""
        self.latest[work.folder] = line
        self._show(still=True)

    def ended(self, work):
        """Leave it out of those that run."""
        self.latest.pop(work.folder)
        self._show(still=False)

    def _show(self, *, still):
        if self.step is not None:
            now = [f"{name}: {line}" for name, line in self.latest.copy().items()]
            self.step("; ".join(now), still=still)


def _refuse_another(folder, *, quick, seed):
    """No run of hours is replaced by one of minutes, nor by one of another seed."""
    if not (folder / NAME).exists():
        return
    found = read_record(folder)
    kind = bool(found.arguments.get("quick")), found.seed
    if found.command == "claims" and kind != (quick, seed):
        size = "quick" if kind[0] else "full"
        raise ValueError(
            f"--out must be a folder of runs of this size and seed, {folder} holds those of a "
            f"{size} run with seed {found.seed}: give another folder"
        )


@contextmanager
def _told_how_to_go_on(screen):
    try:
        yield
    except KeyboardInterrupt:
        screen.err.print("to go on: the same command once more", markup=False)
        raise


def _told(work, folder, how, why, *, quick):
    """A row of the table of runs."""
    row = {"run": work.folder, "command": f"geomcore {work.command}", "how": how, "why": why}
    if how == FAILED:
        return {**row, "seconds": "", "started": "", "geomcore": ""}
    record = read_record(folder / work.folder)
    options = work.options(quick=quick, seed=record.seed)
    return {
        **row,
        "command": " ".join(["geomcore", work.command, *options]),
        "seconds": record.seconds,
        "started": record.started,
        "geomcore": record.versions.get("geomcore"),
    }
