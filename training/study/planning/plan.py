"""The plan of a study where no scales or no steps are given, and the pilot trials behind it."""

import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from geomcore.foreign.wording import counted
from training.descent.optimizers import SGD
from training.descent.trainer import train_ensemble
from training.output.pace import duration
from training.study.planning.budget import FEWEST, RELAXATIONS, Budget, default_steps
from training.study.planning.columns import LARGE, largest_column
from training.study.planning.scales import (
    CLIMB,
    COUNT,
    MOST,
    USUAL,
    between,
    leaving,
    scale_of,
    transition,
)
from training.study.store import Store
from training.study.trials import Worker

# Pilot trials have the seeds [seed, PILOT] and so on, none of which is that of a trial.
PILOT = 1
# By which factor a rate is made smaller at a time, and how often at most.
SLOWER, MOST_SLOWER = 4.0, 20
# Trials that are only looked at, and trials that are trained, per reference and scale.
LOOKED, TRAINED = 8, 4


class Plan(NamedTuple):
    """How a study is laid out.

    Attributes
    ----------
    scales : tuple of float
    steps : int
    references : list of dict
        As they were given, with the learning rates and relaxations of this plan.
    slower : float
        The largest factor by which pilot trials have made a default rate smaller; else 1.
    budget : Budget or None
        Where the steps come from; None if they were given.
    pilot : list of dict
        One for each reference and scale that was tried: reference, scale, trials, left, and
        returned (None where nothing was trained).
    reach : float
        Root mean square of the largest column of the data.
    """

    scales: tuple
    steps: int
    references: list
    slower: float
    budget: Budget | None
    pilot: list
    reach: float = 1.0

    def __repr__(self):
        return self.summary() or f"Plan(scales={self.scales}, steps={self.steps})"

    @property
    def relaxations(self):
        """How often the slowest direction at a reference relaxes in all steps; None if unknown."""
        known = [ref["relaxation"] for ref in self.references]
        return None if None in known else self.steps / max(known)

    def summary(self):
        """What was chosen and why, in lines of at most 80 characters."""
        lines = []
        if self.pilot:
            count = sum(row["trials"] for row in self.pilot)
            ends = f"{self.scales[0]:g} to {self.scales[-1]:g}"
            lines.append(f"scales {ends}: where {count} pilot trials leave, to where none returns")
        if self.slower > 1.05:
            lines.append(
                f"learning rate {self.slower:,.0f} times smaller than at the network: "
                "perturbed ones\n  are more curved"
            )
            if self.reach > LARGE:
                lines.append(
                    f"  (a column of X reaches {self.reach:.3g}: standardise the columns, and\n"
                    "  build or train the network on these)"
                )
        if self.budget is not None:
            told = counted(self.steps, "step")
            if self.relaxations is not None:
                told += f" = {self.relaxations:.3g} relaxations"
            seconds = self.budget.seconds
            takes = f"about {seconds:.0f} s" if seconds >= 1 else "less than a second"
            lines.append(f"{told} per trial, {takes} of one core in all")
            if self.steps < self.budget.wanted:
                wanted = self.budget.wanted
                takes = duration(seconds * wanted / self.steps)
                told = f"{RELAXATIONS} relaxations would be {counted(wanted, 'step')}, {takes}"
                lines.append(f"  (limited by time: {told})")
        return "\n".join(lines)


def planned(worker, references, *, trials, points, steps, is_default):
    """The `Plan` of a study.

    Parameters
    ----------
    worker : Worker
        Of the study, with any steps; if it has no scales (None), pilot trials look for them.
    references : list of dict
        As `training.study.store.Store.set_references` takes them.
    trials : int
        Per reference and scale.
    points : int
        Points in a step.
    steps : int or None
        None: see `training.study.planning.budget.default_steps`.
    is_default : bool
        Whether the learning rates are defaults. Then, where scales are looked for, they are
        divided by four until most pilot trials, at the scale at which most leave and half a
        decade above, never rise above their start in their first 100 steps: perturbed networks
        can be thousands of times as curved as their reference, and are thrown out at its rate.

    Returns
    -------
    Plan
    """
    pilot, lows = Pilot(worker, [dict(ref) for ref in references], is_default, []), []
    slower = 1.0
    if worker.scales is None:
        lows = [leaving(partial(pilot.left, r)) for r in range(len(references))]
        for r, low in enumerate(lows):
            if is_default and low is not None:
                slower = max(slower, pilot.slow_down(r, [low, low + CLIMB]))
    budget = None
    if steps is None:
        number = (COUNT if worker.scales is None else len(worker.scales)) * trials
        known = [ref["relaxation"] for ref in pilot.references]
        budget = default_steps(worker.networks, points, known, number)
        steps = budget.steps
    scales = USUAL if worker.scales is None else worker.scales
    ends = [
        transition(low, partial(pilot.back, r, steps))
        for r, low in enumerate(lows)
        if low is not None
    ]
    if ends:
        # Where all return from everywhere there is no end, unless nothing else has one.
        tops = [high for _, high, has_end in ends if has_end] or [high for _, high, _ in ends]
        scales = between(min(low for low, _, _ in ends), max(tops))
    reach = largest_column(worker.X)
    return Plan(scales, steps, pilot.references, slower, budget, pilot.rows, reach)


class Pilot(NamedTuple):
    """Trials with seeds of their own that look for scales; what they found is added to `rows`."""

    worker: Worker
    references: list
    is_default: bool
    rows: list

    def left(self, r, scale):
        """The fraction of pilot trials around reference r that leave at a scale."""
        return self._tried(r, scale, LOOKED, 0)["left"] / LOOKED

    def back(self, r, steps, scale):
        """How many pilot trials return in so many steps."""
        return self._tried(r, scale, TRAINED, steps)["returned"] or 0

    def slow_down(self, r, quarters):
        """Lower the rate of a reference until most pilot trials descend; return by which factor."""
        workers, reference = [self._at(scale_of(k), FEWEST) for k in quarters], self.references[r]
        pairs = [worker.start((r, 0, j)) for worker in workers for j in range(LOOKED)]
        starts, rngs = zip(*pairs, strict=True)
        worker = self.worker
        about = {**workers[0].training, "steps": FEWEST, "learning_rate": None}
        factor = 1.0
        for _ in range(MOST_SLOWER):
            about["optimizer"] = SGD(reference["learning_rate"] / factor)
            streams = copy.deepcopy(rngs)
            found = train_ensemble(starts, worker.X, worker.labels, rngs=streams, **about)
            descends = (found.losses <= found.losses[0]).all(axis=0)
            if (descends.reshape(len(workers), LOOKED).mean(axis=1) >= MOST).all():
                break
            factor *= SLOWER
        reference["learning_rate"] /= factor
        if reference["relaxation"] is not None:
            reference["relaxation"] *= factor
        return factor

    def _at(self, scale, steps):
        return replace(
            self.worker,
            scales=(scale,),
            steps=steps,
            seed=(self.worker.seed, PILOT),
            training={**self.worker.training, "callbacks": ()},
            optimizers=tuple(
                SGD(ref["learning_rate"]) if self.is_default else optimizer
                for ref, optimizer in zip(self.references, self.worker.optimizers, strict=True)
            ),
        )

    def _tried(self, r, scale, trials, steps):
        worker, reference = self._at(scale, steps), self.references[r]
        found = worker.rows([(r, 0, j) for j in range(trials)])
        near, back = (
            np.abs(found[f"{when}_loss"] - reference["loss"]) <= reference["tolerance"]
            for when in ("initial", "final")
        )
        returned = int((back & ~near).sum()) if steps else None
        row = {"reference": reference["name"], "scale": float(scale), "trials": trials}
        self.rows.append({**row, "left": int((~near).sum()), "returned": returned})
        return self.rows[-1]


def laid_out_before(path, scales, steps):
    """The scales and the steps of the study in a file, where they are not given (None)."""
    if Path(path).stat().st_size == 0:
        return scales, steps
    with Store.open(path, None, writing=False) as store:
        found = store.configuration
    before = found["scales"], found.get("steps")
    return tuple(b if a is None else a for a, b in zip((scales, steps), before, strict=True))
