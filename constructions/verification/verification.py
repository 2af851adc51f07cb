"""What a network is on given data: recomputed from the network and the data alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from flint import arb

from constructions.proof.affine import lengths_above
from constructions.proof.cell import local_minimum
from constructions.proof.certificate import (
    Certificate,
    Check,
    data_digest,
    network_digest,
)
from constructions.proof.derivatives import pairs_of
from constructions.proof.enclosure import enclose
from constructions.proof.exact import EPS, below, precision
from constructions.proof.examination import pattern_check, truncation_checks
from constructions.proof.last_layer import last_layer_minimum, zero_loss
from constructions.proof.stationarity import Refutation, refute
from constructions.verdicts import CELL, CONVEX, DESCENT, SQUARED, ZERO
from constructions.verification.all_widths import beside_all_widths
from constructions.verification.arguments import check_question
from constructions.verification.near import critical_but_for_a_slack, is_convex, near_point
from constructions.verification.near_strict import near_strict_point
from constructions.verification.question import (
    objective_of,
    problem_of,
    subset_of,
    tensor_names_of,
)
from constructions.verification.returning import returns_to
from geomcore.arrays import as_labels, as_points, as_positive, as_rtol, check_network, check_outputs
from geomcore.foreign.choices import as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import ReLUNetwork
from geomcore.threads import single_threaded_blas
from geomcore.typing import ArrayLike, LossName


@answers_keywords
def verify(
    net: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    loss: LossName = "mse",
    weight_decay: float = 0.0,
    subset: str | Sequence[str] | None = None,
    exact: bool = False,
    rtol: float = 1e-8,
    gtol: float = 1e-9,
    step: float | None = None,
) -> Certificate:
    r"""Find out what a network is on given data, and prove what can be proved.

    Nothing is taken from how the network was made. The stored network is
    followed in ball arithmetic, which fixes the activation pattern of the
    exact network and bounds its loss. Then, in this order:

    "global minimum"
        A network with loss exactly zero is proved to exist next to the stored
        one: same hidden layers, and a last layer that differs by at most `rtol`
        times its norm, in the tensors that may move alone; and the stored loss is at
        most the square of `rtol` times the longest target, so that large idle
        weights excuse nothing.
    "local minimum"
        The same hidden layers with their least-squares last layer, which is as
        near, reach the lower bound that holds for the whole activation cell. (A network
        that is one affine layer has no other cell: this is its "global minimum".)
        Or an exact critical point that is a local minimum, smooth or with units on their kink,
        is proved to exist so near that no layer moves by more than `rtol` times its norm
        (docs/trained.md).
        For a cross-entropy, and with weight decay, only this last; it is a "global minimum" of a
        network that is one affine layer.
    "global minimum" with weight decay
        Of the mean squared error, and a network with one hidden layer: no two-layer network of any
        width has a loss that is lower by more than `slack`, which is at most `rtol` of the loss
        (`two_layer_bound`, with an output bias that is penalised), and no exact saddle is proved to
        be near. An exact local minimum may be: then ``distance`` and `critical` tell of it.
        Whatever the verdict, ``lower_bound`` and ``gap`` are those for all widths.
    either of these two, with a slack
        No network of the activation cell has a loss that is lower by more than `slack`, at
        most `rtol` squared, and 1e-12, of the longest squared target (for "global minimum" no
        network at all has). Then ``distance`` is None, and nothing is said of a point where the
        slope vanishes.
    "not stationary"
        The slope of the loss along a line, on a kink a one-sided one, is negative;
        the witness is a step that lowers the loss.
    "saddle"
        An exact critical point that is no minimum is proved to exist as near as a local minimum
        has to be; the witness is a step that lowers the loss of the stored network.
        Or the gradient is zero to rounding, and the Hessian has a negative
        eigenvalue, or the loss falls along a line at a higher order (on a
        kink, one-sided); the witness is a step along that direction.
    "undetermined"
        None of these.

    Refutations are proved if the derivative along the line is. Where that takes too
    many digits or too much time, ``proved`` is False, and the step is no longer than 1e-6
    of the size of the parameters.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d_0)
    y : array_like, shape (N,) or (N, d_L)
        Labels (one-hot targets in sorted order of the labels), or targets.
    targets : array_like, shape (Q, d_L), optional
        Target of each label in sorted order.
    loss : {"mse", "class_weighted", "cross_entropy", "bce"}, optional
        Mean over all points of the squared error norm, or the sum over classes
        of the mean over the class (CE24 (2.13)); or the mean over all points of
        :math:`\log \sum_k e^{f_k} - \sum_k y_k f_k`, the cross-entropy of the softmax, or of
        :math:`\sum_k \log(1 + e^{f_k}) - y_k f_k`, the binary one, of outputs f.
    weight_decay : float, optional
        That times half the square of all parameters, biases too, is added to the loss.
    subset : str or sequence of str, optional
        The tensors that may move: names "W1", "b1", ..., or "last" for the last
        layer, or "cumulative" for the last cumulative weight W^(L) with its
        cumulative bias b^(L) held (the parameters in which CE23 (2.71) is a
        minimum). Default all.
    exact : bool, optional
        Carry so many digits that nothing is rounded; for small networks.
    rtol : float, optional
        Largest relative distance of the exact last layer, and largest relative error.
    gtol : float, optional
        A gradient counts as zero below this fraction of the size of its terms.
    step : float, optional
        Of gradient descent, all points at each step. Around a minimum the certificate then also
        says from how far that descent provably returns, and how fast (``descent``), beside what
        it says of the flow; or why none is proved, with the numbers (`descent_basin`).

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If the shapes do not fit together, a value is nan or inf, or a name is unknown.

    Notes
    -----
    Let all points that share a last hidden output h_g have one target y_g. If
    the vectors (h_g, 1) are linearly independent, proved by inverting their
    Gram matrix in balls, then :math:`[W_L\; b_L] + R G^{-1} H^T` maps every
    h_g to y_g exactly, where R holds the residuals and G = H^T H. The proof
    of local minima is in docs/minima.md.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2405.07098, (2.11), (2.13), (3.6).
    .. [2] T. Chen and P. Muñoz Ewald, arXiv:2309.10639, Theorems 2.4 and 2.5.

    Examples
    --------
    >>> net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    >>> verify(net, [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]).verdict
    'global minimum'
    >>> refuted = verify(net, [[0.0], [2.0], [3.0]], [[1.5], [0.0], [0.0]])
    >>> refuted.verdict, refuted.witness["loss"] < refuted.loss
    ('not stationary', True)
    """
    options = {"subset": subset, "exact": exact, "rtol": rtol, "gtol": gtol, "step": step}
    options |= {"loss": loss, "weight_decay": weight_decay}
    return examine(net, X, y, targets=targets, **options)[0]


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # all are looked for
def examine(net, X, y, *, targets, loss, subset, exact, rtol, gtol, weight_decay=0.0, step=None):
    """What `verify` finds, and the `LocalProblem` or `Objective` that it was found from."""
    check_network(net, ReLUNetwork)
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    labels = as_labels(y, len(X), targets=targets)
    check_outputs(net, labels, y, targets)
    exact = as_flag(exact, "exact")
    weight_decay = check_question(loss, weight_decay, subset, labels)
    names = tensor_names_of(net, subset)
    rtol, gtol = as_rtol(rtol, X.shape), as_rtol(gtol, X.shape, "gtol")
    step = None if step is None else as_positive(step, "step")

    enclosure = enclose(net, X, labels, exact=exact, count=True)
    # one thread: threads that share a core wait for each other at every small matrix
    with single_threaded_blas():
        if loss in SQUARED and not weight_decay:
            problem = problem_of(net, X, labels, loss, names, subset == "cumulative", enclosure)
            found = _judge(problem, names, rtol, gtol)
        else:
            problem = objective_of(net, X, labels, loss, weight_decay, enclosure)
            found = _judge_strict(problem, rtol, gtol)
        back = returns_to(problem, found, step)
    margins = tuple(
        _per_norm(m, *pair) for m, pair in zip(enclosure.margins, pairs_of(net), strict=False)
    )
    losses = [
        high if np.isnan(value) else min(max(value, low), high)
        for value, (high, low) in problem.stated_losses()
    ]
    certificate = Certificate(
        network=network_digest(net),
        data=data_digest(X, labels),
        points=len(X),
        widths=net.widths,
        verdict=found.verdict,
        proved=found.proved,
        loss_name=loss,
        weight_decay=weight_decay,
        subset=subset_of(problem, names),
        rtol=rtol,
        gtol=gtol,
        exact=exact,
        loss=losses[0],
        class_weighted_loss=losses[1],
        loss_bound=problem.bounds()[0],
        loss_floor=problem.bounds()[1],
        lower_bound=found.lower,
        accuracy=problem.accuracy(),
        gradient_norm=problem.gradient_norm(),
        activation_margin=min(margins, default=np.inf),
        margins=margins,
        distance=found.distance,
        slack=found.slack,
        gap=gap_between(problem.bounds()[0], found.lower),
        critical=found.critical,
        radius=back.radius,
        basin=back.basin,
        step=step,
        descent=back.descent,
        witness=found.refutation.witness,
        smallest_eigenvalue=found.refutation.smallest_eigenvalue,
        checks=(
            pattern_check(enclosure),
            *found.checks,
            *back.checks,
            *truncation_checks(net, X, labels),
        ),
        bits=enclosure.bits,
    )
    rows = np.unique(labels.targets, axis=0)
    object.__setattr__(certificate, "one_hot", np.array_equal(rows, np.eye(len(rows))[::-1]))
    return certificate, problem


class _Judgement(NamedTuple):
    """What is proved of a point, and what else `verify` learned on the way."""

    verdict: str
    proved: bool
    distance: float | None
    lower: float
    rank: int
    refutation: Refutation
    checks: list
    slack: float = 0.0
    critical: dict | None = None


def _judge(problem, names, rtol, gtol):
    """The verdict: a zero loss near by, a minimum near by, or a refutation, in this order."""
    nothing = Refutation("undetermined", False, None, None, "")
    reach = _reach(problem.net, rtol)
    zero = zero_loss(problem, *_last_names(problem.net, names))
    is_zero = _near(zero, arb(0), reach, problem=problem, rtol=rtol)
    checks = [Check(ZERO, is_zero, zero.distance, zero.why)]
    if is_zero and zero.rank:
        return _Judgement("global minimum", True, zero.distance, 0.0, zero.rank, nothing, checks)
    proof, why = _minimum(problem, names)
    rank = 0 if proof is None else proof.rank
    if is_zero:
        return _Judgement("global minimum", True, zero.distance, 0.0, rank, nothing, checks)
    lower = 0.0 if proof is None else proof.bound
    is_local = proof is not None and _near(proof, proof.loss, reach, problem=problem, rtol=rtol)
    distance = None if proof is None else proof.distance
    is_best = is_local and is_convex(problem)
    checks.append(Check(CELL, is_local, distance, f"{why}; {CONVEX}" if is_best else why))
    if is_local:
        verdict = "global minimum" if is_best else "local minimum"
        return _Judgement(verdict, True, distance, lower, rank, nothing, checks)
    near = None
    if problem.offset is None and set(names) == set(problem.net.names):
        is_near = partial(_near, problem=problem, rtol=rtol)
        near, more = near_point(problem, rtol, gtol, is_near)
        checks += more
    if near is not None:
        return _Judgement(
            near.verdict,
            True,
            near.distance,
            near.lower,
            0,
            near.refutation or nothing,
            checks,
            near.slack,
            near.critical,
        )
    found = refute(problem, gtol=gtol)
    checks.append(Check(DESCENT, found.witness is None, None, found.detail))
    distance = distance if zero.distance is None else zero.distance
    return _Judgement(found.verdict, found.proved, distance, lower, 0, found, checks)


def _judge_strict(problem, rtol, gtol):
    """The verdict for a cross-entropy, and with weight decay: a minimum near by or a refutation."""
    near, checks = near_strict_point(problem, rtol, gtol)
    beside, more = beside_all_widths(problem, rtol)
    checks += more
    lower = problem.least if beside is None else max(beside.lower, problem.least)
    nothing = Refutation("undetermined", False, None, None, "")
    if near is not None:
        verdict, slack = near.verdict, near.slack
        if verdict == "local minimum" and beside is not None and beside.is_best:
            verdict, slack = "global minimum", beside.slack
        refuted, lower = near.refutation or nothing, max(near.lower, lower)
        parts = verdict, True, near.distance, lower, 0, refuted, checks
        return _Judgement(*parts, slack, near.critical)
    if beside is not None and beside.is_best:
        parts = "global minimum", True, None, lower, 0, nothing, checks
        return _Judgement(*parts, beside.slack, critical_but_for_a_slack())
    found = refute(problem, gtol=gtol)
    checks.append(Check(DESCENT, found.witness is None, None, found.detail))
    return _Judgement(found.verdict, found.proved, None, lower, 0, found, checks)


def _near(proof, least, reach, *, problem, rtol):
    """Whether a proved exact point is near enough, and its loss near enough to the stored one."""
    if proof.distance is None or not proof.distance <= reach:
        return False
    with precision(problem.enclosure.bits):
        lengths = [
            sum((arb(t) * t for t in row), arb(0)) for row in problem.labels.targets.tolist()
        ]
        longest = max((v for v in lengths if v > 0), key=below, default=arb(1))
        slack = arb(rtol) * rtol * longest
        return bool(problem.loss <= least * (1 + 4 * arb(EPS)) + slack)


def _reach(net, rtol):
    """A float not above rtol times the Frobenius norm of the last layer."""
    with precision(128):
        entries = [*net.weights[-1].ravel().tolist(), *net.biases[-1].tolist()]
        return max(below(sum((arb(v) * v for v in entries), arb(0)).sqrt() * rtol), 0.0)


def gap_between(high, low):
    """A float not below the difference of two."""
    return 0.0 if high == low else float(np.nextafter(high - low, np.inf))


def _per_norm(margin, W, b):
    """A float not above the margin over the Frobenius norm of (W, b); 0 for a layer of zeros."""
    norm = float(lengths_above(np.concatenate([W.ravel(), b])[None])[0])
    return float(np.nextafter(margin / norm, 0)) if 0 < norm < np.inf else 0.0


def _last_names(net, names):
    """Whether the weights, and the biases, of the last layer may move."""
    weight, bias = net.names[-2:]
    return weight in names, bias in names


def _minimum(problem, names):
    """A proof that a minimum is near, in all parameters or in those of the last layer."""
    net, enclosure = problem.net, problem.enclosure
    weight, bias = _last_names(net, names)
    if set(names) <= set(net.names[-2:]):
        return last_layer_minimum(problem, weight, bias)
    if enclosure.undecided or enclosure.kinks:
        return None, "a pre-activation may be zero, so there is no cell around the point"
    if not (weight and bias):
        return None, "the last layer is held fixed, at least in part"
    return local_minimum(net, problem.labels, problem.X, problem.per_class, enclosure)
