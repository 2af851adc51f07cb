"""Whether what was kept of a seed is what was written: names, types and shapes, model by model.

A file whose digests were computed again can hold anything; that must end in a sentence, not in
tables.
"""

import numpy as np

from geomcore.mesa.polytope import ZONES
from training.experiments.mesa.measured import SCALARS, SMALL, THRESHOLDS
from training.experiments.mesa.networks import assembled
from training.experiments.mesa.protocol import FLIPPED, LINEAR, LP, MODELS, WIDTH, trained_as

OF_HEAD = ("positive_mean", "negative_mean", "negative_mass", "negative_share", "least_weight")
CENTRE = ("weight_on", "weight_off", "slope_on", "slope_off", "cancelled")
POINTS = (*ZONES, *(f"points_{t:g}" for t in THRESHOLDS), "points_zero", "level", "points_relative")
FLAT = ("zero", "relative", *(f"{t:g}" for t in THRESHOLDS))
AREAS = tuple(f"{what}_{k}" for k in FLAT for what in ("area", "error", "overlap"))
FLOATS = (
    *("w3_start", "loss", "accuracy", "train_accuracy", "majority", "w3", "p"),
    *(*OF_HEAD, "on_inside", "on_outside", *(f"centre_{name}" for name in CENTRE)),
    *(f"{s}_{name}" for s in SCALARS for name in (*POINTS, *AREAS, "by_slack", "by_distance")),
)
NUMBERS = ("epochs", "interior_points", "positive", "negative", *(f"below_{s:g}" for s in SMALL))
KINDS = {
    **dict.fromkeys(FLOATS, (float,)),
    **dict.fromkeys(NUMBERS, (int,)),
    "centre_on": (int, float),  # nan without a centre
    "collapsed": (bool,),
    "stopped_by": (str,),
}


def networks_of(piece, models, d):
    """The networks of a piece, by model.

    Parameters
    ----------
    piece : dict
        As `training.experiments.mesa.survey` keeps it.
    models : sequence of str
        That were trained.
    d : int

    Returns
    -------
    dict of str to Network

    Raises
    ------
    ValueError
        Of what is not as it was written.
    """
    keys = [key for m in models for key in ((m, FLIPPED.key) if m == LINEAR else (m,))]
    _check(isinstance(piece, dict) and [*piece] == keys, f"it is not of {', '.join(keys)}")
    return {key: _network(told, key, d) for key, told in piece.items()}


def _network(told, key, d):
    parts = {"row": dict, "tensors": list, "norms": dict}
    _check(isinstance(told, dict) and told.keys() == parts.keys(), f"parts of {key} are missing")
    for name, kind in parts.items():
        _check(isinstance(told[name], kind), f"{name} of {key} is not a {kind.__name__}")
    row, tensors, norms = (told[name] for name in parts)
    _check(row.keys() == KINDS.keys(), f"the row of {key} has other names")
    for name, kinds in KINDS.items():
        # A truth value is no number here.
        is_right = type(row[name]) in kinds
        _check(is_right, f"{name} of {key} is not of type {kinds[0].__name__}")
    shapes = [(WIDTH, d), (WIDTH,), (1, WIDTH), (1,), (1, 1), (1,)]
    is_right = len(tensors) == len(shapes) and all(map(_is_array, tensors, shapes))
    _check(is_right, f"the tensors of {key} have other shapes or types")
    is_right = norms.keys() == set(SCALARS)
    is_right = is_right and all(_is_array(norms[s], (row["interior_points"],)) for s in SCALARS)
    _check(is_right, f"the gradients of {key} have other shapes or types")
    is_norm = MODELS[trained_as(key)].head == LP
    _check(is_norm != np.isnan(row["p"]), f"p of {key} is of another head")
    return assembled(tensors, row["p"] if is_norm else None)


def _is_array(value, shape):
    return isinstance(value, np.ndarray) and value.dtype == np.float64 and value.shape == shape


def _check(is_right, what):
    if not is_right:
        raise ValueError(what)
