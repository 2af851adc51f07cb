"""The runs of a census: pieces of work, each of which is done once, in whatever order."""

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_labels, as_points, as_positive
from geomcore.datasets.dataset import Dataset
from geomcore.display.lines import told_in_brief
from training.census.ending import Ending, Question, ending_of
from training.census.starts import RATE, STEPS, starts, trained
from training.descent.executors import as_finished
from training.descent.optimizers import Adam
from training.output.forms import Array, formed
from training.settling.arguments import check_count, check_kind

GROUP = 64  # runs that are trained together


@told_in_brief
class Census(NamedTuple):
    """The ends of all runs of one shape on one data set.

    Attributes
    ----------
    data : Dataset
    widths : tuple of int
    question : Question
    endings : list of Ending
        In the order of the runs.
    """

    data: Dataset
    widths: tuple
    question: Question
    endings: list[Ending]


def census(
    data,
    widths,
    *,
    runs=200,
    loss="mse",
    weight_decay=0.0,
    steps=STEPS,
    rate=RATE,
    seconds=300.0,
    seed=0,
    jobs=1,
    executor=None,
    pieces=None,
    progress=None,
):
    """Train networks of one shape from random starts, and find out what each one ends at.

    Parameters
    ----------
    data : Dataset
    widths : sequence of int
        Inputs, hidden layers, outputs.
    runs : int
    loss : {"mse", "class_weighted", "cross_entropy", "bce"}
    weight_decay : float
        Half of it times the square of all parameters is added.
    steps, rate : int, float
        Of Adam, on all points.
    seconds : float
        After which no more is tried to settle one network; what ends sooner does not depend on it.
    seed : int
    jobs : int
        Threads that train.
    executor : concurrent.futures.Executor, optional
        Where networks are settled and verified, processes say; default here.
    pieces : mutable mapping, optional
        Of work that is done, by name; what is in it is not done again. Default a dict.
    progress : callable, optional
        Of the number of runs that are done, and of all, after each.

    Returns
    -------
    Census
        The same to the last bit whatever the jobs, the executor and the pieces done before.

    Raises
    ------
    ValueError
        If the widths or the loss do not fit the data, or the network is too large to be settled.
    """
    pieces = {} if pieces is None else pieces
    kind = {"loss": loss, "weight_decay": weight_decay}
    question, widths = checked(data, widths, rate=rate, seconds=seconds, **kind)
    y = data.y if data.targets is None else question.labels.Y
    options = {"steps": steps, "rate": rate, **kind}
    name = f"{data.name} {'-'.join(map(str, widths))}"
    keys = [f"{name} run {number}" for number in range(runs)]
    done = sum(key in pieces for key in keys)
    for first in range(0, runs, GROUP):
        numbers = range(first, min(first + GROUP, runs))
        missing = [number for number in numbers if keys[number] not in pieces]
        group = f"{name} trained from {first}"
        if missing and group not in pieces:
            nets = starts(widths, numbers, seed=seed)
            nets = trained(nets, question.X, y, jobs=jobs, **options)
            pieces[group] = np.array([net.packed()[0] for net in nets])
        form = Array((len(numbers), parameter_count(widths)), is_finite=True)
        thetas = formed(pieces, group, form) if missing else ()
        work = [(number, widths, thetas[number - first], question) for number in missing]
        for ending in _in_any_order(work, executor):
            pieces[keys[ending.number]] = ending.plain()
            done += 1
            if progress is not None:
                progress(done, runs)
    endings = []
    for number, key in enumerate(keys):
        piece = formed(pieces, key, partial(Ending.check, number=number, widths=widths))
        endings.append(Ending.from_plain(piece))
    return Census(data, widths, question, endings)


def checked(data, widths, *, loss, weight_decay, rate, seconds):
    """What is asked of a census, before there is any work.

    Parameters
    ----------
    data, widths, loss, weight_decay, rate, seconds
        As for `census`.

    Returns
    -------
    Question, tuple of int
        And the widths.

    Raises
    ------
    ValueError
        As `census`.
    """
    X = as_points(data.X).astype(np.float64, copy=False)
    labels = as_labels(data.y, len(X), targets=data.targets)
    weight_decay = check_kind(loss, weight_decay, labels.targets)
    seconds, widths = as_positive(seconds, "seconds"), tuple(widths)
    d, K = X.shape[1], labels.targets.shape[1]
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(f"widths must be two positive numbers or more, got {widths}")
    if widths[0] != d or widths[-1] != K:
        raise ValueError(
            f"widths must begin with {d} and end with {K} for {data.name}, got "
            f"{','.join(map(str, widths))}"
        )
    # Counted, not drawn: a shape of millions of units would not fit into memory.
    check_count(parameter_count(widths), len(X), K, "widths")
    Adam(rate)  # which checks it
    return Question(X, data.y, data.targets, loss, weight_decay, seconds), widths


def parameter_count(widths):
    """Of a network of these widths."""
    return sum(m * (n + 1) for n, m in pairwise(widths))


def _in_any_order(work, executor):
    """The ends of some runs, as they come."""
    return map(_end_of, work) if executor is None else as_finished(_end_of, work, executor)


def _end_of(one):
    return ending_of(*one)
