"""Drawing what ran: `with watching(GraphDrawing()) as drawing: …; drawing.save("graph.svg")`.

The picture is the graph that autograd records: operations from the top down, parameters and data
beside them, and after a backward pass the norm of the gradient at each. A residual block shows as
what it is: one line through the branch, and one around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from minires_kernels.arrays import to_host

from . import results
from .observe import Observer
from .tensor import Tensor

WIDTH, HEIGHT, GAP_X, GAP_Y = 164, 44, 26, 30  # of a box, and between boxes, in pixels
FILLS = {"operation": "#ffffff", "parameter": "#dbe9f6", "data": "#eeeeee"}


@dataclass
class Box:
    """One operation or leaf: its text, the boxes it reads, and where it is drawn."""

    title: str
    shape: tuple[int, ...]
    kind: str
    parents: list[Box] = field(default_factory=list)
    norm: float | None = None  # of the gradient
    row: int = 0
    x: float = 0.0

    @property
    def y(self) -> float:
        return self.row * (HEIGHT + GAP_Y)


class GraphDrawing(Observer):
    """Draws the operations that run while it looks on.

    names   what to call tensors: pairs of name and tensor, e.g. `net.named_parameters()`; others
            are called "parameter" if they require a gradient, else "data"

    In a notebook the drawing shows itself. It keeps the tensors that it has seen; a copy of it, and
    one from a pickle, keep the picture alone.
    """

    def __init__(self, names: Iterable[tuple[str, Tensor]] = ()) -> None:
        named = list(names)
        self._names = {id(t): name for name, t in named}
        self._boxes: dict[int, Box] = {}  # by id of the tensor
        self._nodes: dict[int, Box] = {}  # by index of its node
        self._kept = [t for _, t in named]  # so that no id is given to another tensor

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Tensor) -> None:
        parents = [self._box(t) for t in inputs if isinstance(t, Tensor)]
        box = Box(function.__name__, y.shape, "operation", parents)
        box.row = 1 + max((p.row for p in parents), default=-1)
        self._add(y, box)

    def passing(self, node: Any, dy: Any) -> None:
        box = self._nodes.get(node.index)
        if box is not None:
            flat = to_host(dy).astype("float64").ravel()
            box.norm = math.sqrt(float(flat @ flat))

    def _box(self, t: Tensor) -> Box:
        box = self._boxes.get(id(t))
        if box is None:
            kind = "parameter" if t.requires_grad else "data"
            box = self._add(t, Box(self._names.get(id(t), kind), t.shape, kind))
        return box

    def _add(self, t: Tensor, box: Box) -> Box:
        self._kept.append(t)
        self._boxes[id(t)] = box
        if t.requires_grad:
            self._nodes[t.own_node().index] = box
        return box

    def __getstate__(self) -> list[dict[str, Any]]:
        """Return the boxes, without recursion: parents by their numbers."""
        boxes = list(self._boxes.values())
        number = {id(box): i for i, box in enumerate(boxes)}
        return [vars(b) | {"parents": [number[id(p)] for p in b.parents]} for b in boxes]

    def __setstate__(self, state: list[dict[str, Any]]) -> None:
        GraphDrawing.__init__(self)
        boxes = [Box(**fields) for fields in state]
        for box, fields in zip(boxes, state, strict=True):
            box.parents = [boxes[i] for i in fields["parents"]]
        self._boxes = {-i: box for i, box in enumerate(boxes, 1)}  # the ids of no tensors

    def svg(self) -> str:
        """Return the drawing as the text of an SVG file."""
        boxes = list(self._boxes.values())
        _place(boxes)
        left = min((b.x for b in boxes), default=0) - GAP_X
        right = max((b.x for b in boxes), default=0) + WIDTH + 4 * GAP_X
        bottom = max((b.y for b in boxes), default=0) + HEIGHT + GAP_Y
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:g} {-GAP_Y} {right - left:g} '
            f'{bottom + GAP_Y:g}" width="{right - left:g}" height="{bottom + GAP_Y:g}" '
            'font-family="sans-serif" font-size="11">',
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#555"/></marker>'
            "</defs>",
        ]
        parts += [_arrow(parent, box) for box in boxes for parent in box.parents]
        parts += [_drawn(box) for box in boxes]
        return "\n".join([*parts, "</svg>\n"])

    def _repr_svg_(self) -> str:
        return self.svg()

    def save(self, path: results.StrPath) -> Path:
        """Write the drawing to an SVG file, whole or not at all; raises OSError."""
        return results.write_text(path, self.svg())


def _place(boxes: list[Box]) -> None:
    """Set rows and columns: operations below what they read, on one line where nothing forks.

    A leaf stands in the row above its first reader, to the left of the operations.
    """
    readers: dict[int, list[Box]] = {}
    for box in boxes:
        for parent in box.parents:
            readers.setdefault(id(parent), []).append(box)
    for box in boxes:
        if box.kind != "operation" and id(box) in readers:
            box.row = min(reader.row for reader in readers[id(box)]) - 1
    taken: set[tuple[int, int]] = set()
    columns: dict[int, int] = {}
    operations = [b for b in boxes if b.kind == "operation" or b.row < 0]
    for box in operations:
        above = [columns[id(p)] for p in box.parents if id(p) in columns]
        column = min(above, default=0)
        while (box.row, column) in taken:
            column += 1
        taken.add((box.row, column))
        columns[id(box)] = column
        box.x = column * (WIDTH + GAP_X)
    for box in boxes:
        if id(box) not in columns:
            column = -1
            while (box.row, column) in taken:
                column -= 1
            taken.add((box.row, column))
            box.x = column * (WIDTH + GAP_X)


def _arrow(parent: Box, box: Box) -> str:
    """Return a line from one box to another; one that passes rows is led around what it passes.

    From an operation to the right of all, from a leaf down its column and between two rows.
    """
    x0, y0 = parent.x + WIDTH / 2, parent.y + HEIGHT
    x1, y1 = box.x + WIDTH / 2, box.y - 2
    span = box.row - parent.row
    if span <= 1:
        path = f"M{x0:g},{y0:g} C{x0:g},{y0 + GAP_Y / 2:g} {x1:g},{y1 - GAP_Y / 2:g} {x1:g},{y1:g}"
        return f'<path d="{path}" fill="none" stroke="#999" marker-end="url(#head)"/>'
    if parent.kind == "operation":
        x0, x1 = parent.x + WIDTH, box.x + WIDTH + 2
        y0, y1 = parent.y + HEIGHT / 2, box.y + HEIGHT / 2
        bow = max(x0, x1) + GAP_X * (1 + min(span, 12) / 4)
        path = f"M{x0:g},{y0:g} C{bow:g},{y0:g} {bow:g},{y1:g} {x1:g},{y1:g}"
    else:
        between, x1 = y1 - GAP_Y / 2, x1 - WIDTH / 4
        path = f"M{x0:g},{y0:g} V{between:g} H{x1:g} V{y1:g}"
    return (
        f'<path d="{path}" fill="none" stroke="#d55e00" stroke-width="2" marker-end="url(#head)"/>'
    )


def _drawn(box: Box) -> str:
    shape = "×".join(map(str, box.shape)) or "one number"
    below = shape if box.norm is None else f"{shape}  ‖∂L‖ {box.norm:.1e}"
    title = box.title if len(box.title) <= 22 else "…" + box.title[-21:]
    return (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{WIDTH}" height="{HEIGHT}" rx="5" '
        f'fill="{FILLS[box.kind]}" stroke="#777"/>'
        f'<text x="{box.x + WIDTH / 2:g}" y="{box.y + 18:g}" text-anchor="middle" '
        f'font-weight="bold">{escape(title)}</text>'
        f'<text x="{box.x + WIDTH / 2:g}" y="{box.y + 34:g}" text-anchor="middle" '
        f'fill="#555">{escape(below)}</text>'
    )
