"""Which kernel takes what share of a training step, and how near it is to a limit of the GPU.

Every launch of an eager step is timed by two events around it, while all work of the step waits in
the GPU's queue (place.queued): so no time of Python is in it. An empty launch takes some time
too (limits). Figures are medians over several steps.

GB/s       every array among the arguments counted once, twice if it is read and written, over the
           time; what stays in a cache can be faster than the copy that it is compared with
GFLOP/s    of convolutions and matrix products by definition; of others "-": memory limits them
of copy, of arithmetic    the rate over the measured limit: fma, or tf32 for kernels of conv2d v4
outside    between launches of minires' kernels: CuPy's own kernels, and the events themselves
"""

from __future__ import annotations

import contextlib
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minires import cuda
from minires.plotting import COLOURS, new_figure
from minires_kernels.cuda.machine.device import Device

from ..timing import Row
from .limits import GpuLimits
from .place import Place, Queued, queued
from .plan import Plan
from .step import our_step

MOST_BARS = 18
PRODUCTS = ("conv2d_images", "conv2d_weights", "conv2d_forward", "conv2d_dx", "conv2d_dw", "matmul")
# Places among the arguments of what is both read and written.
IN_PLACE = {
    "add_into": (0,),
    "sgd_v1": (0, 2),
    "sgd_v2": tuple(i for i in range(24) if i % 3 != 1),
    "running_statistics": (0, 1),
}


@dataclass
class Launch:
    """One launch: what it is called, what it had to do, and the marks around it."""

    name: str
    flops: int
    nbytes: int
    start: Any
    end: Any


def label(kernel: str, arguments: Sequence[Any]) -> str:
    """Return the name of a kernel without its dtype; "dx" is added where it computes one."""
    name = re.sub(r"<T>$", "", kernel).replace("<T, ", "<")
    struct = _struct(arguments)
    is_gradient = (
        struct is not None and "gradient" in struct.dtype.names and bool(struct["gradient"])
    )
    return f"{name} dx" if is_gradient and name.startswith("conv2d_images") else name


def _struct(arguments: Sequence[Any]) -> Any:
    """Return the struct of sizes among the arguments, or None."""
    return next((a for a in arguments if getattr(a, "dtype", np.dtype("f")).names), None)


def flops_of(kernel: str, arguments: Sequence[Any]) -> int:
    """Return the FLOP of a convolution or a product by its definition, two per multiply-add."""
    struct = _struct(arguments)
    if struct is None or not kernel.startswith(PRODUCTS):
        return 0
    size = {name: int(struct[name]) for name in struct.dtype.names}
    if kernel.startswith("matmul"):
        return 2 * size["M"] * size["N"] * size["K"]
    if kernel.startswith("conv2d_images"):
        # y and dx need the same products: one per tap for each pixel of y (or dy)
        side, inner = ("in", size["rows"]) if size["gradient"] else ("out", size["depth"])
        pixels = size["N"] * size[f"{side}_H"] * size[f"{side}_W"]
        return 2 * pixels * size[f"{side}_C"] * inner * size["R"] * size["S"]
    channels = size["C"] // size["groups"]
    return 2 * size["N"] * size["K"] * size["P"] * size["Q"] * channels * size["R"] * size["S"]


def bytes_of(kernel: str, arguments: Sequence[Any]) -> int:
    """Return the bytes that must be moved at least; an array given twice is one array."""
    again = IN_PLACE.get(kernel.partition("<")[0], ())
    sizes: dict[int, int] = defaultdict(int)
    for i, a in enumerate(arguments):
        if isinstance(a, np.generic) or not hasattr(a, "nbytes") or a.dtype.names:
            continue  # a number or a struct, which travels with the launch
        place = a.ctypes.data if isinstance(a, np.ndarray) else a.data.ptr
        sizes[place] = max(sizes[place], a.nbytes * (2 if i in again else 1))
    return sum(sizes.values())


@contextlib.contextmanager
def launches(place: Place) -> Iterator[list[Launch]]:
    """Within the block every launch is added to the list, with a mark before and after it."""
    found: list[Launch] = []
    run = Device.run

    def timed(
        self: Device, unit: Any, kernel: str, dtype: Any, grid: Any, block: Any, *arguments: Any
    ) -> None:
        if 0 in grid:
            return
        work = flops_of(kernel, arguments), bytes_of(kernel, arguments)
        start = place.mark()
        run(self, unit, kernel, dtype, grid, block, *arguments)
        found.append(Launch(label(kernel, arguments), *work, start, place.mark()))

    Device.run = timed  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Device.run = run  # type: ignore[method-assign]


@dataclass(frozen=True)
class Profile:
    """A step's kernels; seconds of the whole step, and whether its work was queued in time."""

    precision: str
    rows: list[Row]
    whole_s: float
    ahead: bool


def measure(place: Place, plan: Plan, limit: GpuLimits, tf32: bool) -> Profile:
    """Time every launch of an eager step of the plan's first net."""
    _, net = plan.nets[0]
    rounds: list[list[Launch]] = []
    steps: list[Queued] = []
    with place.active(), cuda.allow_tf32(tf32):
        step = our_step(place, net)
        for _ in range(2):  # compiles, and lets CuPy's pool grow
            step()
        for _ in range(plan.repeats):
            with launches(place) as found:

                def work(found: list[Launch] = found) -> None:
                    found.clear()  # of an attempt that was not queued in time
                    step()

                steps.append(queued(place, work))
            rounds.append(found)
    precision = "tf32" if tf32 else "fp32"
    whole = statistics.median(s.seconds for s in steps)
    rows = [{"precision": precision, **row} for row in _table(place, rounds, whole, limit)]
    return Profile(precision, rows, whole, all(s.ahead for s in steps))


def _table(
    place: Place, rounds: Sequence[Sequence[Launch]], whole: float, limit: GpuLimits
) -> list[Row]:
    """Return a row per kernel, the slowest first, and one for what lies outside of them."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for found in rounds:
        of_round: dict[str, float] = defaultdict(float)
        for launch in found:
            of_round[launch.name] += place.seconds(launch.start, launch.end)
        for name, total in of_round.items():
            seconds[name].append(total)
    rows: list[Row] = []
    for name, times in seconds.items():
        mine = [launch for launch in rounds[0] if launch.name == name]
        flops, nbytes = sum(m.flops for m in mine), sum(m.nbytes for m in mine)
        s = statistics.median(times)
        peak = limit.tf32 if "_v4<" in name else limit.fma
        rows.append(
            {
                "kernel": name,
                "launches": len(mine),
                "µs": s * 1e6,
                "share": s / whole,
                "flops": flops,
                "bytes": nbytes,
                "GFLOP/s": flops / s / 1e9 if flops else None,
                "GB/s": nbytes / s / 1e9,
                "of arithmetic": flops / s / peak if flops and peak else None,
                "of copy": nbytes / s / limit.copy,
            }
        )
    rows.sort(key=lambda row: -row["µs"])
    outside = max(0.0, whole - sum(row["µs"] for row in rows) / 1e6)
    rows.append({"kernel": "outside", "µs": outside * 1e6, "share": outside / whole})
    return rows


COLUMNS = (
    "precision", "kernel", "launches", "µs", "share", "GFLOP/s", "GB/s", "of arithmetic", "of copy",
)  # fmt: skip


def draw(profile: Profile, title: str) -> Any:
    """Return the figure: time of each kernel, and how near it is to the two limits."""
    *rows, outside = profile.rows
    if len(rows) > MOST_BARS:
        rest = rows[MOST_BARS:]
        total = {key: sum(row[key] for row in rest) for key in ("µs", "share")}
        rows = [*rows[:MOST_BARS], {"kernel": f"{len(rest)} other kernels", **total}]
    rows.append(outside | {"kernel": "outside of these kernels"})
    figure, ((bars, limits),) = new_figure(
        1, 2, 11, 1.6 + 0.27 * len(rows), sharey="row", width_ratios=(3, 2)
    )
    places = range(len(rows))
    bars.barh(places, [row["µs"] for row in rows], color=COLOURS[0], height=0.7)
    for i, row in enumerate(rows):
        bars.text(row["µs"], i, f" {row['share']:.1%}", va="center", fontsize=8)
    bars.set_yticks(places, [row["kernel"] for row in rows], fontsize=8)
    bars.set_ylim(len(rows) - 0.4, -0.6)
    bars.margins(x=0.12)
    bars.set_xlabel(f"µs in a step, and share of its {profile.whole_s * 1e6:.0f} µs")
    for key, colour, marker, name in (
        ("of arithmetic", COLOURS[1], "o", "multiply-adds per second"),
        ("of copy", COLOURS[2], "s", "bytes per second"),
    ):
        known = [(row[key], i) for i, row in enumerate(rows) if row.get(key) is not None]
        limits.plot([x for x, _ in known], [i for _, i in known], marker, color=colour, label=name)
    limits.axvline(1, color="0.25", linewidth=1)
    limits.set_xlim(left=0)
    limits.set_xlabel("fraction of the measured limit")
    figure.legend(fontsize=8, frameon=False, loc="outside lower right", ncols=2)
    for axis in (bars, limits):
        axis.grid(True, axis="x", alpha=0.3)
    figure.suptitle(title, fontsize=11)
    return figure
