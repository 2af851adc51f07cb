r"""Local minima next to stored networks: smooth ones, and ones where units sit on their kink.

With :math:`A` the pairs of a point and a unit on its kink, C the loss with these off, z_a their
pre-activations and h_a their outputs, the exact point solves

.. math:: \nabla C_{red} + \sum_a \mu_a \nabla z_a = 0, \qquad z_A = 0, \qquad C_{rest} = 0 .

It is a local minimum of the loss if :math:`0 < \mu_a < \delta_a`, the derivative of the
Lagrangian of all of C in h_a, if the rank of D(F_red, z_A) is as large as it can be on {z_A = 0},
and if the Hessian of the Lagrangian is positive definite on a complement of the kernel of
D(F_red, z_A) within that of Dz_A (docs/trained.md). No kinks, A empty, and nothing exact are
special cases; so is a loss of which nothing is left to be critical. It is a saddle if a way down
along the kinks is proved to start there.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls, as_balls, has_full_column_rank, of_arbs, stacked
from constructions.critical.cell import Cell
from constructions.critical.curvature.squares import is_long
from constructions.critical.entropies import block_of
from constructions.critical.newton import solution_near
from constructions.critical.planes.rows import are_free, held_units
from constructions.critical.planes.spanned import spanned_kinks
from constructions.critical.points import BITS, exactly
from constructions.critical.ranks import GenericRank, counted_bound, generic_rank
from constructions.critical.saddle import curvature_down, signs_of, way_over
from constructions.critical.spans import slices
from constructions.critical.spans.definite import least_on_kernel
from constructions.critical.ties import independent_kinks, multipliers_of
from constructions.proof.exact import precision

REFINED = 4
CLOSE = 1e-6  # of the norm of the parameters: a step that hardly changes derivatives
SAME = 1e-14  # and one that changes them by no more than rounding
DEPENDENT = "the kinks of a unit depend on each other, or there are too many outputs"
SPANNED = "units are not proved to span others that are on the same kinks"
BELOW = "the rank of the derivative is below {}, what is generic in the cell"


class Kink(NamedTuple):
    """A unit on its kink at a point.

    Attributes
    ----------
    layer : int
        From 1.
    point, unit : int
    multiplier : float
        How fast the loss rises as the pre-activation falls below 0; proved to be between 0 and
        `rise`.
    rise : float
        Derivative of the Lagrangian in the output of the unit: the loss rises by
        rise - multiplier as the pre-activation rises above 0.
    """

    layer: int
    point: int
    unit: int
    multiplier: float
    rise: float


class CriticalPoint(NamedTuple):
    """An exact critical point that is proved to be a local minimum, or a saddle.

    Attributes
    ----------
    theta : Balls, shape (P,)
        Its parameters.
    loss : Balls
        There, on the distinct points.
    rank : GenericRank
        Of D(F_red, z_A).
    smallest_eigenvalue : float
        A lower bound of the Hessian's on the complement; inf if that is nothing. At a saddle an
        upper bound of the Hessian along the way down; 0 if the loss falls over a kink, at first
        order, so that the point is critical only while units stay on their kinks.
    kinks : tuple of Kink
    uniqueness : float
        No other solution with the same kinks lies in the slice within this distance of it.
    is_fitted : bool
        Whether it is the best of its cell: the loss is what the best affine fits leave.
    ways_down : tuple of ndarray
        Directions in which the loss falls, in floating point; none at a minimum.
    """

    theta: Balls
    loss: Balls
    rank: GenericRank
    smallest_eigenvalue: float
    kinks: tuple
    uniqueness: float
    is_fitted: bool
    ways_down: tuple = ()


class Everything(NamedTuple):
    """All distinct points with their own targets, to look at signs, slopes at kinks and the loss.

    Attributes
    ----------
    cell : Cell
        In balls; every point is a block.
    kinks : list of (int, int, int)
    at_kinks : Cell
        Only the points with kinks.
    free, alike : lists
        See `independent_kinks`.
    ties : list of Tie
        By which others follow from `free`.
    held : list of (int, int)
        See `held_units`.
    """

    cell: Cell
    kinks: list
    at_kinks: Cell
    free: list
    alike: list
    ties: list = ()
    held: list = ()

    def chosen_multipliers(self, rows, slope, rises):
        """Multipliers in floats, those of kinks that depend on others well inside of bounds."""
        if len(self.free) == len(self.kinks):
            return np.linalg.lstsq(rows.T, -slope, rcond=1e-12)[0]
        rank = len(self.free) if self.ties else None
        return multipliers_of(rows, slope, self.alike, rises, rank)

    def ties_stand(self, theta):
        """Whether in a box all kinks are proved to be kinks where those of `free` are."""
        return all(tie.stands(self.at_kinks, theta) for tie in self.ties)


def everything(points, widths, masks, kinks, loss="mse", theta=None, idle=()):
    """The `Everything` of a problem, next to parameters; the loss by its name."""
    N, K = len(points.X), widths[-1]
    Y = of_arbs([t for row in points.targets for t in row], (N, K))
    weights = of_arbs(points.weights, (N,))
    rows = sorted({i for _, i, _ in kinks})
    own = [(l, rows.index(i), u) for l, i, u in kinks]
    blocks = [block_of(loss, slice(0, len(rows)), weights[rows], K)] if rows else []
    at_kinks = Cell(widths, Balls(points.X[rows]), Y[rows], blocks, [m[rows] for m in masks], own)
    blocks = [block_of(loss, slice(0, N), weights, K)]
    cell = Cell(widths, Balls(points.X), Y, blocks, masks, kinks)
    (free, alike), ties, held = independent_kinks(points.X, masks, kinks, idle), [], []
    if theta is not None:
        floats = at_kinks._replace(X=points.X[rows])
        free, ties = spanned_kinks(floats, theta, free)
        held = held_units(floats, theta, free)
    return Everything(cell, kinks, at_kinks, free, alike, ties, held)


class _Attempt:
    """One guess of kinks and of what is exact, followed through the proof."""

    def __init__(self, problem, whole, theta):
        self.problem, self.whole, self.theta = problem, whole, theta
        self.multipliers = np.zeros(len(whole.kinks))
        if whole.kinks:
            slope = np.concatenate(calculus.gradient(calculus.run(problem.floats, theta)))
            found = calculus.forwards(problem.balls, as_balls(theta))
            rows = calculus.height_rows(problem.balls, found).mid
            self.multipliers = whole.chosen_multipliers(rows, slope, self._float_rises)

    def _rows(self, found):
        """Derivatives of the heights at kinks, of what is exact, and of all outputs.

        None in place of the last where these are many.
        """
        balls = self.problem.balls
        J = None if is_long(balls) else calculus.output_rows(balls, found)
        heights = calculus.height_rows(balls, found)[self.whole.free]
        return heights, self.problem.exact_rows(found, J), J

    @property
    def independent(self):
        """The points that stand for groups, in floats, with the kinks that others depend on."""
        floats = self.problem.floats
        return floats._replace(kinks=[floats.kinks[j] for j in self.whole.free])

    def drawn_rank(self):
        """The largest rank near by, drawn, or None."""
        return generic_rank(self.independent, self.problem.wanted, self.whole.held)

    def _rises(self, theta, multipliers):
        found = calculus.run(self.whole.at_kinks, as_balls(theta), multipliers)
        return calculus.rises(self.whole.at_kinks, found)

    def _float_rises(self, multipliers):
        return np.array([rise.mid for rise in self._rises(self.theta, multipliers)])

    def counted(self, not_zero):
        """The largest rank there can be, of the biases that are not 0."""
        most = len(self.problem.wanted) + len(self.whole.free)
        return min(counted_bound(self.problem.floats, not_zero), most)

    @cached_property
    def _start(self):
        """Where a slice is looked for: the pass, `_rows`, and the spectrum of their Gram matrix."""
        found = calculus.run(self.problem.balls, as_balls(self.theta))
        rows = self._rows(found)
        gram = slices.gram_of(self.problem, found, rows[0])
        return found, rows, None if gram is None else slices.spectrum_of(gram.mid)

    def slices(self, rank, *, if_plain=False):
        """(columns for what is critical, these and more for what is exact), or None.

        And None if that is not seen from a Gram matrix, if asked so.
        """
        found, (Z, E, J), spectrum = self._start
        critical = slices.leading_basis(spectrum, rank)
        if critical is None and not if_plain:
            J = slices.outputs_in_loss(self.problem, found, J)
            critical = slices.row_space(np.vstack([J.mid, Z.mid]), rank)
        if critical is None:
            return None
        return critical, slices.extended(critical, E.mid)

    def value(self, critical):
        """The system at the centre, `Balls`."""
        with precision(BITS):
            arbs = self.problem.arbs
            found = calculus.run(arbs, exactly(self.theta), exactly(self.multipliers))
            slope = np.concatenate(calculus.gradient(found)).tolist()
            heights = calculus.heights(arbs, found)
            more = [heights[j] for j in self.whole.free]
            more += self.problem.exact_values(found)
        slope = as_balls(critical.T) @ of_arbs(slope, (len(slope),))
        return stacked([slope, of_arbs(more, (len(more),))]) if more else slope

    def box(self, basis, radius):
        """The parameters and multipliers that belong to radii in the slice."""
        r = basis.shape[1]
        theta = Balls(self.theta, (as_balls(np.abs(basis)) @ radius[:r]).upper)
        width = np.zeros(len(self.multipliers))
        width[self.whole.free] = radius[r:]  # the others are what they are
        return theta, Balls(self.multipliers, width)

    def system(self, critical, basis, radius):
        """The derivative of the system in a box; None if a unit may go on or off in it."""
        theta, multipliers = self.box(basis, radius)
        if not keeps_signs(self.whole, theta):
            return None
        balls = self.problem.balls
        found = calculus.run(balls, theta, multipliers)
        Z, E, J = self._rows(found)
        r1, k = critical.shape[1], len(self.whole.free)
        H = Balls(np.zeros((0, basis.shape[1])))
        if r1:
            H = as_balls(critical.T) @ calculus.hessian(balls, found, J) @ basis
        rows = stacked([H, Z @ basis, E @ basis])
        columns = stacked([(Z @ critical).T, Balls(np.zeros((k + len(E), k)))])
        return stacked([rows, columns], axis=1)

    def solution(self, critical, basis, at=None):
        """The `Box` of an exact solution in the slice, or None; see `solution_near` for `at`."""
        value = self.value(critical)
        return solution_near(value, lambda radius: self.system(critical, basis, radius), at)

    def refine(self, critical, basis):
        """Walk along the slice, in floating point, to where the system vanishes.

        What is returned is the derivative of the system there, but for rounding; None if it has
        not been computed so near.
        """
        r, size, D, since = basis.shape[1], np.inf, None, 0.0
        for _ in range(REFINED):
            scale = np.linalg.norm(self.theta)
            if D is None or size > CLOSE * scale:  # else D is nearly the same
                D, since = self.system(critical, basis, np.zeros(r + len(self.whole.free))), 0.0
            if D is None:
                return None
            try:
                step = np.linalg.solve(D.mid, self.value(critical).mid)
            except np.linalg.LinAlgError:
                return D if since <= SAME * scale else None
            move, size = basis @ step[:r], np.linalg.norm(basis @ step[:r])
            if not np.isfinite(step).all() or size > 0.1 * scale:
                break
            self.theta, self.multipliers = self.theta - move, self.multipliers.copy()
            self.multipliers[self.whole.free] -= step[r:]
            since += size
            if size <= 1e-15 * scale:
                break
        return D if since <= SAME * scale else None


def keeps_signs(whole, theta):
    """Whether every unit that is not on a kink is on, or off, in the whole box."""
    found = calculus.forwards(whole.cell, theta)
    for l, mask in enumerate(whole.cell.masks):
        value = found.values[l]
        right = np.where(mask > 0, value.lower > 0, value.upper < 0)
        for layer, i, u in whole.kinks:
            if layer == l:
                right[i, u] = True
        if not right.all():
            return False
    return True


def critical_point_near(problem, whole, theta):
    """Prove that a critical point of the loss is next to parameters, a local minimum or a saddle.

    Parameters
    ----------
    problem : Reduced
    whole : Everything
    theta : ndarray, shape (P,)

    Returns
    -------
    (CriticalPoint or None, str)
        The proof, or None; and what is proved or what fails.
    """
    attempt = _Attempt(problem, whole, theta)
    # what is attained as plainly as that is known to be the largest without any draw
    biases = [theta[at] != 0 for _, at in problem.balls.places[:-1]]
    rank, found = None, attempt.slices(attempt.counted(biases), if_plain=True)
    if found is None:
        rank = attempt.drawn_rank()
        if rank is None:
            return None, DEPENDENT
        found = attempt.slices(rank.rank)
    if found is None:
        return None, BELOW.format(rank.rank)
    critical, basis = found
    if basis is None:
        return None, "what is to be exact is not independent of the rest"
    at = attempt.refine(critical, basis)
    box = attempt.solution(critical, basis, at)
    if box is None:
        return None, "no exact critical point is proved to exist near by"
    return _examined(attempt, critical, basis, rank, box)


def _examined(attempt, critical, basis, rank, box):
    """What kind of point the solution in a box is."""
    whole, r1, r, k = attempt.whole, critical.shape[1], basis.shape[1], len(attempt.whole.kinks)
    theta, mu = attempt.box(basis, box.radius)
    found = calculus.run(attempt.problem.balls, theta, mu)
    Z, E, rows = attempt._rows(found)
    if not slices.has_rank(attempt.problem, critical, found, Z, rows):
        return None, f"the derivative is not proved to have rank {r1}"
    free = are_free(attempt.independent, found, Z, whole.held)
    if k and not (has_full_column_rank((Z @ basis).T) and free):
        return None, "the kinks are not proved to be independent"
    if not whole.ties_stand(theta):
        return None, SPANNED
    if not attempt.problem.stands(found):
        return None, "points that are fitted are not proved to stand for the others"
    rises = attempt._rises(theta, mu)
    inside, sides = signs_of(whole, mu, rises)
    bend, ways = np.inf, ()
    if sides:
        bend = 0.0
        ways = tuple(way_over(attempt.problem.balls, attempt.theta, *side) for side in sides)
    elif r1:
        # the system's derivative in the box holds both on the slice, which `critical` begins
        H, across = box.jacobian[:r1, :r1], box.jacobian[r1 : r1 + len(Z), :r1]
        bend = least_on_kernel(H, across) if inside else -np.inf
        if not bend > 0:
            H = calculus.hessian(attempt.problem.balls, found, rows)
            down = curvature_down(H, stacked([Z, E]))
            if down is not None:
                ways, bend = (down[0],), down[1]
    if not (ways or inside):
        return None, "a multiplier is not proved to lie inside of its bounds"
    if not (ways or bend > 0):
        return None, "the Hessian is not proved to be positive definite where the loss changes"
    places = attempt.problem.balls.places[:-1]
    if r1 == attempt.counted([theta[at].nonzero for _, at in places]):
        rank = GenericRank(r1, 0.0)
    elif rank is None:
        rank = attempt.drawn_rank()
        if rank is None or rank.rank > r1:
            return None, DEPENDENT if rank is None else BELOW.format(rank.rank)
    rank = rank._replace(error=min(1.0, rank.error + attempt.problem.chosen.error))
    kinks = tuple(
        Kink(l + 1, i, u, float(mu.mid[j]), float(rises[j].mid))
        for j, (l, i, u) in enumerate(whole.kinks)
    )
    loss = calculus.loss_in_box(whole.cell, theta)
    unique = float(np.nextafter((box.radius - box.image)[:r].min(initial=np.inf), 0))
    fitted = attempt.problem.is_fitted
    where = f"on {k} kink{'s' if k > 1 else ''}" if k else "that is smooth"
    kind = "a saddle" if ways else "a local minimum"
    if sides:
        kind = f"no critical point, as the loss falls over a kink, but one while it stays {where}"
    found = CriticalPoint(theta, loss, rank, bend, kinks, unique, fitted, ways)
    return found, kind if sides else f"{kind} {where}"
