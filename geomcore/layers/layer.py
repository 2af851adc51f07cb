"""What a layer is: one object that owns its tensors, its hyperparameters and its calculus."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from geomcore.arrays import as_dtype
from geomcore.display.lines import abbreviated
from geomcore.typing import Array, ArrayLike, Booleans, Floats


class Layer:
    r"""A map between rows with parameters of its own; the base of all layers.

    A kind of layer is one dataclass in one file of this room, made by
    ``@dataclass(frozen=True, eq=False, repr=False)`` (equality and repr are those
    of this class). The fields that `letters` names are its tensors, all other
    fields are its hyperparameters, and the constructor takes both by name. It
    says how wide it is, by `inputs` and `outputs`, and on which side of a kink
    its units are, by `active`, unless what is said here will do; and it owns six
    functions, the calculus of the map :math:`y = f_\theta(x)` that is applied to
    every row:

    ``forward(tensors, X)``
        :math:`f_\theta(x)`
    ``tangent(tensors, X, out, dtensors, dX)``
        :math:`D_\theta f \, \delta\theta + D_x f \, \delta x`
    ``gradients(tensors, X, out, grad)``
        :math:`\sum_{rows} (D_\theta f)^T g`, a list, one for each tensor
    ``cotangent(tensors, X, out, grad)``
        :math:`(D_x f)^T g`
    ``gradients_tangent(tensors, X, out, grad, dtensors, dX, dgrad)``
        the derivative of ``gradients`` along :math:`(\delta\theta, \delta x, \delta g)`
    ``cotangent_tangent(tensors, X, out, grad, dtensors, dX, dgrad)``
        the same of ``cotangent``

    Here `X` is (..., N, n), `out` is ``forward(tensors, X)``, (..., N, m), and
    `grad` has its shape; the tensors may carry one leading axis, T layers of one
    shape side by side, and then so may `X` and must `grad` and `out`. They are given
    separately from the object, which contributes its hyperparameters only, and
    nothing is changed in place. At a kink a derivative is one of the limits
    from the sides, and the last two functions are derivatives within a cell.

    Attributes
    ----------
    letters : tuple of str
        Names of the fields that are tensors, in the order in which they are packed.
    """

    letters: tuple[str, ...] = ()

    if TYPE_CHECKING:  # what each kind of layer owns

        def forward(self, tensors: Sequence[Floats], X: Floats) -> Floats: ...

        def tangent(
            self,
            tensors: Sequence[Floats],
            X: Floats,
            out: Floats,
            dtensors: Sequence[Floats],
            dX: Floats,
        ) -> Floats: ...

        def gradients(
            self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats
        ) -> list[Floats]: ...

        def cotangent(
            self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats
        ) -> Floats: ...

        def gradients_tangent(
            self,
            tensors: Sequence[Floats],
            X: Floats,
            out: Floats,
            grad: Floats,
            dtensors: Sequence[Floats],
            dX: Floats,
            dgrad: Floats,
        ) -> list[Floats]: ...

        def cotangent_tangent(
            self,
            tensors: Sequence[Floats],
            X: Floats,
            out: Floats,
            grad: Floats,
            dtensors: Sequence[Floats],
            dX: Floats,
            dgrad: Floats,
        ) -> Floats: ...

    @property
    def tensors(self) -> list[Array]:
        """The tensors of this layer, in the order of `letters`."""
        return [getattr(self, letter) for letter in self.letters]

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """All fields that are no tensors, by name."""
        return {name: getattr(self, name) for name in self.hyperparameter_names()}

    @classmethod
    def hyperparameter_names(cls) -> list[str]:
        """Names of the fields that are no tensors."""
        return [field.name for field in dataclasses.fields(cls) if field.name not in cls.letters]  # type: ignore[arg-type]

    @property
    def inputs(self) -> int | None:
        """Width that the rows must have; None if any will do."""
        return None

    @property
    def outputs(self) -> int | None:
        """Width of what comes out; None if it is that of what goes in."""
        return None

    def active(self, X: Floats, out: Floats) -> Booleans | None:
        """Which units are on the active side of their kink, (..., N, units) of bool.

        None if the map has no kinks to speak of.
        """
        return None

    def rebuild(self, tensors: Sequence[ArrayLike]) -> Self:
        """The layer of this kind, with these hyperparameters, that has the given tensors."""
        return type(self)(**dict(zip(self.letters, tensors, strict=True)), **self.hyperparameters)

    def __call__(self, X: Floats) -> Floats:
        """Outputs at the rows of `X`, (N, n) to (N, m); float32 in, float32 out, else float64."""
        if X.dtype != np.float32:
            X = X.astype(np.float64, copy=False)
        return self.forward(self._tensors_in(X.dtype), X)

    def pull_back(self, X: Floats, out: Floats, grad: Floats) -> Floats:
        """Gradient with respect to the input `X`, given that with respect to `out`."""
        if grad.dtype != np.float32:
            grad = grad.astype(np.float64, copy=False)
        return self.cotangent(self._tensors_in(grad.dtype), X, out, grad)

    def _tensors_in(self, dtype):
        pairs = zip(self.letters, self.tensors, strict=True)
        return [as_dtype(tensor, dtype, letter) for letter, tensor in pairs]

    def is_like(self, other: object) -> bool:
        """Whether another layer is of this kind and has these hyperparameters."""
        if type(self) is not type(other):
            return False
        pairs = zip(self.hyperparameters.values(), other.hyperparameters.values(), strict=True)
        return all(np.array_equal(one, another) for one, another in pairs)

    def __eq__(self, other):
        if not isinstance(other, Layer):
            return NotImplemented
        return self.is_like(other) and all(map(np.array_equal, self.tensors, other.tensors))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        parts = [
            f"{name}={value!r}" if isinstance(value, Real) else f"{name}={abbreviated(value)}"
            for name, value in self.hyperparameters.items()
        ]
        if self.inputs is not None:
            parts.insert(0, f"{self.inputs} -> {self.outputs}")
        return f"{type(self).__name__}({', '.join(parts)})"

    # Layers never change, so a copy is the layer itself; only what is built anew is read-only.
    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return _rebuilt, (type(self), self.tensors, self.hyperparameters)


def _rebuilt(kind, tensors, hyperparameters):
    return kind(**dict(zip(kind.letters, tensors, strict=True)), **hyperparameters)
