"""What `verify` says of a stored network because of an exact point next to it, or with a slack."""

from typing import NamedTuple

import numpy as np
from flint import arb

from constructions.critical.points import BITS
from constructions.critical.search import lower_bound_of_cell, nearby_minimum
from constructions.proof.basin import cell_radius
from constructions.proof.certificate import Check
from constructions.proof.derivatives import smallest_eigenpair
from constructions.proof.exact import above, below, precision
from constructions.verdicts import CRITICAL, SLACK

# A slack is told up to this part of the squared length of a target,
SMALL = 1e-24
# and of what a curvature like the largest one would do within the radius: else it says nothing.
SHARE = 1e-6
# The stored loss is above that of the exact point by at most this part of rtol, in the same units:
# idle weights that are large, beside which a move is small, excuse nothing.
NEARLY = 1e-4
LARGE = 3_000_000  # points times units up to which the cell radius is computed


class Near(NamedTuple):
    """A minimum that is proved.

    Attributes
    ----------
    verdict : str
    distance : float or None
        To the exact point; None if the verdict is about the stored network, with a slack.
    lower : float
        Lower bound on the loss in the cell.
    slack : float
    critical : dict
        As in `Certificate`.
    """

    verdict: str
    distance: float | None
    lower: float
    slack: float
    critical: dict


def near_minimum(problem, rtol, is_near):
    """Prove that a minimum is next to the network of a problem, or that it is one but for a slack.

    Parameters
    ----------
    problem : LocalProblem
        In which all parameters may move.
    rtol : float
        Largest distance of each layer's (W, b), relative to their norm.
    is_near : callable
        Of a proof with a distance, its loss, and the largest distance: whether the stored
        network is near enough to a point of loss zero.

    Returns
    -------
    (Near or None, list of Check)
    """
    net = problem.net
    found, why = nearby_minimum(net, problem.X, problem.labels, problem.per_class)
    proved = found is not None and is_close(net, found.moves, rtol)
    if proved and found.is_zero:
        proved = is_near(found, found.loss, np.inf)
    elif proved:
        with precision(BITS):
            proved = bool(problem.loss <= found.loss + arb(NEARLY) * rtol * _longest(problem))
    checks = [Check(CRITICAL, proved, None if found is None else found.distance, why)]
    if proved:
        verdict = "global minimum" if found.is_zero else "local minimum"
        lower = max(below(found.loss), 0.0) if found.is_best_of_cell else 0.0
        critical = {
            "argument": "fit" if found.is_best_of_cell else "critical point",
            "rank": found.rank.rank,
            "rank_error": float(found.rank.error),
            "eigenvalue": found.smallest_eigenvalue,
            "uniqueness": found.uniqueness,
            "kinks": [kink._asdict() for kink in found.kinks],
        }
        return Near(verdict, found.distance, lower, 0.0, critical), checks
    near, why = _with_slack(problem)
    checks.append(Check(SLACK, near is not None, None if near is None else near.slack, why))
    return near, checks


def _longest(problem):
    """The squared length of the longest target, rounded down."""
    with precision(BITS):
        rows = problem.labels.targets.tolist()
        return max(0.0, *(below(sum((arb(t) * t for t in row), arb(0))) for row in rows))


def is_close(net, moves, rtol):
    """Whether no layer moves by more than rtol times its norm."""
    with precision(BITS):
        for W, b, move in zip(net.weights, net.biases, moves, strict=True):
            entries = [arb(v) for v in (*W.ravel().tolist(), *b.tolist())]
            square = sum((v * v for v in entries), arb(0))
            if not move <= max(below(square.sqrt() * rtol), 0.0):
                return False
    return True


def _with_slack(problem):
    """A minimum but for a slack: no network of the cell is lower by more than that."""
    net, enclosure = problem.net, problem.enclosure
    if enclosure.undecided or enclosure.kinks:
        return None, "a pre-activation may be zero, so there is no cell around the point"
    if len(net.weights) == 1 or len(problem.X) * sum(net.widths) > LARGE:
        return None, "there is no cell, or it is too large to be measured"
    bound = lower_bound_of_cell(net, problem.X, problem.labels, problem.per_class)
    if bound is None:
        return None, "no lower bound for the cell is known"
    with precision(BITS):
        slack = max(above(problem.loss - bound), 0.0)
    if not slack <= SMALL * _longest(problem):
        return None, f"the loss is up to {slack:.3g} above the lower bound of the cell"
    radius = cell_radius(net, problem.X)
    _, largest, _ = smallest_eigenpair(
        net, problem.X, problem.labels.Y, problem.weights, np.ones(net.parameter_count, bool)
    )
    if largest is None or not slack <= SHARE * largest * radius**2:
        return None, f"a slack of {slack:.3g} says nothing in a cell of radius {radius:.3g}"
    verdict = "global minimum" if bound == 0 else "local minimum"
    critical = {
        "argument": "slack",
        "rank": 0,
        "rank_error": 0.0,
        "eigenvalue": 0.0,
        "uniqueness": 0.0,
        "kinks": [],
    }
    return Near(verdict, None, max(below(bound), 0.0), slack, critical), (
        f"no network of the cell, of radius {radius:.3g}, is lower by more than {slack:.3g}"
    )
