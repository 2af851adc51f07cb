"""A study in memory, by one call; with a file that can be resumed it is a `PerturbationStudy`."""

from training.descent.keywords import answering
from training.output.progress import reporting
from training.study.experiment import PerturbationStudy as PerturbationStudy

# Arguments of `perturbation_study` that are not passed on by name.
OWN = ("net", "X", "y", "jobs", "progress")


@answering(Y="y")
def perturbation_study(
    net,
    X,
    y,
    *,
    scales=None,
    trials=100,
    steps=None,
    seed=0,
    relative=False,
    tensors=None,
    optimizer="auto",
    learning_rate=None,
    loss="mse",
    targets=None,
    tolerance=None,
    certified_radius=None,
    keep_parameters=False,
    batch_size=None,
    drop_last=False,
    stop=(),
    penalties=(),
    constraints=(),
    callbacks=(),
    record=None,
    engine="auto",
    jobs=1,
    progress=None,
):
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
