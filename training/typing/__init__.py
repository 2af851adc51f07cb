"""Short names for the annotations of public functions, and what objects of your own must have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from geomcore.typing import Array, ArrayLike

if TYPE_CHECKING:
    from training.descent.problem import Snapshot

__all__ = [
    "Callback",
    "Constraint",
    "DecoderBias",
    "Engine",
    "Interaction",
    "Loss",
    "Optimizer",
    "Penalty",
    "Reporting",
    "Scale",
    "StoppingRule",
    "Treatment",
]

Engine = Literal["auto", "numpy", "compiled"]
Scale = Literal["filter", "layer", "tensor", "none"]
Treatment = Literal["columns", "inverse", "weighted", "free"]
Interaction = Literal["dictionary", "detached", "learned"]
DecoderBias = Literal["mean", "zero", "none"]
Callback = Callable[["Snapshot"], object]
# Whether to tell how far it is, or whom.
Reporting = bool | Callable[..., object] | None


class Loss(Protocol):
    """What a loss of your own must have; see `training.descent.losses`."""

    @property
    def name(self) -> str:
        """What files and tables call it."""

    def weights(self, index: Any, /) -> Array:
        """Weight of every point, from the class of every point."""

    def value(self, outputs: Any, Y: Any, /) -> Array:
        """Contribution of every point."""

    def gradient(self, outputs: Any, Y: Any, /) -> Array:
        """Derivative of `value` with respect to the outputs."""


class Optimizer(Protocol):
    """What an optimizer of your own must have; see `training.descent.optimizers`."""

    def start(self, params: list[Array], /) -> Any:
        """State before the first step."""

    def update(
        self, params: list[Array], gradients: list[Array], state: Any, step: int, /
    ) -> tuple[list[Array], Any]:
        """Parameters and state after one step."""


class Penalty(Protocol):
    """What a penalty of your own must have; see `training.descent.penalties`."""

    @property
    def tensors(self) -> Sequence[str] | None:
        """Names of the tensors that it is about; None if of all."""

    def gradient(self, p: Array, /) -> Array:
        """Derivative of the penalty, in the shape of the tensor."""


class Constraint(Protocol):
    """What a constraint of your own must have; see `training.descent.constraints`."""

    @property
    def tensors(self) -> Sequence[str] | None:
        """Names of the tensors that it is about; None if of all."""

    def project(self, p: Array, /) -> Array:
        """The nearest tensor that satisfies the constraint, or one that is near."""


class StoppingRule(Protocol):
    """What a stopping rule of your own must have; see `training.descent.stopping`."""

    @property
    def reason(self) -> str:
        """What a result says when the rule is met."""

    def met(self, progress: Any, /) -> ArrayLike:
        """Which of the running trials stop here."""
