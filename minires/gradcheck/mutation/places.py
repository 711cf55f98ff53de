"""Which functions of which files are backward passes: by their names, or named by the user."""

from __future__ import annotations

import ast
import fnmatch
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .child.reach import first_line, functions

WORDS = {"backward", "bwd", "backprop", "grad", "gradient", "vjp", "pullback", "adjoint", "back"}
SKIPPED = {"check", "supports", "pays", "no", "zero", "clip", "needs", "requires", "num", "numeric",
           "numerical", "test"}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A function to mutate: its file, qualified name, first line with decorators, and tree."""

    file: Path
    name: str
    line: int
    node: Any

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name}"


def files_of(targets: Sequence[Path | str]) -> list[Path]:
    """Return the Python files of files and folders. ValueError for what is none."""
    found: dict[Path, None] = {}
    for given in targets:
        path = Path(given)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*.py") if "__pycache__" not in p.parts)
            if not inside:
                raise ValueError(f"--target: no Python file lies in {path}")
        elif path.is_file():
            inside = [path]
        else:
            raise ValueError(f"--target: there is no file or folder {path}")
        found |= dict.fromkeys(p.resolve() for p in inside)
    return list(found)


def places(files: Sequence[Path], chosen: Sequence[str] = ()) -> list[Place]:
    """Return the backward passes of files, or the functions that `chosen` names (with * and ?).

    By name: a word of the function's own name is backward, grad, vjp or the like, as in
    relu_backward, d_relu and _backward_weight, and so are all lambdas and functions of a call of
    `defvjp`. A name may be the end of a qualified one: "backward", "Affine.backward".
    ValueError if there are none, or for a file that is not Python.
    """
    every = [place for file in files for place in _functions(file)]
    if not chosen:
        found = [p for p in every if is_backward(p.name) or getattr(p.node, "vjp", False)]
        if not found:
            raise ValueError(
                "no backward pass found by its name (backward, grad, vjp, …) in "
                f"{_listed(files)}; name functions with --function"
            )
        return _outermost(found)
    found = []
    for pattern in chosen:
        hits = [p for p in every if _matches(p.name, pattern)]
        if not hits:
            known = ", ".join(dict.fromkeys(p.name for p in every if p.name != "<lambda>"))
            raise ValueError(f"--function: nothing is called {pattern!r}; there are {known}")
        found += hits
    return _outermost(list({(p.file, p.name, p.line): p for p in found}.values()))


def is_backward(name: str) -> bool:
    """Say whether a qualified name is one of a backward pass, or of a function within one."""
    return any(_says(part) for part in name.split(".") if part != "<locals>")


def _says(name: str) -> bool:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().strip("_").split("_")
    if SKIPPED & set(words[:1]):
        return False
    return bool(WORDS & set(words)) or (words[0] == "d" and len(words) > 1)


def _functions(file: Path) -> Iterator[Place]:
    text = read(file)
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"{file} is not Python: line {error.lineno}: {error.msg}") from None
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "").lower().startswith("defvjp"):
            for argument in call.args:
                if isinstance(argument, ast.Lambda):
                    argument.vjp = True  # type: ignore[attr-defined]
    for name, node in functions(tree):
        yield Place(file, name, first_line(node), node)


def read(file: Path) -> str:
    """Return the text of a source file as Python reads it."""
    data = file.read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read as Python: {error}") from None


def _matches(name: str, pattern: str) -> bool:
    name = name.replace(".<locals>", "")
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"*.{pattern}")


def _outermost(found: list[Place]) -> list[Place]:
    """Leave out what lies within another: its mutants are the outer one's."""

    def inside(p: Place, q: Place) -> bool:
        return p is not q and p.file == q.file and any(n is p.node for n in ast.walk(q.node))

    return [p for p in found if not any(inside(p, q) for q in found)]


def _listed(files: Sequence[Path]) -> str:
    names = [f.name for f in files]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more files" if len(names) > 3 else "")
