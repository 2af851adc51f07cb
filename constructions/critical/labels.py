"""Where labels live: the affine space of the targets, and what of it a group of points needs."""

from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from constructions.proof.exact import precision, rational_matrix

# Radii of orthonormal columns gain 2 bits with each column, and up to 8 where they are completed.
BITS_PER_COLUMN = 12


class LabelSpace(NamedTuple):
    """The affine space that the targets span, K' of K dimensions.

    Outputs off it only add to a squared error, so a network may be projected onto it.

    Attributes
    ----------
    origin : ndarray, shape (K,)
        The target of the first class.
    span : fmpq_mat, shape (K, K')
        Columns are differences of targets, independent.
    frame : arb_mat, shape (K, K')
        Orthonormal columns that span the same.
    coordinates : list of list of arb, shape (Q, K')
        The targets in this frame.
    """

    origin: np.ndarray
    span: fmpq_mat
    frame: arb_mat
    coordinates: list

    @property
    def dimension(self):
        return self.frame.ncols()

    def float_frame(self):
        """The frame as floats, rounded, shape (K, K')."""
        return np.array([[float(a.mid()) for a in row] for row in self.frame.tolist()]).reshape(
            len(self.origin), self.dimension
        )


def label_space(targets):
    """The `LabelSpace` of targets (Q, K); without differences between them, all of R^K."""
    with precision(ctx.prec + BITS_PER_COLUMN * targets.shape[1]):
        return _label_space(targets)


def _label_space(targets):
    Q, K = targets.shape
    differences = rational_matrix(targets[1:]) - rational_matrix(np.tile(targets[:1], (Q - 1, 1)))
    if Q == 1 or differences.rank() in (0, K):
        span = fmpq_mat(K, K, [int(i == j) for i in range(K) for j in range(K)])
        frame = arb_mat(K, K, [int(i == j) for i in range(K) for j in range(K)])
        origin = np.zeros(K)
        coordinates = [[arb(v) for v in row] for row in targets.tolist()]
        return LabelSpace(origin, span, frame, coordinates)
    span = _independent_rows(differences).transpose()
    frame = orthonormal(arb_mat(span))
    origin = targets[0].copy()
    shifted = arb_mat(rational_matrix(targets)) - arb_mat(Q, K, origin.tolist() * Q)
    coordinates = (shifted * frame).tolist()
    return LabelSpace(origin, span, frame, coordinates)


def _independent_rows(M):
    kept, rank = [], 0
    entries, n = M.entries(), M.ncols()
    for i in range(M.nrows()):
        if rank == n:
            break
        trial = [*kept, i]
        rows = fmpq_mat(len(trial), n, [v for j in trial for v in entries[j * n : j * n + n]])
        if rows.rank() > rank:
            kept, rank = trial, rank + 1
    return fmpq_mat(len(kept), n, [v for j in kept for v in entries[j * n : j * n + n]])


def orthonormal(A):
    """Orthonormal columns with the span of the columns of A, by Gram and Schmidt in balls."""
    columns = []
    for column in A.transpose().tolist():
        for _ in range(2):
            for other in columns:
                share = sum((a * b for a, b in zip(column, other, strict=True)), arb(0))
                column = [a - share * b for a, b in zip(column, other, strict=True)]
        length = sum((a * a for a in column), arb(0)).sqrt()
        columns.append([a / length for a in column])
    return arb_mat(columns).transpose()


def split_of(space, targets, classes):
    """Orthonormal columns for what the labels of a group differ in, and for the rest of the space.

    Parameters
    ----------
    space : LabelSpace
    targets : ndarray, shape (Q, K)
    classes : list of int
        Those of the points of the group.

    Returns
    -------
    within, beyond : arb_mat, shapes (K', m), (K', K' - m)
    functionals : list of list of fmpq
        m rows over `space.span` that have the same kernel as `within`.
    """
    with precision(ctx.prec + BITS_PER_COLUMN * space.dimension):
        return _split_of(space, targets, classes)


def _split_of(space, targets, classes):
    K = space.dimension
    rows = rational_matrix(targets[classes]).tolist()
    differences = [[a - b for a, b in zip(row, rows[0], strict=True)] for row in rows[1:]]
    if not differences:
        return None, arb_mat(K, K, [int(i == j) for i in range(K) for j in range(K)]), []
    kept = _independent_rows(fmpq_mat(differences))
    m = kept.nrows()
    if m == 0:
        return None, arb_mat(K, K, [int(i == j) for i in range(K) for j in range(K)]), []
    within = orthonormal(space.frame.transpose() * arb_mat(kept.transpose()))
    functionals = (kept * space.span).tolist()
    if m == K:
        return within, None, functionals
    whole = within
    for j in range(K):  # unit vectors complete it, those first that are least in its span
        if whole.ncols() == K:
            break
        square = sum((a * a for a in whole.tolist()[j]), arb(0))
        if square < 0.999:
            unit = arb_mat(K, 1, [int(i == j) for i in range(K)])
            columns = [*whole.transpose().tolist(), *unit.transpose().tolist()]
            whole = orthonormal(arb_mat(columns).transpose())
    if whole.ncols() < K:
        return None
    columns = whole.transpose().tolist()
    return within, arb_mat(columns[m:]).transpose(), functionals


def beyond_of(space, targets, classes):
    """Directions in which the labels of a group do not differ.

    Parameters
    ----------
    space : LabelSpace
    targets : ndarray, shape (Q, K)
    classes : list of int
        Those of the points of the group.

    Returns
    -------
    list of (tuple of fmpq, list of arb, fmpq, arb)
        A functional of the coordinates that belong to `space.span`, the same for those in the
        frame, and its value at these labels, twice.
    """
    K = space.dimension
    inverse = (space.span.transpose() * space.span).inv()
    units = [[fmpq(int(i == j)) for j in range(K)] for i in range(K)]
    origin = rational_matrix(np.tile(space.origin, (len(classes), 1)))
    rows = ((rational_matrix(targets[classes]) - origin) * space.span * inverse).tolist()
    differences = [[a - b for a, b in zip(row, rows[0], strict=True)] for row in rows[1:]]
    if differences:
        units = _kernel(fmpq_mat(differences).rref()[0].tolist(), K)
    back = space.frame.transpose() * arb_mat(space.span * inverse)
    found = []
    for unit in units:
        direction = (back * arb_mat(fmpq_mat([[v] for v in unit]))).entries()
        value = sum((a * b for a, b in zip(unit, rows[0], strict=True)), fmpq(0))
        found.append((tuple(unit), direction, value, arb(value)))
    return found


def _kernel(reduced, K):
    """Vectors that span the kernel of rows in reduced echelon form."""
    pivots = {}
    for row in reduced:
        at = next((j for j, v in enumerate(row) if v != 0), None)
        if at is not None:
            pivots[at] = row
    found = []
    for j in range(K):
        if j not in pivots:
            vector = [fmpq(int(i == j)) for i in range(K)]
            for at, row in pivots.items():
                vector[at] = -row[j]
            found.append(vector)
    return found
