"""Where the benchmark of the GPU runs: on a GPU, or as a rehearsal on the emulator.

Everything else asks a `Place` for arrays, kernels, clocks and graphs, and does not know which of
the two it has. What a rehearsal's clock says is the emulator's time on a CPU: it tells nothing of
a GPU, and every report of it says so.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minires import Tensor, cuda, use_backend
from minires_kernels.backends import load
from minires_kernels.cuda.machine import device as sources

HOLD_S = 0.02  # a GPU is held back at first while work is queued; doubled until that is enough
MOST_HOLD_S = 1.5


class Place(ABC):
    """Makes arrays, runs kernels, tells the time.

    title      what reports call it
    backend    the name of the kernels' backend
    measured   whether its times are a GPU's
    device     compiles and launches the kernels
    """

    title: str
    backend: str
    measured: bool

    def __init__(self) -> None:
        self.device: sources.Device = load(self.backend).DEVICE

    @property
    def xp(self) -> Any:
        """The array module."""
        return self.device.xp

    def put(self, a: Any) -> Any:
        """Return a NumPy array here; None stays None."""
        return None if a is None else self.xp.asarray(a)

    @abstractmethod
    def get(self, a: Any) -> Any:
        """Return an array as NumPy's, once it is computed; anything else as it is."""

    @abstractmethod
    def move(self, net: Any) -> Any:
        """Move a net here and return it."""

    @abstractmethod
    def active(self) -> contextlib.AbstractContextManager[Any]:
        """Return a block in which nets that were moved here run here."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until all work is done; raises what has gone wrong in it."""

    @abstractmethod
    def graph(self, step: Callable[[], Tensor], warmup: int = 3) -> Callable[[], Tensor]:
        """Capture a training step, after `warmup` real ones; in a rehearsal there is no graph."""

    @abstractmethod
    def mark(self) -> Any:
        """Return a point of time in the work that was asked for so far."""

    @abstractmethod
    def passed(self, mark: Any) -> bool:
        """Return whether that point is over already."""

    @abstractmethod
    def seconds(self, start: Any, end: Any) -> float:
        """Return the seconds between two marks that are over."""

    @abstractmethod
    def hold(self, seconds: float) -> None:
        """Keep the GPU busy for a while, so that work asked for meanwhile queues up."""

    @abstractmethod
    def raw_module(self, **arguments: Any) -> Any:
        """Compile CUDA C++: `cupy.RawModule` or the emulator's."""

    @property
    @abstractmethod
    def multiprocessors(self) -> int:
        """How many there are."""

    @property
    @abstractmethod
    def tensor_cores(self) -> bool:
        """Whether TF32 products can run here."""


@dataclass
class Queued:
    """The time of queued work, and whether all of it was queued before its first part began.

    If not, the GPU may have waited for Python in between, and the time is too long.
    """

    seconds: float
    ahead: bool
    result: Any = field(default=None, repr=False)


def queued(place: Place, work: Callable[[], Any]) -> Queued:
    """Ask for `work` while the GPU is held back, so that its time has no waits for Python in it."""
    hold = HOLD_S
    while True:
        place.synchronize()
        place.hold(hold)
        start = place.mark()
        result = work()
        end = place.mark()
        ahead = not place.passed(start)
        place.synchronize()
        hold *= 2
        if ahead or hold > MOST_HOLD_S:
            return Queued(place.seconds(start, end), ahead, result)


def limit_kernels(place: Place) -> Callable[[str], Any]:
    """Return a function that gives the kernels of limits.cu by name."""
    text = (Path(__file__).parent / "limits.cu").read_text("utf-8")
    code = f'{sources.source("mma.cuh")}#line 1 "limits.cu"\n{text}'
    module = place.raw_module(code=code, options=sources.OPTIONS)
    return module.get_function  # type: ignore[no-any-return]


class Gpu(Place):
    """The GPU that CuPy uses. Raises ImportError that says what is missing where there is none."""

    backend = "cuda"
    measured = True

    def __init__(self) -> None:
        super().__init__()
        self.cupy = self.xp
        self.properties = self.cupy.cuda.runtime.getDeviceProperties(self.cupy.cuda.Device().id)
        name = self.properties["name"]
        self.title = name.decode() if isinstance(name, bytes) else str(name)
        self._delay: tuple[Any, Any, float] | None = None

    def get(self, a: Any) -> Any:
        """Copy to NumPy's memory."""
        return a.get() if isinstance(a, self.xp.ndarray) else a

    def move(self, net: Any) -> Any:
        """Parameters and buffers go to the GPU."""
        return net.to("cuda")

    def active(self) -> contextlib.AbstractContextManager[Any]:
        """Nothing to switch: CuPy's arrays run on the GPU."""
        return contextlib.nullcontext()

    def synchronize(self) -> None:
        """Wait for the device."""
        self.cupy.cuda.Device().synchronize()

    def graph(self, step: Callable[[], Tensor], warmup: int = 3) -> Callable[[], Tensor]:
        """A CUDA graph."""
        return cuda.graph(step, warmup)  # type: ignore[return-value]

    def mark(self) -> Any:
        """Record an event on the current stream."""
        event = self.cupy.cuda.Event()
        event.record()
        return event

    def passed(self, mark: Any) -> bool:
        """Query the event."""
        return bool(mark.done)

    def seconds(self, start: Any, end: Any) -> float:
        """By the GPU's clock, between the two events."""
        return float(self.cupy.cuda.get_elapsed_time(start, end)) / 1e3

    def hold(self, seconds: float) -> None:
        """Launch one thread that counts."""
        if self._delay is None:
            self._delay = self._timed_delay()
        kernel, out, each = self._delay
        kernel((1,), (1,), (out, np.int64(max(1, round(seconds / each)))))

    def _timed_delay(self) -> tuple[Any, Any, float]:
        """Return the kernel that takes time, what it writes to, and the seconds of its steps."""
        kernel, out = limit_kernels(self)("delay"), self.xp.empty(1, np.float32)
        steps = np.int64(1 << 20)
        for _ in range(2):  # the first compiles
            start = self.mark()
            kernel((1,), (1,), (out, steps))
            end = self.mark()
            self.synchronize()
        return kernel, out, max(self.seconds(start, end) / int(steps), 1e-12)

    def raw_module(self, **arguments: Any) -> Any:
        """By NVRTC."""
        return self.cupy.RawModule(**arguments)

    @property
    def multiprocessors(self) -> int:
        """As the driver says."""
        return int(self.properties["multiProcessorCount"])

    @property
    def tensor_cores(self) -> bool:
        """From compute capability 8.0 on."""
        return int(self.cupy.cuda.Device().compute_capability) >= 80

    def plain_memory(self) -> None:
        """Take each array's memory from the driver, so that checkers see where arrays end."""
        self.cupy.cuda.set_allocator(None)


class Rehearsal(Place):
    """The emulator on this CPU. Raises RuntimeError without a C++ compiler."""

    title = "rehearsal on the emulator"
    backend = "cuda-sim"
    measured = False
    multiprocessors = 2
    tensor_cores = True

    def __init__(self) -> None:
        from minires_emulator import compiler

        compiler()
        super().__init__()

    def get(self, a: Any) -> Any:
        """It is NumPy's already."""
        return a

    def move(self, net: Any) -> Any:
        """It stays where it is."""
        return net

    def active(self) -> contextlib.AbstractContextManager[Any]:
        """Let NumPy's arrays run on the emulator."""
        return use_backend("cuda-sim")

    def synchronize(self) -> None:
        """A launch on the emulator returns when it is done."""

    def graph(self, step: Callable[[], Tensor], warmup: int = 3) -> Callable[[], Tensor]:
        """The step itself, after its warm-up."""
        for _ in range(warmup):
            step()
        return step

    def mark(self) -> Any:
        """The time now."""
        return time.perf_counter()

    def passed(self, mark: Any) -> bool:
        """Nothing is ever queued."""
        return False

    def seconds(self, start: Any, end: Any) -> float:
        """By the clock of the CPU."""
        return float(end - start)

    def hold(self, seconds: float) -> None:
        """Nothing to hold back."""

    def raw_module(self, **arguments: Any) -> Any:
        """By the C++ compiler."""
        from minires_emulator import RawModule

        return RawModule(**arguments)
