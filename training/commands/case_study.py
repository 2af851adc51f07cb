"""What `geomcore study` does: make or read the references, keep and show what was found."""

import json
import math
from functools import partial
from pathlib import Path

import msgspec

from geomcore import load
from geomcore.arrays import as_labels
from training.commands.origin import DATA, ORIGIN, read_json
from training.commands.story import publish
from training.descent.losses import SquaredError
from training.experiments import plot_case
from training.study.planning.balance import reported
from training.study.planning.references import judged, merges, states
from training.study.status import status_of
from training.study.words import as_summary

INDEX, PLAN = "references.json", "plan.json"
INTRO = (
    "Every tensor of each network below was moved by random noise of norm λ, many times over, and "
    "then trained by gradient descent. A trial has stayed if its loss was within the tolerance of "
    "that of the network it started from already before any training, and still is; the others "
    "left. Of those that left, a trial has returned if it ends within the tolerance; the others "
    "were still falling when the steps ended, or stuck, or diverged. The total norm of a "
    "perturbation is that of all its tensors together; where a radius is certified, every smaller "
    "perturbation provably returns under gradient flow."
)


def made_references(case, arguments):
    """The references of a new study; the network of `case` comes first.

    Parameters
    ----------
    case : Case
        If it has no network, one is constructed.
    arguments : dict
        With ``method``, ``balance``, ``states`` and ``merges``.

    Returns
    -------
    list of Candidate
        None if no construction applies.
    """
    if case.network is None:
        case.construct(arguments["method"])
        if case.network is None:
            return None
    X, y = case.data.X, case.data.y
    prepare, balanced = None, None
    if arguments["balance"]:
        prepare = partial(reported, X=X, labels=as_labels(y, len(X)), loss=SquaredError())
        balanced = prepare(case.network)
        case.network = balanced.network
    case.verify()
    name = "zero loss" if case.proved else "network"
    found = [judged(name, case.network, X, y, case.certificate, balanced)]
    if arguments["states"]:
        found += states(X, y, prepare)
    if arguments["merges"]:
        found += merges(X, y, prepare)
    return found


def tell_plan(run, screen, references, work):
    """Tell how a new study was laid out, and note it in the record of the run.

    Parameters
    ----------
    run : RunFolder
    screen : Screen
    references : list of Candidate
    work : PerturbationStudy
    """
    changed = [one for one in references if one.balanced is not None]
    for one in changed:
        screen.print(one.balanced.in_words(one.name))
    noted = {
        one.name: {
            "exponents": one.balanced.exponents,
            # What is not finite is no JSON.
            **{k: _finite(getattr(one.balanced, k)) for k in ("largest", "slowest")},
        }
        for one in changed
    }
    plan = work.plan
    if plan is not None:
        screen.print(plan.summary())
        # With these the study is resumed; `.17g` keeps every bit.
        run.record["arguments"]["scales"] = ",".join(f"{scale:.17g}" for scale in plan.scales)
        run.record["arguments"]["steps"] = plan.steps
    pilot = [] if plan is None else plan.pilot
    run.text(PLAN, json.dumps({"balanced": noted, "pilot": pilot}, indent=2) + "\n")


class Noted(msgspec.Struct):
    """What ``plan.json`` says of each network: what was rescaled, and its curvatures."""

    exponents: list[int]
    largest: tuple[float | None, float | None]
    slowest: tuple[float | None, float | None]


class Planned(msgspec.Struct):
    """What ``plan.json`` says."""

    balanced: dict[str, Noted] = {}
    pilot: list[dict[str, str | int | float | None]] = []


def told_plan(folder):
    """How a study was laid out, in sentences, from what its beginning has left in its folder."""
    if not (folder / PLAN).exists():
        return ""
    found, told = read_json(folder / PLAN, Planned), []
    for name, noted in found.balanced.items():
        if any(noted.exponents):
            told.append(
                f"The layers of “{name}” were rescaled by powers of two, which leaves the function "
                f"as it is to the last bit: the largest curvature of the loss went from "
                f"{noted.largest[0]:.3g} to {noted.largest[1]:.3g}."
            )
    if found.pilot:
        count = sum(row["trials"] for row in found.pilot)
        told.append(
            f"The scales follow from {count} pilot trials: from where most of them leave to where "
            "none returns."
        )
    return " ".join(told)


def stored_references(case, folder):
    """The references that `keep_references` has left in a folder; the first is that of `case`."""
    X, y = case.data.X, case.data.y
    index = read_json(folder / INDEX, dict[str, str])
    if not index or not all(f == Path(f).name and f.isprintable() for f in index.values()):
        raise ValueError(f"{folder / INDEX} must name the files of networks beside it")
    found = [judged(name, load(folder / file), X, y) for name, file in index.items()]
    case.network = found[0].network
    case.verify()
    return found


def files_of(folder, references):
    """The names of the files that the beginning of a study has left in its folder."""
    names = [INDEX, PLAN, ORIGIN, DATA, *(f"network-{k}.npz" for k in range(len(references)))]
    return [name for name in names if (folder / name).exists()]


def keep_references(run, references):
    """Write the references into the run folder; from there a killed study is resumed."""
    index = {}
    for k, one in enumerate(references):
        run.network(f"network-{k}", one.network)
        index[one.name] = f"network-{k}.npz"
    run.text(INDEX, json.dumps(index, indent=2) + "\n")


def show_status(screen, folder, store):
    """Show how far a study is, whether or not a process is at it."""
    found = status_of(folder / store)
    state = (
        "finished"
        if found.done == found.total
        else "a process is at it"
        if found.is_running
        else f"stopped, to go on: geomcore study --resume --out {folder}"
    )
    begun = f", begun {found.started}" if found.started else ""
    screen.print(f"{folder}: {found.done:,} of {found.total:,} trials{begun}, {state}")
    if found.done:
        screen.print(found.result.summary())


def told_parts(parts, origin):
    """When and how long a study ran, in a sentence, from its parts and its `Origin`."""
    known = [part.seconds for part in parts if part.seconds is not None]
    if len(parts) == 1:
        return f"Its trials took {known[0]:.1f} s." if known else ""
    begun = f"by “{origin.command}” " if origin else ""
    unknown = len(parts) - len(known)
    return (
        f"The study was begun {begun}on {parts[0].started} and resumed {_times(len(parts) - 1)}; "
        f"the trials of all parts together took {sum(known):.1f} s, each part counted up to the "
        "last trials that it stored" + (f"; {unknown} of them stored none." if unknown else ".")
    )


def finish(run, screen, case, references, parquet, origin):
    """Write what the study of `case` found into the run folder, publish it, show the tables.

    Parameters
    ----------
    run : RunFolder
    screen : Screen
    case : Case
    references : list of Candidate
    parquet : bool
        Also write the trials as a Parquet file.
    origin : Origin or None
        Of a study that was resumed.
    """
    found = case.study
    run.text("certificate.json", case.certificate.to_json() + "\n")
    verdicts = {one.name: one.verdict for one in references}
    basins = found.basins()
    basins.insert(1, "verdict", basins["reference"].map(verdicts))
    run.table("basins", basins)
    run.table("summary", found.frame("scale"))
    run.table("histogram", found.histogram())
    found.export(run.file("trials.csv"))
    if parquet:
        found.export(run.file("trials.parquet"))
    case.figures += run.figures(case.name, plot_case.study_figures(found))
    parts = found.parts
    before = origin.seconds if origin else {}
    # What a first part did counts, and what this one did again does not count twice.
    case.timings |= before
    run.record["timings"] |= {k: round(seconds, 3) for k, seconds in case.timings.items()}
    run.record["timings"]["study"] = round(sum(part.seconds or 0 for part in parts), 3)
    run.record["parts"] = [{"started": part.started, "seconds": part.seconds} for part in parts]
    intro = f"{INTRO} {told_plan(run.path)} {told_parts(parts, origin)}"
    publish(run, f"A study of perturbations: {case.name}", [case], intro=intro)
    screen.print(as_summary(found.frame("scale"), basins))


def _finite(values):
    return [value if math.isfinite(value) else None for value in values]


def _times(count):
    return "once" if count == 1 else f"{count} times"
