"""Packages that are needed only by those who bring networks in or take them out."""

from importlib import import_module


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
        if error.name != name.partition(".")[0]:
            raise
        raise ImportError(f"this needs another package: pip install {error.name}") from None
