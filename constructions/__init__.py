"""Networks built from data, and proofs about them.

Names are loaded when first used, so that `verify` needs no cvxpy.
"""

from importlib import import_module

_HOME = {
    "Certificate": "verification",
    "Check": "verification",
    "Construction": "construction",
    "ConstructionError": "construction",
    "HullCertificate": "separation",
    "LayerRecord": "construction",
    "Order": "separation",
    "Separation": "separation",
    "construct": "construction",
    "elimination_order": "separation",
    "separate": "separation",
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
    "construct",
    "elimination_order",
    "separate",
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
