"""The map of gradient flow on the live page: a picture in an SVG, a choice of four quantities."""

from __future__ import annotations

import base64
import html
import io

import numpy as np

from .flowmap import QUANTITIES, VIRIDIS, FlowMap, Map, colours
from .listener import Progress

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 330, 56, 96, 8, 40
CELLS = 320  # columns at most: more records are joined

# window.name outlives the page's reloads, also in a page of a file.
SCRIPT = """<script>
const shown = document.getElementsByName("flow");
for (const one of shown) {
  one.onchange = () => { window.name = "flow-" + one.value };
  if (window.name === "flow-" + one.value) one.checked = true;
}
</script>"""
STYLE = f"""
.flow input {{ margin: 0 .3rem 0 0 }} .flow label {{ margin-right: 1rem; font-size: .85rem }}
.flow figure {{ display: none; margin: .4rem 0 }}
{", ".join(f"#flow-{n}:checked ~ #map-{n}" for n in QUANTITIES)} {{ display: block }}
"""


def section(flow: FlowMap, progress: Progress, status: str) -> str:
    """Return the section of the page, empty if nothing is recorded."""
    found = {name: flow.map(name, columns=CELLS) for name in QUANTITIES}
    maps = {name: found_map for name, found_map in found.items() if found_map is not None}
    if not maps:
        return ""
    choice = "".join(
        f'<input type="radio" name="flow" id="flow-{name}" value="{name}"'
        f'{" checked" if i == 0 else ""}><label for="flow-{name}">'
        f"{html.escape(QUANTITIES[name].title)}</label>"
        for i, name in enumerate(maps)
    )
    end = f"diverged at {progress.iteration:,}" if status == "diverged" else ""
    figures = "".join(
        f'<figure id="map-{name}">{_svg(found_map, name, end)}'
        f"<figcaption><p>{html.escape(words(found_map, name, end))}</p></figcaption></figure>"
        for name, found_map in maps.items()
    )
    return f'<section class="flow"><h2>Layer by layer</h2>{choice}{figures}</section>{SCRIPT}'


def words(found: Map, name: str, end: str = "") -> str:
    """Return the legend: what rows, columns and colours are, and what the latest column shows."""
    joined = found.columns[0][1] > found.columns[0][0]
    what = QUANTITIES[name].words
    text = (
        f"{what[0].upper()}{what[1:]}: layers from the input (top) to the loss (bottom), "
        f"training from left to right. Dark is small, {_power(found.low)}; "
        f"yellow is large, {_power(found.high)}; black is exactly 0. The scale is of the whole run."
    )
    text += f" Hatched: not finite, {end}." if end else " Hatched: not finite."
    text += " Neighbouring records are joined: geometric means." if joined else ""
    return f"{text} {latest(found)}"


def _power(power: int) -> str:
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def latest(found: Map) -> str:
    """Return what the latest records say, e.g. "At step 50 the first layer has 1e-08, …"."""
    first, last = found.values[[0, -1], -1]
    if not np.isfinite([first, last]).all():
        return ""
    decades = last - first
    change = "as much, within a factor of 2"
    if abs(decades) >= 0.3:
        change = f"{abs(decades):.1f} decades {'more' if decades > 0 else 'less'}"
    step = found.columns[-1][1]
    return f"At step {step:,} the first layer has {10**first:.2g}, the last {change}."


def _svg(found: Map, name: str, end: str) -> str:
    """Return the map as an SVG; where the picture is transparent, the hatching shows."""
    rows, columns = found.values.shape
    extra = max(1, round(columns * 0.06)) if end else 0  # room for "diverged"
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    across = width / (columns + extra)
    label = html.escape(f"Heat map of {QUANTITIES[name].words}. {latest(found)}", quote=True)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" font-size="12" '
        'fill="currentColor">',
        f'<defs><pattern id="hatch-{name}" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path d="M0 0V7" stroke="currentColor" stroke-width="2"/>'
        f'</pattern><linearGradient id="scale-{name}" x1="0" y1="1" x2="0" y2="0">',
        *(f'<stop offset="{i / (len(VIRIDIS) - 1):.3f}" stop-color="{c}"/>'
          for i, c in enumerate(VIRIDIS)),
        "</linearGradient></defs>",
        f'<rect x="{LEFT}" y="{TOP}" width="{width}" height="{height}" '
        f'fill="url(#hatch-{name})" stroke="currentColor"/>',
        f'<image x="{LEFT}" y="{TOP}" width="{across * columns:.2f}" height="{height}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{picture(found)}"/>',
    ]  # fmt: skip
    for row, stage in found.stages:
        y = TOP + height * row / rows
        if row:
            parts.append(
                f'<path d="M{LEFT} {y:.1f}H{LEFT + width}" stroke="#fff" stroke-width="1.5"/>'
            )
        after = next((r for r, _ in found.stages if r > row), rows)
        if (after - row) * height / rows >= 12:
            middle = TOP + height * (row + after) / 2 / rows
            parts.append(_text(LEFT - 6, middle + 4, stage, "end"))
    if not found.stages:
        parts += [_text(LEFT - 6, TOP + 10, f"layer {found.rows[0][0]}", "end"),
                  _text(LEFT - 6, TOP + height, str(found.rows[-1][1]), "end")]  # fmt: skip
    for column in sorted({0, columns - 1} | ({columns // 2} if columns > 8 else set())):
        x = LEFT + across * (column + 0.5)
        parts.append(_text(x, TOP + height + 16, f"{found.columns[column][0]:,}", "middle"))
    parts.append(_text(LEFT, HEIGHT - 6, "training step", "start"))
    if end:
        parts.append(_text(LEFT + width, HEIGHT - 6, end, "end"))
    x = LEFT + width + 16
    parts.append(
        f'<rect x="{x}" y="{TOP}" width="14" height="{height}" fill="url(#scale-{name})"/>'
    )
    size = -(-(found.high - found.low) // 8)
    for power in range(found.low, found.high + 1, size):
        y = TOP + height * (1 - (power - found.low) / (found.high - found.low))
        tens = f'10<tspan dy="-4" font-size="9">{power}</tspan>'
        parts.append(f'<text x="{x + 18}" y="{y + 5:.1f}">{tens}</text>')
    return "".join(parts) + "</svg>"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def picture(found: Map) -> str:
    """Return a PNG, a pixel per cell, in base64; cells that are not finite are transparent."""
    from PIL import Image

    opaque = np.where(np.isnan(found.values), 0, 255).astype(np.uint8)
    image = Image.fromarray(np.dstack([colours(found.share()), opaque]))
    data = io.BytesIO()
    image.save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()
