"""Whether a value that was read from a file has the form in which it was written.

A digest tells damage, but not intent: one can be computed again for anything. What has another form
must end in a sentence, not in the middle of the work that uses it.
"""

from typing import NamedTuple

import numpy as np

from training.output.pieces import Pieces, spoilt

NUMBER = (int, float)
# A truth value or None: what may not be known.
KNOWN = (bool, None)


class Array(NamedTuple):
    """The form of an array.

    Attributes
    ----------
    shape : tuple
        None for a length that may be any.
    kind : str
        As of its ``dtype``: "f" for 64-bit floats, "i" for 64-bit integers.
    is_finite : bool
        Whether all numbers must be.
    """

    shape: tuple
    kind: str = "f"
    is_finite: bool = False


class Parts(NamedTuple):
    """The form of a list of a fixed length: that of each part."""

    forms: list


def check_form(value, form, name="it"):
    """Raise unless a value has a form.

    Parameters
    ----------
    value : object
    form : type, None, tuple, dict, list, Array or Parts
        A type: exactly this one. None: None. A tuple: one of these forms. A dict: these names,
        with a form each. A list with one form: a list of any length of values of that form.
    name : str
        Of the value, for the sentence.

    Raises
    ------
    ValueError
        That says where the value is of another form.

    Examples
    --------
    >>> check_form({"loss": 0.5, "rank": None}, {"loss": float, "rank": (int, None)})
    >>> check_form({"loss": [0.5, "x"]}, {"loss": [float]})
    Traceback (most recent call last):
    ValueError: loss 1 is not of type float
    """
    if isinstance(form, Array):
        is_array = isinstance(value, np.ndarray) and value.dtype.str[1:] == f"{form.kind}8"
        is_array = is_array and value.ndim == len(form.shape)
        fits = is_array and all(
            m is None or n == m for n, m in zip(value.shape, form.shape, strict=True)
        )
        _check(fits, f"{name} is not an array of the shape and type that it had")
        _check(not form.is_finite or np.isfinite(value).all(), f"{name} is not finite")
    elif isinstance(form, Parts):
        is_list = isinstance(value, list) and len(value) == len(form.forms)
        _check(is_list, f"{name} is not a list of {len(form.forms)}")
        for k, (part, known) in enumerate(zip(value, form.forms, strict=True)):
            check_form(part, known, f"{name} {k}")
    elif isinstance(form, tuple):
        _check(any(_has(value, one) for one in form), f"{name} is of another type")
    elif isinstance(form, dict):
        _check(isinstance(value, dict) and value.keys() == form.keys(), f"{name} has other names")
        for key, known in form.items():
            check_form(value[key], known, key if name == "it" else f"{key} of {name}")
    elif isinstance(form, list):
        _check(isinstance(value, list), f"{name} is not a list")
        for k, part in enumerate(value):
            check_form(part, form[0], f"{name} {k}")
    elif form is None:
        _check(value is None, f"{name} is not None")
    else:
        # A truth value is no number here.
        _check(type(value) is form, f"{name} is not of type {form.__name__}")


def formed(pieces, name, check):
    """The piece of a name, after a check of its form; what never left memory needs none.

    Parameters
    ----------
    pieces : Pieces or dict
    name : str
    check : callable or form
        A function of the piece that raises a ValueError where it is not as it was written, or
        what `check_form` takes.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        That the file is damaged, and where.
    """
    piece = pieces[name]
    if not isinstance(pieces, Pieces):
        return piece
    try:
        if callable(check) and not isinstance(check, type):
            check(piece)
        else:
            check_form(piece, check)
    except ValueError as error:
        raise spoilt(pieces, name, error) from None
    return piece


def _has(value, form):
    try:
        check_form(value, form)
    except ValueError:
        return False
    return True


def _check(is_right, what):
    if not is_right:
        raise ValueError(what)
