"""The end of a name says how a network is written and read."""

import sys
from functools import partial

import pytest
from builders import random_network

from geomcore import Network, datasets, from_nnet, load, save
from geomcore.interop.extras import extra
from geomcore.interop.formats import FORMATS
from geomcore.layers import Affine, ReLU

NEEDED = {".onnx": "onnx", ".pt": "torch", ".pth": "torch", ".safetensors": "safetensors"}


@pytest.mark.filterwarnings("ignore:.*does not tell what is between its layers")
@pytest.mark.parametrize("name", ["net.npz", "net", *(f"net{e}" for e in NEEDED), "N.PT"])
def test_every_format_that_is_written_is_read_bit_for_bit(tmp_path, name):
    path = tmp_path / name
    package = NEEDED.get(path.suffix.lower())
    if package:
        pytest.importorskip(package)
    net = random_network((3, 4, 4, 2))
    save(net, path)
    assert load(path) == net
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["net.nnet", "net.h5", "net.keras", "net.npy", "v1.2"])
def test_names_that_promise_another_format_are_not_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"path must end in \.npz, \.onnx, .*safetensors, got "):
        save(random_network((1, 1)), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_other_layers_are_written_to_npz_files_only(tmp_path):
    net = Network([ReLU(), Affine([[1.0]], [0.0])])
    save(net, tmp_path / "net.npz")
    for name in NEEDED:
        with pytest.raises(ValueError, match=r"net must be a ReLUNetwork, got Network"):
            save(net, tmp_path / f"net{name}")


def test_files_that_are_not_there_are_told(tmp_path):
    for name in FORMATS:
        if name in NEEDED:
            pytest.importorskip(NEEDED[name])
        with pytest.raises(FileNotFoundError, match=r"there is no such file"):
            load(tmp_path / f"net{name}")
        (tmp_path / f"folder{name}").mkdir()
        with pytest.raises(ValueError, match=r"it is a directory"):
            load(tmp_path / f"folder{name}")


@pytest.mark.parametrize("path", [3, None, b"net.npz", ["net.npz"]])
def test_what_is_no_path_is_refused(path):
    net = random_network((1, 1))
    for use in (load, from_nnet, partial(save, net), datasets.load_table, datasets.mnist):
        with pytest.raises(ValueError, match=r"^path must be a str or path-like, got [iNbl]"):
            use(path)


@pytest.mark.parametrize("path", ["", "a\0b.npz"])
def test_a_path_that_names_nothing_is_refused(path):
    for use in (load, partial(save, random_network((1, 1))), datasets.load_table):
        with pytest.raises(ValueError, match=r"^path must name a file, got '"):
            use(path)


def test_arguments_of_save_that_are_swapped_are_told(tmp_path):
    net = random_network((1, 1))
    with pytest.raises(ValueError, match=r"^net must be a Network, got str; geomcore.load reads f"):
        save("net.npz", net)
    with pytest.raises(ValueError, match=r"^path must be a str or path-like, got ReLUNetwork"):
        save(net, net)
    with pytest.raises(ValueError, match=r"path must be a file in an existing folder, got"):
        save(net, tmp_path / "no" / "net.npz")


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(ImportError, match=r"needs another package: pip install nobody_has_this"):
        extra("nobody_has_this.part")


def test_a_package_that_is_there_without_what_it_needs_is_named(tmp_path, monkeypatch):
    for name in ("half", "keras"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("import nobody_has_this\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    with pytest.raises(ImportError, match=r"^half needs another package: pip install nobody_has"):
        extra("half")
    with pytest.raises(ImportError, match=r"^keras needs .*, or set the .* KERAS_BACKEND to torch"):
        extra("keras")


def test_a_file_that_is_no_network_is_told_which_formats_there_are(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("x,y\n0,1\n")
    with pytest.raises(ValueError, match=r"be a network file, of which the names end in \.npz"):
        load(table)
    (tmp_path / "net.npz").write_text("no zip file")
    (tmp_path / "table.zip").write_bytes(b"PK\3\4")
    for other in ("net.npz", "table.zip"):
        with pytest.raises(ValueError, match=r"is no(t a complete)? npz file"):
            load(tmp_path / other)
