"""`geomcore trained`: networks trained on digits, seen through their geometry."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.arguments.options import CORES, MOST_STEPS, Force, Jobs, Out, Quiet, Seed
from training.commands.arguments.resumed import Resume, resumes

MOST_STARTS = 1000
MOST_DIGITS = 10
# The columns for which a terminal has room.
LAYERS = ("network", "layer", "full rank", "rank, single", "condition", "defect", "aperture")
BESIDE = ("network", "loss", "held out", "margin", "condition", "kind")


@resumes
def trained(
    digits: Annotated[
        str, typer.Option(help="Which ones, at least two, with commas between.")
    ] = "0,1,2",
    mnist: Annotated[
        Path | None,
        typer.Option(help="Folder with the IDX files of MNIST. Default: the bundled 8 x 8 digits."),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(
            min=2, max=10**6, help="Of MNIST the first images of each digit. Default 200."
        ),
    ] = None,
    losses: Annotated[
        str, typer.Option(help="mse, cross_entropy, or both with a comma between.")
    ] = "mse,cross_entropy",
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_STARTS, help="Random starts for each loss.")
    ] = 5,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_STEPS,
            help="Of training at most. Default 16000, or 600 for more than 128 pixels.",
        ),
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    resume: Resume = False,
    jobs: Jobs = CORES,
    quiet: Quiet = False,
):
    """Train on images of digits, and look at cones and ranks.

    Networks are as wide as the images; judges claims E6 to E8 of docs/claims.md.
    """
    given = dict(locals())

    chosen = _digits(digits)
    images = _images(chosen, mnist, points, seed)
    # Loaded after what is refused, for that takes a second.
    from training.experiments.trained import plot_all, tables
    from training.experiments.trained.beside import DRAWS, MOST_PARAMETERS
    from training.experiments.trained.judgements import judgements
    from training.experiments.trained.ladder import budget
    from training.experiments.trained.survey import survey
    from training.output.page import render
    from training.output.start import started

    names = _losses(losses)
    with started("trained", given, about=images.name) as (run, screen):
        steps = budget(images.X.shape[1]) if steps is None else steps
        work = _work(images, names, steps, seed)
        total = 2 + 2 * len(names) * seeds
        with (
            run.timed("runs"),
            screen.compiling(),
            screen.progress(total) as step,
            run.pieces(work, resume=resume) as pieces,
        ):
            found = survey(
                images,
                losses=names,
                starts=seeds,
                seed=seed,
                steps=steps,
                pieces=pieces,
                jobs=jobs,
                progress=step,
            )
        with run.timed("figures"):
            figures = run.figures(
                "trained", _told(plot_all.figures(found, draws=DRAWS), screen, 4 + 3 * 3)
            )
        judged = judgements(found)
        for name, rows in _tables(found, judged).items():
            run.table(name, rows)
        stored = _store(run, found)
        content = {
            "data": images.summary(),
            "images": images,
            "found": found,
            "verdicts": tables.verdict_words(judged, names),
            "judged": judged,
            "subsets": tables.subset_words(tables.shown_subsets(found.subsets, images.chosen)),
            "counts": tables.subset_counts(found.subsets),
            "all_subsets": tables.subset_words(found.subsets),
            "steps_of_claim": tables.step_words(found.steps),
            "runs": tables.run_words(found.runs),
            "layers": tables.layer_words(found.layers),
            "classes": tables.class_words(found.classes),
            "neural": tables.neural_words(found.collapse),
            "comparison": tables.comparison_words(found.comparison),
            "noise": tables.noise_words(found.noise),
            "figures": {picture.stem.removeprefix("trained-"): picture for picture in figures},
            "stored": stored,
            "names": tables.NAMES,
            "most_parameters": MOST_PARAMETERS,
        }
        run.text("index.html", render("commands/experiments/trained.html", run.record, **content))
        run.publish()
        screen.fold(images.summary())
        screen.table(content["counts"])
        screen.print()
        screen.table([{name: row[name] for name in LAYERS} for row in content["layers"]])
        screen.print()
        screen.table([{name: row[name] for name in BESIDE} for row in content["comparison"]])
        screen.print()
        screen.table(content["verdicts"])
    screen.print(f"\nrun folder: {run.path}")
    return 0


def _digits(text):
    """The numbers in the option `--digits`."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not 2 <= len(set(found)) <= MOST_DIGITS:
        raise ValueError(
            f"--digits must be two to {MOST_DIGITS} different digits with commas between, "
            f"got {text!r}"
        )
    return found


def _losses(text):
    """The names in the option `--losses`, in the order in which tables have them."""
    from training.experiments.trained.survey import LOSSES

    found = [part.strip() for part in text.split(",")]
    if not set(found) <= set(LOSSES):
        raise ValueError(f"--losses must be {' or '.join(LOSSES)}, or both, got {text!r}")
    return tuple(name for name in LOSSES if name in found)


def _images(chosen, mnist, points, seed):
    from training.experiments.trained.digits import bundled_digits, mnist_digits

    if mnist is not None:
        if not mnist.is_dir():
            raise ValueError(f"--mnist must be a folder with IDX files, got {mnist}")
        return mnist_digits(mnist, chosen, points=points)
    if points is not None:
        raise ValueError("--points goes with --mnist, the bundled digits are taken whole")
    return bundled_digits(chosen, seed=seed)


def _work(images, losses, steps, seed):
    """What the pieces of this work depend on; the images by what is in them."""
    import hashlib

    parts = (images.X, images.y, images.held_X, images.held_y, images.all_X, images.all_y)
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    chosen = list(images.chosen)
    return {
        "images": digest,
        "digits": chosen,
        "losses": list(losses),
        "steps": steps,
        "seed": seed,
    }


def _told(drawn, screen, total):
    """The same figures, while progress tells which one is drawn."""
    with screen.progress(total) as step:
        for figure in drawn:
            step(f"figure {figure[0]}")
            yield figure


def _tables(found, judged):
    """The tables of the run folder, by name."""
    return {
        "verdicts": judged,
        "subsets": found.subsets,
        "steps": found.steps,
        "runs": found.runs,
        "layers": found.layers,
        "classes": found.classes,
        "collapse": found.collapse,
        "comparison": found.comparison,
        "noise": found.noise,
    }


def _store(run, found):
    """Write the networks of the first start, one for each rung; return names and what they are."""
    names, written = [], {}
    for (name, threshold), net in found.networks.items():
        known = next((file for file, other in written.items() if other is net), None)
        if known is None:
            known = name if threshold == 0 else f"{name}-{threshold:.0e}"
            run.network(known, net)
            written[known] = net
        names.append({"network": name, "rung": f"{threshold:.0e}", "file": f"{known}.npz"})
    return names
