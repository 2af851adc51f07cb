"""Compiled training steps: many trials of small networks, one after the other.

The arithmetic of `training.descent.descent.Descent`, with the parameters of a trial in
one packed vector (`geomcore.ReLUNetwork.packed`). Points lie along the rows of
tiles, so that every inner loop runs over points and vectorises; a tile has a
multiple of `LANES` points, the last ones repeats of weight zero. Rows are
addressed by number rather than sliced: a slice counts references, which costs
as much as the loop it is for. Matrices of `WIDE` or more entries are multiplied
by BLAS, tile by tile, while the tile is in the cache. A trial reads nothing of
another one.

The rows of a data tile are x (d_0), y (d_L), the weight and the class.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

# Sums may be reordered and multiply-adds fused; nan, inf and signed zeros keep their meaning.
FLAGS = {"reassoc", "contract"}

# Entries of a weight matrix from which BLAS is faster than loops along the points of a tile;
# measured in benchmarks/ensemble.py.
WIDE = 128

# Loops over points that are known to come in such packs need no remainder.
LANES = 16

RUNNING, BUDGET, DIVERGED, FIRST_RULE = 0, 1, 2, 3
SQUARED, SOFTMAX, SIGMOID = 0, 1, 2
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
    """What is the same for all trials; whole numbers are int."""

    data: np.ndarray  # (tiles * rows, points) all points
    batch: np.ndarray  # the same for a batch: only its shape is used
    points: np.ndarray  # (N, rows) all points once more, one after the other
    targets: np.ndarray  # (Q, d_L)
    offset: np.ndarray  # (Q,), see training.descent.losses.predicted
    widths: np.ndarray  # int64
    rules: np.ndarray  # (number of rules, 3): kind and two numbers
    optimizer: np.ndarray  # kind, rate, two fractions, eps, clip
    loss: int
    steps: int
    record: int
    size: int  # points in a batch, 0 for full batch
    last: int  # points used in an epoch


@njit(cache=True, nogil=True, fastmath=FLAGS)
def descend(trials, task, orders, first, until, fresh):
    """Take the running trials from step `first` to `until`; record at first only if `fresh`.

    `orders` (T, epochs, N) are the shuffles from the epoch of `first` on.
    """
    widths = task.widths
    h = np.zeros((widths[1:].sum(), task.data.shape[1]))
    g = np.zeros((2 * widths.max(), task.data.shape[1]))
    batch = np.empty(task.batch.shape)
    h_batch, g_batch = np.zeros((len(h), batch.shape[1])), np.zeros((len(g), batch.shape[1]))
    grad, new = np.empty(trials.theta.shape[1]), np.empty(trials.theta.shape[1])
    tally = np.empty(2)
    for t in range(len(trials.theta)):
        if trials.status[t, 1] == RUNNING:
            _descend(
                t,
                trials,
                task,
                orders,
                first,
                until,
                fresh,
                h,
                g,
                batch,
                h_batch,
                g_batch,
                grad,
                new,
                tally,
            )


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _descend(
    t, trials, task, orders, first, until, fresh, h, g, batch, h_batch, g_batch, grad, new, tally
):
    """Take trial t from step `first` to `until`, or to where it stops."""
    theta, moments, status = trials.theta[t], trials.moments[t], trials.status
    widths, data, targets, offset = task.widths, task.data, task.targets, task.offset
    points, optimizer = task.points, task.optimizer
    step, known, ending = first, not fresh, False
    wait = -step % task.record
    per_epoch = -(-task.last // max(task.size, 1))
    epoch, start = 0, step % max(per_epoch, 1) * task.size
    while True:
        due = ending or (not known and (wait == 0 or step == task.steps))
        if step == until and not due:
            status[t, 0] = step
            return
        mini = task.size > 0 and not due
        backward = step < until and not ending and (mini or task.size == 0)
        if mini:
            _fill(points, orders, t, epoch, start, min(task.size, task.last - start), batch)
        # One place that calls it, so that equal parameters have equal losses to the last bit.
        _pass(
            theta,
            widths,
            batch if mini else data,
            task.loss,
            targets,
            offset,
            h_batch if mini else h,
            g_batch if mini else g,
            grad,
            tally,
            backward,
        )
        if due:
            loss = tally[0] if np.isfinite(tally[0]) else np.inf
            reason = DIVERGED
            if not ending:
                reason = _record(t, trials, task, step, loss, tally[1])
            if reason != RUNNING:
                status[t, 0], status[t, 1], trials.final[t] = step, reason, loss
                return
            known = True
        if backward:
            if _update(theta, grad, moments, optimizer, step, new):
                theta[:] = new
                step, known = step + 1, False
                wait = task.record - 1 if wait == 0 else wait - 1
                start += task.size
                if start >= task.last:
                    epoch, start = epoch + 1, 0
            else:
                ending = True


@njit(cache=True, nogil=True, fastmath=FLAGS)
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
        else:
            met = False
            if number % int(records) == 0:
                met = number > 0 and loss >= (1 - level) * memory[t, r]
                memory[t, r] = loss
        if met:
            reason = FIRST_RULE + r
    return reason if np.isfinite(loss) else DIVERGED


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _update(theta, grad, moments, optimizer, step, new):
    """Fill `new` with the parameters after one step; return whether all of them are finite."""
    P = len(theta)
    kind, rate, a, b, eps, clip = optimizer
    squares = 0.0
    for i in range(P):
        squares += grad[i] * grad[i]
    factor = clip / math.sqrt(squares) if math.sqrt(squares) > clip else 1.0
    total = 0.0
    if kind == ADAM:
        eta, scale = rate / (1 - a ** (step + 1)), 1 / (1 - b ** (step + 1))
        for i in range(P):
            g = factor * grad[i]
            moments[i] = a * moments[i] + (1 - a) * g
            moments[P + i] = b * moments[P + i] + (1 - b) * g * g
            new[i] = theta[i] - eta * moments[i] / (math.sqrt(moments[P + i] * scale) + eps)
            total += new[i]
    elif len(moments):
        for i in range(P):
            moments[i] = a * moments[i] + factor * grad[i]
            new[i] = theta[i] - rate * moments[i]
            total += new[i]
    else:
        for i in range(P):
            new[i] = theta[i] - rate * (factor * grad[i])
            total += new[i]
    return np.isfinite(total)


@njit(cache=True, nogil=True, fastmath=FLAGS)
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


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _pass(theta, widths, data, loss, targets, offset, h, g, grad, tally, backward):
    """Set tally to loss and number of right points; fill `grad` (P,) if `backward`."""
    K = widths[-1]
    top, rows, packs = len(h) - K, widths[0] + K + 2, data.shape[1] // LANES
    tally[:] = 0.0
    grad[:] = 0.0
    for row in range(0, len(data), rows):
        _forward(theta, widths, data, row, h, packs)
        if loss == SQUARED:
            for i in range(K):
                tally[0] += _squared(
                    h, top + i, data, row + widths[0] + i, row + rows - 2, g, i, packs
                )
        elif loss == SOFTMAX:
            tally[0] += _softmax(h, top, K, data, row + widths[0], row + rows - 2, g, packs)
        else:
            for i in range(K):
                tally[0] += _sigmoid(
                    h, top + i, data, row + widths[0] + i, row + rows - 2, g, i, packs
                )
        if len(targets):
            tally[1] += _right(h, top, data, row + rows - 2, targets, offset, packs)
        if backward:
            _backward(theta, widths, data, row, h, g, grad, packs)


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _forward(theta, widths, data, row, h, packs):
    """Fill the rows of h with the outputs of all layers at the tile of data at `row`."""
    L = len(widths) - 1
    at, z = 0, 0
    for l in range(1, L + 1):
        n, m = widths[l - 1], widths[l]
        floor = 0.0 if l < L else -np.inf
        if m * n >= WIDE:
            np.dot(
                theta[at : at + m * n].reshape(m, n),
                data[row : row + n] if l == 1 else h[z - n : z],
                h[z : z + m],
            )
        for i in range(m):
            b = theta[at + m * n + i]
            if m * n >= WIDE:
                for p in range(packs * LANES):
                    v = h[z + i, p] + b
                    h[z + i, p] = floor if v < floor else v
            elif l == 1:
                _combine(theta, at + i * n, 1, n, data, row, h, z + i, b, floor, packs)
            else:
                _combine(theta, at + i * n, 1, n, h, z - n, h, z + i, b, floor, packs)
        at += m * (n + 1)
        z += m


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _backward(theta, widths, data, row, h, g, grad, packs):
    """Add the gradients of one tile to `grad`, given that of the outputs in the first rows of g."""
    at, z, half = len(theta), len(h), len(g) // 2
    here = 0
    for l in range(len(widths) - 1, 0, -1):
        n, m = widths[l - 1], widths[l]
        at -= m * (n + 1)
        z -= m
        there = half - here
        if m * n >= WIDE:
            x = data[row : row + n] if l == 1 else h[z - n : z]
            grad[at : at + m * n] += np.dot(g[here : here + m], x.T).reshape(m * n)
            for i in range(m):
                grad[at + m * n + i] += g[here + i].sum()
            if l > 1:
                W = theta[at : at + m * n].reshape(m, n)
                np.dot(W.T, g[here : here + m], g[there : there + n])
        else:
            for i in range(m):
                b = at + m * n + i
                if l == 1:
                    grad[b] += _dots(g, here + i, data, row, n, grad, at + i * n, packs)
                else:
                    grad[b] += _dots(g, here + i, h, z - n, n, grad, at + i * n, packs)
        if l > 1:
            for k in range(n):
                if m * n < WIDE:
                    _combine(theta, at + k, n, m, g, here, g, there + k, 0.0, -np.inf, packs)
                for p in range(packs * LANES):
                    g[there + k, p] = g[there + k, p] if h[z - n + k, p] > 0 else 0.0
            here = there


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _combine(c, at, stride, n, x, r, out, o, base, floor, packs):
    """out[o] = max(base + sum over k < n of c[at + k stride] x[r + k], floor)."""
    # The first 1 to 4 rows, then 4 at a time; written with < so that nan stays nan.
    k = (n - 1) % 4 + 1
    low = floor if k == n else -np.inf
    c0 = c[at]
    c1 = c[at + stride] if k > 1 else 0.0
    c2 = c[at + 2 * stride] if k > 2 else 0.0
    if k == 1:
        for p in range(packs * LANES):
            v = base + c0 * x[r, p]
            out[o, p] = low if v < low else v
    elif k == 2:
        for p in range(packs * LANES):
            v = base + c0 * x[r, p] + c1 * x[r + 1, p]
            out[o, p] = low if v < low else v
    elif k == 3:
        for p in range(packs * LANES):
            v = base + c0 * x[r, p] + c1 * x[r + 1, p] + c2 * x[r + 2, p]
            out[o, p] = low if v < low else v
    else:
        c3 = c[at + 3 * stride]
        for p in range(packs * LANES):
            v = base + c0 * x[r, p] + c1 * x[r + 1, p] + c2 * x[r + 2, p] + c3 * x[r + 3, p]
            out[o, p] = low if v < low else v
    while k < n:
        low = floor if k + 4 == n else -np.inf
        q, at_k = r + k, at + k * stride
        c0, c1, c2, c3 = c[at_k], c[at_k + stride], c[at_k + 2 * stride], c[at_k + 3 * stride]
        for p in range(packs * LANES):
            v = out[o, p] + c0 * x[q, p] + c1 * x[q + 1, p] + c2 * x[q + 2, p] + c3 * x[q + 3, p]
            out[o, p] = low if v < low else v
        k += 4


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _dots(g, i, x, r, n, s, at, packs):
    """Add the dot products of g[i] with x[r + k], k < n, to s[at + k]; return the sum of g[i]."""
    k = 0
    b = s0 = s1 = s2 = s3 = 0.0
    while n - k > 3:
        q = r + k
        s0 = s1 = s2 = s3 = 0.0
        for p in range(packs * LANES):
            e = g[i, p]
            s0 += e * x[q, p]
            s1 += e * x[q + 1, p]
            s2 += e * x[q + 2, p]
            s3 += e * x[q + 3, p]
        s[at + k] += s0
        s[at + k + 1] += s1
        s[at + k + 2] += s2
        s[at + k + 3] += s3
        k += 4
    q = r + k
    s0 = s1 = s2 = 0.0
    if n - k == 3:
        for p in range(packs * LANES):
            e = g[i, p]
            b += e
            s0 += e * x[q, p]
            s1 += e * x[q + 1, p]
            s2 += e * x[q + 2, p]
    elif n - k == 2:
        for p in range(packs * LANES):
            e = g[i, p]
            b += e
            s0 += e * x[q, p]
            s1 += e * x[q + 1, p]
    elif n - k == 1:
        for p in range(packs * LANES):
            e = g[i, p]
            b += e
            s0 += e * x[q, p]
    else:
        for p in range(packs * LANES):
            b += g[i, p]
    if n - k > 0:
        s[at + k] += s0
    if n - k > 1:
        s[at + k + 1] += s1
    if n - k > 2:
        s[at + k + 2] += s2
    return b


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _squared(h, r, data, y, w, g, i, packs):
    """Squared error of output row h[r] against data[y] with weights data[w]; gradient in g[i]."""
    loss = 0.0
    for p in range(packs * LANES):
        error = h[r, p] - data[y, p]
        weighted = data[w, p] * error
        loss += weighted * error
        g[i, p] = 2 * weighted
    return loss


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _softmax(h, r, K, data, y, w, g, packs):
    """Cross-entropy of output rows h[r : r + K] against data[y : y + K]; gradient in g[:K]."""
    loss = 0.0
    for p in range(packs * LANES):
        top = h[r, p]
        for i in range(1, K):
            top = max(top, h[r + i, p])
        total, fit = 0.0, 0.0
        for i in range(K):
            shifted = h[r + i, p] - top
            fit += data[y + i, p] * shifted
            g[i, p] = math.exp(shifted)
            total += g[i, p]
        for i in range(K):
            g[i, p] = data[w, p] * (g[i, p] / total - data[y + i, p])
        loss += data[w, p] * (math.log(total) - fit)
    return loss


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _sigmoid(h, r, data, y, w, g, i, packs):
    """Binary cross-entropy of the logits h[r] against data[y]; gradient in g[i]."""
    loss = 0.0
    for p in range(packs * LANES):
        f = h[r, p]
        e = math.exp(-abs(f))
        loss += data[w, p] * (max(f, 0.0) - f * data[y, p] + math.log1p(e))
        g[i, p] = data[w, p] * ((1.0 if f >= 0 else e) / (1 + e) - data[y, p])
    return loss


@njit(cache=True, nogil=True, fastmath=FLAGS)
def _right(h, r, data, w, targets, offset, packs):
    """Number of points of positive weight whose class, in data[w + 1], fits the output best."""
    count = 0
    for p in range(packs * LANES):
        best, found = -np.inf, 0
        for j in range(len(targets)):
            score = -offset[j]
            for i in range(targets.shape[1]):
                score += targets[j, i] * h[r + i, p]
            if score > best:
                best, found = score, j
        count += data[w, p] > 0 and found == data[w + 1, p]
    return count
