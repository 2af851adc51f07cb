"""What is measured of one trained network: a row of numbers.

Gradients are those of two scalars, the output of the head before its ReLU, which the sources look
at, and the logit. They are counted at the test points, as the sources do, and measured by area.
"""

import numpy as np

from geomcore.gradients import input_gradients
from geomcore.mesa.measures import mesa_measures
from geomcore.mesa.points import active_shares, signed_weights, units_at
from geomcore.mesa.polytope import ZONES
from geomcore.mesa.profile import slack_profile
from training.experiments.mesa.networks import SAMPLES, stream
from training.experiments.mesa.protocol import BOX

SCALARS = ("head", "logit")
THRESHOLDS = (0.5, 1.0, 2.0)  # of the sources; claims are about the second one
RELATIVE = 0.1  # of the median norm in the exterior
DRAWN = 10_000  # points of the box, in more than two dimensions
SMALL = (0.01, 0.1)  # head weights that the first source counts


def scalar_of(net, scalar):
    """The network up to a scalar: to the head before its ReLU, or all of it."""
    return net[:3] if scalar == "head" else net


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
        nan where there is nothing to measure.
    """
    inside = task.polytope.slack(task.test) <= 0
    logit = net(task.X)[:, 0]
    answers, loss = logit > 0, np.logaddexp(0, logit) - task.y * logit
    row = {
        "loss": float(loss.mean()),
        "accuracy": float(np.mean((net(task.test)[:, 0] > 0) == inside)),
        "train_accuracy": float(np.mean(answers == task.y)),
        "majority": float(max(np.mean(inside), 1 - np.mean(inside))),
        "collapsed": bool(answers.all() or not answers.any()),
        "w3": float(net.layers[4].W[0, 0]),
        "interior_points": int(inside.sum()),
    }
    row |= _weights(net, task) | _centre(net, task.test[inside])
    for scalar in SCALARS:
        found = _at_points(net, scalar, task) | _areas(net, scalar, task, seed)
        row |= {f"{scalar}_{name}": _number(value) for name, value in found.items()}
    return row


def norms_at(net, scalar, X):
    """Norms of the gradients of a scalar at points."""
    return np.linalg.norm(input_gradients(scalar_of(net, scalar), X), axis=1)


def _at_points(net, scalar, task):
    """Norms of gradients at the test points: means by zone, parts of the interior that are flat."""
    norms, zones = norms_at(net, scalar, task.test), task.polytope.zones(task.test)
    parts = [norms[zones == z] for z in range(len(ZONES))]
    row = {name: _mean(part) for name, part in zip(ZONES, parts, strict=True)}
    level = RELATIVE * float(np.median(parts[2])) if len(parts[2]) else np.nan
    row |= {f"points_{t:g}": _mean(parts[0] < t) for t in THRESHOLDS}
    row["points_zero"], row["level"] = _mean(parts[0] == 0), level
    row["points_relative"] = _mean(parts[0] < level) if level > 0 else np.nan
    return row


def _areas(net, scalar, task, seed):
    """Parts of the polytope that are flat, overlaps with it, and how the scalar goes with slack."""
    d = task.polytope.d
    about = {"box": BOX, "samples": DRAWN, "rng": stream(seed, d, SAMPLES)}
    found = mesa_measures(
        scalar_of(net, scalar),
        task.polytope,
        thresholds=THRESHOLDS,
        relative=(RELATIVE,),
        **about,
    )
    flat = {"zero": found.zero, "relative": found.relative[0]}
    flat |= {f"{t:g}": one for t, one in zip(THRESHOLDS, found.absolute, strict=True)}
    row = {}
    for name, one in flat.items():
        row[f"area_{name}"], row[f"error_{name}"] = one.fraction, one.error
        row[f"overlap_{name}"] = one.jaccard
    profile = slack_profile(scalar_of(net, scalar), task.polytope, **about)
    row["by_slack"], row["by_distance"] = profile.rank_correlation, profile.distance_correlation
    return row


def _weights(net, task):
    """Head weights, and which of them are negative.

    The slope of unit i is |w_i| times the norm of its own weights: no scaling of units changes it.
    """
    w, signs = net.layers[2].W[0], signed_weights(net)
    slopes, total = _slopes(net), _slopes(net).sum()
    on_inside, on_outside = active_shares(net, task.test, task.polytope)
    # The modulus of an Lp head has no sign.
    negative = np.zeros(len(w), bool) if _is_norm(net) else w < 0
    return {
        "p": _number(getattr(net.layers[2], "p", None)),
        "positive": signs.positive,
        "positive_mean": _number(signs.positive_mean),
        "negative": signs.negative,
        "negative_mean": _number(signs.negative_mean),
        "negative_mass": float(np.maximum(-w, 0).sum()),
        "negative_share": float(slopes[negative].sum() / total) if total > 0 else np.nan,
        "least_weight": float(np.abs(w).min()),
        **{f"below_{s:g}": int((np.abs(w) < s).sum()) for s in SMALL},
        "on_inside": _number(on_inside),
        "on_outside": _number(on_outside),
    }


def _centre(net, inside):
    """The units that are on at the mean of the test points inside, the first source's centre."""
    names = ("on", "weight_on", "weight_off", "slope_on", "slope_off", "cancelled")
    if not len(inside):
        return {f"centre_{name}": np.nan for name in names}
    units, slopes, W = units_at(net, inside.mean(axis=0)), _slopes(net), net.layers[0].W
    on, w = units.is_active, np.abs(units.weights) if _is_norm(net) else units.weights
    most, added = slopes[on].sum(), np.linalg.norm((w[on, None] * W[on]).sum(axis=0))
    # How much of the slopes cancels out: nothing of slopes that are all 0.
    cancelled = float(1 - added / most) if most > 0 else 0.0 if on.any() else np.nan
    values = (int(on.sum()), _number(units.active), _number(units.inactive))
    values = (*values, _mean(slopes[on]), _mean(slopes[~on]), cancelled)
    return {f"centre_{name}": value for name, value in zip(names, values, strict=True)}


def _slopes(net):
    return np.abs(net.layers[2].W[0]) * np.linalg.norm(net.layers[0].W, axis=1)


def _is_norm(net):
    return hasattr(net.layers[2], "p")


def _mean(values):
    return float(np.mean(values)) if len(values) else np.nan


def _number(value):
    return np.nan if value is None else float(value)
