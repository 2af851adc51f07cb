"""Hidden layers put one after another, and the affine map that the stored ones really are."""

import numpy as np

from constructions.proof.exact import ball_matrix, precision
from geomcore.threads import factorizing

# Binary digits of the cumulative parameters: rounding of 1e-38, whatever the layers' condition.
BITS = 128


class StoredLayers:
    r"""Hidden layers designed by their cumulative parameters on padded points z.

    Storing a layer rounds it, and what is off by eps in the layer is off by
    :math:`\epsilon \, \mathrm{cond}(W^{(\ell-1)}) \, \mathrm{cond}(W^{(\ell)})` in the
    coordinates z. The stored layers are an exact affine map all the same, on
    all points that are active everywhere; it is carried along at `BITS` digits,
    so that the next layer can be designed for what the last ones are, and
    errors do not add up.

    Parameters
    ----------
    X : ndarray, shape (N, d)
        The data.
    frame : Frame
        z = (frame(x), 0); its scales are powers of two.

    Attributes
    ----------
    layers : list of (W, b)
        As stored, the first one acting on x.
    hidden : ndarray, shape (N, m)
        Outputs of the last layer in floating point.
    W, b : ndarray
        The exact cumulative parameters, rounded; None before the first layer.
    """

    def __init__(self, X, frame):
        self.frame = frame
        self.layers, self.hidden = [], X
        self.W = self.b = None

    def extend(self, W, b):
        """Add the layer whose cumulative parameters come nearest to (W, b).

        Returns
        -------
        ndarray, shape (N, m)
            Pre-activations in floating point.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the cumulative weights so far are singular.
        """
        if not self.layers:
            step, shift = self.frame.layer(W[:, : len(self.frame.centre)], b)
        else:
            with factorizing(W):
                step = np.linalg.solve(self.W.T, W.T).T
            shift = b - step @ self.b
        with precision(BITS):
            if not self.layers:
                cumulative = ball_matrix(W)
                offset = ball_matrix(step) * _column(self.frame.centre) + _column(shift)
            else:
                cumulative = ball_matrix(step) * self._W
                offset = ball_matrix(step) * self._b + _column(shift)
            # the drift of the middle is what counts; the radii would only pile up
            self._W, self._b = cumulative.mid(), offset.mid()
        self.W, self.b = _floats(self._W), _floats(self._b)[:, 0]
        return self.append(step, shift)

    def append(self, W, b):
        """Add a layer as it is; `extend` cannot follow it."""
        self.layers.append((W, b))
        pre = self.hidden @ W.T + b
        self.hidden = np.maximum(pre, 0)
        return pre

    def base(self, near):
        """The point that the last layer maps to 0, found from a point near it by iteration."""
        point = near
        for _ in range(3):
            with precision(BITS):
                value = _floats(self._W * _column(point) + self._b)[:, 0]
            with factorizing(self.W):
                point = point - np.linalg.solve(self.W, value)
        return point


def _column(vector):
    return ball_matrix(vector[:, None])


def _floats(matrix):
    """Midpoints of a matrix of balls, rounded."""
    shape = matrix.nrows(), matrix.ncols()
    return np.array([float(a) for a in matrix.entries()]).reshape(shape)
