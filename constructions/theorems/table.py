"""All theorems of `construct`, one row each, in the order in which "auto" tries them.

A new theorem is a file with its `draft` and the checks of its options, a row here, and
a row in tests/constructions/theorems/test_contract.py.
"""

from collections.abc import Callable
from typing import NamedTuple

from constructions.theorems import clustered, cone, sequential, simplex, universal


class Theorem(NamedTuple):
    """One row of `THEOREMS`.

    Attributes
    ----------
    draft : callable
        ``draft(X, labels, rng, **options)`` returns a `Draft` or raises `Refused`; X is
        float64, equal points have equal labels, and the options are checked.
    options : dict
        For each keyword of `construct` that belongs to it, ``check(value, X, labels)``,
        which returns what `draft` takes, or raises ValueError. All options of all
        theorems are checked before any draft is made.
    exclusive : bool
        True: `construct` refuses its options together with the name of another method.
        False: they say how, not what, and other methods ignore them.
    searches : bool
        True: it searches for something, which can take long whether it is there or not.
    """

    draft: Callable
    options: dict
    exclusive: bool = True
    searches: bool = False


THEOREMS = {
    "clustered": Theorem(clustered.draft, {"hidden_width": clustered.as_width}),
    "sequential": Theorem(
        sequential.draft,
        {"base_points": sequential.as_base_points, "robust": sequential.as_robust},
        exclusive=False,
    ),
    "cone": Theorem(cone.draft, {"cone": cone.as_faces}, searches=True),
    "simplex": Theorem(simplex.draft, {"simplex": simplex.as_faces}, searches=True),
    "universal": Theorem(universal.draft, {"beam": universal.as_beam}, searches=True),
}
