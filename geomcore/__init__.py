"""The geometry of a ReLU network: no optimisation, no training."""

from geomcore import datasets
from geomcore.cones import CircularCone, PolyhedralCone
from geomcore.cumulative import cumulative_parameters, layer_parameters
from geomcore.dataset import Dataset
from geomcore.interop import load, save
from geomcore.network import Network, ReLUNetwork
from geomcore.truncation import (
    truncate,
    truncation_defects,
    truncation_degree,
    truncation_map,
)

__all__ = [
    "CircularCone",
    "Dataset",
    "Network",
    "PolyhedralCone",
    "ReLUNetwork",
    "cumulative_parameters",
    "datasets",
    "layer_parameters",
    "load",
    "save",
    "truncate",
    "truncation_defects",
    "truncation_degree",
    "truncation_map",
]
