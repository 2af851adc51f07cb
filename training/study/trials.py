"""The work of a study: a chunk of trials in, their rows out, and nothing else."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geomcore.arrays import Labels, as_labels
from geomcore.parameters import flatten, unflatten
from geomcore.stack import stack
from geomcore.threads import single_threaded_blas
from training.descent.losses import SquaredError, offset_of, predicted
from training.descent.trainer import group_size, train_ensemble
from training.study.outcomes import late_losses
from training.study.perturbation import perturb

# Activations that a chunk computes in all its steps: some seconds on one core.
LONGEST = 2 * 10**9


@dataclass(frozen=True, eq=False)
class Worker:
    """All that a trial depends on; it travels to the workers as it is.

    Attributes
    ----------
    networks : tuple of Network
        The references.
    optimizers : tuple
        One for each reference.
    X : ndarray, shape (N, d)
    labels : Labels
    scales : tuple of float
    steps : int
    seed : int or tuple of int
    relative : bool
    tensors : tuple of str or None
    training : dict
        The loss, an object, and further arguments of `train_ensemble`.
    keep_parameters : bool
    """

    networks: tuple
    optimizers: tuple
    X: np.ndarray
    labels: Labels
    scales: tuple
    steps: int
    seed: int
    relative: bool
    tensors: tuple | None
    training: dict
    keep_parameters: bool

    def start(self, key):
        """The perturbed network of a trial, and the stream from which its batches come."""
        r, i, j = key
        # The same stream for all references, so that they are compared on the same noise.
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(i, j)))
        noise = {"relative": self.relative, "tensors": self.tensors}
        return perturb(self.networks[r], self.scales[i], 1, rng=rng, **noise)[0], rng

    @cached_property
    def patterns(self):
        """Activation pattern of each reference, a list of (N, units) bool."""
        return [evaluate([net], self.X)[1][0] for net in self.networks]

    def chunks(self, keys, done, jobs=1):
        """The keys that are not `done`, in lists of one reference.

        The activations of a list fit a cache, it takes some seconds, since a study that is
        killed loses what it is at, and there is one for each of the jobs, if there are trials.
        """
        chunks, longest = [], 8 * LONGEST // max(1, self.steps)
        for r, net in enumerate(self.networks):
            own = [key for key in keys if key[0] == r and key not in done]
            sizes = [group_size(net, self.X, len(self.X), most=m) for m in (None, longest)]
            size = max(1, min(*sizes, -(-len(own) // jobs)))
            chunks += [own[start : start + size] for start in range(0, len(own), size)]
        return chunks

    def rows(self, keys):
        """Perturb and train a chunk of trials of one reference.

        Parameters
        ----------
        keys : list of (int, int, int)
            Number of the reference, of the scale and of the trial.

        Returns
        -------
        dict of list
            The columns of `training.study.store`.
        """
        with single_threaded_blas():
            return self._rows(keys)

    def _rows(self, keys):
        r = keys[0][0]
        net = self.networks[r]
        starts, rngs = zip(*map(self.start, keys), strict=True)
        result = train_ensemble(
            starts,
            self.X,
            self.labels,
            optimizer=self.optimizers[r],
            steps=self.steps,
            rngs=rngs,
            **self.training,
        )
        outputs, patterns = evaluate(result.networks, self.X)
        same = (patterns == self.patterns[r]).all(axis=(1, 2))
        (_, before), (_, after) = stack([net]), stack(result.networks)
        with np.errstate(over="ignore"):
            moved = sum(
                ((p - q) ** 2).reshape(len(keys), -1).sum(axis=1)
                for p, q in zip(after, before, strict=True)
            )
        columns = {
            "reference": [r for r, _, _ in keys],
            "scale": [i for _, i, _ in keys],
            "trial": [j for _, _, j in keys],
            "initial_loss": result.losses[0],
            "final_loss": result.final_losses,
            "steps": result.steps,
            "stop_reason": result.stop_reasons,
            "accuracy": [
                fraction_right(out, self.labels, self.training["loss"]) for out in outputs
            ],
            "distance": np.sqrt(moved),
            "pattern_returned": same,
            "late_loss": late_losses(result.losses, result.recorded, result.steps),
        }
        if self.keep_parameters:
            columns["parameters"] = [
                flatten([p[t] for p in after]).tobytes() for t in range(len(keys))
            ]
        return columns


def all_keys(references, scales, trials):
    """Numbers of the reference, of the scale and of the trial of every row, from their counts."""
    return [(r, i, j) for r in range(references) for i in range(scales) for j in range(trials)]


def network_from_bytes(net, parameters):
    """The network of the shape of `net` whose parameters a study has stored.

    Parameters
    ----------
    net : Network
    parameters : bytes

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If there are not as many numbers as `net` has.
    """
    whole = len(parameters) // 8 * 8
    if whole < len(parameters):
        raise ValueError(f"parameters must be {net.parameter_count} entries of 8 bytes each")
    return unflatten(net, np.frombuffer(parameters))


def evaluate(networks, X):
    """Outputs (T, N, k) and activation patterns (T, N, units) of networks of one shape."""
    stacked, params = stack(networks)
    with np.errstate(all="ignore"):
        outputs = stacked.forward(params, X)
    return outputs[-1], stacked.patterns(outputs)


def accuracy(net, X, y):
    """Fraction of points whose output is nearest to the target of their own class.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, d)
    y : array_like or Labels
        Labels, target vectors, or what `geomcore.arrays.as_labels` made of them.

    Returns
    -------
    float
        Of a tie between classes the first counts, as in `constructions.verify`. A diverged
        network, with outputs that are no numbers, gets what class 0 has.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> accuracy(ReLUNetwork([np.eye(2)], [[0, 0]]), [[1, 0], [0.9, 0], [0.8, 0.7]], [0, 0, 1])
    0.6666666666666666
    """
    labels = y if isinstance(y, Labels) else as_labels(y, len(X))
    with np.errstate(all="ignore"):
        return fraction_right(net(X), labels, SquaredError())


def fraction_right(outputs, labels, loss):
    """Fraction of the rows of `outputs`, shape (N, k), from which `loss` reads the right class."""
    with np.errstate(all="ignore"):
        found = predicted(outputs, labels.targets, offset_of(loss, labels.targets))
    return float(np.mean(found == labels.index))
