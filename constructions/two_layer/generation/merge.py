"""Fewer neurons for the same function on the data, at no more cost."""

import numpy as np
from scipy.linalg import null_space

# Cosine from which two output directions are taken for parallel where the loss decides.
PARALLEL = 1 - 1e-6
# What of the length of a point is no distance from a kink: outputs change by that at most.
TOUCHING = 1e-10


def merged_neurons(Xt, W, V, *, parallel=PARALLEL, touching=TOUCHING):
    r"""Merge neurons that lie in one closed cell and have positively parallel outputs.

    Where all points are on the same (closed) side of :math:`w_1` and of :math:`w_2` and
    :math:`v_k = a_k \hat v`, the neuron :math:`w = a_1 w_1 + a_2 w_2` has
    :math:`\sigma(\tilde x_i w) = a_1 \sigma(\tilde x_i w_1) + a_2 \sigma(\tilde x_i w_2)` at every
    point, so :math:`(w / |w|, |w| \hat v)` puts out the same as both, and costs
    :math:`|w| \le a_1 + a_2`, with equality only where :math:`w_1 = w_2`.

    Parameters
    ----------
    Xt : ndarray, shape (N, p)
    W : ndarray, shape (m, p)
        Unit directions.
    V : ndarray, shape (m, Q)
        Not zero.
    parallel : float
        Cosine from which outputs count as parallel; the direction of the longer one is kept.
    touching : float
        What of the length of a point is no distance from a kink. With 0 and outputs that are
        exactly parallel, the function on the data stays; else it is for the caller to compare.

    Returns
    -------
    W, V : ndarray, ndarray
        At most m neurons, the longest outputs first.
    """
    size = np.linalg.norm(V, axis=1)
    order = np.argsort(-size, kind="stable")
    W, V, size = W[order], V[order], size[order]
    unit = V / size[:, None]
    Z = Xt @ W.T
    touching = touching * np.linalg.norm(Xt, axis=1)[:, None]
    above, below = Z > touching, Z < -touching
    sums, taken = size[:, None] * W, np.zeros(len(W), bool)
    firsts = []
    for j in range(len(W)):
        if taken[j]:
            continue
        firsts.append(j)
        near = np.flatnonzero((unit @ unit[j] >= parallel) & ~taken)
        for k in near[near > j]:
            if not ((above[:, j] & below[:, k]).any() or (below[:, j] & above[:, k]).any()):
                sums[j] += sums[k]
                above[:, j] |= above[:, k]
                below[:, j] |= below[:, k]
                taken[k] = True
    length = np.linalg.norm(sums[firsts], axis=1, keepdims=True)
    alive = length[:, 0] > 0
    W = sums[firsts][alive] / length[alive]
    return W, length[alive] * unit[firsts][alive]


def at_a_vertex(W, V, outputs):
    r"""At most (N - 1) Q neurons with the same centred outputs on the data, at no more cost.

    With :math:`a_j = |v_j|` and :math:`\phi_j` the centred outputs of neuron j at length 1,
    (N - 1) Q numbers, all :math:`a \ge 0` with the same :math:`\sum_j a_j \phi_j` give the same
    function on the data up to the output bias. While the :math:`\phi_j` are dependent there is a
    :math:`z \ne 0` with :math:`\sum_j z_j \phi_j = 0` and :math:`\sum_j z_j \ge 0`; subtracting
    it until the first a_j vanishes costs nothing and saves a neuron.

    Parameters
    ----------
    W : ndarray, shape (m, p)
    V : ndarray, shape (m, Q)
        Not zero.
    outputs : ndarray, shape (N, m)
        Of the neurons, centred; if they are not, N Q takes the place of (N - 1) Q.

    Returns
    -------
    W, V : ndarray, ndarray

    References
    ----------
    S. Rosset, G. Swirszcz, N. Srebro, J. Zhu, "l1 regularization in infinite dimensional feature
    spaces", COLT 2007.
    """
    size = np.linalg.norm(V, axis=1)
    unit = V / size[:, None]
    columns = (outputs[:, None, :] * unit.T[None]).reshape(-1, len(W))
    length = np.linalg.norm(columns, axis=0)
    columns = columns / np.where(length > 0, length, 1.0)
    kept = length > 0  # one that is constant on the data is a part of the output bias
    at = np.flatnonzero(kept)
    free = (
        null_space(columns[:, at], rcond=1e-12) / length[at, None] if len(at) else np.empty((0, 0))
    )
    while free.shape[1]:
        z = free[:, 0]
        if z.sum() < 0 or not (z > 0).any():
            z = -z
        ratios = np.full(len(z), np.inf)
        np.divide(size[at], z, out=ratios, where=z > 0)
        first = ratios.argmin()
        size[at] = np.maximum(size[at] - ratios[first] * z, 0.0)
        size[at[first]] = 0.0
        # of the rest what leaves that neuron out
        rest = free[:, 1:] - np.outer(z, free[first, 1:] / z[first])
        at, free = np.delete(at, first), np.delete(rest, first, axis=0)
    kept &= size > 0
    return W[kept], size[kept, None] * unit[kept]
