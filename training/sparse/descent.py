"""The loop over steps of `train_sparse`."""

import numpy as np

from training.descent.batches import Batches, Shuffles
from training.descent.stopping import BUDGET, DIVERGED
from training.sparse.autoencoder import SparseAutoencoder
from training.sparse.gradient import Pass
from training.sparse.result import SparseHistory, SparseResult
from training.sparse.steps import InPlace
from training.sparse.treatments import renormalise

# Points that a record looks at, and records of a run.
WATCHED, RECORDS = 2048, 20
# In the place of a step size.
FOLLOW = "follow"
# Of a dictionary: above it the square overflows.
LARGEST_NORM = 1e154


class Run:
    """The arrays of one run, and the loop over its steps.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    form : Form
    vector : ndarray
        All tensors at the start; moved.
    gamma : float, None or "follow"
        See `train_sparse`.
    size : int
        Points per step.
    treatment : str
    keep_map : bool
    inverse : InverseSquares or None
        A penalty on the rows of the encoder.
    penalties, constraints : list of pairs
        Each with the names of its tensors.
    """

    def __init__(
        self,
        X,
        form,
        vector,
        *,
        gamma,
        size,
        treatment,
        keep_map,
        inverse,
        penalties,
        constraints,
    ):
        self.X, self.form, self.vector = X, form, vector
        self.treatment, self.keep_map = treatment, keep_map
        self.inverse, self.penalties, self.constraints = inverse, penalties, constraints
        self.batches = Batches(len(X), size)
        self.pass_ = Pass(form, size, vector)
        self.tensors, self.follows = self.pass_.tensors, form.loop > 0 and gamma == FOLLOW
        if treatment == "columns":
            renormalise(self.tensors, keep_map=keep_map)
        self.pass_.gamma = self.measured_gamma() if gamma in (None, FOLLOW) else gamma
        rows = np.linspace(0, len(X) - 1, min(len(X), WATCHED)).astype(np.intp)
        self.watched = X if len(rows) == len(X) else X[rows]

    def measured_gamma(self):
        """Half the largest stable step size of the dictionary as it is."""
        if not self.form.loop:
            return 0.1
        values, vectors = np.linalg.svd(self.tensors["atoms"])[1::-1]
        self.top = vectors[:, 0].copy()
        # A run on the way to overflow is told as diverged, not here.
        return 1 / max(1.0, min(float(values[0]), LARGEST_NORM) ** 2)

    def follow(self):
        """The step size after a small change, by one step of the power method."""
        atoms = self.tensors["atoms"]
        moved = atoms @ (self.top @ atoms)
        squared = float(np.sqrt(moved @ moved))
        if squared > 0:
            self.top = moved / squared
        self.pass_.gamma = 1 / max(1.0, squared)

    def descend(self, optimizer, steps, rng):
        """Do the steps; return a `SparseResult`."""
        move, shuffles = InPlace(optimizer, self.vector), Shuffles(len(self.X), [rng])
        due = {0, steps, *np.geomspace(1, max(1, steps), RECORDS).round().astype(int).tolist()}
        records, reason, done = [], BUDGET, 0
        batch = np.empty((self.batches.size, self.form.d), self.X.dtype)
        with np.errstate(all="ignore"):
            for step in range(steps + 1):
                if step in due:
                    row = self.record(step)
                    if records and not np.isfinite(row[1]):
                        reason, done = DIVERGED, step
                        break
                    records.append(row)
                    kept = self.vector.copy()
                    if step == steps or not np.isfinite(row[1]):
                        reason, done = BUDGET if np.isfinite(row[1]) else DIVERGED, step
                        break
                epoch = step // self.batches.per_epoch
                order = shuffles.epochs(epoch, epoch + 1, [0])[0, 0]
                rows = order[self.batches.rows(step)]
                x = batch[: len(rows)]
                # Rows are in range: a mode that says so spares NumPy a buffer.
                np.take(self.X, rows, axis=0, out=x, mode="clip")
                self.step(x, move)
                if not np.isfinite(self.vector.sum()):
                    reason, done = DIVERGED, step + 1
                    break
            if reason == DIVERGED:
                self.vector[:] = kept
        history = SparseHistory(*map(np.array, zip(*records, strict=True)))
        return SparseResult(
            self.autoencoder(), history, done, reason, self.treatment, self.form.penalty
        )

    def step(self, x, move):
        """One step of training."""
        self.pass_.backward(x)
        tensors, parts = self.tensors, self.pass_.parts
        if self.inverse is not None:
            parts["W_e"] += self.inverse.gradient(tensors["W_e"][None])[0]
        for term, names in self.penalties:
            for name in names:
                placed(parts, name)[:] += term.gradient(placed(tensors, name)[None])[0]
        move(self.pass_.gradient)
        for term, names in self.constraints:
            for name in names:
                placed(tensors, name)[:] = term.project(placed(tensors, name)[None])[0]
        if self.treatment == "columns":
            renormalise(tensors, keep_map=self.keep_map)
        if self.follows:
            self.follow()

    def record(self, step):
        """What a `SparseHistory` holds of one step."""
        if self.follows:
            self.pass_.gamma = self.measured_gamma()
        size, m = self.pass_.tile, self.form.m
        self.pass_.interact()
        on, sums, half = np.zeros(m, dtype=np.intp), np.zeros(m), 0.0
        for start in range(0, len(self.watched), size):
            z, missed = self.pass_.forward(self.watched[start : start + size])
            # A state that overflowed below 0 has units of 0.
            held = 0.0 if np.isfinite(self.pass_.last).all() else np.inf
            half += 0.5 * float(np.vdot(missed, missed)) + held
            on += np.count_nonzero(z, axis=1)
            sums += z.sum(axis=1, dtype=np.float64)
        n, norms = len(self.watched), self.pass_.norms().astype(np.float64)
        costs = sums @ norms if self.form.weighted else sums.sum()
        loss = (half + self.form.penalty * costs) / n
        if self.inverse is not None:
            loss += float(self.inverse.value(self.tensors["W_e"][None])[0])
        active = on.sum() / (n * m)
        return step, loss, half / n, sums.sum() / n, active, int((on == 0).sum()), norms

    def autoencoder(self):
        """The tensors as they are, as a `SparseAutoencoder`."""
        tensors = self.tensors
        if self.follows:
            self.pass_.gamma = self.measured_gamma()
        return SparseAutoencoder(
            W_e=tensors["W_e"],
            b_e=tensors["b_e"],
            W_d=tensors["atoms"].T,
            b_d=tensors.get("b_d", np.zeros(self.form.d)),
            G=tensors.get("G"),
            loop=self.form.loop,
            gamma=self.pass_.gamma,
        )


def placed(tensors, name):
    """The tensor of a public name."""
    return tensors["atoms"].T if name == "W_d" else tensors[name]
