"""The ends of the spectrum of the Hessian while a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_points
from geomcore.display.lines import listed
from geomcore.typing import Array, ArrayLike, Integers, LossName
from training.landscape.lanczos import ends_of
from training.landscape.operators import Curvature

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from training.descent.problem import Snapshot
    from training.typing import Loss


@dataclass(frozen=True, eq=False)
class CurvatureHistory:
    """Largest and smallest eigenvalue of the Hessian at each record; see `CurvatureRecorder`.

    Attributes
    ----------
    steps : ndarray of int, shape (R,)
    losses, largest, smallest : ndarray, shape (R, T)
        nan after the end of a trial.
    """

    steps: Integers
    losses: Array
    largest: Array
    smallest: Array

    def __repr__(self):
        R, T = self.losses.shape
        return listed(self, {"records": R, "trials": T})

    def plot(self, rate: float | None = None) -> Figure:
        """Draw it, with 2 / rate for the learning rate; return the matplotlib figure."""
        from training.landscape import plot

        return plot.figure_of_curvature(self, rate)

    def frame(self) -> pd.DataFrame:
        """One row per record and trial, as a `pandas.DataFrame`."""
        import pandas as pd

        R, T = self.losses.shape
        r, t = np.indices((R, T)).reshape(2, -1)
        columns = {"step": self.steps[r], "trial": t, "loss": self.losses.ravel()}
        columns |= {"largest": self.largest.ravel(), "smallest": self.smallest.ravel()}
        return pd.DataFrame(columns).dropna(subset=["loss"]).reset_index(drop=True)


class CurvatureRecorder:
    r"""A callback for `train` and `train_ensemble` that keeps both ends of the spectrum.

    For gradient descent with rate :math:`\eta` the largest eigenvalue tends to rise until it is
    about :math:`2 / \eta` (progressive sharpening), and then to stay there (the edge of stability)
    [1]_.

    Parameters
    ----------
    X : array_like, shape (N, d)
        Points of the loss, at least one.
    y : array_like, shape (N,) or (N, k)
        Labels or targets.
    loss, weight_decay, targets : optional
        As for `hessian`.

    Raises
    ------
    ValueError
        If there are no points; at the first record, if something does not fit the network.

    References
    ----------
    .. [1] J. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar, "Gradient descent on neural
       networks typically occurs at the edge of stability", 2021.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> from training import SGD, train
    >>> X, y = [[-1.0], [1.0]], [[0.0], [0.0]]
    >>> recorder = CurvatureRecorder(X, y)
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> done = train(net, X, y, steps=2, record=1, optimizer=SGD(0.1), callbacks=recorder)
    >>> recorder.history().largest[:, 0].round(6)
    array([2., 2., 2.])
    """

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        loss: LossName | Loss = "mse",
        weight_decay: float = 0.0,
        targets: ArrayLike | None = None,
    ) -> None:
        self._X = as_points(X)
        if not len(self._X):
            raise ValueError("X must hold at least one point, got none")
        self._y = y
        self._kind = {"loss": loss, "weight_decay": weight_decay, "targets": targets}
        self._records, self._starts = [], {}

    def __repr__(self):
        return listed(self, {"records": len(self._records)})

    def __call__(self, snapshot: Snapshot) -> None:
        """Take down the networks of a `training.descent.problem.Snapshot`."""
        found = []
        for place, trial in enumerate(snapshot.trials):
            net = snapshot.stacked.network(snapshot.params, place)
            curvature = Curvature(net, self._X, self._y, **self._kind)
            smallest, largest, vectors = ends_of(curvature, self._starts.get(int(trial)))
            self._starts[int(trial)] = vectors
            found.append((smallest, largest))
        self._records.append(
            (snapshot.step, snapshot.trials.copy(), snapshot.losses.copy(), np.array(found))
        )

    def history(self) -> CurvatureHistory:
        """What was recorded so far.

        Returns
        -------
        CurvatureHistory

        Raises
        ------
        ValueError
            If nothing was.
        """
        if not self._records:
            raise ValueError("the recorder must be given to train as a callback first, it is empty")
        T = 1 + max(int(trials.max()) for _, trials, _, _ in self._records)
        out = np.full((3, len(self._records), T), np.nan)
        for r, (_, trials, losses, ends) in enumerate(self._records):
            out[:, r, trials] = losses, ends[:, 1], ends[:, 0]
        return CurvatureHistory(np.array([step for step, *_ in self._records]), *out)
