"""Data-parallel training: what ranks cost, measured on this machine and modelled beyond it.

    python -m benchmarks.ranks [--ranks N] [--steps N] [--batch N] [--out DIR] [--json]

Measured: sums over the ranks by size, and steps of ResNet-20 on 32×32 images. "one" is a process
with the whole batch; "overlap" are N ranks that average gradients while backward runs, "after" are
the same with all sums after it. Ranks share this machine's cores. Times are those of the fastest
step or sum, "cpu" is the least CPU time of a step in one rank; "waiting" is what the fastest step
waited for other ranks, "sums alone" what the sums of its gradients take by themselves.

Modelled: a sum of B bytes over N ranks takes t = 2 (N - 1) α + 2 (N - 1)/N · B/w (a ring: Thakur,
Rabenseifner and Gropp 2005), with latency α and bandwidth w of a network: fitted to the measured
sums, or nominal. The step's backward, two thirds of its arithmetic, hides all but the last bucket.
Arithmetic is 6 MACs per image, at the rate of ResNet-20's step in CPU time, or at that of a GPU,
which is assumed. The batch is one for all ranks, so each has less to compute as they become more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import minires as mr
import minires.functional as F
from minires import console, models, optim, parallel, results
from minires.cli.arguments import positive_int
from minires.parallel.averaging import bucket_size

SIZES = [4**k for k in range(6, 13)]  # bytes: 4 KiB to 16 MiB
NETS = {"ResNet-20": (269_722, 40.6e6), "ResNet-50": (25_557_032, 4.09e9)}  # parameters, MACs
GPU = 15e12  # FLOP/s, assumed: a half of what current ones do in float32
NETWORKS = {  # nominal latency in s and bytes/s
    "Ethernet, 1 Gbit/s": (50e-6, 0.125e9),
    "Ethernet, 25 Gbit/s": (20e-6, 3.1e9),
    "InfiniBand, 400 Gbit/s": (3e-6, 50e9),
}
BATCH, LEAST = 256, 0.8  # of the model; efficiency at which the network counts as the limit
RANKS = [2**k for k in range(1, 11)]
Row = dict[str, Any]


# ---- measured, in the ranks ---------------------------------------------------------------------
def fastest(call: Callable[[], Any], times: int) -> float:
    """Return the least seconds of a call: what else runs here makes it slower, nothing faster."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def steps(comm: parallel.Comm, batch: int, times: int, overlap: bool) -> Row:
    """Time steps of ResNet-20, each rank with its share of the batch."""
    net = models.resnet20(seed=0)
    sgd = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    rng, share = np.random.default_rng(comm.rank), batch // comm.size
    x = rng.standard_normal((share, 3, 32, 32)).astype(np.float32)
    y = rng.integers(0, 10, share)
    averaging = parallel.Averaging(net.parameters(), comm)

    def step() -> None:
        sgd.zero_grad()
        loss = F.cross_entropy(net(mr.Tensor(x)), y)
        if overlap:
            with averaging:
                loss.backward()
        else:
            loss.backward()
            for bucket in averaging.buckets:
                comm.sum(bucket.flat)
        sgd.step()

    def sums() -> None:
        for bucket in averaging.buckets:
            comm.sum(bucket.flat)

    step()
    sent, found = comm.bytes, []
    for _ in range(times):
        start, cpu, waited = time.perf_counter(), time.process_time(), comm.waited
        step()
        cpu, waited = time.process_time() - cpu, comm.waited - waited
        found.append((time.perf_counter() - start, waited, cpu))
    seconds, waited, _ = min(found)
    row = {"ms": 1e3 * seconds, "cpu ms": 1e3 * min(cpu for *_, cpu in found)}
    row |= {"bytes": (comm.bytes - sent) // times, "waiting ms": 1e3 * waited}
    return row | {"sums alone ms": 1e3 * fastest(sums, times)}


def work(args: argparse.Namespace) -> None:
    """Measure as a rank; rank 0 writes to the file."""
    comm = parallel.world()
    found: Row = {"sums": []}
    for size in SIZES if comm.size > 1 else []:
        a = np.zeros(size // 4, np.float32)
        comm.sum(a)
        found["sums"].append((size, fastest(lambda a=a: comm.sum(a), 30)))  # type: ignore[misc]
    found["overlap"] = steps(comm, args.batch, args.steps, True)
    found["after"] = steps(comm, args.batch, args.steps, False)
    if comm.rank == 0:
        results.write_text(args.worker, json.dumps(found))
    comm.leave(60)


def measured(args: argparse.Namespace) -> tuple[Row, Row]:
    """Return what one process and N ranks measured."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for n in (1, args.ranks):
            path = Path(folder) / f"{n}.json"
            command = [sys.executable, "-m", "benchmarks.ranks", "--worker", str(path)]
            command += ["--steps", str(args.steps), "--batch", str(args.batch)]
            code = parallel.launch(n, command) if n > 1 else subprocess.run(command).returncode
            if code:
                raise RuntimeError(f"{n} ranks: exit code {code}")
            found.append(json.loads(results.read_text(path)))
    return found[0], found[1]


# ---- modelled -----------------------------------------------------------------------------------
def fit(sums: list[tuple[int, float]], ranks: int) -> tuple[float, float]:
    """Return latency and bandwidth that explain measured sums, each size with the same weight."""
    sizes, seconds = np.array(sums).T
    terms = np.stack([np.full_like(sizes, 2 * (ranks - 1)), 2 * (ranks - 1) / ranks * sizes])
    latency, per_byte = np.linalg.lstsq((terms / seconds).T, np.ones_like(sizes))[0]
    return max(latency, 1e-9), 1 / max(per_byte, 1e-15)


def exposed(compute: float, size: int, n: int, network: tuple[float, float]) -> tuple[float, float]:
    """Return the seconds of a step's sums over n ranks, and how many backward cannot hide."""
    latency, bandwidth = network
    bucket = bucket_size(size)
    whole, rest = divmod(size, bucket)
    each = lambda b: 2 * (n - 1) * latency + 2 * (n - 1) / n * b / bandwidth  # noqa: E731
    total, last = whole * each(bucket) + (each(rest) if rest else 0), each(rest or bucket)
    return total, max(last, total - compute * 2 / 3)


def modelled(rate: float, networks: dict[str, tuple[float, float]]) -> list[Row]:
    """Return a row for each net, device and network."""
    rows = []
    for net, (parameters, macs) in NETS.items():
        for device, flops in (("as here", rate), ("GPU, 15 TFLOP/s", GPU)):
            one = 6 * macs * BATCH / flops
            for name, network in networks.items():
                at = {}
                for n in RANKS:
                    total, left = exposed(one / n, 4 * parameters, n, network)
                    at[n] = (total, one / (one / n + left))
                good = [n for n in RANKS if at[n][1] / n >= LEAST]
                fastest = max(RANKS, key=lambda n: at[n][1])
                rows.append(
                    {
                        "net": net, "device": device, "network": name,
                        "one rank ms": 1e3 * one, "MB per step": 4 * parameters / 1e6,
                        "sums over 8 ms": 1e3 * at[8][0], "speed-up of 8": at[8][1],
                        f"ranks at {100 * LEAST:.0f} %": max(good, default=1),
                        "fastest": fastest, "its speed-up": at[fastest][1],
                    }
                )  # fmt: skip
    return rows


def main(argv: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m benchmarks.ranks", description=__doc__)
    p.formatter_class = argparse.RawDescriptionHelpFormatter
    p.add_argument("--ranks", type=positive_int, default=2, metavar="N")
    p.add_argument("--steps", type=positive_int, default=15, metavar="N")
    p.add_argument("--batch", type=positive_int, default=64, metavar="N", help="of all ranks")
    p.add_argument("--out", default="out", metavar="DIR", help="gets ranks.csv, ranks_model.csv")
    p.add_argument("--json", action="store_true")
    p.add_argument("--worker", help=argparse.SUPPRESS)
    args = p.parse_args(argv)
    if args.batch % args.ranks:
        p.error(f"--batch {args.batch} cannot be shared equally by {args.ranks} ranks")
    if args.worker:
        work(args)
        return 0
    os.environ.setdefault("MINIRES_NUM_THREADS", "1")  # of each rank, and of one process
    one, many = measured(args)
    network = fit(many["sums"], args.ranks)
    rows = [{"what": "ResNet-20, one process", "ranks": 1} | one["overlap"]]
    rows += [
        {"what": f"ResNet-20, {name}", "ranks": args.ranks} | many[name]
        for name in ("overlap", "after")
    ]
    rows += [
        {"what": "sum", "ranks": args.ranks, "ms": 1e3 * seconds, "bytes": size}
        for size, seconds in many["sums"]
    ]
    here = f"fitted: {1e6 * network[0]:.0f} µs, {network[1] / 1e9:.2f} GB/s"
    rate = 6 * NETS["ResNet-20"][1] * args.batch / (one["overlap"]["cpu ms"] / 1e3)
    model = modelled(rate, {here: network} | NETWORKS)
    columns = list(rows[0])
    folder = results.folder(args.out)
    paths = [
        results.write_text(folder / "ranks.csv", results.to_csv(rows, columns)),
        results.write_text(folder / "ranks_model.csv", results.to_csv(model)),
    ]
    if args.json:
        print(results.to_json({"measured": rows, "model": model}), end="")
        return 0
    print(results.table(rows, columns))
    print(f"\narithmetic here: {rate / 1e9:.1f} GFLOP/s; the network, {here}\n")
    print(f"modelled, {BATCH} images in all:\n{results.table(model)}")
    print(results.wrote(paths, []))
    return 0


if __name__ == "__main__":
    console.run(main)
