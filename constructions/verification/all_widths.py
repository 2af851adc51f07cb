"""What `verify` says of a two-layer network with weight decay beside all others, of any width."""

from typing import NamedTuple

import numpy as np

from constructions.proof.certificate import Check
from constructions.proof.exact import above, precision
from constructions.two_layer.best_neuron import best_neuron
from constructions.two_layer.dual import BITS, balanced_multipliers, dual_bound
from constructions.verdicts import WIDTHS
from geomcore.foreign.wording import rounded

# Cones that are looked at for a best neuron, and how much of `rtol` its bound may exceed it by,
NODES, SHARE = 100_000, 0.25
FINEST, COARSEST = 1e-12, 1e-4  # between these


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
    that is fixed, so that equal calls find equal bounds.
    """
    net = problem.net
    if len(net.weights) != 2 or problem.loss_name != "mse" or not problem.weight_decay:
        return None, []
    R = net(problem.X) - problem.labels.Y
    if not np.isfinite(R).all():
        return None, []
    multipliers = balanced_multipliers(R, free=False)
    excess = min(max(SHARE * rtol, FINEST), COARSEST)
    bound = best_neuron(problem.X, multipliers, rtol=excess, nodes=NODES).bound
    _, lower = dual_bound(
        multipliers, problem.labels.Y, problem.weight_decay, bound, penalised=True
    )
    with precision(BITS):
        slack = max(above(problem.loss - lower), 0.0)
        is_best = bool(slack <= problem.loss * rtol)
    told = (
        f"none has a loss below {rounded(lower, down=True)}, "
        f"nor below this one's by more than {rounded(slack, up=True)}"
    )
    return Beside(lower, slack, is_best), [Check(WIDTHS, is_best, slack, told)]
