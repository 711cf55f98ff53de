"""Peak memory of a training step, ours or PyTorch's, each in a process of its own.

The figure is the peak resident size during three steps minus the resident size after the net and
the data were built and before the first step: gradients, momentum, activations, work space. A step
with a batch of 2 and another instance comes first, so that code compiled or loaded on first use
does not count. Linux only: resident sizes are read from /proc/self/status.

    python -m benchmarks.step_memory NET CONTENDER [--threads N] [--batch N]     (prints JSON)
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from minires import console
from minires.cli.arguments import positive_int

from . import nets, timing

STATUS = Path("/proc/self/status")
STEPS = 3


def resident(field: str) -> int:
    """Return VmRSS (resident now) or VmHWM (its peak) of this process, in bytes."""
    for line in STATUS.read_text("utf-8").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"{STATUS} has no {field}")


def _reset_peak() -> bool:
    """Make VmHWM start again from the present; return whether the system allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    except OSError:
        return False
    return True


def _settle() -> None:
    """Return freed memory to the system, where the C library can."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def measure_here(name: str, contender: str, batch: int | None = None) -> timing.Row | None:
    """Measure in this process; None if the contender is not installed."""
    small = nets.runner(name, contender, 2)
    if small is None:
        return None
    small.step()
    del small
    runner = nets.runner(name, contender, batch)
    assert runner is not None
    _settle()
    before = resident("VmRSS")
    reset = _reset_peak()
    for _ in range(STEPS):
        runner.step()
    mib = 1 << 20
    return {
        "model": name,
        "contender": contender,
        "step MiB": (resident("VmHWM") - before) / mib,
        "before MiB": before / mib,
        "peak reset": reset,
    }


def measure(
    name: str, contender: str, threads: int | None = None, batch: int | None = None
) -> timing.Row | None:
    """Measure in a new process; None if the contender is not installed.

    Raises RuntimeError with the process's last message if it fails.
    """
    command = [sys.executable, "-m", "benchmarks.step_memory", name, contender]
    for option, value in (("--threads", threads), ("--batch", batch)):
        command += [option, str(value)] if value else []
    folder = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise RuntimeError(f"{name}, {contender}: {last[0]}")
    row: timing.Row | None = json.loads(done.stdout)
    return row


def main(argv: Sequence[str] | None = None) -> int:
    """Print one measurement as JSON."""
    parser = argparse.ArgumentParser(allow_abbrev=False, description=timing.first_line(__doc__))
    parser.add_argument("net", choices=tuple(nets.NETS))
    parser.add_argument("contender", choices=nets.CONTENDERS)
    parser.add_argument("--threads", type=positive_int)
    parser.add_argument("--batch", type=positive_int)
    args = parser.parse_args(argv)
    timing.set_threads(args.threads)
    json.dump(measure_here(args.net, args.contender, args.batch), sys.stdout)
    return 0


if __name__ == "__main__":
    console.run(main, "benchmarks.step_memory")
