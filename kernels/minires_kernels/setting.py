"""Choices made by a call or for a block: `use_backend`, `use_versions`, `use_fusion`, `allow_tf32`.

    use_backend("reference")           for good, in all threads that are in no block of their own
    with use_backend("reference"):     in this thread, or asynchronous task, until the block's end
        use_backend("cpu")             within a block a call holds as long as the block
    @use_backend("reference")          in each run of the function: see `Block`

A block may be entered again within itself, by several threads at once, and blocks may end in any
order. Python gives tasks, and nothing else, the values of where they were made: a new thread starts
with those that hold for good, and a `with` block in a generator holds for its caller while it waits
(decorate the generator instead).
"""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from typing import Any, ClassVar, Self

from .block import Block


class Scoped(Block):
    """Base of blocks that give a value to the thread, or task, that is in them."""

    # Values and whom they belong to, the innermost last: blocks, and choices made within a block.
    _held: ClassVar[ContextVar[tuple[tuple[Any, Any], ...]]]

    def __init_subclass__(cls) -> None:
        cls._held = ContextVar(cls.__name__, default=())

    def _value(self) -> Any:
        """Return the value of the block that begins."""
        raise TypeError(f"{type(self).__name__} defines no _value()")

    @classmethod
    def held(cls) -> Any:
        """Return the value of the innermost block, None outside of all."""
        held = cls._held.get()
        return held[-1][1] if held else None

    @classmethod
    def replace(cls, value: Any) -> bool:
        """Give the innermost block another value, until it ends; False outside of all."""
        held = cls._held.get()
        if held:
            cls._held.set((*held[:-1], (held[-1][0], value)))
        return bool(held)

    def __enter__(self) -> Self:
        self._held.set((*self._held.get(), (self, self._value())))
        return self

    def __exit__(self, *_exc: object) -> None:
        held = self._held.get()
        own = [i for i, (owner, _) in enumerate(held) if owner is self]
        if own:  # else the block began in another thread or task, which this one knows nothing of
            end = own[-1] + 1
            while end < len(held) and not isinstance(held[end][0], Block):
                end += 1
            self._held.set(held[: own[-1]] + held[end:])


class _Choice:
    """A value chosen for good. `maker` is the thread whose call may yet prove to open a block.

    The thread itself: its number would be given to another thread when it has ended.
    """

    __slots__ = ("maker", "value")

    def __init__(self, value: Any, maker: threading.Thread | None) -> None:
        self.value, self.maker = value, maker


class Setting(Scoped):
    """Base of the choices. Subclasses check the value, pass it on, and are read by `current()`.

    A call cannot know whether it opens a block. So only its own thread sees the choice until the
    object is dropped, or the thread reads the setting; entering the block, or decorating, takes the
    choice back.
    """

    first: ClassVar[Any] = None  # what holds before anything is chosen
    _start: ClassVar[_Choice]
    _for_good: ClassVar[list[_Choice]]  # the last counts; earlier ones may come back
    _lock: ClassVar[Any] = threading.RLock()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._start = _Choice(cls.first, None)
        cls._for_good = [cls._start]

    def __init__(self, wanted: Any) -> None:
        self._wanted = wanted
        self._choice: _Choice | None = _Choice(self._value(), threading.current_thread())
        held = self._held.get()
        if held:
            self._held.set((*held, (self._choice, self._choice.value)))
        else:
            with self._lock:
                self._for_good.append(self._choice)

    @classmethod
    def start_with(cls, value: Any) -> None:
        """Replace `first`, by what is known only later."""
        cls._start.value = value

    @classmethod
    def current(cls) -> Any:
        """Return the value that holds here."""
        held = cls._held.get()
        if held:
            return held[-1][1]
        choice = cls._for_good[-1]
        return choice.value if choice.maker is None else cls._settled()

    @classmethod
    def _settled(cls) -> Any:
        """Return the last value that counts here.

        A choice of this thread is one for good now, and so is that of a thread which has ended: it
        opens no block any more.
        """
        me = threading.current_thread()
        for choice in reversed(cls._for_good[:]):
            maker = choice.maker
            if maker is me or (maker is not None and not maker.is_alive()):
                choice.maker = maker = None
            if maker is None:
                return choice.value
        raise AssertionError("the first value is always there")

    def _value(self) -> Any:
        """Return the value to hold, which may depend on the one that holds now."""
        return self._wanted

    def _take_back(self) -> None:
        """Undo the choice that the call has made: it was the beginning of a block."""
        choice, self._choice = self._choice, None
        if choice is not None:
            with self._lock:
                if choice in self._for_good:
                    self._for_good.remove(choice)
            held = self._held.get()
            if any(owner is choice for owner, _ in held):
                self._held.set(tuple(entry for entry in held if entry[0] is not choice))

    def __enter__(self) -> Self:
        self._take_back()
        return super().__enter__()

    def __call__(self, function: Any) -> Any:
        self._take_back()
        return super().__call__(function)

    def __repr__(self) -> str:
        self.current()  # shown, at a prompt that keeps it: it opens no block
        return f"{type(self).__name__}({self._wanted!r})"

    def __del__(self) -> None:
        choice = self.__dict__.get("_choice")
        if choice is not None:
            choice.maker = None
            with self._lock:
                if self._for_good[-1] is choice:
                    self._for_good[:] = [choice]  # no earlier one can come back


def _renew_lock() -> None:
    """Another thread may have held the lock at a fork, and is missing in the child."""
    Setting._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
