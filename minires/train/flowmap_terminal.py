"""The map of gradient flow in a terminal, below the line of progress, redrawn in place."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

import numpy as np

from ..tensor import Array
from .console import Console, progress_line
from .flowmap import QUANTITIES, FlowMap, Map, colours
from .listener import Progress

if TYPE_CHECKING:
    from .run import Run

SHADES = " .:-=+*#%@"  # without colours: from small to large
GONE, ZERO = "/", "0"  # not finite; exactly 0
HALF = "\N{UPPER HALF BLOCK}"
EIGHT = (53, 54, 18, 24, 31, 30, 36, 35, 41, 77, 113, 148, 220)  # VIRIDIS in the 256 colours
LEFT = 9  # columns for the names of layers
LEVELS = 64  # of colours
BLACK, MISSING = LEVELS, LEVELS + 1
AGAIN = 1.0  # s between two drawings of the map
WIDEST = 6  # letters for a record, while there are few
AROUND = 4  # lines above and below the map


class MapConsole(Console):
    """Tells progress as `Console` does and, on a terminal, shows a quantity by layer and step."""

    def __init__(self, quantity: str = "dx", stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self.quantity, self.flow = quantity, FlowMap()
        self.terminal &= os.environ.get("TERM") != "dumb"  # which cannot move its cursor
        self.depth = colour_depth(os.environ, getattr(self.stream, "encoding", None) or "ascii")
        self._lines = 0

    def step(self, progress: Progress) -> None:
        if self.terminal and time.monotonic() - self._last >= AGAIN:
            self._last = time.monotonic()
            self._show(progress)

    def end(self, progress: Progress, run: Run) -> None:
        if self.terminal:
            gone = f"diverged at {run.iteration:,}" if run.status == "diverged" else ""
            self._show(progress, gone)
            self._write("\n")
        self._shown, self._lines = False, 0  # it stays there

    def _show(self, progress: Progress, end: str = "") -> None:
        self.flow.take(progress.records)
        width, height = shutil.get_terminal_size()
        lines = draw(self.flow, self.quantity, width - 1, height - 1, self.depth, end)
        lines.append(progress_line(progress)[: width - 1])
        self._clear()
        self._write("\n".join(lines))
        self._shown, self._lines = True, len(lines) - 1

    def _clear(self) -> None:
        if self._shown and self._lines:
            self._write(f"\r\x1b[{self._lines}A\x1b[J")
            self._shown, self._lines = False, 0
        super()._clear()


def colour_depth(environ: Mapping[str, str], encoding: str) -> int:
    """Return 24 (bits), 8 or 0: what the terminal shows, and is wanted (NO_COLOR)."""
    try:
        HALF.encode(encoding)
    except (UnicodeError, LookupError):
        return 0
    if environ.get("NO_COLOR") or environ.get("TERM") in (None, "", "dumb"):
        return 0
    return 24 if environ.get("COLORTERM") in ("truecolor", "24bit") else 8


def draw(
    flow: FlowMap, quantity: str, width: int, height: int, depth: int, end: str = ""
) -> list[str]:
    """Return the lines of a map that fits `width` × `height` characters; none if it is too small.

    depth   bits of a colour, 24 or 8; 0: letters, from " " for small to "@" for large
    end     what is written where the training has diverged
    """
    room, across = height - AROUND - 1, width - LEFT
    tail = 4 if end else 0  # columns that stand for what is not finite
    found = flow.map(quantity, room * (2 if depth else 1), across - tail) if across > tail else None
    if room < 2 or across < 20 or found is None:
        return []
    wide = min(WIDEST, (across - tail) // len(found.columns))  # letters for a record
    gone = np.full((len(found.values), tail), np.nan)
    found = replace(found, values=np.hstack([found.values.repeat(wide, axis=1), gone]))
    rows = _letters(found) if not depth else _blocks(found, depth)
    names = _names(found, 2 if depth else 1)
    first, last = (f"{found.columns[i][i]:,}" for i in (0, -1))
    after = f"{last}  {end}" if end else last
    steps = first + after.rjust(max(len(after) + 1, found.values.shape[1] - len(first)))
    return [
        f"{QUANTITIES[quantity].title}, layer by layer (top: input) over steps"[:width],
        *(f"{name:>{LEFT - 1}} {row}" for name, row in zip(names, rows, strict=True)),
        (" " * LEFT + steps)[:width],
        _scale(found, depth, width),
    ]


def _names(found: Map, each: int) -> list[str]:
    """Return what stands before each line: stages where they begin, else numbers of layers."""
    lines = -(-len(found.values) // each)
    names = [""] * lines
    for row, stage in found.stages:
        names[row // each] = stage[: LEFT - 1]
    if not found.stages:
        names[0], names[-1] = f"layer {found.rows[0][0]}", str(found.rows[-1][1])
    return names


def _letters(found: Map) -> list[str]:
    shares = np.nan_to_num(found.share(), nan=0.0, neginf=0.0)
    index = (shares * len(SHADES)).clip(0, len(SHADES) - 1).astype(int)
    return [
        "".join(
            GONE if np.isnan(v) else ZERO if np.isneginf(v) else SHADES[i]
            for v, i in zip(values, row, strict=True)
        )
        for values, row in zip(found.values, index, strict=True)
    ]


def _blocks(found: Map, depth: int) -> list[str]:
    """Return a line for every two rows: the upper half of each letter is one, the lower the other.

    Where one of them is not finite there is a stroke.
    """
    index = _levels(found.share())
    upper_codes, lower_codes = (_codes(ground, depth) for ground in (38, 48))
    lines = []
    for row in range(0, len(index), 2):
        line, before = "", ""
        for upper, lower in zip(
            index[row].tolist(), index[row : row + 2][-1].tolist(), strict=True
        ):
            look, letter = f"{upper_codes[upper]};{lower_codes[lower]}", HALF
            if MISSING in (upper, lower):
                look, letter = "0", GONE
            line += (f"\x1b[{look}m" if look != before else "") + letter
            before = look
        lines.append(line + "\x1b[0m")
    return lines


def _levels(share: Array) -> Array:
    """Return 0 to LEVELS - 1 for shares from 0 to 1, BLACK for exactly 0, MISSING for NaN."""
    found = np.nan_to_num(share, nan=0.0, neginf=0.0).clip(0, 1) * (LEVELS - 1)
    index = found.round().astype(int)
    index[np.isneginf(share)], index[np.isnan(share)] = BLACK, MISSING
    return index


def _codes(ground: int, depth: int) -> list[str]:
    """Return the codes of all levels for the foreground (38) or the background (48)."""
    shares = np.linspace(0, 1, LEVELS)
    if depth == 24:
        found = [f"2;{r};{g};{b}" for r, g, b in colours(shares)]
    else:
        found = [f"5;{EIGHT[round(share * (len(EIGHT) - 1))]}" for share in shares]
    black = "2;0;0;0" if depth == 24 else "5;16"
    return [f"{ground};{code}" for code in (*found, black, black)]


def _scale(found: Map, depth: int, width: int) -> str:
    """Return the scale as a line, in decades over the whole run."""
    shades = SHADES
    if depth:
        codes = _codes(48, depth)[: LEVELS : LEVELS // (len(SHADES) - 1)]
        shades = "".join(f"\x1b[{code}m " for code in codes) + "\x1b[0m"
    text = f"10^{found.low} {shades} 10^{found.high}"
    more = f"   {GONE} not finite   {'black' if depth else ZERO}: exactly 0"
    drawn = len(f"10^{found.low}  10^{found.high}") + len(SHADES)
    return " " * LEFT + text + more * (LEFT + drawn + len(more) <= width)
