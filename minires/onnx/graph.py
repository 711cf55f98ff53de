"""The ONNX graph of a trace: nodes, and the constants and weights that they use."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Array
from .trace import Constant, Source, Step, Stored, Trace, Value

INPUT, OUTPUT = "input", "output"


class Builder:
    """Collects nodes and initializers, and gives them names: a node has that of its module."""

    def __init__(self, trace: Trace, opset: int) -> None:
        self.trace, self.opset = trace, opset
        self.nodes: list[Any] = []
        self.initializers: dict[str, Array] = {}
        self.values: dict[int, str] = {-1: INPUT}
        self.step: Step = trace.steps[0]
        self._used: set[str] = {INPUT, OUTPUT, *trace.stored}

    def named(self, kind: str) -> str:
        """Return a name that is free: layer1.0.conv1/Conv, and with _1, _2, … where needed."""
        base = f"{self.step.place}/{kind}" if self.step.place else kind
        name, count = base, 0
        while name in self._used:
            count += 1
            name = f"{base}_{count}"
        self._used.add(name)
        return name

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        from onnx import helper

        name = self.named(op)
        output = f"{name}_output"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name, **attributes))
        return output

    def constant(self, values: Any, dtype: Any = None) -> str:
        """Add an initializer of these values; the dtype is by default that of the step."""
        name = self.named("constant")
        self.initializers[name] = np.asarray(values, dtype or self.step.dtype)
        return name

    def integers(self, *values: int) -> str:
        """Add an initializer of integers: shapes, axes, limits."""
        return self.constant(values, np.int64)

    def use(self, source: Source) -> str:
        """Return the name of what a step uses; "" for what is left out."""
        if source is None:
            return ""
        if isinstance(source, Value):
            return self.values[source.step]
        if isinstance(source, Stored):
            self.initializers.setdefault(source.name, self.trace.stored[source.name])
            return source.name
        if isinstance(source, Constant):
            return self.constant(source.array, source.array.dtype)
        return self.constant(source)


def dimensions(step: Step) -> list[int]:
    """Return a step's shape as Reshape takes it: -1 where it follows the size of the batch."""
    one, other = step.shapes
    found = [a if a == b else -1 for a, b in zip(one, other, strict=True)]
    before = step.inputs[0] or ()
    if found.count(-1) > 1 and found[0] == -1 and before and before[0] == one[0]:
        found[0] = 0  # as before
    if found.count(-1) > 1:
        raise ValueError(
            f"{step}: two sizes of the new shape {one} follow that of the batch; fix the batch"
        )
    return found
