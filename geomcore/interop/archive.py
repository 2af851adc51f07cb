"""Networks to and from files."""

import json
import os
import secrets
from pathlib import Path

import numpy as np

from geomcore.arrays import check_network
from geomcore.network import ReLUNetwork
from geomcore.npz import read_npz

FORMAT = "geomcore network"
VERSION = 1


def save(net, path):
    """Write a network to an npz file, without pickle.

    Parameters
    ----------
    net : ReLUNetwork
    path : str or path-like
        The file, taken literally (no ``.npz`` is appended). Replaced if it is
        there.

    Raises
    ------
    ValueError
        If `net` is not a ReLUNetwork, or `path` is a directory or in none.
    OSError
        If the file cannot be written; an older file then is as it was.

    Notes
    -----
    One array per tensor, ``W1, b1, ..., WL, bL``, and ``header``, a string of
    JSON: format, version, kind and widths. The file is written beside its
    final place, flushed to the disk, and renamed: a reader sees the old file
    or the new one, never half of one.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.npz"
    >>> net = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [0]])
    >>> save(net, path)
    >>> load(path) == net
    True
    """
    check_network(net, ReLUNetwork)
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"path must be a file in an existing folder, got {path}")
    header = {
        "format": FORMAT,
        "version": VERSION,
        "kind": "ReLUNetwork",
        "widths": [int(n) for n in net.widths],
    }
    arrays = {"header": np.array(json.dumps(header))}
    for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), 1):
        arrays |= {f"W{l}": W, f"b{l}": b}
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(path):
    """Read a network that `save` wrote.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    ReLUNetwork
        Equal to the one saved, bit for bit.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a network of ours: damaged, of another format, of a
        newer version, inconsistent, or with pickled objects, which are never
        loaded.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} must be a network file, there is no such file")
    if path.is_dir():
        raise ValueError(f"{path} must be a network file, it is a directory")
    arrays = read_npz(path)
    widths = _widths(path, arrays.pop("header", None))
    names = [f"{letter}{l}" for l in range(1, len(widths)) for letter in "Wb"]
    if set(names) != set(arrays):
        raise ValueError(
            f"{path} announces {len(widths) - 1} layers but holds the arrays {sorted(arrays)}"
        )
    try:
        net = ReLUNetwork([arrays[n] for n in names[::2]], [arrays[n] for n in names[1::2]])
    except ValueError as error:
        raise ValueError(f"{path} holds no valid network: {error}") from None
    if net.widths != widths:
        raise ValueError(f"{path} announces widths {widths} but holds {net.widths}")
    return net


def _widths(path, header):
    """Widths from the header, checked."""
    foreign = f"{path} must be a file that geomcore.save wrote, it is of another format"
    if header is None or header.shape or header.dtype.kind != "U":
        raise ValueError(foreign)
    try:
        header = json.loads(str(header))
    except (ValueError, RecursionError):
        raise ValueError(foreign) from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(foreign)
    version, widths = header.get("version"), header.get("widths")
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"{path} must announce a format version, got {version!r}")
    if version > VERSION:
        raise ValueError(
            f"{path} has format version {version}, this geomcore reads up to {VERSION}: "
            "a newer geomcore is needed"
        )
    if header.get("kind") != "ReLUNetwork":
        raise ValueError(f"{path} must hold a ReLUNetwork, got {header.get('kind')!r}")
    if not isinstance(widths, list) or len(widths) < 2 or not all(type(n) is int for n in widths):
        raise ValueError(f"{path} must announce at least two widths, got {widths!r}")
    return tuple(widths)
