"""The loop over steps in compiled code: what the kernels of this room need, and their calls."""

import math

import numpy as np

from geomcore.arrays import read_only
from geomcore.layers.chains import KIND, chain_of, room_for
from geomcore.parameters import split
from training.descent.batches import Shuffles
from training.descent.compiled import ensemble, passes, terms, written
from training.descent.compiled.parts import parts_for
from training.descent.compiled.shuffling import permute
from training.descent.constraints import Box, MaxNorm, NonNegative, UnitColumns, UnitNorm
from training.descent.descent import Descended
from training.descent.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from training.descent.optimizers import SGD, Adam
from training.descent.penalties import L1, L2, NegativePart, SmoothL0
from training.descent.problem import Snapshot
from training.descent.stopping import (
    BUDGET,
    DIVERGED,
    AccuracyFor,
    LossBelow,
    Plateau,
    Progress,
    stop_reasons,
)

LOSSES = {
    SquaredError: passes.SQUARED,
    CrossEntropy: passes.SOFTMAX,
    BinaryCrossEntropy: passes.SIGMOID,
}

# Rules the kernel knows, as rows (kind, level, records).
RULES = {
    LossBelow: lambda rule: (ensemble.LOSS_BELOW, rule.threshold, 1),
    AccuracyFor: lambda rule: (ensemble.ACCURACY_FOR, rule.level, rule.records),
    Plateau: lambda rule: (ensemble.PLATEAU, rule.rtol, rule.records),
}

# Penalties the kernel knows, as rows (kind, first, end, weight, width) for a tensor of a shape.
PENALTIES = {
    L1: lambda term, at, shape: _penalty(terms.MODULUS, term, at, shape),
    L2: lambda term, at, shape: _penalty(terms.SQUARE, term, at, shape),
    NegativePart: lambda term, at, shape: _penalty(terms.NEGATIVE_PART, term, at, shape),
    SmoothL0: lambda term, at, shape: _penalty(terms.SMOOTH_COUNT, term, at, shape, term.width),
}

# Constraints, as rows (kind, first, rows, columns, least, most).
CONSTRAINTS = {
    NonNegative: lambda term, at, shape: _between(at, shape, 0, math.inf),
    Box: lambda term, at, shape: _between(at, shape, term.low, term.high),
    UnitColumns: lambda term, at, shape: (terms.UNIT, at, shape[0], math.prod(shape[1:]), 1, 1),
    UnitNorm: lambda term, at, shape: (terms.UNIT, at, math.prod(shape), 1, 1, 1),
    MaxNorm: lambda term, at, shape: (terms.AT_MOST, at, math.prod(shape), 1, 0, term.limit),
}

# Bytes of the rows of one tile, most points in it, records and bytes of shuffles per call of
# the kernel; the first two measured in benchmarks/ensemble.py.
TILE_BYTES, TILE_POINTS, RECORDS, SHUFFLE_BYTES = 262_144, 1024, 4096, 4_000_000

# Numbers in a line of the cache, and between outputs and gradients: a compiled loop that finds
# them less than four vectors apart goes point by point, and then sums in another order.
LINE, APART = 8, 128


def _penalty(kind, term, at, shape, width=1.0):
    return kind, at, at + math.prod(shape), term.weight, width


def _between(at, shape, low, high):
    return terms.BETWEEN, at, math.prod(shape), 1, low, high


def obstacle(net, problem, plan):
    """Return why the compiled steps cannot do this, or None if they can.

    Custom stopping rules and callbacks are no obstacle: they are called in
    Python between two calls of the kernel.
    """
    if chain_of(net.layers) is None:
        return "a network other than Affine and LpNorm layers, each with a ReLU behind it or none"
    if type(problem.loss) not in LOSSES:
        return f"the loss {problem.loss!r}"
    if type(plan.optimizer) not in (SGD, Adam):
        return f"the optimizer {plan.optimizer!r}"
    for rows, known in ((plan.penalties, PENALTIES), (plan.constraints, CONSTRAINTS)):
        for term in rows:
            if type(term) not in known:
                return f"{term!r}"
    return None


class EnsembleDescent:
    """The arrays of one run of some trials in compiled code; the twin of `Descent`."""

    def __init__(self, stacked, problem, plan):
        self.stacked, self.problem, self.plan = stacked, problem, plan
        # What the kernel does not know is called after each record, and then all rules are.
        self.in_python = plan.needs_all_trials

    def run(self, params, rngs):
        """Train trials with parameters (T, ...) and one generator each; return `Descended`."""
        plan, trials = self.plan, len(rngs)
        self.shapes = [p.shape[1:] for p in params]
        chain = chain_of(self.stacked.template.layers)
        layers = self.layers_to_write(chain)
        task = self.task(chain, layers)
        gradient = written.batch_gradient(layers, task.loss) if layers else None
        parts = parts_for(chain, task, gradient)
        state = self.start(params)
        shuffles = Shuffles(len(self.problem.X), rngs, permute)
        self.losses, self.accuracies, self.recorded = [], [], []
        self.rows, self.rows_accuracy = [], []
        self.reasons = np.full(trials, None, dtype=object)
        first, fresh = 0, True
        while True:
            until = self.pause(first, fresh, trials)
            steps = range(first if fresh else first + 1, until + 1)
            records = np.array([step for step in steps if plan.is_record(step)], dtype=np.intp)
            call = state._replace(
                losses=np.empty((trials, len(records))),
                accuracies=np.empty((trials, len(records) * plan.needs_accuracy)),
            )
            call.status[:, 2] = 0
            running = np.flatnonzero(call.status[:, 1] == ensemble.RUNNING)
            orders = self.orders(shuffles, first, until, running)
            ensemble.descend(call, task, orders, first, until, fresh, parts)
            self.collect(call, records, running, until)
            first, fresh = until, False
            if (state.status[:, 1] != ensemble.RUNNING).all():
                break
        return Descended(
            self.tensors(state.theta),
            np.concatenate(self.losses, axis=1).T,
            np.concatenate(self.recorded),
            state.status[:, 0].astype(np.intp),
            list(self.reasons),
            state.final,
        )

    def layers_to_write(self, chain):
        """The layers for which there is a pass for mini-batches of its own, or None."""
        size = 0 if self.plan.batches is None else self.plan.batches.size
        return written.layers_to_write(chain, size, self.plan.steps)

    def task(self, chain, layers):
        """All that is the same for the trials, as the kernel takes it."""
        plan, problem, optimizer = self.plan, self.problem, self.plan.optimizer
        size, last = (0, 0) if plan.batches is None else (plan.batches.size, plan.batches.last)
        points = np.column_stack([problem.X, problem.Y, problem.weights, problem.index])
        points = np.ascontiguousarray(points, dtype=np.float64)
        data, slopes = _tiles(points, chain)
        batch, batch_slopes = _room(size, points.shape[1], chain)
        rules = () if self.in_python else plan.rules
        if isinstance(optimizer, Adam):
            kind, fractions = ensemble.ADAM, (optimizer.beta1, optimizer.beta2, optimizer.eps)
        else:
            kind, fractions = ensemble.SGD, (optimizer.momentum, 0.0, 0.0)
        clip = np.inf if optimizer.clip is None else optimizer.clip
        classes = np.column_stack([problem.targets, problem.offset])
        known = len(classes) if plan.needs_accuracy else 0
        return ensemble.Task(
            data=data,
            slopes=slopes,
            batch=batch,
            batch_slopes=batch_slopes,
            desk=written.desk(layers, points) if layers else np.empty(0),
            points=points,
            classes=np.ascontiguousarray(classes[:known], dtype=np.float64),
            optimizer=np.array([kind, optimizer.learning_rate, *fractions, clip], dtype=np.float64),
            rules=np.array([RULES[type(rule)](rule) for rule in rules], float).reshape(-1, 3),
            penalties=self.rows_of(plan.penalties, PENALTIES, 5),
            constraints=self.rows_of(plan.constraints, CONSTRAINTS, 6),
            chain=chain,
            room=room_for(chain),
            loss=LOSSES[type(problem.loss)],
            steps=plan.steps,
            record=plan.record,
            size=size,
            last=last,
        )

    def rows_of(self, terms, known, numbers):
        """Terms as the kernel takes them: a row of so many numbers for each of their tensors."""
        sizes = [math.prod(shape) for shape in self.shapes]
        rows = [
            known[type(term)](term, sum(sizes[:i]), self.shapes[i])
            for term in terms
            for i in self.stacked.select(term.tensors)
        ]
        return np.array(rows, dtype=np.float64).reshape(-1, numbers)

    def start(self, params):
        """The state of all trials before the first step."""
        trials = len(params[0])
        theta = np.concatenate([p.reshape(trials, -1) for p in params], axis=1)
        moments = self.plan.optimizer.start([theta])
        return ensemble.Trials(
            theta=theta,
            moments=np.concatenate([np.empty((trials, 0)), *moments], axis=1),
            memory=np.zeros((trials, 0 if self.in_python else len(self.plan.rules))),
            status=np.zeros((trials, 3), dtype=np.int64),
            final=np.zeros(trials),
            losses=np.empty((trials, 0)),
            accuracies=np.empty((trials, 0)),
        )

    def pause(self, first, fresh, trials):
        """The step at which the kernel returns: the next record, or when its arrays are full."""
        plan, batches = self.plan, self.plan.batches
        if self.in_python:
            until = 0 if fresh else (first // plan.record + 1) * plan.record
        else:
            until = first + RECORDS * plan.record
        if batches is not None:
            epochs = max(1, SHUFFLE_BYTES // (8 * batches.n * trials))
            until = min(until, (first // batches.per_epoch + epochs) * batches.per_epoch)
        return min(until, plan.steps)

    def orders(self, shuffles, first, until, running):
        """Shuffles of the epochs that the steps from `first` up to `until` touch."""
        batches = self.plan.batches
        if batches is None or first == until:
            return np.empty((len(self.reasons), 0, 0), dtype=np.int64)
        epochs = first // batches.per_epoch, (until - 1) // batches.per_epoch + 1
        return np.ascontiguousarray(shuffles.epochs(*epochs, running))

    def collect(self, call, records, running, until):
        """Keep what one call recorded, and find out for which reason trials have stopped."""
        counts = call.status[:, 2]
        used = int(counts.max(initial=0))
        for t in np.flatnonzero(counts < used):
            # A stopped trial repeats its last record.
            at = counts[t]
            call.losses[t, at:] = call.losses[t, at - 1] if at else self.losses[-1][t, -1]
        self.losses.append(call.losses[:, :used])
        self.accuracies.append(call.accuracies[:, :used])
        self.recorded.append(records[:used])
        names = [None, BUDGET, DIVERGED, *(rule.reason for rule in self.plan.rules)]
        for t in running[call.status[running, 1] != ensemble.RUNNING]:
            self.reasons[t] = names[call.status[t, 1]]
        if self.in_python and used:
            self.look(call, running[counts[running] > 0], until)

    def look(self, call, running, step):
        """Call the callbacks and the rules at a record of the trials `running`."""
        self.rows.extend(map(read_only, self.losses[-1].T))
        self.rows_accuracy.extend(map(read_only, self.accuracies[-1].T))
        rows = self.rows
        params = self.tensors(call.theta[running])
        for callback in self.plan.callbacks:
            callback(Snapshot(step, running, rows[-1][running], params, self.stacked))
        progress = Progress(step, rows, read_only(running), self.rows_accuracy)
        found = stop_reasons(self.plan.rules, progress, step == self.plan.steps)
        for t, reason in zip(running, found, strict=True):
            if reason is not None:
                self.reasons[t], call.status[t, 1] = reason, ensemble.BUDGET
                call.final[t] = rows[-1][t]

    def tensors(self, theta):
        """The tensors (T, ...) of packed parameters (T, P)."""
        return split(theta, self.shapes)


def _tiles(points, chain):
    """The points (N, rows) in tiles, with room for outputs and for gradients at one of them."""
    n, rows = points.shape
    data, slopes = _room(n, rows, chain)
    tiles = data[: len(data) - room_for(chain)].reshape(-1, rows, data.shape[1])
    filled = np.repeat(points[-1:], len(tiles) * data.shape[1], axis=0)
    filled[:n] = points
    # A repeat of a point overflows where that point does, but counts nothing.
    filled[n:, -2] = 0.0
    tiles[:] = filled.reshape(len(tiles), -1, rows).swapaxes(1, 2)
    return data, slopes


def _room(n, rows, chain):
    """Zeros for n points in tiles and for outputs, and zeros for gradients, both at a new line."""
    outputs, slopes = room_for(chain), 2 * int(chain[:, :KIND].max())
    tiles, width = _tiling(n, rows + outputs + slopes)
    shapes = (tiles * rows + outputs, width), (slopes, width)
    first, second = (math.prod(shape) for shape in shapes)
    zeros = np.zeros(LINE + first + APART + second)
    # Loops take 30 % longer over rows that start within a line.
    zeros = zeros[-zeros.ctypes.data // zeros.itemsize % LINE :]
    parts = zeros[:first], zeros[first + APART :][:second]
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _tiling(n, rows):
    """Number of tiles and points per tile, a multiple of LANES, for n points and so many rows."""
    most = min(TILE_POINTS, max(128, TILE_BYTES // (8 * rows)))
    tiles = max(1, -(-n // most))
    width = -(-n // (tiles * passes.LANES)) * passes.LANES
    return tiles, width
