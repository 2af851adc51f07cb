"""What is wrong with a table, in one sentence that names the options of who reads it."""

import os
from typing import NamedTuple

LONGEST = 300  # characters of a sentence
LONGEST_NAME = 24
LONGEST_CELL = 40  # characters of what a table holds that are shown


class Option(NamedTuple):
    """An option of `load_table` that decides; as text, the keyword.

    Examples
    --------
    >>> f"{Option('header', True)}, {Option('label')}"
    'header=True, label'
    """

    name: str
    value: object = None

    def __str__(self):
        return self.name if self.value is None else f"{self.name}={self.value!r}"


class TableError(ValueError):
    """What is wrong with a table.

    Parameters
    ----------
    *parts : str, Option or path-like
        The sentence. Each `Option` is spelt as whoever reads it would write
        it; a path gives way where the sentence would become too long.

    Examples
    --------
    >>> error = TableError("the line may hold names; give ", Option("header", True))
    >>> str(error)
    'the line may hold names; give header=True'
    >>> error.told(lambda option: f"--{option.name}")
    'the line may hold names; give --header'
    """

    def __init__(self, *parts):
        self.parts = parts
        super().__init__(self.told(str))

    def told(self, spell):
        """The sentence of at most 300 printable characters, with options as `spell` writes them."""
        texts = [spell(part) if isinstance(part, Option) else part for part in self.parts]
        room = LONGEST - sum(len(text) for text in texts if isinstance(text, str))
        texts = [t if isinstance(t, str) else _tail(os.fspath(t), max(room, 40)) for t in texts]
        text = _printable("".join(texts))
        return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def shown(text):
    """What a table holds, quoted and cut short.

    Examples
    --------
    >>> shown("a\\tb"), shown(60 * "x")
    ("'a\\\\tb'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'")
    """
    quoted = repr(text[:LONGEST_CELL])
    if len(text) <= LONGEST_CELL and len(quoted) <= LONGEST_CELL + 2:
        return quoted
    return f"{quoted[: LONGEST_CELL - 2]}...{quoted[0]}"


def brief(name):
    """The name of a column, cut short.

    Examples
    --------
    >>> brief("width"), brief("the mean of the largest widths")
    ('width', 'the mean of the large...')
    """
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."


def listed(texts, most=5):
    """The first of several texts in words: quoted, with commas between.

    Examples
    --------
    >>> listed(["u", "v", "w"], most=2)
    "'u', 'v' and 1 more"
    """
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(map(shown, texts[:most])) + more


def _tail(path, room):
    return path if len(path) <= room else "..." + path[3 - room :]


def _printable(text):
    return "".join(c if c.isprintable() else "?" for c in text)
