"""What this machine can do, measured: multiply-adds per second and bytes per second.

sgemm    float32 matrix product, the most arithmetic that any kernel here could hope for
triad    a = b + s c on arrays far larger than the caches, 3 arrays counted (McCalpin's STREAM)
cache    the same on arrays that stay in a cache, at the best of many sizes

All run on as many threads as the kernels do; the best of many calls, sizes and libraries
counts, since a limit that can be beaten is none.

    python -m benchmarks.limits [--threads N] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from minires import console
from minires_kernels.cpu.machine import threads
from minires_kernels.cpu.machine.jit import jit

from . import peers, timing

SIZES = (1024, 1536, 2048)
TRIAD_BYTES = 3 << 27  # of the three arrays
CACHE_BYTES = tuple(3 << n for n in range(17, 24))  # 384 KiB to 24 MiB


@dataclass(frozen=True)
class Limits:
    """Measured limits: flops and bytes per second, and what reached them.

    `bytes` are those of main memory, `cache` those of arrays that stay in a cache.
    """

    flops: float
    bytes: float
    cache: float
    flops_by: str
    bytes_by: str
    cache_by: str
    threads: int

    def seconds(self, flops: float, nbytes: float) -> float:
        """Return the least time for so much arithmetic and memory traffic: the roofline."""
        return max(flops / self.flops, nbytes / self.bytes)

    def bound(self, flops: float, nbytes: float) -> str:
        """Return which limit that is."""
        return "sgemm" if flops / self.flops >= nbytes / self.bytes else "triad"

    def __str__(self) -> str:
        return (
            f"limits measured here: sgemm {self.flops / 1e9:.1f} GFLOP/s ({self.flops_by}), "
            f"triad {self.bytes / 1e9:.1f} GB/s ({self.bytes_by}), "
            f"in cache {self.cache / 1e9:.1f} GB/s ({self.cache_by})"
        )


@jit
def _triad(lo: int, hi: int, a: Any, b: Any, c: Any, s: Any) -> None:
    x, y, z = a[lo:hi], b[lo:hi], c[lo:hi]  # indices from 0 on, which the compiler vectorises
    for j in range(x.size):
        x[j] = y[j] + s * z[j]


def _rows(lo: int, hi: int, a: Any, b: Any, y: Any) -> None:
    np.matmul(a[lo:hi], b, out=y[lo:hi])


def _best(call: Callable[[], Any], least_s: float) -> float:
    """Return the seconds of the fastest call within `least_s` seconds of calls, three at least."""
    seconds: list[float] = []
    time.sleep(timing.PAUSE_S)
    call()
    end = time.perf_counter() + least_s
    while len(seconds) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def sgemm(sizes: Sequence[int], least_s: float) -> tuple[float, str]:
    """Return the best float32 FLOP/s of NumPy's BLAS (rows on our threads) and PyTorch's."""
    torch = peers.torch()
    rng, found = np.random.default_rng(0), []
    for n in sizes:
        a, b = rng.standard_normal((2, n, n), dtype=np.float32)
        y = np.empty_like(a)

        def ours(args: Any = (a, b, y)) -> None:
            timing.spread(_rows, len(args[0]), *args)

        found.append((2 * n**3 / _best(ours, least_s), f"NumPy {n}"))
        if torch is not None:
            ta, tb, ty = (torch.from_numpy(m) for m in (a, b, y))

            def theirs(args: Any = (ta, tb), out: Any = ty, torch: Any = torch) -> None:
                torch.mm(*args, out=out)

            found.append((2 * n**3 / _best(theirs, least_s), f"PyTorch {n}"))
    return max(found)


def triad(nbytes: int, least_s: float) -> tuple[float, str]:
    """Return the best bytes/s of a = b + s c in a compiled loop on our threads, and in PyTorch."""
    n = nbytes // 12
    a, b, c = np.zeros(n, np.float32), np.ones(n, np.float32), np.ones(n, np.float32)
    s = np.float32(3)
    seconds = _best(lambda: timing.spread(_triad, n, a, b, c, s), least_s)
    found = [(12 * n / seconds, f"loop, {nbytes / 2**20:.3g} MiB")]
    torch = peers.torch()
    if torch is not None:
        ta, tb, tc = (torch.from_numpy(v) for v in (a, b, c))
        seconds = _best(lambda: torch.add(tb, tc, alpha=3.0, out=ta), least_s)
        found.append((12 * n / seconds, f"PyTorch, {nbytes / 2**20:.3g} MiB"))
    return max(found)


def measure(quick: bool = False) -> Limits:
    """Measure all limits at the current number of threads (once per process and number)."""
    return _measure(quick, threads.num_threads())


@lru_cache
def _measure(quick: bool, n: int) -> Limits:
    timing.set_threads(None)
    least_s = 0.1 if quick else 0.4
    flops, flops_by = sgemm(SIZES[:1] if quick else SIZES, least_s)
    nbytes, bytes_by = triad(TRIAD_BYTES, least_s)
    cache, cache_by = max(triad(size, least_s / 2) for size in CACHE_BYTES)
    return Limits(flops, nbytes, cache, flops_by, bytes_by, cache_by, n)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the limits."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m benchmarks.limits",
        description=timing.first_line(__doc__),
    )
    timing.add_common_arguments(parser, rounds=False)
    args = parser.parse_args(argv)
    timing.set_threads(args.threads)
    found = measure(args.quick)
    if args.json:
        timing.print_json([asdict(found)])
    else:
        print(timing.machine_line())
        print(found)
    return 0


if __name__ == "__main__":
    console.run(main, "benchmarks.limits")
