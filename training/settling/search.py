"""The order of attempts: descents, guesses of kinks, faces, and when to give up."""

import time
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np

from constructions.critical.kinks import candidates
from training.settling.bfgs import bfgs
from training.settling.face import WEAK, along_face, lower_than_saddle, without_weak_kinks
from training.settling.fitted import on_fits
from training.settling.newton import polished, solved
from training.settling.problem import balanced
from training.settling.settled import CRITICAL, RUNAWAY

ROUNDS = 30
ITERATIONS = 20_000, 4000  # of the first descent, of later ones
SHARE = 0.5  # of the time that is left: a descent
NOISE = 1e-5  # of the norm of the parameters: how far a descent that has stuck is moved
FACES = 3
GROWTH = 1.005  # of the norm in a round, where it runs to infinity
FALL = 1e-4  # of the loss in a round: less than that and it has nearly stopped to fall
FAR = 1.5  # how much the norm has grown where a descent that started at infinity has stuck
NEAR = 1e-8  # of a kink, relative to the size of a unit and its input: in the way of a proof
CLEAR = 1e-5  # what outputs that are fitted exactly can keep off
MOST_NEAR = 30
SHAKES = (1e-2, 1e-1, 1e-3, 1e-2, 1e-1)  # of the norm of the parameters


class Clock:
    """The time that is left, which ends what has not ended by itself."""

    def __init__(self, seconds):
        self.seconds, self.end = seconds, time.monotonic() + seconds

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
    rng = np.random.default_rng(0)
    track = [(problem.loss(theta), np.linalg.norm(theta))]
    for round in range(ROUNDS):
        theta = _descended(problem, theta, rng, round, clock.part(SHARE))
        point = _on_fits(problem, theta)
        if point is None:
            point = _guessed(problem, theta, clock)
        if point is None:
            theta, point = _by_faces(problem, theta, clock)
        if point is not None:
            lower = None if point.is_fitted else lower_than_saddle(problem, point)
            if lower is None:
                point = _without_weak_kinks(problem, point, rng, clock)
                return point, point.theta, CRITICAL
            theta = balanced(problem.widths, lower)
            track = []
        track.append((problem.loss(theta), np.linalg.norm(theta)))
        if clock.is_over():
            return None, theta, f"no critical point found in {clock.seconds:g} seconds"
        if _is_stuck(track):
            break
    if _runs_away(track):
        return None, theta, RUNAWAY
    return None, theta, f"no critical point found in {round + 1} rounds"


def _falls(track):
    """Relative falls of the loss in the last two rounds."""
    return [1 - after / before for (before, _), (after, _) in pairwise(track[-3:])]


def _is_stuck(track):
    """Whether two rounds have brought nothing, or less and less at growing norms."""
    if len(track) < 3:
        return False
    return max(_falls(track)) <= 1e-12 or (max(_falls(track)) < FALL and _grows(track))


def _grows(track):
    sizes = [size for _, size in track[-3:]]
    return all(b > GROWTH * a for a, b in pairwise(sizes))


def _runs_away(track):
    """Whether the norm has grown, and the loss has fallen and hardly falls any more."""
    if len(track) < 3 or max(_falls(track)) >= FALL:
        return False
    (first, start), (last, end) = track[0], track[-1]
    return last < first and (end > FAR * start or _grows(track))


def _descended(problem, theta, rng, round, clock):
    """Parameters after a descent; later ones start a little off what a line search sticks to."""
    start = theta
    if round:
        noise = rng.standard_normal(len(theta)) / np.sqrt(len(theta))
        start = theta + NOISE * np.linalg.norm(theta) * noise
    most = ITERATIONS[min(round, 1)]
    found = bfgs(problem.loss_and_gradient, start, iterations=most, stop=clock.is_over)
    if not found.loss <= problem.loss(theta):
        return theta
    return balanced(problem.widths, found.theta)


def _without_weak_kinks(problem, point, rng, clock):
    """A point with the same loss near by that no pair is near its kink at but strict ones.

    Where no flat direction leads away from a kink, others of the minimisers may still be off it.
    """
    for size in SHAKES:
        if not _has_weak_kinks(problem, point) or clock.is_over():
            break
        noise = rng.standard_normal(len(point.theta)) / np.sqrt(len(point.theta))
        length = size * np.linalg.norm(point.theta)
        found = bfgs(
            problem.loss_and_gradient,
            point.theta + length * noise,
            iterations=ITERATIONS[1],
            stop=clock.is_over,
        )
        theta = found.theta
        other = _on_fits(problem, theta) or _guessed(problem, theta, clock)
        if (
            other is not None
            and other.is_sound(point.loss)
            and np.linalg.norm(other.theta - point.theta) <= 10 * length
            and not _has_weak_kinks(problem, other)
            and lower_than_saddle(problem, other) is None
        ):
            point = other
    return point


def _has_weak_kinks(problem, point):
    strict = [kink for kink, room in zip(point.kinks, point.room, strict=True) if room >= WEAK]
    return any(kink not in strict for kink in near_pairs(problem, point.theta, NEAR))


def _on_fits(problem, theta):
    """A sound point that attains the best fits of its cell, away from kinks; None."""
    loss, point = problem.loss(theta), on_fits(problem, theta)
    if point is None:
        return None
    if not point.is_sound(loss):
        point = point._replace(theta=theta, loss=loss)
    point = without_weak_kinks(
        problem,
        point,
        lambda t: near_pairs(problem, t, CLEAR),
        lambda t, _, masks: on_fits(problem, t, masks),
    )
    return point if point.is_sound(loss) else None


def _candidates(problem, theta):
    tensors = problem.tensors(theta)
    return candidates(SimpleNamespace(weights=tensors[::2], biases=tensors[1::2]), problem.X)


def _guessed(problem, theta, clock):
    """A sound critical point next to parameters, for a likely set of kinks; None."""
    loss = problem.loss(theta)
    for kinks in _candidates(problem, theta):
        if clock.is_over():
            break
        point = solved(problem, theta, kinks, stop=clock.is_over)
        point = _checked(problem, point, loss)
        if point is not None:
            return point
    return None


def _checked(problem, point, loss):
    """A critical point without weak kinks, polished; None if it is not sound."""
    if not point.is_sound(loss) or polished(problem, point) is None:
        return None
    point = without_weak_kinks(
        problem, point, lambda t: near_pairs(problem, t, NEAR), partial(solved, problem)
    )
    point = polished(problem, point)
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


def _by_faces(problem, theta, clock):
    """(parameters with a loss that is not higher, a sound point or None)."""
    loss = problem.loss(theta)
    guesses = [
        solved(problem, theta, kinks, stop=clock.is_over)
        for kinks in _candidates(problem, theta)
        if not clock.is_over()
    ]
    guesses.sort(key=lambda guess: (not guess.is_inside, guess.residual))
    for guess in guesses[:FACES]:
        if clock.is_over():
            break
        other, kinks = along_face(problem, theta, guess.kinks, clock.is_over)
        if not problem.loss(other) <= loss:
            continue
        theta, loss = balanced(problem.widths, other), problem.loss(other)
        point = _on_fits(problem, theta)
        if point is None:
            point = _checked(problem, solved(problem, theta, kinks, stop=clock.is_over), loss)
        if point is None:
            point = _guessed(problem, theta, clock)
        if point is not None:
            return theta, point
    return theta, None
