"""Figures on pages: an image for wide screens and one for narrow ones, its words, its numbers."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path


def size(svg: Path) -> tuple[int, int]:
    """Return width and height of an SVG of Matplotlib in CSS pixels."""
    head = svg.read_text("utf-8")[:2000]
    found = [re.search(rf'{name}="([\d.]+)pt"', head) for name in ("width", "height")]
    width, height = (round(float(m[1]) * 4 / 3) if m else 0 for m in found)
    return width, height


def lesson_figure(folder: Path, stem: str, alt: str, root: str) -> str:
    """Return a figure of a lesson's record as HTML; `root` leads from the page to the site's."""
    place = f"{root}_static/figures/{stem}"
    links = (
        f'<a href="{place}.svg">SVG</a>, <a href="{place}.png">PNG</a>, '
        f'<a href="{place}.csv" download>the numbers (CSV)</a>'
    )
    narrow = folder / f"{stem}-narrow.svg"
    source = ""
    if narrow.exists():
        width, height = size(narrow)
        source = (
            f'<source media="(max-width: 40rem)" srcset="{place}-narrow.svg" '
            f'width="{width}" height="{height}">'
        )
    width, height = size(folder / f"{stem}.svg")
    return element(f"{place}.svg", alt, width, height, source, links, stem)


def element(
    place: str, alt: str, width: int, height: int, source: str = "", below: str = "", name: str = ""
) -> str:
    """Return a figure as HTML."""
    measure = f' width="{width}" height="{height}"' if width else ""
    named = f' id="{name}"' if name else ""
    caption = f"<figcaption>{below}</figcaption>" if below else ""
    return (
        f'<figure class="figure"{named}><picture>{source}<img src="{place}" '
        f'alt="{html.escape(" ".join(alt.split()))}"{measure} loading="lazy"></picture>'
        f"{caption}</figure>"
    )


def copy(files: list[Path], target: Path) -> None:
    """Copy figures beside the pages."""
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, target)
