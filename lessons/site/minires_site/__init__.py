"""Sphinx extension: the lessons and the package become the pages of a site.

prepare.py writes what Sphinx reads: lessons as executed notebooks, API pages, gallery, glossary
record.py, commands.py  run a lesson, or a command, and keep what it shows, by content
figures.py, front.py, gallery.py  figures with their words, the first one, a page of all
answers.py  answer keys; inserts.py  tables in pages that are written by hand
cells.py   cells with attributes, covered results, hints; links between lessons
mathml.py  formulas without a script
docstrings.py  plain docstrings for autodoc
assets.py  the wheel, the students' files and the live parts, beside the pages
"""

from typing import Any

from . import assets, cells, docstrings, inserts, mathml, prepare


def setup(app: Any) -> dict[str, bool]:
    """Register the parts."""
    for part in (prepare, inserts, cells, mathml, docstrings, assets):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
