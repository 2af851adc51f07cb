"""What `geomcore study` does: build or read the references, run the study, tell what it found."""

import json
from contextlib import nullcontext
from pathlib import Path

from geomcore import load, save
from training.commands.case import Case, load_data
from training.commands.drawing import draw_study
from training.commands.story import page
from training.descent.executors import dask_cluster
from training.descent.optimizers import SGD
from training.output.folder import RunFolder, limited_threads, read_run
from training.output.screen import Screen
from training.study.basin import radius_in_words
from training.study.references import judged, merges, states
from training.study.result import need_parquet
from training.study.study import PerturbationStudy

STORE = "study.sqlite"
DEFAULTS = {
    "data": None,
    "network": None,
    "method": "auto",
    "label": None,
    "states": False,
    "merges": False,
    "scales": "0.01,0.03,0.1,0.3,1,3",
    "trials": 100,
    "steps": 1000,
    "batch_size": None,
    "learning_rate": None,
    "relative": False,
    "tensors": None,
    "keep_parameters": False,
    "seed": 0,
}
INTRO = (
    "Every tensor of each network below was moved by random noise of norm λ, many times over, and "
    "then trained by gradient descent. A trial has returned if it ends with the loss of the "
    "network it started from; it may also end below that. The total norm of a perturbation is "
    "that of all its tensors together; where a radius is certified, every smaller perturbation "
    "provably returns under gradient flow."
)


def study(given, *, out, resume, jobs, quiet, dask, parquet):
    """Run or resume a study; return the exit status.

    Parameters
    ----------
    given : dict
        The keys of `DEFAULTS`; None for what was not given.
    out : Path or None
    resume : bool
    jobs : int
    quiet : bool
    dask : str or None
        Address of a scheduler.
    parquet : bool
    """
    if parquet:
        need_parquet()
    out = _folder(given, out, resume)
    arguments = _arguments(given, out, resume)
    scales = _numbers(arguments["scales"])
    case = Case(
        load_data(arguments["data"], seed=arguments["seed"], label=arguments["label"]),
        network=load(arguments["network"]) if arguments["network"] and not resume else None,
    )
    screen, seed = Screen(quiet), arguments["seed"]
    with limited_threads(jobs), RunFolder(out, "study", arguments, seed) as run:
        with screen.progress(1) as step:
            step("constructing" if not resume else "reading the references")
            candidates = _references(case, arguments, out if resume else None)
            if candidates is None:
                screen.print("no construction applies:")
                for name, why in case.refusal.reasons.items():
                    screen.print(f"  {name}: {why}")
                return 1
        rate, tensors = arguments["learning_rate"], arguments["tensors"]
        work = PerturbationStudy(
            out / STORE,
            {one.name: one.network for one in candidates},
            case.data.X,
            case.data.y,
            scales=scales,
            trials=arguments["trials"],
            steps=arguments["steps"],
            seed=seed,
            relative=arguments["relative"],
            tensors=tensors.split(",") if tensors else None,
            optimizer=None if rate is None else SGD(rate),
            batch_size=arguments["batch_size"],
            keep_parameters=arguments["keep_parameters"],
            certified_radius={one.name: one.certified_radius for one in candidates},
        )
        if not resume:
            _begin(run, candidates)
        try:
            with (
                case.timed("study"),
                dask_cluster(dask) if dask else nullcontext() as executor,
                screen.trials() as progress,
            ):
                case.study = work.run(executor, jobs=jobs, progress=progress)
        except KeyboardInterrupt:
            screen.err.print(f"to go on: geomcore study --resume --out {out}", markup=False)
            raise
        _finish(run, screen, case, candidates, parquet)
    screen.print(f"\nrun folder: {out}")
    return 0


def _folder(given, out, resume):
    """The folder of the run, after a look at what is there."""
    if out is None:
        if given["data"] is None:
            raise ValueError("DATA is missing" if not resume else "--resume needs DATA or --out")
        out = Path("runs") / f"study-{Path(given['data']).stem}"
    if resume and not (out / STORE).exists():
        raise ValueError(f"--resume: there is no study in {out}")
    if not resume and (out / STORE).exists():
        raise ValueError(f"--out {out} holds a study: go on with --resume, or give another folder")
    return out


def _arguments(given, out, resume):
    """What the study is about; if it is resumed, as it was begun."""
    if not resume:
        if given["data"] is None:
            raise ValueError("DATA is missing: the name of a data set, or a CSV or npz file")
        return {k: v if given[k] is None else given[k] for k, v in DEFAULTS.items()}
    begun = read_run(out)["arguments"]
    for name, value in given.items():
        if value is not None and value != begun.get(name):
            raise ValueError(
                f"--{name.replace('_', '-')} is {begun.get(name)} in {out}, a study that is "
                f"resumed cannot change it to {value}"
            )
    return {**DEFAULTS, **begun}


def _numbers(text):
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"--scales must be numbers with commas between, got {text!r}") from None


def _references(case, arguments, folder):
    """The candidates, read from `folder` or made; None if no construction applies."""
    X, y = case.data.X, case.data.y
    if folder is not None:
        index = json.loads((folder / "references.json").read_text(encoding="utf-8"))
        found = [judged(name, load(folder / file), X, y) for name, file in index.items()]
        case.network = found[0].network
        case.verify()
        return found
    if case.network is None:
        case.construct(arguments["method"])
        if case.network is None:
            return None
    case.verify()
    found = [
        judged("zero loss" if case.proved else "network", case.network, X, y, case.certificate)
    ]
    if arguments["states"]:
        found += states(X, y)
    if arguments["merges"]:
        found += merges(X, y)
    return found


def _begin(run, candidates):
    """Write the references to their place, so that a killed study can be resumed from there."""
    index = {one.name: f"network-{k}.npz" for k, one in enumerate(candidates)}
    for one in candidates:
        save(one.network, run.file(index[one.name]))
    run.text("references.json", json.dumps(index, indent=2) + "\n")
    run.begin(live=[STORE])


def _finish(run, screen, case, candidates, parquet):
    import pandas as pd

    found = case.study
    run.keep([STORE, "references.json", *(f"network-{k}.npz" for k in range(len(candidates)))])
    run.text("certificate.json", case.certificate.to_json() + "\n")
    verdicts = {one.name: one.verdict for one in candidates}
    basins = found.basins()
    basins.insert(1, "verdict", basins["reference"].map(verdicts))
    run.table("basins", basins)
    run.table("summary", found.summary())
    run.table("histogram", found.histogram())
    found.export(run.file("trials.csv"))
    if parquet:
        found.export(run.file("trials.parquet"))
    draw_study(case, run)
    run.table("table", pd.DataFrame([case.row()]))
    run.record["timings"]["study"] = round(case.timings["study"], 3)
    title = f"A study of perturbations: {case.name}"
    run.text("index.html", page(title, [case], record=run.record, intro=INTRO))
    run.publish()
    screen.table([_row(row) for row in found.summary().itertuples()])
    screen.print()
    screen.table([_basin_row(row, found.scales) for row in basins.itertuples()])


def _row(row):
    return {
        "reference": row.reference,
        "λ": f"{row.scale:g}",
        "norm": f"{row.norm:.3g}",
        "returned": f"{row.returned} of {row.trials}",
        "95 %": f"{row.low:.0%} – {row.high:.0%}",
        "below": str(row.below),
        "median loss": f"{row.median:.1e}",
        "accuracy": f"{row.accuracy:.1%}",
        "pattern back": f"{row.pattern:.0%}",
        "diverged": str(row.diverged),
    }


def _basin_row(row, scales):
    certified = "-" if row.certified != row.certified else f"{row.certified:.3g}"
    return {
        "reference": row.reference,
        "verdict": row.verdict,
        "half return at λ": radius_in_words(row.radius, scales),
        "95 %": " – ".join(radius_in_words(end, scales) for end in (row.low, row.high)),
        "total norm": f"{row.norm:.3g}" if 0 < row.norm < float("inf") else "-",
        "certified norm": certified,
    }
