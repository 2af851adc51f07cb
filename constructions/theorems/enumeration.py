"""All states and all groupings of classes: what `suboptimal` and `merged` can be asked for."""

import itertools


def all_states(Q):
    """All states of Q classes, each a tuple of 0 and 1, in the order 0...0, 0...1, ..., 1...1.

    Examples
    --------
    >>> all_states(2)
    [(0, 0), (0, 1), (1, 0), (1, 1)]
    """
    return list(itertools.product((0, 1), repeat=Q))


def partitions(items):
    """All partitions of a list into groups, each a list of lists.

    Examples
    --------
    >>> for groups in partitions(["a", "b", "c"]):
    ...     print(groups)
    [['a', 'b', 'c']]
    [['a'], ['b', 'c']]
    [['a', 'b'], ['c']]
    [['b'], ['a', 'c']]
    [['a'], ['b'], ['c']]
    """
    if not len(items):
        return [[]]
    first, rest = items[0], partitions(items[1:])
    found = []
    for groups in rest:
        for k in range(len(groups)):
            found.append([*groups[:k], [first, *groups[k]], *groups[k + 1 :]])
        found.append([[first], *groups])
    return found
