"""Proofs about all matrices in balls: that they are positive definite, or of full column rank."""

import numpy as np

from constructions.critical.balls import as_balls


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
    T = V.T @ M @ V
    off = T.largest
    np.fill_diagonal(off, 0.0)
    # sums of what is not negative, rounded up
    low = (as_balls(np.diag(T.lower)) - as_balls(off).sum(axis=1)).lower
    if not (low > 0).all():
        return -np.inf
    size = as_balls((V.T @ V).largest).sum(axis=1).upper.max()
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
    rest = (np.eye(m) - as_balls(inverse) @ A).largest
    return bool((as_balls(rest).sum(axis=1).upper < 1).all())
