"""Launches as text, and the launch that is tried where none is written.

    scale<float> grid=ceil(n/128) block=128 x=float[n] y=float[n] n=1..2000 a=0.5

Each value belongs to a parameter of the kernel, to grid, block or shared (bytes of dynamic shared
memory), or to a variable that other values use; values.py reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .values import ARRAY, TYPES

RESERVED = ("grid", "block", "shared")
BLOCK = 128  # threads of a guessed launch
EXPRESSION = re.compile(r"[A-Za-z_][\w:]*(?:<[^;{}\"'\\#=]*>)?")
_KEY = re.compile(r"(?:^|\s)([A-Za-z_]\w*)\s*=")


@dataclass(frozen=True)
class Launch:
    """A launch: its text, the kernel's expression, where it is written, and its values as text."""

    text: str
    kernel: str
    origin: str
    values: Mapping[str, str]

    @property
    def random(self) -> bool:
        """Whether it has ranges to draw numbers from."""
        return any(".." in v and not ARRAY.fullmatch(v) for v in self.values.values())


def canonical(expression: str, origin: str) -> str:
    """Return a kernel's expression in one spelling: "conv< float,16 >" is "conv<float, 16>"."""
    if not EXPRESSION.fullmatch(expression.strip()):
        raise ValueError(
            f"{origin}: expected a kernel such as scale or scale<float, 16>, got {expression!r}"
        )
    text = re.sub(r"\s*([<>,*&:])\s*", r"\1", " ".join(expression.split()))
    return text.replace(",", ", ")


def parse(text: str, origin: str) -> Launch:
    """Split the text of a launch; raises ValueError with its origin."""
    keys = list(_KEY.finditer(text))
    kernel = text[: keys[0].start()] if keys else text
    if not EXPRESSION.fullmatch(kernel.strip()):
        raise ValueError(
            f"{origin}: expected a kernel and values, such as "
            f'"scale<float> grid=8 block=128 x=float[1000] n=1000"; got {text!r}'
        )
    values: dict[str, str] = {}
    ends = [key.start() for key in keys[1:]] + [len(text)]
    for key, end in zip(keys, ends, strict=False):
        if key[1] in values:
            raise ValueError(f"{origin}: {key[1]} is given twice")
        values[key[1]] = text[key.end() : end].strip()
        if not values[key[1]]:
            raise ValueError(f"{origin}: {key[1]}= has no value")
    for size in ("grid", "block"):
        if size not in values:
            raise ValueError(f"{origin}: the launch of {kernel.strip()} has no {size}=")
    return Launch(text, canonical(kernel, origin), origin, values)


def check(launch: Launch, parameters: Sequence[str]) -> None:
    """Raise ValueError unless the values are those of the parameters, or used by others."""
    where = f"{launch.origin}: {launch.kernel}({', '.join(parameters)})"
    clash = [name for name in parameters if name in RESERVED]
    if clash:
        raise ValueError(f"{where}: a launch cannot speak of a parameter {clash[0]!r}; rename it")
    missing = [name for name in parameters if name not in launch.values]
    if missing:
        raise ValueError(f"{where} gets no value for {', '.join(missing)}")
    for key in launch.values:
        others = " ".join(v for k, v in launch.values.items() if k != key)
        if not (key in parameters or key in RESERVED or re.search(rf"\b{key}\b", others)):
            raise ValueError(f"{where} has no parameter {key!r}, and no other value uses it")


def guess(kernel: str, parameters: Mapping[str, Any], n: str) -> Launch:
    """Return the launch to try if none is written: arrays of n elements, every integer n.

    `n` is a number, or a range to be shown. Raises ValueError if there is no telling.
    """
    integers = [
        name
        for name, p in parameters.items()
        if not p.is_pointer and p.kind in "iu" and p.itemsize >= 4
    ]
    size = "n" if "n" in integers or "n" not in parameters else "size"
    pointers = {
        name: f"{_pointed(name, p)}[{size}]" for name, p in parameters.items() if p.is_pointer
    }
    rest = {
        name: _value(name, p, size)
        for name, p in parameters.items()
        if not p.is_pointer and name != size
    }
    values = {"grid": f"ceil({size}/{BLOCK})", "block": str(BLOCK), **pointers, size: n, **rest}
    text = " ".join([kernel, *(f"{k}={v}" for k, v in values.items())])
    launch = parse(text, "guessed launch")
    check(launch, list(parameters))
    return launch


def _pointed(name: str, parameter: Any) -> str:
    """Return the C type that a pointer points to."""
    if parameter.kind != "v":
        lanes = max(1, parameter.itemsize // parameter.dtype.itemsize)
        for c_type, (dtype, n) in TYPES.items():
            if np.dtype(dtype) == parameter.dtype and n == lanes:
                return c_type
    raise ValueError(f"{name} is {parameter}, for which no array can be guessed")


def _value(name: str, parameter: Any, size: str) -> str:
    if parameter.kind == "f":
        return "0.0..1.0"
    if parameter.kind == "V":
        raise ValueError(f"{name} is a struct, which no launch can give")
    return size if parameter.itemsize >= 4 else "0..1"
