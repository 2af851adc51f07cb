"""Where truncation dynamics start: networks in which one class is truncated in part."""

from typing import NamedTuple

import numpy as np

from constructions import ConstructionError, partial
from geomcore import datasets
from geomcore.arrays import as_labels
from geomcore.datasets.dataset import Dataset
from geomcore.display.lines import told_in_brief
from geomcore.network import ReLUNetwork
from training.descent.curvature import largest_curvature
from training.output.forms import Array, Parts, check_form
from training.study.identity import digest

STEP = 1 / 16  # of the largest stable learning rate
MOST_FRACTIONS = 40  # each has a panel


@told_in_brief
class Start(NamedTuple):
    """Networks in which one class is truncated in part, one for each fraction.

    Attributes
    ----------
    data : Dataset
    networks : list of ReLUNetwork
    layer : int
        Number, from 0, of the hidden layer that truncates the class.
    q : int
        Number of the class, in sorted order.
    rate : float
        A sixteenth of the largest stable learning rate of all of them: small, so that descent
        follows the gradient flow, and one for all, so that they differ in what is truncated only.
    """

    data: Dataset
    networks: list
    layer: int
    q: int
    rate: float


def as_fractions(values, name="fractions"):
    """Fractions in rising order, each once; ValueError if there are not two between 0 and 1."""
    try:
        fractions = tuple(sorted({float(value) for value in values}))
    except (TypeError, ValueError):
        fractions = ()
    if not 2 <= len(fractions) <= MOST_FRACTIONS or not all(0 < f < 1 for f in fractions):
        raise ValueError(
            f"{name} must be two different numbers or more between 0 and 1, at most "
            f"{MOST_FRACTIONS}, got {values!r:.80}"
        )
    return fractions


def draws(seeds, *, points, radius, seed):
    """Data sets of three balls around unit vectors, one for each seed.

    Parameters
    ----------
    seeds : int
        How many.
    points : int
        Per ball.
    radius : float
    seed : int
        The first seed.

    Returns
    -------
    list of Dataset

    Raises
    ------
    ValueError
        If there are no such balls.
    """
    return [datasets.clusters(points, radius=radius, rng=seed + s) for s in range(seeds)]


def digest_of(data):
    """What tells a `Dataset` from others: a text."""
    X = np.asarray(data.X)
    return digest(X, as_labels(data.y, len(X)).index)


def part_of(data, rng):
    """Four fifths of each class of a `Dataset`, rounded down to two points at least, drawn anew."""
    y, rows = np.asarray(data.y), []
    for label in np.unique(y):
        own = np.flatnonzero(y == label)
        rows.append(rng.permutation(own)[: max(2, 4 * len(own) // 5)])
    rows = np.sort(np.concatenate(rows))
    return data._replace(X=data.X[rows], y=y[rows])


def start(data, fractions, *, label=None, others=1.0, rng=0):
    """Truncate one class in part, by `constructions.partial`, and the others as far as given.

    Parameters
    ----------
    data : Dataset
    fractions : sequence of float
        Of the class that is collapsed at the start, one for each network; of its points each
        truncates at least one and leaves one.
    label : optional
        Of the class; default the first one in sorted order.
    others : float
        Fraction of every other class.
    rng : seed

    Returns
    -------
    Start

    Raises
    ------
    ValueError
        If there is no such class, or a fraction does not fit.
    ConstructionError
        If a class cannot be collapsed.
    """
    labels = as_labels(data.y, len(data.X))
    classes = labels.classes.tolist()
    label = classes[0] if label is None else label
    if label not in classes:
        raise ValueError(f"label must be one of {classes[:20]}, got {label!r}")
    if not 0 <= others <= 1:
        raise ValueError(f"others must be a number from 0 to 1, got {others!r}")
    q = classes.index(label)
    size = int((labels.index == q).sum())
    for f in fractions:
        if not 0 < round(f * size) < size:
            raise ValueError(
                f"fractions must truncate at least one point of the class and leave one, "
                f"{f:g} of {size} points does not"
            )
    try:
        made = [
            partial(data.X, data.y, [f if c == q else others for c in range(len(classes))], rng=rng)
            for f in fractions
        ]
    except ConstructionError as refusal:
        why = "; ".join(refusal.reasons.values())
        reasons = {"truncating at the start": f"hyperplanes must cut classes off, but {why}"}
        raise ConstructionError(reasons, refusal.certificates) from None
    layer = next(i for i, record in enumerate(made[0].layers) if record.label == label)
    networks = [one.network for one in made]
    rate = STEP * min(2 / largest_curvature(net, data.X, data.y) for net in networks)
    return Start(data, networks, layer, q, float(rate))


def as_piece(started):
    """A `Start` but its data as plain values, for `training.output.pieces`."""
    networks = [[list(net.weights), list(net.biases)] for net in started.networks]
    return {**started._asdict(), "data": None, "networks": networks}


def check_piece(piece, data, count):
    """Raise ValueError unless `as_piece` may have written it, of so many fractions of the data."""
    vectors, matrices = Array((None,), is_finite=True), Array((None, None), is_finite=True)
    network = Parts([[matrices], [vectors]])
    form = {"data": None, "networks": [network], "layer": int, "q": int, "rate": float}
    check_form(piece, form)
    networks = [ReLUNetwork(weights, biases) for weights, biases in piece["networks"]]
    widths = {net.widths for net in networks}
    labels = as_labels(data.y, len(data.X))
    ends = data.X.shape[1], labels.targets.shape[1]
    if len(networks) != count or len(widths) != 1 or (min(widths)[0], min(widths)[-1]) != ends:
        raise ValueError("its networks are of other widths or another number")
    if not (0 <= piece["layer"] < len(min(widths)) - 2 and 0 <= piece["q"] < len(labels.classes)):
        raise ValueError("there is no such layer or class")
    if not 0 < piece["rate"] < np.inf:
        raise ValueError("its rate is not positive")


def of_piece(piece, data):
    """The `Start` that `as_piece` wrote down, on the same data."""
    networks = [ReLUNetwork(weights, biases) for weights, biases in piece["networks"]]
    return Start(**{**piece, "data": data, "networks": networks})
