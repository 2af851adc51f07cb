"""Perturb-then-train studies: how far can a network be pushed and still come back?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from functools import cached_property
from typing import Any, Literal

from geomcore.arrays import Labels, as_count, freeze
from geomcore.foreign.choices import as_flag
from geomcore.foreign.files import as_path
from geomcore.network import Network
from geomcore.parameters import selected
from geomcore.threads import single_threaded_blas
from geomcore.typing import ArrayLike, LossName, Path
from training import typing as wanted
from training.descent.executors import as_finished, threads
from training.descent.keywords import answering
from training.descent.losses import as_loss
from training.descent.optimizers import AUTO, SGD, as_optimizer
from training.descent.problem import as_plan, as_problem, as_training_data
from training.descent.train_result import wrapped
from training.descent.trainer import OPTIONS, chosen_engine, train_ensemble
from training.output.progress import reporting
from training.study.identity import describe, describe_plan, digest
from training.study.perturbation import norm_per_scale
from training.study.planning import arguments
from training.study.planning.budget import USUAL
from training.study.planning.defaults import default_tolerance, measured
from training.study.planning.plan import laid_out_before, planned
from training.study.planning.scales import COUNT
from training.study.result import StudyResult, result_of
from training.study.store import Store
from training.study.trials import Worker, all_keys, network_from_bytes
from training.study.words import laid_out

# How trials are trained, as `train` takes it, beside what a study says of its own.
TRAINING = sorted(set(OPTIONS) - {"optimizer", "learning_rate", "steps", "callbacks", "loss"})


class PerturbationStudy:
    r"""Perturb one or more networks many times at several scales and train each trial.

    Parameters
    ----------
    path : path-like or None
        The file of the study, see `training.study.store`; None keeps it in memory.
    net : Network or dict of str to Network
        The reference, usually a minimum, or several by name.
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or target vectors.
    scales : sequence of float, optional
        Norms :math:`\lambda` of the noise on each tensor; see `perturb`. Default: six between which
        the fraction that returns changes, by a few pilot trials; those of the file if there is one.
    trials : int, optional
        Trials per reference and scale.
    steps : int, optional
        Step budget of each trial; 0 evaluates the perturbed networks only. Default:
        a hundred relaxations, limited by time, see `training.study.planning.budget`;
        those of the file if there is one.
    seed : int, optional
        Trial j at scale i draws its noise and its batches from ``SeedSequence(seed, spawn_key=(i,
        j))`` and nothing else, whatever the reference.
    relative : bool
        Noise relative to the norm of each tensor.
    tensors : sequence of str, optional
        Names of the tensors that are perturbed, such as ``["W1", "b1"]``;
        default all. All of them are trained.
    optimizer : optimizer or "auto", optional
        Default, "auto": plain gradient descent at the `stable_rate` of the loss at each
        reference, a quarter of what is stable there; where scales are looked for, also
        at the pilot trials, since perturbed networks can be far more curved.
    learning_rate : float, optional
        Plain gradient descent at this rate, short for ``optimizer=SGD(learning_rate)``.
    loss : str or loss object
    targets : array_like, shape (Q, k), optional
        Output wanted for each label; default one-hot rows.
    tolerance : float, optional
        How far from the loss of the reference counts as returned. Default 1e-3 of the loss of the
        best constant output; if that is 0, as with one class, it must be given.
    certified_radius : float or dict of str to float, optional
        Total norm up to which every perturbation provably returns, from
        ``verify(...).basin["radius"]``; it is drawn beside what is found.
    keep_parameters : bool
        Store the final parameters of every trial; see `network`.
    batch_size, drop_last, stop, penalties, constraints, callbacks, record, engine : optional
        As for `train`.

    Attributes
    ----------
    plan : Plan or None
        What was chosen where scales or steps were not given, see `training.study.planning.plan`.

    Raises
    ------
    ValueError
        If an argument does not fit. A trial that diverges is a row, not an error.
    TypeError
        If there is no argument of a name; the nearest one is named.

    Notes
    -----
    A row depends on the arguments, its reference, its scale and its (i, j) only: neither on the
    executor nor on interruptions, bit for bit. (A stopping rule of your own must do so, too: it may
    look at the trial it is asked about, and hold no state.) A file is resumed only by the same
    study, see `training.study.identity`; what that cannot see, such as a stopping rule of your own,
    needs an attribute ``key`` that names it.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net, X = ReLUNetwork([[[1.0]]], [[0.0]]), [[-1.0], [1.0]]
    >>> study = PerturbationStudy(None, net, X, X, scales=[0.1, 1], trials=5, steps=50, seed=0)
    >>> study.run().frame("scale")[["scale", "norm", "returned"]].round(2).values.tolist()
    [[0.1, 0.14, 5.0], [1.0, 1.41, 5.0]]
    """

    @answering(Y="y")
    def __init__(
        self,
        path: Path | None,
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
        optimizer: wanted.Optimizer | Literal["auto"] = "auto",
        learning_rate: float | None = None,
        loss: LossName | wanted.Loss = "mse",
        targets: ArrayLike | None = None,
        tolerance: float | None = None,
        certified_radius: float | Mapping[str, float] | None = None,
        keep_parameters: bool = False,
        batch_size: int | None = None,
        drop_last: bool = False,
        stop: wanted.StoppingRule | Sequence[wanted.StoppingRule] = (),
        penalties: wanted.Penalty | Sequence[wanted.Penalty] = (),
        constraints: wanted.Constraint | Sequence[wanted.Constraint] = (),
        callbacks: wanted.Callback | Sequence[wanted.Callback] = (),
        record: int | None = None,
        engine: wanted.Engine = "auto",
    ) -> None:
        given = locals()
        self.path = None if path is None else as_path(path)
        self.references = arguments.as_references(net)
        first, *others = self.references.values()
        loss = as_loss(loss)
        X, labels = as_training_data(first, X, y, loss=loss, targets=targets)
        _ = [as_training_data(other, X, labels) for other in others]
        self._X, self._labels = freeze(X), Labels(*map(freeze, labels))  # so nothing changes them
        if (scales is None or steps is None) and self._is_begun:
            scales, steps = laid_out_before(path, scales, steps)
        self._scales: Any = None if scales is None else arguments.as_scales(scales)
        self.trials = arguments.as_trials(
            trials, len(self.references), len(self._scales or range(COUNT))
        )
        self.steps = USUAL if steps is None else as_count(steps, "steps", 0)
        self.seed, self.plan = arguments.as_seed(seed), None
        self._relative = as_flag(relative, "relative")
        self._keep_parameters = as_flag(keep_parameters, "keep_parameters")
        optimizer = as_optimizer(optimizer, learning_rate, AUTO)
        self._optimizer = None if isinstance(optimizer, str) and optimizer == AUTO else optimizer
        self._tolerance = arguments.as_size(tolerance, "tolerance")
        self._callbacks = callbacks  # they look on, and are told of the trials only
        self._training = {name: given[name] for name in TRAINING} | {"loss": loss}
        self._certified = arguments.as_radii(certified_radius, self.references)
        noise: dict[str, Any] = {"relative": relative, "tensors": tensors}  # which each call checks
        self._norms = {name: norm_per_scale(net, **noise) for name, net in self.references.items()}
        self._tensors = None if tensors is None else tuple(tensors)
        with single_threaded_blas():
            self._losses = {name: self._evaluated(net) for name, net in self.references.items()}
            if scales is None or steps is None:
                size = len(X) if self._plan.batches is None else self._plan.batches.size
                about = {"trials": self.trials, "points": size, "steps": steps}
                about["is_default"] = self._optimizer is None
                self.plan = planned(self._work(self._measured), self._measured, **about)
                self._scales, self.steps = self.plan.scales, self.plan.steps
                self._measured = self.plan.references
        if tolerance is None and not self._is_begun:
            # Refused now rather than when there is a file.
            default_tolerance(loss, self._labels)
        self._store = None
        if path is not None:
            # What cannot be described is refused before there is anything to lose.
            _ = self.configuration

    def __repr__(self):
        told = laid_out(self.path, len(self.references), self._grid, self.steps)
        return f"PerturbationStudy({wrapped(told)})"

    @property
    def _is_begun(self):
        """Whether there is a file already, which then knows its references."""
        return self.path is not None and self.path.exists()

    @property
    def _grid(self):
        """Which trials there are."""
        return {"scales": list(self._scales), "trials": self.trials, "seed": self.seed}

    @property
    def _plan(self):
        options = {k: v for k, v in self._training.items() if k not in ("loss", "engine")}
        optimizer = SGD(1.0) if self._optimizer is None else self._optimizer
        more = {"optimizer": optimizer, "steps": self.steps, "callbacks": ()}
        return as_plan(len(self._X), **options, **more)

    def _engine(self, net):
        """What takes the steps of the trials around a network."""
        problem = as_problem(net, self._X, self._labels, self._training["loss"])
        return chosen_engine(self._training["engine"], net, problem, self._plan)

    def _evaluated(self, net):
        training = {**self._training, "engine": self._engine(net), "steps": 0, "learning_rate": 1.0}
        return float(train_ensemble([net], self._X, self._labels, **training).final_losses[0])

    @property
    def configuration(self) -> dict[str, Any]:
        """What decides the rows, as plain values; a file is resumed only if it has the same.

        Raises
        ------
        ValueError
            If something cannot be described faithfully; see `training.study.identity`.
        """
        plan, loss, given = self._plan, self._training["loss"], self._optimizer
        references = {
            name: {
                "network": describe(net, f"the network {name!r}"),
                "tensors": [net.names[i] for i in selected(net.names, self._tensors)],
                "engine": self._engine(net),
            }
            for name, net in self.references.items()
        }
        return {
            "references": references,
            **self._grid,
            "X": digest(self._X),
            "Y": digest(self._labels.index, self._labels.targets),
            "steps": self.steps,
            "relative": self._relative,
            "loss": describe(loss, "loss"),
            "optimizer": "default" if given is None else describe(given, "optimizer"),
            **describe_plan(plan),
            "tolerance": describe(self._tolerance, "tolerance"),
            "keep_parameters": self._keep_parameters,
        }

    def run(
        self,
        executor: Executor | None = None,
        resume: bool = True,
        *,
        jobs: int = 1,
        in_flight: int | None = None,
        progress: wanted.Reporting = None,
    ) -> StudyResult:
        """Run the trials that are missing.

        Parameters
        ----------
        executor : concurrent.futures.Executor, optional
            Where the chunks of trials are computed; this process alone writes
            the file. Default: `jobs` threads of this process.
        resume : bool
            Whether trials that are in the file are kept; otherwise it must hold none.
        jobs : int
        in_flight : int, optional
            Chunks handed to the executor at a time.
        progress : bool or callable, optional
            As for `perturbation_study`; a function is told first what was there before.

        Returns
        -------
        StudyResult

        Raises
        ------
        ValueError
            If the file holds another study, or trials although `resume` is false.
        OSError
            If the file cannot be written or is in use, or the workers are gone.
            What was stored before stays.
        """
        jobs, resume = as_count(jobs, "jobs"), as_flag(resume, "resume")
        with single_threaded_blas():
            # Before there is a file, in case that something cannot be measured.
            measured = None if self._store or self._is_begun else self._measured
        store = self._store or self._open()
        with nullcontext() if self.path is None else store:
            done = store.done()
            if done and not resume:
                raise ValueError(
                    f"{self.path or 'this study'} holds {len(done)} trials already: resume it, or "
                    "give another file"
                )
            if not store.references():
                with single_threaded_blas():
                    store.set_references(measured or self._measured)
            # It decides no row, so it may be known only now.
            store.set_certified(self._certified)
            references = store.references()
            trials = self._work(references)
            keys = all_keys(len(references), len(self._scales), self.trials)
            missing, count = trials.chunks(keys, done, jobs), len(done)
            where = threads(jobs) if executor is None else nullcontext(executor)
            with reporting(progress) as report, single_threaded_blas(), where as pool:
                report(count, len(keys))
                for columns in as_finished(trials.rows, missing, pool, in_flight=in_flight):
                    store.add(columns)
                    count += len(columns["trial"])
                    report(count, len(keys))
            return result_of(store)

    def network(self, scale: float, trial: int, reference: str | None = None) -> Network:
        """The network that a trial ended with.

        Parameters
        ----------
        scale : float
            One of the scales of the study.
        trial : int
        reference : str, optional
            Name of the reference; default the first one.

        Returns
        -------
        Network

        Raises
        ------
        ValueError
            If there is no such trial, or parameters are not kept.
        """
        reference = next(iter(self.references)) if reference is None else reference
        if reference not in self.references or scale not in self._scales:
            raise ValueError(
                f"scale and reference must be of this study, got {scale!r} and {reference!r}"
            )
        store = self._store or self._open(writing=False)
        with nullcontext() if self.path is None else store:
            # By the numbers of the file, whatever the order of the references here.
            numbers = {ref["name"]: n for n, ref in enumerate(store.references())}
            kept = reference in numbers and store.parameters(
                numbers[reference], self._scales.index(scale), as_count(trial, "trial", 0)
            )
        if not kept:
            raise ValueError(
                f"trial {trial} at scale {scale} has no parameters: it has not been run, or "
                "the study was made without keep_parameters=True"
            )
        return network_from_bytes(self.references[reference], kept)

    def _open(self, writing=True):
        if self.path is not None:
            return Store.open(self.path, self.configuration, writing=writing)
        # In memory nothing is resumed by anybody else, so nothing need be described.
        self._store = Store.open(None, self._grid)
        return self._store

    def _work(self, references):
        """The `Worker` of this study, in the order and with the learning rates of the file."""
        given = self._optimizer
        optimizers = [SGD(ref["learning_rate"]) if given is None else given for ref in references]
        return Worker(
            networks=tuple(self.references[ref["name"]] for ref in references),
            optimizers=tuple(optimizers),
            X=self._X,
            labels=self._labels,
            scales=self._scales,
            steps=self.steps,
            seed=self.seed,
            relative=self._relative,
            tensors=self._tensors,
            training={**self._training, "callbacks": self._callbacks},
            keep_parameters=self._keep_parameters,
        )

    @cached_property
    def _measured(self):
        """What the file says about each reference."""
        about = self._X, self._labels, self._training["loss"], self._optimizer, self._tolerance
        return [
            {
                "name": name,
                "loss": self._losses[name],
                "norm_per_scale": self._norms[name],
                "certified_radius": self._certified[name],
                **measured(name, net, *about),
            }
            for name, net in self.references.items()
        ]
