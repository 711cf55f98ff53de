"""The figures of lessons: one statement; curves or bars over seeds, or pictures; and as rows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import plotting

Curves = Mapping[str, Any]  # label -> values (seeds, points)
Pictures = Mapping[str, Mapping[str, tuple[Any, str]]]  # row -> column -> (picture, caption)
LINES = ("-", "--", "-.", ":")
NARROW = 4.1  # inches


def looks(
    curves: Curves, panel: str = "", highlight: Sequence[str] = ()
) -> dict[str, tuple[str, str, str]]:
    """Return (colour, marker, line) of each curve.

    What is called plain or residual, by its label or its panel, has that colour, in shades if
    there are several; what is highlighted has another colour; the rest is grey.
    """
    kinds = {label: _kind(f"{panel} {label}") for label in curves}
    palette = dict.fromkeys((plotting.HIGHLIGHT, *plotting.COLOURS))
    free = [c for c in palette if c not in kinds.values()]
    found = {}
    for i, label in enumerate(curves):
        same = [other for other in curves if kinds[other] == kinds[label]]
        place = same.index(label)
        if kinds[label]:
            colour = plotting.shades(kinds[label], len(same))[place]
            marker, line = "s" if kinds[label] == plotting.PLAIN else "o", LINES[0]
        elif label in highlight:
            colour = free[list(highlight).index(label)]
            marker, line = plotting.MARKERS[i % 7], LINES[0]
        else:
            colour, marker = plotting.GREYS[place % 2], plotting.MARKERS[i % 7]
            line = LINES[1 + place % 3]
        found[label] = colour, marker, line
    return found


def _kind(text: str) -> str:
    """Return the fixed colour of a kind of net that is named in the text, or ""."""
    words = text.replace("-", " ").lower().split()
    return plotting.PLAIN if "plain" in words else plotting.RESIDUAL if "residual" in words else ""


def curves(
    statement: str,
    at: Any,
    panels: Mapping[str, Curves],
    *,
    x: str,
    y: str,
    log: str = "",
    highlight: Sequence[str] = (),
    reverse: bool = False,
    centre: str = "mean",
    band: str = "range",
    marks: Mapping[str, float] | None = None,
    levels: Mapping[str, float] | None = None,
    note: str = "",
    of: str = "seed",
    narrow: bool = False,
) -> Any:
    """Return a figure with a panel per title of `panels`, all with the same axes.

    `narrow` is for a phone: panels below each other, and long labels below them.
    """
    at, n = np.asarray(at), len(panels)
    labels = [label for shown in panels.values() for label in shown]
    below = narrow and max(map(len, labels)) > 14
    if narrow:
        shape, size = (n, 1), (NARROW, 0.9 + 3 * n + 0.22 * below * len(labels))
    else:
        shape, size = (1, n), (7.2 if n == 1 else 4.6 * n, 4.3)
    figure, axes = plotting.new_figure(*shape, *size, sharex=True, sharey=True)
    axes, missing = axes.ravel(), 0
    for axis, (title, shown) in zip(axes, panels.items(), strict=True):
        plotting.label_axes(axis, x, y if narrow or axis is axes[0] else "", log, title)
        for label, (colour, marker, line) in looks(shown, title, highlight).items():
            missing += plotting.band_curve(
                axis, at, shown[label], label, colour, centre=centre, band=band,
                marker=marker, line=line,
            )  # fmt: skip
        for text, value in (marks or {}).items():
            plotting.reference_line(axis, text, x=value)
        for text, value in (levels or {}).items():
            plotting.reference_line(axis, text, y=value)
        _ticks(axis, at, "x" in log)
        axis.margins(x=0.02)
        if reverse and axis is axes[0]:  # the axes share x
            axis.invert_xaxis()
    seeds = {len(v) for shown in panels.values() for v in shown.values()}
    stopped = f" {missing} values cannot be drawn: a line ends there in a cross." if missing else ""
    said = plotting.spread_note(max(seeds), centre, band, of) + stopped
    plotting.state(figure, statement, f"{note} {said}".strip())
    if below:
        for axis in axes:
            plotting.legend_below(axis)
    else:
        plotting.label_curves(*axes)
    return figure


def _ticks(axis: Any, at: Any, logarithmic: bool) -> None:
    """Put the ticks of x at the points if they are few, else at whole numbers if the points are."""
    if len(at) <= 6:
        axis.set_xticks(at, [f"{value:g}" for value in at])
        axis.set_xticks([], minor=True)
    elif np.issubdtype(at.dtype, np.integer) and not logarithmic:
        axis.xaxis.get_major_locator().set_params(integer=True)


def curve_rows(
    at: Any, panels: Mapping[str, Curves], x: str, y: str, of: str = "seed"
) -> list[dict[str, Any]]:
    """Return what the curves show: a row per panel, curve, seed and point."""
    return [
        ({"panel": title} if len(panels) > 1 else {})
        | {"curve": label, of: seed, x: place, y: value}
        for title, shown in panels.items()
        for label, values in shown.items()
        for seed, found in enumerate(np.asarray(values, np.float64).tolist())
        for place, value in zip(np.asarray(at).tolist(), found, strict=True)
    ]


def curves_in_words(at: Any, panels: Mapping[str, Curves], x: str, y: str) -> str:
    """Return what a figure of curves shows, for those who do not see it: each curve's two ends."""
    said = []
    for title, shown in panels.items():
        for label, values in shown.items():
            with np.errstate(invalid="ignore"):
                means = np.asarray(values, np.float64).mean(axis=0)
            known = np.flatnonzero(np.isfinite(means))
            name = f"{title}, {label}" if title and len(panels) > 1 else label
            ends = [
                f"{means[i]:.3g} at {np.asarray(at)[i]:g}" for i in known[[0, -1][: len(known)]]
            ]
            said.append(f"{name}: {' to '.join(ends) or 'no finite value'}")
    return f"Curves of {y} over {x}. " + "; ".join(said) + "."


def bars_in_words(values: Mapping[str, Sequence[float | None]], x: str) -> str:
    """Return what a figure of bars shows, for those who do not see it: each bar's mean."""
    said = []
    for label, found in values.items():
        known = [v for v in found if v is not None and np.isfinite(v)]
        said.append(f"{label}: {np.mean(known):.3g}" if known else f"{label}: not finite")
    return f"Bars of {x}. " + "; ".join(said) + "."


def bars(
    statement: str,
    values: Mapping[str, Sequence[float | None]],
    *,
    x: str,
    highlight: Sequence[str] = (),
    form: str = "{:.3g}",
    note: str = "",
    centre: str = "mean",
    of: str = "seed",
    narrow: bool = False,
) -> Any:
    """Return a figure with a horizontal bar per label: mean, range and the seeds as dots."""
    names = [textwrap.fill(label, 18) if narrow else label for label in values]
    lines = sum(1 + name.count("\n") for name in names)
    size = (
        (NARROW, 1.9 + 0.2 * (len(values) + lines)) if narrow else (7.2, 1.6 + 0.42 * len(values))
    )
    figure, axes = plotting.new_figure(1, 1, *size)
    plotting.label_axes(axes[0, 0], x, "")
    colours = [
        _kind(label) or (plotting.HIGHLIGHT if label in highlight else plotting.GREYS[1])
        for label in values
    ]
    plotting.bars(axes[0, 0], names, list(values.values()), colours, form, centre)
    counts = sorted({len(v) for v in values.values()})
    many = f"{' or '.join(map(str, counts))} {of}s"
    said = f"Bars: {centre} of {many} (the dots); lines: their range."
    if of == "count":
        said = plotting.COUNTED
    elif counts == [1]:
        said = f"One {of}: no spread is known."
    plotting.state(figure, statement, f"{note} {said}".strip())
    return figure


def bar_rows(
    values: Mapping[str, Sequence[float | None]], x: str, of: str = "seed"
) -> list[dict[str, Any]]:
    """Return what the bars show: a row per bar and seed."""
    return [
        {"bar": label, of: seed, x: value}
        for label, found in values.items()
        for seed, value in enumerate(found)
    ]


def pictures(
    statement: str,
    rows: Pictures,
    *,
    signed: Sequence[str] = (),
    note: str = "",
    narrow: bool = False,
) -> Any:
    """Return a figure with a line of pictures per row, their captions below them.

    Pictures are (H, W) or (H, W, 3) with values from 0, black, to 1, white. Those in columns
    named `signed` show 0 as mid-grey, and all of them are drawn on one scale. `narrow` puts two
    beside each other.
    """
    columns = list(dict.fromkeys(column for shown in rows.values() for column in shown))
    many = min(2, len(columns)) if narrow else len(columns)
    lines = [(title, columns[i : i + many]) for title in rows for i in range(0, len(columns), many)]
    size = 0.5 + 1.75 * many, 0.9 + 2.1 * len(lines)
    figure, axes = plotting.new_figure(len(lines), many, *size)
    kept = [np.abs(shown[c][0]).ravel() for shown in rows.values() for c in signed if c in shown]
    limit = float(np.quantile(np.concatenate(kept), 0.99)) if kept else 0.0
    limit = limit or 1.0  # a few larger values are drawn as that
    for number, (title, names) in enumerate(lines):
        for axis, column in zip(axes[number], [*names, *[""] * many], strict=False):
            axis.grid(visible=False)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if narrow or number == 0:
                axis.set_title(column, fontsize=10)
            if column in rows[title]:
                picture, caption = rows[title][column]
                low, high = (-limit, limit) if column in signed else (0.0, 1.0)
                axis.imshow(np.asarray(picture, np.float64).clip(low, high), "gray",
                            vmin=low, vmax=high, interpolation="nearest")  # fmt: skip
                axis.set_xlabel(caption, fontsize=9)
        axes[number, 0].set_ylabel(title, fontsize=10)
    scale = f"In {' and '.join(signed)} grey is 0, white {limit:+.2g}, black {-limit:+.2g}."
    said = [note, scale if signed else "", "One seed: no spread is known."]
    plotting.state(figure, statement, " ".join(s for s in said if s))
    return figure


def picture_rows(rows: Pictures) -> list[dict[str, Any]]:
    """Return what the pictures show: a row per picture, with its caption and its values' range."""
    return [
        {"row": title, "picture": column, "caption": caption, "mean": float(np.mean(picture)),
         "deviation": float(np.std(picture)), "lowest": float(np.min(picture)),
         "highest": float(np.max(picture))}
        for title, shown in rows.items()
        for column, (picture, caption) in shown.items()
    ]  # fmt: skip


def pictures_in_words(rows: Pictures) -> str:
    """Return what a figure of pictures shows, for those who do not see it: "a (caption), b"."""

    def of(column: str, caption: str) -> str:
        return f"{column} ({caption})" if caption else column

    lines = {
        title: ", ".join(of(column, caption) for column, (_, caption) in shown.items())
        for title, shown in rows.items()
    }
    said = [f"{title}: {line}" if title else line for title, line in lines.items()]
    return f"Pictures. {'; '.join(said)}."
