"""Networks as the compiled passes take them: which kinds of layers, and what comes after each."""

from itertools import pairwise

import numpy as np

from geomcore.layers import Affine, LearnedLpNorm, LpNorm, ReLU
from training.descent.compiled import passes

KINDS = {Affine: passes.AFFINE, LpNorm: passes.NORM, LearnedLpNorm: passes.LEARNED}


def chain_of(layers):
    """The layers of a network as a table for `passes`, or None if the passes do not know them.

    They know affine layers and norms, each with a ReLU behind it or none.

    Examples
    --------
    >>> chain_of([Affine(np.eye(2), np.zeros(2)), ReLU(), LpNorm([[1, 2]], [0], p=3)])[:, :4]
    array([[2, 2, 0, 1],
           [2, 1, 2, 0]])
    """
    kinds = [type(layer) for layer in layers]
    follows = any(one is two is ReLU for one, two in pairwise([ReLU, *kinds]))
    if follows or not all(kind is ReLU or kind in KINDS for kind in kinds):
        return None
    rows, is_positive = [], False
    for layer in layers:
        if type(layer) is ReLU:
            rows[-1][passes.RELU] = 1
        else:
            kind = KINDS[type(layer)]
            order = layer.p if kind == passes.NORM else 1.0
            if kind == passes.NORM and order == 1 and is_positive:
                kind = passes.MODULI
            bits = int(np.float64(order).view(np.int64))
            rows.append([layer.inputs, layer.outputs, kind, 0, bits])
        is_positive = type(layer) is ReLU
    return np.array(rows, dtype=np.int64)


def room_for(chain):
    """Rows of a tile that the outputs of all layers and the slopes of all norms take.

    Examples
    --------
    >>> room_for(chain_of([Affine(np.eye(2), np.zeros(2)), LpNorm([[1, 2]], [0], p=3)]))
    7
    """
    inputs, outputs, kinds = chain[:, : passes.RELU].T
    return int(outputs.sum() + (outputs * (inputs + 2))[kinds >= passes.NORM].sum())
