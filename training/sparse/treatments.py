r"""What is done about the norms of a dictionary, and what each way leaves open.

A penalty on activations is escaped at no cost in reconstruction: for c in (0, 1), units
:math:`c z` and a dictionary :math:`W_d / c` reconstruct the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_positive
from geomcore.typing import Array

TREATMENTS = ("columns", "inverse", "weighted", "free")


@dataclass(frozen=True)
class InverseSquares:
    r"""A penalty on small rows, :math:`\alpha \sum_i 1 / |w_i|^2`; inf for a row of zeros.

    Parameters
    ----------
    weight : float
        :math:`\alpha > 0`.
    tensors : sequence of str, optional
        Names of matrices, such as ``["W1"]``; default all tensors. A vector counts as one row.

    Raises
    ------
    ValueError
        If the weight is not a positive number.

    Examples
    --------
    >>> InverseSquares(2.0).value(np.array([[[1.0, 1.0], [0.0, 2.0]]]))
    array([1.5])
    >>> InverseSquares(2.0).gradient(np.array([[[1.0, 1.0], [1.0, 3.0]]]))
    array([[[-1.  , -1.  ],
            [-0.04, -0.12]]])
    """

    weight: float
    tensors: Sequence[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))

    def value(self, p: Array) -> Array:
        with np.errstate(divide="ignore"):
            return (self.weight / _squares(p)).reshape(len(p), -1).sum(axis=1)

    def gradient(self, p: Array) -> Array:
        squares = _squares(p)
        # A row of zeros has no direction in which to grow.
        safe = np.where(squares == 0, 1, squares)
        return -2 * self.weight * np.where(squares == 0, 0, p / safe / safe)


def _squares(p):
    return (p * p).sum(axis=-1, keepdims=True)


def row_norms(rows):
    """Euclidean norms of rows, (m, d) to (m,), also where squares would overflow or vanish.

    Examples
    --------
    >>> row_norms(np.array([[3.0, 4.0], [3e-200, 4e-200], [3e200, 4e200], [0.0, 0.0]]))
    array([5.e+000, 5.e-200, 5.e+200, 0.e+000])
    """
    norms = np.sqrt(np.einsum("md,md->m", rows, rows))
    info = np.finfo(norms.dtype)
    # Below it squares lose digits.
    odd = ~(norms > np.sqrt(info.tiny) / info.eps) | (norms > np.sqrt(info.max) * info.eps)
    if odd.any():
        top = np.abs(rows[odd]).max(axis=1, initial=0, keepdims=True)
        parts = rows[odd] / np.where(top == 0, 1, top)
        norms[odd] = top[:, 0] * np.sqrt(np.einsum("md,md->m", parts, parts))
    return norms


def renormalise(tensors, *, keep_map):
    """Make the columns of the dictionary unit vectors, in place; a column of zeros stays.

    Parameters
    ----------
    tensors : dict of ndarray
        "atoms", the dictionary with a row per unit, (m, d), "W_e", "b_e" and perhaps "G".
    keep_map : bool
        Whether the encoder's rows and biases are multiplied by the norms that the columns had,
        and entry (i, j) of a learned G by the norm of i over that of j, so that the map stays
        what it was. That needs an encoder and a G of their own, or no loop.
    """
    atoms = tensors["atoms"]
    norms = row_norms(atoms)
    norms[norms == 0] = 1
    atoms /= norms[:, None]
    if keep_map:
        tensors["W_e"] *= norms[:, None]
        tensors["b_e"] *= norms
        if "G" in tensors:
            tensors["G"] *= norms[:, None]
            tensors["G"] /= norms


def stays_allowed(project, shape, *, is_dictionary):
    """Whether what a constraint allows is still allowed after `renormalise`, by trial.

    Tried are columns of one entry, flat ones and random ones, all of them of several sizes.

    Parameters
    ----------
    project : callable
        As of the objects in `training.descent.constraints`.
    shape : tuple
        Of the tensor.
    is_dictionary : bool
        Whether its columns become unit vectors; else its rows are multiplied by numbers.

    Examples
    --------
    >>> from training.descent.constraints import Box, NonNegative
    >>> [stays_allowed(c.project, (3, 5), is_dictionary=True)
    ...  for c in (NonNegative(), Box(-1, 1), Box(-1, 0.9))]
    [True, True, False]
    """
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], size=shape)
    for tried in (signs * _one_per_column(shape), signs, np.abs(signs), rng.normal(size=shape)):
        for size in (0.1, 1.0, 10.0):
            allowed = np.asarray(project(size * tried[None])[0])
            if is_dictionary:
                norms = row_norms(np.ascontiguousarray(allowed.T))
                moved = allowed / np.where(norms > 0, norms, 1)
            else:
                moved = (allowed.T * rng.uniform(0.5, 2, size=shape[0])).T
            if not np.allclose(project(moved[None])[0], moved, rtol=1e-6, atol=1e-12):
                return False
    return True


def _one_per_column(shape):
    """Zeros but for a 1 in each column, or all ones for a vector."""
    if len(shape) == 1:
        return np.ones(shape)
    ones = np.zeros(shape)
    ones[np.arange(shape[1]) % shape[0], np.arange(shape[1])] = 1
    return ones
