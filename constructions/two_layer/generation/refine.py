"""Turn the neurons in use, all at once, to where the loss is less."""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

# How often the set of points that are held at a kink changes, and how often points change sides.
CHANGES, FLIPS = 25, 3
# What of the length of a point is no distance from a kink.
TOUCHING = 1e-11
# Shares of omega that are added to the curvature until it is positive definite.
SLIGHT = 1e-12  # the same for the forces at kinks, which need not be unique
RIDGES = (1e-9, 1e-6, 1e-3)


def turned(Xt, residual, W, V, omega, is_free=True):
    r"""Unit directions after one Newton step of the two-layer training problem.

    .. math:: \frac1N |\sum_j \sigma(\tilde X w_j) v_j^T - Y|^2
              + \frac\omega2 \sum_j (|w_j|^2 + |v_j|^2)

    (with centred columns) on the cells that the neurons are in: a quadratic program in all
    (w_j, v_j), balanced. Its curvature is made positive semidefinite by cutting the singular
    values of :math:`\tilde X^T D_j \Lambda` off at :math:`\omega`; at a global minimum they are not
    larger in the direction that counts. A point is held on its side of a neuron where crossing it
    would cost more than the quadratic model says, and may cross elsewhere.

    Parameters
    ----------
    Xt : ndarray, shape (N, p)
        The points with their constant.
    residual : ndarray, shape (N, Q)
        F - Y, columns of mean zero if the output bias is free.
    W : ndarray, shape (m, p)
        Unit directions.
    V : ndarray, shape (m, Q)
        Not zero.
    omega : float
    is_free : bool
        Whether the output bias is, so that columns are centred.

    Returns
    -------
    ndarray, shape (m, p)
        Unit directions; those of W where there is no step. Whether they are better is for the
        master problem to find out, which gets both.
    """
    root = np.sqrt(np.linalg.norm(V, axis=1, keepdims=True))
    w, v = W * root, V / root
    Z = Xt @ w.T
    touching = np.abs(Z) <= TOUCHING * np.linalg.norm(Xt, axis=1)[:, None] * root.T
    multipliers = residual * (2 / len(Xt))
    crossing = multipliers @ v.T
    on = Z > 0
    for _ in range(FLIPS):
        hessian, slope = _model(Xt, multipliers, on, w, v, Z, omega, is_free)
        factor = _factor(hessian, omega)
        if factor is None:
            return W
        try:
            step, flipped = _held_step(factor, slope, Xt, Z, on, touching, crossing, w.shape)
        except (LinAlgError, ValueError):  # points of sizes at the ends of the floats
            return W
        on = on ^ flipped
        if not flipped.any():
            break
    moved = w + step
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    good = np.isfinite(length) & (length > 1e-12 * root)
    return np.where(good, moved / np.where(good, length, 1.0), W)


def _model(Xt, multipliers, on, w, v, Z, omega, is_free):
    """Second and first derivatives by (w_j, v_j), unit after unit, on the cells `on`."""
    N, (m, p), Q = len(Xt), w.shape, v.shape[1]
    B = np.einsum("np,nm,nq->mpq", Xt, on, multipliers, optimize=True)
    inner = Xt[:, None, :] * on[:, :, None]
    hidden = np.maximum(Z, 0)
    if is_free:
        inner -= inner.mean(axis=0)
        hidden -= hidden.mean(axis=0)
    # the derivatives of the outputs are inner_j v_jq and hidden_j e_q: their products by parts
    flat = inner.reshape(N, m * p)
    by_w = (flat.T @ flat).reshape(m, p, m, p) * (v @ v.T)[:, None, :, None]
    across = (flat.T @ hidden).reshape(m, p, m)[..., None] * v[:, None, None, :]
    by_v = (hidden.T @ hidden)[:, None, :, None] * np.eye(Q)[None, :, None, :]
    hessian = np.empty((m, p + Q, m, p + Q))
    hessian[:, :p, :, :p] = by_w
    hessian[:, :p, :, p:] = across
    hessian[:, p:, :, :p] = across.transpose(2, 3, 0, 1)
    hessian[:, p:, :, p:] = by_v
    hessian *= 2 / N
    left, size, right = np.linalg.svd(B, full_matrices=False)
    capped = (left * np.minimum(size, omega)[:, None, :]) @ right
    rows = np.arange(m)
    hessian[rows, :p, rows, p:] += capped
    hessian[rows, p:, rows, :p] += capped.transpose(0, 2, 1)
    hessian = hessian.reshape(m * (p + Q), m * (p + Q))
    hessian[np.diag_indices(len(hessian))] += omega
    by_parts = (
        np.einsum("mpq,mq->mp", B, v) + omega * w,
        np.einsum("mpq,mp->mq", B, w) + omega * v,
    )
    return hessian, np.concatenate(by_parts, axis=1).ravel()


def _factor(hessian, omega):
    """A Cholesky factor of the curvature and of as small a ridge as will do, or None."""
    for ridge in RIDGES:
        shifted = hessian + np.diag(np.full(len(hessian), ridge * omega))
        try:
            return cho_factor(shifted, lower=True)
        except (LinAlgError, ValueError):
            continue
    return None


def _held_step(factor, slope, Xt, Z, on, touching, crossing, shape):
    """The step of the w_j, (m, p), with kinks held, and the points (N, m) that should change sides.

    An active-set method: of each neuron the point that is crossed farthest is added, and the one
    that pulls most the wrong way is given up, until there are none.
    """
    m, p = shape
    side = np.where(on, 1.0, -1.0)
    slack = np.where(touching, 0.0, np.abs(Z))
    length = np.maximum(np.linalg.norm(Xt, axis=1), 1e-300)[:, None]
    costly = crossing > 0
    held = touching & costly
    inverse = cho_solve(factor, np.eye(len(slope)))
    free = -(inverse @ slope).reshape(m, -1)
    block = free.shape[1]
    towards = inverse.reshape(-1, m, block)[:, :, :p]
    for _ in range(CHANGES):
        point, neuron = np.nonzero(held)
        pull = np.zeros_like(Z)
        step = free
        if len(point):
            G = -side[point, neuron][:, None] * Xt[point]
            back = np.einsum("nkp,kp->nk", towards[:, neuron], G)
            ahead = (G * free[neuron, :p]).sum(axis=1) - slack[point, neuron]
            schur = np.einsum("kp,kpl->kl", G, back.reshape(m, block, -1)[neuron, :p])
            schur[np.diag_indices(len(schur))] *= 1 + SLIGHT
            force = np.linalg.solve(schur, ahead)
            step = free - (back @ force).reshape(m, block)
            pull[point, neuron] = force
        passed = np.where(costly & ~held, -side * (Xt @ step[:, :p].T) - slack, 0.0) / length
        worst = passed.argmax(axis=0)
        added = np.zeros_like(held)
        added[worst, range(m)] = passed[worst, range(m)] > TOUCHING * np.abs(step).max(axis=1)
        least = np.where(held, pull, 0.0).argmin(axis=0)
        dropped = np.zeros_like(held)
        dropped[least, range(m)] = pull[least, range(m)] < 0
        if not (added.any() or dropped.any()):
            break
        held = (held | added) & ~dropped
    return step[:, :p], held & touching & (pull > crossing)
