"""Cones in input space: what a truncation map keeps, and what it collapses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from geomcore.arrays import as_array, as_layer, as_number, as_points, as_rtol, freeze
from geomcore.display.lines import brief
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted, quoted
from geomcore.scaling import is_moderate, scaled_differences
from geomcore.typing import Array, ArrayLike, Booleans, Floats, Integers


@answers_keywords
@dataclass(frozen=True, eq=False)
class PolyhedralCone:
    r"""The cone of a ReLU layer: a base point and linearly independent edges.

    .. math:: S_+ = \{ p + \tilde x + \sum_i a_i v_i : a_i \ge 0, \;
              \tilde x \perp v_1, \dots, v_m \}

    and :math:`S_-` is the opposite cone, all :math:`a_i \le 0` (Lemma 2.1 of
    [1]_). The layer of the cone is :math:`W = [v_1 \dots v_m]^+`,
    :math:`b = -Wp`; its pre-activations are the coordinates
    :math:`a(x) = Wx + b`, its truncation map projects :math:`S_+` onto the
    span of the edges (leaves it alone if m = d) and collapses :math:`S_-` to
    one point.

    Parameters
    ----------
    base : array_like, shape (d,)
        The point p.
    edges : array_like, shape (m, d)
        The vectors v_i, one per row, linearly independent (so m <= d).

    Raises
    ------
    ValueError
        If the shapes do not fit, or the edges are linearly dependent.

    Notes
    -----
    Dependence is judged after scaling the edges to unit length, so edges of
    very different lengths are welcome.

    References
    ----------
    .. [1] P. Muñoz Ewald, "Explicit neural network classifiers for
       non-separable data", arXiv:2504.18710.

    Examples
    --------
    >>> cone = PolyhedralCone([1, 1], [[1, 0], [0, 1]])
    >>> cone.sector([[2, 3], [0, 0], [0, 2]])
    array([ 1, -1,  0])
    """

    base: Array
    edges: Array

    __repr__ = brief

    if TYPE_CHECKING:  # the fields are made arrays of what is given

        def __init__(self, base: ArrayLike, edges: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        base = as_array(self.base, "base", 1)
        edges = as_array(self.edges, "edges", 2)
        if edges.shape[1] != base.shape[0]:
            raise ValueError(
                f"edges must have {counted(base.shape[0], 'column')}, as base has entries, "
                f"got shape {edges.shape}"
            )
        if 0 in edges.shape:
            raise ValueError(f"edges must not be empty, got shape {edges.shape}")
        units, lengths = _unit_rows(edges)
        if not np.isfinite(lengths).all():
            raise ValueError(
                f"edges must have lengths below {np.finfo(float).max:.2g}, got entries up to "
                f"{np.abs(edges).max():.2g}"
            )
        rank = _rank(units, None)
        if rank < len(edges):
            raise ValueError(f"edges must be linearly independent, got {len(edges)} of rank {rank}")
        object.__setattr__(self, "base", freeze(base))
        object.__setattr__(self, "edges", freeze(edges))

    @classmethod
    def from_layer(cls, W: ArrayLike, b: ArrayLike, *, rtol: float | None = None) -> Self:
        r"""Return the cone of a layer: :math:`p = -W^+ b`, :math:`v_i = W^+ e_i`.

        Parameters
        ----------
        W : array_like, shape (m, d)
            Weights with linearly independent rows.
        b : array_like, shape (m,)
        rtol : float, optional
            A singular value of W, its rows scaled to unit length, counts as
            zero below ``rtol`` times the largest one. Default
            ``max(m, d) * eps``.

        Raises
        ------
        ValueError
            If W is not surjective (the message gives its rank), or base or edges are
            larger than any float.
        """
        W, b = as_layer(W, b)
        rtol = as_rtol(rtol, W.shape)
        U, norms = _unit_rows(W)
        rank = _rank(U, rtol)
        if rank < len(W):
            raise ValueError(
                f"W must be surjective, that is of rank {len(W)}, got rank {rank} "
                f"and shape {W.shape}"
            )
        # W = D U with D diagonal and U of full row rank, hence W^+ = U^+ D^-1.
        pinv = np.linalg.pinv(U, rtol=rtol)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return cls(-pinv @ (b / norms), (pinv / norms).T)

    def to_layer(self) -> tuple[Array, Array]:
        r"""Return the layer of the cone, :math:`W = [v_1 \dots v_m]^+`, :math:`b = -Wp`.

        Returns
        -------
        W : ndarray, shape (m, d)
        b : ndarray, shape (m,)

        Raises
        ------
        ValueError
            If one of them is larger than any float.
        """
        W, b = self._layer
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise ValueError(
                f"the layer of the cone must be finite, got edges of length down to "
                f"{self._unit_layer[1].min():.2g}, a base up to {np.abs(self.base).max():.2g}"
            )
        return W.copy(), b.copy()

    @cached_property
    def _layer(self):
        W, lengths = self._unit_layer
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            W = W / lengths[:, None]
            return W, -W @ self.base

    @cached_property
    def _unit_layer(self):
        """The weights for edges of length 1, and the lengths."""
        U, lengths = _unit_rows(self.edges)
        return np.linalg.pinv(U.T, rtol=None), lengths

    def coordinates(self, X: ArrayLike) -> Floats:
        """Coordinates of points along the edges: the pre-activations W x + b, shape (N, m)."""
        X = as_points(X, d=len(self.base))
        W, b = self._layer
        if is_moderate(W, b, X):
            return X @ W.T.astype(X.dtype, copy=False) + b.astype(X.dtype, copy=False)
        A, exponents = self._scaled_coordinates(X)
        with np.errstate(over="ignore", under="ignore"):
            return np.ldexp(A, exponents).astype(X.dtype, copy=False)

    def _scaled_coordinates(self, X):
        """Coordinates of moderate size, and which power of two times each is the true one."""
        W, lengths = self._unit_layer
        D, sizes = scaled_differences(X, self.base)
        mantissas, exponents = np.frexp(lengths)
        return D @ (W / mantissas[:, None]).T, sizes[:, None] - exponents

    def sector(self, X: ArrayLike) -> Integers:
        r"""Say where points lie: 1 in :math:`S_+`, -1 in :math:`S_-`, 0 elsewhere.

        Points with all coordinates zero lie in both; they get -1, being where
        :math:`S_-` is collapsed to.

        Parameters
        ----------
        X : array_like, shape (N, d)

        Returns
        -------
        ndarray of int, shape (N,)
        """
        X = as_points(X, d=len(self.base))
        if is_moderate(*self._layer, X):
            return sectors(self.coordinates(X))
        return sectors(self._scaled_coordinates(X)[0])


@answers_keywords
@dataclass(frozen=True, eq=False)
class CircularCone:
    r"""The circular cone of points that are seen from the apex within half the angle of the axis.

    .. math:: p + C_\theta[h] = \{ x : \angle(x - p, h) \le \theta / 2 \}

    Parameters
    ----------
    apex : array_like, shape (d,)
        The point p.
    axis : array_like, shape (d,)
        The direction h, not zero; it is stored with unit length.
    angle : float
        The full aperture :math:`\theta`, in radians, between 0 and pi (both
        excluded).

    Raises
    ------
    ValueError
        If the shapes do not fit, the axis is zero or the angle out of range.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of deep
       ReLU neural networks on sequentially separable data",
       arXiv:2405.07098v2, Lemma 3.4.

    Examples
    --------
    >>> cone = CircularCone([0, 0], [2, 0], np.pi / 2)
    >>> cone.contains([[1, 0.5], [0.5, 1], [-1, 0]])
    array([ True, False, False])
    """

    apex: Array
    axis: Array
    angle: float

    __repr__ = brief

    if TYPE_CHECKING:  # the fields are made arrays of what is given

        def __init__(self, apex: ArrayLike, axis: ArrayLike, angle: float) -> None: ...

    def __post_init__(self) -> None:
        apex = as_array(self.apex, "apex", 1)
        axis = as_array(self.axis, "axis", 1)
        if axis.shape != apex.shape or not len(apex):
            raise ValueError(
                f"axis must be a vector of the length of apex, at least 1, "
                f"got shapes {axis.shape} and {apex.shape}"
            )
        if not axis.any():
            raise ValueError("axis must not be zero")
        angle = as_array(self.angle, "angle", 0).item()
        if not 0 < angle < np.pi:
            raise ValueError(f"angle must be between 0 and pi (both excluded), got {angle}")
        object.__setattr__(self, "apex", freeze(apex))
        object.__setattr__(self, "axis", freeze(_unit_rows(axis[None])[0][0]))
        object.__setattr__(self, "angle", angle)

    def contains(self, X: ArrayLike, *, tol: float = 1e-12) -> Booleans:
        """Say which points lie in the cone.

        Parameters
        ----------
        X : array_like, shape (N, d)
        tol : float, optional
            Angle in radians by which a point may miss the cone; with 0,
            points on the boundary are decided by rounding.

        Returns
        -------
        ndarray of bool, shape (N,)
            The apex itself is in the cone.
        """
        X, tol = as_points(X, d=len(self.apex)), as_number(tol, "tol", 0)
        Y = X - self.apex if is_moderate(self.apex, X) else scaled_differences(X, self.apex)[0]
        along = Y @ self.axis
        across = np.linalg.norm(Y - along[:, None] * self.axis, axis=1)
        # arctan2 is accurate at all angles, where arccos of a cosine is not near 0.
        return np.arctan2(across, along) <= self.angle / 2 + tol

    def to_layer(self, width: int | None = None) -> tuple[Array, Array]:
        r"""Return a layer that keeps the cone and collapses the opposite one.

        .. math:: W = I_{m \times d} \, W_\theta R, \qquad b = -W p, \qquad
                  W_\theta = \lambda I + (1 - \lambda) u u^T

        with :math:`u = (1, \dots, 1) / \sqrt d`, R orthogonal with
        :math:`R h = u`, and :math:`\lambda = \tan(\theta_d / 2) / \tan(\theta / 2)`
        if :math:`\theta > \theta_d = 2 \arccos \sqrt{(d-1)/d}`, else 1
        (Lemma 3.4 of [1]_).

        Parameters
        ----------
        width : int, optional
            Number m of neurons, at most d; default d.

        Returns
        -------
        W : ndarray, shape (m, d)
        b : ndarray, shape (m,)

        Raises
        ------
        ValueError
            If `width` is out of range, or b is larger than any float.

        Notes
        -----
        The rows of W have non-negative products with all of
        :math:`C_\theta[h]`. So the truncation map acts as the projector
        :math:`W^+ W` (the identity if m = d) on :math:`p + C_\theta[h]`, and
        sends :math:`p + C_\theta[-h]` to the one point :math:`W^+ W p`. The
        condition number of W (for m = d) is :math:`1 / \lambda`.

        References
        ----------
        .. [1] T. Chen and P. Muñoz Ewald, "Interpretable global minima of
           deep ReLU neural networks on sequentially separable data",
           arXiv:2405.07098v2.

        Examples
        --------
        >>> W, b = CircularCone([1, 1], [1, 1], np.pi / 2).to_layer()
        >>> np.allclose(W, np.eye(2)), np.allclose(b, -1)
        (True, True)
        """
        d = len(self.apex)
        if width is None:
            width = d
        if not (isinstance(width, int | np.integer) and 1 <= width <= d):
            raise ValueError(f"width must be a whole number from 1 to {d}, got {quoted(width)}")
        u = np.full(d, 1 / np.sqrt(d))
        R = _carry(self.axis, u)
        # tan(theta_d / 2) = 1 / sqrt(d - 1), infinite for d = 1, where every cone is a half line.
        scale = min(1.0, 1 / (np.sqrt(d - 1) * np.tan(self.angle / 2))) if d > 1 else 1.0
        W = scale * R + (1 - scale) * np.outer(u, u @ R)
        W = W[:width].copy()
        with np.errstate(over="ignore", invalid="ignore"):
            b = -W @ self.apex
        if not np.isfinite(b).all():
            raise ValueError(
                f"the layer must be finite, got an apex up to {np.abs(self.apex).max():.2g}"
            )
        return W, b


def sectors(A):
    """Return 1 where a row of `A` is >= 0, -1 where it is <= 0 (zero rows too), 0 elsewhere."""
    return np.where((A <= 0).all(axis=1), -1, (A >= 0).all(axis=1).astype(int))


def _carry(h, u):
    """Return an orthogonal matrix, the identity if h = u, that sends the unit vector h to u."""
    if h @ u >= 0:
        # Rotation in the plane of h and u; the division is by at least 1.
        s = h + u
        return np.eye(len(h)) - np.outer(s, s / (1 + h @ u)) + 2 * np.outer(u, h)
    v = h - u
    return np.eye(len(h)) - np.outer(v, v * (2 / (v @ v)))


def _unit_rows(V):
    """Return the rows of V at unit length (zero rows stay zero), and their lengths."""
    peaks = np.abs(V).max(axis=1)
    peaks = np.where(peaks > 0, peaks, 1.0)
    U = V / peaks[:, None]
    norms = np.linalg.norm(U, axis=1)
    norms = np.where(norms > 0, norms, 1.0)
    with np.errstate(over="ignore"):
        return U / norms[:, None], peaks * norms


def _rank(U, rtol):
    return int(np.linalg.matrix_rank(U, rtol=rtol))
