r"""Descent by quadratic models of the loss that know where units go on and off.

Along a step d the loss is modelled, in the cell of the parameters, by

.. math:: g \cdot d + \tfrac12 d^T H d + \sum_b \gamma_b \max(0, s_b (z_b + \nabla z_b \cdot d)),

with b the pairs of a point and a unit that the step would bring to the other side, s_b = 1 of
those that are off and -1 of those that are on, and :math:`\gamma_b > 0` how fast the loss rises in
the output of the unit. The dual of the model has nothing but the bounds
:math:`0 \le \lambda_b \le \gamma_b`: pairs strictly within them sit on their kink after the step.
With the right pairs the steps are those of Newton's method on the face where they stay on it.

Outputs bend along a step: they leave F + J d by a part of second order. Where the loss is steep
across a valley and flat along it, that is what keeps steps short. So what outputs have left by is
taken off, with the matrix that the model has factored anyway: the correction c has the least

.. math:: \tfrac12 c^T (H + \lambda) c
    + c \cdot J^T (\nabla \ell(F(\theta + d)) - \nabla \ell(F + J d))

of those that move no kink, to first order (as in [1]_ for constraints and in [2]_ for least
squares). The slopes along the valley are no part of it, so that it is of second order itself.

References
----------
.. [1] R. Fletcher, Second order corrections for non-differentiable optimization, in Numerical
   Analysis (Dundee 1981), Lecture Notes in Mathematics 912 (1982).
.. [2] M. K. Transtrum and J. P. Sethna, Improvements to the Levenberg-Marquardt algorithm for
   nonlinear least-squares minimization, arXiv:1201.5885v1 (2012).
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

from training.settling.box import least_in_box
from training.settling.derivatives import height_rows, hessian, lagrangian, pulled, straight
from training.settling.face import retracted
from training.settling.newton import least_multipliers

DAMPING = 1e-3, 1e-13, 1e8  # at first, least and most, of the mean curvature
TRIALS = 16
GROWTH = 6.0  # of the damping after a step that was none
GOOD = ((0.9, 0.1), (0.5, 0.3))  # parts of the promise that are kept, and what the damping is times
STIFF = 10.0  # of the largest curvature: what is added across kinks
CROSSINGS = 4  # how often pairs that a step crosses join the model
MOST_PAIRS = 600
STRICT = 1e-9  # of its bound: how far inside of it a multiplier is
SUFFICIENT = 1e-3  # of what the model promises
SHORT = 0.1  # of a step: a smaller part, and the whole was too long
MANY = 500  # parameters, with which a step takes long and so has to bring something
CORRECTIONS = 3  # of a step, for what outputs bend
WORTH = 1e-2  # of the promise: what a correction must bring
RIDGE = 1e-12  # of a mean diagonal entry, so that kinks that depend on each other may stay
BEYOND = 1e-3  # of the way to a kink: how far a step goes on
STILL = 1e-15  # of the loss: a promise
LEAST = 1e-32  # another, the square of what outputs are rounded by


class Walk(NamedTuple):
    """Where a descent by models ended.

    Attributes
    ----------
    theta : ndarray, shape (P,)
    kinks : list of (int, int, int)
        Which pairs are on their kink there.
    masks : list of ndarray
        Of the cell around it, also where a pair is on its kink that holds nothing.
    has_ended : bool
        Whether nothing more is promised, or no step keeps what it promises.
    """

    theta: np.ndarray
    kinks: list
    masks: list
    has_ended: bool


def walked(problem, theta, kinks=(), *, steps, stop=None):
    """Descend by models until they promise nothing any more.

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (P,)
    kinks : sequence of (int, int, int), optional
        Pairs that are on their kink already.
    steps : int
        The most.
    stop : callable, optional
        Of the number of steps; true ends the descent.

    Returns
    -------
    Walk
        Its loss is at most that of the start.
    """
    kinks, damping, done = list(kinks), DAMPING[0], 0
    loss, masks = problem.loss(theta), problem.masks(theta, kinks)
    mu = np.maximum(least_multipliers(problem.cell(masks, kinks), theta), 0)
    while done < steps and not (stop is not None and stop(done)):
        model = _Model(problem, theta, kinks, mu)
        for _ in range(TRIALS):
            found = model.step(damping)
            if found is not None and found.promised > -STILL * loss:
                if found.promised <= max(STILL * loss, LEAST):
                    return Walk(theta, found.kinks, found.masks, True)
                (other, lower), promised = model.after(found), found.promised
                bent, other, lower = model.corrected(found, other, lower)
                if loss - lower < SUFFICIENT * found.promised:
                    bent = model.shortened(found)
                    other, lower = (theta, loss) if bent is None else model.after(bent)
                found = bent
                if found is not None and loss - lower >= SUFFICIENT * found.promised:
                    break
            damping = min(damping * GROWTH, DAMPING[2])
        else:
            return Walk(theta, kinks, masks, True)
        kept = (loss - lower) / found.promised
        # what a part of a step keeps says nothing of the whole, but goes less far away
        if len(theta) > MANY and found.promised < SHORT * promised:
            damping = min(damping * GROWTH, DAMPING[2])
        else:
            damping *= next((factor for least, factor in GOOD if kept > least), 1.0)
        damping, done = max(damping, DAMPING[1]), done + 1
        theta, loss, kinks, mu, masks = other, lower, found.kinks, found.multipliers, found.masks
    return Walk(theta, kinks, masks, False)


class _Step(NamedTuple):
    """A step, what it promises, and the kinks after it with their multipliers, and masks."""

    step: np.ndarray
    promised: float
    kinks: list
    multipliers: np.ndarray
    masks: list


class _Model:
    """The model at some parameters, with the multipliers of the kinks they are on."""

    def __init__(self, problem, theta, kinks, multipliers):
        self.problem, self.theta = problem, theta
        self.masks = problem.masks(theta, kinks)
        cell = self.cell = problem.cell(self.masks, kinks)
        self.slope = lagrangian(cell, theta, np.zeros(len(kinks)))[0]
        self.found = lagrangian(cell, theta, multipliers)[3]
        if not np.isfinite(self.slope).all():
            raise ValueError("the slope of the loss overflows")
        self.H = hessian(cell, self.found)
        self.unit = max(np.abs(np.diag(self.H)).mean(), 1e-300)
        # of all pairs, in one array: whether they are on, their heights and gains
        self.on, self.gains = _flat(self.masks), _flat(self.found.gains)
        self.heights = _flat(self.found.values[: len(self.masks)])
        self.at, self.on_kink = _numbers(kinks, self.masks), len(kinks)  # of those in the model
        self.shares = np.asarray(multipliers, float)  # of the last step that was looked at
        self.rows = height_rows(cell, self.found)
        if kinks:  # convex across the kinks, where the loss is not smooth; nothing along them
            scaled = self.rows / np.maximum(np.linalg.norm(self.rows, axis=1), 1e-300)[:, None]
            self.across = scaled * np.sqrt(STIFF * np.abs(self.H).max())
            self.H += self.across.T @ self.across

    def step(self, damping):
        """The minimum of the damped model, a `_Step`; None if it has none.

        Where it hardly has one, rounding may leave a promise that is negative.
        """
        damped = self.H.copy()
        damped.ravel()[:: len(damped) + 1] += damping * self.unit
        # the transpose, which is the same, is in the order that LAPACK takes without a copy
        L, has_failed = dpotrf(damped.T, lower=1, overwrite_a=1, clean=0)
        if has_failed:
            return None
        down = dtrtrs(L, dtrtrs(L, -self.slope, lower=1)[0], lower=1, trans=1)[0]
        halves = np.zeros((len(down), 0))  # of what L L^T makes of the rows
        for left in reversed(range(CROSSINGS)):
            gains, heights, signs = self._sides()
            A, known = signs[:, None] * self.rows, halves.shape[1]
            if len(A) > known:
                halves = np.hstack([halves, dtrtrs(L, A[known:].T, lower=1)[0]])
            start = np.append(self.shares, np.zeros(len(gains) - len(self.shares)))
            gram = halves.T @ halves
            shares = least_in_box(gram, -(A @ down) - heights, gains, start)
            self.shares = shares
            step = down - dtrtrs(L, halves @ shares, lower=1, trans=1)[0]
            ahead = _flat(self.problem.masks(self.theta + step))
            if not left or not self._joined(ahead):
                break
        if not np.isfinite(step).all():
            return None
        self.factors = L, halves, gram
        inner = (shares > STRICT * gains) & (shares < (1 - STRICT) * gains)
        change, after = self.slope @ step + 0.5 * (step @ (self.H @ step)), heights + A @ step
        # what rounding leaves of the height at a kink is taken off when the step is brought back
        change += np.where(inner, shares * after, gains * np.maximum(after, 0)).sum()
        flipped = (shares >= (1 - STRICT) * gains) & (gains > 0)
        multipliers = np.where(signs > 0, shares, gains - shares)[inner]
        # heights at kinks are rounding, multipliers are not
        ahead[self.at] = np.where(gains > 0, (signs > 0) == flipped, ahead[self.at])
        ahead[self.at[inner]] = 0.0
        kinks, masks = _pairs(self.at[inner], self.masks), _unflat(ahead, self.masks)
        return _Step(step, -float(change), kinks, multipliers, masks)

    def after(self, found):
        """(parameters after a step, brought back to its kinks, and their loss)."""
        theta = self.theta + found.step
        if found.kinks:
            theta = retracted(self.problem, theta, found.kinks)
        return theta, self.problem.loss(theta)

    def corrected(self, found, theta, loss):
        """The last step, corrected for what outputs bend while that lowers the loss.

        Parameters
        ----------
        found : _Step
        theta : ndarray, shape (P,)
            After the step.
        loss : float
            There.

        Returns
        -------
        (_Step, ndarray, float)
            The step, parameters and the loss after it.
        """
        L, halves, gram = self.factors
        held = np.flatnonzero(np.isin(self.at, _numbers(found.kinks, self.masks)))
        gram, halves = gram[np.ix_(held, held)], halves[:, held]
        gram.ravel()[:: len(held) + 1] += RIDGE * np.trace(gram) / max(len(held), 1)
        across, has_failed = dpotrf(gram, lower=1)
        if has_failed:
            return found, theta, loss
        slope, Y = self.problem.block.slope, self.problem.Y
        goal = slope(self.found.values[-1] + straight(self.cell, self.found, found.step), Y)
        for _ in range(CORRECTIONS):
            gone = slope(self.problem.values(theta)[-1], Y) - goal
            half = dtrtrs(L, pulled(self.cell, self.found, gone), lower=1)[0]
            if len(held):
                share = dpotrs(across, halves.T @ half, lower=1)[0]
                half -= halves @ share
            if not 0.5 * (half @ half) > WORTH * found.promised:  # nan, too
                break
            step = theta - self.theta - dtrtrs(L, half, lower=1, trans=1)[0]
            other, lower = self.after(found._replace(step=step))
            if not lower < loss:
                break
            theta, loss = other, lower
            ahead = _flat(self.problem.masks(theta))
            ahead[self.at] = _flat(found.masks)[self.at]
            found = found._replace(step=step, masks=_unflat(ahead, self.masks))
        return found, theta, loss

    def shortened(self, found):
        """The step up to where it crosses a kink that holds nothing, and so is not in the model.

        There the loss goes on falling, but may bend; None if it crosses none.
        """
        theta, first = self.theta + found.step, 1.0
        values = self.problem.values(theta)
        for l, mask in enumerate(self.masks):
            before, after = self.found.values[l], values[l]
            crosses = (mask != (after > 0)) & (self.found.gains[l] <= 0)
            before, after = before[crosses], after[crosses]
            parts = before[before != 0] / (before - after)[before != 0]
            first = min(first, parts.min(initial=1.0))
        t = (1 + BEYOND) * first
        if not 0 < t < 0.9:
            return None
        known = dict(zip(found.kinks, found.multipliers, strict=True))
        kinks = [pair for pair in _pairs(self.at[: self.on_kink], self.masks) if pair in known]
        multipliers = np.array([known[pair] for pair in kinks])
        masks = self.problem.masks(self.theta + t * found.step, kinks)
        return _Step(t * found.step, t * found.promised, kinks, multipliers, masks)

    def _sides(self):
        """Of the pairs in the model: gains, signed heights, and signs."""
        heights = -np.abs(self.heights[self.at])
        heights[: self.on_kink] = 0.0
        return np.maximum(self.gains[self.at], 0), heights, 1 - 2 * self.on[self.at]

    def _joined(self, ahead):
        """Let pairs join that a step brings to the other side, if the loss rises there."""
        flips = (self.on != ahead) & (self.gains > 0)
        flips[self.at] = False
        joined = np.flatnonzero(flips)[: MOST_PAIRS - len(self.at)]
        if len(joined):
            self.at = np.append(self.at, joined)
            new = height_rows(self.cell, self.found, _pairs(joined, self.masks))
            self.rows = np.vstack([self.rows, new])
        return bool(len(joined))


def _flat(layers):
    """Numbers of all pairs of a point and a unit, layer by layer."""
    return np.concatenate([np.zeros(0), *(layer.ravel() for layer in layers)])


def _unflat(numbers, masks):
    """`_flat` undone: arrays as the masks are, views."""
    ends = np.cumsum([mask.size for mask in masks])
    parts = np.split(numbers, ends[:-1]) if len(masks) else []
    return [part.reshape(mask.shape) for part, mask in zip(parts, masks, strict=True)]


def _numbers(pairs, masks):
    """Where pairs (layer, point, unit) are in `_flat`."""
    starts = np.cumsum([0, *(mask.size for mask in masks)])
    return np.array([starts[l] + i * masks[l].shape[1] + u for l, i, u in pairs], int)


def _pairs(numbers, masks):
    """`_numbers` undone, a list."""
    starts = np.cumsum([0, *(mask.size for mask in masks)])
    layers = np.searchsorted(starts, numbers, side="right") - 1
    own = zip(layers.tolist(), (numbers - starts[layers]).tolist(), strict=True)
    return [(l, *divmod(k, masks[l].shape[1])) for l, k in own]
