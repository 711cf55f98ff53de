"""A summary as text for a terminal of any width."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from .fold import Line, lines_of
from .layers import shape_text

if TYPE_CHECKING:
    from .report import Summary

WIDE, LINES = 100, 40  # columns where nobody says how many; lines that fit a screen
BAR, SHORTEST = 10, 12
PLAIN = str.maketrans("█─…×·", "#-~x*")
LEFT = ("layer", "type", "output", "")  # columns that are flush left


def text(summary: Summary, width: int = WIDE, depth: int | None = None, ascii: bool = False) -> str:
    """Return the tree of layers, then the sums.

    depth   levels of the tree; None: as many as fit a screen
    ascii   whether plain characters stand for others, of the same width
    """
    root = lines_of(summary.layers)
    full = _deepest(root)
    shown = fitting(root) if depth is None else min(depth, full)
    lines = root.children or [root]
    rows = [row for line in lines for row in _rows(summary, line, shown, "")]
    more = f"{shown} of {full} levels are shown" if shown < full else ""
    title, sums = _title(summary), _sums(summary, more, width)
    found = "\n".join([title, "", *_table(rows, width), "", *sums])
    return found.translate(PLAIN) if ascii else found


def fitting(root: Line) -> int:
    """Return the most levels that fit a screen."""
    depth, count = 1, _count(root, 1)
    while count < (more := _count(root, depth + 1)) <= LINES:
        depth, count = depth + 1, more
    return depth


def _count(line: Line, depth: int) -> int:
    return sum(1 + _count(child, depth - 1) for child in line.children) if depth else 0


def _deepest(line: Line) -> int:
    return max((1 + _deepest(child) for child in line.children), default=0)


def _title(summary: Summary) -> str:
    given = " and ".join(map(shape_text, summary.inputs))
    words = [summary.name, *([summary.kind] if summary.kind != summary.name else [])]
    words += [f"input {given}", f"batch {summary.batch}", summary.dtype]
    title = ", ".join(words)
    return title + (f"\n{summary.source}" if summary.source else "")


# ---- the tree -----------------------------------------------------------------------------------
def _rows(summary: Summary, line: Line, depth: int, indent: str) -> list[dict[str, str]]:
    """Return the cells of a line, and of those below it, by the names of the columns."""
    opened = depth > 1 and bool(line.children)
    kind = line.kind + (f", {line.note}" if line.note else "")
    if opened and line.count > 1:
        kind += ", the first:" if line.alike else ", each:"
    figures, share = line.figures, summary.share(line.figures)
    row = {
        "layer": indent + (line.name or "·"),
        "type": kind,
        "output": " and ".join(shape_text(shape[1:]) for shape in line.output),
        "parameters": f"{figures.parameters:,}" if figures.parameters else "-",
        "MACs": scaled(figures.macs),
        "kept": "?" if summary.reason else scaled(figures.kept, "B"),
    }
    if summary.repeats:
        row["fwd ms"] = f"{1e3 * figures.forward:.2f}"
        row["bwd ms"] = f"{1e3 * figures.backward:.2f}"
    row[""] = "█" * round(BAR * share)
    row[f"of {summary.shared}"] = f"{100 * share:.1f} %" if share >= 0.0005 else "-"
    rows = [row]
    for child in line.children if opened else ():
        rows += _rows(summary, child, depth - 1, indent + "  ")
    return rows


def _table(rows: list[dict[str, str]], width: int) -> list[str]:
    """Return aligned text. Where it is too wide, bars and ends of words go, then columns."""
    columns = {name: [name, *(row[name] for row in rows)] for name in rows[0]}
    for name in ("", list(columns)[-1]):
        if _needed(columns) > width:
            del columns[name]
    for name in ("type", "layer"):
        over = _needed(columns) - width
        if over > 0:
            room = max(SHORTEST, max(map(len, columns[name])) - over)
            columns[name] = [_cut(cell, room) for cell in columns[name]]
    for name in ("kept", "output", "MACs"):
        if _needed(columns) > width:
            del columns[name]
    widths = {name: max(map(len, cells)) for name, cells in columns.items()}
    lines = []
    for i in range(len(rows) + 1):
        cells = [
            cells[i].ljust(widths[name]) if name in LEFT else cells[i].rjust(widths[name])
            for name, cells in columns.items()
        ]
        lines.append("  ".join(cells).rstrip())
    return [lines[0], "─" * max(map(len, lines)), *lines[1:]]


def _needed(columns: dict[str, list[str]]) -> int:
    return sum(max(map(len, cells)) + 2 for cells in columns.values()) - 2


def _cut(cell: str, room: int) -> str:
    return cell if len(cell) <= room else cell[: room - 1] + "…"


# ---- the sums -----------------------------------------------------------------------------------
def _sums(summary: Summary, more: str, width: int) -> list[str]:
    total, size = summary.total, summary.memory
    frozen = f", {total.frozen:,} of them frozen" if total.frozen else ""
    sums = {
        "parameters": f"{total.parameters:,}{frozen}",
        "MACs": f"{total.macs:,} multiply-adds for one input",
        "kept": f"{in_bytes(total.kept)} by the engine for backward, of a batch of {summary.batch} "
        f"(all results together: {in_bytes(summary.batch * total.outputs)})",
        "training": " + ".join(f"{name} {in_bytes(n)}" for name, n in size.items() if n)
        + f" = {in_bytes(sum(size.values()))}",
    }
    if summary.reason:
        sums["kept"] = f"unknown, because training cannot run: {summary.reason}"
        del sums["training"]
    if summary.repeats:
        sums["time"] = (
            f"{1e3 * total.forward:.1f} ms forward, {1e3 * total.backward:.1f} ms backward for a "
            f"batch of {summary.batch}, medians of {summary.repeats} passes; {summary.machine}"
        )
    if more:
        sums["shown"] = more
    lines = []
    for name, words in sums.items():
        whole = re.sub(r"(?<=\d) (?=[kMGT]?B\b)", "\xa0", words)  # no line ends before a unit
        lines += textwrap.wrap(
            whole, width, initial_indent=f"{name:<12}", subsequent_indent=" " * 12
        )
    return [line.replace("\xa0", " ") for line in lines]


# ---- numbers ------------------------------------------------------------------------------------
def scaled(number: float, unit: str = "") -> str:
    """Return a number with three digits and k, M, G or T: "40.6 M"; "-" for 0."""
    if not number:
        return "-"
    for prefix in ("", "k", "M", "G", "T"):
        if number < 999.5 or prefix == "T":
            break
        number /= 1000
    if not prefix:
        return f"{number:.0f} {unit}".rstrip()
    digits = 0 if number >= 99.95 else 1 if number >= 9.995 else 2
    return f"{number:.{digits}f} {prefix}{unit}"


def in_bytes(number: float) -> str:
    """Return a size: "1.08 MB", of 10⁶ bytes."""
    return scaled(number, "B") if number else "0 B"
