r"""Networks that attain the best affine fit of every group of points that have one pattern.

There the error is a constant and the derivative of the outputs often has too small a rank, so that
the gradient vanishes to second order and Newton's method on it is slow. So the equations

.. math:: F_i(\theta) = \text{best fit}_i

are solved themselves, by Gauss and Newton, with shortest steps.
"""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from constructions.critical import cell as calculus
from training.settling.derivatives import jacobian
from training.settling.newton import finished

ROUNDS = 40
CUTS = (1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3)
DAMPED = (1e-13, 1e-9, 1e-5)  # of the mean squared singular value
MOST_CUT = 600  # rows or columns of a derivative whose singular values are computed
NEARLY, OUTSIDE = 1e-6, 1e-4  # an error; and heights that steps from there do not change
ENOUGH = 1e-2  # of an error after a step: no other step is tried
CLOSE = 1e-2  # of the targets: errors that may vanish next to parameters
ROUNDING = 1e-14  # of an output of a network of norm 1


def best_fits(problem, masks):
    """Outputs at all points of the best affine maps of the groups of a cell, shape (N, K')."""
    fits = np.empty_like(problem.Y)
    for rows, is_dead in groups(masks, len(problem.X)):
        if len(rows) == 1:
            fits[rows] = problem.Y[rows]
            continue
        design = np.ones((len(rows), 1))
        if not is_dead:
            design = np.column_stack([problem.X[rows], design])
        root = np.sqrt(problem.weights[rows])[:, None]
        found = np.linalg.lstsq(root * design, root * problem.Y[rows], rcond=1e-12)[0]
        fits[rows] = design @ found
        if len(rows) <= np.linalg.matrix_rank(design):
            fits[rows] = problem.Y[rows]
    return fits


def groups(masks, N):
    """(rows, whether they are dead at some layer) of the points whose outputs are tied."""
    members = {}
    for i in range(N):
        dead = max((l for l, mask in enumerate(masks) if not mask[i].any()), default=-1)
        key = dead, b"".join((mask[i] > 0).tobytes() for mask in masks[dead + 1 :])
        members.setdefault(key, []).append(i)
    return [(np.array(rows), dead >= 0) for (dead, _), rows in members.items()]


def on_fits(problem, theta, masks=None):
    """A point that attains all fits of a cell next to parameters, a `Critical`; None.

    It need not lie in the cell of the parameters, but must in one that is given.
    """
    must_lie, masks = masks is not None, problem.masks(theta) if masks is None else masks
    cell, fits = problem.cell(masks, []), best_fits(problem, masks)
    root = np.sqrt(problem.weights)[:, None]
    found = calculus.forwards(cell, theta)
    error = root * (found.values[-1] - fits)
    size, start = np.linalg.norm(error), theta
    if not size <= CLOSE:
        return None
    for _ in range(ROUNDS):
        if size < 1e-16:
            break
        J = jacobian(cell, found) * np.repeat(root[:, 0], problem.widths[-1])[:, None]
        best = None
        for step in _steps(J, error.ravel()):
            other = theta - step
            if not np.linalg.norm(other - start) <= 1 + np.linalg.norm(start):
                continue
            after = calculus.forwards(cell, other)
            left = root * (after.values[-1] - fits)
            if best is None or np.linalg.norm(left) < 0.3 * best[0]:
                best = np.linalg.norm(left), other, after, left
            if best[0] < ENOUGH * size:
                break
        if best is None or not best[0] < 0.9 * size:
            break
        size, theta, found, error = best
        if must_lie and size < NEARLY and _is_outside(found, masks):
            return None
    if not size <= ROUNDING * (1 + theta @ theta):
        return None
    return finished(problem, theta, [], np.zeros(0), masks)._replace(is_fitted=True)


def _is_outside(found, masks):
    """Whether units are farther on the other side of a kink than the last steps go."""
    return any(
        (np.abs(value[(value > 0) != (mask > 0)]) > OUTSIDE).any()
        for value, mask in zip(found.values, masks, strict=False)
    )


def _steps(J, error):
    """Shortest solutions of J step = error, small singular values being cut off or damped."""
    if max(J.shape) <= MOST_CUT:
        U, s, Vt = np.linalg.svd(J, full_matrices=False)
        share = U.T @ error
        for cut in CUTS:
            used = s > cut * s[0]
            yield Vt[used].T @ (share[used] / s[used])
        return
    is_wide = J.shape[0] <= J.shape[1]
    gram = J @ J.T if is_wide else J.T @ J
    mean = np.trace(gram) / len(gram)
    for cut in DAMPED:
        damped = gram.copy()
        damped[np.diag_indices(len(gram))] += cut * mean
        try:
            factor = cho_factor(damped, overwrite_a=True, check_finite=False)
        except LinAlgError:
            continue
        yield J.T @ cho_solve(factor, error) if is_wide else cho_solve(factor, J.T @ error)
