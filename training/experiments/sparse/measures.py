"""What is measured of a dictionary: norms, coherence, and whether it is a known one."""

from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_array, as_count, as_rng

FOUND = 0.9  # cosine above which a column counts as found


class Recovery(NamedTuple):
    """How well the columns of a known dictionary are matched by those of another one.

    Attributes
    ----------
    mean : float
        Of the cosines of the best one-to-one match; those below 0 count as 0.
    found : float
        Part of the known columns whose cosine is above 0.9.
    """

    mean: float
    found: float


def cosines(A, B):
    """Cosines between the columns of A (d, m) and B (d, n); 0 for columns of zeros.

    Examples
    --------
    >>> cosines([[3.0, 0.0], [4.0, 0.0]], [[1.0, -1.0], [0.0, 0.0]])
    array([[ 0.6, -0.6],
           [ 0. ,  0. ]])
    """
    A, B = _unit_columns(as_array(A, "A", 2)), _unit_columns(as_array(B, "B", 2))
    if len(A) != len(B):
        raise ValueError(f"A and B must have as many rows, got shapes {A.shape} and {B.shape}")
    return np.clip(A.T @ B, -1.0, 1.0)


def coherence(D):
    r"""The coherence of a dictionary, :math:`\max_{i \ne j} |\cos(d_i, d_j)|`.

    Parameters
    ----------
    D : array_like, shape (d, m)
        Columns of zeros have cosine 0 with all others.

    Returns
    -------
    float
        0 for a single column.

    Examples
    --------
    >>> round(coherence([[1.0, 0.0, -2.0], [0.0, 5.0, 2.0]]), 6)
    0.707107
    """
    found = np.abs(cosines(D, D))
    np.fill_diagonal(found, 0.0)
    return float(found.max(initial=0.0))


def recovery(D, truth):
    """Match columns of a dictionary one to one with known ones, up to positive factors.

    Parameters
    ----------
    D : array_like, shape (d, m)
    truth : array_like, shape (d, n)
        If n > m, the columns that are left over count as cosine 0.

    Returns
    -------
    Recovery

    Notes
    -----
    The match has the largest sum of cosines there is, by `scipy.optimize.linear_sum_assignment`.
    Codes are not negative, so that the negative of a column stands for nothing that the column
    does: signs count.

    Examples
    --------
    >>> recovery([[0.0, 2.0], [3.0, 0.0]], np.eye(2)), recovery(-np.eye(2), np.eye(2)).mean
    (Recovery(mean=1.0, found=1.0), 0.0)
    """
    from scipy.optimize import linear_sum_assignment

    found = np.maximum(cosines(truth, D), 0.0)
    known = len(found)
    if not known:
        raise ValueError(f"truth must have at least one column, got shape {np.shape(truth)}")
    matched = found[linear_sum_assignment(found, maximize=True)]
    return Recovery(float(matched.sum() / known), float((matched > FOUND).sum() / known))


def recovery_null(truth, units, *, draws=20, rng=None):
    """The same of dictionaries of random directions: what chance finds.

    Parameters
    ----------
    truth : array_like, shape (d, n)
    units : int
        Columns of the random dictionaries.
    draws : int, optional
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    list of Recovery
    """
    truth = as_array(truth, "truth", 2)
    units, draws, rng = as_count(units, "units"), as_count(draws, "draws"), as_rng(rng)
    return [recovery(rng.standard_normal((len(truth), units)), truth) for _ in range(draws)]


def recovery_of_points(X, truth, units, *, draws=20, rng=None):
    """The same of dictionaries of data points: what is reached though nothing is learned.

    Parameters
    ----------
    X : array_like, shape (N, d)
        At least `units` of them.
    truth : array_like, shape (d, n)
    units : int
        Columns of the dictionaries, points drawn without replacement.
    draws : int, optional
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    list of Recovery
    """
    X, truth = as_array(X, "X", 2), as_array(truth, "truth", 2)
    units, draws, rng = as_count(units, "units"), as_count(draws, "draws"), as_rng(rng)
    if len(X) < units:
        raise ValueError(f"units must be at most the number of points, {len(X)}, got {units}")
    drawn = (rng.choice(len(X), units, replace=False) for _ in range(draws))
    return [recovery(X[rows].T, truth) for rows in drawn]


def _unit_columns(D):
    largest = np.abs(D).max(axis=0, initial=0.0)
    # By a power of 2 first, so that squares neither overflow nor vanish.
    D = np.ldexp(D, -np.frexp(largest)[1])
    norms = np.linalg.norm(D, axis=0)
    return D / np.where(norms > 0, norms, 1.0)
