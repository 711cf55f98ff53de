"""Registrations of hooks, on tensors and on modules."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Self


class Registered:
    """One registration of a hook, as the list of hooks holds it: called as the hook is.

    It compares by identity, so that a function registered twice is in the list twice.
    """

    __slots__ = ("hook", "with_kwargs")

    def __init__(self, hook: Callable[..., Any], with_kwargs: bool) -> None:
        if not callable(hook):
            raise TypeError(f"a hook must be callable, got {type(hook).__name__}")
        self.hook, self.with_kwargs = hook, with_kwargs

    def __call__(self, *args: Any) -> Any:
        return self.hook(*args)


class HookHandle:
    """Registers `hook` in a list of hooks; `remove()` takes out this registration and no other.

    A `with` block removes it at its end. Hooks run in the order of the list, as it was when the
    first of them was called: what a hook adds or removes counts from the next call on.
    """

    __slots__ = ("_hooks", "_registered")

    def __init__(
        self,
        hooks: list[Any],
        hook: Callable[..., Any],
        prepend: bool = False,
        with_kwargs: bool = False,
    ) -> None:
        self._hooks, self._registered = hooks, Registered(hook, with_kwargs)
        hooks.insert(0 if prepend else len(hooks), self._registered)

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        with contextlib.suppress(ValueError):
            self._hooks.remove(self._registered)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.remove()
