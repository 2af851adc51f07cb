"""How far a two-layer network is from the best one of any width, with proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from flint import arb

from constructions.penalised.objective import loss_ball
from constructions.proof.exact import above, ball_matrix, below, precision
from constructions.two_layer.best_neuron import BestNeuron, best_neuron
from constructions.two_layer.dual import BITS, OTHER_LOSSES, balanced_multipliers, dual_bound
from constructions.two_layer.generation.scaling import OUTPUT_BIASES
from constructions.two_layer.last_layer import best_last_layer
from geomcore.arrays import (
    as_array,
    as_labels,
    as_points,
    as_positive,
    check_network,
    check_outputs,
    freeze,
)
from geomcore.display.lines import listed
from geomcore.foreign.choices import as_choice, as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import ReLUNetwork
from geomcore.typing import Array, ArrayLike

if TYPE_CHECKING:
    from constructions.typing import OutputBias

ADDED = 32  # neurons that are tried together where the best one improves the network


@dataclass(frozen=True)
class TwoLayerBound:
    """What is proved of a two-layer network and of all others; see `two_layer_bound`.

    Attributes
    ----------
    lower_bound : float
        Proved: no network of any width has a loss below this.
    loss : float
        Proved: the loss of the network is at most this,
    loss_floor : float
        and at least this.
    gap : float
        How far the network is at most from the best one: loss - lower_bound, rounded up.
    multipliers : ndarray, shape (N, Q)
        A direction of multipliers, of column sums that are exactly 0 if the output bias is free.
    scale : float
        Times them, the multipliers that prove the bound.
    oracle : BestNeuron
        Of the multipliers, not scaled.
    neuron : tuple of (ndarray, float, ndarray), shapes (d,) and (Q,), or None
        Weights (d,), bias and output weights (Q,) of a new unit that lowers the loss of
        `network`; None if no unit is found that does. With an output bias that is free it does so
        together with the best output bias for the new residuals, and need not alone: `improved`
        moves both.
    network : ReLUNetwork
        The network whose residuals the multipliers are: with units balanced and the best last
        layer, or as it was given.
    improved : ReLUNetwork or None
        A network that is proved to be better than the one given, by these means and new units.
    improved_loss : float or None
        Proved: its loss is at most this.
    weight_decay : float
    output_bias : str
    """

    lower_bound: float
    loss: float
    loss_floor: float
    gap: float
    multipliers: Array
    scale: float
    oracle: BestNeuron
    neuron: tuple[Array, float, Array] | None
    network: ReLUNetwork
    improved: ReLUNetwork | None
    improved_loss: float | None
    weight_decay: float
    output_bias: str

    def __repr__(self):
        shown = ("lower_bound", "loss", "gap", "improved_loss", "weight_decay")
        return listed(self, {name: getattr(self, name) for name in shown})

    @property
    def relative_gap(self) -> float:
        """The gap as a part of the loss, 0 if both are 0."""
        return self.gap / self.loss if self.gap else 0.0

    def summary(self) -> str:
        """Lines for people."""
        lines = [
            f"loss at most {self.loss:.8g}, and no two-layer network of any width",
            f"  has less than {self.lower_bound:.8g} (both proved)",
            f"  gap {self.gap:.3g}, a part of {self.relative_gap:.2g} of the loss; weight decay "
            f"{self.weight_decay:g}",
        ]
        if self.improved is not None:
            lines.append(
                f"  not the best: another one has at most {self.improved_loss:.8g} (proved)"
            )
        if self.neuron is not None:
            lines.append("  a new unit lowers the loss, see `neuron`")
        if not self.oracle.finished:
            lines.append("  the search for it was stopped; with more the gap may shrink")
        return "\n".join(lines)


@answers_keywords
def two_layer_bound(
    net: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    weight_decay: float,
    loss: Literal["mse"] = "mse",
    targets: ArrayLike | None = None,
    fit_last: bool = True,
    bias: bool = True,
    output_bias: OutputBias = "free",
    multipliers: ArrayLike | None = None,
    rtol: float = 1e-4,
    nodes: int = 2_000_000,
    seconds: float | None = None,
) -> TwoLayerBound:
    r"""Bound the loss of every two-layer ReLU network from below, with a network's own residuals.

    .. math:: C = \frac1N \sum_i |f(x_i) - y_i|^2
        + \frac{\omega}{2} \sum_j \left( |w_j|^2 + b_j^2 + |v_j|^2 \right), \qquad
        f(x) = c + \sum_j v_j \sigma(w_j \cdot x + b_j)

    Parameters
    ----------
    net : ReLUNetwork
        With one hidden layer.
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, Q)
        Labels (one-hot targets in sorted order of the labels), or targets.
    weight_decay : float
        :math:`\omega`, positive. Without it, the infimum is 0 for distinct points.
    loss : {"mse"}, optional
    targets : array_like, shape (classes, Q), optional
        Target of each label in sorted order.
    fit_last : bool, optional
        Take the residuals of the network with its units balanced, :math:`|w_j| = |v_j|`, and its
        last layer the best one for the directions of the units; or those of the network as it is.
    bias : bool, optional
        Whether units may have a bias; if not, those of `net` must be 0.
    output_bias : {"free", "penalised", "none"}, optional
        Whether the output bias c is free of decay, has it like all other parameters, as in
        `verify`, or is 0.
    multipliers : array_like, shape (N, Q), optional
        To take in place of residuals, up to a positive factor; their column means are removed if
        the output bias is free.
    rtol, nodes, seconds : optional
        For the search for the best unit, see `best_neuron`. The bound holds whenever it stops.

    Returns
    -------
    TwoLayerBound

    Raises
    ------
    ValueError
        If the network has another depth, shapes do not fit, or a value is nan or inf.

    Notes
    -----
    The multipliers are :math:`\Lambda = \frac2N (F - Y)`, F the outputs. With :math:`m(\Lambda)`
    the largest value of `best_neuron`, and any s with :math:`s\, m(\Lambda) \le \omega`,

    .. math:: C \ge -s \langle\Lambda, Y\rangle - s^2 \frac N4 |\Lambda|^2

    for every network of every width [1]_ [2]_. At a global minimum s = 1, and equality holds. If
    :math:`m(\Lambda) > \omega`, the neuron that attains it lowers the loss, with the output bias
    that is best then if that is free. The numbers of the bound are computed in ball arithmetic, and
    the search adds its rounding; where is in docs/two-layer.md. Hidden biases free of decay have no
    such bound: the best neuron then lies in no ball.

    References
    ----------
    .. [1] M. Pilanci and T. Ergen, "Neural Networks are Convex Regularizers: Exact Polynomial-time
       Convex Optimization Formulations for Two-layer Networks", arXiv:2002.10553, Theorem 1.
    .. [2] A. Sahiner, T. Ergen, J. Pauly, M. Pilanci, "Vector-output ReLU Neural Network Problems
       are Copositive Programs", arXiv:2012.13329, section 3.

    Examples
    --------
    One unit that fits one point of two, with more weight than it is worth:

    >>> net = ReLUNetwork([[[2.0]], [[1.0]]], [[-1.0], [0.0]])
    >>> found = two_layer_bound(net, [[0.0], [1.0]], [[0.0], [1.0]], weight_decay=0.01)
    >>> print(f"{found.lower_bound:.4f} {found.improved_loss:.4f} {found.loss:.4f}")
    0.0099 0.0099 0.0300
    """
    check_network(net, ReLUNetwork)
    if len(net.weights) != 2:
        raise ValueError(f"net must have one hidden layer, got {len(net.weights) - 1}")
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    labels = as_labels(y, len(X), targets=targets)
    check_outputs(net, labels, y, targets)
    as_choice(loss, ("mse",), "loss", OTHER_LOSSES)
    output_bias = as_choice(output_bias, OUTPUT_BIASES, "output_bias")
    problem = _Problem(
        X, labels.Y, as_positive(weight_decay, "weight_decay"), as_flag(bias, "bias"), output_bias
    )
    _check_biases(net, problem)
    base = problem.refitted(net) if as_flag(fit_last, "fit_last") else net
    if multipliers is None:
        R = problem.residuals(base)
    else:
        R = as_array(multipliers, "multipliers", 2)
        if R.shape != labels.Y.shape:
            raise ValueError(f"multipliers must have shape {labels.Y.shape}, got shape {R.shape}")
    L = balanced_multipliers(R, output_bias == "free")
    found = best_neuron(X, L, rtol=rtol, nodes=nodes, seconds=seconds, bias=problem.bias)
    return _judged(net, base, problem, L, found)


def _check_biases(net, problem):
    """Raise if a bias that is to be 0 is not."""
    for name, b, is_there in (
        ("bias", net.biases[0], problem.bias),
        ("output_bias", net.biases[1], problem.output_bias != "none"),
    ):
        if not is_there and b.any():
            where = "hidden" if name == "bias" else "output"
            raise ValueError(
                f"net must have {where} biases of 0 if {name} is {getattr(problem, name)!r}, got "
                f"{b[np.flatnonzero(b)[0]]:g}"
            )


@dataclass(frozen=True)
class _Problem:
    """Data and conventions."""

    X: np.ndarray
    Y: np.ndarray
    decay: float
    bias: bool
    output_bias: str

    @property
    def rows(self):
        return np.column_stack([self.X, np.ones(len(self.X))]) if self.bias else self.X

    @np.errstate(over="ignore", invalid="ignore")
    def residuals(self, net):
        """Outputs less targets; where they overflow, those of the best constant."""
        R = net(self.X) - self.Y
        if np.isfinite(R).all():
            return R
        return (self.Y.mean(axis=0) if self.output_bias == "free" else 0.0) - self.Y

    def directions(self, net):
        """Unit vectors (m, D) of the hidden units, those of length 0 left out."""
        W = np.column_stack([net.weights[0], net.biases[0]]) if self.bias else net.weights[0]
        size = np.abs(W).max(axis=1, initial=0.0)
        W = W[size > 0] / size[size > 0, None]
        return W / np.linalg.norm(W, axis=1, keepdims=True)

    def network(self, W, V, c):
        """The network of unit neurons W (m, D), V (m, Q), balanced; at least one unit."""
        size = np.linalg.norm(V, axis=1)
        some = size > 0
        if not some.any():
            W, V, some, size = np.zeros((1, self.rows.shape[1])), np.zeros((1, len(c))), [0], [1.0]
        root = np.sqrt(np.asarray(size)[some])[:, None]
        W, V = W[some] * root, V[some] / root
        hidden = W[:, : self.X.shape[1]]
        b = W[:, -1] if self.bias else np.zeros(len(W))
        return ReLUNetwork([hidden, V.T], [b, c])

    def refitted(self, net):
        """The network with its best last layer, balanced; as it is where that cannot be had."""
        return self.fitted(self.directions(net)) or net

    def fitted(self, W):
        """The balanced network of unit neurons W with their best last layer, or None."""
        with np.errstate(over="ignore", invalid="ignore"):
            found = best_last_layer(self.rows, W, self.Y, self.decay, self.output_bias)
        if found is None or not all(np.isfinite(part).all() for part in found):
            return None
        return self.network(W, *found)

    def loss(self, net):
        """A ball around the loss of a network."""
        N = len(self.X)
        with precision(BITS):
            total = loss_ball(net, self.X, self.Y, [arb(1) / N] * N, "mse")
            for k, tensor in enumerate(net.tensors):
                if k < 3 or self.output_bias == "penalised":
                    M = ball_matrix(tensor.reshape(1, -1))
                    total += (M * M.transpose()).entries()[0] * self.decay / 2
        return total

    def bounds(self, net):
        """Upper and lower bound of the loss of a network, as floats."""
        ball = self.loss(net)
        return (above(ball), max(below(ball), 0.0)) if ball.is_finite() else (np.inf, 0.0)

    @np.errstate(over="ignore", invalid="ignore")
    def with_neuron(self, net, w):
        """A network with one more unit along the unit vector w, as strong as is best, or None.

        With the residuals R of the network, centred if the bias is free, and the outputs h of the
        unit, centred as well, the loss changes by t (omega - |g|) + t^2 |h|^2 / N along the output
        weights -t g / |g|, g = (2/N) R'h.
        """
        h, R = np.maximum(self.rows @ w, 0), self.residuals(net)
        c = net.biases[1]
        shift, level = np.zeros_like(c), 0.0
        if self.output_bias == "free":
            shift, level = R.mean(axis=0), h.mean()
        g = 2 / len(R) * ((R - shift).T @ (h - level))
        size, square = np.linalg.norm(g), (h - level) @ (h - level) / len(R)
        if not (size > self.decay and np.isfinite(size) and square > 0):
            return None, None
        t = (size - self.decay) / (2 * square)
        if not np.isfinite(t):
            return None, None
        v, w = -np.sqrt(t) * g / size, np.sqrt(t) * w
        b = w[-1] if self.bias else 0.0
        w = w[: self.X.shape[1]]
        grown = ReLUNetwork(
            [np.vstack([net.weights[0], w]), np.column_stack([net.weights[1], v])],
            [np.append(net.biases[0], b), c - shift - level * np.sqrt(t) * v],
        )
        return (w, float(b), v), grown


def _judged(net, base, problem, L, oracle):
    """Put together what `two_layer_bound` returns."""
    penalised = problem.output_bias == "penalised"
    scale, lower = dual_bound(L, problem.Y, problem.decay, oracle.bound, penalised=penalised)
    loss, floor = problem.bounds(net)
    neuron, grown = problem.with_neuron(base, oracle.direction)
    tried = [base]
    if neuron is not None:
        W = np.vstack([problem.directions(base), oracle.candidates[:ADDED]])
        tried += [grown, problem.fitted(W)]
        if not problem.bounds(grown)[0] < problem.bounds(base)[1]:
            neuron = None
    found = [(problem.bounds(other)[0], other) for other in tried if other is not None]
    improved_loss, improved = min(found, key=lambda pair: pair[0])
    if not improved_loss < floor:
        improved_loss, improved = None, None
    with precision(BITS):
        gap = above(arb(loss) - arb(lower)) if np.isfinite(loss) else np.inf
    return TwoLayerBound(
        lower_bound=lower,
        loss=loss,
        loss_floor=floor,
        gap=max(gap, 0.0),
        multipliers=freeze(L),
        scale=scale,
        oracle=oracle,
        neuron=neuron,
        network=base,
        improved=improved,
        improved_loss=improved_loss,
        weight_decay=problem.decay,
        output_bias=problem.output_bias,
    )
