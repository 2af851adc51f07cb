"""What `settle` is asked, checked before anything that settles is loaded."""

import numpy as np

from geomcore.arrays import as_number
from geomcore.foreign.choices import as_choice

LOSSES = ("mse", "class_weighted", "cross_entropy", "bce")
MOST_PARAMETERS = 3000
MOST_NUMBERS = 30_000_000  # outputs times parameters
# Above both, each step on kinks takes a tenth of a second, and there may be hundreds.
MANY_PARAMETERS, MANY_NUMBERS = 500, 3_000_000


def check_kind(loss, weight_decay, targets):
    """The weight decay as a number; ValueError if that or the loss is none, for these targets."""
    as_choice(loss, LOSSES, "loss", ", others cannot be settled")
    weight_decay = as_number(weight_decay, "weight_decay", 0)
    _check_targets(targets, loss)
    return weight_decay


def _check_targets(targets, loss):
    is_mixed = (targets < 0).any() or (np.abs(targets.sum(axis=1) - 1) > 1e-6).any()
    if loss == "cross_entropy" and is_mixed:
        raise ValueError(
            "y must hold labels, or distributions (rows at least 0 that sum to 1), for "
            f"cross_entropy, got rows from {targets.min():.3g} to {targets.max():.3g}"
        )
    if loss == "bce" and ((targets < 0).any() or (targets > 1).any()):
        raise ValueError(
            f"y must lie in [0, 1] for bce, got values from {targets.min():.3g} to "
            f"{targets.max():.3g}"
        )


def check_size(net, N):
    """Raise ValueError if a network on so many points is too large to be settled."""
    check_count(net.parameter_count, N, net.widths[-1])


def warning_of(net, N):
    """A sentence for a network on so many points that may well not be settled, or None."""
    P = net.parameter_count
    if P <= MANY_PARAMETERS or P * N * net.widths[-1] <= MANY_NUMBERS:
        return None
    return (
        f"{P:,} parameters on {N:,} points: where the loss does not fall to zero, a network of "
        "this size may not be settled in time; most of 200 parameters are, within seconds"
    )


def check_count(P, N, K, name="net"):
    """As `check_size`, of P parameters and K outputs; name: where these come from."""
    numbers = P * N * K
    if P > MOST_PARAMETERS or numbers > MOST_NUMBERS:
        raise ValueError(
            f"{name} must have at most {MOST_PARAMETERS} parameters, and parameters times points "
            f"times outputs be at most {MOST_NUMBERS}, to be settled, got {P} and {numbers}"
        )
