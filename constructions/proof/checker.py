"""An independent check of certificates in exact arithmetic; docs/checker.md walks through it.

Floats are fractions, and so is what sums, products and linear systems make of them. Only for square
roots and singular values upper bounds (`_root`, `_norm`) enter each claim, on the unsafe side.
"""

import hashlib
import sys
from collections import defaultdict, namedtuple
from functools import cache, cached_property, reduce

import numpy as np
from flint import fmpq, fmpq_mat

ZERO = fmpq(0)
MINIMA = ("global minimum", "local minimum")
# The largest float; the share of the size of terms by which floats miss a sum; what may underflow.
LARGEST, SLACK, TINY = sys.float_info.max, fmpq(1, 2**30), fmpq(1, 2**990)
# What was found of a field: `holds` is None if it was not examined; `detail` says more.
Finding = namedtuple("Finding", "field holds detail")
# A layer on data: row owner[i] of `inputs` (x, 1), of `values` W x + b and of `active` is that of
# point i. The first two are lists of coefficients of t^0, t^1, ...; active: positive for small t.
_Stage = namedtuple("_Stage", "owner inputs values active")
# Per row the sum of weights of its points, of weights times targets, and of weights times |entries|
# of targets; and the sum of weights times |target|^2 over all.
_Table = namedtuple("_Table", "mass moment size square")
# The least loss over linear maps of rows Z of some `rank`; the squared norm `move` of the smallest
# map that attains it; a basis B of the span of the rows of Z; the `gram` of Z B'.
_Fit = namedtuple("_Fit", "rank least move basis gram")


def _fraction(value):
    """The exact value of a number; nothing else passes, nor nan, nor an infinity."""
    if type(value) is int or (type(value) is float and np.isfinite(value)):
        return fmpq(*value.as_integer_ratio())
    raise ValueError(f"{str(value)[:40]!r} stands where a finite number belongs")


def _array(name, value, *shape):
    """Lists or an array of numbers that are floats; -1 in the shape stands for any but 0."""
    array = np.array(value, dtype=object)
    fits = array.ndim == len(shape) and array.size
    fits = fits and all(n in (-1, m) for n, m in zip(shape, array.shape, strict=True))
    numbers = (type(v) in (int, float) and abs(v) <= LARGEST for v in array.flat)
    if not fits or not all(numbers) or any(float(v) != v for v in array.flat):
        raise ValueError(f"{name} must hold finite floats in the shape {shape} (-1: any)")
    return array.astype(float)


def _root(square):
    """An upper bound of the square root of a fraction, above it by 2^-100 of it or less."""
    s = 110 - (int(square.p).bit_length() - int(square.q).bit_length()) // 2
    return ((square * fmpq(4) ** s).ceil().isqrt() + 1) / fmpq(2) ** s if square else ZERO


def _exact(floats):
    """An array of the fractions that an array of numbers holds."""
    flat = [fmpq(*v.as_integer_ratio()) for v in np.ravel(floats).tolist()]
    return np.array(flat, dtype=object).reshape(np.shape(floats))


def _layers(*networks):
    """For each layer the exact matrix (W, b), transposed, in each of some networks."""
    layers = range(0, len(networks[0]), 2)
    return [[_exact(np.column_stack(n[i : i + 2])).T for n in networks] for i in layers]


def _times(A, B):
    """The exact product of two matrices."""
    return np.array((fmpq_mat(A.tolist()) * fmpq_mat(B.tolist())).tolist(), dtype=object)


def _norm(A):
    """An upper bound of the largest singular value of A, from S = (A V)'(A V) and T = V'V."""
    A, largest = A.T if A.shape[1] > A.shape[0] else A, abs(A).max() or 1
    hint = np.reshape([int(a.p) / int(a.q) for a in (A / largest).flat], A.shape)
    V = _exact(np.linalg.svd(hint)[2].T)
    AV, T = _times(A, V), _times(V.T, V) - _exact(np.eye(len(V)))
    s, t = (abs(B).sum(axis=1).max() for B in (_times(AV.T, AV), T))
    return _root(min([(A * A).sum(), *([s / (1 - t)] if t < 1 else [])]))


def _follow(layers, X, order=0):
    """Layers (W, b) + t (V, c) on points, exactly, for small t > 0; each is a list of matrices.

    What is active for small t > 0 is told by the first coefficient that is not zero, up to t^order.
    Order 0 is the forward pass. Equal rows are kept once.
    """
    owner, stages, powers = np.arange(len(X)), [], range(order + 1)
    series = [X, *[0 * X] * order]
    for layer in layers:
        series = [np.insert(h, h.shape[1], int(k == 0), axis=1) for k, h in enumerate(series)]
        whole, seen = fmpq_mat(np.hstack(series).tolist()).numer_denom()[0].tolist(), {}
        rows = [seen.setdefault(tuple(row), len(seen)) for row in whole]
        owner, first = np.array(rows)[owner], np.unique(rows, return_index=True)[1]
        series = [term[first] for term in series]
        values = [sum(map(_times, series[k::-1], layer)) for k in powers]
        leading = reduce(lambda after, term: np.where(term != 0, term, after), values[::-1])
        stages.append(_Stage(owner, series, values, leading > 0))
        series = [np.where(leading > 0, term, ZERO) for term in values]
    return stages


def _loss(table, outputs, power=0):
    """The coefficient of t^power of sum_i weight_i |o_i(t) - y_i|^2, multiplied out."""
    squares = sum(outputs[k] * outputs[power - k] for k in range(power + 1)).sum(axis=1)
    mixed = (table.mass * squares).sum() - 2 * (outputs[power] * table.moment).sum()
    return mixed if power else mixed + table.square


def _least_squares(Z, table, outputs):
    """The least of the loss of outputs + Z D over all D, by the normal equations.

    The smallest D is B'z, with independent rows B that span those of Z, and so those of Z'MZ.
    """
    mass, (n, p), now = table.mass[:, None], Z.shape, _loss(table, [outputs])
    spanning = Z if n <= p else _times(Z.T, mass * Z)
    reduced, rank = fmpq_mat(spanning.T.tolist()).rref()
    if rank == 0:
        return _Fit(0, now, ZERO, spanning, spanning)
    pivots = [next(j for j, a in enumerate(row) if a) for row in reduced.tolist()[:rank]]
    B = _exact(np.eye(p)) if rank == p else spanning[pivots]
    G = _times(Z, B.T)
    gram, slope = _times(G.T, mass * G), _times(G.T, table.moment - mass * outputs)
    z = np.array(fmpq_mat(gram.tolist()).solve(fmpq_mat(slope.tolist())).tolist(), dtype=object)
    return _Fit(rank, now - (slope * z).sum(), (_times(B.T, z) ** 2).sum(), B, gram)


class _Case:
    """A certificate, and the network and the data of which it speaks."""

    def __init__(self, stated, tensors, X, targets, classes):
        self.stated, self.tensors, self.classes = stated, tensors, classes
        self.found, subset = defaultdict(bool), stated.get("subset")
        self.named = subset if type(subset) is list and {*map(type, subset)} == {str} else []
        self.arrays = {"X": X, "Y": targets[classes], "classes": classes}
        self.names = [f"{kind}{l}" for l in range(1, len(tensors) // 2 + 1) for kind in "Wb"]
        self.cumulative = self.named == ["cumulative"]
        moving = [name for name in self.names if name in (self.named or self.names)]
        self.free = self.names[-2:] if self.cumulative else moving
        self.held = set(self.free) <= set(self.names[-2:])  # the hidden layers are
        self.layers, self.X, self.goals = _layers(tensors), _exact(X), _exact(targets)
        self.lengths = (self.goals**2).sum(axis=1)
        self.offset = np.append(0 * self.X[0], fmpq(1))
        for (V,) in self.layers[:-1]:
            self.offset = np.append(_times(self.offset[None], V), fmpq(1))  # (b^(L-1), 1)
        self.stages, self.patterns = _follow(self.layers, self.X), {}
        for i in range(len(X)):  # the points of each pattern: masks of all layers, ones in the last
            masks = (s.active[s.owner[i]].tobytes() for s in self.stages[:-1])
            self.patterns.setdefault((*masks, bytes([1] * targets.shape[1])), []).append(i)
        self.away = [abs(stage.values[0]) for stage in self.stages[:-1]]
        self.gaps = [size.min() for size in self.away]
        layers = zip(self.stages, self.layers, strict=True)
        self.peaks = [abs(s.inputs[0]).max(axis=0) @ abs(V) + TINY for s, (V,) in layers]
        self.norms = [(V**2).sum() for (V,) in self.layers]
        self.chain = cache(self._chain)
        self.reach = cache(lambda j, masks: (self.chain(j, masks) ** 2).sum(axis=1))
        self.size = cache(lambda j, masks: _norm(self.carried(j, masks)))

    def table(self, rows, points=slice(None), name=None):
        """The targets of points (all of them) that have the given rows of something."""
        counts = np.zeros((rows.max() + 1, len(self.goals)), dtype=np.int64)
        np.add.at(counts, (rows, self.classes[points]), 1)
        sizes = np.bincount(self.classes, minlength=len(self.goals))
        sizes = {"mse": 0 * sizes + len(self.X), "class_weighted": np.maximum(sizes, 1)}
        weights = _exact(counts) / sizes[name or self.stated["loss_name"]].astype(object)
        moments = (_times(weights, goals) for goals in (self.goals, abs(self.goals)))
        return _Table(weights.sum(axis=1), *moments, (weights * self.lengths).sum())

    def loss(self, name=None, line=None, order=0):
        """The exact loss; or its coefficients of t^0, ..., t^order, of layers along a line."""
        last = (_follow(line, self.X, order) if line else self.stages)[-1]
        table = self.table(last.owner, name=name)
        found = [_loss(table, last.values, k) for k in range(order + 1)]
        return found if line else found[0]

    def backward(self, on, inputs, error, sign=lambda V: V):
        """The squared gradient in each tensor, of errors of outputs and inputs of each layer."""
        found, back = [], _exact(np.eye(error.shape[1]))
        for l, (V,) in reversed([*enumerate(self.layers)]):
            found.insert(0, _times(_times(inputs[l].T, error), back))
            back = np.where(on[l - 1], _times(back, sign(V)[:-1].T), ZERO) if l else back
        return np.array([*found, None], dtype=object)[:-1]  # whatever their shapes

    @cached_property
    def gradient(self):
        """The norm of the exact gradient; and the one it would have if no term cancelled another.

        The latter with the largest inputs, through all units that are not off for all points.
        """
        last, each, exact = self.stages[-1], self.table(np.arange(len(self.X))), 0
        error = 2 * (each.mass[:, None] * last.values[0][last.owner] - each.moment)
        for masks, points in self.patterns.items():
            on = [np.frombuffer(mask, dtype=bool) for mask in masks]
            inputs = [s.inputs[0][s.owner[points]] for s in self.stages]
            exact = exact + self.backward(on, inputs, error[points])
        on = [(s.values[0] >= 0).any(axis=0) for s in self.stages]
        error = 2 * (each.mass.sum() * self.peaks[-1] + each.size.sum(axis=0))[None]
        size = self.backward(
            on, [abs(s.inputs[0]).max(axis=0)[None] for s in self.stages], error, abs
        )
        free = zip(self.names, (part for G in exact for part in (G[:-1], G[-1])), strict=True)
        square = sum((part**2).sum() for name, part in free if name in self.free)
        return _root(square), _root(sum((G**2).sum() for G in size))

    @cached_property
    def cell(self):
        """A lower bound of the loss while no activation flips, and how many outputs are free then.

        Points of one pattern share an affine map of x; points at which a layer is dead (all units
        off) share an output, with all that are dead there last. All other ties are dropped.
        """
        groups, first, fits = {}, self.stages[0], []
        for masks, points in self.patterns.items():
            dead = max((l for l, mask in enumerate(masks, 1) if not any(mask)), default=0)
            groups.setdefault((dead, masks[dead:]), []).extend(points)
        for (dead, _), points in groups.items():
            present, rows = np.unique(first.owner[points], return_inverse=True)
            design = _exact([[1]]) if dead else first.inputs[0][present]
            table = self.table(0 * rows if dead else rows, points)
            fits.append(_least_squares(design, table, 0 * table.moment))
        return sum(fit.least for fit in fits), sum(fit.rank for fit in fits)

    @cached_property
    def fit(self):
        """The least loss over the tensors of the last layer that may move.

        Rows (h, 1) are projected on the changes that are allowed, (D, -D c) if cumulative.
        """
        last, c = self.stages[-1], self.offset
        W, b = (int(name in self.free) for name in self.names[-2:])
        allowed = _exact(np.diag([W] * (len(c) - 1) + [b]))
        if self.cumulative:
            allowed = allowed - np.outer(c, c) / (c * c).sum()
        design = _times(last.inputs[0], allowed)
        return _least_squares(design, self.table(last.owner), last.values[0])

    def _chain(self, j, masks):
        """P_lj = W_l D_(l-1) W_(l-1) ... D_j, with the masks of the layers j to l - 1."""
        W = self.layers[j + len(masks)][0][:-1].T
        return _times(W, self.carried(j, masks)) if masks else _exact(np.eye(len(W)))

    def carried(self, j, masks):
        """D_l P_lj, with the masks of the layers j to l."""
        mask = np.frombuffer(masks[-1], dtype=bool)[:, None]
        return np.where(mask, self.chain(j, masks[:-1]), ZERO)

    def motion(self, r, distance=0):
        """Whether no unit flips, and how far the outputs of each layer move (weighted root mean).

        For parameters that move by r; the last layer may be another one, at a distance.
        """
        safe, totals = True, [ZERO for _ in self.layers]
        for masks, points in self.patterns.items():
            moved, s, weight = ZERO, [], self.table(np.zeros(len(points), int), points).mass[0]
            for l, stage in enumerate(self.stages):
                rows = np.unique(stage.owner[points])
                squares = (stage.inputs[0][rows, :-1] ** 2).sum(axis=1)
                s.append((_root(squares.max()) + moved) ** 2 + 1)
                sizes = [self.size(j, masks[j : l + 1]) for j in range(l + 1)]
                if l < len(self.gaps):
                    reach = sum(self.reach(j, masks[j:l]) * s[j] for j in range(l + 1))
                    safe = safe and (self.away[l][rows].min(axis=0) ** 2 > r * r * reach).all()
                else:
                    for j in range(l):
                        sizes[j] += distance * self.size(j, masks[j:l])
                moved = _root(r * r * sum(n * n * f for n, f in zip(sizes, s, strict=True)))
                totals[l] += weight * moved * moved
        return safe, list(map(_root, totals))

    def digest(self, **arrays):
        """SHA-256 of a line NAME SHAPE and the little-endian numbers, row by row, for each."""
        found = hashlib.sha256()
        for name, array in arrays.items():
            found.update(f"{name} {' '.join(map(str, array.shape))}\n".encode())
            found.update((array + 0).astype(array.dtype.newbyteorder("<")).tobytes())
        return found.hexdigest()

    def accuracy(self, stated):
        """The fraction of points nearest to the target of their own class, or to it first."""
        gaps = self.lengths - 2 * _times(self.stages[-1].values[0], self.goals.T)
        nearest = np.array([row.index(min(row)) for row in gaps.tolist()])
        right = nearest[self.stages[-1].owner] == self.classes
        return _fraction(stated) == _fraction(float(right.mean()))

    def near(self, name, stated):
        """A loss in floats is near the exact one, and the one in question within its bounds."""
        exact, low, high = self.loss(name), ZERO, "inf"
        if name == self.stated["loss_name"]:
            low, high = _fraction(self.stated["loss_floor"]), self.stated["loss_bound"]
        if stated == "inf":
            return high == "inf" and exact * (1 + fmpq(1, 2**40)) > int(LARGEST)
        exact = min(exact, fmpq(int(LARGEST)))  # which is a bound of what is beyond it, too
        value, largest = _fraction(stated), self.peaks[-1] + abs(self.goals).max(axis=0)
        room = exact / 2**40 + len(self.goals) * (largest**2).sum() / 2**180 + fmpq(1, 2**1074)
        inside = low <= value and (high == "inf" or value <= _fraction(high))
        return inside and abs(value - exact) <= room

    def gradient_norm(self, stated):
        """The norm of the gradient in floats is as near to the exact one as floats allow."""
        value = None if stated == "inf" else _fraction(stated)
        seen = zip(self.away, self.peaks, strict=False)  # floats find the same signs
        if value is None or self.cumulative or not all((a > SLACK * p).all() for a, p in seen):
            return None
        norm, size = self.gradient
        return value >= 0 and abs(value - norm) <= SLACK * size

    def margins(self, stated):
        """The least |pre-activation| of each layer over the norm of (W, b) is at least this."""
        hidden = zip(map(_fraction, stated + []), self.norms[:-1], self.gaps, strict=True)
        return all(m == 0 or (m > 0 and n > 0 and m * m * n <= gap**2) for m, n, gap in hidden)

    def distance(self, stated):
        """The exact point exists, and the smallest change that leads to it is within this."""
        verdict, tied = self.stated["verdict"], self.held or self.cell[0] == self.fit.least
        exists = self.fit.least == 0 or (verdict != MINIMA[0] and tied)
        if stated == "inf":
            return exists and verdict not in MINIMA
        square = _fraction(stated) * abs(_fraction(stated))
        near = square <= _fraction(self.stated["rtol"]) ** 2 * self.norms[-1]
        return exists and self.fit.move <= square and (near or verdict not in MINIMA)

    def witness(self, stated):
        """The step lowers the loss as stated, and so does the first power of t along the line."""
        (key,) = {"slope", "curvature", "coefficient"} & stated.keys()
        k = {"slope": 1, "curvature": 2}.get(key) or stated["order"]
        asked = {"direction", "step", "loss", key, *["order"] * (key == "coefficient")}
        if stated.keys() != asked or type(k) is not int or k < 1 + (key != "slope"):
            raise ValueError("the kind of derivative, or its order, is not one of the format")
        D = [layer[part] for layer in stated["direction"] for part in ("weights", "biases")]
        parts = zip(self.names, D, self.tensors, strict=True)
        D = [_array(f"the direction of {name}", d, *t.shape) for name, d, t in parts]
        if any(d.any() for name, d in zip(self.names, D, strict=True) if name not in self.free):
            raise ValueError("the direction moves what is held")
        t, limit = float(_fraction(stated["step"])), _fraction(stated[key])
        with np.errstate(all="ignore"):
            after = [tensor + t * move for tensor, move in zip(self.tensors, D, strict=True)]
        loss, floor = _fraction(stated["loss"]), _fraction(self.stated["loss_floor"])
        lower = self.loss(line=_layers(after))[0] <= loss < floor
        lower = lower and (t > 0 or key == "curvature")  # the others are one-sided
        line = _layers(self.tensors, D)
        if self.cumulative:  # b_L follows by -D c, which floats may miss
            c, D = self.offset[:-1], line[-1][1][:-1]
            rest = abs(line[-1][1][-1] + c @ D)
            lower = lower and (rest * 2**40 <= abs(c) @ abs(D)).all()
            line[-1][1] = np.vstack([D, -c @ D])
        if self.stated["proved"] is not True:
            return lower
        terms = self.loss(line=line, order=min(k, len(self.tensors) + 1))  # no power is higher
        falls = (2 if key == "curvature" else 1) * terms[-1] <= limit < 0
        if key == "coefficient":
            falls = falls and next(filter(None, terms[1:])) < 0
        norm, size = self.gradient
        small = (2 * _fraction(self.stated["gtol"]) + SLACK) * size
        if 0 in self.gaps or self.cumulative:  # instead of a gradient there is a slope
            norm, small = abs(terms[1]), small * _root(sum((V**2).sum() for _, V in line))
        return lower and falls and (key == "slope" or norm <= small)

    def verdict(self, stated):
        """What the format says of this verdict, given what was found of distance and witness."""
        if self.stated["proved"] is not True:
            return {"undetermined": True, "saddle": None, "not stationary": None}.get(stated, False)
        if stated in ("not stationary", "saddle"):
            sloped = "slope" in (self.stated["witness"] or ())
            return self.found["witness"] and sloped == (stated == "not stationary")
        rest = _fraction(self.stated["rtol"]) ** 2 * (max(self.lengths) or 1)
        low = self.loss() <= self.fit.least * (1 + fmpq(1, 2**50)) + rest
        minimal = self.held or (0 not in self.gaps and self.cell[0] == self.fit.least)
        fits = low and (minimal or stated == MINIMA[0])
        return stated in MINIMA and self.found["distance"] and fits

    def radius(self, stated):
        """No activation flips within radius + distance."""
        distance = _fraction(self.stated["distance"])
        if stated == "inf":
            return not self.gaps
        return _fraction(stated) >= 0 and self.motion(_fraction(stated) + distance)[0]

    def basin(self, stated):
        """Rank, strength, rate and radius obey docs/minima.md, s + motion <= sigma_min included."""
        lam, rate, ball, s = (_fraction(stated[k]) for k in ("radius", "rate", "ball", "strength"))
        d, fit, (safe, motion) = _fraction(self.stated["distance"]), self.fit, self.motion(ball)
        # on the span B of the rows (h, 1) this is: gram - (s + motion)^2 B B' is not negative
        form = fit.gram - (s + motion[-2]) ** 2 * _times(fit.basis, fit.basis.T)
        minors = (fmpq_mat(form[:k, :k].tolist()).det() for k in range(1, fit.rank + 1))
        away = self.motion(lam + d, d)[1][-1]
        stays = (
            len(stated) == 4
            and min(lam, s) > 0
            and rate <= 4 * s * s
            and lam + d + away / s <= ball
        )
        whole = self.free == self.names and not self.cumulative and self.found["distance"]
        strong = fit.rank == self.cell[1] and all(minor > 0 for minor in minors)
        return whole and safe and stays and strong


NULLABLE = ("distance", "witness", "radius", "basin")
METHODS = ("accuracy", "gradient_norm", "margins", *NULLABLE, "verdict")
# Each field of the format, with what has to hold of it; None: it is not examined.
CLAIMS = {
    "format": lambda c, v: v == "geomcore certificate",
    "version": lambda c, v: repr(v) == "2",
    "network": lambda c, v: v == c.digest(**dict(zip(c.names, c.tensors, strict=True))),
    "data": lambda c, v: v == c.digest(**c.arrays),
    "points": lambda c, v: repr(v) == repr(len(c.X)),
    "widths": lambda c, v: repr(v) == repr([len(c.X[0]), *(V.shape[1] for (V,) in c.layers)]),
    "loss_name": lambda c, v: v in ("mse", "class_weighted"),
    "subset": lambda c, v: v is None or c.cumulative or sorted(c.named) == sorted(c.free),
    "proved": lambda c, v: type(v) is bool,
    "rtol": lambda c, v: 0 <= _fraction(v) < 1,
    "gtol": lambda c, v: 0 <= _fraction(v) < 1,
    "loss_bound": lambda c, v: v == "inf" or c.loss() <= _fraction(v),
    "loss_floor": lambda c, v: 0 <= _fraction(v) <= c.loss(),
    "loss": lambda c, v: c.near("mse", v),
    "class_weighted_loss": lambda c, v: c.near("class_weighted", v),
    "lower_bound": lambda c, v: _fraction(v) <= (c.fit.least if c.held else c.cell[0]),
    "activation_margin": lambda c, v: repr(v) == repr(min(c.stated["margins"], default="inf")),
    **{key: getattr(_Case, key) for key in METHODS},
    **dict.fromkeys(("exact", "smallest_eigenvalue", "checks", "bits")),
}


def check_certificate(certificate, weights, biases, X, targets, classes):
    """Check what a certificate says of a network on data, field by field, without `verify`.

    Parameters
    ----------
    certificate : dict
        A certificate of version 2, as JSON gives it. Nothing in it is trusted.
    weights, biases : sequence of array_like, shapes (m, n) and (m,)
        Of each layer.
    X, targets, classes : array_like, shapes (N, d), (Q, k) and (N,)
        The points, the target of each class, and the class of each point.

    Returns
    -------
    list of Finding
        Whether each field holds, or None for what is not examined.

    Raises
    ------
    ValueError
        If an argument has another shape than the others ask for, or holds anything but finite
        numbers, or `classes` are not 0, ..., Q - 1, each of them at least once.
    """
    tensors, X = [], _array("X", X, -1, -1)
    given = [len(part) if isinstance(part, (list, tuple)) else 0 for part in (weights, biases)]
    if given[0] != given[1] or not given[0]:
        raise ValueError("weights and biases must be sequences of the same length, not 0")
    for l, (W, b) in enumerate(zip(weights, biases, strict=True)):
        W = _array(f"weights[{l}]", W, -1, len(tensors[-1]) if l else X.shape[1])
        tensors += [W, _array(f"biases[{l}]", b, len(W))]
    targets, classes = _array("targets", targets, -1, len(W)), _array("classes", classes, len(X))
    if not np.array_equal(np.unique(classes), np.arange(len(targets))):
        raise ValueError("classes must be 0, ..., Q - 1, a row of targets each, and all must occur")
    stated, findings = certificate if isinstance(certificate, dict) else {}, []
    if len(X) * max(map(len, (targets, X[0], *tensors))) > 2**24:
        return [Finding(field, None, "too large for exact arithmetic") for field in CLAIMS]
    case = _Case(stated, tensors, X, targets, classes.astype(np.int64))
    for field in dict.fromkeys((*CLAIMS, *stated)):
        claim, holds, detail = CLAIMS.get(field), None, "not examined"
        try:
            if field not in CLAIMS or field not in stated:
                holds, detail = False, "missing" if field in CLAIMS else "no such field"
            elif field in NULLABLE and stated[field] is None:
                holds, detail = True, "nothing is claimed"
            elif claim and (holds := claim(case, stated[field])) is not None:
                case.found[field] = holds = bool(holds)
                detail = claim.__doc__ or ""
        except Exception as reason:
            holds, detail = False, f"{type(reason).__name__}: {reason}"
        findings.append(Finding(field, holds, detail.partition("\n")[0]))
    return findings
