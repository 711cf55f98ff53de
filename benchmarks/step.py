"""Time whole training steps beside PyTorch's: forward, loss, backward, SGD with momentum.

    python -m benchmarks.step [--models NAME,…] [--eval] [--memory] [--overhead] [--compiled]
                              [--rounds N] [--threads N] [--quick] [--json]

Our step goes through the public API; PyTorch runs eagerly in both memory orders, with the same
architecture, initial weights and batch ("first loss" is how far the two first losses are apart).
The MLP also runs as "minires replayed", see minires/replay.py.
Contenders take turns in one process; figures are medians and quartiles of seconds on the clock, and
CPU time, which adds up the threads. Ratios are ours over theirs: below 1 we are faster. Below the
table stands the floor of each step on this machine, see benchmarks/step_floor.py.

--eval       the forward pass in evaluation mode, without gradients, instead of a training step
--memory     peak memory of a step instead of its time; see benchmarks/step_memory.py
--compiled   also PyTorch with torch.compile, where there is a C++ compiler, and JAX (CIFAR nets;
             it takes all cores, whatever --threads says)
--overhead   share of our step outside compiled code; see benchmarks/step_overhead.py
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from minires import console, results
from minires.cli.arguments import choices

from . import limits, nets, step_floor, step_memory, step_overhead, timing
from .timing import Row

DEFAULT = ("resnet20", "plain20", "resnet56", "resnet18-64", "resnet18-224", "mlp")
QUICK = ("resnet20", "mlp")
COLUMNS = (
    "model", "batch", "what", "contender", "ms", "q1", "q3", "CPU ms", "images/s", "/ NCHW",
    "/ channels_last", "CPU / NCHW", "CPU / channels_last", "first loss",
)  # fmt: skip


def measure(
    name: str,
    rounds: int,
    *,
    evaluation: bool = False,
    compiled: bool = False,
    batch: int | None = None,
    budget_s: float = 60.0,
) -> list[Row]:
    """Return a row per contender of one net."""
    apart = nets.disagreement(name, batch)
    runners = nets.runners(name, batch, compiled)
    if evaluation:
        for runner in runners.values():
            runner.train(False)
        calls = {who: runner.evaluate for who, runner in runners.items()}
    else:
        calls = {who: runner.step for who, runner in runners.items()}
    times = timing.interleave(calls, rounds, turn_s=0, budget_s=budget_s)
    images = batch or nets.NETS[name].batch
    rows: list[Row] = []
    for who, t in times.items():
        row: Row = {"model": name, "batch": images, "what": "eval" if evaluation else "step"}
        row |= {"contender": who, **t.row(), "images/s": images / t.median}
        for other in ("NCHW", "channels_last"):
            if peer := times.get(f"PyTorch {other}"):
                row[f"/ {other}"] = t.median / peer.median
                row[f"CPU / {other}"] = t.cpu_median / peer.cpu_median
        if who == "minires":
            row["first loss"] = apart
        rows.append(row)
        if not evaluation and not math.isfinite(runners[who].step()):
            timing.note(f"{name}: the loss of {who} is no longer finite")
    return rows


def measure_memory(name: str, threads: int | None, batch: int | None) -> list[Row]:
    """Return a row per contender of one net, with ours over theirs."""
    contenders = nets.CONTENDERS[: 2 if nets.NETS[name].kind == "mlp" else 3]
    found = [step_memory.measure(name, who, threads, batch) for who in contenders]
    rows = [row for row in found if row is not None]
    for row in rows:
        row["ours / this"] = rows[0]["step MiB"] / max(row["step MiB"], 1e-9)
    return rows


def available(names: Sequence[str]) -> list[str]:
    """Return the nets that `minires.models` has; print which are left out."""
    found = []
    for name in names:
        if nets.NETS[name].has():
            found.append(name)
        else:
            timing.note(f"{name}: skipped, minires.models has no {nets.NETS[name].model}")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m benchmarks.step",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", type=choices(tuple(nets.NETS)), metavar="NAME,…")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--eval", action="store_true", dest="evaluation")
    what.add_argument("--memory", action="store_true")
    what.add_argument("--overhead", action="store_true")
    what.add_argument("--compiled", action="store_true")
    timing.add_common_arguments(parser)
    args = parser.parse_args(argv)
    timing.set_threads(args.threads)
    names = available(args.models or (QUICK if args.quick else DEFAULT))
    rounds = args.rounds or (3 if args.quick else 11)
    rows: list[Row] = []
    floors: dict[str, Row] = {}
    for name in names:
        batch = max(2, nets.NETS[name].batch // 8) if args.quick else None
        if args.memory:
            rows += measure_memory(name, args.threads, batch)
        elif args.overhead:
            rows.append(step_overhead.measure(name, rounds, batch))
        else:
            kind = {"evaluation": args.evaluation, "compiled": args.compiled}
            rows += measure(name, rounds, **kind, batch=batch)
            if not args.evaluation:
                floors[name] = step_floor.measure(name, batch, args.quick)
        if not args.json:
            timing.note(f"{name}: done")
    timing.warn_if_busy(rows)
    if args.json:
        timing.print_json(rows, **({"floors": floors} if floors else {}))
        return 0
    print(timing.machine_line())
    print(results.table(rows, None if args.memory or args.overhead else COLUMNS))
    if floors:
        print(limits.measure(args.quick))
    for row in rows:
        if row.get("contender") == "minires" and row["model"] in floors:
            print(step_floor.line(row["model"], floors[row["model"]], row["ms"]))
    return 0


if __name__ == "__main__":
    console.run(main, "benchmarks.step")
