"""What a certificate says of a minimum, its distance, cell and basin, held against rationals.

Each function takes a `judge.Trial` and yields pairs of a kind and a detail for what is wrong.
"""

import itertools
import math

import rational
from flint import fmpq
from rational import ZERO

PERTURBATIONS = 20


def exact_point(trial):
    """The point at `distance` exists, whatever the verdict, and is no further away."""
    stated, fit = trial.found.distance, trial.fit
    if stated is None or trial.found.critical is not None:
        return
    if not (trial.in_last or fit.loss in (0, trial.bound)):
        yield "distance: no such point", f"the least loss is {rational.shown(fit.loss)}"
    if not rational.length_at_most(fit.squared, stated):
        need = rational.root_below(fit.squared)
        far = rational.degree(stated, need)
        yield "distance" + far, f"{stated!r}, but {rational.shown(need)} is needed"


def minimum(trial):
    found = trial.found
    name = found.verdict
    if found.critical is not None:
        yield from critical(trial)
        return
    if found.distance is None or not found.proved:
        yield f"{name}: no distance", "or not proved"
        return
    reach = trial.rtol**2 * rational.squares(trial.layers[-1:])
    if not (math.isfinite(found.distance) and rational.rational(found.distance) ** 2 <= reach):
        yield f"{name}: far", f"{found.distance!r} is more than rtol times the last layer"
    least = ZERO
    # of one affine layer the loss is convex: the least one in its tensors is as low as it gets
    if name == "global minimum" and len(trial.layers) > 1:
        if trial.fit.loss != 0:
            yield (
                f"{name}: false",
                f"the least loss in its tensors is {rational.shown(trial.fit.loss)}",
            )
    else:
        least = trial.fit.loss if trial.in_last else trial.bound
        if not trial.in_last:
            yield from cell_condition(trial)
        yield from neighbours(trial)
    slack = trial.rtol**2 * trial.longest
    if trial.loss > least * (1 + 4 * rational.rational(2.0**-52)) + slack:
        yield (
            f"{name}: loss",
            f"{rational.shown(trial.loss)} stored, {rational.shown(least)} at the minimum",
        )


def critical(trial):
    """Networks near the stored one are no better, but for what it may be above the exact point."""
    found, name, one = trial.found, trial.found.verdict, 1 + 4 * rational.rational(2.0**-52)
    apart = trial.kinks == 0 or name == "global minimum"  # than which none is lower at all
    if not found.proved or not (apart or found.critical["kinks"] or not found.slack):
        yield "critical", "not proved, or with a slack on a kink"
    if found.lower_bound and rational.rational(found.lower_bound) > trial.bound:
        yield "lower_bound: critical", f"{found.lower_bound!r}"
    room = trial.rtol**2 * trial.longest
    for count in range(PERTURBATIONS):
        way = rational.scaled(random_direction(trial), fmpq(1, 2 ** (10 + 8 * (count % 5))))
        other = rational.moved(trial.layers, way)
        pre = rational.forward(other, trial.X)
        if found.slack and rational.pattern(pre) != rational.pattern(trial.pre):
            continue
        loss = rational.loss_of(pre[-1], trial.Y, trial.shares)
        if loss * one + room < trial.loss:
            size = rational.shown(rational.root_below(rational.squares(way)))
            yield f"{found.verdict} next to it: false", f"a change of {size} lowers the loss"
            return


def cell_condition(trial):
    """What the theorem of docs/minima.md supposes; a loss of zero needs none of it."""
    if trial.fit.loss != trial.bound:
        fit, bound = rational.shown(trial.fit.loss), rational.shown(trial.bound)
        yield "local minimum: false", f"{fit} is reached, the cell has the bound {bound}"
    if trial.kinks and trial.fit.loss:
        yield "local minimum: on a kink", f"{trial.kinks} pre-activations are zero"


def neighbours(trial):
    """Networks near the exact point, in the tensors that may move, are no better."""
    radius = trial.found.radius
    here = rational.pattern(trial.pre)
    for count in range(PERTURBATIONS):
        way = random_direction(trial)
        if radius is not None and math.isfinite(radius):
            way = fitted(trial, way, rational.rational(radius) / 4 ** (count % 5))
        else:
            way = rational.scaled(way, fmpq(1, 2 ** (5 + 5 * (count % 5))))
        other = rational.moved(trial.best, way)
        for _ in range(60):  # without a radius: back into the cell
            pre = rational.forward(other, trial.X)
            if radius is not None or trial.in_last or rational.pattern(pre) == here:
                break
            way = rational.scaled(way, fmpq(1, 1024))
            other = rational.moved(trial.best, way)
        else:
            continue
        loss = rational.loss_of(pre[-1], trial.Y, trial.shares)
        if loss < trial.fit.loss:
            size = rational.shown(rational.root_below(rational.squares(way)))
            yield "local minimum: false", f"a change of {size} lowers the loss"
            return


def random_direction(trial):
    """A direction in the tensors that may move, of about their size."""
    rng, way = trial.rng, []
    for l, A in enumerate(trial.layers):
        m, n = A.nrows(), A.ncols()
        D = rng.normal(size=(m, n)) * (rng.random((m, n)) < rng.choice([0.3, 1.0]))
        D[:, :-1] *= trial.free[2 * l]
        D[:, -1] *= trial.free[2 * l + 1]
        D = rational.matrix(D)
        size = max([abs(v) for v in A.entries()])
        way.append(D * (size if size and rng.random() < 0.7 else fmpq(1)))
    if trial.cumulative:
        way[-1] = rational.with_held_bias(trial.layers, way[-1])
    return way


def fitted(trial, way, size):
    """The direction with Euclidean length just at most `size`."""
    length = rational.root_below(rational.squares(way))
    return rational.scaled(way, size / length * (1 - fmpq(1, 10**15))) if length else way


# The cell around a minimum


def cell(trial):
    found = trial.found
    if found.radius is None:
        if found.basin is not None:
            yield "basin", "without a radius"
        return
    if trial.cumulative or not all(trial.free):
        yield "radius: subset", "given for a minimum in some tensors"
    if len(trial.layers) == 1:
        if found.radius != math.inf:
            yield "radius", f"{found.radius!r} without hidden layers"
        return
    if trial.kinks and found.radius > 0:
        yield "radius", f"{found.radius!r} on a kink"
    distance = found.distance or 0.0  # with a slack there is none
    far = rational.rational(distance) if math.isfinite(distance) else ZERO
    yield from no_flip(trial, "radius", rational.rational(found.radius), far)
    if found.basin is not None:
        yield from basin(trial, far)


def no_flip(trial, name, radius, far=ZERO):
    """Look for an activation that flips within a radius."""
    for reach, what in ((radius, name), (radius + far, f"{name} + distance")):
        if not reach > 0:
            continue
        for way in worst_ways(trial, reach):
            if rational.squares(way) > reach**2:
                raise AssertionError("the attack went too far")
            pre = rational.forward(rational.moved(trial.layers, way), trial.X)
            if rational.pattern(pre) != rational.pattern(trial.pre):
                yield name, f"within {what}, {rational.shown(reach)}, an activation flips"
                return


def worst_ways(trial, reach):
    """Directions of a length towards the nearest kinks, refined along the way; random ones."""
    near = []
    for i, row in enumerate(trial.X.tolist()):
        x = rational.fmpq_mat([row])
        for l, k in itertools.chain.from_iterable(
            [(l, k) for k in range(A.nrows())] for l, A in enumerate(trial.layers[:-1])
        ):
            way = rational.unit_gradient(trial.layers, x, l, k)
            value = trial.pre[l][i, k]
            near.append((value**2 / rational.squares(way), len(near), x, l, k, value))
    for _, _, x, l, k, value in sorted(near, key=lambda t: t[:2])[:3]:
        step = [0 * A for A in trial.layers]
        for _ in range(3):
            way = rational.unit_gradient(rational.moved(trial.layers, step), x, l, k)
            step = fitted(trial, way, -reach if value > 0 else reach)
            step = [
                rational.fmpq_mat(D.nrows(), D.ncols(), [rational.cut(v) for v in D.entries()])
                for D in step
            ]
            yield step
    for _ in range(3):
        yield fitted(trial, random_direction(trial), reach)


def basin(trial, far):
    """The inequalities behind the basin of return, at random points of the two balls."""
    radius, rate, ball, s = (
        rational.rational(trial.found.basin[k]) for k in ("radius", "rate", "ball", "strength")
    )
    if not (radius > 0 and s > 0 and rate <= 4 * s**2 * (1 + fmpq(1, 10**15))):
        yield "basin", "a sign, or the rate, is wrong"
    yield from no_flip(trial, "basin: ball", ball)
    for count in range(6):
        size = fmpq(1, 4 ** (count // 2))
        other = rational.moved(trial.layers, fitted(trial, random_direction(trial), ball * size))
        above = rational.loss(other, trial.X, trial.Y, trial.shares) - trial.bound
        steep = rational.squares(rational.gradient(other, trial.X, trial.Y, trial.shares))
        if steep < rate * above:
            yield (
                "basin: rate",
                f"|gradient|^2 is {rational.shown(steep)}, {rational.shown(rate * above)} stated",
            )
        other = rational.moved(trial.best, fitted(trial, random_direction(trial), radius * size))
        above = rational.loss(other, trial.X, trial.Y, trial.shares) - trial.bound
        left = ball - radius - far
        if left < 0 or above > (s * left) ** 2:
            yield "basin: radius", f"the flow may be longer than {rational.shown(left)}"
