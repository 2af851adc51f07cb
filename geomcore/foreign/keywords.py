"""Keywords that people type because another library calls the same thing so."""

import functools
import inspect
from collections.abc import Callable
from typing import TypeVar

from geomcore.foreign.wording import suggestion

Function = TypeVar("Function", bound=Callable)
SAME = {
    "seed": ("rng",),
    "random_state": ("rng", "seed"),
    "rng": ("seed",),
    "Y": ("y",),
    "labels": ("y",),
    "lr": ("learning_rate",),
    "epochs": ("steps",),
    "n_trials": ("trials",),
    "network": ("net",),
    "model": ("net",),
    "n_samples": ("n",),
    "n_classes": ("classes",),
}


def answers_keywords(function: Function) -> Function:
    """The same function, which answers a keyword that it does not know with the nearest one.

    Parameters
    ----------
    function : callable
        That takes no ``**keywords``.

    Returns
    -------
    callable
        It raises TypeError, as Python does, with the word that was meant.

    Examples
    --------
    >>> @answers_keywords
    ... def drawn(n, *, rng=None, classes=3):
    ...     return n
    >>> drawn(3, seed=0)
    Traceback (most recent call last):
    TypeError: drawn() got an unexpected keyword argument 'seed', did you mean 'rng'?
    """
    known = inspect.signature(function).parameters

    @functools.wraps(function)
    def answered(*arguments, **keywords):
        for word in keywords:
            if word not in known:
                same = next(
                    (f", did you mean {w!r}?" for w in SAME.get(word, ()) if w in known), ""
                )
                raise TypeError(
                    f"{function.__name__}() got an unexpected keyword argument {word!r}"
                    f"{same or suggestion(word, known)}"
                )
        return function(*arguments, **keywords)

    return answered
