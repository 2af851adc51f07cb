"""Short names for the annotations of public functions: what they take and what they give."""

from os import PathLike
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "Array",
    "ArrayLike",
    "Booleans",
    "DTypeLike",
    "Floats",
    "Integers",
    "LossName",
    "NDArray",
    "Path",
    "Rtol",
    "Seed",
]

Array = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.integer[Any]]
# float32 where that was given, else float64.
Floats = NDArray[np.floating[Any]]
Path = str | PathLike[str]
# What `numpy.random.default_rng` takes, without what nobody passes; a text, for that module is
# loaded when it is used.
Seed: TypeAlias = "np.random.Generator | np.random.SeedSequence | int | np.integer[Any] | None"
# Tolerances relative to a scale; None is the usual one.
Rtol = float | None
LossName = Literal["mse", "class_weighted", "cross_entropy", "bce"]
