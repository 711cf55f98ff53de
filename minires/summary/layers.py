"""The layers of a net as rows: what each is called, what it is, and what it owns and costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..nn import Module
from ..tensor import Tensor

Shape = tuple[int, ...]


@dataclass
class Figures:
    """What can be added up over layers.

    parameters   numbers in parameters; one of several layers counts at the first. `frozen`: those
                 that no gradient is wanted of
    macs         multiply-adds of convolutions and products of matrices, for one input
    outputs      bytes of all results of operations, for one input
    kept         bytes that the engine keeps for backward, for the batch: a result counts where it
                 is computed, whoever keeps it
    forward, backward   seconds, for the batch
    """

    parameters: int = 0
    frozen: int = 0
    macs: int = 0
    outputs: int = 0
    kept: int = 0
    forward: float = 0.0
    backward: float = 0.0

    def add(self, other: Figures, times: int = 1) -> None:
        for key in NAMES:
            setattr(self, key, getattr(self, key) + times * getattr(other, key))

    @property
    def seconds(self) -> float:
        return self.forward + self.backward


NAMES = tuple(f.name for f in fields(Figures))


@dataclass
class Operation:
    """A Function that a layer runs itself, `calls` times: its last result, and its figures."""

    name: str
    output: Shape
    place: int  # in the order of what happens, of its last call
    calls: int = 0
    adds: bool = False  # whether it takes another value of the result's shape: a sum
    figures: Figures = field(default_factory=Figures)


@dataclass
class Layer:
    """One module of a net.

    parent       index of the layer that contains it, -1 for the net
    own          what the layer itself costs, `all` with the layers in it
    operations   the Functions that it runs itself
    variables    names and sizes of the parameters that it owns itself
    same         path of the layer that this one is too, which has the numbers; "" for most
    """

    path: str
    kind: str
    parent: int
    inputs: tuple[Shape, ...] = ()
    outputs: tuple[Shape, ...] = ()
    runs: int = 0
    first: int = -1
    own: Figures = field(default_factory=Figures)
    all: Figures = field(default_factory=Figures)
    operations: dict[str, Operation] = field(default_factory=dict)
    variables: dict[str, int] = field(default_factory=dict)
    same: str = ""

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


def layers_of(net: Module) -> list[Layer]:
    """Return the net and all modules in it, parents first, each way to a module once."""
    layers: list[Layer] = []
    seen: dict[int, str] = {}
    owned: set[int] = set()
    stack = [("", net, -1)]
    while stack:
        path, module, parent = stack.pop()
        layer = Layer(path, kind_of(module), parent)
        layers.append(layer)
        if id(module) in seen:
            layer.same = seen[id(module)]
            continue
        seen[id(module)] = path
        for key, p in module._parameters.items():
            if p is None:
                continue
            layer.variables[key] = p.size
            if id(p) not in owned:
                owned.add(id(p))
                layer.own.parameters += p.size
                layer.own.frozen += 0 if p.requires_grad else p.size
        dot, own = f"{path}." if path else "", len(layers) - 1
        stack += [(dot + key, child, own) for key, child in reversed(module._modules.items())]
    return layers


def add_up(layers: list[Layer]) -> None:
    """Set `all` of each layer: its own figures and those of the layers in it."""
    for layer in layers:
        layer.all = Figures()
        layer.all.add(layer.own)
    for layer in reversed(layers):
        if layer.parent >= 0:
            layers[layer.parent].all.add(layer.all)


def kind_of(module: Module) -> str:
    """Return what a module is in a few words: "Conv2d 3×3 /2"."""
    text = type(module).__name__
    kernel, stride = (getattr(module, key, None) for key in ("kernel_size", "stride"))
    if kernel is not None:
        text += f" {_sides(kernel)}"
        if stride is not None and _sides(stride) != "1×1":
            text += (
                f" /{_sides(stride)}" if len(set(_pair(stride))) > 1 else f" /{_pair(stride)[0]}"
            )
        groups = getattr(module, "groups", 1)
        channels = {getattr(module, key, None) for key in ("in_channels", "out_channels")}
        if isinstance(groups, int) and groups > 1:
            text += " depthwise" if channels == {groups} else f" in {groups} groups"
    return text


def _pair(size: Any) -> tuple[Any, ...]:
    return tuple(size) if isinstance(size, tuple | list) else (size, size)


def _sides(size: Any) -> str:
    return "×".join(map(str, _pair(size)))


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in a value: itself, or those in tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors(part)
    elif isinstance(value, Mapping):
        yield from tensors(list(value.values()))


def shape_text(shape: Shape) -> str:
    """Return a shape in a few characters: "3×32×32"."""
    return "×".join(map(str, shape)) or "one number"
