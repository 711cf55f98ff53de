"""How much the benchmark of the GPU does: FULL, QUICK, or TINY for a rehearsal."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .. import shapes
from ..nets import NETS, Net


@dataclass(frozen=True)
class Plan:
    """How much is done.

    nets           names and nets whose training step is timed; the first one's kernels too
    trained        the net whose training is compared with the CPU's and with a graph's
    dtypes         of the checks
    stages         check the calls of a ResNet-20 step besides the small cases of each kernel
    rounds, turn   rounds of turns, and training steps in each turn
    repeats        how often a kernel or a step is timed by itself
    layers         convolutions whose tiles are timed
    more_tiles     time tiles that are in no table too
    copy, chain    bytes that are copied and multiply-adds in a row, to measure the limits
    """

    nets: tuple[tuple[str, Net], ...]
    trained: Net
    dtypes: tuple[str, ...]
    stages: bool
    rounds: int
    turn: int
    repeats: int
    layers: tuple[shapes.Call, ...]
    more_tiles: bool
    copy: int
    chain: int


_LAYERS = tuple(shapes.convolution(*shape) for shape in shapes.CONVOLUTIONS["cifar"][:6])
_SMALL = Net("cifar", 2, (3, 8, 8), 10, "resnet", (8,), (("width", 2),))
_LARGER = Net("cifar", 8, (3, 16, 16), 10, "resnet", (8,), (("width", 8),))
FULL = Plan(
    nets=(("ResNet-20", NETS["resnet20"]), ("ResNet-56", NETS["resnet56"])),
    trained=_LARGER,
    dtypes=("float32", "float64"),
    stages=True,
    rounds=21,
    turn=20,
    repeats=9,
    layers=_LAYERS,
    more_tiles=True,
    copy=1 << 29,
    chain=1 << 14,
)
QUICK = replace(
    FULL,
    nets=FULL.nets[:1],
    dtypes=("float32",),
    stages=False,
    rounds=5,
    turn=10,
    repeats=3,
    layers=_LAYERS[1::2],
    more_tiles=False,
)
TINY = replace(
    QUICK,
    nets=(("ResNet-8", _SMALL),),
    trained=_SMALL,
    rounds=1,
    turn=1,
    repeats=1,
    layers=(shapes.convolution(2, 3, 16, 6, 1, 3),),
    copy=1 << 12,
    chain=4,
)
