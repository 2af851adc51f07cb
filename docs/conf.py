"""The documentation site; `make docs` builds it into build/docs.

With GALLERY=0 in the environment the scripts of the gallery are shown but not run.
"""

import logging
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_extensions")]

project = "geomcore"
author = "The geomcore developers"
copyright = "the geomcore developers, BSD-3-Clause"
version = release = "0.1.0"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "reference",
    "mathml",
]
exclude_patterns = ["_templates", "_extensions", "examples/*.ipynb", "examples/*.py"]
templates_path = ["_templates"]
default_role = "public"

# Every reference must lead somewhere, but for those to other packages.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(numpy|scipy|matplotlib|sklearn|pandas|torch|concurrent|collections)\..*"),
    (r"py:.*", r"(tuple|Exception|RuntimeError|ValueError|abc\.ABC|ABC)"),
]
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the sections say it in words, with shapes
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = "geomcore"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False

sphinx_gallery_conf = {
    "examples_dirs": ["../examples/gallery"],
    "gallery_dirs": ["examples"],
    "filename_pattern": r"/plot_",
    "plot_gallery": os.environ.get("GALLERY", "1") != "0",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "capture_repr": ("_repr_html_",),
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "within_subsection_order": "FileNameSortKey",
    "image_srcset": ["2x"],
    "min_reported_time": 0,
    "write_computation_times": False,  # the page of the times would load scripts from outside
}
# What long searches tell of their progress is no warning of the build.
logging.getLogger("constructions").setLevel(logging.WARNING)
# Matplotlib keeps its lists of fonts there.
os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())
