"""Keywords that people type because another library calls the same thing so."""

import functools
import inspect
from collections.abc import Callable
from typing import TypeVar, cast

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
    "num_classes": ("classes",),
    "n_jobs": ("jobs",),
    "workers": ("jobs",),
    "verbose": ("progress",),
    "tol": ("rtol", "tolerance"),
    "max_iter": ("steps",),
    "iterations": ("steps",),
    "criterion": ("loss",),
    "step_size": ("learning_rate",),
    "l2": ("weight_decay",),
    "filename": ("path",),
    "file": ("path",),
    "hidden_layer_sizes": ("hidden_width",),
}


def answers_keywords(function: Function) -> Function:
    """The same function, which answers a keyword that it does not know with the nearest one.

    Parameters
    ----------
    function : callable
        That takes no ``**keywords``; of a class, its ``__init__`` is replaced.

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
    if isinstance(function, type):
        function.__init__ = answers_keywords(function.__init__)
        return function
    known = inspect.signature(function).parameters

    @functools.wraps(function)
    def answered(*arguments, **keywords):
        for word in keywords:
            if word not in known:
                same = next(
                    (f", did you mean {w!r}?" for w in SAME.get(word, ()) if w in known), ""
                )
                raise TypeError(
                    f"{function.__qualname__}() got an unexpected keyword argument {word!r}"
                    f"{same or suggestion(word, known)}"
                )
        return function(*arguments, **keywords)

    return cast(Function, answered)
