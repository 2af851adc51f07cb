"""Layers: the maps a network is a chain of; one file per kind.

A new kind of layer is one file beside these, one line below, and one row in the table of
tests/geomcore/layers/test_contract.py. Networks, derivatives, the trainer, studies and
network files take it from there.
"""

from geomcore.layers.affine import Affine as Affine
from geomcore.layers.explaining_away import ExplainingAway as ExplainingAway
from geomcore.layers.layer import Layer as Layer
from geomcore.layers.learned_lp_norm import LearnedLpNorm as LearnedLpNorm
from geomcore.layers.lp_norm import LpNorm as LpNorm
from geomcore.layers.relu import ReLU as ReLU

# Every kind of layer by its public name, as network files call it.
KINDS = {
    name: value
    for name, value in vars().items()
    if isinstance(value, type) and issubclass(value, Layer) and value is not Layer
}


def __dir__():
    return sorted({"KINDS", "Layer", *KINDS})
