"""Recording a PyTorch model, with the rows of `Recorder`. PyTorch is not imported: it is there.

    with TorchRecorder(model) as recorder:
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()

Layers are seen by hooks of modules, ReLUs and sums by a TorchFunctionMode, gradients by hooks of
tensors. In-place activations and additions are as good as others.
"""

from __future__ import annotations

import copy
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .joins import Join, join
from .rows import BlockRecord, LayerRecord, alike, dead_units, norm, saturated_units

RELUS = {"relu", "relu_", "relu6", "threshold"}
SATURATING = {"tanh": "tanh", "tanh_": "tanh", "sigmoid": "sigmoid", "sigmoid_": "sigmoid"}
VIEWS = {"T", "Transpose", "Permute", "View", "UnsafeView", "ToCopy", "Expand", "Alias", "Clone"}
PLAIN = {"__get__", "__set__", "__delete__"}  # attributes
SUMS = {"add", "add_", "__add__", "__radd__", "__iadd__"}


def is_torch(model: object) -> bool:
    """Return whether something is a module of PyTorch, which then has been imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _torch() -> Any:
    return sys.modules["torch"]


class Nodes:
    """How `joins` walks PyTorch's graph."""

    def parents(self, node: Any) -> list[Any]:
        return [parent for parent, _ in node.next_functions if parent is not None]

    def parameter(self, node: Any) -> Any:
        kept = getattr(node, "variable", None)
        return kept if isinstance(kept, _torch().nn.Parameter) else None

    def shows(self, node: Any) -> bool:
        return node.name().rstrip("0123456789").removesuffix("Backward") in VIEWS


class TorchRecorder:
    """Context manager that records every weight layer and residual sum of a PyTorch model.

    A weight layer is a module with parameters of two or more dimensions of its own. `layers` and
    `blocks` are as those of `Recorder`, but for the parts of a block's gradient, which are None.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.layers: list[LayerRecord] = []
        self.blocks: list[BlockRecord] = []
        self._weights: list[list[Any]] = []
        self._inputs: list[Any] = []  # of the layers: nodes of the graph
        self._handles: list[Any] = []
        self._open: list[tuple[Any, str]] = []  # modules that run
        self._latest: dict[int, LayerRecord] = {}  # of each weight: the call that uses it
        self._aliases: dict[tuple[int, int], Any] = {}
        self._parts: dict[tuple[int, int], float] = {}  # norms of the gradients of the aliases
        self._mode: Any = None

    def __enter__(self) -> TorchRecorder:
        for name, module in self.model.named_modules():
            self._handles += [
                module.register_forward_pre_hook(self._entering(name), prepend=True),
                module.register_forward_hook(self._leaving, always_call=True),
            ]
            weights = [p for p in module.parameters(recurse=False) if p.ndim >= 2]
            if weights:
                hook = self._before(name, weights)
                handle = module.register_forward_pre_hook(hook, with_kwargs=True)
                self._handles.append(handle)
        self._mode = _mode(self)
        self._mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._mode.__exit__(*error)
        for handle in self._handles:
            handle.remove()
        for kept in (self._handles, self._inputs, self._open, self._latest, self._aliases):
            kept.clear()
        uses = Counter(id(w) for weights in self._weights for w in weights)
        for layer, weights in zip(self.layers, self._weights, strict=True):
            layer.uses = max(uses[id(w)] for w in weights)
            sizes = [self._parts.get((layer.index, id(w))) for w in weights]
            if any(size is not None for size in sizes):
                layer.dw_norm = math.hypot(*(size or 0.0 for size in sizes))

    def measure_update(self, step: Callable[[], Any]) -> None:
        """Call `step()` (the optimiser's) and set each layer's `update_ratio`, ‖ΔW‖ / ‖W‖."""
        before = {id(w): w.detach().clone() for weights in self._weights for w in weights}
        step()
        for layer, weights in zip(self.layers, self._weights, strict=True):
            size = math.hypot(*(_norm(before[id(w)]) for w in weights))
            moved = math.hypot(*(_norm(w.detach() - before[id(w)]) for w in weights))
            layer.update_ratio = moved / size if size else None

    # ---- modules --------------------------------------------------------------------------------
    def _entering(self, name: str) -> Callable[..., None]:
        def hook(module: Any, _inputs: Any) -> None:
            self._open.append((module, name))

        return hook

    def _leaving(self, module: Any, *_rest: Any) -> None:
        while self._open and self._open.pop()[0] is not module:
            pass

    def _before(self, name: str, weights: list[Any]) -> Callable[..., Any]:
        def hook(_module: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
            size = math.hypot(*(_norm(w.detach()) for w in weights))
            layer = LayerRecord(len(self.layers), name, True, None, size)
            self.layers.append(layer)
            self._weights.append(weights)
            self._inputs.append(None)
            self._latest |= {id(w): layer for w in weights}
            given = next((x for x in (*inputs, *named.values()) if _floating(x)), None)
            if given is None:
                return None
            x = given
            if _torch().is_grad_enabled() and not x.requires_grad:
                x = x.detach().requires_grad_().clone()  # a clone may be written in place
            self._follow(layer, x)
            if x is given:
                return None
            inputs = tuple(x if v is given else v for v in inputs)
            return inputs, {k: x if v is given else v for k, v in named.items()}

        return hook

    def _follow(self, layer: LayerRecord, x: Any) -> None:
        """Take x for the layer's input."""
        layer.forward_rms, self._inputs[layer.index] = _rms(x), x.grad_fn
        layer.alike = alike(_array(x))
        self._see(x, lambda dx: setattr(layer, "dx_norm", _norm(dx)))

    def _see(self, x: Any, see: Callable[[Any], None]) -> None:
        if x.requires_grad:
            self._handles.append(x.register_hook(lambda dx: see(dx)))

    # ---- operations -----------------------------------------------------------------------------
    def before(self, name: str, args: tuple[Any, ...]) -> None:
        """An operation is about to run; after an addition in place its first term is gone."""
        if name in SUMS and len(args) >= 2:
            a, b = args[0], args[1]
            if _floating(a) and _floating(b) and a.shape == b.shape and a.ndim >= 2:
                self._sum(a, b)

    def ran(self, name: str, y: Any) -> None:
        """An operation has run."""
        if self.layers and _floating(y) and y.numel():
            if name in RELUS:
                self.layers[-1].dead_relu = dead_units(_array(y))
            elif name in SATURATING:
                self.layers[-1].saturated = saturated_units(_array(y), SATURATING[name])

    def _sum(self, a: Any, b: Any) -> None:
        if a.grad_fn is None or b.grad_fn is None:
            return
        stream, branch, found = a, b, join(Nodes(), a.grad_fn, b.grad_fn)
        if found is None:
            stream, branch, found = b, a, join(Nodes(), b.grad_fn, a.grad_fn)
        if found is None:
            return
        name = self._open[-1][1] if self._open else ""
        block = BlockRecord(
            len(self.blocks), name, stream_rms=_rms(stream), branch_rms=_rms(branch)
        )
        self.blocks.append(block)
        self._joined(block, stream, found)

    def _joined(self, block: BlockRecord, stream: Any, found: Join) -> None:
        """Take a branch's layers off the main path, but for the first: its x is the block's."""
        whole = stream.grad_fn is found.start  # nothing sits on the shortcut
        if whole:
            self._see(stream, lambda dx: setattr(block, "dx_norm", _norm(dx)))
        begun = found.start in self._inputs
        inner = [layer for layer in self.layers if self._inputs[layer.index] in found.inside]
        for i, layer in enumerate(inner):
            layer.stream = i == 0 and whole and not begun
            if layer.stream:
                self._follow(layer, stream)

    # ---- weights --------------------------------------------------------------------------------
    def followed(self, x: Any) -> Any:
        """Return an operation's input, of a layer's weights an alias of this call alone.

        The gradient of the alias is what comes through this call.
        """
        if isinstance(x, list | tuple) and type(x) in (list, tuple):
            return type(x)([self.followed(v) for v in x])
        layer = self._latest.get(id(x))
        if layer is None or not (x.requires_grad and _torch().is_grad_enabled()):
            return x
        place = (layer.index, id(x))
        if place not in self._aliases:
            alias = self._aliases[place] = x.view_as(x)
            parts = self._parts
            self._see(alias, lambda dw: parts.__setitem__(place, _norm(dw)))
        return self._aliases[place]


class TorchSide:
    """What PyTorch offers to `anynet.profile`."""

    name = "PyTorch"

    def recorder(self, net: Any) -> TorchRecorder:
        return TorchRecorder(net)

    def batch(self, net: Any, x: Any, y: Any) -> tuple[Any, Any]:
        """Return x and y as tensors where the net is; x of floats has the net's dtype."""
        torch = _torch()
        floats = (p for p in net.parameters() if p.is_floating_point())
        p = next(floats, torch.zeros(()))

        def there(v: Any) -> Any:
            v = v.detach() if isinstance(v, torch.Tensor) else torch.as_tensor(np.asarray(v))
            if v.is_floating_point():
                return v.to(p.device, p.dtype)
            return v.to(p.device) if v.dtype == torch.bool else v.to(p.device, torch.int64)

        x = there(x)
        lazy = torch.nn.parameter.UninitializedParameter
        if any(isinstance(p, lazy) for p in net.parameters()):
            with torch.no_grad():
                net(x)  # Lazy modules make their weights now
        return x, None if y is None else there(y)

    @contextmanager
    def kept(self, net: Any, optimizer: Any) -> Iterator[None]:
        """Put everything back at the end."""
        torch = _torch()
        parameters, buffers = list(net.parameters()), list(net.buffers())
        grads = [p.grad for p in parameters]
        values = [p.detach().clone() for p in parameters] if optimizer is not None else []
        held = [b.detach().clone() for b in buffers]
        state = None if optimizer is None else copy.deepcopy(optimizer.state_dict())
        for p in parameters:
            p.grad = None
        devices = sorted({p.device.index or 0 for p in parameters if p.device.type == "cuda"})
        try:
            with torch.random.fork_rng(devices):
                yield
        finally:
            with torch.no_grad():
                for b, before in zip(buffers, held, strict=True):
                    b.copy_(before)
                for p, value in zip(parameters, values, strict=False):
                    p.copy_(value)
            for p, grad in zip(parameters, grads, strict=True):
                p.grad = grad
            if optimizer is not None:
                optimizer.load_state_dict(state)

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, _torch().Tensor)

    def floating(self, y: Any) -> bool:
        return bool(y.is_floating_point())

    def cross_entropy(self, output: Any, y: Any) -> Any:
        """Of (N, C) and (N,); of (N, T, C) and (N, T), as language models have them, too."""
        if output.ndim == 3 and y.ndim == 2 and output.shape[:2] == y.shape:
            output, y = output.flatten(0, 1), y.flatten()
        return _torch().nn.functional.cross_entropy(output, y)


def _mode(recorder: TorchRecorder) -> Any:
    """Return a TorchFunctionMode that tells the recorder of all operations."""
    base: Any = _torch().overrides.TorchFunctionMode

    class Mode(base):  # type: ignore[misc]
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            name = getattr(func, "__name__", "")
            kwargs = kwargs or {}
            if name not in PLAIN and (name.startswith("__") or not name.endswith("_")):
                args = recorder.followed(args)
                kwargs = {key: recorder.followed(value) for key, value in kwargs.items()}
            recorder.before(name, args)
            y = func(*args, **kwargs)
            recorder.ran(name, y)
            return y

    return Mode()


def _floating(x: Any) -> bool:
    return isinstance(x, _torch().Tensor) and x.is_floating_point()


def _array(x: Any) -> Any:
    x = x.detach()
    if x.dtype not in (_torch().float32, _torch().float64):  # bfloat16, which NumPy lacks
        x = x.float()
    return x.cpu().numpy()


def _norm(x: Any) -> float:
    """Return the Euclidean norm in float64; on a GPU it is summed there."""
    if x.device.type == "cpu":
        return norm(_array(x))
    return float(_torch().linalg.vector_norm(x.detach().double()))


def _rms(x: Any) -> float:
    return _norm(x) / math.sqrt(x.numel()) if x.numel() else 0.0
