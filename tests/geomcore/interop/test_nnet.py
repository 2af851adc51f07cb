import tracemalloc

import numpy as np
import pytest
from builders import random_network, random_points

from geomcore import from_nnet, load

COMMENT = "// Neural network\n"


def written(path, net, *, means=None, ranges=None, box=(-1.0, 1.0), comma=","):
    """Write a network in the format, with shortest decimals that give its numbers back."""
    d, m = net.widths[0], net.widths[-1]
    means = np.zeros(d + 1) if means is None else means
    ranges = np.ones(d + 1) if ranges is None else ranges
    rows = [[len(net.weights), d, m, max(net.widths)], net.widths, [0]]
    rows += [[box[0]] * d, [box[1]] * d, list(means), list(ranges)]
    for W, b in zip(net.weights, net.biases, strict=True):
        rows += [*W.tolist(), *([x] for x in b.tolist())]
    lines = [",".join(repr(x if isinstance(x, int) else float(x)) for x in row) for row in rows]
    path.write_text(COMMENT + "".join(line + comma + "\n" for line in lines))
    return path


def evaluated(net, means, ranges, X):
    """What the format says, without clipping."""
    hidden = (X - means[:-1]) / ranges[:-1]
    for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        hidden = (hidden[:, None] * W).sum(axis=2) + b
        hidden = np.maximum(hidden, 0) if l < len(net.weights) - 1 else hidden
    return hidden * ranges[-1] + means[-1]


# By hand


@pytest.mark.parametrize("widths", [(3, 3, 2), (2, 5, 5, 1), (1, 1), (5, 2, 2, 3)])
@pytest.mark.parametrize("comma", ["", ","])
def test_numbers_that_need_no_normalisation_are_read_bit_for_bit(tmp_path, widths, comma):
    net = random_network(widths)
    with pytest.warns(UserWarning, match="outside of the minima and maxima .* are not clipped$"):
        assert load(written(tmp_path / "net.nnet", net, comma=comma)) == net


def test_the_normalisation_is_folded_in(tmp_path):
    net, rng = random_network((3, 4, 2)), np.random.default_rng(0)
    means, ranges = rng.normal(size=4), rng.uniform(0.5, 100, size=4)
    path = written(tmp_path / "net.nnet", net, means=means, ranges=ranges, box=(0.0, 0.0))
    with pytest.warns(
        UserWarning, match=r"became one \(.* of inputs, layer 1, the normalisation of outputs\)"
    ):
        found = from_nnet(path)
    X = random_points(20, 3)
    np.testing.assert_allclose(found(X), evaluated(net, means, ranges, X), rtol=1e-12, atol=1e-12)


# Bad input


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("2,2,1,3,", "2,2,1,3,x,", "must have numbers in line 2, got"),
        ("2,2,1,3,", "2,2,", "must have the numbers of layers, inputs and outputs in line 2"),
        ("2,2,1,3,", "2,2,0,3,", "must have positive whole numbers in line 2"),
        ("2,2,1,3,", "2,2.5,1,3,", "must have positive whole numbers in line 2"),
        ("2,2,1,3,", "3,2,1,3,", "must have 4 numbers in line 3, got 3"),
        ("2,3,1,", "2,3,2,", r"must have 2, ..., 1, as announced before in line 3"),
        ("2,3,1,", "2,4,1,", "must have 2 numbers in line"),
        ("2,3,1,", "2,999999999,1,", "must have 999,999,999 lines of 2 numbers in line 8, got few"),
        ("1.0,1.0,1.0,", "1.0,0.0,1.0,", "must have ranges other than zero in line 8"),
        ("1.0,1.0,1.0,", "1.0,inf,1.0,", "must have finite numbers in line 8"),
        ("1.0,1.0,1.0,", "1.0,1.0,", "must have 3 numbers in line 8, got 2"),
    ],
)
def test_damaged_lines_are_named(tmp_path, old, new, sentence):
    path = written(tmp_path / "net.nnet", random_network((2, 3, 1)))
    text = path.read_text()
    assert text.count(old) == 1 + (old == "1.0,1.0,1.0,") * 0
    path.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=sentence):
        from_nnet(path)


def test_a_file_cut_or_prolonged_is_refused(tmp_path):
    path = written(tmp_path / "net.nnet", random_network((2, 3, 1)))
    lines = path.read_text().splitlines(keepends=True)
    for k in range(len(lines)):
        path.write_text("".join(lines[:k]))
        with pytest.raises(ValueError, match=r"net\.nnet must have "):
            from_nnet(path)
    path.write_text("".join([*lines, "\n", "1.0\n"]))
    with pytest.raises(ValueError, match="must end after the biases of the last layer"):
        from_nnet(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 99, b"\xff\xfe1,2", b"PK\3\4", b"1" * 5000])
def test_files_that_are_no_text_are_refused(tmp_path, content):
    (tmp_path / "net.nnet").write_bytes(content)
    with pytest.raises(ValueError, match=r"net\.nnet must have ") as caught:
        from_nnet(tmp_path / "net.nnet")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        from_nnet(tmp_path / "none.nnet")


def test_sizes_that_are_only_announced_take_no_memory(tmp_path):
    path = written(tmp_path / "net.nnet", random_network((2, 3, 1)))
    path.write_text(path.read_text().replace("2,3,1,", "2,2147483648,1,") + "\n" * 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="lines of 2 numbers"):
            from_nnet(path)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
