"""Everything that only a GPU can tell, in one call.

    pip install "cupy-cuda13x[ctk]" torch
    python -m benchmarks.gpu [--only PART,…] [--quick] [--out DIR] [--rounds N] [--plain-memory]
                             [--rehearse]

checks      every kernel, version, dtype and case against the float64 reference on the CPU; bits of
            two runs; training against the cpu backend; replays of a CUDA graph against eager steps
sanitizer   compute-sanitizer's four tools over the quick checks, if it is installed
step        training steps of ResNet-20 and ResNet-56 at batch 128 beside PyTorch's
kernels     share of each kernel in a step, and how near it is to the measured limits
tiles       time of every tile of convolution in every layer; runs only if it is asked for

Without --only the first four run. Results go to gpu_DEVICE_DATE.{md,json,csv,png} in
benchmarks/results, or in the folder that --out names; a file name tells of other parts and of
--quick. The exit status is 1 if any check failed, 2 if there is no GPU. --rehearse runs the same
program on the emulator, with small arrays and without any claim about time; its files go to --out
or to a temporary folder.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from minires import console
from minires.cli.arguments import choices, positive_int

from .. import figures
from ..timing import note
from . import facts
from .parts import PARTS, Session, run
from .place import Gpu, Place, Rehearsal
from .plan import FULL, QUICK, TINY
from .report import NO_CLAIM, Report

USUAL = ("checks", "sanitizer", "step", "kernels")


def arguments() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=choices(tuple(PARTS)), metavar="PART,…")
    parser.add_argument("--quick", action="store_true", help="float32, ResNet-20, fewer rounds")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where files go")
    parser.add_argument("--rounds", type=positive_int, metavar="N", help="turns of each contender")
    parser.add_argument("--rehearse", action="store_true", help="run on the emulator, tiny arrays")
    parser.add_argument(
        "--plain-memory",
        action="store_true",
        help="take each array's memory from the driver, as compute-sanitizer needs it",
    )
    return parser


def place_for(rehearse: bool) -> Place:
    """Return where to run; raises ImportError or RuntimeError that says what is missing."""
    return Rehearsal() if rehearse else Gpu()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the chosen parts, print and write what they find; return the exit status."""
    parser = arguments()
    args = parser.parse_args(argv)
    parts = tuple(name for name in PARTS if name in (args.only or USUAL))
    if args.rehearse and (args.plain_memory or args.quick):
        parser.error("a rehearsal has no GPU's memory, and is quick anyway: leave the others out")
    if args.plain_memory and parts != ("checks",):
        parser.error("--plain-memory would slow what is timed: add --only checks")
    if args.rounds is not None and "step" not in parts:
        parser.error("--rounds counts the turns of the part step, which is not among --only")
    try:
        place = place_for(args.rehearse)
    except (ImportError, RuntimeError) as missing:
        note(f"{missing}" + ("" if args.rehearse else "\n--rehearse runs on the emulator instead"))
        return 2
    if args.plain_memory and isinstance(place, Gpu):
        place.plain_memory()
    plan = TINY if args.rehearse else QUICK if args.quick else FULL
    if args.rounds is not None:
        plan = replace(plan, rounds=args.rounds)
    known = facts.facts(place, torch="step" in parts)
    report = Report(place.measured, known, parts, args.quick)
    report.complete = parts == USUAL
    folder = args.out or (figures.RESULTS if place.measured else Path(tempfile.mkdtemp()))
    run(Session(place, plan, report, folder))
    print(report.verdict())
    if not place.measured:
        print(NO_CLAIM)
    print("wrote " + " ".join(map(str, report.write(folder))))
    return 1 if report.problems else 0


if __name__ == "__main__":
    console.run(main, "benchmarks.gpu")
