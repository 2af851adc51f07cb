"""An independent check of certificates: from first principles, and in exact arithmetic.

Each stored float is a fraction, and sums, products, signs, ranks and solutions of linear systems of
fractions are exact. Only for square roots and singular values upper bounds (`_root`, `_norm`) enter
each claim, on the unsafe side; floats are guesses for these, and bad ones make a bound worse.
"""

import hashlib
from collections import defaultdict, namedtuple
from functools import cache, cached_property, reduce

import numpy as np
from flint import fmpq, fmpq_mat

ZERO = fmpq(0)
# What was found of a field: `holds` is None if it was not examined; `detail` says more.
Finding = namedtuple("Finding", "field holds detail")
# A layer on data: row owner[i] of `inputs` (x, 1), of `values` W x + b and of `active` is that of
# point i. The first two are lists of coefficients of t^0, t^1, ...; active: positive for small t.
_Stage = namedtuple("_Stage", "owner inputs values active")
# Targets of points that share rows: for each row the sum `mass` of the weights of its points, the
# `moment`, of weights times targets; and `square`, the sum of weights times |target|^2.
_Table = namedtuple("_Table", "mass moment square")
# The least loss over linear maps of rows Z of some `rank`; the squared norm `move` of the smallest
# map that attains it; a basis B of the span of the rows of Z; the `gram` of Z B'.
_Fit = namedtuple("_Fit", "rank least move basis gram")


def _fraction(value):
    """The exact value of a number; nothing else passes, nor nan, nor an infinity."""
    if type(value) is int or (type(value) is float and np.isfinite(value)):
        return fmpq(*value.as_integer_ratio())
    raise ValueError(f"{str(value)[:40]!r} stands where a finite number belongs")


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
    """An upper bound of the largest singular value of A.

    With any V and S = (A V)'(A V), T = V'V: if |T - 1| < 1 in the row-sum norm, V is invertible,
    and |A V u|^2 / |V u|^2 = u'S u / u'T u <= |S| / (1 - |T - 1|). V: the right singular vectors
    in floating point, for which S and T are nearly diagonal. Without them, the Frobenius norm.
    """
    A, largest = A.T if A.shape[1] > A.shape[0] else A, abs(A).max() or 1
    hint = np.reshape([int(a.p) / int(a.q) for a in (A / largest).flat], A.shape)
    V = _exact(np.linalg.svd(hint)[2].T)
    AV, T = _times(A, V), _times(V.T, V) - _exact(np.eye(len(V)))
    s, t = (abs(B).sum(axis=1).max() for B in (_times(AV.T, AV), T))
    return _root(min([(A * A).sum(), *([s / (1 - t)] if t < 1 else [])]))


def _follow(layers, X, order=0):
    """Layers (W, b) + t (V, c) on points, exactly, for small t > 0; each is a list of matrices.

    Before each ReLU everything is a polynomial in t, whose first coefficient that is not zero has
    the sign that it has for small t > 0; what is zero up to t^order adds nothing to the powers
    that are kept. Order 0 is the forward pass. Equal rows are kept once.
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

    D has a part in the span of the rows of Z, and one orthogonal to it, which changes nothing and
    is 0 in the smallest D: D = B'z with independent rows B that span it. The columns of Z B' are
    independent, so there is one z. For positive weights M, the rows of Z'MZ span the same.
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
        self.arrays = {"X": X, "Y": targets[classes], "classes": classes}
        self.names = [f"{kind}{l}" for l in range(1, len(tensors) // 2 + 1) for kind in "Wb"]
        self.cumulative = subset == ["cumulative"]
        named = subset if isinstance(subset, list) and subset else self.names
        moving = [name for name in self.names if name in named]
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
        mass, square = weights.sum(axis=1), (weights * self.lengths).sum()
        return _Table(mass, _times(weights, self.goals), square)

    def loss(self, name=None, layers=None, order=0):
        """The exact loss; or, of layers that move along a line, its coefficient of t^order."""
        last = (_follow(layers, self.X, order) if layers else self.stages)[-1]
        return _loss(self.table(last.owner, name=name), last.values, order)

    @cached_property
    def cell(self):
        """A lower bound of the loss while no activation flips, and how many outputs are free then.

        Points of one pattern have outputs that are one affine map of x; points at which a layer is
        dead (all units off) have one output, with all that are dead there last. All other ties are
        dropped: the best affine map, or constant, for each of these groups.
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

        Rows (h, 1) of last hidden outputs, projected on the changes of (W_L, b_L) that are allowed:
        on the free columns, or (cumulative) off (c, 1), to which all (D, -D c) are orthogonal.
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

        For parameters that move by r; the last layer may be another one, at a distance. In a
        pattern s_j = |x|^2 + 1, x the longest moved input; moved^2 = r^2 sum_j |D_l P_lj|^2 s_j;
        no unit flips if |a_lk|^2 > r^2 sum_j |P_lj[k]|^2 s_j.
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
        parts = []
        for name, array in arrays.items():
            numbers = (array + 0).astype(array.dtype.newbyteorder("<")).tobytes()
            parts.append(f"{name} {' '.join(map(str, array.shape))}\n".encode() + numbers)
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def accuracy(self, stated):
        """The fraction of points nearest to the target of their own class, or to it first."""
        gaps = self.lengths - 2 * _times(self.stages[-1].values[0], self.goals.T)
        nearest = np.array([row.index(min(row)) for row in gaps.tolist()])
        right = nearest[self.stages[-1].owner] == self.classes
        return _fraction(stated) == _fraction(float(right.mean()))

    def near(self, name, stated):
        """A loss in floats is within its bounds; the other as near to the exact one as they are."""
        if self.stated["loss_bound"] == "inf":
            return None
        low, high = (_fraction(self.stated[key]) for key in ("loss_floor", "loss_bound"))
        if name != self.stated["loss_name"]:
            slack = len(self.X) * (high - low) + self.loss(name) / 2**40
            low, high = self.loss(name) - slack, self.loss(name) + slack
        return low <= _fraction(stated) <= high

    def margins(self, stated):
        """The least |pre-activation| of each layer over the norm of (W, b) is at least this."""
        hidden = zip(map(_fraction, stated + []), self.norms[:-1], self.gaps, strict=True)
        return all(m == 0 or (m > 0 and n > 0 and m * m * n <= gap**2) for m, n, gap in hidden)

    def distance(self, stated):
        """The exact point exists, and the smallest change that leads to it is within this."""
        verdict, tied = self.stated["verdict"], self.held or self.cell[0] == self.fit.least
        exists = self.fit.least == 0 or (verdict != "global minimum" and tied)
        square = self.fit.move if stated == "inf" else _fraction(stated) * abs(_fraction(stated))
        near = square <= _fraction(self.stated["rtol"]) ** 2 * self.norms[-1]
        return exists and self.fit.move <= square and (near or not verdict.endswith("minimum"))

    def witness(self, stated):
        """The step lowers the loss as stated, and so does the first power of t along the line."""
        D = [np.asarray(pair[key]) for pair in stated["direction"] for key in ("weights", "biases")]
        kinds = [(d.shape, d.dtype.kind in "if") for d in D]
        held = [d for name, d in zip(self.names, D, strict=False) if name not in self.free]
        if kinds != [(t.shape, True) for t in self.tensors] or any(d.any() for d in held):
            raise ValueError("the direction does not fit the network, or moves what is held")
        D, t = [np.asarray(move, dtype=float) for move in D], float(_fraction(stated["step"]))
        with np.errstate(all="ignore"):
            after = [tensor + t * move for tensor, move in zip(self.tensors, D, strict=True)]
        loss, floor = _fraction(stated["loss"]), _fraction(self.stated["loss_floor"])
        lower = self.loss(layers=_layers(after)) <= loss < floor
        if self.stated["proved"] is not True:
            return lower
        orders = {"slope": (1, 1), "curvature": (2, 2), "coefficient": (1, stated.get("order"))}
        ((key, (factor, k)),) = (item for item in orders.items() if item[0] in stated)
        line, limit = _layers(self.tensors, D), _fraction(stated[key])
        if self.cumulative:  # b_L follows by -D c, which floats may miss
            c, D = self.offset[:-1], line[-1][1][:-1]
            rest = abs(line[-1][1][-1] + c @ D)
            lower = lower and (rest * 2**40 <= abs(c) @ abs(D)).all()
            line[-1][1] = np.vstack([D, -c @ D])
        term = self.loss(layers=line, order=min(k, len(self.tensors) + 1))  # no power is higher
        return lower and factor * term <= limit < 0

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
        return self.found["distance"] and low and (minimal or stated == "global minimum")

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
        stays = min(lam, s) > 0 and rate <= 4 * s * s and lam + d + away / s <= ball
        whole = self.stated["subset"] is None and self.found["distance"] and safe and stays
        return whole and fit.rank == self.cell[1] and all(minor > 0 for minor in minors)


NULLABLE = ("distance", "witness", "radius", "basin")
CLAIMS = {
    "format": lambda c, v: v == "geomcore certificate",
    "version": lambda c, v: v == 2,
    "network": lambda c, v: v == c.digest(**dict(zip(c.names, c.tensors, strict=True))),
    "data": lambda c, v: v == c.digest(**c.arrays),
    "points": lambda c, v: _fraction(v) == len(c.X),
    "widths": lambda c, v: v == [len(c.X[0]), *(V.shape[1] for (V,) in c.layers)],
    "loss_name": lambda c, v: v in ("mse", "class_weighted"),
    "subset": lambda c, v: v is None or c.cumulative or sorted(v) == sorted(c.free),
    "proved": lambda c, v: type(v) is bool,
    "rtol": lambda c, v: _fraction(v) >= 0,
    "loss_bound": lambda c, v: v == "inf" or c.loss() <= _fraction(v),
    "loss_floor": lambda c, v: _fraction(v) <= c.loss(),
    "loss": lambda c, v: c.near("mse", v),
    "class_weighted_loss": lambda c, v: c.near("class_weighted", v),
    "lower_bound": lambda c, v: _fraction(v) <= (c.fit.least if c.held else c.cell[0]),
    "activation_margin": lambda c, v: repr(v) == repr(min(c.stated["margins"], default="inf")),
    **{key: getattr(_Case, key) for key in ("accuracy", "margins", *NULLABLE, "verdict")},
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
        If network and data do not fit together, or a number is nan or inf.
    """
    tensors = [np.asarray(t, float) for pair in zip(weights, biases, strict=True) for t in pair]
    X, targets, classes = np.asarray(X, float), np.asarray(targets, float), np.asarray(classes)
    widths = [X.shape[-1], *map(len, tensors[1::2])]
    shapes = [array.shape for array in (*tensors[::2], targets, classes)]
    asked = [*zip(widths[1:], widths, strict=False), (len(targets), widths[-1]), X.shape[:1]]
    fits = (
        shapes == asked and X.ndim == 2 and X.size and np.isin(classes, range(len(targets))).all()
    )
    if not fits or not all(np.isfinite(array).all() for array in (*tensors, X, targets)):
        raise ValueError("weights, biases, X, targets and classes must fit together and be finite")
    if len(X) * max(len(targets), *widths) > 2**24:
        return [Finding(field, None, "too large for exact arithmetic") for field in CLAIMS]
    stated, findings = certificate if isinstance(certificate, dict) else {}, []
    case = _Case(stated, tensors, X, targets, classes.astype(np.int64))
    for field in dict.fromkeys((*CLAIMS, *stated)):
        claim, holds, detail = CLAIMS.get(field), None, "not examined"
        try:
            if claim and field in NULLABLE and stated[field] is None:
                holds, detail = True, "nothing is claimed"
            elif claim and (holds := claim(case, stated[field])) is not None:
                case.found[field] = holds = bool(holds)
                detail = claim.__doc__ or ""
        except Exception as reason:
            holds, detail = False, f"{type(reason).__name__}: {reason}"
        findings.append(Finding(field, holds, detail.partition("\n")[0]))
    return findings
