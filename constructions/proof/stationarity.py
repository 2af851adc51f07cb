"""Refutations: a direction in which the loss falls, or bends down, with the loss it reaches."""

from typing import NamedTuple

import numpy as np

from constructions.proof.derivatives import DENSE, eigenpairs, length, pairs_of
from constructions.proof.exact import above, precision
from geomcore.parameters import move

FLAT = 1e-7  # an eigenvalue above -FLAT times the largest one counts as zero
ORDER = 6  # highest derivative along a line that is looked at
PROBES = 8  # starts of the search for a direction of descent of higher order
TRIED = 5  # best steps along a direction that are looked at in balls
NEAR = 1e-6  # largest step, relative to the parameters, of a witness without a proved slope
MOST_BALLS = 3_000_000  # numbers in a pass for which derivatives are still computed in balls


class Refutation(NamedTuple):
    """A direction of descent, or None, and what was learned on the way.

    Attributes
    ----------
    verdict : str
        "not stationary", "saddle", or "undetermined".
    proved : bool
    witness : dict or None
    smallest_eigenvalue : float or None
    detail : str
    """

    verdict: str
    proved: bool
    witness: dict | None
    smallest_eigenvalue: float | None
    detail: str


def refute(problem, *, gtol):
    """Look for a direction of descent of first, then of second order.

    Parameters
    ----------
    problem : LocalProblem
    gtol : float
        A gradient below this fraction of the sum of its terms' sizes counts as zero.

    Returns
    -------
    Refutation
    """
    enclosure = problem.enclosure
    if enclosure.kinks or enclosure.undecided:
        return _at_kink(problem, gtol)
    g = problem.gradient()
    size = length(g)
    if not np.isfinite(size):
        return Refutation("undetermined", False, None, None, "the gradient overflows")
    if size > gtol * problem.gradient_scale():
        direction = -g / size
        slope = float(problem.slope() @ direction)
        return _first_order(problem, direction, slope, f"the gradient has norm {size:.3g}")
    return _second_order(problem, gtol)


def _first_order(problem, direction, slope, detail):
    """Not stationary if the slope is negative, or, where balls are out of reach, seems to be.

    `detail` may name the slope in braces.
    """
    series = _in_balls(problem, direction, 1)
    if series is not None and not series[1] < 0:
        detail = "floating point sees a slope where there is none, or too small a one"
        return Refutation("undetermined", False, None, None, detail)
    proved = series is not None
    slope = above(series[1]) if proved else slope
    detail = detail.format(slope=slope)
    witness = step_down(problem, direction, proved, slope=slope)
    if witness is None:
        detail += ", but no step in double precision shows it"
    verdict = "undetermined" if witness is None else "not stationary"
    return Refutation(verdict, proved and witness is not None, witness, None, detail)


def _second_order(problem, gtol):
    if problem.offset is not None:
        detail = "stationary to rounding in the cumulative weight"
        return Refutation("undetermined", False, None, None, detail)
    value, largest, direction = problem.smallest_eigenpair()
    if value is None:
        return Refutation("undetermined", False, None, None, "no eigenvalue was found")
    # what is minus zero at an exact minimum may have either sign at the stored point next to it
    if value < -FLAT * largest:
        series = _in_balls(problem, direction, 2)
        proved = series is not None
        if not proved or series[2] < 0:
            curvature = 2 * above(series[2]) if proved else value
            witness = step_down(problem, direction, proved, curvature=curvature)
            if witness is not None and not (proved and _is_sloping(series, 2, witness)):
                detail = f"the Hessian has an eigenvalue {value:.3g}"
                return Refutation("saddle", proved, witness, value, detail)
    detail = f"stationary to rounding; smallest Hessian eigenvalue {value:.3g}"
    return _probe(problem, gtol, value, detail)


def _at_kink(problem, gtol):
    """One-sided slopes along the gradients of both sides and single biases and weights."""
    free = problem.free
    scale = problem.gradient_scale()
    candidates = [-problem.projected(problem.slope(kinks=k)) for k in (False, True)]
    P = len(free)
    if P <= DENSE and problem.offset is None:
        candidates += [s * e for e in np.eye(P)[free] for s in (1.0, -1.0)]
    found = []
    for candidate in candidates:
        size = length(candidate)
        if 0 < size < np.inf:
            slope = problem.one_sided_slope(candidate / size)
            if slope < -gtol * scale:
                found.append((slope, len(found), candidate / size))
    # which side of a kink a point is on may look different in floating point
    for slope, _, direction in sorted(found)[:PROBES]:
        detail = "on a kink, with one-sided slope {slope:.3g}"
        refutation = _first_order(problem, direction, slope, detail)
        if refutation.witness is not None:
            return refutation
    detail = "a pre-activation may be zero, and no direction tried descends"
    return _probe(problem, gtol, None, detail)


def _probe(problem, gtol, value, detail):
    """Descend from nearby points; a direction found counts if the loss falls along it at once.

    This finds descent of order two and more on a kink, and of order three and more in a cell.
    """
    nothing = Refutation("undetermined", False, None, value, detail)
    net, X = problem.net, problem.X
    if len(problem.free) > DENSE or len(X) * sum(net.widths) * ORDER > MOST_BALLS:
        return nothing
    scale = problem.gradient_scale()
    for direction in _directions(problem):
        series = _in_balls(problem, direction, ORDER)
        if series is None:
            continue
        order, proved = _first_fall(series, gtol * scale)
        if order is None:
            continue
        coefficient = above(series[order])
        witness = step_down(problem, direction, proved, order=order, coefficient=coefficient)
        if witness is not None and not _is_sloping(series, order, witness):
            detail = f"along a line the loss falls like the power {order} of the step"
            return Refutation("saddle", proved, witness, value, detail)
    return nothing


def _first_fall(series, slack):
    """The order, from 2 on, at which the loss falls along a line, and whether that is proved.

    Coefficients that vanish at an exact point are rounding at the stored one: those of lower
    order may be small, the slope up to `slack`. It is proved if the first that is not exactly 0
    is negative.
    """
    sizes = [abs(float(c.mid())) for c in series[1:]]
    small = [slack, *[FLAT * max(sizes)] * (len(sizes) - 1)]
    order = next((k for k, s in enumerate(sizes, 1) if s > small[k - 1]), None)
    if order is None or order == 1 or not series[order] < 0:
        return None, False
    return order, bool(next(c for c in series[1:] if not c == 0) < 0)


def _is_sloping(series, order, witness):
    """Whether a step is lower for the slope that counts as zero, and not for a higher order.

    Far out, where norms grow while the loss falls, the slope is small, but no saddle is near.
    """
    step = abs(witness["step"])
    terms = [abs(float(series[k].mid())) * step**k for k in range(1, order + 1)]
    return not terms[-1] > sum(terms[:-1])


def _directions(problem):
    """Where gradient descent goes to from random points near by, as unit vectors.

    Each is followed by its part in the kernel of the Hessian, along which the
    loss may fall at a higher order.
    """
    net = problem.net
    values, vectors = eigenpairs(problem.hessian())
    if values is None:
        return
    kernel = vectors[:, np.abs(values) <= FLAT * np.abs(values).max()]
    rng = np.random.default_rng(0)
    size = 1.0 + length(np.array([length(W) for W in (*net.weights, *net.biases)]))
    before = _value(problem, net)
    for k in range(PROBES):
        offset = problem.projected(rng.standard_normal(len(problem.free)))
        offset *= 0.3 ** (k % 4) * size / (np.linalg.norm(offset) or 1.0)
        value, step = _value(problem, _moved(net, offset)), 0.1
        if not np.isfinite(value):
            continue
        for count in range(1, 301):
            g = problem.projected(problem.slope(_moved(net, offset), kinks=True))
            while step > 1e-12:
                after = _value(problem, _moved(net, offset - step * g))
                if after < value:
                    break
                step /= 2
            else:
                break
            offset, value, step = offset - step * g, after, 1.5 * step
            if count in (30, 100, 300) and value < before:
                for v in (offset, problem.projected(kernel @ (kernel.T @ offset))):
                    v = np.where(np.abs(v) > 1e-12 * np.abs(v).max(), v, 0.0)
                    if 0 < length(v) < np.inf:
                        yield v / length(v)


class _Near:
    """A network next to another one, for losses and slopes in floating point.

    What `move` gives, without the checks of a network, which take longer than a pass.
    """

    def __init__(self, net, tensors):
        self.tensors, self.widths = tensors, net.widths
        self.weights, self.biases = tensors[0::2], tensors[1::2]

    def __call__(self, X):
        for W, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            X = np.maximum(X @ W.T + b, 0)
        return X @ self.weights[-1].T + self.biases[-1]


def _moved(net, direction, step=1.0):
    """Next to a network, or None if that leaves the range of doubles."""
    tensors, at = [], 0
    with np.errstate(over="ignore", invalid="ignore"):
        for tensor in net.tensors:
            part = direction[at : at + tensor.size].reshape(tensor.shape)
            tensors.append(tensor + step * part)
            at += tensor.size
        is_finite = np.isfinite(sum(t.sum() for t in tensors))
    return _Near(net, tensors) if is_finite or _are_finite(tensors) else None


def _are_finite(tensors):
    return all(np.isfinite(t).all() for t in tensors)


def _value(problem, net):
    return np.inf if net is None else problem.value(net)


def derivative_in_balls(problem, direction, order):
    """A ball around the coefficient of t^order of the loss along a direction, or None."""
    series = _in_balls(problem, direction, order)
    return None if series is None else series[order]


def _in_balls(problem, direction, order):
    """The problem's series if it is small enough, else None."""
    if len(problem.X) * sum(problem.net.widths) > MOST_BALLS:
        return None
    with precision(problem.enclosure.bits):
        return problem.series(direction, order)


def step_down(problem, direction, proved, **derivative):
    """The step along the direction that lowers the loss most, its new loss proved lower.

    If the derivative along the direction is not proved, a step far away would say nothing
    about this point, and only steps up to NEAR times the size of the parameters count.
    """
    net = problem.net
    lowest = problem.bounds()[1]
    signs = (1.0, -1.0) if "curvature" in derivative else (1.0,)
    steps = [s * t for t in _steps(problem, direction, proved) for s in signs]
    losses = np.array([_value(problem, _moved(net, direction, t)) for t in steps])
    for i in np.argsort(np.where(np.isnan(losses), np.inf, losses), kind="stable")[:TRIED]:
        if losses[i] == np.inf:
            continue
        reached = problem.bounds_at(move(net, direction, steps[i]))[0]
        if reached < lowest:
            pairs = pairs_of(net, direction)
            return {
                "direction": [{"weights": V.tolist(), "biases": c.tolist()} for V, c in pairs],
                "step": float(steps[i]),
                "loss": reached,
                **{name: value for name, value in derivative.items()},
            }
    return None


def _steps(problem, direction, proved):
    """Step sizes worth a try: fractions of the size of the parameters and of the best step."""
    net = problem.net
    size = length(np.array([length(W) for W in (*net.weights, *net.biases)]))
    if not proved:
        return [NEAR * size * 2.0**-k for k in range(30)]
    steps = [(1.0 + size) * 2.0**-k for k in range(50)]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slope = problem.slope() @ direction
        bend = problem.hessian_vector(direction) @ direction
        best = -slope / bend
    if 0 < best < np.inf:
        steps += [float(best) * 2.0**-k for k in range(10)]
    return steps
