"""Networks with non-negative weights on images of digits, beside free ones, over seeds."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geomcore.datasets import bundled
from geomcore.network import ReLUNetwork
from geomcore.threads import single_threaded_blas
from training.descent.constraints import NonNegative
from training.descent.optimizers import Adam
from training.descent.penalties import NegativePart
from training.descent.trainer import train_ensemble
from training.experiments.judging.spread import spread_of
from training.output.forms import Array, Parts, formed

WIDTH, EPOCHS, BATCH, RATE = 32, 60, 64, 0.005
LARGEST = 16.0  # a pixel
HELD_OUT = 0.3
TREATMENTS = {
    "free": {},
    "penalty 0.1": {"penalties": [NegativePart(0.1, ("W1", "W2"))]},
    "first layer >= 0": {"constraints": [NonNegative(("W1",))]},
    "all weights >= 0": {"constraints": [NonNegative(("W1", "W2"))]},
}
FACTORS = "NMF"  # no network: the factors of the images, as a measure of parts
MEASURES = {
    "accuracy": "accuracy on held-out images",
    "active": "part of the hidden units that is on, mean over images",
    "dead": "part of the hidden units that is on for no image",
    "sparsity": "sparsity of the first layer (Hoyer; 1: one pixel, 0: all alike)",
    "overlap": "mean |cosine| of two units of the first layer",
    "zeros": "part of the first layer that is 0",
}


# Of the network of a piece.
SHAPES = ((WIDTH, 64), (WIDTH,), (10, WIDTH), (10,))
TENSORS = Parts([Array(shape, is_finite=True) for shape in SHAPES])


class AtScale(NamedTuple):
    """What was measured, and the weights of one seed for pictures.

    Attributes
    ----------
    rows : list of dict
        Treatment, seed and `MEASURES`.
    features : dict
        Treatment to the first layer (32, 64) of the first seed.
    """

    rows: list
    features: dict


def at_scale(seeds, *, seed=0, jobs=1, pieces=None, told=None):
    """Train 64-32-10 networks on the bundled digits, each treatment from the same starts.

    Parameters
    ----------
    seeds : int
        Each has its own split, starts and shuffles.
    seed : int
    jobs : int
        Threads.
    pieces : mutable mapping, optional
        Of treatments of a seed that are done, by name. Default a dict.
    told : callable, optional
        Of the number of networks that are done and of all.

    Returns
    -------
    AtScale

    Raises
    ------
    ValueError
        If a piece is not as it was written.
    """
    pieces = {} if pieces is None else pieces
    data = bundled.digits(standardize=False)
    X, y = data.X / LARGEST, data.y
    keys = [(s, name) for s in range(seeds) for name in TREATMENTS]
    missing = [key for key in keys if _piece(*key) not in pieces]
    with ThreadPoolExecutor(jobs) as pool:
        trained = pool.map(
            lambda key: _trained(X, y, _split(len(X), seed, key[0]), key[1]), missing
        )
        for k, (key, tensors) in enumerate(zip(missing, trained, strict=True)):
            pieces[_piece(*key)] = tensors
            if told is not None:
                told(len(keys) - len(missing) + k + 1, len(keys))
    rows, features = [], {}
    for s, name in keys:
        W1, b1, W2, b2 = formed(pieces, _piece(s, name), TENSORS)
        net, test = ReLUNetwork([W1, W2], [b1, b2]), _split(len(X), seed, s).test
        rows.append({"treatment": name, "seed": s, **measured(net, X[test], y[test])})
        features.setdefault(name, net.weights[0])
    features[FACTORS] = _factors(X[_split(len(X), seed, 0).train], seed)
    rows.append({"treatment": FACTORS, "seed": 0, **shape_of(features[FACTORS])})
    return AtScale(rows, features)


class _Split(NamedTuple):
    """What is the same for all treatments of a seed."""

    train: np.ndarray
    test: np.ndarray
    start: ReLUNetwork
    shuffles: int


def _split(n, seed, s):
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(s,)))
    order = rng.permutation(n)
    cut = round(HELD_OUT * n)
    return _Split(order[cut:], order[:cut], _start(rng), int(rng.integers(2**63)))


def _piece(s, name):
    return f"seed {s}, {name}"


def _trained(X, y, split, name):
    """The tensors of the network of one treatment and seed."""
    steps = EPOCHS * -(-len(split.train) // BATCH)
    done = train_ensemble(
        [split.start],
        X[split.train],
        y[split.train],
        rngs=[split.shuffles],
        loss="cross_entropy",
        optimizer=Adam(RATE),
        batch_size=BATCH,
        steps=steps,
        record=steps,
        **TREATMENTS[name],
    )
    return [np.asarray(tensor) for tensor in done.networks[0].tensors]


def measured(net, X, y):
    """Accuracy, activity and the shape of the first layer of a network on held-out points."""
    hidden = net.hidden(X)[0] > 0
    return {
        "accuracy": float((net(X).argmax(axis=1) == y).mean()),
        "active": float(hidden.mean()),
        "dead": float((~hidden.any(axis=0)).mean()),
        **shape_of(net.weights[0]),
    }


def shape_of(W):
    """How much the rows of W (m, n) are parts: sparse, apart from each other, zero.

    Rows of zeros are left out of the first two.

    References
    ----------
    P. O. Hoyer, "Non-negative matrix factorization with sparseness constraints", 2004, section 3.1.

    Examples
    --------
    >>> shape_of(np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]))
    {'sparsity': 0.5, 'overlap': 0.5, 'zeros': 0.5833333333333334}
    """
    rows = W[W.any(axis=1)]
    zeros = float((W == 0).mean())
    if not len(rows):
        return {"sparsity": np.nan, "overlap": np.nan, "zeros": zeros}
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1)
    n = np.sqrt(W.shape[1])
    sparsity = (n - np.abs(rows).sum(axis=1) / lengths) / (n - 1)
    cosines = np.abs(rows @ rows.T) / np.outer(lengths, lengths)
    pairs = len(rows) * (len(rows) - 1)
    overlap = (cosines.sum() - len(rows)) / pairs if pairs else np.nan
    return {"sparsity": float(sparsity.mean()), "overlap": float(overlap), "zeros": zeros}


def overview(found, *, seed=0):
    """A row per treatment: ``treatment``, ``seeds``, and a `Spread` or None by measure."""
    rows = []
    for name in [*TREATMENTS, FACTORS]:
        own = [row for row in found.rows if row["treatment"] == name]
        row = {"treatment": name, "seeds": len(own)}
        for key in MEASURES:
            row[key] = spread_of((r.get(key, np.nan) for r in own), seed=seed)
        rows.append(row)
    return rows


def in_words(rows):
    """The same for people."""
    return [
        {
            key: str(value) if key in ("treatment", "seeds") else _told(value)
            for key, value in row.items()
        }
        for row in rows
    ]


def differences(found, *, seed=0):
    """Each treatment less the free networks, over the same seeds."""
    by = {(row["treatment"], row["seed"]): row for row in found.rows}
    seeds = sorted({s for name, s in by if name == "free"})
    return [
        {"treatment": name}
        | {
            key: _told(spread_of((by[name, s][key] - by["free", s][key] for s in seeds), seed=seed))
            for key in MEASURES
        }
        for name in TREATMENTS
        if name != "free"
    ]


def _told(value):
    return "-" if value is None else value.told("{:.3f}")


def _start(rng):
    sizes = (64, WIDTH, 10)
    parts = [
        (rng.uniform(-1, 1, size=(m, n)) / np.sqrt(n), rng.uniform(-1, 1, size=m) / np.sqrt(n))
        for n, m in pairwise(sizes)
    ]
    return ReLUNetwork(*zip(*parts, strict=True))


def _factors(X, seed):
    """Non-negative factors of the images, by scikit-learn; shape (32, 64)."""
    from sklearn.decomposition import NMF

    # A product that is split over threads may differ in its last bit, and --jobs says how many.
    with single_threaded_blas():
        return NMF(WIDTH, init="nndsvda", max_iter=500, random_state=seed).fit(X).components_
