r"""The trainer: gradient descent on one network, or on many of one shape at a time.

All trials step together, as arrays with a leading trial axis, or one after the
other in compiled code. A trial that stops costs nothing from then on, and no
trial has any influence on the numbers of another one.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from inspect import signature
from typing import TYPE_CHECKING, Literal

import numpy as np

from geomcore.arrays import Labels, as_count, as_rng, check_network
from geomcore.foreign.choices import as_choice
from geomcore.foreign.wording import quoted
from geomcore.network import Network
from geomcore.stack import stack
from geomcore.threads import single_threaded_blas
from geomcore.typing import ArrayLike, LossName, Seed
from training.descent.curvature import stable_rate
from training.descent.descent import Descent
from training.descent.executors import threads
from training.descent.keywords import answering
from training.descent.losses import as_loss
from training.descent.optimizers import AUTO, SGD, as_optimizer
from training.descent.problem import as_plan, as_problem
from training.descent.train_result import EnsembleResult

if TYPE_CHECKING:
    from training.descent.train_result import TrainResult
    from training.typing import Callback, Constraint, Engine, Loss, Optimizer, Penalty, StoppingRule

# Bytes of activations of the trials that step together in NumPy; about what stays in the cache
# of one core.
WORKING_SET = 2_000_000

# Where the loss does not say its curvature, and for many networks at once.
FALLBACK = SGD(0.05)

ENGINES = ("auto", "numpy", "compiled")

# Entries of a weight matrix from which one product of all points is as good as many of tiles, and
# trials per call of the kernel; measured in benchmarks/ensemble.py. Steps from which loading the
# kernel pays.
NARROW, COMPILED_GROUP, MIN_STEPS = 128 * 128, 64, 100


@answering(Y="y")
def train(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: LossName | Loss = "mse",
    optimizer: Optimizer | Literal["auto"] = "auto",
    learning_rate: float | None = None,
    batch_size: int | None = None,
    drop_last: bool = False,
    steps: int = 1000,
    stop: StoppingRule | Sequence[StoppingRule] = (),
    penalties: Penalty | Sequence[Penalty] = (),
    constraints: Constraint | Sequence[Constraint] = (),
    callbacks: Callback | Sequence[Callback] = (),
    rng: Seed = None,
    record: int | None = None,
    engine: Literal["auto", "numpy", "compiled"] = "auto",
) -> TrainResult:
    r"""Train one network.

    Parameters
    ----------
    net : Network
        Of layers that can be trained, as a `ReLUNetwork` is; it is not changed.
    X : array_like, shape (N, d)
        Points; training is in double precision whatever their dtype.
    y : array_like, shape (N,) or (N, k)
        Labels (one-hot targets in sorted order of the labels) or target vectors.
        Two labels and a network with one output mean 0 and 1 for the loss "bce".
    loss : str or loss object
        "mse", the mean over points of the squared error norm; "class_weighted",
        the sum over classes of that mean; "cross_entropy"; or "bce", binary
        cross-entropy on logits. See `training.descent.losses`.
    optimizer : SGD, Adam or "auto"
        With its rates and, by its argument `clip`, the largest norm of a gradient.
        "auto" is plain gradient descent at the rate :math:`1/(2 \lambda_{\max})` of the
        loss at `net`, a quarter of what is stable there (`largest_curvature`), or at
        0.05 for a loss that does not say its curvature.
    learning_rate : float, optional
        Plain gradient descent at this rate, short for ``optimizer=SGD(learning_rate)``.
    batch_size : int, optional
        Points per step, reshuffled every epoch; default all of them.
    drop_last : bool
        Drop the last batch of an epoch if it is smaller than the others.
    steps : int
        Step budget; 0 only evaluates.
    stop : stopping rule or sequence of them
        Looked at whenever the loss is recorded; the first one that is met
        counts. See `training.descent.stopping`.
    penalties : penalty or sequence of them
        Terms added to the loss while training; see `training.descent.penalties`.
    constraints : constraint or sequence of them
        Projections after each step; see `training.descent.constraints`.
    callbacks : callable or sequence of them
        Called with a `training.descent.problem.Snapshot` at each record.
    rng : Generator or seed, optional
        Used for shuffling only.
    record : int, optional
        Steps between records of the loss over all points. Default 1 in full
        batch, where it costs nothing, and one epoch with mini-batches.
    engine : {"auto", "numpy", "compiled"}
        What does the steps. They agree to rounding. "compiled" only knows the losses, optimizers,
        penalties and constraints of the toolkit, and affine layers and norms, each with a ReLU
        behind it or none. "auto" takes it where it can, for widths below 128 and at least 100
        steps, which pay for loading it; the choice does not depend on the number of trials. From
        1,000 steps with mini-batches on, narrow networks have a pass of their own, compiled once
        for each shape.

    Returns
    -------
    TrainResult
        If it ended above its start by more than rounding, it says so, and there is one
        warning.

    Raises
    ------
    ValueError
        If an argument does not fit; a diverging run is a result, not an error.
    TypeError
        If there is no argument of a name; the nearest one is named.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> result = train(net, [[0.0], [1.0]], [[1.0], [3.0]], optimizer=SGD(0.5), steps=90)
    >>> result.network.weights[0].round(3), result.network.biases[0].round(3)
    (array([[2.]]), array([1.]))
    >>> result.stop_reason
    'step budget'
    """
    check_network(net, Network)
    rng, optimizer = as_rng(rng), as_optimizer(optimizer, learning_rate, AUTO)
    options = {name: value for name, value in locals().items() if name in OPTIONS}
    options["learning_rate"] = None
    result = train_ensemble([net], X, y, rngs=[rng], **options).trial(0)
    if result.ended_above:
        warnings.warn(f"training {result.end_in_words()}", stacklevel=4)
    return result


# What `train` says of how to train, by name with its default.
OPTIONS = {
    name: parameter.default
    for name, parameter in signature(train).parameters.items()
    if name not in ("net", "X", "y", "rng")
}


@answering(Y="y")
def train_ensemble(
    networks: Sequence[Network],
    X: ArrayLike,
    y: ArrayLike,
    *,
    rngs: Sequence[Seed] | None = None,
    jobs: int = 1,
    loss: LossName | Loss = "mse",
    optimizer: Optimizer | Literal["auto"] = FALLBACK,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    drop_last: bool = False,
    steps: int = 1000,
    stop: StoppingRule | Sequence[StoppingRule] = (),
    penalties: Penalty | Sequence[Penalty] = (),
    constraints: Constraint | Sequence[Constraint] = (),
    callbacks: Callback | Sequence[Callback] = (),
    record: int | None = None,
    engine: Engine = "auto",
) -> EnsembleResult:
    """Train many networks of one shape on the same points; see `train`.

    Parameters
    ----------
    networks : sequence of Network
        T networks of one shape.
    rngs : sequence of Generator or seed, length T, optional
        One stream per trial, so that a trial gives the same numbers bit for bit
        whatever else is trained beside it.
    jobs : int
        Threads; the numbers do not depend on it.
    optimizer : SGD, Adam or "auto"
        Default ``SGD(0.05)``, one for all; with "auto" each network has a learning
        rate of its own, from its curvature.
    loss, learning_rate, batch_size, drop_last, steps, stop, penalties : optional
        As for `train`.
    constraints, callbacks, record, engine : optional
        As for `train`.

    Returns
    -------
    EnsembleResult

    Raises
    ------
    ValueError
        As `train`, or if the networks differ in shape, or if the optimizer is "auto" where
        callbacks or stopping rules of the user see several trials at once.

    Notes
    -----
    Trials step together in groups whose activations fit in a cache, except that
    callbacks and stopping rules of the user see all trials at once.
    Memory O(T (R + P)) for R records and P parameters per network. A step of
    full batch costs about six floating point operations per trial, point and
    weight. While there is more than one trial, matrix products use one thread
    each: they are small, and a product that is split may differ in its last bit.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> networks = [ReLUNetwork([[[w]]], [[0.0]]) for w in (0.0, 1.0)]
    >>> train_ensemble(networks, [[1.0]], [[1.0]], steps=10).final_losses.round(4)
    array([0.0115, 0.    ])
    """
    stacked, params = stack(networks)
    problem = as_problem(networks[0], X, y, as_loss(loss))
    trials = len(networks)
    rngs = [None] * trials if rngs is None else rngs
    if isinstance(rngs, str) or not isinstance(rngs, Sequence) or len(rngs) != trials:
        raise ValueError(f"rngs must be a list of one per network ({trials}), got {quoted(rngs)}")
    plans = [
        as_plan(
            len(problem.X),
            optimizer=one,
            batch_size=batch_size,
            drop_last=drop_last,
            steps=steps,
            stop=stop,
            penalties=penalties,
            constraints=constraints,
            callbacks=callbacks,
            record=record,
        )
        for one in _optimizers(networks, problem, as_optimizer(optimizer, learning_rate, FALLBACK))
    ]
    plan = plans[0]
    if plan.batches is not None:
        rngs = [as_rng(rng) for rng in rngs]
    jobs = as_count(jobs, "jobs")
    if chosen_engine(engine, networks[0], problem, plan) == "compiled":
        from training.descent.compiled.ensemble_descent import EnsembleDescent as Engine

        group = COMPILED_GROUP if jobs == 1 else max(1, min(COMPILED_GROUP, trials // (4 * jobs)))
        engine = "compiled"
    else:
        Engine, engine = Descent, "numpy"  # type: ignore[assignment]
        points = len(problem.X) if plan.batches is None else plan.batches.size
        group = group_size(networks[0], problem.X, points)
    if len(plans) > 1:
        group = 1
        if plan.needs_all_trials:
            raise ValueError(
                "optimizer must be given where callbacks or stopping rules of your own see "
                f"{trials} trials at once, got 'auto', which has a rate for each of them"
            )
    if plan.needs_all_trials:
        group = trials

    def run(params, rngs, plan):
        return Engine(stacked, problem, plan).run(params, rngs)

    # Tiles are too small to be split over threads.
    with single_threaded_blas() if trials > 1 or engine == "compiled" else nullcontext():
        done = _in_groups(run, params, rngs, plans, group, jobs)
    return _joined(stacked, done, engine, problem.rounding)


def _optimizers(networks, problem, optimizer):
    """One optimizer for all networks, or one for each where it is "auto"."""
    if not isinstance(optimizer, str) or optimizer != AUTO:
        return [optimizer]
    labels = Labels(np.arange(len(problem.targets)), problem.index, problem.targets)
    rates = [stable_rate(net, problem.X, labels, problem.loss) for net in networks]
    found = [SGD(rate) if rate else FALLBACK for rate in rates]
    return found if len(set(found)) > 1 else found[:1]


def chosen_engine(engine, net, problem, plan):
    """What does the steps for networks of the shape of `net`, "numpy" or "compiled"."""
    engine = as_choice(engine, ENGINES, "engine")
    if engine == "numpy" or (engine == "auto" and plan.steps < MIN_STEPS):
        return "numpy"
    if engine == "auto" and max((tensor.size for tensor in net.tensors), default=0) >= NARROW:
        return "numpy"
    # Loading numba takes half a second.
    from training.descent.compiled.ensemble_descent import obstacle

    reason = obstacle(net, problem, plan)
    if reason and engine == "compiled":
        raise ValueError(f"engine must be 'numpy' or 'auto' for {reason}, got 'compiled'")
    return "numpy" if reason else "compiled"


def group_size(net, X, points, *, most=None):
    """Number of trials whose activations at so many points fill so many bytes: the working set."""
    values, numbers = X[:1], X.shape[1]
    with np.errstate(all="ignore"):
        for layer in net.layers:
            values = layer(values)
            numbers += values.shape[1]
    return max(1, (WORKING_SET if most is None else most) // (8 * points * numbers))


def _in_groups(run, params, rngs, plans, group, jobs):
    """Train the trials in groups on `jobs` threads; return what each group has led to.

    There is one plan for all groups, or one for each.
    """
    slices = [slice(start, start + group) for start in range(0, len(rngs), group)]
    plans = plans if len(plans) > 1 else plans * len(slices)
    work = [([p[s] for p in params], rngs[s], plan) for s, plan in zip(slices, plans, strict=True)]
    if jobs == 1 or len(work) == 1:
        return [run(*part) for part in work]
    with threads(min(jobs, len(work))) as pool:
        return list(pool.map(lambda part: run(*part), work))


def _joined(stacked, done, engine, rounding):
    """The groups of an ensemble as one `EnsembleResult`."""
    recorded = max((part.recorded for part in done), key=len)
    losses = np.empty((len(recorded), sum(len(part.reasons) for part in done)))
    networks, at = [], 0
    for part in done:
        columns = slice(at, at + len(part.reasons))
        losses[: len(part.losses), columns] = part.losses
        losses[len(part.losses) :, columns] = part.losses[-1]
        networks += [stacked.network(part.params, a) for a in range(len(part.reasons))]
        at = columns.stop
    return EnsembleResult(
        networks=networks,
        losses=losses,
        recorded=recorded,
        steps=np.concatenate([part.steps for part in done]),
        stop_reasons=[reason for part in done for reason in part.reasons],
        final_losses=np.concatenate([part.final_losses for part in done]),
        engine=engine,
        rounding=rounding,
    )
