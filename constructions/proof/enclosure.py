"""The exact network in ball arithmetic: its activation pattern, and bounds on its loss.

Every stored float is an exact number, so the stored network is an exact
function. It is followed here on three kinds of points:

*clean*: all units active so far. The pre-activation is exactly
W^(l) x + b^(l), and one floating-point product with an error bound decides its
sign, the cumulative parameters being enclosed in balls once.
*dead*: all units of some layer inactive. From there on all such points are one
point, followed in balls.
*mixed*: anything else, followed in balls one by one.
"""

from typing import NamedTuple

import numpy as np
from flint import arb, ctx

from constructions.proof.affine import (
    RoundedProduct,
    affine_of_balls,
    affine_of_points,
    lengths_above,
)
from constructions.proof.answers import Tally
from constructions.proof.exact import above, ball_matrix, below, precision

BLOCK = 4096
MOST_BITS = 8192
ROOM = 1e9  # digits of all numbers of a pass up to which it is run with nothing rounded
MOST_CLEAN = 100_000  # outputs up to which the points active everywhere are followed in balls


class Group(NamedTuple):
    """Points whose last hidden outputs are one and the same vector.

    Attributes
    ----------
    rows : ndarray of int
        The points.
    hidden : list of arb
        Their last hidden output.
    dead_layer : int
        The last hidden layer (1-based) all of whose units are inactive; 0 if none is.
    pattern : bytes
        For points never dead, 1 or 0 for each hidden unit, layer by layer: surely active or not.
    """

    rows: np.ndarray
    hidden: list
    dead_layer: int
    pattern: bytes = b""


class Enclosure(NamedTuple):
    """What ball arithmetic says of a network on data.

    Attributes
    ----------
    bits : int
        Precision at which everything was decided (or given up).
    undecided : int
        Pre-activations whose ball contains 0 without being 0.
    kinks : int
        Pre-activations that are exactly 0.
    margins : list of float
        Per hidden layer, a lower bound on the smallest |pre-activation|.
    groups : list of Group
        All points but those in `clean`.
    clean : ndarray of int
        Points with every unit active in every layer, unless they are few.
    plain, weighted : arb
        Balls around the mean over points of the squared error norm, and around the
        class-weighted loss.
    right : int
        Points whose output is nearest to the target of their own class, a tie going to the
        first class; 0 unless they were to be counted.
    unsure : int
        Points of which that is not known.
    """

    bits: int
    undecided: int
    kinks: int
    margins: list
    groups: list
    clean: np.ndarray
    plain: arb
    weighted: arb
    right: int
    unsure: int

    @property
    def loss_bound(self):
        """Upper bound of the mean over points of the squared error norm."""
        return self.bounds("mse")[0]

    @property
    def loss_floor(self):
        """Lower bound of the same."""
        return self.bounds("mse")[1]

    def bounds(self, loss_name="mse"):
        """Upper and lower bound of a loss, as floats."""
        ball = self.plain if loss_name == "mse" else self.weighted
        return (above(ball), max(below(ball), 0.0)) if ball.is_finite() else (np.inf, 0.0)


def enclose(net, X, labels, *, bits=None, most_bits=None, exact=False, count=False):
    """Follow the exact network on the data, at more and more bits until every sign is known.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray of float64, shape (N, d)
    labels : Labels
    bits, most_bits : int, optional
        First and last precision; doubled in between. The default of the first
        is 128, or more if the product of the layers' norms eats them up; by default of the
        second, what 8192 bits leave open is decided by so many that nothing is rounded, if there
        is room for them.
    exact : bool, optional
        Go on doubling until the balls of the loss have radius 0 but for the
        division by N (sums and products of floats are dyadic numbers, so
        enough bits hold them exactly).
    count : bool, optional
        Count the points that are right.

    Returns
    -------
    Enclosure
    """

    def run(bits):
        with precision(bits):
            return _Pass(net, X).run(labels, count)

    if exact:
        return run(_digits_of_loss(net, X, labels))
    if bits is None:
        # W / columns, so that a row's sum cannot overflow
        sizes = [(np.abs(W / W.shape[1]).sum(axis=1).max(), W.shape[1]) for W in net.weights]
        growth = sum(max(0.0, float(np.log2(s) + np.log2(n))) for s, n in sizes if s > 0)
        bits = 32 * max(4, int(np.ceil((64 + growth) / 32)))
    found = run(bits)
    while (found.undecided or found.unsure) and 2 * bits <= (most_bits or MOST_BITS):
        bits *= 2
        found = run(bits)
    if (found.undecided or found.unsure) and most_bits is None:
        bits = _digits_of_loss(net, X, labels)
        if len(X) * sum(net.widths) * bits <= ROOM:
            found = run(bits)
    return found


def _digits_of_loss(net, X, labels):
    """Binary digits that hold every number met on the way to the sum of squared errors."""
    low, high = _exponents(X)
    for W, b in zip(net.weights, net.biases, strict=True):
        weight, bias = _exponents(W), _exponents(b)
        low = min(low + weight[0], bias[0])
        high = max(high + weight[1] + W.shape[1].bit_length(), bias[1]) + 1
    target = _exponents(labels.targets)
    low, high = min(low, target[0]), max(high, target[1]) + 1
    return max(2 * (high - low) + (len(X) * labels.targets.shape[1]).bit_length() + 8, 64)


def _exponents(array):
    """(low, high) such that all entries are multiples of 2^low and less than 2^high."""
    exponents = np.frexp(array[array != 0])[1]
    if not exponents.size:
        return 0, 0
    return int(exponents.min()) - 53, int(exponents.max())


def point_key(x):
    """The same bytes for equal points, so also for 0 and -0."""
    return (x + 0.0).tobytes()


class _Pass:
    """One run at the current precision."""

    def __init__(self, net, X):
        self.net, self.X = net, X
        self.lengths = lengths_above(X)
        self.clean = np.arange(len(X))
        self.cumulative = None
        self.passed = b""  # the pattern of clean points so far
        self.groups = []
        self.undecided = self.kinks = 0
        self.margins = []

    def run(self, labels, count):
        layers = list(zip(self.net.weights, self.net.biases, strict=True))
        for number, (W, b) in enumerate(layers[:-1], start=1):
            W, b = ball_matrix(W), ball_matrix(b[:, None])
            self.margins.append(np.inf)
            groups = self._advance(W, b)
            self._extend(W, b)
            groups += self._leave_clean()
            self.groups = _merge_dead(groups, number)
        W, b = ball_matrix(layers[-1][0]), ball_matrix(layers[-1][1][:, None])
        self._name_few_clean(W.ncols())
        self._extend(W, b)
        tally = self._answers(W, b, Tally(labels, count=count))
        plain, weighted = tally.losses()
        return Enclosure(
            bits=ctx.prec,
            undecided=self.undecided,
            kinks=self.kinks,
            margins=self.margins,
            groups=self.groups,
            clean=self.clean,
            plain=plain,
            weighted=weighted,
            right=tally.right,
            unsure=tally.unsure,
        )

    def _extend(self, W, b):
        """Cumulative parameters of one more layer."""
        if self.cumulative is None:
            self.cumulative = W, b
        else:
            C, c = self.cumulative
            self.cumulative = W * C, W * c + b

    def _advance(self, W, b):
        """Move every group through a hidden layer."""
        groups = []
        for rows, outputs in zip(
            [g.rows for g in self.groups],
            affine_of_balls([g.hidden for g in self.groups], W, b),
            strict=True,
        ):
            groups.append((rows, *self._activate(outputs)))
        return [
            Group(rows, hidden, -1 if dead else old.dead_layer, old.pattern + _active(hidden))
            for (rows, hidden, dead), old in zip(groups, self.groups, strict=True)
        ]

    def _activate(self, outputs):
        """ReLU of a list of balls, and whether every unit is surely inactive."""
        hidden, dead = [], True
        for a in outputs:
            if a > 0:
                hidden.append(a)
                dead = False
                self._margin(below(a))
            elif a < 0:
                hidden.append(arb(0))
                self._margin(below(-a))
            elif a == 0:
                self.kinks += 1
                hidden.append(arb(0))
                self._margin(0.0)
            else:
                self.undecided += 1
                hidden.append((a + abs(a)) / 2)
                dead = False
                self._margin(0.0)
        return hidden, dead

    def _margin(self, value):
        self.margins[-1] = min(self.margins[-1], max(value, 0.0))

    def _leave_clean(self):
        """Decide the pre-activations of the clean points; those not all active leave."""
        C, c = self.cumulative
        product = RoundedProduct(C, c)
        stay, dead, groups = [], [], []
        for start in range(0, len(self.clean), BLOCK):
            rows = self.clean[start : start + BLOCK]
            value, error = product(self.X[rows], self.lengths[rows])
            size = np.abs(value)
            sure = (size > error).all(axis=1)
            active = (value > 0).sum(axis=1)
            whole, none = sure & (active == value.shape[1]), sure & (active == 0)
            decided = whole | none
            if decided.any():
                self._margin(float((size[decided] - error[decided]).min()))
            stay.append(rows[whole])
            dead.append(rows[none])
            rest = rows[~decided]
            for row, outputs in zip(rest, affine_of_points(self.X[rest], C, c), strict=True):
                hidden, is_dead = self._activate(outputs)
                if not is_dead and all(a > 0 for a in outputs):
                    stay.append(np.array([row]))
                else:
                    pattern = self.passed + _active(hidden)
                    groups.append(Group(np.array([row]), hidden, -1 if is_dead else 0, pattern))
        self.clean = np.sort(np.concatenate([np.empty(0, int), *stay]))
        dead = np.concatenate([np.empty(0, int), *dead])
        if len(dead):
            groups.append(Group(dead, [arb(0)] * C.nrows(), -1))
        self.passed += bytes([1]) * C.nrows()
        return groups

    def _name_few_clean(self, width):
        """Turn clean points into groups if they are so few that a last layer could fit them."""
        of_point = {}
        for row in self.clean:
            of_point.setdefault(point_key(self.X[row]), []).append(row)
            if len(of_point) > width + 1:
                return
        rows = [np.array(same) for same in of_point.values()]
        points = self.X[[same[0] for same in rows]]
        if self.cumulative is None:
            outputs = [[arb(v) for v in row] for row in points.tolist()]
        else:
            outputs = affine_of_points(points, *self.cumulative)
        for same, hidden in zip(rows, outputs, strict=True):
            self.groups.append(Group(same, hidden, 0, self.passed))
        self.clean = self.clean[:0]

    def _answers(self, W, b, tally):
        """Tell the tally what the last layer makes of all points."""
        outputs = affine_of_balls([g.hidden for g in self.groups], W, b)
        members = [g.rows for g in self.groups]
        if len(self.clean) * W.nrows() <= MOST_CLEAN:
            outputs += affine_of_points(self.X[self.clean], *self.cumulative)
            members += [np.array([i]) for i in self.clean]
        else:
            product = RoundedProduct(*self.cumulative)
            for start in range(0, len(self.clean), BLOCK):
                rows = self.clean[start : start + BLOCK]
                tally.add_floats(rows, *product(self.X[rows], self.lengths[rows]))
        tally.add_balls(members, outputs)
        for rows in tally.close:
            tally.decide(rows, affine_of_points(self.X[rows], *self.cumulative))
        return tally


def _active(hidden):
    return bytes(int(a > 0) for a in hidden)


def _merge_dead(groups, number):
    """One group for all points that are dead at this layer."""
    dead = [g for g in groups if g.dead_layer == -1]
    rest = [g for g in groups if g.dead_layer != -1]
    if dead:
        rows = np.sort(np.concatenate([g.rows for g in dead]))
        rest.append(Group(rows, dead[0].hidden, number))
    return rest
