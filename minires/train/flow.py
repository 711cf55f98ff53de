"""Records of gradient flow while a net trains, in the columns of the experiments' layers.csv."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .. import nn
from ..experiments.record import Recorder

NAME = "layers.csv"


class Flow:
    """Records every `every`-th iteration; rows as `minires gradflow` writes them to layers.csv."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.rows: list[dict[str, Any]] = []
        self._recorder: Recorder | None = None

    def recorder(self, net: nn.Module, iteration: int) -> Recorder | None:
        """Return who looks on at the step after `iteration` steps, None if nobody does."""
        self._recorder = None
        if self.every and iteration % self.every == 0:
            self._recorder = Recorder(net)
        return self._recorder

    def take(self, iteration: int, loss: float) -> None:
        """Take the rows of the step that made it `iteration` steps."""
        if self._recorder is not None:
            head = {"step": iteration - 1, "loss": loss}
            self.rows += [head | asdict(layer) for layer in self._recorder.layers]
            self._recorder = None
