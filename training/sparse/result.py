"""What training of a sparse autoencoder returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from geomcore.display.lines import told_in_brief
from geomcore.foreign.wording import counted
from geomcore.typing import Array, Integers
from training.descent.stopping import DIVERGED
from training.descent.train_result import wrapped
from training.sparse.autoencoder import SparseAutoencoder

if TYPE_CHECKING:
    import pandas as pd

    from geomcore.layers.explaining_away import Stability

# Relative differences of losses that are none.
ROUNDING = 1e-6


@told_in_brief
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

    steps: Integers
    loss: Array
    reconstruction: Array
    activity: Array
    active: Array
    dead: Integers
    norms: Array


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
    def diverged(self) -> bool:
        """Whether a number overflowed."""
        return self.stop_reason == DIVERGED

    @property
    def ended_above(self) -> bool:
        """Whether the last loss that was recorded is above the first by more than rounding."""
        first, last = self.history.loss[0], self.history.loss[-1]
        return bool(last > first + ROUNDING * abs(first))

    @property
    def stability(self) -> Stability | None:
        """Up to which step size the inner loop settles, as it is now; None without a loop."""
        return self.autoencoder.inner.stability() if self.autoencoder.loop else None

    def __repr__(self):
        return f"SparseResult({wrapped(self.summary())})"

    def summary(self) -> str:
        """One sentence for people."""
        history, norms = self.history, self.history.norms[-1]
        units = counted(self.autoencoder.units, "unit")
        found = self.stability
        told = ""
        if found is not None and found.limit and not found.is_stable:
            told = (
                f"; gamma {found.gamma:.3g} is not below {found.limit:.3g}, where the loop settles"
            )
        return (
            f"{counted(self.steps, 'step')}, {self.treatment}, penalty {self.penalty:.3g}: loss "
            f"{history.loss[0]:.3g} -> {history.loss[-1]:.3g}, {history.active[-1]:.1%} of "
            f"{units} on, {int(history.dead[-1])} dead, norms {norms.min():.3g} to "
            f"{norms.max():.3g}, stopped by {self.stop_reason}{told}"
        )

    def frame(self) -> pd.DataFrame:
        """The records as a pandas DataFrame; of the norms the smallest, mean and largest one."""
        import pandas as pd

        table = self.history._asdict()
        norms = table.pop("norms")
        table = {"step": table.pop("steps"), **table}
        table |= {
            "least_norm": norms.min(axis=1),
            "mean_norm": norms.mean(axis=1),
            "largest_norm": norms.max(axis=1),
        }
        return pd.DataFrame(table)
