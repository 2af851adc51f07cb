"""What makes two studies the same: their settings and data as plain values."""

import dataclasses
import hashlib

import numpy as np


def digest(*arrays):
    """Hash of the shapes and the bytes of some arrays, as a text.

    Examples
    --------
    >>> digest(np.eye(2)) == digest(np.eye(2).T), digest(np.eye(2)) == digest(np.ones(4))
    (True, False)
    """
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype} {array.shape} ".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()[:32]


def describe(value):
    """A plain value, for JSON, that is the same for equal settings in every process.

    Parameters
    ----------
    value : object
        A number, a text, an array, or a list of those; else an object, which
        is described by its type and its attributes.

    Returns
    -------
    object

    Examples
    --------
    >>> from training.descent.optimizers import SGD
    >>> describe(SGD(0.1)) == describe(SGD(0.1)), describe(SGD(0.1)) == describe(SGD(0.2))
    (True, False)
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, np.ndarray):
        return f"array {digest(value)}"
    if isinstance(value, np.generic):
        return value.item()
    if dataclasses.is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    else:
        parts = getattr(value, "__dict__", {})
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return {"type": kind, **{name: describe(part) for name, part in sorted(parts.items())}}
