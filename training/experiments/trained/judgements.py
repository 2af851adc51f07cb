"""The claims about a survey, judged one by one; the rules are in verdicts.py."""

import numpy as np

from training.dynamics.ladder import THRESHOLDS
from training.experiments.trained import verdicts
from training.experiments.trained.measures import PRECISIONS
from training.output.verdicts import UNDECIDED, Verdict

MNIST = "mnist"
TOLD = {"digits": "the bundled digits", "mnist": "MNIST"}
# Claims are about trained networks; of others their tables tell, and no verdict.
LOST = "{lost} of {starts} starts are left out, as they came to no rung of the ladder"
SPACES = {"hidden": "outputs", "truncated": "truncated data"}


def judgements(found):
    """What the tables say of E6, E7 and E8.

    Parameters
    ----------
    found : Findings

    Returns
    -------
    list of dict
        ``claim``, ``quantity``, ``loss`` ("" where it is of none, or of both), ``verdict``,
        ``reason``. Runs that came to no rung have no part in them.
    """
    rows = []

    def add(claim, quantity, judged, loss=""):
        rows.append({"claim": claim, "quantity": quantity, "loss": loss, **judged._asdict()})

    digits = found.digits
    name = TOLD.get(digits.name, digits.name)
    judged = verdicts.separable_verdict(found.steps, name=name, is_part=digits.is_part)
    add("E6", f"0, 1, 6, 4 are separable in this order: {name}", judged)
    if digits.name != MNIST:
        told = "it needs the MNIST files: give --mnist PATH"
        add("E6", "0, 1, 6, 4 are separable in this order: MNIST", Verdict(UNDECIDED, told))
    for loss in found.losses:
        layers, classes, collapse = (
            _on_a_rung([row for row in table if row["loss_name"] == loss])
            for table in (found.layers, found.classes, found.collapse)
        )
        lost = found.starts - len({row["start"] for row in layers})

        def judge(claim, quantity, judged, loss=loss, lost=lost):
            told = f"{judged.reason}; {LOST.format(lost=lost, starts=found.starts)}"
            add(claim, quantity, judged._replace(reason=told) if lost else judged, loss)

        judge("E7", "cones collapse classes", verdicts.cone_verdict(layers, classes))
        for precision in PRECISIONS:
            judged = verdicts.rank_verdict(layers, precision)
            judge("E7", f"middle layers are rank-deficient, {precision} precision", judged)
            judged = verdicts.identity_verdict(layers, precision)
            judge("E7", f"the identities fail there, {precision} precision", judged)
        for space, told in SPACES.items():
            judged = verdicts.ladder_verdict(collapse, list(THRESHOLDS), space)
            judge("E8", f"the last hidden layer collapses with the loss, {told}", judged)
    if len(found.losses) == 2:
        judged = verdicts.difference_verdict(compared(found))
        add("E7", "squared error and cross-entropy differ", judged)
    return sorted(rows, key=lambda row: row["claim"])


def compared(found):
    """What `difference_verdict` compares: of each of two losses a value for every start."""
    pairs = {}
    for name in verdicts.COMPARED:
        pairs[name] = tuple(
            [_value(found, name, loss, start) for start in range(found.starts)]
            for loss in found.losses
        )
    return pairs


def _on_a_rung(rows):
    """The rows of runs that reached a threshold."""
    return [row for row in rows if row["threshold"] < np.inf]


def _value(found, name, loss, start):
    """For one run; nan if it came to no rung, or there is no number."""
    known = _on_a_rung(found.layers)
    if not any((r["loss_name"], r["start"]) == (loss, start) for r in known):
        return np.nan
    if name == "held_accuracy":
        rows = found.comparison
        own = [r for r in rows if (r["network"], r["start"]) == (loss, start)]
        return own[0][name]
    rows = found.layers if name == "condition" else found.collapse
    own = [r for r in rows if (r["loss_name"], r["start"]) == (loss, start)]
    least, last = min(r["threshold"] for r in own), max(r["layer"] for r in own)
    value = next(
        r[name]
        for r in own
        if (r["threshold"], r["layer"]) == (least, last) and r.get("space", "hidden") == "hidden"
    )
    return float(np.log10(value)) if 0 < value < np.inf else np.nan
