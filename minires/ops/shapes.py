"""Changes of shape: reshape, permute, index, join, pad."""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from minires_kernels.arrays import (
    is_array,
    module_of,
    on_gpu,
    require_same_device,
    to_gpu,
    to_host,
)

from ..function import Context, Function
from ..tensor import Array, Dims, Tensor
from .arithmetic import values


def dims_of(x: Tensor, dim: Dims) -> tuple[int, ...]:
    """Return the reduced dimensions as non-negative integers, all of them for None."""
    if dim is None:
        return tuple(range(x.ndim))
    try:
        dims = tuple(map(operator.index, dim if isinstance(dim, tuple | list) else (dim,)))
    except TypeError:
        raise TypeError(f"dim: expected an integer, or several, got {dim!r}") from None
    for d in dims:
        if not -x.ndim <= d < x.ndim:
            raise ValueError(f"dim {d} is outside of shape {x.shape}")
    found = tuple(sorted({d % x.ndim for d in dims}))
    if len(found) != len(dims):
        raise ValueError(f"dim {dim} names a dimension twice")
    return found


def dim_of(x: Tensor, dim: Any) -> int:
    """Return one dimension as a non-negative integer; TypeError for several, or None."""
    dims = dims_of(x, dim)
    if dim is None or isinstance(dim, tuple | list):
        raise TypeError(f"dim: expected one integer, got {dim!r}")
    return dims[0]


class Reshape(Function):
    """The same elements in another shape;  dx = dy in the old one."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, shape: tuple[int, ...]) -> Array:
        ctx.save(x.shape)
        return x.reshape(shape)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        return dy.reshape(ctx.saved[0])


class Permute(Function):
    """y.shape[i] = x.shape[dims[i]];  dx = dy in the old order."""

    @staticmethod
    def forward(ctx: Context, x: Array, *, dims: tuple[int, ...]) -> Array:
        ctx.save(dims)
        return x.transpose(dims)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Array:
        dims = ctx.saved[0]
        return dy.transpose(sorted(range(len(dims)), key=dims.__getitem__))


class GetItem(Function):
    """y = x[index], with NumPy's indexing;  dx = dy there (all its parts), 0 elsewhere."""

    new_gradients = True

    @staticmethod
    def forward(ctx: Context, x: Array, *, index: Any, view: bool) -> Any:
        ctx.save(x.shape, index)
        if not view:
            return module_of(x).array(x[index])  # a copy
        whole = any(i is Ellipsis for i in index)
        return x[index if whole else (*index, ...)]  # with `...` one element is a view, too

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        shape, index = ctx.saved
        dx = module_of(dy).zeros(shape, dy.dtype)
        if not on_gpu(dy):
            np.add.at(dx, index, dy)
        elif any(is_array(i) and i.dtype.kind != "b" for i in index):
            _add_at(dx, index, dy)
        else:
            dx[index] = dy
        return dx


def _add_at(dx: Array, index: Any, dy: Array) -> None:
    """Add dy to dx[index] for arrays of integers on a device.

    Gradients of an element that was selected twice are added in the order of `index`, by sorting:
    the atomic additions of `cupyx.scatter_add` would add them in another order each time.
    """
    xp = module_of(dx)
    place = xp.arange(dx.size).reshape(dx.shape)[index].reshape(-1)
    if place.size == 0:
        return
    order = xp.argsort(place)  # stable in CuPy
    place = place[order]
    first = xp.ones(place.shape, bool)  # of equal places
    first[1:] = place[1:] != place[:-1]
    starts = xp.flatnonzero(first)
    dx.reshape(-1)[place[starts]] = xp.add.reduceat(dy.reshape(-1)[order], starts)


class Concat(Function):
    """Several arrays, one after the other along a dimension;  each receives its part of dy."""

    @staticmethod
    def forward(ctx: Context, *xs: Array, dim: int) -> Any:
        ctx.save(dim, list(accumulate(x.shape[dim] for x in xs))[:-1])
        return module_of(xs[0]).concatenate(xs, axis=dim)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        dim, cuts = ctx.saved
        return tuple(module_of(dy).split(dy, cuts, axis=dim))


class Pad(Function):
    """A constant border around x, of widths (before, after);  dx = dy without it."""

    new_gradients = True

    @staticmethod
    def forward(
        ctx: Context, x: Array, *, widths: tuple[tuple[int, int], ...], value: float
    ) -> Any:
        ctx.save(tuple(slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True)))
        return module_of(x).pad(x, widths, constant_values=value)

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        return dy[ctx.saved[0]].copy()


def reshape(x: Tensor, shape: int | Sequence[int]) -> Tensor:
    """Return the elements (in C order) in another shape; one size may be -1."""
    return Reshape.apply(x, shape=(shape,) if isinstance(shape, int) else tuple(shape))


def flatten(x: Tensor, start_dim: int = 0) -> Tensor:
    """Merge the dimensions from `start_dim` on into one."""
    kept = x.shape[: dim_of(x, start_dim)] if x.ndim else ()
    # the size is computed, because -1 is ambiguous for an empty batch
    return reshape(x, (*kept, int(np.prod(x.shape[len(kept) :], dtype=np.int64))))


def permute(x: Tensor, dims: Sequence[int]) -> Tensor:
    """Reorder all dimensions: y.shape[i] = x.shape[dims[i]]."""
    if sorted(d % x.ndim for d in dims) != list(range(x.ndim)):
        raise ValueError(f"permute: {tuple(dims)} is no order of {x.ndim} dimensions")
    return Permute.apply(x, dims=tuple(d % x.ndim for d in dims))


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Swap two dimensions."""
    a, b = dim_of(x, dim0), dim_of(x, dim1)
    dims = list(range(x.ndim))
    dims[a], dims[b] = b, a
    return Permute.apply(x, dims=tuple(dims))


def transposed(x: Tensor) -> Tensor:
    """Return the transpose of a matrix."""
    if x.ndim != 2:
        raise ValueError(f".T is for matrices, this tensor has shape {x.shape}")
    return transpose(x, 0, 1)


def squeeze(x: Tensor, dim: Dims = None) -> Tensor:
    """Remove the dimensions of size 1, or those of `dim` that have it."""
    gone = {d for d in dims_of(x, dim) if x.shape[d] == 1}
    return reshape(x, [n for d, n in enumerate(x.shape) if d not in gone])


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """Insert a dimension of size 1 before `dim` (after the last one for -1)."""
    if not -x.ndim - 1 <= dim <= x.ndim:
        raise ValueError(f"unsqueeze: dim {dim} is outside of shape {x.shape}")
    place = dim % (x.ndim + 1)
    return reshape(x, (*x.shape[:place], 1, *x.shape[place:]))


def getitem(x: Tensor, index: Any) -> Tensor:
    """Return x[index] with NumPy's indexing: integers, slices, masks, integer arrays.

    Of a leaf it is a view, as in NumPy, where integers and slices alone choose: what is written
    into it is written into x.

    On a GPU arrays of indices must be there too, and an index out of range is not noticed: CuPy
    wraps it around.
    """
    return GetItem.apply(x, index=_plain_index(x, index), view=x.is_leaf)


def setitem(x: Tensor, index: Any, value: Any) -> None:
    """Write into a leaf: x[index] = value, a number, an array or a Tensor, which broadcasts.

    Raises TypeError for floats into integers, and for an array in another memory.
    """
    a = values(value)
    if is_array(a):
        require_same_device("this tensor", x.data, value=a)
    dtype = a.dtype if is_array(a) else np.asarray(a).dtype
    if type(a) is not int and not np.can_cast(dtype, x.dtype, "same_kind"):
        raise TypeError(f"x[…] = value: a tensor of {x.dtype} cannot hold {dtype}")
    x.data[_plain_index(x, index)] = a
    x.mark_updated()


def _plain_index(x: Tensor, index: Any) -> tuple[Any, ...]:
    """Return an index as a tuple of what arrays understand."""
    parts = index if isinstance(index, tuple) else (index,)
    # copies: the graph keeps the index, and nobody would be told of its updates
    plain = tuple(copy.deepcopy(values(i)) for i in parts)
    return _on_device(x.data, plain) if on_gpu(x.data) else plain


def _on_device(x: Array, index: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return an index of `x` with lists as arrays on the device, or raise IndexError, TypeError."""
    for i in index:
        if is_array(i):
            require_same_device("this tensor", x, index=i)
    if not any(isinstance(i, list) for i in index):
        return index
    listed = [np.array(i, None if i else np.intp) if isinstance(i, list) else i for i in index]
    # CuPy would wrap an index that is out of range; NumPy's indexing of a stand-in raises.
    np.broadcast_to(False, x.shape)[tuple(_stand_in(i) for i in listed)]
    return tuple(to_gpu(i) if isinstance(i, np.ndarray) else i for i in listed)


def _stand_in(i: Any) -> Any:
    """Return an index of the same shape on the host; integers on a device are not looked at."""
    if not on_gpu(i):
        return i
    return to_host(i) if i.dtype.kind == "b" else np.zeros(i.shape, np.intp)


def concat(tensors: Iterable[Any], dim: int = 0) -> Tensor:
    """Join tensors along a dimension; other sizes and dtypes must agree."""
    if isinstance(tensors, Tensor) or is_array(tensors):
        raise TypeError("concat: expected a list of tensors, got one; of its rows: [*x]")
    tensors = list(tensors)
    if not tensors:
        raise ValueError("concat: expected at least one tensor")
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor) and not is_array(t):
            raise TypeError(f"concat: expected tensors, got {type(t).__name__} as number {i}")
        require_same_device("tensor 0", values(tensors[0]), **{f"tensor {i}": values(t)})
    dtypes = {np.dtype(values(t).dtype) for t in tensors}
    if len(dtypes) > 1:
        raise TypeError(f"concat: mixed dtypes {', '.join(sorted(map(str, dtypes)))}; cast first")
    first = tensors[0] if isinstance(tensors[0], Tensor) else Tensor(tensors[0])
    return Concat.apply(*tensors, dim=dim_of(first, dim))


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
