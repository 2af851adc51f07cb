"""How points are weighted in a loss: all points alike, or all classes alike."""

import numpy as np


def points_sharing(index, *, class_weighted):
    """How many points share one unit of weight with each point.

    Parameters
    ----------
    index : ndarray of int, shape (N,)
        Class of every point.
    class_weighted : bool
        False: all N. True: those of the same class.

    Returns
    -------
    ndarray of int, shape (N,)

    Examples
    --------
    >>> points_sharing(np.array([0, 1, 1]), class_weighted=True)
    array([1, 2, 2])
    """
    if class_weighted:
        return np.bincount(index)[index]
    return np.full(len(index), len(index))


def point_weights(index, *, class_weighted):
    r"""Weight of every point in a loss, shape (N,): 1/N, or :math:`1/N_j` in class j.

    With the former a loss is a mean over points; with the latter a sum over classes of
    means over each.
    """
    return 1.0 / points_sharing(index, class_weighted=class_weighted)
