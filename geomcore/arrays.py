"""Checks at the boundary: every public function normalises its arguments here.

A function of this module either returns a C-contiguous array (or a small named
tuple) that the rest of the code may use without looking again, or raises one
`ValueError` that says which argument, what it must be, and what came. Inputs
are never modified; what is returned may share memory with them.
"""

from collections.abc import Sequence
from numbers import Integral, Number, Real
from typing import NamedTuple

import numpy as np

from geomcore.foreign.entries import column, first_other, plain, rows_of
from geomcore.foreign.libraries import advice
from geomcore.foreign.wording import counted, quoted

# Labels that are fractions are few and recur; measurements are many or hardly recur.
MOST_FRACTIONS = 12
FEW_FRACTIONS = 5
SCALARS = (str, bytes, Number, np.generic)  # which are equal if and only if they say the same


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
    """Return `value`, of which nothing is missing, as a finite C-contiguous float array."""
    try:
        array, missing = plain(value)
    except ValueError:  # in NumPy's words, of inhomogeneous shapes
        raise ValueError(f"{name} must be a rectangular array, its rows differ in length") from None
    if missing is not None and array.ndim:
        raise ValueError(
            f"{name} must hold real numbers and nothing missing, it is in {rows_of(missing)}"
        )
    if array.dtype == object or array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold real numbers, got {first_other(value, array)}")
    if array.ndim != ndim:
        axes = "1 axis" if ndim == 1 else f"{ndim} axes"
        raise ValueError(f"{name} must have {axes}, got shape {array.shape}")
    dtype = np.float32 if keep_float32 and array.dtype == np.float32 else np.float64
    given, array = array, np.asarray(array, dtype=dtype, order="C")
    _check_exact(given if given.dtype != float else _before_mixing(value, given), array, name)
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} must be finite, found {array[tuple(where)]} at index {where}")
    return array


def _check_exact(given, array, name):
    """Raise if a whole number, or one of more than 64 bits, is not the same as a float."""
    if given.dtype == object or (given.dtype.kind in "iu" and given.dtype.itemsize == 8):
        large = map(tuple, np.argwhere(np.abs(array) >= 2**53).tolist())
        whole = (p for p in large if isinstance(given[p], (int, np.integer)))
        lost = next((p for p in whole if int(given[p]) != int(array[p])), None)
    elif given.dtype.kind == "f" and given.dtype.itemsize > 8:
        with np.errstate(invalid="ignore"):
            differ = np.argwhere((array != given) & np.isfinite(given))
        lost = tuple(differ[0].tolist()) if len(differ) else None
    else:
        return
    if lost is not None:
        raise ValueError(
            f"{name} must hold numbers that are the same as 64-bit floats, got {given[lost]} at "
            f"index {list(lost)}; round them, or subtract what they have in common"
        )


def _before_mixing(value, array):
    """Entries of lists or frames with whole numbers among others, of which some are large."""
    types = getattr(value, "dtypes", ())
    frame = np.iterable(types) and any(getattr(t, "kind", "O") in "iu" for t in types)
    if not (frame or isinstance(value, (list, tuple))) or not (np.abs(array) >= 2**53).any():
        return array
    if frame:
        columns = [value.iloc[:, j] for j in range(array.shape[1])]
        return np.stack([np.asarray(c, dtype=object) for c in columns], axis=1)
    return np.asarray(value, dtype=object)


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
        Labels of any sortable type, as a sequence, an array, a series or a
        data frame of one column; or real target vectors, whose distinct rows
        then are the classes.
    n : int
        Number of points.
    targets : array_like, shape (Q, k), optional
        Output wanted for each label in sorted order; default one-hot rows.

    Raises
    ------
    ValueError
        If the lengths differ, labels are missing (None, nan, NA, NaT, masked),
        not sortable or not distinct as an array, if they are so many fractions
        that they must be values to fit, or `targets` does not have one row per
        class.
    """
    try:
        array, missing = plain(column(y))
    except ValueError as error:
        raise ValueError(f"{name} must hold one label per point: {error}") from None
    if not array.ndim:
        raise ValueError(f"{name} must have one label per point ({n}), got {quoted(y)}")
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
    if missing is None and array.dtype.kind in "fc":
        missing = np.isnan(array)
    if missing is not None and missing.any():
        what = "nan" if array.dtype.kind == "f" else "missing labels"
        raise ValueError(f"{name} must not contain {what}, found in {rows_of(missing)}")
    try:
        classes, index = np.unique(array, return_inverse=True)
    except TypeError:
        raise ValueError(f"{name} must hold labels of one sortable type") from None
    _check_classes(y, array, classes, name)
    if targets is None:
        targets = np.eye(len(classes))
    else:
        if _is_flat(targets):
            raise ValueError(f"targets must have rows, such as [[0], [1]], got {quoted(targets)}")
        targets = as_array(targets, "targets", 2)
        if len(targets) != len(classes):
            raise ValueError(
                f"targets must have one row per class ({len(classes)}), got shape {targets.shape}"
            )
    return Labels(classes, index.reshape(-1), targets)


def _is_flat(values):
    """Whether there is a number where a row should be."""
    sized = isinstance(values, (list, tuple)) and len(values)
    return not any(map(np.iterable, values)) if sized else getattr(values, "ndim", 0) == 1


def _check_classes(y, array, classes, name):
    """Raise if labels lose their difference, are infinite, or are measurements."""
    plain_python = isinstance(y, (list, tuple)) and all(isinstance(v, SCALARS) for v in y)
    if plain_python and len(set(y)) > len(classes):
        raise ValueError(
            f"{name} must hold labels of one sortable type, {len(set(y))} labels become "
            f"{len(classes)} as {array.dtype}"
        )
    if array.dtype == object and all(isinstance(c, (Number, np.number)) for c in classes):
        try:
            array, classes = array.astype(float), classes.astype(float)
        except (TypeError, ValueError, OverflowError):
            return  # complex, or whole beyond all floats
    if array.dtype.kind != "f":
        return
    if not np.isfinite(classes).all():
        raise ValueError(f"{name} must be finite, got inf in {rows_of(~np.isfinite(array))}")
    many = len(classes) > MOST_FRACTIONS
    hardly_recur = len(classes) > FEW_FRACTIONS and 2 * len(classes) > len(array)
    if (many or hardly_recur) and (classes != np.round(classes)).any():
        raise ValueError(
            f"{name} must be labels, got {len(classes)} distinct numbers that are not whole; "
            f"if they are values to fit, pass targets of shape (N, k), here ({len(array)}, 1)"
        )


def as_rng(rng):
    """Return a `numpy.random.Generator` from a generator, a seed, or None (fresh entropy)."""
    if isinstance(rng, np.random.Generator):
        return rng
    try:
        if not isinstance(rng, bool):  # True would be the seed 1
            return np.random.default_rng(rng)
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"rng must be a numpy.random.Generator, a non-negative seed or None, got {quoted(rng)}"
    )


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


def check_sequence(value, name, what="array", of="layer"):
    """Raise unless `value` is a list or tuple (not one array, whose rows would pass silently)."""
    if isinstance(value, np.ndarray | str) or not isinstance(value, Sequence):
        raise ValueError(
            f"{name} must be a list with one {what} per {of}, got {type(value).__name__}"
        )
    if not len(value):
        raise ValueError(f"{name} must hold at least one {of}, got none")


def check_network(value, kind, name="net"):
    """Raise unless `value` is an instance of `kind`, a class of networks."""
    if not isinstance(value, kind):
        got = f"{type(value).__name__}{advice(value, kind)}"
        raise ValueError(f"{name} must be a {kind.__name__}, got {got}")


def check_outputs(net, labels, y, targets):
    """Raise unless a network has as many outputs as the targets of its labels have entries."""
    wanted, outputs = labels.targets.shape[1], net.widths[-1]
    if wanted == outputs:
        return
    if targets is None and np.ndim(y) == 1:
        told = f"targets=, rows of {counted(outputs, 'number')}"
        if outputs == 1 and len(labels.classes) == 2:
            told = f"targets=[[0], [1]] if it is the logit of {quoted(labels.classes.tolist()[1])}"
        raise ValueError(
            f"net must have one output per class ({len(labels.classes)}), got {outputs}; what it "
            f"puts out for each class may be told by {told}"
        )
    raise ValueError(
        f"net must have {counted(wanted, 'output')}, as the targets have entries, got {outputs}"
    )


def as_rtol(rtol, shape, name="rtol"):
    """Return the threshold for singular values, relative to the largest; None: max(shape) * eps."""
    if rtol is None:
        return max(shape) * float(np.finfo(float).eps)
    try:
        rtol = float(rtol)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a number or None, got {quoted(rtol)}") from None
    if not 0 <= rtol < 1:
        raise ValueError(f"{name} must be at least 0 and less than 1, got {rtol}")
    return rtol


def as_count(value, name, least=1):
    """Return a whole number, at least `least`, as an int."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number, at least {least}, got {quoted(value)}")
    return int(value)


def as_place(value, name, count):
    """Return a whole number from 0 to `count` - 1 as an int."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= value < count:
        raise ValueError(
            f"{name} must be a whole number from 0 to {count - 1}, got {quoted(value)}"
        )
    return int(value)


def is_finite(value):
    """Whether a real number is a finite float; whole numbers may be larger than any."""
    try:
        return bool(np.isfinite(float(value)))
    except OverflowError:
        return False


def as_positive(value, name):
    """Return a finite positive number as a float."""
    if (
        isinstance(value, bool)
        or not isinstance(value, Real)
        or not (value > 0 and is_finite(value))
    ):
        raise ValueError(f"{name} must be a positive number, got {quoted(value)}")
    return float(value)


def as_number(value, name, least=-np.inf, most=np.inf):
    """Return a finite number from `least` to `most` as a float."""
    real = isinstance(value, Real | np.number) and not isinstance(value, bool | np.complexfloating)
    if not real or not is_finite(value) or not least <= value <= most:
        ends = [f", at least {least:g}"] if np.isfinite(least) else []
        if np.isfinite(most):
            ends.append(f"{' and' if ends else ','} at most {most:g}")
        raise ValueError(f"{name} must be a finite number{''.join(ends)}, got {quoted(value)}")
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
