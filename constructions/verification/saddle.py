"""A step down from a stored network that is next to an exact saddle."""

from constructions.proof.derivatives import length
from constructions.proof.exact import above
from constructions.proof.stationarity import Refutation, derivative_in_balls, refute, step_down
from constructions.verification.curve import step_along_kinks


def step_down_from(problem, ways, gtol, *, orders=(1,), kinks=(), bend=0.0):
    """A proved step that lowers the loss of the stored network.

    Along the ways down from the saddle, to the side to which the loss falls at the stored network,
    too; or, where kinks bend away from them, along whatever `refute` finds.

    Parameters
    ----------
    problem : LocalProblem
    ways : sequence of ndarray, shape (P,)
    gtol : float
    orders : sequence of int
        1 for ways along which the loss falls; 2, too, for ways along which it bends down, whatever
        the slope is that rounding has left.
    kinks : sequence of Kink
        Pairs that stay on their kink along a curve that begins with such a way; where no straight
        step is lower, the chord of it may be.
    bend : float
        The second derivative of the loss along that curve, if it is proved to be negative.

    Returns
    -------
    Refutation or None
        None if no such step is found.
    """
    directions = [side * way / length(way) for way in ways for side in (1.0, -1.0)]
    for order, direction in [(order, way) for order in orders for way in directions]:
        ball = derivative_in_balls(problem, direction, order)
        if ball is None or not ball < 0:
            continue
        told = {"slope": above(ball)} if order == 1 else {"order": 2, "coefficient": above(ball)}
        witness = step_down(problem, direction, True, **told)
        if witness is not None:
            detail = "a step from the stored network along the way down from the saddle"
            return Refutation("saddle", True, witness, None, detail)
    for way in ways if kinks and bend < 0 else ():
        witness = step_along_kinks(problem, way, kinks, bend)
        if witness is not None:
            detail = "a step from the stored network to where kinks have come along from the saddle"
            return Refutation("saddle", True, witness, None, detail)
    found = refute(problem, gtol=gtol)
    return found if found.proved and found.witness is not None else None
