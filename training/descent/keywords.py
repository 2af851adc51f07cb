"""Keyword arguments that are nearly right, answered with the right ones."""

import functools
import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import ParamSpec, TypeVar

P, R = ParamSpec("P"), TypeVar("R")

# What other libraries call the same thing.
ELSEWHERE = {
    "lr": "learning_rate",
    "eta": "learning_rate",
    "rate": "learning_rate",
    "epochs": "steps",
    "iterations": "steps",
    "n_trials": "trials",
    "random_state": "seed",
    "labels": "y",
}


def answering(**renamed: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function answer a keyword that it does not know with the nearest one it knows.

    Parameters
    ----------
    **renamed : str
        Names that are still taken, each with the one that it has now.

    Returns
    -------
    callable
        A decorator; the function keeps its signature.

    Raises
    ------
    TypeError
        By the function, in one sentence, if a keyword is not known.

    Examples
    --------
    >>> @answering(Y="y")
    ... def loss(y, *, learning_rate=0.1):
    ...     return y * learning_rate
    >>> loss(Y=2)
    0.2
    >>> loss(2, lr=1)
    Traceback (most recent call last):
    TypeError: loss has no argument 'lr', did you mean 'learning_rate'?
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        names = list(inspect.signature(function).parameters)
        called = function.__qualname__.removesuffix(".__init__")

        @functools.wraps(function)
        def checked(*args: P.args, **given: P.kwargs) -> R:
            for name in [name for name in given if name not in names]:
                now = renamed.get(name)
                if now is None or now in given:
                    raise TypeError(f"{called} has no argument {name!r}, {_nearest(name, names)}")
                given[now] = given.pop(name)
            return function(*args, **given)

        return checked

    return decorate


def _nearest(name, names):
    known = [known for known in names if known != "self"]
    here = ELSEWHERE.get(name)
    near = [here] if here in known else get_close_matches(name.lower(), known, 1)
    return f"did you mean {near[0]!r}?" if near else f"only {', '.join(known)}"
