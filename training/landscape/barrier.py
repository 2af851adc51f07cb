"""The largest loss on the way between networks, between proved bounds."""

import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from constructions.critical.balls import Balls
from constructions.proof.exact import EPS
from geomcore.arrays import as_positive
from geomcore.display.lines import listed
from geomcore.foreign.keywords import answers_keywords
from geomcore.parameters import unflatten
from training.landscape.arguments import as_line_problem, as_nodes
from training.landscape.exact_slice import slice_of
from training.landscape.models import largest, loss_models, segment_between, values_at

FIRST = 32  # pieces of a segment to begin with
FINEST = 2.0**-44  # half of the shortest piece
# Numbers in one coefficient of the models of a batch.
AT_A_TIME = 400_000
# Of the loss of the best constant: losses below are as good as none.
FLOOR = 1e-12


@dataclass(frozen=True)
class Barrier:
    """The largest loss on a path of straight segments; see `barrier`.

    Attributes
    ----------
    lower, upper : float
        Proved bounds of the largest loss on the path.
    t : float
        Where the loss is at least `lower`: between nodes k and k + 1 for t from k to k + 1.
    nodes : tuple of (float, float)
        Proved bounds of the loss at each network of the path, the two ends and those between.
    is_tight : bool
        Whether the bounds are as near to each other as was asked for.
    pieces : int
        How many pieces of the path were looked at.
    """

    lower: float
    upper: float
    t: float
    nodes: tuple
    is_tight: bool
    pieces: int

    def __repr__(self):
        return listed(self, {"lower": self.lower, "upper": self.upper, "t": self.t})

    def summary(self):
        """Lines for people."""
        ends = ", ".join(f"{high:.6g}" for _, high in self.nodes)
        way = (
            "the segment" if len(self.nodes) == 2 else f"the path of {len(self.nodes) - 1} segments"
        )
        lines = [
            f"largest loss on {way}: between {self.lower:.10g} and {self.upper:.10g} (proved)",
            f"  attained near t = {self.t:.6g}; loss at the nodes: at most {ends}",
        ]
        if not self.is_tight:
            lines.append("  the bounds are not as near to each other as was asked for")
        return "\n".join(lines)


@answers_keywords
def barrier(
    a, b, X, y, *, rtol=1e-6, via=(), loss="mse", weight_decay=0.0, targets=None, seconds=60.0
):
    r"""Enclose the largest loss on the segment between two networks, with proof.

    The loss barrier of mode connectivity, as a theorem: all networks :math:`(1 - t) a + t b`,
    :math:`0 \le t \le 1`, have a loss of at most `upper`, and one of them has at least `lower`.

    Parameters
    ----------
    a, b : ReLUNetwork
        Of the same widths. Units are compared as they are numbered: see `matched`.
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or targets.
    rtol : float
        Stop when upper <= (1 + rtol) lower.
    via : sequence of ReLUNetwork
        Networks between, in order: the path is then made of straight segments.
    loss : str
        "mse" or "class_weighted".
    weight_decay : float
        Half of it times the sum of the squares of all parameters is added.
    targets : array_like, optional
        What the networks are to put out for each label in sorted order.
    seconds : float
        After which no more is tried; the bounds hold whenever it ends.

    Returns
    -------
    Barrier

    Raises
    ------
    ValueError
        If shapes do not fit, a value is nan or inf, or the loss is another one.

    Notes
    -----
    Branch and bound on t: a piece is enclosed by a Taylor model in balls (midpoint and radius in
    floating point, rounding in the radius; `training.landscape.models`) and halved while it may
    hold a loss above the bound. Where the largest loss is nothing beside that of the best constant
    output (a part of 1e-12), no more is tried either.

    References
    ----------
    T. Garipov et al., "Loss surfaces, mode connectivity, and fast ensembling of DNNs", 2018;
    barriers there are the largest of some samples.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]], [[1.0]]], [[0.0], [0.0]])
    >>> other = ReLUNetwork([[[-1.0]], [[-1.0]]], [[0.0], [0.0]])
    >>> found = barrier(net, other, [[1.0]], [[1.0]])
    >>> found.lower <= 1 <= found.upper, found.is_tight
    (True, True)
    """
    nodes = as_nodes(a, b, via)
    X, labels, weights = as_line_problem(nodes[0], X, y, loss, weight_decay, targets)
    rtol = as_positive(rtol, "rtol")
    deadline = time.monotonic() + as_positive(seconds, "seconds")
    mean = labels.Y.mean(axis=0)
    floor = FLOOR * float(((labels.Y - mean) ** 2).sum(axis=1).mean())
    search = _Search(rtol, floor, deadline)
    ends = []
    for k, (p, q) in enumerate(pairwise(nodes)):
        enclosed = Balls(weights, 2 * EPS * weights)
        segment = segment_between(p, q, X, labels.Y, enclosed, weight_decay)
        along = unflatten(p, q.packed()[0] - p.packed()[0])
        line = slice_of(p, along, X, labels.Y, weights, (0.0, 1.0), weight_decay)
        # in floating point, as a good guess; what it is there is enclosed
        t = np.array([0.0, 1.0, line.maximum.t])
        at = values_at(loss_models(segment, t, np.zeros(3)), np.zeros(3))
        bounds = list(zip(np.maximum(at.lower, 0.0).tolist(), at.upper.tolist(), strict=True))[:2]
        ends += bounds if k == 0 else bounds[1:]
        search.see(k + t, at.lower)
        search.run(segment, k)
    return Barrier(
        lower=search.lower,
        upper=search.upper,
        t=search.t,
        nodes=tuple(ends),
        is_tight=search.is_done(search.upper),
        pieces=search.pieces,
    )


class _Search:
    """Branch and bound over the pieces of segments, one segment after another."""

    def __init__(self, rtol, floor, deadline):
        self.rtol, self.floor, self.deadline = rtol, floor, deadline
        self.lower, self.upper, self.t, self.pieces = 0.0, 0.0, 0.0, 0

    def is_done(self, upper):
        """Whether a bound is as near to what is attained as was asked for."""
        return upper <= max(self.lower * (1 + self.rtol), self.floor)

    def see(self, t, lower):
        """Take notice of losses that are attained."""
        best = int(np.argmax(lower))
        if lower[best] > self.lower:
            self.lower, self.t = float(lower[best]), float(t[best])

    def run(self, segment, number):
        widest = max(W.shape[0] for W, _ in segment.start)
        batch = max(1, AT_A_TIME // (len(segment.X) * widest))
        middle = (np.arange(FIRST) + 0.5) / FIRST
        half = np.full(FIRST, 0.5 / FIRST)
        while len(middle):
            upper = np.empty(len(middle))
            for i in range(0, len(middle), batch):
                part = slice(i, i + batch)
                model = loss_models(segment, middle[part], half[part])
                upper[part] = largest(model)
                for u in (-1.0, 0.0, 1.0):
                    at = values_at(model, np.full(len(middle[part]), u))
                    self.see(number + middle[part] + u * half[part], at.lower)
            self.pieces += len(middle)
            out_of_time = time.monotonic() > self.deadline
            ends = (
                np.array([self.is_done(value) for value in upper]) | (half <= FINEST) | out_of_time
            )
            if ends.any():
                self.upper = max(self.upper, float(upper[ends].max()))
            # what is below a bound that stands already cannot raise it
            go_on = ~ends & (upper > self.upper)
            middle, half = middle[go_on], half[go_on] / 2
            middle, half = np.concatenate([middle - half, middle + half]), np.tile(half, 2)
