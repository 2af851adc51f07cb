"""Spans and ranks of the outputs that a loss depends on, and of heights, in part of the time.

From their Gram matrix, or without singular values. Where that does not make it plain what rows
span, it is asked of themselves.
"""

import numpy as np
from scipy.linalg.lapack import dtrcon

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, as_balls, has_full_column_rank, stacked
from constructions.critical.curvature.squares import is_long
from constructions.critical.reduced import along
from constructions.proof.exact import EPS

PLAIN = 1e-8  # of the length of rows: a combination of them that is plainly not 0
MANY = 1  # rows for each parameter, with which a Gram matrix takes less time
CLEAR = 1e-12  # of the largest eigenvalue of a Gram matrix: squares of smaller values are lost


def plain_basis(rows):
    """Orthonormal columns that span rows that are no longer than 1, (P, number of rows).

    None if these are not plainly independent.
    """
    if not len(rows) or len(rows) > rows.shape[1] or not np.isfinite(rows).all():
        return None
    Q, R = np.linalg.qr(rows.T)
    least = dtrcon(R)[0] * np.abs(R).sum(axis=0).max()  # 1 over the norm of the inverse
    return Q if least > PLAIN else None


def row_space(rows, rank):
    """Orthonormal columns that span the row space, (P, rank); None if it is not that large."""
    if rank == 0:
        return np.zeros((rows.shape[1], 0))
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    plain = plain_basis(rows) if rank == len(rows) else None
    if plain is not None:
        return plain
    try:
        _, s, Vt = np.linalg.svd(rows, full_matrices=False)
    except np.linalg.LinAlgError:
        return None
    return Vt[:rank].T if rank <= len(s) and s[rank - 1] > 1e-11 * s[0] else None


def extended(columns, rows):
    """Orthonormal columns and more that span rows, too; None if these are not independent."""
    if not len(rows):
        return columns
    rest = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    for _ in range(2):
        rest = rest - (rest @ columns) @ columns.T
    plain = plain_basis(rest)
    if plain is not None:
        return np.hstack([columns, plain])
    try:
        _, s, Vt = np.linalg.svd(rest, full_matrices=False)
    except np.linalg.LinAlgError:
        return None
    return np.hstack([columns, Vt.T]) if len(s) == len(rows) and s[-1] > 1e-11 else None


def spectrum_of(gram):
    """Eigenvalues of a Gram matrix, rising, and orthonormal columns; None if it is not finite."""
    if not (len(gram) and np.isfinite(gram).all()):
        return None
    return np.linalg.eigh((gram + gram.T) / 2)


def leading_basis(spectrum, rank):
    """Orthonormal columns that span what a Gram matrix has the rank of, (P, rank).

    None if it plainly has a smaller rank, or may have, or its `spectrum_of` is not known.
    """
    if spectrum is None or not 0 < rank <= len(spectrum[0]):
        return None
    values, vectors = spectrum
    return vectors[:, -rank:] if values[-rank] > CLEAR * values[-1] else None


def is_positive(M):
    r"""Whether every symmetric matrix in balls is proved to be positive definite, by Cholesky.

    If the factor R of :math:`A - c` is found in floating point, then :math:`R^T R = A - c + E` with
    :math:`\|E\| \le \gamma_{n+1} / (1 - \gamma_{n+1}) \operatorname{tr} A`, in whatever order sums
    are taken [1]_, [2]_; so A is positive definite if c is at least that. Eight times that is
    taken, which is more than what underflows as well.

    Parameters
    ----------
    M : Balls, shape (n, n)

    References
    ----------
    .. [1] S. M. Rump, Verification of positive definiteness, BIT 46 (2006), Theorem 2.3.
    .. [2] S. M. Rump and C.-P. Jeannerod, Improved backward error bounds for LU and Cholesky
       factorizations, SIAM Journal on Matrix Analysis and Applications 35 (2014).
    """
    n, diagonal = len(M), np.diag(M.mid)
    if not (n and np.isfinite(M.mid).all() and np.isfinite(M.rad).all() and (diagonal > 0).all()):
        return n == 0
    scale = np.exp2(-np.round(np.log2(diagonal) / 2))
    A = (M * scale) * scale[:, None]
    A = (A + A.T) * 0.5
    trace = Balls(np.diag(A.mid)).sum().upper
    c = Balls(A.rad).sum(axis=1).upper.max() + 4 * (n + 4) * EPS * trace
    shifted = A.mid.copy()
    shifted[np.diag_indices(n)] = np.nextafter(np.diag(A.mid) - c, -np.inf)
    try:
        return bool(np.isfinite(np.linalg.cholesky(shifted)).all())
    except np.linalg.LinAlgError:
        return False


def outputs_in_loss(problem, found, J=None):
    """Derivatives of the outputs that the loss of a `Reduced` problem depends on, `Balls`."""
    balls, K = problem.balls, problem.balls.widths[-1]
    J = calculus.output_rows(balls, found) if J is None else J
    parts = [along(J, place, within, K) for place, within in problem.within]
    return stacked([Balls(np.zeros((0, J.shape[1]))), *parts])


def gram_of(problem, found, Z):
    """The part J^T A J of the second derivative and Z^T Z, of size 1; None if rows are few.

    A sends nothing but 0 to 0 in what the loss depends on: where the sum is positive definite, the
    rows of these outputs and of Z have full rank.
    """
    balls = problem.balls
    rows = sum((place.stop - place.start) * within.ncols() for place, within in problem.within)
    if not is_long(balls) or rows < MANY * balls.places[-1][1].stop:
        return None
    gram = calculus.curvature(balls, found)
    size = np.abs(gram.mid).max(initial=1e-300)
    Z = Z * (1 / np.maximum(np.linalg.norm(Z.mid, axis=1), 1e-300))[:, None]
    return gram * (1 / size) + Z.T @ Z


def has_rank(problem, columns, found, Z, J=None):
    """Whether the rows of `outputs_in_loss` and of Z are proved to have full rank on columns."""
    gram = gram_of(problem, found, Z)
    if gram is not None and is_positive(as_balls(columns.T) @ gram @ columns):
        return True
    return has_full_column_rank(stacked([outputs_in_loss(problem, found, J), Z]) @ columns)
