"""How the documentation is built: ``make docs``."""

import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from sphinx_gallery.sorting import ExplicitOrder  # noqa: E402

import skw2c  # noqa: E402

project = "skw2c"
author = "the skw2c developers"
copyright = f"{datetime.now(UTC).year}, {author}"
version = release = skw2c.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
    "browser_page",
    "encoder_table",
    "inherited_references",
    "rooms",
]
exclude_patterns = ["_build", "README.rst"]
templates_path = ["_templates"]
nitpicky = False
default_role = "literal"

autosummary_generate = True
autodoc_typehints = "none"
autodoc_inherit_docstrings = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
myst_heading_anchors = 2
suppress_warnings = ["myst.header"]

EXAMPLES = [
    "plot_classify_sounds.py",
    "plot_tune_pipeline.py",
    "plot_few_labels.py",
    "plot_outliers.py",
    "plot_duplicates.py",
    "plot_choose_encoder.py",
    "plot_zero_shot.py",
    "plot_search_by_text.py",
    "plot_words_minus_words.py",
    "plot_detect_events.py",
    "plot_large_corpora.py",
    "plot_export.py",
    "plot_captions.py",
    "plot_distill.py",
    "plot_listening_at_a_glance.py",
]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "doc_module": ("skw2c",),
    # The last one takes ten minutes, so it is shown as it is; its picture is in the guide.
    "filename_pattern": r"/plot_(?!listening_at_a_glance)",
    "backreferences_dir": "generated/backreferences",
    "within_subsection_order": ExplicitOrder([*EXAMPLES, "*"]),
    "download_all_examples": False,
    "show_memory": False,
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "skw2c"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {page: [] for page in ("index", "start", "choosing", "coming_from")}

linkcheck_ignore = [r"https?://"]  # what lies outside is not asked for: builds need no network
