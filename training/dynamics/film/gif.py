"""GIF files of pictures with few colours, by Pillow."""

import io

import numpy as np

COLORS = 128
SAMPLES = 8  # pictures from which the colours are taken
HOLD = 1500  # milliseconds that the last picture stays
BITS = 5  # of each of red, green and blue that a colour is looked up by


class Palette:
    """The colours of a film: the most frequent ones, and the nearest of them for each other.

    Parameters
    ----------
    pictures : list of ndarray, each of shape (height, width, 3)
        Whole numbers up to 255.
    wanted : sequence of str
        Colours such as "#0072B2" that stay as they are.
    count : int
        How many colours there are, at most 255.

    Notes
    -----
    Pictures of lines and markers have few colours but for the rims of these, so that nothing is to
    be seen of the loss; a colour is the same in every picture, which it is not where each
    has colours of its own.
    """

    def __init__(self, pictures, wanted, *, count=COLORS):
        codes, times = np.unique(
            np.concatenate([_code(p).ravel() for p in pictures]), return_counts=True
        )
        fixed = [int(color.removeprefix("#"), 16) for color in wanted]
        times[np.isin(codes, fixed)] = times.sum()
        chosen = codes[np.argsort(-times, kind="stable")[:count]]
        self.colors = _split(chosen)
        step = 2 ** (8 - BITS)
        cells = np.stack(np.meshgrid(*3 * [np.arange(2**BITS)], indexing="ij"), axis=-1)
        middles = (cells.reshape(-1, 3) * step + (step - 1) / 2).astype(np.float32)
        colors = self.colors.astype(np.float32)
        far = (colors**2).sum(axis=1) - 2 * middles @ colors.T
        self._nearest = far.argmin(axis=1).astype(np.uint8)
        # The most frequent colour of a cell stands for all in it, so that it stays as it is.
        self._nearest[_cell(self.colors)[::-1]] = np.arange(len(chosen))[::-1]

    def __call__(self, picture):
        """Numbers of the colours of a picture, shape (height, width)."""
        return self._nearest[_cell(picture)]


def encoded(pictures, colors, *, milliseconds):
    """Return the bytes of a GIF that plays again and again.

    Parameters
    ----------
    pictures : iterable of ndarray, each of shape (height, width)
        Numbers of colours.
    colors : ndarray, shape (n, 3)
    milliseconds : int
        That each picture stays; the last one stays longer.

    Returns
    -------
    bytes
    """
    from PIL import Image

    def image(numbers):
        made = Image.fromarray(numbers)
        made.putpalette(colors.astype(np.uint8).tobytes())
        return made

    images = [image(numbers) for numbers in pictures]
    file = io.BytesIO()
    images[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=[milliseconds] * (len(images) - 1) + [milliseconds + HOLD],
        loop=0,
        optimize=True,  # what stays as it was is left out
    )
    return file.getvalue()


def _code(picture):
    """Colours as whole numbers."""
    red, green, blue = np.moveaxis(picture.astype(np.int64), -1, 0)
    return (red << 16) | (green << 8) | blue


def _split(codes):
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)


def _cell(colors):
    red, green, blue = np.moveaxis(np.asarray(colors) >> (8 - BITS), -1, 0)
    return (red.astype(np.intp) << (2 * BITS)) | (green.astype(np.intp) << BITS) | blue
