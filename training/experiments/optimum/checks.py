"""Whether what was kept of `geomcore optimum` says what its own networks and data say.

Numbers of the right form may still be wrong. What can be computed again in a moment is; that a
lower bound is true cannot, only that no network at hand is below it.
"""

import numpy as np

from constructions.two_layer.answer import REASONS
from training.experiments.optimum.dual import neurons_of
from training.experiments.optimum.objective import EPS, SMALLEST, objective, proved, rounding

UNIT = 1e-9  # what a unit vector may be too long by


def check_optimum(best, start, X, Y, weight_decay, gap):
    """Raise ValueError unless an optimum is one of these data, as far as that is seen at once.

    Parameters
    ----------
    best : TwoLayerOptimum
    start : ndarray, shape (m, d + 1)
        Its unit neurons.
    X : ndarray, shape (N, d)
    Y : ndarray, shape (N, Q)
    weight_decay, gap : float
        That were asked for.
    """
    _check(best.weight_decay == weight_decay, "weight_decay is that of another piece")
    _check(best.asked == gap, "asked is not the gap that was asked for")
    _check(best.reason in REASONS, "the reason is none")
    _check(0 <= best.seconds < np.inf, "seconds is no time")
    W, _, V, _ = best.network.tensors
    # A network without neurons is stored as one of one unit that puts out nothing.
    count = len(W) if V.any() or best.neurons else 0
    _check(best.neurons == count == len(start), "neurons is not the number of those it has")
    _check(best.neurons_before >= count, "neurons_before is less than what was left")
    is_unit = (abs(start) <= 1 + UNIT).all() and (np.linalg.norm(start, axis=1) <= 1 + UNIT).all()
    _check(is_unit, "start has vectors that are no unit vectors")
    lower, upper = proved(best.network, X, Y, weight_decay)
    # Elsewhere the ball may have been rounded otherwise, but not by more than its own width.
    is_its = lower <= best.loss <= upper + (upper - lower)
    _check(best.loss == upper or is_its, "loss is not that of its network")
    is_bound = 0 <= best.lower_bound <= best.loss and best.lower_bound < np.inf
    _check(is_bound, "lower_bound is not between 0 and the loss")
    _check(best.history, "history is empty")
    for k, one in enumerate(best.history):
        is_next = one.number == k + 1 and one.neurons >= 0 and one.seconds >= 0
        _check(is_next and np.isfinite(one).all(), f"history {k} is no round")


def check_dual(dual, best, X, Y):
    """Raise ValueError unless multipliers and neurons are of an optimum of these data.

    Parameters
    ----------
    dual : Dual
    best : TwoLayerOptimum
    X : ndarray, shape (N, d)
    Y : ndarray, shape (N, Q)
    """
    _check(dual.weight_decay == best.weight_decay, "weight_decay is that of another piece")
    own = neurons_of(best.network)
    is_own = dual.neurons.shape == own.shape and (abs(dual.neurons - own) <= UNIT).all()
    _check(is_own, "neurons are not those of the best network")
    L = dual.multipliers
    _check(L.shape == Y.shape and np.isfinite(L).all(), "multipliers are not one for each target")
    if not len(own):
        return
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.column_stack([abs(X), np.ones(len(X))]) @ abs(own).T
        wrong = np.linalg.norm(sizes.T @ (X.size * 8 * EPS * abs(L) + SMALLEST), axis=1)
        above = dual.values(X, own) - 1 - UNIT - wrong / dual.weight_decay
    # What overflows says nothing.
    _check(not (above[np.isfinite(above)] > 0).any(), "multipliers are not feasible")


def check_ends(ends, best, X, Y, runs):
    """Raise ValueError unless losses are those of as many networks as were asked for.

    Parameters
    ----------
    ends : Ends
    best : TwoLayerOptimum
        Of the same weight decay.
    X : ndarray, shape (N, d)
    Y : ndarray, shape (N, Q)
    runs : int
    """
    _check(len(ends.losses) == runs, f"losses are {len(ends.losses)}, {runs} were asked for")
    for k, (net, loss) in enumerate(zip(ends.networks, ends.losses, strict=True)):
        again = objective(net, X, Y, ends.weight_decay)
        if loss == again and loss >= best.lower_bound:
            continue
        wrong = rounding(net, X, Y, ends.weight_decay)
        is_near = np.isfinite(loss) and np.isfinite(again) and abs(loss - again) <= 2 * wrong
        _check(loss == again or (loss >= 0 and is_near), f"loss {k} is not that of its network")
        _check(
            loss >= best.lower_bound - wrong,
            f"loss {k} is below the lower bound kept for weight decay {best.weight_decay!r}",
        )


def _check(is_right, what):
    if not is_right:
        raise ValueError(what)
