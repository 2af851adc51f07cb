"""How far from a proved minimum nothing flips, and from how far training provably returns to it."""

from typing import NamedTuple

import numpy as np

from constructions.proof.basin import radius_and_basin
from constructions.proof.certificate import Check
from constructions.proof.descent_basin import basin_with_step, curvature_at_minimum
from constructions.proof.local_problem import LocalProblem
from constructions.verdicts import RETURN
from geomcore.foreign.wording import rounded

LARGE_BASIN = 3_000_000  # points times units up to which the cell radius is computed
MINIMA = ("global minimum", "local minimum")
# Why gradient descent with a step has no proved basin, whatever the step.
NO_SQUARE = "the loss is not a squared error alone"
PART = "not all parameters may move"
NO_MINIMUM = "no minimum is proved"
LARGE = f"there are more than {LARGE_BASIN:,} points times units"
NO_BASIN = "the last layer alone does not pull everything back, so that the flow has none either"


class Returns(NamedTuple):
    """What is proved of the way back to a minimum, see `Certificate`.

    Attributes
    ----------
    radius : float or None
    basin, descent : dict or None
    checks : tuple of Check
        One that says why there is no ``descent``, if it was asked for.
    """

    radius: float | None = None
    basin: dict | None = None
    descent: dict | None = None
    checks: tuple = ()


def returns_to(problem, found, step=None):
    """The `Returns` of what is found: cell radius, and basins if the rank is proved.

    Parameters
    ----------
    problem : LocalProblem or Objective
    found : _Judgement
        Of `constructions.verification.verification`.
    step : float, optional
        Of gradient descent, of which a basin is asked for.
    """
    radius, basin, why = _flow(problem, found)
    if step is None:
        return Returns(radius, basin)
    descent = None
    if basin is not None:
        known = {
            "loss_bound": problem.bounds()[0],
            "weights": problem.weights,
            "rank": found.rank,
            "distance": found.distance or 0.0,
        }
        descent, why = _descent(problem, step, known)
    checks = () if descent is not None else (Check(RETURN, None, None, f"none is proved: {why}"),)
    return Returns(radius, basin, descent, checks)


def _flow(problem, found):
    """Cell radius and basin of return, for problems small enough; and why there is no basin."""
    if not isinstance(problem, LocalProblem):
        return None, None, NO_SQUARE
    net, X, enclosure = problem.net, problem.X, problem.enclosure
    if not problem.free.all() or problem.offset is not None:
        return None, None, PART
    if found.verdict not in MINIMA:
        return None, None, NO_MINIMUM
    if enclosure.undecided or enclosure.kinks:
        return None, None, "a pre-activation may be zero, so there is no cell around the point"
    if found.critical is not None and found.critical["argument"] == "critical point":
        return None, None, NO_BASIN  # others of the cell may be lower
    if len(X) * sum(net.widths) > LARGE_BASIN:
        return None, None, LARGE
    distance = found.distance or 0.0
    radius, basin = radius_and_basin(
        net, X, weights=problem.weights, rank=found.rank, distance=distance
    )
    if radius < distance:
        return None, None, f"the exact point, {distance:.3g} away, may be out of the cell"
    if radius < np.inf:
        radius = float(np.nextafter(radius - distance, 0))
    why = NO_BASIN if not found.rank else "the bounds leave nothing, nor do they to the flow"
    return radius, _plain(basin), why


def _descent(problem, step, known):
    """The basin of gradient descent with a step, or None, and why."""
    basin = basin_with_step(problem.net, problem.X, step, **known)
    if basin is not None:
        return _plain(basin, but=("step", "steps", "residue")), ""
    least, most = curvature_at_minimum(problem.net, problem.X, **known)
    lower, upper = rounded(least, down=True), rounded(most, up=True)
    told = (
        f"L, the norm of the Hessian, is at least {lower} and at most {upper} at the minimum; "
        f"steps of {rounded(step)} ask for at most {rounded(1 / step)} in a ball around it"
    )
    if step * least > 1:
        return None, f"{told}, which no bound can say"
    if step * most >= 1:
        return None, f"{told}, and this bound serves those below {rounded(1 / most, down=True)}"
    return None, f"{told}, where what is known leaves no radius, or no rate that floats can hold"


def _plain(basin, but=()):
    """The numbers of a basin by name, without some; None for None."""
    if basin is None:
        return None
    return {key: float(v) for key, v in basin._asdict().items() if key not in but}
