"""Figures without a display: colours for colour-blind readers, and saving as PNG and SVG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette without yellow, which is faint on white; darkest contrasts first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def new_figure(rows: int, columns: int, width: float, height: float, **options: Any) -> Any:
    """Return (figure, 2-D array of axes) of a size in inches, outside of pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save_figure(figure: Figure, stem: Path, title: str) -> list[Path]:
    """Write `stem`.png (150 dpi) and `stem`.svg (real text, same bytes for the same data)."""
    from matplotlib import rc_context

    paths = []
    for suffix in (".png", ".svg"):
        buffer = io.BytesIO()
        metadata: dict[str, Any] = {"Title": title}
        if suffix == ".svg":
            metadata["Date"] = None
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "minires"}):
            figure.savefig(buffer, format=suffix[1:], dpi=150, metadata=metadata)
        paths.append(write_bytes(stem.with_name(stem.name + suffix), buffer.getvalue()))
    return paths
