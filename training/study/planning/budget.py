r"""How many steps a trial needs, and how long they take."""

from typing import NamedTuple

import numpy as np

from geomcore.layers import Affine
from training.descent.losses import SquaredError
from training.descent.optimizers import SGD

# The default budget, in relaxations. Close to a minimum ten would do: the slowest direction then
# has shrunk by e^-10, and its part of the loss by e^-20. Farther away the loss is flatter: with
# ten, most trials that are not back where half return are still falling, with a hundred they are
# not (clusters, 20 trials: 12 of 13 after 10 relaxations, 3 of 4 after 100, 0 of 1 after 400).
RELAXATIONS = 100
# What all trials of a study together may cost by default, in multiplications and additions: about
# a minute of one core at 1.5e10 a second. It is not a measured time, so that the budget of a
# study depends on the study alone.
WORK, PACE = 9e11, 1.5e10
# Steps that are taken whatever they cost, and where no relaxation is known.
FEWEST, USUAL = 100, 1000
# Multiplications and additions of one step by weight and point: twice forward, four times back.
PER_WEIGHT = 6

# Singular values that are a smaller part of the largest one are rounding: their squares, the
# eigenvalues, are below its last bit.
NOISE = 1e-8


def slowest_curvature(net, X, labels, loss):
    r"""Smallest curvature of the squared error, in its last layer, that tells classes apart.

    .. math:: \mu = 2\, \sigma_{\min}^2, \qquad
              M = \left( \sqrt{w_j}\, (\bar h_j, 1) \right)_j

    with :math:`\bar h_j` the mean over class j of what the last layer reads, :math:`w_j` the
    weight of the class in the loss, and :math:`\sigma_{\min}` the smallest singular value of M
    that is not zero.

    Parameters
    ----------
    net : Network
    X : ndarray, shape (N, d)
    labels : Labels
    loss : loss object

    Returns
    -------
    float
        nan if the loss is none of the squared errors, the last layer is not affine, or nothing
        is finite.

    Notes
    -----
    At a network that collapses every class to a point M has all that the last layer sees, and
    :math:`|\nabla C|^2 \ge 2 \mu\, C` holds for what its outputs can correct: gradient flow
    then returns at least at the rate :math:`e^{-2 \mu t}` in the loss (docs/minima.md, the basin
    of return). Directions within a class, which can be as slow as one likes, are left out.
    """
    if type(loss) is not SquaredError or not isinstance(net.layers[-1], Affine):
        return np.nan
    return slowest_of(*class_means(net, X, labels, loss))


def class_means(net, X, labels, loss):
    """What the last layer reads, on average over each class, (Q, m), and the weights (Q,)."""
    values = X
    with np.errstate(all="ignore"):
        for layer in net.layers[:-1]:
            values = layer(values)
        weights = loss.weights(labels.index)
        shares = np.bincount(labels.index, weights, len(labels.targets))
        totals = np.zeros((len(shares), values.shape[1]))
        np.add.at(totals, labels.index, weights[:, None] * values)
        some = shares > 0
        return totals[some] / shares[some, None], shares[some]


def slowest_of(means, shares):
    """The `slowest_curvature` from the `class_means`; nan if they are not finite."""
    M = np.sqrt(shares)[:, None] * np.column_stack([means, np.ones(len(means))])
    if not np.isfinite(M).all():
        return np.nan
    singular = np.linalg.svd(M, compute_uv=False)
    return float(2 * singular[singular > NOISE * singular[0]].min() ** 2)


def relaxation(net, X, labels, loss, optimizer):
    r"""Steps in which the slowest direction that matters shrinks by a factor e.

    .. math:: \frac{1 - m}{\eta \mu}

    for gradient descent of rate :math:`\eta` and momentum m, with :math:`\mu` the
    `slowest_curvature`.

    Returns
    -------
    float or None
        None where that curvature is not known, or steps do not go by the gradient alone.
    """
    if type(optimizer) is not SGD or optimizer.clip is not None:
        return None
    with np.errstate(all="ignore"):
        curvature = np.float64(slowest_curvature(net, X, labels, loss))
        steps = (1 - optimizer.momentum) / (optimizer.learning_rate * curvature)
    return float(steps) if np.isfinite(steps) else None


class Budget(NamedTuple):
    """What `default_steps` returns.

    Attributes
    ----------
    steps : int
    wanted : int
        What it would be without a limit.
    seconds : float
        About what all trials together take on one core.
    """

    steps: int
    wanted: int
    seconds: float


def default_steps(networks, points, relaxations, trials):
    """The step budget where none is given: a hundred relaxations, if that is not too much work.

    Parameters
    ----------
    networks : sequence of Network
        The references.
    points : int
        Points in a step.
    relaxations : sequence of float or None
        Of each reference, see `relaxation`.
    trials : int
        Trials around each reference.

    Returns
    -------
    Budget

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([np.eye(3)], [np.zeros(3)])
    >>> default_steps([net], 100, [31.3], 600)
    Budget(steps=3200, wanted=3200, seconds=1.28)
    """
    known = [steps for steps in relaxations if steps is not None]
    wanted = _rounded(RELAXATIONS * max(known)) if len(known) == len(networks) else USUAL
    # A step of the smallest network takes a few microseconds all the same.
    costs = [max(PER_WEIGHT * net.parameter_count * points, 1e4) for net in networks]
    per_step = trials * sum(costs)
    steps = max(FEWEST, min(wanted, _rounded(WORK / per_step)))
    return Budget(steps, wanted, steps * per_step / PACE)


def _rounded(number):
    """A whole number of two digits and zeros, not below the given one by more than it says."""
    number = min(number, 1e15)
    unit = 10 ** max(0, int(np.floor(np.log10(max(number, 1)))) - 1)
    return max(1, int(np.ceil(number / unit)) * unit)
