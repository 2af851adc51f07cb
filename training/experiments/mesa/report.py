"""A mesa experiment from its arguments to its run folder, for `geomcore mesa` and `nonneg`."""

from contextlib import nullcontext

from training.descent.executors import processes
from training.experiments.judging.intervals import LEAST_SEEDS
from training.experiments.judging.spread import means_over
from training.experiments.mesa import plot_all, tables
from training.experiments.mesa.judging.judgements import BY_PROTOCOL, judgements, rule_of
from training.experiments.mesa.plot_maps import seed_shown
from training.experiments.mesa.protocol import LINEAR, MODELS
from training.experiments.mesa.shortfalls import shortfalls
from training.experiments.mesa.survey import survey
from training.output.page import render
from training.output.start import started

FIGURES = 8
MOST_DIMS, MOST_D = 12, 64
# The columns for which a terminal has room.
ON_SCREEN = ("d", "model", "collapsed", "kept", "accuracy", "head: points < 1", "head: area < 1")
ON_SCREEN = (*ON_SCREEN, "logit: area < 1", "logit: area < 0.1 of exterior")


def as_dims(text):
    """The dimensions in an option, in rising order."""
    try:
        dims = sorted({int(part) for part in text.split(",")})
    except ValueError:
        dims = []
    if not 1 <= len(dims) <= MOST_DIMS or not all(2 <= d <= MOST_D for d in dims):
        raise ValueError(
            f"--dims must be whole numbers from 2 to {MOST_D} with commas between, got {text!r}"
        )
    return tuple(dims)


def as_models(text, protocol):
    """The models in an option, in the order in which tables have them; None: the usual ones."""
    if text is None:
        return protocol.models
    chosen = [part.strip() for part in text.split(",")]
    unknown = [key for key in chosen if key not in MODELS]
    if unknown:
        raise ValueError(
            f"--models must be of {', '.join(MODELS)}, with commas between, got {unknown[0]!r}"
        )
    return tuple(key for key in MODELS if key in chosen)


def report(protocol, given, models, dims):
    """Run an experiment and write its folder.

    Parameters
    ----------
    protocol : Protocol
    given : dict
        The arguments of the command by name.
    models : tuple of str
    dims : tuple of int
    """
    name, seeds, seed, jobs = (protocol.name, *(given[k] for k in ("seeds", "seed", "jobs")))
    epochs = protocol.epochs if given["epochs"] is None else given["epochs"]
    work = {"models": models, "dims": dims, "seeds": seeds, "seed": seed, "epochs": epochs}
    with started(name, given) as (run, screen):
        workers = min(jobs, seeds * len(dims))
        with (
            run.timed("runs"),
            run.pieces({"protocol": name, **work}, resume=given["resume"]) as pieces,
            screen.compiling() as compiling,
            screen.trials(first="training", what="network") as progress,
            processes(workers, compiling=compiling) if workers > 1 else nullcontext() as executor,
        ):
            found = survey(
                protocol,
                models,
                dims,
                seeds=seeds,
                seed=seed,
                epochs=epochs,
                executor=executor,
                pieces=pieces,
                progress=progress,
            )
        verdicts, readings = judgements(found)
        compared, shown = tables.comparisons(found), seed_shown(found)
        with run.timed("figures"), screen.progress(FIGURES) as step:
            figures = run.figures(name, _told(plot_all.figures(found), step))
        run.table("runs", found.rows)
        run.table("comparisons", tables.comparison_rows(compared))
        run.table("readings", readings)
        run.table("verdicts", verdicts)
        if shown is not None:
            for model in found.models:
                run.network(f"{name}-{model}", found.networks[tables.PLANE, shown, model])
        published = None
        if tables.PLANE in dims:
            published = tables.heads(found) if name == "mesa" else tables.penalties(found)
            run.table("published", published)
        content = {
            "name": name,
            "protocol": protocol,
            "epochs": epochs,
            "found": found,
            "shown": shown,
            "flips": LINEAR in models,
            "rule": rule_of(name),
            "claims": BY_PROTOCOL[name].CLAIMS,
            "verdicts": verdicts,
            "shortfalls": shortfalls(found, verdicts, epochs=epochs),
            "readings": tables.reading_words(readings),
            "published": published,
            "overview": tables.overview(found),
            "falling": tables.overview(found, falling=True),
            "collapses": tables.collapses(found),
            "comparisons": tables.comparison_words(compared),
            "means": means_over(seeds),
            "least_seeds": LEAST_SEEDS,
            "figures": figures,
        }
        run.text("index.html", render(f"commands/experiments/{name}.html", run.record, **content))
        run.publish()
        _print(screen, content)
    screen.print(f"\nrun folder: {run.path}")


def _told(drawn, step):
    """The same figures, while progress tells which one is drawn."""
    for figure in drawn:
        step(f"figure {figure[0]}")
        yield figure


def _print(screen, content):
    """What is told on a terminal: what falls short, the tables, the verdicts."""
    for sentence in content["shortfalls"]:
        screen.fold(sentence)
    screen.table([{name: row[name] for name in ON_SCREEN} for row in content["overview"]])
    if content["published"] is not None:
        screen.print()
        is_mesa = content["name"] == "mesa"
        told = content["published"] if is_mesa else tables.penalties(content["found"], spread=False)
        screen.table(told)
    for row in content["verdicts"]:
        screen.fold(f"\n{row['claim']}, d = {row['d']}: {row['about']}: {row['verdict']}.")
        screen.fold(row["reason"])
    screen.fold(f"\n{content['rule']}")
