"""What is measured of one trained network: a row of numbers.

Gradients are those of two scalars, the output of the head before its ReLU, which the sources look
at, and the logit. They are counted at the test points, as the sources do, and measured by area.
"""

import numpy as np

from geomcore.gradients import input_gradients
from geomcore.mesa.measures import mesa_measures
from geomcore.mesa.polytope import MARGIN, ZONES, Polytope
from geomcore.network import Network
from training.experiments.mesa.networks import SAMPLES, stream
from training.experiments.mesa.protocol import BOX

SCALARS = ("head", "logit")
THRESHOLDS = (0.5, 1.0, 2.0)  # of the sources; claims are about the second one
RELATIVE = 0.1  # of the median norm in the exterior
DRAWN = 10_000  # points of the box, in more than two dimensions
SMALL = (0.01, 0.1)  # head weights that the first source counts


def scalar_of(net, scalar):
    """The network up to a scalar: to the head before its ReLU, or all of it."""
    return Network(net.layers[:3]) if scalar == "head" else net


def measures_of(net, task, seed):
    """Everything that is told of a trained network.

    Parameters
    ----------
    net : Network
        Affine, ReLU, head, ReLU, affine.
    task : Task
    seed : int
        Of the points that are drawn where areas are not exact.

    Returns
    -------
    dict of str to float, int or bool
    """
    inside = task.slack <= 0
    logit = net(task.X)[:, 0]
    answers = logit > 0
    loss = np.logaddexp(0, logit) - task.y * logit
    row = {
        "loss": float(loss.mean()),
        "accuracy": float(np.mean((net(task.test)[:, 0] > 0) == inside)),
        "train_accuracy": float(np.mean(answers == task.y)),
        "majority": float(max(np.mean(inside), 1 - np.mean(inside))),
        "collapsed": bool(answers.all() or not answers.any()),
        "w3": float(net.layers[4].W[0, 0]),
        "interior_points": int(inside.sum()),
    }
    return row | _weights(net, task) | _flatness(net, task, seed)


def norms_at(net, scalar, X):
    """Norms of the gradients of a scalar at points."""
    return np.linalg.norm(input_gradients(scalar_of(net, scalar), X), axis=1)


def _flatness(net, task, seed):
    """How flat both scalars are, at the test points and by area."""
    polytope, row = Polytope(task.normals, task.offsets), {}
    zones = (task.slack > 0).astype(int) + (task.slack >= MARGIN)
    for scalar in SCALARS:
        norms = norms_at(net, scalar, task.test)
        parts = [norms[zones == z] for z in range(len(ZONES))]
        for name, part in zip(ZONES, parts, strict=True):
            row[f"{scalar}_{name}"] = _mean(part)
        level = RELATIVE * float(np.median(parts[2])) if len(parts[2]) else np.nan
        row[f"{scalar}_level"] = level
        for t in THRESHOLDS:
            row[f"{scalar}_points_{t:g}"] = _mean(parts[0] < t)
        row[f"{scalar}_points_zero"] = _mean(parts[0] == 0)
        row[f"{scalar}_points_relative"] = _mean(parts[0] < level) if level > 0 else np.nan
        found = mesa_measures(
            scalar_of(net, scalar),
            polytope,
            box=BOX,
            thresholds=THRESHOLDS,
            relative=(RELATIVE,),
            samples=DRAWN,
            rng=stream(seed, task.X.shape[1], SAMPLES),
        )
        flat = {"zero": found.zero, "relative": found.relative[0]}
        flat |= {f"{t:g}": one for t, one in zip(THRESHOLDS, found.absolute, strict=True)}
        for name, one in flat.items():
            row[f"{scalar}_area_{name}"] = np.nan if one.fraction is None else one.fraction
            row[f"{scalar}_error_{name}"] = np.nan if one.error is None else one.error
            row[f"{scalar}_overlap_{name}"] = np.nan if one.jaccard is None else one.jaccard
    return row


def _weights(net, task):
    """Head weights, which of them are negative, and those of the units that are on at the centre.

    The slope of unit i is |w_i| times the norm of its own weights: no scaling of units changes it.
    The centre is the mean of the test points inside, as in the first source.
    """
    first, head = net.layers[0], net.layers[2]
    w, inside = head.W[0], task.slack <= 0
    negative, slopes = w < 0, np.abs(w) * np.linalg.norm(first.W, axis=1)
    on = first(task.test) > 0
    row = {
        "p": float(getattr(head, "p", np.nan)),
        "positive": int((w > 0).sum()),
        "positive_mean": _mean(w[w > 0]),
        "negative": int(negative.sum()),
        "negative_mean": _mean(w[negative]),
        "negative_mass": float(-w[negative].sum()),
        "least_weight": float(np.abs(w).min()),
        **{f"below_{s:g}": int((np.abs(w) < s).sum()) for s in SMALL},
        "on_inside": _mean(on[inside]),
        "on_outside": _mean(on[~inside]),
    }
    # The modulus of an Lp head has no sign.
    signed = np.abs(w) if hasattr(head, "p") else w
    total = slopes.sum()
    row["negative_share"] = float(slopes[signed < 0].sum() / total) if total > 0 else np.nan
    if not inside.any():
        return row
    centre = task.test[inside].mean(axis=0)
    active = first(centre[None])[0] > 0
    row["centre_on"] = int(active.sum())
    for name, part in (("on", active), ("off", ~active)):
        row[f"centre_weight_{name}"] = _mean(np.abs(w[part]))
        row[f"centre_slope_{name}"] = _mean(slopes[part])
    added = (signed[active, None] * first.W[active]).sum(axis=0)
    most = slopes[active].sum()
    # How much of the slopes that are there at the centre cancels out.
    row["centre_cancelled"] = float(1 - np.linalg.norm(added) / most) if most > 0 else np.nan
    return row


def _mean(values):
    return float(np.mean(values)) if len(values) else float("nan")
