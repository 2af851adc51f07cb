"""Whether a network answers well, but with the classes in another order than that of the data."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from geomcore.arrays import as_labels
from geomcore.foreign.wording import printable, shortened
from training.descent.losses import as_loss, offset_of, predicted

# Of the points of a class: so many with the same other answer are no accident.
WELL = 0.75
FEWEST = 6  # points of such classes together
SHOWN = 6  # classes that are named
LONGEST = 30  # characters of a name


class Swap(NamedTuple):
    """Classes for which the points are answered by another one, as if they had its name.

    Attributes
    ----------
    labels, answers : tuple
        Of each such class its label, and the one that the network answers.
    accuracy, fitted : float
        Fraction of all points that are answered by their own class, and that would be if these
        classes had the names that the network gives them.
    """

    labels: tuple
    answers: tuple
    accuracy: float
    fitted: float

    def told(self):
        """What that means, in sentences."""
        pairs = [
            f"those of {_named(a)} as {_named(b)}"
            for a, b in zip(self.labels[:SHOWN], self.answers[:SHOWN], strict=True)
        ]
        more = len(self.labels) - SHOWN
        pairs += [f"and {more} more"] if more > 0 else []
        return (
            f"As it was given, the network answers {self.accuracy:.1%} of the points by their own "
            f"class, and {self.fitted:.1%} if some classes are exchanged: it takes "
            f"{', '.join(pairs)}. Its outputs and the labels, which are sorted here, are probably "
            "not in the same order; then nothing on this page is about what it was trained for."
        )


def swap_of(net, X, y, *, targets=None, loss="mse"):
    """The classes that a network takes for each other; None if there are none.

    Of all ways to exchange the classes that which is right at most points is looked at (as few as
    possible of them move), cycle by cycle: a cycle counts if in each of its classes at least
    `WELL` of the points have the answer that it says.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        There is no order in target vectors, so nothing is found for them.
    targets : array_like, optional
        As for `geomcore.arrays.as_labels`.
    loss : str
        As for `training.train`: it says which output means which class.

    Returns
    -------
    Swap or None

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0], [-1.0]]], [[0.0, 0.0]])
    >>> swap_of(net, [[1.0]] * 5 + [[-1.0]] * 5, list("bbbbbaaaaa"))
    Swap(labels=('a', 'b'), answers=('b', 'a'), accuracy=0.0, fitted=1.0)
    """
    if np.ndim(y) == 2:
        return None
    labels = as_labels(y, len(X), targets=targets)
    count, classes = len(labels.classes), labels.classes.tolist()
    with np.errstate(over="ignore", invalid="ignore"):
        offset = offset_of(as_loss(loss), labels.targets)
        answered = predicted(net(X), labels.targets, offset)
    pairs = np.zeros((count, count), dtype=np.int64)
    np.add.at(pairs, (labels.index, answered), 1)
    # Of equally good exchanges the one that moves the fewest classes.
    order = linear_sum_assignment((count + 1) * pairs + np.eye(count, dtype=np.int64), True)[1]
    rows = np.arange(count)
    holds = pairs[rows, order] >= WELL * pairs.sum(axis=1)
    found = [c for cycle in _cycles(order) if len(cycle) > 1 and holds[cycle].all() for c in cycle]
    if pairs[found].sum() < FEWEST:
        return None
    renamed = rows.copy()
    renamed[found] = order[found]
    found = sorted(found)
    return Swap(
        tuple(classes[c] for c in found),
        tuple(classes[c] for c in order[found]),
        float(np.trace(pairs) / len(X)),
        float(pairs[rows, renamed].sum() / len(X)),
    )


def _cycles(order):
    """The cycles of a permutation, lists."""
    left, found = set(range(len(order))), []
    while left:
        cycle = [min(left)]
        while (other := int(order[cycle[-1]])) != cycle[0]:
            cycle.append(other)
        left -= set(cycle)
        found.append(cycle)
    return found


def _named(label):
    return shortened(printable(str(label)), LONGEST)
