"""An independent check of certificates of two-layer networks with weight decay.

It reads them as constructions/proof/checker.py does, and examines the bound of all widths by a
search of its own, in whole numbers. docs/checker.md walks through it.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cached_property
from itertools import combinations, product
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
from flint import fmpq

from constructions.proof.checker import CLAIMS as SQUARED
from constructions.proof.checker import LARGEST, Case, examine, fraction, norm, root

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import ArrayLike

# The sizes of the whole numbers of a vertex sum to 2^POWER; so many bits multipliers keep.
POWER, BITS = 160, 100
# Heights of points that are looked at, at most; for how many a cone counts beside its own ones.
WORK, EACH = 2**25, 100
WIDEST, MOST = 12, 2**22  # coordinates up to which there are cones; entries that norms take
COARSE = fmpq(1, 2**40)  # what may come of multipliers that were found in floating point
# Vertices V (D, D); of the undecided points the heights H (n, D) there, rows and multipliers; and
# the sum G (D, Q) of row times multiplier over the points that are on everywhere.
_Cone = namedtuple("_Cone", "V H rows L G")
_roots_above = np.frompyfunc(lambda n: isqrt(n - 1) + 1 if n > 0 else 0, 1, 1)
_bits = np.frompyfunc(lambda n: int(n).bit_length(), 1, 1)
_floors = np.frompyfunc(lambda q: int(q.floor()), 1, 1)


class TwoLayers(Case):
    """A certificate of one hidden layer, the mean squared error and weight decay."""

    def __init__(self, stated, *about):
        self.decay, self.work = fraction(stated["weight_decay"]), WORK
        super().__init__(stated, *about)

    def series(self, line=None, order=0, name=None):
        """As without decay, and half of the decay times the square of all parameters."""
        found = super().series(line, order, name)
        for V in line or self.layers:
            for j, k in np.ndindex(len(V), len(V)):
                if j + k <= order:
                    found[j + k] += self.decay / 2 * (V[j] * V[k]).sum()
        return found

    @cached_property
    def lower(self):
        """Whether the lower bound that is stated holds; None if the search does not tell."""
        return self.dual("lower_bound", fraction(self.stated["lower_bound"]))

    def dual(self, field, low):
        """Whether residuals of the network prove that no two-layer network is below a number."""
        if low <= 0 or low > self.loss():
            return low <= 0
        last, (W, b, V, c) = self.stages[-1], self.tensors
        with np.errstate(all="ignore"):
            floats = np.maximum(self.arrays["X"] @ W.T + b, 0) @ V.T + c - self.arrays["Y"]
        answers = [self.implied(last.values[0][last.owner] - self.Y, low)]
        if answers[0] is not True and np.isfinite(floats).all():  # verify has these
            answers.append(self.implied(_fractions(floats), low))
        holds = True if True in answers else False if False in answers else None
        if holds is False:
            self.why[field] = "the residuals of the network prove no bound as large as that"
        if holds is None:
            self.why[field] = "not examined: the search over cones ended before it was decided"
        return holds

    def implied(self, R, low):
        """Whether the dual bound along the residuals R is at least a positive number."""
        if not R.any():
            return False
        points, mine, largest = (
            self.stages[0].inputs[0] * fmpq(1),
            self.stages[0].owner,
            abs(R).max(),
        )
        q = np.array([max(int(v.q) for v in row) for row in points], dtype=object)
        rows = _floors(points * q[:, None])  # whole numbers, as q is a power of two
        fine = BITS + _bits(rows).max() + int(_bits(largest.q) - _bits(largest.p))
        whole = _floors(R * fmpq(2) ** fine / q[mine, None])
        L = whole * q[mine, None]  # these are the multipliers, whatever was rounded
        push = -(L * self.Y).sum()
        bend = fmpq(len(L), 4) * int((L * L).sum()) + (L.sum(axis=0) ** 2).sum() / (2 * self.decay)
        rest = push * push - 4 * bend * low  # push s - bend s^2 = low has the roots
        if push <= 0 or rest < 0:
            return None if abs(rest) < COARSE * push * push else False
        scale = 2 * low / (push + (rest and rest / root(rest)))  # not below the lesser root
        limit = self.decay / scale
        sums = np.zeros((len(rows), L.shape[1]), dtype=object)
        np.add.at(sums, mine, whole)
        used = sums.astype(bool).any(axis=1)
        if rows.shape[1] > WIDEST:
            return _by_norms(rows[used], sums[used], limit)
        sizes = abs(points).sum(axis=1)[mine].sum() * fmpq(2) ** fine
        sizes = sizes * (self.peaks[-1] + abs(self.goals).max(axis=0)).sum()
        high = limit + COARSE * (limit + sizes)
        limits = _floors(np.array([limit, high]) * 2**POWER)
        answer, self.work = search(rows[used], sums[used], *limits, self.work)
        return answer

    def lower_bound(self, stated):
        """No two-layer network has less, by the dual bound of the residuals."""
        return self.lower

    def gap(self, stated):
        """The loss less this is no more than a dual bound."""
        low = self.loss() - (self.loss() if stated == "inf" else fraction(stated))
        if low <= fraction(self.stated["lower_bound"]) and self.lower is not False:
            return self.lower or (low <= 0 or None)
        return self.dual("gap", low)

    def slack(self, stated):
        """The loss less the lower bound is no more, and it is at most rtol of the loss."""
        value, verdict = fraction(stated), self.stated["verdict"]
        if verdict != "global minimum":
            return value == 0 or (None if verdict == "local minimum" else False)
        low, rtol = fraction(self.stated["lower_bound"]), fraction(self.stated["rtol"])
        return self.lower if self.loss() - low <= value <= rtol * self.loss() else False

    def verdict(self, stated):
        """A global minimum has a slack; what else is, has a witness."""
        if self.stated["proved"] is not True or stated not in ("global minimum", "local minimum"):
            exact = stated == "saddle" and self.stated["critical"] is not None
            return None if exact else super().verdict(stated)
        return self.slack(self.stated["slack"]) if stated == "global minimum" else None


def _fractions(floats):
    """The array of fractions that an array of floats holds."""
    return np.frompyfunc(lambda v: fmpq(*float(v).as_integer_ratio()), 1, 1)(floats)


def _by_norms(rows, L, limit):
    """True if a bound of norms is within the limit: relu(z) = (z + |z|) / 2; else None."""
    if not len(rows) or rows.size * rows.shape[1] > MOST:
        return True if not len(rows) else None
    sizes = fmpq(2) ** _bits(abs(rows).max(axis=1))[:, None]  # of rows: for relu it is all one
    rows, L = rows / sizes, L * sizes
    return norm(L.T @ rows) + norm(L) * norm(rows) <= 2 * limit or None


def search(rows, L, limit, high, work=WORK):
    r"""Whether :math:`2^{POWER} |\sum_i L_i relu(rows_i . w)|` is within a limit for |w| <= 1.

    Parameters
    ----------
    rows, L : ndarray of int, shapes (n, D) and (n, Q)
    limit, high, work : int

    Returns
    -------
    True if it is, False if it is above `high` somewhere, None if neither is found; and what is
    left of the work.
    """
    D, Q = rows.shape[1], L.shape[1]
    for signs in product((1, -1), repeat=D):
        V = np.diag(np.array(signs, dtype=object)) * 2**POWER
        stack = [_Cone(V, rows @ V.T, rows, L, np.full((D, Q), 0, dtype=object))]
        while stack:
            cone = stack.pop()
            work -= EACH + cone.H.size
            cone = _decided(cone)
            if _exceeding(cone, limit).any():
                return (False if _exceeding(cone, high).any() else None), work
            if _is_within(cone, limit):
                continue
            parts = _bisected(cone)
            if work < 0 or parts is None:
                return None, work
            stack += parts
    return True, work


def _decided(cone):
    """The cone with the points that are on or off everywhere in it taken out."""
    on, off = (cone.H >= 0).all(axis=1), (cone.H <= 0).all(axis=1)
    left = ~(on | off)
    G = cone.G + cone.rows[on].T @ cone.L[on]
    return _Cone(cone.V, cone.H[left], cone.rows[left], cone.L[left], G)


def _exceeding(cone, limit):
    """Whether the function is above a limit at each vertex of a cone, and at its middle."""
    points = np.vstack([cone.V, cone.V.sum(axis=0)])
    heights = np.column_stack([cone.H, cone.H.sum(axis=1)])
    values = points @ cone.G + np.maximum(heights, 0).T @ cone.L
    squares, lengths = (values * values).sum(axis=1), (points * points).sum(axis=1)
    return squares * 4**POWER > (limit + 1) ** 2 * lengths


def _is_within(cone, limit):
    """Whether the function is proved to be within the limit on the unit vectors of a cone."""
    V, H, rows, L, G = cone
    alpha = H.sum(axis=1) > 0
    near = G + rows[alpha].T @ L[alpha]
    rest = np.maximum(np.where(alpha[:, None], -H, H), 0)  # relu(z) - alpha z, at the vertices
    e = _along(near.T @ V.sum(axis=0))
    square, pull, values = int(e @ e), L @ e, V @ near
    ahead, back = values @ e, np.maximum(-pull, 0) @ rest
    levels = np.maximum(ahead + np.maximum(pull, 0) @ rest, back - ahead)
    if len(e) > 1:  # all times |e|
        across = _roots_above((L * L).sum(axis=1) * square - pull**2) @ rest
        across = across + _roots_above((values * values).sum(axis=1) * square - ahead**2)
        levels = _roots_above(levels**2 + across**2)
    most = isqrt(limit * limit * square)
    return _reach(near @ e, V, levels) <= most or _reach(_hint(V, levels), V, levels) <= most


def _reach(M, V, levels):
    """A bound of sum_k t_k levels_k over all t >= 0 with |sum_k t_k V_k| <= 1, with any M."""
    excess = max(0, *(levels - V @ M))
    return _roots_above(M @ M) * 2**POWER + _roots_above(len(M) * excess * excess)


def _along(g):
    """A vector of whole numbers, about 2^40 long, near the direction of one; 1 or -1 of one."""
    if len(g) == 1:
        return np.array([1 if g[0] >= 0 else -1], dtype=object)
    f = (g >> max(_bits(g).max() - 60, 0)).astype(float)
    e = np.rint(f * (2.0**40 / (np.linalg.norm(f) or 1.0)))
    return np.array([int(v) for v in e] if e.any() else [1] + [0] * (len(g) - 1), dtype=object)


def _hint(V, levels):
    """Whole numbers near the shortest M with V M >= levels, as floats find it."""
    shift, left = max(_bits(levels).max() - 60, 0), list(range(len(V)))
    v, f = (V >> POWER - 60).astype(float) / 2.0**60, (levels >> shift).astype(float)
    while True:  # those rows are equations that keep M from being shorter
        inverse = np.linalg.pinv(v[left])
        M = inverse @ f[left]
        forces = inverse.T @ M
        if forces.min() >= 0:  # of one row it is, as levels are not negative
            break
        del left[forces.argmin()]
    whole, by = np.array([int(m * 2.0**60) for m in M], dtype=object), shift - POWER - 60
    return whole * 2**by if by >= 0 else whole // 2**-by


def _bisected(cone):
    """Both halves of a cone; None if the middle of the edge is no vector of whole numbers."""
    V, H, size = cone.V, cone.H, abs(cone.L).sum(axis=1)
    edges = list(combinations(range(len(V)), 2))
    lengths = [((V[a] - V[b]) ** 2).sum() for a, b in edges]

    def cost(a, b):  # of the points that change sign along the edge
        turns = (H[:, a] > 0) != (H[:, b] > 0)
        return (size * np.minimum(abs(H[:, a]), abs(H[:, b])))[turns].sum()

    long = [(cost(*e), l, e) for e, l in zip(edges, lengths, strict=True) if 16 * l >= max(lengths)]
    a, b = max(long)[2]
    middle, heights = V[a] + V[b], (H[:, a] + H[:, b]) // 2
    if (middle % 2).any():
        return None
    halves = []
    for gone in (a, b):
        V, H = cone.V.copy(), cone.H.copy()
        V[gone], H[:, gone] = middle // 2, heights
        halves.append(cone._replace(V=V, H=H))
    return halves


METHODS = ("lower_bound", "gap", "slack", "verdict")
# Each field of the format, with what has to hold of it; None: it is not examined.
CLAIMS = {
    **SQUARED,
    "loss_name": lambda c, v: v == "mse",
    "weight_decay": lambda c, v: 0 < fraction(v) <= int(LARGEST),
    "subset": lambda c, v: v is None or sorted(c.named) == sorted(c.names),
    **{key: getattr(TwoLayers, key) for key in METHODS},
    **dict.fromkeys(("distance", "radius", "basin", "descent")),
}


def check_certificate(
    certificate: dict[str, Any],
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    X: ArrayLike,
    targets: ArrayLike,
    classes: ArrayLike,
) -> list[Any]:
    """Check what a certificate says of a network on data, field by field, without `verify`.

    Parameters
    ----------
    certificate : dict
        As JSON gives it; nothing in it is trusted.
    weights, biases : list or tuple of array_like, shapes (m, n) and (m,)
    X : array_like, shape (N, d)
    targets : array_like, shape (Q, k)
        The target of each class.
    classes : array_like of int, shape (N,)
        The class of each point.

    Returns
    -------
    list of Finding
        One for each field: its name, whether it holds (None: it was not examined), and a detail.

    Raises
    ------
    ValueError
        If the arguments do not fit together; nothing that the certificate holds raises.

    See Also
    --------
    recheck : finds everything anew with `verify`.

    Notes
    -----
    In exact arithmetic, and with no code of `verify` (docs/checker.md). Of losses other than the
    squared errors nothing is examined, nor with weight decay unless the network has one hidden
    layer and the loss is the mean squared error.

    Examples
    --------
    >>> import json
    >>> from constructions import verify
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> stated = json.loads(verify(net, [[0.0], [1.0]], [[0.0], [1.0]]).to_json())
    >>> found = check_certificate(
    ...     stated, net.weights, net.biases, [[0.0], [1.0]], [[0.0], [1.0]], [0, 1]
    ... )
    >>> {finding.field for finding in found if finding.holds is False}
    set()
    """
    return examine(certificate, weights, biases, X, targets, classes, (TwoLayers, CLAIMS))
