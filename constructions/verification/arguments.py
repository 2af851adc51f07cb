"""What `verify` is asked, checked before anything that proves is loaded."""

import numpy as np

from constructions.verdicts import SQUARED, check_loss
from geomcore.arrays import as_number
from geomcore.foreign.wording import quoted


def check_question(loss, weight_decay, subset, labels):
    """The weight decay as a float; raise unless a loss, and what may move, can be asked about.

    Losses are those of `training.descent.losses`.
    """
    check_loss(loss)
    weight_decay = as_number(weight_decay, "weight_decay", 0)
    if (loss not in SQUARED or weight_decay) and subset is not None:
        raise ValueError(
            "subset must be None for a cross-entropy and with weight decay, of which all tensors "
            f"move, got {quoted(subset)}"
        )
    Y = labels.targets
    if loss == "cross_entropy" and ((Y < 0).any() or (np.abs(Y.sum(axis=1) - 1) > 1e-6).any()):
        raise ValueError(
            "y must hold labels, or distributions (rows at least 0 that sum to 1), for "
            f"cross_entropy, got rows from {Y.min():.3g} to {Y.max():.3g}; one output for two "
            "labels goes with loss 'bce' and the targets 0 and 1"
        )
    if loss == "bce" and ((Y < 0).any() or (Y > 1).any()):
        raise ValueError(
            f"y must lie in [0, 1] for bce, got values from {Y.min():.3g} to {Y.max():.3g}"
        )
    return weight_decay
