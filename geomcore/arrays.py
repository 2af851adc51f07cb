"""Checks at the boundary: every public function normalises its arguments here.

A function of this module either returns a C-contiguous array (or a small named
tuple) that the rest of the code may use without looking again, or raises one
`ValueError` that says which argument, what it must be, and what came. Inputs
are never modified; what is returned may share memory with them.
"""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np


class Labels(NamedTuple):
    """Labels of N points, normalised.

    Attributes
    ----------
    classes : ndarray, shape (Q,)
        The distinct labels in sorted order (for (N, k) targets: 0..Q-1).
    index : ndarray of int, shape (N,)
        Class of every point, as a row of `targets`.
    targets : ndarray, shape (Q, k)
        Output wanted for each class; one-hot rows unless given.
    """

    classes: np.ndarray
    index: np.ndarray
    targets: np.ndarray

    @property
    def Y(self):
        """Output wanted for every point, shape (N, k)."""
        return self.targets[self.index]


def as_array(value, name, ndim, *, keep_float32=False):
    """Return `value` as a finite C-contiguous float array with `ndim` axes."""
    if np.ma.is_masked(value):
        raise ValueError(f"{name} must hold no masked entries, got {np.ma.count_masked(value)}")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of numbers: {error}") from None
    if array.dtype == object or array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {array.shape}")
    dtype = np.float32 if keep_float32 and array.dtype == np.float32 else np.float64
    array = np.asarray(array, dtype=dtype, order="C")
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} must be finite, found {array[tuple(where)]} at index {where}")
    return array


def as_points(X, *, d=None, name="X"):
    """Return points as a finite (N, d) array; float32 is kept, all else becomes float64."""
    X = as_array(X, name, 2, keep_float32=True)
    if d is not None and X.shape[1] != d:
        raise ValueError(f"{name} must have {d} columns (features), got shape {X.shape}")
    return X


def as_layer(W, b, *, name=("W", "b")):
    """Return weights (m, n) and biases (m,) of one affine layer as finite float64 arrays."""
    W = as_array(W, name[0], 2)
    b = as_array(b, name[1], 1)
    if W.shape[0] != b.shape[0]:
        raise ValueError(
            f"{name[1]} must have one entry per row of {name[0]}, "
            f"got shapes {b.shape} and {W.shape}"
        )
    if 0 in W.shape:
        raise ValueError(f"{name[0]} must not be empty, got shape {W.shape}")
    return W, b


def as_labels(y, n, *, targets=None, name="y"):
    """Return the labels of `n` points.

    Parameters
    ----------
    y : array_like, shape (n,) or (n, k)
        Labels of any sortable type, or real target vectors, whose distinct
        rows then are the classes.
    n : int
        Number of points.
    targets : array_like, shape (Q, k), optional
        Output wanted for each label in sorted order; default one-hot rows.

    Raises
    ------
    ValueError
        If the lengths differ, labels are missing (None, nan) or not
        sortable, or `targets` does not have one row per class.
    """
    if np.ma.is_masked(y):
        raise ValueError(f"{name} must not contain missing labels")
    array = np.asarray(y)
    if array.ndim == 2:
        if targets is not None:
            raise ValueError(f"targets= goes with labels; {name} already holds target vectors")
        Y = as_array(y, name, 2)
        if len(Y) != n:
            raise ValueError(f"{name} must have one row per point ({n}), got shape {Y.shape}")
        rows, index = np.unique(Y, axis=0, return_inverse=True)
        return Labels(np.arange(len(rows)), index.reshape(-1), rows)
    if array.ndim != 1 or len(array) != n:
        raise ValueError(f"{name} must have one label per point ({n}), got shape {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} must not contain nan or inf")
    if array.dtype.kind in "mM" and np.isnat(array).any():
        raise ValueError(f"{name} must not contain missing labels")
    if array.dtype == object and any(v is None or v != v for v in array):
        raise ValueError(f"{name} must not contain missing labels")
    try:
        classes, index = np.unique(array, return_inverse=True)
    except TypeError:
        raise ValueError(f"{name} must hold labels of one sortable type") from None
    if targets is None:
        targets = np.eye(len(classes))
    else:
        targets = as_array(targets, "targets", 2)
        if len(targets) != len(classes):
            raise ValueError(
                f"targets must have one row per class ({len(classes)}), got shape {targets.shape}"
            )
    return Labels(classes, index.reshape(-1), targets)


def as_rng(rng):
    """Return a `numpy.random.Generator` from a generator, a seed, or None (fresh entropy)."""
    if isinstance(rng, np.random.Generator):
        return rng
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueError(
            f"rng must be a numpy.random.Generator, a non-negative seed or None, got {rng!r}"
        ) from None


def freeze(array):
    """Return a read-only copy of `array`."""
    array = np.array(array, order="C")
    array.flags.writeable = False
    return array


def read_only(array):
    """Return a view of `array` that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view


def check_sequence(value, name):
    """Raise unless `value` is a list or tuple (not one array, whose rows would pass silently)."""
    if isinstance(value, np.ndarray) or not isinstance(value, Sequence):
        raise ValueError(f"{name} must be a list with one array per layer, got {type(value)}")
    if not len(value):
        raise ValueError(f"{name} must hold at least one layer, got none")


def check_network(value, kind, name="net"):
    """Raise unless `value` is an instance of `kind`, a class of networks."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be a {kind.__name__}, got {type(value).__name__}")


def as_rtol(rtol, shape):
    """Return the threshold for singular values, relative to the largest; None: max(shape) * eps."""
    if rtol is None:
        return max(shape) * float(np.finfo(float).eps)
    try:
        rtol = float(rtol)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"rtol must be a number or None, got {rtol!r}") from None
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol must be at least 0 and less than 1, got {rtol}")
    return rtol


def as_count(value, name, least=1):
    """Return a whole number, at least `least`, as an int."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number, at least {least}, got {value!r}")
    return int(value)


def as_positive(value, name):
    """Return a finite positive number as a float."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a positive number, got {value!r}")
    return float(value)


def as_dtype(array, dtype, name):
    """Return a finite array in the dtype of the points; raise if a value overflows there."""
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore", under="ignore"):
        cast = array.astype(dtype)
    if not np.isfinite(cast).all():
        raise ValueError(
            f"{name} must fit {dtype}, the type of the points, got {np.abs(array).max():.3g}; "
            f"give the points as float64"
        )
    return cast
