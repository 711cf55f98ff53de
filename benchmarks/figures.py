"""Saving what benchmarks draw and measure: whole files or none, in benchmarks/results."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minires.results import to_csv, write_bytes, write_text

RESULTS = Path(__file__).parent / "results"


def save_png(figure: Any, path: Path) -> Path:
    """Write a matplotlib figure as PNG, 150 dpi."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return write_bytes(path, buffer.getvalue())


def save_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Write rows as CSV, floats with six significant digits."""
    short = [{k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    return write_text(path, to_csv(short))
