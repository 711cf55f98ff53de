"""Time every kernel, version and pass beside PyTorch and beside what the machine can do.

    python -m benchmarks.kernels [KERNEL …] [--shapes cifar|imagenet|all] [--versions all|default]
                                 [--others] [--rounds N] [--threads N] [--quick] [--json]

All contenders of a row run in one process, in turn; times are medians. float32; ours in
channels-last memory, PyTorch in both of its orders.

GFLOP/s      arithmetic of the definition; backward counts as much as forward, for conv2d and
             linear as much for each of dx and dw
GB/s         every array that must be read or written, once
of limit     the least time that the measured sgemm and triad rates allow, over the time taken;
             above 1 is possible where arrays stay in a cache, where a version needs fewer products
             than the definition (Winograd), or where it beats sgemm
/ NCHW, / channels_last    ours over PyTorch's time: below 1 we are faster
lines        code lines of this version with its helpers, forward and backward
error        largest error over largest value, against the float64 reference, one or two images
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minires import console, results
from minires_kernels import Kernel, Version, kernel, specs
from minires_kernels.backends import load

from . import limits, peers, shapes, timing
from .source_lines import version_lines
from .timing import Row

Array = Any
Needs = tuple[bool, ...] | None
PASSES: dict[str, dict[str, Needs]] = {
    "conv2d": {
        "backward": (True, True, False),
        "backward-data": (True, False, False),
        "backward-weight": (False, True, False),
    }
}
COLUMNS = (
    "kernel", "call", "pass", "version", "lines", "ms", "q1", "q3", "GFLOP/s", "GB/s",
    "bound", "of limit", "/ NCHW", "/ channels_last", "error",
)  # fmt: skip


def backward_passes(name: str) -> dict[str, Needs]:
    """Return the backward passes of a kernel and what each computes; none for one without."""
    return PASSES.get(name, {"backward": None} if specs()[name].gradients else {})


def chosen_versions(name: str, call: shapes.Call, which: str) -> list[Version]:
    """Return the cpu versions that support a call: all, or the one that runs by default."""
    arrays, options = specs()[name].check_forward(*call.arrays(1), **call.options)
    able = [v for v in load("cpu").KERNELS[name] if v.supports(*arrays, **options)]
    return able if which == "all" else able[-1:]


def passes_of(k: Kernel, arrays: Sequence[Any], options: dict[str, Any]) -> peers.Passes:
    """Return the calls that each pass of a kernel makes; backward passes share one forward's."""
    y, *saved = k.forward(*arrays, **options)
    dy = np.ones_like(y)  # keeps the memory order of y
    found: peers.Passes = {"forward": partial(k.forward, *arrays, **options)}
    for name, needs in backward_passes(k.spec.name).items():
        more = {} if needs is None else {"needs": needs}
        found[name] = partial(k.backward, dy, *saved, **more)
    return found


def work(name: str, call: shapes.Call, pass_: str) -> tuple[float, float]:
    """Return (flops, bytes) of one pass, as defined at the top of this file."""
    spec, arrays = specs()[name], call.arrays()
    flops, nbytes = spec.flops(*arrays, **call.options), spec.bytes(*arrays, **call.options)
    if pass_ == "forward" or name == "conv2d":  # conv2d: the same three arrays in other roles
        both = pass_ == "backward"
        return (2 * flops, 2 * nbytes) if both else (flops, nbytes)
    k = kernel(name, "cpu")
    y, *saved = k.forward(*arrays, **call.options)
    dy = np.ones_like(y)
    grads = k.backward(dy, *saved)
    touched = [dy, *saved, *(grads if isinstance(grads, tuple) else (grads,))]
    distinct = {id(a): a.nbytes for a in touched if isinstance(a, np.ndarray)}
    return flops * (2 if name == "linear" else 1), sum(distinct.values())


def _double(value: Any) -> Any:
    is_float = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(np.float64) if is_float else value


def _relative(found: Any, expected: Any) -> float:
    """Return the largest error over the largest value, the worst of several arrays."""
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    worst = 0.0
    for a, b in zip(found, expected, strict=True):
        if a is not None and b is not None and b.size:
            scale = float(np.abs(b).max()) or 1.0
            worst = max(worst, float(np.abs(a - b).max()) / scale)
    return worst


def errors(name: str, call: shapes.Call, version: Version) -> dict[str, float]:
    """Return each pass's error in float32 against the reference backend in float64.

    Backward starts from what this version saved, so that both take the same side at kinks.
    """
    images = min(call.images, 2 if call.images > 8 else 1)
    if name in ("batch_norm", "batch_norm_relu"):
        images = max(images, 2)
    arrays = call.arrays(images)
    ours, exact = kernel(name, "cpu", version.number), kernel(name, "reference")
    y, *saved = ours.forward(*arrays, **call.options)
    expected, *_ = exact.forward(*map(_double, arrays), **call.options)
    dy = np.random.default_rng(1).standard_normal(y.shape, dtype=np.float32)
    found = {"forward": _relative(y, expected)}
    if not backward_passes(name):
        return found
    grads = exact.backward(dy.astype(np.float64), *map(_double, saved))
    for pass_, needs in backward_passes(name).items():
        more = {} if needs is None else {"needs": needs}
        found[pass_] = _relative(ours.backward(dy, *saved, **more), grads)
    return found


def measure(
    name: str,
    call: shapes.Call,
    *,
    rounds: int = 15,
    versions: str = "all",
    budget_s: float = 2.0,
    beside: bool = True,
    others: bool = False,
    limit: limits.Limits | None = None,
) -> list[Row]:
    """Return a row per pass and contender; `budget_s` bounds the timed rounds of one pass.

    `beside` times PyTorch too, if installed, and `others` plain NumPy, JAX and MyGrad (conv2d).
    """
    arrays = call.arrays()
    able = chosen_versions(name, call, versions)
    contenders: dict[str, peers.Passes] = {
        f"v{v.number}": passes_of(kernel(name, "cpu", v.number), arrays, call.options) for v in able
    }
    if beside:
        contenders |= peers.kernel_peers(name, arrays, call.options, others)
    found_errors = {f"v{v.number}": errors(name, call, v) for v in able}
    lines = {f"v{v.number}": version_lines(v) for v in able}
    rows: list[Row] = []
    for pass_ in ("forward", *backward_passes(name)):
        runners: dict[str, Callable[[], Any]] = {
            who: passes[pass_] for who, passes in contenders.items() if pass_ in passes
        }
        times = timing.interleave(runners, rounds, budget_s=budget_s)
        flops, nbytes = work(name, call, pass_)
        for who, t in times.items():
            row: Row = {"kernel": name, "call": call.label, "pass": pass_, "version": who}
            row |= {"lines": lines.get(who), **t.row()}
            row |= {"flops": flops, "bytes": nbytes}
            row |= {"GFLOP/s": flops / t.median / 1e9, "GB/s": nbytes / t.median / 1e9}
            if limit is not None:
                row["bound"] = limit.bound(flops, nbytes)
                row["of limit"] = limit.seconds(flops, nbytes) / t.median
            for order in peers.TORCH_ORDERS:
                if f"PyTorch {order}" in times:
                    row[f"/ {order}"] = t.median / times[f"PyTorch {order}"].median
            row["error"] = found_errors.get(who, {}).get(pass_)
            rows.append(row)
    return rows


def check_names(parser: argparse.ArgumentParser, names: Sequence[str]) -> list[str]:
    """Return the kernels to run, those named or all that can be; unknown names end the program."""
    known = specs()
    for name in names:
        if name not in known:
            parser.error(f"no kernel {name!r}; there are {', '.join(known)}")
    chosen = []
    for name in names or known:
        if name not in load("cpu").KERNELS:
            timing.note(f"{name}: skipped, the cpu backend does not have it")
        elif shapes.calls(name) is None:
            timing.note(f"{name}: skipped, benchmarks/shapes.py has no calls of it")
        else:
            chosen.append(name)
    return chosen


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m benchmarks.kernels",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=f"of {', '.join(specs())}")
    parser.add_argument("--shapes", choices=shapes.SETS, default="cifar")
    parser.add_argument("--versions", choices=("all", "default"), default=None)
    parser.add_argument(
        "--others", action="store_true", help="conv2d: also plain NumPy, and JAX and MyGrad"
    )
    timing.add_common_arguments(parser)
    args = parser.parse_args(argv)
    names = check_names(parser, args.kernels)
    timing.set_threads(args.threads)
    limit = limits.measure(args.quick)
    rounds, budget = args.rounds or (5 if args.quick else 15), 0.3 if args.quick else 2.0
    versions = args.versions or ("default" if args.quick else "all")
    rows = []
    for name in names:
        calls = shapes.calls(name, args.shapes) or []
        for call in calls[1:2] if args.quick else calls:
            rows += measure(
                name,
                call,
                rounds=rounds,
                versions=versions,
                budget_s=budget,
                others=args.others,
                limit=limit,
            )
            if not args.json:
                timing.note(f"{name} {call.label}: done")
    timing.warn_if_busy(rows)
    if args.json:
        timing.print_json(rows, limits=vars(limit))
        return 0
    print(timing.machine_line())
    print(limit)
    print(results.table(rows, COLUMNS))
    return 0


if __name__ == "__main__":
    console.run(main, "benchmarks.kernels")
