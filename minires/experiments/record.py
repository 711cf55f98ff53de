"""Recording gradient flow: what every weight layer of a model receives, forward and backward.

    with Recorder(model) as recorder:
        loss = F.cross_entropy(model(x), target)
        loss.backward()
    for layer in recorder.layers:
        print(layer.name, layer.forward_rms, layer.dx_norm, layer.dw_norm)
    recorder.save("flow.png")

A weight layer is a module with a parameter of two or more dimensions (Linear, Conv2d, your own).
Norms are summed in float64: float32 squares of gradients below 1e-23 would underflow to zero.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from minires_kernels.arrays import module_of

from .. import functional as F
from .. import nn, plotting, results
from ..function import Context, Function
from ..grad_mode import is_grad_enabled
from ..models.blocks import has_shortcut, is_residual
from ..observe import Observer, watching
from ..tensor import Array, Tensor

Inputs = tuple[Any, ...]
Named = dict[str, Any]
Changed = tuple[Inputs, Named] | None  # what a hook gives a module instead of its inputs


def norm(a: Array) -> float:
    """Return the Euclidean norm of all elements, accumulated in float64.

    Elements are divided by the largest first, so that no square underflows or overflows. For an
    array on a GPU the sums run there, and two numbers are waited for.
    """
    if a.size == 0:
        return 0.0
    xp = module_of(a)
    wide = a.astype(np.float64)
    flat = wide.ravel(order="K") if xp is np else wide.ravel()  # CuPy offers no order "K"
    largest = float(xp.abs(flat).max())
    if largest == 0 or not np.isfinite(largest):  # infinities and NaN are results here
        return largest
    flat /= largest
    return largest * math.sqrt(float(flat @ flat))


def rms(a: Array) -> float:
    """Return the root mean square of all elements, accumulated in float64."""
    return norm(a) / math.sqrt(a.size) if a.size else 0.0


@dataclass
class LayerRecord:
    """One call of one weight layer. `x` is its input; L the loss that was differentiated.

    stream        False for a layer inside a residual branch, whose input is not on the main path.
                  The first layer of a branch counts as on it: its `x` is the input of the block.
    forward_rms   root mean square of x
    w_norm        ‖W‖
    dx_norm       ‖∂L/∂x‖, over the whole batch
    dw_norm       ‖∂L/∂W‖ as it stands in W.grad: the sum over all uses of W, if there are several
    dead_relu     fraction of units of the following ReLU (the last one before the next layer) that
                  are 0 on the whole batch
    update_ratio  ‖ΔW‖ / ‖W‖ of the optimiser's step (see `Recorder.measure_update`)
    uses          calls recorded with the same W: above 1, its rows share dw_norm and update_ratio

    Values that do not exist (the layer takes no float tensor, no ReLU follows, no backward ran) are
    None.
    """

    index: int
    name: str
    stream: bool
    forward_rms: float | None
    w_norm: float
    dx_norm: float | None = None
    dw_norm: float | None = None
    dead_relu: float | None = None
    update_ratio: float | None = None
    uses: int = 1


@dataclass
class BlockRecord:
    """The gradient at the input of one residual block, split by the path on which it arrives.

    ∂L/∂x = skip + branch, as vectors; so the norms do not add up unless the cosine says so.
    """

    index: int
    name: str
    dx_norm: float | None = None
    skip_norm: float | None = None
    branch_norm: float | None = None
    cosine: float | None = None


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


def _weight(module: nn.Module) -> nn.Parameter | None:
    """Return the module's own parameter of two or more dimensions, if it has one."""
    own = module.named_parameters(recurse=False)
    return next((p for _, p in own if p.ndim >= 2), None)


class Recorder:
    """Context manager that records every weight layer and residual block of a model.

    `layers` and `blocks` describe the forward passes made inside the `with` block, in the order
    of the calls, and the backward passes through them; they are complete when the block ends.
    Gradients add up in W.grad, so call `zero_grad` before. A residual block is a module that has
    what models.blocks.Residual names. The model computes exactly what it computes unrecorded.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.layers: list[LayerRecord] = []
        self.blocks: list[BlockRecord] = []
        self._weights: list[nn.Parameter] = []
        self._handles: list[Any] = []
        self._block_input: Tensor | None = None
        self._watching: AbstractContextManager[object] | None = None

    def __enter__(self) -> Recorder:
        if self._handles:
            raise RuntimeError("this Recorder is recording already; make another for a second one")
        self.layers.clear()
        self.blocks.clear()
        self._weights.clear()
        residual = [m for m in self.model.modules() if is_residual(m)]
        inner = {id(m) for block in residual for m in _modules_after_first(block)}
        entering: dict[int, BlockRecord] = {}  # by the block that began and waits for its entry
        for name, module in self.model.named_modules():
            if is_residual(module):
                self._watch_block(name, module, entering)
            if _weight(module) is not None:
                self._watch_layer(name, module, stream=id(module) not in inner)
        # After the layers' hooks, so that a layer which is an entry sees the whole gradient of x.
        for block in residual:
            self._watch_entry(block, entering)
        self._watching = watching(_ReLUs(self.layers))
        self._watching.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._watching is not None:
            self._watching.__exit__(None, None, None)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._watching = self._block_input = None
        uses = Counter(map(id, self._weights))
        for layer, w in zip(self.layers, self._weights, strict=True):
            layer.dw_norm = None if w.grad is None else norm(w.grad)
            layer.uses = uses[id(w)]

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle takes along: the model and the rows; hooks are gone by then."""
        if self._handles:
            raise RuntimeError("a Recorder can be copied or pickled after its `with` block")
        lists = {k: list(v) for k, v in self.__dict__.items() if isinstance(v, list)}
        return self.__dict__ | lists  # so that a copy clears its own when it records

    def rows(self) -> list[dict[str, Any]]:
        """Return a dictionary per layer, with the fields of `LayerRecord`."""
        return [asdict(layer) for layer in self.layers]

    def save(self, path: results.StrPath) -> Path:
        """Write the layers as .csv or .json, or draw them as .png or .svg; return the path.

        The figure shows signal, ‖∂L/∂x‖ and ‖∂L/∂W‖ / ‖W‖ by layer.
        """
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
            from . import panels

            figure = panels.of_layers(self.layers)
            return results.write_bytes(path, plotting.render(figure, path.stem)[suffix])
        raise ValueError(f"{path}: expected a name that ends in .csv, .json, .png or .svg")

    def _watch_layer(self, name: str, module: nn.Module, stream: bool) -> None:
        w = _weight(module)
        assert w is not None

        def before(_module: nn.Module, inputs: Inputs, named: Named) -> Changed:
            given = _first_tensor(inputs, named)
            layer = LayerRecord(len(self.layers), name, stream, None, norm(w.data))
            self.layers.append(layer)
            self._weights.append(w)
            main, self._block_input = self._block_input, None
            if given is None:
                return None
            x = _of_this_call(given)
            seen = x if main is None else main
            layer.forward_rms = rms(seen.data)
            self._watch_gradient(seen, lambda dx: setattr(layer, "dx_norm", norm(dx)))
            return _replaced(inputs, named, given, x)

        self._watch(module, before)

    def _watch_block(self, name: str, module: nn.Module, entering: dict[int, BlockRecord]) -> None:
        def before(_module: nn.Module, inputs: Inputs, named: Named) -> Changed:
            record = entering[id(module)] = BlockRecord(len(self.blocks), name)
            self.blocks.append(record)
            given = _first_tensor(inputs, named)
            if given is None:
                return None
            x = self._block_input = _of_this_call(given, block=True)
            return _replaced(inputs, named, given, x)

        self._watch(module, before)

    def _watch_entry(self, block: nn.Module, entering: dict[int, BlockRecord]) -> None:
        def before(_module: nn.Module, inputs: Inputs, named: Named) -> Changed:
            record = entering.pop(id(block), None)  # None: called by itself, outside of the block
            x = _first_tensor(inputs, named)
            if record is None or x is None or not (is_grad_enabled() and x.requires_grad):
                return None
            alias = Alias.apply(x)
            branch: list[Array] = []  # stays empty if the loss does not depend on the branch
            self._watch_gradient(alias, lambda d: branch.append(d.astype(np.float64)))
            self._watch_gradient(x, lambda dx: _split(record, dx.astype(np.float64), branch))
            return _replaced(inputs, named, x, alias)

        self._watch(block.entry, before)

    def _watch_gradient(self, x: Tensor, see: Callable[[Array], None]) -> None:
        if is_grad_enabled() and x.requires_grad:
            self._handles.append(x.register_hook(see))

    def _watch(self, module: nn.Module, before: Callable[..., Changed]) -> None:
        self._handles.append(module.register_forward_pre_hook(before, with_kwargs=True))

    def measure_update(self, step: Callable[[], Any]) -> None:
        """Call `step()` (the optimiser's) and set each layer's `update_ratio`, ‖ΔW‖ / ‖W‖."""
        before = [w.data.copy() for w in self._weights]
        step()
        for layer, w, old in zip(self.layers, self._weights, before, strict=True):
            size = norm(old)
            layer.update_ratio = norm(w.data - old) / size if size else None


class _ReLUs(Observer):
    """Tells the latest layer how many units of a ReLU, alone or in a fused kernel, are dead."""

    def __init__(self, layers: list[LayerRecord]) -> None:
        self.layers = layers

    def ran(self, function: type, inputs: Inputs, options: Any, y: Tensor) -> None:
        if function in (F.ReLU, F.AddReLU, F.BatchNormReLU) and self.layers and y.size:
            xp = module_of(y.data)
            units = xp.moveaxis(y.data, 1, -1).reshape(-1, y.shape[1]) if y.ndim > 1 else y.data
            self.layers[-1].dead_relu = float((~(units > 0).any(axis=0)).mean())


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
    layers = [m for m in block.modules() if _weight(m) is not None and id(m) not in aside]
    return layers[1:]


def _split(record: BlockRecord, dx: Array, arrived: list[Array]) -> None:
    branch = arrived.pop() if arrived else module_of(dx).zeros_like(dx)
    skip = dx - branch
    record.dx_norm, record.skip_norm, record.branch_norm = norm(dx), norm(skip), norm(branch)
    product = record.skip_norm * record.branch_norm
    if product > 0 and np.isfinite(product):
        record.cosine = float(skip.ravel() @ branch.ravel()) / product
