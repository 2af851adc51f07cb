"""What the functions about lines and segments take, checked."""

from itertools import pairwise

import numpy as np

from geomcore.arrays import as_labels, as_points, check_network
from geomcore.foreign.choices import as_choice
from geomcore.foreign.wording import counted, quoted
from geomcore.network import ReLUNetwork
from geomcore.weighting import point_weights

LOSSES = ("mse", "class_weighted")
LARGEST = 1e150  # end of an interval


def as_line_problem(net, X, y, loss, weight_decay, targets):
    """Points, labels and point weights of a squared error; ValueError if something does not fit."""
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    as_choice(loss, LOSSES, "loss", ", others are no polynomials")
    labels = as_labels(y, len(X), targets=targets)
    if labels.targets.shape[1] != net.widths[-1]:
        raise ValueError(
            f"net must have {counted(labels.targets.shape[1], 'output')}, as many as the targets "
            f"have entries, got {net.widths[-1]}"
        )
    check_decay(weight_decay)
    return X, labels, point_weights(labels.index, class_weighted=loss == "class_weighted")


def check_decay(weight_decay):
    """Raise unless it is a finite number that is not negative."""
    is_number = isinstance(weight_decay, int | float | np.integer | np.floating)
    is_number = is_number and not isinstance(weight_decay, bool)
    if not (is_number and np.isfinite(weight_decay) and weight_decay >= 0):
        raise ValueError(
            f"weight_decay must be a finite number, at least 0, got {quoted(weight_decay)}"
        )


def as_nodes(a, b, via, name="via"):
    """The networks of a path in order; ValueError unless they have the same widths."""
    if isinstance(via, ReLUNetwork):
        via = (via,)
    if not isinstance(via, list | tuple):
        raise ValueError(f"via must be a list of networks, got {quoted(via)}")
    nodes = [a, *via, b]
    inner = [f"{name}[{k}]" for k in range(len(via))] if name == "via" else [name] * len(via)
    names = ["a", *inner, "b"]
    for node, name in zip(nodes, names, strict=True):
        check_network(node, ReLUNetwork, name=name)
        if node.widths != a.widths:
            raise ValueError(f"{name} must have widths {a.widths} as a, got {node.widths}")
    for (p, first), (q, second) in pairwise(zip(nodes, names, strict=True)):
        with np.errstate(over="ignore"):
            if not np.isfinite(q.packed()[0] - p.packed()[0]).all():
                raise ValueError(
                    f"{second} must differ from {first} by finite floats, got overflow"
                )
    return nodes


def as_interval(interval):
    """Two finite numbers, the smaller first."""
    try:
        low, high = (float(end) for end in interval)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not (max(abs(low), abs(high)) <= LARGEST and high - low >= 1 / LARGEST):
        raise ValueError(
            "interval must be two finite numbers, the smaller first, up to "
            f"{LARGEST:g} and not nearer than {1 / LARGEST:g}, got {quoted(interval)}"
        )
    return low, high
