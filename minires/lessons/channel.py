"""Calls between the process that checks and the one in which a learner's file runs.

Each message is a line of JSON: a call, or what came of it. While one side waits for the answer to
its call it answers calls of the other. Nothing is ever unpickled or evaluated: the other side can
only send plain values.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from typing import Any

from .learner import RETURNED, Raised
from .plain import NotPlain, pack, unpack

MOST_CHARACTERS = 2**24  # of one message
DEEPEST = 40  # calls within calls


class Broken(BaseException):
    """The other side has sent what is no message, or nothing more. Not to be caught by checks."""


class Channel:
    """One end: `receive` and `send` move lines, `roots` are what the other side may call by name.

    `describe` turns what a function raised into the arguments of Raised, except `fatal` ones,
    which end the conversation; `raises` turns those into what is raised at this end.
    """

    def __init__(
        self,
        receive: Callable[[], bytes],
        send: Callable[[bytes], None],
        roots: dict[str, Callable[..., Any]],
        describe: Callable[[BaseException], list[Any]],
        fatal: tuple[type[BaseException], ...] = (),
        raises: Callable[[Raised], Exception] = lambda error: error,
    ) -> None:
        self._receive, self._send, self._describe = receive, send, describe
        self._fatal: tuple[type[BaseException], ...] = (Broken, *fatal)
        self._raises, self._roots = raises, roots
        self._lent: dict[str, Callable[..., Any]] = {}
        self._count = self._depth = 0
        self._owner = threading.get_ident()

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Call what the other side knows by this name; what it raises is raised here."""
        if threading.get_ident() != self._owner:
            raise RuntimeError("this function can be called in the main thread only")
        packed = [pack(list(arguments), self._lend), pack(named, self._lend)]
        question = secrets.token_hex(8)
        self._write({"call": name, "with": packed, "id": question})
        while True:
            message = self._read()
            if "call" in message:
                self._answer(message)
            elif message.get("id") != question:
                raise Broken("an answer to no question")
            elif "value" in message:
                return self._unpacked(message["value"])
            else:
                raise self._raises(_raised(message)) from None

    def serve(self) -> None:
        """Answer calls until one of them raises what ends it (Broken, KeyboardInterrupt, …)."""
        while True:
            message = self._read()
            if "call" not in message:
                raise Broken("an answer to no question")
            self._answer(message)

    def forget(self) -> None:
        """Forget the functions that were lent: the other side cannot call them any more."""
        self._lent.clear()

    def _lend(self, f: Callable[..., Any]) -> str:
        for name, lent in self._lent.items():
            if lent is f:
                return name
        self._count += 1
        self._lent[f"#{self._count}"] = f
        return f"#{self._count}"

    def _borrowed(self, name: str, its: str) -> Callable[..., Any]:
        def borrowed(*arguments: Any, **named: Any) -> Any:
            return self.call(name, *arguments, **named)

        borrowed.__name__ = borrowed.__qualname__ = its
        return borrowed

    def _answer(self, message: dict[str, Any]) -> None:
        self._depth += 1
        try:
            arguments, named = map(self._unpacked, _two(message.get("with")))
            f = self._roots.get(message["call"]) or self._lent.get(message["call"])
            if f is None:
                raise LookupError("a function that was lent for one check is called after it")
            if self._depth > DEEPEST:
                raise RecursionError("functions call each other without an end")
            value = f(*arguments, **named)
            try:
                reply = {"value": pack(value, self._lend)}
            except NotPlain as error:
                reply = {"raised": [RETURNED, str(error)]}
        except self._fatal:
            raise
        except BaseException as error:  # a learner's code may raise anything
            reply = {"raised": self._describe(error)}
        finally:
            self._depth -= 1
        self._write(reply | {"id": message.get("id")})

    def _unpacked(self, data: Any) -> Any:
        try:
            return unpack(data, self._borrowed)
        except (ValueError, RecursionError, MemoryError) as error:
            raise Broken(f"a value that is none: {error}") from None

    def _write(self, message: dict[str, Any]) -> None:
        line = json.dumps(message).encode("ascii") + b"\n"
        if len(line) > MOST_CHARACTERS:
            if "call" in message:
                raise NotPlain("more than 16 MB")
            short = {"raised": [RETURNED, "more than 16 MB"], "id": message["id"]}
            line = json.dumps(short).encode("ascii") + b"\n"
        self._send(line)

    def _read(self) -> dict[str, Any]:
        try:
            message = json.loads(self._receive())
        except (ValueError, RecursionError, MemoryError) as error:
            raise Broken(f"a message that is none: {error}") from None
        if type(message) is not dict or not message.keys() & {"call", "value", "raised"}:
            raise Broken("a message that is none")
        return message


def _two(value: Any) -> list[Any]:
    if type(value) is list and len(value) == 2:
        return value
    raise Broken("a call without arguments")


def _raised(message: dict[str, Any]) -> Raised:
    found = message["raised"]
    found = found + [-1, 0][len(found) - 2 :] if type(found) is list else []
    if [type(v) for v in found] != [str, str, int, int]:
        raise Broken("an exception that is none")
    kind, text, unit, line = found
    return Raised(kind[:100], text[:2000], unit, line)
