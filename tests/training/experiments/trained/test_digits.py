"""Images of digits: what is trained on, what is held out."""

import numpy as np
import pytest

from training.experiments.trained.digits import bundled_digits, mnist_digits


def write_idx(folder, split, images, labels):
    """The two files of a split, as the format says it."""
    for name, values in (("images-idx3", images), ("labels-idx1", labels)):
        shape = b"".join(n.to_bytes(4, "big") for n in values.shape)
        head = bytes([0, 0, 8, values.ndim]) + shape
        (folder / f"{split}-{name}-ubyte").write_bytes(head + values.tobytes())


def test_a_fifth_of_each_bundled_digit_is_held_out():
    found = bundled_digits([2, 0, 0], seed=3)
    assert found.chosen == (0, 2) and found.shape == (8, 8) and not found.is_part
    assert found.X.shape == (142 + 142, 64) and len(found.held_y) == 36 + 35
    assert set(found.y.tolist()) == set(found.held_y.tolist()) == {0, 2}
    assert len(found.all_X) == 1797 and found.all_X.min() == 0 and found.all_X.max() == 1
    rows = {row.tobytes() for row in found.X}
    assert not rows & {row.tobytes() for row in found.held_X}
    assert "for training 0 (142), 2 (142); 71 held out" in found.summary()


def test_what_is_held_out_depends_on_the_seed_alone():
    first, again, other = (bundled_digits([0, 1], seed=s) for s in (0, 0, 1))
    assert np.array_equal(first.held_X, again.held_X)
    assert not np.array_equal(first.held_X[:5], other.held_X[:5])


def test_of_mnist_the_first_images_of_each_digit_are_taken(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 4, 3), dtype=np.uint8)
    labels = np.tile(np.arange(4, dtype=np.uint8), 3)
    write_idx(tmp_path, "train", images, labels)
    write_idx(tmp_path, "t10k", images[::-1].copy(), labels[::-1].copy())
    found = mnist_digits(tmp_path, [1, 3], points=2)
    assert found.shape == (4, 3) and found.is_part
    np.testing.assert_array_equal(found.all_y, [0, 1, 2, 3, 0, 1, 2, 3])
    np.testing.assert_array_equal(found.X, images[[1, 3, 5, 7]].reshape(4, 12) / 255)
    np.testing.assert_array_equal(found.held_y, [3, 1, 3, 1])
    assert not mnist_digits(tmp_path, [1, 3]).is_part


@pytest.mark.parametrize("chosen", [[], [1], [1, 1], [0, 10]])
def test_digits_that_are_not_there_are_refused(chosen):
    with pytest.raises(ValueError, match="digits must be two or more of 0, 1"):
        bundled_digits(chosen)
