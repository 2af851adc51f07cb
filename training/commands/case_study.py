"""What `geomcore study` does: make or read the references, keep and show what was found."""

import json

from geomcore import load
from training.commands import plot_case
from training.commands.story import publish
from training.study.references import judged, merges, states
from training.study.words import basin_row, scale_row

INDEX = "references.json"
INTRO = (
    "Every tensor of each network below was moved by random noise of norm λ, many times over, and "
    "then trained by gradient descent. A trial has returned if it ends with the loss of the "
    "network it started from; it may also end below that. The total norm of a perturbation is "
    "that of all its tensors together; where a radius is certified, every smaller perturbation "
    "provably returns under gradient flow."
)


def made_references(case, arguments):
    """The references of a new study; the network of `case` comes first.

    Parameters
    ----------
    case : Case
        If it has no network, one is constructed.
    arguments : dict
        With ``method``, ``states`` and ``merges``.

    Returns
    -------
    list of Candidate
        None if no construction applies.
    """
    if case.network is None:
        case.construct(arguments["method"])
        if case.network is None:
            return None
    case.verify()
    X, y = case.data.X, case.data.y
    name = "zero loss" if case.proved else "network"
    found = [judged(name, case.network, X, y, case.certificate)]
    if arguments["states"]:
        found += states(X, y)
    if arguments["merges"]:
        found += merges(X, y)
    return found


def stored_references(case, folder):
    """The references that `keep_references` has left in a folder; the first is that of `case`."""
    X, y = case.data.X, case.data.y
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    found = [judged(name, load(folder / file), X, y) for name, file in index.items()]
    case.network = found[0].network
    case.verify()
    return found


def files_of(references):
    """The names of the files that `keep_references` writes."""
    return [INDEX, *(f"network-{k}.npz" for k in range(len(references)))]


def keep_references(run, references):
    """Write the references into the run folder; from there a killed study is resumed."""
    index = {}
    for k, one in enumerate(references):
        run.network(f"network-{k}", one.network)
        index[one.name] = f"network-{k}.npz"
    run.text(INDEX, json.dumps(index, indent=2) + "\n")


def finish(run, screen, case, references, parquet):
    """Write what the study of `case` found into the run folder, publish it, show the tables.

    Parameters
    ----------
    run : RunFolder
    screen : Screen
    case : Case
    references : list of Candidate
    parquet : bool
        Also write the trials as a Parquet file.
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
    run.record["timings"]["study"] = round(case.timings["study"], 3)
    publish(run, f"A study of perturbations: {case.name}", [case], intro=INTRO)
    screen.table([scale_row(row) for row in found.frame("scale").itertuples()])
    screen.print()
    screen.table([basin_row(row, found.scales) for row in basins.itertuples()])
