"""The tables of a settled network: how it came there, its kinks, its layers."""

import numpy as np

from geomcore.arrays import as_labels
from geomcore.foreign.wording import counted, told_apart
from geomcore.stack import stack
from training.dynamics.chains import truncations
from training.settling.settled import NAMES

SHOWN = 20  # kinks that the page has; all are in kinks.csv


def told(settled):
    """How a network came to where it is, in sentences.

    Parameters
    ----------
    settled : Settled

    Returns
    -------
    str
    """
    cost = NAMES[settled.loss_name]
    cost += f" with weight decay {settled.weight_decay:g}" if settled.weight_decay else ""
    if settled.is_critical:
        first = f"Settling ended at a critical point of the {cost}, to rounding"
        first += ", the best of its cell." if settled.is_fitted else "."
    else:
        first = f"Settling ended at no critical point of the {cost}: {settled.reason}."
    size = float(np.linalg.norm(settled.network.packed()[0]))
    sentences = [
        first,
        f"The loss went from {settled.loss_before:.6g} to {settled.loss:.6g}.",
        f"All parameters together moved by {settled.moved:.2g}, where their norm is {size:.3g}"
        + (", and units are scaled evenly before and after." if not settled.weight_decay else "."),
    ]
    if settled.moved_by_rescaling > settled.moved:
        sentences.append(
            f"Scaling units so, which changes no output, moved them by "
            f"{settled.moved_by_rescaling:.2g}."
        )
    if settled.is_far:
        sentences.append(
            "That is far: it was near no critical point of this loss, as where training was "
            "stopped early or minimized another one."
        )
    return " ".join(sentences)


def bends(settled):
    """How the loss bends there, in sentences; "" if nothing is known of it."""
    count = len(settled.spectrum)
    if not count:
        return ""
    held = " with units on kinks held there" if settled.kinks else ""
    negative = int((settled.spectrum < 0).sum())
    least = f"{settled.smallest_eigenvalue:.2g}"
    below = f", {negative} of them negative" if negative else ""
    return (
        f"The gradient{held} has the norm {settled.gradient_norm:.1e}. Of the second derivative "
        f"{counted(count, 'eigenvalue')} {'is' if count == 1 else 'are'} drawn, of "
        f"{counted(settled.network.parameter_count, 'parameter')}{below}; the smallest is {least}."
    )


def kink_rows(settled, most=SHOWN):
    """The first kinks, a row for each, strings by column."""
    rows = []
    for kink in settled.kinks[:most]:
        multiplier, rise = told_apart(kink.multiplier, kink.rise)
        rows.append(
            {
                "layer": str(kink.layer),
                "point": str(kink.point),
                "unit": str(kink.unit),
                "multiplier": multiplier,
                "of at most": rise,
                "room": f"{kink.room:.2g}",
            }
        )
    return rows


def layer_rows(net, X, y, *, targets=None):
    """What each hidden layer does to truncated data, a row for each, numbers by column.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    y : ndarray, shape (N,) or (N, k)
    targets : array_like, optional
        As for `geomcore.arrays.as_labels`.

    Returns
    -------
    list of dict
        Empty without hidden layers. ``layer``, ``units``; ``dead``, units that are on at no point;
        ``rank``, ``condition`` and ``defect`` as in `geomcore.truncation_defects`; ``is_cone``;
        ``angle``, the largest one between two edges, in radians; ``collapsed``, ``face`` and
        ``alone``, fractions of the points in the backward cone, in neither, in the forward cone.
    """
    if len(net.weights) < 2:
        return []
    X = np.asarray(X, dtype=float)
    labels = as_labels(y, len(X), targets=targets)
    sizes = np.bincount(labels.index) / len(X)
    found = truncations(stack([net])[1], X, labels.index, len(sizes))
    rows = []
    for l, output in enumerate(net.hidden(X)):
        width, rank = output.shape[1], float(found.rank[0, l])
        parts = {
            name: float(sizes @ getattr(found, part)[0, l])
            for name, part in (("collapsed", "backward"), ("face", "mixed"), ("alone", "forward"))
        }
        rows.append(
            {
                "layer": l + 1,
                "units": width,
                "dead": int((output <= 0).all(axis=0).sum()),
                "rank": rank,
                "is_cone": rank == width,
                "condition": float(found.condition[0, l]),
                "defect": float(found.defect[0, l]),
                "angle": float(found.largest_angle[0, l]),
            }
            | parts
        )
    return rows


def layer_words(rows):
    """The rows of `layer_rows` for people, strings by column."""
    return [
        {
            "layer": str(row["layer"]),
            "units": str(row["units"]),
            "never on": str(row["dead"]),
            "rank": _number(row["rank"], "{:.0f}"),
            "cone": "yes" if row["is_cone"] else "no",
            "condition": _number(row["condition"], "{:.1e}"),
            "defect": _number(row["defect"], "{:.0e}"),
            "widest angle": _number(np.degrees(row["angle"]), "{:.0f}°"),
            "collapsed": _number(row["collapsed"], "{:.0%}"),
            "onto a face": _number(row["face"], "{:.0%}"),
            "left alone": _number(row["alone"], "{:.0%}"),
        }
        for row in rows
    ]


def _number(value, form):
    return form.format(value) if np.isfinite(value) else "-"
