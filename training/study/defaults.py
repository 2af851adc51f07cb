"""What a study takes where nothing is given: a learning rate, and what counts as returned."""

import numpy as np

from training.descent.curvature import largest_curvature


def default_rate(net, X, labels, loss, *, name):
    r"""The learning rate :math:`1 / (2 \lambda_{\max})` of a loss at a reference.

    Raises
    ------
    ValueError
        If there is no curvature there; the reference is called `name`.
    """
    curvature = 0.0
    if hasattr(loss, "curvature"):
        curvature = largest_curvature(net, X, labels, loss=loss, rtol=1e-2)
    if not 0 < curvature < np.inf:
        raise ValueError(
            f"optimizer must be given: the loss has no curvature at {name!r} from which a "
            "learning rate would follow"
        )
    return 0.5 / curvature


def default_tolerance(loss, labels):
    """A thousandth of the loss of the mean target as constant output.

    Raises
    ------
    ValueError
        If that is no number.
    """
    constant = np.broadcast_to(labels.Y.mean(axis=0), labels.Y.shape)
    least = float(loss.value(constant, labels.Y) @ loss.weights(labels.index))
    if not 0 <= least < np.inf:
        raise ValueError(f"tolerance must be given: the best constant output has loss {least}")
    return 1e-3 * least
