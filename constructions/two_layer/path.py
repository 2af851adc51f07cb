"""The best two-layer networks for several weight decays, each started from the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from constructions.two_layer.optimum import NODES, ROUNDS, How, checked_data, optimum
from geomcore.arrays import as_array
from geomcore.display.lines import listed
from geomcore.display.page import page
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted, quoted
from geomcore.typing import Array, ArrayLike, Seed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from constructions.two_layer.answer import TwoLayerOptimum
    from constructions.typing import OutputBias

COLUMNS = ("loss", "lower_bound", "gap", "neurons", "error", "accuracy", "rounds", "seconds")


@dataclass(frozen=True, eq=False)
class TwoLayerPath:
    """Answer of `regularisation_path`.

    Attributes
    ----------
    weight_decays : ndarray, shape (k,)
        In falling order.
    optima : tuple of TwoLayerOptimum
        One for each.
    errors : ndarray, shape (k,)
        Mean squared error of each network, without the decay.
    accuracies : ndarray, shape (k,)
        Part of the points whose output is nearer to the target of its own class than to those of
        the others.
    """

    weight_decays: Array
    optima: tuple[TwoLayerOptimum, ...]
    errors: Array
    accuracies: Array

    def __repr__(self):
        shown = {"weight_decays": self.weight_decays, "losses": [o.loss for o in self.optima]}
        shown["gap"] = max(o.gap for o in self.optima)
        return listed(self, shown | {"neurons": [o.neurons for o in self.optima]})

    _repr_html_ = page

    def frame(self) -> pd.DataFrame:
        """A `pandas.DataFrame`, one row per weight decay, in falling order."""
        from pandas import DataFrame, Index

        rows = [
            (o.loss, o.lower_bound, o.gap, o.neurons, e, a, o.rounds, o.seconds)
            for o, e, a in zip(self.optima, self.errors, self.accuracies, strict=True)
        ]
        return DataFrame(rows, Index(self.weight_decays, name="weight_decay"), COLUMNS)

    def summary(self) -> str:
        """Lines for people."""
        lines = [f"{counted(len(self.optima), 'weight decay')}, the best network of each:"]
        lines += [
            f"  {decay:.3g}: loss at most {o.loss:.6g}, at least {o.lower_bound:.6g} (proved), gap "
            f"{o.gap:.1e}, {counted(o.neurons, 'neuron')}"
            for decay, o in zip(self.weight_decays, self.optima, strict=True)
        ]
        return "\n".join(lines)

    def plot(self) -> Figure:
        """Draw loss, neurons and gap against the weight decay; return the matplotlib figure."""
        from constructions.two_layer import plot_path

        return plot_path.figure_of_path(self)


@answers_keywords
def regularisation_path(
    X: ArrayLike,
    y: ArrayLike,
    weight_decays: ArrayLike,
    *,
    loss: Literal["mse"] = "mse",
    gap: float = 1e-4,
    targets: ArrayLike | None = None,
    output_bias: OutputBias = "free",
    rounds: int = ROUNDS,
    nodes: int = NODES,
    seconds: float | None = None,
    progress: Callable[..., object] | None = None,
    rng: Seed = None,
) -> TwoLayerPath:
    r"""Find the best two-layer ReLU network for each of several weight decays.

    From the largest decay to the smallest; the neurons of one optimum are the first guess for the
    next. Loss and lower bound are proved for each, and do not depend on the others.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, Q)
        Labels, or target vectors.
    weight_decays : array_like, shape (k,)
        Positive numbers in any order; equal ones count once.
    loss, gap, targets, output_bias, rounds, nodes, progress, rng : optional
        As in `best_two_layer`; rounds and nodes are for each decay.
    seconds : float, optional
        For each weight decay.

    Returns
    -------
    TwoLayerPath

    Raises
    ------
    ValueError
        If the arguments do not fit together.

    See Also
    --------
    best_two_layer : one weight decay, and what is proved.

    Notes
    -----
    The loss of the best network rises with the decay, and is concave in it (an infimum of affine
    functions), so that bounds at two decays bound it between them as well. Above
    :math:`m(\Lambda)` at the mean of the targets there is no neuron left (docs/two-layer.md).

    Examples
    --------
    Two points on a line: the loss is :math:`\omega - \omega^2` up to 1/2, then the variance 1/4.

    >>> path = regularisation_path([[0.0], [1.0]], [[0.0], [1.0]], [0.1, 0.3, 0.7])
    >>> path.frame()["loss"].round(4).to_dict()
    {0.7: 0.25, 0.3: 0.21, 0.1: 0.09}
    >>> [best.neurons for best in path.optima]
    [0, 1, 1]
    """
    X, labels = checked_data(X, y, targets, loss)
    decays = as_array(weight_decays, "weight_decays", 1)
    # an array of numbers has been made of truth values
    is_true = any(np.asarray(decay).dtype == bool for decay in weight_decays)
    if is_true or not len(decays) or not (decays > 0).all():
        raise ValueError(f"weight_decays must hold positive numbers, got {quoted(weight_decays)}")
    decays = np.unique(decays)[::-1]
    how = How.checked(gap, output_bias, rounds, nodes, seconds, progress, rng)
    return path_of(X, labels, decays, how, lambda decay, make: make())


class Reached(NamedTuple):
    """How far a path has come: one optimum, and all that the next one depends on.

    Attributes
    ----------
    best : TwoLayerOptimum
    start : ndarray, shape (m, d + 1)
        Its unit neurons, the first guess for the next one.
    random : dict
        The state of the random numbers behind it.
    """

    best: TwoLayerOptimum
    start: Array
    random: dict[str, Any]


def path_of(
    X: Array,
    labels: Any,
    decays: Array,
    how: How,
    kept: Callable[[float, Callable[[], Reached]], Reached],
) -> TwoLayerPath:
    """The path of checked arguments, with decays in falling order.

    ``kept(decay, make)`` is the `Reached` of a decay: what ``make()`` finds, or has found before.
    """
    start: Array | None = None
    optima = []
    for decay in map(float, decays):

        def make(decay=decay, start=start):
            best, neurons = optimum(X, labels.Y, decay, how, start=start)
            return Reached(best, neurons, dict(how.rng.bit_generator.state))

        best, start, random = kept(decay, make)
        how.rng.bit_generator.state = random
        optima.append(best)
    outputs = [best.network(X) for best in optima]
    return TwoLayerPath(
        weight_decays=decays,
        optima=tuple(optima),
        errors=np.array([((F - labels.Y) ** 2).sum(axis=1).mean() for F in outputs]),
        accuracies=np.array([_accuracy(F, labels) for F in outputs]),
    )


def _accuracy(F, labels):
    """Part of the outputs that are nearest to their own target; ties count as errors."""
    own = ((F - labels.Y) ** 2).sum(axis=1)
    right = np.ones(len(F), bool)
    for q, target in enumerate(labels.targets):
        right &= (own < ((F - target) ** 2).sum(axis=1)) | (labels.index == q)
    return float(right.mean())
