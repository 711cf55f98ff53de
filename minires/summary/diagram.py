"""A net as a picture: its stages as rows, the way through the blocks, and the shortcuts above it.

from minires.summary.diagram import diagram
Path("net.svg").write_text(diagram(minires.summary(net, (3, 32, 32))), encoding="utf-8")
"""

from __future__ import annotations

from html import escape

from .fold import lines_of
from .layers import shape_text
from .parts import Block, Part, Row, rows_of
from .report import Summary
from .text import scaled

EDGE, WIDEST = 24, 1000  # of the picture; where rows are wrapped
HIGH, BOX, THIN = 34, 50, 9  # of a box; its width; the width of a norm or an activation
GAP, PAD, ABOVE, BELOW = 7, 13, 36, 22  # between parts; in blocks; room for a shortcut, for words
SHORTCUT, CONCAT, LINE, TEXT = "#d55e00", "#009e73", "#8a8a8a", "#555555"
FILLS = {
    "conv": ("#dbe9f6", "#5b8db8"),
    "linear": ("#e6e0f2", "#8a78b4"),
    "pool": ("#eeeeee", "#999999"),
    "norm": ("#f6dd9a", "#c9a227"),
    "act": ("#bfe3c0", "#5aa05c"),
    "other": ("#ffffff", "#999999"),
    "sum": ("#ffffff", SHORTCUT),
}


def diagram(summary: Summary) -> str:
    """Return the text of an SVG file that shows the net of a summary."""
    rows = _wrapped(rows_of(lines_of(summary.layers)))
    given = " and ".join(map(shape_text, summary.inputs))
    left = EDGE + 18 + 7.8 * max(map(len, [given, *(row.label for row in rows)]), default=0)
    right = max([left + _length(row) for row in rows] + [left + 470])
    y, drawn, before = 66.0, [], None
    for i, row in enumerate(rows):
        y += _above(row) + (0 if i == 0 else 26)
        label = _text(EDGE, y + 4, row.label, "start", 12, "#222222", bold=True)
        drawn.append(label if i else _text(EDGE, y + 4, given, "start", 12, "#222222"))
        if before is not None:
            drawn.append(_turn(*before, left, y, y - _above(row) - 13))
        drawn += _row(row, left, y)
        shape = " and ".join(shape_text(s[1:]) for s in row.output)
        drawn.append(_text(right + 16, y + 4, shape, "start", 12, "#222222"))
        before = left + _length(row), y
        y += HIGH / 2 + BELOW
    legend, end = _legend(rows, EDGE, y + 22)
    drawn += legend
    height, width = y + 40, max(right + 120, end + EDGE)
    total = summary.total
    macs = scaled(total.macs) if total.macs else "0"
    title = f"{summary.name}: {total.parameters:,} parameters, {macs} multiply-adds"
    under = f"for one input of {given}" + (f"; {summary.source}" if summary.source else "")
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{LINE}"/>'
        "</marker></defs>",
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
        _text(EDGE, 28, title, "start", 15, "#222222", bold=True),
        _text(EDGE, 46, under, "start", 11),
        _text(right + 16, 62, "output", "start", 11),
    ]
    return "\n".join([*head, *drawn, "</svg>\n"])


def _wrapped(rows: list[Row]) -> list[Row]:
    """Return rows of which none is too wide."""
    result = []
    for row in rows:
        current = Row(row.label)
        result.append(current)
        for item in row.items:
            if current.items and _length(current) + _width(item) > WIDEST:
                current = Row("")
                result.append(current)
            current.items.append(item)
        current.whole = row.whole and current.label == row.label
    return result


def _width(item: Part | Block) -> float:
    if isinstance(item, Block):
        inside = sum(_width(part) for part in item.parts) + GAP * (len(item.parts) - 1)
        if not item.framed:
            return inside
        return max(inside + 2 * PAD + (GAP if item.join else 0), 6 * len(item.name))
    if item.kind in ("norm", "act"):
        return THIN
    if item.kind == "sum":
        return 18
    return max(BOX, 6.4 * max(len(item.text), len(item.below)) + 10)


def _length(row: Row) -> float:
    return sum(_width(item) + 2 * GAP for item in row.items)


def _above(row: Row) -> float:
    """Return the room that a row needs above its line."""
    joined = row.whole or any(item.join for item in row.items)
    framed = any(item.framed for item in row.items)
    return HIGH / 2 + (ABOVE + 12 if joined else 24 if framed else 0)


def _turn(x0: float, y0: float, x: float, y: float, middle: float) -> str:
    """Return the way from the end of a row to the beginning of the next."""
    path = f"M{x0:g},{y0:g} H{x0 + 10:g} V{middle:g} H{x - 16:g} V{y:g} H{x - 6:g}"
    return f'<path d="{path}" fill="none" stroke="#c4c4c4" stroke-dasharray="3 3"/>'


def _row(row: Row, x: float, y: float) -> list[str]:
    """Return the blocks of a row, whose line is at the height y."""
    drawn, start = [], x
    for item in row.items:
        width = _width(item)
        drawn.append(_line(x - GAP, y, x, y, head=True))
        drawn += _block(item, x, y, width)
        drawn.append(_line(x + width, y, x + width + GAP, y))
        x += width + 2 * GAP
    if row.whole:  # its last part is the sum
        drawn += _around(Block("", [], join="sum"), start - GAP, x - 2 * GAP - 9, y, rise=14)
    return drawn


def _block(block: Block, x: float, y: float, width: float) -> list[str]:
    """Return a block: a frame, several if it is repeated, its parts, and the way around them."""
    top, bottom = y - HIGH / 2 - (ABOVE if block.join else 10), y + HIGH / 2 + 8
    depths = (8, 4, 0) if block.count > 2 else (4, 0) if block.count > 1 else (0,)
    drawn = [
        f'<rect x="{x + d:g}" y="{top - d:g}" width="{width:g}" height="{bottom - top:g}" rx="7" '
        f'fill="#fbfbfb" stroke="#c4c4c4"/>'
        for d in (depths if block.framed else ())
    ]
    drawn.append(_line(x, y, x + width, y))
    if block.framed:
        drawn.append(_text(x + width / 2, bottom + 13, block.name, "middle", 10))
    begin = at = x + (PAD if block.framed else 0)
    end = x + width - PAD / 2
    at += GAP if block.join else 0
    for part in block.parts:
        size = _width(part)
        drawn.append(_part(part, at, y, size))
        if part.kind == "sum":
            end = at + size / 2
        at += size + GAP
    if block.join:
        drawn += _around(block, begin - PAD / 2, end, y)
    if block.count > 1:
        drawn += _badge(f"× {block.count}" + (", growing" if block.alike else ""), x + width, top)
    return drawn


def _badge(words: str, right: float, top: float) -> list[str]:
    wide = 7.2 * len(words) + 14
    return [
        f'<rect x="{right - wide:g}" y="{top - 12:g}" width="{wide:g}" height="20" rx="10" '
        f'fill="#444444"/>',
        _text(right - wide / 2, top + 2.5, words, "middle", 12, "#ffffff", bold=True),
    ]


def _around(block: Block, x0: float, x1: float, y: float, rise: float = 0) -> list[str]:
    """Return the shortcut from x0 to the sum (or the end of the block) at x1."""
    top, r = y - HIGH / 2 - 20 - rise, 8
    color = SHORTCUT if block.join == "sum" else CONCAT
    stop = y - 9 if block.join == "sum" else y
    path = (
        f"M{x0:g},{y:g} V{top + r:g} Q{x0:g},{top:g} {x0 + r:g},{top:g} H{x1 - r:g} "
        f"Q{x1:g},{top:g} {x1:g},{top + r:g} V{stop:g}"
    )
    drawn = [
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="2.2"/>',
        f'<circle cx="{x0:g}" cy="{y:g}" r="2.6" fill="{color}"/>',
    ]
    if block.join == "concat":
        drawn.append(f'<circle cx="{x1:g}" cy="{y:g}" r="2.6" fill="{color}"/>')
    if block.shortcut:
        middle, wide = (x0 + x1) / 2, 6.4 * len(block.shortcut) + 10
        drawn.append(
            f'<rect x="{middle - wide / 2:g}" y="{top - 8:g}" width="{wide:g}" height="16" rx="4" '
            f'fill="#fdeee2" stroke="{color}"/>'
        )
        drawn.append(_text(middle, top + 4, block.shortcut, "middle", 11, "#8a3d00"))
    return drawn


def _part(part: Part, x: float, y: float, width: float) -> str:
    fill, stroke = FILLS[part.kind]
    middle = x + width / 2
    if part.kind == "sum":
        return (
            f'<circle cx="{middle:g}" cy="{y:g}" r="9" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="1.6"/><path d="M{middle - 4:g},{y:g} h8 M{middle:g},{y - 4:g} v8" '
            f'stroke="{stroke}" stroke-width="1.6"/>'
        )
    box = (
        f'<rect x="{x:g}" y="{y - HIGH / 2:g}" width="{width:g}" height="{HIGH}" '
        f'rx="{2 if width == THIN else 4}" fill="{fill}" stroke="{stroke}"/>'
    )
    if part.kind in ("norm", "act"):
        return box
    up = -2 if part.below else 4
    words = _text(middle, y + up, part.text, "middle", 11, "#222222")
    if part.below:
        words += _text(middle, y + 12, part.below, "middle", 10)
    return box + words


def _legend(rows: list[Row], x: float, y: float) -> tuple[list[str], float]:
    """Return what the colours mean, of those that the picture has, and where it ends."""
    blocks = [block for row in rows for block in row.items]
    parts = [part for block in blocks for part in block.parts]
    kinds = {part.kind: part.text for part in reversed(parts)}
    words = {"conv": "convolution: size /stride, channels", "norm": "", "act": ""}
    words["norm"], words["act"] = kinds.get("norm", ""), kinds.get("act", "")
    drawn = []
    for kind, text in words.items():
        if kind in kinds:
            fill, stroke = FILLS[kind]
            drawn.append(
                f'<rect x="{x:g}" y="{y - 10:g}" width="10" height="12" rx="2" fill="{fill}" '
                f'stroke="{stroke}"/>' + _text(x + 16, y, text, "start", 11)
            )
            x += 32 + 6.3 * len(text)
    for join, color, text in (
        ("sum", SHORTCUT, "shortcut: the input, or what a box makes of it, is added"),
        ("concat", CONCAT, "concatenation: the input stays beside the result"),
    ):
        if any(block.join == join for block in blocks) or (join in kinds):
            drawn.append(
                f'<path d="M{x:g},{y - 4:g} h16" stroke="{color}" stroke-width="2.2"/>'
                + _text(x + 22, y, text, "start", 11)
            )
            x += 38 + 6 * len(text)
    if not any(block.join for block in blocks) and "sum" not in kinds:
        drawn.append(_text(x, y, "no shortcuts", "start", 11))
        x += 80
    return drawn, x


def _line(x0: float, y0: float, x1: float, y1: float, head: bool = False) -> str:
    end = ' marker-end="url(#head)"' if head else ""
    return f'<path d="M{x0:g},{y0:g} L{x1:g},{y1:g}" stroke="{LINE}"{end}/>'


def _text(
    x: float,
    y: float,
    words: str,
    anchor: str,
    size: int,
    color: str = TEXT,
    bold: bool = False,
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="{color}"'
        f"{weight}>{escape(words)}</text>"
    )
