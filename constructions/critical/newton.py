"""Existence of an exact solution next to floats: Krawczyk's operator on a small box."""

from typing import NamedTuple

import numpy as np

from constructions.critical.balls import as_balls, off_product

ROUNDS = 8  # how often the box is enlarged
POWERS = 20  # products that show that a matrix is no contraction


class Box(NamedTuple):
    """Where a solution is: one, and only one, in the box around the centre.

    Attributes
    ----------
    radius : ndarray, shape (m,)
        In each unknown; the solution is that near to the centre.
    image : ndarray, shape (m,)
        So near is the solution to the centre in fact: less than `radius`.
    jacobian : Balls, shape (m, m)
        Of the system in the whole box.
    """

    radius: np.ndarray
    image: np.ndarray
    jacobian: object


def solution_near(value, jacobian, at=None):
    r"""Prove that a square system has exactly one zero in some box around its centre.

    .. math:: K(x) = \tilde x - C g(\tilde x) + (1 - C\, Dg([x]))([x] - \tilde x)

    lies inside of the box [x], with any matrix C.

    Parameters
    ----------
    value : Balls, shape (m,)
        The system at the centre.
    jacobian : callable
        Of radii (m,), gives `Balls` (m, m) that hold the derivative everywhere in that box; or
        None if the system is not smooth there.
    at : Balls, shape (m, m), optional
        That of radii 0, or next to the centre, if it is known; nothing that is proved hangs on it.

    Returns
    -------
    Box or None

    References
    ----------
    .. [1] S. M. Rump, Verification methods, Acta Numerica 19 (2010), Theorem 13.3.
    """
    m = len(value)
    at = jacobian(np.zeros(m)) if at is None else at
    if at is None or not (np.isfinite(at.mid).all() and np.isfinite(at.rad).all()):
        return None
    try:
        C = np.linalg.inv(at.mid)
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(C).all():
        return None
    step = (as_balls(C) @ value).largest
    product = C @ at.mid
    rest = (np.eye(m) - as_balls(product)).largest

    def image_of(D, radius):
        off = off_product(as_balls(C), D, product, radius)
        return (as_balls(rest) @ radius + off + step).upper

    radius = _first_radius(2 * step + np.finfo(float).tiny, lambda radius: image_of(at, radius))
    for _ in range(ROUNDS):
        D = jacobian(radius)
        if D is None:
            return None
        if not np.array_equal(D.mid, at.mid):
            at, product = D, C @ D.mid
            rest = (np.eye(m) - as_balls(product)).largest
        image = image_of(D, radius)
        if not np.isfinite(image).all():
            return None
        if (image < radius).all():
            return Box(radius, image, D)
        if _never_contracts(rest, radius, np.abs(C), D.rad):
            return None
        # those that hold their image stay: what they are coupled with has to catch up with them
        radius = np.maximum(radius, 1.5 * image)
    return None


def _first_radius(radius, image_of):
    """A radius that holds its image, as far as rounding in the middle goes.

    What is not known there is more than what changes in a small box, and such rounds cost products
    with vectors alone, where those of the box take its derivative. As it was, if none is found.
    """
    start = radius
    for _ in range(ROUNDS):
        image = image_of(radius)
        if not np.isfinite(image).all():
            break
        if (image < radius).all():
            return radius
        radius = np.maximum(radius, 1.5 * image)
    return start


def _never_contracts(rest, x, left=None, right=None):
    """Whether a matrix that is not negative takes some positive x to what is nowhere smaller.

    The matrix is `rest`, or that and left @ right.

    Then its spectral radius is at least 1, and that of no larger one is less: no larger box will do
    (Collatz and Wielandt).
    """
    for _ in range(POWERS):
        y = rest @ x if left is None else rest @ x + left @ (right @ x)
        if (y >= x).all():
            return True
        x = y / y.max(initial=np.finfo(float).tiny) + np.finfo(float).eps
    return False
