"""What a diagram of a net shows: rows of blocks, and the parts of each from left to right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .fold import CONTAINERS, Line
from .layers import Shape

SHORTCUTS = ("downsample", "shortcut", "skip", "projection")  # names of what stands around a branch
SHORT, MOST = 12, 10  # characters of a block's name; layers that stand together
CONTAINING = 2  # levels in a stage: blocks, and their layers
UNIT = 12  # parts at most of what is one block although it contains others: conv, norm, act
ACTIVATIONS = ("ReLU", "ReLU6", "LeakyReLU", "GELU", "SiLU", "Tanh", "Sigmoid")


@dataclass
class Part:
    """One layer in a row: kind is conv, linear, norm, act, pool, sum or other."""

    kind: str
    text: str = ""
    below: str = ""


@dataclass
class Block:
    """Parts that belong together.

    count      how many such blocks follow one another; `alike`: of growing sizes
    join       how the block's input comes back behind its branch: "sum", "concat", or "" if not
    shortcut   what it passes on that way, "" for nothing
    framed     whether they are a block of the net, and not only neighbours
    """

    name: str
    parts: list[Part]
    count: int = 1
    alike: bool = False
    join: str = ""
    shortcut: str = ""
    framed: bool = True
    output: tuple[Shape, ...] = ()


@dataclass
class Row:
    """What stands side by side: a stage, or the layers before and after the stages.

    whole   whether the sum at its end adds the input of the net
    """

    label: str
    items: list[Block] = field(default_factory=list)
    whole: bool = False

    @property
    def output(self) -> tuple[Shape, ...]:
        return self.items[-1].output


def rows_of(root: Line) -> list[Row]:
    """Return the rows of a net: one for each stage, others for what is around them."""
    rows: list[Row] = []
    open_row = False  # whether the last row takes single layers
    for line in _unwrapped(root.children or [root]):
        levels = _levels(line)
        if levels >= CONTAINING and line.count == 1:
            rows.append(Row(line.name))
            dense = any("Concat" in child.kind for child in line.children)
            for child in line.children:
                _put(rows[-1], _items(child, "concat" if dense else ""))
            open_row = False
            continue
        adds = line.kind == "add" and len(rows) == 1 and line.output == _inputs(root)
        if not rows or (levels == 0 and line.count == 1 and not open_row and not adds):
            rows.append(Row(""))
            open_row = True
        _put(rows[-1], _items(line))
        rows[-1].whole |= adds
    return [row for row in rows if row.items]


def _inputs(root: Line) -> tuple[Shape, ...]:
    return () if root.layer is None else root.layer.inputs


def _put(row: Row, blocks: list[Block]) -> None:
    """Put blocks into a row; single layers become neighbours."""
    for block in blocks:
        last = row.items[-1] if row.items else block
        if last is not block and _neighbours(last, block):
            last.parts += block.parts
            last.output = block.output
        else:
            row.items.append(block)


def _neighbours(last: Block, block: Block) -> bool:
    """Whether single layers stand side by side, so few that a row can be wrapped."""
    return not (last.framed or block.framed) and len(last.parts) < MOST


def _unwrapped(lines: list[Line]) -> Iterator[Line]:
    """Yield lines; instead of one that contains stages, those in it."""
    for line in lines:
        if _levels(line) > CONTAINING and line.count == 1:
            yield from _unwrapped(line.children)
        else:
            yield line


def _levels(line: Line) -> int:
    """Return the levels of layers in a line, without those on shortcuts; 1 for what adds."""
    if any("add" in re.split(r"[ +]", child.kind) for child in line.children):
        return 1
    inside = [c for c in line.children if c.name not in SHORTCUTS and c.kind != "Parameter"]
    if inside and _small(line):
        return 1
    return max((1 + _levels(child) for child in inside), default=0)


def _small(line: Line) -> bool:
    """Whether a line is so few layers that they are one block, whatever they are grouped in."""
    below = [line]
    for part in below:
        if part.count > 1 and part is not line:
            return False
        below += part.children
    return len(list(_parts(line))) <= UNIT and not any("Concat" in x.kind for x in below)


def _items(line: Line, join: str = "") -> list[Block]:
    """Return a line as a block; as one without a frame, if it is one layer."""
    if line.children:
        parts = [part for child in line.children for part in _parts(child)]
        block = Block(_named(line), parts, line.count, line.alike, join)
        _around(block, line.children)
    else:
        block = Block(_named(line), list(_parts(line)), line.count, framed=line.count > 1)
    block.output = line.output
    return [block] if block.parts else []


def _named(line: Line) -> str:
    """Return what stands below a block: its kind and, if it is short, its name."""
    kind = line.kind.partition(" × ")[2] if line.count > 1 else line.kind
    kind = "" if kind.startswith("(") or kind in CONTAINERS else kind
    return f"{kind} {line.name}".strip() if len(line.name) < SHORT or not kind else kind


def _around(block: Block, lines: list[Line]) -> None:
    """Set what is on the way around a block's branch, and the sum where a module makes it."""
    found = next((line for line in lines if line.name in SHORTCUTS), None)
    if found is not None:
        block.shortcut = ", ".join(filter(None, map(_passes, found.children or [found])))
    if any(part.kind == "sum" for part in block.parts):
        block.join = "sum"
    elif found is not None and not block.join:
        block.parts.append(Part("sum"))
        block.join = "sum"


def _passes(line: Line) -> str:
    """Return what a layer on a shortcut is called: "1×1 /2", "zero-padding", "Gate"."""
    if "Norm" in line.kind or line.kind == "Parameter":
        return ""
    return "zero-padding" if line.kind == "Pad" else line.kind.removeprefix("Conv2d ")


def _parts(line: Line) -> Iterator[Part]:
    """Yield the parts of a line of the main way."""
    if line.name in SHORTCUTS or line.kind == "Parameter":
        return
    if line.children:
        for child in line.children:
            yield from _parts(child)
        return
    for word in re.sub(r"^\d+ × ", "", line.kind).split(", ")[0].split("+"):
        name, _, rest = word.partition(" ")
        size = rest.partition(" in ")[0]
        size = size.removesuffix(" depthwise")
        groups = re.search(r"in (\d+ groups)|(depthwise)", rest)
        last = str(line.output[0][1]) if line.output and len(line.output[0]) > 1 else ""
        if name.startswith("Conv"):
            yield Part("conv", size, last + (f", {groups[1] or groups[2]}" if groups else ""))
        elif name == "Linear":
            yield Part("linear", "linear", last)
        elif "Norm" in name:
            yield Part("norm", name)
        elif name in ACTIVATIONS:
            yield Part("act", name)
        elif "Pool" in name:
            yield Part("pool", "average pool" if "Avg" in name else "max pool", size)
        elif name == "add":
            yield Part("sum")
        elif name not in ("Concat", "Flatten", "Reshape"):
            yield Part("other", "× α" if name == "multiply" else name, size)
