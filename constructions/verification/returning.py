"""How far from a proved minimum nothing flips, and from how far training provably returns to it."""

import numpy as np

from constructions.proof.basin import radius_and_basin

LARGE_BASIN = 3_000_000  # points times units up to which the cell radius is computed


def radius_and_returns(problem, found):
    """Cell radius, and basin of return if the rank is proved, for problems small enough."""
    net, X, enclosure = problem.net, problem.X, problem.enclosure
    whole = problem.free.all() and problem.offset is None
    minimum = found.verdict in ("global minimum", "local minimum")
    if not (minimum and whole) or enclosure.undecided or enclosure.kinks:
        return None, None
    if found.critical is not None and found.critical["argument"] == "critical point":
        return None, None  # others of the cell may be lower, and kinks are on its border
    if len(X) * sum(net.widths) > LARGE_BASIN:
        return None, None
    radius, basin = radius_and_basin(
        net, X, weights=problem.weights, rank=found.rank, distance=found.distance or 0.0
    )
    if radius < (found.distance or 0.0):
        return None, None
    if radius < np.inf:
        radius = float(np.nextafter(radius - (found.distance or 0.0), 0))
    return radius, None if basin is None else {k: float(v) for k, v in basin._asdict().items()}
