"""Figures that several reproductions share: bars with the paper's numbers, curves by arm."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from ... import plotting
from ...plotting import GREYS, HIGHLIGHT
from .base import Form, Found, Verdict


def bars(
    form: Form,
    found: Found,
    verdict: Verdict,
    *,
    x: str,
    note: str,
    highlight: Collection[str] = (),
    colours: Mapping[str, str] | None = None,
    form_of_value: str = "{:.1f} %",
    guessing: float | None = None,
) -> Any:
    """Draw a bar per arm, the paper's number beside its name. Arms of `highlight` have a colour."""
    names = [arm.name for arm in found.arms if found.by_arm[arm.name]]
    papers = {arm.name: arm.paper_text for arm in found.arms}
    labels = [f"{n}  [{papers[n]}]" if papers[n] != "-" else n for n in names]
    figure, axes = plotting.new_figure(1, 1, 7.2, 1.6 + 0.34 * len(names))
    axis = axes[0, 0]
    plotting.label_axes(axis, x, "")
    chosen = {n: HIGHLIGHT if n in highlight else GREYS[1] for n in names} | dict(colours or {})
    values = [[r.value for r in found.by_arm[n]] for n in names]
    plotting.bars(axis, labels, values, [chosen[n] for n in names], form_of_value)
    axis.margins(x=0.2)
    if guessing is not None:
        axis.set_xlim(0, guessing * 1.15)
        plotting.reference_line(axis, "guessing", x=guessing)
    state(figure, verdict, _note(found, note))
    return figure


def curves(
    axis: Any,
    found: Found,
    arm: str,
    x: str,
    y: str,
    label: str,
    colour: str,
    **style: Any,
) -> None:
    """Draw the points of an arm's runs that did not diverge: a line with a band over the seeds."""
    runs = [r for r in found.by_arm[arm] if r.value is not None and r.points]
    if not runs:
        return
    at = [p[x] for p in runs[0].points]
    ys = np.array([[np.nan if p[y] is None else p[y] for p in r.points] for r in runs], float)
    plotting.band_curve(axis, at, ys, label, colour, **style)


def state(figure: Any, verdict: Verdict, note: str) -> None:
    """Write the verdict's headline above a figure, and a note below it."""
    plotting.state(figure, verdict.headline.replace(" %", "\N{NO-BREAK SPACE}%"), note)


def _note(found: Found, note: str) -> str:
    dots = f"Bars: mean of {found.seeds} seeds; dots: each. " if found.seeds > 1 else "One seed. "
    lost = f"{found.diverged} of {len(found.results)} runs diverged. " if found.diverged else ""
    return f"{note} {dots}{lost}{found.said_note}".strip()


def small_note(found: Found, note: str) -> str:
    """Return the note of a figure of curves."""
    lost = f"{found.diverged} of {len(found.results)} runs diverged. " if found.diverged else ""
    return f"{note} {plotting.spread_note(max(1, found.seeds))} {lost}{found.said_note}".strip()
