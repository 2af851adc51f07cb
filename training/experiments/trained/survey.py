"""All of it: networks on digits over starts and losses, what they look like, and the verdicts.

The work falls into pieces (what is separable; the construction; each start and loss; what is
proved of each), each with random streams of its own, so that what comes out depends
neither on the order nor on how many are done at a time, and a run that was stopped can go on.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from geomcore.display.lines import told_in_brief
from geomcore.network import ReLUNetwork
from geomcore.threads import single_threaded_blas
from training.descent.executors import as_finished, threads
from training.dynamics.ladder import THRESHOLDS
from training.experiments.trained import stored
from training.experiments.trained.beside import (
    CONSTRUCTED,
    comparison_row,
    constructed,
    examined,
    is_examined,
    noise_rows,
)
from training.experiments.trained.digits import Digits
from training.experiments.trained.ladder import descend
from training.experiments.trained.measures import layer_rows, rung_rows
from training.experiments.trained.separability import Facts, step_rows, subset_rows
from training.output.forms import formed

LOSSES = ("mse", "cross_entropy")
SEPARABILITY = "separability"


@told_in_brief
class Findings(NamedTuple):
    """What was found; see `survey`.

    Attributes
    ----------
    digits : Digits
    losses : tuple of str
    starts : int
    runs : list of dict
        One per loss and start: ``steps``, ``stop_reason``, and ``threshold``, ``step`` and
        ``value``, the loss, of its lowest rung.
    courses : dict of (str, int) to (ndarray, ndarray)
        Steps and losses of each run.
    layers, classes, collapse : list of dict
        The rows of `training.experiments.trained.measures.rung_rows` with ``loss_name`` and
        ``start`` before them; those of the constructed network have the name "constructed".
    subsets, steps : list of dict
        Of `training.experiments.trained.separability`.
    programs : int
        How many separations decided all subsets.
    networks : dict of (str, float) to ReLUNetwork
        Of the first start, for each loss and threshold; and ("constructed", 0.0), if there is one.
    refusal : str
        Why there is none.
    comparison, noise : list of dict
        Of `training.experiments.trained.beside`, with ``network`` and ``start`` before them.
    """

    digits: Digits
    losses: tuple
    starts: int
    runs: list
    courses: dict
    layers: list
    classes: list
    collapse: list
    subsets: list
    steps: list
    programs: int
    networks: dict
    refusal: str
    comparison: list
    noise: list

    def last(self, name):
        """The network of the first start on its lowest rung, or the constructed one (or None)."""
        own = [threshold for found, threshold in self.networks if found == name]
        return self.networks[name, min(own)] if own else None

    def layers_of(self, name):
        """The rows of `layers` of that network, layer by layer."""
        own = [r for r in self.layers if r["loss_name"] == name and r["start"] == 0]
        least = min((row["threshold"] for row in own), default=0)
        return [row for row in own if row["threshold"] == least]


def survey(
    digits,
    *,
    losses=LOSSES,
    starts=5,
    seed=0,
    steps,
    thresholds=THRESHOLDS,
    pieces=None,
    jobs=1,
    progress=None,
):
    """Do all pieces of work that are not done yet, and put them together.

    Parameters
    ----------
    digits : Digits
    losses : sequence of str
    starts : int
        Random starts for each loss.
    seed : int
    steps : int
        Of training.
    thresholds : sequence of float, optional
        Of the loss.
    pieces : Pieces or dict, optional
        Where finished pieces are kept; those that are there are not done again.
    jobs : int
        Runs at a time; the numbers do not depend on it.
    progress : callable, optional
        Called with a text at each piece, and with ``still=True`` while one goes on.

    Returns
    -------
    Findings
    """
    pieces = {} if pieces is None else pieces
    progress = (lambda name, *, still=False: None) if progress is None else progress
    runs = [(loss, start) for start in range(starts) for loss in losses]
    with single_threaded_blas():
        if SEPARABILITY not in pieces:
            progress("which digits are separable")
            pieces[SEPARABILITY] = _separability(digits, partial(progress, still=True))
        if CONSTRUCTED not in pieces:
            progress("constructing")
            pieces[CONSTRUCTED] = _constructed(digits)
        _train(
            [run for run in runs if _key(*run) not in pieces],
            digits,
            pieces,
            jobs=jobs,
            progress=progress,
            seed=seed,
            steps=steps,
            thresholds=thresholds,
        )
        # One after the other: the precision of ball arithmetic is one for all threads.
        for loss, start in runs:
            key = f"examined {_key(loss, start)}"
            if key in pieces:
                continue
            check = partial(stored.check_run, digits=digits, is_first=start == 0)
            net = _networks(formed(pieces, _key(loss, start), check))[-1]
            if is_examined(net):
                progress(f"what is proved of {_key(loss, start)}")
                pieces[key] = examined(net, digits.X, digits.y, loss=loss)
        return _together(digits, tuple(losses), starts, runs, pieces, seed)


def _key(loss, start):
    return f"{loss}, start {start}"


def _separability(digits, progress):
    facts = Facts(digits.all_X, digits.all_y, progress=progress)
    subsets = subset_rows(facts)
    steps = step_rows(digits.all_X, digits.all_y)
    return {"subsets": subsets, "steps": steps, "programs": facts.programs}


def _constructed(digits):
    net, refusal = constructed(digits.X, digits.y)
    if net is None:
        return {"networks": [], "refusal": refusal}
    index = np.searchsorted(digits.chosen, digits.y)
    layers, classes = layer_rows(net, digits.X, index, len(digits.chosen))
    for row in classes:
        row["class"] = digits.chosen[row["class"]]
    return {
        "networks": [net.tensors],
        "refusal": "",
        "layers": layers,
        "classes": classes,
        "examined": examined(net, digits.X, digits.y),
    }


def _train(runs, digits, pieces, *, jobs, progress, **options):
    """Do some runs, several at a time, and keep each one as it is finished."""

    def one(run):
        def watch(snapshot):
            told = f"{_key(*run)}: {snapshot.step} steps, loss {snapshot.losses[0]:.2g}"
            progress(told, still=True)

        return run, _run(*run, digits, watch=watch, **options)

    with threads(max(1, min(jobs, len(runs)))) as pool:
        for run, value in as_finished(one, runs, pool):
            pieces[_key(*run)] = value
            progress(f"{_key(*run)}: loss {value['runs'][-1]['value']:.2g}")


def _run(loss, start, digits, **options):
    """One piece: a start with a loss, in plain values and arrays."""
    found = descend(digits.X, digits.y, loss=loss, start=start, **options)
    layers, classes, collapse = rung_rows(found.rungs, digits.X, digits.y, loss=loss)
    last = found.rungs[-1]
    # The networks of all rungs are kept of the first start, whose pictures are drawn.
    kept = found.rungs if start == 0 else [last]
    distinct = list({id(rung.network): rung.network for rung in kept}.values())
    return {
        "runs": [
            {
                "steps": found.steps,
                "stop_reason": found.stop_reason,
                "threshold": last.threshold,
                "step": last.step,
                "value": last.loss,
            }
        ],
        "recorded": found.recorded,
        "losses": found.losses,
        "layers": layers,
        "classes": classes,
        "collapse": collapse,
        "networks": [net.tensors for net in distinct],
        "rungs": [
            [rung.threshold, next(i for i, net in enumerate(distinct) if net is rung.network)]
            for rung in kept
        ],
    }


def _networks(piece):
    return [ReLUNetwork(t[0::2], t[1::2]) for t in piece["networks"]]


def _together(digits, losses, starts, runs, pieces, seed):
    """The `Findings` of finished pieces."""
    tables = {name: [] for name in ("runs", "layers", "classes", "collapse")}
    courses, networks, comparison, noise = {}, {}, [], []
    separability = formed(pieces, SEPARABILITY, stored.check_separability)
    built = formed(pieces, CONSTRUCTED, partial(stored.check_constructed, digits=digits))

    def compare(net, name, start, loss, known):
        about = {"network": name, "start": start}
        comparison.append(about | comparison_row(net, digits, loss=loss) | known)
        noise.extend(about | row for row in noise_rows(net, digits, seed=seed))

    for net in _networks(built):
        networks[CONSTRUCTED, 0.0] = net
        about = {"loss_name": CONSTRUCTED, "start": 0, "threshold": 0.0, "step": 0}
        for name in ("layers", "classes"):
            tables[name] += [about | row for row in built[name]]
        compare(net, CONSTRUCTED, 0, "mse", built["examined"])
    unknown = {"verdict": "", "proved": False, "cell_radius": np.nan, "basin": np.nan}
    for loss, start in sorted(runs, key=lambda run: (losses.index(run[0]), run[1])):
        piece = formed(
            pieces, _key(loss, start), partial(stored.check_run, digits=digits, is_first=start == 0)
        )
        about = {"loss_name": loss, "start": start}
        for name, rows in tables.items():
            rows += [about | row for row in piece[name]]
        courses[loss, start] = piece["recorded"], piece["losses"]
        nets, key = _networks(piece), f"examined {_key(loss, start)}"
        if start == 0:
            networks |= {(loss, threshold): nets[i] for threshold, i in piece["rungs"]}
        proved = formed(pieces, key, stored.check_examined) if key in pieces else unknown
        compare(nets[-1], loss, start, loss, proved)
    return Findings(
        digits,
        losses,
        starts,
        courses=courses,
        subsets=separability["subsets"],
        steps=separability["steps"],
        programs=separability["programs"],
        networks=networks,
        refusal=built["refusal"],
        comparison=comparison,
        noise=noise,
        **tables,
    )
