"""Images of others: folders with all sorts of files, arrays of all sorts."""

import sys

import numpy as np
import pytest
from PIL import Image

from geomcore.datasets import patches
from geomcore.datasets.sparse.photographs import grey, photographs

PIXELS = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5

# By hand


def test_files_of_a_folder_are_read_as_grey_from_0_to_1(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "b.png")
    Image.fromarray(np.dstack([PIXELS] * 3)).save(tmp_path / "a.bmp")
    Image.fromarray(PIXELS.astype(np.uint16) * 257).save(tmp_path / "deep.TIFF")
    Image.fromarray(PIXELS.astype(np.float32)).save(tmp_path / "f.tif")
    rgba = np.dstack([PIXELS, PIXELS * 0, PIXELS * 0, PIXELS])
    Image.fromarray(rgba).save(tmp_path / "red.png")
    found = photographs(tmp_path)
    assert found.names == ["a.bmp", "b.png", "deep.TIFF", "f.tif", "red.png"]
    assert found.shapes == [(6, 8)] * 5 and not found.skipped
    for i in range(3):
        assert np.allclose(found.image(i), PIXELS / 255, atol=1e-12)
    assert np.allclose(found.image(3), PIXELS)
    assert np.allclose(found.image(4), 0.299 * PIXELS / 255)


def test_what_is_no_image_is_skipped_and_told(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "good.png")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "notes.txt").write_text("not looked at")
    (tmp_path / "folder.png").mkdir()
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    data = patches(str(tmp_path), size=2, count=30, whiten="none", rng=0)
    assert data.info["images"] == ["good.png"]
    assert [told.split(":")[0] for told in data.info["skipped"]] == ["cut.png", "text.png"]


def test_floats_that_are_not_finite_are_no_image(tmp_path):
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "nan.tif")
    with pytest.raises(ValueError, match="1 file named like images, none readable"):
        photographs(tmp_path)


def test_colours_become_grey_and_opacity_is_left_out():
    colours = np.random.default_rng(0).random((3, 5, 4))
    expected = 0.299 * colours[..., 0] + 0.587 * colours[..., 1] + 0.114 * colours[..., 2]
    assert np.allclose(grey(colours), expected) and np.allclose(grey(colours[..., :3]), expected)
    assert (grey(PIXELS) == PIXELS).all()


# Bad input


def test_a_folder_needs_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ValueError, match="Pillow, which is missing: pip install pillow"):
        patches(tmp_path)


@pytest.mark.parametrize(
    ("images", "told"),
    [
        ([], "at least one image"),
        ("no/such/folder", "images must be 'sklearn', a folder, or arrays"),
        (3, "images must be 'sklearn', a folder, or arrays"),
        (None, "images must be 'sklearn', a folder, or arrays"),
        ([3, 4], "got a list of int"),
        ([[1, 2], [3, 4]], r"images must hold arrays|images\[0\]"),
        (np.zeros(3), r"images\[0\] must hold arrays of shape"),
        (np.zeros((2, 2, 5)), r"images\[0\] must hold arrays of shape"),
        ([np.full((3, 3), np.inf)], r"images\[0\]"),
        ([np.zeros((3, 3)), [[1], [1, 2]]], r"images\[1\] must be"),
        ([np.array([["a"]])], r"images\[0\] must hold real numbers"),
    ],
)
def test_what_is_no_image_is_refused_in_a_sentence(images, told):
    with pytest.raises(ValueError, match=told) as caught:
        photographs(images)
    assert "\n" not in str(caught.value)


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no file that ends in \.png"):
        photographs(tmp_path)
