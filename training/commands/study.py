"""`geomcore study`: perturb networks many times, train them back; can be resumed."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from training.commands.options import CORES, Jobs, Label, Method, Out, Quiet

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


def study(
    data: Annotated[
        str | None, typer.Argument(help="As for construct; not needed with --resume --out.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="A network.npz to perturb; default: construct one.")
    ] = None,
    method: Method = None,
    label: Label = None,
    states: Annotated[
        bool | None, typer.Option("--states", help="Also all states: classes left alone or not.")
    ] = None,
    merges: Annotated[
        bool | None, typer.Option("--merges", help="Also all merges of classes.")
    ] = None,
    scales: Annotated[
        str | None, typer.Option(help="Norms of the noise per tensor. Default 0.01,0.03,...,3.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials per network and scale. Default 100.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=0, help="Steps per trial, 0: no training. Default 1000.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Points per step. Default all.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Default: from the curvature at each network.")
    ] = None,
    relative: Annotated[
        bool | None, typer.Option("--relative", help="Noise relative to the norm of each tensor.")
    ] = None,
    tensors: Annotated[
        str | None, typer.Option(help="Perturb these tensors only, such as W1,b1.")
    ] = None,
    keep_parameters: Annotated[
        bool | None, typer.Option("--keep-parameters", help="Store the networks after training.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler that does the work.")
    ] = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="Also write trials.parquet.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped study.")] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of everything random. Default 0.")
    ] = None,
    out: Out = None,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Perturb networks many times, train them back, map the basin; can be killed and resumed."""
    given = dict(locals())
    from geomcore import load
    from training.commands import case_study
    from training.commands.case import Case
    from training.commands.data import load_data
    from training.descent.executors import dask_cluster
    from training.descent.optimizers import SGD
    from training.output.start import started
    from training.study.result import need_parquet
    from training.study.study import PerturbationStudy

    if parquet:
        need_parquet()
    wished = {name: given[name] for name in DEFAULTS}
    out = _folder(wished, out, resume)
    arguments = _arguments(wished, out, resume)
    scales = _numbers(arguments["scales"])
    case = Case(
        load_data(arguments["data"], seed=arguments["seed"], label=arguments["label"]),
        network=load(arguments["network"]) if arguments["network"] and not resume else None,
    )
    given |= {**arguments, "out": out}
    with started("study", given, kept=arguments) as (run, screen):
        with screen.progress(1) as step:
            step("constructing" if not resume else "reading the references")
            if resume:
                references = case_study.stored_references(case, out)
            else:
                references = case_study.made_references(case, arguments)
        if references is None:
            screen.print(case.why_not())
            return 1
        rate, tensors = arguments["learning_rate"], arguments["tensors"]
        work = PerturbationStudy(
            out / STORE,
            {one.name: one.network for one in references},
            case.data.X,
            case.data.y,
            scales=scales,
            trials=arguments["trials"],
            steps=arguments["steps"],
            seed=arguments["seed"],
            relative=arguments["relative"],
            tensors=tensors.split(",") if tensors else None,
            optimizer=None if rate is None else SGD(rate),
            batch_size=arguments["batch_size"],
            keep_parameters=arguments["keep_parameters"],
            certified_radius={one.name: one.certified_radius for one in references},
        )
        if resume:
            run.keep([STORE, *case_study.files_of(references)])
        else:
            case_study.keep_references(run, references)
            run.begin(live=[STORE])
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
        case_study.finish(run, screen, case, references, parquet)
    screen.print(f"\nrun folder: {out}")
    return 0


def _folder(wished, out, resume):
    """The folder of the run, after a look at what is there."""
    if out is None:
        if wished["data"] is None:
            raise ValueError("DATA is missing" if not resume else "--resume needs DATA or --out")
        out = Path("runs") / f"study-{Path(wished['data']).stem}"
    if resume and not (out / STORE).exists():
        raise ValueError(f"--resume: there is no study in {out}")
    if not resume and (out / STORE).exists():
        raise ValueError(f"--out {out} holds a study: go on with --resume, or give another folder")
    return out


def _arguments(wished, out, resume):
    """What the study is about; if it is resumed, as it was begun."""
    from training.output.folder import read_run

    if not resume:
        if wished["data"] is None:
            raise ValueError("DATA is missing: the name of a data set, or a CSV or npz file")
        return {k: v if wished[k] is None else wished[k] for k, v in DEFAULTS.items()}
    begun = read_run(out)["arguments"]
    for name, value in wished.items():
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
