"""Which runs the atlas has, and how its nets are named: depth/norm/init/arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minires import sweep

FILE = Path(__file__).with_name("atlas.toml")
TRAINED = 0.10  # a run has trained if it errs on less than this part of its last epoch

# the arms: a plain net, and residual nets by what multiplies their branches
ARMS: dict[str, tuple[str, float | str]] = {
    "plain": ("none", 1.0),
    "skip": ("identity", 1.0),
    "scaled": ("identity", "1/sqrt(blocks)"),
    "zero": ("identity", "skipinit"),
}
ARM_NAMES = {
    "plain": "plain",
    "skip": "skip",
    "scaled": "skip, branch × 1/√blocks",
    "zero": "skip, branch × 0 at the start",
}
NORM_NAMES = {"none": "no norm", "bn": "batch norm", "ln": "layer norm"}
INIT_NAMES = {"default": "PyTorch's default", "he": "He", "orthogonal": "orthogonal"}


def plan(
    changes: Mapping[str, Any] | None = None, seeds: int | Sequence[int] | None = None
) -> sweep.Plan:
    """Return the sweep of atlas.toml; `changes` replaces fields of its setting."""
    return sweep.read(FILE, changes, seeds=seeds)


def arm(setting: Mapping[str, Any]) -> str:
    """Return the name of the arm that a setting belongs to. ValueError for none of them."""
    found = (setting["skip"], setting["branch_scale"])
    for name, pair in ARMS.items():
        if pair == found:
            return name
    raise ValueError(f"skip, branch_scale: expected one of {list(ARMS.values())}, got {found}")


def net_name(setting: Mapping[str, Any]) -> str:
    """Return the name of a net: all that its untrained profile depends on but the seed."""
    return "/".join(str(setting[k]) for k in ("depth", "norm", "init")) + "/" + arm(setting)
