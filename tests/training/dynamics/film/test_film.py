"""Films as files: their size, their pictures, and what is refused."""

import sys
import types

import numpy as np
import pytest
from builders import random_network, random_points, random_start
from PIL import Image

from training import Adam, FilmReel, LossLadder, film, film_strip, train
from training.dynamics.film.film import can_make_mp4
from training.dynamics.film.reel import Frame

X, Y = random_points(60, 2), np.arange(60) % 3


@pytest.fixture(scope="module")
def frames():
    reel = FilmReel(frames=12)
    train(
        random_start((2, 2, 2, 3)), X, Y, optimizer=Adam(0.02), steps=60, record=1, callbacks=reel
    )
    return reel.frames()


@pytest.fixture(scope="module")
def noise():
    """Arguments of a film whose frames have nothing in common, so that it is hard to compress."""
    rng = np.random.default_rng(0)
    nets = [random_network((2, 2, 3), rng) for _ in range(5)]
    frames = [Frame(i, 1.0, net) for i, net in enumerate(nets)]
    return frames, rng.normal(size=(400, 2)), rng.integers(5, size=400)


def test_a_film_is_a_gif_that_pillow_reads(frames, tmp_path):
    told = []
    path = tmp_path / "run.GIF"
    made = film(frames, X, Y, path, fps=25, progress=lambda *done: told.append(done))
    with Image.open(path) as file:
        assert file.format == "GIF" and file.n_frames == made.frames == 12
        assert file.size == (made.width, made.height) and file.info["duration"] == 40
    assert made.bytes == path.stat().st_size < 5_000_000 and made.lost == 0
    assert told == [(i, 12) for i in range(1, 13)]
    assert "step 60" in made.alt and "layer 2 collapses of class 0" in made.alt


def test_the_same_frames_give_the_same_bytes(frames, tmp_path):
    for name in ("a.gif", "b.gif"):
        film(frames, X, Y, tmp_path / name)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_rungs_of_a_ladder_are_frames(tmp_path):
    ladder = LossLadder([1e3, 0.7])
    train(random_start((2, 2, 3)), X, Y, steps=100, learning_rate=0.05, callbacks=ladder)
    assert film(ladder.rungs(), X, Y, tmp_path / "x.gif").frames == len(ladder.rungs()) > 0


@pytest.mark.slow
def test_a_film_is_no_larger_than_wanted_smaller_pictures_before_fewer(noise, tmp_path):
    path = tmp_path / "x.gif"
    whole = film(*noise, path)
    made = {}
    for part in (1.0, 0.75, 0.45):
        made[part] = film(*noise, path, most_bytes=int(part * whole.bytes))
        assert made[part].bytes == path.stat().st_size <= part * whole.bytes
        with Image.open(path) as file:
            assert file.n_frames == made[part].frames >= 2
    assert made[1.0] == whole
    assert made[0.75].frames == whole.frames and made[0.75].width < whole.width
    assert made[0.45].frames < whole.frames


def test_what_cannot_be_so_small_is_refused_and_leaves_nothing(frames, tmp_path):
    with pytest.raises(ValueError, match=r"most_bytes must be at least [\d,]+ for this film"):
        film(frames[:2], X, Y, tmp_path / "x.gif", most_bytes=1000)
    assert not list(tmp_path.iterdir())


def test_one_frame_is_a_film(frames, tmp_path):
    assert film(frames[:1], X, Y, tmp_path / "x.gif").frames == 1
    assert len(film_strip(frames[:1], X, Y).axes) == 8


def test_frames_that_overflow_are_told(frames, tmp_path):
    net = frames[0].network
    huge = Frame(99, np.inf, net.rebuild([1e200 * p for p in net.tensors]))
    made = film([*frames, huge], X, Y, tmp_path / "x.gif")
    assert made.lost == 1 and made.frames == 12


def test_a_film_is_an_mp4_where_ffmpeg_is_there(frames, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    import imageio_ffmpeg

    made = film(frames, X, Y, tmp_path / "x.mp4")
    assert made.bytes == (tmp_path / "x.mp4").stat().st_size < 5_000_000
    reader = imageio_ffmpeg.read_frames(tmp_path / "x.mp4")
    about = next(reader)
    assert about["codec"] == "h264" and tuple(about["size"]) == (made.width, made.height)
    assert about["pix_fmt"].startswith("yuv420p") and sum(1 for _ in reader) == 12
    assert made.bytes > 10_000
    with pytest.raises(ValueError, match="most_bytes must be at least"):
        film(frames, X, Y, tmp_path / "y.mp4", most_bytes=1000)
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]


def test_without_ffmpeg_the_package_is_named(frames, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match="pip install imageio"):
        film(frames, X, Y, tmp_path / "x.mp4")


def test_a_package_that_finds_no_program_is_as_good_as_none(frames, tmp_path, monkeypatch):
    def get_ffmpeg_exe():
        raise RuntimeError("no ffmpeg exe could be found")

    package = types.SimpleNamespace(get_ffmpeg_exe=get_ffmpeg_exe)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", package)
    assert not can_make_mp4()
    with pytest.raises(ImportError, match="imageio-ffmpeg needs the program ffmpeg: no ffmpeg"):
        film(frames, X, Y, tmp_path / "x.mp4")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"path": "x.avi"}, "path must end in .gif or .mp4"),
        ({"path": "no/x.gif"}, "path must be a file in an existing folder"),
        ({"path": 3}, "path must be a str or path-like"),
        ({"fps": 0}, "fps must be"),
        ({"fps": 1000}, "fps must be at most 50"),
        ({"most_bytes": 0}, "most_bytes must be"),
        ({"title": 3}, "title must be a str"),
        ({"frames": []}, "frames must be a list"),
    ],
)
def test_wrong_arguments_are_refused(frames, tmp_path, monkeypatch, change, reason):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=reason):
        film(**({"frames": frames, "X": X, "y": Y, "path": "x.gif"} | change))
    assert not list(tmp_path.iterdir())
