"""The end of a name says how a network is written and read."""

import pytest
from builders import random_network

from geomcore import Network, load, save
from geomcore.interop.extras import extra
from geomcore.interop.formats import FORMATS
from geomcore.layers import Affine, ReLU

NEEDED = {".onnx": "onnx", ".pt": "torch", ".pth": "torch", ".safetensors": "safetensors"}


@pytest.mark.filterwarnings("ignore:.*does not tell what is between its layers")
@pytest.mark.parametrize(
    "name", ["net.npz", "net", "net.any", *(f"net{e}" for e in NEEDED), "N.PT"]
)
def test_every_format_that_is_written_is_read_bit_for_bit(tmp_path, name):
    path = tmp_path / name
    package = NEEDED.get(path.suffix.lower())
    if package:
        pytest.importorskip(package)
    net = random_network((3, 4, 4, 2))
    save(net, path)
    assert load(path) == net
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_what_is_only_read_is_not_written_under_that_name(tmp_path):
    with pytest.raises(ValueError, match=r"path must end in .npz, .onnx, .* can be written, got "):
        save(random_network((1, 1)), tmp_path / "net.nnet")
    assert not list(tmp_path.iterdir())


def test_other_layers_are_written_to_npz_files_only(tmp_path):
    net = Network([ReLU(), Affine([[1.0]], [0.0])])
    save(net, tmp_path / "net.npz")
    for name in NEEDED:
        with pytest.raises(ValueError, match="net must be a ReLUNetwork, got Network"):
            save(net, tmp_path / f"net{name}")


def test_files_that_are_not_there_are_told(tmp_path):
    for name in FORMATS:
        if name in NEEDED:
            pytest.importorskip(NEEDED[name])
        with pytest.raises(FileNotFoundError, match="there is no such file"):
            load(tmp_path / f"net{name}")
        (tmp_path / f"folder{name}").mkdir()
        with pytest.raises(ValueError, match="it is a directory"):
            load(tmp_path / f"folder{name}")


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(ImportError, match="needs another package: pip install nobody_has_this"):
        extra("nobody_has_this.part")


def test_a_file_that_is_no_network_is_told_which_formats_there_are(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("x,y\n0,1\n")
    with pytest.raises(ValueError, match=r"networks of other formats end in \.nnet, \.onnx"):
        load(table)
