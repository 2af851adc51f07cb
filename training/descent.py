"""The loop over steps, for all trials of an ensemble at a time."""

import numpy as np

from training.stopping import BUDGET, DIVERGED, Progress


class Descent:
    """The arrays of one call of `train_ensemble`, and the loop over its steps."""

    def __init__(self, chain, X, Y, weights, loss, trials):
        self.chain, self.X, self.Y, self.weights, self.loss = chain, X, Y, weights, loss
        self.losses, self.recorded = [], []
        self.steps = np.zeros(trials, dtype=np.intp)
        self.reasons = [None] * trials
        self.final = None

    def evaluate(self, params, outputs=None):
        """Loss over all points of every trial in `params`; inf where it is no number."""
        outputs = self.chain.output(params, self.X) if outputs is None else outputs[-1]
        # Not a matrix-vector product: BLAS may sum a row differently when there are more rows.
        values = (self.loss.value(outputs, self.Y) * self.weights).sum(axis=1)
        return np.where(np.isfinite(values), values, np.inf)

    def gradients(self, params, outputs, Y, weights):
        grad = self.loss.gradient(outputs[-1], Y)
        grad *= weights[..., None]
        return self.chain.backward(params, outputs, grad)

    def descend(self, params, optimizer, batches, steps, rules, record):
        self.final = [p.copy() for p in params]
        state = optimizer.start(params)
        running = np.arange(len(self.steps))
        for step in range(steps + 1):
            outputs = None
            if batches is None:
                outputs = self.chain.forward(params, self.X)
            if step % record == 0 or step == steps:
                reasons = self.record(params, outputs, step, running, rules, step == steps)
                if any(reasons):
                    keep = np.array([reason is None for reason in reasons])
                    self.settle(params, running, reasons, step)
                    params, state, running = _select(params, state, running, keep)
                    if not len(running):
                        return
                    if outputs is not None:
                        outputs = [self.X] + [out[keep] for out in outputs[1:]]
            if batches is None:
                Y, weights = self.Y, self.weights
            else:
                rows = batches.next(running)
                Y, weights = self.Y[rows], self.weights[rows] * (len(self.X) / rows.shape[1])
                outputs = self.chain.forward(params, self.X[rows])
            gradients = self.gradients(params, outputs, Y, weights)
            updated, new_state = optimizer.update(params, gradients, state, step)
            # A sum is finite only if its terms are: one cheap pass finds overflow and nan.
            keep = np.isfinite(sum(p.reshape(len(running), -1).sum(axis=1) for p in updated))
            if not keep.all():
                reasons = [None if ok else DIVERGED for ok in keep]
                self.settle(params, running, reasons, step)
                updated, new_state, running = _select(updated, new_state, running, keep)
                if not len(running):
                    return
            params, state = updated, new_state

    def record(self, params, outputs, step, running, rules, is_last):
        """Record the losses; return for each running trial why it stops, or None."""
        row = self.losses[-1].copy() if self.losses else np.empty(len(self.steps))
        row[running] = self.evaluate(params, outputs)
        self.losses.append(row)
        self.recorded.append(step)
        reasons = [BUDGET if is_last else None] * len(running)
        for rule in reversed(rules):
            progress = Progress(step, self.losses, running)
            for a in np.flatnonzero(rule.met(progress)):
                reasons[a] = rule.reason
        for a in np.flatnonzero(~np.isfinite(row[running])):
            reasons[a] = DIVERGED
        return reasons

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
