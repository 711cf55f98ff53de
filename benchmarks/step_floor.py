"""The least time of a training step on this machine, and how much of it ours reaches.

One step is listed as the kernel calls that it makes, after all fusions. Their work is

products     multiply-adds of conv2d and linear: the definition's, and in Winograd's convolution the
             36 of a tile for each pair of channel and filter, where the definition has 144
transforms   Winograd's, as instructions of a register, each at the rate of a multiply-add
traffic      the arrays that a call reads or writes, each once

Products and transforms run at the measured sgemm rate, traffic at main memory's (benchmarks/
limits.py). `hidden` is the floor where all traffic hides beneath arithmetic, `exposed` where none
does: calls whose arrays stay in a cache may come below that. Tails, weights' transforms, losses and
the optimiser's arithmetic are left out, so both are floors.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minires_kernels import Kernel, backends
from minires_kernels.cpu.conv2d import VERSIONS as CONVOLUTIONS
from minires_kernels.cpu.conv2d.v4_winograd import pays
from minires_kernels.spec import Version

from . import limits, nets, timing

WINOGRAD = CONVOLUTIONS[-1].number
# Instructions of one tile and channel, or filter: Bᵀ d B, Aᵀ m A, A dy Aᵀ, B v Bᵀ. Each is a
# transform of 6 columns (Aᵀ m A: 6, A dy Aᵀ: 4) and 6 rows (4, 6), see cpu/conv2d/winograd.py.
INPUTS, OUTPUTS, UPSTREAMS, GRADIENTS = 12 * 13, 10 * 10, 10 * 9, 12 * 15


@dataclass
class Work:
    """What calls of kernels do: multiply-adds and instructions, at two flops each, and bytes."""

    products: float = 0.0
    transforms: float = 0.0
    bytes: float = 0.0
    calls: int = 0

    def add(self, products: float, transforms: float, nbytes: float) -> None:
        """Count one call."""
        self.products += products
        self.transforms += transforms
        self.bytes += nbytes
        self.calls += 1


def convolution(
    x: tuple[int, ...], w: tuple[int, ...], y: tuple[int, ...], passes: str, winograd: bool
) -> tuple[float, float]:
    """Return the flops of products and of transforms, from shapes; `passes` of y, dx, dw."""
    n, k, p, q = y
    if not winograd:
        return 2.0 * n * p * q * int(np.prod(w)) * len(passes.split()), 0.0
    tiles, c = n * -(-p // 4) * -(-q // 4), x[1]
    of = {
        "y": INPUTS * c + OUTPUTS * k,
        "dx": UPSTREAMS * k + GRADIENTS * c,
        "dw": INPUTS * c + (0 if "dx" in passes else UPSTREAMS * k),
    }
    names = passes.split()
    return 2.0 * 36 * tiles * c * k * len(names), 2.0 * tiles * sum(of[name] for name in names)


def _work(
    name: str, version: int, arguments: tuple[Any, ...], options: dict[str, Any], result: Any
) -> tuple[float, ...]:
    """Return products, transforms and bytes of a call, from what it got and gave."""
    parts = result if isinstance(result, tuple) else (result,)
    arrays = [a for a in (*arguments, *parts) if isinstance(a, np.ndarray)]
    nbytes = sum({a.ctypes.data: a.nbytes for a in arrays}.values())  # views of one memory: once
    given = [p for p in parts[:2] if isinstance(p, np.ndarray)]
    if name in ("conv2d", "conv2d_norm_relu"):
        number = version if name == "conv2d" else None
        return (*_convolution(number, arguments, options, parts), nbytes)
    linear = name in ("linear", "linear_norm_relu")
    if linear and isinstance(arguments[-1], bool):  # backward: dy, x, w, …, has_b or added
        return 2.0 * len(arguments[0]) * arguments[2].size * len(given), 0.0, nbytes
    if linear:
        return 2.0 * len(arguments[0]) * arguments[1].size, 0.0, nbytes
    return 0.0, 0.0, nbytes


def _convolution(
    version: int | None, arguments: tuple[Any, ...], options: dict[str, Any], parts: Any
) -> tuple[float, float]:
    """`version` None: the newest that takes the call, within a layer as one kernel."""
    backward = isinstance(arguments[2], np.ndarray) and arguments[2].ndim == 4  # dy, x, w
    x, w = arguments[1:3] if backward else arguments[:2]
    y, passes = (arguments[0], "") if backward else (parts[0], "y")
    if backward:
        passes = " ".join(n for n, d in zip(("dx", "dw"), parts) if d is not None)
    winograd = version == WINOGRAD
    if version is None:
        win, groups = arguments[3:5] if backward else (options["win"], options["groups"])
        winograd = pays(x, w, None, win=win, groups=groups)
    return convolution(x.shape, w.shape, y.shape, passes, winograd)


@contextlib.contextmanager
def counted() -> Iterator[Work]:
    """Within the block, the yielded `Work` adds up what the kernels do."""
    work, select, signature = Work(), Kernel.select, backends.signature

    def counting(kernel: Kernel, *args: Any) -> Version:
        run = select(kernel, *args)

        def call(pass_: Callable[..., Any]) -> Callable[..., Any]:
            def counts(*arguments: Any, **options: Any) -> Any:
                result = pass_(*arguments, **options)
                work.add(*_work(kernel.spec.name, run.number, arguments, options, result))
                return result

            return counts

        return replace(run, forward=call(run.forward), backward=call(run.backward))

    try:
        Kernel.select = counting  # type: ignore[method-assign,assignment]
        backends.signature = lambda *_: None  # no call is known from an earlier one
        yield work
    finally:
        Kernel.select = select  # type: ignore[method-assign]
        backends.signature = signature


def measure(name: str, batch: int | None, quick: bool) -> timing.Row:
    """Return the parts of the floor of one net's step, in milliseconds."""
    runner = nets.ours(name, batch)
    runner.step()
    with counted() as work:
        runner.step()
    limit = limits.measure(quick)
    products, transforms = (f / limit.flops * 1e3 for f in (work.products, work.transforms))
    traffic = work.bytes / limit.bytes * 1e3
    return {
        "products": products,
        "transforms": transforms,
        "traffic": traffic,
        "hidden": products + transforms,
        "exposed": products + transforms + traffic,
        "MB": work.bytes / 1e6,
        "calls": work.calls,
    }


def line(name: str, floor: timing.Row, step_ms: float) -> str:
    """Return the floor in words, beside the step that was measured."""
    return (
        f"{name}: products {floor['products']:.1f} ms, Winograd's transforms "
        f"{floor['transforms']:.1f} ms, {floor['MB']:.0f} MB of traffic {floor['traffic']:.1f} ms: "
        f"floor {floor['hidden']:.1f} ms with traffic hidden, {floor['exposed']:.1f} ms exposed; "
        f"the step takes {step_ms:.1f} ms, so it reaches {floor['hidden'] / step_ms:.0%} and "
        f"{floor['exposed'] / step_ms:.0%} of them"
    )
