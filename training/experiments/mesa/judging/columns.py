"""The rows of an experiment in one dimension, seed by seed."""

import numpy as np

from training.experiments.mesa.protocol import trained_as


class Columns:
    """What was measured of the models, with those runs apart that collapsed.

    Parameters
    ----------
    rows : list of dict
        Of a `Found`.
    d : int

    Attributes
    ----------
    models : list of str
        In the order of the rows.
    seeds : list of int
    """

    def __init__(self, rows, d):
        self.d = d
        self._rows = {(row["model"], row["seed"]): row for row in rows if row["d"] == d}
        self.models = list(dict.fromkeys(model for model, _ in self._rows))
        self.seeds = sorted({seed for _, seed in self._rows})

    def __contains__(self, model):
        return model in self.models

    def row(self, model, seed):
        """One row."""
        return self._rows[model, seed]

    def collapsed(self, model):
        """The number of seeds in which a model gives all training points one answer."""
        return sum(self._rows[model, seed]["collapsed"] for seed in self.seeds)

    def trained(self, *models):
        """The seeds in which the training of none of the models collapsed.

        A flipped network is one that was trained, and changed. If it gives one answer, the flip did
        that: it counts, wherever Linear itself did not collapse.
        """
        bases = {trained_as(model) for model in models}
        return [s for s in self.seeds if not any(self._rows[m, s]["collapsed"] for m in bases)]

    def values(self, key, *models, seeds=None):
        """What was measured, a column for each model, a row for each seed that has all of it.

        Parameters
        ----------
        key : str
        *models : str
        seeds : sequence of int, optional
            Default `trained`.

        Returns
        -------
        ndarray, shape (n, len(models))
        """
        seeds = self.trained(*models) if seeds is None else seeds
        found = [[float(self._rows[m, s].get(key, np.nan)) for m in models] for s in seeds]
        found = np.array(found, dtype=float).reshape(-1, len(models))
        return found[np.isfinite(found).all(axis=1)]

    def differences(self, key, model, other, *, seeds=None):
        """What one model has more than another one, seed by seed."""
        values = self.values(key, model, other, seeds=seeds)
        return values[:, 0] - values[:, 1]
