"""`tile.py`'s operations for compiled code: LLVM instructions for each element of a tile."""

from __future__ import annotations

from typing import Any

from numba import types as _types
from numba.core import cgutils as _cgutils

from .simd_llvm import Register, align, intrinsic, pointer, splat, vector_pointer

cgutils: Any = _cgutils
types: Any = _types


def _positions(positions: Any) -> Any:
    return types.UniTuple(types.intp, len(positions))


def _registers(a: Any, rows: Any, columns: Any) -> Any:
    return types.UniTuple(Register(a.dtype), len(rows) * len(columns))


def _sums(builder: Any, *tuples: Any) -> list[Any]:
    """Return x + y for each x of one tuple and y of the other."""
    first, second = (cgutils.unpack_tuple(builder, t) for t in tuples)
    return [builder.add(x, y) for x in first for y in second]


@intrinsic
def spaced(typing_context: Any, rows: Any, start: Any, step: Any) -> Any:
    """See `tile.spaced`."""
    kind = _positions(rows)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, start, step = args
        found = [
            builder.add(start, builder.mul(step, r)) for r in cgutils.unpack_tuple(builder, rows)
        ]
        return context.make_tuple(builder, kind, found)

    return kind(kind, types.intp, types.intp), code


@intrinsic
def looked_up(typing_context: Any, rows: Any, table: Any, i: Any, last: Any) -> Any:
    """See `tile.looked_up`."""
    kind = _positions(rows)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, a, i, last = args
        found = []
        for r in cgutils.unpack_tuple(builder, rows):
            wanted = builder.add(i, r)
            inside = builder.icmp_signed("<", wanted, last)
            at = builder.select(inside, wanted, last)
            found.append(builder.load(pointer(context, builder, table, a, at)))
        return context.make_tuple(builder, kind, found)

    return kind(kind, table, types.intp, types.intp), code


@intrinsic
def multiply_add(
    typing_context: Any, sums: Any, a: Any, rows: Any, j: Any, b: Any, columns: Any, o: Any
) -> Any:
    """See `tile.multiply_add`."""
    kind = _registers(a, rows, columns)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, x, rows, j, y, columns, o = args
        loaded = []
        for c in cgutils.unpack_tuple(builder, columns):
            at = vector_pointer(context, builder, b, y, builder.add(c, o))
            loaded.append(builder.load(at, align=align(b)))
        found, old = [], iter(cgutils.unpack_tuple(builder, sums))
        for r in cgutils.unpack_tuple(builder, rows):
            number = builder.load(pointer(context, builder, a, x, builder.add(r, j)))
            spread = splat(context, builder, number, a.dtype, kind.dtype)
            for v in loaded:
                product = builder.fmul(spread, v, flags=("contract",))
                found.append(builder.fadd(next(old), product, flags=("contract",)))
        return context.make_tuple(builder, kind, found)

    return kind(kind, a, _positions(rows), types.intp, b, _positions(columns), types.intp), code


@intrinsic
def fill_tile(typing_context: Any, a: Any, rows: Any, columns: Any, value: Any) -> Any:
    """See `tile.fill_tile`."""
    kind = _registers(a, rows, columns)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = splat(context, builder, args[3], value, kind.dtype)
        return context.make_tuple(builder, kind, [v] * len(kind))

    return kind(a, rows, columns, value), code


@intrinsic
def load_tile(typing_context: Any, a: Any, rows: Any, columns: Any) -> Any:
    """See `tile.load_tile`."""
    kind = _registers(a, rows, columns)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, *both = args
        found = [
            builder.load(vector_pointer(context, builder, a, x, at), align=align(a))
            for at in _sums(builder, *both)
        ]
        return context.make_tuple(builder, kind, found)

    return kind(a, _positions(rows), _positions(columns)), code


@intrinsic
def store_tile(typing_context: Any, a: Any, rows: Any, columns: Any, sums: Any) -> Any:
    """See `tile.store_tile`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, rows, columns, sums = args
        values = cgutils.unpack_tuple(builder, sums)
        for at, v in zip(_sums(builder, rows, columns), values, strict=True):
            builder.store(v, vector_pointer(context, builder, a, x, at), align=align(a))
        return context.get_dummy_value()

    return types.void(a, _positions(rows), _positions(columns), sums), code


OPERATIONS = ("fill_tile", "load_tile", "looked_up", "multiply_add", "spaced", "store_tile")
