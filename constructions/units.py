"""The best single unit for given data: a convex program for each way to switch the points on."""

from __future__ import annotations

from typing import Literal, NamedTuple

import cvxpy as cp
import numpy as np
from scipy.linalg import null_space
from scipy.optimize import linprog

from constructions.separation.programs import solved
from geomcore.arrays import as_points
from geomcore.display.lines import told_in_brief
from geomcore.foreign.choices import as_choice, as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.typing import Array, ArrayLike

MOST_CELLS = 20_000
# Entries of an orthonormal basis that are 0 but for rounding, and weights that are nearly 0.
ZERO, NEARLY = 1e-14, 1e-6


@told_in_brief
class BestUnit(NamedTuple):
    """A unit of least squared error; see `best_unit`.

    Attributes
    ----------
    weights : ndarray, shape (d,)
    bias : float
        0 if it has none.
    loss : float
        Mean over the points of the squared error; inf where it overflows.
    cells : int
        Convex programs that were solved, one for each set of points that can be on together.
    """

    weights: Array
    bias: float
    loss: float
    cells: int


@answers_keywords
def best_unit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    activation: Literal["relu", "linear"] = "relu",
    non_negative: bool = False,
    bias: bool = False,
) -> BestUnit:
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
        If an argument does not fit, the weights overflow, or more than 20,000 sets of points can
        be on together: for N points in general position in p dimensions (with the bias) that are
        :math:`2 \sum_{k < p} \binom{N - 1}{k}`.
    RuntimeError
        If the solver fails.

    Notes
    -----
    Optimal to the accuracy of the solver (CLARABEL, about 1e-8 of the data), not proved. Cells
    that are too narrow for a linear program in floating point (from three dimensions on) are left
    out. Columns are centred and scaled before, and a basis of them is made orthonormal.

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
    if not len(X) or not X.shape[1]:
        raise ValueError(f"X must hold at least one point and one column, got shape {X.shape}")
    try:
        y = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        y = np.array(np.nan)
    if y.shape != (len(X),) or not np.isfinite(y).all():
        raise ValueError(f"y must be {len(X)} finite numbers, one for each point, got {quoted(y)}")
    as_choice(activation, ("relu", "linear"), "activation")
    held = X.shape[1] if as_flag(non_negative, "non_negative") else 0
    frame = _Frame(X, y, as_flag(bias, "bias"))
    program = _Program(frame, held)
    if activation == "linear":
        patterns, found = [None], [program.best(np.ones(len(X)), np.zeros(len(X)))]
    else:
        patterns = _cells(frame.basis)
        found = [program.best(s > 0, s) for s in patterns]
    losses = [frame.loss(theta, activation) for theta in found]
    theta = _polished(frame, found[int(np.argmin(losses))], activation, held)
    weights, offset = frame.unit(theta)
    with np.errstate(over="ignore"):
        loss = float(frame.loss(theta, activation) * frame.height * frame.height)
    return BestUnit(weights, offset, loss, len(patterns))


class _Frame:
    """The data in coordinates in which all is of moderate size, and back.

    Columns are centred if there is a bias, and scaled; of these rows an orthonormal basis of the
    columns is taken, in which what is known of the points is known to all digits.
    """

    def __init__(self, X, y, bias):
        self.height = np.abs(y).max() or 1.0
        self.y = y / self.height
        # powers of two, so that the points stay what they are
        self.top = np.ldexp(1.0, np.frexp(np.abs(X).max(axis=0))[1] - 1)
        X = X / self.top
        self.middle = X.mean(axis=0) if bias else np.zeros(X.shape[1])
        X = X - self.middle
        size = np.abs(X).max(axis=0)
        self.size, self.bias = np.where(size > 0, size, 1.0), bias
        self.rows = X / self.size
        if bias:
            self.rows = np.column_stack([self.rows, np.ones(len(X))])
        U, S, Vt = np.linalg.svd(self.rows, full_matrices=False)
        rank = int((S > max(self.rows.shape) * np.finfo(float).eps * S[:1]).sum())
        self.basis, self.back = U[:, :rank], Vt[:rank].T / S[:rank]
        # where no point looks: only bounds of the weights do
        self.unseen = null_space(Vt[:rank], rcond=0.5) if rank else np.eye(self.rows.shape[1])

    def loss(self, theta, activation):
        """Mean squared error, relative to the square of `height`."""
        values = self.rows @ theta
        return (((np.maximum(values, 0) if activation == "relu" else values) - self.y) ** 2).mean()

    def unit(self, theta):
        """Weights and bias for the data as they are; ValueError if they are beyond floats."""
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = theta[: len(self.size)] / self.size * self.height
            weights = scaled / self.top
            offset = theta[-1] * self.height - scaled @ self.middle if self.bias else 0.0
        if not (np.isfinite(weights).all() and np.isfinite(offset)):
            raise ValueError("X and y must be of sizes whose quotient is a float, got overflow")
        return weights, float(offset)


def _polished(frame, theta, activation, held):
    """The least squares of what is on and free at a solution, if that is better."""
    values = frame.rows @ theta
    on = values > 0 if activation == "relu" else np.ones(len(values), bool)
    free = np.ones(len(theta), bool)
    free[:held] = theta[:held] > NEARLY * np.abs(theta).max()
    trial = np.zeros(len(theta))
    if on.any() and free.any():
        trial[free] = np.linalg.lstsq(frame.rows[np.ix_(on, free)], frame.y[on])[0]
    trial[:held] = np.maximum(trial[:held], 0)
    is_better = frame.loss(trial, activation) <= frame.loss(theta, activation)
    return trial if is_better else theta


class _Program:
    """Least squares over one closed cone, posed once for all cones."""

    def __init__(self, frame, held):
        self.back, self.held, n = frame.back, held, len(frame.y)
        self.unseen = frame.unseen if held else frame.unseen[:, :0]
        self.beside = cp.Variable(self.unseen.shape[1]) if self.unseen.shape[1] else None
        self.z = cp.Variable(frame.basis.shape[1]) if frame.basis.shape[1] else None
        if self.z is None:
            return
        self.on, self.signs = cp.Parameter(n, nonneg=True), cp.Parameter(n)
        values = frame.basis @ self.z
        bounds = [cp.multiply(self.signs, values) >= 0]
        error = cp.sum_squares(cp.multiply(self.on, values) - frame.y)
        theta = frame.back @ self.z
        if self.beside is not None:
            theta = theta + self.unseen @ self.beside
        if held:
            bounds.append(theta[:held] >= 0)
        self.problem = cp.Problem(cp.Minimize(error), bounds)

    def best(self, on, signs):
        """The optimum for the points that are `on`, with `signs` of all values, 0 for any."""
        if self.z is None:
            return np.zeros(len(self.back))
        self.on.value, self.signs.value = np.asarray(on, dtype=float), signs
        # any unit is a candidate, and its loss is evaluated: one that is nearly the best will do
        if not solved(self.problem, cp.CLARABEL) and self.problem.status != cp.OPTIMAL_INACCURATE:
            if not solved(self.problem, cp.HIGHS):
                raise RuntimeError(f"the convex program ended as {self.problem.status}")
        theta = self.back @ np.array(self.z.value)
        if self.beside is not None:
            theta += self.unseen @ self.beside.value
        theta[: self.held] = np.maximum(theta[: self.held], 0)
        return theta


def _cells(rows):
    """Signs (N,) of rows @ z that some z has, none of them 0 but for rows of zeros."""
    n, p = rows.shape
    rows = np.where(np.abs(rows).max(axis=1, keepdims=True, initial=0) > ZERO, rows, 0.0)
    if p == 0:
        return [np.zeros(n)]
    if p <= 2:
        patterns = np.unique(np.sign(rows @ _directions(rows).T), axis=1).T
        _check_count(len(patterns), rows)
        return list(patterns)
    patterns = [np.zeros(0)]
    for k, row in enumerate(rows):
        longer = []
        for signs in patterns:
            both = [0.0] if not row.any() else [1.0, -1.0]
            longer += [
                s for s in (np.r_[signs, sign] for sign in both) if _exists(rows[: k + 1], s)
            ]
            _check_count(len(longer), rows)
        patterns = longer
    return patterns


def _check_count(count, rows):
    if count > MOST_CELLS:
        raise ValueError(
            f"X must have at most {MOST_CELLS:,} sets of points that can be on together, "
            f"got more, with {len(rows):,} points in {rows.shape[1]} dimensions"
        )


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
