"""What `verify` says of a two-layer network with weight decay beside all others, of any width."""

from typing import NamedTuple

import numpy as np
from flint import arb

from constructions.proof.certificate import Check
from constructions.proof.exact import above, precision
from constructions.two_layer.best_neuron import best_neuron, bound_without_search
from constructions.two_layer.cones import LARGEST
from constructions.two_layer.dual import BITS, balanced_multipliers, dual_bound
from constructions.verdicts import WIDTHS
from geomcore.foreign.wording import rounded

# Cones that are looked at for a best neuron, at most,
NODES = 100_000
WORK = 500_000_000  # and what they take together, if one takes N D^2 + D^4.
# How much of `rtol` the bound may exceed it by, between these.
SHARE = 0.25
FINEST, COARSEST = 1e-12, 1e-4


class Beside(NamedTuple):
    """A lower bound on the loss of all two-layer networks.

    Attributes
    ----------
    lower : float
    slack : float
        No two-layer network has a loss that is smaller than that of the stored one by more.
    is_best : bool
        Whether that is at most `rtol` of the loss.
    """

    lower: float
    slack: float
    is_best: bool


def beside_all_widths(problem, rtol):
    """The dual bound of a network's residuals, if there is one.

    Parameters
    ----------
    problem : Objective
    rtol : float
        Up to which part of the loss a slack makes it a global minimum.

    Returns
    -------
    (Beside or None, list of Check)
        None for networks of another depth, without weight decay, and for losses other than the
        mean squared error, of which the dual is not worked out.

    Notes
    -----
    The theorem and its proof are in docs/two-layer.md; of the output bias it is the convention
    ``"penalised"`` there. The best neuron for the residuals is looked for with a number of cones
    that the shapes alone decide, so that equal calls find equal bounds: coarsely at first, and on
    only where the slack may be small enough. Where no cone is looked at the bound is one of norms.
    """
    net = problem.net
    if len(net.weights) != 2 or problem.loss_name != "mse" or not problem.weight_decay:
        return None, []
    R = net(problem.X) - problem.labels.Y
    if not np.isfinite(R).all():
        return None, []
    multipliers = balanced_multipliers(R, free=False)
    lower = _lower(problem, multipliers, _bound(problem, multipliers, rtol))
    with precision(BITS):
        slack = max(above(problem.loss - lower), 0.0)
        is_best = bool(slack <= problem.loss * rtol)
    told = (
        f"none has a loss below {rounded(lower, down=True)}, "
        f"nor below this one's by more than {rounded(slack, up=True)}"
    )
    return Beside(lower, slack, is_best), [Check(WIDTHS, is_best, slack, told)]


def excess_for(rtol):
    """By which part of it a bound of the best neuron may exceed the best one that is found."""
    return min(max(SHARE * rtol, FINEST), COARSEST)


def _lower(problem, multipliers, bound):
    """A lower bound on all losses if no unit neuron agrees with the multipliers more than that."""
    Y, decay = problem.labels.Y, problem.weight_decay
    return dual_bound(multipliers, Y, decay, bound, penalised=True)[1]


def _bound(problem, multipliers, rtol):
    """By how much a unit neuron agrees with the multipliers at most."""
    X = problem.X
    N, D = len(X), X.shape[1] + 1
    if D > LARGEST:
        return bound_without_search(X, multipliers)
    nodes = max(min(NODES, WORK // (N * D**2 + D**4)), 1)
    found = best_neuron(X, multipliers, rtol=COARSEST, nodes=nodes)
    excess, hope = excess_for(rtol), _lower(problem, multipliers, found.value)
    with precision(BITS):
        is_far = bool(problem.loss * (1 - arb(rtol)) > hope)
    if is_far or not found.finished or excess >= COARSEST:
        return found.bound
    finer = best_neuron(X, multipliers, rtol=excess, nodes=nodes, incumbent=found.direction)
    return min(found.bound, finer.bound)
