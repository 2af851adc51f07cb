"""What a perturb-then-train study found: its rows, and their summary per scale."""

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_count
from training.stopping import DIVERGED


@dataclass(frozen=True, eq=False)
class StudyResult:
    """What `perturbation_study` returns.

    Attributes
    ----------
    reference_loss : float
        Loss of the network before any perturbation.
    tolerance : float
        A trial has returned if its final loss is at most `reference_loss + tolerance`.
    learning_rate : float
        The rate that was used.
    seed : int
    columns : dict of ndarray, each of shape (number of trials,)
        One entry per trial: scale, trial, initial_loss, final_loss, steps,
        stop_reason, accuracy.
    """

    reference_loss: float
    tolerance: float
    learning_rate: float
    seed: int
    columns: dict

    @property
    def scales(self):
        """The distinct scales in increasing order."""
        return np.unique(self.columns["scale"])

    @property
    def returned(self):
        """Whether each trial came back to the reference loss, bool."""
        return self.columns["final_loss"] <= self.reference_loss + self.tolerance

    def losses(self, scale):
        """Final losses of all trials at one scale."""
        return self.columns["final_loss"][self.columns["scale"] == scale]

    def frame(self):
        """One row per trial, as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame({**self.columns, "returned": self.returned})

    def summary(self):
        """One row per scale, as a pandas DataFrame.

        Columns: scale, trials, returned, fraction, low and high (the 95 %
        Wilson interval of the fraction), initial (median initial loss), q25,
        median, q75 (quartiles of the final loss), accuracy (mean), diverged.
        """
        import pandas as pd

        rows = []
        for scale in self.scales:
            at = self.columns["scale"] == scale
            count, back = int(at.sum()), int(self.returned[at].sum())
            low, high = wilson_interval(back, count)
            # Order statistics rather than interpolation, which makes nan of two infinities.
            q25, median, q75 = np.quantile(
                self.columns["final_loss"][at], [0.25, 0.5, 0.75], method="lower"
            )
            rows.append(
                {
                    "scale": scale,
                    "trials": count,
                    "returned": back,
                    "fraction": back / count,
                    "low": low,
                    "high": high,
                    "initial": np.quantile(self.columns["initial_loss"][at], 0.5, method="lower"),
                    "q25": q25,
                    "median": median,
                    "q75": q75,
                    "accuracy": self.columns["accuracy"][at].mean(),
                    "diverged": int((self.columns["stop_reason"][at] == DIVERGED).sum()),
                }
            )
        return pd.DataFrame(rows)


def wilson_interval(successes, trials, z=1.959963984540054):
    r"""Wilson score interval of a fraction.

    .. math:: \frac{1}{1 + z^2/n} \left( \hat p + \frac{z^2}{2n}
              \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}} \right)

    Parameters
    ----------
    successes, trials : int
        ``0 <= successes <= trials`` and at least one trial.
    z : float
        Normal quantile; the default gives 95 %.

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> low, high = wilson_interval(10, 10)
    >>> round(low, 3), high
    (0.722, 1.0)
    """
    trials = as_count(trials, "trials")
    if as_count(successes, "successes", 0) > trials:
        raise ValueError(f"successes must be at most trials ({trials}), got {successes}")
    p, shift = successes / trials, z**2 / trials
    half = z * np.sqrt(p * (1 - p) / trials + shift / (4 * trials))
    low, high = (p + shift / 2 - half) / (1 + shift), (p + shift / 2 + half) / (1 + shift)
    # At the ends rounding would leave 1e-17 where the formula gives exactly 0 or 1.
    return (float(low) if successes else 0.0), (float(high) if successes < trials else 1.0)
