"""Pieces of a run that somebody changed, digest and all: each leaf in turn, and each name."""

import copy

import numpy as np
import pytest

# None of them is ever what was written.
WRONG = ({"odd": 1}, b"odd", [["odd"]], np.zeros((1, 2, 3, 4, 5)), np.array(["odd"]))
FIRST = 2  # entries of a list that are looked at: the others are alike


def places(value, path=()):
    """The ways to all values inside a value, and to itself."""
    yield path
    parts = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = list(enumerate(value))[:FIRST]
    for key, part in parts:
        yield from places(part, (*path, key))


def put(value, path, new):
    """A copy of a value with another one in a place."""
    if not path:
        return new
    value = copy.deepcopy(value)
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = new
    return value


def replace(pieces, name, value):
    """Write another value for a piece that is there, with a digest that fits."""
    pieces._connection.execute("DELETE FROM piece WHERE name = ?", [name])
    pieces[name] = value


def refuses_all(pieces, name, resume):
    """Check that `resume` tells of every change of a piece that it is damaged; put it back.

    Returns
    -------
    int
        How many changes there were.
    """
    right, count = pieces[name], 0
    changed = [put(right, path, WRONG[k % len(WRONG)]) for k, path in enumerate(places(right))]
    if isinstance(right, dict):
        changed += [{key: right[key] for key in right if key != left} for left in right]
        changed.append(right | {"more": 1})
    for one in changed:
        replace(pieces, name, one)
        with pytest.raises(ValueError, match=f"the piece {name} in it is damaged: "):
            resume()
        count += 1
    replace(pieces, name, right)
    return count
