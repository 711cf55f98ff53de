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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minires import console, results
from minires.plotting import COLOURS, MARKERS, new_figure
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


def draw(rows: Sequence[Row], stages: Sequence[str], limit: limits.Limits) -> Any:
    """Return the figure: GFLOP/s over lines, one panel per direction, one curve per stage."""
    figure, axes = new_figure(1, 2, 9.5, 4.2, sharey=True)
    own = [r for r in rows if "lines" in r]
    span = max(r["lines"] for r in own) - min(r["lines"] for r in own)
    torch = f"PyTorch {peers.TORCH_ORDERS[1]}"
    for axis, direction in zip(axes[0], DIRECTIONS, strict=True):
        for stage, colour, marker in zip(stages, COLOURS, MARKERS, strict=False):
            column = f"{direction} {stage}"
            have = [r for r in rows if "lines" in r and column in r]
            style: dict[str, Any] = {"marker": marker, "color": colour}
            versions = [r for r in have if r["version"] != NUMPY]
            axis.plot(
                [r["lines"] for r in versions], [r[column] for r in versions], label=stage, **style
            )
            for row in have[: len(have) - len(versions)]:
                axis.plot(row["lines"], row[column], fillstyle="none", **style)
            for row in rows:
                if row["version"] == torch and column in row:
                    axis.axhline(row[column], color=colour, linestyle=":", linewidth=1.2)
        axis.axhline(limit.flops / 1e9, color="0.4", linestyle="--", linewidth=1.2)
        for row, after in zip(own, [*own[1:], None], strict=True):
            points = [row[f"{direction} {s}"] for s in stages if f"{direction} {s}" in row]
            if points:
                crowded = after is not None and abs(after["lines"] - row["lines"]) < 0.1 * span
                axis.annotate(
                    row["version"].replace(" ", "\n"),
                    (row["lines"], min(points) if crowded else max(points)),
                    (0, -7 if crowded else 7),
                    textcoords="offset points",
                    ha="center",
                    va="top" if crowded else "bottom",
                    fontsize=8,
                    bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.85},
                )
        axis.set_yscale("log")
        axis.set_xlabel("lines of code, forward and backward, without threads")
        axis.set_title(direction)
        axis.margins(x=0.12, y=0.18)
        axis.grid(True, which="both", alpha=0.25)
    axes[0, 0].set_ylabel("GFLOP/s (float32)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    handles += axes[0, 0].plot([], [], color="0.4", linestyle="--")
    labels.append("sgemm, measured")
    if any(row["version"] == torch for row in rows):
        handles += axes[0, 0].plot([], [], color="0.2", linestyle=":")
        labels.append(torch)
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8,
        title="C×H² of the stage, batch 128",
    )  # fmt: skip
    return figure


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
        figures.save_png(draw(rows, stages, limit), args.out / "lines.png"),
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
