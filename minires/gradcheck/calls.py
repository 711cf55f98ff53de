"""Which operations ran: each recorded call with its inputs, its layer, and the user's line."""

from __future__ import annotations

import linecache
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..nn import Module
from ..nn.attributes import Parameter
from ..observe import Observer
from .wording import near

PACKAGE = str(Path(__file__).resolve().parent.parent)
CHECKER = str(Path(__file__).resolve().parent)


@dataclass(frozen=True)
class Place:
    """A line of source: the user's, or that of a layer of minires if there is none."""

    file: str
    line: int

    @property
    def text(self) -> str:
        """The line itself, "" where the source is not at hand."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        text = self.text
        return f"{near(self.file)}, line {self.line}" + (f": {text}" if text else "")


@dataclass(eq=False)
class Call:
    """One call of a Function that wants gradients.

    inputs, y   the arrays (or numbers, or None) at the time of the call, not copies
    path        the layer that made it, as in named_modules(); module is the class of that layer
    index       of its node in the graph: counts upwards in the order of the forward pass
    """

    function: Any
    inputs: tuple[Any, ...]
    needs: tuple[bool, ...]
    options: dict[str, Any]
    y: Any
    index: int
    path: str
    module: str
    place: Place | None

    @property
    def name(self) -> str:
        """The operation with its layer, e.g. "layer2.0.conv1 (Conv2d)"."""
        if not self.path:
            return str(self.function.__name__)
        what = self.module if self.module == self.function.__name__ else ""
        return f"{self.path} ({what or f'{self.module}: {self.function.__name__}'})"

    def input_name(self, i: int) -> str:
        """Return the name of input i, as its Function says."""
        if (spec := getattr(self.function, "spec", None)) is not None:
            names = list(spec.inputs)
        else:
            code = getattr(self.function.forward, "__code__", None)
            names = [] if code is None else list(code.co_varnames[1 : code.co_argcount])
        return names[i] if i < len(names) else f"input {i}"

    @property
    def defined(self) -> Place | None:
        """Where the backward pass of the Function is written, if that is not in minires."""
        code = getattr(self.function.backward, "__code__", None)
        if code is None or code.co_filename.startswith(PACKAGE):
            return None
        return Place(code.co_filename, code.co_firstlineno)


@dataclass(eq=False)
class CallLog(Observer):
    """The calls of a forward pass, in order. With `net`, layers are known by their paths."""

    net: Module | None = None
    calls: list[Call] = field(default_factory=list)
    modules: dict[int, tuple[str, Module]] = field(default_factory=dict)
    buffers: list[tuple[Module, str, Any, Any]] = field(default_factory=list)  # array, its copy
    _stack: list[Module] = field(default_factory=list)
    _owners: dict[int, Module] = field(default_factory=dict)  # of parameters

    def __post_init__(self) -> None:
        if self.net is not None:
            self._meet(self.net, "")

    def _meet(self, root: Module, prefix: str) -> None:
        for path, module in root.named_modules():
            name = ".".join(part for part in (prefix, path) if part)
            if id(module) in self.modules:
                continue
            self.modules[id(module)] = name, module
            kept = [(key, b) for key, b in module._buffers.items() if b is not None]
            self.buffers += [(module, key, b, b.copy()) for key, b in kept]
            for p in module._parameters.values():
                if p is not None:
                    self._owners.setdefault(id(p), module)

    def entering(self, module: Any, inputs: tuple[Any, ...]) -> None:
        if id(module) not in self.modules:
            same = sum(type(m) is type(module) for _, m in self.modules.values())
            self._meet(module, type(module).__name__ + (f" {same + 1}" if same else ""))
        self._stack.append(module)

    def leaving(self, module: Any, output: Any) -> None:
        if module in self._stack:
            del self._stack[self._stack.index(module) :]

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Any) -> None:
        if y.node is None or y.node.function is None:
            return
        arrays = tuple(getattr(x, "_data", x) for x in inputs)
        path, kind = self._layer(inputs)
        needs, place = y.node.ctx.needs, _place()
        index = y.node.index
        self.calls.append(
            Call(function, arrays, needs, dict(options), y._data, index, path, kind, place)
        )

    def _layer(self, inputs: tuple[Any, ...]) -> tuple[str, str]:
        """Return path and class of the layer that runs: the one whose parameters are used.

        That may be a layer that is not called itself: a block runs norm and activation as one.
        """
        if not self._stack:
            return "", ""
        at, owner = self.modules[id(self._stack[-1])], None
        for x in inputs:
            if isinstance(x, Parameter) and (found := self._owners.get(id(x))) is not None:
                owner = owner or self.modules[id(found)]
        if owner is not None and (not at[0] or owner[0].startswith(f"{at[0]}.")):
            at = owner
        return at[0], type(at[1]).__name__

    def parameters(self) -> list[tuple[str, Parameter]]:
        """Return the parameters of all modules seen, with their names."""
        found: dict[int, tuple[str, Parameter]] = {}
        for path, module in self.modules.values():
            for key, p in module._parameters.items():
                if p is not None:
                    found.setdefault(id(p), (f"{path}.{key}" if path else key, p))
        return list(found.values())

    def restore(self) -> None:
        """Put back the buffers (running statistics) of all modules seen."""
        for module, key, array, before in self.buffers:
            array[...] = before
            module._buffers[key] = array


def _place() -> Place | None:
    """Return the innermost line outside minires; else the innermost line of a layer's forward."""
    frame: Any = sys._getframe(2)
    layer = None
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(CHECKER) and not file.endswith("calls.py"):
            break
        if not file.startswith(PACKAGE) and not file.startswith("<frozen"):
            return Place(file, frame.f_lineno)
        if layer is None and isinstance(frame.f_locals.get("self"), Module):
            layer = Place(file, frame.f_lineno)
        frame = frame.f_back
    return layer
