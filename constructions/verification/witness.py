"""The witness of a refutation, compared with what is found: its step is taken."""

import numpy as np

from constructions.proof.certificate import Check
from constructions.proof.derivatives import length, pairs_of
from constructions.proof.exact import above
from constructions.proof.stationarity import ORDER, derivative_in_balls
from geomcore.parameters import flatten, move

ROUNDING = 1e-9  # relative difference that another machine may make
FLOATING = 1e-6  # the same in numbers that are in floating point only


def compared_witness(stated, right, problem):
    """Take the step that the witness names, and look at the loss and at the slope."""
    if (stated is None) != (right is None):
        return _other(stated and "one", right and "one")
    if stated is None:
        return Check("witness", True, None, "none")
    kinds = [key for key in ("slope", "curvature", "coefficient", "bend") if key in stated]
    if set(stated) != set(right):
        return _other(sorted(stated), sorted(right))
    is_curved = kinds[0] == "bend"  # a chord: no derivative along it is stated
    order = 1 if is_curved else {"slope": 1, "curvature": 2}.get(kinds[0]) or stated["order"]
    net, parts, step = problem.net, stated["direction"], stated["step"]
    try:
        tensors = [np.array(p[key], dtype=float) for p in parts for key in ("weights", "biases")]
        direction = flatten(tensors)
        fits = [t.shape for t in tensors] == [t.shape for t in net.tensors]
        fits = fits and np.isfinite(step) and abs(length(direction) - 1) <= FLOATING
        fits = fits and 1 <= order <= ORDER and (step > 0 or (step < 0 and order == 2))
        fits = fits and not direction[~problem.free].any() and _follows(direction, problem)
        other = move(net, direction, step) if fits else None
    except (TypeError, ValueError):
        fits = False
    if not fits:
        detail = "its direction or step does not fit the network, or moves what is held"
        return Check("witness", False, None, detail)
    high, floor = problem.bounds_at(other)[0], problem.bounds()[1]
    ball = None if is_curved else derivative_in_balls(problem, direction, order)
    slope, exact = stated[kinds[0]], right[kinds[0]]
    if ball is not None:
        exact = above(ball) * (2 if kinds[0] == "curvature" else 1)
    elif not is_curved and parts != right["direction"]:
        return Check("witness", None, None, "its slope is out of reach of ball arithmetic")
    detail = f"the step leads from {floor:.6g} to {high:.6g}, {kinds[0]} {exact:.6g}"
    falls = high < floor and exact < 0
    if (stated["loss"], slope) == (high, exact) and falls:
        return Check("witness", True, None, detail)
    detail += f", stated {stated['loss']:.6g} and {slope:.6g}"
    rounding = ROUNDING if ball is not None else FLOATING
    near = np.isclose(stated["loss"], high, rtol=ROUNDING, atol=0)
    near = near and np.isclose(slope, exact, rtol=rounding, atol=0)
    return Check("witness", None if near and falls else False, None, detail)


def _other(stated, right):
    return Check("witness", False, None, f"stated {stated}, found {right}")


def _follows(direction, problem):
    """Whether the last biases follow the last weights, where the cumulative weight moves."""
    last = problem.last_bias(direction)
    if last is None:
        return True
    V, c = pairs_of(problem.net, direction)[-1]
    size = np.abs(V) @ [float(abs(v).mid()) for v in problem.offset]
    return all(abs(a - b) <= 2.0**-40 * s for a, b, s in zip(last, c.tolist(), size, strict=True))
