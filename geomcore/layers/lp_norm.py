"""The Lp-norm layer: the head of the mesa experiments."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from geomcore.arrays import as_layer, freeze
from geomcore.foreign.wording import quoted
from geomcore.layers.layer import Layer

MOST, ROOT = float(np.finfo(float).max), 1e150  # the largest float, and about its root


@dataclass(frozen=True, eq=False, repr=False)
class LpNorm(Layer):
    r"""Weighted Lp norms of the rows.

    .. math:: y_k = \Big( \sum_i |W_{ki} x_i|^p \Big)^{1/p} + b_k

    For p = 1 and inputs that are not negative, as after a ReLU, this is the
    affine layer with weights :math:`|W_{ki}|`.

    Parameters
    ----------
    W : array_like, shape (m, n)
    b : array_like, shape (m,)
    p : float
        At least 1, finite.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a value is nan or inf, or p is out of range.

    Notes
    -----
    Sums are taken relative to the largest term, so that neither a large p nor
    terms of any size overflow or underflow in between. Derivatives of a norm at 0, and of
    the modulus of a term at 0, are taken as 0; for 1 < p < 2 the second
    derivative does not exist where a term is 0 and is taken as 0 there. Memory
    O(N m n) for N rows.

    Examples
    --------
    >>> LpNorm([[3, 4]], [10], p=2)(np.array([[1.0, -1.0], [0.0, 0.0]]))
    array([[15.],
           [10.]])
    """

    W: np.ndarray
    b: np.ndarray
    p: float

    letters = ("W", "b")

    def __post_init__(self):
        if isinstance(self.p, bool) or not isinstance(self.p, Real) or not 1 <= self.p <= MOST:
            raise ValueError(f"p must be a finite number, at least 1, got {quoted(self.p)}")
        W, b = as_layer(self.W, self.b)
        object.__setattr__(self, "W", freeze(W))
        object.__setattr__(self, "b", freeze(b))
        object.__setattr__(self, "p", float(self.p))

    @property
    def inputs(self):
        return self.W.shape[1]

    @property
    def outputs(self):
        return self.W.shape[0]

    def forward(self, tensors, X):
        W, b = tensors
        norm = self._norm(self._terms(W, X))
        return norm + b[..., None, :]

    def tangent(self, tensors, X, out, dtensors, dX):
        (W, _), (dW, db) = tensors, dtensors
        slopes = self._slopes(self._terms(W, X))
        dterms = self._terms(dW, X) + self._terms(W, dX)
        return (slopes * dterms).sum(axis=-1) + db[..., None, :]

    def gradients(self, tensors, X, out, grad):
        slopes = self._slopes(self._terms(tensors[0], X))
        return [self._to_weights(slopes, X, grad), grad.sum(axis=-2)]

    def cotangent(self, tensors, X, out, grad):
        slopes = self._slopes(self._terms(tensors[0], X))
        return self._to_inputs(slopes, tensors[0], grad)

    def gradients_tangent(self, tensors, X, out, grad, dtensors, dX, dgrad):
        slopes, dslopes = self._slopes_tangent(tensors, X, dtensors, dX)
        dW = self._to_weights(slopes, X, dgrad)
        dW += self._to_weights(slopes, dX, grad) + self._to_weights(dslopes, X, grad)
        return [dW, dgrad.sum(axis=-2)]

    def cotangent_tangent(self, tensors, X, out, grad, dtensors, dX, dgrad):
        slopes, dslopes = self._slopes_tangent(tensors, X, dtensors, dX)
        changed = self._to_inputs(slopes, tensors[0], dgrad)
        changed += self._to_inputs(slopes, dtensors[0], grad)
        return changed + self._to_inputs(dslopes, tensors[0], grad)

    def _terms(self, W, X):
        """W_ki x_i for every row, shape (..., N, m, n)."""
        return W[..., None, :, :] * X[..., :, None, :]

    def _relative(self, terms):
        """The largest modulus (..., N, m, 1), moduli relative to it, the sum of their powers."""
        top = np.abs(terms).max(axis=-1, keepdims=True, initial=0.0)
        relative = np.abs(terms) / np.where(top > 0, top, 1)
        return top, relative, (relative**self.p).sum(axis=-1, keepdims=True)

    def _norm(self, terms):
        """Norms (..., N, m) of the terms."""
        top, _, total = self._relative(terms)
        return (top * total ** (1 / self.p))[..., 0]

    def _shares(self, relative, total, power):
        """(modulus / norm) ** power, without the rounding of the quotient; 0 where all are 0."""
        # The sum of the powers is at least 1 unless all terms are 0.
        some = total > 0
        return some * relative**power / np.where(some, total, 1) ** (power / self.p)

    def _slopes(self, terms):
        """Derivatives of the norm by the terms."""
        _, relative, total = self._relative(terms)
        return np.sign(terms) * self._shares(relative, total, self.p - 1)

    def _slopes_tangent(self, tensors, X, dtensors, dX):
        """`_slopes`, and their derivatives along a direction."""
        terms = self._terms(tensors[0], X)
        slopes = self._slopes(terms)
        if self.p == 1:
            # Piecewise linear; below, the power of a tiny share could overflow.
            return slopes, np.zeros_like(slopes)
        top, relative, total = self._relative(terms)
        norm = top * total ** (1 / self.p)
        dterms = self._terms(dtensors[0], X) + self._terms(tensors[0], dX)
        dnorm = (slopes * dterms).sum(axis=-1, keepdims=True)
        away = relative > 0 if self.p < 2 else norm > 0
        # For p < 2 the power of a tiny share may be as large as numbers get.
        shares = np.minimum(self._shares(np.where(away, relative, 1), total, self.p - 2), ROOT)
        curved = shares * away
        bent = curved * dterms - slopes * dnorm
        return slopes, (self.p - 1) * bent / np.where(norm > 0, norm, 1)

    def _to_weights(self, slopes, X, grad):
        """Sum over rows of grad_k slopes_ki x_i, shape (..., m, n)."""
        return (grad[..., None] * slopes * X[..., :, None, :]).sum(axis=-3)

    def _to_inputs(self, slopes, W, grad):
        """Sum over outputs of grad_k slopes_ki W_ki, shape (..., N, n)."""
        return (grad[..., None] * slopes * W[..., None, :, :]).sum(axis=-2)
