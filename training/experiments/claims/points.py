"""Claims E2 and E3: whether the 2^Q - 1 points are local minima, with the losses of a formula."""

import math

from training.experiments.judging.verdict import NO, OPEN, YES, Reading

RTOL = 1e-9  # to which a loss and the closed form agree
MINIMA, OTHERS = ("global minimum", "local minimum"), ("saddle", "not stationary")
# Rows of the table by kind: what they are, and whether the source speaks of them.
KINDS = {
    "paper": ("the points of the source, linear last layer, class-weighted loss", True),
    "state": ("the same hidden layers with the best affine last layer, mean squared error", False),
    "merge": ("merges of classes", False),
}


def minimum_readings(rows):
    """The readings of E2: which of the points are proved to be local minima.

    Parameters
    ----------
    rows : list of dict
        Of the table of `geomcore minima`; points with zero loss do not count. One whose loss is no
        finite number counts as not proved.

    Returns
    -------
    list of Reading
    """
    readings = []
    for kind, (name, is_source) in KINDS.items():
        own = [row for row in _suboptimal(rows) if row["kind"] == kind]
        if not own:
            continue
        proved = [row for row in own if row["proved"] and _is_number(row["loss"])]
        yes = sum(row["verdict"] in MINIMA for row in proved)
        no = sum(row["verdict"] in OTHERS for row in proved)
        answer = NO if no else YES if yes == len(own) else OPEN
        told = f"{yes} of {len(own)} are proved minima, {no} proved not to be"
        readings.append(Reading(name, is_source, answer, told))
    return readings


def formula_readings(rows):
    """The readings of E3: whether losses are what the closed form says.

    Parameters
    ----------
    rows : list of dict
        Of the table of `geomcore minima`; those without a closed form do not count.

    Returns
    -------
    list of Reading
        Differences are relative to the closed form, or absolute where that is 0. Where one of both
        is nan or infinite nothing is compared, and the reading is open unless another row says no.
    """
    readings = []
    for kind, (name, is_source) in KINDS.items():
        own = [
            row
            for row in _suboptimal(rows)
            if row["kind"] == kind and row["closed_form"] is not None
        ]
        if not own:
            continue
        known = [
            (row["loss"], row["closed_form"])
            for row in own
            if _is_number(row["loss"]) and _is_number(row["closed_form"])
        ]
        off = [abs(loss - closed) / (abs(closed) or 1) for loss, closed in known]
        equal = sum(gap <= RTOL for gap in off)
        told = [f"{equal} of {len(own)} agree to {RTOL:g}"]
        if off:
            told.append(f"the largest difference is {max(off):.2g} of the formula")
        if any(closed == 0 for _, closed in known):
            told.append("absolute where that is 0")
        if len(known) < len(own):
            told.append(f"{len(own) - len(known)} without a finite number")
        answer = NO if equal < len(known) else YES if equal == len(own) else OPEN
        readings.append(Reading(name, is_source, answer, ", ".join(told)))
    return readings


def _suboptimal(rows):
    """Those of some points that do not stand for zero loss: state 0...0, and no class merged."""
    for row in rows:
        word = row["name"].partition(" ")[2]
        is_state = row["kind"] in ("state", "paper") and set(word) != {"0"}
        is_merge = row["kind"] == "merge" and len(word.split(" | ")) < row["classes"]
        if is_state or is_merge:
            yield row


def _is_number(value):
    return value is not None and math.isfinite(value)
