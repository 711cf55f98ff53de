"""`minires.summary(net, (3, 32, 32))`: what a net is made of and what it costs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minires_kernels import checks

from ..nn import Module
from ..tensor import Array, Tensor
from .layers import NAMES, Figures, Layer, Shape, add_up, layers_of
from .measure import batch_of, clock, keep, look, require_memory, undisturbed
from .text import WIDE, text


@dataclass
class Summary:
    """What `summary` found; print it, or take `total`, `rows()`, `to_dict()`.

    layers    the net and all modules in it, parents first
    inputs    shapes of one input, without the batch
    memory    bytes that training takes: of parameters, gradients, momentum, buffers, and `kept`
    reason    why nothing is known of `kept`, "" where it is
    repeats   how many passes were timed; 0: none
    """

    name: str
    kind: str
    layers: list[Layer]
    inputs: tuple[Shape, ...]
    batch: int
    dtype: str
    memory: dict[str, int]
    reason: str = ""
    repeats: int = 0
    machine: str = ""
    source: str = field(default="", compare=False)

    @property
    def total(self) -> Figures:
        """The figures of the whole net."""
        return self.layers[0].all

    @property
    def shared(self) -> str:
        """What `share` is a share of: "time" if it was measured, else "MACs"."""
        return "time" if self.repeats else "MACs"

    def share(self, figures: Figures) -> float:
        """Return the part of some figures in the whole, between 0 and 1."""
        if self.repeats:
            return figures.seconds / max(self.total.seconds, 1e-12)
        return figures.macs / max(self.total.macs, 1)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each module; its figures are its own, without those of modules in it."""
        return [
            {
                "layer": layer.path,
                "type": layer.kind,
                "input shapes": layer.inputs,
                "output shapes": layer.outputs,
                "runs": layer.runs,
                "same as": layer.same or None,
                "operations": [o.name for o in layer.operations.values()],
                **{name: getattr(layer.own, name) for name in NAMES},
            }
            for layer in self.layers
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return all that is known, for JSON; sizes are bytes, times seconds."""
        return {
            "net": self.name,
            "type": self.kind,
            "inputs": self.inputs,
            "batch": self.batch,
            "dtype": self.dtype,
            "total": {name: getattr(self.total, name) for name in NAMES},
            "memory": self.memory,
            "kept unknown": self.reason or None,
            "timed passes": self.repeats,
            "machine": self.machine or None,
            "layers": self.rows(),
        }

    def text(self, width: int = WIDE, depth: int | None = None, ascii: bool = False) -> str:
        """Return it as text of some width; `depth` None shows as many levels as fit a screen."""
        return text(self, width, depth, ascii)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__


def summary(net: Module, *inputs: Any, batch: int = 1, repeats: int = 0, name: str = "") -> Summary:
    """Run a net and tell what it is made of and what it costs; print the result.

    inputs    the shape of one input, e.g. (3, 32, 32), or an array or Tensor of a batch; several of
              them if the net takes several
    batch     images of the training pass, which shows what is kept for backward
    repeats   passes forward and backward to time; 0 for none

    The net is left as it was. Raises TypeError and ValueError; the latter names the layer that
    refuses its input. MemoryError if the batch would not fit.
    """
    if not isinstance(net, Module):
        made = " (make it: with brackets)" if isinstance(net, type) else ""
        raise TypeError(f"summary: expected a Module{made}, got {type(net).__name__}")
    if not inputs:
        raise TypeError("summary: expected the shape of one input, e.g. (3, 32, 32)")
    batch = checks.integer("batch", batch, 1)
    repeats = checks.integer("repeats", repeats, 0)
    first = next(net.parameters(), Tensor(np.zeros(1, np.float32)))
    dtype = first.dtype
    if repeats and first.device != "cpu":
        raise ValueError("summary: times are of the CPU, and this net is on the GPU: net.cpu()")
    arrays = [_array(x) for x in inputs]
    if all(a is None for a in arrays):
        shapes = tuple(_shape(x) for x in inputs)
        one = batch_of(shapes, 1, dtype, first.device)
    elif any(a is None for a in arrays):
        raise TypeError("summary: give shapes, or arrays, not some of both")
    else:
        found = [a for a in arrays if a is not None]
        if len({len(a) if a.ndim else 0 for a in found}) > 1 or not found[0].ndim:
            raise ValueError("summary: arrays are batches, of one length")
        batch, shapes, one = (
            len(found[0]),
            tuple(a.shape[1:] for a in found),
            [a[:1] for a in found],
        )
    layers = layers_of(net)
    with undisturbed(net):
        modes = [(m, m.training) for m in net.modules()]
        look(net, layers, one)
        add_up(layers)
        require_memory(layers, batch)
        for module, training in modes:
            module.training = training or not modes[0][1]
        whole = batch_of(shapes, batch, dtype, first.device) if arrays[0] is None else found
        reason = keep(net, layers, whole)
        if repeats and not reason:
            clock(net, layers, whole, repeats)
    add_up(layers)
    kind = type(net).__name__
    return Summary(
        name or kind,
        kind,
        layers,
        shapes,
        batch,
        dtype.name,
        _memory(net, whole, layers[0].all.kept),
        reason,
        0 if reason else repeats,
        _machine() if repeats else "",
    )


def _array(x: Any) -> Array | None:
    if isinstance(x, Tensor):
        return x._data
    return x if isinstance(x, np.ndarray) else None


def _shape(x: Any) -> Shape:
    if isinstance(x, int | np.integer):
        x = (x,)
    if not isinstance(x, Sequence) or isinstance(x, str):
        raise TypeError(f"summary: expected a shape such as (3, 32, 32), got {x!r}")
    return tuple(checks.integer("a side of the input", n, 1) for n in x)


def _memory(net: Module, inputs: list[Array], kept: int) -> dict[str, int]:
    trained = sum(p.data.nbytes for p in net.parameters() if p.requires_grad)
    return {
        "parameters": sum(p.data.nbytes for p in net.parameters()),
        "gradients": trained,
        "momentum": trained,
        "buffers": sum(b.nbytes for b in net.buffers()),
        "input": sum(x.nbytes for x in inputs),
        "kept": kept,
    }


def _machine() -> str:
    from minires_kernels import current_backend

    from ..threads import get_num_threads

    n = get_num_threads()
    return f"{platform.machine()}, {current_backend()} backend, {n} thread{'s' * (n > 1)}"
