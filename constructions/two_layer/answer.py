"""What `best_two_layer` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from geomcore.display.lines import listed
from geomcore.display.page import page
from geomcore.foreign.wording import counted
from geomcore.network import ReLUNetwork

if TYPE_CHECKING:
    import pandas as pd

REASONS = {
    "gap": "the gap is as small as was asked for",
    "rounds": "there were as many rounds as were allowed",
    "seconds": "the time was over",
    "oracle": "the bound of all neurons did not get nearer within its budget",
    "stalled": "the loss no longer falls, to rounding",
    "width": "neurons were given up to keep to the width",
}


class Round(NamedTuple):
    """One round of `best_two_layer`; as text a line.

    Attributes
    ----------
    number : int
        From 1.
    neurons : int
    loss : float
        Of the neurons of that round, in floating point.
    largest : float
        The largest agreement of a unit neuron with the multipliers that was found, over the
        weight decay, before new neurons came in: above 1 there is one that lowers the loss.
    bound : float
        The largest dual bound so far, in floating point.
    seconds : float
        Since the start.
    """

    number: int
    neurons: int
    loss: float
    largest: float
    bound: float
    seconds: float

    def __str__(self):
        return (
            f"round {self.number}: {counted(self.neurons, 'neuron')}, loss {self.loss:.8g}, "
            f"at least {self.bound:.8g}, largest {self.largest:.5g}, {self.seconds:.1f} s"
        )


@dataclass(frozen=True, eq=False)
class TwoLayerOptimum:
    """Answer of `best_two_layer`: a network and a bound for all networks.

    Attributes
    ----------
    network : ReLUNetwork
        Balanced: what goes into each unit is as long as what goes out.
    loss : float
        Of `network`, with its weight decay: proved, it is at most this.
    lower_bound : float
        Proved: no two-layer network of any width has a smaller loss.
    weight_decay : float
    asked : float
        The relative gap that was asked for.
    reason : str
        Why it ended: "gap", "rounds", "seconds", "oracle", "stalled" or "width".
    neurons : int
        Of `network`; one that puts out nothing is none.
    neurons_before : int
        That the last master problem used, before those of one cell were merged.
    history : tuple of Round
    seconds : float
    """

    network: ReLUNetwork
    loss: float
    lower_bound: float
    weight_decay: float
    asked: float
    reason: str
    neurons: int
    neurons_before: int
    history: tuple[Round, ...]
    seconds: float

    def __repr__(self):
        names = ("loss", "lower_bound", "gap", "neurons", "rounds", "reason")
        return listed(self, {name: getattr(self, name) for name in names})

    _repr_html_ = page

    @property
    def gap(self) -> float:
        """What the loss may be too large by, at most, as a part of it; 0 for loss 0."""
        return (self.loss - self.lower_bound) / self.loss if self.loss > 0 else 0.0

    @property
    def finished(self) -> bool:
        """Whether the gap is as small as was asked for."""
        return self.gap <= self.asked

    @property
    def rounds(self) -> int:
        """How many rounds there were."""
        return len(self.history)

    def frame(self) -> pd.DataFrame:
        """The rounds as a `pandas.DataFrame`: neurons, loss, largest, bound, seconds."""
        from pandas import DataFrame

        return DataFrame(self.history, columns=Round._fields).set_index("number")

    def summary(self) -> str:
        """Lines for people."""
        return "\n".join(
            [
                f"loss         {self.loss:.10g} with weight decay {self.weight_decay:g}",
                f"lower bound  {self.lower_bound:.10g} (proved, for every width)",
                f"gap          {self.gap:.1e} of the loss, {self.asked:.1e} was asked for",
                f"neurons      {self.neurons}, {self.neurons_before} before merging",
                f"rounds       {self.rounds} in {self.seconds:.2g} s: {REASONS[self.reason]}",
            ]
        )
