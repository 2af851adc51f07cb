"""What settling a network gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geomcore.display.lines import listed
from geomcore.foreign.wording import counted, told_apart
from geomcore.network import ReLUNetwork
from geomcore.typing import Array, LossName

if TYPE_CHECKING:
    import pandas as pd

MOST = 10  # kinks in a summary
FAR = 1e-3  # a smaller relative fall of the loss is none that people care for
NAMES = {
    "mse": "squared error",
    "class_weighted": "squared error by classes",
    "cross_entropy": "cross-entropy",
    "bce": "binary cross-entropy",
}
CRITICAL = "critical point"
RUNAWAY = "runs to infinity: norms grow while the loss falls"
SEPARATED = (  # a cross-entropy without weight decay, see `Problem.is_separated`
    "runs to infinity: all points are told apart, so larger weights bring the loss to zero"
)


class KinkedPair(NamedTuple):
    """A unit on its kink at a point.

    Attributes
    ----------
    layer : int
        Hidden layer, from 1.
    point, unit : int
        Row of X (the first one, if several are equal) and number of the unit, from 0.
    multiplier : float
        What the loss would gain, at first order, if the pre-activation could go up from zero while
        the unit stayed off; at a minimum between 0 and `rise`. Both are per pre-activation of the
        balanced unit: networks that differ by the scales of their units have the same.
    rise : float
        How fast the loss rises in the output of the unit, with all that follows from it; as the
        pre-activation rises above zero the loss rises by rise - multiplier.
    """

    layer: int
    point: int
    unit: int
    multiplier: float
    rise: float

    @property
    def room(self) -> float:
        """How far inside of its bounds the multiplier is, min(multiplier, rise - multiplier)."""
        return min(self.multiplier, self.rise - self.multiplier)


@dataclass(frozen=True, eq=False)
class Settled:
    """A network next to a critical point of its loss, as near as floats are; no proof.

    Attributes
    ----------
    network : ReLUNetwork
        Settled, with its units scaled so that the norms of what goes into each, (w, b), and of what
        goes out are equal; no function changes by that. Of this gauge are all numbers below.
    reason : str
        "critical point", or why it is none.
    loss, loss_before : float
        Of `network` and of the given one.
    moved : float
        Euclidean distance of all parameters of the two from each other, each with its units scaled
        so that what goes in and what goes out have equal norms; with weight decay, which that
        would change, as they are.
    moved_by_rescaling : float
        Distance of the given parameters from the same ones with units scaled so, too; 0 with
        weight decay.
    is_fitted : bool
        Whether its outputs are the best affine fits of all groups of points with one pattern, so
        that no network of its cell has a lower loss; zero loss is a case of that.
    kinks : tuple of KinkedPair
    gradient_norm : float
        Of the loss with units on kinks off, and multipliers times their pre-activations.
    spectrum : ndarray, shape (r,)
        Eigenvalues, in rising order, of the second derivative of that while kinks stay. Without
        weight decay, on the directions in which the loss of the outputs bends, and outputs stay in
        the affine space of the labels if that is the squared error; with weight decay, on all but
        those in which units that are on at the same points mix.
    loss_name : str
    weight_decay : float
    """

    network: ReLUNetwork
    reason: str
    loss: float
    loss_before: float
    moved: float
    moved_by_rescaling: float
    is_fitted: bool
    kinks: tuple[KinkedPair, ...]
    gradient_norm: float
    spectrum: Array
    loss_name: LossName = "mse"
    weight_decay: float = 0.0

    def __repr__(self):
        names = ["reason", "loss_before", "loss", "moved", "gradient_norm"]
        shown = {name: getattr(self, name) for name in names}
        return listed(self, shown | {"kinks": len(self.kinks)})

    @property
    def _cost(self):
        decay = f" with weight decay {self.weight_decay:g}" if self.weight_decay else ""
        return NAMES[self.loss_name] + decay

    @property
    def is_critical(self) -> bool:
        """Whether it is a critical point, to rounding."""
        return self.reason == CRITICAL

    @property
    def is_far(self) -> bool:
        """Whether it ended far from where it began, and lower: it was near no critical point."""
        size = float(np.linalg.norm(self.network.packed()[0]))
        fall = self.loss_before - self.loss
        return bool(self.moved > size / 2 and fall > FAR * abs(self.loss_before))

    @property
    def smallest_eigenvalue(self) -> float:
        """The least of the spectrum; inf if no direction is left."""
        return float(self.spectrum.min(initial=np.inf))

    def frame(self) -> pd.DataFrame:
        """The kinks as a `pandas.DataFrame`, one row each: layer, point, unit, ..., room."""
        import pandas as pd

        rows = [(*kink, kink.room) for kink in self.kinks]
        return pd.DataFrame(rows, columns=[*KinkedPair._fields, "room"])

    def summary(self) -> str:
        """A few lines for people."""
        fitted = ", the best of its cell" if self.is_fitted else ""
        size = float(np.linalg.norm(self.network.packed()[0]))
        lines = [
            f"{self.reason}{fitted}; {self._cost}: {self.loss_before:.6g} -> {self.loss:.6g}",
            f"parameters moved by {self.moved:.2g}, their norm is {size:.3g}",
        ]
        if self.moved_by_rescaling > self.moved:
            lines.append(
                f"and by {self.moved_by_rescaling:.2g} as units were scaled, which changes nothing"
            )
        if self.is_far:
            lines.append(
                f"that is far: it was near no critical point of the {self._cost}, as where "
                "training was stopped early or minimized another loss"
            )
        if len(self.spectrum):
            lines.append(
                f"gradient {self.gradient_norm:.1e}"
                f"{' with units on kinks held there' * bool(self.kinks)}, smallest eigenvalue "
                f"{self.smallest_eigenvalue:.2g} on "
                f"{counted(len(self.spectrum), 'direction')}"
            )
        elif not self.is_critical:
            lines.append(f"not settled: where it ended the gradient is {self.gradient_norm:.1e}")
        if self.kinks:
            count = f"{len(self.kinks)} kink{'s' if len(self.kinks) > 1 else ''}"
            lines.append(f"{count}, least room {min(k.room for k in self.kinks):.2g}:")
            lines += [
                f"  layer {k.layer}, point {k.point}, unit {k.unit}: "
                f"multiplier {' of '.join(told_apart(k.multiplier, k.rise))}"
                for k in self.kinks[:MOST]
            ]
            if len(self.kinks) > MOST:
                lines.append(f"  and {len(self.kinks) - MOST:,} more")
        return "\n".join(lines)
