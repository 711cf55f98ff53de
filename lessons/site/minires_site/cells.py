"""Lesson pages: cells that scripts can find, results that wait for a prediction, links.

A code cell becomes `<div class="cell" id="cell-3" data-cell="3" data-tags="exercise">`. What shows
the result of a prediction is covered by a `<details>`, which a reader opens, with a script or
without; site.js asks for the prediction first.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

from docutils import nodes
from sphinx import addnodes

from . import inserts, prepare

_PAGE = re.compile(r"lessons/lesson_(\d+)\w*")
_LESSONS = re.compile(r"\b[Ll]essons? (\d+(?:(?:, | and |, and | to |–)\d+)*)")
_EXERCISES = re.compile(r"\b[Ee]xercises? \d+\.\d+(?:(?:, | and |, and | to )\d+\.\d+)*")
_PAPER = re.compile(r"arXiv:?\s?(\d{4}\.\d{4,5})")
_POWER = re.compile(r"(?<=\de)-(?=\d)")  # 1e-07: behind a hyphen a browser would break it
LONG = 24  # lines of code; more are folded
_LEFT_ALONE = (nodes.literal, nodes.reference, nodes.title, nodes.raw, nodes.literal_block,
               nodes.math, nodes.math_block, addnodes.pending_xref)  # fmt: skip


def lesson_of(docname: str) -> str | None:
    """Return the number of the lesson that a page is, as text."""
    found = _PAGE.fullmatch(docname)
    return str(int(found[1])) if found else None


def exercise_id(name: str) -> str:
    """Return where links find an exercise."""
    return "exercise-" + name.replace(".", "-") + "-cell"


def _read(app: Any, doctree: nodes.document) -> None:
    _link(doctree, app)
    number = lesson_of(app.env.docname)
    if number is None:
        return
    for strong in doctree.findall(nodes.strong):
        name = inserts.anchor(strong.astext())
        if not name.startswith("term-prediction-") and name not in doctree.ids:
            strong["ids"].append(name)
            doctree.ids[name] = strong
    questions: dict[str, dict[str, Any]] = {}
    cells = [c for c in doctree.findall(nodes.container) if c.get("nb_element") == "cell_code"]
    for i, cell in enumerate(cells, 1):
        cell["ids"] = [f"cell-{i}"]
        if name := prepare.EXERCISE.search(cell.astext()):
            cell["ids"].append(exercise_id(name[1]))
        cell["data-cell"] = str(i)
        cell["data-tags"] = " ".join(cell["cell_metadata"].get("tags", ()))
        about = cell["cell_metadata"].get("minires", {})
        _fold(cell)
        output = next((c for c in cell if c.get("nb_element") == "cell_code_output"), None)
        if output is None:
            continue
        for question in about.get("asks", ()):
            questions[question["key"]] = question
            shown = (
                i for i, c in enumerate(output) if f"Prediction {question['key']}:" in c.astext()
            )
            output.insert(next(shown, len(output) - 1) + 1, _raw(_question(question)))
        if about.get("reveals"):
            _cover(output, [questions[key] for key in about["reveals"] if key in questions])


def _fold(cell: nodes.container) -> None:
    """Put code that is long, or mostly what the page shows below, into a `<details>`.

    What a lesson tags "show" stays open, as on a terminal.
    """
    source = next((c for c in cell if c.get("nb_element") == "cell_code_source"), None)
    lines = source.astext().count("\n") + 1 if source is not None else 0
    if source is None or {"exercise", "show"} & set(cell["data-tags"].split()):
        return
    if lines > LONG or re.search(r"lesson\.(say|predict)\(", source.astext()):
        opening = f'<details class="code"><summary>Code of this cell, {lines} {"lines" if lines > 1 else "line"}</summary>'
        source.insert(0, _raw(opening))
        source += _raw("</details>")


def _raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def _question(question: dict[str, Any], text: str = "") -> str:
    data = html.escape(json.dumps(question, ensure_ascii=False))
    return f'<div class="prediction" data-question="{data}">{text}</div>'


def _said(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _cover(output: nodes.container, asked: list[dict[str, Any]]) -> None:
    """Put what a cell shows into a `<details>`, below the questions it answers."""
    keys = html.escape(" ".join(q["key"] for q in asked))
    again = "".join(_question(q, f"<p>{_said(q['text'])}</p>") for q in asked)
    opening = f'<div class="cover" data-keys="{keys}">{again}<details><summary>'
    output.insert(0, _raw(f"{opening}Show what was measured</summary>"))
    output += _raw("</details></div>")


def _link(doctree: nodes.document, app: Any) -> None:
    """Make links of what names a lesson or a paper."""
    pages = {f.number: f"lessons/{f.path.stem}" for f in prepare.chosen(app)}
    docname = app.env.docname
    for text in list(doctree.findall(nodes.Text)):
        parent, inside = text.parent, text.parent
        while inside is not None and not isinstance(inside, _LEFT_ALONE):
            inside = inside.parent
        if inside is None and parent is not None:
            said = _POWER.sub("\N{MINUS SIGN}", text) if lesson_of(docname) else str(text)
            pieces = _pieces(said, pages, app) or [nodes.Text(said)]
            if pieces[0] != text:
                parent.replace(text, pieces)


def _pieces(text: str, pages: dict[int, str], app: Any) -> list[nodes.Node]:
    """Return a text in pieces, some of them links; nothing if there is no link in it."""
    found: list[nodes.Node] = []
    end = 0
    docname = app.env.docname

    def add(start: int, stop: int, node: nodes.Node) -> None:
        nonlocal end
        found.extend([nodes.Text(text[end:start]), node] if start > end else [node])
        end = stop

    marks = [m for pattern in (_LESSONS, _EXERCISES, _PAPER) for m in pattern.finditer(text)]
    for mark in sorted(marks, key=lambda m: m.start()):
        if mark.re is _PAPER:
            link = nodes.reference("", mark[0], refuri=f"https://arxiv.org/abs/{mark[1]}")
            add(*mark.span(), link)
            continue
        if mark.re is _EXERCISES:
            for name in re.finditer(r"(\d+)\.\d+", mark[0]):
                page = pages.get(int(name[1]))
                if page:
                    to = app.builder.get_relative_uri(docname, page) if page != docname else ""
                    uri = f"{to}#{exercise_id(name[0])}"
                    start = mark.start() + name.start()
                    stop = mark.start() + name.end()
                    add(start, stop, nodes.reference("", name[0], refuri=uri))
            continue
        numbers = list(re.finditer(r"\d+", mark[1]))
        for number in numbers:
            page = pages.get(int(number[0]))
            if page and page != docname:
                first = mark.start() if len(numbers) == 1 else mark.start(1) + number.start()
                stop = mark.start(1) + number.end()
                add(first, stop, _reference(page, text[first:stop]))
    return [*found, nodes.Text(text[end:])] if found and end < len(text) else found


def _reference(page: str, text: str) -> nodes.Node:
    return addnodes.pending_xref(
        "", nodes.inline("", text), refdomain="std", reftype="doc", reftarget=f"/{page}",
        refexplicit=True, refwarn=True,
    )  # fmt: skip


def _context(app: Any, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Tell scripts which lesson a page is; load those of the live cells where they are."""
    tree = context.get("furo_navigation_tree", "")  # whose headings lack their level
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )
    number = lesson_of(pagename)
    if number is None:
        return
    context["metatags"] = context.get("metatags", "") + (
        f'\n<meta name="minires-lesson" content="{number}">'
    )
    live = app.srcdir / "live"
    if (live / "lesson.mjs").exists():
        app.add_js_file("live/lesson.mjs", type="module")
    if (live / "cells.css").exists():
        app.add_css_file("live/cells.css")


def _visit(translator: Any, node: nodes.container) -> None:
    data = {k: v for k, v in node.attributes.items() if k.startswith("data-")}
    translator.body.append(translator.starttag(node, "div", CLASS="docutils container", **data))


def _depart(translator: Any, node: nodes.container) -> None:
    translator.body.append("</div>\n")


def setup(app: Any) -> None:
    """Register what happens to a page when it is read and written."""
    app.add_node(nodes.container, override=True, html=(_visit, _depart))
    app.connect("doctree-read", _read)
    app.connect("html-page-context", _context, priority=900)  # after the theme's
