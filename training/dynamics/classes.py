"""Points and their classes for a network, whose outputs need not be one for each class."""

import numpy as np

from geomcore.arrays import Labels, as_labels, as_points, check_network
from geomcore.foreign.wording import counted
from geomcore.network import ReLUNetwork
from training.descent.problem import as_training_data

FEW = 4  # classes that an example of targets is given for


def as_classes(net, X, y, *, loss, targets=None):
    """Points in double precision and labels with targets that fit a ReLU network.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d_0)
    y : array_like, shape (N,) or (N, k)
        Labels, or target vectors, whose distinct rows are the classes.
    loss : loss object
        For which two labels mean 0 and 1, if the network has one output, it is a logit, and
        there are no targets.
    targets : array_like, shape (Q, k), optional
        Output wanted for each label in sorted order; default one-hot rows.

    Returns
    -------
    X : ndarray, shape (N, d_0)
    labels : Labels

    Raises
    ------
    ValueError
        If the data do not fit the network; if that is so for want of targets, which ones
        would do.
    """
    check_network(net, ReLUNetwork)
    X, outputs = as_points(X, d=net.widths[0]), net.widths[-1]
    if targets is None and not isinstance(y, Labels) and _is_flat(y):
        Q = len(as_labels(y, len(X)).classes)
        # A logit is one output for two classes.
        is_logit = outputs == 1 and loss.name.endswith("bce")
        if Q != (2 if is_logit else outputs):
            rows = ", ".join(f"[{q}]" for q in range(Q))
            such = f", such as targets=[{rows}]" if outputs == 1 and Q <= FEW else ""
            raise ValueError(
                f"targets must say what the {counted(outputs, 'output')} of the network should be "
                f"for each of the {counted(Q, 'class')} in y{such}; without them there is an "
                "output for each class"
            )
    return as_training_data(net, X, y, loss=loss, targets=targets)


def _is_flat(y):
    """Whether y is one label per point, as far as NumPy can tell."""
    try:
        return np.ndim(y) == 1
    except ValueError:  # rows of several lengths: what is wrong is said where they are read
        return False
