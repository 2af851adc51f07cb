"""Networks trained from random starts on the loss of which the optimum is known."""

from typing import NamedTuple

import numpy as np

from training.census.starts import reading, starts
from training.descent.optimizers import Adam
from training.descent.penalties import L2
from training.descent.trainer import train_ensemble
from training.experiments.optimum.objective import DECAYED, objective

RATES = (0.01, 0.001)  # of Adam, one after the other
SHARES = (0.75, 0.25)  # of the steps
BLOCK = 40  # networks that are trained between two words about progress
NEAR = 1e-3  # what a loss may be above that of the best network, as a part of it


class Ends(NamedTuple):
    """Where training ended from all starts of one width.

    Attributes
    ----------
    weight_decay : float
    width : int
    networks : list of ReLUNetwork
    losses : ndarray, shape (T,)
        As `objective`; inf if training diverged.
    """

    weight_decay: float
    width: int
    networks: list
    losses: np.ndarray

    def gaps(self, lower):
        """What each loss may be too large by, at most, as a part of it, for a lower bound."""
        return np.array([1 - lower / loss if loss > 0 else 0.0 for loss in self.losses])

    def near(self, loss):
        """Which losses are at most `NEAR` above that of the best network."""
        return self.losses <= (1 + NEAR) * loss

    @property
    def best(self):
        """The network of the least loss, the first of equal ones."""
        return self.networks[int(np.argmin(self.losses))]


def ends(X, Y, weight_decay, width, runs, *, steps, seed=0, jobs=1, told=None):
    """Train networks of one width from random starts, all together.

    By Adam on all points, three quarters of the steps at rate 0.01 and the others at 0.001. The
    starts are those of `training.census.starts`, made for standardised data; their first layer
    takes mean and scale of the columns over before training, for the decay sees the weights on the
    data as they are.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    Y : ndarray, shape (N, Q)
        Target vectors.
    weight_decay : float
        Of all parameters but the output bias.
    width, runs, steps, seed : int
    jobs : int
        Threads; the numbers do not depend on it.
    told : callable, optional
        Takes how many networks are trained, some at a time.

    Returns
    -------
    Ends
    """
    mean, scale = X.mean(axis=0), X.std(axis=0)
    scale[scale == 0] = 1
    drawn = starts((X.shape[1], width, Y.shape[1]), range(runs), seed=seed)
    networks = [reading(net, mean, scale) for net in drawn]
    trained = []
    for start in range(0, runs, BLOCK):
        block = networks[start : start + BLOCK]
        trained += _trained(block, X, Y, weight_decay, steps=steps, jobs=jobs)
        if told is not None:
            told(len(trained))
    losses = np.array([objective(net, X, Y, weight_decay) for net in trained])
    return Ends(weight_decay, width, trained, losses)


def _trained(networks, X, Y, weight_decay, *, steps, jobs):
    """The networks after all steps."""
    first = round(SHARES[0] * steps)
    for rate, count in zip(RATES, (first, steps - first), strict=True):
        networks = train_ensemble(
            networks,
            X,
            Y,
            optimizer=Adam(rate),
            steps=count,
            record=max(count, 1),
            penalties=[L2(weight_decay / 2, DECAYED)],
            jobs=jobs,
        ).networks
    return networks
