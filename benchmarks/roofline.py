"""The roofline of this machine, and where every kernel stands under it.

    python -m benchmarks.roofline [KERNEL …] [--out DIR] [--rounds N] [--threads N] [--quick]
                                  [--json]

A kernel that does I flops per byte of memory traffic reaches at most min(sgemm, I · triad) flops
per second (Williams, Waterman and Patterson 2009). One marker per kernel, pass and stage of
ResNet-20; flops and bytes as in benchmarks/kernels.py, so versions of a kernel share their
intensity and stand above one another. Arrays that stay in a cache can rise above the sloped roof,
and a version that needs fewer products than the definition (Winograd) above the flat one.
Writes DIR/roofline.png and DIR/roofline.csv; DIR is benchmarks/results unless given.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minires import console, results
from minires.plotting import COLOURS, MARKERS, new_figure
from minires_kernels import specs

from . import figures, kernels, limits, shapes, timing
from .timing import Row

PASS_MARKERS = {"forward": "o", "backward": "s", "backward-data": "^", "backward-weight": "D"}
SIZES = (64, 36, 16)  # of markers: first, second and third stage


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


def draw(rows: Sequence[Row], limit: limits.Limits) -> Any:
    """Return the figure: GFLOP/s over FLOP/byte, both logarithmic, under the measured roofs."""
    figure, ((axis,),) = new_figure(1, 1, 9.5, 5.6)
    x = [r["FLOP/B"] for r in rows]
    y = [r["GFLOP/s"] for r in rows]
    ridge, peak = limit.flops / limit.bytes, limit.flops / 1e9
    left, right = min(x) / 1.8, max(*x, ridge) * 2.2
    axis.plot([left, ridge, right], [left * limit.bytes / 1e9, peak, peak], color="0.25", zorder=1)
    axis.text(ridge * 1.1, peak * 1.08, f"sgemm {peak:.0f} GFLOP/s", fontsize=9)
    axis.text(
        ridge / 1.5, peak / 1.5 * 1.25, f"triad {limit.bytes / 1e9:.0f} GB/s", ha="right",
        fontsize=9,
    )  # fmt: skip
    several = {r["kernel"] for r in rows if r["version"] != "v1"}
    groups = [f"{r['kernel']} {r['version']}" if r["kernel"] in several else r["kernel"]
              for r in rows]  # fmt: skip
    styles: dict[str, tuple[str, str]] = {}
    for group in dict.fromkeys(groups):  # all colours filled, then all hollow, then all grey within
        again, i = divmod(len(styles), len(COLOURS))
        styles[group] = COLOURS[i], (COLOURS[i], "none", "0.8")[again % 3]
    for row, group in zip(rows, groups, strict=True):
        edge, face = styles[group]
        axis.scatter(
            row["FLOP/B"],
            row["GFLOP/s"],
            SIZES[(row["stage"] - 1) % len(SIZES)],
            marker=PASS_MARKERS.get(row["pass"], MARKERS[-1]),
            facecolors=face,
            edgecolors=edge,
            linewidths=1.2,
            alpha=0.85,
            zorder=2,
        )
    axis.set(
        xscale="log", yscale="log", xlim=(left, right), ylim=(min(y) / 1.8, max(*y, peak) * 1.8)
    )
    axis.set_xlabel("arithmetic intensity, FLOP per byte of least memory traffic")
    axis.set_ylabel("GFLOP/s (float32)")
    axis.set_title(f"Kernels of ResNet-20 at batch 128, {limit.threads} threads", fontsize=11)
    axis.grid(True, which="major", alpha=0.3)
    _legends(figure, axis, styles, rows)
    return figure


def _legends(figure: Any, axis: Any, styles: dict[str, tuple[str, str]], rows: Any) -> None:
    """Put what colours, shapes and sizes mean beside the axes."""

    def dot(label: str, marker: str, size: float, edge: str = "0.45", face: str = "0.45") -> Any:
        return axis.scatter(
            [], [], size, marker=marker, label=label, linewidths=1.2, facecolors=face,
            edgecolors=edge,
        )  # fmt: skip

    passes = [p for p in PASS_MARKERS if any(r["pass"] == p for r in rows)]
    stages = sorted({r["stage"] for r in rows})
    handles = [dot(name, "o", 36, *style) for name, style in styles.items()]
    handles += [dot(p, PASS_MARKERS[p], 36) for p in passes]
    images = ("16×32²", "32×16²", "64×8²")
    handles += [dot(f"stage {s}, {images[s - 1]}", "o", SIZES[s - 1]) for s in stages]
    figure.legend(handles=handles, loc="outside right upper", fontsize=8, frameon=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Write figure and CSV; print the table, or JSON."""
    parser = argparse.ArgumentParser(
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
        figures.save_png(draw(rows, limit), args.out / "roofline.png"),
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
