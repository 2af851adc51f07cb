"""Keyword arguments that have another name now, and those that are nearly right."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from geomcore.foreign.keywords import answers_keywords

P = ParamSpec("P")
R = TypeVar("R")


def answering(**renamed: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """`answers_keywords`, for a function some of whose arguments had another name before.

    Parameters
    ----------
    **renamed : str
        Names that are still taken, each with the one that it has now.

    Returns
    -------
    callable
        A decorator; the function keeps its signature.

    Examples
    --------
    >>> @answering(Y="y")
    ... def loss(y, *, learning_rate=0.1):
    ...     return y * learning_rate
    >>> loss(Y=2)
    0.2
    >>> loss(2, lr=1)
    Traceback (most recent call last):
    TypeError: loss() got an unexpected keyword argument 'lr', did you mean 'learning_rate'?
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        asked = answers_keywords(function)

        @functools.wraps(function)
        def renaming(*args: P.args, **given: P.kwargs) -> R:
            for before, now in renamed.items():
                if before in given and now not in given:
                    given[now] = given.pop(before)
            return asked(*args, **given)

        return renaming

    return decorate
