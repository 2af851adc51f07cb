"""`geomcore study`: perturb networks many times, train them back; can be resumed."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Meta

from training.commands.arguments.options import (
    CORES,
    TABLE,
    Jobs,
    Method,
    Out,
    Quiet,
    Targets,
    noted,
    reads_table,
)

STORE = "study.sqlite"
MISSING = "DATA is missing, see geomcore study --help"


class Arguments(msgspec.Struct):
    """What a study is about; it is resumed with the same."""

    data: str | None = None
    network: str | None = None
    method: str = "auto"
    targets: str | None = None
    label: str | None = None
    header: bool | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    drop: list[str] | None = None
    drop_missing: bool | None = None
    one_hot: bool | None = None
    states: bool = False
    merges: bool = False
    # None: a study that was begun before there was this.
    standardize: bool | None = None
    balance: bool = True
    scales: str | None = None
    trials: Annotated[int, Meta(ge=1)] = 100
    steps: Annotated[int, Meta(ge=0)] | None = None
    batch_size: Annotated[int, Meta(ge=1)] | None = None
    learning_rate: float | None = None
    tolerance: float | None = None
    relative: bool = False
    tensors: str | None = None
    keep_parameters: bool = False
    seed: Annotated[int, Meta(ge=0)] = 0


DEFAULTS = msgspec.to_builtins(Arguments())


@reads_table
def study(
    data: Annotated[
        str | None, typer.Argument(help="As for construct; not needed with --resume --out.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="A network to perturb, as for verify; default: built.")
    ] = None,
    method: Method = None,
    targets: Targets = None,
    table=None,
    states: Annotated[
        bool | None, typer.Option("--states", help="Also all states: classes left alone or not.")
    ] = None,
    merges: Annotated[
        bool | None, typer.Option("--merges", help="Also all merges of classes.")
    ] = None,
    standardize: Annotated[
        bool | None,
        typer.Option(
            "--standardize/--no-standardize",
            help="Subtract its mean from each column of the data, divide it by its standard "
            "deviation. Default: if the root mean square of one is above 4.",
        ),
    ] = None,
    balance: Annotated[
        bool | None,
        typer.Option(
            "--balance/--no-balance",
            help="Rescale layers first: same function, descent needs fewer steps. Default yes.",
        ),
    ] = None,
    scales: Annotated[
        str | None,
        typer.Option(
            help="Norms of the noise per tensor, with commas between. Default: by pilot trials, "
            "from where trials leave to where none returns."
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials per network and scale. Default 100.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Steps per trial, 0: no training. Default: 100 times what the slowest direction "
            "needs to shrink by a factor e, at most about a minute of one core in all.",
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Points per step. Default all.")
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Default: from the curvature at each network and at pilot trials."),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="How far from the loss of its network counts as returned. Default 0.001 of the "
            "loss of the best constant output."
        ),
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
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a stopped study; its folder is all it needs."),
    ] = False,
    moved: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="With --resume: where the data are now, if they were too large for the folder.",
        ),
    ] = None,
    status: Annotated[
        bool, typer.Option("--status", help="Look at a study, running or not; change nothing.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of everything random. Default 0.")
    ] = None,
    out: Out = None,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Push networks many times, train them back, count what returns. Can be killed and resumed."""
    given = noted(locals())
    if parquet:
        from training.study.records import need_parquet

        need_parquet()
    from geomcore.datasets.targets import read_targets, written
    from training.commands.arguments.data import check_fit, load_data, load_network
    from training.commands.cases.options_of_study import (
        check_options,
        is_to_be_standardised,
        tensors_of,
    )
    from training.commands.cases.origin import Made, data_of, keep_origin, read_origin

    wished = {name: given.get(name) for name in DEFAULTS}
    if targets is not None:
        wished["targets"] = written(read_targets(targets))  # a file may be gone when it is resumed
    out = _folder(wished, out, "--status" if status else "--resume" if resume else None)
    if status:
        from training.commands.cases import case_study
        from training.output.screen import Screen

        case_study.show_status(Screen(quiet), out, STORE)
        return 0
    if moved is not None and not resume:
        raise ValueError("--data goes with --resume, a new study takes its data as DATA")
    arguments = _arguments(wished, out, resume)
    scales = None if arguments["scales"] is None else _numbers(arguments["scales"])
    reading = {name: arguments[name] for name in ("seed", "targets", *TABLE)}
    if resume:
        origin, source = read_origin(out), arguments["data"]
        # DATA that are named again are looked at again, if they are there.
        named = data if data is not None and (data != source or Path(data).exists()) else None
        found = data_of(out, origin, source, moved or named, **reading)
        network, made = None, origin and origin.made
    else:
        origin = None
        network = load_network(arguments["network"]) if arguments["network"] else None
        found = load_data(arguments["data"], **reading)
        if network is not None:
            check_fit(network, found)
        check_options(arguments, scales, found, network)
        made = Made(file=arguments["network"])
        wish = arguments["standardize"]
        arguments["standardize"] = is_to_be_standardised(found.X, network, wish)
    # Loaded after what is refused, for that takes a second.
    from geomcore.foreign.wording import printable
    from training.commands.cases import case_study
    from training.commands.cases.another_loss import tell_reference, told_loss
    from training.commands.cases.case import Case
    from training.descent.executors import SECONDS, dask_cluster
    from training.output.screen import Screen
    from training.output.start import started
    from training.study.study import PerturbationStudy

    case = Case(found, network=network, made_before=made)
    # A study that is resumed has no other folder: what was changed in its own is kept aside.
    given |= {**arguments, "out": out, "force": True if resume else None}
    if dask is not None and not quiet:
        waiting = f"asking for a Dask scheduler at {dask}, for at most {SECONDS} s"
        Screen().err.print(printable(waiting), markup=False)
    with (
        dask_cluster(dask) if dask is not None else nullcontext() as executor,
        started("study", given, kept=arguments) as (run, screen),
    ):
        screen.tell(found.summary())
        columns = case_study.standardise(case, screen, resume) if arguments["standardize"] else None
        with screen.progress(2) as step:
            step("constructing" if not resume else "reading the references")
            if resume:
                references = case_study.stored_references(case, out)
            else:
                references = case_study.made_references(case, arguments)
            if references is None:
                screen.print(case.why_not())
                return 1
            if not resume and network is not None:
                folder = Path(arguments["network"]).parent
                tell_reference(screen, case.certificate, told_loss(network, folder))
            step("measuring curvatures, and trying out scales where none are given")
            work = PerturbationStudy(
                out / STORE,
                {one.name: one.network for one in references},
                case.data.X,
                case.data.y,
                targets=case.data.targets,
                scales=scales,
                trials=arguments["trials"],
                steps=arguments["steps"],
                seed=arguments["seed"],
                relative=arguments["relative"],
                tensors=tensors_of(arguments),
                learning_rate=arguments["learning_rate"],
                tolerance=arguments["tolerance"],
                batch_size=arguments["batch_size"],
                keep_parameters=arguments["keep_parameters"],
                certified_radius={one.name: one.certified_radius for one in references},
            )
        if resume:
            run.keep([STORE])
            run.spare([out / name for name in case_study.files_of(out, references)])
        else:
            # Another process may have begun a study there during the construction.
            _folder(wished, out, None)
            case_study.tell_plan(run, screen, references, work, columns)
            keep_origin(run, case, arguments["data"], found)
            case_study.keep_references(run, references, case.data if columns else None)
            run.begin(live=[STORE])
        go_on = f"geomcore study --resume --out {out}"
        try:
            with screen.compiling(), screen.trials() as progress:
                case.study = work.run(executor, jobs=jobs, progress=progress)
        except KeyboardInterrupt:
            screen.err.print(f"to go on: {go_on}", markup=False)
            raise
        except ConnectionError as error:
            raise ConnectionError(f"{error}: {go_on}") from None
        case_study.finish(run, screen, case, references, parquet, origin)
    screen.print(f"\nrun folder: {out}")
    return 0


def _folder(wished, out, there):
    """The folder of the run; a study must be in it for the option `there`, if that is given."""
    if out is None:
        if wished["data"] is None:
            raise ValueError(MISSING if not there else f"{there} needs DATA or --out")
        out = Path("runs") / f"study-{Path(wished['data']).stem}"
    if there and not (out / STORE).exists():
        raise ValueError(f"{there}: there is no study in {out}")
    if not there and (out / STORE).exists():
        raise ValueError(f"--out {out} holds a study: go on with --resume, or give another folder")
    return out


def _arguments(wished, out, resume):
    """What the study is about; if it is resumed, as it was begun."""
    from training.output.record import read_record
    from training.study.identity import short

    if not resume:
        if wished["data"] is None:
            raise ValueError(MISSING)
        return {k: v if wished[k] is None else wished[k] for k, v in DEFAULTS.items()}
    try:
        begun = msgspec.convert(read_record(out).arguments, Arguments)
        if begun.data is None:
            raise ValueError("no data are named in it")
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError) as error:
        if not (out / "run.json").exists():
            raise
        raise ValueError(
            f"{out / 'run.json'} must be of a study that was begun: {short(error, 120)}"
        ) from None
    begun = msgspec.to_builtins(begun)
    for name, value in wished.items():
        # Data are the same if their content is.
        if name != "data" and value is not None and value != begun[name]:
            raise ValueError(
                f"--{name.replace('_', '-')} is {short(begun[name])} in {out}, a study that is "
                f"resumed cannot change it to {short(value)}"
            )
    return begun


def _numbers(text):
    from training.study.identity import short

    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--scales must be numbers with commas between, got {short(repr(text))}"
        ) from None
