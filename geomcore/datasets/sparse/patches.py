"""Square patches of photographs, whitened: what sparse coding is tried on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from geomcore.arrays import as_count, as_number, as_positive, as_rng
from geomcore.datasets.dataset import Dataset
from geomcore.datasets.sparse.photographs import photographs
from geomcore.datasets.sparse.whitening import filtered, zca
from geomcore.foreign.choices import as_choice
from geomcore.foreign.keywords import answers_keywords
from geomcore.typing import ArrayLike, Path, Seed

ROUNDING = 1e-13  # of pixels of size 1; contrast below it is none
WHITENINGS = ("zca", "filter", "none")
LARGEST = 64  # size of patches for "zca", whose matrices have size² rows


@answers_keywords
def patches(
    images: Path | Sequence[ArrayLike] = "sklearn",
    *,
    size: int = 8,
    count: int = 10_000,
    keep: float = 1.0,
    whiten: Literal["zca", "filter", "none"] = "zca",
    floor: float = 0.01,
    cutoff: float = 0.4,
    rng: Seed = None,
) -> Dataset:
    r"""Cut whitened square patches out of grey images.

    Parameters
    ----------
    images : "sklearn", str, path-like, or sequence of array_like, shapes (h, w, ...), optional
        The two photographs that scikit-learn bundles; a folder, whose images Pillow reads (sub-
        folders are left alone); or arrays of shape (h, w), (h, w, 3) or (h, w, 4), grey or red,
        green, blue (opacity is left out). Colours become grey by ITU-R BT.601.
    size : int, optional
        Height and width of a patch, in pixels; for "zca" at most 64.
    count : int, optional
        Number of patches N. All places where a patch fits are equally likely; none is taken twice.
    keep : float, optional
        Above 0, at most 1: N/keep patches are cut out, and the N whose pixels have the largest
        standard deviation (after the filter, if there is one) are kept: sky and blurred ground
        have hardly anything to code.
    whiten : {"zca", "filter", "none"}, optional
        "zca": the mean of each patch is subtracted, then

        .. math:: x \mapsto \sum_k \max(\lambda_k, f \lambda_1)^{-1/2} v_k v_k^T (x - \bar x)

        with the eigenvalues :math:`\lambda_k > 0` and eigenvectors of the covariance of the
        patches. "filter": the images go through the filter :math:`f e^{-(f/f_0)^4}` of [1]_ (they
        count as periodic), and the patches are divided by the root mean square of their pixels.
        "none": pixels as they are, from 0 to 1 in files.
    floor : float, optional
        The f of "zca", from 0 to 1: directions that vary less than this part of the largest
        variance are not blown up to variance 1.
    cutoff : float, optional
        The :math:`f_0` of "filter", in cycles per pixel.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Dataset
        `X` (N, size²); `y`, the name of the image that each patch is of. ``info``:
        ``image_shape``; ``places`` (N, 3), image, row and column; ``images``, the names;
        ``skipped``, files that could not be read; ``whiten``; for "zca" ``whitening``, a
        `geomcore.datasets.sparse.whitening.Whitening`, for "filter" ``scale``, what the patches
        were divided by.

    Raises
    ------
    ValueError
        If there is no image, or none so large; if `size` is above 64 for "zca"; if there are fewer
        places than `count`; if there is nothing to whiten in the patches, for they are all flat,
        or one alone; or if Pillow is missing and `images` is a folder.

    Notes
    -----
    After "zca" the covariance is the identity on the span of the eigenvectors with
    :math:`\lambda_k \ge f \lambda_1`, at most size² - 1 of them since patches have mean 0.

    References
    ----------
    .. [1] B. A. Olshausen, D. J. Field, "Sparse coding with an overcomplete basis set: a strategy
       employed by V1?", Vision Research 37 (1997), section 3.1.

    Examples
    --------
    >>> data = patches(count=500, rng=0)
    >>> data, data.info["image_shape"], data.info["whitening"].kept
    (Dataset('patches', N=500, d=64, classes=2), (8, 8), 48)
    """
    size, count = as_count(size, "size"), as_count(count, "count")
    whiten = as_choice(whiten, WHITENINGS, "whiten")
    floor, cutoff = as_number(floor, "floor", 0.0, 1.0), as_positive(cutoff, "cutoff")
    keep = as_positive(keep, "keep")
    if keep > 1:
        raise ValueError(f"keep must be at most 1, got {keep:g}")
    rng = as_rng(rng)
    found = photographs(images)
    places = _places(found.shapes, size, _drawn(count, keep), rng)
    if whiten == "zca" and size > LARGEST:
        raise ValueError(
            f"size must be at most {LARGEST} for whiten='zca', whose matrices have size² rows and "
            f"columns, got {size}; whiten='filter' and 'none' have no such limit"
        )
    X, exponents = np.empty((len(places), size * size)), np.zeros(len(places), int)
    for i in np.unique(places[:, 0]):
        own = np.flatnonzero(places[:, 0] == i)
        image = found.image(i)
        if whiten != "none":
            # Numbers of size 1 for now, so that sums and squares do not overflow.
            exponents[own] = np.frexp(np.abs(image).max())[1]
            image = np.ldexp(image, -exponents[own[0]])
        if whiten == "filter":
            image = filtered(image, cutoff)
        windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
        X[own] = windows[places[own, 1], places[own, 2]].reshape(len(own), -1)
    exponent = exponents.max()
    X = np.ldexp(X, (exponents - exponent)[:, None])
    if len(X) > count:
        # In the order in which they were drawn.
        kept = np.sort(np.argsort(-X.std(axis=1), kind="stable")[:count])
        X, places = X[kept], places[kept]
    info = {
        "image_shape": (size, size),
        "places": places,
        "images": found.names,
        "skipped": found.skipped,
        "whiten": whiten,
    }
    if whiten == "zca":
        X -= X.mean(axis=1, keepdims=True)
        whitening = zca(X, floor) if np.abs(X).max() > ROUNDING else None
        _check_varied(whitening is not None)
        X, info["whitening"] = whitening(X), whitening.scaled(exponent)
    elif whiten == "filter":
        scale = float(np.sqrt(np.mean(X**2)))
        _check_varied(scale > ROUNDING)
        X, info["scale"] = X / scale, float(np.ldexp(scale, exponent))
    return Dataset(X, np.array(found.names)[places[:, 0]], "patches", info)


def _drawn(count, keep):
    """How many patches are cut out; a number that no images have where it would be too large."""
    return min(int(np.ceil(min(count / keep, 2.0**53))), 2**53)


def _places(shapes, size, count, rng):
    """Image, row and column of the upper left corners of patches, shape (count, 3)."""
    shapes = np.array(shapes)
    room = np.maximum(shapes - size + 1, 0)
    numbers = room.prod(axis=1)
    ends = np.cumsum(numbers)
    if not ends[-1]:
        high, wide = shapes.max(axis=0)
        raise ValueError(f"size must fit the images, of at most {high} x {wide} pixels, got {size}")
    if count > ends[-1]:
        raise ValueError(
            f"count / keep must be at most {ends[-1]:,}, the number of places of {size} x {size} "
            f"pixels in the images, got {count:,}"
        )
    drawn = rng.choice(ends[-1], count, replace=False)
    image = np.searchsorted(ends, drawn, side="right")
    row, column = np.divmod(drawn - (ends - numbers)[image], room[image, 1])
    return np.column_stack([image, row, column])


def _check_varied(is_varied):
    if not is_varied:
        raise ValueError("images must hold patches that differ, all that were cut out are flat")
