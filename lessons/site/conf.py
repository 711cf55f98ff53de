"""Sphinx's configuration of the site; README.md beside this file says how to build it."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT), str(ROOT / "kernels")]

import minires

project = "minires"
author = "The minires developers"
copyright = "the minires developers; MIT licence"
release = version = minires.__version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "minires_site"]
exclude_patterns = ["README.md", "live", "explore", "atlas", "minires_site", "static", "**/.*"]
nitpicky = False
suppress_warnings = ["myst.header"]  # lessons go from # to ### where a notebook reads better so
if os.environ.get("MINIRES_SITE_LESSONS"):
    suppress_warnings.append("myst.xref_missing")  # links to lessons that are left out

# What the build takes from the environment.
minires_site_tier = os.environ.get("MINIRES_SITE_TIER", "default")
minires_site_lessons = os.environ.get("MINIRES_SITE_LESSONS", "")  # "2,7": only these
minires_pyodide = os.environ.get("MINIRES_PYODIDE", "")  # "": the pinned version of a CDN

# Lessons come to MyST-NB with what they showed when they ran (minires_site/record.py).
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "attrs_inline", "deflist"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
html_math_renderer = "mathml"

autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # signatures show names and defaults; docstrings say what they are
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "minires"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_favicon = "static/icon.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {
        "color-brand-primary": "#005a8f",
        "color-brand-content": "#005a8f",
        "font-stack--monospace": "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cc4f5",
        "color-brand-content": "#7cc4f5",
    },
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
