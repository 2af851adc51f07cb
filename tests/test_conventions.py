"""Rules of the house that a program can check; each names every offending line at once."""

import ast
import collections
import dataclasses
import fnmatch
import functools
import importlib
import inspect
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

import geomcore

ROOT = Path(geomcore.__file__).parent.parent
PACKAGES = ("geomcore", "constructions", "training")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ROOMS = sorted({path.parent for path in SOURCES})
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
NUMBA_FILES = {
    "addresses.py",
    "ensemble.py",
    "kernels.py",
    "layers.py",
    "parts.py",
    "passes.py",
    "shuffling.py",
    "terms.py",
    "written.py",
}
STORES = {"store.py", "connection.py"}
MOST_FILES = 16
MOST_ARGUMENTS = 8
MOST_LINES = 400
HEAVY = (
    "numba",
    "cvxpy",
    "matplotlib",
    "sklearn",
    "pandas",
    "scipy",
    "jinja2",
    "typer",
    "rich",
    "torch",
    "keras",
    "onnx",
    "safetensors",
)
# Modules whose exported functions say what they take and give.
DOCUMENTED = (*PACKAGES, "geomcore.datasets", "geomcore.plot", "geomcore.projection")
# Those whose functions, classes and methods say it to type checkers.
ANNOTATED = (*DOCUMENTED, "geomcore.layers", "geomcore.parameters")
# Test files that stand for no module of their room.
NO_MODULE = {
    "constructions/theorems/test_contract.py": "what every theorem keeps",
    "constructions/proof/test_trials.py": "hostile networks, against the whole room",
    "geomcore/layers/test_contract.py": "what every kind of layer keeps",
    "geomcore/datasets/test_datasets.py": "the data sets of the whole room obey one contract",
    "training/study/test_same_study.py": "which studies share a file, a law of the whole room",
    "geomcore/test_invariance.py": "how maps, cones and gradients move when the data does",
    "constructions/verification/test_convex.py": "verdicts on one affine layer, a law of the room",
    "training/commands/test_contract.py": "what every experiment keeps",
}


def shown(path):
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def by_kind(path):
    """The nodes of a file by what they are."""
    found = collections.defaultdict(list)
    for node in ast.walk(tree(path)):
        found[type(node)].append(node)
    return found


def nodes(*kinds, within=SOURCES):
    """Every node of these kinds in the sources, with its file and where it stands."""
    for path in within:
        for kind in kinds:
            for node in by_kind(path)[kind]:
                yield path, f"{shown(path)}:{node.lineno}", node


def for_types(path):
    """The nodes of a file under `if TYPE_CHECKING`, which nothing runs."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from (inner for part in node.body for inner in ast.walk(part))


def imports():
    """Every module that a file imports, wherever in the file it does, other than for types."""
    unread = {node for path in SOURCES for node in for_types(path)}
    for path, place, node in nodes(ast.Import, ast.ImportFrom):
        if node in unread:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield path, place, alias.name
        else:
            yield path, place, "." * node.level + (node.module or "")


def imports_of(*names):
    """The imports of these packages, or of anything in them."""
    return [found for found in imports() if found[2].split(".")[0] in names]


def public_objects():
    """Public functions and classes of every module, with their qualified names."""
    for path in SOURCES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        for key, value in vars(module).items():
            own = getattr(value, "__module__", None) == name
            if own and not key.startswith("_") and callable(value):
                yield f"{name}.{key}", value


def assert_none(offences):
    offences = list(offences)
    assert not offences, "\n" + "\n".join(offences)


# Folders and files


def test_the_three_packages_are_found():
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(PACKAGES)


def test_no_file_is_named_after_nothing():
    names = {"utils", "helpers", "core", "common", "misc"}
    assert_none(shown(path) for path in SOURCES if path.stem in names)


def test_no_file_is_long():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert_none(f"{shown(path)}: {n} lines" for path, n in lengths.items() if n > MOST_LINES)


def test_no_room_is_crowded():
    counts = {room: len(list(room.glob("*.py"))) for room in ROOMS}
    assert_none(f"{shown(r)}: {n} files" for r, n in counts.items() if n > MOST_FILES)


def test_every_room_says_what_it_is_for():
    doors = [room / "__init__.py" for room in ROOMS]
    assert_none(shown(d) for d in doors if not d.exists() or not ast.get_docstring(tree(d)))


def test_setuptools_finds_every_room_and_nothing_else():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    find = project["tool"]["setuptools"]["packages"]["find"]
    assert find.keys() == {"include", "namespaces"} and not find["namespaces"]
    doors = [d for top in ROOT.glob("*/__init__.py") for d in top.parent.rglob("__init__.py")]
    names = {".".join(door.relative_to(ROOT).parent.parts) for door in doors}
    found = {n for n in names if any(fnmatch.fnmatchcase(n, p) for p in find["include"])}
    assert found == {".".join(room.relative_to(ROOT).parts) for room in ROOMS}


def names_in(place):
    """Modules that a test file may be of: test_settle_losses is of settle_losses, or of settle."""
    words = place.stem.split("_")[1:]
    return ["_".join(words[:k]) for k in range(1, len(words) + 1)]


def test_tests_mirror_the_rooms():
    rooms = {shown(room) for room in ROOMS}
    places = [(path, path.relative_to(ROOT / "tests")) for path in TESTS]
    # a module that needs several test files has a folder of its name, or each a longer name
    inside = [
        (path, place)
        for path, place in places
        if len(place.parts) > 1 and not (ROOT / place.parent).with_suffix(".py").exists()
    ]
    assert_none(
        f"{shown(path)}: no such room" for path, p in inside if p.parent.as_posix() not in rooms
    )
    nameless = {
        place.as_posix()
        for _, place in inside
        if not any((ROOT / place.parent / f"{name}.py").exists() for name in names_in(place))
    }
    assert nameless == set(NO_MODULE), "test files without a module of that name"


# Imports


def test_matplotlib_is_imported_in_plot_files_only():
    assert_none(
        place
        for path, place, _ in imports_of("matplotlib", "mpl_toolkits")
        if not path.name.startswith("plot") and path.parent.name != "plot"
    )


def test_cvxpy_is_imported_in_constructions_only():
    inside = ROOT / "constructions"
    assert_none(place for path, place, _ in imports_of("cvxpy") if inside not in path.parents)


def test_sqlite_is_imported_in_the_store_and_its_connection_only():
    assert_none(place for path, place, _ in imports_of("sqlite3") if path.name not in STORES)


def test_pickle_is_imported_nowhere():
    found = imports_of("pickle", "cPickle", "dill", "joblib", "shelve")
    assert_none(place for _, place, _ in found)


def test_the_checkers_of_certificates_share_no_code():
    first, second = (
        ROOT / "constructions" / room / "checker.py" for room in ("proof", "two_layer")
    )
    for path, more in ((first, set()), (second, {"constructions.proof.checker"})):
        needed = {module for found, _, module in imports() if found == path} - more
        tops = {module.split(".")[0] for module in needed}
        assert tops - set(sys.stdlib_module_names) == {"numpy", "flint"}


def test_imports_are_absolute():
    assert_none(place for _, place, module in imports() if module.startswith("."))


def test_importing_geomcore_loads_nothing_heavy():
    program = f"import sys, geomcore; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


# Code


def test_numba_compiles_in_kernel_files_only():
    uses = [
        (path, place, node.attr)
        for path, place, node in nodes(ast.Attribute)
        if ast.unparse(node.value) == "numba"
    ]
    uses += [
        (path, place, alias.name)
        for path, place, node in nodes(ast.ImportFrom)
        if (node.module or "").startswith("numba")
        for alias in node.names
    ]
    assert_none(
        f"{place}: numba.{name}" for path, place, name in uses if path.name not in NUMBA_FILES
    )


def test_kernels_take_few_arguments():
    kernels = [
        (place, node)
        for path, place, node in nodes(ast.FunctionDef)
        if path.name in NUMBA_FILES and any("njit" in ast.unparse(d) for d in node.decorator_list)
    ]
    counts = [(place, node.name, len(node.args.args)) for place, node in kernels]
    # The kernels of written.py are texts that it writes; two files hand over those of others.
    others = {"addresses.py", "parts.py", "written.py"}
    found = {Path(place.split(":")[0]).name for place, _, _ in counts} | others
    assert found == NUMBA_FILES
    assert_none(f"{place}: {name} takes {n}" for place, name, n in counts if n > MOST_ARGUMENTS)


def test_kernels_name_the_other_files_whose_kernels_they_call():
    homes = {path.with_suffix("").relative_to(ROOT): path for path in SOURCES}
    compiled = {
        path: {node.name for *_, node in nodes(ast.FunctionDef, within=[path]) if is_kernel(node)}
        for path in homes.values()
        if path.name in NUMBA_FILES
    }
    offences = []
    for path in compiled:
        foreign = {
            alias.asname or alias.name: node.module.split(".")[-1]
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.name in compiled.get(homes.get(Path(*node.module.split("."))), ())
        }
        for node in filter(is_kernel, ast.walk(tree(path))):
            called = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & foreign.keys()
            named = " ".join(ast.unparse(d) for d in node.decorator_list)
            missing = {foreign[name] for name in called if foreign[name] not in named}
            offences += [f"{shown(path)}: {node.name} uses {module}" for module in missing]
    assert_none(offences)


def is_kernel(node):
    """Whether a node of a syntax tree is a function that numba compiles."""
    decorators = getattr(node, "decorator_list", ())
    return isinstance(node, ast.FunctionDef) and any("njit" in ast.unparse(d) for d in decorators)


def test_the_global_random_state_is_used_nowhere():
    allowed = {"default_rng", "Generator", "SeedSequence", "PCG64", "Philox", "BitGenerator"}
    assert_none(
        f"{place}: np.random.{node.attr}"
        for _, place, node in nodes(ast.Attribute)
        if ast.unparse(node.value) in {"np.random", "numpy.random"} and node.attr not in allowed
    )
    assert_none(place for _, place, module in imports() if module == "random")


def test_no_floating_point_flag_is_set_wholesale():
    assert_none(
        place
        for _, place, node in nodes(ast.keyword)
        if node.arg == "fastmath" and ast.unparse(node.value) == "True"
    )


def test_nothing_is_shown_by_a_library():
    assert_none(
        place
        for _, place, node in nodes(ast.Call)
        if ast.unparse(node.func) in {"plt.show", "fig.show"}
    )


# Signatures


def odd_arguments(name, function):
    """Arguments that completion does not see, and names that another word stands for."""
    other = {"Y": "y", "seed": "rng", "lr": "learning_rate"}
    for argument in inspect.signature(function).parameters.values():
        if argument.kind is argument.VAR_KEYWORD:
            yield f"{name} takes **{argument.name}"
        elif argument.name == "seed" and "study" in name.lower():
            continue  # of all trials, each of which draws by itself
        elif argument.name in other:
            yield f"{name} takes {argument.name}, which is {other[argument.name]} elsewhere"


def test_signatures_of_exported_functions_say_what_they_take():
    modules = [importlib.import_module(name) for name in DOCUMENTED]
    found = [(f"{m.__name__}.{key}", getattr(m, key)) for m in modules for key in exports(m)]
    assert_none(
        offence
        for name, value in found
        if inspect.isfunction(value) or inspect.isclass(value)
        for offence in odd_arguments(name, value)
    )


# Annotations


def members(cls):
    """Public methods and properties that a class of ours defines, and how it is made and called."""
    for key, value in vars(cls).items():
        value = getattr(value, "__func__", None) or getattr(value, "func", value)
        value = value.fget if isinstance(value, property) else value
        made = key == "__init__" and not dataclasses.is_dataclass(cls)
        if inspect.isfunction(value) and (key[0] != "_" or made or key == "__call__"):
            yield f"{cls.__name__}.{key}", value


def annotated_objects():
    """Everything that a person calls, by name, other than compiled kernels."""
    for module in map(importlib.import_module, ANNOTATED):
        for key in exports(module):
            value = getattr(module, key)
            if inspect.isclass(value):
                kinds = [k for k in value.__mro__ if k.__module__.split(".")[0] in PACKAGES]
                yield from (found for kind in kinds for found in members(kind))
            elif inspect.isfunction(value):
                yield key, value


def bare(function):
    """Arguments that a function does not annotate, and "return"."""
    parameters = list(inspect.signature(function).parameters.values())
    if "." in function.__qualname__ and "<locals>" not in function.__qualname__:
        parameters = parameters[1:]  # self or cls
    yield from (p.name for p in parameters if p.annotation is p.empty)
    if inspect.signature(function).return_annotation is inspect.Signature.empty:
        yield "return"


def test_everything_that_a_person_calls_is_annotated():
    found = dict(annotated_objects())
    assert len(found) > 350
    assert_none(f"{name}: {what}" for name, function in found.items() for what in bare(function))


def test_fields_of_exported_classes_are_annotated_as_arrays_of_something():
    modules = [importlib.import_module(name) for name in ANNOTATED]
    kinds = [getattr(m, key) for m in modules for key in exports(m)]
    assert_none(
        f"{kind.__name__}.{name}: {type_}"
        for kind in kinds
        if inspect.isclass(kind)
        for name, type_ in vars(kind).get("__annotations__", {}).items()
        if type_ in ("np.ndarray", "tuple", "list", "dict") and not name.startswith("_")
    )


@pytest.mark.parametrize("package", ["constructions", "training"])
def test_type_checkers_see_the_names_that_are_loaded_when_used(package):
    door = ROOT / package / "__init__.py"
    seen = {
        (alias.name, node.module)
        for node in for_types(door)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    module = importlib.import_module(package)
    assert {name for name, _ in seen} == set(module.__all__)
    assert all(
        getattr(importlib.import_module(home), name) is getattr(module, name) for name, home in seen
    )


# Docstrings


def test_every_public_function_and_class_has_a_docstring():
    assert_none(name for name, value in public_objects() if not inspect.getdoc(value))


def exports(module):
    """Names that a module exports, or all its public ones."""
    return getattr(module, "__all__", [key for key in vars(module) if not key.startswith("_")])


def undocumented(module):
    """What an exported function leaves out of its docstring."""
    for key in getattr(module, "__all__", ()):
        value = getattr(module, key)
        if not inspect.isfunction(value):
            continue
        doc = inspect.getdoc(value) or ""
        if inspect.signature(value).parameters and "Parameters\n---" not in doc:
            yield f"{module.__name__}.{key} documents no parameters"
        body = ast.parse(textwrap.dedent(inspect.getsource(value)))
        gives = any(isinstance(node, ast.Return) and node.value for node in ast.walk(body))
        if gives and "Returns\n---" not in doc:
            yield f"{module.__name__}.{key} documents no result"


def test_every_exported_function_documents_its_parameters_and_what_it_returns():
    assert_none(
        offence for name in DOCUMENTED for offence in undocumented(importlib.import_module(name))
    )
