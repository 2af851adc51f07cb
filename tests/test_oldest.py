"""The oldest versions that are promised, and that what is installed is not older."""

import tomllib
from importlib.metadata import PackageNotFoundError, version

import pytest
from oldest import PROJECT, oldest


def _numbers(text):
    return [int(part) for part in text.split(".") if part.isdecimal()]


def test_every_dependency_has_one_lower_bound_and_what_is_installed_is_not_older():
    found = dict(line.split("==") for line in oldest(tomllib.loads(PROJECT.read_text())["project"]))
    assert {"numpy", "numba", "typer", "pytest", "onnx"} <= found.keys()
    for name, least in found.items():
        try:
            here = version(name)
        except PackageNotFoundError:
            continue
        assert _numbers(here) >= _numbers(least), name


@pytest.mark.parametrize("told", ["numpy", "numpy>=2,<3", "numpy==2.0"])
def test_other_bounds_are_refused(told):
    with pytest.raises(ValueError, match="one lower bound each, got 'numpy"):
        oldest({"dependencies": [told]})


def test_two_bounds_of_one_package_are_refused():
    project = {"dependencies": ["a>=1"], "optional-dependencies": {"b": ["a>=2"]}}
    with pytest.raises(ValueError, match="got 'a>=2'"):
        oldest(project)
