"""Rules of the house that a program can check."""

import ast
import importlib
import inspect
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import geomcore

ROOT = Path(geomcore.__file__).parent.parent
PACKAGES = ("geomcore", "constructions", "training")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NUMBA_FILES = {"kernels.py", "ensemble.py"}
# numba imports the empty top of scipy, but none of its parts.
HEAVY = (
    "cvxpy",
    "matplotlib",
    "sklearn",
    "pandas",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.sparse",
    "jinja2",
    "typer",
    "rich",
)


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Every module that a file imports, wherever in the file it does."""
    modules = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add("." * node.level + (node.module or ""))
    return modules


def top(modules):
    return {module.split(".")[0] for module in modules}


def public_objects():
    """Public functions and classes of every module, with their qualified names."""
    for path in SOURCES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        for key, value in vars(module).items():
            own = getattr(value, "__module__", None) == name
            if own and not key.startswith("_") and callable(value):
                yield f"{name}.{key}", value


def module_name(path):
    return str(path.relative_to(ROOT))


@pytest.fixture(params=SOURCES, ids=module_name)
def source(request):
    return request.param


def test_the_three_packages_are_found():
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(PACKAGES)


def test_numba_compiles_in_kernel_files_only(source):
    if source.name in NUMBA_FILES:
        return
    uses = {
        node.attr if isinstance(node, ast.Attribute) else node.names[0].name
        for node in ast.walk(tree(source))
        if (isinstance(node, ast.Attribute) and ast.unparse(node.value) == "numba")
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("numba"))
    }
    assert uses <= {"set_num_threads", "get_num_threads", "config"}


def test_matplotlib_is_imported_in_plot_files_only(source):
    modules = top(imported(source)) & {"matplotlib", "mpl_toolkits"}
    assert not modules or source.name.startswith("plot") or source.parent.name == "plot"


def test_cvxpy_is_imported_in_constructions_only(source):
    package = source.relative_to(ROOT).parts[0]
    assert package == "constructions" or "cvxpy" not in top(imported(source))


def test_sqlite_is_imported_in_the_store_only(source):
    assert "sqlite3" not in top(imported(source)) or source.name == "store.py"


def test_pickle_is_imported_nowhere(source):
    assert not top(imported(source)) & {"pickle", "cPickle", "dill", "joblib", "shelve"}


def test_imports_are_absolute(source):
    assert not [module for module in imported(source) if module.startswith(".")]


def test_the_global_random_state_is_used_nowhere(source):
    allowed = {"default_rng", "Generator", "SeedSequence", "PCG64", "Philox", "BitGenerator"}
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {
            "np.random",
            "numpy.random",
        }:
            assert node.attr in allowed, f"line {node.lineno}: np.random.{node.attr}"
    assert "random" not in imported(source)


def test_no_floating_point_flag_is_set_wholesale(source):
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.keyword) and node.arg == "fastmath":
            assert not (isinstance(node.value, ast.Constant) and node.value.value is True)


def test_nothing_is_shown_by_a_library(source):
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert ast.unparse(node.func) not in {"plt.show", "fig.show"}


def test_no_file_is_named_after_nothing(source):
    assert source.stem not in {"utils", "helpers", "core", "common", "misc"}


@pytest.mark.parametrize(
    "name", [*PACKAGES, "geomcore.datasets", "geomcore.plot", "geomcore.projection"]
)
def test_every_exported_function_documents_its_parameters_and_what_it_returns(name):
    module = importlib.import_module(name)
    for key in getattr(module, "__all__", ()):
        value = getattr(module, key)
        if not inspect.isfunction(value):
            continue
        doc = inspect.getdoc(value) or ""
        if inspect.signature(value).parameters:
            assert "Parameters\n---" in doc, f"{name}.{key} documents no parameters"
        body = ast.parse(textwrap.dedent(inspect.getsource(value)))
        if any(isinstance(node, ast.Return) and node.value for node in ast.walk(body)):
            assert "Returns\n---" in doc, f"{name}.{key} documents no result"


def test_every_public_function_and_class_has_a_docstring():
    bare = [name for name, value in public_objects() if not inspect.getdoc(value)]
    assert bare == []


def test_importing_geomcore_loads_nothing_heavy():
    program = f"import sys, geomcore; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
