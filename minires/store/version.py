"""What a run depends on beside its setting: the sources that compute it, and the data."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import minires_kernels

from .. import __version__
from ..experiments import training

_ROOT = Path(__file__).parents[1]
# Not what draws, prints or loads: a change there must not make a thousand runs stale.
SOURCES = (
    "tensor.py", "engine.py", "function.py", "operators.py", "creation.py", "random.py",
    "grad_mode.py", "observe.py", "hooks.py", "copies.py", "replay.py",
    "ops", "functional", "nn", "models", "optim",
    "data/digits.py", "data/synthetic.py", "data/loader.py",
    "train/loop.py",
    "experiments/settings.py", "experiments/record.py", "experiments/gradflow.py",
    "experiments/degradation.py", "experiments/training.py", "experiments/theory.py",
    "experiments/fields.py", "experiments/joins.py", "experiments/rows.py", "experiments/watch.py",
    "experiments/streams.py", "store/tasks.py",
)  # fmt: skip
FIT = ("train", "data", "store/fit.py")
_SUFFIXES = (".py", ".cu", ".cuh")


def sources(task: str = "") -> list[Path]:
    """Return the files whose text decides what a run computes: those of minires and its kernels.

    `minires train`, the task "fit", has more of them than all other tasks.
    """
    names = (*SOURCES, *FIT) if task == "fit" else SOURCES
    roots = [_ROOT / name for name in names] + [Path(minires_kernels.__file__).parent]
    files = [f for root in roots for f in (root.rglob("*") if root.is_dir() else [root])]
    return sorted({f for f in files if f.suffix in _SUFFIXES and f.is_file()})


@cache
def code(task: str = "") -> str:
    """Return a hash of a task's sources, 12 hex digits; of the version where there are none."""
    found = hashlib.sha256(__version__.encode())
    above = (_ROOT, Path(minires_kernels.__file__).parents[1])
    for path in sources(task):
        name = next(path.relative_to(a).as_posix() for a in above if path.is_relative_to(a))
        found.update(f"\n{name}\n".encode())
        found.update(path.read_bytes().replace(b"\r\n", b"\n"))  # as some systems check files out
    return found.hexdigest()[:12]


@cache
def data(name: str) -> str:
    """Return a hash of the images and labels of an experiment's data, 12 hex digits."""
    found = hashlib.sha256()
    for a in training.load(name):
        found.update(f"{a.dtype.str} {a.shape}".encode())
        found.update(a.tobytes())
    return found.hexdigest()[:12]
