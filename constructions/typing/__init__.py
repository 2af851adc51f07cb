"""Short names for the annotations of public functions: the words that they know."""

from typing import Literal

__all__ = ["BasePoints", "Method", "OutputBias", "SquaredName", "Verdict"]

BasePoints = Literal["free", "segment"]
Method = Literal["auto", "clustered", "sequential", "cone", "simplex", "universal", "two-layer"]
OutputBias = Literal["free", "penalised", "none"]
SquaredName = Literal["mse", "class_weighted"]
Verdict = Literal["global minimum", "local minimum", "saddle", "not stationary", "undetermined"]
