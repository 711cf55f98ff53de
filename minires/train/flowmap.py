"""Records of gradient flow as a map, layer × step, for the live page, the terminal and a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array

Record = Mapping[str, Any]


def _relative(row: Record) -> float | None:
    """Return ‖∂L/∂W‖ / ‖W‖."""
    return row["dw_norm"] / row["w_norm"] if row["dw_norm"] is not None and row["w_norm"] else None


@dataclass(frozen=True)
class Quantity:
    """What a map shows. `path`: of the layers on the main path only, which the others leave."""

    title: str
    words: str
    of: Callable[[Record], float | None]
    path: bool


VIRIDIS = (  # from small to large; matplotlib's
    "#440154", "#481f70", "#443983", "#3b528b", "#31688e", "#287c8e", "#21918c", "#20a486",
    "#35b779", "#5ec962", "#90d743", "#c8e020", "#fde725",
)  # fmt: skip
_STOPS = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in VIRIDIS], float)

QUANTITIES = {
    "dx": Quantity("gradient ‖∂L/∂x‖", "the gradient at each layer's input",
                   lambda row: row["dx_norm"], True),
    "dw": Quantity("weights' gradient ‖∂L/∂W‖ / ‖W‖", "the gradient of each layer's weights, "
                   "relative to the weights", _relative, False),
    "update": Quantity("update ‖ΔW‖ / ‖W‖", "how far one step moves each layer's weights, "
                       "relative to the weights", lambda row: row["update_ratio"], False),
    "x": Quantity("signal, RMS of x", "the size of each layer's input",
                  lambda row: row["forward_rms"], True),
}  # fmt: skip


@dataclass(frozen=True)
class Map:
    """One quantity over layer × step.

    values      (rows, columns) log10; NaN: not finite, -inf: exactly 0. The first row is the input
    rows        (first, last) layer of each row, from 1
    columns     (first, last) step of each column
    stages      (row, name) at which a stage of the net begins, e.g. (7, "layer2"); may be empty
    low, high   powers of ten, between which all values lie, over the whole run
    """

    values: Array
    rows: list[tuple[int, int]]
    columns: list[tuple[int, int]]
    stages: list[tuple[int, str]]
    low: int
    high: int

    def share(self) -> Array:
        """Return (rows, columns) from 0, at `low`, to 1, at `high`."""
        return (self.values - self.low) / (self.high - self.low)


class FlowMap:
    """Takes records in as they come, so that drawing again costs no more for a long training."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.names: list[str] = []
        self._path: list[bool] = []
        self._taken = 0
        self._columns: dict[str, list[Array]] = {name: [] for name in QUANTITIES}

    def take(self, records: Sequence[Record]) -> bool:
        """Take what is new of all `records` of a run so far; return whether there was any."""
        new = records[self._taken :]
        self._taken = len(records)
        if not new:
            return False
        begins = [i for i, row in enumerate(new) if i == 0 or row["step"] != new[i - 1]["step"]]
        for begin, end in zip(begins, [*begins[1:], len(new)], strict=True):
            self._add(new[begin:end])
        return True

    def _add(self, rows: Sequence[Record]) -> None:
        if len(rows) > len(self.names):
            self.names = [row["name"] for row in rows]
            self._path = [bool(row["stream"]) for row in rows]
        self.steps.append(int(rows[0]["step"]))
        for name, quantity in QUANTITIES.items():
            self._columns[name].append(np.array([_log10(quantity.of(row)) for row in rows]))

    def map(self, name: str, rows: int = 10**6, columns: int = 10**6) -> Map | None:
        """Return the map of a quantity, None before there is a value.

        Of more layers than `rows` and more records than `columns` neighbours are joined, by their
        geometric mean; a joined cell with a value that is not finite is not finite.
        """
        found = np.full((len(self.names), len(self.steps)), np.nan)
        for at, column in enumerate(self._columns[name]):
            found[: len(column), at] = column
        path = np.array(self._path, bool) | (not QUANTITIES[name].path)
        kept = np.flatnonzero(path & ~np.isnan(found).all(axis=1))  # others have no such value
        known = found[kept][np.isfinite(found[kept])]
        if not known.size:
            return None
        low = math.floor(known.min())
        down, across = _groups(len(kept), rows), _groups(len(self.steps), columns)
        return Map(
            _means(_means(found[kept], down).T, across).T,
            [(int(kept[a]) + 1, int(kept[b - 1]) + 1) for a, b in down],
            [(self.steps[a], self.steps[b - 1]) for a, b in across],
            _stages([self.names[kept[a]].partition(".")[0] for a, _ in down]),
            low,
            max(math.ceil(known.max()), low + 1),
        )


def _log10(x: float | None) -> float:
    if x is None or not math.isfinite(x):
        return math.nan
    return math.log10(x) if x > 0 else -math.inf


def _groups(count: int, most: int) -> list[tuple[int, int]]:
    """Return (begin, end) of at most `most` groups of neighbours, all but the last of one size."""
    size = -(-count // max(1, most)) or 1
    return [(i, min(i + size, count)) for i in range(0, count, size)]


def _means(x: Array, groups: Sequence[tuple[int, int]]) -> Array:
    """Return the mean of each group of rows."""
    with np.errstate(invalid="ignore"):  # -inf and NaN
        return np.array([x[a:b].mean(axis=0) for a, b in groups])


def _stages(names: Sequence[str]) -> list[tuple[int, str]]:
    """Return (row, name) at which each stage begins.

    A net whose layers all have names of their own, or all the same, has none.
    """
    begins = [i for i, name in enumerate(names) if i == 0 or name != names[i - 1]]
    if not 1 < len(begins) <= max(2, len(names) / 2):
        return []
    return [(i, names[i]) for i in begins]


def colours(share: Array) -> Array:
    """Return (…, 3) uint8 colours of shares from 0 to 1; black for -inf."""
    at = np.nan_to_num(share, nan=0.0, neginf=0.0).clip(0, 1) * (len(_STOPS) - 1)
    found = [np.interp(at, np.arange(len(_STOPS)), stops) for stops in _STOPS.T]
    rgb = np.stack(found, axis=-1).round().astype(np.uint8)
    rgb[np.isneginf(share)] = 0
    return rgb
