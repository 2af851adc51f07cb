"""Photographs as grey images: those that scikit-learn bundles, a folder, or arrays."""

from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_array
from geomcore.foreign.files import as_path
from geomcore.foreign.wording import counted, quoted

BUNDLED = "sklearn"
LUMA = np.array([0.299, 0.587, 0.114])  # of red, green, blue, ITU-R BT.601
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
DEEP = ("I;16", "I;16B", "I;16L", "I;16N")  # Pillow's names of 16 bits a pixel


class Photographs(NamedTuple):
    """Grey images, of which one at a time is in memory unless they were given as arrays.

    Attributes
    ----------
    names : list of str
    shapes : list of (int, int)
    skipped : list of str
        Files of a folder that are named like images and cannot be read.
    sources : list
        Paths or arrays.
    """

    names: list
    shapes: list
    skipped: list
    sources: list

    def image(self, i):
        """Image number `i`, floats of shape ``shapes[i]``."""
        source = self.sources[i]
        return source if isinstance(source, np.ndarray) else _read(source)


def photographs(images):
    """Find images.

    Parameters
    ----------
    images : "sklearn", str, path-like, or sequence of array_like
        As in `geomcore.datasets.patches`.

    Returns
    -------
    Photographs

    Raises
    ------
    ValueError
        If there is no image, or an array is none.
    """
    if isinstance(images, str) and images == BUNDLED:
        return _bundled()
    if isinstance(images, list | tuple | np.ndarray):
        return _given([images] if isinstance(images, np.ndarray) else images)
    return _folder(images)


def grey(image, name="images"):
    """A grey or coloured image, (h, w) or (h, w, 3 or 4), as floats of shape (h, w).

    A fourth channel, opacity, is left out.

    Examples
    --------
    >>> grey([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    array([[0.299, 0.587]])
    """
    dims = np.ndim(image)
    if dims not in (2, 3) or (dims == 3 and np.shape(image)[2] not in (3, 4)):
        raise ValueError(
            f"{name} must hold arrays of shape (h, w), (h, w, 3) or (h, w, 4), "
            f"got shape {np.shape(image)}"
        )
    array = as_array(image, name, dims).astype(float)
    return array if dims == 2 else array[..., :3] @ LUMA


def _given(images):
    if not images:
        raise ValueError("images must hold at least one image, got none")
    arrays = []
    for i, image in enumerate(images):
        if not isinstance(image, list | tuple | np.ndarray):
            raise ValueError(
                "images must be 'sklearn', a folder, or arrays of pixels, "
                f"got a list of {type(image).__name__}"
            )
        try:
            arrays.append(grey(image, f"images[{i}]"))
        except ValueError as error:
            # NumPy's words on rows of several lengths are not ours.
            told = str(error) if "images" in str(error) else f"images[{i}] must be rectangular"
            raise ValueError(told) from None
    names = [f"image {i}" for i in range(len(arrays))]
    return Photographs(names, [a.shape for a in arrays], [], arrays)


def _bundled():
    from sklearn.datasets import load_sample_images

    raw = load_sample_images()
    arrays = [grey(image / 255.0) for image in raw.images]
    names = [name.replace("\\", "/").rpartition("/")[2] for name in raw.filenames]
    return Photographs(names, [a.shape for a in arrays], [], arrays)


def _folder(images):
    try:
        folder = as_path(images, "images")
    except ValueError:
        folder = None
    if folder is None or not folder.is_dir():
        raise ValueError(
            f"images must be 'sklearn', a folder, or arrays of pixels, got {quoted(images)}"
        )
    if find_spec("PIL") is None:
        raise ValueError(
            "images of a folder are read by Pillow, which is missing: pip install pillow"
        )
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    read, shapes, skipped = [], [], []
    for path in files:
        try:
            shapes.append(_read(path).shape)
        except (OSError, ValueError, SyntaxError) as error:
            skipped.append(f"{path.name}: {error}")
        else:
            read.append(path)
    if not read:
        found = f"{counted(len(files), 'file')} named like images, none readable" if files else ""
        told = found or f"no file that ends in {', '.join(SUFFIXES)}"
        raise ValueError(f"images must be a folder with images, {folder} holds {told}")
    return Photographs([p.name for p in read], shapes, skipped, read)


def _read(path):
    """The grey values of a file, from 0 to 1 where its format has a largest one."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode in DEEP:
                return np.asarray(image, dtype=float) / (2**16 - 1)
            if image.mode in ("I", "F"):
                return grey(np.asarray(image, dtype=float), path.name)
            return grey(np.asarray(image.convert("RGB")) / 255.0, path.name)
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from None
