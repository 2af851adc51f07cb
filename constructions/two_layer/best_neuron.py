"""The neuron that agrees most with multipliers of the data, and a bound for all neurons."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from constructions.two_layer.best_neuron_kernel import climb
from constructions.two_layer.cone_kernel import Problem
from constructions.two_layer.cones import LARGEST, ConeSearch, bound_of_norms, compiled
from geomcore.arrays import as_array, as_count, as_number, as_points, as_positive, freeze
from geomcore.display.lines import listed
from geomcore.foreign.choices import as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.typing import Array, ArrayLike

STARTS, CLIMBED = 64, 8  # directions that are looked at, and those an ascent starts from, times D
SAME = 1 - 1e-9  # cosine of two directions that are one
MOST_CANDIDATES = 32
CLIMBING = 0.5  # part of the seconds after which no more is climbed if there are cones to look at
BLOCK = 4_000_000  # outputs of directions between two looks at the clock


@dataclass(frozen=True)
class BestNeuron:
    """The direction that agrees most with multipliers; see `best_neuron`.

    Attributes
    ----------
    bound : float
        Proved: no unit vector has a larger value.
    value : float
        Proved: that of `direction` is at least this.
    direction : ndarray, shape (D,)
        Weights and, last, the bias; a unit vector up to rounding.
    output : ndarray, shape (Q,)
        Unit vector along the sum of the multipliers of the points times what the unit puts out
        there; zeros if the sum is 0.
    candidates : ndarray, shape (k, D)
        Directions of local maxima that were found, the best one first.
    values : ndarray, shape (k,)
        Their values, in floating point.
    nodes : int
        Cones that were looked at.
    finished : bool
        Whether the bound exceeds the value by no more than was asked for, or by rounding alone.
    seconds : float
    """

    bound: float
    value: float
    direction: Array
    output: Array
    candidates: Array
    values: Array
    nodes: int
    finished: bool
    seconds: float

    def __repr__(self):
        shown = ("bound", "value", "direction", "nodes", "finished")
        return listed(self, {name: getattr(self, name) for name in shown})

    @property
    def excess(self) -> float:
        """By what part of the value the bound exceeds it; 0 if both are 0."""
        if not self.value:
            return 0.0 if not self.bound else np.inf
        return self.bound / self.value - 1

    def summary(self) -> str:
        """Lines for people."""
        ended = "finished" if self.finished else "stopped by its budget"
        return "\n".join(
            [
                f"no unit neuron has more than {self.bound:.8g} (proved),",
                f"  and this one has at least {self.value:.8g}, a part of {self.excess:.1e} less",
                f"  {ended} after {self.nodes:,} cones in {self.seconds:.2g} s; "
                f"{len(self.candidates)} local maxima found",
            ]
        )


@answers_keywords
def best_neuron(
    X: ArrayLike,
    multipliers: ArrayLike,
    *,
    rtol: float = 1e-4,
    nodes: int = 2_000_000,
    seconds: float | None = None,
    bias: bool = True,
    incumbent: ArrayLike | None = None,
) -> BestNeuron:
    r"""Maximise the agreement of one ReLU unit with multipliers of the points, with proof.

    .. math:: m(\Lambda) = \max_{|w| \le 1} \Bigl| \sum_i \lambda_i \sigma(w \cdot \tilde x_i)
        \Bigr|, \qquad \tilde x = (x, 1)

    with :math:`\sigma` the ReLU and :math:`\lambda_i` the rows of the multipliers. It is the
    question that is left of the best two-layer network with weight decay once its convex dual is
    written down: see `two_layer_bound`.

    Parameters
    ----------
    X : array_like, shape (N, d)
    multipliers : array_like, shape (N, Q)
    rtol : float
        Stop when the bound exceeds the value by this part of it.
    nodes : int
        Most cones to look at.
    seconds : float, optional
        After which no more is tried: the clock is looked at between ascents, of which there is
        one at least, and between groups of cones. Compiling does not count.
    bias : bool
        Whether the unit has a bias, which then counts in :math:`|w|`; else :math:`\tilde x = x`.
    incumbent : array_like, shape (D,) or (k, D), optional
        Directions to climb from, beside those that are always tried.

    Returns
    -------
    BestNeuron

    Raises
    ------
    ValueError
        If shapes do not fit, a value is nan or inf, or a limit is not positive.

    Notes
    -----
    Branch and bound on simplicial cones of R^D, D = d + 1 with a bias: on each the objective is
    below a linear function, whose largest value on the ball is a length. Every cone that is not yet
    decided has a bound, so `bound` holds whenever the search ends. Rounding is added to it; below
    that, about N times 1e-15 of the sum of the absolute values of the terms, no `rtol` is reached.
    Proof and growth are in docs/two-layer.md. Above D = 12 no cone is looked at, and the bound is
    one of norms.

    References
    ----------
    .. [1] M. Pilanci and T. Ergen, "Neural Networks are Convex Regularizers: Exact Polynomial-time
       Convex Optimization Formulations for Two-layer Networks", arXiv:2002.10553, section 3.

    Examples
    --------
    Two points of a line that pull alike; the best unit is on at both:

    >>> found = best_neuron([[0.0], [1.0]], [[1.0], [1.0]])
    >>> found.finished, round(found.value, 4), found.direction.round(4)
    (True, 2.2361, array([0.4472, 0.8944]))
    """
    X = as_points(X).astype(np.float64, copy=False)
    L = as_array(multipliers, "multipliers", 2)
    if len(L) != len(X):
        raise ValueError(f"multipliers must have one row per point ({len(X)}), got shape {L.shape}")
    bias = as_flag(bias, "bias")
    rows = np.column_stack([X, np.ones(len(X))]) if bias else X
    D = rows.shape[1]
    if not D or not L.shape[1]:
        empty, shape = ("X", X.shape) if not D else ("multipliers", L.shape)
        raise ValueError(f"{empty} must have at least one column, got shape {shape}")
    rtol = as_number(rtol, "rtol", 0.0, 1.0)
    nodes = as_count(nodes, "nodes")
    seconds = None if seconds is None else as_positive(seconds, "seconds")
    given = np.empty((0, D)) if incumbent is None else _as_directions(incumbent, D)
    return _searched(rows, L, rtol, nodes, seconds, given)


def _as_directions(incumbent, D):
    """Unit vectors (k, D) of directions that were given."""
    flat = np.ndim(incumbent) == 1 if hasattr(incumbent, "ndim") else _is_flat(incumbent)
    W = as_array(incumbent, "incumbent", 1)[None] if flat else as_array(incumbent, "incumbent", 2)
    if W.shape[1] != D:
        raise ValueError(f"incumbent must have {D} columns, got shape {W.shape}")
    size = np.abs(W).max(axis=1, keepdims=True, initial=0.0)
    W = W[size[:, 0] > 0] / size[size[:, 0] > 0]
    return W / np.linalg.norm(W, axis=1, keepdims=True)


def _is_flat(value):
    """Whether a list holds numbers rather than rows."""
    return isinstance(value, list | tuple) and not any(map(np.iterable, value))


def _searched(rows, L, rtol, nodes, seconds, given):
    """What `best_neuron` returns, of checked arguments."""
    compiled()
    started = time.perf_counter()

    def is_over(part=1.0):
        return seconds is not None and time.perf_counter() - started > part * seconds

    problem, terms, exponent = scaled(rows, L)
    D = rows.shape[1]
    search = ConeSearch(problem, rtol, *terms)
    part = CLIMBING if D <= LARGEST else 1.0
    W, values = _local_maxima(problem, given, D, lambda: is_over(part))
    search.improve(W[0], values[0])
    if not len(problem.rows):
        finished = True
    elif D <= LARGEST:
        finished = search.run(nodes, is_over)
    else:
        search.closed = bound_of_norms(problem)
        finished = search.is_enough(search.closed)
    if search.best[-1] > values[0]:
        W, values = np.vstack([search.best[None, :D], W]), np.append(search.best[-1], values)
    g = np.maximum(problem.rows @ W[0], 0) @ problem.multipliers
    size = np.linalg.norm(g)
    with np.errstate(over="ignore", under="ignore"):
        return BestNeuron(
            bound=_outward(search.proved(), exponent, np.inf),
            value=_outward(search.attained(), exponent, 0.0),
            direction=freeze(W[0]),
            output=freeze(g / size if size else g),
            candidates=freeze(W[:MOST_CANDIDATES]),
            values=freeze(np.ldexp(values[:MOST_CANDIDATES], exponent)),
            nodes=search.nodes,
            finished=bool(finished),
            seconds=time.perf_counter() - started,
        )


def bound_without_search(X, L):
    """The bound of `best_neuron` by norms alone, for points with any number of coordinates.

    Parameters
    ----------
    X, L : ndarray, shapes (N, d), (N, Q)
        Finite; units have a bias.

    Returns
    -------
    float
    """
    problem, terms, exponent = scaled(np.column_stack([X, np.ones(len(X))]), L)
    search = ConeSearch(problem, 0.0, *terms)
    search.closed = bound_of_norms(problem) if len(problem.rows) else 0.0
    with np.errstate(over="ignore", under="ignore"):
        return _outward(search.proved(), exponent, np.inf)


def _outward(value, exponent, end):
    """A number times a power of two, rounded towards an end; 0 stays as it is."""
    found = float(np.ldexp(value, exponent))
    return float(np.nextafter(found, end)) if value else 0.0


def scaled(rows, L):
    """The problem with rows and multipliers times powers of two, and the exponent of its value.

    The ReLU is homogeneous: a row may be scaled if its multiplier is scaled back. Rows have entries
    of at most 1 then, and so have the multipliers, the largest being at least 1/2. What underflows
    is nothing beside that. Equal rows are one, which carries all their multipliers: between
    the two come the number of terms before that, and the sum of the sizes of their entries.
    """
    used = rows.any(axis=1) & L.any(axis=1)
    rows, L = rows[used], L[used]
    e = np.frexp(np.abs(rows).max(axis=1, initial=0.0))[1].astype(np.int64)
    f = np.frexp(np.abs(L).max(axis=1, initial=0.0))[1].astype(np.int64)
    exponent = int((e + f).max()) if len(rows) else 0
    with np.errstate(under="ignore"):
        rows, L = np.ldexp(rows, -e[:, None]), np.ldexp(L, (e - exponent)[:, None])
    terms = len(rows), float(np.abs(L).sum())
    rows, index = np.unique(rows + 0.0, axis=0, return_inverse=True)
    total = np.zeros((len(rows), L.shape[1]))
    np.add.at(total, index.reshape(-1), L)
    some = total.any(axis=1)
    rows, L = np.ascontiguousarray(rows[some]), np.ascontiguousarray(total[some])
    return Problem(rows, L), terms, exponent


def _local_maxima(problem, given, D, is_over):
    """Directions that ascents end at and their values, the best first, none twice.

    When the time is over no more is looked at or climbed from; one ascent there is always.
    """
    W = np.random.default_rng(0).normal(size=(STARTS * D, D))
    W = np.concatenate([np.eye(D), -np.eye(D), W / np.linalg.norm(W, axis=1, keepdims=True)])
    sizes, block = [], max(BLOCK // max(len(problem.rows), 1), 1)
    for at in range(0, len(W), block):
        if at and is_over():
            break
        terms = np.maximum(W[at : at + block] @ problem.rows.T, 0) @ problem.multipliers
        sizes.append(np.linalg.norm(terms, axis=1))
    order = np.argsort(-np.concatenate(sizes), kind="stable")
    W = np.concatenate([given, W[order[: CLIMBED * D]]])
    values = []
    for w in W:
        values.append(climb(problem, w))
        if is_over():
            break
    W, values = W[: len(values)], np.array(values)
    order = np.argsort(-values, kind="stable")
    kept = []
    for k in order:
        if not kept or (W[kept] @ W[k]).max() < SAME:
            kept.append(k)
    return W[kept], values[kept]
