"""The networks around which a study of a data set goes: its minimum, and what lies beside it."""

from dataclasses import dataclass

import numpy as np

import constructions
from constructions import ConstructionError, verify
from constructions.theorems.enumeration import partitions
from geomcore.network import ReLUNetwork
from training.study.planning.balance import Report
from training.study.planning.comparable import check_comparable


@dataclass(frozen=True, eq=False)
class Candidate:
    """A reference before the study.

    Attributes
    ----------
    name : str
    network : ReLUNetwork
    verdict : str
        Of `constructions.verify`.
    certified_radius : float or None
        Total norm up to which every perturbation provably returns.
    balanced : Report or None
        What was rescaled before, see `training.study.planning.balance`.
    """

    name: str
    network: ReLUNetwork
    verdict: str
    certified_radius: float | None
    balanced: Report | None = None


def judged(name, network, X, y, certificate=None, balanced=None, *, targets=None):
    """A `Candidate`, after verification.

    Parameters
    ----------
    name : str
    network : ReLUNetwork
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    certificate : Certificate, optional
        If the network has been verified already.
    balanced : Report, optional
    targets : array_like, shape (Q, k), optional
        As for `verify`.

    Returns
    -------
    Candidate
    """
    found = verify(network, X, y, targets=targets) if certificate is None else certificate
    radius = None if found.basin is None else float(found.basin["radius"])
    return Candidate(name, network, found.verdict, radius, balanced)


def _prepared(made, X, y, prepare, targets):
    """A `Candidate` from a construction, its layers rescaled by `prepare` if that is given."""
    if prepare is None:
        return judged(made.method, made.network, X, y, targets=targets)
    balanced = prepare(made.network)
    return judged(made.method, balanced.network, X, y, balanced=balanced, targets=targets)


def states(X, y, prepare=None, *, targets=None):
    """All 2^Q states: each class collapsed (0) or left alone (1), as a list of `Candidate`.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    prepare : callable, optional
        From a network to the `Report` of it rescaled.
    targets : array_like, shape (Q, k), optional
        As for `verify`.

    Returns
    -------
    list of Candidate

    Raises
    ------
    ValueError
        If there are too many classes, or a class cannot be collapsed.
    """
    check_comparable(len(np.unique(y)), states=True)
    family = constructions.suboptimal_family(X, y, targets=targets)
    return [_prepared(made, X, y, prepare, targets) for made in family]


def merges(X, y, prepare=None, *, targets=None):
    """All merges of classes that can be collapsed, as a list of `Candidate`.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    prepare, targets : optional
        As for `states`.

    Returns
    -------
    list of Candidate
        One for each partition of the classes with a group of two or more whose
        groups can be collapsed one after another.

    Raises
    ------
    ValueError
        If there are too many classes.
    """
    classes = np.unique(y).tolist()
    check_comparable(len(classes), merges=True)
    groupings = [groups for groups in partitions(classes) if len(groups) < len(classes)]
    found = []
    for groups in groupings:
        try:
            made = constructions.merged(X, y, groups, targets=targets)
        except ConstructionError:
            continue
        found.append(_prepared(made, X, y, prepare, targets))
    return found
