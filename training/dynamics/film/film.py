"""Films of training: GIF by Pillow, MP4 by ffmpeg, never larger than wanted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geomcore.arrays import as_count, as_positive
from geomcore.display.lines import told_in_brief
from geomcore.display.palette import COLORS
from geomcore.foreign.files import as_new_file
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted
from geomcore.interop.extras import extra
from geomcore.interop.writing import replacing
from geomcore.typing import ArrayLike
from training.dynamics.film.gif import SAMPLES, Palette, encoded
from training.dynamics.film.scenes import scenes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geomcore.projection import Projection

KINDS = (".gif", ".mp4")
MOST_BYTES = 5_000_000
MOST_FPS = 50  # browsers play a GIF no faster
# Pictures are made smaller down to this size, then there are fewer.
SMALLEST, FEWEST = 0.6, 2
TRIES = 12
QUALITIES = (23, 28, 33, 38, 43)  # of MP4, from a usual one down


@told_in_brief
class Film(NamedTuple):
    """A film that was written; see `film`.

    Attributes
    ----------
    path : Path
    frames : int
        How many pictures it has.
    lost : int
        Frames that are left out, as something in them is larger than any float.
    width, height : int
        In pixels.
    bytes : int
    alt : str
        What is to be seen, for those who do not see it.
    """

    path: Path
    frames: int
    lost: int
    width: int
    height: int
    bytes: int
    alt: str


@answers_keywords
def film(
    frames: Sequence[Any],
    X: ArrayLike,
    y: ArrayLike,
    path: Path,
    *,
    layers: Sequence[int] | None = None,
    projection: Projection | None = None,
    title: str = "",
    fps: float = 20,
    most_bytes: int = MOST_BYTES,
    rtol: float | None = None,
    progress: Callable[..., object] | None = None,
) -> Film:
    """Film how the layers of a network truncate the data while it is trained.

    One panel for each hidden layer: the truncated points before it (small) and after it, its
    base point, the edges of its cone (solid) and those of the opposite cone, which it collapses
    (dotted). Below, how much of each class is in which cone, over all frames. Axes and colours
    are the same from the first to the last frame.

    Parameters
    ----------
    frames : sequence
        With ``step``, ``loss`` and ``network``, such as `FilmReel.frames` or `LossLadder.rungs`
        give; the networks are ReLU networks of one shape, with a hidden layer.
    X : array_like, shape (N, d_0)
        Points to follow; of more than 2,000 that many are drawn, and all are counted.
    y : array_like, shape (N,) or (N, k)
        Their labels, or targets, whose distinct rows are the classes.
    path : path-like
        Ends in .gif, or in .mp4, which needs the package imageio-ffmpeg.
    layers : sequence of int, optional
        The hidden layers to be shown, from 1; at most 12. Default all, of more than
        12 evenly chosen ones.
    projection : Projection to 2 coordinates, optional
        Default: none up to d_0 = 2, a view on all three coordinates for d_0 = 3, and the
        principal plane of `X` beyond; always the same for all frames and layers.
    title : str, optional
        Stands before step and loss.
    fps : float, optional
        Frames in a second, at most 50.
    most_bytes : int, optional
        The file is no larger: if it would be, its pictures are made smaller, and then fewer.
    rtol : float, optional
        As in `geomcore.truncation_map`.
    progress : callable, optional
        Called with the number of pictures that are done and of all.

    Returns
    -------
    Film

    Raises
    ------
    ValueError
        If an argument does not fit, all networks overflow, or even two small pictures are larger
        than `most_bytes`.
    ImportError
        If imageio-ffmpeg is needed and not there, or finds no ffmpeg.

    See Also
    --------
    film_strip : four moments of the same, as a figure.

    Notes
    -----
    Where the cumulative weights of a layer have dependent rows, as is the rule in trained networks,
    it has no cone: rank and defect stand above each panel, no edges are drawn, and the
    base point is grey. Frames in which something is larger than any float are left out.
    Points that leave the picture, which is at most four times as wide as the data, are counted.
    Each frame costs as much as `geomcore.truncation_defects`.

    Examples
    --------
    >>> import tempfile
    >>> from geomcore import ReLUNetwork
    >>> from training import FilmReel, train
    >>> net = ReLUNetwork([[[1.0]], [[1.0]]], [[-1.0], [0.0]])
    >>> reel, X, y = FilmReel(frames=5), [[0.0], [3.0]], [0, 1]
    >>> done = train(net, X, [[0.0], [1.0]], steps=100, record=1, callbacks=reel)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = film(reel.frames(), X, y, f"{folder}/unit.gif")
    >>> made.frames, made.bytes < 5_000_000
    (5, True)
    """
    path = as_new_file(path)
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise ValueError(f"path must end in {' or '.join(KINDS)}, got {path.name!r}")
    if kind == ".mp4":
        _ffmpeg()
    fps, most_bytes = as_positive(fps, "fps"), as_count(most_bytes, "most_bytes")
    if fps > MOST_FPS:
        raise ValueError(f"fps must be at most {MOST_FPS}, got {fps:g}")
    if not isinstance(title, str):
        raise ValueError(f"title must be a str, got {type(title).__name__}")
    scenes = scenes_of(frames, X, y, layers=layers, projection=projection, rtol=rtol)
    make = _gif if kind == ".gif" else _mp4
    data, count, shape = make(scenes, title, fps, most_bytes, progress)
    with replacing(path) as file:
        file.write(data)
    return Film(path, count, scenes.lost, shape[1], shape[0], len(data), in_words(scenes))


@answers_keywords
def film_strip(
    frames: Sequence[Any],
    X: ArrayLike,
    y: ArrayLike,
    *,
    layers: Sequence[int] | None = None,
    projection: Projection | None = None,
    title: str = "",
    rtol: float | None = None,
) -> Figure:
    """Draw four moments of a film beside each other: first, quarter, half and last.

    Parameters
    ----------
    frames, X, y, layers, projection, title, rtol : optional
        As for `film`.

    Returns
    -------
    matplotlib Figure
        A column for each moment, a row for each layer.

    Raises
    ------
    ValueError
        If an argument does not fit, or all networks overflow.
    """
    from training.dynamics.film.plot_frames import strip_of

    scenes = scenes_of(frames, X, y, layers=layers, projection=projection, rtol=rtol)
    return strip_of(scenes, title)


def can_make_mp4():
    """Whether `film` makes MP4 here."""
    try:
        _ffmpeg()
    except ImportError:
        return False
    return True


def in_words(scenes):
    """What a film shows, for those who do not see it."""
    first, last = scenes.frames[0], scenes.frames[-1]
    told = []
    for at, layer in enumerate(scenes.layers.tolist()):
        classes = ", ".join(
            f"{label} from {a:.0%} to {b:.0%}"
            for label, a, b in zip(
                scenes.labels.classes[:8].tolist(),
                first.backward[at],
                last.backward[at],
                strict=False,
            )
        )
        width = scenes.widths[layer]
        cone = "" if last.rank[at] == width else f" (no cone: rank {last.rank[at]} of {width})"
        told.append(f"layer {layer}{cone} collapses of class {classes}")
    ends = [f"step {scene.step:,} (loss {scene.loss:.1e})" for scene in (first, last)]
    return f"{counted(len(scenes.frames), 'frame')} from {' to '.join(ends)}; {'; '.join(told)}"


def _drawn(scenes, title, scale, shown, progress):
    """Yield the pixels of the frames with these numbers."""
    from training.dynamics.film.plot_frames import Stage

    stage = Stage(scenes, title, scale=scale)
    for done, i in enumerate(shown, start=1):
        yield stage.pixels(i)
        if progress is not None:
            progress(done, len(shown))


def _gif(scenes, title, fps, most_bytes, progress):
    """Bytes, number of pictures and shape of a GIF that is small enough."""
    count, scale, size = len(scenes.frames), 1.0, np.inf
    for _ in range(TRIES):
        shown = np.unique(np.linspace(0, len(scenes.frames) - 1, count).round().astype(int))
        samples = shown[np.linspace(0, len(shown) - 1, min(SAMPLES, len(shown))).astype(int)]
        palette = Palette(list(_drawn(scenes, title, scale, samples, None)), ["#FFFFFF", *COLORS])
        pictures = [palette(p) for p in _drawn(scenes, title, scale, shown, progress)]
        # Hundredths of a second are all that a GIF knows.
        milliseconds = max(20, 10 * round(100 / fps))
        data = encoded(pictures, palette.colors, milliseconds=milliseconds)
        if len(data) <= most_bytes:
            return data, len(pictures), pictures[0].shape
        size, over = len(data), most_bytes / len(data)
        if scale > SMALLEST:
            # Bytes grow less than the area does.
            scale = max(SMALLEST, 0.95 * scale * over**0.7)
        elif count > FEWEST:
            count = max(FEWEST, int(0.9 * count * over))
        else:
            break
    raise ValueError(f"most_bytes must be at least {size:,} for this film, got {most_bytes:,}")


def _mp4(scenes, title, fps, most_bytes, progress):
    """Bytes, number of pictures and shape of an MP4 that is small enough."""
    ffmpeg, shown, least = _ffmpeg(), range(len(scenes.frames)), np.inf
    for quality in QUALITIES:
        pictures = (_even(pixels) for pixels in _drawn(scenes, title, 1.0, shown, progress))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "film.mp4"
            first = next(pictures)
            height, width = first.shape[:2]
            writer = ffmpeg.write_frames(
                file,
                (width, height),
                fps=fps,
                codec="libx264",
                quality=None,
                macro_block_size=2,
                output_params=["-crf", str(quality), "-movflags", "+faststart"],
            )
            writer.send(None)
            for pixels in chain([first], pictures):
                writer.send(pixels)
            writer.close()
            data = file.read_bytes()
        if len(data) <= most_bytes:
            return data, len(shown), (height, width)
        least = min(least, len(data))
    raise ValueError(f"most_bytes must be at least {least:,} for this film, got {most_bytes:,}")


def _ffmpeg():
    """The package imageio-ffmpeg, with a program that it finds; ImportError without."""
    ffmpeg = extra("imageio_ffmpeg")
    try:
        ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise ImportError(f"imageio-ffmpeg needs the program ffmpeg: {error}") from None
    return ffmpeg


def _even(pixels):
    """Pixels with even height and width: MP4 stores colours for squares of four."""
    height, width = (length // 2 * 2 for length in pixels.shape[:2])
    return np.ascontiguousarray(pixels[:height, :width])
