"""Chains of layers as the compiled kernels take them, as a table of kinds."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_dtype
from geomcore.layers.affine import Affine
from geomcore.layers.learned_lp_norm import LearnedLpNorm
from geomcore.layers.lp_norm import LpNorm
from geomcore.layers.relu import ReLU

# Columns of the table, int64: inputs, outputs, kind, whether a ReLU follows, and the bits of the
# order of a norm.
N, M, KIND, RELU, ORDER = 0, 1, 2, 3, 4
# A norm of order 1 of what is not negative is an affine layer with weights abs(W): MODULI.
AFFINE, MODULI, NORM, LEARNED = 0, 1, 2, 3
KINDS = {Affine: AFFINE, LpNorm: NORM, LearnedLpNorm: LEARNED}


def chain_of(layers):
    """The layers of a network as a table, (L, 5) of int64, or None if the kernels do not know them.

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
            rows[-1][RELU] = 1
        else:
            kind = KINDS[type(layer)]
            order = layer.p if kind == NORM else 1.0
            if kind == NORM and order == 1 and is_positive:
                kind = MODULI
            bits = int(np.float64(order).view(np.int64))
            rows.append([layer.inputs, layer.outputs, kind, 0, bits])
        is_positive = type(layer) is ReLU
    return np.array(rows, dtype=np.int64)


class Packed(NamedTuple):
    """A chain of layers with its parameters, as the compiled kernels take it.

    Attributes
    ----------
    table : ndarray, shape (L, 5)
    parameters : ndarray
        All tensors one after the other, abs(W) in place of W for a norm of order 1.
    """

    table: np.ndarray
    parameters: np.ndarray

    @property
    def outputs(self):
        return int(self.table[-1, M])

    @property
    def widths(self):
        """Those of the input and of all layers, (L + 1,) int64."""
        return np.append(self.table[:1, N], self.table[:, M])

    @property
    def matrices(self):
        """W and b of each layer, if all are affine."""
        pairs, at = [], 0
        for n, m in self.table[:, :KIND]:
            b = at + m * n
            pairs.append((self.parameters[at:b].reshape(m, n), self.parameters[b : b + m]))
            at = b + m
        return pairs

    @property
    def largest(self):
        """Entries of the largest matrix."""
        return int((self.table[:, N] * self.table[:, M]).max())

    @property
    def is_plain(self):
        """Whether it is a ReLU network: affine, with a ReLU after each layer but the last."""
        last = np.arange(len(self.table)) == len(self.table) - 1
        return bool((self.table[:, KIND] < NORM).all() and (self.table[:, RELU] != last).all())


def packed_chain(layers, dtype):
    """A chain of layers as a `Packed`, or None if the kernels do not know them."""
    table = chain_of(layers)
    if table is None:
        return None
    parts = []
    for layer, kind in zip((k for k in layers if k.letters), table[:, KIND], strict=True):
        for letter, tensor in zip(layer.letters, layer.tensors, strict=True):
            part = np.abs(tensor) if kind == MODULI and letter == "W" else tensor
            parts.append(as_dtype(part, dtype, letter).reshape(-1))
    return Packed(table, np.concatenate(parts))


def room_for(chain):
    """Rows of a tile that the outputs of all layers and the slopes of all norms take.

    Examples
    --------
    >>> room_for(chain_of([Affine(np.eye(2), np.zeros(2)), LpNorm([[1, 2]], [0], p=3)]))
    7
    """
    inputs, outputs, kinds = chain[:, :RELU].T
    return int(outputs.sum() + (outputs * (inputs + 2))[kinds >= NORM].sum())
