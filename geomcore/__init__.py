"""The geometry of a ReLU network: no optimisation, no training."""

from geomcore import datasets
from geomcore.cones import CircularCone, PolyhedralCone
from geomcore.cumulative import cumulative_parameters, layer_parameters
from geomcore.datasets.dataset import Dataset
from geomcore.gradients import (
    AffineMap,
    activation_pattern,
    affine_map_at,
    input_gradients,
    input_jacobians,
)
from geomcore.interop import load, save
from geomcore.network import Network, ReLUNetwork
from geomcore.truncation import (
    truncate,
    truncation_defects,
    truncation_degree,
    truncation_map,
)

__all__ = [
    "AffineMap",
    "CircularCone",
    "Dataset",
    "Network",
    "PolyhedralCone",
    "ReLUNetwork",
    "activation_pattern",
    "affine_map_at",
    "cumulative_parameters",
    "datasets",
    "input_gradients",
    "input_jacobians",
    "layer_parameters",
    "load",
    "save",
    "truncate",
    "truncation_defects",
    "truncation_degree",
    "truncation_map",
]
