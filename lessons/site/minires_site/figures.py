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


def drawn(
    folder: Path, stem: str, alt: str, root: str, files: tuple[str, ...] = (), name: str = ""
) -> str:
    """Return a figure as HTML, with the one for narrow screens if the folder has it.

    root    leads from the page to the site's
    files   what is offered below it, of "svg", "png" and "csv"
    name    where links find it
    """
    place = f"{root}_static/figures/{stem}"
    kinds = {"svg": "SVG", "png": "PNG", "csv": "the numbers (CSV)"}
    below = ", ".join(f'<a href="{place}.{kind}">{kinds[kind]}</a>' for kind in files)
    narrow = folder / f"{stem}-narrow.svg"
    source = ""
    if narrow.exists():
        width, height = size(narrow)
        source = (
            f'<source media="(max-width: 40rem)" srcset="{place}-narrow.svg" '
            f'width="{width}" height="{height}">'
        )
    return element(f"{place}.svg", alt, *size(folder / f"{stem}.svg"), source, below, name)


def element(
    place: str, alt: str, width: int, height: int, source: str = "", below: str = "", name: str = ""
) -> str:
    """Return a figure as HTML."""
    measure = f' width="{width}" height="{height}" style="--w: {width}px"' if width else ""
    named = f' id="{name}"' if name else ""
    caption = f"<figcaption>{below}</figcaption>" if below else ""
    kind = "figure" if source else "figure wide"
    kind += " pictures" * (". Pictures. " in alt)  # which are not turned in the dark
    return (
        f'<figure class="{kind}"{named}><picture>{source}<img src="{place}" '
        f'alt="{html.escape(" ".join(alt.split()))}"{measure} loading="lazy"></picture>'
        f"{caption}</figure>"
    )


def copy(files: list[Path], target: Path) -> None:
    """Copy figures beside the pages."""
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, target)
