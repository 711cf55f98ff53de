"""The process in which a learner's file runs while it is checked.

It runs the file cell by cell and calls back to the process that checks (`checking.py`), which
holds the checks and the reference solutions. What runs here can only send values.
"""

from __future__ import annotations
import __future__

import builtins
import contextlib
import faulthandler
import io
import linecache
import os
import signal
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

from . import guard
from .channel import Broken, Channel
from .learner import Raised, code_of
from .units import split
from .wrong_line import wrong_line

_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
_EXCEPTIONS: dict[str, type[Exception]] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not name.startswith("Unicode")
}
_channel: Channel | None = None
_units: list[str] = []  # names in tracebacks


def serving() -> bool:
    """Return whether this process runs a learner's file that another one checks."""
    return _channel is not None


def exercise_names(number: int) -> list[str]:
    """Return the names of a lesson's exercises."""
    return [str(name) for name in _ask("lesson", number)]


def submit(name: str, f: Any) -> Callable[..., Any]:
    """Have what stands below `@lesson.exercise(name)` checked; return what the lesson goes on with.

    That is the function if it passes, else one that asks for the results of the reference.
    """
    code = code_of(f)
    unit, line = -1, 0
    if code is not None and code.co_filename in _units:
        unit, line = _units.index(code.co_filename), code.co_firstlineno
    kind = "class" if isinstance(f, type) else "function" if callable(f) else type(f).__name__
    verdict = _ask("exercise", str(name), unit, line, kind, f if callable(f) else None)
    if verdict is True:
        return f  # type: ignore[no-any-return]
    if verdict == "look":  # wrong; which line is it?
        found = wrong_line(name, f, apart=False)
        values = astuple(found) if found else (0, "", (), "", "")
        _ask("line", str(name), *values)

    def solution(*arguments: Any, **named: Any) -> Any:
        return _ask("reference", str(name), list(arguments), named)

    return solution


def _ask(what: str, *arguments: Any) -> Any:
    if _channel is None:
        raise RuntimeError("no file is being checked here")
    return _channel.call(what, *arguments)


def _of_same_kind(error: Raised) -> Exception:
    """Return what the other process raised as an exception of Python, which can be caught."""
    kind = _EXCEPTIONS.get(error.kind)
    return RuntimeError(str(error)) if kind is None else kind(error.text)


def main() -> None:
    """Run the file that the other process sends."""
    global _channel
    requests, answers, told = os.dup(0), os.fdopen(os.dup(1), "wb"), os.dup(2)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    lines = os.fdopen(requests, "rb")

    def receive() -> bytes:
        line = lines.readline()
        return line if line else os._exit(0)  # nobody listens any more

    def send(line: bytes) -> None:
        answers.write(line)
        answers.flush()

    with contextlib.suppress(AttributeError):  # no such signal on Windows
        faulthandler.register(signal.SIGUSR1, file=told, all_threads=False)
    _end_with(os.getppid())
    _channel = Channel(receive, send, {}, _described, (Broken,), _of_same_kind)
    start = _channel.call("begin")
    sys.argv = [start["file"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    guard.limit_memory()
    guard.install(told)
    sys.path.insert(0, start["folder"])  # only now: its modules are the learner's
    try:
        _run(start["units"], {tuple(cell) for cell in start["skip"]}, start["script"])
        _channel.call("end")
    finally:
        os._exit(0)  # whatever threads are left


def _run(texts: list[tuple[str, str]], skip: set[tuple[int, int]], script: bool) -> None:
    module = types.ModuleType("__main__")
    module.__file__ = sys.argv[0]
    sys.modules["__main__"] = module
    flags = 0
    for name, text in texts:
        _units.append(name)
        linecache.cache[name] = (len(text), None, io.StringIO(text).readlines(), name)
    for unit, (name, text) in enumerate(texts):
        for line, part in split(text) if script else [(1, text)]:
            if (unit, line) in skip:
                continue
            _ask("cell", unit, line)
            try:
                code = compile("\n" * (line - 1) + part, name, "exec", flags, dont_inherit=True)
                flags |= code.co_flags & _FUTURE
                exec(code, module.__dict__)
            except BaseException as error:  # a learner's code may raise anything
                _ask("problem", unit, line, *_described(error))


def _described(error: BaseException) -> list[Any]:
    """Return an exception's name, its text, and where in the learner's file it arose."""
    kind, text, unit, line = type(error).__name__, "", -1, 0
    with contextlib.suppress(BaseException):  # an exception of the learner's may raise another
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename in _units:
                unit, line = _units.index(frame.f_code.co_filename), number
        if isinstance(error, SyntaxError) and error.filename in _units:
            text = str(error.msg)
            unit, line = _units.index(error.filename), int(error.lineno or 0)
            if error.text is not None:
                caret = " " * (max(error.offset or 1, 1) - 1) + "^"
                text += "\n" + error.text.rstrip("\n") + "\n" + caret
        elif not isinstance(error, SystemExit) or not isinstance(error.code, int | None):
            text = str(error)
    return [str(kind)[:100], text[:2000], unit, line]


def _end_with(parent: int) -> None:
    """End this process soon after the one that checks."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    if hasattr(os, "getppid") and sys.platform != "win32":
        threading.Thread(target=watch, daemon=True).start()
