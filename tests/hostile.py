"""Networks and data made to break a proof: one seed and one number make one case.

A case starts from plain tensors and data and is then twisted: units on, dead or doubled, kinks
that floating point does not see, gaps of 1e-12, biases that cancel, layers scaled up to 2^1000; and
it is led to a minimum, next to one, or nowhere in particular.
"""

from itertools import pairwise
from typing import NamedTuple

import hostile_set_pieces as pieces
import numpy as np
import rational
from flint import fmpq

CROWD = 100_001  # points from which on `verify` works in floating point with error bounds
SCALES = (1, 30, 200, 480, 520, 600, 900, 1000, 1060)  # binary logarithms


class Case(NamedTuple):
    """Arguments of `verify`, and how they came about.

    `X` and `y` are those of the distinct draws; `verify` gets them `copies` times, one after
    another, which changes neither loss.
    """

    weights: list
    biases: list
    X: np.ndarray
    y: object
    targets: np.ndarray | None
    options: dict
    copies: int
    story: tuple


def draw(seed, index):
    """Case number `index` of a seed."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))
    while True:
        with np.errstate(all="ignore"):
            made = _Maker(rng).case()
        arrays = [*made.weights, *made.biases, made.X]
        arrays += [made.targets] if made.targets is not None else []
        arrays += [made.y] if np.ndim(made.y) == 2 else []
        if all(np.isfinite(a).all() for a in arrays):
            return made


def numbers(rng, shape, kind=None):
    """Numbers of one of several kinds."""
    kind = kind or rng.choice(["integer", "normal", "decimal", "sparse", "wide"],
                              p=[0.35, 0.3, 0.2, 0.1, 0.05])  # fmt: skip
    if kind == "integer":
        return rng.integers(-3, 4, shape).astype(float)
    if kind == "normal":
        return rng.normal(size=shape)
    if kind == "decimal":
        return np.round(rng.normal(size=shape), 1)
    if kind == "sparse":
        return rng.integers(-2, 3, shape) * (rng.random(shape) < 0.4).astype(float)
    return rng.integers(-3, 4, shape) * np.exp2(rng.integers(0, 56, shape))


class _Maker:
    """Draws one case."""

    def __init__(self, rng):
        self.rng, self.story = rng, []

    def chance(self, p, what):
        """True with probability p, and told."""
        hit = self.rng.random() < p
        if hit:
            self.story.append(what)
        return hit

    def case(self):
        rng = self.rng
        L = int(rng.choice([1, 2, 3, 4], p=[0.1, 0.5, 0.25, 0.15]))
        self.rtol = 1e-8
        if self.chance(0.12, "rtol"):
            self.rtol = float(rng.choice([0.0, 1e-12, 1e-3, 0.5]))
        if rng.random() < 0.08:
            return self.set_piece()
        self.X = self.points()
        y, targets, self.index, self.Y = self.labels()
        widths = [self.X.shape[1], *rng.integers(1, 6, L - 1).tolist(), self.Y.shape[1]]
        self.W = [numbers(rng, (m, n)) for n, m in pairwise(widths)]
        self.b = [numbers(rng, m) for m in widths[1:]]
        loss = str(rng.choice(["mse", "class_weighted"]))
        sharing = np.bincount(self.index)[self.index] if loss == "class_weighted" else None
        self.shares = 1 / sharing if sharing is not None else np.full(len(self.X), 1 / len(self.X))
        crowd = self.chance(0.002, "crowd")
        self.hidden_layers(everything_on=crowd)
        y, targets = self.goal(y, targets)
        if self.chance(0.25, "nudged"):
            self.nudge()
        if self.chance(0.6 if crowd else 0.3, "scaled"):
            y, targets = self.scale(y, targets)
        copies = CROWD // (len(self.X) * self.Y.shape[1]) + 1 if crowd else 1
        return self.finished(y, targets, loss, copies)

    def finished(self, y, targets, loss, copies=1):
        rng = self.rng
        options = {"loss": loss, "subset": self.subset()}
        if rng.random() < 0.1 and copies == 1:
            options["exact"] = True
        if self.rtol != 1e-8:
            options["rtol"] = self.rtol
        if rng.random() < 0.05:
            options["gtol"] = float(rng.choice([0.0, 1e-12, 1e-4]))
        return Case(self.W, self.b, self.X, y, targets, options, copies, tuple(self.story))

    def set_piece(self):
        rng = self.rng
        piece = rng.choice([pieces.linear_saddle, pieces.blind_layer, pieces.wrong_sign])
        self.story.append(piece.__name__)
        self.W, self.b, self.X, y = piece(rng)
        self.Y = y
        if self.chance(0.2, "nudged"):
            self.nudge()
        if self.chance(0.15, "scaled"):
            y, _ = self.scale(y, None)
        return self.finished(y, None, str(rng.choice(["mse", "class_weighted"])))

    # Data

    def points(self):
        rng = self.rng
        N = int(rng.choice([1, 2, 3, 4, 5, 6, 8, 10, 12]))
        d = int(rng.choice([1, 2, 3, 5], p=[0.35, 0.35, 0.2, 0.1]))
        X = numbers(rng, (N, d))
        if self.chance(0.12, "collinear"):
            X = numbers(rng, (N, 1), "integer") * numbers(rng, (1, d)) + numbers(rng, (1, d))
        if N > 1 and self.chance(0.25, "duplicates"):
            X[rng.integers(0, N, N // 2)] = X[rng.integers(0, N, N // 2)]
        if N > 1 and self.chance(0.1, "gaps"):
            X[1:] = X[:-1] + 1e-12 * rng.integers(-2, 3, (N - 1, d))
        if self.chance(0.05, "far"):
            X = X + 10.0 ** rng.integers(3, 13)
        X[rng.random(X.shape) < 0.02] = -0.0
        if self.chance(0.05, "one place"):
            X[:] = X[0]
        return X.astype(np.float32).astype(float) if self.chance(0.03, "float32") else X

    def labels(self):
        """y and targets as `verify` takes them; the class and the target of each point."""
        rng, N = self.rng, len(self.X)
        if rng.random() < 0.45:  # target vectors
            Y = numbers(rng, (N, int(rng.integers(1, 4))))
            if self.chance(0.3, "few targets"):
                Y = Y[rng.integers(0, min(2, N), N)]
            same = rng.random() < 0.7
            for i in range(N if same else 0):  # equal points, equal targets
                Y[i] = Y[int(np.flatnonzero((self.X == self.X[i]).all(axis=1))[0])]
            Y[rng.random(Y.shape) < 0.02] = -0.0
            return Y, None, np.unique(Y + 0.0, axis=0, return_inverse=True)[1].reshape(-1), Y
        Q = int(rng.integers(1, 4))
        index = rng.integers(0, Q, N)
        if rng.random() < 0.6:
            for i in range(N):
                index[i] = index[int(np.flatnonzero((self.X == self.X[i]).all(axis=1))[0])]
        names = [["b", "c", "d"], [-5, 0, 7], [0.5, 1.5, 1e300], [False, True, True]]
        names = names[int(rng.integers(0, 4))]
        y = np.array([names[q] for q in index])
        classes, index = np.unique(y, return_inverse=True)
        targets = None
        if rng.random() < 0.5:
            targets = numbers(rng, (len(classes), int(rng.integers(1, 4))))
            if len(targets) > 1 and self.chance(0.15, "equal targets"):
                targets[1] = targets[0]
        rows = np.eye(len(classes)) if targets is None else targets
        return y, targets, index.reshape(-1), rows[index.reshape(-1)]

    # Hidden layers

    def hidden_layers(self, everything_on=False):
        rng = self.rng
        on = everything_on or self.chance(0.2, "all on")
        for l in range(len(self.W) - 1):
            x = self.before(l)
            reach = np.abs(x) @ np.abs(self.W[l]).T
            if on:
                self.b[l] = np.ceil(reach.max(axis=0)) + 1 + rng.integers(0, 3, len(self.b[l]))
                continue
            if self.chance(0.06, "dead layer"):
                self.b[l] = -np.ceil(reach.max(axis=0)) - 1
            elif self.chance(0.1, "dead unit"):
                k = rng.integers(len(self.b[l]))
                self.b[l][k] = -np.ceil(reach[:, k].max()) - 1
            if len(self.b[l]) > 1 and self.chance(0.12, "equal units"):
                self.W[l][1], self.b[l][1] = self.W[l][0], self.b[l][0]
                if rng.random() < 0.5:  # one unit, split
                    self.W[l][1], self.b[l][1] = 0.25 * self.W[l][0], 0.25 * self.b[l][0]
            if self.chance(0.1, "cancelling row"):
                self.cancel_row(l)
            if self.chance(0.1, "cancelling biases"):
                self.cancel_biases(l)
            if self.chance(0.06, "blind layer"):
                self.blind_layer(l)
            elif self.chance(0.2, "kink"):
                self.kink(l, 0.0)
            elif self.chance(0.08, "gap"):
                self.kink(l, float(rng.choice([-1, 1])) * 10.0 ** -rng.integers(9, 17))
            if self.chance(0.02, "zero unit"):
                self.W[l][-1], self.b[l][-1] = 0.0, 0.0

    def before(self, l):
        """Float inputs of layer l."""
        x = self.X
        for W, b in zip(self.W[:l], self.b[:l], strict=True):
            x = np.maximum(x @ W.T + b, 0)
        return x

    def cancel_row(self, l):
        """The last weight of a unit makes w . x at one point zero up to rounding."""
        rng, x = self.rng, self.before(l)
        i, k = rng.integers(len(x)), rng.integers(len(self.W[l]))
        weights = numbers(rng, x.shape[1], str(rng.choice(["normal", "wide"])))
        if x.shape[1] > 1 and x[i, -1]:
            weights[-1] = -(weights[:-1] @ x[i, :-1]) / x[i, -1]
        self.W[l][k], self.b[l][k] = weights, 0.0
        if self.chance(0.3, "tiny"):  # so small that norms of rows underflow, and squares do
            self.W[l][:], self.b[l][:] = weights, 0.0
            c = np.exp2(-rng.integers(500, 960))
            self.W[l], self.W[l + 1] = self.W[l] * c, self.W[l + 1] / c

    def cancel_biases(self, l):
        """Huge biases of one layer that the next one takes away again, up to rounding."""
        rng = self.rng
        huge = np.exp2(rng.integers(40, 62)) * rng.integers(1, 4, len(self.b[l]))
        huge += rng.integers(0, 10**6)
        self.b[l] = self.b[l] + huge
        if rng.random() < 0.5:
            self.W[l + 1] = self.W[l + 1] * 10.0 ** -rng.integers(0, 13)
        self.b[l + 1] = self.b[l + 1] - self.W[l + 1] @ huge

    def blind_layer(self, l):
        """Rows of size 1e15 and biases that leave a few units in the last places at one point."""
        rng = self.rng
        self.W[l] = self.W[l] * np.exp2(rng.integers(40, 51))
        i = int(rng.integers(len(self.X)))
        if rng.random() < 0.5:
            self.X[:] = self.X[i]
        for k in range(len(self.W[l])):
            self.kink(l, float(rng.choice([-1, 1, 1, 1])) * np.exp2(rng.uniform(2, 7)), i, k)
        if rng.random() < 0.7:
            self.W[l + 1] = self.W[l + 1] * 10.0 ** -rng.integers(6, 13)
            self.b[l + 1][:] = rng.choice([-1, 1])

    def kink(self, l, gap, i=None, k=None):
        """Move a bias so that one pre-activation is the gap, as exactly as floats can say."""
        rng = self.rng
        layers = rational.layers_of(self.W[: l + 1], self.b[: l + 1])
        value = rational.forward(layers, rational.matrix(self.X))[-1]
        k = int(rng.integers(value.ncols())) if k is None else k
        i = int(rng.integers(value.nrows())) if i is None else i
        aim = value[i, k] - rational.rational(self.b[l][k]) - rational.rational(gap)
        self.b[l][k] = -(int(aim.p) / int(aim.q)) if aim else 0.0

    # Where the case is led to

    def goal(self, y, targets):
        rng = self.rng
        goal = str(rng.choice(["nothing", "fit", "own output", "flat", "trained", "near"],
                              p=[0.2, 0.36, 0.1, 0.12, 0.12, 0.1]))  # fmt: skip
        self.story.append(goal)
        output = self.before(len(self.W) - 1) @ self.W[-1].T + self.b[-1]
        if goal in ("fit", "near"):
            self.fit()
        if goal == "flat":  # critical to the order of the number of layers without weights
            for l in range(len(self.W) - int(rng.integers(1, len(self.W) + 1)), len(self.W)):
                self.W[l] = 0 * self.W[l]
            self.b[-1] = self.shares @ self.Y / self.shares.sum()
        if goal == "own output" and np.ndim(y) == 2:
            y = self.Y = output
            self.index = np.unique(y, axis=0, return_inverse=True)[1].reshape(-1)
        if goal == "near":
            self.b[-1] = self.b[-1] * (1 + 10.0 ** -rng.integers(3, 13))
            if self.rtol > 1e-6:
                self.b[-1] = self.b[-1] * (1 + self.rtol * rng.random())
        if goal == "trained":
            self.train(int(rng.integers(1, 30)))
        return y, targets

    def fit(self):
        """Weighted least-squares last layer, of all its tensors or of one."""
        root = np.sqrt(self.shares)[:, None]
        hidden = self.before(len(self.W) - 1)
        part = self.rng.random()
        if part < 0.8:
            design = np.column_stack([hidden, np.ones(len(hidden))])
            if np.isfinite(design).all():
                V = np.linalg.lstsq(design * root, self.Y * root, rcond=None)[0].T
                self.W[-1], self.b[-1] = V[:, :-1].copy(), V[:, -1].copy()
        elif part < 0.9:
            self.b[-1] = (self.shares @ (self.Y - hidden @ self.W[-1].T)) / self.shares.sum()
        elif np.isfinite(hidden).all():
            V = np.linalg.lstsq(hidden * root, (self.Y - self.b[-1]) * root, rcond=None)[0]
            self.W[-1] = V.T.copy()

    def train(self, steps):
        """A few steps of gradient descent."""
        rate = 10.0 ** -self.rng.integers(1, 4)
        for _ in range(steps):
            inputs = [self.before(l) for l in range(len(self.W))]
            delta = 2 * self.shares[:, None] * (inputs[-1] @ self.W[-1].T + self.b[-1] - self.Y)
            for l in reversed(range(len(self.W))):
                back = (delta @ self.W[l]) * (inputs[l] > 0)
                G, g = delta.T @ inputs[l], delta.sum(axis=0)
                size = max(1.0, float(np.abs(G).max()), float(np.abs(g).max()))
                self.W[l], self.b[l] = self.W[l] - rate * G / size, self.b[l] - rate * g / size
                delta = back

    def nudge(self):
        """Move some tensors by 1e-12 to 1e-6 of their size."""
        rng = self.rng
        some = rng.random() < 0.5
        for tensors in (self.W, self.b):
            for l in range(len(tensors)):
                if not some or l == len(tensors) - 1 or rng.random() < 0.3:
                    size = 10.0 ** -rng.uniform(6, 12) * np.abs(tensors[l]).max()
                    tensors[l] = tensors[l] + size * rng.normal(size=tensors[l].shape)

    def scale(self, y, targets):
        """Powers of two on layers, undone in the next one or not, on data and on targets."""
        rng, L = self.rng, len(self.W)

        def power():
            return float(np.exp2(rng.choice(SCALES) * rng.choice([-1, 1])))

        for l in range(L - 1):
            if rng.random() < 0.6:
                c = power()
                self.W[l], self.b[l] = self.W[l] * c, self.b[l] * c
                if rng.random() < 0.85:
                    self.W[l + 1] = self.W[l + 1] / c
        if rng.random() < 0.25:
            c = power()
            self.X, self.W[0] = self.X * c, self.W[0] / c
        if rng.random() < 0.25:
            c = power()
            self.W[-1], self.b[-1] = self.W[-1] * c, self.b[-1] * c
            if targets is not None:
                targets = targets * c
            elif np.ndim(y) == 2:
                y = y * c
        return y, targets

    def subset(self):
        rng, L = self.rng, len(self.W)
        names = [f"{letter}{l + 1}" for l in range(L) for letter in "Wb"]
        kind = rng.random()
        if kind < 0.5:
            return None
        if kind < 0.6:
            return "last"
        if kind < 0.72:
            return "cumulative"
        if kind < 0.84:
            return str(rng.choice([names[-1], names[-2], *names]))
        size = 2 if kind < 0.93 else len(names) - 1
        return tuple(str(n) for n in rng.choice(names, min(size, len(names)), replace=False))


def exact_class(case):
    """The class of each point, the target of each class and of each point, found by hand."""
    if np.ndim(case.y) == 2:
        rows = [tuple(v + 0.0 for v in row) for row in np.asarray(case.y, float).tolist()]
        classes = sorted(set(rows))
        index, targets = [classes.index(row) for row in rows], classes
    else:
        labels = np.asarray(case.y).tolist()
        classes = sorted(set(labels))
        index = [classes.index(label) for label in labels]
        targets = case.targets
        if targets is None:
            targets = [[float(p == q) for p in range(len(classes))] for q in range(len(classes))]
    targets = rational.matrix(targets)
    rows = targets.tolist()
    wanted = [rows[q] for q in index]
    return index, targets, rational.fmpq_mat(wanted)


def exact_shares(index, loss):
    """The weight of each point in the loss."""
    if loss == "mse":
        return [fmpq(1, len(index))] * len(index)
    return [fmpq(1, index.count(q)) for q in index]
