"""Refutations: a direction in which the loss falls, or bends down, with the loss it reaches."""

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from constructions.derivatives import (
    gradient,
    hessian,
    hessian_vector,
    join,
    line_derivatives,
    moved,
    one_sided_slope,
    split,
)
from constructions.enclosure import enclose
from constructions.exact import precision

DENSE = 1200  # parameters up to which the whole Hessian is computed
MOST_BALLS = 3_000_000  # numbers in a pass for which derivatives are still computed in balls


class Refutation(NamedTuple):
    """A direction of descent, or None, and what was learned on the way.

    Attributes
    ----------
    verdict : str
        "not stationary", "saddle", or "undetermined".
    proved : bool
    witness : dict or None
    smallest_eigenvalue : float or None
    detail : str
    """

    verdict: str
    proved: bool
    witness: dict | None
    smallest_eigenvalue: float | None
    detail: str


class Problem(NamedTuple):
    """A network, its data, and the parameters that may move.

    Attributes
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    labels : Labels
    cost : str
        "plain" or "class-weighted".
    weights : ndarray, shape (N,)
        Weight of each point in the loss.
    exact_weights, per_class : list of arb, lengths N and Q
        The same, exactly, by point and by class.
    free : ndarray of bool, shape (P,)
    offset : ndarray or None
        If given, only the cumulative W^(L) moves, the cumulative bias b^(L)
        being held: b_L follows W_L as -W_L offset, with offset = b^(L-1).
    enclosure : Enclosure
    """

    net: object
    X: np.ndarray
    labels: object
    cost: str
    weights: np.ndarray
    exact_weights: list
    per_class: list
    free: np.ndarray
    offset: np.ndarray | None
    enclosure: object

    @property
    def data(self):
        return self.net, self.X, self.labels.Y, self.weights

    def bounds(self, enclosure):
        """Proved upper and lower bound of the loss in question."""
        if self.cost == "plain":
            return enclosure.loss_bound, enclosure.loss_floor
        return enclosure.weighted_bound, enclosure.weighted_floor

    def gradient(self):
        """Gradient in the parameters that may move, as a vector of all parameters."""
        g = gradient(*self.data) * self.free
        if self.offset is None:
            return g
        pairs = split(self.net, g)
        W, b = pairs[-1]
        G = W - np.outer(b, self.offset)
        return join([*pairs[:-1], (G, -G @ self.offset)])


def refute(problem, *, gtol):
    """Look for a direction of descent of first, then of second order.

    Parameters
    ----------
    problem : Problem
    gtol : float
        A gradient below this fraction of the sum of its terms' sizes counts as zero.

    Returns
    -------
    Refutation
    """
    enclosure = problem.enclosure
    if enclosure.kinks or enclosure.undecided:
        return _at_kink(problem, gtol)
    g = problem.gradient()
    size = float(np.linalg.norm(g))
    if size > gtol * _gradient_scale(problem):
        direction = -g / size
        slope = float(gradient(*problem.data) @ direction)
        derivatives = _in_balls(problem, direction)
        proved = derivatives is not None and bool(derivatives.slope < 0)
        witness = _witness(problem, direction, slope=slope)
        return Refutation(
            "not stationary" if proved or witness else "undetermined",
            proved,
            witness,
            None,
            f"the gradient has norm {size:.3g}",
        )
    return _second_order(problem)


def _second_order(problem):
    value, direction = smallest_eigenpair(problem)
    if value is None:
        return Refutation("undetermined", False, None, None, "no eigenvalue was found")
    derivatives = _in_balls(problem, direction)
    if derivatives is not None and derivatives.curvature < 0:
        witness = _witness(problem, direction, curvature=value)
        if witness is not None:
            return Refutation(
                "saddle", True, witness, value, f"the Hessian has an eigenvalue {value:.3g}"
            )
    return Refutation(
        "undetermined",
        False,
        None,
        value,
        f"stationary to rounding; smallest Hessian eigenvalue {value:.3g}",
    )


def _at_kink(problem, gtol):
    """One-sided slopes along the gradients of both sides and single biases and weights."""
    free = problem.free
    scale = _gradient_scale(problem)
    candidates = [-gradient(*problem.data, kinks=k) * free for k in (False, True)]
    P = len(free)
    if P <= DENSE:
        candidates += [s * e for e in np.eye(P)[free] for s in (1.0, -1.0)]
    best, direction = 0.0, None
    for candidate in candidates:
        size = np.linalg.norm(candidate)
        if size > 0:
            slope = one_sided_slope(*problem.data, candidate / size)
            if slope < best:
                best, direction = slope, candidate / size
    if direction is None or best >= -gtol * scale:
        detail = "a pre-activation may be zero, and no direction tried descends"
        return Refutation("undetermined", False, None, None, detail)
    derivatives = _in_balls(problem, direction)
    proved = derivatives is not None and bool(derivatives.slope < 0)
    witness = _witness(problem, direction, slope=best)
    return Refutation(
        "not stationary" if proved or witness else "undetermined",
        proved,
        witness,
        None,
        f"on a kink, with one-sided slope {best:.3g}",
    )


def _gradient_scale(problem):
    """Norm of the gradient if no term cancelled another."""
    net, X, Y, weights = problem.data
    inputs = [X, *net.hidden(X)]
    delta = np.abs(2 * weights[:, None] * (net(X) - Y))
    floor = np.abs(2 * weights[:, None] * Y) * 1e-6
    delta = delta + floor  # where all residuals vanish, rounding is measured against the targets
    total = 0.0
    for W, x in zip(reversed(net.weights), reversed(inputs), strict=True):
        total += ((delta.T @ np.abs(x)) ** 2).sum() + (delta.sum(axis=0) ** 2).sum()
        delta = (delta @ np.abs(W)) * (x > 0)
    return float(np.sqrt(total))


def smallest_eigenpair(problem):
    """Smallest eigenvalue of the Hessian in the free parameters, and a unit eigenvector.

    All of the Hessian for small networks; Lanczos on Hessian-vector products above.
    """
    index = np.flatnonzero(problem.free)
    P = len(problem.free)
    direction = np.zeros(P)
    if P <= DENSE:
        values, vectors = np.linalg.eigh(hessian(*problem.data)[np.ix_(index, index)])
        direction[index] = vectors[:, 0]
        return float(values[0]), direction

    def product(v):
        full = np.zeros(P)
        full[index] = v.ravel()
        return hessian_vector(*problem.data, full)[index]

    operator = LinearOperator((len(index), len(index)), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(len(index))
    try:
        values, vectors = eigsh(operator, k=1, which="SA", v0=start, tol=1e-3, maxiter=300)
    except ArpackNoConvergence as failure:
        if not len(failure.eigenvalues):
            return None, None
        values, vectors = failure.eigenvalues, failure.eigenvectors
    direction[index] = vectors[:, 0]
    return float(values[0]), direction


def _in_balls(problem, direction):
    """`line_derivatives` if the problem is small enough, else None."""
    net, X = problem.net, problem.X
    if len(X) * sum(net.widths) > MOST_BALLS:
        return None
    with precision(problem.enclosure.bits):
        return line_derivatives(net, X, problem.labels.Y, problem.exact_weights, direction)


def _witness(problem, direction, **derivative):
    """The step along the direction that lowers the loss most, its new loss proved lower."""
    net, X, Y, weights = problem.data
    signs = (1.0,) if "slope" in derivative else (1.0, -1.0)
    size = 1.0 + float(np.sqrt(sum((W**2).sum() for W in (*net.weights, *net.biases))))
    steps = [s * size * 2.0**-k for k in range(50) for s in signs]
    losses = [float(weights @ ((moved(net, direction, t)(X) - Y) ** 2).sum(axis=1)) for t in steps]
    for i in np.argsort(losses)[:5]:
        after = enclose(moved(net, direction, steps[i]), X, problem.labels)
        if problem.bounds(after)[0] < problem.bounds(problem.enclosure)[1]:
            pairs = split(net, direction)
            return {
                "direction": [{"weights": V.tolist(), "biases": c.tolist()} for V, c in pairs],
                "step": float(steps[i]),
                "loss": losses[i],
                **{name: float(value) for name, value in derivative.items()},
            }
    return None
