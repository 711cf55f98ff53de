"""The autograd engine: recording calls of Functions, and running their backward passes.

Each call of `Function.apply` on a tensor that requires a gradient records a `Node`. `backward`
visits the nodes from the loss towards the leaves, every node after all of its consumers, and adds
up what the consumers send: a value used twice (the residual add!) receives both parts. There is no
recursion, so depth is bounded by memory and not by Python's recursion limit.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import weakref
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar

import numpy as np

from minires_kernels.arrays import Array, as_array, is_array, is_device, place_of
from minires_kernels.updates import add

from . import branches, capture
from .tensor import Tensor

Hook = Callable[[Array], Array | None]


class _State(threading.local):
    grad_enabled = True


_state = _State()


class no_grad(contextlib.ContextDecorator):
    """Within the block (or the decorated function), record nothing: no backward, less memory."""

    def __enter__(self) -> None:
        self._before = _state.grad_enabled
        _state.grad_enabled = False

    def __exit__(self, *_exc: object) -> None:
        _state.grad_enabled = self._before


def is_grad_enabled() -> bool:
    """Return whether operations are being recorded in this thread."""
    return _state.grad_enabled


class Context:
    """What a Function's forward leaves for its backward. Other attributes may be set freely.

    saved   the values passed to `save`
    needs   for each positional input, whether its gradient is wanted
    """

    saved: tuple[Any, ...] = ()
    needs: tuple[bool, ...] = ()
    kernel: Any = None

    def save(self, *values: Any) -> None:
        """Keep `values` for backward, where they are `ctx.saved`. They must not be modified."""
        self.saved = values

    def branch(self, choice: Array | Callable[[], Array]) -> None:
        """Record the branch taken at a kink, e.g. `ctx.branch(x > 0)`, for gradient checks.

        A callable is evaluated only while somebody observes, so that training does not pay for it.
        """
        branches.record(choice)


_recorded = itertools.count(1)


class Node:
    """One recorded call, or (with `function` None) a leaf that collects a gradient."""

    __slots__ = ("ctx", "dtype", "function", "hooks", "index", "keeper", "on_device", "parents",
                 "shape", "versions")  # fmt: skip

    def __init__(self, function: type[Function] | None, y: Tensor) -> None:
        self.function = function
        place = next(_recorded)  # in the recording; going backward, leaves come last
        self.index = -place if function is None else place
        self.shape, self.dtype = y.data.shape, y.data.dtype
        self.on_device = type(y.data) is not np.ndarray and is_device(y.data)
        self.ctx: Context | None = None
        self.parents: tuple[Node | None, ...] = ()
        self.versions: tuple[tuple[Tensor, int], ...] = ()
        self.hooks: list[Hook] = []
        # The tensor whose .grad is set; weak, because the tensor owns the node.
        self.keeper: weakref.ref[Tensor] | None = weakref.ref(y) if function is None else None

    @property
    def name(self) -> str:
        """The Function's name, or "leaf"."""
        return "leaf" if self.function is None else self.function.__name__

    def check_usable(self) -> None:
        """Raise RuntimeError if the graph was freed or a saved tensor has changed since."""
        if self.function is not None and self.ctx is None:
            raise RuntimeError(
                f"backward: {self.name} was already freed by an earlier backward(); pass "
                "retain_graph=True to the earlier call, or run the forward pass again"
            )
        for tensor, version in self.versions:
            if tensor.version != version:
                raise RuntimeError(
                    f"backward: an input of {self.name}, of shape {tensor.shape}, was updated in "
                    "place after the forward pass; call backward() before the optimiser's step"
                )

    def run(self, dy: Array) -> tuple[Array | None, ...]:
        """Return the gradients of the inputs, un-broadcast and checked."""
        assert self.function is not None
        assert self.ctx is not None
        grads = self.function.backward(self.ctx, dy)
        if not isinstance(grads, tuple):
            grads = (grads,)
        if len(grads) != len(self.parents):
            raise RuntimeError(
                f"{self.name}.backward returned {len(grads)} gradients for "
                f"{len(self.parents)} inputs; return one per positional input of forward"
            )
        pairs = zip(self.parents, grads, strict=True)
        return tuple(
            None if parent is None else self._checked(i, parent, dx)
            for i, (parent, dx) in enumerate(pairs)
        )

    def _checked(self, i: int, parent: Node, dx: Any) -> Array:
        if type(dx) is not np.ndarray:
            if not is_array(dx) and not isinstance(dx, np.generic):
                raise RuntimeError(
                    f"{self.name}.backward returned {type(dx).__name__} for input {i}, which "
                    "requires a gradient; return an array (zeros, if the derivative is zero)"
                )
            dx = as_array(dx)
        if (type(dx) is not np.ndarray) != parent.on_device:  # both are plain arrays by now
            there, here = ("cpu", "cuda") if parent.on_device else ("cuda", "cpu")
            raise RuntimeError(
                f"{self.name}.backward returned an array on {there} for input {i}, which is on "
                f"{here}; compute gradients where the inputs are"
            )
        if dx.shape != parent.shape and dx.shape == self.shape:
            dx = unbroadcast(dx, parent.shape)
        if dx.shape != parent.shape or dx.dtype != parent.dtype:
            raise RuntimeError(
                f"{self.name}.backward returned {dx.dtype} of shape {dx.shape} for input {i}, "
                f"which is {parent.dtype} of shape {parent.shape}"
            )
        return dx  # type: ignore[no-any-return]


def unbroadcast(dy: Array, shape: tuple[int, ...]) -> Array:
    """Sum `dy` over the axes that broadcasting added or stretched, so that it has `shape`."""
    added = dy.ndim - len(shape)
    if added < 0:
        return dy
    dy = dy.sum(axis=tuple(range(added))) if added else dy
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and dy.shape[i] != 1)
    return as_array(dy.sum(axis=stretched, keepdims=True) if stretched else dy)  # type: ignore[no-any-return]


class Function:
    """A differentiable operation. Subclass it, write two static methods, and call `apply`:

        class Square(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save(x)
                return x * x

            @staticmethod
            def backward(ctx, dy):
                (x,) = ctx.saved
                return 2 * x * dy

        y = Square.apply(x)

    Both work on plain arrays. `backward` returns one gradient per positional input (None where
    `ctx.needs` is false); where inputs were broadcast it may leave the summing to the engine.
    A Function whose backward always returns new arrays, one for each input, and keeps none of them
    may say so with `new_gradients = True`: the engine then need not copy before it adds to them.
    """

    new_gradients: ClassVar[bool] = False
    forward: ClassVar[Callable[..., Any]]
    backward: ClassVar[Callable[..., Any]]

    def __init_subclass__(cls) -> None:
        for name in ("forward", "backward"):
            if not isinstance(vars(cls).get(name, vars(Function).get(name)), staticmethod):
                if getattr(cls, name, None) is None:
                    raise TypeError(f"{cls.__name__}: define a static method `{name}`")
                if name in vars(cls):
                    raise TypeError(f"{cls.__name__}.{name} must be a @staticmethod")

    @classmethod
    def apply(cls, *inputs: Any, **options: Any) -> Tensor:
        """Run `forward` on the inputs' arrays, and record the call if a gradient is wanted.

        Inputs may be Tensors, arrays, numbers or None; options go to `forward` as they are.
        """
        ctx = Context()
        arrays = [t.data if isinstance(t, Tensor) else t for t in inputs]
        enabled = _state.grad_enabled
        ctx.needs = tuple([enabled and isinstance(t, Tensor) and t.requires_grad for t in inputs])
        if capture.under_way:
            capture.keep(arrays)
        y = cls.forward(ctx, *arrays, **options)
        if type(y) is not np.ndarray:
            if not is_array(y) and not isinstance(y, np.generic):
                raise TypeError(f"{cls.__name__}.forward returned {type(y).__name__}, not an array")
            y = as_array(y)
        out = Tensor(y)
        if any(ctx.needs):
            _record(cls, ctx, inputs, out)
        return out


def _record(cls: type[Function], ctx: Context, inputs: tuple[Any, ...], out: Tensor) -> None:
    if out.data.dtype.kind != "f":
        raise TypeError(f"{cls.__name__}: {out.data.dtype} values cannot carry a gradient")
    node = Node(cls, out)
    node.ctx = ctx
    node.parents = tuple(
        [node_of(t) if needed else None for t, needed in zip(inputs, ctx.needs, strict=True)]
    )
    saved = {id(value) for value in ctx.saved}
    node.versions = tuple(
        [
            (t, t.version)
            for t in inputs
            if isinstance(t, Tensor) and id(t.data) in saved and t.is_leaf
        ]
    )
    out.node, out.requires_grad = node, True


def node_of(t: Tensor) -> Node:
    """Return the node that collects the gradient of `t`, made on first use for a leaf."""
    if t.node is None:
        t.node = Node(None, t)
    return t.node


def topological_order(root: Node) -> list[Node]:
    """Return the nodes under `root`, each after all of its consumers.

    A call is recorded after the calls that made its inputs, so the order of recording, backwards,
    is such an order; the leaves come last. What is under the root is found with an explicit stack.
    """
    found, stack = {root}, [root]
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in found:
                found.add(parent)
                stack.append(parent)
    return sorted(found, key=attrgetter("index"), reverse=True)


def backward(root: Node, dy: Array, retain_graph: bool) -> None:
    """Propagate `dy` from `root`; set or add to `.grad` of every leaf and retaining tensor.

    Gradients are stored only when the whole pass has succeeded.
    """
    captured = capture.current()
    if captured is not None and not root.on_device:
        raise RuntimeError("a step under capture must compute on the GPU; move its data there")
    order = topological_order(root)
    for node in order:
        node.check_usable()
    grads = {root: dy}
    owned: set[Node] = set()  # nodes whose entry in grads nobody else refers to
    results: list[tuple[Tensor, Array, bool]] = []
    for node in order:
        dy, hooked = grads.pop(node), bool(node.hooks)
        if hooked:
            dy = _run_hooks(node, dy)
        keeper = None if node.keeper is None else node.keeper()
        if keeper is not None:
            results.append((keeper, dy, node in owned and node.function is None and not hooked))
        if node.function is None:
            continue
        for parent, dx in zip(node.parents, node.run(dy), strict=True):
            if parent is None or dx is None:
                continue
            if parent in grads:
                # In place only where it is safe: dx may be another consumer's too, or dy itself.
                grads[parent] = add(grads[parent], dx, owned=parent in owned)
                owned.add(parent)
            else:
                grads[parent] = dx
                if node.function.new_gradients:
                    owned.add(parent)
        if not retain_graph:
            node.ctx, node.versions = None, ()  # frees what forward saved
    for tensor, grad, new in results:
        if captured is not None:
            captured.replace_gradient(tensor)
        if tensor.grad is not None:
            tensor.grad = add(tensor.grad, grad)
        else:
            tensor.grad = grad if new else grad.copy(order="K")


def _run_hooks(node: Node, dy: Array) -> Array:
    for hook in list(node.hooks):
        changed = hook(_shown(dy))
        if changed is not None:
            changed = as_array(changed)
            if (changed.shape, changed.dtype) != (dy.shape, dy.dtype) or (
                is_device(changed) != is_device(dy)
            ):
                raise RuntimeError(
                    f"a gradient hook returned shape {changed.shape}, {changed.dtype} on "
                    f"{place_of(changed)}; expected {dy.dtype} of shape {dy.shape} on "
                    f"{place_of(dy)}"
                )
            dy = changed
    return dy


def _shown(dy: Array) -> Array:
    """Return what a hook may look at: the array may be shared, and a hook must not change it."""
    if is_device(dy):
        return dy.copy(order="K")  # arrays on a device cannot be made read-only
    shown = dy.view()
    shown.flags.writeable = False
    return shown
