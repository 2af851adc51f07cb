"""Units at rest between one layer below and one above, by hand."""

from types import SimpleNamespace

import numpy as np

from constructions.critical.balls import Balls
from constructions.critical.cell import Cell
from geomcore import ReLUNetwork


def passed(slopes, inputs):
    """What is read of a `Pass`; each layer's number is its place in the lists."""
    W = [Balls(np.zeros((s.shape[1], h.shape[1]))) for s, h in zip(slopes, inputs, strict=False)]
    return SimpleNamespace(
        W=W,
        slopes=list(map(Balls, slopes)),
        inputs=list(map(Balls, inputs)),
        values=[Balls(0 * s) for s in slopes],  # no unit is active
    )


def cell_of(widths, masks, kinks=()):
    N, d = len(masks[0]), widths[0]
    return Cell(widths, Balls(np.zeros((N, d))), np.zeros((N, 1)), [], masks, list(kinks))


def behind(slope, read, dead=(), first=None):
    """A unit of the first or second layer at rest, with these slopes above and inputs below."""
    N = len(slope)
    if first:
        masks = [np.zeros((N, 1))]
        return cell_of((1, 1, 1), masks), passed([np.full((N, 1), 9.0), slope], [read]), [(0, 0)]
    masks = [np.ones((N, 1)), np.zeros((N, 1))]
    masks[0][list(dead)] = 0
    far = np.full((N, 1), 9.0)
    return cell_of((1, 1, 1, 1), masks), passed([far, far, slope], [far, read]), [(1, 0)]


def widened(net):
    """The network with one more unit in its first layer, at rest."""
    (W, *weights), (b, *biases) = net.weights, net.biases
    weights[0] = np.column_stack([weights[0], np.zeros(len(weights[0]))])
    W = np.vstack([W, np.zeros(W.shape[1])])
    return ReLUNetwork([W, *weights], [np.append(b, 0.0), *biases])
