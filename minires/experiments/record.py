"""Recording gradient flow: what every weight layer of a model receives, forward and backward.

    with Recorder(model) as recorder:
        loss = F.cross_entropy(model(x), target)
        loss.backward()
    for layer in recorder.layers:
        print(layer.name, layer.forward_rms, layer.dx_norm, layer.dw_norm)
    recorder.save("flow.png")

A weight layer is a module with parameters of two or more dimensions (Linear, Conv2d, your own).
Rows: experiments/rows.py. What happens between the layers: experiments/watch.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from minires_kernels.arrays import module_of

from .. import nn, plotting, results
from ..engine import Node
from ..function import Context, Function
from ..grad_mode import is_grad_enabled
from ..models.blocks import has_shortcut, is_residual
from ..observe import watching
from ..tensor import Array, Tensor
from .joins import Join
from .rows import BlockRecord, LayerRecord, alike, norm, parts, rms
from .watch import Watch

Inputs = tuple[Any, ...]
Named = dict[str, Any]
Changed = tuple[Inputs, Named] | None  # what a hook gives a module instead of its inputs


class Alias(Function):
    """y = x, as another node of the graph, so that one path's gradient can be seen alone."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        """A view of x, so that an update of either is one of both."""
        return x[...]

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = dy."""
        return dy


def _weights(module: nn.Module) -> list[nn.Parameter]:
    """Return the module's own parameters of two or more dimensions."""
    return [p for _, p in module.named_parameters(recurse=False) if p.ndim >= 2]


class Recorder:
    """Context manager that records every weight layer and residual block of a model.

    `layers` and `blocks` describe the forward passes made inside the `with` block, in the order
    of the calls, and the backward passes through them; they are complete when the block ends.
    A residual block is a module that has what models.blocks.Residual names, or any sum x + F(x)
    (see experiments.joins). `compare` also measures how alike the samples are in each layer.
    The model computes exactly what it computes unrecorded.
    """

    def __init__(self, model: nn.Module, *, compare: bool = False) -> None:
        self.model, self.compare = model, compare
        self.layers: list[LayerRecord] = []
        self.blocks: list[BlockRecord] = []
        self._weights: list[list[nn.Parameter]] = []
        self._inputs: list[Node | None] = []  # of the layers
        self.alive: dict[int, Array] = {}  # by a layer's index: which units of its ReLU are not 0
        self._handles: list[Any] = []
        self._block_input: Tensor | None = None
        self._watch: Watch | None = None
        self._watching: AbstractContextManager[object] | None = None

    def __enter__(self) -> Recorder:
        if self._handles:
            raise RuntimeError("this Recorder is recording already; make another for a second one")
        for rows in (self.layers, self.blocks, self._weights, self._inputs):
            rows.clear()
        modules = dict(self.model.named_modules())
        watch = self._watch = Watch(self.layers, {id(m): name for name, m in modules.items()})
        watch.joined = self._joined
        self.alive = watch.alive
        residual = [m for m in modules.values() if is_residual(m)]
        inner = {id(m) for block in residual for m in _modules_after_first(block)}
        entering: dict[int, BlockRecord] = {}  # by the block that began and waits for its entry
        for name, module in modules.items():
            if is_residual(module):
                self._watch_block(name, module, entering)
            if weights := _weights(module):
                self._watch_layer(name, module, weights, stream=id(module) not in inner)
        # After the layers' hooks, so that a layer which is an entry sees the whole gradient of x.
        for block in residual:
            self._watch_entry(block, entering)
        self._watching = watching(watch)
        self._watching.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._watching is not None:
            self._watching.__exit__(None, None, None)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._inputs.clear()
        if self._watch is not None:
            self._watch.finish()
        self._watching = self._watch = self._block_input = None
        uses = Counter(id(w) for weights in self._weights for w in weights)
        for layer, weights in zip(self.layers, self._weights, strict=True):
            layer.uses = max(uses[id(w)] for w in weights)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle takes along: the model and the rows; hooks are gone by then."""
        if self._handles:
            raise RuntimeError("a Recorder can be copied or pickled after its `with` block")
        lists = {k: list(v) for k, v in self.__dict__.items() if isinstance(v, list)}
        return self.__dict__ | lists  # so that a copy clears its own when it records

    def rows(self) -> list[dict[str, Any]]:
        """Return a dictionary per layer, with the fields of `LayerRecord`."""
        return [asdict(layer) for layer in self.layers]

    def plot(self) -> Any:
        """Return a Matplotlib figure: signal, ‖∂L/∂x‖ and ‖∂L/∂W‖ / ‖W‖ by layer."""
        from . import panels

        return panels.of_layers(self.layers)

    def save(self, path: results.StrPath) -> Path:
        """Write the layers as .csv or .json, or the figure of `plot` as .png or .svg."""
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix == ".csv":
            columns = [f.name for f in fields(LayerRecord)]
            return results.write_text(path, results.to_csv(self.rows(), columns))
        if suffix == ".json":
            blocks = [asdict(block) for block in self.blocks]
            text = results.to_json({"layers": self.rows(), "blocks": blocks})
            return results.write_text(path, text)
        if suffix in (".png", ".svg"):
            drawn = plotting.render(self.plot(), path.stem, [suffix])
            return results.write_bytes(path, drawn[suffix])
        raise ValueError(f"{path}: expected a name that ends in .csv, .json, .png or .svg")

    def _watch_layer(
        self, name: str, module: nn.Module, weights: list[nn.Parameter], stream: bool
    ) -> None:
        def before(_module: nn.Module, inputs: Inputs, named: Named) -> Changed:
            given = _first_tensor(inputs, named)
            size = math.hypot(*(norm(w.data) for w in weights))
            layer = LayerRecord(len(self.layers), name, stream, None, size)
            self.layers.append(layer)
            self._weights.append(weights)
            self._inputs.append(None)
            if self._watch is not None:
                self._watch.calling(layer, weights)
            main, self._block_input = self._block_input, None
            if given is None:
                return None
            x = _of_this_call(given)
            self._follow(layer, x if main is None else main)
            return _replaced(inputs, named, given, x)

        self._before(module, before)

    def _follow(self, layer: LayerRecord, x: Tensor) -> None:
        """Take x for the layer's input."""
        layer.forward_rms, self._inputs[layer.index] = rms(x.data), x.node
        if self.compare:
            layer.alike = alike(x.data)
        self._watch_gradient(x, lambda dx: setattr(layer, "dx_norm", norm(dx)))

    def _joined(self, name: str, stream: Tensor, found: Join) -> BlockRecord:
        """Add the row of a residual sum in a module that does not say that it is one.

        Its inner layers are not on the main path, but for the first: its x is the block's input.
        """
        block = BlockRecord(len(self.blocks), name)
        self.blocks.append(block)
        inner = [
            layer for layer, x in zip(self.layers, self._inputs, strict=True) if x in found.inside
        ]
        whole = stream.node is found.start  # nothing sits on the shortcut
        if whole:
            self._watch_gradient(stream, lambda dx: setattr(block, "dx_norm", norm(dx)))
        begun = found.start in self._inputs
        for i, layer in enumerate(inner):
            layer.stream = i == 0 and whole and not begun
            if layer.stream:
                self._follow(layer, stream)
        return block

    def _watch_block(self, name: str, module: nn.Module, entering: dict[int, BlockRecord]) -> None:
        def before(_module: nn.Module, inputs: Inputs, named: Named) -> Changed:
            record = entering[id(module)] = BlockRecord(len(self.blocks), name)
            self.blocks.append(record)
            if self._watch is not None:
                self._watch.begun[id(module)] = record
            given = _first_tensor(inputs, named)
            if given is None:
                return None
            x = self._block_input = _of_this_call(given, block=True)
            return _replaced(inputs, named, given, x)

        self._before(module, before)

    def _watch_entry(self, block: nn.Module, entering: dict[int, BlockRecord]) -> None:
        def before(_module: nn.Module, inputs: Inputs, named: Named) -> Changed:
            record = entering.pop(id(block), None)  # None: called by itself, outside of the block
            x = _first_tensor(inputs, named)
            if record is None or x is None or not (is_grad_enabled() and x.requires_grad):
                return None
            alias = Alias.apply(x)
            branch: list[Array] = []  # stays empty if the loss does not depend on the branch
            self._watch_gradient(alias, lambda d: branch.append(d.copy(order="K")))
            self._watch_gradient(x, lambda dx: _split(record, dx, branch))
            return _replaced(inputs, named, x, alias)

        self._before(block.entry, before)

    def _watch_gradient(self, x: Tensor, see: Callable[[Array], None]) -> None:
        if is_grad_enabled() and x.requires_grad:
            self._handles.append(x.register_hook(see))

    def _before(self, module: nn.Module, before: Callable[..., Changed]) -> None:
        self._handles.append(module.register_forward_pre_hook(before, with_kwargs=True))

    def take_gradients(self) -> None:
        """Take `dw_norm` from what is in `.grad` now, say after it was averaged over ranks.

        Calls that share W have None then: their parts cannot be told apart.
        """
        for layer, weights in zip(self.layers, self._weights, strict=True):
            found = [w.grad for w in weights if w.grad is not None]
            own = found and layer.uses == 1 and layer.dw_norm is not None
            layer.dw_norm = math.hypot(*map(norm, found)) if own else None

    def measure_update(self, step: Callable[[], Any]) -> None:
        """Call `step()` (the optimiser's) and set each layer's `update_ratio`, ‖ΔW‖ / ‖W‖."""
        before = {id(w): w.data.copy() for weights in self._weights for w in weights}
        step()
        for layer, weights in zip(self.layers, self._weights, strict=True):
            size = math.hypot(*(norm(before[id(w)]) for w in weights))
            moved = math.hypot(*(norm(w.data - before[id(w)]) for w in weights))
            layer.update_ratio = moved / size if size else None


def _first_tensor(inputs: Inputs, named: Named) -> Tensor | None:
    """Return the first tensor of floats among a call's inputs, None without one."""
    tensors = (x for x in (*inputs, *named.values()) if isinstance(x, Tensor))
    return next((x for x in tensors if x.dtype.kind == "f"), None)


def _replaced(inputs: Inputs, named: Named, old: Tensor, new: Tensor) -> tuple[Inputs, Named]:
    """Return a call's inputs with another tensor wherever `old` stands."""
    given = tuple(new if x is old else x for x in inputs)
    return given, {name: new if x is old else x for name, x in named.items()}


def _of_this_call(x: Tensor, block: bool = False) -> Tensor:
    """Return x, or an alias of this call alone: of a leaf, and of the input of a block.

    These can be the input of several calls, with a backward pass each. The alias of data (the
    images) has a gradient, which is wanted here alone.
    """
    if not is_grad_enabled():
        return x
    if not x.requires_grad:
        x = x.detach().requires_grad_()
    return Alias.apply(x) if block or x.is_leaf else x


def _modules_after_first(block: nn.Module) -> list[nn.Module]:
    """Return the weight layers of a block's branch but for the first, whose input is the stream."""
    aside = set(map(id, block.shortcut.modules())) if has_shortcut(block) else set()
    layers = [m for m in block.modules() if _weights(m) and id(m) not in aside]
    return layers[1:]


def _split(record: BlockRecord, dx: Array, arrived: list[Array]) -> None:
    branch = arrived.pop() if arrived else module_of(dx).zeros_like(dx)
    record.dx_norm = norm(dx)
    record.skip_norm, record.branch_norm, record.cosine = parts(dx, branch)
