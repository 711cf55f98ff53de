"""Following passes of a net: which layer runs which operations, what is kept, how long each takes.

No hook is registered, because hooked layers do not run fused (`nn.fusion`): what is seen here is
what happens in training.
"""

from __future__ import annotations

import time
import weakref
from collections import defaultdict
from typing import Any

import numpy as np

from ..engine import Node, topological_order
from ..flops import PRODUCTS, flops_of
from ..nn import Module
from ..nn.attributes import Parameter
from ..observe import Observer
from ..tensor import Tensor
from .layers import Layer, Operation, tensors

Place = tuple[str, str]


class Follower(Observer):
    """Knows at each moment which layer runs."""

    def __init__(self, net: Module, layers: list[Layer]) -> None:
        self.layers = {layer.path: layer for layer in layers if not layer.same}
        self.paths: dict[int, str] = {}
        self.owners: dict[int, str] = {}  # of parameters
        for path, module in net.named_modules():
            self.paths[id(module)] = path
            for p in module._parameters.values():
                self.owners.setdefault(id(p), path)
        self.stack: list[str] = [""]

    def entering(self, module: Any, inputs: tuple[Any, ...]) -> None:
        self.stack.append(self.paths.get(id(module), self.stack[-1]))

    def leaving(self, module: Any, output: Any) -> None:
        self.stack.pop()

    def runs(self, inputs: tuple[Any, ...]) -> Layer:
        """Return the layer that runs an operation.

        That is the innermost one, or one in it whose parameters are used although it is not called:
        a block runs its norm, its sum and its activation as one.
        """
        at = self.stack[-1]
        for x in inputs:
            if isinstance(x, Parameter):
                owner = self.owners.get(id(x), at)
                if owner != at and (not at or owner.startswith(f"{at}.")):
                    return self.layers[owner]
        return self.layers[at]


class Tracer(Follower):
    """Writes into the layers what one pass shows: shapes, operations, multiply-adds."""

    def __init__(self, net: Module, layers: list[Layer]) -> None:
        super().__init__(net, layers)
        self.events = 0
        self.at_node: dict[int, Operation] = {}  # by the index of the node
        self.makers: dict[int, tuple[weakref.ref[Any], Operation]] = {}  # by id of the memory

    def entering(self, module: Any, inputs: tuple[Any, ...]) -> None:
        super().entering(module, inputs)
        layer = self.layers[self.stack[-1]]
        if id(module) in self.paths:
            self.touch(layer)
            layer.runs += 1
            layer.inputs = tuple(t.shape for t in tensors(inputs))

    def leaving(self, module: Any, output: Any) -> None:
        if id(module) in self.paths:
            found = tuple(t.shape for t in tensors(output))
            self.layers[self.stack[-1]].outputs = found
        super().leaving(module, output)

    def touch(self, layer: Layer) -> None:
        self.events += 1
        if layer.first < 0:
            layer.first = self.events

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Tensor) -> None:
        layer = self.runs(inputs)
        self.touch(layer)
        name = function.__name__
        operation = layer.operations.setdefault(name, Operation(name, y.shape, self.events))
        operation.calls += 1
        operation.place = self.events
        operation.output = y.shape
        alike = [x for x in inputs if isinstance(x, Tensor) and x.shape == y.shape]
        operation.adds |= len(alike) > 1
        if not layer.runs:  # its parameters were used without a call
            layer.outputs = (y.shape,)
        if name in PRODUCTS:
            operation.figures.macs += flops_of(function, inputs, options, y) // 2
        if not any(_share(x, y) for x in inputs):  # no view
            operation.figures.outputs += y._data.nbytes
            memory = under(y._data)
            self.makers[id(memory)] = weakref.ref(memory), operation
        if y.node is not None:
            self.at_node[y.node.index] = operation

    def keep(self, outputs: Any, apart: set[int]) -> None:
        """Write into the operations the bytes that the graph of `outputs` keeps for backward.

        A kept result counts where it was computed, anything else where it was saved, and the memory
        of `apart` (ids) nowhere. Of a view the memory under it counts, once.
        """
        seen = set(apart)
        for node in _graph(outputs):
            saver = self.at_node.get(node.index)
            if node.ctx is None or saver is None:
                continue
            for array in _arrays(list(vars(node.ctx).values())):
                memory = under(array)
                if id(memory) not in seen:
                    seen.add(id(memory))
                    made, maker = self.makers.get(id(memory), (None, saver))
                    operation = maker if made is None or made() is memory else saver
                    operation.figures.kept += memory.nbytes


class Stopwatch(Follower):
    """Measures seconds forward and backward, by path of the layer and name of the operation.

    What a layer takes between operations has the name "".
    """

    def __init__(self, net: Module, layers: list[Layer]) -> None:
        super().__init__(net, layers)
        self.forward: dict[Place, float] = defaultdict(float)
        self.backward: dict[Place, float] = defaultdict(float)
        self.of_node: dict[int, Place] = {}
        self.passed: Place = "", ""
        self.last = time.perf_counter()

    def lap(self, into: dict[Place, float], place: Place) -> None:
        now = time.perf_counter()
        into[place] += now - self.last
        self.last = now

    def entering(self, module: Any, inputs: tuple[Any, ...]) -> None:
        self.lap(self.forward, (self.stack[-1], ""))
        super().entering(module, inputs)

    def leaving(self, module: Any, output: Any) -> None:
        self.lap(self.forward, (self.stack[-1], ""))
        super().leaving(module, output)

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Tensor) -> None:
        place = self.runs(inputs).path, function.__name__
        self.lap(self.forward, place)
        if y.node is not None:
            self.of_node[y.node.index] = place

    def passing(self, node: Any, dy: Any) -> None:
        self.lap(self.backward, self.passed)
        owner = self.owners.get(id(node.keeper())) if node.keeper else None
        leaf = self.passed if owner is None else (owner, "")
        self.passed = self.of_node.get(node.index, leaf)


def _graph(outputs: Any) -> list[Node]:
    """Return the nodes under some outputs in the order in which they were recorded."""
    found: dict[int, Node] = {}
    for t in tensors(outputs):
        if t.node is not None:
            found |= {node.index: node for node in topological_order(t.node)}
    return [found[index] for index in sorted(found)]


def _arrays(values: Any) -> list[Any]:
    """Return the arrays in nested tuples, lists and dictionaries."""
    found, stack = [], [values]
    while stack:
        value = stack.pop()
        if isinstance(value, tuple | list):
            stack += value
        elif isinstance(value, dict):
            stack += value.values()
        elif isinstance(value, Tensor):
            found.append(value.data)
        elif isinstance(getattr(value, "nbytes", None), int) and hasattr(value, "strides"):
            found.append(value)
    return found


def under(array: Any) -> Any:
    """Return the array that owns the memory of another one."""
    kind = np.ndarray if isinstance(array, np.ndarray) else type(array)
    while isinstance(getattr(array, "base", None), kind):
        array = array.base
    return array


def _share(x: Any, y: Tensor) -> bool:
    return isinstance(x, Tensor) and under(x._data) is under(y._data)
