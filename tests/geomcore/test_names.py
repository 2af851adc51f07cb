import importlib
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

import constructions
import geomcore
import training
from geomcore.names import _SAME, HOMES, missing

TABLES = "geomcore.datasets.tables"

# By hand


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("construct", "constructions"),
        ("verify", "constructions"),
        ("GeometricClassifier", "constructions"),
        ("train", "training"),
        ("perturbation_study", "training"),
        ("plot_data", "geomcore.plot"),
        ("iris", "geomcore.datasets"),
    ],
)
def test_a_name_of_another_package_is_told_where_it_lives(name, home):
    with pytest.raises(AttributeError, match=f"'geomcore' .*{name!r}: from {home} import {name}$"):
        getattr(geomcore, name)
    assert not hasattr(geomcore, name)
    assert hasattr(importlib.import_module(home), name)


def test_the_other_packages_say_so_too():
    with pytest.raises(AttributeError, match=r"'constructions' .*: from training import train$"):
        _ = constructions.train
    with pytest.raises(AttributeError, match=r"'training' .*: from constructions import verify$"):
        _ = training.verify
    with pytest.raises(AttributeError, match=r"'training' .*: from geomcore import ReLUNetwork$"):
        _ = training.ReLUNetwork
    with pytest.raises(AttributeError, match=r"'geomcore' .*: import constructions$"):
        _ = geomcore.constructions


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one():
    with pytest.raises(AttributeError, match=r"did you mean constructions\.construct\?"):
        _ = geomcore.constuct
    with pytest.raises(AttributeError, match=r"did you mean training\.PerturbationStudy\?"):
        _ = training.PertubationStudy


@pytest.mark.parametrize(
    ("package", "name", "meant"),
    [
        ("geomcore", "from_pytorch", "geomcore.from_torch"),
        ("geomcore.datasets", "load_iris", "geomcore.datasets.iris"),
        ("geomcore.datasets", "read_csv", "geomcore.datasets.load_table"),
        ("geomcore.datasets", "Datset", "geomcore.datasets.Dataset"),
        ("geomcore", "Datset", "geomcore.Dataset"),
        ("training", "MSELoss", "training.SquaredError"),
        ("constructions", "fit", "training.train"),
    ],
)
def test_a_name_of_another_library_or_a_near_one_is_answered(package, name, meant):
    assert str(missing(package, name)).endswith(f" {name!r}, did you mean {meant}?")


def test_what_other_libraries_call_otherwise_is_there():
    everything = frozenset().union(*HOMES.values())
    assert all(word not in everything and meant in everything for word, meant in _SAME.items())


def test_a_name_that_nobody_has_is_just_missing():
    assert str(missing("geomcore", "qqqqqq")) == "module 'geomcore' has no attribute 'qqqqqq'"
    assert str(missing("geomcore", "__wrapped__")).endswith("attribute '__wrapped__'")


@pytest.mark.parametrize("home", [*HOMES, "geomcore.parameters", "geomcore.projection"])
def test_completion_shows_what_is_exported_and_not_what_it_is_made_of(home):
    module = importlib.import_module(home)
    rooms = {"geomcore": {"kernels", "layers", "parameters", "plot", "projection"}}
    own = rooms.get(home, set()) | ({"KINDS"} if home == "geomcore.layers" else set())
    shown = {name for name in dir(module) if not name.startswith("__")}
    assert shown == set(HOMES.get(home, getattr(module, "__all__", ()))) | own
    assert {"__doc__", "__name__"} <= set(dir(module)) or home == "geomcore.layers"
    assert all(hasattr(module, name) for name in dir(module))


def test_completion_shows_the_kernels_that_can_be_called():
    shown = [name for name in dir(geomcore.kernels) if not name.startswith("__")]
    assert shown == geomcore.kernels.__all__ and "forward" in shown
    assert all(hasattr(getattr(geomcore.kernels, name), "py_func") for name in shown)


def test_rooms_are_loaded_when_first_asked_for():
    program = (
        "import sys, geomcore; print('matplotlib' in sys.modules); geomcore.plot.plot_data;"
        "geomcore.projection.Projection;"
        "print('matplotlib' in sys.modules, 'plot' in dir(geomcore))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["False", "True", "True"]


def test_asking_for_names_of_other_packages_does_not_load_them():
    program = (
        "import sys, geomcore; hasattr(geomcore, 'construct'), hasattr(geomcore, 'train');"
        "print([m for m in ('constructions', 'training', 'cvxpy') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_the_version_is_that_of_the_package():
    assert geomcore.__version__ == version("geomcore")


def test_a_copy_that_is_not_installed_has_a_version_too(monkeypatch):
    def missing_package(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing_package)
    assert geomcore.__version__ == "0+unknown"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from geomcore import construct", ": from constructions import construct"),
        ("from geomcore import load, train", ": from training import train"),
        ("from training import verify", ": from constructions import verify"),
        ("from constructions import Construktion", ", did you mean constructions.Construction?"),
        ("from geomcore.datasets import construct", ": from constructions import construct"),
        ("from geomcore.datasets import irs", ", did you mean geomcore.datasets.iris?"),
    ],
)
def test_an_import_from_the_wrong_package_is_told_the_right_one(line, told):
    with pytest.raises(ImportError) as caught:
        exec(line)
    package, name = re.fullmatch(r"from (\S+) import .*?(\w+)", line).groups()
    assert str(caught.value) == f"cannot import name {name!r} from {package!r}{told}"


def test_modules_and_names_that_nobody_has_are_imported_as_ever():
    program = (
        "from geomcore import arrays, cones, kernels, plot; from training import study, settling;"
        "from constructions import separation, construction; from geomcore.datasets import tables;"
        "print(plot.__name__, separation.__name__, tables.__name__)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.stdout.split() == ["geomcore.plot", "constructions.separation", TABLES]
    for name in ("qqqqqq", "__qqqqqq__"):
        with pytest.raises(ImportError, match=rf"cannot import name '{name}' from 'geomcore' \("):
            exec(f"from geomcore import {name}")


# Laws


@pytest.mark.parametrize("home", HOMES)
def test_the_list_is_in_step_with_what_each_package_exports(home):
    module = importlib.import_module(home)
    exported = set(getattr(module, "__all__", None) or {*module.KINDS, "Layer"})
    assert set(HOMES[home]) == exported, "geomcore/names.py lists what a package exports"
