"""What the switches of the whole process share: `use_backend`, `use_versions`, `allow_tf32`, …"""

from __future__ import annotations

from types import TracebackType


class Setting:
    """A setting that is made by the call, for good, and undone at the end of a `with` block."""

    def _undo(self) -> None:
        raise TypeError(f"{type(self).__name__} defines no _undo()")

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo()
