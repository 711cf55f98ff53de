"""Timing contenders side by side, and what every benchmark prints: machine, tables, JSON.

All contenders run in one process and take turns, round after round, so that whatever else slows
the machine slows all of them. Each round starts with another contender, since the first of a round
finds other caches than the last. A turn is a pause, untimed calls, and timed calls:

pause      OpenMP workers (PyTorch's) spin for up to 10 ms after their last loop, measured, and
           would take a core from whoever comes next
untimed    after the pause, threads sleep: it took up to 11 ms until both were running on a core of
           their own again, during which a PyTorch call of 0.1 ms took 10; a net keeps them awake
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from minires import results
from minires.cli.arguments import positive_int
from minires_kernels.cpu.machine import threads

PAUSE_S = 0.02
WAKE_S = 0.015  # of untimed calls in a turn, at least one
LONG_S = 1.0  # calls as long as this need no waking
TURN_S = 0.003  # short calls are repeated until a turn takes about this long
FEWEST_ROUNDS = 3
Row = dict[str, Any]


@dataclass(frozen=True)
class Timing:
    """The seconds of one call, turn by turn: on the clock, and of all cores together.

    `others` is how many cores other programs kept busy meanwhile, on average; None if unknown.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    others: float | None = None

    @property
    def median(self) -> float:
        """Median seconds on the clock."""
        return statistics.median(self.wall)

    @property
    def cpu_median(self) -> float:
        """Median CPU seconds, all threads of the process added."""
        return statistics.median(self.cpu)

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile of the seconds on the clock."""
        low, high = np.quantile(self.wall, (0.25, 0.75))
        return float(low), float(high)

    def row(self) -> Row:
        """Return the columns that every table of times has, in milliseconds."""
        low, high = self.quartiles
        return {
            "ms": self.median * 1e3,
            "least": min(self.wall) * 1e3,
            "q1": low * 1e3,
            "q3": high * 1e3,
            "CPU ms": self.cpu_median * 1e3,
            "others": self.others,
        }


def interleave(
    contenders: Mapping[str, Callable[[], Any]],
    rounds: int,
    *,
    warmup: int = 1,
    budget_s: float = float("inf"),
    turn_s: float = TURN_S,
    pause_s: float = PAUSE_S,
    wake_s: float = WAKE_S,
) -> dict[str, Timing]:
    """Call every contender in turn, `warmup` rounds untimed and then up to `rounds` timed ones.

    Calls shorter than `turn_s` are repeated within a turn. After `budget_s` seconds of timed rounds
    no further round starts, but three always run (fewer only if `rounds` is). Raises ValueError for
    less than one round.
    """
    if rounds < 1 or warmup < 1:
        raise ValueError(f"expected rounds >= 1 and warmup >= 1, got {rounds} and {warmup}")
    names = list(contenders)
    repeats, wake = dict.fromkeys(names, 1), dict.fromkeys(names, wake_s)
    for _ in range(warmup):
        for name in names:
            seconds = _turn(contenders[name], 1, pause_s, wake_s)[0]
            repeats[name] = max(1, min(1000, round(turn_s / max(seconds, 1e-9))))
            wake[name] = wake_s if seconds < LONG_S else 0.0
    turns: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    start, busy = time.perf_counter(), others_busy_s()
    for i in range(rounds):
        if i >= FEWEST_ROUNDS and time.perf_counter() - start > budget_s:
            break
        first = i % max(1, len(names))
        for name in names[first:] + names[:first]:
            turns[name].append(_turn(contenders[name], repeats[name], pause_s, wake[name]))
    others = None
    if busy is not None:
        others = max(0.0, (others_busy_s() or busy) - busy) / (time.perf_counter() - start)
    return {
        name: Timing(tuple(wall for wall, _ in t), tuple(cpu for _, cpu in t), others)
        for name, t in turns.items()
    }


def others_busy_s() -> float | None:
    """Return the core seconds of all other programs since the start, or None if not on Linux.

    Time that the host of a virtual machine took away counts too.
    """
    try:
        user, nice, system, _, _, *rest = map(
            int, Path("/proc/stat").read_text("utf-8").split()[1:9]
        )
        busy = (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
    return busy - time.process_time()


def warn_if_busy(rows: Sequence[Mapping[str, Any]]) -> None:
    """Say so if other programs were running: OpenMP's spinning threads suffer far more than ours.

    With one core taken, PyTorch's training step was seen to take ten times as long, ours 1.7 times.
    """
    most = max((row.get("others") or 0.0 for row in rows), default=0.0)
    if most > 0.2:
        note(
            f"other programs kept up to {most:.1f} cores busy: do not rely on these times, and "
            "least of all on PyTorch's"
        )


def _turn(
    call: Callable[[], Any], repeats: int, pause_s: float, wake_s: float
) -> tuple[float, float]:
    """Return (wall, CPU) seconds of one call, the mean of `repeats` in a row."""
    time.sleep(pause_s)
    awake = time.perf_counter() + wake_s
    while wake_s and time.perf_counter() < awake:
        call()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(repeats):
        call()
    wall = time.perf_counter() - wall
    return wall / repeats, (time.process_time() - cpu) / repeats


def spread(loop: Callable[..., Any], n: int, *args: Any) -> None:
    """Call `loop(lo, hi, *args)` on one range of range(n) per thread, as many as kernels use."""
    count = max(1, min(n, threads.num_threads()))
    ranges = [(i * n // count, (i + 1) * n // count) for i in range(count)]
    others = [_pool(count).submit(loop, lo, hi, *args) for lo, hi in ranges[1:]]
    loop(*ranges[0], *args)
    for other in others:
        other.result()


@lru_cache
def _pool(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count)


def version_of(package: str) -> str | None:
    """Return the version of an installed package, without importing it, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """Describe what the figures depend on: processor, cores, threads, versions."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [
            line for line in info.read_text("utf-8").splitlines() if line.startswith("model name")
        ]
        model = lines[0].partition(":")[2].strip() if lines else model
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "cpu": model,
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "threads": threads.num_threads(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "numpy": version_of("numpy"),
        "numba": version_of("numba"),
        "torch": version_of("torch"),
    }


def machine_line() -> str:
    """Return `machine()` as a line of text."""
    m = machine()
    versions = ", ".join(f"{k} {m[k]}" for k in ("python", "numpy", "numba", "torch") if m[k])
    threads_ = f"{m['threads']} thread{'s' * (m['threads'] != 1)}"
    load = "" if m["load"] is None else f", load {m['load']:.1f}"
    return f"{m['cpu']}, {m['cores']} cores, {threads_}{load}; {versions}"


def print_json(rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """Write {"machine": …, "rows": […], …} to standard output; values that are not finite: null."""
    sys.stdout.write(results.to_json({"machine": machine(), **more, "rows": list(rows)}))


def note(text: str) -> None:
    """Print a remark to standard error, where it disturbs neither tables nor JSON."""
    print(text, file=sys.stderr)


def first_line(text: str | None) -> str:
    """Return the first line of a docstring, for --help."""
    return (text or "").partition("\n")[0]


def add_common_arguments(parser: argparse.ArgumentParser, rounds: bool = True) -> None:
    """Add --rounds, --threads, --quick and --json."""
    if rounds:
        parser.add_argument("--rounds", type=positive_int, metavar="N", help="timed rounds at most")
    parser.add_argument(
        "--threads", type=positive_int, metavar="N", help="for all contenders; default: all cores"
    )
    parser.add_argument("--quick", action="store_true", help="fewer cases and rounds")
    parser.add_argument("--json", action="store_true", help="write JSON to standard output")


def set_threads(n: int | None) -> None:
    """Give every contender in this process `n` threads (None: as many as minires uses now)."""
    if n is not None:
        threads.set_num_threads(n)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads.num_threads())
