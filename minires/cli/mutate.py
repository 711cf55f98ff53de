"""`minires mutate`: would these tests notice a wrong backward pass?"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import natural, positive_int

if TYPE_CHECKING:
    from minires.gradcheck.mutation.report import MutationReport

EPILOG = """\
Every mutant is the target with one mistake in one backward pass: a sign, a missing term, a wrong
axis, a forgotten upstream gradient, … The tests run for each, until one fails: the mutant is
killed. It also counts as killed if the process crashes or takes five times as long as it should.
A survivor is listed with its diff and, where inputs are found that tell it from the original, with
a test that fails on it and passes on the original; where none of many are, it is called probably
equivalent and not counted. The tests must pass on the code as it is.

Backward passes are found by name: backward, relu_backward, d_relu, Affine.backward, lambdas given
to defvjp. Nothing is written to your files: a fork of the process that has collected the tests
gets the mutated code in place of the original, or, where that cannot be, a new process imports the
mutated text. Neither reads or writes .pyc files, pytest's cache, or what Numba keeps on disk.
Programs that your tests start see the original. Without forks no killing tests are searched.

Exit code: 0 without survivors (or at the threshold), 1 with, 2 if the tests cannot be judged.

  minires mutate tests/ --target my_layers.py
  minires mutate tests/test_conv.py --target layers/ --function conv_backward --max 50
  minires mutate tests/ --target my_layers.py --pytest "-m 'not slow'" --state mutants.jsonl
"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "mutate",
        help="would your tests notice a wrong backward pass?",
        description="Score gradient tests: make backward passes wrong, one mistake at a time, and "
        "see whether the tests fail.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("tests", nargs="+", metavar="TESTS", help="files or folders, as for pytest")
    p.add_argument(
        "--target", nargs="+", required=True, metavar="PATH", help="files or folders to mutate"
    )
    p.add_argument(
        "--function", nargs="+", default=[], metavar="NAME", help="mutate these, * and ? allowed"
    )
    p.add_argument(
        "--max",
        type=positive_int,
        metavar="N",
        help="N mutants at random, spread over the functions",
    )
    p.add_argument(
        "--seed", type=natural, default=0, metavar="S", help="of that choice; default: 0"
    )
    p.add_argument("--seconds", type=float, metavar="T", help="start no mutant after T seconds")
    p.add_argument(
        "--jobs", type=positive_int, default=1, metavar="N", help="processes; default: 1"
    )
    p.add_argument("--pytest", default="", metavar="ARGS", help="more arguments for pytest")
    p.add_argument("--state", type=Path, metavar="FILE", help="keep results, to go on after a stop")
    p.add_argument(
        "--threshold", type=float, metavar="P", help="exit 0 from this score on, e.g. 0.9"
    )
    p.add_argument("--list", action="store_true", help="list the mutants and stop")
    p.add_argument(
        "--new-processes", action="store_true", help="a new process for each mutant, no forks"
    )
    p.add_argument("--json", action="store_true", help="print the report as JSON")
    p.add_argument("--html", type=Path, metavar="FILE", help="also write the report as a page")
    p.add_argument("--verbose", action="store_true", help="a line for each mutant as it is run")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the mutants; 1 if some survive, ValueError (exit 2) if the tests cannot be judged."""
    from minires import results
    from minires.gradcheck.mutation.run import Run
    from minires.gradcheck.mutation.workers import CAN_FORK

    if args.threshold is not None and not 0 <= args.threshold <= 1:
        raise ValueError(f"--threshold: expected a score from 0 to 1, got {args.threshold}")
    if sys.platform in ("emscripten", "wasi"):
        raise ValueError("minires mutate starts processes, which a browser does not have")
    mutation = Run(
        [*args.tests, *shlex.split(args.pytest)],
        args.target,
        args.function,
        maximum=args.max,
        seed=args.seed,
        jobs=args.jobs,
        state=args.state,
        new_processes=args.new_processes or not CAN_FORK,
        progress=_say if args.verbose else lambda line: None,
    )
    if args.list:
        for m in mutation.mutants:
            before, after = m.change()
            print(f"{m.place.file.name}:{m.line} {m.place.name} ({m.family}): {before} -> {after}")
        return 0
    _say(f"{len(mutation.mutants)} mutants of {len(mutation.places)} functions")
    report = mutation.go(args.seconds)
    if args.html is not None:
        from minires.gradcheck.mutation.page import page

        results.write_text(args.html, page(report))
    print(results.to_json(report.to_dict()).rstrip() if args.json else report)
    return _code(report, args.threshold)


def _code(report: MutationReport, threshold: float | None) -> int:
    if report.of("error"):
        return 1
    if threshold is None:
        return int(bool(report.of("survived")) or report.interrupted)
    return int(report.score is None or report.score < threshold or report.interrupted)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
