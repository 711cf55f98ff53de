"""The tiles of convolution, each timed in every layer: which one belongs into conv2d.py's tables?

A call is timed whole, as a net makes it: packing of the weights and the tiled kernel for y and dx,
the tiled kernel and the sum of its parts for dw. Tiles are those of the tables, and unless --quick
some more that the kernels could be compiled for. "in use" marks the tile that the tables choose,
"/ in use" is the time over that tile's; "-" where the tables leave the layer to another version.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minires_kernels import specs
from minires_kernels.cuda import conv2d
from minires_kernels.cuda.conv2d import Tile
from minires_kernels.cuda.machine.device import Device, Unit

from .. import shapes
from ..timing import Row, note
from .checks import require_alive
from .place import Place, queued
from .plan import Plan
from .profile import launches

PASSES = ("y", "dx", "dw")
CALLS = 10  # in a row, between two marks
VERSIONS = (3, 4)
TILED = re.compile(r"conv2d_(?:images|weights)_v\d<(.*)>")
# Rows, columns, depth, rows and columns of a thread (v3); rows, columns, warps across (v4).
MORE_IMAGES: dict[int, tuple[tuple[int, ...], ...]] = {
    3: (
        (16, 64, 8, 4, 4), (16, 64, 16, 8, 4), (16, 128, 16, 8, 4), (16, 256, 8, 8, 4),
        (32, 64, 16, 4, 4), (32, 64, 8, 8, 4), (32, 128, 16, 8, 4), (64, 64, 16, 8, 4),
        (64, 64, 8, 4, 4), (64, 128, 8, 8, 4),
    ),
    4: ((16, 64, 4), (32, 64, 2), (32, 128, 2), (64, 128, 2), (64, 64, 1), (64, 32, 1)),
}  # fmt: skip
MORE_WEIGHTS: dict[int, tuple[tuple[int, ...], ...]] = {
    3: (
        (16, 128, 16, 4, 4), (16, 64, 8, 4, 4), (32, 64, 16, 8, 4), (32, 128, 16, 8, 4),
        (64, 64, 8, 8, 4), (64, 64, 16, 4, 4), (64, 128, 8, 8, 4),
    ),
    4: ((16, 128, 4), (32, 64, 2), (32, 128, 2), (64, 64, 1), (64, 128, 2)),
}  # fmt: skip


def tile(version: int, *sizes: int) -> Tile:
    """Return an entry of the tables from the template's arguments."""
    arguments = ", ".join(map(str, sizes))
    if version == 4:
        return arguments, sizes[0], sizes[1], 16, 128
    rows, columns, depth, of_rows, of_columns = sizes
    return arguments, rows, columns, depth, (rows // of_rows) * (columns // of_columns)


def image_tiles(version: int, more: bool) -> dict[str, Tile]:
    """Return the tiles for y and dx by their template arguments, those of the tables first."""
    found = [*conv2d.IMAGE_TILES[version].values(), conv2d.SMALL_TILE[version]]
    found += [tile(version, *sizes) for sizes in MORE_IMAGES[version] if more]
    return {t[0]: t for t in found}


def weight_tiles(version: int, more: bool) -> dict[str, Tile]:
    """Return the tiles for dw."""
    found = list(conv2d.WEIGHT_TILES[version].values())
    found += [tile(version, *sizes) for sizes in MORE_WEIGHTS[version] if more]
    return {t[0]: t for t in found}


def unit(version: int, more: bool) -> Unit:
    """Return the unit that is compiled for all tiles: the tables' own, or one with more names."""
    own = conv2d.TILED[version]
    if not more:
        return own
    dtype = "T, " if version == 3 else ""
    names = [f"conv2d_images_v{version}<{dtype}{t}>" for t in image_tiles(version, more)]
    names += [f"conv2d_weights_v{version}<{dtype}{t}>" for t in weight_tiles(version, more)]
    return Unit(own.file, tuple(dict.fromkeys([*own.kernels, *names])), own.only)


@contextlib.contextmanager
def only(version: int, images: Tile | None, weights: Tile | None, compiled: Unit) -> Iterator[None]:
    """Let conv2d have no other tile within the block; None leaves the tables as they are."""
    tables: tuple[tuple[dict[int, Any], Any], ...] = ((conv2d.TILED, compiled),)
    if images is not None:
        tables += ((conv2d.IMAGE_TILES, {64: images}), (conv2d.SMALL_TILE, images))
    if weights is not None:
        tables += ((conv2d.WEIGHT_TILES, {64: weights}),)
    before = [(table, table[version]) for table, _ in tables]
    try:
        for table, value in tables:
            table[version] = value
        yield
    finally:
        for table, value in before:
            table[version] = value


def calls(place: Place, device: Device, version: int, call: shapes.Call) -> dict[str, Any]:
    """Return what computes y, dx and dw of a layer."""
    spec = specs()["conv2d"]
    arrays, options = spec.check_forward(*map(place.put, call.arrays()), **call.options)
    arrays = [None if a is None else device.plain(a) for a in arrays]
    y, *saved = conv2d.conv2d_forward(device, version, *arrays, **options)

    def backward(*needs: bool) -> Callable[[], Any]:
        return lambda: conv2d.conv2d_backward(device, version, y, *saved, needs=needs)

    return {
        "y": lambda: conv2d.conv2d_forward(device, version, *arrays, **options),
        "dx": backward(True, False, False),
        "dw": backward(False, True, False),
    }


def measure(place: Place, plan: Plan) -> list[Row]:
    """Return a row per layer, pass, version and tile; a tile that fails has a "problem"."""
    rows: list[Row] = []
    for version in VERSIONS if place.tensor_cores else VERSIONS[:1]:
        compiled = unit(version, plan.more_tiles)
        device = Device(place.xp, place.raw_module) if plan.more_tiles else place.device
        for call in plan.layers:
            with only(version, None, None, compiled):
                passes = calls(place, device, version, call)
            for pass_, run in passes.items():
                rows += _pass(place, plan, version, call.label, pass_, run, compiled)
            note(f"tiles: v{version}, {call.label}: done")
    return rows


def _pass(
    place: Place, plan: Plan, version: int, layer: str, pass_: str, run: Any, compiled: Unit
) -> list[Row]:
    """Return the rows of one pass, the fastest first."""
    make = weight_tiles if pass_ == "dw" else image_tiles
    with only(version, None, None, compiled), launches(place) as found:
        run()
    used = next((m[1] for m in map(TILED.match, (launch.name for launch in found)) if m), None)
    times: dict[str, float | str] = {}
    for name, t in make(version, plan.more_tiles).items():
        with only(version, *((None, t) if pass_ == "dw" else (t, None)), compiled):
            try:
                times[name] = seconds(place, plan.repeats, run)
            except Exception as problem:  # too many registers or threads for this GPU, say
                told = str(problem).strip().partition("\n")[0]
                times[name] = f"{type(problem).__name__}: {told}"
                require_alive(place, f"{layer}, {pass_}, tile {name}: {times[name]}")
    of_used = times.get(used or "")
    rows: list[Row] = []
    for name, s in times.items():
        row: Row = {"layer": layer, "pass": pass_, "version": f"v{version}", "tile": name}
        row["in use"] = "yes" if name == used else ""
        if isinstance(s, str):
            rows.append({**row, "problem": s})
            continue
        over = s / of_used if isinstance(of_used, float) else None
        rows.append({**row, "µs": s * 1e6, "/ in use": over})
    return sorted(rows, key=lambda row: row.get("µs", float("inf")))


def seconds(place: Place, repeats: int, run: Callable[[], Any]) -> float:
    """Return the seconds of one call, the best of several rows of calls."""
    n = CALLS if place.measured else 1

    def work() -> None:
        for _ in range(n):
            run()

    run()  # compiles
    return min(queued(place, work).seconds for _ in range(repeats)) / n


COLUMNS: Sequence[str] = (
    "layer", "pass", "version", "tile", "in use", "µs", "/ in use", "problem",
)  # fmt: skip
