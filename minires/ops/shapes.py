"""Changes of shape: reshape, permute, index, join, pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import Context, Function
from ..tensor import Array, Dims, Tensor
from .arithmetic import values


def dims_of(x: Tensor, dim: Dims) -> tuple[int, ...]:
    """Return the reduced dimensions as non-negative integers, all of them for None."""
    if dim is None:
        return tuple(range(x.ndim))
    dims = dim if isinstance(dim, tuple) else (dim,)
    for d in dims:
        if not -x.ndim <= d < x.ndim:
            raise ValueError(f"dim {d} is outside of shape {x.shape}")
    found = tuple(sorted({d % x.ndim for d in dims}))
    if len(found) != len(dims):
        raise ValueError(f"dim {dim} names a dimension twice")
    return found


class Reshape(Function):
    """The same elements in another shape."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, shape: tuple[int, ...]) -> Array:
        """Reshape in C order."""
        ctx.save(x.shape)
        return x.reshape(shape)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = dy in the old shape."""
        return dy.reshape(ctx.saved[0])


class Permute(Function):
    """The dimensions in another order."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, dims: tuple[int, ...]) -> Array:
        """y.shape[i] = x.shape[dims[i]]."""
        ctx.save(dims)
        return x.transpose(dims)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = dy in the old order."""
        return dy.transpose(np.argsort(ctx.saved[0]))


class GetItem(Function):
    """y = x[index], with NumPy's indexing."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, index: Any) -> Array:
        """Select; a copy, so that y and x never share memory."""
        ctx.save(x.shape, index)
        return np.array(x[index])

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = 0 but for the selected elements; one selected twice receives both gradients."""
        shape, index = ctx.saved
        dx = np.zeros(shape, dy.dtype)
        np.add.at(dx, index, dy)
        return dx


class Concat(Function):
    """Several arrays, one after the other along a dimension."""

    @staticmethod
    def forward(ctx: Context, *xs: Array, dim: int) -> Array:
        """Concatenate."""
        ctx.save(dim, np.cumsum([x.shape[dim] for x in xs])[:-1])
        return np.concatenate(xs, axis=dim)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        """Each input receives its part of dy."""
        dim, cuts = ctx.saved
        return tuple(np.split(dy, cuts, axis=dim))


class Pad(Function):
    """A constant border around x."""

    @staticmethod
    def forward(
        ctx: Context, x: Array, *, widths: tuple[tuple[int, int], ...], value: float
    ) -> Array:
        """Widths are (before, after) for every dimension."""
        ctx.save(tuple(slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True)))
        return np.pad(x, widths, constant_values=value)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        """dx = dy without the border."""
        return np.array(dy[ctx.saved[0]])


def reshape(x: Tensor, shape: int | Sequence[int]) -> Tensor:
    """Return the elements (in C order) in another shape; one size may be -1."""
    return Reshape.apply(x, shape=(shape,) if isinstance(shape, int) else tuple(shape))


def flatten(x: Tensor, start_dim: int = 0) -> Tensor:
    """Merge the dimensions from `start_dim` on into one."""
    kept = x.shape[: dims_of(x, start_dim)[0]] if x.ndim else ()
    # the size is computed, because -1 is ambiguous for an empty batch
    return reshape(x, (*kept, int(np.prod(x.shape[len(kept) :], dtype=np.int64))))


def permute(x: Tensor, dims: Sequence[int]) -> Tensor:
    """Reorder all dimensions: y.shape[i] = x.shape[dims[i]]."""
    if sorted(d % x.ndim for d in dims) != list(range(x.ndim)):
        raise ValueError(f"permute: {tuple(dims)} is no order of {x.ndim} dimensions")
    return Permute.apply(x, dims=tuple(d % x.ndim for d in dims))


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Swap two dimensions."""
    a, b = dims_of(x, dim0)[0], dims_of(x, dim1)[0]
    dims = list(range(x.ndim))
    dims[a], dims[b] = b, a
    return Permute.apply(x, dims=tuple(dims))


def getitem(x: Tensor, index: Any) -> Tensor:
    """Return x[index] with NumPy's indexing: integers, slices, masks, integer arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = tuple(values(i) for i in parts)
    return GetItem.apply(x, index=plain)


def concat(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Join tensors along a dimension; other sizes and dtypes must agree."""
    if not tensors:
        raise ValueError("concat: expected at least one tensor")
    dtypes = {np.dtype(values(t).dtype) for t in tensors}
    if len(dtypes) > 1:
        raise TypeError(f"concat: mixed dtypes {', '.join(sorted(map(str, dtypes)))}; cast first")
    first = tensors[0] if isinstance(tensors[0], Tensor) else Tensor(tensors[0])
    return Concat.apply(*tensors, dim=dims_of(first, dim)[0])


def pad(x: Tensor, padding: Sequence[int], value: float = 0.0) -> Tensor:
    """Add a border: (left, right[, top, bottom[, …]]), the last dimension first, as PyTorch."""
    if len(padding) % 2 or len(padding) > 2 * x.ndim:
        raise ValueError(f"pad: expected pairs for at most {x.ndim} dimensions, got {padding}")
    if any(p < 0 for p in padding):
        raise ValueError(f"pad: expected widths of at least 0, got {tuple(padding)}; slice instead")
    widths = [(0, 0)] * x.ndim
    for i in range(len(padding) // 2):
        widths[-1 - i] = (int(padding[2 * i]), int(padding[2 * i + 1]))
    return Pad.apply(x, widths=tuple(widths), value=value)
