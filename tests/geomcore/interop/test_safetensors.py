import json

import numpy as np
import pytest
from builders import random_network

pytest.importorskip("safetensors")

from geomcore import load, save

WIDTHS = [(3, 3, 2), (2, 5, 5, 1), (1, 1), (2,) * 13]


def written(path, tensors, metadata=None, **changes):
    """Write a file by hand: bytes of tensors by (type, shape)."""
    header, at = ({} if metadata is None else {"__metadata__": metadata}), 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    for name, change in changes.items():
        header[name] |= change
    text = json.dumps(header).encode()
    path.write_bytes(
        len(text).to_bytes(8, "little") + text + b"".join(t[2] for t in tensors.values())
    )
    return path


@pytest.mark.parametrize("widths", WIDTHS)
def test_a_network_survives_a_file_bit_for_bit(tmp_path, widths, recwarn):
    net = random_network(widths)
    save(net, tmp_path / "net.safetensors")
    assert load(tmp_path / "net.safetensors") == net
    assert not recwarn.list


def test_pytorch_reads_what_is_written_here_and_the_other_way_round(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    from geomcore import from_torch, to_torch

    net, path = random_network((2, 3, 3, 1)), tmp_path / "net.safetensors"
    save(net, path)
    model = to_torch(random_network((2, 3, 3, 1), 1))
    model.load_state_dict(load_file(path))
    assert from_torch(model) == net
    save_file(model.to(torch.float32).state_dict(), path)
    with pytest.warns(UserWarning, match="does not tell what is between its layers, ReLU is taken"):
        found = load(path)
    np.testing.assert_array_equal(found.weights[0], net.weights[0].astype(np.float32))


@pytest.mark.parametrize(
    ("dtype", "data"),
    [
        ("F64", np.array([1.5, -2.0]).tobytes()),
        ("F32", np.array([1.5, -2.0], "<f4").tobytes()),
        ("F16", np.array([1.5, -2.0], "<f2").tobytes()),
        ("BF16", np.array([0x3FC0, 0xC000], "<u2").tobytes()),
    ],
)
def test_all_types_are_the_same_numbers(tmp_path, dtype, data):
    net = load(written(tmp_path / "a.safetensors", {"0.weight": (dtype, [1, 2], data)}))
    assert net.weights[0].tolist() == [[1.5, -2.0]]


# Bad input

ONE = {"0.weight": ("F64", [1, 1], bytes(8))}


@pytest.mark.parametrize(
    ("tensors", "given", "sentence"),
    [
        ({"0.weight": ("I64", [1, 1], bytes(8))}, {}, "tensor '0.weight' has the type I64"),
        (ONE, {"metadata": {"activation": "tanh"}}, "activation 'tanh' is neither"),
        ({"conv.weight": ("F64", [1, 1, 1], bytes(8))}, {}, "tensor 'conv.weight' .* is no linear"),
        ({}, {}, "it holds no tensor"),
        (ONE, {"0.weight": {"shape": [2**40, 2**20]}}, "must be a safetensors file: "),
        (ONE, {"0.weight": {"shape": [2, 1]}}, "must be a safetensors file: "),
        (ONE, {"0.weight": {"data_offsets": [0, 2**40]}}, "must be a safetensors file: "),
        (
            {"0.weight": ("F64", [1, 1], np.array([np.nan]).tobytes())},
            {},
            "layer '0' does not hold",
        ),
    ],
)
def test_other_files_are_refused_with_a_reason(tmp_path, tensors, given, sentence):
    path = written(tmp_path / "a.safetensors", tensors, **given)
    with pytest.raises(ValueError, match=sentence) as caught:
        load(path)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 250


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 8, (2**40).to_bytes(8, "little"), b"\2" + bytes(7) + b"{}{}", b"x" * 99],
)
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"must be a safetensors file|holds no tensor"):
        load(tmp_path / "a.safetensors")
