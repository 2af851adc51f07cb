r"""The trainer: gradient descent on one network, or on many of one shape at a time.

All trials step together, as arrays with a leading trial axis. A trial that
stops is taken out of the arrays, so it costs nothing from then on, and no trial
has any influence on the numbers of another one.
"""

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_count, as_labels, as_points, as_rng
from geomcore.network import Network
from training.batches import Batches
from training.chain import stack
from training.descent import Descent
from training.losses import as_loss
from training.optimizers import SGD
from training.stopping import as_rules


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What `train` returns.

    Attributes
    ----------
    network : Network
        After the last step; if training diverged, before the step that overflowed.
    losses : ndarray, shape (R,)
        Loss over all points at each record.
    recorded : ndarray of int, shape (R,)
        Number of steps done before each record.
    steps : int
        Number of steps done.
    stop_reason : str
        "step budget", "diverged", or the reason of the stopping rule that was met.
    final_loss : float
        Loss of `network` over all points; inf if it overflows.
    """

    network: Network
    losses: np.ndarray
    recorded: np.ndarray
    steps: int
    stop_reason: str
    final_loss: float

    def summary(self):
        """One line for people."""
        return (
            f"{self.steps} steps, loss {self.losses[0]:.3g} -> {self.final_loss:.3g}, "
            f"stopped by {self.stop_reason}"
        )


@dataclass(frozen=True, eq=False)
class EnsembleResult:
    """What `train_ensemble` returns: as `TrainResult`, with a trial axis.

    Attributes
    ----------
    networks : list of Network, length T
    losses : ndarray, shape (R, T)
        From the record after a trial has stopped on, its last loss is repeated.
    recorded : ndarray of int, shape (R,)
    steps : ndarray of int, shape (T,)
    stop_reasons : list of str, length T
    final_losses : ndarray, shape (T,)
    """

    networks: list
    losses: np.ndarray
    recorded: np.ndarray
    steps: np.ndarray
    stop_reasons: list
    final_losses: np.ndarray


def train(
    net,
    X,
    Y,
    *,
    loss="mse",
    optimizer=SGD(0.05),  # noqa: B008 - immutable
    batch_size=None,
    drop_last=False,
    steps=1000,
    stop=(),
    rng=None,
    record=None,
):
    """Train one network.

    Parameters
    ----------
    net : Network
        Of layers that can be trained, as a `ReLUNetwork` is; it is not changed.
    X : array_like, shape (N, d)
        Points; training is in double precision whatever their dtype.
    Y : array_like, shape (N,) or (N, k)
        Labels (one-hot targets in sorted order of the labels) or target vectors.
    loss : str or loss object
        "mse", the mean over points of the squared error norm, or
        "class_weighted", the sum over classes of that mean.
    optimizer : SGD
        Learning rate and momentum.
    batch_size : int, optional
        Points per step, reshuffled every epoch; default all of them.
    drop_last : bool
        Drop the last batch of an epoch if it is smaller than the others.
    steps : int
        Step budget; 0 only evaluates.
    stop : stopping rule or sequence of them
        Looked at whenever the loss is recorded; the first one that is met counts.
    rng : Generator or seed, optional
        Used for shuffling only.
    record : int, optional
        Steps between records of the loss over all points. Default 1 in full
        batch, where it costs nothing, and one epoch with mini-batches.

    Returns
    -------
    TrainResult

    Raises
    ------
    ValueError
        If an argument does not fit; a diverging run is a result, not an error.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> result = train(net, [[0.0], [1.0]], [[1.0], [3.0]], optimizer=SGD(0.3), steps=200)
    >>> result.network.weights[0].round(3), result.network.biases[0].round(3)
    (array([[2.]]), array([1.]))
    >>> result.stop_reason
    'step budget'
    """
    result = train_ensemble(
        [net],
        X,
        Y,
        loss=loss,
        optimizer=optimizer,
        batch_size=batch_size,
        drop_last=drop_last,
        steps=steps,
        stop=stop,
        rngs=[rng],
        record=record,
    )
    return TrainResult(
        network=result.networks[0],
        losses=result.losses[:, 0],
        recorded=result.recorded,
        steps=int(result.steps[0]),
        stop_reason=result.stop_reasons[0],
        final_loss=float(result.final_losses[0]),
    )


def train_ensemble(
    networks,
    X,
    Y,
    *,
    loss="mse",
    optimizer=SGD(0.05),  # noqa: B008 - immutable
    batch_size=None,
    drop_last=False,
    steps=1000,
    stop=(),
    rngs=None,
    record=None,
):
    """Train many networks of one shape on the same points; see `train`.

    Parameters
    ----------
    networks : sequence of Network
        T networks of one shape.
    rngs : sequence of Generator or seed, length T, optional
        One stream per trial, so that a trial gives the same numbers bit for bit
        whatever else is trained beside it.

    Returns
    -------
    EnsembleResult

    Raises
    ------
    ValueError
        As `train`, or if the networks differ in shape.

    Notes
    -----
    Memory O(T N sum of widths). A step of full batch costs about six floating
    point operations per trial, point and weight.
    """
    chain, params = stack(networks)
    X, labels = as_training_data(networks[0], X, Y)
    n, trials = len(X), len(networks)
    loss, rules = as_loss(loss), as_rules(stop)
    as_count(steps, "steps", least=0)
    rngs = [None] * trials if rngs is None else list(rngs)
    if len(rngs) != trials:
        raise ValueError(f"rngs must have one entry per network ({trials}), got {len(rngs)}")
    batches = None
    if batch_size is not None and as_count(batch_size, "batch_size") < n:
        batches = Batches(n, int(batch_size), [as_rng(rng) for rng in rngs], drop_last)
    if record is None:
        record = 1 if batches is None else batches.per_epoch
    as_count(record, "record")

    run = Descent(chain, X, labels.Y, loss.weights(labels.index), loss, trials)
    with np.errstate(all="ignore"):
        run.descend(params, optimizer, batches, int(steps), rules, int(record))
        networks = [chain.network(run.final, t) for t in range(trials)]
        final_losses = run.evaluate(run.final)
    return EnsembleResult(
        networks=networks,
        losses=np.array(run.losses),
        recorded=np.array(run.recorded),
        steps=run.steps,
        stop_reasons=run.reasons,
        final_losses=final_losses,
    )


def as_training_data(net, X, Y, *, targets=None):
    """Points in double precision and labels that fit the network; at least one point."""
    widths = getattr(net, "widths", None)
    X = as_points(X, d=widths[0] if widths else None).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    labels = as_labels(Y, len(X), targets=targets, name="Y")
    if widths and labels.targets.shape[1] != widths[-1]:
        raise ValueError(
            f"Y must have {widths[-1]} columns (or as many classes), the outputs of the "
            f"network, got {labels.targets.shape[1]}"
        )
    return X, labels
