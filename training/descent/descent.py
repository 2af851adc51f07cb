"""The loop over steps in NumPy, for all trials of an ensemble at a time."""

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import read_only
from training.descent.batches import Shuffles
from training.descent.problem import Snapshot
from training.descent.stopping import DIVERGED, Progress, stop_reasons


@dataclass(frozen=True, eq=False)
class Descended:
    """Where the steps of some trials have led to.

    Attributes
    ----------
    params : list of ndarray, each of shape (T, ...)
    losses : ndarray, shape (R, T)
    recorded : ndarray of int, shape (R,)
    steps : ndarray of int, shape (T,)
    reasons : list of str
    final_losses : ndarray, shape (T,)
    """

    params: list
    losses: np.ndarray
    recorded: np.ndarray
    steps: np.ndarray
    reasons: list
    final_losses: np.ndarray


class Descent:
    """The arrays of one run of some trials, and the loop over its steps."""

    def __init__(self, stacked, problem, plan):
        self.stacked, self.problem, self.plan = stacked, problem, plan
        self.penalties = [(term, stacked.select(term.tensors)) for term in plan.penalties]
        self.constraints = [(term, stacked.select(term.tensors)) for term in plan.constraints]

    def run(self, params, rngs):
        """Train trials with parameters (T, ...) and one generator each; return `Descended`."""
        trials = len(rngs)
        self.losses, self.accuracies, self.recorded = [], [], []
        self.steps = np.zeros(trials, dtype=np.intp)
        self.reasons = [None] * trials
        self.final = [p.copy() for p in params]
        self.shuffles = Shuffles(len(self.problem.X), rngs)
        with np.errstate(all="ignore"):
            self.descend(params)
            final_losses = self.problem.losses(self.stacked.output(self.final, self.problem.X))
        return Descended(
            self.final,
            np.array(self.losses),
            np.array(self.recorded),
            self.steps,
            self.reasons,
            final_losses,
        )

    def descend(self, params):
        plan, problem, stacked = self.plan, self.problem, self.stacked
        state = plan.optimizer.start(params)
        running = np.arange(len(self.steps))
        for step in range(plan.steps + 1):
            outputs = stacked.forward(params, problem.X) if plan.batches is None else None
            if plan.is_record(step):
                reasons = self.record(params, outputs, step, running)
                if any(reason is not None for reason in reasons):
                    keep = np.array([reason is None for reason in reasons])
                    self.settle(params, running, reasons, step)
                    params, state, running = _select(params, state, running, keep)
                    if not len(running):
                        return
                    if outputs is not None:
                        # Before the first tensors there is no trial axis.
                        outputs = [out[keep] if out.ndim == 3 else out for out in outputs]
            gradients = self.gradients(params, outputs, step, running)
            updated, new_state = plan.optimizer.update(params, gradients, state, step)
            for term, places in self.constraints:
                for i in places:
                    updated[i] = term.project(updated[i])
            # A sum is finite only if its terms are: one cheap pass finds overflow and nan.
            keep = np.isfinite(sum(p.reshape(len(running), -1).sum(axis=1) for p in updated))
            if not keep.all():
                reasons = [None if ok else DIVERGED for ok in keep]
                self.settle(params, running, reasons, step)
                updated, new_state, running = _select(updated, new_state, running, keep)
                if not len(running):
                    return
            params, state = updated, new_state

    def gradients(self, params, outputs, step, running):
        """Gradients of all tensors at a step, penalties included."""
        problem, batches = self.problem, self.plan.batches
        Y, weights = problem.Y, problem.weights
        if batches is not None:
            epoch = step // batches.per_epoch
            order = self.shuffles.epochs(epoch, epoch + 1, running)[running, 0]
            rows = order[:, batches.rows(step)]
            Y, weights = Y[rows], weights[rows] * (len(problem.X) / rows.shape[1])
            outputs = self.stacked.forward(params, problem.X[rows])
        grad = problem.loss.gradient(outputs[-1], Y)
        grad *= weights[..., None]
        gradients = self.stacked.backward(params, outputs, grad)
        for term, places in self.penalties:
            for i in places:
                gradients[i] = gradients[i] + term.gradient(params[i])
        return gradients

    def record(self, params, outputs, step, running):
        """Record the losses; return for each running trial why it stops, or None."""
        plan, problem = self.plan, self.problem
        last = self.stacked.output(params, problem.X) if outputs is None else outputs[-1]
        self.losses.append(self._row(self.losses, running, problem.losses(last)))
        if plan.needs_accuracy:
            self.accuracies.append(self._row(self.accuracies, running, problem.accuracies(last)))
        self.recorded.append(step)
        for callback in plan.callbacks:
            callback(Snapshot(step, running, self.losses[-1][running], params, self.stacked))
        progress = Progress(step, self.losses, read_only(running), self.accuracies)
        return stop_reasons(plan.rules, progress, step == plan.steps)

    def _row(self, rows, running, values):
        """A new record: `values` for the running trials, the last ones for all others."""
        row = rows[-1].copy() if rows else np.empty(len(self.steps))
        row[running] = values
        return read_only(row)

    def settle(self, params, running, reasons, step):
        """Write down the trials that stop here."""
        for a, reason in enumerate(reasons):
            if reason is not None:
                t = running[a]
                self.reasons[t], self.steps[t] = reason, step
                for final, p in zip(self.final, params, strict=True):
                    final[t] = p[a]


def _select(params, state, running, keep):
    """Parameters, optimizer state and trial numbers of the trials to keep."""
    return [p[keep] for p in params], [s[keep] for s in state], running[keep]
