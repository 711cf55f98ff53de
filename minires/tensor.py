"""Tensor: an array that remembers how it was computed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .engine import Node

Array = npt.NDArray[Any]
Dims = int | tuple[int, ...] | None


class HookHandle:
    """What `register_hook` returns; `remove()` takes the hook out again."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)


class Tensor:
    """An n-dimensional array with, on request, a gradient.

    data           the values, a NumPy array (shared, not copied; `minires.tensor` copies)
    requires_grad  whether operations on it are recorded
    grad           after `backward()`: dL/d(this), an array of the same shape and dtype, or None
    """

    __slots__ = ("__weakref__", "data", "grad", "node", "requires_grad", "version")
    __array_ufunc__ = None  # so that `array + tensor` calls Tensor.__radd__

    def __init__(self, data: Array, requires_grad: bool = False) -> None:
        if not isinstance(data, np.ndarray):
            raise TypeError(
                f"Tensor: expected a NumPy array, got {type(data).__name__}; "
                "minires.tensor(...) takes numbers and lists"
            )
        if requires_grad and data.dtype.kind != "f":
            raise TypeError(f"only floating tensors can require a gradient, this is {data.dtype}")
        self.data = data
        self.requires_grad = requires_grad
        self.grad: Array | None = None
        self.node: Node | None = None
        self.version = 0

    # ---- what it is -----------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each dimension."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the values."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.data.size

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than computed by a recorded operation."""
        return self.node is None or self.node.function is None

    def numpy(self) -> Array:
        """Return the array itself; refuses a tensor that requires a gradient, as PyTorch does."""
        if self.requires_grad:
            raise RuntimeError("numpy(): this tensor requires a gradient; use .detach().numpy()")
        return self.data

    def item(self) -> float | int | bool:
        """Return the value of a one-element tensor as a Python number."""
        if self.data.size != 1:
            raise ValueError(f"item(): expected one element, this tensor has shape {self.shape}")
        return self.data.item()  # type: ignore[no-any-return]

    def detach(self) -> Tensor:
        """Return a tensor with the same array and no history."""
        return Tensor(self.data)

    def __repr__(self) -> str:
        values = np.array2string(self.data, precision=4, threshold=20, edgeitems=2, prefix=" " * 7)
        how = f", op={self.node.name}" if self.node is not None and not self.is_leaf else ""
        grad = ", requires_grad=True" if self.requires_grad and self.is_leaf else ""
        return f"tensor({values}, shape={self.shape}, dtype={self.dtype}{how}{grad})"

    def __len__(self) -> int:
        if self.data.ndim == 0:
            raise TypeError("len() of a tensor without dimensions")
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise ValueError("the truth of a tensor with several elements is ambiguous")
        return bool(self.data.item())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

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
        if grad is None:
            if self.data.size != 1:
                raise RuntimeError(
                    f"backward(): a tensor of shape {self.shape} needs `grad`, the gradient of the "
                    "loss with respect to it; or reduce it to a scalar, e.g. with .sum()"
                )
            dy = np.ones_like(self.data)
        else:
            dy = grad.data if isinstance(grad, Tensor) else np.asarray(grad)
        if dy.shape != self.shape or dy.dtype != self.dtype:
            raise ValueError(
                f"backward(grad): expected {self.dtype} of shape {self.shape}, got {dy.dtype} of "
                f"shape {dy.shape}"
            )
        engine.backward(engine.node_of(self), dy, retain_graph)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set whether a leaf requires a gradient, and return it."""
        if not self.is_leaf:
            raise RuntimeError("requires_grad_() is for leaves; use detach() to cut the history")
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(f"only floating tensors can require a gradient, this is {self.dtype}")
        self.requires_grad = requires_grad
        return self

    def retain_grad(self) -> None:
        """Keep `.grad` on this intermediate tensor too when backward passes through it."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad(): this tensor does not require a gradient")
        engine.node_of(self).keeper = weakref.ref(self)

    def register_hook(self, hook: Callable[[Array], Array | None]) -> HookHandle:
        """Call `hook(grad)` with the whole gradient of this tensor during backward.

        The hook sees a read-only array; if it returns an array, that replaces the gradient.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook(): this tensor does not require a gradient")
        hooks = engine.node_of(self).hooks
        hooks.append(hook)
        return HookHandle(hooks, hook)

    def update_(self, values: Array) -> Tensor:
        """Overwrite the values of a leaf in place, as an optimiser's step does.

        A graph recorded before the update refuses to run backward: its saved values are gone.
        """
        if not self.is_leaf:
            raise RuntimeError("update_() is for leaves: parameters and inputs")
        if np.shape(values) != self.shape:
            raise ValueError(f"update_: expected shape {self.shape}, got {np.shape(values)}")
        np.copyto(self.data, values, casting="same_kind")
        self.mark_updated()
        return self

    def mark_updated(self) -> None:
        """Say that `data` was written in place: graphs recorded before refuse to run backward."""
        self.version += 1

    # ---- operators ------------------------------------------------------------------------------
    def __add__(self, other: Any) -> Tensor:
        return ops.add(self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Tensor:
        return ops.sub(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return ops.sub(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return ops.mul(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Tensor:
        return ops.div(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ops.div(other, self)

    def __pow__(self, exponent: float) -> Tensor:
        return ops.power(self, exponent)

    def __neg__(self) -> Tensor:
        return ops.neg(self)

    def __matmul__(self, other: Any) -> Tensor:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return ops.matmul(other, self)

    def __getitem__(self, index: Any) -> Tensor:
        return ops.getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "a tensor's items cannot be assigned, because the graph may need the old values; "
            "use minires.where(mask, new, old), or write into .data of a tensor without history"
        )

    def __lt__(self, other: Any) -> Tensor:
        return Tensor(np.asarray(self.data < ops.values(other)))

    def __le__(self, other: Any) -> Tensor:
        return Tensor(np.asarray(self.data <= ops.values(other)))

    def __gt__(self, other: Any) -> Tensor:
        return Tensor(np.asarray(self.data > ops.values(other)))

    def __ge__(self, other: Any) -> Tensor:
        return Tensor(np.asarray(self.data >= ops.values(other)))

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return Tensor(np.asarray(self.data == ops.values(other)))

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return Tensor(np.asarray(self.data != ops.values(other)))

    __hash__ = object.__hash__

    # ---- methods: the functions of `ops`, under PyTorch's names ----------------------------------
    def exp(self) -> Tensor:
        """Return e to the power of each element."""
        return ops.exp(self)

    def log(self) -> Tensor:
        """Return the natural logarithm of each element."""
        return ops.log(self)

    def sqrt(self) -> Tensor:
        """Return the square root of each element."""
        return ops.sqrt(self)

    def tanh(self) -> Tensor:
        """Return the hyperbolic tangent of each element."""
        return ops.tanh(self)

    def sigmoid(self) -> Tensor:
        """Return 1 / (1 + exp(-x)) of each element."""
        return ops.sigmoid(self)

    def relu(self) -> Tensor:
        """Return max(x, 0) of each element."""
        return nn_ops.relu(self)

    def clip(self, min: float | None = None, max: float | None = None) -> Tensor:
        """Limit each element to [min, max]; the gradient is zero outside."""
        return ops.clip(self, min, max)

    def sum(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """Sum over `dim` (all dimensions if None)."""
        return ops.sum(self, dim, keepdim)

    def mean(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """Average over `dim` (all dimensions if None)."""
        return ops.mean(self, dim, keepdim)

    def var(self, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor:
        """Variance over `dim`, divided by n - correction."""
        return ops.var(self, dim, correction, keepdim)

    def max(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Return the maximum over one dimension, or over all. The first of equals wins."""
        return ops.max(self, dim, keepdim)

    def reshape(self, *shape: Any) -> Tensor:
        """Return the elements in another shape; one size may be -1."""
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape)

    def flatten(self, start_dim: int = 0) -> Tensor:
        """Merge the dimensions from `start_dim` on into one."""
        return ops.flatten(self, start_dim)

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Swap two dimensions."""
        return ops.transpose(self, dim0, dim1)

    def permute(self, *dims: Any) -> Tensor:
        """Reorder all dimensions."""
        return ops.permute(self, dims[0] if len(dims) == 1 else dims)

    @property
    def T(self) -> Tensor:
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ValueError(f".T is for matrices, this tensor has shape {self.shape}")
        return ops.transpose(self, 0, 1)


def tensor(data: Any, dtype: npt.DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Make a leaf from numbers, lists or an array, always copying.

    Python floats become float32 (as in PyTorch); an array keeps its dtype.
    """
    if isinstance(data, Tensor):
        raise TypeError("tensor() of a Tensor: use .detach(), or tensor(t.data) for a copy")
    array = np.array(data, dtype=dtype)
    if (
        dtype is None
        and array.dtype == np.float64
        and not isinstance(data, np.ndarray | np.generic)
    ):
        array = array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"tensor(): expected real numbers, got {array.dtype}")
    return Tensor(array, requires_grad)


# Last, because these modules need the class above.
from . import engine, nn_ops, ops  # noqa: E402
