"""What `geomcore study` does: make or read the references, keep and show what was found."""

import json
import math
from functools import partial
from pathlib import Path

import msgspec

from geomcore import load
from geomcore.arrays import as_labels
from geomcore.foreign.wording import counted
from geomcore.parameters import selected
from training.commands.cases.another_loss import told_reference
from training.commands.cases.options_of_study import tensors_of
from training.commands.cases.origin import DATA, ORIGIN, keep_points, read_json
from training.commands.cases.story import publish
from training.descent.losses import SquaredError
from training.experiments import plot_case
from training.study.planning.balance import reported
from training.study.planning.columns import Columns, largest_column, on_standardised
from training.study.planning.references import judged, merges, states
from training.study.status import status_of
from training.study.words import as_summary, as_text, proved_notes, proved_rows, proved_sentences

INDEX, PLAN, POINTS = "references.json", "plan.json", "standardized.npz"
INTRO = (
    "Every tensor of each network below was moved by random noise of norm λ, many times over, and "
    "then trained by gradient descent. A trial has stayed if its loss was within the tolerance of "
    "that of the network it started from already before any training, and still is; the others "
    "left. Of those that left, a trial has returned if it ends within the tolerance; the others "
    "were still falling when the steps ended, or stuck, or diverged. The total norm of a "
    "perturbation is that of all its tensors together; where a radius is certified, every smaller "
    "perturbation provably returns under gradient flow."
)


def standardise(case, screen, resumed):
    """Standardise the columns of the data of a case; return the `Columns`.

    Parameters
    ----------
    case : Case
        Its network, if it has one, is rewritten for these columns.
    screen : Screen
    resumed : bool
        Whether the plan was told before.
    """
    columns, data = Columns.of(case.data.X), case.data
    if not resumed:
        size = largest_column(data.X)
        told = f"{size:,.0f}" if 10 <= size < 1e6 else f"{size:.2g}"
        screen.tell(
            f"columns reach {told}: they are standardised, to mean 0 and standard deviation 1\n"
            "  (--no-standardize leaves them)"
        )
    case.data = data._replace(X=columns(data.X))
    if case.network is not None:
        case.network = on_standardised(case.network, columns)
    return columns


def made_references(case, arguments):
    """The references of a new study; the network of `case` comes first.

    Parameters
    ----------
    case : Case
        If it has no network, one is constructed.
    arguments : dict
        With ``method``, ``balance``, ``states``, ``merges`` and ``tensors``.

    Returns
    -------
    list of Candidate
        None if no construction applies.

    Raises
    ------
    ValueError
        If the network has no tensor of a name.
    """
    if case.network is None:
        case.construct(arguments["method"])
        if case.network is None:
            return None
        selected(case.network.names, tensors_of(arguments))
    X, y, targets = case.data.X, case.data.y, case.data.targets
    prepare, balanced = None, None
    if arguments["balance"]:
        labels = as_labels(y, len(X), targets=targets)
        prepare = partial(reported, X=X, labels=labels, loss=SquaredError())
        balanced = prepare(case.network)
        case.network = balanced.network
    case.verify()
    # A minimum but for a slack has a loss, however small.
    # So has that of one affine layer, which may be the best there is of any loss.
    is_zero = case.proved and not case.certificate.slack and not case.certificate.lower_bound
    name = "zero loss" if is_zero else "network"
    found = [judged(name, case.network, X, y, case.certificate, balanced)]
    if arguments["states"]:
        found += states(X, y, prepare, targets=targets)
    if arguments["merges"]:
        found += merges(X, y, prepare, targets=targets)
    return found


def tell_plan(run, screen, references, work, columns=None):
    """Tell how a new study was laid out, and note it in the record of the run.

    Parameters
    ----------
    run : RunFolder
    screen : Screen
    references : list of Candidate
    work : PerturbationStudy
    columns : Columns, optional
        If they were standardised.
    """
    changed = [one for one in references if one.balanced is not None]
    for one in changed:
        screen.tell(one.balanced.in_words(one.name))
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
        screen.tell(plan.summary())
        # With these the study is resumed; `.17g` keeps every bit.
        run.record["arguments"]["scales"] = ",".join(f"{scale:.17g}" for scale in plan.scales)
        run.record["arguments"]["steps"] = plan.steps
    pilot = [] if plan is None else plan.pilot
    plain = columns and {"mean": columns.mean.tolist(), "scale": columns.scale.tolist()}
    told = {"columns": plain, "balanced": noted, "pilot": pilot}
    if plan is not None:
        told |= {"slower": plan.slower, "relaxations": plan.relaxations}
    run.text(PLAN, json.dumps(told, indent=2) + "\n")


class Noted(msgspec.Struct):
    """What ``plan.json`` says of each network: what was rescaled, and its curvatures."""

    exponents: list[int]
    largest: tuple[float | None, float | None]
    slowest: tuple[float | None, float | None]


class Planned(msgspec.Struct):
    """What ``plan.json`` says.

    Columns: of standardised data, their mean and scale before. Slower: by which factor pilot trials
    made the rate smaller. Relaxations: of the slowest direction of the reference, in all steps.
    """

    columns: dict[str, list[float]] | None = None
    balanced: dict[str, Noted] = {}
    pilot: list[dict[str, str | int | float | None]] = []
    slower: float = 1.0
    relaxations: float | None = None


def told_plan(folder):
    """How a study was laid out, in sentences, from what its beginning has left in its folder."""
    if not (folder / PLAN).exists():
        return ""
    found, told = read_json(folder / PLAN, Planned), []
    if found.columns is not None:
        told.append(
            "The data are of sizes far from one, and its columns were standardised before anything "
            f"else (mean 0, standard deviation 1; {POINTS}, and how in {PLAN}): the networks of "
            "this folder read them so."
        )
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
            f"The scales follow from {counted(count, 'pilot trial')}: from where most of them "
            "leave to where none returns."
        )
    if found.slower > 1.05:
        told.append(
            f"They made the learning rate {found.slower:,.0f} times smaller than what is stable at "
            "the network itself: perturbed networks are that much more curved, and are thrown out "
            "at a larger rate."
        )
    if found.relaxations is not None and found.relaxations < 1:
        told.append(
            f"The steps of a trial are {found.relaxations:.2g} of the time in which the "
            "slowest direction at the network relaxes; more training might bring more trials back."
        )
    return " ".join(told)


def stored_references(case, folder):
    """The references that `keep_references` has left in a folder; the first is that of `case`."""
    X, y = case.data.X, case.data.y
    index = read_json(folder / INDEX, dict[str, str])
    if not index or not all(f == Path(f).name and f.isprintable() for f in index.values()):
        raise ValueError(f"{folder / INDEX} must name the files of networks beside it")
    targets = case.data.targets
    found = [judged(k, load(folder / f), X, y, targets=targets) for k, f in index.items()]
    case.network = found[0].network
    case.verify()
    return found


def files_of(folder, references):
    """The names of the files that the beginning of a study has left in its folder."""
    networks = [f"network-{k}.npz" for k in range(len(references))]
    names = (INDEX, PLAN, ORIGIN, DATA, POINTS, *networks)
    return [name for name in names if (folder / name).exists()]


def keep_references(run, references, points=None):
    """Write the references into the run folder; from there a killed study is resumed.

    Parameters
    ----------
    run : RunFolder
    references : list of Candidate
    points : Dataset, optional
        What they read, if that is not what was given.
    """
    if points is not None:
        keep_points(run, POINTS, points)
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
    screen.print(f"{folder}: {found.done:,} of {counted(found.total, 'trial')}{begun}, {state}")
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
    given = case.data.X, case.data.y
    options = {"targets": case.data.targets, "batch_size": run.record["arguments"]["batch_size"]}
    proved = found.proved({one.name: one.network for one in references}, *given, **options)
    run.table("proved", proved)
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
    told = INTRO, told_reference(case.certificate), told_plan(run.path), told_parts(parts, origin)
    intro = " ".join(filter(None, told))
    rows, notes = proved_rows(proved), proved_sentences(proved)
    title = f"A study of perturbations: {case.name}"
    publish(run, title, [case], intro=intro, proved=rows, notes=notes)
    screen.print(as_summary(found.frame("scale"), basins))
    screen.print("\n".join(["", as_text(rows), *proved_notes(proved)]))


def _finite(values):
    return [value if math.isfinite(value) else None for value in values]


def _times(count):
    return "once" if count == 1 else f"{count} times"
