"""What a study takes where nothing is given: a learning rate, and what counts as returned."""

import numpy as np

from training.descent.curvature import stable_rate
from training.descent.optimizers import SGD
from training.study.planning.arguments import as_size
from training.study.planning.budget import relaxation

# The part of the loss of the best constant output that is the default tolerance.
PART = 1e-3
# Starting points among the targets of a descent to the best constant output.
MOST_STARTS = 10


def default_rate(net, X, labels, loss, *, name):
    """The `training.descent.curvature.stable_rate` of a loss at a reference.

    Raises
    ------
    ValueError
        If there is none; the reference is called `name`.
    """
    rate = stable_rate(net, X, labels, loss)
    if rate is None:
        raise ValueError(
            f"learning_rate must be given: the loss has no curvature at {name!r} from which one "
            "would follow"
        )
    return rate


def default_tolerance(loss, labels):
    """A thousandth of the loss of the best constant output, see `constant_loss`.

    Raises
    ------
    ValueError
        If that is no positive number, as with one class: then every
        tolerance would be arbitrary, and it must be given.
    """
    least = constant_loss(loss, labels)
    if not 0 < least < np.inf:
        raise ValueError(
            f"tolerance must be given: the best constant output has loss {least:.3g} (as with one "
            "class), of which no part can tell what has returned"
        )
    return PART * least


def constant_loss(loss, labels):
    """Loss of the best constant output, a float; nan if none is found.

    That is what `loss.constant_loss` says; for a loss without it, the least
    value that descent finds from the mean target and from the targets.
    """
    Y, weights = labels.Y, loss.weights(labels.index)
    if hasattr(loss, "constant_loss"):
        return float(loss.constant_loss(Y, weights))
    return _least_constant(loss, Y, weights, labels.targets)


def measured(name, net, X, labels, loss, optimizer, tolerance):
    """What the file of a study says about a reference, beside its name and its loss.

    Parameters
    ----------
    name : str
        For messages.
    net : Network
    X : ndarray, shape (N, d)
    labels : Labels
    loss : loss object
    optimizer, tolerance
        As they are given to the study; None stands for the defaults of this module.

    Returns
    -------
    dict
        tolerance, learning_rate, constant_loss and relaxation, as in
        `training.study.records.Reference`.

    Raises
    ------
    ValueError
        If a default is asked for that does not exist here.
    """
    rate = (
        default_rate(net, X, labels, loss, name=name)
        if optimizer is None
        else as_size(getattr(optimizer, "learning_rate", None), "learning_rate")
    )
    # Of a loss that somebody else wrote it is searched for, and only if it is needed.
    known = tolerance is None or hasattr(loss, "constant_loss")
    least = constant_loss(loss, labels) if known else np.nan
    plain = SGD(rate) if optimizer is None else optimizer
    return {
        "tolerance": default_tolerance(loss, labels) if tolerance is None else tolerance,
        "learning_rate": rate,
        "constant_loss": least if 0 <= least < np.inf else None,
        "relaxation": relaxation(net, X, labels, loss, plain),
    }


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
