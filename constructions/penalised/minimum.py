r"""Minima of a loss with weight decay, strict up to symmetries, and saddles, next to networks.

With :math:`C = \sum_i \pi_i \ell(F_i, y_i) + \frac{\omega}{2} |\theta|^2`, :math:`\omega > 0`, and
kinks A as in `constructions.critical.minimum`, the exact point solves

.. math:: P^T (\nabla C + \sum_a \mu_a \nabla z_a) = 0, \qquad z_A = 0

on a slice :math:`\hat\theta + Px` across the orbit of the symmetries. It is a local minimum if
:math:`0 < \mu_a < \delta_a` and the Hessian of the Lagrangian is positive definite on the kernel of
Dz_A within the slice (docs/trained.md).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from flint import arb

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, as_balls, has_full_column_rank, of_arbs, stacked
from constructions.critical.cell import Cell
from constructions.critical.minimum import (
    CLOSE,
    SPANNED,
    CriticalPoint,
    Everything,
    Kink,
    keeps_signs,
)
from constructions.critical.newton import solution_near
from constructions.critical.points import BITS, exactly
from constructions.critical.ranks import GenericRank
from constructions.critical.saddle import curvature_down, signs_of, way_over
from constructions.critical.spans.definite import least_on_slice
from constructions.penalised.beside import searched_beside
from constructions.penalised.growth import gain_in, is_below, way_to_grow
from constructions.penalised.idle import layers_that_may_grow
from constructions.penalised.orbits import are_free, slices_across, tangents
from constructions.proof.exact import precision
from geomcore.foreign.wording import counted

REFINED = 6
SHORT = 1e-6  # so far a network of zeros may be moved


class Penalised(NamedTuple):
    """A loss with weight decay in one cell.

    Attributes
    ----------
    floats, arbs : Cell
        Of the distinct points, in these numbers.
    whole : Everything
        The same in balls.
    decay : float
        Positive.
    idle : list of (int, int)
        Layer from 0 and unit of those that are at rest at (w, b, v) = 0; they are off.
    bounded : callable or None
        As for `is_below`; None: no unit at rest is examined so.
    """

    floats: Cell
    arbs: Cell
    whole: Everything
    decay: float
    idle: list = ()
    bounded: Callable | None = None


class _Attempt:
    """One guess of kinks and of a slice, followed through the proof."""

    def __init__(self, problem, theta, across, planes):
        self.problem, self.whole, self.theta = problem, problem.whole, theta
        self.decay = problem.decay
        self.multipliers = np.zeros(len(self.whole.kinks))
        if self.whole.kinks:
            found = calculus.run(problem.floats, theta)
            slope = np.concatenate(calculus.gradient(found)) + self.decay * theta
            found = calculus.forwards(self.whole.cell, as_balls(theta))
            rows = calculus.height_rows(self.whole.cell, found).mid
            self.multipliers = self.whole.chosen_multipliers(rows, slope, self._float_rises)
        self.slice, self.planes = across, planes
        at_zero = [(l, i, u) for l, u in problem.idle for i in range(len(problem.floats.X))]
        self.still = self.whole._replace(kinks=[*self.whole.kinks, *at_zero])

    def value(self):
        """The system at the centre, `Balls`."""
        arbs = self.problem.arbs
        with precision(BITS):
            theta = exactly(self.theta)
            found = calculus.run(arbs, theta, exactly(self.multipliers))
            slope = np.concatenate(calculus.gradient(found)) + theta * arb(self.decay)
            heights = calculus.heights(arbs, found)
            heights = [heights[j] for j in self.whole.free]
        slope = as_balls(self.slice.T) @ of_arbs(slope.tolist(), (len(slope),))
        return stacked([slope, of_arbs(heights, (len(heights),))]) if heights else slope

    def box(self, radius):
        """The parameters and multipliers that belong to radii in the slice."""
        r = self.slice.shape[1]
        reach = (as_balls(np.abs(self.slice)) @ radius[:r]).upper
        reach[~self.slice.any(axis=1)] = 0.0  # units at rest do not move at all
        theta = Balls(self.theta, reach)
        width = np.zeros(len(self.multipliers))
        width[self.whole.free] = radius[r:]  # the others are what they are
        return theta, Balls(self.multipliers, width)

    def rises(self, theta, multipliers):
        """How fast the loss rises as units on their kink go on, a list."""
        found = calculus.run(self.whole.at_kinks, as_balls(theta), multipliers)
        return calculus.rises(self.whole.at_kinks, found)

    def _float_rises(self, multipliers):
        return np.array([rise.mid for rise in self.rises(self.theta, multipliers)])

    def parts(self, theta, multipliers):
        """The Hessian of the Lagrangian, and the derivatives of the independent heights."""
        cell = self.whole.cell
        found = calculus.run(cell, theta, multipliers)
        H = calculus.hessian(cell, found)
        H = H + Balls(self.decay * np.eye(len(self.theta)))
        return H, calculus.height_rows(cell, found)[self.whole.free]

    def system(self, radius):
        """The derivative of the system in a box; None if a unit may go on or off in it."""
        theta, multipliers = self.box(radius)
        if not keeps_signs(self.still, theta):
            return None
        H, Z = self.parts(theta, multipliers)
        H, Z, k = as_balls(self.slice.T) @ H @ self.slice, Z @ self.slice, len(self.whole.free)
        return stacked([stacked([H, Z]), stacked([Z.T, Balls(np.zeros((k, k)))])], axis=1)

    def refine(self):
        """Walk along the slice, in floating point, to where the system vanishes."""
        r, size, D = self.slice.shape[1], np.inf, None
        for _ in range(REFINED):
            if D is None or size > CLOSE * np.linalg.norm(self.theta):
                D = self.system(np.zeros(r + len(self.whole.free)))
            if D is None:
                return
            try:
                step = np.linalg.solve(D.mid, self.value().mid)
            except np.linalg.LinAlgError:
                return
            move = self.slice @ step[:r]
            size = np.linalg.norm(move)
            if not np.isfinite(step).all() or size > max(0.1 * np.linalg.norm(self.theta), SHORT):
                return
            self.theta, self.multipliers = self.theta - move, self.multipliers.copy()
            self.multipliers[self.whole.free] -= step[r:]
            if size <= 1e-15 * np.linalg.norm(self.theta):
                return


def strict_point_near(problem, theta):
    """Prove that a local minimum, strict up to symmetries, or a saddle is next to parameters.

    Parameters
    ----------
    problem : Penalised
    theta : ndarray, shape (P,)

    Returns
    -------
    (CriticalPoint or None, str)
        The proof, or None; and what is proved or what fails. The rank is the number of
        parameters less the dimension of the orbit.
    """
    first = None
    for across, planes in slices_across(problem.floats, theta, problem.idle):
        attempt = _Attempt(problem, theta, across, planes)
        attempt.refine()
        box = solution_near(attempt.value(), attempt.system)
        found, why = None, "no exact critical point is proved to exist near by"
        if box is not None:
            found, why = _examined(attempt, box)
        if found is not None:
            return found, why
        first = why if first is None else first
    return None, first


def _examined(attempt, box):
    """What kind of point the solution in a box is."""
    problem, whole, k = attempt.problem, attempt.whole, len(attempt.whole.kinks)
    theta, mu = attempt.box(box.radius)
    free = are_free(problem.floats, problem.idle)
    if not spans(attempt.slice[free], tangents(theta, attempt.planes)[free]):
        return None, "the slice is not proved to be across the orbit of the symmetries"
    H, Z = attempt.parts(theta, mu)
    if k and not has_full_column_rank((Z @ attempt.slice).T):
        return None, "the kinks are not proved to be independent"
    if not whole.ties_stand(theta):
        return None, SPANNED
    rises = attempt.rises(theta, mu)
    inside, sides = signs_of(whole, mu, rises)
    bend, ways = -np.inf, ()
    if sides:
        bend = 0.0
        ways = tuple(way_over(whole.cell, attempt.theta, *side) for side in sides)
    elif inside:
        bend = least_on_slice(H, Z, attempt.slice)
    if not (sides or bend > 0):
        # units at rest stay there: as they grow, more changes than the masked network
        down = curvature_down(H[np.ix_(free, free)], Z[:, free])
        if down is not None:
            way = np.zeros(len(theta))
            way[free] = down[0]
            ways, bend = (way,), down[1]
    if not (ways or inside):
        return None, "a multiplier is not proved to lie inside of its bounds"
    if not (ways or bend > 0):
        return None, "the Hessian is not proved to be positive definite across the symmetries"
    rest = _Rest() if ways else _units_at_rest(attempt, theta, mu)
    if rest.gain is not None:
        return None, _unknown(attempt, rest.gain)
    if rest.way is not None:
        ways, bend = (rest.way[0],), rest.way[1]
    kinks = tuple(
        Kink(l + 1, i, u, float(mu.mid[j]), float(rises[j].mid))
        for j, (l, i, u) in enumerate(whole.kinks)
    )
    loss = calculus.loss_in_box(whole.cell, theta)
    loss = loss + (theta * theta).sum() * (as_balls(problem.decay) * 0.5)
    r = attempt.slice.shape[1]
    unique = float(np.nextafter((box.radius - box.image)[:r].min(initial=np.inf), 0))
    q, where = len(attempt.planes), _where(attempt, problem.idle)
    found = CriticalPoint(
        theta, loss, GenericRank(len(theta) - q, 0.0), bend, kinks, unique, False, ways
    )
    if ways:
        if sides:
            return found, (
                f"no critical point, as the loss falls over a kink, but one while it stays {where}"
            )
        return found, f"a saddle {where}"
    upto = f" up to {q} symmetr{'y' if q == 1 else 'ies'}" if q else ""
    turns = " but for units at rest that turn into active ones" if rest.turns else ""
    return found, f"a local minimum {where}, strict{upto}{turns}"


class _Rest(NamedTuple):
    """What units at rest do as they grow: the way down and its bend, if there is one; or the most
    that they may gain, as a part of the decay; and whether they turn into active ones at no cost.
    """

    way: tuple | None = None
    gain: float | None = None
    turns: bool = False


def _units_at_rest(attempt, theta, mu):
    """What is known of the units at rest, a `_Rest`."""
    whole, units, decay = attempt.whole, attempt.problem.idle, attempt.problem.decay
    found = calculus.run(whole.cell, theta, mu)
    gains = [
        gain_in(whole.cell, found, l, units)
        for l in layers_that_may_grow(whole.cell, found, units, decay)
    ]
    dependent = set(range(len(whole.kinks))) - set(whole.free)
    for gain in gains:
        way = way_to_grow(whole.cell, gain, units, decay, dependent)
        if way is not None:
            return _Rest(way)
    bounded = attempt.problem.bounded
    left = [gain for gain in gains if not is_below(whole.cell, found, gain, decay, bounded)]
    are_below = True
    for gain in left:
        # a unit that turns into an active one adds to what units above read, and may span others
        if any(tie.layer > gain.layer for tie in whole.ties):
            are_below = False
            continue
        answer = searched_beside(whole.cell, found, theta, gain.layer, units, decay, dependent)
        if answer.stronger is not None:
            gain = gain_in(whole.cell, found, gain.layer, units, [answer.stronger])
            way = way_to_grow(whole.cell, gain, units, decay, dependent)
            if way is not None:
                return _Rest(way)
        are_below &= answer.is_below
    if not are_below:
        return _Rest(gain=max(gain.least for gain in left) / decay)
    return _Rest(turns=bool(left))


def _where(attempt, idle):
    """On what a point is, in words."""
    k = len(attempt.whole.kinks)
    # A unit at rest has the weights 0, a kink at every point, so nothing is smooth there.
    at = [f"on {counted(k, 'kink')}"] if k else []
    at += [f"with {counted(len(idle), 'unit')} at rest at zero"] if idle else []
    return ", ".join(at) or "that is smooth"


def _unknown(attempt, gain):
    """What is known where a unit at rest may lower the loss."""
    units = attempt.problem.idle
    return (
        f"without {counted(len(units), 'unit')} at rest it is a local minimum "
        f"{_where(attempt, ())}; whether such a unit lowers the loss as it grows is not known: "
        f"the best direction found gains {gain:.6g} times the decay"
    )


def spans(columns, others):
    """Whether columns (P, r) and balls (P, P - r) are proved to span everything together."""
    if not others.shape[1]:
        return True  # the columns are those of the identity
    return has_full_column_rank(stacked([as_balls(columns), others], axis=1))
