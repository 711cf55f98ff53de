"""Whether a backward pass writes to the arrays that it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Guard:
    """Notices whether a backward pass wrote to the arrays that it was given."""

    def __init__(self) -> None:
        self.wrote = False

    def around(self, backward: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **options: Any) -> Any:
            self.wrote = False
            given = [a for a in (*args, *options.values()) if isinstance(a, np.ndarray)]
            before = [a.copy() for a in given]
            result = backward(*args, **options)
            same = (
                np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
                for a, b in zip(given, before, strict=True)
            )
            self.wrote = not all(same)
            return result

        return guarded
