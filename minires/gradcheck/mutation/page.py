"""The report of a mutation run as one HTML page, without scripts or other files."""

from __future__ import annotations

from html import escape

from .report import EQUIVALENT, SURVIVED, MutationReport, Outcome

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; text-align: left }
tr { border-bottom: 1px solid #8884 } pre { background: #8881; padding: .8rem; overflow-x: auto }
"""


def page(report: MutationReport) -> str:
    """Return the page: the score, a table of functions, each survivor with its diff and test."""
    rows = report.rows()
    head = "".join(f"<th>{escape(k)}</th>" for k in (rows[0] if rows else ()))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in row.values()) + "</tr>"
        for row in rows
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'><title>Mutation score</title>",
        f"<style>{STYLE}</style><h1>Mutation score</h1><p>{escape(report.summary())}</p>",
        f"<table><tr>{head}</tr>{body}</table>",
    ]
    for title, verdict in (("Survived", SURVIVED), ("Probably equivalent", EQUIVALENT)):
        if found := report.of(verdict):
            parts += [f"<h2>{title}</h2>", *map(_shown, found)]
    return "\n".join(parts) + "\n"


def _shown(o: Outcome) -> str:
    m = o.mutant
    title = f"{m.place.file.name}:{m.line} {m.place.name} ({m.family})"
    text = o.witness.text if o.witness else o.message
    code = f"<pre>{escape(o.witness.code)}</pre>" if o.witness and o.witness.code else ""
    return f"<h3>{escape(title)}</h3><pre>{escape(m.diff())}</pre><p>{escape(text)}</p>{code}"
