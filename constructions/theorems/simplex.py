"""One class inside a simplex, the other outside (Ewa25 Theorem 3.3)."""

import numpy as np

from constructions.theorems.polyhedral import draft_inside_then_outside
from geomcore.arrays import as_array


def draft(X, labels, rng, *, simplex):
    """The d + 1 faces of a simplex around one class, then a collapse of the other.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    labels : Labels
    rng : numpy.random.Generator
    simplex : (W, b) or None
        The faces of a given simplex; None to find them.

    Returns
    -------
    Draft

    Raises
    ------
    Refused
        If there are not two classes, or a point is on the wrong side.

    References
    ----------
    .. [1] P. Muñoz Ewald, arXiv:2504.18710, Thm 3.3.
    """
    return draft_inside_then_outside(X, labels, rng, simplex, [X.shape[1] + 1])


def as_faces(simplex, X, labels):
    """The faces of a simplex given by its vertices, shape (d + 1, d); None stays None."""
    if simplex is None:
        return None
    vertices, d = as_array(simplex, "simplex", 2), X.shape[1]
    if vertices.shape[1] != d:
        raise ValueError(f"simplex must live in R^{d} like the data, got shape {vertices.shape}")
    return faces_of_simplex(vertices)


def faces_of_simplex(vertices):
    """Half-spaces whose intersection is a simplex: minus the barycentric coordinates.

    Parameters
    ----------
    vertices : ndarray, shape (d + 1, d)

    Raises
    ------
    ValueError
        If the vertices do not span R^d.
    """
    centred = vertices - vertices.mean(axis=0)
    size = np.abs(centred).max(initial=0.0) or 1.0
    lifted = np.column_stack([centred / size, np.ones(len(vertices))])
    if vertices.shape[0] != vertices.shape[1] + 1 or np.linalg.matrix_rank(lifted) < len(lifted):
        raise ValueError(
            f"simplex must hold d + 1 affinely independent vertices in R^d, "
            f"got shape {vertices.shape}"
        )
    inverse = np.linalg.inv(lifted)
    W = -inverse[:-1].T / size
    return W, -inverse[-1] - W @ vertices.mean(axis=0)
