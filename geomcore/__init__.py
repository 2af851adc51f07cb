"""The geometry of a ReLU network: no optimisation, no training."""

from geomcore.cones import CircularCone, PolyhedralCone
from geomcore.cumulative import cumulative_parameters, layer_parameters
from geomcore.network import Network, ReLUNetwork
from geomcore.truncation import (
    truncate,
    truncation_defects,
    truncation_degree,
    truncation_map,
)

__all__ = [
    "CircularCone",
    "Network",
    "PolyhedralCone",
    "ReLUNetwork",
    "cumulative_parameters",
    "layer_parameters",
    "truncate",
    "truncation_defects",
    "truncation_degree",
    "truncation_map",
]
