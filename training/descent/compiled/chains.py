"""Networks as the compiled passes take them: which kinds of layers, and what comes after each."""

from itertools import pairwise

import numpy as np

from geomcore.layers import Affine, LpNorm, ReLU
from training.descent.compiled import passes

KINDS = {Affine: passes.AFFINE, LpNorm: passes.NORM}


def chain_of(layers):
    """The layers of a network as a `passes.Chain`, or None if the passes do not know them.

    They know affine layers and norms, each with a ReLU behind it or none.

    Examples
    --------
    >>> chain = chain_of([Affine(np.eye(2), np.zeros(2)), ReLU(), LpNorm([[1, 2]], [0], p=3)])
    >>> chain.kinds, chain.powers, chain.floors, chain.spare
    (array([0, 2]), array([1., 3.]), array([  0., -inf]), 4)
    """
    kinds = [type(layer) for layer in layers]
    follows = any(one is two is ReLU for one, two in pairwise([ReLU, *kinds]))
    if follows or not all(kind is ReLU or kind in KINDS for kind in kinds):
        return None
    chain = []
    for layer in layers:
        if type(layer) is ReLU:
            chain[-1][1] = 0.0
        else:
            chain.append([layer, -np.inf])
    floors = [floor for _, floor in chain]
    rows = [
        _row(layer, floor) for (layer, _), floor in zip(chain, [-np.inf, *floors], strict=False)
    ]
    has_moduli = any(kind == passes.MODULI for kind, _, _ in rows)
    count = sum(tensor.size for layer, _ in chain for tensor in layer.tensors)
    return passes.Chain(
        widths=np.array([chain[0][0].inputs, *(layer.outputs for layer, _ in chain)], np.int64),
        kinds=np.array([kind for kind, _, _ in rows], dtype=np.int64),
        powers=np.array([power for _, power, _ in rows], dtype=np.float64),
        floors=np.array(floors, dtype=np.float64),
        signs=np.empty(count if has_moduli else 0),
        spare=sum(spare for _, _, spare in rows),
    )


def _row(layer, floor):
    """Kind, order and spare rows of a layer whose inputs are at least `floor`."""
    kind, order = KINDS[type(layer)], getattr(layer, "p", 1.0)
    if kind == passes.AFFINE:
        return kind, order, 0
    if order == 1 and floor == 0:
        return passes.MODULI, order, 0
    return kind, order, layer.outputs * (layer.inputs + 2)
