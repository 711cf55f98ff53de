"""What code buys: lines of each version of the convolution, and its speed on ResNet-20's stages.

    python -m benchmarks.lines [--out DIR] [--rounds N] [--threads N] [--quick] [--json]

Lines are code lines of forward and backward with all helpers (benchmarks/source_lines.py), with and
without the module that runs loops on threads, which all kernels share. Speed is GFLOP/s of the 3×3
convolutions, forward, and backward for both gradients. Plain NumPy's im2col, on as many threads
(benchmarks/numpy_conv.py), comes first; PyTorch last, where it is installed.
Writes DIR/lines.png and DIR/lines.csv; DIR is benchmarks/results unless given.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minires import console, plotting, results
from minires_kernels.backends import load

from . import figures, kernels, limits, numpy_conv, peers, shapes, timing
from .source_lines import lines_of, version_lines
from .timing import Row

NUMPY = "NumPy im2col"
THREADS = "minires_kernels.cpu.machine.threads"
DIRECTIONS = ("forward", "backward")
STAGES = dict(zip(("16×32²", "32×16²", "64×8²"), shapes.STAGES, strict=True))  # column: label


def story(rounds: int, budget_s: float, stages: Sequence[str]) -> list[Row]:
    """Return a row per implementation: lines, the idea, and GFLOP/s by direction and stage."""
    rows: dict[str, Row] = {NUMPY: {"version": NUMPY, "lines": numpy_lines(), "idea": "im2col"}}
    for v in load("cpu").KERNELS["conv2d"]:
        label = f"v{v.number}"
        rows[label] = {
            "version": label,
            "lines": version_lines(v, without=THREADS),
            "with threads": version_lines(v),
            "idea": v.idea,
        }
    for call in shapes.stage_calls("conv2d") or []:
        stage = next(column for column, label in STAGES.items() if label == call.label)
        if stage not in stages:
            continue
        found = kernels.measure("conv2d", call, rounds=rounds, budget_s=budget_s, others=True)
        timing.warn_if_busy(found)
        for row in found:
            if row["pass"] in DIRECTIONS:
                into = rows.setdefault(row["version"], {"version": row["version"]})
                into[f"{row['pass']} {stage}"] = row["GFLOP/s"]
    return list(rows.values())


def numpy_lines() -> int:
    """Count the lines of plain NumPy's im2col."""
    return lines_of(numpy_conv.forward, numpy_conv.backward, package="benchmarks.numpy_conv")


def draw(rows: Sequence[Row], stages: Sequence[str], machine: str) -> Any:
    """Return the figure: GFLOP/s over lines, one panel per direction, one curve per stage."""
    figure, axes = plotting.new_figure(1, 2, 10.5, 4.3, sharey=True)
    torch = f"PyTorch {peers.TORCH_ORDERS[1]}"
    for axis, direction in zip(axes[0], DIRECTIONS, strict=True):
        x = "lines of code, forward and backward"
        plotting.label_axes(axis, x, "", "y", direction)
        seen: dict[str, list[tuple[float, float]]] = {}  # of each version: (lines, speed)
        for stage, colour in zip(stages, plotting.shades(plotting.RESIDUAL, 3), strict=False):
            have = [r for r in rows if "lines" in r and f"{direction} {stage}" in r]
            points = {r["version"]: (r["lines"], r[f"{direction} {stage}"]) for r in have}
            for version, at in points.items():
                seen.setdefault(version, []).append(at)
            if NUMPY in points:
                axis.plot(*points.pop(NUMPY), "o", color=colour, fillstyle="none")
            if points:
                axis.plot(*zip(*points.values(), strict=True), "-o", color=colour, label=stage)
        for version, places in seen.items():
            peer = version == NUMPY  # stands above its rings, left of the curves
            axis.annotate(
                version.replace(" ", "\n"), max(places) if peer else min(places),
                (0, 6) if peer else (7, -5), textcoords="offset points", fontsize=8,
                ha="center" if peer else "left", va="bottom" if peer else "top",
                color=plotting.TEXT_GREY,
            )  # fmt: skip
        speeds = [r[f"{direction} {s}"] for r in rows for s in stages
                  if r["version"] == torch and f"{direction} {s}" in r]  # fmt: skip
        if speeds:
            plotting.reference_line(axis, torch, y=statistics.geometric_mean(speeds))
        axis.margins(x=0.12, y=0.12)
    axes[0, 0].set_ylabel("GFLOP/s (float32)")
    note = (
        "Curves: C×H² of the stages of ResNet-20, batch 128; rings: plain NumPy. Title, dotted: "
        f"geometric means over them. Without the lines that run loops on threads. {machine}"
    )
    plotting.state(figure, statement(rows, stages), note)
    plotting.label_curves(*axes[0])
    return figure


def statement(rows: Sequence[Row], stages: Sequence[str]) -> str:
    """Return what the last version costs and gains beside the first."""
    first, *_, last = (r for r in rows if "with threads" in r)
    columns = [f"{d} {s}" for d in DIRECTIONS for s in stages if f"{d} {s}" in first.keys() & last]
    text = f"{last['version']} of the convolution takes {last['lines'] / first['lines']:.0f} times "
    gain = statistics.geometric_mean([last[c] / first[c] for c in columns])
    return f"{text}the lines of {first['version']} and is {gain:.0f} times as fast"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, or JSON, and write figure and CSV."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m benchmarks.lines",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=figures.RESULTS, metavar="DIR")
    timing.add_common_arguments(parser)
    args = parser.parse_args(argv)
    timing.set_threads(args.threads)
    limit = limits.measure(args.quick)
    stages = list(STAGES)[1:2] if args.quick else list(STAGES)
    rounds, budget = args.rounds or (3 if args.quick else 11), 0.3 if args.quick else 2.0
    rows = story(rounds, budget, stages)
    paths = [
        figures.save_png(draw(rows, stages, timing.machine_line()), args.out / "lines.png"),
        figures.save_csv(rows, args.out / "lines.csv"),
    ]
    if args.json:
        timing.print_json(rows, limits=vars(limit))
        return 0
    print(timing.machine_line())
    print(limit)
    speeds = [f"{direction} {stage}" for direction in DIRECTIONS for stage in stages]
    print(results.table(rows, ["version", "lines", "with threads", *speeds, "idea"]))
    print("GFLOP/s. wrote " + " ".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    console.run(main, "benchmarks.lines")
