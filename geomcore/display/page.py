"""What a notebook shows of an object: its summary as a table, and a small picture."""

import re
from html import escape

from geomcore.foreign.wording import printable

# A name and what is said of it, with two blanks or a colon between.
PARTS = re.compile(r"( *)(\S.*?)(?:  +|: )(\S.*)")
DEEP = 8  # blanks before a line that goes on with the value of the one before

# No colours but those of the page, which may be dark, and a grey that is seen on either.
TABLE = "border-collapse: collapse; margin: 0.4em 0; border-top: 1px solid rgba(128, 128, 128, 0.5)"
CELL = (
    "text-align: left; vertical-align: top; font-weight: normal; padding: 0.15em 1em 0.15em {}em; "
    "border-bottom: 1px solid rgba(128, 128, 128, 0.25)"
)


def page(obj):
    """The summary of an object as a table in HTML, in whatever characters its texts are.

    Made for the body of a class: ``_repr_html_ = page``.

    Parameters
    ----------
    obj : object
        With ``summary()``, a text, or with ``_lines()``, the lines of it before they are folded;
        if it has ``thumbnail()``, that is an SVG or None.

    Returns
    -------
    str

    Examples
    --------
    >>> class Answer:
    ...     def summary(self):
    ...         return "verdict  a < b"
    >>> "<th scope='row'" in page(Answer()), "a &lt; b</td>" in page(Answer())
    (True, True)
    """
    lines = obj._lines() if hasattr(obj, "_lines") else obj.summary().splitlines()
    rows = "\n".join(_row(printable(line)) for line in lines)
    picture = obj.thumbnail() if hasattr(obj, "thumbnail") else None
    return (
        f"<div><strong>{escape(type(obj).__name__)}</strong>\n"
        f'<table style="{TABLE}">\n{rows}\n</table>{picture or ""}</div>'
    )


def _row(line):
    """A line of a summary as a row: its name and its value, or all of it in one cell."""
    indent = len(line) - len(line.lstrip())
    first, last = CELL.format(indent / 2), CELL.format(0)
    parts = PARTS.fullmatch(line)
    if indent >= DEEP:
        name, value = "", line.strip()
    elif parts is not None:
        name, value = parts[2], parts[3]
    else:
        return f"<tr><td colspan='2' style='{first}'>{escape(line.strip())}</td></tr>"
    return (
        f"<tr><th scope='row' style='{first}'>{escape(name)}</th>"
        f"<td style='{last}'>{escape(value)}</td></tr>"
    )
