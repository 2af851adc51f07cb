r"""Which sets of classes are sequentially separable: all subsets at once, from few programs.

A set S of classes is *sequentially separable* if its classes can be put in an order in which a
hyperplane separates each one from all that come after it. Write (q | R) for "a hyperplane strictly
separates the points of class q from those of the classes R". Then

1. (q | R) implies (q | R') for all R' within R: the same hyperplane does it, with no less margin;
2. so if (q | R) fails, then so does (q | R'') for all R'' that contain R. A common point of the
   hulls is a convex combination of points of some classes N of R only: (q | N) fails already;
3. with two classes, (a | b) holds exactly if (b | a) does;
4. subsets of a sequentially separable set are so, in the same order without the others, by 1.

What is not known is asked of `constructions.separate`, which proves what it says in exact
arithmetic. To learn most of it, (q | R) is asked for the largest set M that contains R and no N
that is known to fail: if it holds, all of its subsets are known; if not, there is a new N, and M
loses a class that is in N and not in R. If N lies in R the answer is no; M ends as R.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from constructions import separate
from geomcore.display.lines import told_in_brief

RTOL = 1e-3  # of margins
FIRST = (0, 1, 6, 4)  # the order of the claim
LARGEST = 4  # classes of a subset in the table


@told_in_brief
class Fact(NamedTuple):
    """Whether a class can be separated from others.

    Attributes
    ----------
    separable : bool or None
        None where double precision leaves it open.
    margin : float
        There is a hyperplane with this margin at least; 0 if there is none.
    """

    separable: bool | None
    margin: float


NO, OPEN = Fact(False, 0.0), Fact(None, 0.0)


class Facts:
    """What is known of (q | R), and what is asked when it is not.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    y : ndarray of int, shape (N,)
    progress : callable, optional
        Called with a text before each program.
    """

    def __init__(self, X, y, *, progress=None):
        self.X, self.y = X, y
        self.classes = np.unique(y).tolist()
        self.programs = 0
        self._progress = progress
        self._holds = {q: [] for q in self.classes}
        self._fails = {q: [] for q in self.classes}
        self._open = set()

    def __call__(self, q, others):
        """The `Fact` on (q | others); ValueError if q is among the others, or there are none."""
        wanted = frozenset(others)
        if not wanted or q in wanted or not {q, *wanted} <= {*self.classes}:
            raise ValueError(
                f"others must be classes of {self.classes} without {q}, got {sorted(wanted)}"
            )
        known = self._known(q, wanted)
        M = frozenset(self.classes) - {q}
        while known is None:
            for N in self._fails[q]:
                if N <= M:
                    M -= {max(N - wanted)}
            self._ask(q, M)
            known = self._known(q, wanted)
            if (q, M) in self._open:
                M = wanted
        return known

    def _known(self, q, wanted):
        margins = [margin for R, margin in self._holds[q] if wanted <= R]
        if margins:
            return Fact(True, max(margins))
        if any(N <= wanted for N in self._fails[q]):
            return NO
        return OPEN if (q, wanted) in self._open else None

    def _ask(self, q, others):
        if self._progress is not None:
            self._progress(f"separating {q} from {', '.join(map(str, sorted(others)))}")
        self.programs += 1
        rows = np.flatnonzero(np.isin(self.y, sorted(others)))
        found = separate(self.X[self.y == q], self.X[rows], rtol=RTOL)
        if found.separable:
            self._note(self._holds, q, others, (others, found.margin))
        elif found.separable is None:
            self._open.add((q, others))
        else:
            N = frozenset(self.y[rows[found.certificate.weights_b > 0]].tolist())
            self._note(self._fails, q, N, N)

    def _note(self, known, q, others, what):
        known[q].append(what)
        if len(others) == 1:
            (other,) = others
            back = frozenset({q})
            known[other].append((back, what[1]) if known is self._holds else back)


@told_in_brief
class Sequence(NamedTuple):
    """What is known of the orders of a set of classes; see `sequence`.

    Attributes
    ----------
    separable : bool or None
        Whether there is an order; None where double precision leaves it open.
    order : tuple of int
        One that serves, of large margins; empty if there is none, or none is proved.
    margin : float
        Each step of it has this margin at least.
    orders : int
        How many orders are proved to serve.
    """

    separable: bool | None
    order: tuple
    margin: float
    orders: int


def sequence(facts, classes):
    """Whether a set of classes is sequentially separable, and in how many orders.

    Parameters
    ----------
    facts : Facts
    classes : iterable of int

    Returns
    -------
    Sequence

    Notes
    -----
    The order takes the class of the largest known margin first. Any class that can be taken may
    be: by 4, what is left has an order if the set has one.
    """
    memory = {}

    def orders(S):
        if len(S) == 1:
            return 1
        if S not in memory:
            held = [q for q in S if facts(q, S - {q}).separable]
            memory[S] = sum(orders(S - {q}) for q in held)
        return memory[S]

    S = frozenset(classes)
    count, order, margin = orders(S), [], np.inf
    if not count:
        return Sequence(None if _is_open(facts, S) else False, (), 0.0, 0)
    while len(S) > 1:
        held = {q: facts(q, S - {q}) for q in sorted(S)}
        best = max(held, key=lambda q: held[q].margin)
        order.append(best)
        margin, S = min(margin, held[best].margin), S - {best}
    return Sequence(True, (*order, *S), float(margin), count)


def _is_open(facts, S):
    """Whether there would be an order if all that is undetermined held."""
    while len(S) > 1:
        may = [q for q in S if facts(q, S - {q}).separable is not False]
        if not may:
            return False
        S = S - {may[0]}
    return True


def in_order(facts, order):
    """Whether the classes are separable one after another in this very order.

    Parameters
    ----------
    facts : Facts
    order : sequence of int

    Returns
    -------
    bool or None
    """
    found = [facts(q, order[i + 1 :]).separable for i, q in enumerate(order[:-1])]
    return False if False in found else None if None in found else True


def subset_rows(facts, *, first=FIRST, largest=LARGEST):
    """A row for every subset of two classes or more, the order of the claim before all others.

    Parameters
    ----------
    facts : Facts
    first : sequence of int
        Left out unless all of them are there.
    largest : int

    Returns
    -------
    list of dict
        ``subset`` (its classes as written), ``classes``, ``separable``, ``as_written``
        (whether they are in the order that is written), ``orders``, ``of``, ``order``, ``margin``.
    """
    sizes = range(2, min(largest, len(facts.classes)) + 1)
    subsets = [S for size in sizes for S in combinations(facts.classes, size)]
    if set(first) <= set(facts.classes):
        subsets = [tuple(first)] + [S for S in subsets if set(S) != set(first)]
    rows = []
    for S in subsets:
        found = sequence(facts, S)
        rows.append(
            {
                "subset": " ".join(map(str, S)),
                "classes": len(S),
                "separable": found.separable,
                "as_written": in_order(facts, S),
                "orders": found.orders,
                "of": int(np.prod(range(1, len(S) + 1))),
                "order": " ".join(map(str, found.order)),
                "margin": found.margin,
            }
        )
    return rows


def step_rows(X, y, order=FIRST):
    """The steps of one order, each with the margin of its own program.

    Parameters
    ----------
    X, y : ndarray, shapes (N, d), (N,)
    order : sequence of int

    Returns
    -------
    list of dict
        ``step``, ``digit``, ``against``, ``points``, ``separable``, ``margin``; empty if a class
        of the order has no points.
    """
    if not set(order) <= set(np.unique(y).tolist()):
        return []
    rows = []
    for i, q in enumerate(order[:-1]):
        others = np.isin(y, order[i + 1 :])
        found = separate(X[y == q], X[others], rtol=RTOL)
        rows.append(
            {
                "step": i + 1,
                "digit": q,
                "against": " ".join(map(str, order[i + 1 :])),
                "points": int((y == q).sum() + others.sum()),
                "separable": found.separable,
                "margin": found.margin,
            }
        )
    return rows
