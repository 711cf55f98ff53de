"""Launches as text, and the launches drawn from it.

    scale<float> grid=ceil(n/128) block=128 x=float[n] y=float[n] n=1..2000 a=0.5

Each value belongs to a parameter of the kernel, to grid, block or shared (bytes of dynamic shared
memory), or to a variable that other values use. Values may have the forms

    ceil(n/128)          arithmetic (see sizes.py) with the numbers that come before it
    1..2000, 0.0..1.0    drawn at random from the range, ends included; a point makes it real
    float[n*c]           an array of that many elements: normal numbers, or integers 0 and 1
    int[n] in 0..m-1     an array with values from a range
    null                 a null pointer
    {int n, float 0.5}   a struct passed by value
    8,4                  grid and block may have up to three sizes
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .sizes import evaluate, whole

RESERVED = ("grid", "block", "shared")
EXPRESSION = re.compile(r"[A-Za-z_][\w:]*(?:<[^;{}\"'\\#=]*>)?")
_KEY = re.compile(r"(?:^|\s)([A-Za-z_]\w*)\s*=")
_ARRAY = re.compile(r"([A-Za-z_][\w ]*?)\s*\[(.*)\](?:\s+in\s+(.+))?")
_MOST_THREADS = 2**22  # of a launch: the emulator runs them one by one
_MOST_ELEMENTS = 2**25  # of an array

Number = int | float


def canonical(expression: str) -> str:
    """Return a kernel's expression in one spelling: "conv< float,16 >" is "conv<float, 16>"."""
    text = re.sub(r"\s*([<>,*&:])\s*", r"\1", " ".join(expression.split()))
    return text.replace(",", ", ")


@dataclass(frozen=True)
class Launch:
    """A parsed launch: the kernel's expression, where it is written, and its values as text."""

    kernel: str
    origin: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Array:
    """An array to be made: C type, number of elements, range of values (None: the usual one)."""

    type: str
    count: int
    between: tuple[Number, Number] | None


@dataclass(frozen=True)
class Struct:
    """A struct to be made: (C type, value) of its fields."""

    fields: tuple[tuple[str, Number], ...]


@dataclass(frozen=True)
class Drawn:
    """One launch: sizes, the parameters' values (None: a null pointer), and all numbers."""

    grid: tuple[int, ...]
    block: tuple[int, ...]
    shared: int
    arguments: Mapping[str, Array | Struct | Number | None]
    numbers: Mapping[str, Number]

    def __str__(self) -> str:
        parts = [f"grid={_sizes(self.grid)}", f"block={_sizes(self.block)}"]
        parts += [f"shared={self.shared}"] if self.shared else []
        return " ".join(parts + [f"{k}={v:.6g}" for k, v in self.numbers.items()])


def _sizes(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def parse(text: str, origin: str) -> Launch:
    """Split the text of a launch; raises ValueError with its origin."""
    keys = list(_KEY.finditer(text))
    kernel = text[: keys[0].start()].strip() if keys else text.strip()
    if not EXPRESSION.fullmatch(kernel):
        raise ValueError(
            f"{origin}: expected a kernel and values, such as "
            f'"scale<float> grid=8 block=128 x=float[1000] n=1000"; got {text!r}'
        )
    values: dict[str, str] = {}
    ends = [key.start() for key in keys[1:]] + [len(text)]
    for key, end in zip(keys, ends):
        if key[1] in values:
            raise ValueError(f"{origin}: {key[1]} is given twice")
        values[key[1]] = text[key.end() : end].strip()
        if not values[key[1]]:
            raise ValueError(f"{origin}: {key[1]}= has no value")
    for size in ("grid", "block"):
        if size not in values:
            raise ValueError(f"{origin}: the launch of {kernel} has no {size}=")
    return Launch(canonical(kernel), origin, values)


def random(launch: Launch) -> bool:
    """Return whether a launch has ranges to draw numbers from."""
    return any(_is_range(value) for value in launch.values.values())


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
        used = key in parameters or key in RESERVED or re.search(rf"\b{key}\b", others)
        if not used:
            raise ValueError(f"{where} has no parameter {key!r}, and no other value uses it")


def draw(
    launch: Launch, parameters: Sequence[str], rng: np.random.Generator, end: int | None = None
) -> Drawn:
    """Draw the numbers of one launch; `end` 0 or 1 takes the low or high ends of all ranges.

    Raises ValueError for text that makes no sense or sizes beyond all reason.
    """
    check(launch, parameters)
    sizes: dict[str, Fraction] = {}
    numbers: dict[str, Number] = {}
    found: dict[str, Array | Struct | None] = {}
    try:
        later = {}
        for key, value in launch.values.items():
            if value == "null":
                found[key] = None
            elif key in RESERVED or _ARRAY.fullmatch(value) or value.startswith("{"):
                later[key] = value
            else:
                numbers[key] = _number(value, sizes, rng, end)
                if np.isfinite(numbers[key]):
                    sizes[key] = Fraction(numbers[key])
        for key, value in later.items():
            if key not in RESERVED:
                found[key] = _struct(value, sizes) if value[0] == "{" else _array(value, sizes)
        grid, block = (_dimensions(key, later[key], sizes) for key in ("grid", "block"))
        shared = whole(later.get("shared", "0"), sizes)
    except ValueError as error:
        raise ValueError(f"{launch.origin}: {launch.kernel}: {error}") from None
    threads = int(np.prod([*grid, *block], dtype=object))
    if threads > _MOST_THREADS:
        raise ValueError(
            f"{launch.origin}: {launch.kernel}: {threads} threads are more than the emulator "
            f"should run ({_MOST_THREADS}); write a smaller grid"
        )
    arguments = {name: found[name] if name in found else numbers[name] for name in parameters}
    return Drawn(grid, block, shared, arguments, numbers)


def _is_range(value: str) -> bool:
    return ".." in value and not _ARRAY.fullmatch(value) and not value.startswith("{")


def _range(text: str, sizes: Mapping[str, Fraction]) -> tuple[Number, Number]:
    """Return the ends of "0..n-1" as integers, of "0.0..1.0" as floats."""
    low, _, high = text.partition("..")
    ends = evaluate(low, sizes), evaluate(high, sizes)
    if ends[0] > ends[1]:
        raise ValueError(f"the range {text!r} is empty: {float(ends[0]):g} > {float(ends[1]):g}")
    if "." in low or "." in high:
        return float(ends[0]), float(ends[1])
    return whole(low, sizes), whole(high, sizes)


def _number(
    value: str, sizes: Mapping[str, Fraction], rng: np.random.Generator, end: int | None
) -> Number:
    if value in ("true", "false"):
        return int(value == "true")
    if ".." in value:
        low, high = _range(value, sizes)
        if end is not None:
            return (low, high)[end]
        if isinstance(low, float):
            return float(rng.uniform(low, high))
        if not -(2**63) <= low <= high < 2**63:
            raise ValueError(f"the range {value!r} is not one of 64-bit integers")
        return int(rng.integers(low, int(high), endpoint=True))
    try:
        exact = evaluate(value, sizes)
    except ValueError:
        try:
            return float(value)  # inf, nan, 1e30
        except ValueError:
            pass
        raise
    return int(exact) if exact.denominator == 1 else float(exact)


def _array(value: str, sizes: Mapping[str, Fraction]) -> Array:
    found = _ARRAY.fullmatch(value)
    if found is None:
        raise ValueError(f"{value!r} is no array")
    count = whole(found[2], sizes)
    if not 0 <= count <= _MOST_ELEMENTS:
        raise ValueError(f"{value!r} has {count} elements; expected 0 to {_MOST_ELEMENTS}")
    return Array(" ".join(found[1].split()), count, _range(found[3], sizes) if found[3] else None)


def _struct(value: str, sizes: Mapping[str, Fraction]) -> Struct:
    if not value.endswith("}"):
        raise ValueError(f"{value!r} is no struct, such as {{int n, float 0.5}}")
    fields = []
    for piece in _split(value[1:-1]):
        found = re.fullmatch(r"\s*((?:unsigned |signed |long )*[A-Za-z]\w*)\s+(.+)", piece)
        if found is None:
            raise ValueError(f"{piece!r} in {value!r} is no field, such as int n")
        number = _number(found[2].strip(), sizes, np.random.default_rng(0), None)
        fields.append((" ".join(found[1].split()), number))
    return Struct(tuple(fields))


def _dimensions(key: str, text: str, sizes: Mapping[str, Fraction]) -> tuple[int, ...]:
    found = tuple(whole(piece, sizes) for piece in _split(text))
    if len(found) > 3 or min(found) < 1:
        raise ValueError(f"{key}={text}: expected one to three sizes of at least 1, got {found}")
    return found


def _split(text: str) -> list[str]:
    """Split at the commas that stand in no parentheses."""
    pieces, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces
