r"""The loss of a network with its gauge taken out, in floats.

Equal points are one point of their total weight and their mean target. Inputs are divided by powers
of two that bring them to size 1, which rounds nothing; with weight decay they stay, since the size
of each weight counts. Under the squared error without weight decay, targets are divided so, too,
and outputs are coordinates in the affine space of the labels: going there never raises the loss.
(With weight decay it may, where that space does not hold 0: its bias has a price.)
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from constructions.critical.cell import Cell
from constructions.critical.entropies import ENTROPIES, block_of
from constructions.critical.labels import label_space
from training.settling.derivatives import Piece

SWEEPS = 200
SMALL = 1e-4  # of the square of the norm of the largest unit: one that nearly vanishes


class Problem(NamedTuple):
    """What is to be settled.

    Attributes
    ----------
    widths : tuple of int
        With as many outputs as the labels' space has dimensions.
    places : list of (slice, slice)
        Of W_l and b_l in a vector of parameters, layer by layer.
    X : ndarray, shape (N, d)
        Distinct points, their columns divided by `columns`.
    Y : ndarray, shape (N, K')
        Weighted mean of the targets at each point, in coordinates, divided by `size`.
    weights : ndarray, shape (N,)
    constant : float
        The loss is `size`^2 times this and the loss on the distinct points.
    first : ndarray of int, shape (N,)
        The first of the given points that is equal to each.
    columns : ndarray, shape (d,)
        Powers of two.
    size : float
        A power of two.
    origin, frame : ndarray, shapes (K,), (K, K')
        Of the labels' space.
    name : str
        Of the loss.
    block : Block, or of another loss
        All points in the loss.
    decay : float
        Half of it times the square of the norm of the parameters is a part of the loss.
    """

    widths: tuple
    places: list
    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray
    constant: float
    first: np.ndarray
    columns: np.ndarray
    size: float
    origin: np.ndarray
    frame: np.ndarray
    name: str
    block: NamedTuple
    decay: float

    def tensors(self, theta):
        """[W_1, b_1, W_2, ...], views of a vector of parameters."""
        sizes = zip(self.places, self.widths, self.widths[1:], strict=False)
        return [t for (W, b), n, m in sizes for t in (theta[W].reshape(m, n), theta[b])]

    def values(self, theta):
        """Pre-activations of the hidden layers, shapes (N, d_l), and outputs (N, K')."""
        return self._forwards(self.tensors(theta))[0]

    def _forwards(self, tensors):
        """What each layer makes, and what it reads."""
        found, read = [], [self.X]
        for W, b in zip(tensors[::2], tensors[1::2], strict=True):
            found.append(read[-1] @ W.T + b)
            read.append(np.maximum(found[-1], 0))
        return found, read

    def loss(self, theta):
        """The loss on the distinct points, in units of `size`^2."""
        value = float(self.block.value(self.values(theta)[-1], self.Y))
        return value + 0.5 * self.decay * float(theta @ theta) if self.decay else value

    def full_loss(self, theta):
        """The loss of the network."""
        return self.size**2 * (self.loss(theta) + self.constant)

    def loss_and_gradient(self, theta):
        """The loss and its gradient; a unit that is exactly on a kink counts as off."""
        tensors, block = self.tensors(theta), self.block
        values, read = self._forwards(tensors)
        loss, slope = float(block.value(values[-1], self.Y)), block.slope(values[-1], self.Y)
        parts = []
        for l in reversed(range(len(values))):
            parts += [slope.sum(axis=0), (slope.T @ read[l]).ravel()]
            if l:
                slope = (slope @ tensors[2 * l]) * (values[l - 1] > 0)
        gradient = np.concatenate(parts[::-1])
        if self.decay:
            return loss + 0.5 * self.decay * float(theta @ theta), gradient + self.decay * theta
        return loss, gradient

    @property
    def has_fits(self):
        """Whether the loss of a cell is least where outputs are best fits: squared error alone."""
        return self.name not in ENTROPIES and not self.decay

    @property
    def is_constant(self):
        """Whether the outputs do not matter: the softmax of one is 1, and its cross-entropy 0."""
        return self.name == "cross_entropy" and self.widths[-1] == 1

    def is_separated(self, theta):
        """Whether larger and larger multiples of the last layer bring the loss to zero.

        So does a cross-entropy without weight decay where all outputs are on the right side of
        labels that leave no doubt; it vanishes nowhere, and no such place is critical.
        """
        if self.decay or self.name not in ENTROPIES or not ((self.Y == 0) | (self.Y == 1)).all():
            return False
        outputs = self.values(theta)[-1]
        if self.name == "bce":
            return bool((outputs * (2 * self.Y - 1) > 0).all())
        if self.is_constant:
            return False
        own = np.where(self.Y == 1, outputs, np.inf).min(axis=1)
        return bool((own > np.where(self.Y == 1, -np.inf, outputs).max(axis=1)).all())

    def masks(self, theta, kinks=()):
        """Which units are on, lists of float arrays; those of `kinks` are off."""
        masks = [(value > 0).astype(float) for value in self.values(theta)[:-1]]
        for l, i, u in kinks:
            masks[l][i, u] = 0.0
        return masks

    def cell(self, masks, kinks):
        """The smooth loss of some masks, as `constructions.critical` takes it."""
        return Piece(self.widths, self.X, self.Y, [self.block], masks, list(kinks), self.decay)


def problem_of(net, X, labels, weights, *, loss="mse", weight_decay=0.0):
    """The `Problem` of a network.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    labels : Labels
    weights : ndarray, shape (N,)
        Of the points in the loss.
    loss : {"mse", "class_weighted", "cross_entropy", "bce"}
    weight_decay : float
    """
    K = labels.targets.shape[1]
    origin, frame, size, columns = np.zeros(K), np.eye(K), 1.0, np.ones(X.shape[1])
    if not weight_decay:
        columns = np.array([_power_of_two(s) for s in np.sqrt(np.mean(X**2, axis=0))])
        if loss not in ENTROPIES:
            space = label_space(labels.targets)
            origin, frame = space.origin, space.float_frame()
            size = _power_of_two(np.sqrt(np.mean(((labels.targets - origin) @ frame) ** 2)))
    own = (labels.targets - origin) @ frame
    distinct, first, owner = np.unique(X + 0.0, axis=0, return_index=True, return_inverse=True)
    owner = owner.ravel()
    Y = (own / size)[labels.index]
    total = np.bincount(owner, weights, len(distinct))
    means = np.zeros((len(distinct), Y.shape[1]))
    np.add.at(means, owner, (weights / total[owner])[:, None] * Y)
    constant = 0.0  # cross-entropies are linear in the target
    if loss not in ENTROPIES:
        constant = float(weights @ ((Y - means[owner]) ** 2).sum(axis=1))
        off_space = labels.targets - origin - own @ frame.T
        constant += float(weights @ (off_space[labels.index] ** 2).sum(axis=1)) / size**2
    widths = (*net.widths[:-1], frame.shape[1])
    return Problem(
        widths,
        places_of(widths),
        distinct / columns,
        means,
        total,
        constant,
        first,
        columns,
        size,
        origin,
        frame,
        loss,
        block_of(loss, slice(0, len(distinct)), total, frame.shape[1]),
        float(weight_decay),
    )


def places_of(widths):
    """(slice of W_l, slice of b_l) in a vector of parameters, layer by layer."""
    return Cell(widths, None, None, None, None, None).places


def _power_of_two(value):
    """The power of two next to a number; 1 for 0."""
    return float(np.exp2(np.round(np.log2(value)))) if value > 0 else 1.0


def parameters_of(problem, net):
    """The parameters of a network in a problem, its outputs projected onto the labels' space."""
    W, b = net.weights[-1], net.biases[-1]
    frame = problem.frame / problem.size
    tensors = [*net.tensors[:-2], frame.T @ W, frame.T @ (b - problem.origin)]
    tensors[0] = tensors[0] * problem.columns
    return np.concatenate([t.ravel() for t in tensors])


def network_of(problem, net, theta):
    """The network of these parameters, with as many outputs as `net`."""
    tensors = list(problem.tensors(theta))
    frame = problem.frame * problem.size
    tensors[-2:] = [frame @ tensors[-2], frame @ tensors[-1] + problem.origin]
    tensors[0] = tensors[0] / problem.columns
    return net.rebuild(tensors)


def balanced(widths, theta, *, rounded=True):
    """Scale units so that what goes in and what goes out have equal norms; the function stays.

    Parameters
    ----------
    widths : tuple of int
    theta : ndarray, shape (P,)
    rounded : bool
        By powers of two, so that nothing is rounded and norms agree to a factor of two.

    Returns
    -------
    ndarray, shape (P,)
    """
    theta = theta.copy()
    sizes = zip(places_of(widths), widths, widths[1:], strict=False)
    tensors = [(theta[W].reshape(m, n), theta[b]) for (W, b), n, m in sizes]
    for _ in range(SWEEPS):
        still = True
        for (W, b), (V, _) in pairwise(tensors):
            into, out = np.sqrt((W**2).sum(axis=1) + b**2), np.linalg.norm(V, axis=0)
            alive = (into > 0) & (out > 0)
            log = np.log2(np.where(alive, out, 1) / np.where(alive, into, 1)) / 2
            factor = np.exp2(np.round(log) if rounded else log)
            still &= bool((np.abs(np.log2(factor)) < 1e-14).all())
            W *= factor[:, None]
            b *= factor
            V /= factor
        if still:
            break
    return theta


def without_idle_units(problem, theta):
    """Units that are never on put to zero, with all that leads to them and away: they cost decay.

    So do units that have nearly vanished, where the loss does not rise by that.
    """
    if not problem.decay:
        return theta
    theta, values = theta.copy(), problem.values(theta)
    tensors, loss = problem.tensors(theta), problem.loss(theta)
    for l in range(len(values) - 1):
        W, b, V = tensors[2 * l : 2 * l + 3]
        size = (W**2).sum(axis=1) + b**2 + (V**2).sum(axis=0)
        for u in np.flatnonzero(size > 0):
            is_idle = not (values[l][:, u] > 0).any()
            if is_idle or size[u] < SMALL * max(size.max(), SMALL):
                kept = W[u].copy(), b[u], V[:, u].copy()
                W[u], b[u], V[:, u] = 0, 0, 0
                after = problem.loss(theta)
                if after > loss * (1 + 1e-14):  # rounding
                    W[u], b[u], V[:, u] = kept
                else:
                    loss = after
    return theta


def evened(problem, theta):
    """Parameters whose units are balanced in the units of the network, and what they are times.

    Returns
    -------
    (ndarray, list of ndarray)
        Parameters, shape (P,), and what the pre-activations of each hidden layer are times, (d_l,).
    """
    scale = scale_of(problem)
    found = scale * balanced(problem.widths, balanced(problem.widths, theta / scale), rounded=False)
    factors, before = [np.ones(problem.widths[0])], problem.tensors(theta)
    after = problem.tensors(found)
    for l in range(0, len(before) - 2, 2):
        size = np.sqrt((before[l] ** 2).sum(axis=1) + before[l + 1] ** 2)
        now = np.sqrt(((after[l] * factors[-1]) ** 2).sum(axis=1) + after[l + 1] ** 2)
        factors.append(np.where(size > 0, now / np.where(size > 0, size, 1), 1.0))
    return found, factors[1:]


def scale_of(problem):
    """How fast parameters of the problem change with those of the network, shape (P,)."""
    scale = np.ones(problem.places[-1][1].stop)
    W, b = problem.places[-1]
    scale[W] = scale[b] = 1 / problem.size
    W, _ = problem.places[0]
    scale[W] *= np.tile(problem.columns, problem.widths[1])
    return scale
