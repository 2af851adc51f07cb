"""Polytopes, data and networks of one seed, and their training."""

from typing import NamedTuple

import numpy as np

from geomcore import datasets
from geomcore.display.lines import told_in_brief
from geomcore.layers import Affine, LearnedLpNorm, LpNorm, ReLU
from geomcore.mesa.polytope import Polytope
from geomcore.network import Network, ReLUNetwork
from training.descent.optimizers import Adam
from training.descent.stopping import AccuracyFor
from training.descent.trainer import train_ensemble
from training.experiments.mesa.protocol import (
    BOX,
    FACES,
    POSITIVE,
    RATE,
    TEST,
    TRAIN,
    WIDTH,
)

# Streams of one seed and dimension: what is drawn from one does not depend on the others.
DATA, START, SHUFFLES, SAMPLES = range(4)


@told_in_brief
class Task(NamedTuple):
    """A polytope with points to train on, and points to test on.

    Attributes
    ----------
    polytope : Polytope
    X, test : ndarray, shapes (N, d), (M, d)
    y : ndarray of int, shape (N,)
        1 inside.
    """

    polytope: Polytope
    X: np.ndarray
    y: np.ndarray
    test: np.ndarray


def stream(seed, d, part):
    """The generator of one of the streams of a seed in a dimension."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(d, part)))


def draw(seed, d):
    """The `Task` of a seed in dimension `d`."""
    data = datasets.polytope(TRAIN + TEST, d=d, faces=FACES, box=BOX, rng=stream(seed, d, DATA))
    return Task(Polytope.of(data), data.X[:TRAIN], data.y[:TRAIN], data.X[TRAIN:])


def begin(model, seed, d):
    """The network of a model before training: what models share starts at the same numbers.

    Parameters
    ----------
    model : Model
    seed, d : int

    Returns
    -------
    Network
    """
    rng = stream(seed, d, START)

    def linear(m, n):
        """Weights and biases U(-1, 1) / sqrt(n)."""
        return [rng.uniform(-1, 1, shape) / np.sqrt(n) for shape in ((m, n), m)]

    first, head, last = linear(WIDTH, d), linear(1, WIDTH), linear(1, 1)
    raw = rng.uniform(0.1, 1.0, (1, WIDTH))
    if model.start == POSITIVE:
        head = raw, np.zeros(1)
    if model.is_learned:
        norm = LearnedLpNorm.of_orders(*head, [model.p])
        return Network([Affine(*first), ReLU(), norm, ReLU(), Affine(*last)])
    return assembled([*first, *head, *last], model.p)


def assembled(tensors, p=None):
    """The network of these tensors, with an Lp head of order `p`, or else a linear one."""
    first, head, last = tensors[:2], tensors[2:4], tensors[4:]
    if p is not None:
        return Network([Affine(*first), ReLU(), LpNorm(*head, p=p), ReLU(), Affine(*last)])
    weights, biases = zip(first, head, last, strict=True)
    return ReLUNetwork(weights, biases)


def at_rest(net):
    """The same network with its order, if that was learned, as a number that stays."""
    head = net.layers[2]
    if not isinstance(head, LearnedLpNorm):
        return net
    first, last = net.layers[0], net.layers[4]
    return assembled([*first.tensors, head.W, head.b, *last.tensors], float(head.p[0]))


def trained(model, task, protocol, seed, *, epochs):
    """Train the network of a model.

    Parameters
    ----------
    model : Model
    task : Task
    protocol : Protocol
    seed : int
    epochs : int

    Returns
    -------
    Network
    epochs : int
        That were done.
    stopped_by : str
    """
    N, d = task.X.shape
    per_epoch = N // protocol.batch if protocol.drop_last else -(-N // protocol.batch)
    stop = ()
    if protocol.level is not None:
        stop = (AccuracyFor(protocol.level, records=protocol.patience),)
    result = train_ensemble(
        [begin(model, seed, d)],
        task.X,
        task.y,
        rngs=[stream(seed, d, SHUFFLES)],
        loss="bce",
        optimizer=Adam(RATE, clip=protocol.clip),
        batch_size=protocol.batch,
        drop_last=protocol.drop_last,
        steps=epochs * per_epoch,
        record=per_epoch,
        stop=stop,
        penalties=model.penalties,
        constraints=model.constraints,
    ).trial(0)
    return at_rest(result.network), result.steps // per_epoch, result.stop_reason


def flipped(net):
    """A network with its negative head weights negated, and the hyperplanes of their units.

    Notes
    -----
    This changes the function, for w relu(z) = w z - |w| relu(-z) where w < 0: what comes out is
    not what went in, less an affine part. It is an intervention, no other set of parameters.

    Examples
    --------
    >>> net = ReLUNetwork([[[2.0]], [[-3.0]]], [[1.0], [0.0]])
    >>> [W.item() for W in flipped(net).weights], flipped(net).biases[0].item()
    ([-2.0, 3.0], -1.0)
    """
    (W, b), (w, c) = (layer.tensors for layer in (net.layers[0], net.layers[2]))
    sign = np.where(w[0] < 0, -1.0, 1.0)
    tensors = [W * sign[:, None], b * sign, w * sign, c, *net.tensors[4:]]
    return net.rebuild(tensors)
