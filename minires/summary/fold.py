"""A net as few lines: repeated blocks are one line, and what does nothing is none.

bn1, act1        a norm and a ReLU that run as one kernel are one line, with the sum between them
layer1.0 … 8     nine equal blocks are one line: what is in one of them follows below it
denseblock1.0 …  so are four or more blocks of one structure whose sizes grow
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .layers import Figures, Layer, Operation, Shape

ACTIVATION = "ReLU"  # the one that runs fused, see nn.fusion
LONGEST_PATTERN = 6  # rows of a repeated pattern, e.g. conv, norm + relu
ALIKE = 3  # so many blocks of one structure and growing sizes, or patterns, become one line
CONTAINERS = ("Sequential", "ModuleList")


@dataclass
class Line:
    """What is shown in one line, and below it.

    count    how many equal or like blocks it stands for; `figures` are of all together
    alike    whether they differ in size: then `children` are of the first
    """

    name: str
    kind: str
    output: tuple[Shape, ...]
    figures: Figures
    children: list[Line] = field(default_factory=list)
    count: int = 1
    alike: bool = False
    layer: Layer | None = None
    note: str = ""
    key: Any = None  # equal for lines that are equal but for their names
    structure: Any = None  # equal for lines of one structure


def lines_of(layers: list[Layer]) -> Line:
    """Return the line of the net, with all lines below it, folded."""
    inside: dict[int, list[int]] = {}
    for i, layer in enumerate(layers):
        inside.setdefault(layer.parent, []).append(i)
    made: dict[int, Line] = {}
    interned: dict[Any, int] = {}
    for i in range(len(layers) - 1, -1, -1):
        layer, contained = layers[i], inside.get(i, [])
        line = Line(layer.name, layer.kind, layer.outputs, layer.all, layer=layer)
        if contained:
            line.children = fold(_fused(_ordered(layer, [made[k] for k in contained])))
        if layer.same:
            line.note = f"is {layer.same or 'the net'} again"
        elif not _active(layer):
            line.note = "did not run"
        elif layer.runs > 1:
            line.note = f"runs {layer.runs} times"
        _intern(line, layer, interned)
        made[i] = line
    return made[0]


def _active(layer: Layer) -> bool:
    """Whether a layer or something in it has run."""
    return bool(layer.runs or layer.operations or layer.all.outputs)


def _intern(line: Line, layer: Layer, interned: dict[Any, int]) -> None:
    """Give a line numbers that equal lines share, so that comparing two is comparing numbers."""
    f = line.figures  # not what depends on neighbours, or on the day: `kept`, times
    figures = f.parameters, f.frozen, f.macs, f.outputs
    below = tuple((child.key, child.count) for child in line.children)
    key = ("equal", layer.kind, layer.inputs, layer.outputs, figures, line.note, below)
    line.key = interned.setdefault(key, len(interned))
    structure = tuple(child.structure for child in line.children)
    alike = ("alike", layer.kind.split(" ")[0], line.note, structure)
    line.structure = interned.setdefault(alike, len(interned))


def _ordered(layer: Layer, lines: list[Line]) -> list[Line]:
    """Return the lines of modules, and of what `layer` runs and owns itself, as they run."""
    placed, last = [], -1
    for line in lines:
        first = line.layer.first if line.layer is not None else -1
        last = max(last, first)
        placed.append((first if first >= 0 else last, line))
    placed += [(o.place, _operation(o)) for o in layer.operations.values() if o.figures.outputs]
    ordered = [line for _, line in sorted(placed, key=lambda pair: pair[0])]
    return ordered + [
        Line(name, "Parameter", (), Figures(size), key=(name, size), structure=name)
        for name, size in layer.variables.items()
    ]


def _operation(o: Operation) -> Line:
    times = f"{o.calls} × " if o.calls > 1 else ""
    kind = times + {"AddReLU": "add+ReLU", "Add": "add", "Mul": "multiply"}.get(o.name, o.name)
    key = (o.name, o.calls, o.output)
    return Line("", kind, (o.output,), o.figures, key=key, structure=o.name)


def _fused(lines: list[Line]) -> list[Line]:
    """Name activations where their kernel is, with a norm or a sum; drop what only passes on."""
    fusing = []
    for line in lines:
        if line.layer is None:
            fusing += [line] if "ReLU" in line.kind else []
            continue
        for o in line.layer.operations.values():
            if o.name == "BatchNormReLU":
                line.kind += "+add+ReLU" if o.adds else "+ReLU"
                fusing.append(line)
    result: list[Line] = []
    for line in lines:
        layer = line.layer
        idle = layer is not None and not _active(layer) and not layer.same
        if layer is not None and idle and layer.kind == ACTIVATION and fusing:
            joined = fusing.pop(0)
            joined.name += f"+{line.name}" if joined.name else line.name
        elif layer is None or layer.same or not _passes_on(line):
            result.append(line)
    return result


def _passes_on(line: Line) -> bool:
    """Whether a line is of an Identity, or of a Sequential of nothing else."""
    layer = line.layer
    kinds = ("Identity", "Sequential")
    empty = layer is not None and layer.kind in kinds and not (line.children or layer.variables)
    return empty and layer is not None and not layer.all.outputs


def fold(lines: list[Line]) -> list[Line]:
    """Put one line for each run of equal lines, of repeated patterns, and of growing blocks."""
    result: list[Line] = []
    i = 0
    while i < len(lines):
        period, times = _repetition(lines, i)
        if times > 1:
            group = lines[i : i + period * times]
            result.append(_together(group, group[:period], times))
            i += period * times
            continue
        n = 1
        while i + n < len(lines) and _like(lines[i], lines[i + n]):
            n += 1
        for k in range(i + 1, i + n - 1):
            if lines[k].key == lines[k + 1].key:  # equal ones come: they are a line of their own
                n = k - i
                break
        if n >= ALIKE:
            result.append(_together(lines[i : i + n], lines[i : i + 1], n, alike=True))
            i += n
            continue
        result.append(lines[i])
        i += 1
    return result


def _like(a: Line, b: Line) -> bool:
    """Whether two are blocks of one structure, and of a kind of their own."""
    return bool(a.children) and a.kind not in CONTAINERS and a.structure == b.structure


def _repetition(lines: list[Line], i: int) -> tuple[int, int]:
    """Return the period and the number of repetitions of the pattern that starts at `i`."""
    best = (1, 1)
    for period in range(1, LONGEST_PATTERN + 1):
        pattern = [line.key for line in lines[i : i + period]]
        times = 1
        while [x.key for x in lines[i + period * times : i + period * (times + 1)]] == pattern:
            times += 1
        enough = times > 1 if period == 1 else times >= ALIKE
        if enough and period * times > best[0] * best[1]:
            best = (period, times)
    return best


def _mean(lines: list[Line]) -> Line:
    """Return one line for equal lines, with the mean of what may differ: kept bytes, times."""
    figures = Figures()
    for line in lines:
        figures.add(line.figures)
    n = len(lines)
    mean = replace(
        lines[0].figures,
        kept=figures.kept // n,
        forward=figures.forward / n,
        backward=figures.backward / n,
    )
    below = [_mean(list(parts)) for parts in zip(*(line.children for line in lines), strict=True)]
    return replace(lines[0], figures=mean, children=below)


def _together(group: list[Line], pattern: list[Line], times: int, alike: bool = False) -> Line:
    figures = Figures()
    for line in group:
        figures.add(line.figures)
    first, last = group[0], group[-1]
    if len(pattern) == 1:
        kind, children = first.kind, first.children if alike else _mean(group).children
        if alike:
            kind = kind.split(" ")[0]
    else:
        kind = f"({' – '.join(line.kind for line in pattern)})"
        children = [_mean(group[i :: len(pattern)]) for i in range(len(pattern))]
    name = f"{first.name} … {last.name}" if first.name or last.name else ""
    return Line(
        name,
        f"{times} × {kind}",
        last.output,
        figures,
        children,
        times,
        alike,
        first.layer,
        first.note,
        ("group", times, tuple(line.key for line in group)),
        ("group", tuple(line.structure for line in pattern)),
    )
