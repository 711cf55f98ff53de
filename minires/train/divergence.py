"""A step that went wrong: where the first number that is not finite came up, and the evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn, results
from ..tensor import Array, Tensor
from .loop import Loss
from .state import random_state, set_random_state

EVIDENCE, RECORD = "diverged.safetensors", "diverged.json"
FINITE = "the step is finite when it is run again"


def locate(net: nn.Module, x: Array, y: Array, loss: Loss) -> tuple[str, list[dict[str, Any]]]:
    """Run a step again, without its update; return what was first not finite, and a row per layer.

    A row has the layer's name, the largest magnitude of its output and of the gradient there. The
    net's gradients are overwritten.
    """
    rows: list[dict[str, Any]] = []
    handles: list[Any] = []
    first_gradient: list[str] = []

    def look(name: str) -> Any:
        def seen(_module: nn.Module, _inputs: Any, y: Any) -> None:
            if not isinstance(y, Tensor):
                return
            row: dict[str, Any] = {"layer": name, "output": _largest(y.data), "gradient": None}
            rows.append(row)

            def gradient(dy: Array) -> None:
                row["gradient"] = _largest(dy)
                if not np.isfinite(row["gradient"]) and not first_gradient:
                    first_gradient.append(name)

            if y.requires_grad:
                handles.append(y.register_hook(gradient))

        return seen

    for name, module in net.named_modules():
        if not list(module.children()):
            handles.append(module.register_forward_hook(look(name or type(net).__name__)))
    try:
        net.zero_grad()
        with np.errstate(all="ignore"):
            value = loss(net(Tensor(x)), y)
            value.backward()
    finally:
        for handle in handles:
            handle.remove()
    return _told(net, x, float(value.item()), rows, first_gradient), rows


def _told(
    net: nn.Module, x: Array, loss: float, rows: list[dict[str, Any]], first_gradient: list[str]
) -> str:
    bad = [name for name, p in net.named_parameters() if not np.isfinite(_largest(p.data))]
    if not np.isfinite(_largest(x)):
        return "the batch itself has numbers that are not finite"
    if bad:
        return f"the parameter {bad[0]} was not finite before the step"
    for row in rows:
        if not np.isfinite(row["output"]):
            return f"the first layer whose output is not finite is {row['layer']}"
    if not np.isfinite(loss):
        return "every layer's output is finite, the loss is not"
    if first_gradient:
        return f"going back from the loss, the gradient is not finite first at {first_gradient[0]}"
    for name, p in reversed(list(net.named_parameters())):
        if p.grad is not None and not np.isfinite(_largest(p.grad)):
            return f"the gradient of {name} is not finite"
    return FINITE


def save(
    folder: Path,
    before: Mapping[str, Array],
    x: Array,
    y: Array,
    record: Mapping[str, Any],
) -> list[Path]:
    """Write the batch and the weights before the step, and the record; return the paths."""
    from safetensors.numpy import save as to_bytes

    tensors = {f"net.{k}": np.array(v, order="C") for k, v in before.items()}
    tensors |= {"batch.x": np.array(x, order="C"), "batch.y": np.array(y, order="C")}
    data = to_bytes(tensors, metadata={"kind": "minires diverged step"})
    text = json.dumps(record, indent=1) + "\n"  # with NaN and Infinity: they are what it is about
    return results.write_all({folder / EVIDENCE: data, folder / RECORD: text.encode()})


class Before:
    """What a step that goes wrong must be run again from: its batch, buffers and random states."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.x = self.y = np.zeros(0)
        self.rng: dict[str, Any] = {}
        self.iteration = -1  # steps taken before it
        self.buffers: list[Array] = []

    def keep(self, x: Array, y: Array, iteration: int) -> None:
        """Keep what the next step begins with; the parameters do not move in a step that fails."""
        self.x, self.y, self.rng, self.iteration = x, y, random_state(self.net), iteration
        self.buffers = [value.copy() for value in self.net.buffers()]

    def restore(self) -> None:
        """Put buffers and random state back."""
        set_random_state(self.net, self.rng)
        for value, old in zip(self.net.buffers(), self.buffers, strict=True):
            value[...] = old


def _largest(a: Array) -> float:
    """Return the largest magnitude, NaN if there is one."""
    return float(np.abs(a).max()) if a.size else 0.0
