"""Claims C1 and C2, about non-negative kernels of single units, as readings of numbers."""

import numpy as np

from training.experiments.judging.verdict import NO, YES, Reading, judged
from training.experiments.kernels.examples import (
    ACTIVATIONS,
    PRINTED,
    SOURCE_OPTIMIZER,
    SOURCE_START,
    in_words,
)

CLAIMS = {
    "C1": "the constraint affects the linear and the rectified unit differently",
    "C2, linear": "trained from 0 under the constraint, the linear unit puts out "
    f"{in_words(PRINTED['linear'])}",
    "C2, relu": "trained from 0 under the constraint, the rectified unit puts out "
    f"{in_words(PRINTED['relu'])}",
}
ALIKE = 0.05  # difference of outputs or losses that counts as none

RULE = f"""Outputs and losses that differ by at most {ALIKE} are the same. A claim does not hold \
if its reading in the source's own example says no; if that says yes, it holds, unless another \
reading says no: then it holds with a correction. Nothing here is random."""


def verdicts(runs):
    """The verdicts on the claims, and their readings.

    Parameters
    ----------
    runs : list of Run

    Returns
    -------
    verdicts, readings : list of dict
    """
    found = {"C1": _differently(runs)}
    found |= {f"C2, {activation}": _printed(runs, activation) for activation in ACTIVATIONS}
    judgements = [
        {
            "claim": claim,
            "about": CLAIMS[claim],
            **judged(own, beyond="Beyond that example")._asdict(),
        }
        for claim, own in found.items()
    ]
    told = [{"claim": c, **reading._asdict()} for c, own in found.items() for reading in own]
    return judgements, told


def _differently(runs):
    changes = {a: _change(runs, a) for a in ACTIVATIONS}
    told = ", ".join(f"{a} {change:.3g}" for a, change in changes.items())
    source = Reading(
        "what the constraint changes in the outputs of the third example",
        True,
        _answer(_differ(changes)),
        f"largest change: {told}",
    )
    found = [source]
    for targets in sorted({run.targets for run in runs}):
        costs = {a: _cost(runs, a, targets) for a in ACTIVATIONS}
        told = ", ".join(f"{a} {cost:.3g}" for a, cost in costs.items())
        name = f"what the constraint costs the best unit for targets {targets}"
        found.append(Reading(name, False, _answer(_differ(costs)), f"mean squared error: {told}"))
    return found


def _printed(runs, activation):
    free, held = (_source_run(runs, activation, h) for h in (False, True))
    printed = np.array(PRINTED[activation])
    off = np.abs(np.array(held.outputs) - printed).max()
    found = [
        Reading(
            "the run from 0 with the constraint puts it out",
            True,
            _answer(off <= ALIKE),
            f"it puts out {in_words(held.outputs)}",
        )
    ]
    same = [run for run in runs if run.activation == activation and run.targets == "2x"]
    near = min(np.abs(np.array(run.outputs) - printed).max() for run in same)
    found.append(
        Reading(
            "some run puts it out", False, _answer(near <= ALIKE), f"the nearest is {near:.3g} off"
        )
    )
    if activation == "relu":
        apart = np.abs(np.array(free.outputs) - printed).max()
        found.append(
            Reading(
                "without the constraint it puts out something else",
                False,
                _answer(apart > ALIKE),
                f"it puts out {in_words(free.outputs)}, for the slope of the loss at the kernel 0 "
                f"is {free.slope:.3g}",
            )
        )
        distance = held.loss - held.best_loss
        found.append(
            Reading(
                "no kernel that is allowed is better",
                False,
                _answer(distance <= ALIKE),
                f"loss {held.loss:.3g}, of the best kernel {held.best_kernel:.3g} it is "
                f"{held.best_loss:.3g}",
            )
        )
    return found


def _source_run(runs, activation, held):
    """The run of the source: targets 2x, from the kernel 0, by Adam."""
    (found,) = [
        run
        for run in runs
        if (run.activation, run.targets, run.held) == (activation, "2x", held)
        and (run.start, run.optimizer) == (SOURCE_START, SOURCE_OPTIMIZER)
    ]
    return found


def _change(runs, activation):
    free, held = (np.array(_source_run(runs, activation, h).outputs) for h in (False, True))
    return float(np.abs(free - held).max())


def _cost(runs, activation, targets):
    best = {
        run.held: run.best_loss
        for run in runs
        if (run.activation, run.targets) == (activation, targets)
    }
    # to the accuracy of the solver
    return round(best[True] - best[False], 6)


def _differ(values):
    one, other = values.values()
    return abs(one - other) > ALIKE


def _answer(is_so):
    return YES if is_so else NO
