"""Whitening of image patches: ZCA with a floor, and the filter of Olshausen and Field."""

from typing import NamedTuple

import numpy as np

from geomcore.display.lines import told_in_brief


@told_in_brief
class Whitening(NamedTuple):
    """A map x -> (x - mean) / scale @ matrix that makes covariances the identity.

    Attributes
    ----------
    mean : ndarray, shape (d,)
    scale : float
        A power of 2, by which points are divided first so that nothing overflows.
    matrix, inverse : ndarray, shape (d, d)
        Symmetric; their product is the projection onto the directions in which the points vary.
    eigenvalues : ndarray, shape (d,)
        Of the covariance of x / scale, falling.
    axes : ndarray, shape (d, d)
        Rows are the directions of these.
    kept : int
        How many of the eigenvalues are above the floor: there the covariance becomes the identity.
    """

    mean: np.ndarray
    scale: float
    matrix: np.ndarray
    inverse: np.ndarray
    eigenvalues: np.ndarray
    axes: np.ndarray
    kept: int

    def __call__(self, X):
        """Whiten points, shape (N, d)."""
        return (X - self.mean) / self.scale @ self.matrix

    def back(self, Z):
        """Points, shape (N, d), that are whitened to `Z`, as far as the directions are kept."""
        return Z @ self.inverse * self.scale + self.mean

    def scaled(self, exponent):
        """The same for points that are 2**exponent times as large."""
        mean, scale = np.ldexp(self.mean, exponent), np.ldexp(self.scale, exponent)
        return self._replace(mean=mean, scale=float(scale))


def zca(X, floor):
    r"""The symmetric whitening of points.

    .. math:: M = \sum_k \max(\lambda_k, f \lambda_1)^{-1/2} v_k v_k^T

    over the eigenvectors of the covariance with :math:`\lambda_k > 0`.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    floor : float
        f, from 0 to 1.

    Returns
    -------
    Whitening or None
        None if the points do not vary.

    Notes
    -----
    With :math:`f = 0` this is ZCA. A floor leaves directions of small variance smaller than the
    others; noise is not blown up. Eigenvalues within rounding of 0 count as 0.

    Examples
    --------
    >>> points = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> Z = zca(points, 0.0)(points)
    >>> (Z.T @ Z / 4).round(12)
    array([[1., 0.],
           [0., 1.]])
    """
    exponent = int(np.frexp(np.abs(X).max(initial=0.0))[1])
    scaled = np.ldexp(X, -exponent)
    mean = scaled.mean(axis=0)
    centred = scaled - mean
    # Singular values of the points, not of a covariance, keep small directions apart from 0.
    _, singular, axes = np.linalg.svd(_square(centred))
    rounding = max(X.shape) * np.finfo(float).eps
    is_zero = singular <= rounding * max(singular[0], np.abs(mean).max() * np.sqrt(len(X)))
    if is_zero.all():
        return None
    eigenvalues = np.where(is_zero, 0.0, singular**2 / len(X))
    held = np.sqrt(np.maximum(eigenvalues, floor * eigenvalues[0]))
    weights = np.where(is_zero, 0.0, 1 / np.where(is_zero, 1.0, held))
    back = np.where(is_zero, 0.0, held)
    kept = int((~is_zero & (eigenvalues >= floor * eigenvalues[0])).sum())
    maps = (axes.T * weights @ axes, axes.T * back @ axes)
    return Whitening(mean, 1.0, *maps, eigenvalues, axes, kept).scaled(exponent)


def _square(X):
    """A triangle with the singular values and right singular vectors of X (N, d)."""
    R = np.linalg.qr(X, mode="r") if len(X) > X.shape[1] else X
    return np.vstack([R, np.zeros((X.shape[1] - len(R), X.shape[1]))])


def filtered(image, cutoff):
    r"""An image through the filter of Olshausen and Field.

    .. math:: R(f) = f \exp\left(-(f / f_0)^4\right)

    It undoes amplitudes that fall like 1/f and damps what lies beyond :math:`f_0`.

    Parameters
    ----------
    image : ndarray, shape (h, w)
    cutoff : float
        :math:`f_0` in cycles per pixel; 0.4 in the paper (200 cycles in 512 pixels).

    Returns
    -------
    ndarray, shape (h, w)
        The image counts as periodic.

    References
    ----------
    B. A. Olshausen, D. J. Field, "Sparse coding with an overcomplete basis set: a strategy
    employed by V1?", Vision Research 37 (1997), section 3.1.

    Examples
    --------
    >>> bool(np.allclose(filtered(np.full((4, 4), 7.0), 0.4), 0))
    True
    """
    frequencies = np.hypot(np.fft.fftfreq(image.shape[0])[:, None], np.fft.rfftfreq(image.shape[1]))
    gain = frequencies * np.exp(-((frequencies / cutoff) ** 4))
    return np.fft.irfft2(np.fft.rfft2(image) * gain, image.shape)
