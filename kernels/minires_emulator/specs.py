"""Parameter lists as CuPy writes them, "T x, raw float32 table, int32 n", and the types they get.

A type of one letter stands for the dtype of the arrays that are passed for it; all must agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arguments import Array

_C_TYPES = {
    "bool": "bool",
    "int8": "signed char",
    "uint8": "unsigned char",
    "int16": "short",
    "uint16": "unsigned short",
    "int32": "int",
    "uint32": "unsigned",
    "int64": "long long",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}

Types = dict[str, np.dtype[Any]]  # of the letters


@dataclass(frozen=True)
class Param:
    """One parameter: `type` is a letter or a dtype's name; a `raw` array is indexed by the code."""

    type: str
    name: str
    raw: bool = False

    def dtype(self, types: Types) -> np.dtype[Any]:
        """Return its dtype, given those of the letters."""
        return types[self.type] if len(self.type) == 1 else np.dtype(self.type)


def parse(text: str) -> tuple[Param, ...]:
    """Read a parameter list; raises ValueError for one that CuPy would not take either."""
    params = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        match = re.fullmatch(r"(raw\s+)?(\w+)\s+([A-Za-z]\w*)", part)
        if match is None:
            raise ValueError(f"expected '[raw] type name' as in 'T x' or 'float32 x', got {part!r}")
        raw, kind, name = match.groups()
        if len(kind) > 1:
            try:
                known = np.dtype(kind).name in _C_TYPES
            except TypeError:
                known = False
            if not known:
                raise ValueError(f"{part!r}: there is no type {kind} for kernels")
        elif not kind.isalpha():
            raise ValueError(f"{part!r}: a type is a letter or the name of a dtype")
        params.append(Param(kind, name, raw is not None))
    names = [p.name for p in params]
    if len(set(names)) < len(names):
        raise ValueError(f"{text!r}: each name may occur once")
    return tuple(params)


def check_name(name: str) -> str:
    """Return the kernel's name if it is one."""
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise ValueError(f"a kernel's name must be an identifier, got {name!r}")
    return name


def resolve(params: Sequence[Param], values: Sequence[Any], name: str) -> Types:
    """Return the dtypes of the letters: of arrays, or if there are none of scalars.

    TypeError where arrays disagree, or differ from a type that is spelled out.
    """
    types: Types = {}
    pairs = list(zip(params, values))
    for p, value in pairs:
        if not isinstance(value, np.ndarray):
            if p.raw:
                raise TypeError(f"{name}: {p.name} is raw, so it must be an array")
            continue
        expected = types.setdefault(p.type, value.dtype) if len(p.type) == 1 else p.dtype({})
        if value.dtype != expected:
            raise TypeError(f"{name}: {p.name} must be {expected} ({p.type}), got {value.dtype}")
    for p, value in pairs:
        if len(p.type) == 1 and not isinstance(value, np.ndarray):
            types.setdefault(p.type, np.asarray(value).dtype)
    for letter, dtype in types.items():
        if dtype.name not in _C_TYPES or not dtype.isnative:
            raise TypeError(f"{name}: a kernel cannot compute with {dtype} ({letter})")
    return types


def as_array(p: Param, value: Any, types: Types, name: str) -> Array:
    """Return an array of the parameter's dtype; a Python scalar is cast, a lossy cast refused."""
    if isinstance(value, np.ndarray):
        return value
    dtype = p.dtype(types)
    given = np.asarray(value)
    if given.ndim or not np.can_cast(given.dtype, dtype, "same_kind"):
        raise TypeError(f"{name}: {p.name} must be {dtype} or an array of it, got {value!r}")
    return given.astype(dtype)


def c_type(dtype: np.dtype[Any]) -> str:
    """Return the C++ type of a dtype."""
    return _C_TYPES[dtype.name]


def typedefs(types: Types) -> str:
    """Return C++ that gives the letters their meaning."""
    return "".join(f"typedef {c_type(dtype)} {letter};\n" for letter, dtype in types.items())


RAW = """template <class Element>
struct Raw {
    Element *data;
    long long length;
    Element &operator[](long long index) const { return data[index]; }
    long long size() const { return length; }
};
"""


def signature(ins: Sequence[Param], outs: Sequence[Param], types: Types) -> str:
    """Return the kernel's parameters: a pointer `_array_name` each, and the size of raw ones."""
    parts = []
    for params, const in ((ins, "const "), (outs, "")):
        for p in params:
            parts.append(f"{const}{c_type(p.dtype(types))}* _array_{p.name}")
            if p.raw:
                parts.append(f"long long _size_{p.name}")
    return ", ".join(parts)


def raw_declarations(ins: Sequence[Param], outs: Sequence[Param], types: Types) -> str:
    """Return C++ that makes raw arrays known under their names."""
    text = ""
    for params, const in ((ins, "const "), (outs, "")):
        for p in params:
            if p.raw:
                kind = f"{const}{c_type(p.dtype(types))}"
                text += f"    const Raw<{kind}> {p.name} = {{_array_{p.name}, _size_{p.name}}};\n"
    return text


def passed(params: Sequence[Param], arrays: Sequence[Array]) -> list[Any]:
    """Return the kernel's arguments for these arrays: with its size for each raw one."""
    args: list[Any] = []
    for p, a in zip(params, arrays):
        args += [a, np.int64(a.size)] if p.raw else [a]
    return args
