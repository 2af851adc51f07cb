"""Perturb-then-train studies in memory: how far can a network be pushed and still come back?"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral, Real

import numpy as np
from threadpoolctl import threadpool_limits

from geomcore.arrays import as_count, as_labels
from training.curvature import largest_curvature
from training.losses import as_loss
from training.optimizers import SGD
from training.perturbation import perturb
from training.study_result import StudyResult
from training.trainer import as_training_data, train_ensemble

# Activations of the trials that step together; about what stays in the cache of one core.
WORKING_SET = 2_000_000


def perturbation_study(
    net,
    X,
    y,
    *,
    scales,
    trials,
    steps,
    seed,
    optimizer=None,
    batch_size=None,
    relative=False,
    loss="mse",
    targets=None,
    stop=(),
    record=None,
    tolerance=None,
    jobs=1,
    progress=None,
):
    r"""Perturb a network many times at several scales and train each one.

    Parameters
    ----------
    net : Network
        The reference, usually a minimum.
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or target vectors.
    scales : sequence of float
        Norms :math:`\lambda` of the noise on each tensor; see `perturb`.
    trials : int
        Trials per scale.
    steps : int
        Step budget of each trial.
    seed : int
        Trial (i, j) draws its noise and its batches from
        ``SeedSequence(seed, spawn_key=(i, j))`` and nothing else.
    optimizer : SGD, optional
        Default: plain gradient descent at the rate :math:`1/(2 \lambda_{\max})`
        of the loss at the reference (`largest_curvature`), a quarter of what is
        stable there, since around it the curvature is larger. Constructed
        networks can have layers of very different scale, so that no fixed
        number fits them all.
    batch_size, loss, stop, record
        As for `train`.
    relative : bool
        Noise relative to the norm of each tensor.
    targets : array_like, shape (Q, k), optional
        Output wanted for each label; default one-hot rows.
    tolerance : float, optional
        How far above the reference loss counts as returned. Default 1e-3 of
        the loss of the best constant output.
    jobs : int, optional
        Threads; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)``, in trials.

    Returns
    -------
    StudyResult

    Raises
    ------
    ValueError
        If an argument does not fit. A trial that diverges is a row, not an error.

    Notes
    -----
    A row depends on the arguments, its scale and its (i, j) only: adding trials
    or scales at the end leaves the earlier rows as they are, bit for bit.
    Trials are trained in groups whose activations fit in a cache, with one
    group per thread and matrix products that do not split further: on products
    as small as these a second thread of BLAS costs more than it gains.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> X = np.array([[-1.0], [1.0]])
    >>> result = perturbation_study(net, X, X, scales=[0.1, 1.0], trials=5, steps=50, seed=0)
    >>> result.summary()[["scale", "returned", "trials"]].values.tolist()
    [[0.1, 5.0, 5.0], [1.0, 5.0, 5.0]]
    """
    X, labels = as_training_data(net, X, y, targets=targets)
    scales = _as_scales(scales)
    trials, loss = as_count(trials, "trials"), as_loss(loss)
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed!r}")
    if tolerance is None:
        constant = np.broadcast_to(labels.Y.mean(axis=0), labels.Y.shape)
        tolerance = 1e-3 * float(loss.value(constant, labels.Y) @ loss.weights(labels.index))
    if optimizer is None:
        optimizer = SGD(0.5 / largest_curvature(net, X, labels.Y, loss=loss, rtol=1e-2))
    options = {"loss": loss, "batch_size": batch_size, "stop": stop, "record": record}
    reference = train_ensemble([net], X, labels.Y, steps=0, loss=loss).final_losses[0]

    keys = [(i, j) for i in range(len(scales)) for j in range(trials)]
    group = max(1, int(WORKING_SET // (8 * len(X) * _units(net))))
    chunks = [keys[start : start + group] for start in range(0, len(keys), group)]

    def run(chunk):
        rngs = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key)) for key in chunk]
        networks = [
            perturb(net, scales[i], 1, relative=relative, rng=rng)[0]
            for (i, _), rng in zip(chunk, rngs, strict=True)
        ]
        result = train_ensemble(
            networks, X, labels.Y, optimizer=optimizer, steps=steps, rngs=rngs, **options
        )
        return {
            "scale": [scales[i] for i, _ in chunk],
            "trial": [j for _, j in chunk],
            "initial_loss": result.losses[0],
            "final_loss": result.final_losses,
            "steps": result.steps,
            "stop_reason": np.array(result.stop_reasons, dtype=object),
            "accuracy": [accuracy(trained, X, labels) for trained in result.networks],
        }

    blocks, done = [], 0
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(as_count(jobs, "jobs")) as pool:
        for chunk, block in zip(chunks, pool.map(run, chunks), strict=True):
            blocks.append(block)
            done += len(chunk)
            if progress is not None:
                progress(done, len(keys))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return StudyResult(float(reference), tolerance, optimizer.learning_rate, int(seed), columns)


def accuracy(net, X, y):
    """Fraction of points whose output is nearest to the target of their own class.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, d)
    y : array_like or Labels
        Labels, target vectors, or what `geomcore.arrays.as_labels` made of them.

    Returns
    -------
    float
        A diverged network, with outputs that are no numbers, gets what class 0 has.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> accuracy(ReLUNetwork([np.eye(2)], [[0, 0]]), [[1, 0], [0.9, 0], [0.8, 0.7]], [0, 0, 1])
    0.6666666666666666
    """
    labels = y if hasattr(y, "targets") else as_labels(y, len(X))
    with np.errstate(all="ignore"):
        # |f - t|^2 without |f|^2, which is the same for all targets t.
        distance = (labels.targets**2).sum(axis=1) - 2 * net(X) @ labels.targets.T
    return float(np.mean(distance.argmin(axis=1) == labels.index))


def _units(net):
    """Numbers kept per point in a forward pass, before and after each ReLU."""
    return net.widths[0] + 2 * sum(net.widths[1:]) if hasattr(net, "widths") else 100


def _as_scales(scales):
    if isinstance(scales, np.ndarray):
        scales = scales.tolist()
    good = isinstance(scales, Sequence) and len(scales) > 0
    if not good or not all(isinstance(s, Real) and 0 <= s < np.inf for s in scales):
        raise ValueError(f"scales must be a list of finite numbers, at least 0, got {scales!r}")
    if len(set(scales)) < len(scales):
        raise ValueError(f"scales must be distinct, got {scales!r}")
    return [float(s) for s in scales]
