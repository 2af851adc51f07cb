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
    rngs : list of Generator
        One per trial; a trial draws from its own only, one permutation per epoch.
    drop_last : bool
        Drop the last batch of an epoch if it is smaller than `size`.

    Examples
    --------
    >>> batches = Batches(5, 2, [np.random.default_rng(0)])
    >>> [batches.next(np.array([0])).shape for _ in range(4)]
    [(1, 2), (1, 2), (1, 1), (1, 2)]
    """

    def __init__(self, n, size, rngs, drop_last=False):
        self.n, self.size, self.rngs = n, size, rngs
        self.last = n - n % size if drop_last else n
        self.per_epoch = -(-self.last // size)
        self._order = np.empty((len(rngs), n), dtype=np.intp)
        self._at = self.last

    def next(self, running):
        """Rows of the next batch for every running trial, shape (A, batch)."""
        if self._at >= self.last:
            for t in running:
                self._order[t] = self.rngs[t].permutation(self.n)
            self._at = 0
        start, self._at = self._at, min(self._at + self.size, self.last)
        return self._order[running, start : self._at]
