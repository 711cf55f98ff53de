"""Mutation scores: how many wrong backward passes the tests of minires, and of others, notice.

    python -m benchmarks.mutation reference          minires: the kernels that define the gradients
    python -m benchmarks.mutation operations         minires: the differentiable operations
    python -m benchmarks.mutation compiled           minires: the compiled kernels
    python -m benchmarks.mutation autograd --at DIR  another framework: its unpacked sdist
    python -m benchmarks.mutation micrograd --at DIR

Writes results/mutation/SET.csv, a row for each mutant. MUTATION.md is the page.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minires import results
from minires.gradcheck.mutation.report import MutationReport
from minires.gradcheck.mutation.run import Run

HERE = Path(__file__).resolve().parent / "results" / "mutation"
COLUMNS = ("file", "function", "line", "family", "status", "before", "after", "test", "reason")


@dataclass(frozen=True)
class Set:
    """Tests (and options of pytest), what to mutate, and how many of the mutants."""

    tests: tuple[str, ...]
    targets: tuple[str, ...]
    maximum: int | None = None
    functions: tuple[str, ...] = ()


KERNELS = "kernels/minires_kernels"
SETS = {
    "reference": Set(
        ("tests/kernels/test_kernel_gradients.py",), (f"{KERNELS}/reference",), 260
    ),
    "operations": Set(
        ("tests/engine/test_gradients_of_operations.py", "tests/engine/test_needs.py",
         "tests/engine/test_ops.py"),
        ("minires/ops", "minires/functional"),
        150,
    ),
    "compiled": Set(
        ("tests/kernels/test_kernels.py", "-k", "test_against_the_reference and cpu"),
        (f"{KERNELS}/cpu",),
        40,
    ),
    "autograd": Set(
        ("tests/test_numpy.py", "tests/test_scalar_ops.py", "tests/test_binary_ops.py",
         "tests/test_systematic.py", "-o", "required_plugins=", "-o", "addopts="),
        ("autograd/numpy/numpy_vjps.py",),
        60,
    ),
    "micrograd": Set(("test",), ("micrograd/engine.py",), None, ("*_backward",)),
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run a set; 1 if some mutants survive."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("set", choices=SETS)
    p.add_argument("--at", type=Path, default=Path(), help="the folder that holds the project")
    p.add_argument("--state", type=Path, help="keep results, to go on after a stop")
    p.add_argument("--seconds", type=float, help="start no mutant after so many")
    p.add_argument("--jobs", type=int, default=1)
    args = p.parse_args(argv)
    chosen = SETS[args.set]
    state = None if args.state is None else args.state.resolve()
    os.chdir(args.at)
    run = Run(
        chosen.tests,
        chosen.targets,
        chosen.functions,
        maximum=chosen.maximum,
        jobs=args.jobs,
        state=state,
        progress=lambda line: print(line, file=sys.stderr, flush=True),
    )
    report = run.go(args.seconds)
    print(report)
    results.write_text(HERE / f"{args.set}.csv", table(report))
    return int(bool(report.of("survived", "error")))


def table(report: MutationReport) -> str:
    """Return the mutants as CSV."""
    rows = [{k: o.row().get(k, "") for k in COLUMNS} for o in report.outcomes]
    return results.to_csv(rows, COLUMNS)


if __name__ == "__main__":
    sys.exit(main())
