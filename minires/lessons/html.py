"""Markdown as HTML, for pages that lessons write while they run; formulas in plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from . import formulas
from .prose import DIVIDER, FENCE, HEADING, INLINE, ITEM


def render(markdown: str) -> str:
    """Return Markdown as HTML: paragraphs, lists, tables, code, formulas. Tags are escaped."""
    lines, found, i = markdown.expandtabs(4).splitlines(), [], 0
    while i < len(lines):
        line, end = lines[i], i + 1
        if not line.strip():
            pass
        elif fence := FENCE.match(line):
            while end < len(lines) and not lines[end].strip().startswith(fence[1]):
                end += 1
            code = "\n".join(lines[i + 1 : end])
            found.append(f"<pre>{escape(code)}</pre>")
            end += 1
        elif line.strip().startswith("$$"):
            while end < len(lines) and "$$" not in "\n".join(lines[i:end]).strip()[2:]:
                end += 1
            tex, _, rest = "\n".join(lines[i:end]).strip()[2:].partition("$$")
            found.append(_display(tex, rest.strip()))
        elif heading := HEADING.match(line):
            found.append(f"<p><strong>{inline(heading[2])}</strong></p>")
        elif "|" in line and end < len(lines) and "|" in lines[end] and DIVIDER.match(lines[end]):
            while end < len(lines) and "|" in lines[end]:
                end += 1
            found.append(_table([line, *lines[i + 2 : end]]))
        elif ITEM.match(line):
            while end < len(lines) and (
                ITEM.match(lines[end]) or lines[end].startswith("  ") or not lines[end].strip()
            ):
                end += 1
            found.append(_list(lines[i:end]))
        else:
            while end < len(lines) and not _begins(lines[end]):
                end += 1
            found.append(f"<p>{inline(' '.join(lines[i:end]))}</p>")
        i = end
    return "\n".join(found)


def _begins(line: str) -> bool:
    """Return whether a line ends the paragraph before it."""
    marks = (FENCE, HEADING, ITEM)
    return not line.strip() or line.lstrip()[:2] == "$$" or any(m.match(line) for m in marks)


def _display(tex: str, rest: str) -> str:
    try:
        text = "\n".join(formulas.display(tex))
    except formulas.FormulaError:
        text = tex.strip()
    after = rest if len(rest) < 2 else ""
    more = f"<p>{inline(rest)}</p>" if rest and not after else ""
    return f'<p class="formula">{escape(text + after)}</p>{more}'


def _table(lines: Sequence[str]) -> str:
    shown = ""
    for i, line in enumerate(lines):
        tag = "td" if i else "th"
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        row = "".join(f"<{tag}>{inline(cell.strip())}</{tag}>" for cell in cells)
        shown += f"<tr>{row}</tr>"
    return f"<table>{shown}</table>"


def _list(lines: Sequence[str]) -> str:
    items: list[tuple[str, list[str]]] = []
    for line in lines:
        item = ITEM.match(line)
        if item and not item[1]:
            items.append((item[2], [line[item.end() :]]))
        elif items:
            items[-1][1].append(line.strip())
    kind = "ul" if items[0][0] in "-*+" else "ol"
    shown = "".join(f"<li>{inline(' '.join(body).strip())}</li>" for _, body in items)
    return f"<{kind}>{shown}</{kind}>"


def inline(text: str) -> str:
    """Return a line of Markdown as HTML."""
    parts, end = [], 0
    for match in INLINE.finditer(text):
        parts += [escape(text[end : match.start()]), _marked(match.groupdict())]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def _marked(found: dict[str, str | None]) -> str:
    if found["code"] is not None:
        return f"<code>{escape(found['code'].strip())}</code>"
    if found["escaped"]:
        return escape(found["escaped"])
    if tex := found["math"] or found["display"]:
        return f'<span class="formula">{escape(_formula(tex))}</span>'
    if found["text"] is not None or found["address"]:
        url = found["url"] or found["address"] or ""
        label = escape(url) if found["text"] is None else inline(found["text"])
        safe = url.startswith(("https://", "http://", "#"))
        return f'<a href="{escape(url)}">{label}</a>' if safe else label
    if found["bold"]:
        return f"<strong>{inline(found['bold'])}</strong>"
    return f"<em>{inline(found['star'] or found['line'] or '')}</em>"


def _formula(tex: str) -> str:
    try:
        return formulas.inline(tex)
    except formulas.FormulaError:
        return tex
