"""Arrays of balls: midpoints and radii in floating point, with the rounding in the radii.

Everything is done on whole arrays, and products of matrices by BLAS, so that a few thousand
parameters are within reach. What holds for the balls holds for all real numbers in them.
"""

import numpy as np

from constructions.proof.affine import middle_and_radius
from constructions.proof.exact import EPS, TINY

LEAST = float(np.nextafter(0.0, 1.0))


class Balls:
    """An array of intervals: all numbers within `rad` of `mid`, entry by entry.

    Attributes
    ----------
    mid, rad : ndarray of float64, of one shape
        A radius is inf where nothing is known.

    Notes
    -----
    With u = 2^-53, one operation is off by at most u times its result and half of the smallest
    subnormal number; a sum of n products, in any order and fused or not, by
    :math:`\\gamma_n \\sum |a| |b|`, :math:`\\gamma_n = n u / (1 - n u)`, and n such halves. Twice
    that is taken, and the radii, sums of what is not negative, are enlarged by their own rounding.
    """

    __array_ufunc__ = None  # an array on the left leaves the operation to this class

    def __init__(self, mid, rad=None):
        self.mid = np.asarray(mid, dtype=float)
        self.rad = np.zeros(self.mid.shape) if rad is None else np.asarray(rad, dtype=float)

    @classmethod
    def rounded(cls, mid, rad, terms):
        """Balls from an operation with so many terms: its radius is rounded up; nan is unknown."""
        with np.errstate(over="ignore", invalid="ignore"):
            rad = rad * (1 + 2 * (terms + 4) * EPS) + 2 * terms * TINY
        lost = ~(np.isfinite(mid) & np.isfinite(rad))
        if lost.any():
            mid, rad = np.where(lost, 0.0, mid), np.where(lost, np.inf, rad)
        return cls(mid, rad)

    @classmethod
    def between(cls, low, high):
        """Balls that hold all numbers from floats `low` to floats `high`."""
        with np.errstate(over="ignore", invalid="ignore"):
            mid = (low + high) / 2
            return cls.rounded(mid, np.nextafter(np.maximum(high - mid, mid - low), np.inf), 0)

    @property
    def shape(self):
        return self.mid.shape

    @property
    def T(self):
        return Balls(self.mid.T, self.rad.T)

    def __len__(self):
        return len(self.mid)

    def __getitem__(self, key):
        return Balls(self.mid[key], self.rad[key])

    def reshape(self, *shape):
        return Balls(self.mid.reshape(*shape), self.rad.reshape(*shape))

    def __neg__(self):
        return Balls(-self.mid, self.rad)

    def __add__(self, other):
        other = as_balls(other)
        with np.errstate(over="ignore", invalid="ignore"):
            mid = self.mid + other.mid
            return Balls.rounded(mid, self.rad + other.rad + EPS * np.abs(mid), 1)

    __radd__ = __add__

    def __sub__(self, other):
        return self + -as_balls(other)

    def __rsub__(self, other):
        return as_balls(other) + -self

    def __mul__(self, other):
        other = as_balls(other)
        with np.errstate(over="ignore", invalid="ignore"):
            mid = self.mid * other.mid
            rad = np.abs(self.mid) * other.rad + self.rad * (np.abs(other.mid) + other.rad)
            return Balls.rounded(mid, rad + EPS * np.abs(mid), 2)

    __rmul__ = __mul__

    def __matmul__(self, other):
        other = as_balls(other)
        n = self.shape[-1]
        with np.errstate(over="ignore", invalid="ignore"):
            size, reach = np.abs(self.mid), np.abs(other.mid)
            # the product with EPS may underflow, and `size` or `reach` be large
            if not other.rad.any():  # one product less
                rad = (self.rad + ((n + 4) * EPS * size + LEAST)) @ reach
            else:
                rad = size @ (other.rad + ((n + 4) * EPS * reach + LEAST))
                if self.rad.any():
                    rad = rad + self.rad @ (reach + other.rad)
            return Balls.rounded(self.mid @ other.mid, rad, 2 * n)

    def __rmatmul__(self, other):
        return as_balls(other) @ self

    def sum(self, axis=None):
        n = self.mid.size if axis is None else self.mid.shape[axis]
        with np.errstate(over="ignore", invalid="ignore"):
            mid, size = self.mid.sum(axis=axis), np.abs(self.mid).sum(axis=axis)
            return Balls.rounded(mid, self.rad.sum(axis=axis) + (n + 4) * EPS * size, n)

    @property
    def lower(self):
        """Floats that are at most all numbers in the balls."""
        with np.errstate(over="ignore"):
            return np.nextafter(self.mid - self.rad, -np.inf)

    @property
    def upper(self):
        """Floats that are at least all numbers in the balls."""
        with np.errstate(over="ignore"):
            return np.nextafter(self.mid + self.rad, np.inf)

    @property
    def largest(self):
        """Floats that are at least the absolute values of all numbers in the balls."""
        with np.errstate(over="ignore"):
            return np.nextafter(np.abs(self.mid) + self.rad, np.inf)

    @property
    def nonzero(self):
        """Where no number of a ball is 0."""
        return (self.lower > 0) | (self.upper < 0)


def as_balls(value):
    """Balls as they are, and floats as balls of radius 0."""
    return value if isinstance(value, Balls) else Balls(value)


def stacked(parts, axis=0):
    """Several arrays as one: of balls if one of them is, else of what they hold."""
    if not any(isinstance(part, Balls) for part in parts):
        return np.concatenate(parts, axis=axis)
    parts = [as_balls(part) for part in parts]
    return Balls(
        np.concatenate([part.mid for part in parts], axis=axis),
        np.concatenate([part.rad for part in parts], axis=axis),
    )


def of_arbs(entries, shape):
    """Balls of a shape that hold a list of `flint.arb`."""
    middle, radius = middle_and_radius(entries)
    return Balls(middle.reshape(shape), radius.reshape(shape))


# Proofs about all matrices in balls


def off_product(A, B, product, x):
    """Floats at least :math:`|A B - product| x`, for all matrices in balls and a vector x >= 0.

    In place of a matrix of radii, which takes a second product of matrices or two, their products
    with a vector.

    Parameters
    ----------
    A, B : Balls, shapes (m, n), (n, k)
    product : ndarray, shape (m, k)
        ``A.mid @ B.mid``, in floating point.
    x : ndarray of float, shape (k,)
        Not negative.

    Returns
    -------
    ndarray, shape (m,)
        Inf where something is not finite.
    """
    n = A.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        x, size, reach = Balls(x), Balls(np.abs(A.mid)), Balls(np.abs(B.mid))
        far = (reach @ x).upper
        inner = (Balls(B.rad) @ x + ((n + 4) * EPS * far + LEAST)).upper
        off = size @ inner + Balls(np.full(len(product), 2 * n * TINY)) * x.sum()
        if A.rad.any():
            off = off + Balls(A.rad) @ (far + inner)
        return np.where(np.isfinite(product).all(axis=1), off.upper, np.inf)


def row_sums(product, off=0.0):
    """Floats at least the sums over rows of the sizes of a matrix, and of how much it is off."""
    return (as_balls(np.abs(product)).sum(axis=1) + off).upper


def smallest_eigenvalue(M):
    r"""A lower bound of the smallest eigenvalue of every symmetric matrix in balls, -inf if none.

    With any square matrix V, the eigenvalues of :math:`V^T M V` lie in Gershgorin's discs. If these
    are at least :math:`\gamma > 0`, V is invertible, and
    :math:`x^T M x \ge \gamma |V^{-1} x|^2 \ge \gamma |x|^2 / \|V\|^2`. If they are not, nothing is
    said but that.

    Parameters
    ----------
    M : Balls, shape (m, m)

    Returns
    -------
    float
        Positive, or -inf.
    """
    if not len(M):
        return np.inf
    if not (np.isfinite(M.mid).all() and np.isfinite(M.rad).all()):
        return -np.inf
    values, V = np.linalg.eigh((M.mid + M.mid.T) / 2)
    if not values[0] > 0:
        return -np.inf
    # scaled, so that what is not known of stiff directions does not count in soft ones
    V = as_balls(V / np.sqrt(values))
    ones = np.ones(len(V))
    right = M.mid @ V.mid
    T = V.mid.T @ right
    # V^T M V is off V^T right by V^T (M V - right), and that off T
    off = as_balls(np.abs(V.mid.T)) @ off_product(M, V, right, ones)
    off = off + off_product(V.T, Balls(right), T, ones)
    diagonal = np.diag(T).copy()
    np.fill_diagonal(T, 0.0)
    low = (as_balls(diagonal) - row_sums(T, off)).lower
    if not (low > 0).all():
        return -np.inf
    square = V.mid.T @ V.mid
    size = row_sums(square, off_product(V.T, V, square, ones)).max()
    return float(np.nextafter(low.min() / size, 0))


def has_full_column_rank(A):
    """Whether every matrix in balls (n, m) is proved to have rank m."""
    n, m = A.shape
    if m == 0:
        return True
    if m > n or not (np.isfinite(A.mid).all() and np.isfinite(A.rad).all()):
        return False
    scale = np.abs(A.mid).max(axis=0)
    if not (scale > 0).all():
        return False
    # columns times powers of two have the same rank, and a better inverse
    A = A * np.exp2(-np.round(np.log2(scale)))
    Q, R = np.linalg.qr(A.mid)
    try:
        inverse = np.linalg.solve(R, Q.T)
    except np.linalg.LinAlgError:
        return False
    if not np.isfinite(inverse).all():
        return False
    product, ones = inverse @ A.mid, np.ones(m)
    off = off_product(as_balls(inverse), A, product, ones)
    rest = as_balls(np.eye(m)) - product
    return bool((as_balls(rest.largest).sum(axis=1) + off).upper.max() < 1)
