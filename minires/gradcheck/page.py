"""A report as HTML: a fragment for notebooks, a page that is complete in itself for a file."""

from __future__ import annotations

import linecache
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import owed
from .diagnosis.finding import SHOWN, Finding
from .heat import heat_map
from .wrong_calls import described

if TYPE_CHECKING:
    from .report import GradcheckReport, Row

_MEANING = {
    "PASS": "Every gradient agrees with differences of the forward pass, within their error bounds",
    "FAIL": "A gradient differs by more than differences can be wrong",
    "UNDECIDED": "Differences cannot tell here; the reason is below",
    "VACUOUS": "A gradient is zero on both sides: nothing was tested",
}
STYLE = """\
.mrg{font:15px/1.5 system-ui,sans-serif;max-width:56rem;overflow-wrap:anywhere}
.mrg h2{font-size:1.15em;margin:1.2em 0 .3em}.mrg h3{font-size:1em;margin:1em 0 .2em}
.mrg p{margin:.3em 0}.mrg .scroll{overflow-x:auto}
.mrg table{border-collapse:collapse;margin:.6em 0;font-variant-numeric:tabular-nums}
.mrg th,.mrg td{padding:.2em .7em .2em 0;text-align:right;white-space:nowrap;border:0;
border-bottom:1px solid rgba(128,128,128,.4);background:none}
.mrg th:first-child,.mrg td:first-child{text-align:left}
.mrg code,.mrg pre{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.92em}
.mrg pre{margin:.4em 0;padding:.5em .7em;overflow-x:auto;border-radius:4px;
background:rgba(128,128,128,.13);color:inherit;overflow-wrap:normal}
.mrg pre .no{opacity:.75;user-select:none}
.mrg .v{font-weight:700;padding:.05em .45em;border-radius:4px;color:#fff}
.mrg .v.PASS{background:#1b6e35}.mrg .v.FAIL{background:#b3261e}
.mrg .v.UNDECIDED,.mrg .v.VACUOUS{background:#6b4e00}
.mrg del,.mrg ins{text-decoration:none;display:block}
.mrg del{background:rgba(214,69,56,.22)}
.mrg ins{background:rgba(47,158,79,.24)}
.mrg figure{margin:.6em 0}.mrg figcaption{font-size:.92em}
.mrg svg{max-width:100%;height:auto;color:inherit}
"""
_PAGE = """\
:root{color-scheme:light dark}
body{margin:1rem;background:#fff;color:#1a1a1a}
@media (prefers-color-scheme:dark){body{background:#16181c;color:#e8e8e8}}
"""


def page(reports: Sequence[tuple[GradcheckReport, str]], title: str, command: str) -> str:
    """Return a page with a section per report, each with a line on what was checked.

    `command` is what makes the page again.
    """
    verdicts = [report.verdict for report, _ in reports]
    passed = f"{verdicts.count('PASS')} of {len(verdicts)} passed"
    sections = "\n".join(
        f"<section>{fragment(report, subtitle, style=False)}</section>"
        for report, subtitle in reports
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}: {passed}</title>\n<style>\n{_PAGE}{STYLE}</style></head>\n"
        f'<body><main class="mrg"><h1>{escape(title)}</h1>\n'
        f"<p>{passed}. <code>{escape(command)}</code></p>\n{sections}\n"
        "</main></body></html>\n"
    )


def fragment(report: GradcheckReport, subtitle: str = "", style: bool = True) -> str:
    """Return a report as HTML for another page, whose colours it takes over."""
    verdict = report.verdict
    parts = [
        f'<h2><span class="v {verdict}">{verdict}</span> <code>{escape(report.name)}</code></h2>',
        f"<p>{_MEANING[verdict]}.</p>" if report.error is None else "",
        f"<p>{escape(subtitle)}</p>" if subtitle else "",
        f"<p>Stopped by {_code(report.error)}</p>" if report.error is not None else "",
        _list("Operations with a wrong backward pass", _calls(report)),
        _findings(report),
        _rows(report.rows),
        f"<p>{escape(report.reason)}</p>" if report.reason else "",
        _list("Undecided", [(row.tensor, row.reason) for row in report.rows if row.reason]),
        "".join(_map(report, row) for row in report.rows if row.verdict != "PASS"),
        _list("What a backward pass owes besides", _owed(report.hygiene)),
        _list("Likely mistakes", [("", text) for text in report.spoken_hints()]),
        f"<p>{escape(str(report.taylor))}</p>" if report.taylor is not None else "",
        _list("Notes", [("", text) for text in report.notes]),
    ]
    css = f"<style>{STYLE}</style>" if style else ""
    body = "\n".join(filter(None, parts))
    return f'{css}<div class="mrg">{body}</div>' if style else body


def _rows(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    names = (
        "tensor",
        "verdict",
        "shape",
        "checked",
        "worst at",
        "yours",
        "differences",
        "their bound",
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    lines = []
    for row in rows:
        shape = "×".join(map(str, row.shape)) or "scalar"
        cells = (
            f"<code>{escape(row.tensor)}</code>",
            f'<span class="v {row.verdict}">{row.verdict}</span>',
            shape, f"{row.checked} of {row.total}", escape(row.where),
            f"{row.analytic:+.6g}", f"{row.numeric:+.6g}", f"± {row.bound:.0e}",
        )  # fmt: skip
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    body = "".join(lines)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="gradients, by tensor"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _map(report: GradcheckReport, row: Row) -> str:
    """Return the heat map of a tensor's error, if its elements were compared one by one."""
    found = next((c for c in report.elements if c.name == row.tensor), None)
    if found is None or row.total < 2 or not np.isfinite(found.numeric).any():
        return ""
    return heat_map(row.tensor, np.asarray(found.analytic), np.asarray(found.numeric))


def _findings(report: GradcheckReport) -> str:
    """Return the diagnosis: the line, before and after, and the rule."""
    found, shown = report.diagnosis[:SHOWN], []
    for k, finding in enumerate(found):
        file = escape(Path(finding.file).name)
        place = f"{file}, line {finding.number}" if file else f"line {finding.number}"
        family = f": {escape(finding.family)}"
        shown.append(f"<h3>{'Or else ' if k else ''}{place}{family}</h3>")
        shown.append(f"<p>{_code(finding.text)}</p><pre>{_changed(finding)}</pre>")
    if len(found) > 1:
        shown.append(
            "<p>Each of these changes alone makes the gradient right; the first is the likeliest."
            "</p>"
        )
    if report.diagnosis.note:
        shown.append(f"<p>{_code(report.diagnosis.note)}</p>")
    return "".join(shown)


def _changed(finding: Finding) -> str:
    """Return the lines around the wrong one, with what is to be changed marked."""
    source = [line.rstrip("\n") for line in linecache.getlines(finding.file)]
    first, shown = finding.number - finding.line, []
    edits = {line + first: (before, after) for line, before, after in finding.edits}
    start, end = min(edits), max(edits) + 1
    n = start - 2
    while n < end + 2:
        if n not in edits:
            if 0 < n <= len(source):
                shown.append(f'<span class="no">{n:>4}   </span>{escape(source[n - 1])}\n')
            n += 1
            continue
        before, after = edits[n]
        text = source[n - 1] if n <= len(source) else ""
        indent = text[: len(text) - len(text.lstrip())]
        for tag, sign, lines in (("del", "−", before), ("ins", "+", after)):
            rows = lines.splitlines() or ["(nothing)"]
            for i, row in enumerate(rows):
                no = f"{n + i:>4}" if tag == "del" else "    "
                shown.append(
                    f'<{tag}><span class="no">{no} {sign} </span>{indent}{escape(row)}</{tag}>'
                )
        n += max(1, len(before.splitlines()))
    return "".join(shown)


def _owed(hygiene: Mapping[str, str]) -> list[tuple[str, str]]:
    whys = {name: owed.why(name) for name in hygiene}
    return [(n, f"{text}. Why: {whys[n]}" if whys[n] else text) for n, text in hygiene.items()]


def _calls(report: GradcheckReport) -> list[tuple[str, str]]:
    """Return the wrong calls of a composition, the first one with its places."""
    found = report.wrong_calls
    first = [described(*x).partition(": ")[2] for x in found[:1]]
    rest = list(dict.fromkeys(call.name for call, _ in found[1:4]))
    return [*((found[0][0].name, text) for text in first), *((name, "wrong too") for name in rest)]


def _list(title: str, items: Any) -> str:
    lines = [
        f"<li>{f'<strong>{escape(name)}</strong>: ' if name else ''}{_code(text)}</li>"
        for name, text in items
    ]
    return f"<h3>{title}</h3><ul>{''.join(lines)}</ul>" if lines else ""


def _code(text: str) -> str:
    """Escape a sentence, and show what stands in backquotes as code."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
