"""Patches: places, pixels, and what whitening leaves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore.datasets import patches

RAMP = np.arange(30.0).reshape(5, 6)
SMOOTH = np.random.default_rng(1).standard_normal((60, 70)).cumsum(axis=0).cumsum(axis=1)

# By hand


def test_patches_are_what_stands_at_their_places():
    data = patches([RAMP, 100 + RAMP[:3]], size=3, count=16, whiten="none", rng=0)
    images = [RAMP, 100 + RAMP[:3]]
    # 3 x 4 places in the first image, 1 x 4 in the second, each of them once
    assert len(np.unique(data.info["places"], axis=0)) == 16
    for x, label, (i, row, column) in zip(data.X, data.y, data.info["places"], strict=True):
        assert label == f"image {i}"
        assert (x == images[i][row : row + 3, column : column + 3].ravel()).all()


def test_a_patch_may_be_a_pixel_or_the_whole_image():
    assert sorted(patches(RAMP, size=1, count=30, whiten="none").X[:, 0]) == [*range(30)]
    assert (patches(RAMP[:, :5], size=5, count=1, whiten="none").X == RAMP[:, :5].ravel()).all()


def test_an_image_without_room_for_a_patch_gives_none():
    data = patches([RAMP[:2], RAMP, RAMP[:, :1]], size=3, count=12, whiten="none", rng=0)
    assert set(data.y) == {"image 1"}


def test_the_two_photographs_are_there():
    data = patches(count=4000, whiten="none", rng=0)
    assert data.info["images"] == ["china.jpg", "flower.jpg"] and data.info["skipped"] == []
    assert data.X.min() >= 0 and data.X.max() <= 1 and data.X.shape == (4000, 64)
    # both are as large: a patch is as likely to be of either
    assert abs((data.y == "china.jpg").mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)


def test_patches_of_more_contrast_are_kept():
    image = np.zeros((6, 12))
    image[:, ::2] = np.arange(6)  # columns 1, 3, ... are 0
    all_ = patches([image], size=2, count=55, whiten="none", rng=3)
    most = patches([image], size=2, count=11, keep=0.2, whiten="none", rng=3)
    least = np.sort(all_.X.std(axis=1))[-11]
    assert (most.X.std(axis=1) >= least).all() and len(most.X) == len(most.y) == 11
    for x, (_, row, column) in zip(most.X, most.info["places"], strict=True):
        assert (x == image[row : row + 2, column : column + 2].ravel()).all()


# Laws


@pytest.mark.parametrize(("floor", "images"), [(0.0, [SMOOTH]), (0.01, "sklearn"), (0.2, [SMOOTH])])
def test_the_covariance_is_the_identity_on_the_directions_that_are_kept(floor, images):
    data = patches(images, size=5, count=2000, floor=floor, rng=2)
    found = data.info["whitening"]
    C, V, k = data.X.T @ data.X / len(data.X), found.axes, found.kept
    values = found.eigenvalues
    expected = np.where(values > 0, values, 0) / np.maximum(values, max(floor * values[0], 1e-30))
    assert np.allclose(V @ C @ V.T, np.diag(expected), atol=1e-8)
    assert np.allclose(expected[:k], 1, rtol=1e-12) and (expected[k:] < 1).all()
    assert 0 < k <= 24 and np.abs(data.X.mean(axis=0)).max() < 1e-10
    assert np.abs(data.X.sum(axis=1)).max() < 1e-9  # the mean of a patch is no direction


def test_whitened_patches_go_back_to_pixels():
    raw = patches(count=300, size=6, whiten="none", rng=5).X
    data = patches(count=300, size=6, whiten="zca", rng=5)
    back = data.info["whitening"].back(data.X)
    assert np.allclose(back, raw - raw.mean(axis=1, keepdims=True), atol=1e-10)


def test_filtered_patches_have_size_1():
    data = patches(count=3000, whiten="filter", rng=0)
    assert np.mean(data.X**2) == pytest.approx(1, rel=1e-12) and data.info["scale"] > 0


@pytest.mark.parametrize("whiten", ["zca", "filter"])
@pytest.mark.parametrize("scale", [1e-300, 1e-5, 1e300])
def test_the_scale_and_the_brightness_of_images_do_not_matter(whiten, scale):
    one = patches([SMOOTH], size=4, count=500, whiten=whiten, rng=0).X
    other = patches([SMOOTH * scale], size=4, count=500, whiten=whiten, rng=0).X
    assert np.allclose(one, other, atol=1e-6)
    moved = patches([SMOOTH + 1e4], size=4, count=500, whiten=whiten, rng=0).X
    assert np.allclose(one, moved, atol=1e-3)


def test_the_largest_numbers_do_not_overflow():
    image = np.where(np.add.outer(range(9), range(9)) % 2, 4e307, -4e307)
    image[4] = 0
    for whiten in ("zca", "filter"):
        assert np.isfinite(patches([image], size=3, count=20, whiten=whiten, rng=0).X).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_every_place_is_drawn_once_when_as_many_are_asked_for(high, wide, size, seed):
    image = np.arange(float(high * wide)).reshape(high, wide)
    room = max(0, high - size + 1) * max(0, wide - size + 1)
    if not room:
        with pytest.raises(ValueError, match="size must fit"):
            patches([image], size=size, count=1)
        return
    data = patches([image], size=size, count=room, whiten="none", rng=seed)
    assert sorted(data.X[:, 0]) == sorted(image[: high - size + 1, : wide - size + 1].ravel())


def test_the_same_seed_gives_the_same_patches():
    one, other = (patches(count=50, rng=7) for _ in range(2))
    assert (one.X == other.X).all() and (patches(count=50, rng=8).X != one.X).any()


# Bad input


@pytest.mark.parametrize("whiten", ["zca", "filter"])
@pytest.mark.parametrize("level", [0.1, 1 / 3, 1e-300, 7e200])
def test_rounding_is_not_whitened(whiten, level):
    with pytest.raises(ValueError, match="all that were cut out are flat"):
        patches([np.full((12, 11), level)], size=3, count=50, whiten=whiten, rng=0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"size": 428}, "size must fit the images, of at most 427 x 640 pixels, got 428"),
        (
            {"size": 427, "count": 215},
            "count / keep must be at most 428, the number of places of 427",
        ),
        (
            {"images": [np.eye(90)], "size": 90, "count": 1},
            "size must be at most 64 for whiten='zca', .* got 90",
        ),
        ({"keep": 1.5}, "keep must be at most 1, got 1.5"),
        ({"keep": 0}, "keep must be a positive number"),
        ({"keep": 1e-300}, "count / keep must be at most"),
        ({"whiten": "zac"}, "did you mean 'zca'"),
        ({"floor": 1.5}, "floor must be a finite number, at least 0 and at most 1, got 1.5"),
        ({"cutoff": 0}, "cutoff must be a positive number"),
        ({"images": [np.ones((9, 9))], "size": 2, "count": 9}, "all that were cut out are flat"),
        ({"images": [RAMP], "size": 3, "count": 1}, "all that were cut out are flat"),
        (
            {"images": [np.zeros((9, 9))], "size": 2, "count": 9, "whiten": "filter"},
            "all that were cut out are flat",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(given, told):
    if given.get("size") == 427:
        given = given | {"count": 429}
    with pytest.raises(ValueError, match=told):
        patches(**given)
