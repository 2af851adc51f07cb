"""What the docstring of every public name says: a sentence, shapes, errors, sources."""

import ast
import functools
import importlib
import inspect
import re
import textwrap

from geomcore.names import HOMES

# What states a definition in a formula, which needs no source.
DEFINITIONS = {
    "geomcore": {"Polytope", "mesa_measures", "truncation_degree"},
    "geomcore.datasets": {"polytope", "prepare", "sparse_synthetic", "spirals"},
    "geomcore.layers": {"Layer", "LpNorm"},
    "constructions": {"separate"},
    "training": {
        *("BinaryCrossEntropy", "CrossEntropy", "InverseSquares", "L1", "L2", "NegativePart"),
        *("PerturbationStudy", "SGD", "SparseAutoencoder", "gauss_newton_operator"),
        *("largest_curvature", "norm_per_scale", "perturb", "train", "train_sparse"),
        *("truncation_history",),
    },
}
SOURCE = re.compile(r"References\n---|arXiv|docs/\w[\w-]*\.md|\bby [A-Z]\w+")
CHECKS = re.compile(r"as_\w+|check_\w+")


@functools.cache
def public():
    """Every public function and class: package, name, object."""
    modules = {package: importlib.import_module(package) for package in HOMES}
    found = [
        (package, name, getattr(modules[package], name))
        for package in HOMES
        for name in HOMES[package]
    ]
    return sorted((f for f in found if not inspect.ismodule(f[2])), key=lambda f: f[:2])


def sections(doc):
    """The sections of a docstring, by their titles; "" is what comes before the first."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", doc, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def offences(of):
    return [f"{p}.{name}: {told}" for p, name, value in public() for told in of(p, name, value)]


def without_summary(package, name, value):
    first = inspect.getdoc(value).split("\n")[0]
    if len(first.split()) < 2 or not first.endswith((".", "?")):
        yield f"begins with {first!r}, which is no sentence"


def without_shapes(package, name, value):
    parts = sections(inspect.getdoc(value))
    for title in ("Parameters", "Attributes", "Returns", "Yields"):
        for line in parts.get(title, "").split("\n"):
            kind = line.rpartition(" : ")[2] if line[:1].strip() else ""
            if re.search(r"array_like|ndarray", kind) and "shape" not in kind:
                yield f"{line.strip()!r} has no shape"


def may_raise(value):
    """Whether the code of a function, or of what makes an object, raises or checks arguments."""
    if inspect.isclass(value):
        makers = [vars(value).get(key) for key in ("__init__", "__post_init__", "__new__")]
        return any(
            inspect.isfunction(m) and m.__module__ == value.__module__ and may_raise(m)
            for m in makers
        )
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(value))))
    except (OSError, SyntaxError):  # what a dataclass or a named tuple has written
        return False
    called = [ast.unparse(n.func).split(".")[-1] for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return any(isinstance(n, ast.Raise) for n in ast.walk(tree)) or any(
        map(CHECKS.fullmatch, called)
    )


def without_errors(package, name, value):
    if may_raise(value) and "Raises" not in sections(inspect.getdoc(value)):
        yield "raises, and does not say so"


def without_source(package, name, value):
    doc = inspect.getdoc(value)
    is_definition = name in DEFINITIONS.get(package, ())
    states = "math:" in doc
    if states and not is_definition and not SOURCE.search(doc):
        yield "states mathematics without a source"
    if is_definition and (not states or SOURCE.search(doc)):
        yield "is in the list of definitions without need"


def test_every_docstring_begins_with_a_sentence():
    assert not offences(without_summary)


def test_every_array_has_a_shape():
    assert not offences(without_shapes)


def test_what_raises_says_so():
    assert not offences(without_errors)


def test_what_states_mathematics_names_its_source():
    assert not offences(without_source)


def test_a_bad_docstring_is_found():
    def bad(x):
        r"""Do

        .. math:: x

        Parameters
        ----------
        x : array_like
        """
        raise ValueError

    for of in (without_summary, without_shapes, without_errors, without_source):
        assert len(list(of("geomcore", "bad", bad))) == 1, of
