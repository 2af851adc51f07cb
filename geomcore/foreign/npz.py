"""Reading npz files that somebody else may have made: no pickle, one clear sentence."""

import zipfile
import zlib

import numpy as np


def read_npz(path):
    """Read all arrays of an npz file, and never a pickled object.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    ValueError
        If the file is not a complete zip file of NumPy arrays, or holds
        pickled objects, which are refused unread.
    OSError
        If the file cannot be opened.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it holds a single array")
            for name in archive.zip.namelist():
                if not name.endswith(".npy"):
                    raise ValueError(f"it holds {name}, which is not an array")
            return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        if "allow_pickle" in str(error):
            raise ValueError(
                f"{path} holds pickled Python objects or is no npz file; pickles are never loaded"
            ) from None
        raise ValueError(f"{path} is not a complete npz file: {error}") from None
