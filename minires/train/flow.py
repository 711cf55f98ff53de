"""Records of gradient flow while a net trains, in the columns of the experiments' layers.csv."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from minires_kernels.arrays import to_host

from .. import nn
from ..experiments.record import Recorder
from ..parallel import Comm, Ranks

NAME = "layers.csv"
SHARED = ("forward_rms", "dx_norm", "saturated")  # fields that each rank has of its share alone


class Flow:
    """Records every `every`-th iteration; rows as `minires gradflow` writes them to layers.csv.

    Of several `ranks` each records its share, and all get the rows of the whole batch.
    """

    def __init__(self, every: int, ranks: Ranks | None = None) -> None:
        self.every, self.comm = every, (ranks or Ranks()).comm
        self.rows: list[dict[str, Any]] = []
        self._recorder: Recorder | None = None

    def recorder(self, net: nn.Module, iteration: int) -> Recorder | None:
        """Return who looks on at the step after `iteration` steps, None if nobody does."""
        self._recorder = None
        if self.every and iteration % self.every == 0:
            self._recorder = Recorder(net) if self.comm.size == 1 else Together(net, self.comm)
        return self._recorder

    def take(self, iteration: int, loss: float) -> None:
        """Take the rows of the step that made it `iteration` steps."""
        if self._recorder is not None:
            head = {"step": iteration - 1, "loss": loss}
            self.rows += [head | asdict(layer) for layer in self._recorder.layers]
            self._recorder = None


class Together(Recorder):
    """Records a rank's share of a batch; before the update its rows become the whole batch's.

    The loss of the batch is the mean of those of R equal shares, L = Σ L_r / R. So
        RMS(x) = √(Σ RMS_r(x)² / R)      ‖∂L/∂x‖ = √(Σ ‖∂L_r/∂x‖²) / R
    ‖∂L/∂W‖ is that of the averaged gradient (None for calls that share W); a unit is dead if it is
    on all ranks. That is what one process records, up to rounding.
    """

    def __init__(self, model: nn.Module, comm: Comm) -> None:
        super().__init__(model)
        self.comm = comm

    def __exit__(self, kind: Any = None, *error: Any) -> None:
        super().__exit__(kind, *error)
        if kind is None:  # the gradients are averaged, and not clipped yet
            self.take_gradients()

    def measure_update(self, step: Callable[[], Any]) -> None:
        own = [[getattr(layer, name) for name in SHARED] for layer in self.layers]
        alive = {index: to_host(units) for index, units in self.alive.items()}
        told = self.comm.gather((own, alive))
        for layer in self.layers:
            rms, dx, flat = zip(*(rows[layer.index] for rows, _ in told), strict=True)
            layer.forward_rms = _root(rms, len(told))
            layer.dx_norm = _root(dx, len(told) ** 2)
            layer.saturated = None if None in flat else sum(flat) / len(flat)
            if layer.index in alive:
                units = [one[layer.index] for _, one in told]
                layer.dead_relu = float(1 - sum(units[1:], units[0]).mean())
        super().measure_update(step)


def _root(values: Sequence[float | None], n: int) -> float | None:
    """Return √(Σ v² / n), None if a value is not known."""
    known = [v for v in values if v is not None]
    return math.hypot(*known) / math.sqrt(n) if len(known) == len(values) else None
