"""Configuration of the site.

``python -m sphinx -W --keep-going -n -b html docs docs/_build/html`` builds it, without a network.
"""

import os
import shutil
import sys
import warnings
import zlib
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("SKLEARN_CARTO_DATA", None)  # the gallery is the same everywhere

import sklearn_carto

HERE = Path(__file__).parent
BUILT = HERE / "_build"
sys.path.insert(0, str(HERE / "_ext"))

project = "sklearn_carto"
author = "The sklearn_carto developers"
copyright = author  # noqa: A001  its name in Sphinx
version = release = sklearn_carto.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "public_names",
]
exclude_patterns = ["_build", "_inventories"]
templates_path = ["_templates"]
nitpicky = True

# Markdown, which code hosts show, too
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
myst_ref_domains = ["std", "py"]

# the reference, from the docstrings
autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # the docstrings give shapes and ranges
numpydoc_show_class_members = False
numpydoc_validation_checks = set()  # tests/test_docs.py has them

# Names of other libraries: what our docstrings name, as plain text. Each build packs it into the
# format of Sphinx, so that no build needs a network.
SITES = {
    "python": "https://docs.python.org/3/",
    "sklearn": "https://scikit-learn.org/stable/",
}


def pack_inventory(name):
    """Compress a list of names to an inventory of Sphinx, and return its path."""
    path = BUILT / "inventories" / f"{name}.inv"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: \n"
    header += "# The remainder of this file is compressed using zlib.\n"
    lines = (HERE / "_inventories" / f"{name}.txt").read_bytes()
    path.write_bytes(header.encode() + zlib.compress(lines))
    return str(path)


intersphinx_mapping = {name: (url, pack_inventory(name)) for name, url in SITES.items()}

# the gallery: examples write their pictures to the folder that they run in, so that a copy runs
shutil.copytree(HERE.parent / "examples", BUILT / "examples", dirs_exist_ok=True)
sphinx_gallery_conf = {
    "examples_dirs": [str(BUILT / "examples")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "_build/backreferences",
    "doc_module": ("sklearn_carto",),
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "min_reported_time": 600,
    "write_computation_times": False,
}
warnings.filterwarnings("ignore", category=sklearn_carto.exceptions.CartographyWarning)

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_carto"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "guide": [], "peers": [], "gallery/*": []}
