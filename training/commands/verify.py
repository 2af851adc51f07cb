"""`geomcore verify`: what a stored network is on one data set."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.arguments.options import (
    CORES,
    TABLE,
    Data,
    Force,
    Jobs,
    Loss,
    Out,
    Quiet,
    Seed,
    Targets,
    WeightDecay,
    noted,
    reads_table,
)


@reads_table
def verify(
    network: Annotated[Path, typer.Argument(help="A network: npz, onnx, nnet, safetensors or pt.")],
    data: Data,
    targets: Targets = None,
    table=None,
    certificate: Annotated[
        Path | None, typer.Option(help="A certificate.json to confirm; status 0 if it holds.")
    ] = None,
    loss: Loss = "mse",
    weight_decay: WeightDecay = 0.0,
    step: Annotated[
        float | None,
        typer.Option(
            help="Learning rate of gradient descent with all points: also prove from how far it "
            "returns to the minimum, and how fast."
        ),
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Verify the network in NETWORK on DATA. Status 0 if it is a proved global minimum."""
    given = noted(locals())
    from constructions.verification.arguments import check_question
    from geomcore.arrays import as_labels, as_positive
    from training.commands.arguments.data import check_fit, load_data, load_network

    if step is not None:
        step = as_positive(step, "--step")
    net = load_network(network)
    source = load_data(data, seed=seed, targets=targets, **table)
    check_fit(net, source)
    labels = as_labels(source.y, len(source.X), targets=source.targets)
    check_question(loss, weight_decay, None, labels)
    # Loaded after what is refused, for that takes a second.
    from constructions import Certificate, recheck
    from constructions.verification.confirmation import confirmation
    from training.commands.cases.case import Case
    from training.commands.cases.story import publish
    from training.output.start import started

    stated = Certificate.from_file(certificate, net) if certificate is not None else None
    if stated is not None:
        asked, about = (loss, weight_decay), (stated.loss_name, stated.weight_decay)
        if asked not in (("mse", 0.0), about):
            raise ValueError(
                f"--loss and --weight-decay must be those of the certificate, {about[0]} and "
                f"{about[1]:g}, or not be given, got {loss} and {weight_decay:g}"
            )
        loss, weight_decay = given["loss"], given["weight_decay"] = about
        if step not in (None, stated.step):
            told = "has none" if stated.step is None else f"has {stated.step!r}"
            raise ValueError(
                f"--step must be that of the certificate, which {told}, or not be given, got "
                f"{step!r}"
            )
        step = given["step"] = stated.step
    case = Case(source, network=net)
    wanted = ("network", "data", "targets", "jobs", *TABLE)
    if (loss, weight_decay) != ("mse", 0.0):
        wanted = (*wanted, "loss", "weight_decay")
    if step is not None:
        wanted = (*wanted, "step")
    kept = [name for name in given if name in wanted]
    about = f"{network.stem}-{case.name}"
    with started("verify", given, about=about, apart=("network", "data"), kept=kept) as (
        run,
        screen,
    ):
        screen.fold(case.data.summary())
        with screen.progress(2) as part:
            part("verifying")
            case.verify(loss=loss, weight_decay=weight_decay, step=step)
            part("drawing")
            case.draw(run)
        case.keep(run)
        publish(run, f"{network.name} on {case.name}", [case])
        screen.print(case.certificate.summary())
        if stated is not None:
            labelled = case.data.X, case.data.y
            checks = recheck(stated, case.network, *labelled, targets=case.data.targets)
            screen.print(confirmation(checks))
    screen.print(f"\nrun folder: {run.path}")
    if stated is not None:
        return 1 if any(check.passed is False for check in checks) else 0
    return 0 if case.proved else 1
