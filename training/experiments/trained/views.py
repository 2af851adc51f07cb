"""What pictures of one network need: truncated data, cones, and the hyperplanes that separate."""

from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_rtol
from geomcore.display.lines import told_in_brief
from geomcore.truncation import truncation_steps


@told_in_brief
class View(NamedTuple):
    """A network as its pictures see it; L - 1 hidden layers, N points.

    Attributes
    ----------
    name : str
        "mse", "cross_entropy" or "constructed".
    stages : list of ndarray, shape (N, d)
        The data, then the truncated data after each hidden layer.
    weights, biases : list of ndarray
        Cumulative, of the hidden layers.
    bases : list of ndarray, shape (d,)
        -W^+ b.
    edges : list of ndarray, shape (m, d)
        W^+ e_i, one per row; no edges of a cone unless the rank is full.
    rows : list of dict
        Of `layer_rows`.
    """

    name: str
    stages: list
    weights: list
    biases: list
    bases: list
    edges: list
    rows: list


@told_in_brief
class Hyperplane(NamedTuple):
    """A unit of a layer as a hyperplane in the space of the data.

    Attributes
    ----------
    unit : int
        From 0.
    distances : ndarray, shape (N,)
        Signed, of the truncated points before the layer.
    on : tuple of int
        Numbers of the classes of which most points are on the positive side.
    purity : float
        Least fraction of a class that is on the side of most of it.
    """

    unit: int
    distances: np.ndarray
    on: tuple
    purity: float


def view(net, X, rows, *, name):
    """The `View` of a network.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray, shape (N, d)
    rows : list of dict
        Of `layer_rows`.
    name : str
    """
    stages, weights, biases, bases, edges = [X], [], [], [], []
    for step in truncation_steps(net, X):
        if step.layer == len(net.weights):
            break
        # By the rule for ranks: NumPy's own one keeps directions that these count as zero.
        pinv = np.linalg.pinv(step.W, rtol=as_rtol(None, step.W.shape))
        stages.append(step.truncated)
        weights.append(step.W)
        biases.append(step.b)
        bases.append(-pinv @ step.b)
        edges.append(pinv.T)
    return View(name, stages, weights, biases, bases, edges, rows)


def about(row):
    """Rank, condition and defect of a layer, in a few short lines.

    Parameters
    ----------
    row : dict
        Of `layer_rows`.

    Returns
    -------
    str
        It says so where the layer has no cone.
    """
    rank = f"rank {row['rank_double']} of {row['width']}"
    if row["rank_single"] != row["rank_double"]:
        rank += f" ({row['rank_single']} in single)"
    lines = [rank, f"condition {row['condition']:.1e}", f"defect {row['defect_double']:.0e}"]
    return "\n".join(lines if row["is_cone"] else [*lines, "no cone"])


def separating(W, b, points, index, Q, *, most=5):
    """The hyperplanes of a layer that separate classes from each other best.

    Parameters
    ----------
    W, b : ndarray, shapes (m, d), (m,)
        Cumulative.
    points : ndarray, shape (N, d)
        Truncated, before the layer.
    index : ndarray of int, shape (N,)
    Q : int
    most : int

    Returns
    -------
    list of Hyperplane
        Of those with classes on both sides the purest; of equal purity those with the
        larger distance from the points. First one for each way to part the classes.
    """
    lengths = np.linalg.norm(W, axis=1)
    D = (points @ W.T + b) / np.where(lengths > 0, lengths, 1.0)
    parts = np.stack([(D[index == q] > 0).mean(axis=0) for q in range(Q)])
    purity = np.maximum(parts, 1 - parts).min(axis=0)
    on = parts > 0.5
    least = np.abs(D).min(axis=0)
    both = np.flatnonzero(on.any(axis=0) & ~on.all(axis=0) & (lengths > 0))
    ranked = both[np.lexsort((-least[both], -purity[both]))]
    first, later, seen = [], [], set()
    for i in ranked.tolist():
        way = tuple(np.flatnonzero(on[:, i]).tolist())
        (later if way in seen else first).append(Hyperplane(i, D[:, i], way, float(purity[i])))
        seen.add(way)
    return sorted([*first, *later][:most], key=lambda h: -h.purity)
