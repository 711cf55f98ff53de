"""The gallery: every figure, what it says, and the command that makes it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.atlas import figures as atlas
from benchmarks.atlas import maps
from minires.lessons.files import LessonFile

from . import figures, record
from .commands import COMMANDS

ROOT = Path(__file__).parents[3]
STORED = ROOT / "benchmarks" / "results"
INTRO = """\
# Gallery

Each figure makes one statement, which is its title, and each is made by the command below it. Figures give away results: the lessons
ask you to predict many of these first.
"""
SPEED = (
    (
        "roofline",
        "python -m benchmarks.roofline",
        "From loops to Winograd, the convolution becomes 53 times faster. A roofline: speed in "
        "GFLOP/s over FLOP per byte, both axes logarithmic. Versions of the convolution rise from "
        "plain loops, 2 to 9 GFLOP/s, over im2col and sums in registers to the line of the fastest "
        "matrix product, 210 GFLOP/s, and Winograd stands above it, with a quarter of the products; "
        "batch norm, ReLU and additions lie along the slope of main memory, 41 GB/s.",
    ),
    (
        "lines",
        "python -m benchmarks.lines",
        "Version 4 of the convolution takes 6 times the lines of version 1 and is 100 times as "
        "fast. Speed over lines of code, forward and backward: versions 1 to 4 rise from about 8 "
        "to about 500 GFLOP/s; PyTorch's line lies at about 235, NumPy's im2col between 20 and 75.",
    ),
)


def reproductions() -> list[tuple[str, Path, dict[str, Any]]]:
    """Return (name, picture, run) of each stored reproduction."""
    found = []
    for path in sorted((STORED / "reproductions").glob("*/run.json")):
        run = json.loads(path.read_text("utf-8"))
        pictures = sorted(path.parent.glob("*.png"))
        if pictures:
            found.append((path.parent.name, pictures[0], run))
    return found


def _atlas() -> list[str]:
    """Return the atlas as a picture."""
    folder = STORED / "atlas"
    said = atlas.statement(maps.load(folder / "summary.json"))
    alt = (
        f"{said}. Small maps of depth over learning rate, a column for each norm and init, a row for "
        "plain nets and for each branch factor: blue where all seeds train, grey where none does, "
        "hatched where they diverge, with lines at the depths where theory says that training ends."
    )
    picture = folder / "atlas.png"
    element = figures.element("_static/figures/atlas.png", alt, *_png_size(picture))
    return _item(said, element, "python -m benchmarks.atlas", "[The maps, and every run](atlas.md)")


def stored() -> dict[str, Path]:
    """Return the pictures that come with the repository, by the name they have on the site."""
    found = {"atlas.png": STORED / "atlas" / "atlas.png"}
    found |= {f"reproduce-{name}.png": picture for name, picture, _ in reproductions()}
    return found | {f"{name}.png": STORED / f"{name}.png" for name, _, _ in SPEED}


def _png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[16:24]
    return int.from_bytes(head[:4], "big") * 2 // 3, int.from_bytes(head[4:], "big") * 2 // 3


def _item(title: str, figure: str, command: str, more: str = "") -> list[str]:
    return [
        "",
        f"### {title}",
        "",
        figure,
        "",
        "```sh",
        command,
        "```",
        *(["", more] if more else []),
    ]


def page(lessons: list[LessonFile], records: Mapping[int, Path], made: Mapping[str, Path]) -> str:
    """Return the gallery as MyST."""
    lines = [INTRO, "## Gradients by layer"]
    for command in COMMANDS:
        image = f"_static/figures/{command.name}.svg"
        element = figures.element(
            image, f"{command.title}. {command.alt}", *figures.size(made[command.name])
        )
        lines += _item(command.title, element, command.line)
    lines += ["", "## Where training works", *_atlas()]
    lines += ["", "## What papers report, run again"]
    for name, picture, run in reproductions():
        alt = f"{run['title']} {run['verdict_text']}"
        image = figures.element(f"_static/figures/reproduce-{name}.png", alt, *_png_size(picture))
        title = f"{run['title'].rstrip('?')}?"
        if name.startswith("lesion-"):
            title += " (the trained net that comes with minires)"
        said = f"{run['verdict_text']} Paper: {_paper(run['paper'])}."
        lines += _item(title, image, run["command"], said)
    for lesson in lessons:
        shown = [o for cell in record.read(records[lesson.number]) for o in cell["outputs"]]
        drawn = [o for o in shown if "figure" in o]
        if drawn:
            lines += ["", f"## Lesson {lesson.number}: {lesson.title}"]
        for output in drawn:
            folder = records[lesson.number] / "figures"
            element = figures.drawn(folder, output["figure"], output["alt"], "")
            title = re.split(r"\. (?:Curves|Bars) of ", output["alt"])[0]
            where = (
                f'<a href="lessons/{lesson.path.stem}.html#{output["figure"]}">In the lesson</a>'
            )
            lines += _item(title, element, f"minires lessons run {lesson.number}", where)
    lines += ["", "## How fast it is"]
    for name, line, alt in SPEED:
        path = STORED / f"{name}.png"
        element = figures.element(f"_static/figures/{name}.png", alt, *_png_size(path))
        lines += _item(
            alt.split(". ")[0], element, line, "Measured on the machine that the figure names."
        )
    return "\n".join(lines) + "\n"


def _paper(text: str) -> str:
    return re.sub(r"\((\d{4}\.\d{5})\)", r"(arXiv \1)", text)
