"""The front door: from a trained network to the critical point that it is near."""

import time
from functools import partial
from types import SimpleNamespace

import numpy as np

from constructions.critical.kinks import candidates
from geomcore.arrays import as_labels, as_points, as_positive, check_network
from geomcore.network import ReLUNetwork
from geomcore.weighting import point_weights
from training.settling.bfgs import bfgs
from training.settling.face import (
    NEAR,
    along_face,
    lower_than_saddle,
    row_space,
    slice_of,
    without_weak_kinks,
)
from training.settling.fitted import on_fits
from training.settling.newton import exact_system, polished, solved
from training.settling.problem import balanced, network_of, parameters_of, problem_of
from training.settling.settled import CRITICAL, KinkedPair, Settled

LOSSES = ("mse", "class_weighted")
ROUNDS = 5
NOISE = 1e-5
FACES = 3
GROWTH = 1.005
CLEAR = 1e-5  # of a kink, relative to the size of a unit and its input: what fits are kept off
ITERATIONS = 20_000, 4000  # of the first descent, of later ones
RUNAWAY = "runs to infinity: norms grow while the loss falls"


def settle(net, X, y, *, loss="mse", weight_decay=0.0, targets=None, seconds=20.0):
    r"""Bring a trained network onto the critical point of its loss that training left it near.

    Nothing is proved; `constructions.verify` does that, and needs a network that stands close to
    the exact point.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels, or target vectors.
    loss : {"mse", "class_weighted"}
        The mean over points of the squared error norm, or the sum over classes of that mean.
    weight_decay : float
        Only 0.
    targets : array_like, shape (Q, k), optional
        Output wanted for each label in sorted order; default one-hot rows.
    seconds : float
        After which no more is tried. What ends before does not depend on it.

    Returns
    -------
    Settled
        Its loss is not above that of `net`, but for rounding.
    """
    check_network(net, ReLUNetwork)
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    labels = as_labels(y, len(X), targets=targets)
    if labels.targets.shape[1] != net.widths[-1]:
        raise ValueError(
            f"net has {net.widths[-1]} outputs, but the targets have "
            f"{labels.targets.shape[1]} entries for {len(labels.classes)} classes"
        )
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {LOSSES}, others cannot be settled, got {loss!r}")
    if weight_decay != 0:
        raise ValueError(f"weight_decay must be 0, more cannot be settled, got {weight_decay!r}")
    clock = _Clock(as_positive(seconds, "seconds"))
    weights = point_weights(labels.index, class_weighted=loss == "class_weighted")
    problem = problem_of(net, X, labels, weights)
    theta = balanced(problem.widths, parameters_of(problem, net))
    point, theta, reason = _searched(problem, theta, clock)
    return _result(net, X, labels, weights, problem, point, theta, reason)


class _Clock:
    def __init__(self, seconds):
        self.seconds, self.end = seconds, time.monotonic() + seconds

    def is_over(self, *_):
        return time.monotonic() > self.end


def _searched(problem, theta, clock):
    """(Critical or None, parameters, reason)."""
    rng, sizes = np.random.default_rng(0), []
    for round in range(ROUNDS):
        start = theta
        if round:  # off the kinks at which a line search has stuck
            noise = rng.standard_normal(len(theta)) / np.sqrt(len(theta))
            start = theta + NOISE * np.linalg.norm(theta) * noise
        found = bfgs(
            problem.loss_and_gradient, start, iterations=ITERATIONS[round > 0], stop=clock.is_over
        )
        if found.loss <= problem.loss(theta):
            theta = balanced(problem.widths, found.theta)
        point = _critical(problem, theta)
        if point is None:
            theta, point = _by_faces(problem, theta, clock)
        if point is not None:
            lower = None if point.is_fitted else lower_than_saddle(problem, point)
            theta = point.theta
            if lower is None:
                return point, theta, CRITICAL
            theta, sizes = balanced(problem.widths, lower), []
            continue
        sizes.append(np.linalg.norm(theta))
        if len(sizes) > 2 and sizes[-1] > GROWTH * sizes[-2] > GROWTH**2 * sizes[-3]:
            return None, theta, RUNAWAY
        if clock.is_over():
            return None, theta, f"no critical point found in {clock.seconds:g} seconds"
    if sizes and sizes[-1] > GROWTH * sizes[0]:
        return None, theta, RUNAWAY
    return None, theta, f"no critical point found in {ROUNDS} rounds"


def _critical(problem, theta):
    """A sound critical point next to parameters, polished; None."""
    point = _on_fits(problem, theta)
    return _guessed(problem, theta) if point is None else point


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
        lambda t: _near(problem, t, CLEAR),
        lambda t, _, masks: on_fits(problem, t, masks),
    )
    return point if point.is_sound(loss) else None


def _ranked(problem, theta):
    tensors = problem.tensors(theta)
    return SimpleNamespace(weights=tensors[::2], biases=tensors[1::2])


def _guessed(problem, theta):
    """A sound critical point next to parameters, for a likely set of kinks; None."""
    loss = problem.loss(theta)
    for kinks in candidates(_ranked(problem, theta), problem.X):
        point = _checked(problem, solved(problem, theta, kinks), loss)
        if point is not None:
            return point
    return None


def _checked(problem, point, loss):
    """A critical point without weak kinks, polished; None if it is not sound."""
    if not point.is_sound(loss) or polished(problem, point) is None:
        return None
    point = without_weak_kinks(
        problem, point, lambda t: _near(problem, t), partial(solved, problem)
    )
    point = polished(problem, point)
    return point if point is not None and point.is_sound(loss) else None


def _near(problem, theta, most=NEAR):
    """Pairs that are nearer to their kink, relative to the size of the unit and its input."""
    found, read = [], problem.X
    tensors = problem.tensors(theta)
    for l, (W, b) in enumerate(zip(tensors[:-2:2], tensors[1:-2:2], strict=True)):
        value = read @ W.T + b
        size = np.sqrt((W**2).sum(axis=1) + b**2) * np.sqrt((read**2).sum(axis=1) + 1)[:, None]
        found += [(l, int(i), int(u)) for i, u in np.argwhere(np.abs(value) < most * size)]
        read = np.maximum(value, 0)
    return found[:30]


def _by_faces(problem, theta, clock):
    """(parameters with a loss that is not higher, a sound point or None)."""
    loss = problem.loss(theta)
    guesses = [solved(problem, theta, k) for k in candidates(_ranked(problem, theta), problem.X)]
    guesses.sort(key=lambda guess: (not guess.is_inside, guess.residual))
    for guess in guesses[:FACES]:
        other, kinks = along_face(problem, theta, guess.kinks, clock.is_over)
        if not problem.loss(other) <= loss:
            continue
        theta, loss = balanced(problem.widths, other), problem.loss(other)
        point = _checked(problem, solved(problem, theta, kinks), loss)
        point = _critical(problem, theta) if point is None else point
        if point is not None:
            return theta, point
    return theta, None


def _result(net, X, labels, weights, problem, point, theta, reason):
    spectrum, kinks = np.zeros(0), ()
    network = network_of(problem, net, theta)
    scale = _scale(problem)
    if point is None:
        slope = problem.loss_and_gradient(theta)[1]
    else:
        slope = exact_system(
            problem.cell(point.masks, point.kinks), point.theta, point.multipliers
        )[: len(theta)]
        H, J, Z = slice_of(problem, point)
        basis = row_space(np.vstack([J, Z]) * scale)[0]
        if len(Z):
            basis = basis @ row_space(Z * scale @ basis)[1]
        H = problem.size**2 * H * scale * scale[:, None]
        spectrum = np.linalg.eigvalsh(basis.T @ H @ basis)
        unit = problem.size**2
        kinks = tuple(
            KinkedPair(l + 1, int(problem.first[i]), u, float(mu) * unit, float(rise) * unit)
            for (l, i, u), mu, rise in zip(point.kinks, point.multipliers, point.rises, strict=True)
        )
    given, widths = net.packed()[0], net.widths
    settled = network.packed()[0]
    moved = np.linalg.norm(
        balanced(widths, given, rounded=False) - balanced(widths, settled, rounded=False)
    )
    by_scale = np.linalg.norm(given - balanced(widths, given))

    def loss_of(network):
        return float(weights @ ((network(X) - labels.Y) ** 2).sum(axis=1))

    return Settled(
        network=network,
        reason=reason,
        loss=loss_of(network),
        loss_before=loss_of(net),
        moved=float(moved),
        moved_by_rescaling=float(by_scale),
        kinks=kinks,
        gradient_norm=float(problem.size**2 * np.linalg.norm(scale * slope)),
        spectrum=spectrum,
    )


def _scale(problem):
    """How the parameters of the problem change with those of the network, shape (P,)."""
    scale = np.ones(problem.places[-1][1].stop)
    W, b = problem.places[-1]
    scale[W] = scale[b] = 1 / problem.size
    W = problem.places[0][0]
    scale[W] *= np.tile(problem.columns, problem.widths[1])
    return scale
