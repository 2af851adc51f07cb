"""The best two-layer network with weight decay: neurons are added until none is missing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from constructions.two_layer.cones import compiled
from constructions.two_layer.dual import OTHER_LOSSES
from constructions.two_layer.generation.scaling import OUTPUT_BIASES
from constructions.two_layer.search import Budget, Search
from geomcore.arrays import as_count, as_labels, as_number, as_points, as_positive, as_rng
from geomcore.foreign.choices import as_choice
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.typing import ArrayLike, Seed

if TYPE_CHECKING:
    from constructions.two_layer.answer import TwoLayerOptimum
    from constructions.typing import OutputBias

LOG = logging.getLogger("constructions")
# Of a search, at most; cones are those of one proof.
ROUNDS, NODES = 200, 2_000_000


@answers_keywords
def best_two_layer(
    X: ArrayLike,
    y: ArrayLike,
    *,
    weight_decay: float,
    loss: Literal["mse"] = "mse",
    gap: float = 1e-4,
    width: int | None = None,
    targets: ArrayLike | None = None,
    output_bias: OutputBias = "free",
    rounds: int = ROUNDS,
    nodes: int = NODES,
    seconds: float | None = None,
    progress: Callable[..., object] | None = None,
    rng: Seed = None,
) -> TwoLayerOptimum:
    r"""Find the best two-layer ReLU network of any width, with a proved gap.

    .. math:: C = \frac1N \sum_i |f(x_i) - y_i|^2
              + \frac\omega2 \sum_j \left(|w_j|^2 + b_j^2 + |v_j|^2\right),
              \qquad f(x) = c + \sum_j v_j \sigma(w_j \cdot x + b_j)

    where any number of units may be used and the output bias c is free of decay. It is a convex
    problem in disguise [1]_ [2]_, and is solved by column generation: the best last layer over
    some unit neurons (a group lasso), Newton steps on all their directions, then the neurons that
    agree most with the multipliers of the residuals, until there is none that would help.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, Q)
        Labels, or target vectors.
    weight_decay : float
        :math:`\omega > 0`.
    loss : {"mse"}
    gap : float
        Stop when (loss - lower bound) / loss is at most this.
    width : int, optional
        Most units of the network. If the best one has more, those that matter least are given up,
        one by one, and the others trained again: the bound still holds for all widths, and what is
        found is no optimum for its width.
    targets : array_like, shape (Q, k), optional
        What the network is to put out for each label in sorted order; default one-hot rows.
    output_bias : {"free", "penalised", "none"}, optional
        Whether the output bias c is free of decay, has it like all other parameters, as in
        `verify`, or is 0.
    rounds : int
        Most rounds.
    nodes : int
        Most cones that `best_neuron` looks at for one proof.
    seconds : float, optional
        After which no further round begins. Proofs that have begun by then are cut short. Time to
        compile does not count.
    progress : callable, optional
        Is called with a `Round` after each; ``print`` shows them.
    rng : numpy.random.Generator or seed, optional
        For directions to climb from; default 0, so that equal calls give equal networks.

    Returns
    -------
    TwoLayerOptimum
        With `network`, `loss`, `lower_bound` and `gap`; the two numbers are proved.

    Raises
    ------
    ValueError
        If the arguments do not fit together, a value is nan or inf, or y is so large that its
        square overflows.

    See Also
    --------
    two_layer_bound : the bound, for a network that is there already.
    regularisation_path : the same for several weight decays.

    Notes
    -----
    The loss never rises from round to round, and the bound that is returned is the largest one
    found. Neurons that lie in one cell of the arrangement of the data, with positively parallel
    outputs, are merged: the outputs on the data stay and the decay falls. At the end at most
    (N - 1) Q neurons are left (N Q unless the output bias is free), unless so few would raise the
    loss by more than rounding does, as may be where the problem is ill-conditioned. The number of
    cones for a proof grows quickly with d; up to d = 3 gaps of 1e-3 and less are common, from d = 5
    on the bound may stay loose (`reason` is "oracle" then) however good the network is.

    Scaling X (with its constant) or y changes the problem only by a factor of the weight decay;
    powers of two are taken out before.

    References
    ----------
    .. [1] M. Pilanci and T. Ergen, "Neural Networks are Convex Regularizers: Exact Polynomial-time
       Convex Optimization Formulations for Two-layer Networks", arXiv:2002.10553, section 3.
    .. [2] F. Bach, "Breaking the Curse of Dimensionality with Convex Neural Networks",
       arXiv:1412.8690, section 3.

    Examples
    --------
    Two points on a line; the best network has one unit, which is off at the first point:

    >>> best = best_two_layer([[0.0], [1.0]], [[0.0], [1.0]], weight_decay=0.1)
    >>> best.neurons, round(best.loss, 4), best.gap < 1e-4
    (1, 0.09, True)
    """
    X, labels = checked_data(X, y, targets, loss)
    omega = as_positive(weight_decay, "weight_decay")
    width = None if width is None else as_count(width, "width")
    how = How.checked(gap, output_bias, rounds, nodes, seconds, progress, rng)
    return optimum(X, labels.Y, omega, how, width)[0]


class How(NamedTuple):
    """How to search, as `best_two_layer` and `regularisation_path` are asked alike."""

    gap: float
    output_bias: str
    budget: Budget
    progress: object
    rng: np.random.Generator

    @classmethod
    def checked(
        cls,
        gap,
        output_bias="free",
        rounds=ROUNDS,
        nodes=NODES,
        seconds=None,
        progress=None,
        rng=None,
    ):
        """The arguments of these names; raise ValueError for a wrong one."""
        as_choice(output_bias, OUTPUT_BIASES, "output_bias")
        gap = as_number(gap, "gap", 0.0, 1.0)
        seconds = None if seconds is None else as_positive(seconds, "seconds")
        budget = Budget(as_count(rounds, "rounds"), as_count(nodes, "nodes"), seconds)
        if progress is not None and not callable(progress):
            raise ValueError(f"progress must be callable or None, got {quoted(progress)}")
        return cls(gap, output_bias, budget, progress, as_rng(0 if rng is None else rng))


def checked_data(X, y, targets, loss):
    """Points (N, d) and labels; raise ValueError if there is nothing to fit, or no way to."""
    X = as_points(X).astype(np.float64, copy=False)
    labels = as_labels(y, len(X), targets=targets)
    as_choice(loss, ("mse",), "loss", OTHER_LOSSES)
    _check_sizes(X, labels.Y)
    return X, labels


def _check_sizes(X, Y):
    """Raise ValueError if there is nothing to fit or a square overflows."""
    if not len(X) or not X.shape[1] or not Y.shape[1]:
        empty, shape = ("X", X.shape) if not X.size else ("y", Y.shape)
        raise ValueError(f"{empty} must hold at least one point and one column, got shape {shape}")
    largest = np.abs(Y).max()
    if largest > 1e150:
        raise ValueError(f"y must hold numbers of at most 1e150, got {largest:.3g}")


def optimum(X, Y, omega, how, width=None, start=None):
    """The `TwoLayerOptimum` of checked arguments, and the unit neurons (m, d + 1) it is made of."""
    budget, progress = how.budget, how.progress
    search = Search(X, Y, omega, how.gap, how.output_bias, budget, how.rng)
    compiled()
    budget.begin()
    if start is not None:
        search.columns.add(start)
        search.columns.turn()
    history, reason = [], None
    while reason is None:
        reason = search.round()
        history.append(search.record(len(history) + 1))
        LOG.info("two-layer: %s", history[-1])
        if progress is not None:
            progress(history[-1])
        if reason is None and len(history) >= budget.rounds:
            reason = "rounds"
        if reason is None and budget.is_over:
            reason = "seconds"
    return search.finished(reason, width, history)
