"""What the commands do, once their arguments have been read."""

import json
from contextlib import contextmanager
from pathlib import Path

from constructions import Certificate, recheck
from geomcore import load
from training.commands.case import SYNTHETIC, Case, load_data
from training.commands.drawing import draw
from training.commands.story import page
from training.output.folder import RunFolder, limited_threads
from training.output.screen import Screen

INTRO = (
    "For each of the data sets below a ReLU network was built from the geometry of the data "
    "alone, so that its loss is zero: layer after layer collapses one class to one point, and "
    "the last layer sends these points to the answers wanted. Then the network was checked "
    "anew from its numbers and the data, and pushed away from its place by random noise of "
    "size λ to see whether training by gradient descent brings it back."
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


def quickstart(*, seed, out, jobs, quiet, smoke):
    """Five data sets from end to end; return the exit status."""
    names = SYNTHETIC if smoke else (*SYNTHETIC, "digits")
    arguments = {"jobs": jobs, "smoke": smoke}
    with _run("quickstart", out, arguments, seed, jobs, quiet) as (run, screen):
        cases = []
        with screen.progress(4 * len(names)) as step:
            for name in names:
                case = Case(load_data(name, seed=seed))
                cases.append(case)
                options = SMOKE if smoke else STUDY_OF_DIGITS if name == "digits" else STUDY
                step(f"{name}: constructing")
                case.construct()
                step(f"{name}: verifying")
                if case.network is not None:
                    case.verify()
                    step(f"{name}: perturbing and training")
                    case.perturb(seed=seed, jobs=jobs, **options)
                step(f"{name}: drawing")
                draw(case, run, about_steps=_about(options))
                _keep(case, run, prefix=f"{name}-")
        _finish(run, screen, "Zero-loss networks from the geometry of data", cases, intro=INTRO)
        screen.table([case.row() for case in cases])
    screen.print(f"pictures and explanations: {run.path / 'index.html'}")
    return 0 if all(case.proved for case in cases) else 1


def construct(source, *, method, label, seed, out, jobs, quiet):
    """Construct and verify a network for one data set; return the exit status."""
    case = Case(load_data(source, seed=seed, label=label))
    arguments = {"data": source, "method": method, "label": label, "jobs": jobs}
    with _run(f"construct-{case.name}", out, arguments, seed, jobs, quiet) as (run, screen):
        with screen.progress(3) as step:
            step("constructing")
            case.construct(method)
            if case.network is not None:
                step("verifying")
                case.verify()
            step("drawing")
            draw(case, run)
        _keep(case, run)
        _finish(run, screen, f"A network for {case.name}", [case])
        if case.refusal is not None:
            screen.print("no construction applies:")
            for name, why in case.refusal.reasons.items():
                screen.print(f"  {name}: {why}")
        else:
            screen.print(case.construction.summary())
            screen.print()
            screen.print(case.certificate.summary())
    screen.print(f"\nrun folder: {run.path}")
    return 0 if case.proved else 1


def verify(network, source, *, label, seed, out, jobs, quiet, certificate=None):
    """Verify a stored network on one data set; return the exit status.

    With a certificate, the status is whether it is confirmed.
    """
    stated = None
    if certificate is not None:
        stated = Certificate.from_json(Path(certificate).read_text(encoding="utf-8"))
    case = Case(load_data(source, seed=seed, label=label), network=load(network))
    arguments = {"network": str(network), "data": source, "label": label, "jobs": jobs}
    with _run(f"verify-{case.name}", out, arguments, seed, jobs, quiet) as (run, screen):
        with screen.progress(2) as step:
            step("verifying")
            case.verify()
            step("drawing")
            draw(case, run)
        _keep(case, run)
        _finish(run, screen, f"{Path(network).name} on {case.name}", [case])
        screen.print(case.certificate.summary())
        if stated is not None:
            checks = recheck(stated, case.network, case.data.X, case.data.y)
            screen.print("the certificate:")
            for check in checks:
                screen.print(f"  {'yes' if check.passed else 'no '}  {check.name}: {check.detail}")
    screen.print(f"\nrun folder: {run.path}")
    if stated is not None:
        return 0 if all(check.passed for check in checks) else 1
    return 0 if case.proved else 1


@contextmanager
def _run(name, out, arguments, seed, jobs, quiet):
    """A run folder and a screen, with at most `jobs` threads inside."""
    out = Path("runs") / name if out is None else out
    command = name.split("-")[0]
    with limited_threads(jobs), RunFolder(out, command, arguments, seed) as run:
        yield run, Screen(quiet)


def _keep(case, run, prefix=""):
    """Write what was found about a case: network, certificate, refusal, tables."""
    if case.network is not None:
        run.network(f"{prefix}network", case.network)
    if case.certificate is not None:
        run.text(f"{prefix}certificate.json", case.certificate.to_json() + "\n")
    if case.refusal is not None:
        run.text(f"{prefix}refusal.json", json.dumps(_refusal(case.refusal), indent=2) + "\n")
    if case.study is not None:
        run.table(f"{prefix}trials", case.study.frame())
        run.table(f"{prefix}summary", case.study.summary())
    for part, seconds in case.timings.items():
        run.record["timings"][f"{case.name}: {part}"] = round(seconds, 3)


def _refusal(refusal):
    """Reasons and certificates of a `ConstructionError`, for JSON."""
    return {
        "reasons": refusal.reasons,
        "certificates": {
            str(label): {
                key: value.tolist() if hasattr(value, "tolist") else value
                for key, value in found._asdict().items()
            }
            for label, found in refusal.certificates.items()
        },
    }


def _finish(run, screen, title, cases, intro=""):
    import pandas as pd

    run.table("table", pd.DataFrame([case.row() for case in cases]))
    run.text("index.html", page(title, cases, record=run.record, intro=intro))
    run.publish()


def _about(options):
    size = options.get("batch_size")
    return f"{options['steps']} steps of {'all points' if size is None else f'{size} points each'}"
