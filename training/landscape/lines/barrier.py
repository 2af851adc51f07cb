"""The largest loss on the way between networks, between proved bounds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from constructions.critical.balls import Balls
from constructions.proof.exact import EPS
from geomcore.arrays import as_positive
from geomcore.display.lines import listed
from geomcore.foreign.choices import as_choice
from geomcore.foreign.keywords import answers_keywords
from geomcore.parameters import unflatten
from geomcore.typing import ArrayLike
from training.descent.losses import CrossEntropy, SquaredError
from training.landscape.arguments import as_nodes
from training.landscape.lines.costs import COSTS, missing
from training.landscape.lines.exact_slice import slice_of
from training.landscape.lines.models import largest, loss_models, segment_between, values_at
from training.landscape.lines.vanishing import is_zero_between
from training.landscape.sampled import Sampled

if TYPE_CHECKING:
    from constructions.typing import SquaredName
    from geomcore.network import ReLUNetwork

FIRST = 32  # pieces of a segment to begin with
FINEST = 2.0**-44  # half of the shortest piece
# Numbers in one coefficient of the models of a batch.
AT_A_TIME = 400_000
# Of the loss of the best constant: losses below are as good as none.
FLOOR = 1e-12
MOST_PIECES = 300_000  # of a segment
# Places on a segment among which the largest loss is guessed, and points times units up to which
# an exact slice finds that of a squared error.
PLACES, GUESSED = 257, 300_000


@dataclass(frozen=True)
class Barrier:
    """The largest loss on a path of straight segments; see `barrier`.

    Attributes
    ----------
    lower, upper : float
        Proved bounds of the largest loss on the path.
    segment : int
        The straight part of the path, from 0, on which the loss is at least `lower`, and
    t : float
        where on it, from 0 to 1.
    nodes : tuple of (float, float)
        Proved bounds of the loss at each network of the path, the two ends and those between.
    is_tight : bool
        Whether the bounds are as near to each other as was asked for, or the upper one is nothing
        (1e-12) beside the loss of the best constant output.
    pieces : int
        How many pieces of the path were looked at.
    """

    lower: float
    upper: float
    segment: int
    t: float
    nodes: tuple[tuple[float, float], ...]
    is_tight: bool
    pieces: int

    def __repr__(self):
        where = {"segment": self.segment} if len(self.nodes) > 2 else {}
        return listed(self, {"lower": self.lower, "upper": self.upper, **where, "t": self.t})

    def summary(self) -> str:
        """Lines for people."""
        ends = ", ".join(f"{high:.6g}" for _, high in self.nodes)
        way = (
            "the segment" if len(self.nodes) == 2 else f"the path of {len(self.nodes) - 1} segments"
        )
        lines = [
            f"largest loss on {way}: between {self.lower:.10g} and {self.upper:.10g} (proved)",
            f"  attained near t = {self.t:.6g}"
            + (f" of segment {self.segment}" if len(self.nodes) > 2 else "")
            + f"; loss at the nodes: at most {ends}",
        ]
        if not self.is_tight:
            lines.append("  the bounds are not as near to each other as was asked for")
        return "\n".join(lines)


@answers_keywords
def barrier(
    a: ReLUNetwork,
    b: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    rtol: float = 1e-6,
    via: Sequence[ReLUNetwork] = (),
    loss: SquaredName = "mse",
    weight_decay: float = 0.0,
    targets: ArrayLike | None = None,
    seconds: float = 60.0,
) -> Barrier:
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
        "mse", "class_weighted", "cross_entropy" or "bce".
    weight_decay : float
        Half of it times the sum of the squares of all parameters is added.
    targets : array_like, shape (Q, k), optional
        What the networks are to put out for each label in sorted order.
    seconds : float
        After which no more is tried, the same for each segment; the bounds hold whenever it ends.

    Returns
    -------
    Barrier

    Raises
    ------
    ValueError
        If shapes or targets do not fit, a value is nan or inf, or the loss is another one.

    Notes
    -----
    Branch and bound on t: a piece is enclosed by a Taylor model in balls (midpoint and radius in
    floating point, rounding in the radius, see `training.landscape.lines.models`) and halved while
    it may hold a loss above the bound. That it is exactly zero all along is proved where only the
    last layers differ, if anything (`training.landscape.lines.vanishing`). Where the largest loss
    is nothing beside that of the best constant output (a part of 1e-12), no more is tried either;
    nor where it overflows at an end of a segment: `upper` is inf then.

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
    problem = Sampled(a, X, y, as_choice(loss, COSTS, "loss"), weight_decay, targets, name="a")
    rtol = as_positive(rtol, "rtol")
    start, share = time.monotonic(), as_positive(seconds, "seconds") / (len(nodes) - 1)
    weights = Balls(problem.weights, 2 * EPS * problem.weights)
    least = _least(problem)
    search = _Search(rtol, _floor(problem), start, least)
    ends = []
    for k, (p, q) in enumerate(pairwise(nodes)):
        # a segment of which nothing is known leaves the whole path without a bound
        search.deadline += share
        if is_zero_between(p, q, problem):
            ends += [(0.0, 0.0)] * (2 if k == 0 else 1)
            continue
        data = problem.X, problem.labels.Y, weights, problem.decay
        segment = segment_between(p, q, *data, COSTS[loss])
        t = np.array([0.0, 1.0, _peak(p, q, problem)])
        at = values_at(loss_models(segment, t, np.zeros(3)), np.zeros(3))
        bounds = list(zip(np.maximum(at.lower, least).tolist(), at.upper.tolist(), strict=True))[:2]
        ends += bounds if k == 0 else bounds[1:]
        search.see(k, t, at.lower)
        if np.isfinite(at.upper).all():
            search.run(segment, k)
        else:  # of a piece around a point at which nothing bounds the loss nothing is known, either
            search.upper = np.inf
    return Barrier(
        lower=search.lower,
        upper=search.upper,
        segment=search.segment,
        t=search.t,
        nodes=tuple(ends),
        is_tight=search.is_done(search.upper),
        pieces=search.pieces,
    )


def _floor(problem):
    """A loss that is nothing beside that of the best constant output."""
    with np.errstate(over="ignore", invalid="ignore"):
        floor = FLOOR * float(problem.loss.constant_loss(problem.labels.Y, problem.weights))
    return floor if np.isfinite(floor) else 0.0


def _least(problem):
    """What no loss is below: 0, or nothing where targets do not sum to 1 exactly."""
    is_softmax = isinstance(problem.loss, CrossEntropy)
    return -np.inf if is_softmax and missing(problem.labels.Y).any() else 0.0


def _peak(p, q, problem):
    """Where the loss is largest on a segment, in floating point: a good guess."""
    start, end = p.packed()[0], q.packed()[0]
    if not isinstance(problem.loss, SquaredError):
        t = np.linspace(0.0, 1.0, PLACES)
        return float(t[np.argmax(problem.losses((1 - t)[:, None] * start + t[:, None] * end))])
    if len(problem.X) * sum(p.widths) > GUESSED:
        return 0.5
    with np.errstate(all="ignore"):
        data = problem.X, problem.labels.Y, problem.weights
        line = slice_of(p, unflatten(p, end - start), *data, (0.0, 1.0), problem.decay)
        t = line.maximum.t
    return t if np.isfinite(t) else 0.5


class _Search:
    """Branch and bound over the pieces of segments, one segment after another."""

    def __init__(self, rtol, floor, deadline, least=0.0):
        self.rtol, self.deadline = rtol, deadline
        # a loss that may be negative is not nothing because it is small
        self.floor = floor if least == 0 else -np.inf
        self.lower, self.upper, self.segment, self.t, self.pieces = least, least, 0, 0.0, 0

    def is_done(self, upper):
        """Whether a bound is as near to what is attained as was asked for."""
        return upper < np.inf and upper <= max(self.lower + self.rtol * abs(self.lower), self.floor)

    def see(self, segment, t, lower):
        """Take notice of losses that are attained."""
        best = int(np.argmax(lower))
        if lower[best] > self.lower:
            self.lower, self.segment, self.t = float(lower[best]), segment, float(t[best])

    def run(self, segment, number):
        widest = max(W.shape[0] for W, _ in segment.start)
        batch = max(1, AT_A_TIME // (len(segment.X) * widest))
        middle = (np.arange(FIRST) + 0.5) / FIRST
        half = np.full(FIRST, 0.5 / FIRST)
        upper = np.full(FIRST, np.inf)
        most = self.pieces + MOST_PIECES
        while len(middle):
            # what there is no time for is bounded as the piece of which it is a half
            out_of_time = time.monotonic() > self.deadline or self.pieces > most
            for i in range(0, 0 if out_of_time else len(middle), batch):
                part = slice(i, i + batch)
                model = loss_models(segment, middle[part], half[part])
                # a model that bounds nothing leaves what is known
                upper[part] = np.fmin(upper[part], largest(model))
                self.pieces += len(middle[part])
                for u in (-1.0, 0.0, 1.0):
                    at = values_at(model, np.full(len(middle[part]), u))
                    self.see(number, middle[part] + u * half[part], at.lower)
                if time.monotonic() > self.deadline:
                    out_of_time = True
                    break
            ends = np.array([self.is_done(value) for value in upper]) | (half <= FINEST)
            ends |= out_of_time
            if ends.any():
                self.upper = max(self.upper, float(upper[ends].max()))
            # what is below a bound that stands already cannot raise it
            go_on = ~ends & (upper > self.upper)
            middle, half, upper = middle[go_on], half[go_on] / 2, np.tile(upper[go_on], 2)
            middle, half = np.concatenate([middle - half, middle + half]), np.tile(half, 2)
