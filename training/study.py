"""Perturb-then-train studies in memory: how far can a network be pushed and still come back?"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from threadpoolctl import threadpool_limits

from geomcore.arrays import as_count, as_labels
from training.curvature import largest_curvature
from training.losses import as_loss
from training.optimizers import SGD
from training.perturbation import perturb
from training.stopping import DIVERGED
from training.trainer import as_training_data, train_ensemble

# Activations of the trials that step together; about what stays in the cache of one core.
WORKING_SET = 2_000_000


@dataclass(frozen=True, eq=False)
class StudyResult:
    """What `perturbation_study` returns.

    Attributes
    ----------
    reference_loss : float
        Loss of the network before any perturbation.
    tolerance : float
        A trial has returned if its final loss is at most `reference_loss + tolerance`.
    learning_rate : float
        The rate that was used.
    seed : int
    columns : dict of ndarray, each of shape (number of trials,)
        One entry per trial: scale, trial, initial_loss, final_loss, steps,
        stop_reason, accuracy.
    """

    reference_loss: float
    tolerance: float
    learning_rate: float
    seed: int
    columns: dict

    @property
    def scales(self):
        """The distinct scales in increasing order."""
        return np.unique(self.columns["scale"])

    @property
    def returned(self):
        """Whether each trial came back to the reference loss, bool."""
        return self.columns["final_loss"] <= self.reference_loss + self.tolerance

    def losses(self, scale):
        """Final losses of all trials at one scale."""
        return self.columns["final_loss"][self.columns["scale"] == scale]

    def frame(self):
        """One row per trial, as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame({**self.columns, "returned": self.returned})

    def summary(self):
        """One row per scale, as a pandas DataFrame.

        Columns: scale, trials, returned, fraction, low and high (the 95 %
        Wilson interval of the fraction), initial (median initial loss), q25,
        median, q75 (quartiles of the final loss), accuracy (mean), diverged.
        """
        import pandas as pd

        rows = []
        for scale in self.scales:
            at = self.columns["scale"] == scale
            count, back = int(at.sum()), int(self.returned[at].sum())
            low, high = wilson_interval(back, count)
            # Order statistics rather than interpolation, which makes nan of two infinities.
            q25, median, q75 = np.quantile(
                self.columns["final_loss"][at], [0.25, 0.5, 0.75], method="lower"
            )
            rows.append(
                {
                    "scale": scale,
                    "trials": count,
                    "returned": back,
                    "fraction": back / count,
                    "low": low,
                    "high": high,
                    "initial": np.quantile(self.columns["initial_loss"][at], 0.5, method="lower"),
                    "q25": q25,
                    "median": median,
                    "q75": q75,
                    "accuracy": self.columns["accuracy"][at].mean(),
                    "diverged": int((self.columns["stop_reason"][at] == DIVERGED).sum()),
                }
            )
        return pd.DataFrame(rows)


def wilson_interval(successes, trials, z=1.959963984540054):
    r"""Wilson score interval of a fraction.

    .. math:: \frac{1}{1 + z^2/n} \left( \hat p + \frac{z^2}{2n}
              \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}} \right)

    Parameters
    ----------
    successes, trials : int
        ``0 <= successes <= trials`` and at least one trial.
    z : float
        Normal quantile; the default gives 95 %.

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> low, high = wilson_interval(10, 10)
    >>> round(low, 3), high
    (0.722, 1.0)
    """
    trials = as_count(trials, "trials")
    if as_count(successes, "successes", 0) > trials:
        raise ValueError(f"successes must be at most trials ({trials}), got {successes}")
    p, shift = successes / trials, z**2 / trials
    half = z * np.sqrt(p * (1 - p) / trials + shift / (4 * trials))
    low, high = (p + shift / 2 - half) / (1 + shift), (p + shift / 2 + half) / (1 + shift)
    # At the ends rounding would leave 1e-17 where the formula gives exactly 0 or 1.
    return (float(low) if successes else 0.0), (float(high) if successes < trials else 1.0)


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
