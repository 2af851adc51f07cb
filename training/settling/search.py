"""The order of attempts: descents, what they end at, and when to give up."""

import time
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np

from constructions.critical.kinks import candidates
from training.settling.bfgs import bfgs
from training.settling.face import WEAK, lower_than_saddle, without_weak_kinks
from training.settling.fitted import on_fits
from training.settling.models import walked
from training.settling.newton import CONVERGED, SIGN, finished, flipped, polished, solved
from training.settling.problem import balanced, without_idle_units
from training.settling.settled import CRITICAL, RUNAWAY, SEPARATED
from training.settling.waking import woken, woken_at_end

ROUNDS = 30
ITERATIONS = 20_000, 4000  # of BFGS, in the first round and in later ones
FEW = 300  # of BFGS with many parameters, where steps by models bring more for their time
STRETCH, PART = 1000, 0.9  # so many, in which the loss falls to this part, or BFGS ends
OFTEN = 20  # steps of BFGS between two looks whether it runs to infinity
STEPS = 100  # by models, in a round
SHAKEN = 250, 40  # of BFGS and by models, after a shake
SHARE = 0.5  # of the time that is left: a descent
NOISE = 1e-5  # of the norm of the parameters: how far a descent that has stuck is moved
CHANGES = 8  # of the kinks that a descent has ended on
ZERO = 1e-8  # a loss, in the units of the problem, on the way to zero; BFGS keeps off kinks there
MOST_AGAIN = 100  # parameters for which BFGS may be long, if nothing else has helped
MOST_GUESSED = 500  # parameters for which more is tried: BFGS once more, other sets of kinks
VANISHING = 1e-16  # a loss whose slope is no evidence, since it is small wherever the loss is
PATIENCE = 4  # rounds that must tell so before it is said
GROWTH = 1.005  # of the norm in a round, where it runs to infinity
OF_USE = 0.1  # of what the steps by models bring after it: BFGS
SLOW = 1e-3  # of the loss in a round: BFGS goes on, from parameters near by
FALL = 1e-4  # of the loss in a round: less than that and it has nearly stopped to fall
STALLED = 1e-5  # of the loss in a round: what goes on so does so for minutes, to nothing
STOPPED = 1e-12  # of the loss in a round: rounding
FAR = 1.5  # how much the norm has grown where a descent that started at infinity has stuck
ON = 1e-12  # of a kink, in the same units: on it
NEAR = 1e-8  # of a kink, relative to the size of a unit and its input: in the way of a proof
CLEAR = 1e-5  # what outputs that are fitted exactly can keep off
MOST_NEAR = 30
SHAKES = (1e-3, 1e-4, 1e-2, 1e-1, 1e-2, 1e-1)  # of the norm of the parameters


class Clock:
    """The time that is left, which ends what has not ended by itself."""

    def __init__(self, seconds, told=None):
        self.seconds, self.end = seconds, time.monotonic() + seconds
        self.told = (lambda text: None) if told is None else told

    def is_over(self, *_):
        return time.monotonic() > self.end

    def part(self, share):
        """A clock for a part of the time that is left."""
        return Clock(share * max(self.end - time.monotonic(), 0.0))


def critical_near(problem, theta, clock):
    """Descend to a critical point.

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (P,)
    clock : Clock

    Returns
    -------
    (Critical or None, ndarray, str)
        The point; parameters, whose loss is not above that of the given ones; and why it ended.
    """
    if problem.is_constant:  # with decay it is least at zero, and without every point is critical
        theta = np.zeros_like(theta) if problem.decay else theta
        return finished(problem, theta, [], np.zeros(0), problem.masks(theta)), theta, CRITICAL
    first = _attempt(problem, theta, clock, PART)
    if first[0] is not None or len(theta) > MOST_AGAIN or clock.is_over():
        return first
    second = _attempt(problem, theta, clock, 1.0)
    found = second[0] is not None or problem.loss(second[1]) < problem.loss(first[1])
    return second if found else first


def _attempt(problem, theta, clock, part):
    """As `critical_near`; BFGS ends where it leaves more than a part of the loss."""
    rng, walk, theta = np.random.default_rng(0), None, without_idle_units(problem, theta)
    track, is_of_use = [(problem.loss(theta), np.linalg.norm(theta))], True
    for round in range(ROUNDS):
        if problem.is_separated(theta):
            return None, theta, SEPARATED
        clock.told(f"settling, round {round + 1}, loss {problem.full_loss(theta):.6g}")
        is_slow = len(theta) <= MOST_GUESSED and min(_falls(track), default=1) < SLOW
        descends = not round or (walk and walk.has_ended) or (is_slow and is_of_use)
        if descends:
            theta = _descended(problem, theta, rng, round, clock.part(SHARE), part)
            kinks = []
        between = problem.loss(theta)
        theta = without_idle_units(problem, theta)
        point = _on_fits(problem, theta)
        if point is None and (round or problem.loss(theta) > ZERO):
            walk = walked(problem, theta, kinks, steps=STEPS, stop=clock.is_over)
            walk = _at_rest(problem, walk)
            theta, kinks = walk.theta, walk.kinks
            point = _on_fits(problem, theta)
            if point is None and walk.has_ended:
                lower = woken_at_end(problem, walk, near_pairs(problem, theta, NEAR))
                if lower is not None:
                    theta, track = balanced(problem.widths, lower, rounded=False), []
                else:
                    point = _at_end(problem, walk, clock) or _guessed(problem, theta, clock)
        if point is not None:
            lower = None if point.is_fitted else lower_than_saddle(problem, point)
            if lower is None:
                lower = woken(problem, point)
            if lower is None:
                point = _without_weak_kinks(problem, point, rng, clock)
                return point, point.theta, CRITICAL
            theta = balanced(problem.widths, lower, rounded=False)
            track = []
        if descends and track:  # BFGS that brings far less than the models is not asked again
            is_of_use = track[-1][0] - between > OF_USE * (between - problem.loss(theta))
        track.append((problem.loss(theta), np.linalg.norm(theta)))
        if clock.is_over():
            return None, theta, f"no critical point found in {clock.seconds:g} seconds"
        if _is_stuck(track):
            break
    if _runs_away(problem, track):
        return None, theta, RUNAWAY
    return None, theta, f"no critical point found in {round + 1} rounds"


def _at_rest(problem, walk):
    """The walk with units that have vanished at zero, and without their kinks."""
    theta = without_idle_units(problem, walk.theta)
    if (theta == walk.theta).all():
        return walk
    tensors = problem.tensors(theta)
    kinks = [
        (l, i, u) for l, i, u in walk.kinks if tensors[2 * l][u].any() or tensors[2 * l + 1][u]
    ]
    return walk._replace(theta=theta, kinks=kinks, masks=problem.masks(theta, kinks))


def _at_end(problem, walk, clock):
    """A sound critical point where a walk has ended; None.

    A walk cannot see multipliers that change the loss by less than its rounding. So kinks are left
    or met once more, one change after the other.
    """
    loss, kinks, masks = problem.loss(walk.theta), walk.kinks, walk.masks
    for _ in range(CHANGES):
        point = solved(problem, walk.theta, kinks, masks, stop=clock.is_over)
        found = _checked(problem, point, loss)
        if found is not None or clock.is_over():
            return found
        if point.is_sound(loss):  # but not to the last digits, which may be over another kink
            point = polished(problem, point) or point
        masks, kinks = [mask.copy() for mask in masks], list(kinks)
        if point.room.min(initial=0.0) < -SIGN:
            j = int(np.argmin(point.room))
            l, i, u = kinks.pop(j)
            masks[l][i, u] = float(point.multipliers[j] > 0)
        else:
            met = flipped(problem, point)
            kinks += met
            for l, i, u in met:
                masks[l][i, u] = 0.0
            if not met:
                break
    return None


def _falls(track):
    """Relative falls of the loss in the last rounds, the newest last."""
    rounds = pairwise(track[-1 - PATIENCE :])
    return [1 - after / before if before else 0.0 for (before, _), (after, _) in rounds]


def _is_stuck(track):
    """Whether two rounds have brought nothing, or some next to nothing, or little as norms grow."""
    falls = _falls(track)
    if len(falls) < 2:
        return False
    if _has_stopped(falls):
        return True
    return _is_slow(falls) and (max(falls) < STALLED or _grows(track))


def _has_stopped(falls):
    return max(falls[-2:]) <= STOPPED


def _is_slow(falls):
    return len(falls) == PATIENCE and max(falls) < FALL


def _grows(track):
    """Whether the norm has grown: in each of the last rounds, or much from the first one on."""
    sizes = [size for _, size in track[-1 - PATIENCE :]]
    return track[-1][1] > FAR * track[0][1] or all(b > GROWTH * a for a, b in pairwise(sizes))


def _runs_away(problem, track):
    """Whether the norm still grows, and the loss still falls, but hardly any more.

    With weight decay nothing can, for the loss grows with the norm; and what is left of a loss that
    is nothing but rounding tells of no way.
    """
    falls = _falls(track)
    if problem.decay or track[-1][0] < VANISHING or not _is_slow(falls) or _has_stopped(falls):
        return False
    return track[-1][1] > track[-1 - PATIENCE][1] and _grows(track)


def _descended(problem, theta, rng, round, clock, part):
    """Parameters after BFGS; later ones start a little off what a line search sticks to."""
    start = theta
    if round:
        noise = rng.standard_normal(len(theta)) / np.sqrt(len(theta))
        start = theta + NOISE * np.linalg.norm(theta) * noise
    most = ITERATIONS[min(round, 1)] if len(theta) <= MOST_GUESSED else FEW
    stop = _when_slow(clock, part)
    found = bfgs(problem.loss_and_gradient, start, iterations=most, stop=stop)
    if not found.loss <= problem.loss(theta):
        return theta
    return balanced(problem.widths, found.theta, rounded=False)


def _when_slow(clock, part):
    """What ends a BFGS that leaves more than a part of the loss for a while, or is out of time."""
    losses = [np.inf]

    def stop(done, theta, loss, _):
        if done % STRETCH == 0:
            losses.append(loss)
        return clock.is_over() or (
            ZERO < loss and len(losses) > 1 and losses[-1] > part * losses[-2]
        )

    return stop


def _without_weak_kinks(problem, point, rng, clock):
    """A point with the same loss near by that no pair is near its kink at but strict ones.

    Where no flat direction leads away from a kink, others of the minimisers may still be off it:
    as far away as descents come back from.
    """
    nearest, lost = 0.0, np.inf
    for size in SHAKES:
        if not _has_weak_kinks(problem, point) or clock.is_over():
            break
        if not nearest <= size < lost:
            continue
        noise = rng.standard_normal(len(point.theta)) / np.sqrt(len(point.theta))
        length = size * np.linalg.norm(point.theta)
        found = bfgs(
            problem.loss_and_gradient,
            point.theta + length * noise,
            iterations=SHAKEN[0],
            stop=_when_slow(clock, PART),
        )
        theta = found.theta
        other = _on_fits(problem, theta)
        if other is None:
            walk = walked(problem, theta, steps=SHAKEN[1], stop=clock.is_over)
            other = _at_end(problem, walk, clock)
        if (
            other is None
            or not other.is_sound(point.loss)
            or np.linalg.norm(other.theta - point.theta) > 10 * length
        ):
            lost = size
            continue
        nearest = size if nearest == 0 else min(nearest, size)
        if not _has_weak_kinks(problem, other) and lower_than_saddle(problem, other) is None:
            point = other
    return point


def _has_weak_kinks(problem, point):
    strict = [kink for kink, room in zip(point.kinks, point.room, strict=True) if room >= WEAK]
    return any(kink not in strict for kink in near_pairs(problem, point.theta, NEAR))


def _on_fits(problem, theta):
    """A sound point that attains the best fits of its cell, away from kinks; None."""
    point = on_fits(problem, theta) if problem.has_fits else None
    if point is None:
        return None
    loss = problem.loss(theta)
    if not point.is_sound(loss):  # rounding may bring it up, or over a kink
        moved = np.linalg.norm(point.theta - theta)
        if moved <= CONVERGED * np.linalg.norm(theta):
            point = finished(problem, theta, [], np.zeros(0), problem.masks(theta))
            point = point._replace(is_fitted=True)
        else:
            point = point._replace(theta=theta, loss=loss)
    point = without_weak_kinks(
        problem,
        point,
        lambda t: near_pairs(problem, t, CLEAR),
        lambda t, _, masks: on_fits(problem, t, masks),
    )
    return point if point.is_sound(loss) else None


def _guessed(problem, theta, clock):
    """A sound critical point next to parameters, for a likely set of kinks; None."""
    if len(theta) > MOST_GUESSED:
        return None
    loss, tensors = problem.loss(theta), problem.tensors(theta)
    net = SimpleNamespace(weights=tensors[::2], biases=tensors[1::2])
    for kinks in candidates(net, problem.X):
        if clock.is_over():
            break
        point = _checked(problem, solved(problem, theta, kinks, stop=clock.is_over), loss)
        if point is not None:
            return point
    return None


def _checked(problem, point, loss):
    """A critical point without weak kinks, polished; None if it is not sound."""
    if not point.is_sound(loss) or point.loss < VANISHING:
        return None
    point = polished(problem, point)
    if point is None:
        return None
    left = without_weak_kinks(
        problem, point, lambda t: near_pairs(problem, t, NEAR), partial(solved, problem)
    )
    point = point if left is point else polished(problem, left)
    return point if point is not None and point.is_sound(loss) else None


def near_pairs(problem, theta, most):
    """Pairs that are nearer to their kink, relative to the size of the unit and its input."""
    found, read = [], problem.X
    tensors = problem.tensors(theta)
    for l, (W, b) in enumerate(zip(tensors[:-2:2], tensors[1:-2:2], strict=True)):
        value = read @ W.T + b
        size = np.sqrt((W**2).sum(axis=1) + b**2) * np.sqrt((read**2).sum(axis=1) + 1)[:, None]
        found += [(l, i, u) for i, u in np.argwhere(np.abs(value) < most * size).tolist()]
        read = np.maximum(value, 0)
    return found[:MOST_NEAR]
