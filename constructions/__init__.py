"""Networks built from data, and proofs about them.

Names are loaded when first used, so that `verify` needs no cvxpy.
"""

from importlib import import_module

_HOME = {
    "Certificate": "certificate",
    "Check": "certificate",
    "Construction": "result",
    "ConstructionError": "result",
    "HullCertificate": "separation",
    "LayerRecord": "result",
    "Order": "separation",
    "Separation": "separation",
    "basin_of_return": "basin",
    "balanced": "basin",
    "cell_radius": "basin",
    "construct": "construction",
    "elimination_order": "separation",
    "merged": "states",
    "partial": "states",
    "recheck": "confirmation",
    "separate": "separation",
    "suboptimal": "states",
    "suboptimal_family": "states",
    "verify": "verification",
}

__all__ = [
    "Certificate",
    "Check",
    "Construction",
    "ConstructionError",
    "HullCertificate",
    "LayerRecord",
    "Order",
    "Separation",
    "balanced",
    "basin_of_return",
    "cell_radius",
    "construct",
    "elimination_order",
    "merged",
    "partial",
    "recheck",
    "separate",
    "suboptimal",
    "suboptimal_family",
    "verify",
]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'constructions' has no attribute {name!r}")
    value = getattr(import_module(f"constructions.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
