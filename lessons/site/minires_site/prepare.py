"""Before Sphinx reads: the pages that are made from lessons, package and records.

They are written into folders that git ignores (lessons/, api/, answers/), each only if it is new,
so that a second build reads what has changed.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError
from sphinx.util import logging

from minires import results
from minires.lessons.files import LessonFile, Part, lesson_files, parts, student_version
from minires.lessons.kit import exercises

from . import answers, api, commands, figures, front, gallery, record

SITE = Path(__file__).parents[1]
ROOT = SITE.parents[1]
LOG = logging.getLogger(__name__)
_NUMERIC = re.compile(r"[-+]?[\d.,]+(?:e[-+]?\d+)?(?: ± .*)?|-|nan|[-+]?inf")
EXERCISE = re.compile(r"@lesson\.exercise\(\s*\"([^\"]+)\"")
_OURS = re.compile(r"^exercise [\w.]+: solution shown, the one that comes with minires\n", re.M)


def write(path: Path, text: str) -> None:
    """Write a page if it is not there as it is."""
    if not path.exists() or path.read_text("utf-8") != text:
        results.write_text(path, text)


def chosen(app: Any) -> list[LessonFile]:
    """Return the lessons of the site: all, or those of `minires_site_lessons`, e.g. "2,7"."""
    wanted = [int(n) for n in app.config.minires_site_lessons.split(",") if n]
    return [f for f in lesson_files() if not wanted or f.number in wanted]


def _prepare(app: Any) -> None:
    lessons = chosen(app)
    try:
        app.minires_figures = commands.run_all(LOG.info)
        app.minires_front = front.draw(app.minires_figures["gradflow-56"].parent)
        records = record.record_all(lessons, app.config.minires_site_tier, LOG.info)
    except (RuntimeError, ValueError) as error:
        raise ExtensionError(str(error)) from error
    app.minires_records = records
    pages = {"gallery.md": gallery.page(lessons, records, app.minires_figures)}
    for lesson in lessons:
        made = page(lesson, records[lesson.number])
        pages[f"lessons/{lesson.path.stem}.ipynb"] = json.dumps(made, ensure_ascii=False)
        pages[f"teachers/answers/lesson_{lesson.number:02d}.md"] = answers.page(lesson)
    pages |= {f"api/{name}.rst": text for name, text in api.pages().items()}
    for pattern in ("lessons/*.ipynb", "teachers/answers/*.md", "api/*.rst"):
        for old in SITE.glob(pattern):
            if old.relative_to(SITE).as_posix() not in pages:
                old.unlink()
    for name, text in pages.items():
        write(SITE / name, text)


def page(lesson: LessonFile, folder: Path) -> dict[str, Any]:
    """Return a lesson as a notebook: the student's cells, and what the reference's showed."""
    cells: list[dict[str, Any]] = []
    codes = iter(record.read(folder))
    for i, part in enumerate(parts(student_version(results.read_text(lesson.path)))):
        if part.markdown:
            lines = part.lines
            if not cells:
                lines = [lines[0], "", *facts(lesson), "", *lines[1:]]
            cells.append(_markdown(lines, i))
            continue
        cell = next(codes)
        name = EXERCISE.search("\n".join(part.lines))
        cells.append(_code(part, cell, i, folder / "figures"))
        if name:
            hints = exercises(lesson.number)[name[1]].hints
            cells.append(_markdown(hint_lines(name[1], hints), f"{i}h"))
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "pygments_lexer": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _markdown(lines: list[str], key: Any) -> dict[str, Any]:
    text = linked("\n".join(lines))
    return {"cell_type": "markdown", "id": f"m{key}", "metadata": {}, "source": text}


def linked(markdown: str) -> str:
    """Return Markdown for MyST: links to lessons' scripts lead to their pages, and % is a sign.

    To MyST a line that begins with % is a comment, one of +++ is a border.
    """
    markdown = re.sub(r"^(\s*)(%|\+{3})", r"\1\\\2", markdown, flags=re.M)
    return re.sub(r"\[([^]]*)\]\((lesson_\w+)\.py\)", r"[\1](./\2.ipynb)", markdown)


def _code(part: Part, cell: dict[str, Any], i: int, drawn: Path) -> dict[str, Any]:
    """Return a code cell with its recorded outputs."""
    about = {key: cell[key] for key in ("asks", "reveals") if cell[key]}
    return {
        "cell_type": "code",
        "id": f"c{i}",
        "metadata": {"tags": part.tags, "minires": about},
        "execution_count": None,
        "source": "\n".join(part.lines),
        "outputs": [made for output in cell["outputs"] for made in _output(output, drawn)],
    }


def _output(output: dict[str, Any], drawn: Path) -> list[dict[str, Any]]:
    """Return a recorded output as one of a notebook."""
    if "figure" in output:
        stem = output["figure"]
        made = figures.drawn(drawn, stem, output["alt"], "../", ("svg", "png", "csv"), stem)
        data = {"text/html": made}
    elif "table" in output:
        data = {"text/html": table(output["table"])}
    elif "markdown" in output:
        data = {"text/markdown": linked(output["markdown"].replace("; predicted -", ""))}
    else:
        text = _OURS.sub("", re.sub(r"^figure: .*\n  .*\n", "", output["text"], flags=re.M))
        if not text.strip():
            return []
        return [{"output_type": "stream", "name": "stdout", "text": text}]
    return [{"output_type": "display_data", "metadata": {}, "data": data}]


def table(rows: list[list[str]]) -> str:
    """Return a table as HTML; the first row names the columns, the first column the rows."""
    head, *body = rows
    numeric = [all(_NUMERIC.fullmatch(row[i]) for row in body) for i in range(len(head))]

    def cell(text: str, i: int, tag: str, scope: str = "") -> str:
        kind = ' class="number"' if numeric[i] else ""
        return f"<{tag}{scope}{kind}>{html.escape(text)}</{tag}>"

    top = "".join(cell(text, i, "th", ' scope="col"') for i, text in enumerate(head))
    lines = [
        "<tr>"
        + cell(row[0], 0, "th", ' scope="row"')
        + "".join(cell(text, i, "td") for i, text in enumerate(row[1:], 1))
        + "</tr>"
        for row in body
    ]
    return (
        '<div class="scroll"><table class="numbers">'
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def facts(lesson: LessonFile) -> list[str]:
    """Return what a reader wants to know before a lesson, as MyST."""
    files = f"../_static/live/files/{lesson.path.stem}"
    return [
        ":::{container} facts",
        f"- {lesson.minutes} minutes with the exercises",
        f"- needs {lesson.needs}",
        f'- take it with you: <a href="{files}.py" download>script</a>, '
        f'<a href="{files}.ipynb" download>notebook</a>',
        ":::",
    ]


def hint_lines(name: str, hints: Any) -> list[str]:
    """Return hints that open one after the other, as MyST."""
    lines: list[str] = []
    for i, hint in enumerate(hints, 1):
        lines += [
            f'<details class="hint"><summary>Hint {i} of {len(hints)} for exercise {name}</summary>',
            "",
            hint,
            "",
        ]
    return [*lines, "</details>" * len(hints)]


def setup(app: Any) -> None:
    """Prepare when the configuration is known."""
    app.add_config_value("minires_site_tier", "default", "env")
    app.add_config_value("minires_site_lessons", "", "env")
    app.connect("builder-inited", _prepare)
