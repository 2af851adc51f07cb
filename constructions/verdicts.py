"""What a certificate says in words: its verdicts, the cost they are about, the checks behind them.

The names of checks stand in certificate files.
"""

from typing import get_args

from constructions.typing import SquaredName, Verdict
from geomcore.foreign.choices import as_choice
from geomcore.foreign.wording import printable
from geomcore.typing import LossName

VERDICTS = get_args(Verdict)
SQUARED = get_args(SquaredName)
LOSS_NAMES = get_args(LossName)
KINDS = {
    "mse": "mean squared error",
    "class_weighted": "class-weighted squared error",
    "cross_entropy": "mean cross-entropy of the softmax",
    "bce": "mean binary cross-entropy",
}
PATTERN = "activation pattern of the exact network"
ZERO = "exactly zero loss next to it"
CELL = "meets the lower bound of its cell"
CRITICAL = "an exact minimum next to it"
SADDLE = "an exact saddle next to it"
CONVEX = "one affine layer is convex, so a global one"
SLACK = "meets the lower bound of its cell but for a slack"
DESCENT = "no descent found"
WIDTHS = "no two-layer network of any width is lower, but for a slack"
RETURN = "a basin of gradient descent with this step"
DIAGNOSTICS = ("truncated points equal within each class", "x = W x_tau + b at every layer")
# The checks that decide a verdict, one is enough, and whether they do so by passing.
DECIDES = {
    "global minimum": {
        (ZERO, True),
        (CELL, True),
        (CRITICAL, True),
        (SLACK, True),
        (WIDTHS, True),
    },
    "local minimum": {(CELL, True), (CRITICAL, True), (SLACK, True)},
    "saddle": {(SADDLE, True), (DESCENT, False)},
    "not stationary": {(DESCENT, False)},
}
HEADINGS = {
    "proof": "proof",
    "search": "found in floating point, not proved",
    "other": "tried for other verdicts; this one does not rest on them",
    "open": "tried; none of it decides",
    "return": "gradient descent, of which no verdict speaks",
    "diagnostic": "whether truncation maps describe the network, in floating point; no verdict "
    "rests on it",
}
# What else a summary says of a verdict.
NEXT = {
    "not stationary": ["what next          settle brings it onto the critical point it is near"]
}
MARKS = {True: "yes", False: "no ", None: "?  "}


def check_loss(loss, names=LOSS_NAMES):
    """Raise unless `loss` is one of the names."""
    as_choice(loss, names, "loss")


def cost(loss_name, one_hot, weight_decay=0.0):
    """The loss that a verdict is about.

    Parameters
    ----------
    loss_name : str
        One of `LOSS_NAMES`.
    one_hot : bool or None
        Whether the targets were one-hot rows; None if that is not known.
    weight_decay : float, optional

    Examples
    --------
    >>> cost("mse", True)
    'mean squared error on one-hot targets'
    """
    kind = KINDS[loss_name]
    targets = {True: "one-hot targets", False: "the targets given", None: "its targets"}
    decay = f" with weight decay {weight_decay:.3g}" if weight_decay else ""
    return f"{kind} on {targets[one_hot]}{decay}"


def part(check, verdict, proved):
    """What a check is to a verdict, a key of `HEADINGS`.

    Examples
    --------
    >>> from constructions.proof.certificate import Check
    >>> part(Check(ZERO, False, None, ""), "local minimum", True)
    'other'
    """
    if check.name in DIAGNOSTICS:
        return "diagnostic"
    if check.name == RETURN:
        return "return"
    if verdict not in DECIDES:
        return "open"
    known = check.name == PATTERN and check.passed is not None
    if known or (check.name, check.passed) in DECIDES[verdict]:
        return "proof" if proved else "search"
    return "other"


def told(checks, verdict, proved):
    """Lines that tell the checks, steps of the proof apart from what no verdict rests on.

    Parameters
    ----------
    checks : sequence of Check
        Of a file, perhaps: their texts may be anything.
    verdict : str
    proved : bool

    Returns
    -------
    list of str
    """
    lines = []
    for key, heading in HEADINGS.items():
        found = [check for check in checks if part(check, verdict, proved) == key]
        lines += [heading] * bool(found)
        for check in found:
            if key in ("proof", "search"):
                name = "a way down" if check.name == DESCENT else check.name
            else:
                name = f"{MARKS[check.passed]}  {check.name}"
            lines.append("  " + printable(f"{name}: {check.detail}"))
    return lines
