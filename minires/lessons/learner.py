"""A learner's function as a check sees it: it takes and returns copies of plain values."""

from __future__ import annotations

import traceback
import types
from collections.abc import Callable
from typing import Any

from .expect import NotDone, Wrong
from .plain import NotPlain, copy

RETURNED = "it returned"  # instead of an exception's name: a value that is not plain
_MEANINGS = {
    "SystemExit": "it calls exit, which ends the whole program",
    "MemoryError": "it takes more memory than there is for it",
    "EOFError": "nobody answers input() here: take values as arguments",
    "RecursionError": "does it call itself without an end?",
}


class Raised(Exception):
    """A learner's function raised; `kind` is the exception's name.

    `unit` and `line` say where: which part of the file, and which line, 0 if unknown.
    """

    def __init__(self, kind: str, text: str, unit: int = -1, line: int = 0) -> None:
        self.kind, self.text, self.unit, self.line = kind, text, unit, line
        super().__init__(kind, text)

    def __str__(self) -> str:
        if self.kind == RETURNED:
            return f"{RETURNED} {self.text}"
        said = f"{self.kind}: {self.text}" if self.text else self.kind
        if self.kind == "SystemExit":
            return _MEANINGS[self.kind] + (f": {self.text}" if self.text else "")
        return f"{said} ({_MEANINGS[self.kind]})" if self.kind in _MEANINGS else said


class Learner:
    """A function that is checked: `call` takes arguments and returns plain values, or Raised.

    It remembers what was raised, by the function or by what it calls of the check, for a check
    or a learner's code may swallow it.
    """

    def __init__(self, call: Callable[..., Any], name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self.raised: Raised | None = None
        self.wrong: Wrong | None = None
        self._call, self._returned = call, False

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        try:
            value = self._call(*arguments, **named)
        except Raised as error:
            self.raised = error
            if self.wrong is None:
                raise
        if self.wrong is not None:
            raise self.wrong
        if value is None:
            if self._returned:
                self.wrong = Wrong("it returned None for some input: does every branch return?")
            else:
                self.wrong = NotDone("the function returned None: write your code below TODO")
            raise self.wrong
        self._returned = True
        return value


def code_of(f: Any) -> types.CodeType | None:
    """Return the code of a function that a decorator is about to check, also of a wrapped one.

    It can call itself by its name from now on, before the decorator has returned.
    """
    for _ in range(10):
        f = getattr(f, "__wrapped__", f)
    if not isinstance(f, types.FunctionType):
        return None
    if f.__name__ == f.__qualname__ != "<lambda>":
        f.__globals__[f.__name__] = f
    return f.__code__


def of_this_process(f: Any) -> Learner:
    """Return a learner's function that lives in this process."""
    code = code_of(f)
    file = "" if code is None else code.co_filename

    def lent(g: Callable[..., Any]) -> Callable[..., Any]:
        def borrowed(*arguments: Any, **named: Any) -> Any:
            try:
                return copy(g(*copy(arguments), **copy(named)))
            except Wrong as error:
                learner.wrong = error
                raise

        return borrowed

    def call(*arguments: Any, **named: Any) -> Any:
        taken, more = copy(arguments, lent), copy(named, lent)
        try:
            value = f(*taken, **more)
        except KeyboardInterrupt:  # the time limit, or Ctrl-C
            raise
        except BaseException as error:  # a learner's code may raise anything
            lines = [
                number
                for frame, number in traceback.walk_tb(error.__traceback__)
                if frame.f_code.co_filename == file
            ]
            raise Raised(*_texts(error), line=lines[-1] if lines else 0) from None
        try:
            return copy(value)
        except NotPlain as error:
            raise Raised(RETURNED, str(error)) from None

    learner = Learner(call, getattr(f, "__name__", type(f).__name__))
    return learner


def _texts(error: BaseException) -> tuple[str, str]:
    try:
        return type(error).__name__, str(error)[:2000]
    except BaseException:  # an exception whose text cannot be had
        return type(error).__name__, ""
