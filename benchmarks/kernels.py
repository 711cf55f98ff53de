"""Time every kernel and version, forward and backward, beside PyTorch where it is installed.

    python -m benchmarks.kernels [--quick] [--json] [--threads N] [KERNEL …]

All contenders of a row run in one process, in turn, round after round; the figures are medians.
Arrays are float32 and channels-last (this project's memory order), PyTorch runs in both of its
orders. The ratio is ours / PyTorch's: below 1 we are faster.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from minires_kernels import current_backend, kernel, specs
from minires_kernels.backends import load
from minires_kernels.cpu import threads

# (N, C, H = W) of the three stages of ResNet-20 at batch 128
STAGES = ((128, 16, 32), (128, 32, 16), (128, 64, 8))


def channels_last(a: np.ndarray) -> np.ndarray:
    """Return the (N, C, H, W) array in N H W C memory order."""
    return np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def calls(name: str, n: int, c: int, h: int, rng: np.random.Generator) -> tuple[list[Any], dict]:
    """Return the arrays and options of one call of a kernel on a stage."""

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    x = channels_last(normal(n, c, h, h))
    return {
        "conv2d": ([x, normal(c, c, 3, 3), None], {"padding": 1}),
        "linear": ([normal(n, 8 * c), normal(8 * c, 8 * c), normal(8 * c)], {}),
        "batch_norm": ([x, normal(c), normal(c), None, None], {}),
        "relu": ([x], {}),
        "add_relu": ([x, channels_last(normal(n, c, h, h))], {}),
        "max_pool2d": ([x], {"kernel_size": 3, "stride": 2, "padding": 1}),
        "avg_pool2d": ([x], {"kernel_size": 2}),
        "global_avg_pool2d": ([x], {}),
        "cross_entropy": ([normal(n, 10), rng.integers(0, 10, n)], {}),
    }[name]


def torch_peers(
    name: str, arrays: list[Any], options: dict
) -> dict[str, tuple[Callable, Callable]]:
    """Return {"NCHW": (forward, backward), "channels_last": …} with PyTorch, or {} without it."""
    try:
        import torch
        import torch.nn.functional as tf
    except ImportError:
        return {}
    torch.set_num_threads(threads.num_threads())
    functions: dict[str, Callable] = {
        "conv2d": lambda x, w, b: tf.conv2d(x, w, b, **options),
        "linear": tf.linear,
        "batch_norm": lambda x, w, b, *_: tf.batch_norm(x, None, None, w, b, training=True),
        "relu": tf.relu,
        "add_relu": lambda a, b: tf.relu(a + b),
        "max_pool2d": lambda x: tf.max_pool2d(x, 3, 2, 1),
        "avg_pool2d": lambda x: tf.avg_pool2d(x, 2),
        "global_avg_pool2d": lambda x: tf.adaptive_avg_pool2d(x, 1),
        "cross_entropy": lambda x, t: tf.cross_entropy(x, t, reduction="none"),
    }
    peers = {}
    for order in ("NCHW", "channels_last"):
        inputs = []
        for a in arrays:
            t = None if a is None else torch.from_numpy(np.ascontiguousarray(a))
            if t is not None and t.ndim == 4 and order == "channels_last":
                t = t.contiguous(memory_format=torch.channels_last)
            if t is not None and t.is_floating_point():
                t.requires_grad_()
            inputs.append(t)
        y = functions[name](*inputs)
        dy = torch.ones_like(y)
        wanted = [t for t in inputs if t is not None and t.requires_grad]

        def forward(f: Callable = functions[name], inputs: list[Any] = inputs) -> None:
            with torch.no_grad():
                f(*inputs)

        def backward(y: Any = y, dy: Any = dy, wanted: list[Any] = wanted) -> None:
            torch.autograd.grad(y, wanted, dy, retain_graph=True)

        peers[order] = (forward, backward)
    return peers


def medians(contenders: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return each contender's median seconds; they take turns, after one round of warm-up."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for round_ in range(rounds + 1):
        for name, call in contenders.items():
            start = time.perf_counter()
            call()
            if round_:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(t) for name, t in times.items()}


def measure(name: str, stage: tuple[int, int, int], rounds: int, versions: str) -> list[dict]:
    """Return a row per version and pass of one kernel on one stage."""
    arrays, options = calls(name, *stage, np.random.default_rng(0))
    passes: dict[str, dict[str, Callable[[], Any]]] = {"forward": {}, "backward": {}}
    for implementation in load("cpu").KERNELS[name]:
        if versions == "default" and implementation != load("cpu").KERNELS[name][-1]:
            continue
        k = kernel(name, "cpu", implementation.number)
        y, *saved = k.forward(*arrays, **options)
        dy = np.ones_like(y)
        label = f"v{implementation.number}"
        passes["forward"][label] = lambda k=k: k.forward(*arrays, **options)
        passes["backward"][label] = lambda k=k, dy=dy, saved=saved: k.backward(dy, *saved)
    for order, (forward, backward) in torch_peers(name, arrays, options).items():
        passes["forward"][order], passes["backward"][order] = forward, backward
    spec, rows = specs()[name], []
    for direction, contenders in passes.items():
        seconds = medians(contenders, rounds)
        for label in [label for label in seconds if label.startswith("v")]:
            row = {
                "kernel": name,
                "stage": "x".join(map(str, stage)),
                "pass": direction,
                "version": label,
                "ms": seconds[label] * 1e3,
            }
            if direction == "forward":
                row["GFLOP/s"] = spec.flops(*arrays, **options) / seconds[label] / 1e9
                row["GB/s"] = spec.bytes(*arrays, **options) / seconds[label] / 1e9
            for order in ("NCHW", "channels_last"):
                if order in seconds:
                    row[f"/ {order}"] = seconds[label] / seconds[order]
            rows.append(row)
    return rows


def main() -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernels", nargs="*", help=f"of {', '.join(specs())}; default: all")
    parser.add_argument("--quick", action="store_true", help="one stage, default versions only")
    parser.add_argument("--threads", type=int, help="default: all usable cores")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for name in args.kernels:
        if name not in specs():
            parser.error(f"no kernel {name!r}; there are {', '.join(specs())}")
    if args.threads is not None:
        threads.set_num_threads(args.threads)
    stages = STAGES[1:2] if args.quick else STAGES
    rows = []
    for name in args.kernels or specs():
        for stage in stages:
            rounds, versions = (5, "default") if args.quick else (15, "all")
            rows += measure(name, stage, rounds, versions)
    if args.json:
        json.dump(rows, sys.stdout, indent=1)
        return 0
    columns = ["kernel", "stage", "pass", "version", "ms", "GFLOP/s", "GB/s", "/ NCHW"]
    columns.append("/ channels_last")
    print(f"{current_backend()} backend, {threads.num_threads()} threads, float32, medians")
    print("  ".join(f"{c:>17}" if i < 2 else f"{c:>10}" for i, c in enumerate(columns)))
    for row in rows:
        cells = [row.get(c, "-") for c in columns]
        text = [f"{c:.2f}" if isinstance(c, float) else str(c) for c in cells]
        print("  ".join(f"{c:>17}" if i < 2 else f"{c:>10}" for i, c in enumerate(text)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
