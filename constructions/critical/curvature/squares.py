r"""The part J^T A J of a second derivative: J that of the outputs, A that of the loss in these.

The rows of J for a layer are products of what goes back from the outputs and what the layer reads.
Where points do not share in A, outputs are summed first, point by point, which takes one part in
their number of the time that the matrix J takes, less for units that are off at most points; and J
need not be had at all. Where they do, but all have one pattern, what goes back from the outputs is
one and the same at each: with A = form (x) across, the part of two layers is a Kronecker product.
"""

import numpy as np

from constructions.critical.balls import Balls, stacked

LONG = 1e8  # products in J^T J: with fewer, J takes no time


def is_long(cell):
    """Whether J is better done without."""
    return len(cell.X) * cell.widths[-1] * cell.places[-1][1].stop ** 2 >= LONG


def is_by_point(block):
    """Whether the points of a block do not share in A."""
    return len(getattr(block, "form", np.zeros(0)).shape) == 1


def has_one_pattern(cell, block):
    """Whether the same units are on at all points of a block."""
    return all((mask[block.rows] == mask[block.rows.start]).all() for mask in cell.masks)


def is_summed(cell, block):
    """Whether J^T A J of a block is had without J."""
    return is_by_point(block) or has_one_pattern(cell, block)


def squared(cell, found, block):
    """J^T A J of a block whose points do not share in A, or have one pattern.

    Parameters
    ----------
    cell : Cell
    found : Pass
        In balls.
    block : Block, or of another loss
        See `is_summed`.

    Returns
    -------
    Balls, shape (P, P)
    """
    if not is_by_point(block):
        return _of_one_pattern(cell, found, block)
    own, K, P = block.rows, cell.widths[-1], cell.places[-1][1].stop
    n = own.stop - own.start
    backs = _backs(cell, found, own)
    ends = np.cumsum([back.shape[2] for back in backs])[:-1]
    flat = stacked(backs, axis=2)
    bent = block.curved(found.values[-1][own], cell.Y[own], flat.reshape(n * K, flat.shape[2]))
    bent = bent.reshape(n, K, flat.shape[2])
    places = zip([0, *ends], [*ends, flat.shape[2]], strict=True)
    bent = [bent[:, :, start:end] for start, end in places]
    reads = [stacked([read[own], Balls(np.ones((n, 1)))], axis=1) for read in found.inputs]
    total = Balls(np.zeros((P, P)), np.zeros((P, P)))
    masks = [*(mask[own] for mask in cell.masks), np.ones((n, K))]
    for l in range(len(backs)):
        turned = Balls(backs[l].mid.transpose(0, 2, 1), backs[l].rad.transpose(0, 2, 1))
        for k in range(l, len(backs)):
            _add_layers(cell, total, (l, k), masks[l], turned @ bent[k], reads)
    return total


def _of_one_pattern(cell, found, block):
    r"""J^T A J of a block whose points have one pattern.

    Of layers l and k it is :math:`(B_l^T\,across\,B_k) \otimes (2 R_l^T\,form\,R_k)`, with B what
    goes back from the outputs, and R what the layers read at the points of the block, and 1.
    """
    own, P = block.rows, cell.places[-1][1].stop
    n = own.stop - own.start
    backs = [back[0] for back in _backs(cell, found, slice(own.start, own.start + 1))]
    reads = [stacked([read[own], Balls(np.ones((n, 1)))], axis=1) for read in found.inputs]
    places = [
        np.column_stack([np.arange(W.start, W.stop).reshape(m, -1), np.arange(b.start, b.stop)])
        for (W, b), m in zip(cell.places, cell.widths[1:], strict=True)
    ]
    total = Balls(np.zeros((P, P)), np.zeros((P, P)))
    for k in range(len(backs)):
        bent, formed = block.across @ backs[k], 2 * (block.form @ reads[k])
        for l in range(k + 1):
            units, read = backs[l].T @ bent, reads[l].T @ formed
            (m, m_k), (n_l, n_k) = units.shape, read.shape
            part = units.reshape(m, 1, m_k, 1) * read.reshape(1, n_l, 1, n_k)
            at, at_k = places[l].ravel(), places[k].ravel()
            for target, source in ((total.mid, part.mid), (total.rad, part.rad)):
                source = source.reshape(len(at), len(at_k))
                target[np.ix_(at, at_k)] = source
                if l < k:
                    target[np.ix_(at_k, at)] = source.T
    return total


def _backs(cell, found, own):
    """Derivatives of the outputs in the values of each layer, a list, shapes (n, K, d_l)."""
    n, K = own.stop - own.start, cell.widths[-1]
    backs = [Balls(np.tile(np.eye(K), (n, 1, 1)))]
    for l in reversed(range(len(cell.masks))):
        backs.append((backs[-1] @ found.W[l + 1]) * cell.masks[l][own][:, None, :])
    return backs[::-1]


def _add_layers(cell, total, layers, mask, pairs, reads):
    """Put the derivative in two layers at its places: `pairs` holds that in their values.

    `mask` says where units of the first one are on.
    """
    l, k = layers
    n_l, n_k = reads[l].shape[1], reads[k].shape[1]
    (W, b), (W_k, b_k) = cell.places[l], cell.places[k]
    for u in range(pairs.shape[1]):
        first = u if k == l else 0  # units of one layer: each pair once
        rows, m = np.flatnonzero(mask[:, u]), pairs.shape[2] - first
        if not len(rows):
            continue
        right = pairs[rows, u, first:].reshape(len(rows), m, 1)
        right = right * reads[k][rows].reshape(len(rows), 1, n_k)
        part = (reads[l][rows].T @ right.reshape(len(rows), m * n_k)).reshape(n_l, m, n_k)
        at = np.append(np.arange(n_l - 1) + (W.start + u * (n_l - 1)), b.start + u)
        to_W = slice(W_k.start + first * (n_k - 1), W_k.stop)
        to_b = slice(b_k.start + first, b_k.stop)
        for target, source in ((total.mid, part.mid), (total.rad, part.rad)):
            target[at, to_W] = source[:, :, :-1].reshape(n_l, -1)
            target[at, to_b] = source[:, :, -1]
            target[to_W, at], target[to_b, at] = target[at, to_W].T, target[at, to_b].T
