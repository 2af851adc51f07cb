"""MNIST from the standard IDX files."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Sequence
from typing import Literal

import numpy as np

from geomcore.arrays import as_count
from geomcore.datasets.dataset import Dataset
from geomcore.foreign.choices import as_choice
from geomcore.foreign.files import as_path, open_regular
from geomcore.foreign.keywords import answers_keywords
from geomcore.typing import Path

# A gzipped file may announce this many bytes, or this many times its own, whichever is more:
# MNIST has 47 million, five times those of its file.
ROOM, RATIO = 2**26, 200
PREFIXES = {"train": "train", "test": "t10k"}


@answers_keywords
def mnist(
    path: Path,
    split: Literal["train", "test"] = "train",
    *,
    digits: Sequence[int] | None = None,
    limit: int | None = None,
) -> Dataset:
    """Load MNIST, or any data set of the same form, from its IDX files.

    Parameters
    ----------
    path : str or path-like
        Folder with ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte``, ``t10k-labels-idx1-ubyte``, each gzipped
        (``.gz``) or not; ``.idx3-ubyte`` instead of ``-idx3-ubyte`` will do.
    split : {"train", "test"}, optional
    digits : sequence of int, optional
        Labels to keep; default all.
    limit : int, optional
        Keep the first `limit` images (of those digits).

    Returns
    -------
    Dataset
        Pixels as float64 in [0, 1], one image per row; ``info["image_shape"]``.

    Raises
    ------
    ValueError
        If a file is missing, truncated, too long or not an IDX file of bytes,
        or the two files do not belong together.

    Notes
    -----
    Nothing is downloaded, and nothing is standardised or dropped:
    `geomcore.datasets.dataset.prepare` does that. All of MNIST is 376 MB.

    Examples
    --------
    >>> mnist("no/such/folder")
    Traceback (most recent call last):
    ValueError: path must be a folder with IDX files, got no/such/folder
    """
    folder = as_path(path)
    if not folder.is_dir():
        raise ValueError(f"path must be a folder with IDX files, got {path}")
    split = as_choice(split, tuple(PREFIXES), "split")
    images_file = _find(folder, f"{PREFIXES[split]}-images", 3)
    labels_file = _find(folder, f"{PREFIXES[split]}-labels", 1)
    images, y = read_idx(images_file, 3), read_idx(labels_file, 1)
    if len(images) != len(y):
        raise ValueError(
            f"{images_file} holds {len(images)} images but {labels_file} holds {len(y)} labels"
        )
    rows = np.arange(len(y))
    if digits is not None:
        wanted = np.unique(np.asarray(digits))
        absent = wanted[~np.isin(wanted, y)]
        if len(absent):
            raise ValueError(f"digits must be labels of {labels_file}, got {absent.tolist()}")
        rows = np.flatnonzero(np.isin(y, wanted))
    if limit is not None:
        rows = rows[: as_count(limit, "limit")]
    X = images[rows].reshape(len(rows), math.prod(images.shape[1:])) / 255.0
    info = {"image_shape": images.shape[1:], "split": split, "rows": rows}
    return Dataset(X, y[rows].astype(int), "mnist", info)


def read_idx(path, axes):
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path : str or path-like
        The file, gzipped or not.
    axes : int
        Number of axes it must have: 3 for images, 1 for labels.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    ValueError
        If the file is not such a file, its length is not what it announces, or it
        would unpack to more than 64 MiB and 200 times its size.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    Two zero bytes, the type 8, the number of axes, then the length of each
    axis in four bytes, big-endian, then the values.
    """
    start = 4 + 4 * axes
    with open_regular(path, "an IDX file") as packed:
        size = os.fstat(packed.fileno()).st_size
        zipped = packed.read(2) == b"\x1f\x8b"
        packed.seek(0)
        # At most what the header announces is unpacked, and one byte more.
        file = gzip.GzipFile(fileobj=packed) if zipped else packed
        try:
            head = file.read(start)
            shape = _shape(path, head, axes)
            announced = math.prod(shape)
            if zipped and announced > max(ROOM, RATIO * size):
                raise ValueError(
                    f"{path} would take {announced:,} bytes, {announced // size:,} times those of "
                    "the file; unpack it with gunzip"
                )
            found = None if zipped else size - start
            if zipped or found == announced:
                values = file.read(announced + 1)
                found = len(values)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is a damaged gzip file: {error}") from None
    if announced != found:
        more = " or more" if zipped and found > announced else ""
        raise ValueError(
            f"{path} is {'truncated' if found < announced else 'too long'}: its header "
            f"announces {shape}, {announced} bytes, but {found}{more} follow"
        )
    return np.frombuffer(values, np.uint8).reshape(shape)


def _shape(path, head, axes):
    """The lengths of the axes that the header of a file announces."""
    if head[:4] != bytes([0, 0, 8, axes]):
        raise ValueError(
            f"{path} must be an IDX file of bytes with {axes} axes, which begins with "
            f"0000080{axes}, got {head[:4].hex() or 'an empty file'}"
        )
    if len(head) < 4 + 4 * axes:
        raise ValueError(f"{path} is truncated: it ends inside its header")
    return tuple(int(n) for n in np.frombuffer(head, ">u4", axes, offset=4))


def _find(folder, stem, axes):
    names = [f"{stem}{joint}idx{axes}-ubyte{end}" for joint in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{folder} must hold {names[0]} (gzipped or not), no such file there")
