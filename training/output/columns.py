"""How the tables of pages are laid out: which columns hold words, which tables are wide."""

import re

NARROW = 362  # pixels, of the 368 that a table has on a screen of 400: widths are estimates
CHARACTER, ROOM = 7.4, 18  # pixels of a character on the average, and beside the text of a cell
NUMBER = re.compile(r"[-+\u2212\u00b1~<>\u2264\u2265\u2248]? ?\.?\d|[-+\u2212]?(inf|nan|\u221e)\b")
# What stands in columns of either kind where there is nothing.
NOTHING = ("", "-", "?", "none")


def columns_of_words(rows):
    """The names of the columns in which most of what is there is no number.

    Parameters
    ----------
    rows : list of dict
        Strings, or what becomes one, all rows with the same keys.

    Returns
    -------
    set of str

    Examples
    --------
    >>> rows = [{"verdict": "saddle", "loss": "0.1 to 0.2", "at": "-"}]
    >>> columns_of_words(rows + [{"verdict": "-", "loss": "none", "at": "-"}])
    {'verdict'}
    """
    found = set()
    for name in rows[0] if rows else ():
        texts = [str(row[name]).strip() for row in rows]
        texts = [text for text in texts if text not in NOTHING]
        words = sum(NUMBER.match(text) is None for text in texts)
        if 2 * words > len(texts):
            found.add(name)
    return found


def is_wide(rows):
    """Whether a table is likely to be wider than a narrow screen.

    Examples
    --------
    >>> is_wide([{"a": "x", "b": "y"}]), is_wide([{"a": "x" * 40, "b": "y" * 40}])
    (False, True)
    """
    width = 0.0
    for name in rows[0] if rows else ():
        # Words of a heading may stand in lines of their own.
        heading = max(map(len, str(name).split()), default=0)
        longest = max(len(str(row[name])) for row in rows)
        width += ROOM + CHARACTER * max(heading, longest)
    return width > NARROW
