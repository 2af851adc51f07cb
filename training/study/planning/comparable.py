"""How many states or merges of the classes a study can put beside each other."""

import itertools

from geomcore.foreign.wording import counted

# More cannot be told apart in one figure, and of more classes nobody would count them.
MOST, COUNTED = 20, 20


def check_comparable(Q, *, states=False, merges=False):
    """Refuse all states, or all merges, of so many classes that nobody could compare them.

    Parameters
    ----------
    Q : int
        Number of classes.
    states, merges : bool
        Whether they are wanted.

    Raises
    ------
    ValueError
        If there are more than `MOST` of either.
    """
    for name, wanted, count in (("states", states, _states), ("merges", merges, _merges)):
        if wanted and (Q > COUNTED or count(Q) > MOST):
            told = "more than a million" if Q > COUNTED else f"{count(Q):,}"
            raise ValueError(
                f"the {name} of {counted(Q, 'class')} are {told}, at most {MOST} can be compared"
            )


def _states(Q):
    return 2**Q


def _merges(Q):
    """The number of partitions of Q classes but for that into single ones: a Bell number less 1."""
    row = [1]
    for _ in range(Q - 1):
        row = list(itertools.accumulate(row, initial=row[-1]))
    return row[-1] - 1
