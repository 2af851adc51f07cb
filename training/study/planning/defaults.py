"""What a study takes where nothing is given: a learning rate, and what counts as returned."""

import numpy as np

from training.descent.curvature import largest_curvature

# A reference whose curvature is a smaller part of what its loss can have is flat: outputs
# are saturated, and it says nothing about the curvature around.
FLAT = 1e-3
# Starting points among the targets of a descent to the best constant output.
MOST_STARTS = 10


class _Steepest:
    """A loss whose second derivative is everywhere as large as it can be."""

    def __init__(self, loss):
        self.name, self.weights, self._bound = loss.name, loss.weights, loss.steepest
        self.value, self.gradient = loss.value, loss.gradient

    def curvature(self, outputs, Y, direction):
        return self._bound * direction


def default_rate(net, X, labels, loss, *, name):
    r"""The learning rate :math:`1 / (2 \lambda_{\max})` of a loss at a reference.

    If the loss is flat there, as cross-entropy is where it is saturated, and
    has a bound `steepest` of its second derivative, the bound takes its place.

    Raises
    ------
    ValueError
        If there is no curvature there; the reference is called `name`.
    """
    curvature = 0.0
    if hasattr(loss, "curvature"):
        curvature = largest_curvature(net, X, labels, loss=loss, rtol=1e-2)
    if hasattr(loss, "steepest"):
        most = largest_curvature(net, X, labels, loss=_Steepest(loss), rtol=1e-2)
        curvature = curvature if curvature >= FLAT * most else most
    if not 0 < curvature < np.inf:
        raise ValueError(
            f"optimizer must be given: the loss has no curvature at {name!r} from which a "
            "learning rate would follow"
        )
    return 0.5 / curvature


def default_tolerance(loss, labels):
    """A thousandth of the loss of the best constant output.

    That is what `loss.constant_loss` says; for a loss without it, the least
    value that descent finds from the mean target and from the targets.

    Raises
    ------
    ValueError
        If that is no positive number, as with one class: then every
        tolerance would be arbitrary, and it must be given.
    """
    Y, weights = labels.Y, loss.weights(labels.index)
    if hasattr(loss, "constant_loss"):
        least = loss.constant_loss(Y, weights)
    else:
        least = _least_constant(loss, Y, weights, labels.targets)
    if not 0 < least < np.inf:
        raise ValueError(
            f"tolerance must be given: the best constant output has loss {least:.3g} (as with one "
            "class), of which no part can tell what has returned"
        )
    return 1e-3 * least


def _least_constant(loss, Y, weights, targets):
    from scipy.optimize import minimize

    def of(constant):
        outputs = np.tile(constant, (len(Y), 1))
        total = float(loss.value(outputs, Y) @ weights)
        return total, weights @ loss.gradient(outputs, Y)

    starts = [weights @ Y / weights.sum(), *targets[:MOST_STARTS]]
    with np.errstate(all="ignore"):
        found = [minimize(of, start, jac=True, method="L-BFGS-B").fun for start in starts]
    return min((float(value) for value in found if np.isfinite(value)), default=np.nan)
