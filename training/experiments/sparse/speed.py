"""How soon a network is sparse while it is trained, compared with the same one with a loop."""

import numpy as np

from training.experiments.sparse.protocol import LOOP

NEAR = 1.05  # times the larger of both fractions of active units at the end


def add_speed(rows, courses):
    """Add ``steps_to_sparse`` to the rows of networks that are there with a loop and without.

    It is the first recorded step from which on the fraction of active units stays at most 1.05
    times the larger one of the two at their ends, so that both get there.

    Parameters
    ----------
    rows : list of dict
        As in `Found`; changed.
    courses : dict
        As in `Found`.
    """
    usual = ("dictionary", "fixed")
    own = [row for row in rows if (row["interaction"], row["gamma"]) == usual]
    by = {(*_about(row), row["loop"]): row for row in own}
    for (*about, loop), row in by.items():
        other = by.get((*about, LOOP - loop))
        if other is None:
            continue
        pair = [courses[r["data"], r["seed"], r["name"]] for r in (row, other)]
        level = NEAR * max(float(course["active"][-1]) for course in pair)
        row["steps_to_sparse"] = first_below(pair[0]["steps"], pair[0]["active"], level)


def first_below(steps, values, level):
    """The first step from which on values are at most a level; inf if the last one is above.

    Examples
    --------
    >>> first_below(np.array([0, 1, 5, 9]), np.array([0.1, 0.5, 0.2, 0.1]), 0.2)
    5.0
    """
    above = np.flatnonzero(~(values <= level))
    if not len(above):
        return float(steps[0])
    return float(steps[above[-1] + 1]) if above[-1] + 1 < len(steps) else np.inf


def _about(row):
    return row["data"], row["seed"], row["treatment"], row["penalty"], row["decoder_bias"]
