"""What the layers of one network do, in numbers: cones, ranks, defects, classes, collapse.

Ranks are told twice. In *double* precision a singular value of cumulative weights counts as zero
below ``max(m, d)`` times 2^-52 of the largest one, in *single* precision, in which networks are
commonly trained and looked at, below ``max(m, d)`` times 2^-23 of it. Where rows are dependent
there is no cone: what is said of edges then holds of the vectors W^+ e_i.
"""

import numpy as np

from geomcore.stack import stack
from training.dynamics.chains import truncations
from training.dynamics.collapse import neural_collapse

PRECISIONS = {"double": 2.0**-52, "single": 2.0**-23}


def layer_rows(net, X, index, Q):
    """A row for each hidden layer: its cone, rank, condition and defect.

    Parameters
    ----------
    net : ReLUNetwork
        Whose hidden layers are as wide as the input.
    X : ndarray, shape (N, d)
    index : ndarray of int, shape (N,)
        Class of each point.
    Q : int

    Returns
    -------
    layers : list of dict
        ``layer``, ``width``, ``condition`` (of the cumulative weights, largest over smallest
        singular value, whatever they are), ``rank_P``, ``defect_P``, ``defect_relative_P``
        (to the largest output of the layer) for both precisions P, ``is_cone`` (full
        rank in double precision), ``smallest_angle`` and ``aperture`` (the largest angle between
        two edges), in radians, ``base_distance`` (from the mean of the data, in root mean square
        distances of the data from it; nan for one point).
    classes : list of dict
        For each layer and class: fractions ``backward``, ``forward``, ``mixed``, ``dead``,
        ``spread`` relative to that of the data, ``off`` (mean fraction of the units that are off)
        and ``units_off`` (units that are off at all points of the class); the last two of
        the network itself, whatever the rank.
    """
    X = np.asarray(X, dtype=float)
    params = stack([net])[1]
    found = {p: truncations(params, X, index, Q, rtol=len(X.T) * PRECISIONS[p]) for p in PRECISIONS}
    double, hidden = found["double"], net.hidden(X)
    mean = X.mean(axis=0)
    size = float(np.sqrt(((X - mean) ** 2).sum(axis=1).mean()))
    own = [X[index == q] for q in range(Q)]
    spreads = [np.sqrt(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean()) for x in own]
    layers, classes = [], []
    for l, output in enumerate(hidden):
        largest = float(np.sqrt((output**2).sum(axis=1).max()))
        row = {"layer": l + 1, "width": output.shape[1]}
        row["condition"] = _condition(params, l)
        for p, part in found.items():
            defect = float(part.defect[0, l])
            row[f"rank_{p}"] = int(part.rank[0, l])
            row[f"defect_{p}"] = defect
            row[f"defect_relative_{p}"] = defect / largest if largest else 0.0
        row["is_cone"] = row["rank_double"] == row["width"]
        row["smallest_angle"] = float(double.smallest_angle[0, l])
        row["aperture"] = float(double.largest_angle[0, l])
        away = float(np.linalg.norm(double.base[0, l] - mean))
        row["base_distance"] = away / size if size else np.nan
        layers.append(row)
        for q in range(Q):
            off = output[index == q] <= 0
            classes.append(
                {"layer": l + 1, "class": q}
                | {
                    name: float(getattr(double, name)[0, l, q])
                    for name in ("backward", "forward", "mixed", "dead")
                }
                | {
                    "spread": float(double.spread[0, l, q] / spreads[q]) if spreads[q] else np.nan,
                    "off": float(off.mean()),
                    "units_off": int(off.all(axis=0).sum()),
                }
            )
    return layers, classes


def _condition(params, l):
    """Largest over smallest singular value of the cumulative weights of a layer; inf if it is 0."""
    W = params[0][0]
    for k in range(1, l + 1):
        W = params[2 * k][0] @ W
    singular = np.linalg.svd(W, compute_uv=False)
    return float(singular[0] / singular[-1]) if singular[-1] > 0 else np.inf


def rung_rows(rungs, X, y, *, loss):
    """The measures of all rungs of a ladder.

    Parameters
    ----------
    rungs : sequence of Rung
    X, y : ndarray, shapes (N, d), (N,)
    loss : str
        Of the training.

    Returns
    -------
    layers, classes, collapse : list of dict
        The rows of `layer_rows`, and those of `training.neural_collapse`, each with
        ``threshold``, ``step`` and ``loss`` before them.
    """
    labels, index = np.unique(y, return_inverse=True)
    tables, known = ([], [], []), {}
    for rung in rungs:
        # One network may stand on several rungs.
        if id(rung.network) not in known:
            layers, classes = layer_rows(rung.network, X, index, len(labels))
            for row in classes:
                row["class"] = labels[row["class"]].item()
            frame = neural_collapse(rung.network, X, y, loss=loss).frame()
            known[id(rung.network)] = layers, classes, frame.to_dict("records")
        about = {"threshold": rung.threshold, "step": rung.step, "loss": rung.loss}
        for table, rows in zip(tables, known[id(rung.network)], strict=True):
            table += [about | row for row in rows]
    return tables
