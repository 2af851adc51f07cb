r"""A loss along a line, as a power series in balls, from the series of the outputs.

With :math:`e = \exp(f)` and :math:`l = \log(s)`, :math:`n e_n = \sum_j j f_j e_{n-j}` and
:math:`s_0 n l_n = n s_n - \sum_{0 < j < n} j l_j s_{n-j}`.
"""

import numpy as np
from flint import arb

from constructions.critical.points import exactly


def loss_series(loss, outputs, Y, weights):
    """Coefficients of sum_i w_i l(F_i, y_i), a list of arb.

    Parameters
    ----------
    loss : {"mse", "class_weighted", "cross_entropy", "bce"}
    outputs : list of object arrays of arb, shapes (N, K)
        Coefficients of t^0, t^1, ...
    Y : ndarray, shape (N, K)
    weights : object array of arb, shape (N,)
    """
    Y = exactly(Y)
    if loss == "cross_entropy":
        terms = _log_sums(outputs)
    elif loss == "bce":
        terms = [term.sum(axis=1) for term in _softplus(outputs)]
    else:
        gaps = [outputs[0] - Y, *outputs[1:]]
        squares = [
            sum((gaps[j] * gaps[k - j]).sum(axis=1) for j in range(k + 1)) for k in range(len(gaps))
        ]
        return [(weights * square).sum() for square in squares]
    both = zip(terms, outputs, strict=True)
    return [(weights * (term - (Y * f).sum(axis=1))).sum() for term, f in both]


def _log_sums(outputs):
    """log sum_k e^f_k, arrays of shape (N,)."""
    peaks = np.array([max((a.mid() for a in row), key=float) for row in outputs[0].tolist()])
    powers = _exponentials([outputs[0] - peaks[:, None], *outputs[1:]])
    logs = _logarithms([term.sum(axis=1) for term in powers])
    return [logs[0] + peaks, *logs[1:]]


def _softplus(outputs):
    """log(1 + e^f), arrays of shape (N, K): for large f it is f + log(1 + e^-f)."""
    large = np.array([a.mid() > 0 for a in outputs[0].ravel()], bool).reshape(outputs[0].shape)
    powers = _exponentials([term * np.where(large, -1, 1) for term in outputs])
    logs = _logarithms([powers[0] + 1, *powers[1:]])
    return [log + term * np.where(large, 1, 0) for log, term in zip(logs, outputs, strict=True)]


def _exponentials(f):
    found = [np.exp(f[0])]
    for n in range(1, len(f)):
        found.append(sum(j * f[j] * found[n - j] for j in range(1, n + 1)) / n)
    return found


def _logarithms(s):
    found = [np.log(s[0])]
    for n in range(1, len(s)):
        rest = sum((j * found[j] * s[n - j] for j in range(1, n)), arb(0))
        found.append((n * s[n] - rest) / (n * s[0]))
    return found
