"""A study in memory, by one call; with a file that can be resumed it is a `PerturbationStudy`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from geomcore.typing import ArrayLike, LossName
from training.descent.keywords import answering
from training.output.progress import reporting
from training.study.experiment import PerturbationStudy as PerturbationStudy

if TYPE_CHECKING:
    from geomcore.network import Network
    from training.study.result import StudyResult
    from training.typing import (
        Callback,
        Constraint,
        Engine,
        Loss,
        Optimizer,
        Penalty,
        Reporting,
        StoppingRule,
    )

# Arguments of `perturbation_study` that are not passed on by name.
OWN = ("net", "X", "y", "jobs", "progress")


@answering(Y="y")
def perturbation_study(
    net: Network | Mapping[str, Network],
    X: ArrayLike,
    y: ArrayLike,
    *,
    scales: Sequence[float] | None = None,
    trials: int = 100,
    steps: int | None = None,
    seed: int = 0,
    relative: bool = False,
    tensors: Sequence[str] | None = None,
    optimizer: Optimizer | Literal["auto"] = "auto",
    learning_rate: float | None = None,
    loss: LossName | Loss = "mse",
    targets: ArrayLike | None = None,
    tolerance: float | None = None,
    certified_radius: float | Mapping[str, float] | None = None,
    keep_parameters: bool = False,
    batch_size: int | None = None,
    drop_last: bool = False,
    stop: StoppingRule | Sequence[StoppingRule] = (),
    penalties: Penalty | Sequence[Penalty] = (),
    constraints: Constraint | Sequence[Constraint] = (),
    callbacks: Callback | Sequence[Callback] = (),
    record: int | None = None,
    engine: Engine = "auto",
    jobs: int = 1,
    progress: Reporting = None,
) -> StudyResult:
    """Run a `PerturbationStudy` in memory.

    Parameters
    ----------
    net, X, y, scales, trials, steps, seed, relative, tensors, optimizer, learning_rate, loss
        As for `PerturbationStudy`.
    targets, tolerance, certified_radius, keep_parameters, batch_size, drop_last, stop
        As for `PerturbationStudy`.
    penalties, constraints, callbacks, record, engine
        As for `PerturbationStudy`.
    jobs : int, optional
        Threads; the numbers do not depend on it.
    progress : bool or callable, optional
        True: show on standard error how far the study is, on a terminal as a bar. False: show
        nothing. Default: that bar, on a terminal, of what takes longer than two seconds. A
        function is called as ``progress(done, total)``, in trials.

    Returns
    -------
    StudyResult

    Raises
    ------
    ValueError
        If an argument does not fit.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> X = [[-1.0], [1.0]]
    >>> result = perturbation_study(net, X, X, scales=[0.1, 1.0], trials=5, steps=50, seed=0)
    >>> result.frame("scale")[["scale", "returned", "trials"]].values.tolist()
    [[0.1, 5.0, 5.0], [1.0, 5.0, 5.0]]
    """
    given = {name: value for name, value in locals().items() if name not in OWN}
    with reporting(progress, first="laying out the study") as report:
        return PerturbationStudy(None, net, X, y, **given).run(jobs=jobs, progress=report)
