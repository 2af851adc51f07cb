"""Sentences beside the table of minima, where a number in it would read as a mistake."""

import numpy as np

ENDLESS = 1e6  # factor between two radii that says that there is no end
SAME = 1e-6  # relative difference of a loss and its closed form that is none
NOTHING = 1e-9  # losses up to this one are zero but for rounding

SCALING = (
    "λ* balanced is {value} for {names}: all points become one there, and what the network answers "
    "is the bias of its last layer. The layers before it can be scaled up without end, and λ* "
    "grows with them; the number is where the search for the best scaling stops, and no size of "
    "the landscape."
)
FORMULA = (
    "The losses of {names} differ from their closed forms, and must: for mixed states the formula "
    "(arXiv:2309.10639, 2.85) goes on with the means of the data, but collapsed classes sit at the "
    "tips of their cones. The loss is that of the best last layer for where the points are."
)


def explanations(rows):
    """What a reader must be told about these rows, by the column of the table.

    Parameters
    ----------
    rows : list of dict
        Of `training.experiments.minima.examine`.

    Returns
    -------
    dict of str to str
        Sentences; the columns are those of `training.experiments.minima.in_words`.

    Examples
    --------
    >>> explanations([{"name": "merge 0 1", "basin": 0.7, "balanced_basin": 0.8,
    ...     "loss": 0.5, "closed_form": 0.5}])
    {}
    """
    told = {}
    endless = [r for r in rows if r["balanced_basin"] > ENDLESS * r["basin"]]
    if endless:
        most = max(r["balanced_basin"] for r in endless)
        told["λ* balanced"] = SCALING.format(value=f"{most:.1e}", names=_names(endless))
    differ = [
        r
        for r in rows
        if abs(r["loss"] - r["closed_form"]) > max(SAME * np.abs(r["loss"]), NOTHING)
    ]
    if differ:
        told["closed form"] = FORMULA.format(names=_names(differ))
    return told


def _names(rows):
    return ", ".join(f"“{row['name']}”" for row in rows)
