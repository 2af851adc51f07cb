"""What training of a sparse autoencoder returns."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geomcore.display.lines import brief
from geomcore.foreign.wording import counted
from training.descent.stopping import DIVERGED
from training.descent.train_result import wrapped
from training.sparse.autoencoder import SparseAutoencoder


class SparseHistory(NamedTuple):
    """What was measured while training, at R steps spaced by their logarithms.

    On the same points each time, at most 2,048 of the data, evenly spaced.

    Attributes
    ----------
    steps : ndarray of int, shape (R,)
    loss : ndarray, shape (R,)
        What is lowered, all terms.
    reconstruction : ndarray, shape (R,)
        Mean of half the squared distance to the reconstruction.
    activity : ndarray, shape (R,)
        Mean of the sum of all units.
    active : ndarray, shape (R,)
        Fraction of units that are on, over units and points.
    dead : ndarray of int, shape (R,)
        Units that are on at none of the points.
    norms : ndarray, shape (R, m)
        Norms of the columns of the dictionary.
    """

    steps: np.ndarray
    loss: np.ndarray
    reconstruction: np.ndarray
    activity: np.ndarray
    active: np.ndarray
    dead: np.ndarray
    norms: np.ndarray

    __repr__ = brief


@dataclass(frozen=True, eq=False)
class SparseResult:
    """What `train_sparse` returns.

    Attributes
    ----------
    autoencoder : SparseAutoencoder
        After the last step; if training diverged, as it was at the last record.
    history : SparseHistory
    steps : int
        Number of steps done.
    stop_reason : str
        "step budget" or "diverged".
    treatment : str
    penalty : float
    """

    autoencoder: SparseAutoencoder
    history: SparseHistory
    steps: int
    stop_reason: str
    treatment: str
    penalty: float

    @property
    def diverged(self):
        """Whether a number overflowed."""
        return self.stop_reason == DIVERGED

    def __repr__(self):
        return f"SparseResult({wrapped(self.summary())})"

    def summary(self):
        """One sentence for people."""
        history, norms = self.history, self.history.norms[-1]
        units = counted(self.autoencoder.units, "unit")
        return (
            f"{counted(self.steps, 'step')}, {self.treatment}, penalty {self.penalty:.3g}: loss "
            f"{history.loss[0]:.3g} -> {history.loss[-1]:.3g}, {history.active[-1]:.1%} of "
            f"{units} on, {int(history.dead[-1])} dead, norms {norms.min():.3g} to "
            f"{norms.max():.3g}, stopped by {self.stop_reason}"
        )

    def frame(self):
        """The records as a pandas DataFrame; of the norms the smallest, mean and largest one."""
        import pandas as pd

        table = {name: value for name, value in self.history._asdict().items() if name != "norms"}
        norms = self.history.norms
        table |= {
            "least_norm": norms.min(axis=1),
            "mean_norm": norms.mean(axis=1),
            "largest_norm": norms.max(axis=1),
        }
        return pd.DataFrame(table)
