"""`Ranks`: what a training asks of the ranks that share it; alone, all of it is nothing to do."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from .. import nn
from ..tensor import Array
from .averaging import Averaging, broadcast
from .batch_norm import batch_norms, synchronise
from .comm import ALONE, Comm
from .rows import Rows, share_generators

T = TypeVar("T")


class Stop(Protocol):
    """Who hears signals; `signal` is the one that came, or None."""

    signal: int | None


class Clock(Protocol):
    """The clock of a training: `agreed` are the seconds that all ranks go by."""

    agreed: float | None

    def seconds(self) -> float:
        """Return those of this rank."""


def _state(net: nn.Module) -> list[tuple[str, Array]]:
    """Return parameters and buffers themselves, by name."""
    parameters = [(name, p.data) for name, p in net.named_parameters()]
    return parameters + list(net.named_buffers())


class Ranks:
    """The ranks of a data-parallel training, each of which takes its share of every batch.

    comm     how they speak to each other; by default there is one process, which is alone
    sync_bn  batch norm uses the statistics of the whole batch, as one process does; without it each
             rank normalises its share, and running statistics are averaged after each step
    """

    def __init__(self, comm: Comm = ALONE, sync_bn: bool = False) -> None:
        self.comm, self.sync_bn = comm, sync_bn
        self.rank, self.size = comm.rank, comm.size
        self._averaging: Averaging | None = None
        self._running: list[Array] = []  # statistics that are averaged
        self._stop: Stop | None = None
        self._clock: Clock | None = None
        self._agreed: int | None = None
        self._steps = 0

    # ---- before the training --------------------------------------------------------------------
    def require(self, batch_size: int) -> None:
        """Raise ValueError for a batch that ranks cannot share."""
        if self.size == 1:
            return
        if batch_size % self.size:
            less = batch_size - batch_size % self.size
            near = f"{less} or {less + self.size}" if less else str(self.size)
            raise ValueError(
                f"batch_size: {batch_size} images cannot be shared equally by {self.size} ranks; "
                f"choose {near}"
            )

    def generator(self, seed: int) -> np.random.Generator:
        """Return the default generator of the training."""
        rng = np.random.default_rng(seed)
        return rng if self.size == 1 else Rows(rng.bit_generator, self.rank, self.size)

    def begin(self, net: nn.Module) -> None:
        """Give all ranks the net of rank 0, and make it one that they train together."""
        if self.size == 1:
            return
        self._require_same("the net", [(n, a.shape, str(a.dtype)) for n, a in _state(net)])
        broadcast([a for _, a in _state(net)], self.comm)
        share_generators(net, self.rank, self.size)
        self._averaging = Averaging(net.parameters(), self.comm)
        if self.sync_bn:
            synchronise(net, self.comm)
        else:
            self._running = [a for a in net.buffers() if a.dtype.kind == "f"]

    def compare(self, identity: Mapping[str, Any]) -> None:
        """Raise ValueError if the ranks are of different runs."""
        for name, value in identity.items() if self.size > 1 else ():
            self._require_same(name, value)

    def _require_same(self, what: str, value: Any) -> None:
        text = json.dumps(value, default=str, sort_keys=True)
        found = self.comm.gather(hashlib.sha256(text.encode()).hexdigest())
        if other := [r for r, digest in enumerate(found) if digest != found[0]]:
            raise ValueError(
                f"{what}: that of rank {other[0]} is not that of rank 0; start all ranks alike, on "
                "the same data"
            )

    def identity(self, net: nn.Module) -> dict[str, Any]:
        """Return what, beyond the run itself, decides about its weights: nothing where it can."""
        if self.size == 1 or self.sync_bn or not any(True for _ in batch_norms(net)):
            return {}
        return {"batch_norm": f"per rank, of {self.size} (without sync_bn)"}

    # ---- each step ------------------------------------------------------------------------------
    @contextlib.contextmanager
    def averaging(self) -> Iterator[None]:
        """Average the gradients of the block's backward pass, then the running statistics."""
        assert self._averaging is not None
        with self._averaging:
            yield
        if self._running:
            flat = np.concatenate([a.reshape(-1) for a in self._running])
            mean, place = self.comm.sum(flat) / self.size, 0
            for a in self._running:
                a[...] = mean[place : place + a.size].reshape(a.shape)
                place += a.size
        self._steps += 1

    def agree(self, loss: float, errors: int, images: int) -> tuple[float, int, int]:
        """Return mean loss, errors and images of all ranks; they agree on time and signal, too."""
        signals = np.zeros(self.size)
        signals[self.rank] = 0 if self._stop is None else self._stop.signal or 0
        now = self._clock.seconds() if self._clock is not None and self.rank == 0 else 0.0
        told = self.comm.sum(np.array([loss * images, errors, images, now, *signals]))
        self._agreed = int(told[4:].max()) or None
        if self._clock is not None:
            self._clock.agreed = float(told[3])
        return float(told[0] / told[2]), int(told[1]), int(told[2])

    def go_by(self, clock: Clock) -> None:
        """Let the clock of rank 0 be the one that all ranks go by, as they agree in each step."""
        if self.size > 1:
            self._clock, clock.agreed = clock, 0.0

    def watch(self, stop: Stop) -> None:
        """Look at `stop` in each step."""
        self._stop = stop

    def stopped(self) -> int | None:
        """Return the signal that was sent, to this or, by the last step, to another rank."""
        if self.size > 1:
            return self._agreed
        return None if self._stop is None else self._stop.signal

    # ---- besides --------------------------------------------------------------------------------
    def first(self, function: Callable[[], T]) -> T:
        """Run `function` on rank 0; return, or raise, on every rank what it did."""
        return self.comm.first(function)

    def speaks(self) -> bool:
        """Return whether this rank writes and prints: rank 0, or the next if that is lost."""
        return self.rank == 0 or set(range(self.rank)) <= set(self.comm.lost())

    def document(self) -> dict[str, Any]:
        """Return what run.json says of the ranks: nothing of one that is alone."""
        if self.size == 1:
            return {}
        steps = max(self._steps, 1)
        return {
            "ranks": {
                "ranks": self.size,
                "sync_bn": self.sync_bn,
                "bytes_per_step": round(self.comm.bytes / steps),
                "seconds_waiting_per_step": round(self.comm.waited / steps, 6),
            }
        }
