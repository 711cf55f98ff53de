"""minires' own: functions of Tensors, Functions and Modules, run through the engine."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from minires_kernels.arrays import is_array, on_gpu, to_device, to_host

from ... import engine, nn, ops
from ... import random as minires_random
from ...creation import default_device
from ...function import Function
from ...grad_mode import enable_grad, no_grad
from ...tensor import Array, Tensor
from ..branches import observe_branches
from ..subject import Pair, Subject
from ..wording import Mismatch, described
from .arguments import Leaf, grown, within
from .call import Call
from .naming import plain


class TensorSubject(Subject):
    """Wraps what the user gave: a function of Tensors, a Function, its `apply`, or a Module.

    Inputs are copied and cast to float64; a Module is copied, cast, and its parameters are checked
    too. Buffers and the random generator are put back before every evaluation, so that running
    statistics and dropout are the same function each time. Arrays here are NumPy's; they are moved
    for each evaluation if the inputs or the module are on a GPU, or if its backend is in use.
    """

    def __init__(
        self,
        f: Any,
        inputs: Sequence[Any],
        options: dict[str, Any] | None = None,
        wrt: Collection[str] | None = None,
    ) -> None:
        self.name = _name(f)
        self.module: nn.Module | None = None
        if isinstance(f, nn.Module):
            self.module = copy.deepcopy(f).double()
            f = self.module
        elif isinstance(f, type) and issubclass(f, Function):
            f = f.apply
        if not callable(f):
            raise TypeError(
                f"gradcheck: expected a function of Tensors, a Function or a Module, got {f!r}"
            )
        owner = getattr(f, "__self__", None)
        self.own: Any = owner if _is_function(f) else None  # the Function, if it is a single one
        self.simple = self.own is not None
        self.f: Callable[..., Any] = f
        self.device = default_device()
        own = [] if self.module is None else list(self.module.parameters())
        if any(on_gpu(x.data if isinstance(x, Tensor) else x) for x in (*inputs, *own)):
            self.device = "cuda"
        if self.module is not None:
            self.module.to(self.device)
        self.arguments = Call(_signed(f), inputs, options or {})
        self.notes = self.arguments.notes
        leaves = self.arguments.leaves
        self.differentiable = [i for i, leaf in enumerate(leaves) if self._is_variable(leaf)]
        self.names = [leaves[i].name for i in self.differentiable]
        parameters = [] if self.module is None else list(self.module.named_parameters())
        self.parameters = [p for _, p in parameters if p.requires_grad]
        self.names += [n for n, p in parameters if p.requires_grad]
        self.arrays = [leaves[i].array for i in self.differentiable]
        self.arrays += [to_host(p.data).copy() for p in self.parameters]
        if not self.arrays:
            raise ValueError("gradcheck: there is no floating input or parameter to check")
        if wrt is not None:
            self._leave_only(wrt)
        self._buffers = {} if self.module is None else _buffers(self.module)
        self.rng = copy.deepcopy(minires_random.generator())

    def _is_variable(self, leaf: Leaf) -> bool:
        """Whether a floating value is differentiated; a Python number is an option."""
        if type(leaf.original) is float:
            self.notes.append(
                f"{leaf.name} is taken as an option: pass np.float64({leaf.original}) to check it"
            )
        return type(leaf.original) is not float

    def _leave_only(self, wrt: Collection[str]) -> None:
        """Fix every tensor that the caller did not name."""
        chosen = [wrt] if isinstance(wrt, str) else list(wrt)
        for name in chosen:
            if not any(within(n, name) for n in self.names):
                raise ValueError(f"wrt={name!r}: the floating inputs are {', '.join(self.names)}")
        count = len(self.differentiable)
        keep = [any(within(n, w) for w in chosen) for n in self.names]
        self.differentiable = [i for i, k in zip(self.differentiable, keep, strict=False) if k]
        self.parameters = [p for p, k in zip(self.parameters, keep[count:], strict=True) if k]
        self.names = [n for n, k in zip(self.names, keep, strict=True) if k]
        self.arrays = [a for a, k in zip(self.arrays, keep, strict=True) if k]

    def call(self, arrays: Sequence[Array]) -> tuple[Tensor, list[Tensor]]:
        """Evaluate on leaves made of `arrays` (moved, not copied); return output and leaves."""
        count = len(self.differentiable)
        leaves = [Tensor(self.placed(np.asarray(a)), requires_grad=True) for a in arrays[:count]]
        given = dict(zip(self.differentiable, leaves, strict=True))

        def leaf(i: int) -> Any:
            if i in given:
                return given[i]
            fixed = self.arguments.leaves[i]
            is_option = type(fixed.original) is float
            return fixed.original if is_option else Tensor(self.placed(fixed.array.copy()))

        inputs = [self.placed(grown(tree, leaf)) for tree in self.arguments.trees]
        for p, a in zip(self.parameters, arrays[len(leaves) :], strict=True):
            p.data, p.grad = self.placed(np.asarray(a)), None
        self._restore()
        with minires_random.using(copy.deepcopy(self.rng)):
            result = self.arguments.run(self.f, inputs)
        return self._only(result), [*leaves, *self.parameters]

    def _only(self, result: Any) -> Tensor:
        """Return the output; several floating Tensors are laid out as one vector."""
        if isinstance(result, Tensor):
            return result
        parts = [t for t in _tensors(result) if t.dtype.kind == "f"]
        if not parts:
            raise TypeError(
                f"{self.name} returned {described(result)}, expected a Tensor (or several); for "
                "functions of arrays use check_backward(forward, backward, *inputs)"
            )
        return ops.concat([t.reshape(-1) for t in parts]) if len(parts) > 1 else parts[0]

    def placed(self, a: Any) -> Any:
        """Return an array where the function computes; anything else as it is."""
        return to_device(a, self.device) if is_array(a) else a

    def _restore(self) -> None:
        if self.module is not None:
            for module, values in self._buffers.items():
                for key, value in values.items():
                    module._buffers[key] = None if value is None else value.copy()

    def value(self, arrays: Sequence[Array]) -> tuple[Array, bytes | None]:
        with no_grad(), observe_branches() as log:
            try:
                y, _ = self.call([a.copy() for a in arrays])  # `f` may wrongly write into them
            except RuntimeError as error:
                error.add_note("functions of arrays: check_backward(forward, backward, *inputs)")
                raise
        return to_host(y.data), log.digest() if log.count else None

    def gradients(self, v: Array, layout: Callable[[Array], Array] = np.copy) -> list[Array]:
        count = len(self.differentiable)
        inputs = [layout(a) for a in self.arrays[:count]]
        with enable_grad(), self._naming_inputs():
            y, leaves = self.call([*inputs, *(a.copy() for a in self.arrays[count:])])
            if y.requires_grad:
                y.backward(self.placed(layout(v)))
        return [
            np.zeros_like(a) if t.grad is None else to_host(t.grad)
            for t, a in zip(leaves, self.arrays, strict=True)
        ]

    @contextlib.contextmanager
    def _naming_inputs(self) -> Iterator[None]:
        """Call the inputs of a Function by their names in what the engine says of them."""
        try:
            yield
        except RuntimeError as error:
            text = str(error)
            if self.own is None or not text.startswith(f"{self.own.__name__}.backward returned"):
                raise
            for i, name in enumerate(self.arguments.names):
                text = text.replace(f"for input {i},", f"for {name},")
                text = text.replace(f"for input {i};", f"for {name};")
            raise Mismatch(text) from error

    def nodes(self, y: Tensor) -> list[engine.Node]:
        """Return the recorded calls behind `y`."""
        return [] if y.node is None else engine.topological_order(y.node)

    def calls(self) -> int:
        with enable_grad():
            return len(self.nodes(self.call([a.copy() for a in self.arrays])[0]))

    def conduct(self, v: Array) -> dict[str, str]:
        failed: dict[str, str] = {}
        with enable_grad():
            y, leaves = self.call([a.copy() for a in self.arrays])
        if not y.requires_grad:
            return failed
        saved = [
            (node.name, value, to_host(value).copy())
            for node in self.nodes(y)
            if node.ctx is not None
            for value in node.ctx.saved
            if is_array(value)
        ]
        upstream = self.placed(v.copy())
        y.backward(upstream)  # frees the graph; the saved arrays are still listed above
        for name, leaf, before in zip(self.names, leaves, self.arrays, strict=True):
            if not np.array_equal(to_host(leaf.data), before, equal_nan=True):
                failed["inputs unmodified"] = f"{name} was modified in place"
        if not np.array_equal(to_host(upstream), v):
            failed["upstream unmodified"] = "backward modified dy in place"
        for name, value, before in saved:
            if not np.array_equal(to_host(value), before, equal_nan=before.dtype.kind == "f"):
                failed["saved unmodified"] = f"backward modified an array that {name} had saved"
        return failed

    @property
    def pair(self) -> Pair | None:
        if self.own is None:
            return None
        own = self.own
        return Pair(plain(own.forward), plain(own.backward), self._try)

    def _try(self, candidate: Callable[..., Any], v: Array, arrays: Sequence[Array]) -> list[Array]:
        """Run the Function with another backward pass."""
        edited: Any = type(self.own.__name__, (self.own,), {"backward": staticmethod(candidate)})
        other = copy.copy(self)
        other.f, other.arrays = edited.apply, [a.copy() for a in arrays]
        return other.gradients(v)


def _is_function(f: Any) -> bool:
    owner = getattr(f, "__self__", f)
    return isinstance(owner, type) and issubclass(owner, Function)


def _name(f: Any) -> str:
    owner = getattr(f, "__self__", None)
    if isinstance(owner, type):
        return owner.__name__
    return getattr(f, "__name__", type(f).__name__)


def _signed(f: Any) -> Callable[..., Any]:
    """Return the function whose signature tells the names of the inputs."""
    if isinstance(f, nn.Module):
        return f.forward
    owner = getattr(f, "__self__", None)
    return partial(owner.forward, None) if _is_function(f) else f  # type: ignore[union-attr]


def _tensors(x: Any) -> Iterator[Tensor]:
    """Yield the Tensors in nested lists, tuples and dicts."""
    if isinstance(x, Tensor):
        yield x
    elif isinstance(x, dict | list | tuple):
        for part in x.values() if isinstance(x, dict) else x:
            yield from _tensors(part)


def _buffers(module: nn.Module) -> dict[nn.Module, dict[str, Any]]:
    return {
        m: {k: None if v is None else v.copy() for k, v in m._buffers.items()}
        for m in module.modules()
    }
