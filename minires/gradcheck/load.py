"""Code of the user's, named on a command line: "my.py:f,f_backward", "package.module:f,g"."""

from __future__ import annotations

import ast
import contextlib
import difflib
import importlib
import importlib.util
import re
import sys
import traceback
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .pairs import CONVENTION, Pair, pairs

_SPEC = re.compile(r"(?P<where>.+?\.py|[A-Za-z_][\w.]*)(:(?P<names>[\w.]+\s*(,\s*[\w.]+\s*)*))?")


class Unreadable(ValueError):
    """The user's code cannot be loaded; the text says why."""


def is_code(text: str) -> bool:
    """Return whether a word of the command line names code: a .py file, or module:names."""
    match = _SPEC.fullmatch(text)
    return match is not None and (match["where"].endswith(".py") or match["names"] is not None)


def chosen(text: str) -> tuple[types.ModuleType, list[Pair]]:
    """Load what a word of the command line names; return the module and the pairs to check.

    Without names, all that are found by convention. Unreadable says what is wrong.
    """
    match = _SPEC.fullmatch(text)
    if match is None:
        raise Unreadable(f"{text}: expected FILE.py:forward,backward or module:forward,backward")
    module = load(match["where"])
    names = [name.strip() for name in (match["names"] or "").split(",") if name.strip()]
    if not names:
        if found := pairs(module):
            return module, found
        raise Unreadable(
            f"{match['where']} has no pair of functions whose names match ({CONVENTION}); name "
            f"them: {match['where']}:forward,backward"
        )
    if len(names) > 2:
        raise Unreadable(
            f"{text}: expected two names, forward and backward, or a class; got {len(names)}"
        )
    values = [attribute(module, name, match["where"]) for name in names]
    if len(values) == 2:
        return module, [Pair(names[1], *values)]
    if isinstance(values[0], type):
        return module, [Pair(names[0], values[0])]
    for pair in pairs(module):
        if values[0] in (pair.forward, pair.backward):
            return module, [pair]
    return module, [Pair(names[0], values[0])]  # a function of Tensors


def load(where: str) -> types.ModuleType:
    """Run a .py file, or import a module, in this process. Its folder takes part in imports.

    Nothing is written, not even compiled code; what stands below `if __name__ == "__main__"` does
    not run. Unreadable says what went wrong, and in which line.
    """
    with _quiet_import():
        if not where.endswith(".py"):
            sys.path.insert(0, str(Path.cwd()))
            try:
                return importlib.import_module(where)
            except ModuleNotFoundError as error:
                if error.name and where.startswith(error.name):
                    raise Unreadable(f"there is no module {where}") from None
                raise Unreadable(_failed(where, error)) from None
            except (Exception, SystemExit) as error:
                raise Unreadable(_failed(where, error)) from None
        return _run(Path(where))


def _run(path: Path) -> types.ModuleType:
    if not path.is_file():
        why = "it is a folder" if path.is_dir() else "there is no such file"
        raise Unreadable(f"{path}: {why}")
    name = path.stem if path.stem.isidentifier() and path.stem not in sys.modules else ""
    name = name or f"checked_{abs(hash(str(path.resolve())))}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise Unreadable(f"{path}: Python cannot load it")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and the like look there
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise Unreadable(_failed(str(path), error)) from None
    return module


@contextlib.contextmanager
def _quiet_import() -> Iterator[None]:
    """Write no compiled code beside the user's, and hide this command's arguments from it."""
    before, arguments = sys.dont_write_bytecode, sys.argv
    sys.dont_write_bytecode, sys.argv = True, arguments[:1]
    try:
        yield
    finally:
        sys.dont_write_bytecode, sys.argv = before, arguments


def _failed(where: str, error: BaseException) -> str:
    """Say what a file raised while it was loaded."""
    if isinstance(error, SyntaxError):
        text = f"\n    {(error.text or '').strip()}" if error.text else ""
        file = Path(error.filename).name if error.filename else where
        return f"{where} is no valid Python: {error.msg} ({file}, line {error.lineno}){text}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).name == Path(where).name] or frames[-1:]
    place = f" in line {own[-1].lineno}: {own[-1].line}" if own and own[-1].line else ""
    if isinstance(error, SystemExit):
        return (
            f"{where} ended itself (sys.exit or argparse){place}; put what is to run as a script "
            'below `if __name__ == "__main__":`'
        )
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{where} raised {said}{place}"


def attribute(module: types.ModuleType, name: str, where: str) -> Any:
    """Return a function or class of the module, also `Class.method`."""
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            near = difflib.get_close_matches(part, dir(value), 1)
            known = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known) or 'none'}"
            nested = _nested(module, part)
            raise Unreadable(f"{where} has no {name}{nested}; {hint}")
        value = getattr(value, part)
    if not callable(value):
        raise Unreadable(f"{where}: {name} is {type(value).__name__}, not a function or a class")
    return value


def _nested(module: types.ModuleType, name: str) -> str:
    """Say where a function of that name stands within another one, where nobody reaches it."""
    with contextlib.suppress(OSError, SyntaxError, TypeError):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return f" at its top level (the one in line {node.lineno} stands within a block)"
    return ""
