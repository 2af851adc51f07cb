"""All seeds, dimensions and models of a mesa experiment: pieces of work, done in any order."""

from typing import NamedTuple

import numpy as np

from geomcore.display.lines import told_in_brief
from geomcore.threads import single_threaded_blas
from training.descent.executors import as_finished
from training.experiments.mesa.measured import SCALARS, measures_of, norms_at
from training.experiments.mesa.networks import begin, draw, flipped, trained
from training.experiments.mesa.protocol import (
    FLIPPED,
    LINEAR,
    MODELS,
    PROTOCOLS,
    Protocol,
    trained_as,
)
from training.experiments.mesa.stored import networks_of
from training.output.pieces import spoilt


@told_in_brief
class Found(NamedTuple):
    """What was found; see `survey`.

    Attributes
    ----------
    protocol : Protocol
    models : tuple of str
        Their keys, as they were trained.
    dims : tuple of int
    seeds, seed : int
        How many, and the first one.
    rows : list of dict
        One per dimension, seed and model; `training.experiments.mesa.measured` says of what.
        ``left_out``: whether the training collapsed that the network comes from.
    networks : dict of (int, int, str) to Network
        By dimension, seed and model.
    norms : dict of (int, int, str) to dict of str to ndarray
        Norms of the gradients of both scalars at the test points inside.
    """

    protocol: Protocol
    models: tuple
    dims: tuple
    seeds: int
    seed: int
    rows: list
    networks: dict
    norms: dict


def survey(
    protocol,
    models,
    dims,
    *,
    seeds,
    seed,
    epochs,
    executor=None,
    pieces=None,
    progress=None,
):
    """Train and measure the models.

    Parameters
    ----------
    protocol : Protocol
    models : sequence of str
        Keys of `MODELS`.
    dims : sequence of int
    seeds, seed : int
        How many, and the first one; each has a polytope, data, initial numbers and shuffles of its
        own, which all models share.
    epochs : int
        At most.
    executor : concurrent.futures.Executor, optional
        Where it is done, processes say; default here.
    pieces : mutable mapping, optional
        Of work that is done, by name; what is in it is not done again. Default a dict.
    progress : callable, optional
        Of the number of trained networks, and of all, after each piece.

    Returns
    -------
    Found
        The same to the last bit whatever the executor and the pieces done before.

    Raises
    ------
    ValueError
        If a piece is not as it was written.
    """
    pieces = {} if pieces is None else pieces
    names = {(d, s): f"d {d} seed {s}" for d in dims for s in range(seed, seed + seeds)}
    missing = [place for place, name in names.items() if name not in pieces]
    total, done = len(names) * len(models), (len(names) - len(missing)) * len(models)
    work = [(protocol.name, tuple(models), d, s, epochs) for d, s in missing]
    if progress is not None:
        progress(done, total)
    come = map(_piece_of, work) if executor is None else as_finished(_piece_of, work, executor)
    for place, piece in come:
        pieces[names[tuple(place)]] = piece
        done += len(models)
        if progress is not None:
            progress(done, total)
    rows, networks, norms = [], {}, {}
    for (d, s), name in names.items():
        piece = pieces[name]
        try:
            found = networks_of(piece, models, d)
        except ValueError as error:
            raise spoilt(pieces, name, error) from None
        for key, told in piece.items():
            is_out = piece[trained_as(key)]["row"]["collapsed"]
            rows.append({"d": d, "seed": s, "model": key, "left_out": is_out, **told["row"]})
            networks[d, s, key], norms[d, s, key] = found[key], told["norms"]
    return Found(protocol, tuple(models), tuple(dims), seeds, seed, rows, networks, norms)


def _piece_of(one):
    """Train and measure all models of one seed in one dimension: plain values and arrays."""
    name, models, d, seed, epochs = one
    protocol, task, piece = PROTOCOLS[name], draw(seed, d), {}
    # A product that is split over threads may differ in its last bit.
    with single_threaded_blas():
        for key in models:
            first = begin(MODELS[key], seed, d)
            net, done, why = trained(MODELS[key], task, protocol, seed, epochs=epochs)
            run = {
                "epochs": done,
                "stopped_by": why,
                "w3_start": float(first.layers[4].W[0, 0]),
            }
            piece[key] = _told(net, task, seed, run)
            if key == LINEAR:
                piece[FLIPPED.key] = _told(flipped(net), task, seed, run)
    return (d, seed), piece


def _told(net, task, seed, run):
    inside = task.test[task.polytope.slack(task.test) <= 0]
    return {
        "row": run | measures_of(net, task, seed),
        "tensors": [np.array(tensor) for tensor in net.tensors],
        "norms": {scalar: norms_at(net, scalar, inside) for scalar in SCALARS},
    }
