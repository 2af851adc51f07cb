"""How far the classes of a cloud of points have collapsed: the numbers NC1 to NC4."""

from typing import NamedTuple

import numpy as np

from geomcore.display.lines import told_in_brief


@told_in_brief
class CollapseMeasures(NamedTuple):
    """The measures of one cloud of points; nan where there is nothing to measure.

    Attributes
    ----------
    nc1 : float
        Variability within classes, tr(Σ_W Σ_B^+) / Q.
    scatter : float
        tr Σ_W / tr Σ_B, which sees all directions, not only those of the means.
    nc2_norms : float
        Standard deviation of the norms of the centred means over their average.
    nc2_angles : float
        Standard deviation of the cosines between centred means.
    nc2_simplex : float
        Average distance of these cosines from -1 / (Q - 1).
    nc3 : float
        Squared distance of classifier and centred means, both of norm 1; from 0 to 4.
    nc4 : float
        Fraction of points for which another class mean is nearer than that of the class which the
        network chooses.
    between_rank : int
        Rank of Σ_B; Q - 1 if the means are in general position.
    """

    nc1: float
    scatter: float
    nc2_norms: float
    nc2_angles: float
    nc2_simplex: float
    nc3: float
    nc4: float
    between_rank: int


def collapse_measures(H, index, Q, *, classifier=None, chosen=None):
    r"""Measure how far Q classes of points have collapsed; see `neural_collapse`.

    Parameters
    ----------
    H : ndarray, shape (N, m)
        Points, finite.
    index : ndarray of int, shape (N,)
        Class of each; every class has a point.
    Q : int
    classifier : ndarray, shape (Q, m), optional
        A row for each class, for NC3.
    chosen : ndarray of int, shape (N,), optional
        The class that the network chooses for each point, for NC4.

    Returns
    -------
    CollapseMeasures

    Notes
    -----
    Means that differ by no more than rounding, max(N, m) times the machine precision times the
    largest point, coincide. Points are divided by a power of two first, so that no square leaves
    the range of floats. Time O(N m Q), memory for two more arrays like H.
    """
    largest = max(H.max(initial=0.0), -H.min(initial=0.0))
    H = np.ldexp(H, -int(np.frexp(largest)[1]))
    longest = np.sqrt(np.einsum("nm,nm->n", H, H).max(initial=0.0))
    floor = max(H.shape) * np.finfo(float).eps * longest
    sizes = np.bincount(index, minlength=Q)
    H -= H.mean(axis=0)  # means of what is far from the origin would lose digits
    means = np.stack([H[index == c].mean(axis=0) for c in range(Q)])
    centred = means - means.mean(axis=0)
    singular, axes = _spectrum(centred / np.sqrt(Q), floor)
    nc1 = scatter = nc4 = np.nan
    if len(singular) and chosen is not None:
        # One class at a time, as there may be as many as points.
        own, nearest = np.linalg.norm(H - means[chosen], axis=1), np.full(len(H), np.inf)
        for mean in means:
            np.minimum(nearest, np.linalg.norm(H - mean, axis=1), out=nearest)
        nc4 = float((own > nearest + 2 * floor).mean())
    if len(singular) and (sizes > 1).any():
        for c, mean in enumerate(means):
            H[index == c] -= mean
        weights = 1 / (Q * sizes[index])
        along = weights @ (H @ axes.T) ** 2
        nc1 = float((along / singular**2).sum() / Q)
        scatter = float(weights @ np.einsum("nm,nm->n", H, H) / (singular**2).sum())
    return CollapseMeasures(
        nc1,
        scatter,
        *_configuration(centred, floor),
        _distance(classifier, centred) if len(singular) and classifier is not None else np.nan,
        nc4,
        len(singular),
    )


def _spectrum(M, floor):
    """Singular values of the scaled means that are not zero, and their right singular vectors."""
    _, singular, axes = np.linalg.svd(M, full_matrices=False)
    least = max(floor, max(M.shape) * np.finfo(float).eps * singular.max(initial=0.0))
    return singular[singular > least], axes[singular > least]


def _configuration(centred, floor):
    """The three numbers of NC2: spread of norms, of cosines, and distance from a simplex."""
    Q, norms = len(centred), np.linalg.norm(centred, axis=1)
    if Q < 2 or norms.max() <= floor:
        return np.nan, np.nan, np.nan
    spread = float(norms.std() / norms.mean())
    if norms.min() <= floor:
        return spread, np.nan, np.nan  # a mean in the centre has no direction
    units = centred / norms[:, None]
    cosines = (units @ units.T)[np.triu_indices(Q, 1)]
    return spread, float(cosines.std()), float(np.abs(cosines + 1 / (Q - 1)).mean())


def _distance(A, B):
    """Squared Frobenius distance of two matrices, each divided by its norm; nan if it has none."""
    if not np.isfinite(A).all():
        return np.nan
    A, B = (np.ldexp(M, -int(np.frexp(np.abs(M).max())[1])) for M in (A, B))
    norms = np.linalg.norm(A), np.linalg.norm(B)
    if 0 in norms:
        return np.nan
    return float(((A / norms[0] - B / norms[1]) ** 2).sum())
