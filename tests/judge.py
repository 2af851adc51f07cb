"""Everything that a certificate says, held against rational arithmetic.

`attack` lets `verify` loose on a hostile case and tells what is wrong with the answer: pairs of
a kind, the same for one sort of lie, and a detail. None of the numbers comes from our code.
"""

import hashlib
import math
import warnings

import hostile
import judge_checker
import judge_minima
import numpy as np
import rational
from flint import fmpq
from rational import ZERO

from constructions import Certificate, recheck, verify
from geomcore import ReLUNetwork

DEFAULT_RTOL = 1e-8
RECHECKED = 0.1  # share of the trials
FLOATS = ("loss", "class_weighted_loss", "loss_bound", "loss_floor", "lower_bound", "accuracy",
          "gradient_norm", "activation_margin")  # fmt: skip


def attack(case, *, seed=0):
    """The certificate of a case, and what is wrong with it.

    Returns
    -------
    (Certificate or None, list of (kind, detail))
        None if there is none; the list is empty if nothing is wrong.
    """
    net, X, y, options = arguments(case)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            found = verify(net, X, y, **options)
        except Exception as error:  # whatever it is, the case was a proper one
            return None, [(f"exception: {type(error).__name__}", str(error)[:200])]
        text = found.to_json()
    warned = {(f"warning: {w.category.__name__}", str(w.message)[:80]) for w in heard}
    wrong = sorted(warned)
    if Certificate.from_json(text) != found:
        wrong.append(("JSON", "the certificate does not survive it"))
    wrong += Trial(case, found, seed).failures()
    rng = np.random.default_rng(seed)
    if rng.random() < RECHECKED:
        checks = recheck(Certificate.from_json(text), net, X, y, targets=case.targets)
        wrong += [(f"recheck: {c.name}", c.detail) for c in checks if c.passed is False]
    wrong += judge_checker.disagreements(Trial, case, found, rng)
    return found, wrong


def arguments(case):
    """Network, points, labels and options of `verify`."""
    net = ReLUNetwork(case.weights, case.biases)
    X, y = np.concatenate([case.X] * case.copies), np.concatenate([case.y] * case.copies)
    return net, X, y, {"targets": case.targets, **case.options}


class Trial:
    """A case in rationals, with the certificate that it got."""

    def __init__(self, case, found, seed):
        self.case, self.found = case, found
        self.rng = np.random.default_rng(seed)
        self.layers = rational.layers_of(case.weights, case.biases)
        self.X = rational.matrix(case.X)
        self.index, self.targets, self.Y = hostile.exact_class(case)
        self.loss_name = case.options["loss"]
        self.shares = hostile.exact_shares(self.index, self.loss_name)
        self.pre = rational.forward(self.layers, self.X)
        self.loss = rational.loss_of(self.pre[-1], self.Y, self.shares)
        self.subset = case.options["subset"]
        self.cumulative = self.subset == "cumulative"
        L = len(self.layers)
        names = [f"{letter}{l + 1}" for l in range(L) for letter in "Wb"]
        subset = self.subset
        if isinstance(subset, str):
            subset = names[-2:] if subset in ("last", "cumulative") else [subset]
        self.free = [subset is None or name in subset for name in names]
        self.in_last = not any(self.free[:-2])
        self.bound, self.rank = rational.cell_bound(self.X, self.Y, self.shares, self.pre)
        self.best, self.fit = rational.best_last_layer(
            self.layers, self.X, self.Y, self.shares,
            weight=self.free[-2], bias=self.free[-1], cumulative=self.cumulative,
        )  # fmt: skip
        self.kinks = sum(v == 0 for z in self.pre[:-1] for v in z.entries())
        self.longest = max(rational.errors(self.targets, 0 * self.targets)) or fmpq(1)
        self.rtol = rational.rational(case.options.get("rtol", DEFAULT_RTOL))

    def failures(self):
        """Pairs (kind, detail) of everything that is wrong."""
        found = self.found
        yield from numbers(self)
        yield from judge_minima.exact_point(self)
        if found.verdict in ("global minimum", "local minimum"):
            yield from judge_minima.minimum(self)
            yield from judge_minima.cell(self)
        elif found.radius is not None or found.basin is not None:
            yield "radius", "given for no minimum"
        if found.verdict in ("saddle", "not stationary"):
            yield from refutation(self)
        if found.verdict == "undetermined" and (found.proved or found.witness is not None):
            yield "undetermined", "proved, or with a witness"


# Numbers that every certificate has


def numbers(trial):
    found = trial.found
    for name in FLOATS:
        if math.isnan(getattr(found, name)):
            yield f"{name}: nan", ""
    if not rational.at_most(found.loss_floor, trial.loss):
        yield (
            "loss_floor" + rational.degree(found.loss_floor, trial.loss),
            f"{found.loss_floor!r}, exactly {rational.shown(trial.loss)}",
        )
    if not rational.at_most(trial.loss, found.loss_bound):
        yield (
            "loss_bound" + rational.degree(found.loss_bound, trial.loss),
            f"{found.loss_bound!r}, exactly {rational.shown(trial.loss)}",
        )
    named = found.loss if trial.loss_name == "mse" else found.class_weighted_loss
    if not (found.loss_floor <= named <= found.loss_bound):
        far = rational.degree(named, trial.loss)
        yield "loss" + far, f"{named!r} is not in [{found.loss_floor!r}, {found.loss_bound!r}]"
    least = trial.fit.loss if trial.in_last else trial.bound
    if not rational.at_most(found.lower_bound, least):
        far = rational.degree(found.lower_bound, least)
        yield "lower_bound" + far, f"{found.lower_bound!r}, but {rational.shown(least)} is possible"
    if not rational.at_most(found.lower_bound, trial.loss):
        far = rational.degree(found.lower_bound, trial.loss)
        yield (
            "lower_bound" + far,
            f"{found.lower_bound!r}, above the loss {rational.shown(trial.loss)}",
        )
    accuracy = rational.accuracy(trial.pre[-1], trial.index, trial.targets)
    if abs(found.accuracy - int(accuracy.p) / int(accuracy.q)) > 1e-15:
        yield "accuracy", f"{found.accuracy!r}, exactly {accuracy}"
    if len(found.margins) != len(trial.layers) - 1:
        yield "margins", f"{len(found.margins)} of them"
    for l, margin in enumerate(found.margins):
        least = min(abs(v) for v in trial.pre[l].entries())
        norm = rational.squares([trial.layers[l]])
        if math.isfinite(margin) and margin >= 0:
            square = rational.rational(margin) ** 2 * norm
            if square > least**2:
                text = f"{margin!r} at layer {l + 1}, but the least is {rational.shown(least)}"
                yield "margins" + rational.degree(square, least**2), text
        else:
            yield "margins", f"{margin!r} at layer {l + 1}"
    if found.activation_margin != min(found.margins, default=math.inf):
        yield "activation_margin", repr(found.activation_margin)
    rows = len(trial.case.X) * trial.case.copies
    widths = (trial.layers[0].ncols() - 1, *(A.nrows() for A in trial.layers))
    if (found.points, tuple(found.widths)) != (rows, widths):
        yield "size", f"{found.points} points, widths {found.widths}"
    if found.loss_name != trial.loss_name:
        yield "loss_name", found.loss_name
    for name, digest in zip(("network", "data"), digests(trial), strict=True):
        if getattr(found, name) != digest:
            yield "digest", name


def digests(trial):
    """SHA-256 of the network and of the data, as the format asks for."""
    case = trial.case
    pairs = zip(case.weights, case.biases, strict=True)
    network = []
    for l, (W, b) in enumerate(pairs, start=1):
        network += [(f"W{l}", W), (f"b{l}", b)]
    targets = np.array([[int(v.p) / int(v.q) for v in row] for row in trial.Y.tolist()])
    data = [("X", case.X), ("Y", targets), ("classes", np.array(trial.index, dtype="<i8"))]
    data = [(name, np.concatenate([array] * case.copies)) for name, array in data]
    for arrays in (network, data):
        found = hashlib.sha256()
        for name, array in arrays:
            found.update(f"{name} {' '.join(map(str, array.shape))}\n".encode())
            kind = "<f8" if array.dtype.kind == "f" else "<i8"
            found.update(np.ascontiguousarray(array + 0, dtype=kind).tobytes())
        yield found.hexdigest()


# Refutations


def refutation(trial):
    found, verdict = trial.found, trial.found.verdict
    if found.witness is None:
        yield f"{verdict}: no witness", f"proved: {found.proved}"
        return
    parts, step = found.witness["direction"], found.witness["step"]
    W, b = [np.array(p["weights"]) for p in parts], [np.array(p["biases"]) for p in parts]
    way = rational.layers_of(W, b)
    yield from within_subset(trial, way)
    with np.errstate(all="ignore"):
        pairs = zip([*trial.case.weights, *trial.case.biases], [*W, *b], strict=True)
        there = [T + step * D for T, D in pairs]
    if not all(np.isfinite(t).all() for t in there):
        yield "witness: overflow", ""
        return
    L = len(W)
    other = rational.layers_of(there[:L], there[L:])
    after = rational.loss(other, trial.X, trial.Y, trial.shares)
    if not after < trial.loss:
        yield "witness: no descent", f"from {rational.shown(trial.loss)} to {rational.shown(after)}"
    if not rational.at_most(after, found.witness["loss"]):
        far = rational.degree(found.witness["loss"], after)
        yield "witness: loss" + far, f"{found.witness['loss']!r}, exactly {rational.shown(after)}"
    if not found.witness["loss"] < found.loss_floor:
        far = rational.degree(found.witness["loss"], found.loss_floor)
        yield "witness: floor" + far, f"{found.witness['loss']!r}, floor {found.loss_floor!r}"
    yield from derivative(trial, way)


def within_subset(trial, way):
    """The direction moves only what may move."""
    for l, D in enumerate(way):
        rows = D.tolist()
        weights, biases = [v for row in rows for v in row[:-1]], [row[-1] for row in rows]
        for values, free in ((weights, trial.free[2 * l]), (biases, trial.free[2 * l + 1])):
            if not free and any(v != 0 for v in values):
                yield "witness: subset", f"layer {l + 1} moves"
    if trial.cumulative:
        c = rational.cumulative_bias(trial.layers)
        for *row, bias in way[-1].tolist():
            terms = [u * v for u, v in zip(row, c, strict=True)]
            if abs(bias + sum(terms, ZERO)) > sum((abs(t) for t in terms), ZERO) / 2**40:
                yield "witness: subset", "the cumulative bias moves"


def derivative(trial, way):
    """The sign of the first, second or higher derivative that the verdict rests on."""
    found, witness = trial.found, trial.found.witness
    sure = "proved" if found.proved else "not proved"
    name = f"{found.verdict} ({sure})"
    if trial.cumulative:  # the direction holds the doubles nearest to how the bias follows
        way = [*way[:-1], rational.with_held_bias(trial.layers, way[-1])]
    line = rational.series(trial.layers, way, trial.X, trial.Y, trial.shares)
    if "slope" in witness or found.verdict == "not stationary":
        slope = rational.slope(trial.layers, way, trial.X, trial.Y, trial.shares)
        assert slope == line[1]
        if not slope < 0:
            yield f"{name}: false", f"the slope is {rational.shown(slope)}"
        order, stated, exact = 1, witness.get("slope"), slope
    elif "curvature" in witness:
        order, stated, exact = 2, witness["curvature"], 2 * line[2]
    else:
        order, stated = int(witness["order"]), witness["coefficient"]
        exact = line[order] if order < len(line) else ZERO
    if stated is None:
        yield f"{name}: no derivative", str(sorted(witness))
    elif not exact < 0 or not stated < 0:
        yield f"{name}: false", f"derivative {order}: {rational.shown(exact)}, stated {stated!r}"
    elif found.proved and not rational.at_most(exact, stated):
        yield (
            f"{name}: derivative" + rational.degree(stated, exact),
            f"{rational.shown(exact)}, bound {stated!r}",
        )
