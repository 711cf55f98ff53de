"""Gradient flow of one net, whoever made it: `gradflow.profile(net, x, y)`.

    found = gradflow.profile(net, x, y)
    print(found)                # a row per layer, and what is wrong, in words
    found.save("out/mine")      # figure, layers.csv, blocks.csv, diagnosis.txt, run.json

The net is a module of minires or of PyTorch. It is left as it was: weights, buffers, gradients, an
optimiser's state and the source of random numbers.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minires_kernels import arrays

from .. import functional as F
from .. import nn, plotting, random, results
from ..tensor import Tensor
from . import columns, panels
from .health import Diagnosis, diagnose
from .record import Recorder
from .record_torch import TorchSide, is_torch
from .rows import BlockRecord, LayerRecord

Loss = Callable[..., Any]


@dataclass
class Profile:
    """One batch through one net, forward and back: a row per weight layer, one per residual sum.

    net        name of its class
    framework  "minires" or "PyTorch"
    loss       of the batch
    training   whether the net was in training mode
    """

    net: str
    framework: str
    loss: float
    training: bool
    layers: list[LayerRecord] = field(repr=False)
    blocks: list[BlockRecord] = field(repr=False)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A dictionary per call of a weight layer; what the columns are: experiments.columns."""
        return [asdict(layer) for layer in self.layers]

    @property
    def block_rows(self) -> list[dict[str, Any]]:
        """A dictionary per residual sum."""
        return [asdict(block) for block in self.blocks]

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What is wrong with the net's gradient flow, or that nothing was found."""
        return diagnose(self.layers, self.blocks, self.loss)

    def table(self) -> str:
        """Return a line per layer, nearest the input first."""
        names = ["layer", "RMS of x", "‖∂L/∂x‖", "‖∂L/∂W‖", "‖∂L/∂W‖/‖W‖"]
        extra = {"dead": "dead_relu", "flat": "saturated", "‖ΔW‖/‖W‖": "update_ratio"}
        shown = {k: v for k, v in extra.items() if any(row[v] is not None for row in self.rows)}
        lines = []
        for s in self.layers:
            relative = s.dw_norm / s.w_norm if s.dw_norm is not None and s.w_norm else None
            values = [s.forward_rms, s.dx_norm, s.dw_norm, relative]
            line = dict(zip(names, [s.name or "(the net)", *map(_short, values)], strict=True))
            for head, name in shown.items():
                line[head] = _short(getattr(s, name), "update" not in name)
            lines.append(line)
        return results.table(lines, [*names, *shown])

    def plot(self) -> Any:
        """Return a Matplotlib figure whose title is the diagnosis in a line."""
        return panels.of_layers(self.layers, self.diagnosis.headline(self.net))

    def save(self, out: results.StrPath) -> list[Path]:
        """Write figure (PNG, SVG), layers.csv, blocks.csv, diagnosis.txt and run.json into `out`.

        Returns the paths. None is replaced before all are written.
        """
        drawn = plotting.render(self.plot(), "Gradient flow")
        files: dict[str, str | bytes] = {"profile" + k: v for k, v in drawn.items()}
        files["layers.csv"] = results.to_csv(self.rows, [f.name for f in fields(LayerRecord)])
        if self.blocks:
            files["blocks.csv"] = results.to_csv(self.block_rows)
        files["diagnosis.txt"] = f"{self.diagnosis}\n"
        return results.save_run(out, "profile", files, self._document())

    def _document(self) -> dict[str, Any]:
        names = [f.name for kind in (LayerRecord, BlockRecord) for f in fields(kind)]
        return {
            "versions": results.versions(),
            "net": self.net,
            "framework": self.framework,
            "loss": self.loss,
            "training": self.training,
            "columns": {name: columns.COLUMNS[name] for name in names},
            "healthy": self.diagnosis.healthy,
            "findings": [asdict(found) for found in self.diagnosis.findings],
            "notes": self.diagnosis.notes,
            "layers": self.rows,
            "blocks": self.block_rows,
        }

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.diagnosis}"


def _short(value: float | None, share: bool = False) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.0f} %" if share and math.isfinite(value) else f"{value:.2e}"


def profile(
    net: Any, x: Any, y: Any = None, loss: Loss | None = None, *, optimizer: Any = None
) -> Profile:
    """Send one batch through a net, forward and back, and return what every layer saw.

    net        a module of minires or of PyTorch, in the mode in which it is to be measured
    x, y       a batch: arrays, or tensors of the net's framework
    loss       a function (output, y) ↦ scalar tensor; None: cross-entropy for integer y, mean
               squared error for floats of the output's shape
    optimizer  of the net's framework: its next step is measured (update_ratio) and taken back

    Raises TypeError and ValueError for what cannot be measured, and what the net itself raises.
    """
    side = _side(net)
    x, y = side.batch(net, x, y)
    recorder = side.recorder(net)
    with side.kept(net, optimizer):
        with np.errstate(all="ignore"), recorder:
            value = _loss(side, net(x), y, loss)
            value.backward()
        if optimizer is not None:
            recorder.measure_update(optimizer.step)
    if not recorder.layers:
        raise ValueError(
            f"profile: {type(net).__name__} called no weight layer: modules with a parameter of "
            "two or more dimensions are recorded, and called as modules, self.layer(x)"
        )
    return Profile(
        type(net).__name__,
        side.name,
        float(value.item()),
        bool(net.training),
        recorder.layers,
        recorder.blocks,
    )


def outputs_of(net: Any, x: Any) -> tuple[int, ...]:
    """Return the shape of what a net makes of x; nothing of the net changes."""
    side = _side(net)
    x, _ = side.batch(net, x, None)
    with side.kept(net, None):
        output = net(x)
    return tuple(output.shape) if side.is_tensor(output) else ()


def _side(net: Any) -> Any:
    """Return what a framework needs: minires, or PyTorch if the net is one of PyTorch's."""
    if is_torch(net):
        return TorchSide()
    if isinstance(net, nn.Module):
        return Side()
    made = " (a class; make a net of it)" if isinstance(net, type) else ""
    raise TypeError(
        f"profile: expected a module of minires or of PyTorch, got {type(net).__name__}{made}"
    )


def _loss(side: Any, output: Any, y: Any, loss: Loss | None) -> Any:
    """Return the scalar to differentiate."""
    if loss is not None:
        value = loss(output, y)
        if not side.is_tensor(value) or math.prod(value.shape) != 1:
            what = f"shape {tuple(value.shape)}" if side.is_tensor(value) else type(value).__name__
            raise ValueError(f"profile: expected a scalar tensor from loss(output, y), got {what}")
        return value
    if not side.is_tensor(output):
        raise TypeError(
            f"profile: the net returned {type(output).__name__}, not a tensor; "
            "give loss=, a function of output and y"
        )
    if y is None:
        raise TypeError("profile: give y, or loss=, a function (output, y) of which y is None")
    if not side.floating(y):
        return side.cross_entropy(output, y)
    if tuple(y.shape) == tuple(output.shape):
        return ((output - y) * (output - y)).mean()
    raise ValueError(
        f"profile: which loss? y has shape {tuple(y.shape)}, the output {tuple(output.shape)}; "
        "integer y stands for cross-entropy, floats of the output's shape for squared error"
    )


class Side:
    """What minires offers to `profile`."""

    name = "minires"

    def recorder(self, net: nn.Module) -> Recorder:
        return Recorder(net, compare=True)

    def batch(self, net: nn.Module, x: Any, y: Any) -> tuple[Any, Any]:
        """Return x as a tensor of the net's dtype and place, with a gradient if it has floats."""
        p = next(net.parameters(), None)
        dtype, device = ("float32", "cpu") if p is None else (p.dtype, p.device)
        if not isinstance(x, Tensor):
            x = np.asarray(x)
            x = Tensor(x.astype(dtype) if x.dtype.kind == "f" else x)
        x = Tensor(arrays.to_device(x.data, device), requires_grad=x.dtype.kind == "f")
        if y is None or isinstance(y, Tensor):
            return x, y if y is None or y.dtype.kind == "f" else y.data
        y = np.asarray(y)
        return x, arrays.to_device(y.astype(dtype) if y.dtype.kind == "f" else y, device)

    @contextmanager
    def kept(self, net: nn.Module, optimizer: Any) -> Iterator[None]:
        """Put everything back at the end."""
        parameters, buffers = list(net.parameters()), list(net.buffers())
        grads = [p.grad for p in parameters]
        values = [p.data.copy() for p in parameters] if optimizer is not None else []
        held = [b.copy() for b in buffers]
        state = None if optimizer is None else copy.deepcopy(optimizer.state_dict())
        numbers = random.get_rng_state()
        for p in parameters:
            p.grad = None
        try:
            yield
        finally:
            random.set_rng_state(numbers)
            for b, before in zip(buffers, held, strict=True):
                b[...] = before
            for p, value in zip(parameters, values, strict=False):
                p.update_(value)
            for p, grad in zip(parameters, grads, strict=True):
                p.grad = grad
            if optimizer is not None:
                optimizer.load_state_dict(state)

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def floating(self, y: Any) -> bool:
        return bool(y.dtype.kind == "f")

    def cross_entropy(self, output: Tensor, y: Any) -> Tensor:
        return F.cross_entropy(output, y)
