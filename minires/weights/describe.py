"""What net a state is of, read off its names and shapes; and why one does not fit another net."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ..models.resnet_imagenet import STAGES
from .rename import names_of, to_ours


@dataclass(frozen=True)
class Kind:
    """A residual (or plain) net, as its state shows it; "" where the state does not tell."""

    name: str
    shortcut: str = ""
    classes: str = ""
    width: str = ""
    stem: str = ""
    inputs: str = ""
    norm: str = ""

    def __str__(self) -> str:
        return self.text(self)

    def text(self, other: Kind) -> str:
        """Say what it is; beside `other` only what differs from it."""
        same = {f.name for f in fields(self)[1:] if getattr(self, f.name) == getattr(other, f.name)}
        told = [
            getattr(self, f.name)
            for f in fields(self)[1:]
            if getattr(self, f.name) and (self is other or f.name not in same)
        ]
        return f"{self.name} ({', '.join(told)})" if told else self.name


def kind_of(state: Mapping[str, Any]) -> Kind | None:
    """Return what a state is of, under whosever names; None if it is of no family known here."""
    try:
        ours = to_ours(state)
    except ValueError:
        ours = {str(name): value for name, value in state.items()}
    shapes = {name: tuple(getattr(value, "shape", ())) for name, value in ours.items()}
    blocks: dict[int, set[int]] = {}
    for name in shapes:
        if found := _BLOCK.match(name):
            blocks.setdefault(int(found[1]), set()).add(int(found[2]))
    if blocks:
        return _residual(shapes, tuple(len(blocks[stage]) for stage in sorted(blocks)))
    dense = Counter(found[1] for name in shapes if (found := _DENSE.match(name)))
    if dense:
        return _dense(shapes, tuple(dense[block] for block in sorted(dense)))
    if "features.1.conv.0.0.weight" in shapes:
        return _plain("mobilenet_v2", shapes, "features.0.0.weight", "classifier.1.weight")
    if "features.1.0.0.weight" in shapes:
        return _plain("mobilenet_v1", shapes, "features.0.0.weight", "classifier.weight")
    return None


_BLOCK = re.compile(r"layer(\d{1,3})\.(\d{1,6})\.conv1\.weight")
_DENSE = re.compile(r"features\.denseblock(\d{1,3})\.denselayer\d{1,6}\.conv1\.weight")


def _sizes(shapes: dict[str, tuple[int, ...]], name: str, ndim: int) -> tuple[int, ...]:
    """Return the shape of an array; zeros if it is not there, or has another number of axes."""
    found = shapes.get(name, ())
    return found if len(found) == ndim and min(found) > 0 else (0,) * ndim


def _plain(name: str, shapes: dict[str, tuple[int, ...]], first: str, last: str) -> Kind:
    """Return the kind of a net that is told by its name, its first convolution and its head."""
    stem, head = _sizes(shapes, first, 4), _sizes(shapes, last, 2)
    return Kind(
        name,
        classes=f"{head[0]} classes" if head[0] else "no classifier",
        width=f"{stem[0]} channels at first" if stem[0] else "",
        stem=f"{stem[2]}×{stem[3]} first convolution" if stem[0] else "no first convolution",
        inputs=f"images of {stem[1]} channels" if stem[0] else "",
        norm="" if any(n.endswith("running_mean") for n in shapes) else "no batch norm",
    )


def _dense(shapes: dict[str, tuple[int, ...]], blocks: tuple[int, ...]) -> Kind:
    bottleneck = "features.denseblock1.denselayer1.conv2.weight" in shapes
    depth = len(blocks) + 1 + sum(blocks) * (2 if bottleneck else 1)
    name = f"densenet{depth}" if len(blocks) == 4 or not bottleneck else f"densenet_bc{depth}"
    kind = _plain(name, shapes, "features.conv0.weight", "classifier.weight")
    last = f"conv{2 if bottleneck else 1}.weight"
    growth = _sizes(shapes, f"features.denseblock1.denselayer1.{last}", 4)[0]
    return replace(kind, shortcut=f"growth {growth}" if growth else "")


def _residual(shapes: dict[str, tuple[int, ...]], blocks: tuple[int, ...]) -> Kind:
    layers = 3 if "layer1.0.conv3.weight" in shapes else 2
    projected = {n.partition(".downsample.")[0] for n in shapes if ".downsample." in n}
    shortcut = "no projections: option A, or a plain net"
    if projected:
        everywhere = len(projected) == sum(blocks)
        shortcut = f"projections: option {'C' if everywhere else 'B'}"
    kind = _plain("", shapes, "conv1.weight", "fc.weight")
    return replace(kind, name=_name(shapes, blocks, layers, bool(projected)), shortcut=shortcut)


def _name(
    shapes: dict[str, tuple[int, ...]], blocks: tuple[int, ...], layers: int, projected: bool
) -> str:
    depth = 2 + layers * sum(blocks)
    imagenet = STAGES.get(depth) == (layers, blocks)
    if not imagenet and (len(blocks) != 3 or len(set(blocks)) > 1):
        kind = "bottlenecks" if layers == 3 else "blocks"
        return f"a residual net of stages of {', '.join(map(str, blocks))} {kind}"
    width = _sizes(shapes, "conv1.weight", 4)[0]
    outer, inner = (_sizes(shapes, f"layer1.0.conv{i}.weight", 4) for i in (1, 2))
    if layers == 3 and inner[1] and outer[0] > inner[1]:
        per_group = inner[1] * 64 // width if width else inner[1]  # as a net of 64 would have
        return f"resnext{depth}_{outer[0] // inner[1]}x{per_group}d"
    wider = outer[0] // width if width else 1
    preact = "tail.0.running_mean" in shapes
    if layers == 3 and wider > 1:
        return f"wide_resnet{depth}_{wider}"
    if layers == 2 and preact and wider > 1:
        return f"wide_resnet{depth + 2}_{wider}"
    name = f"{'preact_' if preact else ''}resnet{depth}"
    return name if projected or layers == 3 or preact else f"{name} or plain{depth}"


def mismatch(state: Mapping[str, Any], net: Mapping[str, Any]) -> str:
    """Say what weights are of, and of what the net's own state is; "" if neither is known."""
    theirs, own = kind_of(state), kind_of(net)
    if theirs is None:
        kinds = {"unknown": "of no family that is known here"}.get(names_of(state), "incomplete")
        return f"these weights are {kinds}" if own else ""
    if own is None:
        return f"these look like weights of {theirs}"
    if theirs == own:
        return f"these look like weights of such a net, {own}, and yet some arrays differ"
    text = f"these look like weights of {theirs.text(own)}; the net is {own.text(theirs)}"
    same_body = Kind(theirs.name, theirs.shortcut, own.classes, *_rest(theirs)) == own
    if same_body:
        text += "; to keep the net's own head, leave fc.weight and fc.bias out (strict=False)"
    return text


def _rest(kind: Kind) -> tuple[str, ...]:
    return kind.width, kind.stem, kind.inputs, kind.norm
