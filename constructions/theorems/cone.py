"""One class in the backward sector of a polyhedral cone (Ewa25 Proposition 3.1)."""

import numpy as np

from constructions.theorems.polyhedral import draft_inside_then_outside
from geomcore.cones import PolyhedralCone
from geomcore.foreign.wording import quoted


def draft(X, labels, rng, *, cone):
    """Faces through one base point around one class, then a collapse of the other.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    labels : Labels
    rng : numpy.random.Generator
    cone : (W, b) or None
        The faces of a given cone; None to find 2 to d of them, as few as possible.

    Returns
    -------
    Draft

    Raises
    ------
    Refused
        If there are not two classes, d < 2, or a point is on the wrong side.

    References
    ----------
    .. [1] P. Muñoz Ewald, arXiv:2504.18710, Prop. 3.1.
    """
    return draft_inside_then_outside(X, labels, rng, cone, range(2, X.shape[1] + 1))


def as_faces(cone, X, labels):
    """The faces of a cone given as a `PolyhedralCone` or (base, edges); None stays None."""
    if cone is None:
        return None
    if not isinstance(cone, PolyhedralCone):
        try:
            base, edges = cone
        except (TypeError, ValueError):
            raise ValueError(
                f"cone must be a PolyhedralCone or a pair (base, edges), got {quoted(cone)}"
            ) from None
        try:
            cone = PolyhedralCone(base, edges)
        except ValueError as error:
            raise ValueError(f"cone must be a pair (base, edges) of a cone: {error}") from None
    d = X.shape[1]
    if len(cone.base) != d:
        raise ValueError(f"cone must live in R^{d} like the data, got R^{len(cone.base)}")
    return faces_of_cone(cone.base, cone.edges)


def faces_of_cone(base, edges):
    """Half-spaces whose intersection is the backward sector S_- of a polyhedral cone."""
    W = np.linalg.pinv(edges.T)
    return W, -W @ base
