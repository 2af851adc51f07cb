"""What one trained network ends at: settled, verified, and told in plain values."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from constructions import Certificate, verify
from constructions.proof.certificate import network_digest
from constructions.verdicts import CRITICAL as NEXT_TO_IT
from constructions.verdicts import DESCENT, VERDICTS
from geomcore.arrays import as_labels
from geomcore.network import ReLUNetwork
from geomcore.threads import single_threaded_blas
from training.census.flatness import flatness
from training.output.forms import Array, check_form
from training.settling.settle import settle
from training.settling.settled import RUNAWAY, SEPARATED

INFINITY, NOWHERE = "runs to infinity", "no critical point found"
# All that a run can end at, from what is most to what is least.
MINIMA = ("global minimum", "local minimum")
KINDS = (*MINIMA, "saddle", "not stationary", "undetermined", INFINITY, NOWHERE)


class Question(NamedTuple):
    """The data and the loss that networks are settled and verified on."""

    X: np.ndarray
    y: np.ndarray
    targets: np.ndarray | None
    loss: str
    weight_decay: float
    seconds: float

    @property
    def labels(self):
        """The labels, normalised."""
        return as_labels(self.y, len(self.X), targets=self.targets)


# Of the fields of an ending but the parameters.
FORM = {
    **dict.fromkeys(("number", "kinks"), int),
    "widths": [int],
    **dict.fromkeys(("reason", "verdict", "why", "certificate"), str),
    **dict.fromkeys(("is_critical", "is_far", "proved", "is_flat_proved"), bool),
    **dict.fromkeys(("trained_loss", "loss", "moved", "slack", "accuracy"), float),
    **dict.fromkeys(("distance", "smallest_eigenvalue"), (float, None)),
    **dict.fromkeys(("rank", "flat"), (int, None)),
}


@dataclass(frozen=True, eq=False)
class Ending:
    """The end of one run.

    Attributes
    ----------
    number : int
        Of the run.
    widths : tuple of int
    theta : ndarray, shape (P,)
        The settled network, packed.
    reason : str
        Why settling ended, or why it could not be done.
    is_critical : bool
        Whether settling ended at a critical point, to rounding.
    trained_loss, loss, moved : float
        Loss after training and after settling, and how far all parameters moved on the way, units
        being balanced.
    is_far : bool
        Whether training was stopped far from the end: settling did more than the last bit.
    verdict, proved, slack, distance, accuracy
        Of the certificate.
    why : str
        What of the proof failed, if nothing is proved.
    certificate : str
        As JSON; empty if there is none.
    kinks : int
    rank, flat : int or None
        As `Flatness` counts them; None where there is no critical point.
    is_flat_proved : bool
        Whether the certificate proves the same rank, but for its `rank_error`.
    smallest_eigenvalue : float or None
        Of the Hessian on the directions in which the loss bends, on the kinks; in floating point.
    """

    number: int
    widths: tuple
    theta: np.ndarray
    reason: str
    is_critical: bool
    trained_loss: float
    loss: float
    moved: float
    is_far: bool
    verdict: str
    proved: bool
    slack: float
    distance: float | None
    accuracy: float
    why: str
    certificate: str
    kinks: int
    rank: int | None
    flat: int | None
    is_flat_proved: bool
    smallest_eigenvalue: float | None

    @property
    def network(self):
        """The settled network."""
        return unpacked(self.widths, self.theta)

    @property
    def is_end(self):
        """Whether there is an end point: one is proved, or settling ended at a critical one."""
        return self.is_critical or self.is_proved

    @property
    def is_proved(self):
        """Whether it is proved to be a minimum or a saddle."""
        return self.proved and self.verdict in (*MINIMA, "saddle")

    @property
    def kind(self):
        """What it ended at, one of `KINDS`; verdicts that are not proved are "undetermined"."""
        if self.is_proved:
            return self.verdict
        if not self.is_critical:
            return INFINITY if self.reason in (RUNAWAY, SEPARATED) else NOWHERE
        return "not stationary" if self.proved else "undetermined"

    def plain(self):
        """The fields as a dict of plain values and arrays."""
        return asdict(self)

    @classmethod
    def from_plain(cls, fields):
        """The `Ending` of such a dict."""
        return cls(**{**fields, "widths": tuple(fields["widths"])})

    @staticmethod
    def check(fields, number, widths):
        """Raise ValueError unless they are of a run of this number and these widths."""
        count = sum(m * (n + 1) for n, m in pairwise(widths))
        check_form(fields, FORM | {"theta": Array((count,), is_finite=True)})
        if fields["number"] != number or tuple(fields["widths"]) != tuple(widths):
            raise ValueError(f"it is not of run {number} of the shape {tuple(widths)}")
        if fields["verdict"] not in VERDICTS:
            raise ValueError("its verdict is none")
        if fields["certificate"]:
            stated = Certificate.from_json(fields["certificate"])
            own = network_digest(unpacked(widths, fields["theta"])), fields["verdict"]
            if (stated.network, stated.verdict) != own:
                raise ValueError("its certificate is of another network or verdict")


def unpacked(widths, theta):
    """The network of packed parameters."""
    weights, biases, at = [], [], 0
    for n, m in pairwise(widths):
        weights.append(theta[at : at + m * n].reshape(m, n))
        biases.append(theta[at + m * n : at + m * n + m])
        at += m * n + m
    return ReLUNetwork(weights, biases)


def ending_of(number, widths, theta, question):
    """Settle and verify one trained network.

    Parameters
    ----------
    number : int
        Of the run.
    widths : tuple of int
    theta : ndarray, shape (P,)
        Packed parameters.
    question : Question

    Returns
    -------
    Ending
        The same to the last bit wherever it is computed, if the time is not over.
    """
    net, kind = unpacked(widths, theta), {"targets": question.targets, "loss": question.loss}
    kind["weight_decay"] = question.weight_decay
    with single_threaded_blas():
        try:
            settled = settle(net, question.X, question.y, seconds=question.seconds, **kind)
        except ValueError as error:  # numbers that overflow, as where training has diverged
            return _unsettled(number, widths, theta, str(error))
        found = verify(settled.network, question.X, question.y, **kind)
        counted = flatness(settled, question.X, question.labels) if settled.is_critical else None
    least = settled.smallest_eigenvalue
    return Ending(
        number=number,
        widths=tuple(widths),
        theta=settled.network.packed()[0],
        reason=settled.reason,
        is_critical=settled.is_critical,
        trained_loss=settled.loss_before,
        loss=settled.loss,
        moved=settled.moved,
        is_far=settled.is_far,
        verdict=found.verdict,
        proved=found.proved,
        slack=found.slack,
        distance=found.distance,
        accuracy=found.accuracy,
        why="" if found.proved else _why(found),
        certificate=found.to_json() + "\n",
        kinks=len(found.kinks or settled.kinks),
        rank=counted and counted.rank,
        flat=None if counted is None else counted.flat,
        is_flat_proved=counted is not None and _proves_rank(found, counted.rank),
        smallest_eigenvalue=least if np.isfinite(least) else None,
    )


def _proves_rank(found, rank):
    told = found.critical if found.proved else None
    return told is not None and told["argument"] == "critical point" and told["rank"] == rank


def _why(found):
    """What says best why nothing is proved: the detail of a check."""
    told = {check.name: check.detail for check in found.checks}
    return told.get(NEXT_TO_IT) or told.get(DESCENT) or found.checks[-1].detail


def _unsettled(number, widths, theta, reason):
    return Ending(
        number=number,
        widths=tuple(widths),
        theta=theta,
        reason=reason,
        is_critical=False,
        trained_loss=np.inf,
        loss=np.inf,
        moved=0.0,
        is_far=False,
        verdict="undetermined",
        proved=False,
        slack=0.0,
        distance=None,
        accuracy=0.0,
        why=reason,
        certificate="",
        kinks=0,
        rank=None,
        flat=None,
        is_flat_proved=False,
        smallest_eigenvalue=None,
    )
