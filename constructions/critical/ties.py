r"""Kinks that depend on each other whatever the parameters are, since their points do.

Points of one pattern below a layer have inputs there that are one affine function of x, and points
that are dead below it have the same inputs. So :math:`z_d = \sum_b \alpha_b z_b` for the kinks of
one unit if :math:`(x_d, 1) = \sum_b \alpha_b (x_b, 1)`; then z_d is 0 where the z_b are.
"""

import numpy as np

from constructions.proof.exact import rational_matrix


def independent_kinks(X, masks, kinks, idle=()):
    """Kinks that all others of their unit depend on, and kinks that are one and the same.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    masks : list of ndarray of float, shapes (N, d_l)
        Kinks are off.
    kinks : list of (int, int, int)
        Layer from 0, point and unit.
    idle : sequence of (int, int), optional
        Layer and unit of those at rest at zero, which are on a kink at every point.

    Returns
    -------
    free : list of int
        Numbers of the kinks that the others depend on.
    alike : list of list of int
        Numbers of kinks with the same pre-activation, in the masked network and in the true one
        near by; each kink is in one of these lists.
    """
    together = {}
    for j, (l, i, u) in enumerate(kinks):
        dead, key = _below(masks, l, i)
        together.setdefault((l, u, dead, key), []).append(j)
    free, alike = [], []
    for (layer, _, dead, (last, *_)), members in together.items():
        if dead:
            free.append(members[0])
            # kinks below at the same point may go on, and units at rest in the dead layer at any
            moved = {i for l, i, _ in kinks if l < layer}
            if any(l == last for l, _ in idle):
                moved |= {kinks[j][1] for j in members}
            same = [j for j in members if kinks[j][1] not in moved]
            alike += [same] * bool(same) + [[j] for j in members if kinks[j][1] in moved]
        else:
            rows = np.array([[*X[kinks[j][1]], 1.0] for j in members])
            free += [members[row] for row in _independent(rows)]
            alike += [[j] for j in members]
    return sorted(free), alike


def _below(masks, layer, point):
    """Whether a point is dead below a layer, and what it shares with all that read the same."""
    dead = max((l for l in range(layer) if not masks[l][point].any()), default=-1)
    patterns = [masks[l][point].tobytes() for l in range(dead + 1, layer)]
    return dead >= 0, (dead, *patterns)


def _independent(rows):
    """Numbers of rows that do not depend on those before."""
    kept = []
    for i in range(len(rows)):
        if rational_matrix(rows[[*kept, i]]).rank() > len(kept):
            kept.append(i)
    return kept


def multipliers_of(rows, slope, alike, rises, rank=None):
    r"""Multipliers of dependent kinks that are inside of their bounds by the largest margin.

    In floating point: :math:`\mu` with :math:`Z^T \mu = -g`, as far from 0 and from
    :math:`\delta` as it goes, each kink for itself, or else all that are alike together.

    Parameters
    ----------
    rows : ndarray, shape (k, P)
        Derivatives of the pre-activations at the kinks.
    slope : ndarray, shape (P,)
    alike : list of list of int
    rises : callable
        Of multipliers (k,): the rises (k,), an affine function.
    rank : int, optional
        Of the rows, where they are dependent at the exact point alone.

    Returns
    -------
    ndarray, shape (k,)
    """
    from scipy.optimize import linprog

    k = len(rows)
    U, s, Vt = np.linalg.svd(rows.T)
    if rank is None:
        rank = int((s > 1e-12 * s.max(initial=0.0)).sum())
    least = Vt[:rank].T @ ((U.T[:rank] @ -slope) / s[:rank])
    kernel = Vt[rank:].T
    at = rises(least)
    change = np.stack([rises(least + column) - at for column in kernel.T], axis=1)
    for parts in ([[j] for j in range(k)], alike):
        together = np.array([[float(j in part) for j in range(k)] for part in parts])
        # maximise t: mu >= t and delta - mu >= t, mu = least + kernel y
        one = np.ones((len(parts), 1))
        A = np.vstack(
            [
                np.hstack([-together @ kernel, one]),
                np.hstack([together @ (kernel - change), one]),
            ]
        )
        b = np.concatenate([together @ least, together @ (at - least)])
        size = np.abs(b).max(initial=0.0) or 1.0
        bounds = [(None, None)] * kernel.shape[1] + [(None, 1)]
        answer = linprog([0.0] * kernel.shape[1] + [-1.0], A, b / size, bounds=bounds)
        if answer.status == 0 and answer.x[-1] > 0:
            return least + size * (kernel @ answer.x[:-1])
    return least
