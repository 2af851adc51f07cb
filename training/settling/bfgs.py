r"""BFGS with a line search that only asks for a weak Wolfe condition.

On functions with kinks the gradient jumps, so that no step need satisfy the strong condition, which
is what usual implementations ask for. With bisection on the weak one the method converges to kinks
in practice, its matrix learning the directions across them [1]_.

References
----------
.. [1] A. S. Lewis and M. L. Overton, Nonsmooth optimization via quasi-Newton methods, Mathematical
   Programming 141 (2013).
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg.blas import dsymv, dsyr, dsyr2

DECREASE, SLOPE = 1e-4, 0.9
BISECTIONS = 50
MEMORY = 60  # pairs that are kept where a matrix would be too large
MOST_DENSE = 500
LEAST = 1e-150  # a product of a step and a change whose reciprocal may be squared


class Descent(NamedTuple):
    """Where a descent ended.

    Attributes
    ----------
    theta : ndarray, shape (P,)
    loss : float
    gradient : ndarray, shape (P,)
    iterations : int
    """

    theta: np.ndarray
    loss: float
    gradient: np.ndarray
    iterations: int


class _Dense:
    """The inverse Hessian as a matrix, of which one half is kept."""

    def __init__(self, n):
        self.H, self.is_fresh = np.eye(n, order="F"), True

    def direction(self, gradient):
        return -dsymv(1.0, self.H, gradient)

    def learn(self, step, change):
        curvature = float(change @ step)
        if self.is_fresh:
            self.H *= curvature / float(change @ change)
        self.is_fresh = False
        Hy = dsymv(1.0, self.H, change)
        rho = 1 / curvature
        self.H = dsyr2(-rho, Hy, step, a=self.H, overwrite_a=1)
        self.H = dsyr(rho * (1 + rho * float(change @ Hy)), step, a=self.H, overwrite_a=1)


class _Limited:
    """The inverse Hessian as the last steps and changes of the gradient."""

    def __init__(self, n):
        self.pairs, self.is_fresh = [], True

    def direction(self, gradient):
        q, shares = -gradient, []
        for step, change, rho in reversed(self.pairs):
            shares.append(rho * float(step @ q))
            q = q - shares[-1] * change
        if self.pairs:
            step, change, rho = self.pairs[-1]
            q = q / (rho * float(change @ change))
        for (step, change, rho), share in zip(self.pairs, reversed(shares), strict=True):
            q = q + (share - rho * float(change @ q)) * step
        return q

    def learn(self, step, change):
        self.is_fresh = False
        self.pairs = [*self.pairs[1 - MEMORY :], (step, change, 1 / float(change @ step))]


def _unchanged(theta):
    return theta


def bfgs(function, theta, *, iterations, small=1e-13, retract=_unchanged, stop=None):
    """Descend until nothing moves any more.

    Parameters
    ----------
    function : callable
        Of parameters (P,), gives the loss and a gradient (P,).
    theta : ndarray, shape (P,)
    iterations : int
        The most.
    small : float
        Norm of a gradient that counts as zero.
    retract : callable
        Brings parameters back to where they must stay.
    stop : callable, optional
        Of (iteration, theta, loss, gradient); true ends the descent.

    Returns
    -------
    Descent
        Its loss is at most that of the start.
    """
    make = _Dense if len(theta) <= MOST_DENSE else _Limited
    matrix, done = make(len(theta)), 0
    loss, gradient = function(theta)
    while done < iterations and np.linalg.norm(gradient) > small:
        if stop is not None and stop(done, theta, loss, gradient):
            break
        direction = matrix.direction(gradient)
        slope = float(gradient @ direction)
        if not slope < 0:
            if matrix.is_fresh:
                break
            matrix = make(len(theta))
            continue
        found = _searched(function, retract, theta, loss, direction, slope)
        if found is None:
            if matrix.is_fresh:
                break
            matrix = make(len(theta))
            continue
        done += 1
        other, lower, steeper = found
        step, change = other - theta, steeper - gradient
        theta, loss, gradient = other, lower, steeper
        if float(step @ change) > LEAST:
            matrix.learn(step, change)
    return Descent(theta, loss, gradient, done)


def _searched(function, retract, theta, loss, direction, slope):
    """(theta, loss, gradient) at a step of the weak Wolfe conditions, or one that is lower."""
    least, most, t, best = 0.0, np.inf, 1.0, None
    for _ in range(BISECTIONS):
        other = retract(theta + t * direction)
        found, gradient = function(other)
        if not found <= loss + DECREASE * t * slope:
            most = t
        else:
            if found < loss:
                best = other, found, gradient
            if gradient @ direction < SLOPE * slope:
                least = t
            else:
                break
        t = (least + most) / 2 if most < np.inf else 2 * least
    return best
