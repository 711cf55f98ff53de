"""What a GPU can do at most, measured: bytes and multiply-adds per second.

copy    b = a on arrays far larger than the caches, read and write counted; the better of CuPy's
        copy and a kernel
fma     float32 multiply-adds in registers, two FLOP each
tf32    products on tensor cores by mma.sync, which is what conv2d v4 uses; on Hopper and newer its
        rate is below the one of the vendor's data sheet, which other instructions reach
launch  seconds between the two events around an empty kernel: no launch can seem shorter
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .place import Place, limit_kernels, queued
from .plan import Plan

THREADS = 256
WAVES = 8  # blocks for each multiprocessor
FMA_CHAINS, MMA_CHAINS = 16, 8
MMA_FLOPS = 2 * 16 * 8 * 8
COPIES = 10  # in a row, between two marks


@dataclass(frozen=True)
class GpuLimits:
    """Bytes/s, FLOP/s in float32 and TF32 (None: no tensor cores), seconds of an empty launch."""

    copy: float
    fma: float
    tf32: float | None
    launch: float

    def __str__(self) -> str:
        tensor = "" if self.tf32 is None else f", tf32 mma {self.tf32 / 1e12:.3g} TFLOP/s"
        return (
            f"copy {self.copy / 1e9:.4g} GB/s, fma {self.fma / 1e12:.3g} TFLOP/s{tensor}, "
            f"empty launch {self.launch * 1e6:.2f} µs"
        )


def best(place: Place, repeats: int, work: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of `repeats` runs of `work`, after an untimed one."""
    work()
    return min(queued(place, work).seconds for _ in range(max(3, repeats)))


def measure(place: Place, plan: Plan) -> GpuLimits:
    """Measure all of them."""
    kernels = limit_kernels(place)
    xp, blocks = place.xp, WAVES * place.multiprocessors
    a, b = (xp.zeros(plan.copy // 4, np.float32) for _ in range(2))
    arguments = (a, b, np.int64(plan.copy // 16))
    out = xp.empty(blocks * THREADS, np.float32)
    steps = np.int32(plan.chain)

    def copies(copy: Callable[[], Any]) -> float:
        seconds = best(place, plan.repeats, lambda: [copy() for _ in range(COPIES)])
        return 2 * plan.copy * COPIES / seconds

    def loop(name: str, flops_of_a_thread: float, *rest: Any) -> float:
        kernel = kernels(name)

        def run() -> None:
            kernel((blocks,), (THREADS,), (out, steps, *rest))

        flops = flops_of_a_thread * plan.chain * blocks * THREADS
        return flops / best(place, plan.repeats, run)

    copy, nothing = kernels("copy"), kernels("nothing")
    return GpuLimits(
        max(
            copies(lambda: copy((4 * blocks,), (THREADS,), arguments)),
            copies(lambda: xp.copyto(b, a)),
        ),
        loop("fma_loop", 2 * FMA_CHAINS, np.float32(0.5), np.float32(1)),
        loop("mma_loop", MMA_FLOPS * MMA_CHAINS / 32) if place.tensor_cores else None,
        best(place, plan.repeats, lambda: nothing((1,), (32,), (out,))),
    )
