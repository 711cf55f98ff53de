"""What net a state is of, read off its names and shapes; and why one does not fit another net."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

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
        ours = dict(state)
    shapes = {name: np.shape(value) for name, value in ours.items()}
    if any(name.startswith("features.denseblock") for name in shapes):
        return _dense(shapes)
    stages: dict[int, set[int]] = {}
    layers = 0
    for name in shapes:
        if found := re.match(r"layer(\d{1,3})\.(\d{1,6})\.(?:conv(\d{1,3}))?", name):
            stage, block, conv = found.groups()
            stages.setdefault(int(stage), set()).add(int(block))
            layers = max(layers, int(conv or 0))
    if not stages or not layers:
        return None
    blocks = tuple(len(stages[s]) for s in sorted(stages))
    return _residual(shapes, blocks, layers)


def _residual(shapes: dict[str, tuple[int, ...]], blocks: tuple[int, ...], layers: int) -> Kind:
    stem = shapes.get("conv1.weight", ())
    projected = {n.split(".")[0:2][0] for n in shapes if ".downsample." in n}
    everywhere = all(
        any(n.startswith(f"layer{s + 1}.{b}.downsample.") for n in shapes)
        for s, count in enumerate(blocks)
        for b in range(count)
    )
    shortcut = "projections everywhere: option C" if everywhere else "projections: option B"
    if not projected:
        shortcut = "no projections: option A, or a plain net"
    head = shapes.get("fc.weight", ())
    wide = len(stem) == 4
    return Kind(
        _name(shapes, blocks, layers, bool(projected)),
        shortcut,
        f"{head[0]} classes" if len(head) == 2 else "no classifier",
        f"{stem[0]} channels at first" if wide else "",
        f"{stem[2]}×{stem[3]} first convolution" if wide else "no conv1",
        f"images of {stem[1]} channels" if wide else "",
        "" if any(n.endswith("running_mean") for n in shapes) else "no batch norm",
    )


def _name(
    shapes: dict[str, tuple[int, ...]], blocks: tuple[int, ...], layers: int, projected: bool
) -> str:
    depth = 2 + layers * sum(blocks)
    inner = shapes.get("layer1.0.conv2.weight", ())
    outer = shapes.get("layer1.0.conv1.weight", ())
    groups = outer[0] // inner[1] if len(inner) == len(outer) == 4 and inner[1] else 1
    bottleneck = " of bottlenecks" if layers == 3 else ""
    width = shapes.get("conv1.weight", (0,))[0]
    if groups > 1:
        return f"resnext{depth}, {groups} groups"
    if bottleneck and width and outer and outer[0] > width and len(blocks) == 4:
        return f"wide resnet{depth}, {outer[0] / width:g} times as wide"
    if STAGES.get(depth) == (layers, blocks):
        other = f" or plain{depth}" if layers == 2 and not projected else ""
        return f"resnet{depth}{other}"
    if len(blocks) == 3 and len(set(blocks)) == 1:
        return f"resnet{depth}{'' if projected or bottleneck else f' or plain{depth}'}{bottleneck}"
    return f"a residual net of stages of {', '.join(map(str, blocks))} blocks{bottleneck}"


def _dense(shapes: dict[str, tuple[int, ...]]) -> Kind:
    layers = {n.split(".denselayer")[0] + n.split(".")[2] for n in shapes if ".denselayer" in n}
    depth = 2 * len(layers) + 1 + sum(n.startswith("features.transition") for n in shapes) // 5
    growth = shapes.get("features.denseblock1.denselayer1.conv2.weight", ())
    head = shapes.get("classifier.weight", ())
    stem = shapes.get("features.conv0.weight", ())
    return Kind(
        f"a densenet of {len(layers)} dense layers",
        f"growth {growth[0]}" if growth else "",
        f"{head[0]} classes" if len(head) == 2 else "no classifier",
        f"{stem[0]} channels at first" if stem else f"{depth} layers",
    )


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
