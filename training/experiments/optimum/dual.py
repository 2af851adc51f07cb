"""The dual function of the best two-layer network over the sphere of unit neurons."""

from typing import NamedTuple

import numpy as np

from constructions.two_layer.bound import two_layer_bound

CIRCLE = 1441  # angles
SPHERE = (121, 241)  # latitudes, longitudes
AT_ONCE = 2**20  # heights of points over directions


class Dual(NamedTuple):
    """Multipliers that prove the bound of one weight decay, and the neurons of its network.

    Attributes
    ----------
    weight_decay : float
    multipliers : ndarray, shape (N, Q)
        Feasible: no unit neuron agrees with them by more than the weight decay.
    neurons : ndarray, shape (m, d + 1)
        Unit vectors, of weights and bias, of the neurons that put out something.
    """

    weight_decay: float
    multipliers: np.ndarray
    neurons: np.ndarray

    def values(self, X, directions):
        r"""The dual function :math:`|\sum_i \lambda_i \sigma(w \cdot \tilde x_i)| / \omega`.

        Parameters
        ----------
        X : ndarray, shape (N, d)
        directions : ndarray, shape (n, d + 1)

        Returns
        -------
        ndarray, shape (n,)
            At most 1, up to rounding; 1 at neurons of an optimum.
        """
        rows = np.column_stack([X, np.ones(len(X))])
        step, found = max(1, AT_ONCE // len(X)), []
        for start in range(0, len(directions), step):
            heights = np.maximum(directions[start : start + step] @ rows.T, 0)
            found.append(np.linalg.norm(heights @ self.multipliers, axis=1))
        return np.concatenate(found) / self.weight_decay


def dual_of(best, X, Y, *, seconds=None):
    """The multipliers of a network's residuals, scaled so that they are feasible.

    Parameters
    ----------
    best : TwoLayerOptimum
    X : ndarray, shape (N, d)
    Y : ndarray, shape (N, Q)
    seconds : float, optional
        For the proof of how far they are to be scaled.

    Returns
    -------
    Dual
    """
    decay = best.weight_decay
    bound = two_layer_bound(best.network, X, Y, weight_decay=decay, seconds=seconds)
    return Dual(decay, bound.scale * bound.multipliers, neurons_of(best.network))


def neurons_of(net):
    """Unit vectors (m, d + 1) of weights and bias, of the neurons that put out something."""
    W, b, V, _ = net.tensors
    rows = np.column_stack([W, b])
    # Squares of tiny or huge entries would underflow or overflow.
    largest = np.abs(rows).max(axis=1)
    on = (largest > 0) & (V != 0).any(axis=0)
    rows = rows[on] / largest[on, None]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def circle():
    """Angles in degrees (n,), and unit vectors (n, 2) of the weight and the bias."""
    degrees = np.linspace(-180, 180, CIRCLE)
    angle = np.deg2rad(degrees)
    return degrees, np.column_stack([np.cos(angle), np.sin(angle)])


def sphere():
    """Longitudes (n,) and latitudes (m,) in degrees, and unit vectors (m n, 3).

    The longitude is the direction of the two weights, the latitude that of the bias.
    """
    latitudes, longitudes = np.linspace(-90, 90, SPHERE[0]), np.linspace(-180, 180, SPHERE[1])
    theta, phi = np.meshgrid(np.deg2rad(latitudes), np.deg2rad(longitudes), indexing="ij")
    parts = (np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), np.sin(theta))
    return longitudes, latitudes, np.stack(parts, axis=-1).reshape(-1, 3)
