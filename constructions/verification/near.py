"""What `verify` says of a stored network because of an exact point next to it, or with a slack."""

from typing import NamedTuple

import numpy as np
from flint import arb

from constructions.critical.points import BITS
from constructions.critical.search import lower_bound_of_cell, nearby_points
from constructions.proof.basin import cell_radius
from constructions.proof.certificate import Check
from constructions.proof.derivatives import smallest_eigenpair
from constructions.proof.exact import above, below, precision
from constructions.proof.stationarity import Refutation
from constructions.verdicts import CRITICAL, DESCENT, SADDLE, SLACK
from constructions.verification.saddle import step_down_from

# A slack is told up to the square of rtol, and up to this, as a part of a target's squared length,
SMALL = 1e-12
# and of what a curvature like the largest one would do within the radius: else it says nothing.
SHARE = 1e-6
# The stored loss differs from that of the exact point by at most this part of rtol, in such units:
# idle weights that are large, beside which a move is small, excuse nothing.
NEARLY = 1e-4
FAR = "at a distance of {:.3g}, farther than rtol allows"
ABOVE_ZERO = "the stored loss is not next to zero"
LARGE = 3_000_000  # points times units up to which the cell radius is computed


class Near(NamedTuple):
    """A minimum or a saddle that is proved.

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
    refutation : Refutation or None
        Of a saddle: a step that lowers the loss of the stored network.
    """

    verdict: str
    distance: float | None
    lower: float
    slack: float
    critical: dict
    refutation: Refutation | None = None


def near_point(problem, rtol, gtol, is_near):
    """Prove that a critical point is next to the network of a problem, or a minimum with a slack.

    Parameters
    ----------
    problem : LocalProblem
        In which all parameters may move.
    rtol : float
        Largest distance of each layer's (W, b), relative to their norm.
    gtol : float
        As for `refute`.
    is_near : callable
        Of a proof with a distance, its loss, and the largest distance: whether the stored
        network is near enough to a point of loss zero.

    Returns
    -------
    (Near or None, list of Check)
    """
    points = nearby_points(problem.net, problem.X, problem.labels, problem.per_class)
    found, told, saddle = nearest(points, lambda one: _apart(problem, one, rtol, is_near))
    if found is not None:
        return _minimum(found, is_convex=is_convex(problem)), [told]
    near, why = _next_to_zero(problem, rtol)
    if near is None and saddle is not None:
        near, more = saddle_at(problem, gtol, *saddle)
        return near, [told, *more]
    if near is None:
        near, why = _with_slack(problem, rtol)
    return near, [told, Check(SLACK, near is not None, None if near is None else near.slack, why)]


def nearest(points, apart):
    """The first minimum of critical points that a stored network is next to, or else a saddle.

    Parameters
    ----------
    points : iterable of (NearbyPoint or None, str)
    apart : callable
        Of a point, what keeps the stored network from being next to it; None if it is.

    Returns
    -------
    minimum : NearbyPoint or None
    told : Check
        Of the minimum.
    saddle : (NearbyPoint, str) or None
    """
    told, saddle = None, None
    for found, why in points:
        is_minimum = found is not None and not found.ways_down
        between = None if found is None else apart(found)
        proved = found is not None and between is None
        if proved and is_minimum:
            return found, Check(CRITICAL, True, found.distance, why), None
        if between is not None:
            why = f"{why}, but {between}"
        if told is None or (is_minimum and told.value is None):
            told = Check(CRITICAL, False, found.distance if is_minimum else None, why)
        if proved and saddle is None:
            saddle = found, why
    return None, told, saddle


def _apart(problem, found, rtol, is_near):
    """What keeps the stored network from being next to an exact point; None if it is."""
    if not is_close(problem.net, found.moves, rtol):
        return FAR.format(found.distance)
    if found.is_zero:
        return None if is_near(found, found.loss, np.inf) else ABOVE_ZERO
    return other_loss(problem, found, rtol, longest(problem))


def other_loss(problem, found, rtol, unit):
    """How the stored loss may differ too much from that of an exact point, in a unit, or None."""
    with precision(BITS):
        difference = abs(problem.loss - found.loss)
        if difference <= arb(NEARLY) * rtol * unit:
            return None
        return f"its loss may differ from the stored one by {above(difference):.3g}"


def is_convex(problem):
    """Whether the loss is convex in the parameters, all of which may move: one affine layer."""
    is_whole = problem.offset is None and problem.free.all()
    return len(problem.net.weights) == 1 and bool(is_whole)


def _minimum(found, *, is_convex):
    verdict = "global minimum" if found.is_zero or is_convex else "local minimum"
    lower = max(below(found.loss), 0.0) if found.is_best_of_cell or is_convex else 0.0
    argument = "fit" if found.is_best_of_cell else "critical point"
    return Near(verdict, found.distance, lower, 0.0, critical_of(found, argument))


def critical_of(found, argument):
    """What a `Certificate` says of an exact point."""
    return {
        "argument": argument,
        "rank": found.rank.rank,
        "rank_error": float(found.rank.error),
        "eigenvalue": found.smallest_eigenvalue,
        "uniqueness": found.uniqueness,
        "kinks": [kink._asdict() for kink in found.kinks],
    }


def saddle_at(problem, gtol, found, why, *, orders=(1,), is_curved=False):
    """A saddle, with a step down from the stored network, or None without such a step.

    If `is_curved`, the step may be a chord of a curve along which kinks stay.

    Where the loss falls over a kink it is not stationary, on one side.
    """
    curve = {"kinks": found.kinks, "bend": found.smallest_eigenvalue} if is_curved else {}
    refutation = step_down_from(problem, found.ways_down, gtol, orders=orders, **curve)
    falls = found.smallest_eigenvalue == 0
    checks = [Check(SADDLE, refutation is not None and not falls, found.distance, why)]
    if refutation is None:
        return None, checks
    checks.append(Check(DESCENT, False, None, refutation.detail))
    if falls:
        return Near("not stationary", None, problem.least, 0.0, None, refutation), checks
    critical = critical_of(found, "saddle")
    return Near("saddle", found.distance, problem.least, 0.0, critical, refutation), checks


def longest(problem):
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


def _room(problem, rtol):
    """The largest slack that is told."""
    return min(rtol * rtol, SMALL) * longest(problem)


def _next_to_zero(problem, rtol):
    """A global minimum but for a slack, its loss."""
    with precision(BITS):
        slack = max(above(problem.loss), 0.0)
    if not slack <= _room(problem, rtol):
        return None, ""
    return _but_for(slack, arb(0)), f"no network at all is lower by more than {slack:.3g}"


def _with_slack(problem, rtol):
    """A local minimum but for a slack: no network of the cell is lower by more than that."""
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
    if not slack <= _room(problem, rtol):
        return None, f"the loss is up to {slack:.3g} above the lower bound of the cell"
    radius = cell_radius(net, problem.X)
    _, largest, _ = smallest_eigenpair(
        net, problem.X, problem.labels.Y, problem.weights, np.ones(net.parameter_count, bool)
    )
    if largest is None or not slack <= SHARE * largest * radius**2:
        return None, f"a slack of {slack:.3g} says nothing in a cell of radius {radius:.3g}"
    return _but_for(slack, bound), (
        f"no network of the cell, of radius {radius:.3g}, is lower by more than {slack:.3g}"
    )


def _but_for(slack, bound):
    """The stored network as a minimum, whose loss is at most a slack above a lower bound."""
    verdict = "global minimum" if bound == 0 else "local minimum"
    distance = None if slack else 0.0  # the stored network itself
    return Near(verdict, distance, max(below(bound), 0.0), slack, critical_but_for_a_slack())


def critical_but_for_a_slack():
    """What `Certificate` says of the exact point where there need be none."""
    return {
        "argument": "slack",
        "rank": 0,
        "rank_error": 0.0,
        "eigenvalue": 0.0,
        "uniqueness": 0.0,
        "kinks": [],
    }
