"""What a Recorder sees of the operations between the layers: ReLUs, sums, gradients of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minires_kernels.arrays import module_of

from .. import functional as F
from .. import nn
from ..engine import Node
from ..observe import Observer
from ..ops.arithmetic import Add
from ..ops.elementwise import Sigmoid, Tanh
from ..tensor import Array, Tensor
from .joins import Join, join
from .rows import BlockRecord, LayerRecord, alive_units, norm, rms, saturated_units

VIEWS = {"Reshape", "Permute", "Cast", "Move", "Alias"}
SATURATING = {Tanh: "tanh", Sigmoid: "sigmoid"}


class Nodes:
    """How `joins` walks minires' graph."""

    def parents(self, node: Node) -> list[Node]:
        return [parent for parent in node.parents if parent is not None]

    def parameter(self, node: Node) -> nn.Parameter | None:
        if node.function is not None or node.keeper is None:
            return None
        kept = node.keeper()
        return kept if isinstance(kept, nn.Parameter) else None

    def shows(self, node: Node) -> bool:
        return node.name in VIEWS


class Watch(Observer):
    """Completes the rows of a Recorder: the latest layer's, and those of residual sums.

    names      names of the modules, by id
    begun      the rows of residual blocks that are about to run, by the block's id
    joined     told of a sum in a module that has no row yet: (name, stream, branch, join)
    alive      by the index of a layer: which units of its ReLU are not 0
    """

    def __init__(self, layers: list[LayerRecord], names: dict[int, str]) -> None:
        self.layers, self.names = layers, names
        self.open: list[tuple[int, BlockRecord | None]] = []
        self.begun: dict[int, BlockRecord] = {}
        self.alive: dict[int, Array] = {}
        self.joined: Callable[[str, Tensor, Join], BlockRecord] | None = None
        self._latest: dict[int, LayerRecord] = {}  # of each weight: the call that uses it
        self._uses: dict[Node, LayerRecord] = {}  # of each operation on a weight
        self._count: dict[int, int] = {}  # operations on weights in each call
        self._parts: dict[tuple[int, int], Array] = {}

    # ---- modules --------------------------------------------------------------------------------
    def entering(self, module: Any, inputs: tuple[Any, ...]) -> None:
        self.open.append((id(module), self.begun.pop(id(module), None)))

    def leaving(self, module: Any, output: Any) -> None:
        while self.open and self.open.pop()[0] != id(module):
            pass  # modules that raised, and whose error somebody caught

    def calling(self, layer: LayerRecord, weights: list[nn.Parameter]) -> None:
        """A layer begins."""
        for w in weights:
            self._latest[id(w)] = layer

    # ---- operations -----------------------------------------------------------------------------
    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Tensor) -> None:
        if y.node is not None:
            for t in inputs:
                if isinstance(t, nn.Parameter) and id(t) in self._latest:
                    layer = self._uses[y.node] = self._latest[id(t)]
                    self._count[layer.index] = self._count.get(layer.index, 0) + 1
        if not self.layers:
            return
        if function in (F.ReLU, F.AddReLU, F.BatchNormReLU) and y.size:
            alive = self.alive[len(self.layers) - 1] = alive_units(y.data)
            self.layers[-1].dead_relu = float(1 - alive.mean())
        elif function in SATURATING and y.size:
            self.layers[-1].saturated = saturated_units(y.data, SATURATING[function])
        if function in (Add, F.AddReLU):
            self._sum(*inputs[:2])
        elif function is F.BatchNormReLU and inputs[5] is not None:
            self._sum(inputs[5], inputs[0], lambda: _normalised(inputs, options["eps"]))

    def _sum(self, a: Any, b: Any, size: Callable[[], float] | None = None) -> None:
        """Find out whether a + b is a residual sum. `size` is what RMS b has, if it is not b's."""
        if not (_recorded(a) and _recorded(b)) or a.shape != b.shape or a.ndim < 2:
            return
        found, stream, branch = join(Nodes(), a.node, b.node), a, b
        if found is None and size is None:
            found, stream, branch = join(Nodes(), b.node, a.node), b, a
        if found is None:
            return
        block = next((block for _, block in reversed(self.open) if block is not None), None)
        if block is None or block.stream_rms is not None:
            if self.joined is None:
                return
            inner = self.names.get(self.open[-1][0], "") if self.open else ""
            block = self.joined(inner, stream, found)
        block.stream_rms = rms(stream.data)
        block.branch_rms = rms(branch.data) if size is None else size()

    # ---- the backward pass ----------------------------------------------------------------------
    def giving(self, node: Any, parent: Any, dx: Array) -> None:
        layer = self._uses.get(node)
        if layer is None or parent.function is not None or parent.keeper is None:
            return
        w = parent.keeper()
        if w is None or self._latest.get(id(w)) is None or w.ndim < 2:
            return
        place = (layer.index, id(w))
        if self._count[layer.index] == 1:  # the usual case: nothing has to be kept
            layer.dw_norm = norm(dx)
        else:
            before = self._parts.get(place)
            self._parts[place] = dx.astype(np.float64) if before is None else before + dx

    def finish(self) -> None:
        """Set what is known when all has been seen."""
        squares: dict[int, float] = {}
        for (index, _), part in self._parts.items():
            squares[index] = float(np.hypot(squares.get(index, 0.0), norm(part)))
        for layer in self.layers:
            if layer.index in squares:
                layer.dw_norm = squares[layer.index]


def _recorded(x: Any) -> bool:
    return isinstance(x, Tensor) and x.node is not None and x.dtype.kind == "f"


def _normalised(inputs: tuple[Any, ...], eps: float) -> float:
    """Return the RMS of batch norm's output, which a fused kernel never writes."""
    x, weight, bias, mean, var = inputs[:5]
    xp = module_of(x.data)
    g = xp.ones(x.shape[1]) if weight is None else weight.data
    b = xp.zeros(x.shape[1]) if bias is None else bias.data
    if mean is None:  # normalised by its own statistics: mean 0, variance 1
        return float(xp.sqrt((g * g + b * b).mean()))
    axes = tuple(i for i in range(x.ndim) if i != 1)
    own = x.data.mean(axis=axes, dtype=np.float64), x.data.var(axis=axes, dtype=np.float64)
    shift = g * (own[0] - mean) / xp.sqrt(var + eps) + b  # (C,) mean of the output
    spread = g * g * own[1] / (var + eps)
    return float(xp.sqrt((shift**2 + spread).mean()))
