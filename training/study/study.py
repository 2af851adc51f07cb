"""Perturb-then-train studies: how far can a network be pushed and still come back?"""

from contextlib import nullcontext
from numbers import Integral

import numpy as np

from geomcore.arrays import as_count
from geomcore.network import Network
from geomcore.stack import stack
from training.descent.curvature import largest_curvature
from training.descent.executors import as_finished, single_threaded_blas, threads
from training.descent.losses import as_loss
from training.descent.optimizers import SGD
from training.descent.problem import as_training_data
from training.descent.trainer import train_ensemble
from training.study.identity import describe, digest
from training.study.perturbation import norm_per_scale
from training.study.result import result_of
from training.study.store import Store
from training.study.trials import Trials, as_scales, network_from_bytes

# Bytes of activations of the trials that step together; about what stays in the cache of one core.
WORKING_SET = 2_000_000


class PerturbationStudy:
    r"""Perturb one or more networks many times at several scales and train each trial.

    Parameters
    ----------
    path : path-like or None
        The file of the study, see `training.study.store`; None keeps it in memory.
    net : Network or dict of str to Network
        The reference, usually a minimum, or several by name.
    X : array_like, shape (N, d)
    Y : array_like, shape (N,) or (N, k)
        Labels or target vectors.
    scales : sequence of float
        Norms :math:`\lambda` of the noise on each tensor; see `perturb`.
    trials : int
        Trials per reference and scale.
    steps : int
        Step budget of each trial; 0 evaluates the perturbed networks only.
    seed : int
        Trial j at scale i draws its noise and its batches from
        ``SeedSequence(seed, spawn_key=(i, j))`` and nothing else, whatever the
        reference.
    relative : bool
        Noise relative to the norm of each tensor.
    tensors : sequence of str, optional
        Names of the tensors that are perturbed, such as ``["W1", "b1"]``;
        default all. All of them are trained.
    optimizer : optimizer, optional
        Default: plain gradient descent at the rate :math:`1/(2 \lambda_{\max})`
        of the loss at each reference (`largest_curvature`), a quarter of what is
        stable there, since around it the curvature is larger. Constructed
        networks can have layers of very different scale, so that no fixed
        number fits them all.
    loss : str or loss object
    targets : array_like, shape (Q, k), optional
        Output wanted for each label; default one-hot rows.
    tolerance : float, optional
        How far from the loss of the reference counts as returned. Default
        1e-3 of the loss of the best constant output.
    certified_radius : float or dict of str to float, optional
        Total norm up to which every perturbation provably returns, from
        ``verify(...).basin["radius"]``; it is drawn beside what is found.
    keep_parameters : bool
        Store the final parameters of every trial; see `network`.
    **training
        Further arguments of `train_ensemble`: batch_size, stop, record, ...

    Raises
    ------
    ValueError
        If an argument does not fit. A trial that diverges is a row, not an error.

    Notes
    -----
    A row depends on the arguments, its reference, its scale and its (i, j) only:
    neither on the executor nor on interruptions, bit for bit.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> X = np.array([[-1.0], [1.0]])
    >>> study = PerturbationStudy(None, net, X, X, scales=[0.1, 1], trials=5, steps=50, seed=0)
    >>> study.run().summary()[["scale", "norm", "returned"]].round(2).values.tolist()
    [[0.1, 0.14, 5.0], [1.0, 1.41, 5.0]]
    """

    def __init__(
        self,
        path,
        net,
        X,
        Y,
        *,
        scales,
        trials,
        steps,
        seed,
        relative=False,
        tensors=None,
        optimizer=None,
        loss="mse",
        targets=None,
        tolerance=None,
        certified_radius=None,
        keep_parameters=False,
        **training,
    ):
        self.path = path
        self.references = _as_references(net)
        first, *others = self.references.values()
        self._X, self._labels = as_training_data(first, X, Y, targets=targets)
        for other in others:
            as_training_data(other, self._X, self._labels.Y)
        self._scales, self.trials = as_scales(scales), as_count(trials, "trials")
        self.steps, self.seed = as_count(steps, "steps", 0), _as_seed(seed)
        self._relative, self._keep_parameters = bool(relative), bool(keep_parameters)
        self._tensors = None if tensors is None else tuple(tensors)
        self._optimizer, self._tolerance = optimizer, tolerance
        self._training = {"loss": as_loss(loss), **training}
        self._certified = (
            certified_radius
            if isinstance(certified_radius, dict)
            else dict.fromkeys(self.references, certified_radius)
        )
        # Each call also checks what it is given.
        self._norms = [
            norm_per_scale(net, relative=self._relative, tensors=tensors)
            for net in self.references.values()
        ]
        with single_threaded_blas():
            self._losses = [
                float(
                    train_ensemble(
                        [net], self._X, self._labels.Y, steps=0, **self._training
                    ).final_losses[0]
                )
                for net in self.references.values()
            ]
        self._store = None

    @property
    def configuration(self):
        """What decides the rows, as plain values; a file is resumed only if it has the same."""
        return {
            "networks": {name: digest(*_tensors(net)) for name, net in self.references.items()},
            "X": digest(self._X),
            "Y": digest(self._labels.Y, self._labels.targets),
            "scales": list(self._scales),
            "trials": self.trials,
            "steps": self.steps,
            "seed": self.seed,
            "relative": self._relative,
            "tensors": None if self._tensors is None else list(self._tensors),
            "optimizer": "default" if self._optimizer is None else describe(self._optimizer),
            "tolerance": self._tolerance,
            "keep_parameters": self._keep_parameters,
            "training": {name: describe(value) for name, value in self._training.items()},
        }

    def run(self, executor=None, resume=True, *, jobs=1, in_flight=None, progress=None):
        """Run the trials that are missing.

        Parameters
        ----------
        executor : concurrent.futures.Executor, optional
            Where the chunks of trials are computed; this process alone writes
            the file. Default: `jobs` threads of this process.
        resume : bool
            Whether trials that are in the file already are kept; otherwise it
            must hold none.
        jobs : int
        in_flight : int, optional
            Chunks handed to the executor at a time.
        progress : callable, optional
            Called as ``progress(done, total)``, in trials, first with what was
            there at the start.

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
        jobs = as_count(jobs, "jobs")
        report = progress if progress is not None else (lambda done, total: None)
        store = self._store if self._store is not None else self._open()
        with nullcontext() if self.path is None else store:
            done = store.done()
            if done and not resume:
                raise ValueError(
                    f"{self.path} holds {len(done)} trials of this study: resume it, or give "
                    "another file"
                )
            references = store.references()
            if not references:
                with single_threaded_blas():
                    store.set_references(self._measured())
                references = store.references()
            trials = self._work([ref["learning_rate"] for ref in references])
            keys = self._keys()
            missing, count = self._chunks(keys, done), len(done)
            report(count, len(keys))
            where = threads(jobs) if executor is None else nullcontext(executor)
            with single_threaded_blas(), where as pool:
                for columns in as_finished(trials.rows, missing, pool, in_flight=in_flight):
                    store.add(columns)
                    count += len(columns["trial"])
                    report(count, len(keys))
            return result_of(store)

    def network(self, scale, trial, reference=None):
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
        names = list(self.references)
        reference = names[0] if reference is None else reference
        if reference not in names or scale not in self._scales:
            raise ValueError(
                f"scale and reference must be of this study, got {scale!r} and {reference!r}"
            )
        store = self._store if self._store is not None else self._open(writing=False)
        with nullcontext() if self.path is None else store:
            kept = store.parameters(
                names.index(reference), self._scales.index(scale), as_count(trial, "trial", 0)
            )
        if kept is None:
            raise ValueError(
                f"trial {trial} at scale {scale} has no parameters: it has not been run, or "
                "the study was made without keep_parameters=True"
            )
        return network_from_bytes(self.references[reference], kept)

    def _open(self, writing=True):
        store = Store.open(self.path, self.configuration, writing=writing or self.path is None)
        if self.path is None:
            self._store = store
        return store

    def _keys(self):
        return [
            (r, i, j)
            for r in range(len(self.references))
            for i in range(len(self._scales))
            for j in range(self.trials)
        ]

    def _chunks(self, keys, done):
        """The missing trials, in groups of one reference whose activations fit in a cache."""
        chunks = []
        for r, net in enumerate(self.references.values()):
            size = max(1, int(WORKING_SET // (8 * len(self._X) * _units(net))))
            own = [key for key in keys if key[0] == r and key not in done]
            chunks += [own[start : start + size] for start in range(0, len(own), size)]
        return chunks

    def _work(self, rates):
        """The `Trials` of this study, with the learning rates that the file prescribes."""
        optimizers = [SGD(rate) if self._optimizer is None else self._optimizer for rate in rates]
        return Trials(
            networks=tuple(self.references.values()),
            optimizers=tuple(optimizers),
            X=self._X,
            labels=self._labels,
            scales=self._scales,
            steps=self.steps,
            seed=self.seed,
            relative=self._relative,
            tensors=self._tensors,
            training=self._training,
            keep_parameters=self._keep_parameters,
        )

    def _measured(self):
        """What the file says about each reference."""
        loss, labels = self._training["loss"], self._labels
        tolerance = self._tolerance
        if tolerance is None:
            constant = np.broadcast_to(labels.Y.mean(axis=0), labels.Y.shape)
            tolerance = 1e-3 * float(loss.value(constant, labels.Y) @ loss.weights(labels.index))
        rows = []
        for (name, net), value, norm in zip(
            self.references.items(), self._losses, self._norms, strict=True
        ):
            if self._optimizer is None:
                curvature = largest_curvature(net, self._X, labels.Y, loss=loss, rtol=1e-2)
                rate = 0.5 / curvature
            else:
                rate = getattr(self._optimizer, "learning_rate", None)
            rows.append(
                {
                    "name": name,
                    "loss": value,
                    "tolerance": tolerance,
                    "learning_rate": rate,
                    "norm_per_scale": norm,
                    "certified_radius": self._certified.get(name),
                }
            )
        return rows


def perturbation_study(net, X, y, *, jobs=1, progress=None, **arguments):
    """Run a `PerturbationStudy` in memory.

    Parameters
    ----------
    net, X, y, **arguments
        As for `PerturbationStudy`.
    jobs : int, optional
        Threads; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)``, in trials.

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
    >>> X = np.array([[-1.0], [1.0]])
    >>> result = perturbation_study(net, X, X, scales=[0.1, 1.0], trials=5, steps=50, seed=0)
    >>> result.summary()[["scale", "returned", "trials"]].values.tolist()
    [[0.1, 5.0, 5.0], [1.0, 5.0, 5.0]]
    """
    return PerturbationStudy(None, net, X, y, **arguments).run(jobs=jobs, progress=progress)


def _as_references(net):
    references = net if isinstance(net, dict) else {"network": net}
    if not references or not all(
        isinstance(name, str) and name and isinstance(value, Network)
        for name, value in references.items()
    ):
        raise ValueError(f"net must be a Network, or a dict of networks by name, got {net!r}")
    return dict(references)


def _as_seed(seed):
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed!r}")
    return int(seed)


def _units(net):
    """Numbers kept per point in a forward pass, before and after each ReLU."""
    return net.widths[0] + 2 * sum(net.widths[1:]) if hasattr(net, "widths") else 100


def _tensors(net):
    return [np.ascontiguousarray(p) for p in stack([net])[1]]
