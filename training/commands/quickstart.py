"""`geomcore quickstart`: five data sets from end to end."""

from contextlib import nullcontext
from typing import Annotated

import typer

from training.commands.arguments.options import CORES, SYNTHETIC, Force, Jobs, Out, Quiet, Seed

INTRO = (
    "For each of the data sets below a ReLU network was built from the geometry of the data "
    "alone, so that its loss is zero: layer after layer collapses one class to one point, and "
    "the last layer sends these points to the answers wanted. Then the network was checked "
    "anew from its numbers and the data, and pushed away from its place by random noise of "
    "size λ to see whether training by gradient descent brings it back. The sizes and "
    "the few steps are fixed, so that all is done soon; the command “geomcore study” finds out "
    "which ones tell most about the data."
)

# Full batch for the small data; digits have 38,440 parameters and go by mini-batches.
STUDY = {"scales": [0.001, 0.01, 0.03, 0.1, 0.3, 1.0], "trials": 20, "steps": 300}
STUDY_OF_DIGITS = {
    "scales": [1e-4, 1e-3, 3e-3, 1e-2],
    "trials": 8,
    "steps": 120,
    "batch_size": 128,
}
SMOKE = {"scales": [0.01, 0.1], "trials": 3, "steps": 10}


def quickstart(
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
    smoke: Annotated[bool, typer.Option(help="A small version, for tests.")] = False,
):
    """Construct, verify, perturb and train on five data sets, drawn. Scales and steps are fixed."""
    given = dict(locals())
    from training.commands.arguments.data import load_data
    from training.commands.cases.case import Case
    from training.commands.cases.story import publish
    from training.descent.compiled.ready import compiled_beside
    from training.output.start import started

    names = SYNTHETIC if smoke else (*SYNTHETIC, "digits")
    with started("quickstart", given) as (run, screen), screen.compiling():
        cases = []
        # Few steps are not compiled.
        beside = nullcontext() if smoke else compiled_beside()
        with screen.progress(4 * len(names)) as step, beside:
            for name in names:
                case = Case(load_data(name, seed=seed))
                cases.append(case)
                step(f"{name}: constructing")
                case.construct()
                step(f"{name}: verifying")
                if case.network is not None:
                    case.verify()
            for name, case in zip(names, cases, strict=True):
                options = SMOKE if smoke else STUDY_OF_DIGITS if name == "digits" else STUDY
                if case.network is not None:
                    step(f"{name}: perturbing and training")
                    case.perturb(seed=seed, jobs=jobs, **options)
                step(f"{name}: drawing")
                case.draw(run, about_steps=_about(options))
                case.keep(run, prefix=f"{name}-")
        publish(run, "Zero-loss networks from the geometry of data", cases, intro=INTRO)
        screen.table([case.row() for case in cases])
    screen.print(f"pictures and explanations: {run.path / 'index.html'}")
    return 0 if all(case.proved for case in cases) else 1


def _about(options):
    from geomcore.foreign.wording import counted

    size = options.get("batch_size")
    points = "all points" if size is None else counted(size, "point") + " each"
    return f"{counted(options['steps'], 'step')} of {points}"
