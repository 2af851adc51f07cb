"""The master problem: the best last layer over given neurons, a group lasso."""

import clarabel
import numpy as np
from scipy.sparse import csc_array, triu

# Newton steps on the neurons that are in use, and how little of the largest |v| counts as none.
STEPS, NOTHING = 40, 1e-6
# The accuracy that the solver is asked for, and a ridge beside the mean curvature.
ACCURACY, SLIGHT = 1e-11, 1e-14
# By how much of the objective rounding may hide whether it falls.
FLAT = 1e-14


def group_lasso(A, Y, omega, start=None):
    r"""The rows V that minimise the squared error and the lengths of the rows.

    .. math:: \min_V \frac1N |A V - Y|_F^2 + \omega \sum_j |v_j|

    With the columns of A and Y centred this is the best last layer with a free output bias.

    Parameters
    ----------
    A : ndarray, shape (N, m)
        What unit neurons put out, one per column.
    Y : ndarray, shape (N, Q)
    omega : float
        Positive.
    start : ndarray, shape (m, Q), optional
        Not far from the solution: Newton steps from there are tried before the solver.

    Returns
    -------
    ndarray, shape (m, Q)
        Rows of neurons that are not used are exactly zero. Optimal to the accuracy of the
        solver, which is nowhere relied on: any V gives a network, and its loss is evaluated.

    Notes
    -----
    A cone program (CLARABEL), then Newton steps on the neurons in use, on which the objective is
    smooth: :math:`V \mapsto |v_j|` has the second derivative
    :math:`(I - \hat v \hat v^T) / |v|`. A step is kept if the objective falls, or if it stays where
    it is but for rounding and its slope is halved.
    """
    m, Q = A.shape[1], Y.shape[1]
    if m == 0:
        return np.zeros((0, Q))
    # columns of one size, for those of different features may differ by orders of magnitude
    size = np.sqrt((A * A).mean(axis=0))
    some = size > 0
    V = np.zeros((m, Q))
    if some.any():
        scale = size[some, None]
        start = None if start is None else start[some] * scale
        V[some] = _solved(_Lasso(A[:, some] / size[some], Y, omega / size[some]), start) / scale
    return V


def _solved(lasso, start):
    """The solution for columns of one size."""
    if (np.linalg.norm(lasso.cross, axis=1) <= lasso.omega).all():
        return np.zeros_like(lasso.cross)
    if start is not None:
        V = lasso.polished(start)
        if lasso.is_optimal(V):
            return V
    V = _by_cones(lasso.gram, lasso.cross, lasso.omega)
    if V is None:
        V = np.zeros_like(lasso.cross) if start is None else start
    return lasso.polished(V)


def _by_cones(gram, cross, omega):
    """The solution by CLARABEL in the variables t, V with |v_j| <= t_j; None if it fails."""
    m, Q = cross.shape
    P = np.zeros((m * (Q + 1), m * (Q + 1)))
    for q in range(Q):
        P[np.ix_(range(q + 1, len(P), Q + 1), range(q + 1, len(P), Q + 1))] = gram
    linear = np.column_stack([omega, -cross]).ravel()
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = ACCURACY
    cones = [clarabel.SecondOrderConeT(Q + 1)] * m
    solver = clarabel.DefaultSolver(
        csc_array(triu(P)),
        linear,
        csc_array(-np.eye(len(P))),
        np.zeros(len(P)),
        cones,
        settings,
    )
    found = solver.solve()
    V = np.reshape(found.x, (m, Q + 1))[:, 1:]
    return V if np.isfinite(V).all() else None


class _Lasso:
    """One group lasso, with weights omega (m,) of the rows.

    What decides is computed from the residual, which may be small.
    """

    def __init__(self, A, Y, omega):
        self.A, self.Y, self.omega = A, Y, omega
        self.gram, self.cross = A.T @ A * (2 / len(A)), A.T @ Y * (2 / len(A))

    def slope(self, V):
        """Of the squared error."""
        return self.A.T @ (self.A @ V - self.Y) * (2 / len(self.A))

    def value(self, V):
        """The objective."""
        error = ((self.A @ V - self.Y) ** 2).sum() / len(self.A)
        return error + self.omega @ np.linalg.norm(V, axis=1)

    def is_optimal(self, V, rtol=1e-9):
        """Whether the conditions of optimality hold to `rtol` times omega."""
        slope, size, omega = self.slope(V), np.linalg.norm(V, axis=1), self.omega
        used = size > 0
        unit = V[used] / size[used, None]
        slope[used] += omega[used, None] * unit
        return (np.linalg.norm(slope, axis=1) <= omega * np.where(used, rtol, 1 + rtol)).all()

    def polished(self, V):
        """Newton steps on the rows that are not nothing; rows that pass zero are left out."""
        size = np.linalg.norm(V, axis=1)
        V = np.where((size > NOTHING * size.max(initial=0.0))[:, None], V, 0.0)
        value = self.value(V)
        for _ in range(STEPS):
            used = np.flatnonzero(V.any(axis=1))
            if not len(used):
                break
            goal = np.zeros_like(V)
            goal[used] = self._newton_step(used, V)
            inner, square = (goal * V).sum(axis=1), (V * V).sum(axis=1)
            past = inner <= 0  # zero, where it is not smooth
            trial = np.where(past[:, None], 0.0, goal)
            trial_value = self.value(trial)
            if not trial_value < value and past[used].any():
                # no farther than to where the first row vanishes
                t = np.full(len(V), np.inf)
                np.divide(square, square - inner, out=t, where=past & (square > 0))
                trial = V + t.min() * (goal - V)
                trial[t.argmin()] = 0.0
                trial_value = self.value(trial)
            if not trial_value < value and not self._settles(trial, trial_value, V, value):
                break
            V, value = trial, trial_value
        return V

    def _settles(self, trial, trial_value, V, value):
        """Whether rounding hides what a step does to the objective, but the slope shrinks."""
        return (
            trial_value <= value * (1 + FLAT)
            and (trial.any(axis=1) == V.any(axis=1)).all()
            and self._steepness(trial) < self._steepness(V) / 2
        )

    def _steepness(self, V):
        """The largest slope of the objective in the rows in use."""
        used = V.any(axis=1)
        unit = V[used] / np.linalg.norm(V[used], axis=1, keepdims=True)
        return np.linalg.norm(self.slope(V)[used] + self.omega[used, None] * unit, axis=1).max()

    def _newton_step(self, used, V):
        """Where one Newton step in the rows `used` of V leads them."""
        slope, V = self.slope(V)[used], V[used]
        m, Q = V.shape
        size = np.linalg.norm(V, axis=1, keepdims=True)
        unit = V / size
        weight = self.omega[used, None]
        slope += weight * unit
        hessian = np.zeros((m, Q, m, Q))
        for q in range(Q):
            hessian[:, q, :, q] = self.gram[np.ix_(used, used)]
        rows = np.arange(m)
        bent = np.eye(Q) - unit[:, :, None] * unit[:, None, :]
        hessian[rows, :, rows, :] += (weight / size)[:, :, None] * bent
        hessian = hessian.reshape(m * Q, m * Q)
        # neurons that put out the same leave it open who shares what
        hessian[np.diag_indices(m * Q)] += SLIGHT * hessian.trace() / (m * Q)
        try:
            return V - np.linalg.solve(hessian, slope.ravel()).reshape(m, Q)
        except np.linalg.LinAlgError:
            return V
