"""What layers of Lp norms have in common: their calculus, for orders of any kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geomcore.layers.layer import Layer
from geomcore.typing import Array, Floats

ROOT = 1e150  # about the root of the largest float


class Norm(Layer):
    r"""Weighted norms of the rows, :math:`y_k = (\sum_i |W_{ki} x_i|^{p_k})^{1/p_k} + b_k`.

    A kind of them says by `_orders` what its p are, and by `_orders_tangent` how they move
    with its tensors.

    Sums are taken relative to the largest term, so that neither a large p nor terms of any
    size overflow or underflow in between. Derivatives of a norm at 0, and of the modulus of a
    term at 0, are taken as 0; for 1 < p < 2 the second derivative does not exist where a term
    is 0 and is taken as 0 there.
    """

    W: Array

    def _orders(self, tensors):
        """The orders p, as a number or as (..., 1, m, 1)."""
        raise NotImplementedError

    def _orders_tangent(self, tensors, dtensors):
        """Their derivatives along a direction, None where nothing moves them."""

    @property
    def inputs(self) -> int:
        return self.W.shape[1]

    @property
    def outputs(self) -> int:
        return self.W.shape[0]

    def forward(self, tensors: Sequence[Floats], X: Floats) -> Floats:
        norm = Parts(self._terms(tensors[0], X), self._orders(tensors)).norm
        return norm[..., 0] + tensors[1][..., None, :]

    def tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
    ) -> Floats:
        parts = Parts(self._terms(tensors[0], X), self._orders(tensors))
        dterms = self._terms(dtensors[0], X) + self._terms(tensors[0], dX)
        moved = (parts.slopes * dterms).sum(axis=-1)
        dp = self._orders_tangent(tensors, dtensors)
        if dp is not None:
            moved += (parts.by_order * dp)[..., 0]
        return moved + dtensors[1][..., None, :]

    def gradients(
        self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats
    ) -> list[Floats]:
        parts = Parts(self._terms(tensors[0], X), self._orders(tensors))
        return [_to_weights(parts.slopes, X, grad), grad.sum(axis=-2)]

    def cotangent(self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats) -> Floats:
        parts = Parts(self._terms(tensors[0], X), self._orders(tensors))
        return _to_inputs(parts.slopes, tensors[0], grad)

    def gradients_tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        grad: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
        dgrad: Floats,
    ) -> list[Floats]:
        parts, dslopes = self._slopes_tangent(tensors, X, dtensors, dX)
        dW = _to_weights(parts.slopes, X, dgrad)
        dW += _to_weights(parts.slopes, dX, grad) + _to_weights(dslopes, X, grad)
        return [dW, dgrad.sum(axis=-2)]

    def cotangent_tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        grad: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
        dgrad: Floats,
    ) -> Floats:
        parts, dslopes = self._slopes_tangent(tensors, X, dtensors, dX)
        changed = _to_inputs(parts.slopes, tensors[0], dgrad)
        changed += _to_inputs(parts.slopes, dtensors[0], grad)
        return changed + _to_inputs(dslopes, tensors[0], grad)

    def _terms(self, W, X):
        """W_ki x_i for every row, shape (..., N, m, n)."""
        return W[..., None, :, :] * X[..., :, None, :]

    def _slopes_tangent(self, tensors, X, dtensors, dX):
        """The parts, and the derivatives of the slopes along a direction."""
        parts = Parts(self._terms(tensors[0], X), self._orders(tensors))
        dterms = self._terms(dtensors[0], X) + self._terms(tensors[0], dX)
        dslopes = parts.bent(dterms)
        dp = self._orders_tangent(tensors, dtensors)
        return parts, dslopes if dp is None else dslopes + parts.slopes_by_order * dp


class Parts:
    """Norms of terms t, (..., N, m, n), of orders p, and their derivatives by t and by p.

    Attributes
    ----------
    relative, total : ndarray
        Moduli relative to the largest one, and the sum of their powers, at least 1 unless
        all terms are 0.
    norm : ndarray, shape (..., N, m, 1)
    """

    def __init__(self, terms, p):
        self.terms, self.p = terms, p
        top = np.abs(terms).max(axis=-1, keepdims=True, initial=0.0)
        self.relative = np.abs(terms) / np.where(top > 0, top, 1)
        self.powers = self.relative**p
        self.total = self.powers.sum(axis=-1, keepdims=True)
        self.norm = top * self.total ** (1 / p)

    def _shares(self, relative, power):
        """(modulus / norm) ** power, without the rounding of the quotient; 0 where all are 0."""
        some = self.total > 0
        return some * relative**power / np.where(some, self.total, 1) ** (power / self.p)

    @property
    def slopes(self):
        """Derivatives of the norm by the terms."""
        return np.sign(self.terms) * self._shares(self.relative, self.p - 1)

    def bent(self, dterms):
        """Derivatives of the slopes along a direction of the terms."""
        slopes = self.slopes
        if np.all(self.p == 1):
            # Piecewise linear; below, the power of a tiny share could overflow.
            return np.zeros_like(slopes)
        norm = self.norm
        dnorm = (slopes * dterms).sum(axis=-1, keepdims=True)
        away = np.where(np.less(self.p, 2), self.relative > 0, norm > 0)
        # For p < 2 the power of a tiny share may be as large as numbers get.
        with np.errstate(over="ignore"):
            shares = self._shares(np.where(away, self.relative, 1), self.p - 2)
        curved = np.minimum(shares, ROOT) * away
        return (self.p - 1) * (curved * dterms - slopes * dnorm) / np.where(norm > 0, norm, 1)

    @property
    def _logarithms(self):
        """Logarithms of the moduli over the norm, 0 for terms of 0, which have no part in sums."""
        some = np.log(np.where(self.relative > 0, self.relative, 1))
        return some - (self.relative > 0) * np.log(np.where(self.total > 0, self.total, 1)) / self.p

    @property
    def _fractions(self):
        """Shares of the terms in the sum of the powers."""
        return self.powers / np.where(self.total > 0, self.total, 1)

    @property
    def _mean(self):
        """Mean of the logarithms; -p times it is the entropy of the fractions."""
        return (self._fractions * self._logarithms).sum(axis=-1, keepdims=True)

    @property
    def by_order(self):
        """Derivatives of the norm by p, -norm / p^2 times the entropy of the fractions."""
        return self.norm * self._mean / self.p

    @property
    def by_order_twice(self):
        """Second derivatives of the norm by p."""
        mean, p = self._mean, self.p
        spread = (self._fractions * (self._logarithms - mean) ** 2).sum(axis=-1, keepdims=True)
        return self.norm * ((mean / p) ** 2 + spread / p - 2 * mean / p / p)

    @property
    def slopes_by_order(self):
        """Derivatives of the slopes by p."""
        return self.slopes * (self._logarithms - (self.p - 1) / self.p * self._mean)


def _to_weights(slopes, X, grad):
    """Sum over rows of grad_k slopes_ki x_i, shape (..., m, n)."""
    return (grad[..., None] * slopes * X[..., :, None, :]).sum(axis=-3)


def _to_inputs(slopes, W, grad):
    """Sum over outputs of grad_k slopes_ki W_ki, shape (..., N, n)."""
    return (grad[..., None] * slopes * W[..., None, :, :]).sum(axis=-2)
