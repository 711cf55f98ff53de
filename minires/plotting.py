"""One look for all figures: a palette, curves with bands, bars with spread, labels, saving.

    figure, axes = new_figure(1, 1, 7, 4.2)
    label_axes(axes[0, 0], "layer", "norm of the gradient", log="y")
    band_curve(axes[0, 0], layers, norms, "plain-56", PLAIN, centre="geometric")
    state(figure, "56 plain layers lose 22 decades", spread_note(3, "geometric"))
    label_curves(axes[0, 0])
    save_figure(figure, Path("out/flow"), "Gradient by layer")

A figure makes one statement, its title; what the statement is about has a colour, the rest is
grey. Matplotlib is imported when a figure is made, without pyplot and without a display.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .results import write_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette without yellow, which is faint on white; darkest contrasts first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
RESIDUAL, PLAIN, PREACT = COLOURS[:3]  # everywhere
SKIP_COLOURS = {"none": PLAIN, "identity": RESIDUAL, "preact": PREACT}
HIGHLIGHT = PLAIN
GREYS = ("#555555", "#8a8a8a", "#b5b5b5")  # what the statement is not about
TEXT_GREY = "#555555"
LEAST = 1e-290  # on a logarithmic axis, whose margin below must not underflow
CENTRES, BANDS = ("mean", "geometric", "median"), ("range", "deviation")


def new_figure(rows: int, columns: int, width: float, height: float, **options: Any) -> Any:
    """Return (figure, 2-D array of axes) of a size in inches, outside of pyplot's global state.

    `options` go to `Figure.subplots`, e.g. `sharey=True`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="0.9", linewidth=0.7)
        axis.set_axisbelow(True)
    return figure, axes


def shades(colour: str, n: int) -> list[str]:
    """Return n mixes of a colour with white, light to full, for an ordered variable as depth."""
    from matplotlib.colors import to_hex, to_rgb

    rgb = np.array(to_rgb(colour))
    return [to_hex(1 - (1 - rgb) * share) for share in np.linspace(0.45 if n > 1 else 1, 1, n)]


def label_axes(axis: Any, x: str, y: str, log: str = "", title: str = "") -> None:
    """Name the quantities, with units; `log` is "", "x", "y" or "xy"; `title` is a panel's."""
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    for letter in log:
        axis.set(**{f"{letter}scale": "log"})
        _log_ticks(getattr(axis, f"{letter}axis"))
    if title:
        axis.set_title(title, loc="left", fontsize=10)


def _log_ticks(axis: Any) -> None:
    """Name powers of ten, and over less than two decades plain numbers: 0.2, 0.5, 1."""
    from matplotlib.ticker import LogFormatterSciNotation

    class Plain(LogFormatterSciNotation):
        def __call__(self, x: float, pos: int | None = None) -> str:
            low, high = np.sort(axis.get_view_interval())
            decades = np.log10(high / max(low, LEAST))
            if decades >= 2:
                return str(super().__call__(x, pos)) if self.labelOnlyBase else ""
            digit = x / 10 ** np.floor(np.log10(x) + 1e-9)
            few = (1, 2, 3, 4, 5, 6, 8) if decades > 0.3 else range(1, 10)
            kept = (1, 2, 5) if decades > 0.5 else few
            near = any(abs(digit - d) < 1e-6 for d in kept) or decades < 0.1
            return f"{x:g}" if near else ""

    axis.set_major_formatter(Plain(labelOnlyBase=True))
    axis.set_minor_formatter(Plain(labelOnlyBase=False))


def band_curve(
    axis: Any,
    x: Any,
    ys_by_seed: Any,
    label: str,
    colour: str,
    *,
    centre: str = "mean",
    band: str = "range",
    marker: str = "",
    line: str = "-",
) -> int:
    """Draw a line through the centre of several seeds and a band for their spread.

    x (points,), ys_by_seed (seeds, points). `centre` is mean, geometric (mean) or median; `band`
    is range (lowest to highest) or deviation (one sample standard deviation, of the logarithms
    about a geometric mean). A point is drawn where every seed is finite, and above LEAST if
    the axis or the mean is logarithmic; beside a point that is not, the line ends in a cross.
    Returns the number of values that cannot be drawn. Raises ValueError for other shapes.
    """
    x, ys = np.asarray(x, np.float64), np.asarray(ys_by_seed, np.float64)
    if x.ndim != 1 or ys.ndim != 2 or ys.shape[1] != len(x) or not len(ys):
        raise ValueError(
            f"{label}: expected x (points,) and ys_by_seed (seeds, points), "
            f"got {x.shape} and {ys.shape}"
        )
    logarithmic = axis.get_yscale() == "log"
    known = np.isfinite(ys) & ((ys > LEAST) | (not logarithmic and centre != "geometric"))
    drawn = known.all(axis=0)
    middle, low, high = (np.full(len(x), np.nan) for _ in range(3))
    if drawn.any():
        middle[drawn], low[drawn], high[drawn] = _centre_and_band(ys[:, drawn], centre, band)
        if logarithmic:
            low[drawn] = np.where(low[drawn] > 0, low[drawn], middle[drawn])
    every = max(1, len(x) // 6)
    axis.plot(
        x, middle, line, color=colour, marker=marker, markersize=4.5, markevery=every,
        linewidth=1.8, label=label,
    )  # fmt: skip
    if len(ys) > 1:
        axis.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    padded = np.concatenate(([True], drawn, [True]))
    stops = drawn & ~(padded[:-2] & padded[2:])
    axis.plot(x[stops], middle[stops], "x", color=colour, markersize=8, markeredgewidth=2)
    return int((~known).sum())


def _centre_and_band(ys: Any, centre: str, band: str) -> tuple[Any, Any, Any]:
    """Return (centre, low, high), each (points,), of finite ys (seeds, points)."""
    if centre not in CENTRES or band not in BANDS:
        raise ValueError(f"expected a centre of {CENTRES} and a band of {BANDS}")
    values = np.log(ys) if centre == "geometric" else ys
    middle = np.median(values, axis=0) if centre == "median" else values.mean(axis=0)
    low, high = values.min(axis=0), values.max(axis=0)
    if band == "deviation":
        spread = values.std(axis=0, ddof=1) if len(ys) > 1 else np.zeros_like(middle)
        low, high = middle - spread, middle + spread
    found = (middle, low, high)
    return tuple(np.exp(v) for v in found) if centre == "geometric" else found


def bars(
    axis: Any,
    names: Sequence[str],
    values_by_seed: Sequence[Sequence[float | None]],
    colours: Sequence[str],
    form: str = "{:.3g}",
    centre: str = "mean",
) -> int:
    """Draw a horizontal bar per name, top down: mean, whisker from lowest to highest, a dot a seed.

    The mean, or the median as `centre`, is written beside its bar in the format `form`. None, NaN
    and infinities (diverged runs) are not drawn but counted beside the bar. Returns their number.
    """
    missing = 0
    for i, (found, colour) in enumerate(zip(values_by_seed, colours, strict=True)):
        known = [float(v) for v in found if v is not None and np.isfinite(v)]
        lost, text = len(found) - len(known), ""
        if known:
            mean = float(np.median(known) if centre == "median" else np.mean(known))
            axis.barh(i, mean, color=colour, height=0.6, alpha=0.85)
            axis.plot([min(known), max(known)], [i, i], color="black", linewidth=1.2)
            axis.plot(known, [i] * len(known), "o", color="black", markersize=3.5)
            text = form.format(mean)
        if lost:
            text += f" ({lost} of {len(found)} not finite)"
        end = max([0.0, *known])
        look = {"color": "black"} if known else {"color": colour, "weight": "bold"}
        axis.annotate(
            text.strip(), (end, i), (7, 0), textcoords="offset points", va="center", **look
        )
        missing += lost
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.grid(visible=False, axis="y")
    axis.margins(x=0.12)
    return missing


def reference_line(axis: Any, text: str, *, x: float | None = None, y: float | None = None) -> None:
    """Draw a dotted grey line at one x or y, e.g. theory or guessing, with its name on it."""
    style = {"color": GREYS[1], "linewidth": 1, "linestyle": ":", "zorder": 1}
    about = {"color": TEXT_GREY, "fontsize": 8, "textcoords": "offset points"}
    if y is not None:
        axis.axhline(y, **style)
        axis.get_ylim()  # brings the limits up to date
        firsts = [line.get_ydata()[0] for line in axis.lines if len(line.get_ydata()) > 2]
        (_, at), *others = axis.transData.transform([(1, v) for v in (y, *firsts)])
        covered = any(0 <= v - at < 0.05 * axis.bbox.height for _, v in others)
        place = {"va": "top"} if covered else {"va": "bottom"}
        axis.annotate(text, (0, y), (2, -3 if covered else 1), **about, **place,
                      xycoords=("axes fraction", "data"))  # fmt: skip
    if x is not None:
        axis.axvline(x, **style)
        axis.annotate(text, (x, 1), (3, -2), xycoords=("data", "axes fraction"), va="top", **about)


def label_curves(*axes: Any, fontsize: float = 9) -> None:
    """Write each curve's label at its right end, in its colour, moved apart where they would touch.

    Call it last, once for all axes of a figure: it lays the figure out, and the limits must not
    change after it. A label that had to move is tied to the curve's end by a thin line; that of
    a curve that ends early stands above its end, within the axis.
    """
    texts: list[Any] = []
    for axis in axes:
        axis.set(xlim=axis.get_xlim(), ylim=axis.get_ylim())
    for _ in range(2):  # the first labels take room from the axes, which moves their points
        figure = axes[0].figure
        figure.get_layout_engine().execute(figure)
        for text in texts:
            text.remove()
        texts = [text for axis in axes for text in _labels(axis, fontsize)]


def _labels(axis: Any, fontsize: float) -> list[Any]:
    """Write the labels of one axis, where its curves end in the layout as it is; return them."""
    named = [line for line in axis.lines if not line.get_label().startswith("_")]
    ends = [end for end in map(_end, named) if end is not None]
    gap = 1.3 * fontsize * axis.figure.dpi / 72 / axis.get_window_extent().height
    to_axes = axis.transData + axis.transAxes.inverted()
    places = sorted((*to_axes.transform(xy)[::-1], xy, name, colour) for xy, name, colour in ends)
    heights = apart([y for y, *_ in places], gap)
    texts = []
    for (y, x, xy, name, colour), height in zip(places, heights, strict=True):
        tie = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
        texts.append(axis.annotate(
            name, xy, (1.03, height) if x > 0.9 else (x + 0.02, height + 0.7 * gap),
            textcoords="axes fraction", va="center", fontsize=fontsize, color=_readable(colour),
            arrowprops=tie if abs(y - height) > gap / 4 else None,
            annotation_clip=False,
        ))  # fmt: skip
    return texts


def legend_below(axis: Any, fontsize: float = 9) -> None:
    """Write the curves' labels below the axis, where there is no room at their ends."""
    axis.legend(
        loc="upper left", bbox_to_anchor=(0, -0.22), borderaxespad=0, frameon=False,
        fontsize=fontsize, handlelength=2.5,
    )  # fmt: skip


def _end(line: Any) -> tuple[tuple[float, float], str, str] | None:
    """Return ((x, y) of the rightmost drawn point, label, colour) of a line, or None."""
    points = np.asarray(line.get_xydata(), np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return None
    x, y = points[line.axes.transData.transform(points)[:, 0].argmax()]
    return (float(x), float(y)), line.get_label(), line.get_color()


def _readable(colour: str) -> Any:
    """Return the colour, darkened if it is too light for text on white."""
    from matplotlib.colors import to_rgb

    rgb = np.array(to_rgb(colour))
    luminance = float(rgb**2.2 @ (0.2126, 0.7152, 0.0722))
    return tuple(rgb * min(1, (0.17 / max(luminance, 1e-6)) ** (1 / 2.2)))


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Return ascending places moved as little as needed to be `gap` apart, about their old mean.

    Touching places are merged into groups that are centred on the mean of their members.
    """
    groups: list[list[float]] = []
    for place in places:
        groups.append([place])
        while len(groups) > 1:
            below, above = groups[-2:]
            room = (len(below) + len(above)) / 2 * gap
            if np.mean(above) - np.mean(below) >= room:
                break
            groups[-2:] = [below + above]
    return [float(np.mean(g)) + (i - (len(g) - 1) / 2) * gap for g in groups for i in range(len(g))]


COUNTED = "Counted: the same for every seed, so that there is no spread."


def spread_note(seeds: int, centre: str = "mean", band: str = "range", of: str = "seed") -> str:
    """Return the sentence that says how many seeds there are, and what line and band show.

    `of="count"` is for numbers that are counted, so that there is nothing that could differ.
    """
    if of == "count":
        return COUNTED
    if seeds == 1:
        return f"One {of}: no band, and no spread is known."
    line = {"mean": "mean", "geometric": "geometric mean", "median": "median"}[centre]
    shown = {"range": "from the lowest to the highest", "deviation": "one standard deviation"}
    return f"Lines: {line} of {seeds} {of}s; bands: {shown[band]}."


def state(figure: Figure, statement: str, note: str = "") -> None:
    """Write what the figure shows as its title, and below it in grey how it was measured."""
    x = 0.012
    title = figure.suptitle(statement, x=x, ha="left", fontsize=12, fontweight="bold")
    _wrap(figure, title)
    if note:
        below = figure.supxlabel(note, x=x, ha="left", fontsize=8, color=TEXT_GREY)
        _wrap(figure, below)


def _wrap(figure: Any, text: Any) -> None:
    """Break a text into lines that fit the figure's width."""
    whole = text.get_text().replace(" %", "\N{NO-BREAK SPACE}%")
    room = 0.97 * figure.bbox.width
    share = text.get_window_extent().width / room
    letters = len(whole) / share
    while share > 1 and letters >= 10:  # lines of narrow letters are shorter than others
        lines = textwrap.wrap(whole, int(letters), break_on_hyphens=False)
        text.set_text("\n".join(lines).replace("\N{NO-BREAK SPACE}", " "))
        share = text.get_window_extent().width / room
        letters -= 1


def render(
    figure: Figure, title: str, suffixes: Sequence[str] = (".png", ".svg")
) -> dict[str, bytes]:
    """Return {".png": 150 dpi, ".svg": real text}: the same bytes for the same data."""
    from matplotlib import rc_context

    files, layout = {}, figure.get_layout_engine()
    for suffix in suffixes:
        buffer = io.BytesIO()
        metadata: dict[str, Any] = {"Title": title}
        if suffix == ".svg":
            metadata["Date"] = None
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "minires"}):
            figure.savefig(buffer, format=suffix[1:], dpi=150, metadata=metadata)
        files[suffix] = buffer.getvalue()
        figure.set_layout_engine("none")  # one layout, which takes half of the time, is enough
    figure.set_layout_engine(layout)
    return files


def save_figure(figure: Figure, stem: Path, title: str) -> list[Path]:
    """Write `stem`.png and `stem`.svg, both or neither; see `render`."""
    files = render(figure, title)
    return write_all({stem.with_name(stem.name + suffix): data for suffix, data in files.items()})
