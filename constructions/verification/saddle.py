"""A step down from a stored network that is next to an exact saddle."""

from constructions.proof.derivatives import length
from constructions.proof.exact import above
from constructions.proof.stationarity import Refutation, derivative_in_balls, refute, step_down


def step_down_from(problem, ways, gtol):
    """A proved step that lowers the loss of the stored network.

    Along the ways down from the saddle, to the side to which the loss falls at the stored network,
    too; or, where kinks bend away from them, along whatever `refute` finds.

    Parameters
    ----------
    problem : LocalProblem
    ways : sequence of ndarray, shape (P,)
    gtol : float

    Returns
    -------
    Refutation or None
        None if no such step is found.
    """
    for way in ways:
        way = way / length(way)
        for direction in (way, -way):
            slope = derivative_in_balls(problem, direction, 1)
            if slope is None or not slope < 0:
                continue
            witness = step_down(problem, direction, True, slope=above(slope))
            if witness is not None:
                detail = "a step from the stored network along the way down from the saddle"
                return Refutation("saddle", True, witness, None, detail)
    found = refute(problem, gtol=gtol)
    return found if found.proved and found.witness is not None else None
