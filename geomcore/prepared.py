"""ReLU layers made ready to truncate many points: scaled, inverted once, applied in blocks."""

from typing import NamedTuple

import numpy as np

from geomcore.threads import MANY, SMALL, factorizing, for_kernels, in_parts

# Rows of X handled at a time, so that temporaries stay small; measured in benchmarks/kernels.py.
BLOCK = 4096
# An inverse by elimination is trusted up to this fraction of the condition number 1 / rtol.
SAFE = 1e-3


class PreparedLayer(NamedTuple):
    """A layer ready to truncate points; see `prepared`.

    Attributes
    ----------
    W, b : ndarray, shapes (m, d), (m,)
        Parameters up to scale.
    pinv : ndarray, shape (d, m)
        Moore-Penrose inverse of W.
    singular : ndarray, shape (min(m, d),), or None
        Singular values of W, if they were asked for or needed.
    """

    W: np.ndarray
    b: np.ndarray
    pinv: np.ndarray
    singular: np.ndarray | None

    def apply(self, X):
        """The truncation map as W^+ max(W x, -b), in blocks that stay in cache."""
        W, b, pinv, _ = self
        out = np.empty(X.shape, X.dtype)
        if W.size <= SMALL and len(X) >= MANY:
            from geomcore import kernels

            X = for_kernels(X)
            in_parts(lambda s: kernels.truncation_map(W, b, pinv, X[s], out[s]), len(X))
            return out
        hidden = np.empty((min(BLOCK, len(X)), len(W)), X.dtype)
        for start in range(0, len(X), BLOCK):
            block = X[start : start + BLOCK]
            H = hidden[: len(block)]
            np.matmul(block, W.T, out=H)
            np.maximum(H, -b, out=H)
            np.matmul(H, pinv.T, out=out[start : start + BLOCK])
        return out


def prepared(W, b, rtol, dtype, *, spectrum=False):
    """Return the layer, divided by a power of two so that max |W| is about 1, and its inverse.

    The truncation map does not change (CE23 eq. (2.66)), no rounding occurs,
    and products with points stay in range whatever the scale of the layer.

    Parameters
    ----------
    W : ndarray, shape (m, d)
    b : ndarray, shape (m,)
    rtol : float
        A singular value of W counts as zero below ``rtol`` times the largest one.
    dtype : dtype
        Of the points.
    spectrum : bool
        Whether the singular values are wanted.

    Returns
    -------
    PreparedLayer

    Raises
    ------
    ValueError
        If the layer divided by its largest weight does not fit `dtype`.
    """
    exponent = int(np.frexp(np.abs(W).max())[1])
    with np.errstate(over="ignore", under="ignore"):
        W, b = np.ldexp(W, -exponent), np.ldexp(b, -exponent)
        pinv, singular = None if spectrum else _safe_inverse(W, rtol), None
        if pinv is None:
            with factorizing(W):
                U, singular, Vt = np.linalg.svd(W, full_matrices=False)
            keep = singular > rtol * singular[0]
            pinv = (Vt[keep].T / singular[keep]) @ U[:, keep].T
        layer = [array.astype(dtype, copy=False) for array in (W, b, pinv)]
    if not all(np.isfinite(array).all() for array in layer):
        raise ValueError(
            f"W and b must fit {dtype} when divided by the largest weight, got max |b| / max |W| "
            f"of {np.abs(b).max():.3g} and max |W^+| max |W| of {np.abs(pinv).max():.3g}"
        )
    return PreparedLayer(*layer, singular)


def _safe_inverse(W, rtol):
    """Return the inverse of a square, well-conditioned W, which is much cheaper than an SVD."""
    if W.shape[0] != W.shape[1]:
        return None
    try:
        with factorizing(W):
            inverse = np.linalg.inv(W)
    except np.linalg.LinAlgError:
        return None
    # The product of the norms is at least the condition number, so that no
    # singular value is anywhere near counting as zero.
    bound = np.linalg.norm(W) * np.linalg.norm(inverse)
    return inverse if bound * rtol < SAFE else None
