"""Objects of other libraries, known by their classes without a library being loaded."""

import os

import numpy as np

# Those of which `geomcore.from_NAME` makes a network.
KNOWN = ("torch", "sklearn", "keras", "onnx")


def advice(value, kind=()):
    """What to do with something that is not what was wanted, at the end of a sentence about it.

    Parameters
    ----------
    value : object
    kind : type, optional
        The class that is wanted.

    Returns
    -------
    str
        Empty if there is nothing to be said.

    Examples
    --------
    >>> advice("net.onnx"), advice(3)
    ('; geomcore.load reads files', '')
    """
    if isinstance(value, str | os.PathLike):
        return "; geomcore.load reads files"
    for name in ("network", "network_"):  # as what `construct`, `train` and `settle` return has
        if isinstance(getattr(value, name, None), kind):
            return f"; give its .{name}"
    made_by = [kind.__module__.partition(".")[0] for kind in type(value).__mro__]
    library = next((name for name in made_by if name in KNOWN), None)
    return f"; geomcore.from_{library} makes one of it" if library else ""


def check_library(model, name):
    """Raise ValueError if a model is of another library, for which there is another function.

    Parameters
    ----------
    model : object
    name : str
        One of `KNOWN`.
    """
    said = advice(model)
    if said and f"from_{name} " not in said:
        raise ValueError(f"model must be a model of {name}, got {type(model).__name__}{said}")


def type_name(dtype):
    """The name of a type of numbers of Python, NumPy or PyTorch; all else as it is.

    Examples
    --------
    >>> type_name(np.float32), type_name(float), type_name("float16"), type_name(3)
    ('float32', 'float64', 'float16', 3)
    """
    if isinstance(dtype, type | np.dtype):
        return np.dtype(dtype).name
    if type(dtype).__module__ == "torch":
        return str(dtype).removeprefix("torch.")
    return dtype
