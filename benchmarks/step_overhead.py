"""Where a training step of ours spends its time: in compiled loops, or around them.

Every loop over data that kernels spread over threads goes through `threads.run`, and every kernel
through `Kernel.forward` and `.backward`. Both are wrapped with clocks for some steps:

compiled     within `threads.run`: Numba's loops and BLAS, with handing them to threads
glue         within a kernel but outside of `threads.run`: checks, NumPy's copies, sums, allocation
engine       the rest: modules, autograd, optimiser, running statistics

Compiled code that a kernel calls without `threads.run` counts as glue, so the share spent outside
compiled code, glue + engine, is an upper bound. The clocks themselves cost about 1 µs a call; the
unclocked step is timed in the same run for comparison.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from minires_kernels import Kernel
from minires_kernels.cpu.machine import threads

from . import nets, timing


@dataclass
class Clock:
    """Seconds within `threads.run`, within kernels, and within `threads.run` inside kernels."""

    compiled: float = 0.0
    kernels: float = 0.0
    compiled_in_kernels: float = 0.0
    depth: int = 0
    calls: int = 0


@contextlib.contextmanager
def clocked() -> Iterator[Clock]:
    """Within the block, the yielded clock adds up what kernels and `threads.run` take."""
    clock, run = Clock(), threads.run

    def timed_run(*args: Any, **options: Any) -> None:
        start = time.perf_counter()
        try:
            run(*args, **options)
        finally:
            seconds = time.perf_counter() - start
            clock.compiled += seconds
            clock.calls += 1
            if clock.depth:
                clock.compiled_in_kernels += seconds

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            start = time.perf_counter()
            clock.depth += 1
            try:
                return method(*args, **options)
            finally:
                clock.depth -= 1
                if not clock.depth:
                    clock.kernels += time.perf_counter() - start

        return call

    users = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith(("minires_kernels", "minires.")) and getattr(module, "run", None) is run
    ]
    methods = {name: getattr(Kernel, name) for name in ("forward", "backward")}
    try:
        for module in users:
            vars(module)["run"] = timed_run
        for name, method in methods.items():
            setattr(Kernel, name, timed(method))
        yield clock
    finally:
        for module in users:
            vars(module)["run"] = run
        for name, method in methods.items():
            setattr(Kernel, name, method)


def measure(name: str, rounds: int, batch: int | None = None) -> timing.Row:
    """Return the shares of one net's step, the mean of `rounds` steps."""
    runner = nets.ours(name, batch)
    clock = Clock()

    def clocked_step() -> None:
        nonlocal clock
        with clocked() as clock:
            runner.step()

    sums = [0.0, 0.0, 0.0, 0.0]
    plain = timing.interleave({"plain": runner.step}, rounds, pause_s=0, turn_s=0, wake_s=0)[
        "plain"
    ]
    for _ in range(rounds):
        start = time.perf_counter()
        clocked_step()
        seconds = time.perf_counter() - start
        glue = clock.kernels - clock.compiled_in_kernels
        parts = (seconds, clock.compiled, glue, seconds - clock.compiled - glue)
        sums = [a + b for a, b in zip(sums, parts)]
    total, compiled, glue, engine = sums
    return {
        "model": name,
        "threads": threads.num_threads(),
        "step ms": plain.median * 1e3,
        "clocked ms": total / rounds * 1e3,
        "loops": clock.calls,
        "compiled": compiled / total,
        "glue": glue / total,
        "engine": engine / total,
        "outside compiled": (glue + engine) / total,
    }
