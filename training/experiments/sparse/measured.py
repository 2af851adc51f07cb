"""What is measured of one trained autoencoder: a row of numbers."""

import numpy as np

from training.experiments.sparse.gabor import gabor_fits, phase_randomised, random_combinations
from training.experiments.sparse.measures import coherence, recovery

GABOR = 0.7  # part of a field that a Gabor function must explain
PIXEL = 0.5  # a field with more than this part in one pixel is that pixel, and no Gabor function
QUANTILE = 0.95  # of a null distribution
RANDOM = 200  # combinations of patches
FIELDS = {"field": "receptive fields, the rows of the encoder", "atom": "the dictionary's columns"}
SOME = 1000  # patches that are combined


def activity_of(Z, x, out, norms):
    """Reconstruction and sparsity from units Z (N, m), points and reconstructions (N, d).

    Returns
    -------
    dict
        ``missed``: squared error as a part of the squares of the points; ``active``, ``dead``;
        ``sum``, of the units of a point; ``cost``, the same weighted by the norms of the columns,
        which no rescaling changes.

    Examples
    --------
    >>> Z, x = np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([[1.0], [1.0]])
    >>> activity_of(Z, x, np.array([[1.0], [0.0]]), np.array([0.5, 1.0]))
    {'missed': 0.5, 'active': 0.25, 'dead': 1, 'sum': 1.0, 'cost': 0.5}
    """
    on = Z > 0
    total = float(np.sum(np.square(x, dtype=float)))
    return {
        "missed": float(np.sum(np.square(out - x, dtype=float))) / total if total else np.nan,
        "active": float(on.mean()),
        "dead": int((~on.any(axis=0)).sum()),
        "sum": float(Z.sum(axis=1, dtype=float).mean()),
        "cost": float((Z.astype(float) @ norms).mean()),
    }


def measures_of(trained, task, rng):
    """Everything that is told of an autoencoder.

    Parameters
    ----------
    trained : SparseAutoencoder
    task : Task
    rng : numpy.random.Generator
        Of the fields with random phases.

    Returns
    -------
    dict
    """
    x = task.held_out
    W_e = acting(trained.W_e, task)
    Z = trained.encode(x)
    row = activity_of(Z, x, trained.decode(Z), trained.norms)
    first = np.maximum(x @ trained.W_e.T.astype(x.dtype) + trained.b_e.astype(x.dtype), 0)
    before = float(first.sum(dtype=float)) / len(x)
    row |= {
        "before_loop": before,
        # What the loop does to the activity as a whole: below 1 it inhibits.
        "loop_factor": row["sum"] / before if before > 0 else np.nan,
        "helped": helped(trained, Z),
        "step": trained.gamma if trained.loop else np.nan,
        "step_limit": step_limit(trained),
        "dictionary_norm": float(trained.norms.mean()),
        "encoder_norm": float(np.linalg.norm(W_e, axis=1).mean()),
        "encoder_idle": idle_part(trained.W_e, W_e),
        "encoder_bias": float(trained.b_e.mean()),
        "coherence": coherence(trained.W_d),
    }
    if task.truth is not None:
        found = recovery(trained.W_d, task.truth)
        row |= {"recovered": found.mean, "found": found.found}
    if task.shape is not None:
        live = (Z > 0).any(axis=0)
        row |= gabor_measures(W_e[live], task.shape, "field", rng)
        row |= gabor_measures(trained.W_d.T[live], task.shape, "atom")
    return row


def acting(W, task):
    """The part of the rows of W (m, d) that acts on the points: those of patches have mean 0.

    What is added to a row in a direction in which no point goes changes nothing but its norm.
    """
    return W if task.shape is None else W - W.mean(axis=1, keepdims=True)


def idle_part(W, acting):
    """The part of the squares of W that is not in what acts."""
    total = float((W**2).sum())
    return float(1 - (acting**2).sum() / total) if total else np.nan


def step_limit(trained):
    """Below which step size the loop settles; nan without one, or where none is known."""
    return (trained.inner.stability().limit or np.nan) if trained.loop else np.nan


def helped(trained, Z):
    r"""Part of the units that are on, over points, which the other units raise; nan without a loop.

    Unit i gets :math:`-\sum_{j \ne i} G_{ij} z_j` from the others.
    """
    is_on = Z > 0
    if not trained.loop or not is_on.any():
        return np.nan
    from_others = Z @ (np.diag(np.diag(trained.G)) - trained.G).T
    return float((from_others > 0)[is_on].mean())


def gabor_measures(fields, shape, name, rng=None):
    """Quality of Gabor fits of the fields of live units; with rng, beside random phases."""
    r2 = np.nan_to_num(gabor_fits(fields, shape, starts=1).r2)  # nothing is explained of a 0
    is_pixel = is_single_pixel(fields)
    row = {
        f"{name}_r2": float(np.median(r2)) if len(r2) else np.nan,
        f"{name}_gabor": _part((r2 > GABOR) & ~is_pixel),
        f"{name}_pixels": _part(is_pixel),
    }
    if rng is None:
        return row
    other = phase_randomised(fields, shape, rng=rng)
    other = np.nan_to_num(gabor_fits(other, shape, starts=1).r2)
    level = np.quantile(other, QUANTILE) if len(other) else np.nan
    row[f"{name}_phases_r2"] = float(np.median(other)) if len(other) else np.nan
    row[f"{name}_beyond_phases"] = _part((r2 > level) & ~is_pixel)
    return row


def is_single_pixel(fields):
    """Whether most of the squares of a field are in one pixel."""
    squares = fields**2
    return squares.max(axis=1, initial=0) > PIXEL * np.maximum(squares.sum(axis=1), 1e-300)


def null_of(task, rng):
    """Qualities of the fits of random combinations of patches, and of principal components.

    Returns
    -------
    dict of str to ndarray
    """
    x = task.X[:SOME].astype(float)
    random = random_combinations(x, RANDOM, rng=rng)
    axes = np.linalg.svd(x, full_matrices=False)[2]
    return {
        "random combinations": gabor_fits(random, task.shape).r2,
        "random phases": gabor_fits(
            phase_randomised(x[:RANDOM], task.shape, rng=rng), task.shape
        ).r2,
        "principal components": gabor_fits(axes, task.shape).r2,
        "patches": gabor_fits(x[:RANDOM], task.shape).r2,
    }


def _part(answers):
    return float(np.mean(answers)) if len(answers) else np.nan
