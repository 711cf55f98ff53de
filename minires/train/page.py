"""A page that follows a training: OUT/watch.html, which reloads itself and needs no network."""

from __future__ import annotations

import contextlib
import html
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .. import plotting, results
from . import flowmap_page
from .console import duration
from .curves import note, series, statement
from .flowmap import FlowMap
from .listener import Listener, Progress
from .metrics import Row

if TYPE_CHECKING:
    from .run import Run

NAME = "watch.html"
EVERY = 5  # s between two versions of the page, and its reloads
WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 96, 12, 40
GREY, BLUE = plotting.GREYS[1], plotting.RESIDUAL
Points = list[tuple[float, float]]


class Page(Listener):
    """Writes the page when a training begins, every five seconds, and at its end."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.flow = FlowMap()
        self._last = 0.0

    def begin(self, progress: Progress) -> None:
        self._write(progress, "running")

    def step(self, progress: Progress) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._write(progress, "running")

    def end(self, progress: Progress, run: Run) -> None:
        self._write(progress, run.status)

    def _write(self, progress: Progress, status: str) -> None:
        self._last = time.monotonic()
        with contextlib.suppress(OSError):  # a page that cannot be written stops no training
            self.flow.take(progress.records)
            results.write_text(self.path, render(progress, status, self.flow))


def render(progress: Progress, status: str, flow: FlowMap | None = None) -> str:
    """Return the page as HTML; with records of gradient flow, also their map."""
    refresh = f'<meta http-equiv="refresh" content="{EVERY}">' if status == "running" else ""
    title = html.escape(f"{progress.name}: {status}")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">{refresh}<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #222; --grey: #555; --line: #e6e6e6; --paper: #fff }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8e8e8; --grey: #b0b0b0; --line: #3a3a3a; --paper: #16181c }} }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: {WIDTH}px; margin: 2rem auto;
  padding: 0 1rem; color: var(--ink); background: var(--paper) }}
h1 {{ font-size: 1.15rem; margin: 0 0 .6rem }} h2 {{ font-size: 1rem; margin: 1rem 0 .4rem }}
.bar {{ height: 8px; background: var(--line) }} .bar div {{ height: 8px; background: {BLUE} }}
table {{ border-collapse: collapse; margin: .8rem 0 }}
td {{ padding: 0 1.4rem 0 0; font-variant-numeric: tabular-nums }}
td:first-child, p, svg {{ color: var(--grey) }} p {{ font-size: .85rem }}
svg {{ width: 100%; height: auto }}{flowmap_page.STYLE}</style></head><body>
<h1>{html.escape(statement(progress, status))}</h1>
<div class="bar"><div style="width:{100 * progress.done:.1f}%"></div></div>
<table>{_facts(progress, status)}</table>
{chart(progress)}
<p>{html.escape(note(progress))}{" Dotted: the rate falls." if progress.recipe.cuts() else ""}</p>
{_flow(flow, progress, status)}
</body></html>
"""


def _flow(flow: FlowMap | None, progress: Progress, status: str) -> str:
    if flow is not None and flow.steps:
        return flowmap_page.section(flow, progress, status)
    return "<p>With --record 10 this page also shows gradients, layer by layer.</p>"


def _facts(progress: Progress, status: str) -> str:
    window = min(100, progress.per_epoch, max(1, progress.iteration))
    loss, error = progress.metrics.running(window)
    test = progress.metrics.last("test")
    of = "" if progress.iterations is None else f" of {progress.iterations:,}"
    facts = {
        "status": status,
        "iteration": f"{progress.iteration:,}{of} (epoch {progress.epoch:.2f})",
        "loss": "–" if loss is None else f"{loss:.4f}" if loss < 1e6 else f"{loss:.3g}",
        "training error": "–" if error is None else f"{100 * error:.2f} % ({window} iterations)",
        "test error": _tested(test),
        "rate": f"{progress.lr:.4g}",
        "images/s": "–" if not progress.images_per_second else f"{progress.images_per_second:.0f}",
        "time": duration(progress.seconds),
        "left": "–" if progress.eta is None else duration(progress.eta),
    }
    return "".join(f"<tr><td>{k}</td><td>{html.escape(v)}</td></tr>" for k, v in facts.items())


def _tested(row: Row | None) -> str:
    if row is None or row.test_error is None:
        return "–"
    return f"{100 * row.test_error:.2f} % (epoch {row.epoch:.3g})"


def chart(progress: Progress) -> str:
    """Return the curves as SVG: error in % on a logarithmic axis, by epoch."""
    train, test = series(progress)
    points = [(x, y) for x, y in train + test if y > 0]
    if not points:
        return ""
    total = progress.epoch / progress.done if progress.done else progress.epoch
    low = 10 ** math.floor(math.log10(min(y for _, y in points)))
    high = 100.0

    def at(x: float, y: float) -> tuple[float, float]:
        share = math.log(max(y, low) / low) / math.log(high / low)
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * x / max(total, 1e-9),
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share,
        )

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="12" fill="currentColor">']
    for y in _ticks(low, high):
        (x0, py), (x1, _) = at(0, y), at(total, y)
        parts.append(f'<path d="M{x0:.1f} {py:.1f}H{x1:.1f}" style="stroke:var(--line)"/>')
        parts.append(f'<text x="{x0 - 6:.1f}" y="{py + 4:.1f}" text-anchor="end">{y:g}</text>')
    for i in range(5):
        x, y = at(total * i / 4, low)
        label = f"{total * i / 4:.3g}"
        parts.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{label}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 4}">epoch; error in % (logarithmic)</text>')
    for cut in progress.recipe.cuts():
        x, y = at(cut * total, low)
        parts.append(f'<path d="M{x:.1f} {TOP}V{y:.1f}" stroke="{GREY}" stroke-dasharray="2 4"/>')
    for points, colour in ((train, GREY), (test, BLUE)):
        parts.append(_curve([at(x, y) for x, y in _thinned(points)], colour))
    parts += _labels([at(*train[-1])] if train else [], [at(*test[-1])] if test else [])
    return "".join(parts) + "</svg>"


def _ticks(low: float, high: float) -> list[float]:
    decade, found = low, []
    while decade <= high:
        found += [decade * step for step in (1, 2, 5) if decade * step <= high]
        decade *= 10
    return found


def _thinned(points: Points, most: int = 400) -> Points:
    """Return means of neighbours, so that a long training makes no large page."""
    size = -(-len(points) // most) or 1
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(g[-1][0], sum(y for _, y in g) / len(g)) for g in groups]


def _curve(points: Points, colour: str) -> str:
    if not points:
        return ""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    )


def _labels(train: Points, test: Points) -> list[str]:
    """Return the names at the ends of the curves, moved apart where they would touch."""
    ends = [(*p, "training", GREY) for p in train] + [(*p, "test", BLUE) for p in test]
    ends.sort(key=lambda end: end[1])
    heights = plotting.apart([y for _, y, _, _ in ends], 14)
    return [
        f'<text x="{x + 7:.1f}" y="{height + 4:.1f}" fill="{colour}">{label}</text>'
        for (x, _, label, colour), height in zip(ends, heights, strict=True)
    ]
