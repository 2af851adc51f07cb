"""What somebody chose: yes or no, or one of a few words."""

import numpy as np

from geomcore.foreign.wording import quoted, suggestion


def as_flag(value, name):
    """Return a bool that was given for an argument.

    Raises
    ------
    ValueError
        If it is anything else, such as a text, of which any is true.

    Examples
    --------
    >>> as_flag("no", "exact")
    Traceback (most recent call last):
    ValueError: exact must be True or False, got 'no'
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {quoted(value)}")
    return bool(value)


def as_choice(value, known, name, note=""):
    """Return a word that was given for an argument, if it is a known one.

    Parameters
    ----------
    value : object
    known : sequence of str
    name : str
        Of the argument.
    note : str, optional
        What else is to be said of the known words.

    Raises
    ------
    ValueError
        If it is another one: which there are, and which may have been meant.

    Examples
    --------
    >>> as_choice("sequental", ["auto", "clustered", "sequential"], "method")
    Traceback (most recent call last):
    ValueError: method must be one of 'auto', 'clustered', 'sequential', got 'sequental', did you \
mean 'sequential'?
    """
    if isinstance(value, str) and value in known:
        return str(value)
    words = [repr(word) for word in known]
    told = " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"
    raise ValueError(f"{name} must be {told}{note}, got {quoted(value)}{suggestion(value, known)}")
