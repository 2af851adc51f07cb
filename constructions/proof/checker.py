"""An independent check of certificates in exact arithmetic; docs/checker.md walks through it."""

import hashlib
from collections import defaultdict, namedtuple
from functools import cache, cached_property, reduce

import numpy as np
from flint import fmpq, fmpq_mat

ZERO, MINIMA = fmpq(0), ("global minimum", "local minimum")
# The largest float; the share of the size of terms by which floats miss a sum; what may underflow.
LARGEST, SLACK, TINY = float(np.finfo(float).max), fmpq(1, 2**30), fmpq(1, 2**990)
Finding = namedtuple("Finding", "field holds detail")  # holds: None if it was not examined
# Row owner[i] is of point i: (x, 1) and W x + b by powers of t, and whether it is > 0 for small t.
_Stage = namedtuple("_Stage", "owner inputs values active")
# Rank of Z, least loss, squared norm of the smallest D, basis B of the rows of Z, gram of Z B'.
_Fit = namedtuple("_Fit", "rank least move basis gram")


def fraction(value):
    """The exact value of a number; nothing else passes, nor nan, nor an infinity."""
    if type(value) is int or (type(value) is float and np.isfinite(value)):
        return fmpq(*value.as_integer_ratio())
    raise ValueError(f"{str(value)[:40]!r} stands where a finite number belongs")


def _array(name, value, *shape):
    """Lists or an array of numbers that are floats; -1 in the shape stands for any but 0."""
    a = np.array(value, dtype=object)
    fits = a.ndim == len(shape) and all(map(lambda n, m: m and n in (-1, m), shape, a.shape))
    numbers = (type(v) in (int, float) and abs(v) <= LARGEST for v in a.flat)
    if not fits or not all(numbers) or any(float(v) != v for v in a.flat):
        raise ValueError(f"{name} must hold floats in the shape {shape}, -1 for any, got {a.shape}")
    return a.astype(float)


def root(square):
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


def norm(A):
    """An upper bound of the largest singular value of A, from S = (A V)'(A V) and T = V'V."""
    A, largest = A.T if A.shape[1] > A.shape[0] else A, abs(A).max() or 1
    hint = np.reshape([int(a.p) / int(a.q) for a in (A / largest).flat], A.shape)
    V = _exact(np.linalg.svd(hint)[2].T)
    AV, T = _times(A, V), _times(V.T, V) - _exact(np.eye(len(V)))
    s, t = (abs(B).sum(axis=1).max() for B in (_times(AV.T, AV), T))
    return root(min([(A * A).sum(), *([s / (1 - t)] if t < 1 else [])]))


def _follow(layers, X, order=0):
    """Layers, lists of coefficients of t^0, t^1, ..., on points for small t > 0, up to t^order."""
    owner, stages, series = np.arange(len(X)), [], [X, *[0 * X] * order]
    for layer in layers:
        series = [np.insert(h, h.shape[1], int(k == 0), axis=1) for k, h in enumerate(series)]
        whole, seen = fmpq_mat(np.hstack(series).tolist()).numer_denom()[0].tolist(), {}
        rows = [seen.setdefault(tuple(row), len(seen)) for row in whole]
        owner, first = np.array(rows)[owner], np.unique(rows, return_index=True)[1]
        series = [term[first] for term in series]
        values = [sum(map(_times, series[k::-1], layer)) for k in range(order + 1)]
        leading = reduce(lambda after, term: np.where(term != 0, term, after), values[::-1])
        stages.append(_Stage(owner, series, values, leading > 0))
        series = [np.where(leading > 0, term, ZERO) for term in values]
    return stages


def _least_squares(Z, owner, w, R):
    """The least of sum_i w_i |Z[owner_i] D - R_i|^2; the smallest D is B'z, B a basis of rows."""
    (n, p), now = Z.shape, (w * R * R).sum()
    mass, pull = (np.full((n, a.shape[1]), ZERO) for a in (w, R))
    np.add.at(mass, owner, w)
    np.add.at(pull, owner, w * R)
    spanning = Z if n <= p else _times(Z.T, mass * Z)
    reduced, rank = fmpq_mat(spanning.T.tolist()).rref()
    if rank == 0:
        return _Fit(0, now, ZERO, spanning, spanning)
    pivots = [next(j for j, a in enumerate(row) if a) for row in reduced.tolist()[:rank]]
    B = _exact(np.eye(p)) if rank == p else spanning[pivots]
    G = _times(Z, B.T)
    gram, slope = _times(G.T, mass * G), _times(G.T, pull)
    z = np.array(fmpq_mat(gram.tolist()).solve(fmpq_mat(slope.tolist())).tolist(), dtype=object)
    return _Fit(rank, now - (slope * z).sum(), (_times(B.T, z) ** 2).sum(), B, gram)


class Case:
    """A certificate, and the network and the data of which it speaks."""

    decay = ZERO  # of weights: none

    def __init__(self, stated, tensors, X, targets, classes):
        self.stated, self.tensors, self.classes = stated, tensors, classes
        self.found, self.why, subset = defaultdict(bool), {}, stated.get("subset")
        self.named = subset if type(subset) is list and {*map(type, subset)} == {str} else []
        self.arrays = {"X": X, "Y": targets[classes], "classes": classes}
        self.names = [f"{kind}{l}" for l in range(1, len(tensors) // 2 + 1) for kind in "Wb"]
        self.cumulative = self.named == ["cumulative"]
        moving = [name for name in self.names if name in (self.named or self.names)]
        self.free = self.names[-2:] if self.cumulative else moving
        self.held = set(self.free) <= set(self.names[-2:])  # the hidden layers are
        self.layers, self.X, self.goals = _layers(tensors), _exact(X), _exact(targets)
        self.Y, self.lengths = self.goals[classes], (self.goals**2).sum(axis=1)
        start = np.append(0 * self.X[0], fmpq(1))  # of (b^(L-1), 1)
        self.offset = reduce(lambda c, V: np.append(c @ V[0], fmpq(1)), self.layers[:-1], start)
        self.stages, self.patterns = _follow(self.layers, self.X), {}
        for i in range(len(X)):  # the points of each pattern: masks of all layers, ones in the last
            masks = (tuple(s.active[s.owner[i]].tolist()) for s in self.stages[:-1])
            self.patterns.setdefault((*masks, (True,) * targets.shape[1]), []).append(i)
        self.away = [abs(stage.values[0]) for stage in self.stages[:-1]]
        self.gaps, self.norms = [a.min() for a in self.away], [(V**2).sum() for (V,) in self.layers]
        self.tops = [abs(stage.inputs[0]).max(axis=0) for stage in self.stages]  # largest inputs
        self.peaks = [top @ abs(V) + TINY for top, (V,) in zip(self.tops, self.layers, strict=True)]
        sizes = np.bincount(classes)[classes], 0 * classes + len(X)
        each = [1 / _exact(n)[:, None] for n in sizes]
        self.shares = lambda name=None: each[(name or stated["loss_name"]) == "mse"]  # of points
        self.loss = cache(lambda name=None: self.series(name=name)[0])
        self.least = cache(lambda: self.fit.least if self.held else self.cell[0])
        self.chain = cache(self._chain)
        self.reach = cache(lambda j, m: (self.chain(j, m) ** 2).sum(axis=1))
        self.size = cache(lambda j, m: norm(self.chain(j, m[:-1]) * np.array(m[-1])[:, None]))

    def series(self, line=None, order=0, name=None):
        """The exact loss; of layers along a line, its coefficients of t^0, ..., t^order."""
        last = (_follow(line, self.X, order) if line else self.stages)[-1]
        R = [term[last.owner] - (0 if k else self.Y) for k, term in enumerate(last.values)]
        products = (sum(R[j] * R[k - j] for j in range(k + 1)) for k in range(order + 1))
        return [(self.shares(name) * product).sum() for product in products]

    @cached_property
    def gradient(self):
        """The norm of the exact gradient; and its size, if no term cancelled another."""
        last, w = self.stages[-1], 2 * self.shares()
        exact = [self.decay * V for (V,) in self.layers]
        error = w * (last.values[0][last.owner] - self.Y)
        for masks, points in self.patterns.items():
            for l, s in enumerate(self.stages):
                slope = _times(s.inputs[0][s.owner[points]].T, error[points])
                exact[l] = exact[l] + _times(slope, self.chain(l, masks[l:-1]))
        back = w.sum() * self.peaks[-1] + (w * abs(self.Y)).sum(axis=0)
        size = self.decay**2 * sum(self.norms)
        for l in reversed(range(len(exact))):
            size += (back**2).sum() * (self.tops[l] ** 2).sum()
            back = abs(self.layers[l][0][:-1]) @ back
            back = np.where((self.stages[l - 1].values[0] >= 0).any(axis=0), back, ZERO) if l else 0
        free = zip(self.names, (part for G in exact for part in (G[:-1], G[-1])), strict=True)
        return root(sum((part**2).sum() for name, part in free if name in self.free)), root(size)

    @cached_property
    def cell(self):
        """A lower bound of the loss while no activation flips; how many outputs are free then."""
        groups, first, w, fits = {}, self.stages[0], self.shares(), []
        for masks, points in self.patterns.items():
            dead = max((l for l, mask in enumerate(masks, 1) if not any(mask)), default=0)
            groups.setdefault((dead, masks[dead:]), []).extend(points)
        for (dead, _), points in groups.items():
            present, rows = np.unique(first.owner[points], return_inverse=True)
            design, rows = (_exact([[1]]), 0 * rows) if dead else (first.inputs[0][present], rows)
            fits.append(_least_squares(design, rows, w[points], self.Y[points]))
        return sum(fit.least for fit in fits), sum(fit.rank for fit in fits)

    @cached_property
    def fit(self):
        """The least loss over the tensors of the last layer that may move, or (D, -D c)."""
        last, c = self.stages[-1], self.offset
        moving = np.repeat([int(name in self.free) for name in self.names[-2:]], [len(c) - 1, 1])
        allowed = _exact(np.diag(moving)) - int(self.cumulative) * np.outer(c, c) / (c * c).sum()
        Z = _times(last.inputs[0], allowed)
        return _least_squares(Z, last.owner, self.shares(), self.Y - last.values[0][last.owner])

    def _chain(self, j, masks):
        """P_lj = W_l D_(l-1) W_(l-1) ... D_j, with the masks of the layers j to l - 1."""
        V = self.layers[j + bool(masks)][0][:-1]
        after = _times(self.chain(j + 1, masks[1:]), V.T) if masks else _exact(np.eye(V.shape[1]))
        return np.where(masks[0], after, ZERO) if masks else after

    def motion(self, r, distance=0, bent=False):
        """Whether no unit flips within r; the root mean motion of layers; if bent, a bound L."""
        safe, n, sums = True, len(self.layers), 0
        for masks, points in self.patterns.items():
            (s, moves), (p, q) = np.full((2, n), ZERO), np.full((2, n + 1, n), ZERO)
            for l, stage in enumerate(self.stages):
                rows = np.unique(stage.owner[points])
                longest = root((stage.inputs[0][rows, :-1] ** 2).sum(axis=1).max())
                s[l] = (longest + moves[l - 1]) ** 2 + 1
                p[l + 1, : l + 1] = [self.size(j, masks[j : l + 1]) for j in range(l + 1)]
                if l < len(self.gaps):
                    reach = sum(self.reach(j, masks[j:l]) * s[j] for j in range(l + 1))
                    safe = safe and (self.away[l][rows].min(axis=0) ** 2 > r * r * reach).all()
                p[l + 1] += distance * (l + 1 == n) * p[l]
                moves[l] = root(r * r * (p[l + 1] ** 2 * s).sum())
                for j in range(l + 1) if bent else ():  # the norm of P_lj anywhere within r
                    more = (p[l + 1, j + 1 : l + 1] * q[j + 1 : l + 1, j]) ** 2
                    q[l + 1, j] = p[l + 1, j] + r * root(more.sum() + ZERO)
            M = q[n][:, None] * q[:n] * list(map(root, s))
            parts = *moves**2, (q[n] ** 2 * s).sum(), norm(M + M.T) ** 2
            sums = sums + self.shares()[points].sum() * np.array(parts)
        *moved, bend = map(root, [*sums[:n], sums[-1]])
        return safe, moved, 2 * (sums[n] + bend * (root(self.fit.least) + moved[-1]))

    def digest(self, **arrays):
        """SHA-256 of a line NAME SHAPE and the little-endian numbers, row by row, for each."""
        heads = [f"{name} {' '.join(map(str, a.shape))}\n".encode() for name, a in arrays.items()]
        parts = [(a + 0).astype(a.dtype.newbyteorder("<")).tobytes() for a in arrays.values()]
        return hashlib.sha256(b"".join(map(bytes.__add__, heads, parts))).hexdigest()

    def accuracy(self, stated):
        """The fraction of points nearest to the target of their own class, or to it first."""
        gaps = self.lengths - 2 * _times(self.stages[-1].values[0], self.goals.T)
        right = gaps.argmin(axis=1)[self.stages[-1].owner] == self.classes
        return fraction(stated) == fraction(float(right.mean()))

    def near(self, name, stated):
        """A loss in floats is near the exact one, and the one in question within its bounds."""
        exact, low, high = self.loss(name), ZERO, "inf"
        if name == self.stated["loss_name"]:
            low, high = fraction(self.stated["loss_floor"]), self.stated["loss_bound"]
        if stated == "inf":
            return high == "inf" and exact * (1 + fmpq(1, 2**40)) > int(LARGEST)
        value, largest = fraction(stated), self.peaks[-1] + abs(self.goals).max(axis=0)
        room = exact / 2**28 + len(self.goals) * (largest**2).sum() / 2**100 + fmpq(1, 2**1074)
        exact, high = min(exact, int(LARGEST)), int(LARGEST) if high == "inf" else high
        return low <= value <= fraction(high) and abs(value - exact) <= room

    def gradient_norm(self, stated):
        """The norm of the gradient in floats is as near to the exact one as floats allow."""
        value = None if stated == "inf" else fraction(stated)
        seen = zip(self.away, self.peaks, strict=False)  # floats find the same signs
        if value is None or self.cumulative or not all((a > SLACK * p).all() for a, p in seen):
            return None
        return value >= 0 and abs(value - self.gradient[0]) <= self.gradient[1] / 2**22

    def margins(self, stated):
        """The least |pre-activation| of each layer over the norm of (W, b) is at least this."""
        hidden = zip(map(fraction, stated + []), self.norms[:-1], self.gaps, strict=True)
        return all(m == 0 or (m > 0 and n > 0 and m * m * n <= gap**2) for m, n, gap in hidden)

    def distance(self, stated):
        """The exact point exists, and the smallest change that leads to it is within this."""
        verdict, tied = self.stated["verdict"], self.held or self.cell[0] == self.fit.least
        exists = self.fit.least == 0 or (tied and (verdict != MINIMA[0] or not self.gaps))
        square = self.fit.move if stated == "inf" else fraction(stated) * abs(fraction(stated))
        near = stated != "inf" and square <= fraction(self.stated["rtol"]) ** 2 * self.norms[-1]
        return exists and self.fit.move <= square and (near or verdict not in MINIMA)

    def witness(self, stated):
        """The step lowers the loss as stated, and so does the first power of t along the line."""
        (key,) = {"slope", "curvature", "coefficient"} & stated.keys()
        k, curved = {"slope": 1, "curvature": 2}.get(key) or stated["order"], key == "curvature"
        asked = {"direction", "step", "loss", key, *["order"] * (key == "coefficient")}
        if stated.keys() != asked or type(k) is not int or (k < 2 and key != "slope"):
            raise ValueError("the derivative is none of the format")
        D = [layer[part] for layer in stated["direction"] for part in ("weights", "biases")]
        D = [_array("a direction", d, *t.shape) for d, t in zip(D, self.tensors, strict=True)]
        still = not any(d.any() for n, d in zip(self.names, D, strict=True) if n not in self.free)
        t, limit = float(fraction(stated["step"])), fraction(stated[key])
        with np.errstate(all="ignore"):
            after = [tensor + t * move for tensor, move in zip(self.tensors, D, strict=True)]
        loss, floor, line = stated["loss"], self.stated["loss_floor"], _layers(self.tensors, D)
        lower = self.series(_layers(after))[0] <= fraction(loss) < fraction(floor)
        lower = lower and still and (t > 0 or curved)  # the others are one-sided
        if self.cumulative:  # b_L follows by -D c, which floats may miss
            c, D = self.offset[:-1], line[-1][1][:-1]
            lower = lower and (abs(line[-1][1][-1] + c @ D) * 2**40 <= abs(c) @ abs(D)).all()
            line[-1][1] = np.vstack([D, -c @ D])
        if self.stated["proved"] is not True:
            return lower
        terms = self.series(line, min(k, len(self.tensors) + 1))  # no power is higher
        falls = (1 + curved) * terms[-1] <= limit < 0
        falls = falls and (curved or next(filter(None, terms[1:])) < 0)
        norm, size = self.gradient
        small = (2 * fraction(self.stated["gtol"]) + SLACK) * size
        if 0 in self.gaps or self.cumulative:  # instead of a gradient there is a slope
            norm, small = abs(terms[1]), small * root(sum((V**2).sum() for _, V in line))
        return lower and falls and (key == "slope" or norm <= small)

    def verdict(self, stated):
        """What the format says of this verdict, given what was found of distance and witness."""
        if self.stated["proved"] is not True:
            return {"undetermined": True, "saddle": None, "not stationary": None}.get(stated, False)
        if stated in ("not stationary", "saddle"):
            sloped = "slope" in self.stated["witness"]
            return self.found["witness"] and sloped == (stated != "saddle")
        rest = fraction(self.stated["rtol"]) ** 2 * (max(self.lengths) or 1)
        low = self.loss() <= self.fit.least * (1 + fmpq(1, 2**50)) + rest
        minimal = self.held or (0 not in self.gaps and self.cell[0] == self.fit.least)
        return self.found["distance"] and low and stated in MINIMA[: 1 + minimal]

    def radius(self, stated):
        """No activation flips within radius + distance."""
        endless = stated == "inf" and not self.gaps
        r, d = map(fraction, (0, 0) if endless else (stated, self.stated["distance"]))
        return r >= 0 and self.motion(r + d)[0]

    def basin(self, stated, bent=False):
        """Rank, strength, rate and radius obey docs/minima.md, s + motion <= sigma_min included."""
        lam, rate, ball, s = (fraction(stated[k]) for k in ("radius", "rate", "ball", "strength"))
        step, most = map(fraction, (self.stated["step"], stated["curvature"]) if bent else (2, 0))
        d, fit = fraction(self.stated["distance"]), self.fit
        safe, motion, bend = self.motion(ball, d, bent)
        # on the span B of the rows (h, 1) this is: gram - (s + motion)^2 B B' is not negative
        form = fit.gram - (s + motion[-2]) ** 2 * _times(fit.basis, fit.basis.T)
        minors = (fmpq_mat(form[:k, :k].tolist()).det() for k in range(1, fit.rank + 1))
        away = self.motion(lam + d, d)[1][-1]
        stays = min(lam, s) > 0 and rate <= 2 * step * s * s
        stays = stays and lam + d + (1 + bent) * away / s <= ball
        slow = not bent or bend <= most <= 1 / step  # bend is not negative
        whole = self.free == self.names and not self.cumulative and self.found["distance"]
        strong = fit.rank == self.cell[1] and all(minor > 0 for minor in minors)
        return len(stated) == 4 + bent and whole and safe and stays and slow and strong


LATER = {"weight_decay": 0, "step": None, "descent": None}  # what older files do not have
NULLABLE = ("distance", "witness", "radius", "basin", "critical", "step", "descent")
METHODS = ("accuracy", "gradient_norm", "margins", *NULLABLE[:4], "verdict")
CRITICAL = ("distance", "radius", "slack", "verdict")  # not examined of a critical point
# Each field of the format, with what has to hold of it; None: it is not examined.
CLAIMS = {
    "format": lambda c, v: v == "geomcore certificate",
    "version": lambda c, v: repr(v) == "3",
    "network": lambda c, v: v == c.digest(**dict(zip(c.names, c.tensors, strict=True))),
    "data": lambda c, v: v == c.digest(**c.arrays),
    "points": lambda c, v: repr(v) == repr(len(c.X)),
    "widths": lambda c, v: repr(v) == repr([len(c.X[0]), *(V.shape[1] for (V,) in c.layers)]),
    "loss_name": lambda c, v: v in ("mse", "class_weighted"),
    **dict.fromkeys(("weight_decay", "slack"), lambda c, v: fraction(v) == 0),
    "subset": lambda c, v: v is None or c.cumulative or sorted(c.named) == sorted(c.free),
    "proved": lambda c, v: type(v) is bool,
    **dict.fromkeys(("rtol", "gtol"), lambda c, v: 0 <= fraction(v) < 1),
    "loss_bound": lambda c, v: v == "inf" or c.loss() <= fraction(v),
    "loss_floor": lambda c, v: 0 <= fraction(v) <= c.loss(),
    "loss": lambda c, v: c.near("mse", v),
    "class_weighted_loss": lambda c, v: c.near("class_weighted", v),
    "lower_bound": lambda c, v: fraction(v) <= c.least(),
    "gap": lambda c, v: v == "inf" or c.loss() <= c.least() + fraction(v),
    "activation_margin": lambda c, v: repr(v) == repr(min(c.stated["margins"], default="inf")),
    **{key: getattr(Case, key) for key in METHODS},
    "step": lambda c, v: 0 < fraction(v) <= int(LARGEST),
    "descent": lambda c, v: c.basin(v, bent=True),
    **dict.fromkeys(("exact", "smallest_eigenvalue", "checks", "bits", "critical")),
}


def examine(certificate, weights, biases, X, targets, classes, penalised):
    """What `check_certificate` returns; of two layers with decay by `penalised`: a Case, claims."""
    tensors, X = [], _array("X", X, -1, -1)
    if {type(weights), type(biases)} - {list, tuple} or not 0 < len(weights) == len(biases):
        kinds = f"{type(weights).__name__} and {type(biases).__name__}"
        raise ValueError(f"weights and biases must be lists of one length, not 0, got {kinds}")
    for l, (W, b) in enumerate(zip(weights, biases, strict=True)):
        W = _array(f"weights[{l}]", W, -1, len(tensors[-1]) if l else X.shape[1])
        tensors += [W, _array(f"biases[{l}]", b, len(W))]
    targets, classes = _array("targets", targets, -1, len(W)), _array("classes", classes, len(X))
    if not np.array_equal(np.unique(classes), np.arange(len(targets))):
        told = f"got {len(np.unique(classes))} of {len(targets)}"
        raise ValueError(
            f"classes must be 0, ..., Q - 1 and all occur, a row of targets each, {told}"
        )
    stated, findings = {**LATER, **certificate} if type(certificate) is dict else {}, []
    asked = [repr(stated.get(key, 0)) for key in ("loss_name", "weight_decay")]
    decayed = asked[0] == "'mse'" and len(tensors) == 4 and asked[1] not in ("0", "0.0")
    decayed = decayed and type(w := stated["weight_decay"]) in (int, float) and 0 < w <= LARGEST
    kind, claims = penalised if decayed else (Case, CLAIMS)
    other = asked[0] in ("'cross_entropy'", "'bce'") or not (decayed or asked[1] in ("0", "0.0"))
    if other or len(X) * max(map(len, (targets, X[0], *tensors))) > 2**24:
        why = "the loss is not a squared error alone" if other else "too large for exact arithmetic"
        return [Finding(field, None, why) for field in CLAIMS]
    case = kind(stated, tensors, X, targets, classes.astype(np.int64))
    for field in dict.fromkeys((*claims, *stated)):
        other = kind is Case and field in CRITICAL and stated.get("critical") is not None
        claim, holds, detail = None if other else claims.get(field), None, "not examined"
        try:
            if field not in claims or field not in stated:
                holds, detail = False, "missing" if field in claims else "no such field"
            elif field in NULLABLE and stated[field] is None:
                holds, detail = True, "nothing is claimed"
            elif claim and (holds := claim(case, stated[field])) is not None:
                case.found[field] = holds = bool(holds)
                detail = claim.__doc__ or ""
        except Exception as reason:
            holds, detail = False, f"{type(reason).__name__}: {reason}"
        findings.append(Finding(field, holds, case.why.get(field, detail).partition("\n")[0]))
    return findings
