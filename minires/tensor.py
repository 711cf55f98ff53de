"""Tensor: an array that remembers how it was computed."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minires_kernels import arrays

from .hooks import HookHandle

if TYPE_CHECKING:
    from .engine import Node

Array = arrays.Array
Dims = int | tuple[int, ...] | None


class Tensor:
    """An n-dimensional array with, on request, a gradient.

    data           the values, an array (shared, not copied; `minires.tensor` copies): NumPy's, or
                   on a GPU CuPy's
    requires_grad  whether operations on it are recorded
    grad           after `backward()`: dL/d(this), an array of the same shape and dtype, or None
    """

    __slots__ = ("__weakref__", "data", "grad", "node", "requires_grad", "version")
    __array_ufunc__ = None  # so that `array + tensor` calls Tensor.__radd__

    def __init__(self, data: Array, requires_grad: bool = False) -> None:
        if type(data) is not np.ndarray and not arrays.is_array(data):
            raise TypeError(
                f"Tensor: expected an array, got {type(data).__name__}; "
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
    def device(self) -> str:
        """Where the values are: "cpu", or "cuda" for a GPU."""
        return arrays.place_of(self.data)

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than computed by a recorded operation."""
        return self.node is None or self.node.function is None

    def numpy(self) -> Array:
        """Return the array itself; refuses a tensor that requires a gradient, or is on a GPU."""
        if self.requires_grad:
            raise RuntimeError("numpy(): this tensor requires a gradient; use .detach().numpy()")
        if arrays.is_device(self.data):
            raise TypeError("numpy(): this tensor is on the GPU; use .cpu() to copy it")
        return self.data

    def item(self) -> float | int | bool:
        """Return the value of a one-element tensor as a Python number; waits for the device."""
        if self.data.size != 1:
            raise ValueError(f"item(): expected one element, this tensor has shape {self.shape}")
        return arrays.to_host(self.data).item()  # type: ignore[no-any-return]

    def to(self, device: str) -> Tensor:
        """Return this tensor on "cpu" or "cuda", itself if it is there; gradients flow back.

        Raises RuntimeError where no GPU can be used, saying what is missing.
        """
        return ops.to(self, device)

    def cuda(self) -> Tensor:
        """Return this tensor on the GPU."""
        return ops.to(self, "cuda")

    def cpu(self) -> Tensor:
        """Return this tensor in NumPy's memory."""
        return ops.to(self, "cpu")

    def detach(self) -> Tensor:
        """Return a tensor with the same array and no history."""
        return Tensor(self.data)

    def __repr__(self) -> str:
        shown = arrays.to_host(self.data)
        values = np.array2string(shown, precision=4, threshold=20, edgeitems=2, prefix=" " * 7)
        how = f", op={self.node.name}" if self.node is not None and not self.is_leaf else ""
        grad = ", requires_grad=True" if self.requires_grad and self.is_leaf else ""
        place = ", device=cuda" if arrays.is_device(self.data) else ""
        return f"tensor({values}, shape={self.shape}, dtype={self.dtype}{place}{how}{grad})"

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
        return bool(self.item())

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
            dy = arrays.module_of(self.data).ones_like(self.data)
        else:
            dy = grad.data if isinstance(grad, Tensor) else grad
            dy = arrays.as_array(dy)
            arrays.require_same_place("this tensor", self.data, grad=dy)
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
        return HookHandle(engine.node_of(self).hooks, hook)

    def update_(self, values: Array) -> Tensor:
        """Overwrite the values of a leaf in place, as an optimiser's step does.

        `values` live where the tensor does. A graph recorded before the update refuses to run
        backward: its saved values are gone.
        """
        if not self.is_leaf:
            raise RuntimeError("update_() is for leaves: parameters and inputs")
        if type(values) is not type(self.data):
            values = arrays.as_array(values)
            arrays.require_same_place("this tensor", self.data, values=values)
        if values.shape != self.shape:
            raise ValueError(f"update_: expected shape {self.shape}, got {values.shape}")
        arrays.module_of(self.data).copyto(self.data, values, casting="same_kind")
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
        return ops.compare(operator.lt, self, other)

    def __le__(self, other: Any) -> Tensor:
        return ops.compare(operator.le, self, other)

    def __gt__(self, other: Any) -> Tensor:
        return ops.compare(operator.gt, self, other)

    def __ge__(self, other: Any) -> Tensor:
        return ops.compare(operator.ge, self, other)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.compare(operator.eq, self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.compare(operator.ne, self, other)

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


# Last, because these modules need the class above.
from . import engine, nn_ops, ops  # noqa: E402
