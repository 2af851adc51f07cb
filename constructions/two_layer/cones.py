"""The search for the best unit over simplicial cones: which are open, and what is proved."""

from functools import cache
from itertools import product

import numpy as np

from constructions.critical.balls import Balls, smallest_eigenvalue
from constructions.proof.exact import EPS
from constructions.two_layer.best_neuron_kernel import DEEPEST, Open, climb, descend
from constructions.two_layer.cone_kernel import Problem

LARGEST = 12  # D up to which the 2^D orthants are looked at
SLICE = 10_000  # cones between two looks at the clock, at most,
WORK = 10_000_000  # and points that they have to look at, times D
SHARPER = 1.6  # by which the excess of the bounds falls from pass to pass
MOST_OPEN = 2**28  # bytes of open cones; with more, each is followed to its end at once
LONGEST = 16  # of the lists of undecided points on one path, in numbers of points


class ConeSearch:
    """Branch and bound, pass by pass with a smaller excess of the bounds that stay open.

    Attributes
    ----------
    best : ndarray, shape (D + 1,)
        The best unit vector so far, and its value.
    closed : float
        The largest computed bound of a cone that is done with.
    nodes : int
        Cones looked at.
    noise : float
        By how much rounding may have moved a level; times `root`, a value.
    """

    def __init__(self, problem, rtol, terms, size):
        self.problem, self.rtol = problem, rtol
        D, Q = problem.rows.shape[1], problem.multipliers.shape[1]
        self.noise = 4 * (terms + 2 * D + 2 * DEEPEST + Q + 16) * EPS * size
        self.best = np.zeros(D + 1)
        self.closed, self.nodes = 0.0, 0

    @property
    def root(self):
        """A bound of the sum of coordinates over the length of a vector of a cone."""
        return float(np.sqrt(len(self.best) - 1) * (1 + EPS))

    def improve(self, w, value):
        """Take a unit vector and its value if it is better."""
        if value >= self.best[-1]:
            self.best[:-1], self.best[-1] = w, value

    def proved(self):
        """A bound of the objective on the unit ball."""
        return (self.closed + self.root * self.noise) * (1 + 8 * EPS) if self.noise else 0.0

    def attained(self):
        """A lower bound of the objective at the best unit vector."""
        return max(self.best[-1] * (1 - 4 * len(self.best) * EPS) - self.root * self.noise, 0.0)

    def is_enough(self, bound):
        """Whether bounds are above the best value by no more than is asked for."""
        return bound <= self.best[-1] * (1 + self.rtol) + 2 * self.root * self.noise

    def run(self, nodes, is_over):
        """Search until all cones are closed, or a budget is used up; whether they are closed."""
        D = len(self.best) - 1
        signs = np.array(list(product([1.0, -1.0], repeat=D)))
        cones, bounds = (
            signs[:, :, None] * np.eye(D),
            np.full(len(signs), bound_of_norms(self.problem)),
        )
        most, level = MOST_OPEN // (8 * D * D), np.inf
        while len(bounds):
            todo = (bounds > level) | (level == np.inf)
            parts = [(cones[~todo], bounds[~todo])]
            ended = self._pass(cones[todo], bounds[todo], level, parts, nodes, is_over)
            cones, bounds = (np.concatenate(part) for part in zip(*parts, strict=True))
            if ended:
                self.closed = max(self.closed, bounds.max(initial=0.0))
                return False
            done = self.is_enough(bounds)
            self.closed = max(self.closed, bounds[done].max(initial=0.0))
            cones, bounds = cones[~done], bounds[~done]
            top = bounds.max(initial=0.0)
            level = self.best[-1] + (top - self.best[-1]) / SHARPER if len(bounds) < most else 0.0
        return self.is_enough(self.closed)

    def _pass(self, cones, bounds, level, parts, nodes, is_over):
        """Bisect cones until their bounds are near enough for now; whether a budget is used up."""
        N, D = self.problem.rows.shape
        out = Open(np.empty((4 * DEEPEST + SLICE, D, D)), np.empty(4 * DEEPEST + SLICE))
        at = 0
        while at < len(bounds):
            if self.nodes >= nodes or is_over():
                parts.append((cones[at:], bounds[at:]))
                return True
            most = min(SLICE, nodes - self.nodes)
            limits = np.array([level, self.rtol, 2 * self.root * self.noise, most, WORK / D])
            taken, seen, left, closed = descend(
                cones[at:], bounds[at:], self.problem, self.best, limits, LONGEST * N, out
            )
            at, self.nodes = at + taken, self.nodes + seen
            self.closed = max(self.closed, closed)
            parts.append((out.cones[:left].copy(), out.bounds[:left].copy()))
        return False


@cache
def compiled():
    """Have the kernels compiled, or loaded, before time is taken."""
    one = Problem(np.ones((1, 1)), np.ones((1, 1)))
    climb(one, np.ones(1))
    none = Open(np.empty((0, 1, 1)), np.empty(0))
    descend(*none, one, np.zeros(2), np.zeros(5), 1, none)


def bound_of_norms(problem):
    r"""A bound of the objective on the unit ball that looks at no cone.

    As :math:`\sigma(z) = (z + |z|)/2`, it is
    :math:`(\|\Lambda^T X\| + \|\Lambda\| \|X\|) / 2`, with spectral norms.
    """
    L, X = problem.multipliers, problem.rows
    return (_norm(Balls(L.T) @ X) + _norm(L) * _norm(X)) / 2 * (1 + 4 * EPS)


def _norm(A):
    """A number that is at least the spectral norm of all matrices in balls."""
    A = A if isinstance(A, Balls) else Balls(A)
    A = A if A.shape[0] >= A.shape[1] else A.T
    square = A.T @ A
    frobenius = float(np.sqrt(np.diag(square.upper).sum()) * (1 + 4 * len(square) * EPS))
    for part in (1e-9, 1e-6, 1e-3):
        level = np.linalg.eigvalsh(square.mid)[-1] * (1 + part)
        if smallest_eigenvalue(Balls(level * np.eye(len(square))) - square) > 0:
            return min(float(np.sqrt(level) * (1 + 4 * EPS)), frobenius)
    return frobenius
