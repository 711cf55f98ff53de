"""Tensor: an array that remembers how it was computed."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from minires_kernels import arrays
from minires_kernels.backends import kernel_for
from minires_kernels.checks import numbers

from .engine import Node, backward
from .hooks import HookHandle
from .observe import tell, watchers

Array = arrays.Array
Dims = int | tuple[int, ...] | None
NUMBERS = frozenset(map(np.dtype, "?bhilqBHILQefdg"))  # bool, int, float: in native byte order

_storing = threading.Lock()  # one thread at a time adds to a `.grad`, or makes a leaf's node
if hasattr(os, "register_at_fork"):  # another thread may hold it at a fork, and not be in the child
    os.register_at_fork(after_in_child=_storing._at_fork_reinit)  # type: ignore[attr-defined]


class Tensor:
    """An n-dimensional array with, on request, a gradient.

    data           the values, an array (shared, not copied; `minires.tensor` copies): NumPy's, or
                   on a GPU CuPy's. Assigning an array counts as an update in place
    requires_grad  whether operations on it are recorded
    grad           after `backward()`: dL/d(this), an array of the same shape and dtype, or None
    """

    __slots__ = ("__weakref__", "_data", "_requires_grad", "grad", "node", "updates")

    def __init__(self, data: Array, requires_grad: bool = False) -> None:
        if type(data) is not np.ndarray or data.dtype not in NUMBERS:
            data = numbers("Tensor", data)
        if requires_grad and data.dtype.kind != "f":
            raise TypeError(f"only floating tensors can require a gradient, this is {data.dtype}")
        self._data = data
        self._requires_grad = requires_grad
        self.grad: Array | None = None
        self.node: Node | None = None
        self.updates = [0]  # how often the memory was written in place; shared with its views

    def _replace(self, data: Array) -> None:
        """Take another array; graphs that have saved the old one refuse to run backward."""
        old, hooks = self._data, [] if self.node is None else self.node.hooks
        self._data = data = numbers("Tensor", data)
        self.updates[0] += 1
        if (old.shape, old.dtype, type(old)) != (data.shape, data.dtype, type(data)):
            self.node = None  # its gradients are others from now on
            if hooks:
                self.own_node().hooks = hooks

    data = property(attrgetter("_data"), _replace)

    # ---- what it is -----------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def size(self) -> int:
        return self._data.size

    @property
    def device(self) -> str:
        """Where the values are: "cpu", or "cuda" for a GPU."""
        return arrays.device_of(self._data)

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than computed by a recorded operation."""
        return self.node is None or self.node.function is None

    def numpy(self) -> Array:
        """Return the array itself; refuses a tensor that requires a gradient, or is on a GPU."""
        if self.requires_grad:
            raise RuntimeError("numpy(): this tensor requires a gradient; use .detach().numpy()")
        if arrays.on_gpu(self._data):
            raise TypeError("numpy(): this tensor is on the GPU; use .cpu() to copy it")
        return self._data

    def item(self) -> float | int | bool:
        """Return the value of a one-element tensor as a Python number; waits for the device."""
        if self._data.size != 1:
            raise ValueError(f"item(): expected one element, this tensor has shape {self.shape}")
        return arrays.to_host(self._data).item()  # type: ignore[no-any-return]

    def detach(self) -> Tensor:
        """Return a tensor with the same array and no history."""
        alias = Tensor(self._data)
        alias.updates = self.updates  # one memory: an update of either is one of both
        return alias

    __hash__ = object.__hash__

    # ---- gradients ------------------------------------------------------------------------------
    def backward(self, grad: Array | Tensor | None = None, retain_graph: bool = False) -> None:
        """Compute dL/d(leaf) for every leaf L depends on, adding to its `.grad`.

        `grad` is dL/d(this); it may be left out for a one-element tensor (then it is 1). The graph
        is freed unless `retain_graph`. Raises RuntimeError without history or on a freed graph.
        """
        if not self.requires_grad:
            raise RuntimeError(
                "backward(): this tensor has no history; make an input require a gradient, and "
                "compute outside no_grad()"
            )
        y = self._data
        if grad is None:
            if y.size != 1:
                raise RuntimeError(
                    f"backward(): a tensor of shape {y.shape} needs `grad`, the gradient of the "
                    "loss with respect to it; or reduce it to a scalar, e.g. with .sum()"
                )
            dy = y.copy()
            dy.fill(1)
        else:
            dy = grad.data if isinstance(grad, Tensor) else grad
            if type(dy) is not type(y):
                dy = arrays.as_array(dy)
                arrays.require_same_device("this tensor", y, grad=dy)
        if dy.shape != y.shape or dy.dtype != y.dtype:
            raise ValueError(
                f"backward(grad): expected {y.dtype} of shape {y.shape}, got {dy.dtype} of shape "
                f"{dy.shape}"
            )
        backward(self.own_node(), dy, retain_graph)

    def own_node(self) -> Node:
        """Return the node of its history; for a leaf, one that stores the gradient here."""
        if self.node is None:
            with _storing:
                if self.node is None:  # else another thread was faster
                    node = Node(self._data)
                    node.keeper = weakref.ref(self)  # weak, because the tensor owns the node
                    self.node = node
        return self.node

    def expect(self, node: Node, dy: Array) -> None:
        """Raise RuntimeError unless `dy` can be stored. All of a pass are asked before any is."""
        if watchers.get():
            tell("storing", self)
        old = self.grad
        if self.node is not node:
            raise RuntimeError(
                f"backward: a gradient of shape {dy.shape}, {dy.dtype} arrived at a tensor whose "
                f"array was replaced by {self.shape}, {self.dtype} after the forward pass"
            )
        if old is not None and (
            not arrays.is_array(old) or old.shape != dy.shape or old.dtype != dy.dtype
        ):
            raise RuntimeError(
                f"backward: cannot add a gradient of shape {dy.shape}, {dy.dtype} to what .grad "
                f"was set to, {type(old).__name__}; set it to such an array, or to None"
            )

    def store(self, dy: Array, new: bool) -> None:
        """Add `dy` to `.grad`; `new` says that nobody else refers to this array."""
        with _storing:
            if self.grad is not None:
                (self.grad,) = kernel_for("add", dy).forward(self.grad, dy)
            else:
                self.grad = dy if new else dy.copy(order="K")

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set whether a leaf requires a gradient, and return it."""
        if not self.is_leaf:
            raise RuntimeError("requires_grad_() is for leaves; use detach() to cut the history")
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(f"only floating tensors can require a gradient, this is {self.dtype}")
        self._requires_grad = requires_grad
        return self

    requires_grad = property(attrgetter("_requires_grad"), requires_grad_)  # type: ignore[arg-type]

    def retain_grad(self) -> None:
        """Keep `.grad` on this intermediate tensor too when backward passes through it."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad(): this tensor does not require a gradient")
        self.own_node().keeper = weakref.ref(self)

    def register_hook(self, hook: Callable[[Array], Array | None]) -> HookHandle:
        """Call `hook(grad)` with the whole gradient of this tensor during backward.

        The hook sees a read-only array; if it returns an array, that replaces the gradient.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook(): this tensor does not require a gradient")
        return HookHandle(self.own_node().hooks, hook)

    # ---- updates in place -----------------------------------------------------------------------
    def update_(self, values: Array) -> Tensor:
        """Overwrite the values of a leaf in place, as an optimiser's step does.

        `values` live where the tensor does. A graph recorded before the update refuses to run
        backward: its saved values are gone.
        """
        if not self.is_leaf:
            raise RuntimeError("update_() is for leaves: parameters and inputs")
        if type(values) is not type(self._data):
            values = arrays.as_array(values)
            arrays.require_same_device("this tensor", self._data, values=values)
        if values.shape != self.shape:
            raise ValueError(f"update_: expected shape {self.shape}, got {values.shape}")
        if not np.can_cast(values.dtype, self.dtype, "same_kind"):
            raise TypeError(f"update_: a tensor of {self.dtype} cannot hold {values.dtype}")
        arrays.module_of(self._data).copyto(self._data, values, casting="same_kind")
        self.mark_updated()
        return self

    def mark_updated(self) -> None:
        """Say that `data` was written in place: graphs recorded before refuse to run backward."""
        self.updates[0] += 1

    if TYPE_CHECKING:  # the functions of ops/, bound to this class in operators.py

        def __len__(self) -> int: ...
        def __iter__(self) -> Iterator[Tensor]: ...
        def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __pow__(self, exponent: float) -> Tensor: ...
        def __rpow__(self, base: float) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def abs(self) -> Tensor: ...
        def exp(self) -> Tensor: ...
        def log(self) -> Tensor: ...
        def sqrt(self) -> Tensor: ...
        def tanh(self) -> Tensor: ...
        def sigmoid(self) -> Tensor: ...
        def relu(self) -> Tensor: ...
        def clip(self, min: float | None = None, max: float | None = None) -> Tensor: ...
        def sum(self, dim: Dims = None, keepdim: bool = False) -> Tensor: ...
        def mean(self, dim: Dims = None, keepdim: bool = False) -> Tensor: ...
        def var(self, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor: ...
        def max(self, dim: int | None = None, keepdim: bool = False) -> Tensor: ...
        def min(self, dim: int | None = None, keepdim: bool = False) -> Tensor: ...
        def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor: ...
        def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor: ...
        def reshape(self, *shape: Any) -> Tensor: ...
        def view(self, *shape: Any) -> Tensor: ...
        def flatten(self, start_dim: int = 0) -> Tensor: ...
        def squeeze(self, dim: Dims = None) -> Tensor: ...
        def unsqueeze(self, dim: int) -> Tensor: ...
        def transpose(self, dim0: int, dim1: int) -> Tensor: ...
        def permute(self, *dims: Any) -> Tensor: ...
        def to(self, target: Any) -> Tensor: ...
        def astype(self, dtype: Any) -> Tensor: ...
        def cuda(self) -> Tensor: ...
        def cpu(self) -> Tensor: ...
        def float(self) -> Tensor: ...
        def double(self) -> Tensor: ...

        @property
        def T(self) -> Tensor: ...
