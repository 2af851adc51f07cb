"""Networks built from data, and proofs about them.

Names are loaded when first used, so that `verify` needs no cvxpy, and nothing but
`GeometricClassifier` scikit-learn.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the same for type checkers, which see no name that is loaded when used
    from constructions.building.result import Construction, ConstructionError, LayerRecord
    from constructions.construction import construct
    from constructions.estimator import GeometricClassifier
    from constructions.proof.basin import balanced, basin_of_return, cell_radius
    from constructions.proof.certificate import Certificate, Check
    from constructions.proof.descent_basin import DescentBasin
    from constructions.separation.answer import Separation
    from constructions.separation.hulls import HullCertificate
    from constructions.separation.order import Order, elimination_order
    from constructions.separation.separation import separate
    from constructions.theorems.states import merged, partial, suboptimal, suboptimal_family
    from constructions.two_layer.answer import TwoLayerOptimum
    from constructions.two_layer.best_neuron import BestNeuron, best_neuron
    from constructions.two_layer.bound import TwoLayerBound, two_layer_bound
    from constructions.two_layer.checker import check_certificate
    from constructions.two_layer.optimum import best_two_layer
    from constructions.two_layer.path import TwoLayerPath, regularisation_path
    from constructions.units import BestUnit, best_unit
    from constructions.verification.confirmation import recheck
    from constructions.verification.descent import descent_basin, largest_step
    from constructions.verification.verification import verify

_HOME = {
    "Certificate": "proof.certificate",
    "Check": "proof.certificate",
    "Construction": "building.result",
    "ConstructionError": "building.result",
    "GeometricClassifier": "estimator",
    "HullCertificate": "separation.hulls",
    "LayerRecord": "building.result",
    "Order": "separation.order",
    "Separation": "separation.answer",
    "DescentBasin": "proof.descent_basin",
    "basin_of_return": "proof.basin",
    "descent_basin": "verification.descent",
    "largest_step": "verification.descent",
    "balanced": "proof.basin",
    "BestNeuron": "two_layer.best_neuron",
    "BestUnit": "units",
    "best_neuron": "two_layer.best_neuron",
    "best_two_layer": "two_layer.optimum",
    "best_unit": "units",
    "cell_radius": "proof.basin",
    "check_certificate": "two_layer.checker",
    "construct": "construction",
    "elimination_order": "separation.order",
    "merged": "theorems.states",
    "partial": "theorems.states",
    "recheck": "verification.confirmation",
    "regularisation_path": "two_layer.path",
    "separate": "separation.separation",
    "suboptimal": "theorems.states",
    "suboptimal_family": "theorems.states",
    "TwoLayerBound": "two_layer.bound",
    "TwoLayerOptimum": "two_layer.answer",
    "TwoLayerPath": "two_layer.path",
    "two_layer_bound": "two_layer.bound",
    "verify": "verification.verification",
}

__all__ = [
    "BestNeuron",
    "BestUnit",
    "Certificate",
    "Check",
    "Construction",
    "ConstructionError",
    "DescentBasin",
    "GeometricClassifier",
    "HullCertificate",
    "LayerRecord",
    "Order",
    "Separation",
    "TwoLayerBound",
    "TwoLayerOptimum",
    "TwoLayerPath",
    "balanced",
    "basin_of_return",
    "best_neuron",
    "best_two_layer",
    "best_unit",
    "cell_radius",
    "check_certificate",
    "construct",
    "descent_basin",
    "elimination_order",
    "largest_step",
    "merged",
    "partial",
    "recheck",
    "regularisation_path",
    "separate",
    "suboptimal",
    "suboptimal_family",
    "two_layer_bound",
    "verify",
]


if not TYPE_CHECKING:  # or any name would do

    def __getattr__(name):
        if name not in _HOME:
            from geomcore.names import missing

            raise missing("constructions", name)
        value = getattr(import_module(f"constructions.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__():
    from geomcore.names import listing

    return listing(globals())
