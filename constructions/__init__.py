"""Networks built from data, and proofs about them.

Names are loaded when first used, so that `verify` needs no cvxpy, and nothing but
`GeometricClassifier` scikit-learn.
"""

from importlib import import_module

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
