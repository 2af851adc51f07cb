"""The reference: a page for each package, and on it a table of the public names of each room.

The names are those of `geomcore.names`; what each one is comes from its docstring.
"""

import functools
import importlib
import inspect
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.ext.autosummary import ImportExceptionGroup, autosummary_table, import_by_name
from sphinx.util.docutils import SphinxRole

from geomcore.names import HOMES

FOLDER = "reference"


def summary(module):
    return inspect.getdoc(module).split("\n")[0].rstrip(".")


@functools.cache
def public(package):
    """Public names that have a page there: what `geomcore` has stands in no other package."""
    more = HOMES["geomcore"] if package == "geomcore.datasets" else ()
    names = HOMES[package].difference(more)
    module = importlib.import_module(package)
    return {name for name in names if not inspect.ismodule(getattr(module, name))}


def room(package, value):
    """The room of a package in which a public name is defined, or the package itself."""
    parts = getattr(value, "__module__", package).split(".")
    if parts[0] != package or len(parts) < 3:
        return package
    return ".".join(parts[:2])


def page(package):
    """Title, sentence and tables of one package, as reStructuredText."""
    module = importlib.import_module(package)
    rooms = {}
    for name in sorted(public(package), key=str.lower):
        home = package if "." in package else room(package, getattr(module, name))
        rooms.setdefault(home, []).append(name)
    lines = [package, "=" * len(package), "", f".. module:: {package}", "", inspect.getdoc(module)]
    for home in sorted(rooms):
        if len(rooms) > 1 and home != package:
            title = summary(importlib.import_module(home))
            lines += ["", title, "-" * len(title)]
        lines += ["", f".. currentmodule:: {package}", "", ".. autosummary::"]
        lines += ["   :toctree: generated", "   :nosignatures:", ""]
        lines += [f"   {name}" for name in rooms[home]]
    return "\n".join(lines) + "\n"


def write(app, config):
    """Write the pages, before autosummary reads them; leave alone those that stay the same."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    for package in HOMES:
        path, text = folder / f"{package}.rst", page(package)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    names = {f"{package}.{name}" for package in HOMES for name in public(package)}
    for path in (folder / "generated").glob("*.rst"):  # of names that were
        if path.stem not in names:
            path.unlink()


class Public(SphinxRole):
    """Text in single backticks: a link if it begins with a public name, else it is code."""

    def run(self):
        parts = self.text.split(".")
        for package in HOMES:
            for k in range(len(parts), 0, -1):
                home, name = ".".join(parts[: k - 1]), parts[k - 1]
                if home in ("", package) and name in public(package):
                    target = ".".join([package, name, *parts[k:]])
                    return [self.link(target)], []
        return [nodes.literal(self.rawtext, self.text)], []

    def link(self, target):
        shown = nodes.literal(self.rawtext, self.text, classes=["xref", "py", "py-obj"])
        found = addnodes.pending_xref(
            self.rawtext, shown, refdomain="py", reftype="obj", reftarget=target, refwarn=True
        )
        found["refdoc"] = self.env.docname
        return found


def inner(app, env, node, content):
    """Names that exist but have no page are shown without a link; what does not exist is told."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or target.split(".")[0] not in HOMES:
        return None
    try:
        import_by_name(target)
    except (ImportError, ImportExceptionGroup):
        return None
    return content


def plain_citations(app, doctree):
    """In tables of summaries, write [1] where numpydoc has put a name of its own."""
    for table in doctree.findall(autosummary_table):
        for node in list(table.findall(addnodes.pending_xref)):
            number = re.fullmatch(r"\[?R\w+-(\d+)\]?", node.astext())
            if number:
                node.parent.replace(node, nodes.Text(f"[{number[1]}]"))


def skip(app, what, name, value, skipped, options):
    """Leave out what says nothing: fields of named tuples, and what scikit-learn adds."""
    alias = (getattr(value, "__doc__", None) or "").startswith("Alias for field number")
    return True if alias or re.fullmatch(r"(set|get)_\w*(request|routing)", name) else None


def setup(app):
    app.add_role("public", Public())
    app.connect("config-inited", write)
    app.connect("missing-reference", inner)
    app.connect("doctree-read", plain_citations)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
