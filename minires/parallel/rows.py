"""Random draws of a whole batch, of which each rank uses its rows: as one process would draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn


class Rows(np.random.Generator):
    """Draws for the batch of all ranks together and returns this rank's rows.

    Dropout draws a number for each activation of its rank's share, (n, …). So that no two ranks
    draw the same, and that their masks are those of one process with the whole batch, this draws
    (ranks · n, …). A draw without a shape is one for all. The state moves alike on all ranks.
    """

    def __init__(self, bits: Any, rank: int, size: int) -> None:
        super().__init__(bits)
        self._share = (rank, size)

    def random(self, size: Any = None, *rest: Any, **named: Any) -> Any:
        if size is None:
            return super().random(size, *rest, **named)
        n, *others = (size,) if np.ndim(size) == 0 else size
        rank, ranks = self._share
        return super().random((ranks * n, *others), *rest, **named)[rank * n : (rank + 1) * n]


def share_generators(net: nn.Module, rank: int, size: int) -> None:
    """Let the generators that modules of the net hold themselves draw for all ranks."""
    shared: dict[int, Rows] = {}
    for module in net.modules():
        for key, value in vars(module).items():
            if isinstance(value, np.random.Generator) and not isinstance(value, Rows):
                rows = shared.setdefault(id(value), Rows(value.bit_generator, rank, size))
                vars(module)[key] = rows
