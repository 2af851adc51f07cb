"""A network between two others, such that the way over it stays low."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_count, as_positive, as_rng
from geomcore.foreign.keywords import answers_keywords
from geomcore.typing import ArrayLike, LossName, Seed
from training.landscape.arguments import as_nodes
from training.landscape.sampled import Sampled

if TYPE_CHECKING:
    from geomcore.network import ReLUNetwork
    from training.typing import Loss

SAMPLES = 8  # networks on the way at each step
LOOKS = 20  # how often the way is looked at as a whole
GRID = 41  # networks on it, then
# Of Adam, as usual.
FIRST, SECOND, TINY = 0.9, 0.999, 1e-8
# A way that overflows is as bad as can be, and is not taken.
QUIET = np.errstate(over="ignore", invalid="ignore")


@answers_keywords
@QUIET
def bend(
    a: ReLUNetwork,
    b: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    steps: int = 1000,
    learning_rate: float = 0.01,
    loss: LossName | Loss = "mse",
    weight_decay: float = 0.0,
    targets: ArrayLike | None = None,
    start: ReLUNetwork | None = None,
    rng: Seed = 0,
) -> ReLUNetwork:
    r"""Train a network c so that the loss stays low from a to c and from c to b.

    What falls is the mean loss over the way [1]_, :math:`\int_0^2 C(\theta(t)) dt`, by stochastic
    gradients at random places; of twenty networks c on the way that one is returned whose way has
    the least largest loss on a grid. How low the way really stays says
    ``barrier(a, b, X, y, via=[c])``, with proof.

    Parameters
    ----------
    a, b : ReLUNetwork
        Of the same widths; they stay.
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or targets.
    steps : int
    learning_rate : float
        Of Adam.
    loss, weight_decay, targets : optional
        As for `loss_slice`.
    start : ReLUNetwork, optional
        Where c begins; default the middle of a and b.
    rng : Generator or seed

    Returns
    -------
    ReLUNetwork
        c.

    Raises
    ------
    ValueError
        If an argument does not fit.

    References
    ----------
    .. [1] T. Garipov, P. Izmailov, D. Podoprikhin, D. Vetrov, A. G. Wilson, "Loss surfaces, mode
       connectivity, and fast ensembling of DNNs", 2018.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> from training import barrier
    >>> a = ReLUNetwork([[[1.0], [0.0]], [[1.0, 0.0]]], [[0.0, 0.0], [0.0]])
    >>> b = ReLUNetwork([[[0.0], [1.0]], [[0.0, 1.0]]], [[0.0, 0.0], [0.0]])
    >>> X, y = [[1.0], [2.0]], [[1.0], [2.0]]
    >>> c = bend(a, b, X, y)
    >>> barrier(a, b, X, y).lower > 0.6, barrier(a, b, X, y, via=[c]).upper < 0.1
    (True, True)
    """
    nodes = as_nodes(a, b, () if start is None else [start], name="start")
    steps = as_count(steps, "steps", least=1)
    learning_rate, rng = as_positive(learning_rate, "learning_rate"), as_rng(rng)
    problem = Sampled(a, X, y, loss, weight_decay, targets, name="a")
    ends = np.array([node.packed()[0] for node in (a, b)])
    theta = nodes[1].packed()[0].copy() if start is not None else ends.mean(axis=0)
    mean, square = np.zeros_like(theta), np.zeros_like(theta)
    best, least = theta.copy(), _highest(problem, ends, theta)
    every = max(1, steps // LOOKS)
    for k in range(1, steps + 1):
        # one place in each of equal parts of the way: t = 1 is c
        t = 2 * (np.arange(SAMPLES) + rng.uniform(size=SAMPLES)) / SAMPLES
        share = 1 - np.abs(t - 1)
        slopes = problem.gradients(_on_way(ends, theta, t))
        slope = share @ slopes / SAMPLES
        mean += (1 - FIRST) * (slope - mean)
        square += (1 - SECOND) * (slope**2 - square)
        # smaller steps towards the end, for the gradients are random
        rate = learning_rate * min(1.0, 2 * (1 - (k - 1) / steps))
        theta = theta - rate * (mean / (1 - FIRST**k)) / (np.sqrt(square / (1 - SECOND**k)) + TINY)
        if k % every == 0 or k == steps:
            highest = _highest(problem, ends, theta)
            if highest < least:
                best, least = theta.copy(), highest
    return problem.network(best)


def _on_way(ends, theta, t):
    """Parameters at places t from 0 to 2 on the way from one end over theta to the other."""
    share = (1 - np.abs(t - 1))[:, None]
    return share * theta + (1 - share) * np.where((t < 1)[:, None], ends[0], ends[1])


def _highest(problem, ends, theta):
    """The largest loss on a grid on the way."""
    return problem.losses(_on_way(ends, theta, np.linspace(0, 2, GRID))).max()
