"""What an object is, in at most five lines of 80 columns, however large its arrays are."""

import dataclasses
import re
import textwrap
from numbers import Integral, Real
from typing import TypeVar

import numpy as np

from geomcore.foreign.wording import printable, quoted, shortened

Kind = TypeVar("Kind", bound=type)
WIDTH = 80  # columns
MOST_LINES = 5
LONGEST = 50  # characters of one value
LONGEST_NAME = 30  # of a class
FEW = 6  # entries of an array that are written out
LARGE = 10**40  # Python refuses to write out numbers of thousands of digits
DEEPEST = 30  # columns that the lines which go on with a longer one are indented by
ENDS = 3  # entries of a longer sequence that are told at each end


def brief(obj):
    """The repr of a named tuple or a dataclass: its fields, large arrays by their shapes.

    Made for the body of a dataclass: ``__repr__ = brief``; for named tuples see `told_in_brief`.

    Parameters
    ----------
    obj : named tuple or dataclass

    Returns
    -------
    str

    Examples
    --------
    >>> from geomcore.gradients import AffineMap
    >>> brief(AffineMap(np.zeros((3, 784)), np.array([1.0, 2.0, 0.5])))
    'AffineMap(A=<array 3 x 784>, c=[1, 2, 0.5])'
    """
    names = getattr(obj, "_fields", None) or [f.name for f in dataclasses.fields(obj) if f.repr]
    return listed(obj, {name: getattr(obj, name) for name in names})


def told_in_brief(kind: Kind) -> Kind:
    """The same class of named tuples, whose repr is `brief`; for the line above ``class``.

    Type checkers take every assignment in the body of a named tuple for a field.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> @told_in_brief
    ... class Pair(NamedTuple):
    ...     a: float
    ...     b: object
    >>> Pair(0.5, np.zeros((30, 40)))
    Pair(a=0.5, b=<array 30 x 40>)
    """
    kind.__repr__ = brief  # type: ignore[method-assign, assignment]
    return kind


def listed(obj, values):
    """The name of the class of an object, and values by name, in the form of `brief`."""
    return wrapped(obj, [f"{name}={abbreviated(value)}" for name, value in values.items()])


def wrapped(obj, parts):
    """``Name(part, part, ...)`` in lines; of very many parts those in the middle are counted.

    Parameters
    ----------
    obj : object
        Whose class has the name.
    parts : list of str

    Returns
    -------
    str

    Examples
    --------
    >>> print(wrapped("", [f"layer {i}" for i in range(1000)]))
    str(layer 0, layer 1, layer 2, layer 3, layer 4, layer 5, layer 6, layer 7,
        layer 8, layer 9, layer 10, layer 11, layer 12, layer 13, layer 14,
        layer 15, layer 16, ... 966 more ..., layer 983, layer 984, layer 985,
        layer 986, layer 987, layer 988, layer 989, layer 990, layer 991, layer 992,
        layer 993, layer 994, layer 995, layer 996, layer 997, layer 998, layer 999)
    """
    name = shortened(type(obj).__name__, LONGEST_NAME)
    room = WIDTH - len(name) - 3
    lines = _filled(name, [shortened(printable(part), room) for part in parts])
    ends = min(len(parts) // 2, WIDTH)
    while len(lines) > MOST_LINES:
        middle = f"... {len(parts) - 2 * ends} more ..."
        kept = [*parts[:ends], middle, *parts[len(parts) - ends :]]
        lines = _filled(name, [shortened(printable(part), room) for part in kept])
        ends -= 1
    return "\n".join(lines)


def _filled(name, parts):
    """Lines of parts with commas between them, as many in each as fit."""
    lines = [f"{name}({parts[0]}" if parts else f"{name}("]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 3 <= WIDTH:
            lines[-1] += f", {part}"
        else:
            lines[-1] += ","
            lines.append(f"    {part}")
    lines[-1] += ")"
    return lines


def abbreviated(value):
    """A value in at most `LONGEST` printable characters.

    Examples
    --------
    >>> abbreviated((61,) * 58 + (10,)), abbreviated(np.eye(2)), abbreviated({"a": 0.25})
    ('(61, 61, 61, ..., 61, 61, 10)', '<array 2 x 2>', "{'a': 0.25}")
    """
    if isinstance(value, Integral) and abs(int(value)) > LARGE:
        text = f"<whole number of {int(value).bit_length()} bits>"
    elif isinstance(value, bool | np.bool_ | Integral) or value is None:
        text = str(value)
    elif isinstance(value, Real):
        text = f"{float(value):.6g}"
    elif isinstance(value, str):
        text = quoted(str(value), LONGEST)
    elif isinstance(value, np.ndarray):
        text = _array(value)
    elif isinstance(value, list | tuple | dict) and not hasattr(value, "_fields"):
        text = _container(value)
    else:
        text = repr(value)
        if len(text) > LONGEST or not text.isprintable():
            text = f"<{type(value).__name__}>"
    return shortened(text, LONGEST)


def _array(array):
    """A short vector with its entries, any other array by its shape."""
    if array.ndim == 0:
        return abbreviated(array.item())
    if array.ndim == 1 and array.size <= FEW:
        text = f"[{', '.join(abbreviated(entry) for entry in array.tolist())}]"
        if len(text) <= LONGEST:
            return text
    return f"<array {' x '.join(map(str, array.shape))}>"


def _container(value):
    """The entries of a list, tuple or dict, or only how many there are."""
    entries = list(value.items()) if isinstance(value, dict) else list(value)
    whole = f"<{type(value).__name__} of {len(entries)}>"
    shown = entries if len(entries) <= 2 * ENDS else [*entries[:ENDS], ..., *entries[-ENDS:]]
    # One level deep; what lies below is told by its repr, or by the name of its class.
    if any(isinstance(v, list | tuple | dict) for v in shown) and not isinstance(value, dict):
        return whole
    texts = ["..." if entry is ... else _entry(entry, value) for entry in shown]
    left, right = {tuple: "()", dict: "{}"}.get(type(value), "[]")
    comma = "," * (isinstance(value, tuple) and len(entries) == 1)
    text = f"{left}{', '.join(texts)}{comma}{right}"
    return text if len(text) <= LONGEST else whole


def _entry(entry, container):
    if not isinstance(container, dict):
        return abbreviated(entry)
    key, value = entry
    nested = isinstance(value, list | tuple | dict)
    return f"{abbreviated(key)}: {'...' if nested else abbreviated(value)}"


def folded(lines):
    """Lines of a summary as a text of at most `WIDTH` columns.

    What goes on below stands under the value, if blanks separate it from its name, or a little
    to the right.

    Parameters
    ----------
    lines : sequence of str

    Returns
    -------
    str

    Examples
    --------
    >>> print(folded(["verdict    undetermined, for " + 4 * "this or that, ", "  not " + 80 * "x"]))
    verdict    undetermined, for this or that, this or that, this or that, this or
               that,
      not
        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        xxxx
    """
    return "\n".join(part for line in lines for part in _folded(printable(line)))


def _folded(line):
    if len(line) <= WIDTH:
        return [line]
    name = re.match(r" *\S+(?: \S+)*  +(?=\S)", line)
    indent = len(name[0]) if name else len(line) - len(line.lstrip()) + 2
    return textwrap.wrap(
        line, WIDTH, subsequent_indent=min(indent, DEEPEST) * " ", break_on_hyphens=False
    )
