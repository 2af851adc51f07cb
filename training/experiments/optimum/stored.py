"""What `geomcore optimum` has finished, as pieces that outlive it: what `--resume` goes on from."""

import hashlib
import json

import numpy as np

from constructions.two_layer.answer import REASONS, Round, TwoLayerOptimum
from constructions.two_layer.optimum import How, checked_data
from constructions.two_layer.path import Reached, path_of
from geomcore.network import ReLUNetwork
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
    widths = (X.shape[1], labels.Y.shape[1])
    return path_of(
        X,
        labels,
        np.array(decays),
        how,
        lambda decay, make: _reached_from(pieces, decay, *widths, make),
    )


def dual_from(pieces, weight_decay, make):
    """The `Dual` of a weight decay: as it was kept, or made and kept."""
    name = f"dual, weight decay {weight_decay!r}"
    if name not in pieces:
        pieces[name] = make()._asdict()
    form = {
        "weight_decay": float,
        "multipliers": Array((None, None)),
        "neurons": Array((None,) * 2),
    }
    return Dual(**formed(pieces, name, form))


def ends_from(pieces, weight_decay, widths, make):
    """The `Ends` of a weight decay and widths (d, m, Q): as they were kept, or made and kept."""
    name = f"width {widths[1]}, weight decay {weight_decay!r}"
    if name not in pieces:
        made = make()
        tensors = zip(*(net.tensors for net in made.networks), strict=True)
        pieces[name] = {"tensors": [np.stack(same) for same in tensors], "losses": made.losses}

    def check(piece):
        check_form(piece, {"tensors": list, "losses": Array((None,))})
        check_form(piece["tensors"], _tensors(*widths, count=len(piece["losses"])))

    kept = formed(pieces, name, check)
    networks = [_network(tensors) for tensors in zip(*kept["tensors"], strict=True)]
    return Ends(weight_decay, widths[1], networks, kept["losses"])


def _reached_from(pieces, weight_decay, d, Q, make):
    """The `Reached` of a weight decay, for points of d numbers and targets of Q."""
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
        rows = Array((None, d + 1), is_finite=True)
        check_form(
            piece, PLAIN | {"network": list, "history": [ROUND], "start": rows, "random": str}
        )
        hidden = piece["network"][1:2]
        check_form(hidden, Parts([Array((None,))]), "network")
        check_form(piece["network"], _tensors(d, len(hidden[0]), Q), "network")
        if piece["reason"] not in REASONS:
            raise ValueError("the reason is none")
        _state(piece["random"])

    kept = formed(pieces, name, check)
    best = TwoLayerOptimum(
        network=_network(kept["network"]),
        history=tuple(Round(*one) for one in kept["history"]),
        **{key: kept[key] for key in PLAIN},
    )
    return Reached(best, kept["start"], _state(kept["random"]))


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
