"""Segments on which the loss is exactly zero, proved: no enclosure in floating point can say so."""

import numpy as np

from constructions.proof.enclosure import enclose
from training.descent.losses import CrossEntropy, SquaredError
from training.landscape.lines.costs import missing

# Points times units up to which zero is looked for, and in so many digits as nothing is rounded.
MOST, MOST_EXACT = 300_000, 20_000
NEAR = 1e-6  # of the targets: outputs that are further away are no zero loss


def is_zero_between(p, q, problem):
    """Whether the loss is proved to be zero on the whole segment between two networks.

    A squared error is, if it is zero at both ends and only their last layers differ, if anything:
    then the outputs on the way are means of those at the ends. The cross-entropy of one output is,
    whatever the networks are.

    Parameters
    ----------
    p, q : ReLUNetwork
        Of the same widths.
    problem : Sampled

    Returns
    -------
    bool
        False also where that would take too long to find out.
    """
    Y = problem.labels.Y
    if problem.decay:
        return False
    if isinstance(problem.loss, CrossEntropy):
        return Y.shape[1] == 1 and not missing(problem.labels.targets).any()
    if not isinstance(problem.loss, SquaredError) or len(problem.X) * sum(p.widths) > MOST:
        return False
    hidden = [zip(net.weights[:-1], net.biases[:-1], strict=True) for net in (p, q)]
    pairs = zip(*hidden, strict=True)
    if not all(np.array_equal(W, V) and np.array_equal(b, c) for (W, b), (V, c) in pairs):
        return False
    return is_zero_at(p, problem) and (p == q or is_zero_at(q, problem))


def is_zero_at(net, problem):
    """Whether a squared error is proved to be zero at a network."""
    X, Y, labels = problem.X, problem.labels.Y, problem.labels
    with np.errstate(all="ignore"):
        is_near = np.abs(net(X) - Y) <= NEAR * np.abs(Y).max(initial=0.0)
    # What overflows may be near; floats do not tell.
    if not (is_near | ~np.isfinite(net(X))).all():
        return False
    if enclose(net, X, labels).plain == 0:
        return True
    is_small = len(X) * sum(net.widths) <= MOST_EXACT
    return bool(is_small and enclose(net, X, labels, exact=True).plain == 0)
