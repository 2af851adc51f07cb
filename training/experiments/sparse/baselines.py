"""What others do with the same patches: scikit-learn's dictionary learning, a top-k autoencoder."""

import warnings

import numpy as np

# At the top: a BLAS that is loaded after threads were limited does not keep to the limit.
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.exceptions import ConvergenceWarning

from training.experiments.sparse.measured import activity_of

LEARNED, TOP = "dictionary learning", "top-k autoencoder"
PASSES = 1


def dictionary_learning(task, penalty, count, seed):
    """Non-negative codes with unit columns by scikit-learn, online, a pass over some points.

    Parameters
    ----------
    task : Task
    penalty : float
        The same as ours: it minimises the half squares plus the penalty times the codes.
    count : int
        Points that it sees.
    seed : int

    Returns
    -------
    D : ndarray, shape (d, m)
    row : dict
        Of `activity_of`, on the points that are held out.
    """
    model = MiniBatchDictionaryLearning(
        task.units,
        alpha=penalty,
        max_iter=PASSES,
        batch_size=256,
        fit_algorithm="cd",
        transform_algorithm="lasso_cd",
        transform_alpha=penalty,
        positive_code=True,
        random_state=seed % 2**32,
        tol=0.0,
        max_no_improvement=None,
    )
    with warnings.catch_warnings():
        # Codes are found to a thousandth, which is enough to learn from.
        warnings.simplefilter("ignore", ConvergenceWarning)
        Z = model.fit(task.X[:count].astype(float)).transform(task.held_out.astype(float))
    D = model.components_.T
    return D, activity_of(Z, task.held_out, Z @ D.T, np.linalg.norm(D, axis=0))


def top_k(task, k, steps, batch, rate, seed):
    r"""An autoencoder whose k largest rectified units are kept and all others are set to 0.

    .. math:: z = \mathrm{top}_k(\sigma(W_e x + b_e)), \qquad \hat x = W_d z + b_d

    on half the squared error, by Adam, with unit columns after each step.

    Parameters
    ----------
    task : Task
    k, steps, batch : int
    rate : float
    seed : int
        Of the start and of the batches, drawn with replacement.

    Returns
    -------
    D : ndarray, shape (d, m)
    row : dict
        As for `dictionary_learning`.
    """
    rng, X, m = np.random.default_rng(seed), task.X, task.units
    D = rng.standard_normal((m, X.shape[1])).astype(X.dtype)
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    mean = X.mean(axis=0)
    tensors = [D.copy(), -D @ mean, D, mean]
    first, second = ([np.zeros_like(t) for t in tensors] for _ in range(2))
    for step in range(1, steps + 1):
        x = X[rng.integers(len(X), size=batch)]
        W, b, D, c = tensors
        z = _largest(x @ W.T + b, k)
        missed = (z @ D + c - x) / len(x)
        pulled = (missed @ D.T) * (z > 0)
        parts = (pulled.T @ x, pulled.sum(axis=0), z.T @ missed, missed.sum(axis=0))
        for t, g, m1, m2 in zip(tensors, parts, first, second, strict=True):
            m1 += (g - m1) * 0.1
            m2 += (g * g - m2) * 0.001
            by = np.sqrt(m2 / (1 - 0.999**step)) + 1e-8
            t -= (rate / (1 - 0.9**step) * m1 / by).astype(t.dtype)
        tensors[2] /= np.maximum(np.linalg.norm(tensors[2], axis=1, keepdims=True), 1e-30)
    W, b, D, c = tensors
    x = task.held_out
    Z = _largest(x @ W.T + b, k)
    return D.T.astype(float), activity_of(Z, x, Z @ D + c, np.linalg.norm(D, axis=1))


def _largest(u, k):
    """The k largest entries of each row where they are above 0, and 0 elsewhere."""
    z = np.maximum(u, 0)
    if k < z.shape[1]:
        least = -np.partition(-z, k - 1, axis=1)[:, k - 1 : k]
        z[z < least] = 0
    return z
