"""Compiled training steps: many trials of small networks, one after the other.

The arithmetic of `training.descent.descent.Descent`, with the parameters of a trial in
one packed vector (`geomcore.ReLUNetwork.packed`) and points in tiles; see
`training.descent.compiled.passes`. No trial reads of another.
"""

import math
from typing import NamedTuple

import numpy as np

from geomcore.kernels import FLAGS, INNER, OUTER, cached_njit
from training.descent.compiled import addresses, passes
from training.descent.compiled.addresses import call_constraints, call_gradient, call_penalties
from training.descent.compiled.passes import GRADIENT, PENALIZE, PROJECT, sweep

RUNNING, BUDGET, DIVERGED, FIRST_RULE = 0, 1, 2, 3
SGD, ADAM = 0, 1
LOSS_BELOW, ACCURACY_FOR, PLATEAU = 0, 1, 2


class Trials(NamedTuple):
    """What the kernel reads and writes for T trials of P parameters, with R records at most."""

    theta: np.ndarray  # (T, P)
    moments: np.ndarray  # (T, P) velocities or (T, 2 P) means and squares
    memory: np.ndarray  # (T, number of rules)
    status: np.ndarray  # (T, 3) int64: steps done, why it stopped, records in this call
    final: np.ndarray  # (T,) loss where it stopped
    losses: np.ndarray  # (T, R)
    accuracies: np.ndarray  # (T, R), or (T, 0) where nobody asks for them


class Task(NamedTuple):
    """What is the same for all trials, and where one at a time works; whole numbers are int."""

    data: np.ndarray  # (rows, points) all points in tiles, and outputs
    slopes: np.ndarray  # (2 max d, points) gradients in the outputs of two layers, at one tile
    batch: np.ndarray  # as data, for a batch
    batch_slopes: np.ndarray  # as slopes, for a batch
    desk: np.ndarray  # see training.descent.compiled.written; empty where no pass is written
    points: np.ndarray  # (N, d_0 + d_L + 2) all points once more, one after the other
    classes: np.ndarray  # (Q, d_L + 1) targets and offset, see training.descent.losses.predicted
    optimizer: np.ndarray  # kind, rate, two fractions, eps, clip
    rules: np.ndarray  # (number of rules, 3): kind and two numbers
    penalties: np.ndarray  # (any, 5): kind, first and end of the parameters, weight, width
    constraints: np.ndarray  # (any, 6): kind, first parameter, rows, columns, least, most
    chain: np.ndarray  # (L, 5) int64: layers, see geomcore.layers.chains
    room: int  # rows below the tiles
    loss: int
    steps: int
    record: int
    size: int  # points in a batch, 0 for full batch
    last: int  # points used in an epoch


@cached_njit(nogil=True, fastmath=FLAGS, uses=[addresses, passes], **OUTER)
def descend(trials, task, orders, first, until, fresh, parts):
    """Take the running trials from step `first` to `until`; record at first only if `fresh`.

    `orders` (T, epochs, N) are the shuffles from the epoch of `first` on. `parts` are those of
    `training.descent.compiled.parts`; if a pass is written out, the task has a desk for it.
    """
    data, slopes, batch, batch_slopes, desk, points, classes, optimizer = task[:8]
    chain = task.chain
    filled = batch[: len(batch) - task.room]
    P = trials.theta.shape[1]
    grad, new, shuffled = np.empty(2 * P), np.empty(P), orders.reshape(orders.size)
    if len(desk):
        grad = desk[P : 2 * P]
    per_epoch = max(1, -(-task.last // max(1, task.size)))
    for t in range(len(trials.theta)):
        if trials.status[t, 1] != RUNNING:
            continue
        theta, moments = trials.theta[t], trials.moments[t]
        step, known, ending = first, not fresh, False
        while True:
            due = ending or (not known and (step % task.record == 0 or step == task.steps))
            if step == until and not due:
                break
            mini = task.size > 0 and not due
            backward = step < until and not ending and (mini or task.size == 0)
            if mini:
                epoch, start = step // per_epoch - first // per_epoch, step % per_epoch * task.size
                count = min(task.size, task.last - start)
                if len(desk):
                    at = (t * orders.shape[1] + epoch) * orders.shape[2] + start
                    for i in range(P):
                        desk[i] = theta[i]
                    call_gradient(parts[GRADIENT], desk, shuffled, at, count, len(points) / count)
                else:
                    _fill(points, orders, t, epoch, start, count, filled)
            # One place that calls it, so that equal parameters have equal losses to the last bit.
            if not mini or len(desk) == 0:
                x, g = (batch, batch_slopes) if mini else (data, slopes)
                what = task.loss, backward
                loss, right = sweep(theta, chain, x, g, what, classes, grad, parts)
            if due:
                loss = loss if np.isfinite(loss) else np.inf
                reason = DIVERGED if ending else _record(t, trials, task, step, loss, right)
                if reason != RUNNING:
                    trials.status[t, 1], trials.final[t] = reason, loss
                    break
                known = True
            if backward:
                if len(task.penalties):
                    call_penalties(parts[PENALIZE], theta, task.penalties, grad)
                # In a function, where one branch or another is the last to use an array, references
                # would be counted, which takes longer than a small step.
                factor = _clipping(grad, P, optimizer)
                if optimizer[0] == ADAM:
                    is_finite = _adam(theta, grad, moments, optimizer, factor, step, new)
                elif len(moments):
                    is_finite = _momentum(theta, grad, moments, optimizer, factor, new)
                else:
                    is_finite = _plain(theta, grad, optimizer, factor, new)
                if len(task.constraints):
                    is_finite = call_constraints(parts[PROJECT], new, task.constraints)
                if is_finite:
                    for i in range(P):
                        theta[i] = new[i]
                    step, known = step + 1, False
                else:
                    ending = True
        trials.status[t, 0] = step


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _record(t, trials, task, step, loss, right):
    """Write down loss and accuracy of trial t; return why it stops here, or RUNNING."""
    row = trials.status[t, 2]
    trials.status[t, 2] = row + 1
    trials.losses[t, row] = loss
    accuracy = right / len(task.points)
    if trials.accuracies.shape[1]:
        trials.accuracies[t, row] = accuracy
    number = (step + task.record - 1) // task.record
    reason = BUDGET if step == task.steps else RUNNING
    memory = trials.memory
    for r in range(len(task.rules) - 1, -1, -1):
        kind, level, records = task.rules[r]
        if kind == LOSS_BELOW:
            met = loss <= level
        elif kind == ACCURACY_FOR:
            memory[t, r] = memory[t, r] + 1 if accuracy >= level else 0.0
            met = memory[t, r] >= records
        elif number % int(records) == 0:
            met = number > 0 and loss >= (1 - level) * memory[t, r]
            memory[t, r] = loss
        else:
            met = False
        if met:
            reason = FIRST_RULE + r
    return reason if np.isfinite(loss) else DIVERGED


@cached_njit(nogil=True, fastmath=FLAGS, error_model="numpy", **INNER)
def _clipping(grad, P, optimizer):
    """Return the factor that makes the norm of the gradient at most the limit of the optimizer."""
    squares, clip = 0.0, optimizer[5]
    for i in range(P):
        squares += grad[i] * grad[i]
    return clip / math.sqrt(squares) if math.sqrt(squares) > clip else 1.0


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _plain(theta, grad, optimizer, factor, new):
    """Fill `new` with the parameters after one step; return whether all of them are finite."""
    rate, total = optimizer[1], 0.0
    for i in range(len(theta)):
        new[i] = theta[i] - rate * (factor * grad[i])
        total += new[i]
    return np.isfinite(total)


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _momentum(theta, grad, moments, optimizer, factor, new):
    """As `_plain`, with velocities in `moments`."""
    rate, a, total = optimizer[1], optimizer[2], 0.0
    for i in range(len(theta)):
        moments[i] = a * moments[i] + factor * grad[i]
        new[i] = theta[i] - rate * moments[i]
        total += new[i]
    return np.isfinite(total)


# In line: there would be two machine codes of it that differ in last bits, one of its own, which a
# process that compiles calls, and one optimised with `descend`, which is kept and loaded.
@cached_njit(nogil=True, fastmath=FLAGS, error_model="numpy", forceinline=True, **INNER)
def _adam(theta, grad, moments, optimizer, factor, step, new):
    """As `_plain`, with means of gradients and of their squares in `moments`."""
    P, rate, a, b, eps = len(theta), optimizer[1], optimizer[2], optimizer[3], optimizer[4]
    eta, scale, total = rate / (1 - a ** (step + 1)), 1 / (1 - b ** (step + 1)), 0.0
    for i in range(P):
        g = factor * grad[i]
        moments[i] = a * moments[i] + (1 - a) * g
        moments[P + i] = b * moments[P + i] + (1 - b) * g * g
        new[i] = theta[i] - eta * moments[i] / (math.sqrt(moments[P + i] * scale) + eps)
        total += new[i]
    return np.isfinite(total)


@cached_njit(nogil=True, fastmath=FLAGS, **INNER)
def _fill(points, orders, t, epoch, start, count, batch):
    """Copy `count` points of a shuffle into the tiles `batch`; the weights keep their mean."""
    N, rows = points.shape
    width = batch.shape[1]
    for tile in range(len(batch) // rows):
        row, before = tile * rows, tile * width
        here = max(min(count - before, width), 0)
        scale = N / count
        for p in range(width):
            # After the last point repeat it, with weight zero.
            if p >= here:
                scale = 0.0
            i = orders[t, epoch, start + min(before + p, count - 1)]
            for r in range(rows):
                batch[row + r, p] = points[i, r]
            batch[row + rows - 2, p] *= scale
