"""What is proved of the way back to the references of a study, beside what the study found."""

import numpy as np

from constructions import balanced, largest_step, verify
from constructions.verdicts import RETURN
from constructions.verification.descent import curvature_at
from geomcore.arrays import as_count
from geomcore.network import ReLUNetwork

# What `balanced` may cost: scalings that are tried; points times units beyond which none is.
EVALUATIONS, LARGE = 60, 10_000
# Of the radius of the flow, for which the largest step is looked for.
PART = 0.1
AS_STUDIED, BALANCED = "as studied", "balanced"
BATCHES = "a batch is not all points: what is proved speaks of descent with all of them"
NO_RATE = "the study has no learning rate"
NO_RELU = "the network has other layers than affine ones and ReLUs"
TOO_LARGE = f"not tried: points times units are more than {LARGE:,}"


def proved_returns(study, net, X, y, *, targets=None, loss="mse", batch_size=None):
    """The proved basins of each reference at the rate of the study, as a pandas DataFrame.

    Parameters
    ----------
    study : StudyResult
        Of plain gradient descent.
    net : ReLUNetwork or dict of str to ReLUNetwork
        The references, by name if there are several.
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
    targets : array_like, shape (Q, k), optional
    loss : {"mse", "class_weighted"}, optional
        Of the study.
    batch_size : int, optional
        Of the study: with fewer points than all nothing is proved of its descent.

    Returns
    -------
    DataFrame
        A row per reference, ``layers`` as they were studied, and if it has a basin one with the
        layers `balanced` for the largest basin of the flow. Columns: verdict; flow, the total norm
        up to which every perturbation returns along gradient flow; step, the rate of the study;
        descent, the norm up to which every one returns by descent with it, and rate, the part of
        the loss that each step takes at least; curvature_least and curvature_most, proved bounds
        of the norm of the Hessian at the minimum (no step above 1 / curvature_most has a basin
        that this bound could prove); largest_step, with which return is proved from a tenth of
        flow, and largest_rate, its rate; reason, why descent is nan, else "". What is not proved
        is nan.

    Raises
    ------
    ValueError
        If there is no network for a reference, or the data do not fit.
    """
    import pandas as pd

    networks = net if isinstance(net, dict) else {study.reference.name: net}
    missing = [ref.name for ref in study.references if ref.name not in networks]
    if missing:
        raise ValueError(
            f"net must have a network for each reference, there is none for {missing[0]!r}"
        )
    given = {"targets": targets, "loss": loss}
    partial = batch_size is not None and as_count(batch_size, "batch_size") < len(X)
    rows = []
    for ref in study.references:
        net = networks[ref.name]
        rows.append(_row(ref, net, AS_STUDIED, X, y, given, partial))
        if rows[-1]["flow"] > 0:  # else no rescaling makes a minimum of it
            rows.append(_row(ref, net, BALANCED, X, y, given, partial))
    return pd.DataFrame(rows)


def _row(ref, net, layers, X, y, given, partial):
    names = ("flow", "descent", "rate", "curvature_least", "curvature_most")
    names = (*names, "largest_step", "largest_rate")
    step = np.nan if ref.learning_rate is None else ref.learning_rate
    row = {"reference": ref.name, "layers": layers, "verdict": "", "step": step}
    row |= dict.fromkeys(names, np.nan) | {"reason": ""}
    if not isinstance(net, ReLUNetwork):
        return row | {"reason": NO_RELU}
    if layers == BALANCED:
        if len(X) * sum(net.widths) > LARGE:
            return row | {"reason": TOO_LARGE}
        net = balanced(net, X, evaluations=EVALUATIONS)
    found = verify(net, X, y, step=ref.learning_rate or None, **given)
    row["verdict"] = found.verdict
    told = [check.detail for check in found.checks if check.name == RETURN]
    row["reason"] = told[0].removeprefix("none is proved: ") if told else ""
    if found.basin is None:
        return row if told else row | {"reason": NO_RATE}
    row["flow"] = found.basin["radius"]
    about = found, net, X, y
    row["curvature_least"], row["curvature_most"] = curvature_at(*about, targets=given["targets"])
    largest = largest_step(*about, PART * row["flow"], targets=given["targets"])
    if largest is not None:
        row |= {"largest_step": largest.step, "largest_rate": largest.rate}
    if partial or not ref.learning_rate:
        return row | {"reason": BATCHES if partial else NO_RATE}
    if found.descent is not None:
        row |= {"descent": found.descent["radius"], "rate": found.descent["rate"]}
    return row
