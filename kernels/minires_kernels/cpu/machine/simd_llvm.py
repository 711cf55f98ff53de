"""`simd.py`'s instructions for compiled code: a Numba type for a register, and its LLVM code."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending as _extending
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

from .vector_width import VECTOR_BYTES

cgutils: Any = _cgutils


def intrinsic(function: Callable[..., Any]) -> Any:
    """numba.extending.intrinsic, with a type."""
    return _extending.intrinsic(function)


class Register(types.Type):
    """One vector register of `element`s."""

    def __init__(self, element: Any) -> None:
        self.element = element
        self.count = VECTOR_BYTES * 8 // element.bitwidth
        super().__init__(name=f"Register({element} x {self.count})")


@register_model(Register)
class _RegisterModel(models.PrimitiveModel):
    def __init__(self, manager: Any, register: Register) -> None:
        element = manager.lookup(register.element).get_value_type()
        vector = ir.VectorType(element, register.count)
        super().__init__(manager, register, vector)  # type: ignore[no-untyped-call]


def pointer(context: Any, builder: Any, array_type: Any, array: Any, i: Any) -> Any:
    """Return the address of array[i]."""
    field = context.data_model_manager[array_type].get_field_position("data")
    return builder.gep(builder.extract_value(array, field), [i])


def vector_pointer(context: Any, builder: Any, array_type: Any, array: Any, i: Any) -> Any:
    """Return the address of the register that starts at array[i]."""
    vector = context.get_value_type(Register(array_type.dtype))
    at = pointer(context, builder, array_type, array, i)
    return builder.bitcast(at, vector.as_pointer())


def align(array_type: Any) -> int:
    """Return what LLVM may assume: arrays are aligned to elements, not to registers."""
    return int(array_type.dtype.bitwidth // 8)


@intrinsic
def lanes(typing_context: Any, a: Any) -> Any:
    """See `simd.lanes`; a constant in compiled code."""
    count = Register(a.dtype).count

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(types.intp), count)

    return types.intp(a), code


@intrinsic
def load(typing_context: Any, a: Any, i: Any) -> Any:
    """See `simd.load`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(vector_pointer(context, builder, a, *args), align=align(a))

    return Register(a.dtype)(a, types.intp), code


@intrinsic
def store(typing_context: Any, a: Any, i: Any, v: Any) -> Any:
    """See `simd.store`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = vector_pointer(context, builder, a, *args[:2])
        builder.store(args[2], at, align=align(a))
        return context.get_dummy_value()

    return types.void(a, types.intp, v), code


def _zeros(context: Any, builder: Any, register: Register) -> Any:
    """Return the address of a register of zeros, a constant of the module."""
    vector, name = context.get_value_type(register), f"zeros of {register}"
    if name not in builder.module.globals:
        constant = ir.GlobalVariable(builder.module, vector, name)
        constant.initializer, constant.global_constant = ir.Constant(vector, None), True
        constant.linkage = "internal"
    return builder.module.globals[name]


@intrinsic
def load_if(typing_context: Any, a: Any, i: Any, bit: Any) -> Any:
    """See `simd.load_if`: the address is selected, so there is no branch."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = vector_pointer(context, builder, a, *args[:2])
        wanted = builder.icmp_unsigned("!=", args[2], ir.Constant(args[2].type, 0))
        at = builder.select(wanted, at, _zeros(context, builder, Register(a.dtype)))
        return builder.load(at, align=align(a))

    return Register(a.dtype)(a, types.intp, types.intp), code


@intrinsic
def store_if(typing_context: Any, a: Any, i: Any, v: Any, bit: Any, aside: Any) -> Any:
    """See `simd.store_if`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = vector_pointer(context, builder, a, *args[:2])
        other = vector_pointer(context, builder, a, args[4], ir.Constant(args[1].type, 0))
        wanted = builder.icmp_unsigned("!=", args[3], ir.Constant(args[3].type, 0))
        builder.store(args[2], builder.select(wanted, at, other), align=align(a))
        return context.get_dummy_value()

    return types.void(a, types.intp, v, types.intp, a), code


@intrinsic
def scalar(typing_context: Any, a: Any, i: Any) -> Any:
    """See `simd.scalar`: unlike a[i], without a check for negative i."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(pointer(context, builder, a, *args), align=align(a))

    return a.dtype(a, types.intp), code


@intrinsic
def prefetch(typing_context: Any, a: Any, i: Any) -> Any:
    """See `simd.prefetch`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        at = builder.bitcast(pointer(context, builder, a, *args), byte)
        builder.call(function, [at, number(0), number(3), number(1)])  # read, keep, data
        return context.get_dummy_value()

    return types.void(a, types.intp), code


def splat(context: Any, builder: Any, value: Any, given: Any, register: Register) -> Any:
    """Repeat a number of any type in every lane; a register stays as it is."""
    if given == register:
        return value
    value = context.cast(builder, value, given, register.element)
    vector = context.get_value_type(register)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), register.count), None)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def _arithmetic(python_operator: Any, llvm_name: str) -> None:
    """Let + - * / take registers, and numbers beside them; LLVM may fuse a product and a sum."""

    @type_callable(python_operator)
    def _(context: Any) -> Any:
        def kind(a: Any, b: Any) -> Any:
            registers = [t for t in (a, b) if isinstance(t, Register)]
            numbers = [t for t in (a, b) if isinstance(t, types.Number)]
            fit = (len(registers) == 2 and a == b) or len(registers) == len(numbers) == 1
            return registers[0] if fit else None

        return kind

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        register, pair = signature.return_type, zip(args, signature.args, strict=True)
        x, y = [splat(context, builder, v, given, register) for v, given in pair]
        return getattr(builder, llvm_name)(x, y, flags=("contract",))

    for kinds in ((Register, Register), (Register, types.Number), (types.Number, Register)):
        lower_builtin(python_operator, *kinds)(code)  # type: ignore[no-untyped-call]


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
_arithmetic(operator.truediv, "fdiv")


@intrinsic
def fill(typing_context: Any, a: Any, value: Any) -> Any:
    """See `simd.fill`."""
    register = Register(a.dtype)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return splat(context, builder, args[1], value, register)

    return register(a, value), code


@intrinsic
def larger(typing_context: Any, v: Any, here: Any, best: Any, index: Any) -> Any:
    """See `simd.larger`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, number, most, place = args
        above = builder.fcmp_unordered("ugt", value, most)  # greater, or one is a NaN
        wins = builder.and_(above, builder.fcmp_ordered("ord", most, most))
        places = splat(context, builder, number, here, index)
        found = builder.select(wins, value, most), builder.select(wins, places, place)
        return context.make_tuple(builder, signature.return_type, found)

    both: Any = types.Tuple((best, index))  # type: ignore[no-untyped-call]
    return both(v, here, best, index), code


@intrinsic
def where_equal(typing_context: Any, index: Any, here: Any, v: Any) -> Any:
    """See `simd.where_equal`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = splat(context, builder, args[1], here, index)
        equal = builder.icmp_signed("==", args[0], places)
        return builder.select(equal, args[2], ir.Constant(context.get_value_type(v), None))

    return v(index, here, v), code


INSTRUCTIONS = (
    "fill", "lanes", "larger", "load", "load_if", "prefetch", "scalar", "store", "store_if",
    "where_equal",
)  # fmt: skip
