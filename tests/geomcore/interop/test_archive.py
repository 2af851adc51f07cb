import json
import os

import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import Network, ReLUNetwork, load, save
from geomcore.layers import Affine, ReLU

WIDTHS = [(3, 3, 2), (2, 5, 5, 1), (1, 1), (4, 2, 2, 3), (6, 1)]


def rewritten(path, change):
    """Write a network, then the same arrays after `change`."""
    save(random_network((2, 3, 1)), path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    change(arrays)
    with open(path, "wb") as file:
        np.savez(file, **arrays)
    return path


def header(**changes):
    def change(arrays):
        content = json.loads(str(arrays["header"])) | changes
        arrays["header"] = np.array(json.dumps(content))

    return change


# By hand


def test_the_file_holds_one_array_per_tensor_and_a_json_header(tmp_path):
    net = random_network((2, 3, 1))
    save(net, tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {"header", "W1", "b1", "W2", "b2"}
        np.testing.assert_array_equal(archive["W2"], net.weights[1])
        content = json.loads(str(archive["header"]))
    assert content == {
        "format": "geomcore network",
        "version": 1,
        "kind": "ReLUNetwork",
        "widths": [2, 3, 1],
    }


def test_the_path_is_taken_literally_and_leaves_nothing_else(tmp_path):
    save(random_network((1, 1)), str(tmp_path / "my net"))
    assert [p.name for p in tmp_path.iterdir()] == ["my net"]


def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    save(random_network((1, 1)), tmp_path / "net.npz")
    (tmp_path / "other").touch()
    assert (tmp_path / "net.npz").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_the_header_of_a_general_chain_names_its_layers(tmp_path):
    save(Network([ReLU(), Affine([[1.0, 2.0]], [3.0]), ReLU()]), tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {"header", "W1", "b1"}
        content = json.loads(str(archive["header"]))
    assert (content["kind"], content["widths"]) == ("Network", [2, 1])
    assert content["layers"] == [
        {"kind": kind, "hyperparameters": {}} for kind in ("ReLU", "Affine", "ReLU")
    ]


# Laws


@pytest.mark.parametrize("widths", WIDTHS)
def test_a_network_survives_a_file_bit_for_bit(tmp_path, widths):
    net = random_network(widths)
    save(net, tmp_path / "net.npz")
    assert load(tmp_path / "net.npz") == net


@settings(max_examples=25)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
def test_any_finite_numbers_survive(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("nets") / "net.npz"
    save(ReLUNetwork([[numbers[:3]]], [numbers[3:]]), path)
    assert load(path).weights[0].tobytes() == np.array(numbers[:3]).tobytes()
    assert load(path).biases[0].tobytes() == np.array(numbers[3:]).tobytes()


def test_the_same_network_gives_the_same_bytes(tmp_path):
    save(random_network((2, 3, 1)), tmp_path / "a")
    save(random_network((2, 3, 1)), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "net.npz"
    old = random_network((2, 2))
    save(old, path)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="disk full"):
        save(random_network((3, 3)), path)
    assert load(path) == old
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


# Bad input


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: a.pop("header"), "it is of another format"),
        (lambda a: a.update(header=np.array(3.0)), "it is of another format"),
        (lambda a: a.update(header=np.array("{")), "it is of another format"),
        (lambda a: a.update(header=np.array("[" * 99999)), "it is of another format"),
        (header(format="other"), "it is of another format"),
        (header(version=2), "has format version 2, this geomcore reads up to 1"),
        (header(version="1"), "must announce a format version, got '1'"),
        (header(kind="Perceptron"), "must hold a ReLUNetwork or a Network, got 'Perceptron'"),
        (header(widths=[2]), "at least two widths"),
        (header(widths=[2, 3]), "announces 1 layer but holds the arrays"),
        (header(widths=[2, 4, 1]), r"announces widths \(2, 4, 1\) but holds \(2, 3, 1\)"),
        (lambda a: a.pop("b2"), "announces 2 layers but holds the arrays"),
        (lambda a: a.update(W2=np.ones((1, 4))), r"weights\[1\] must have 3 columns"),
        (lambda a: a.update(b1=np.array([1, np.nan, 2])), r"biases\[0\] must be finite"),
        (lambda a: a.update(W1=np.array([["a"]])), r"weights\[0\] must hold real numbers"),
        (lambda a: a.update(W1=np.array([[{}]], object)), "pickles are never loaded"),
    ],
)
def test_foreign_and_inconsistent_files_are_refused_with_a_reason(tmp_path, change, sentence):
    path = rewritten(tmp_path / "net.npz", change)
    with pytest.raises(ValueError, match=sentence) as caught:
        load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"layers": None}, "must announce layers of Affine"),
        ({"layers": []}, "must announce layers of Affine"),
        ({"layers": [{"kind": "Affine"}] * 3}, "must announce layers of Affine"),
        ({"layers": [{"kind": "os", "hyperparameters": {}}]}, "must announce layers of Affine"),
        ({"layers": [{"kind": [], "hyperparameters": {}}]}, "must announce layers of Affine"),
        (
            {"layers": [{"kind": "ReLU", "hyperparameters": {"slope": 0.1}}]},
            "must announce layers of Affine",
        ),
        (
            {"layers": [{"kind": "ReLU", "hyperparameters": {}}]},
            "announces 0 layers but holds the arrays",
        ),
        ({"widths": [2, 3, 2]}, r"announces widths \(2, 3, 2\) but holds \(2, 3, 1\)"),
        ({"widths": "231"}, "must announce widths"),
    ],
)
def test_damaged_headers_of_general_chains_are_refused(tmp_path, changes, sentence):
    path = tmp_path / "net.npz"
    save(Network(random_network((2, 3, 1)).layers), path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header(**changes)(arrays)
    with open(path, "wb") as file:
        np.savez(file, **arrays)
    with pytest.raises(ValueError, match=sentence) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_file_cut_or_changed_anywhere_is_refused(tmp_path):
    path = tmp_path / "net.npz"
    save(random_network((9, 30, 30, 2)), path)
    whole = path.read_bytes()
    for size in (0, 1, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"net\.npz"):
            load(path)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 4
    path.write_bytes(flipped)
    with pytest.raises(ValueError, match="not a complete npz file"):
        load(path)


def test_missing_files_directories_and_texts_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        load(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="it is a directory"):
        load(tmp_path)
    (tmp_path / "text").write_text("1,2,3\n")
    with pytest.raises(ValueError, match="no npz file"):
        load(tmp_path / "text")


class Square:
    """A layer of a user, of which a file cannot tell what it does."""

    def __call__(self, X):
        return X**2

    def pull_back(self, X, out, grad):
        return 2 * X * grad


def test_only_networks_of_known_layers_are_saved_and_only_into_folders_that_exist(tmp_path):
    with pytest.raises(ValueError, match="net must be a Network, got ndarray"):
        save(np.eye(2), tmp_path / "net.npz")
    with pytest.raises(ValueError, match=r"net must hold layers of Affine, .* only, got <"):
        save(Network([Affine([[1.0]], [0.0]), Square()]), tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="path must be a file in an existing folder"):
        save(random_network((1, 1)), tmp_path / "no" / "net.npz")
    with pytest.raises(ValueError, match="path must be a file in an existing folder"):
        save(random_network((1, 1)), tmp_path)
