"""Networks to and from files, in the format that the end of the name says."""

from __future__ import annotations

from typing import NamedTuple

from geomcore.arrays import check_network
from geomcore.foreign.files import as_path, open_regular
from geomcore.foreign.keywords import answers_keywords
from geomcore.interop.archive import read_network, write_npz
from geomcore.interop.nnet import from_nnet
from geomcore.interop.onnx import from_onnx, write_onnx
from geomcore.interop.safetensors import read_safetensors, write_safetensors
from geomcore.interop.torch_file import read_torch, write_torch
from geomcore.interop.writing import replacing
from geomcore.network import Network, ReLUNetwork
from geomcore.typing import Path


class Format(NamedTuple):
    """What reads a path, and what writes a ReLU network into a binary file, if anything does."""

    read: object
    write: object = None


# A new format is one row. Files of other names are read as npz files.
FORMATS = {
    ".nnet": Format(from_nnet),
    ".onnx": Format(from_onnx, write_onnx),
    ".pt": Format(read_torch, write_torch),
    ".pth": Format(read_torch, write_torch),
    ".safetensors": Format(read_safetensors, write_safetensors),
}


@answers_keywords
def save(net: Network, path: Path) -> None:
    """Write a network to a file.

    Parameters
    ----------
    net : Network
        Of the layers of `geomcore.layers`; a ReLUNetwork, if it is not an npz file.
    path : str or path-like
        The file, taken literally. One that ends in ``.onnx``, ``.safetensors``,
        ``.pt`` or ``.pth`` is of that format; one that ends in ``.npz``, or has no
        end, an npz file (no ``.npz`` is appended). Replaced if it is there.

    Raises
    ------
    ValueError
        If `net` is no network or has a layer that the format lacks, or `path`
        is a directory or in none, or ends otherwise.
    ImportError
        If the package is not installed that the format needs.
    OSError
        If the file cannot be written; an older file then is as it was.

    Notes
    -----
    No format rounds a number. Npz files hold one array per tensor and a header
    of JSON; ``.safetensors`` and ``.pt`` the state dict of `to_torch`;
    ``.onnx`` what `to_onnx` makes. The file is written beside its final place,
    flushed to the disk, and renamed: a reader sees the old file or the new
    one, never half of one.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.npz"
    >>> net = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [0]])
    >>> save(net, path)
    >>> load(path) == net
    True
    """
    check_network(net, Network)
    end = as_path(path).suffix.lower()
    written = {"": write_npz, ".npz": write_npz} | {e: f.write for e, f in FORMATS.items()}
    if written.get(end) is None:
        names = ", ".join(name for name, write in written.items() if name and write)
        raise ValueError(f"path must end in {names}, got {path}")
    if end in FORMATS:
        check_network(net, ReLUNetwork)
    with replacing(path) as file:
        written[end](net, file)


@answers_keywords
def load(path: Path) -> Network:
    """Read a network from a file.

    Parameters
    ----------
    path : str or path-like
        A file that ends in ``.onnx``, ``.nnet``, ``.safetensors``, ``.pt`` or
        ``.pth`` is read as such (see `from_onnx`, `from_nnet`, `from_torch`);
        all others must be npz files that `save` wrote.

    Returns
    -------
    Network
        A `ReLUNetwork` if such a one was saved; equal to it, bit for bit.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If the package is not installed that the format needs.
    ValueError
        If the file is no network, or one that is no chain of affine maps and
        ReLUs: damaged, of another format, of a newer version, inconsistent, or
        with pickled objects, which are never loaded.

    Warns
    -----
    UserWarning
        If the network is not literally what the file holds, such as without
        its softmax.
    """
    end = as_path(path).suffix.lower()
    found = FORMATS.get(end)
    if found is not None:
        return found.read(path)
    if end not in ("", ".npz"):
        with open_regular(path, "a network file") as file:
            if file.read(2) != b"PK":  # as zip files begin, which npz files are
                ends = ", ".join([".npz", *FORMATS])
                raise ValueError(f"{path} must be a network file, of which the names end in {ends}")
    return read_network(path)
