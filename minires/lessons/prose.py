"""Markdown on a terminal: headings, paragraphs, lists, tables, code and formulas in plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from . import formulas

WIDEST = 88  # columns: longer lines are hard to read
_FIXED = "\u00a0"  # a space at which no line is broken
_CODES = {"bold": "1", "italic": "3", "code": "36", "dim": "2", "heading": "1;34"}
_ANSI = re.compile(r"\x1b\[[\d;]*m")
ITEM = re.compile(r"^( *)([-*+]|\d+[.)])( +)(?=\S)")
FENCE = re.compile(r"^ *(```+|~~~+)")
HEADING = re.compile(r"^(#{1,6}) +(.*?) *#*$")
_RULE = re.compile(r"^ *([-*_])( *\1){2,} *$")
DIVIDER = re.compile(r"^ *\|?( *:?-+:? *\|)* *:?-+:? *\|? *$")
INLINE = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)"
    r"|\\(?P<escaped>[\\`*_{}\[\]()#+.!|$<>-])"
    r"|\$\$(?P<display>.+?)\$\$"
    r"|\$(?=\S)(?P<math>(?:[^$\\]|\\.)+?)(?<=\S)\$"
    r"|!?\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<url>[^()\s]*(?:\([^()]*\)[^()\s]*)*)[^)]*\)"
    r"|<(?P<address>https?://[^>\s]+)>"
    r"|\*\*(?P<bold>(?=\S).+?(?<=\S))\*\*"
    r"|(?<![\w*])\*(?P<star>(?=\S)[^*]+?(?<=\S))\*"
    r"|(?<!\w)_(?P<line>(?=\S)[^_]+?(?<=\S))_(?!\w)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Look:
    """How text is shown: columns, with or without colours, with ₗ₋₁ or with _(l-1)."""

    width: int = WIDEST
    colour: bool = False
    scripts: bool = True

    def paint(self, text: str, style: str) -> str:
        """Return text in a style, as it is where there are no colours."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.colour and text else text

    def narrower(self, columns: int) -> Look:
        """Return the look inside an indentation."""
        return Look(max(self.width - columns, 12), self.colour, self.scripts)


def render(markdown: str, look: Look) -> str:
    """Return Markdown as text for a terminal, without an end of line."""
    blocks = _blocks(markdown.expandtabs(4).splitlines(), look)
    return "\n\n".join(blocks).replace(_FIXED, " ")


def columns(text: str) -> int:
    """Return how many columns a text takes."""
    return formulas.width(_ANSI.sub("", text))


def wrapped(text: str, width: int, indent: str = "", hanging: str | None = None) -> str:
    """Return text in lines of at most `width` columns, broken at spaces."""
    lines, line, start = [], "", indent
    for word in re.split(r"[ \n]+", text.strip(" \n")):
        if line and columns(start) + columns(line) + 1 + columns(word) > width:
            lines.append(start + line)
            line, start = "", indent if hanging is None else hanging
        line += (" " if line else "") + word
    return "\n".join([*lines, start + line])


def _blocks(lines: Sequence[str], look: Look) -> list[str]:
    """Return the rendered blocks of lines of Markdown."""
    found, i = [], 0
    while i < len(lines):
        line = lines[i]
        end = i + 1
        if not line.strip():
            pass
        elif fence := FENCE.match(line):
            while end < len(lines) and not lines[end].strip().startswith(fence[1]):
                end += 1
            found.append(_code(lines[i + 1 : end], look))
            end += 1
        elif line.strip().startswith("$$"):
            while end < len(lines) and "$$" not in " ".join(lines[i:end]).strip()[2:]:
                end += 1
            found += _display("\n".join(lines[i:end]).strip(), look)
        elif heading := HEADING.match(line):
            found.append(_heading(len(heading[1]), heading[2], look))
        elif _RULE.match(line):
            found.append(look.paint("─" * min(look.width, 20), "dim"))
        elif "|" in line and end < len(lines) and "|" in lines[end] and DIVIDER.match(lines[end]):
            while end < len(lines) and "|" in lines[end]:
                end += 1
            found.append(_table([lines[i], *lines[i + 2 : end]], look))
        elif ITEM.match(line):
            end = _end_of_list(lines, i)
            found.append(_list(lines[i:end], look))
        elif line.startswith("    "):
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            found.append(_code([x[4:] for x in lines[i:end]], look))
        elif line.lstrip().startswith(">"):
            while end < len(lines) and lines[end].strip():
                end += 1
            inner = [re.sub(r"^ *> ?", "", x) for x in lines[i:end]]
            text = "\n\n".join(_blocks(inner, look.narrower(2)))
            found.append("\n".join(f"│ {x}".rstrip() for x in text.split("\n")))
        else:
            while end < len(lines) and not _ends_paragraph(lines[end]):
                end += 1
            found.append(wrapped(inline(" ".join(lines[i:end]), look), look.width))
        i = end
    return found


def _ends_paragraph(line: str) -> bool:
    return not line.strip() or any(
        (FENCE.match(line), HEADING.match(line), ITEM.match(line), line.lstrip()[:2] == "$$")
    )


def _heading(level: int, text: str, look: Look) -> str:
    shown = wrapped(inline(text, Look(look.width, False, look.scripts)), look.width)
    if level > 2 and look.colour:
        return look.paint(shown, "bold")
    line = ("─" if level <= 2 else "-") * max(map(columns, shown.split("\n")))
    return look.paint(shown, "heading") + "\n" + look.paint(line, "dim")


def _code(lines: Sequence[str], look: Look) -> str:
    text = "\n".join(lines).strip("\n")
    return "\n".join("    " + look.paint(x, "code") if x else "" for x in text.split("\n"))


def _display(text: str, look: Look) -> list[str]:
    """Return a formula between $$, on lines of its own, and what follows it."""
    tex, _, rest = text[2:].partition("$$")
    try:
        lines = formulas.display(tex, look.scripts)
    except formulas.FormulaError:
        lines = tex.strip().split("\n")
    shown = [
        "    " + x
        if columns(x) + 4 <= look.width
        else wrapped(x, max(look.width, 16), "    ", "        ")
        for x in lines
    ]
    if re.fullmatch(r"[.,;:]?", rest.strip()):
        return ["\n".join(shown) + rest.strip()]
    return ["\n".join(shown), *_blocks([rest.strip()], look)]


def _end_of_list(lines: Sequence[str], start: int) -> int:
    """Return the line after a list, whose items may go on below, indented, after empty lines."""
    i = start + 1
    while i < len(lines):
        inside = lines[i].startswith("  ") or ITEM.match(lines[i])
        if not lines[i].strip():
            after = next((x for x in lines[i:] if x.strip()), "")
            inside = after.startswith("  ") or ITEM.match(after)
        elif lines[i - 1].strip():
            inside = not (HEADING.match(lines[i]) or FENCE.match(lines[i])) or inside
        if not inside:
            break
        i += 1
    return i


def _list(lines: Sequence[str], look: Look) -> str:
    """Return a list; what belongs to an item stands below its text."""
    first = ITEM.match(lines[0])
    margin = len(first[1]) if first else 0
    items: list[tuple[str, list[str]]] = []
    for line in lines:
        item = ITEM.match(line)
        if item and len(item[1]) <= margin:
            items.append((item[2], [line[item.end() :]]))
            inside = item.end()
        else:
            items[-1][1].append(line[min(inside, len(line) - len(line.lstrip())) :])
    loose = any(not line.strip() for line in lines[:-1])
    shown = []
    for mark, body in items:
        mark = "-" if mark in "-*+" else mark
        inner = _blocks(body, look.narrower(len(mark) + 3))
        text = ("\n\n" if loose else "\n").join(inner).split("\n")
        indent = " " * (len(mark) + 3)
        shown.append(
            "\n".join(([f"  {mark} {text[0]}"]) + [(indent + x).rstrip() for x in text[1:]])
        )
    return ("\n\n" if loose else "\n").join(shown)


def _table(lines: Sequence[str], look: Look) -> str:
    """Return a table under a line; the widest columns are folded until it fits."""
    rows = [
        [inline(c.strip(), look) for c in re.split(r"(?<!\\)\|", x.strip().strip("|"))]
        for x in lines
    ]
    count = len(rows[0])
    rows = [(row + [""] * count)[:count] for row in rows]
    widths = [max(columns(row[i]) for row in rows) for i in range(count)]
    while sum(widths) + 2 * (count - 1) > look.width and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    shown = []
    for row in rows:
        parts = [
            wrapped(cell.replace(_FIXED, " "), w).split("\n")
            for cell, w in zip(row, widths, strict=True)
        ]
        for i in range(max(map(len, parts))):
            cells = [p[i] if i < len(p) else "" for p in parts]
            padded = [c + " " * (w - columns(c)) for c, w in zip(cells, widths, strict=True)]
            shown.append("  ".join(padded).rstrip())
        if row is rows[0]:
            shown.append(look.paint("  ".join("─" * w for w in widths), "dim"))
    return "\n".join(shown)


def inline(text: str, look: Look) -> str:
    """Return text with emphasis, code, links and formulas; without colours marks stay."""

    def shown(match: re.Match[str]) -> str:
        found = match.groupdict()
        if found["code"] is not None:
            code = _unbroken(re.sub(r"\s+", " ", found["code"].strip()))
            return look.paint(code, "code") if look.colour else f"`{code}`"
        if found["escaped"]:
            return found["escaped"]
        if tex := found["math"] or found["display"]:
            return formula(tex, look)
        if found["text"] is not None:
            label, url = inline(found["text"], look), found["url"]
            return label if not url or label == url or url[0] == "#" else f"{label} ({url})"
        if found["address"]:
            return found["address"]
        style, mark = ("bold", "*") if found["bold"] else ("italic", "_")
        inner = inline(found["bold"] or found["star"] or found["line"], look)
        return look.paint(inner, style) if look.colour else f"{mark}{inner}{mark}"

    return INLINE.sub(shown, text)


def formula(tex: str, look: Look) -> str:
    """Return a formula in a line of text, of which short ones are not broken."""
    try:
        text = formulas.inline(tex, look.scripts)
    except formulas.FormulaError:
        return f"${tex}$"
    if len(text) == 1 and text.isalpha():
        return look.paint(text, "italic")
    return _unbroken(text)


def _unbroken(text: str) -> str:
    """Keep a short formula or piece of code on one line."""
    return text.replace(" ", _FIXED) if columns(text) <= 30 else text
