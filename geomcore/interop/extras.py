"""Packages that are needed only by those who bring networks in or take them out."""

from importlib import import_module

KERAS = ", or set the environment variable KERAS_BACKEND to torch or jax, if that is installed"


def extra(name):
    """Import a module of a package that is not installed with this one, and return it.

    Parameters
    ----------
    name : str
        Such as ``"onnx.helper"``.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it is not installed; the sentence says how it is.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        who = "this" if error.name == package else package
        choice = KERAS if who == "keras" else ""
        raise ImportError(
            f"{who} needs another package: pip install {error.name}{choice}"
        ) from None
