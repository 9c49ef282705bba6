"""How the documentation is built: `make docs`, without a network, warnings as errors."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

# The pages are those of this checkout, and so is the package they are about.
sys.path.insert(0, str(Path(__file__).parents[1]))
# The gallery runs on one core; a second thread would only be in the way of its neighbours.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from skandi import __version__

EXAMPLES = Path(__file__).parent / "examples"

project = "skandi"
author = "skandi developers"
project_copyright = "skandi developers, BSD-3-Clause"
release = version = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples"]
templates_path = ["_templates"]
nitpicky = True

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say types with shapes and units
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
smartquotes = False  # "wadnet" is to be copied
default_role = "code"  # single backticks in docstrings are names of arguments, mostly
numpydoc_show_class_members = False  # the template lists the methods

html_theme = "pydata_sphinx_theme"
html_title = f"skandi {release}"
html_static_path = ["_static"]
html_css_files = ["skandi.css"]
html_show_sourcelink = False
html_sidebars = {"index": [], "five-minutes": []}
html_theme_options = {
    "show_prev_next": False,
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    # The code of an example needs the width.
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        **{f"auto_examples/{path.stem}": [] for path in EXAMPLES.glob("plot_*.py")},
    },
}

linkcheck_timeout = 20
linkcheck_workers = 2

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"[\\/]plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "reference_url": {"skandi": None},
    "capture_repr": ("_repr_html_",),  # tables, and not the addresses of objects
    "image_srcset": ["2x"],
}


def _is_ours(member: Any) -> bool:
    """Whether skandi wrote it: what scikit-learn adds to estimators is documented there."""
    inner = member.fget if isinstance(member, property) else member
    return str(getattr(inner, "__module__", "skandi")).startswith("skandi")


def _skip_inherited(
    _app: Any, what: str, _name: str, member: Any, skip: bool, _options: Any
) -> bool | None:
    if what == "class" and not skip and not _is_ours(member):
        return True
    return None


def _without_last_blank_line(_app: Any, _page: str, source: list[str]) -> None:
    """Doctests need an empty line before the end of a block, readers do not."""
    source[0] = re.sub(r"\n\n```$", "\n```", source[0], flags=re.MULTILINE)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _without_last_blank_line)
    app.connect("autodoc-skip-member", _skip_inherited)
