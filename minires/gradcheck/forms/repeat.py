"""The same random numbers in every evaluation, so that dropout is one function and not many."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np

from ... import random as minires_random

Source = tuple[Callable[[], Any], Callable[[Any], None]]  # how its state is read and set

SOURCES: tuple[Source, ...] = (
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (minires_random.get_rng_state, minires_random.set_rng_state),
)


class SameRandomNumbers:
    """Within each block the default generators start where they were when this was made.

    Afterwards they are as the block found them: a check takes no numbers from the user's. Those
    from which the first block draws nothing are left alone in the later ones.
    """

    def __init__(self) -> None:
        torch: Any = sys.modules.get("torch")
        theirs = () if torch is None else ((torch.get_rng_state, torch.set_rng_state),)
        self._kept = [(source, source[0]()) for source in (*SOURCES, *theirs)]
        self._found: list[list[Any]] = []
        self._first = True

    def __enter__(self) -> None:
        self._found.append([read() for (read, _), _ in self._kept])
        for (_, write), state in self._kept:
            write(state)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        place: TracebackType | None,
    ) -> None:
        found = list(zip(self._kept, self._found.pop(), strict=True))
        if self._first:
            self._first = False
            self._kept = [
                kept for kept in self._kept if pickle.dumps(kept[0][0]()) != pickle.dumps(kept[1])
            ]
        for ((_, write), _), before in found:
            write(before)
