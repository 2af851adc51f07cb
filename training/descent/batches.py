"""Mini-batches: every trial shuffles with its own random stream."""

import numpy as np


class Batches:
    """Consecutive batches of a fresh shuffle of N points per epoch and trial.

    Parameters
    ----------
    n : int
        Number of points.
    size : int
        Points per batch, at most `n`.
    drop_last : bool
        Drop the last batch of an epoch if it is smaller than `size`.

    Attributes
    ----------
    last : int
        Points used in an epoch.
    per_epoch : int
        Batches in an epoch.

    Examples
    --------
    >>> Batches(5, 2).per_epoch, Batches(5, 2, drop_last=True).per_epoch
    (3, 2)
    >>> [Batches(5, 2).rows(step) for step in range(4)]
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None), slice(0, 2, None)]
    """

    def __init__(self, n, size, drop_last=False):
        self.n, self.size = n, size
        self.last = n - n % size if drop_last else n
        self.per_epoch = -(-self.last // size)

    def rows(self, step):
        """Where in the shuffle of its epoch the batch of a step lies."""
        start = step % self.per_epoch * self.size
        return slice(start, min(start + self.size, self.last))


def permuted(rng, rows):
    """Fill each row of an array (epochs, n) with a permutation of 0, ..., n - 1.

    Examples
    --------
    >>> rows = np.empty((2, 4), dtype=np.int64)
    >>> permuted(np.random.default_rng(1), rows)
    >>> rows
    array([[0, 2, 1, 3],
           [2, 3, 1, 0]])
    """
    rows[:] = np.arange(rows.shape[1])
    rows[:] = rng.permuted(rows, axis=1)


class Shuffles:
    """The shuffles of all trials, drawn when they are needed and in the order of the epochs.

    Every trial draws one permutation of N points per epoch from its own
    generator and nothing else, so the shuffles do not depend on which trials
    run beside it, nor on how many epochs are asked for at a time.

    Parameters
    ----------
    n : int
        Number of points.
    rngs : list of Generator
        One per trial.
    permute : callable, optional
        Fills each row of an array (epochs, n) with a permutation from a generator; default
        `permuted`.

    Examples
    --------
    >>> shuffles = Shuffles(3, [np.random.default_rng(0)])
    >>> two = shuffles.epochs(0, 2, [0])
    >>> two.shape, np.array_equal(shuffles.epochs(1, 2, [0]), two[:, 1:])
    ((1, 2, 3), True)
    """

    def __init__(self, n, rngs, permute=None):
        self.rngs = rngs
        self._permute = permuted if permute is None else permute
        self._orders = np.empty((len(rngs), 0, n), dtype=np.int64)
        self._first = 0

    def epochs(self, first, stop, running):
        """Shuffles of the epochs from `first` up to `stop`, shape (trials, epochs, n).

        Epochs before `first` are forgotten. Rows of trials that are not
        `running` hold anything.
        """
        kept = self._orders[:, first - self._first :]
        trials, have, n = kept.shape
        if have < stop - first:
            orders = np.empty((trials, stop - first, n), dtype=np.int64)
            orders[:, :have] = kept
            for t in running:
                self._permute(self.rngs[t], orders[t, have:])
            self._orders, self._first = orders, first
        return self._orders[:, first - self._first : stop - self._first]
