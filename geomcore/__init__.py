"""The geometry of a ReLU network: no optimisation, no training."""

from importlib import import_module
from typing import TYPE_CHECKING

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
from geomcore.interop import (
    from_keras,
    from_nnet,
    from_onnx,
    from_sklearn,
    from_torch,
    load,
    save,
    to_onnx,
    to_torch,
)
from geomcore.mesa.measures import FlatSet, MesaMeasures, mesa_measures
from geomcore.mesa.polytope import Polytope
from geomcore.mesa.profile import SlackProfile, slack_profile
from geomcore.names import listing, missing
from geomcore.network import Network, ReLUNetwork
from geomcore.regions.line import LinePieces, line_pieces
from geomcore.regions.regions import Regions, linear_regions
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
    "FlatSet",
    "LinePieces",
    "MesaMeasures",
    "Network",
    "PolyhedralCone",
    "Polytope",
    "ReLUNetwork",
    "Regions",
    "SlackProfile",
    "activation_pattern",
    "affine_map_at",
    "cumulative_parameters",
    "datasets",
    "from_keras",
    "from_nnet",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "input_gradients",
    "input_jacobians",
    "layer_parameters",
    "line_pieces",
    "linear_regions",
    "load",
    "mesa_measures",
    "save",
    "slack_profile",
    "to_onnx",
    "to_torch",
    "truncate",
    "truncation_defects",
    "truncation_degree",
    "truncation_map",
]

if TYPE_CHECKING:
    from geomcore import kernels as kernels
    from geomcore import layers as layers
    from geomcore import parameters as parameters
    from geomcore import plot as plot
    from geomcore import projection as projection

    __version__: str

# Rooms that are loaded when first asked for.
_ROOMS = ("kernels", "layers", "parameters", "plot", "projection")


if not TYPE_CHECKING:  # or any name would do

    def __getattr__(name):
        if name in _ROOMS:
            return import_module(f"geomcore.{name}")
        if name == "__version__":
            return _version()
        raise missing("geomcore", name)


def __dir__():
    return listing(globals(), [*_ROOMS, "__version__"])


def _version():
    """The version of the installed package."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("geomcore")
    except PackageNotFoundError:  # a copy of the sources that is not installed
        return "0+unknown"
