"""The roofline of this machine, and where every kernel stands under it.

    python -m benchmarks.roofline [KERNEL …] [--out DIR] [--rounds N] [--threads N] [--quick]
                                  [--json]

A kernel that does I flops per byte reaches at most min(sgemm, I · bytes per second) flops per
second (Williams, Waterman and Patterson 2009). Bytes come from main memory (the lower slope) or
from a cache (the upper one): a stage of ResNet-20 at batch 128 has arrays of 2 to 8 MiB, which
stay in the caches of many machines. Flops and bytes are the definition's, as in
benchmarks/kernels.py, so versions of a kernel share their intensity and stand above one another.
Winograd's convolution, v4, needs a quarter of the definition's products: its own roof is the
dashed one, four times sgemm. One dot per kernel, version, pass and stage.
Writes DIR/roofline.png and DIR/roofline.csv; DIR is benchmarks/results unless given.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minires import console, plotting, results
from minires_kernels import specs

from . import figures, kernels, limits, shapes, timing
from .timing import Row

WINOGRAD = "v4"  # of the convolution
NAMES = {"v1": "loops", "v2": "im2col", "v3": "sums in registers", "v4": "Winograd"}
MOVED = ("batch_norm", "batch_norm_relu", "relu", "add_relu")
POOLED = ("max_pool2d", "avg_pool2d", "global_avg_pool2d")
NOTE = (
    "Each dot: a version, pass and stage of ResNet-20 at batch 128, whose arrays have 2 to 8 MiB. "
    "Lines: the most that was measured. FLOP are counted by the definition; v4 needs a quarter of "
    "its products. "
)


def measure(names: Sequence[str], rounds: int, budget_s: float, stages: int) -> list[Row]:
    """Return the rows of our kernels in the first `stages` stages, with their intensity."""
    rows: list[Row] = []
    for name in names:
        numbers: dict[str, int] = {}  # calls of one input: with and without residual
        for call in shapes.stage_calls(name) or []:
            stage = numbers.setdefault(call.label.split(" ")[0], len(numbers))
            if stage >= stages:
                continue
            for row in kernels.measure(name, call, rounds=rounds, budget_s=budget_s, beside=False):
                if not (name == "conv2d" and row["pass"] == "backward"):  # shown in its two halves
                    intensity = row["flops"] / row["bytes"]
                    rows.append({**row, "stage": stage + 1, "FLOP/B": intensity})
    return rows


def draw(rows: Sequence[Row], limit: limits.Limits, machine: str = "") -> Any:
    """Return the figure: GFLOP/s over FLOP/byte, both logarithmic, under the measured roofs."""
    figure, ((axis,),) = plotting.new_figure(1, 1, 8.6, 5.4)
    x, y = ([r[key] for r in rows] for key in ("FLOP/B", "GFLOP/s"))
    peak = limit.flops / 1e9
    left, right = min(x) / 1.6, max(*x, limit.flops / limit.bytes) * 1.3  # of the lines
    convolutions = [r for r in rows if r["kernel"] == "conv2d"]
    versions = sorted({r["version"] for r in convolutions})
    plotting.label_axes(axis, "FLOP per byte of memory traffic, both by definition",
                        f"GFLOP/s, float32, {limit.threads} threads", "xy")  # fmt: skip
    top = max(*y, peak, 4 * peak if WINOGRAD in versions else 0) * 1.7
    axis.set(xlim=(left, right * 7), ylim=(min(y) / 1.8, top))
    _roofs(axis, limit, left, right)
    if WINOGRAD in versions:
        start = min(r["FLOP/B"] for r in convolutions) / 2
        axis.plot([start, right], [4 * peak] * 2, "--", color=plotting.GREYS[0], linewidth=1.2)
        _write(axis, start, 4 * peak, f"products with Winograd: 4 × {peak:.0f}", plotting.TEXT_GREY)
    groups = {"batch norm, ReLU, addition: as fast as memory": (MOVED, plotting.RESIDUAL),
              "pooling": (POOLED, plotting.GREYS[1])}  # fmt: skip
    for words, (names, colour) in groups.items():
        own = [r for r in rows if r["kernel"] in names]
        _dots(axis, own, colour)
        if own:
            middle = statistics.median(r["GFLOP/s"] for r in own)
            _write(axis, max(r["FLOP/B"] for r in own) * 1.15, middle / 1.4, words, colour)
    colours = plotting.shades(plotting.HIGHLIGHT, len(versions))
    medians = [_median(convolutions, version) for version in versions]
    heights = plotting.apart([math.log(m) for m in medians], 0.05 * math.log(top / min(y)))
    for version, colour, height in zip(versions, colours, heights):
        _dots(axis, [r for r in convolutions if r["version"] == version], colour)
        words = f"{version} {NAMES.get(version, '')}"
        axis.text(right * 1.08, math.exp(height), words, color=colour, fontsize=10, va="center")
    told = "above main memory's slope:\narrays that stay in a cache"
    axis.text(0.03, 0.62, told, transform=axis.transAxes, fontsize=9, color=plotting.TEXT_GREY)
    plotting.state(figure, _statement(convolutions), NOTE + machine)
    return figure


def _roofs(axis: Any, limit: limits.Limits, left: float, right: float) -> None:
    """Draw the limits: two slopes, and the flat roof that they end at."""
    slopes = [("main memory", limit.bytes, plotting.GREYS[0])]
    if limit.cache > limit.bytes:
        slopes.append(("caches", limit.cache, plotting.GREYS[1]))
    for words, rate, colour in slopes:
        ridge = limit.flops / rate
        axis.plot([left, ridge], [left * rate / 1e9, limit.flops / 1e9], color=colour, zorder=1)
        at = left * 1.3 if words == "caches" else ridge / 4
        y = at * rate / 1e9 * (1.2 if words == "caches" else 0.62)
        angle = math.degrees(math.atan2(y, at))  # of slope 1, in the axes' own units at (at, y)
        axis.text(
            at, y, f"{words} {rate / 1e9:.0f} GB/s", fontsize=9, color=plotting.TEXT_GREY,
            rotation=angle, rotation_mode="anchor", transform_rotates_text=True,
        )  # fmt: skip
    flat = [limit.flops / max(limit.cache, limit.bytes), right]
    axis.plot(flat, [limit.flops / 1e9] * 2, color=plotting.GREYS[0], zorder=1)
    _write(axis, flat[0] * 1.3, limit.flops / 1e9, f"matrix product {limit.flops / 1e9:.0f}")


def _write(axis: Any, x: float, y: float, words: str, colour: str = plotting.TEXT_GREY) -> None:
    axis.annotate(words, (x, y), (0, 4), textcoords="offset points", fontsize=9, color=colour)


def _dots(axis: Any, rows: Sequence[Row], colour: str) -> None:
    points = [[r["FLOP/B"], r["GFLOP/s"]] for r in rows]
    if points:
        axis.scatter(*zip(*points), 30, color=colour, alpha=0.85, linewidths=0, zorder=2)


def _median(rows: Sequence[Row], version: str) -> float:
    return statistics.median(r["GFLOP/s"] for r in rows if r["version"] == version)


def _statement(convolutions: Sequence[Row]) -> str:
    """Return what the figure shows: how far the convolution came, by the median of its calls."""
    versions = sorted({r["version"] for r in convolutions})
    if len(versions) < 2:
        return "Kernels of ResNet-20 under the limits of this machine"
    first, last = versions[0], versions[-1]
    times = _median(convolutions, last) / _median(convolutions, first)
    names = [NAMES.get(version, version) for version in (first, last)]
    return f"From {names[0]} to {names[1]}, the convolution becomes {times:.0f} times faster"


def main(argv: Sequence[str] | None = None) -> int:
    """Write figure and CSV; print the table, or JSON."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m benchmarks.roofline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=f"of {', '.join(specs())}")
    parser.add_argument("--out", type=Path, default=figures.RESULTS, metavar="DIR")
    timing.add_common_arguments(parser)
    args = parser.parse_args(argv)
    # linear and cross_entropy have no images, so no stages
    names = [n for n in kernels.check_names(parser, args.kernels) if shapes.on_images(n)]
    if not names:
        parser.error("none of these kernels works on images")
    timing.set_threads(args.threads)
    limit = limits.measure(args.quick)
    rounds, budget = args.rounds or (3 if args.quick else 11), 0.2 if args.quick else 1.0
    rows = measure(names, rounds, budget, 1 if args.quick else 3)
    paths = [
        figures.save_png(draw(rows, limit, timing.machine_line()), args.out / "roofline.png"),
        figures.save_csv(rows, args.out / "roofline.csv"),
    ]
    timing.warn_if_busy(rows)
    if args.json:
        timing.print_json(rows, limits=vars(limit))
        return 0
    print(timing.machine_line())
    print(limit)
    columns = ["kernel", "call", "pass", "version", "ms", "FLOP/B", "GFLOP/s", "GB/s"]
    print(results.table(rows, columns))
    print("wrote " + " ".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    console.run(main, "benchmarks.roofline")
