"""GIF files, read back by Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from training.dynamics.film.gif import HOLD, Palette, encoded


def pictures(rng, n=6, shape=(20, 30)):
    """White pictures with some dots of blue and red, and rims of any colour."""
    made = np.full((n, *shape, 3), 255, np.uint8)
    for i, picture in enumerate(made):
        picture[i : i + 3, 2:9] = (0, 114, 178)
        picture[10, 3 * i] = (213, 94, 0)
        picture[15, :9] = rng.integers(0, 256, (9, 3))
    return list(made)


def shown(data):
    """The pictures of a GIF as colours, and how long each stays."""
    file = Image.open(io.BytesIO(data))
    found, times = [], []
    for i in range(file.n_frames):
        file.seek(i)
        found.append(np.asarray(file.convert("RGB")))
        times.append(file.info["duration"])
    return found, times, file


def test_what_is_read_back_is_what_was_drawn():
    made = pictures(np.random.default_rng(0))
    palette = Palette(made, ["#FFFFFF"])
    numbers = [palette(p) for p in made]
    found, times, file = shown(encoded(numbers, palette.colors, milliseconds=40))
    for one, other in zip(numbers, found, strict=True):
        np.testing.assert_array_equal(palette.colors[one], other)
    assert times == [40] * 5 + [40 + HOLD] and file.info["loop"] == 0


def test_wanted_and_frequent_colours_stay_and_others_are_near():
    made = pictures(np.random.default_rng(1))
    palette = Palette(made, ["#D55E00"], count=16)
    assert len(palette.colors) == 16
    for picture in made:
        seen = palette.colors[palette(picture)]
        for color in ((255, 255, 255), (0, 114, 178), (213, 94, 0)):
            at = (picture == color).all(axis=2)
            assert at.any() and (seen[at] == color).all()


def test_of_colours_that_are_looked_up_together_the_frequent_one_stays():
    picture = np.full((20, 20, 3), (0, 112, 176), np.uint8)
    picture[0, :3] = (3, 115, 179)  # the middle of the cell
    palette = Palette([picture], [])
    assert len(palette.colors) == 2
    assert (palette.colors[palette(picture)] == (0, 112, 176)).all()


def test_colours_are_those_that_are_nearest():
    rng = np.random.default_rng(2)
    made = [rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)]
    palette = Palette(made, [], count=30)
    colors = rng.integers(0, 256, (1, 500, 3))
    far = np.linalg.norm(palette.colors[palette(colors)] - colors, axis=-1)
    least = np.linalg.norm(colors[0][:, None] - palette.colors, axis=-1).min(axis=1)
    assert (far[0] <= least + 2 * np.sqrt(3) * 4).all()  # a cell is 8 wide


@pytest.mark.parametrize("count", [1, 2])
def test_one_picture_and_equal_ones_are_films(count):
    made = pictures(np.random.default_rng(0))[:1] * count
    palette = Palette(made, [])
    data = encoded([palette(p) for p in made], palette.colors, milliseconds=50)
    found, times, _ = shown(data)
    assert len(found) == 1 and sum(times) == 50 * count + HOLD
