"""Inputs of a check as text, "x=(2,3,8,8) y=int(2)<10 eps=1e-5", or as arrays of an .npz file.

(2,3)             standard normal numbers of that shape; so is normal(2,3), and (5) is a vector
positive(2,3)     between 0.5 and 2, for logarithms and roots; uniform(2,3) is between 0 and 1
int(6)<4          whole numbers from 0 to 3, such as labels; bool(6): True and False
zeros(3), ones(3) what they say
[1.5, 2]          an array as it is written; of whole numbers only, one of whole numbers
1e-5, True, "same", tuple(2,2)   a number, a truth value, a text, a tuple
{"w": (3,4), "b": (4)}           a dictionary of any of these
100 * (2,3) + 5   arithmetic with them
"""

from __future__ import annotations

import ast
import io
import itertools
import operator
import re
import tokenize
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

EXAMPLE = '"x=(2,3,8,8) w=(4,3,3,3) labels=int(2)<10 eps=1e-5"'

_ONE_SIZE = re.compile(r"""('[^']*'|"[^"]*")|(?<![\w)\]])\(\s*(\d+)\s*\)""")  # not in quotes

_Rng = np.random.Generator
_RANDOM: dict[str, Callable[[_Rng, tuple[int, ...]], Any]] = {
    "normal": lambda rng, shape: np.asarray(rng.standard_normal(shape)),
    "positive": lambda rng, shape: np.asarray(rng.uniform(0.5, 2, shape)),
    "uniform": lambda rng, shape: np.asarray(rng.uniform(0, 1, shape)),
    "bool": lambda rng, shape: np.asarray(rng.uniform(size=shape) < 0.5),
    "zeros": lambda rng, shape: np.zeros(shape),
    "ones": lambda rng, shape: np.ones(shape),
    "tuple": lambda rng, shape: shape,
}
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def from_text(text: str, seed: int = 0) -> dict[str, Any]:
    """Return the inputs by name, as the module's docstring describes them.

    Each name has random numbers of its own, whatever else is given. ValueError names the part that
    cannot be read.
    """
    found: dict[str, Any] = {}
    for name, value in _parts(text):
        if name in found:
            raise ValueError(f"--inputs: {name} is given twice")
        rng = np.random.default_rng([seed, 2, *name.encode()])
        try:
            vectors = _ONE_SIZE.sub(lambda m: m[1] or f"({m[2]},)", value.strip())
            found[name] = _value(ast.parse(vectors, mode="eval").body, rng)
        except (SyntaxError, ValueError, TypeError, ArithmeticError) as error:
            why = error.msg if isinstance(error, SyntaxError) else str(error)
            raise ValueError(
                f"--inputs: {name}={value.strip()} cannot be read: {why}; write it like {EXAMPLE}"
            ) from None
    if not found:
        raise ValueError(f"--inputs: nothing is given; write it like {EXAMPLE}")
    return found


def from_npz(path: Path) -> dict[str, Any]:
    """Return the arrays of an .npz file by name; a 0-d one as a number or text. No pickle is read.

    ValueError says what is wrong with the file.
    """
    try:
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            raise ValueError("it holds one array without a name; save it with np.savez")
        with stored:
            found = {name: _stored(stored, name) for name in stored}
    except FileNotFoundError:
        raise ValueError(f"--inputs: there is no file {path}") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        why = str(error) or "it is no .npz"
        if "allow_pickle" in why:
            why = "it is no .npz file of arrays"
        raise ValueError(f"--inputs: {path}: {why}") from None
    if not found:
        raise ValueError(f"--inputs: {path} holds no array")
    return found


def _stored(file: Mapping[str, Any], name: str) -> Any:
    try:
        a = file[name]
    except ValueError:
        raise ValueError(
            f"{name} holds Python objects, which only pickle could read; save arrays of numbers"
        ) from None
    return a if a.ndim else a.item()


def described(value: Any) -> str:
    """Return what an input is, in few words: "float64 (2, 3)", "0.1"."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {described(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple) and any(isinstance(v, np.ndarray) for v in value):
        return type(value).__name__ + " of " + ", ".join(map(described, value))
    text = repr(value)
    return text if len(text) < 60 else type(value).__name__


def _parts(text: str) -> list[tuple[str, str]]:
    """Split at each `name=` that stands outside of brackets and quotes."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text.replace("\n", " ")).readline))
    except (tokenize.TokenError, SyntaxError) as error:
        why = str(error.args[0])
        why = "a bracket or a quotation mark is not closed" if "EOF" in why else why
        raise ValueError(f"--inputs: {text!r}: {why}; write it like {EXAMPLE}") from None
    starts, depth = [], 0
    for token, after in itertools.pairwise(tokens):
        depth += (token.string in "([{") - (token.string in ")]}") if token.string else 0
        if depth == 0 and token.type == tokenize.NAME and after.string == "=":
            starts.append((token.string, token.start[1], after.end[1]))
    if not starts or text[: starts[0][1]].strip(" ,;"):
        raise ValueError(f"--inputs: expected NAME=VALUE, got {text!r}; write it like {EXAMPLE}")
    ends = [start for _, start, _ in starts[1:]] + [len(text)]
    return [
        (name, text[begin:end].strip().rstrip(",;"))
        for (name, _, begin), end in zip(starts, ends, strict=True)
    ]


def _value(tree: ast.expr, rng: _Rng) -> Any:
    """Return what an expression means; ValueError for what is none of the docstring's."""
    if isinstance(tree, ast.Tuple):
        return _RANDOM["normal"](rng, _shape(tree.elts))
    if isinstance(tree, ast.Constant):
        return tree.value
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return -_value(tree.operand, rng)
    if isinstance(tree, ast.BinOp) and type(tree.op) in _OPERATORS:
        return _OPERATORS[type(tree.op)](_value(tree.left, rng), _value(tree.right, rng))
    if isinstance(tree, ast.List):
        return np.asarray(ast.literal_eval(tree))
    if isinstance(tree, ast.Dict):
        return {
            str(ast.literal_eval(key)): _value(value, rng)
            for key, value in zip(tree.keys, tree.values, strict=True)
            if key is not None
        }
    if isinstance(tree, ast.Compare) and isinstance(tree.ops[0], ast.Lt) and len(tree.ops) == 1:
        left, most = tree.left, ast.literal_eval(tree.comparators[0])
        if _called(left) == "int" and isinstance(most, int) and most > 0:
            return np.asarray(rng.integers(0, most, _shape(left.args)))  # type: ignore[attr-defined]
    name = _called(tree)
    if name == "int":
        raise ValueError("whole numbers below what? int(6)<4 are six from 0 to 3")
    if name in _RANDOM:
        return _RANDOM[name](rng, _shape(tree.args))  # type: ignore[attr-defined]
    if isinstance(tree, ast.Name):
        raise ValueError(f"a text stands in quotes: '{tree.id}'")
    raise ValueError("it is no shape, number, text, list or dictionary")


def _called(tree: ast.expr) -> str:
    plain = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.keywords
    return tree.func.id if plain else ""  # type: ignore[attr-defined]


def _shape(sizes: Sequence[ast.expr]) -> tuple[int, ...]:
    """Return sizes as a shape; `int((2,3))` is `int(2,3)`."""
    if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple):
        sizes = sizes[0].elts
    shape = tuple(ast.literal_eval(size) for size in sizes)
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"a shape is made of whole numbers, got {shape}")
    return shape
