"""The degradation experiment's table, CSV, run.json and figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ..gradflow.report import align, finite, versions
from ..plotting import COLOURS, new_figure
from .experiment import Curve

NAMES = {"none": "plain", "identity": "residual", "preact": "pre-act residual"}
STYLES = {"none": ("s", "--"), "identity": ("o", "-"), "preact": ("^", "-.")}


def by_net(curves: Sequence[Curve]) -> dict[tuple[str, int], list[Curve]]:
    """Return the curves of each (skip, depth), all seeds together."""
    found: dict[tuple[str, int], list[Curve]] = {}
    for c in curves:
        found.setdefault((c.setting.skip, c.setting.depth), []).append(c)
    return found


def table(curves: Sequence[Curve]) -> str:
    """Return training error in % by depth: mean (minimum–maximum) over the seeds."""
    nets = by_net(curves)
    skips = list(dict.fromkeys(skip for skip, _ in nets))
    depths = sorted({depth for _, depth in nets})
    lines: list[list[str]] = [["training error, %", *(f"{d} layers" for d in depths)]]
    lines += [[NAMES[skip], *(_cell(nets[skip, d]) for d in depths)] for skip in skips]
    return align(lines)


def _cell(curves: Sequence[Curve]) -> str:
    errors = [100 * e for c in curves if (e := c.final_error) is not None]
    diverged = len(curves) - len(errors)
    note = f" [{diverged} of {len(curves)} diverged]" if diverged else ""
    if not errors:
        return note.strip()
    return f"{np.mean(errors):.1f} ({min(errors):.1f}–{max(errors):.1f}){note}"


def rows(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """Return a flat dictionary per net and epoch."""
    return [
        asdict(c.setting)
        | {"seed": c.seed, "epoch": epoch, "train_loss": loss, "train_error": error}
        for c in curves
        for epoch, (loss, error) in enumerate(zip(c.losses, c.errors, strict=True), start=1)
    ]


def to_json(curves: Sequence[Curve], arguments: dict[str, Any]) -> str:
    """Return run.json: versions, arguments, and every net's curve with its final errors."""
    runs = [
        asdict(c.setting)
        | {
            "seed": c.seed,
            "train_error": c.final_error,
            "test_error": c.test_error,
            "diverged_at": c.diverged_at,
            "losses": c.losses,
            "errors": c.errors,
        }
        for c in curves
    ]
    document = {"versions": versions(), "arguments": arguments, "runs": runs}
    return json.dumps(finite(document), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def error_by_depth(curves: Sequence[Curve]) -> Any:
    """Draw the final training error over depth: mean, and the range over the seeds as bars."""
    figure, axes = new_figure(1, 1, 6, 4)
    axis = axes[0, 0]
    nets = by_net(curves)
    for i, skip in enumerate(dict.fromkeys(skip for skip, _ in nets)):
        marker, style = STYLES[skip]
        points = [
            (depth, [100 * e for c in same if (e := c.final_error) is not None])
            for (s, depth), same in nets.items()
            if s == skip
        ]
        kept = sorted((depth, errors) for depth, errors in points if errors)
        depths = [depth for depth, _ in kept]
        means = np.array([np.mean(errors) for _, errors in kept])
        low = means - [min(errors) for _, errors in kept]
        high = np.array([max(errors) for _, errors in kept]) - means
        axis.errorbar(
            depths, means, np.abs([low, high]), marker=marker, linestyle=style, capsize=4,
            color=COLOURS[1 - i % 2], label=NAMES[skip],
        )  # fmt: skip
    axis.axhline(90, color="0.5", linewidth=0.8, linestyle=":")
    axis.text(0.01, 91, "guessing", color="0.4", transform=axis.get_yaxis_transform())
    axis.set(xlabel="layers", ylabel="training error in the last epoch, %", ylim=(-3, 100))
    axis.grid(alpha=0.3)
    if axis.lines:
        axis.legend()
    seeds = max(len(same) for same in nets.values())
    axis.set_title(f"Training error by depth ({seeds} seeds, bars: range)", fontsize=10)
    return figure


def loss_curves(curves: Sequence[Curve]) -> Any:
    """Draw the training loss over epochs: a panel per kind of net, a line per depth."""
    nets = by_net(curves)
    skips = list(dict.fromkeys(skip for skip, _ in nets))
    figure, axes = new_figure(1, len(skips), 4.5 * len(skips), 3.8, sharey=True)
    markers = "os^DvPX"
    for axis, skip in zip(axes[0], skips, strict=True):
        depths = sorted(depth for s, depth in nets if s == skip)
        for i, depth in enumerate(depths):
            lines = [c.losses for c in nets[skip, depth] if c.diverged_at is None]
            if not lines:
                continue
            logs = np.log(np.maximum(np.array(lines), 1e-12))
            epochs = np.arange(1, logs.shape[1] + 1)
            colour = COLOURS[i % len(COLOURS)]
            axis.plot(
                epochs, np.exp(logs.mean(axis=0)), color=colour, marker=markers[i % 7],
                markersize=4, markevery=max(1, len(epochs) // 8), label=f"{depth} layers",
            )  # fmt: skip
            axis.fill_between(
                epochs, np.exp(logs.min(axis=0)), np.exp(logs.max(axis=0)), color=colour, alpha=0.15
            )
        axis.set(title=NAMES[skip], xlabel="epoch", yscale="log")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend(fontsize=8)
    axes[0, 0].set_ylabel("training loss, nats")
    return figure
