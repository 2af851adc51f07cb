"""Features of which none nearly follows from others: what each adds to them, found exactly."""

from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat
from scipy.linalg import qr, solve_triangular

from constructions.proof.exact import nearest, rational

# A feature of which less than this part is not in the others is replaced by that part.
FOLLOWS = 1e-5
# How often: what is left may follow from others again, as for two copies of one feature.
ROUNDS = 5
# Most products of rationals for that, a second or two.
PRODUCTS = 20_000_000


def independent_features(X):
    """Coordinates in which hulls meet if and only if they do in X, but for the last rounding.

    A multiple or a sum of features, rounded, is another feature in exact arithmetic, but one
    that no program in floating point sees: what does not follow from the others is as small
    as the rounding. Here that part takes its place, computed exactly and brought to the size
    of the others. Convex weights of points are the same in all such coordinates.

    Parameters
    ----------
    X : ndarray, shape (N, d)
        Of any finite numbers, not all rows equal.

    Returns
    -------
    ndarray, shape (N, k), or None
        Of size 1, with mean near 0; without features that are constant or follow exactly.
        None if no feature follows from others, or there are too many numbers for rationals.
    """
    X = _without_exponents(X[:, X.max(axis=0) > X.min(axis=0)])
    kept, rest, shares = _following(features_of_like_size(X))
    n, d = X.shape
    # where points are so few, features follow from others whatever they are
    if not len(rest) or n <= d + 1 or n * d * len(rest) > PRODUCTS:
        return None
    columns = [[rational(v) for v in column] for column in X.T.tolist()]
    Z = _of_size_one(columns)
    for _ in range(ROUNDS):
        kept, rest, shares = _following(Z)
        if not len(rest):
            break
        columns = _without_others(columns, kept, rest, shares)
        Z = _of_size_one(columns)
    return Z


def features_of_like_size(X):
    """Features of any size, centred and divided by their largest entries; rounded."""
    X = _without_exponents(X)
    Z = X - X.mean(axis=0)
    scale = np.abs(Z).max(axis=0)
    return Z / np.where(scale > 0, scale, 1)


def _without_exponents(X):
    """Columns divided by powers of two near their largest entries, so that nothing overflows."""
    return np.ldexp(X, -np.frexp(np.abs(X).max(axis=0))[1])


def _following(Z):
    """Columns that are independent, the others, and the shares of the former in the latter."""
    R, order = qr(Z, mode="r", pivoting=True)
    size = np.abs(np.diag(R))
    rank = int((size > FOLLOWS * size[0]).sum())
    shares = solve_triangular(R[:rank, :rank], R[:rank, rank:])
    return order[:rank].tolist(), order[rank:].tolist(), shares


def _without_others(columns, kept, rest, shares):
    """The columns kept, and of each of the others what is left without its shares in them."""
    base = [columns[j] for j in kept]
    n, k = len(base[0]), len(rest)
    shares = fmpq_mat(len(base), k, [_simple(share) for share in shares.ravel().tolist()])
    parts = (fmpq_mat(n, len(base), [c[i] for i in range(n) for c in base]) * shares).entries()
    left = [
        [v - part for v, part in zip(columns[j], parts[place::k], strict=True)]
        for place, j in enumerate(rest)
    ]
    return base + [c for c in left if any(v != c[0] for v in c)]


def _simple(share):
    """The simple fraction that a share is but for rounding, or the float that it is."""
    near = Fraction(share).limit_denominator(10_000)
    if abs(near - Fraction(share)) > 1e-12:
        near = Fraction(share)
    return fmpq(near.numerator, near.denominator)


def _of_size_one(columns):
    """Shift columns by their first entry and divide them by powers of two, in place.

    Returns
    -------
    ndarray, shape (N, k)
        The same as floats, less their mean.
    """
    for c in columns:
        c[:] = [v - c[0] for v in c]
        largest = max(max(c), -min(c))
        unit = fmpq(2) ** (int(largest.p).bit_length() - int(largest.q).bit_length())
        c[:] = [v / unit for v in c]
    Z = np.array([[nearest(v) for v in c] for c in columns]).T
    return Z - Z.mean(axis=0)
