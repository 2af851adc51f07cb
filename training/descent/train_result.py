"""What training returns: for one network, and for many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from geomcore.foreign.wording import counted, printable, shortened
from geomcore.network import Network
from geomcore.typing import Array, Integers

if TYPE_CHECKING:
    import pandas as pd

# Columns of a screen, of which the name of a result takes some.
COLUMNS = 80


def wrapped(text):
    """A text in lines that stay below `COLUMNS` after a name of twenty letters."""
    return fill(printable(" ".join(text.split())), COLUMNS - 20, subsequent_indent="    ")


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
    rounding : float
        A loss that is nothing beside that of the best constant output.
    """

    network: Network
    losses: Array
    recorded: Integers
    steps: int
    stop_reason: str
    final_loss: float
    rounding: float = 0.0

    @property
    def ended_above(self) -> bool:
        """Whether the final loss is above the first one by more than rounding."""
        return bool(self.final_loss > self.losses[0] + self.rounding)

    def end_in_words(self) -> str:
        """That the loss is larger than at the start, for a sentence about the run."""
        return (
            f"ended above its start, loss {self.losses[0]:.3g} -> {self.final_loss:.3g}: give it a "
            "smaller learning rate"
        )

    def __repr__(self):
        return f"TrainResult({wrapped(self.summary())})"

    def frame(self) -> pd.DataFrame:
        """The records as a pandas DataFrame with the columns step and loss."""
        import pandas as pd

        return pd.DataFrame({"step": self.recorded, "loss": self.losses})

    def summary(self) -> str:
        """One line for people, and a second one if the run ended above its start."""
        told = (
            f"{counted(self.steps, 'step')}, loss {self.losses[0]:.3g} -> {self.final_loss:.3g}, "
            f"stopped by {self.stop_reason}"
        )
        return f"{told}\nit {self.end_in_words()}" if self.ended_above else told


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
    engine : str
        "numpy" or "compiled": what did the steps.
    rounding : float
    """

    networks: list[Network]
    losses: Array
    recorded: Integers
    steps: Integers
    stop_reasons: list[str]
    final_losses: Array
    engine: str = "numpy"
    rounding: float = 0.0

    def __repr__(self):
        return f"EnsembleResult({wrapped(self.summary())})"

    def summary(self) -> str:
        """How many trials there were, why they stopped, and the median of their losses.

        A second line tells how many ended above their start, if any did.
        """
        counts = Counter(self.stop_reasons)
        told = ", ".join(f"{shortened(why, 40)} {n:,}" for why, n in counts.most_common(3))
        if len(counts) > 3:
            told += f", {counted(len(counts) - 3, 'other reason')}"
        start, end = np.median(self.losses[0]), np.median(self.final_losses)
        told = (
            f"{counted(len(self.networks), 'trial')} of up to "
            f"{counted(max(self.steps), 'step')}, median loss "
            f"{start:.3g} -> {end:.3g}, stopped by {told}"
        )
        above = int(np.sum(self.final_losses > self.losses[0] + self.rounding))
        if not above:
            return told
        return (
            f"{told}\n{counted(above, 'trial')} ended above the start: try a smaller learning rate"
        )

    def frame(self) -> pd.DataFrame:
        """One row per trial: steps, stop_reason, initial_loss and final_loss, as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(
            {
                "steps": self.steps,
                "stop_reason": self.stop_reasons,
                "initial_loss": self.losses[0],
                "final_loss": self.final_losses,
            }
        )

    def trial(self, t: int) -> TrainResult:
        """The result of one trial as a `TrainResult`; losses after its end are repeats."""
        return TrainResult(
            network=self.networks[t],
            losses=self.losses[:, t],
            recorded=self.recorded,
            steps=int(self.steps[t]),
            stop_reason=self.stop_reasons[t],
            final_loss=float(self.final_losses[t]),
            rounding=self.rounding,
        )
