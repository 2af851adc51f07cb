"""`geomcore construct`: a network with zero loss for one data set."""

from training.commands.arguments.options import (
    CORES,
    Data,
    Force,
    Jobs,
    Method,
    Out,
    Quiet,
    Seed,
    Targets,
    noted,
    reads_table,
)


@reads_table
def construct(
    data: Data,
    method: Method = "auto",
    targets: Targets = None,
    table=None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Construct a network with zero loss on DATA and verify it."""
    given = noted(locals())
    from training.commands.arguments.data import load_data

    source = load_data(data, seed=seed, targets=targets, **table)
    # Loaded after what is refused, for that takes a second.
    from training.commands.cases.case import Case
    from training.commands.cases.story import publish
    from training.output.start import started

    case = Case(source)
    with started("construct", given, about=case.name) as (run, screen):
        screen.fold(case.data.summary())
        with screen.progress(6) as step:  # three methods that are named, at most
            step("constructing")
            case.construct(method, step=step)
            if case.network is not None:
                step("verifying")
                case.verify()
            step("drawing")
            case.draw(run)
        case.keep(run)
        publish(run, f"A network for {case.name}", [case])
        if case.refusal is not None:
            screen.print(case.why_not())
        else:
            screen.print(case.construction.summary())
            screen.print()
            screen.print(case.certificate.summary())
    screen.print(f"\nrun folder: {run.path}")
    return 0 if case.proved else 1
