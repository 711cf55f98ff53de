"""Block: what is used as `with block:` can also decorate functions, of every kind.

Within a generator the block holds only while the generator itself runs, not while it waits for
whoever iterates over it; a coroutine is within the block from its first step to its last.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


class Block:
    """Base of context managers that may be entered several times, nested or in several threads."""

    def __enter__(self) -> Any:
        raise TypeError(f"{type(self).__name__} defines no __enter__()")

    def __exit__(self, *exc: object) -> None:
        raise TypeError(f"{type(self).__name__} defines no __exit__()")

    def __call__(self, function: Callable[..., Any]) -> Any:
        """Return `function` with each of its runs in a block of this kind."""
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self(function.__func__))
        if not callable(function) or isinstance(function, type):
            raise TypeError(f"{type(self).__name__} decorates functions, got {function!r}")
        if inspect.isgeneratorfunction(function):
            return self._generator(function)
        if inspect.isasyncgenfunction(function):
            return self._async_generator(function)
        if inspect.iscoroutinefunction(function):
            return self._coroutine(function)

        @functools.wraps(function)
        def within(*args: Any, **options: Any) -> Any:
            with self:
                return function(*args, **options)

        return within

    def _coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def within(*args: Any, **options: Any) -> Any:
            with self:
                return await function(*args, **options)

        return within

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def within(*args: Any, **options: Any) -> Any:
            inner = function(*args, **options)
            resume, value = inner.send, None
            while True:
                try:
                    with self:
                        y = resume(value)
                except StopIteration as end:
                    return end.value
                try:
                    resume, value = inner.send, (yield y)
                except GeneratorExit:
                    with self:
                        inner.close()
                    raise
                except BaseException as error:
                    resume, value = inner.throw, error

        return within

    def _async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def within(*args: Any, **options: Any) -> Any:
            inner = function(*args, **options)
            resume, value = inner.asend, None
            while True:
                try:
                    with self:
                        y = await resume(value)
                except StopAsyncIteration:
                    return
                try:
                    resume, value = inner.asend, (yield y)
                except GeneratorExit:
                    with self:
                        await inner.aclose()
                    raise
                except BaseException as error:
                    resume, value = inner.athrow, error

        return within
