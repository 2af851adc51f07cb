"""What `geomcore optimum` has finished, as pieces that outlive it: what `--resume` goes on from."""

import hashlib
import json

import numpy as np

from constructions.two_layer.answer import Round, TwoLayerOptimum
from constructions.two_layer.optimum import How, checked_data
from constructions.two_layer.path import Reached, path_of
from geomcore.network import ReLUNetwork
from training.experiments.optimum.checks import check_dual, check_ends, check_optimum
from training.experiments.optimum.dual import Dual
from training.experiments.optimum.random_starts import Ends
from training.output.forms import Array, Parts, check_form, formed

ROUND = Parts([int, int, float, float, float, float])
# What a piece of a `TwoLayerOptimum` has beside its network and its rounds.
PLAIN = dict.fromkeys(("loss", "lower_bound", "weight_decay", "asked", "seconds"), float)
PLAIN |= {"reason": str, "neurons": int, "neurons_before": int}


def digest_of(*arrays):
    """A digest of arrays of numbers, to tell other data or another network.

    Examples
    --------
    >>> digest_of([[1, 2]]) == digest_of([[1.0, 2.0]]), digest_of([[1, 2]]) == digest_of([[1], [2]])
    (True, False)
    """
    found = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array, dtype=float)
        found.update(repr(array.shape).encode() + array.tobytes())
    return found.hexdigest()


def path_from(pieces, X, y, decays, *, targets, gap, seconds, progress, rng):
    """`regularisation_path`, of which each weight decay is kept as it is finished.

    Parameters
    ----------
    pieces : Pieces
    X, y, targets, gap, seconds, progress, rng
        As for `regularisation_path`.
    decays : sequence of float
        In falling order.

    Returns
    -------
    TwoLayerPath
        The same to the last bit whatever was kept before, unless the time ends a search.
    """
    X, labels = checked_data(X, y, targets, "mse")
    how = How.checked(gap, seconds=seconds, progress=progress, rng=rng)
    return path_of(
        X,
        labels,
        np.array(decays),
        how,
        lambda decay, make: _reached_from(pieces, decay, X, labels.Y, how.gap, make),
    )


def dual_from(pieces, best, X, Y, make):
    """The `Dual` of an optimum of points X and targets Y: as it was kept, or made and kept."""
    name = f"dual, weight decay {best.weight_decay!r}"
    if name not in pieces:
        pieces[name] = make()._asdict()
    rows = Array((None, None))

    def check(piece):
        check_form(piece, {"weight_decay": float, "multipliers": rows, "neurons": rows})
        check_dual(Dual(**piece), best, X, Y)

    return Dual(**formed(pieces, name, check))


def ends_from(pieces, best, X, Y, width, runs, make):
    """The `Ends` of some runs of a width beside an optimum: as they were kept, or made and kept."""
    name = f"width {width}, weight decay {best.weight_decay!r}"
    if name not in pieces:
        made = make()
        tensors = zip(*(net.tensors for net in made.networks), strict=True)
        pieces[name] = {"tensors": [np.stack(same) for same in tensors], "losses": made.losses}

    def check(piece):
        check_form(piece, {"tensors": list, "losses": Array((None,))})
        shape = (X.shape[1], width, Y.shape[1])
        check_form(piece["tensors"], _tensors(*shape, count=len(piece["losses"])))
        check_ends(_ends(piece, best.weight_decay, width), best, X, Y, runs)

    return _ends(formed(pieces, name, check), best.weight_decay, width)


def _ends(piece, weight_decay, width):
    networks = [_network(tensors) for tensors in zip(*piece["tensors"], strict=True)]
    return Ends(weight_decay, width, networks, piece["losses"])


def _reached_from(pieces, weight_decay, X, Y, gap, make):
    """The `Reached` of a weight decay, for points X and targets Y."""
    name = f"best, weight decay {weight_decay!r}"
    if name not in pieces:
        best, start, random = make()
        pieces[name] = {
            "network": list(best.network.tensors),
            "history": [[*one] for one in best.history],
            **{key: kind(getattr(best, key)) for key, kind in PLAIN.items()},
            "start": start,
            "random": json.dumps(random),  # its numbers have 128 bits
        }

    def check(piece):
        d, Q = X.shape[1], Y.shape[1]
        rows = Array((None, d + 1), is_finite=True)
        check_form(
            piece, PLAIN | {"network": list, "history": [ROUND], "start": rows, "random": str}
        )
        hidden = piece["network"][1:2]
        check_form(hidden, Parts([Array((None,))]), "network")
        check_form(piece["network"], _tensors(d, len(hidden[0]), Q), "network")
        if not len(hidden[0]):
            raise ValueError("network has no unit")
        check_optimum(_optimum(piece), piece["start"], X, Y, weight_decay, gap)
        _state(piece["random"])

    kept = formed(pieces, name, check)
    return Reached(_optimum(kept), kept["start"], _state(kept["random"]))


def _optimum(piece):
    return TwoLayerOptimum(
        network=_network(piece["network"]),
        history=tuple(Round(*one) for one in piece["history"]),
        **{key: piece[key] for key in PLAIN},
    )


def _state(text):
    """The state of random numbers in a text."""
    try:
        state = json.loads(text)
        np.random.PCG64().state = state
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise ValueError("random is no state of random numbers") from None
    return state


def _tensors(d, m, Q, count=None):
    """The form of the tensors of one network, or of `count` of them."""
    several = () if count is None else (count,)
    shapes = ((m, d), (m,), (Q, m), (Q,))
    return Parts([Array((*several, *shape), is_finite=True) for shape in shapes])


def _network(tensors):
    W, b, V, c = tensors
    return ReLUNetwork([W, V], [b, c])
