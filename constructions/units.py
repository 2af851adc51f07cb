"""The best single unit for given data: a convex program for each way to switch the points on."""

from typing import NamedTuple

import cvxpy as cp
import numpy as np
from scipy.optimize import linprog

from constructions.separation.programs import solved
from geomcore.arrays import as_points
from geomcore.display.lines import brief
from geomcore.foreign.choices import as_choice, as_flag
from geomcore.foreign.wording import quoted

MOST_CELLS = 20_000


class BestUnit(NamedTuple):
    """A unit of least squared error; see `best_unit`.

    Attributes
    ----------
    weights : ndarray, shape (d,)
    bias : float
        0 if it has none.
    loss : float
        Mean over the points of the squared error, evaluated at the unit.
    cells : int
        Convex programs that were solved, one for each set of points that can be on together.
    """

    weights: np.ndarray
    bias: float
    loss: float
    cells: int

    __repr__ = brief


def best_unit(X, y, *, activation="relu", non_negative=False, bias=False):
    r"""Find the single unit of least mean squared error.

    .. math:: \min_{w, b} \frac1N \sum_i (\phi(w \cdot x_i + b) - y_i)^2

    with :math:`\phi` the identity or the ReLU, and :math:`w \ge 0` if asked for. For the identity
    it is one convex program. The ReLU is linear on each closed cone of parameters that switch the
    same points on; these cones cover everything, so the best of their optima is the best there is.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    activation : {"relu", "linear"}
    non_negative : bool
        Whether the weights must be at least 0; the bias is free.
    bias : bool
        Whether there is one.

    Returns
    -------
    BestUnit

    Raises
    ------
    ValueError
        If an argument does not fit, or more than 20,000 sets of points can be on together: for N
        points in general position in p dimensions (with the bias) that are
        :math:`2 \sum_{k < p} \binom{N - 1}{k}`.
    RuntimeError
        If the solver fails.

    Notes
    -----
    Optimal to the accuracy of the solver (CLARABEL, about 1e-8 of the data), not proved.

    References
    ----------
    T. M. Cover, "Geometrical and statistical properties of systems of linear inequalities with
    applications in pattern recognition", 1965 (the number of cells).

    Examples
    --------
    A rectified unit fits half of a line, a linear one all of it, whatever the sign of its weight:

    >>> x = [[-2.0], [-1.0], [0.0], [1.0], [2.0]]
    >>> unit = best_unit(x, [-4, -2, 0, 2, 4])
    >>> unit.weights.round(6), round(unit.loss, 6), unit.cells
    (array([2.]), 4.0, 2)
    >>> best_unit(x, [4, 2, 0, -2, -4], activation="linear", non_negative=True).weights.round(6) + 0
    array([0.])
    """
    X = as_points(X).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    try:
        y = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        y = np.array(np.nan)
    if y.shape != (len(X),) or not np.isfinite(y).all():
        raise ValueError(f"y must be {len(X)} finite numbers, one for each point, got {quoted(y)}")
    as_choice(activation, ("relu", "linear"), "activation")
    as_flag(non_negative, "non_negative")
    rows = np.column_stack([X, np.ones(len(X))]) if as_flag(bias, "bias") else X
    # of moderate size: the optimum scales with both
    size, height = np.abs(rows).max(axis=0), np.abs(y).max()
    size, height = np.where(size > 0, size, 1.0), height if height > 0 else 1.0
    program = _Program(rows / size, y / height, non_negative * X.shape[1])
    if activation == "linear":
        found, cells = [program.best(np.ones(len(X)), np.zeros(len(X)))], 1
    else:
        patterns = _cells(rows / size)
        cells, found = len(patterns), [program.best(s > 0, s) for s in patterns]
    thetas = [theta / size * height for theta in found]
    values = [rows @ theta for theta in thetas]
    outputs = values if activation == "linear" else [np.maximum(v, 0) for v in values]
    losses = [float(((out - y) ** 2).mean()) for out in outputs]
    best = int(np.argmin(losses))
    theta = thetas[best]
    if bias:
        return BestUnit(theta[:-1], float(theta[-1]), losses[best], cells)
    return BestUnit(theta, 0.0, losses[best], cells)


class _Program:
    """Least squares over one closed cone, posed once for all cones."""

    def __init__(self, rows, y, non_negative):
        self.theta = cp.Variable(rows.shape[1])
        self.on, self.signs = cp.Parameter(len(rows), nonneg=True), cp.Parameter(len(rows))
        values = rows @ self.theta
        bounds = [cp.multiply(self.signs, values) >= 0]
        if non_negative:
            bounds.append(self.theta[:non_negative] >= 0)
        self.non_negative = non_negative
        aim = cp.Minimize(cp.sum_squares(cp.multiply(self.on, values) - y))
        self.problem = cp.Problem(aim, bounds)

    def best(self, on, signs):
        """The optimum (p,) for the points that are `on`, with `signs` of all values, 0 for any."""
        self.on.value, self.signs.value = np.asarray(on, dtype=float), signs
        if not solved(self.problem, cp.CLARABEL):
            raise RuntimeError(f"the convex program ended as {self.problem.status}")
        theta = np.array(self.theta.value)
        theta[: self.non_negative] = np.maximum(theta[: self.non_negative], 0)
        return theta


def _cells(rows):
    """Signs (N,) of rows @ theta that some theta has, none of them 0 but for rows of zeros."""
    if rows.shape[1] <= 2:
        return list(np.unique(np.sign(rows @ _directions(rows).T), axis=1).T)
    patterns = [np.zeros(0)]
    for k, row in enumerate(rows):
        longer = []
        for signs in patterns:
            both = [0.0] if not row.any() else [1.0, -1.0]
            longer += [
                s for s in (np.r_[signs, sign] for sign in both) if _exists(rows[: k + 1], s)
            ]
            if len(longer) > MOST_CELLS:
                raise ValueError(
                    f"X must have at most {MOST_CELLS:,} sets of points that can be on together, "
                    f"got more, with {len(rows):,} points in {rows.shape[1]} dimensions"
                )
        patterns = longer
    return patterns


def _directions(rows):
    """A theta of each cell of the line or the plane, (cells, p)."""
    if rows.shape[1] == 1:
        return np.array([[1.0], [-1.0]])
    rows = rows[rows.any(axis=1)]
    turns = np.arctan2(rows[:, 0], -rows[:, 1])
    turns = np.unique(np.concatenate([turns, turns + np.pi]) % (2 * np.pi))
    if not len(turns):
        return np.array([[1.0, 0.0]])
    middles = (turns + np.append(turns[1:], turns[0] + 2 * np.pi)) / 2
    return np.column_stack([np.cos(middles), np.sin(middles)])


def _exists(rows, signs):
    """Whether some theta has these signs."""
    use = signs != 0
    if not use.any():
        return True
    A = -signs[use, None] * rows[use]
    free = [(None, None)] * rows.shape[1]
    found = linprog(np.zeros(rows.shape[1]), A_ub=A, b_ub=-np.ones(len(A)), bounds=free)
    return found.status == 0
