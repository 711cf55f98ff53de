"""Sphinx extension: the lessons and the package become the pages of a site.

prepare.py writes what Sphinx reads: lessons as executed notebooks, API pages, gallery, glossary
record.py  runs a lesson and keeps what it shows, by content
cells.py   cells with attributes, covered results, hints; links between lessons
mathml.py  formulas without a script
docstrings.py  plain docstrings for autodoc
assets.py  the wheel, the students' files and the live parts, beside the pages
"""

from typing import Any

from . import assets, cells, docstrings, mathml, prepare


def setup(app: Any) -> dict[str, bool]:
    """Register the parts."""
    for part in (prepare, cells, mathml, docstrings, assets):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
