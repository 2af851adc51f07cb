"""What `verify` says of cross-entropies, and with weight decay, because of a point near by."""

import numpy as np
from flint import arb

from constructions.critical.points import BITS
from constructions.penalised.search import nearby_strict_minimum
from constructions.proof.certificate import Check
from constructions.proof.exact import below, precision
from constructions.verdicts import CRITICAL, SQUARED
from constructions.verification.near import NEARLY, Near, is_close

NOTHING = 1e-24  # a move that no loss shows, next to data and logits of any size in use


def near_strict_minimum(problem, rtol):
    """Prove that a minimum is next to the network of a problem.

    Parameters
    ----------
    problem : Objective
    rtol : float
        Largest distance of each layer's (W, b), relative to their norm.

    Returns
    -------
    (Near or None, list of Check)
    """
    net, decay = problem.net, problem.weight_decay
    if decay and problem.loss == 0:
        return _found("global minimum", 0.0, 0.0, None), [
            Check(CRITICAL, True, 0.0, "the loss of the stored network is exactly zero")
        ]
    found, why = nearby_strict_minimum(
        net, problem.X, problem.labels, problem.per_class, problem.loss_name, decay
    )
    proved = found is not None and is_close(net, _rounded(found.moves), rtol)
    if proved:
        with precision(BITS):
            proved = bool(problem.loss <= found.loss + arb(NEARLY) * rtol * _size(problem))
    checks = [Check(CRITICAL, proved, None if found is None else found.distance, why)]
    if not proved:
        return None, checks
    # in one affine layer the loss is convex, and a point where its slope vanishes is the best
    if len(net.weights) == 1:
        lower = max(below(found.loss), 0.0)
        return _found("global minimum", found.distance, lower, found), checks
    return _found("local minimum", found.distance, 0.0, found), checks


def _rounded(moves):
    """Moves of layers, without those that are nothing: layers of zeros have no size to tell."""
    return [move if move > NOTHING else 0.0 for move in moves]


def _found(verdict, distance, lower, found):
    critical = {
        "argument": "critical point",
        "rank": found.rank.rank if found else 0,
        "rank_error": float(found.rank.error) if found else 0.0,
        "eigenvalue": found.smallest_eigenvalue if found else 0.0,
        "uniqueness": found.uniqueness if found else 0.0,
        "kinks": [kink._asdict() for kink in found.kinks] if found else [],
    }
    return Near(verdict, distance, lower, 0.0, critical)


def _size(problem):
    """In which units a loss is small: the squared length of the longest target; 1 for entropies."""
    if problem.loss_name not in SQUARED:
        return 1.0
    return float(np.square(problem.labels.targets).sum(axis=1).max()) * (1 - 1e-9)
