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
import contextlib
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minires.cli.arguments import choices, positive_int

from . import (
    figures,
    gpu_checks,
    gpu_facts,
    gpu_limits,
    gpu_profile,
    gpu_sanitizer,
    gpu_step,
    gpu_tiles,
    gpu_torch,
    gpu_training,
)
from .gpu_place import Gpu, Place, Rehearsal
from .gpu_plan import FULL, QUICK, TINY, Plan
from .gpu_report import NO_CLAIM, Report, Section
from .timing import Row, note

USUAL = ("checks", "sanitizer", "step", "kernels")


@dataclass(frozen=True)
class Session:
    """What each part gets; the report goes to `folder` after each of them."""

    place: Place
    plan: Plan
    report: Report
    folder: Path


def checks(session: Session) -> None:
    """Check kernels, updates and training; failures are problems of the report."""
    place, plan = session.place, session.plan
    section, found = Section("Checks"), gpu_checks.Found()
    try:
        gpu_checks.check_kernels(place, plan, found)
        gpu_checks.check_updates(place, plan, found)
        gpu_training.check_training(place, plan, found)
    finally:
        ran, failed = sum(row["cases"] for row in found.rows), len(found.failures)
        section.lines.append(f"{ran} cases ran, {failed} results were not as expected.")
        section.add("Worst error over what is allowed; left out: not supported", found.rows)
        section.add("Failures", found.failures)
        session.report.add(section)
        if failed:
            session.report.problems.append(f"checks: {failed} failures")


def sanitizer(session: Session) -> None:
    """Run compute-sanitizer's tools, if it is installed and there is a GPU to watch."""
    section = Section("Sanitizer")
    program = gpu_sanitizer.find()
    if not session.place.measured:
        section.lines.append("Not run: compute-sanitizer watches a GPU, and this is a rehearsal.")
    elif program is None:
        section.lines.append(
            "Not run: compute-sanitizer is neither on PATH nor in $CUDA_HOME/bin; the CUDA toolkit "
            "has it."
        )
    else:
        rows = gpu_sanitizer.run_all(program)
        section.add("compute-sanitizer over `--only checks --quick`", rows)
        for row in rows:
            if row["failed"]:
                session.report.problems.append(f"sanitizer: {row['tool']}: {row['result']}")
                section.lines.append(f"{row['tool']}:\n\n```\n{row.get('log', '')}\n```")
    session.report.add(section)


def step(session: Session) -> None:
    """Time training steps beside PyTorch's."""
    place, plan = session.place, session.plan
    device = "cuda" if place.measured else "cpu"
    torch, missing = gpu_torch.available(device)
    section = Section("Training step", [missing] if missing else [])
    rows: list[Row] = []
    try:
        with contextlib.nullcontext() if torch is None else gpu_torch.settings(torch):
            if torch is not None:
                rounding(session, torch, device, section)
            for label, net in plan.nets:
                rows += gpu_step.measure(place, plan, label, net, torch)
                after = gpu_facts.clocks(place)
                section.lines += [f"Right after {label}: {after}."] if after else []
    finally:
        section.add(f"Milliseconds per step, turns of {plan.turn} steps", rows)
        if place.measured:
            section.add("Our time over PyTorch's: below 1 we are faster", gpu_step.ratios(rows))
            section.add("Goals for ResNet-20", gpu_step.goals(rows))
        session.report.add(section)
        for row in rows:
            if "problem" in row:
                session.report.problems.append(f"step: {row['contender']}: {row['problem']}")


def rounding(session: Session, torch: Any, device: str, section: Section) -> None:
    """Note how PyTorch's convolutions round, and whether turning TF32 off does what it says."""
    single, tensor = (gpu_torch.rounding(torch, device, tf32) for tf32 in (False, True))
    section.lines.append(
        f"Relative error of PyTorch's convolution: {single:.1e} with TF32 off, {tensor:.1e} with "
        "TF32 on."
    )
    if single > gpu_torch.BETWEEN:
        session.report.problems.append("step: PyTorch rounds to TF32 although it is off")


def kernels(session: Session) -> None:
    """Time every launch of a step, in float32 and with TF32; draw the figure of float32."""
    place, plan, report = session.place, session.plan, session.report
    label, net = plan.nets[0]
    limit = gpu_limits.measure(place, plan)
    section = Section("Kernels of a step", [f"Limits measured here: {limit}."])
    for tf32 in (False, True) if place.tensor_cores else (False,):
        profile = gpu_profile.measure(place, plan, limit, tf32)
        what = f"{label} at batch {net.batch}, {profile.precision}"
        section.add(
            f"{what}, eager; {profile.whole_s * 1e3:.3f} ms in all",
            profile.rows,
            gpu_profile.COLUMNS,
        )
        if not profile.ahead:
            section.lines.append(
                f"{profile.precision}: Python could not queue all work before the GPU began it, so "
                "some times include waiting."
            )
        if not tf32:
            claim = "" if place.measured else ": not a GPU's times"
            report.figure = gpu_profile.draw(profile, f"{place.title}{claim}: {what}")
    report.add(section)


def tiles(session: Session) -> None:
    """Time every tile of convolution in every layer."""
    section = Section("Tiles of convolution")
    rows = gpu_tiles.measure(session.place, session.plan)
    section.add("The fastest first, layer by layer", rows, gpu_tiles.COLUMNS)
    session.report.add(section)


PARTS: dict[str, Callable[[Session], None]] = {
    "checks": checks,
    "sanitizer": sanitizer,
    "step": step,
    "kernels": kernels,
    "tiles": tiles,
}


def run(session: Session) -> None:
    """Run the parts of the report; an error ends its part, a lost GPU all that follow."""
    report = session.report
    print(report.heading(), flush=True)
    for name in report.parts:
        try:
            run_part(session, name)
        except gpu_checks.Lost as lost:
            report.problems.append(f"{name}: {lost}")
            break
        finally:
            report.ended.append(name)
            report.write(session.folder)


def run_part(session: Session, name: str) -> None:
    """Run a part; an error that it ends with is a problem of the report. Raises gpu_checks.Lost."""
    try:
        PARTS[name](session)
    except gpu_checks.Lost:
        raise
    except Exception as error:
        traceback.print_exc()
        told = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        session.report.problems.append(f"{name} ended early: {told}")
        gpu_checks.require_alive(session.place, name)


def arguments() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(
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
    facts = gpu_facts.facts(place, torch="step" in parts)
    report = Report(place.measured, facts, parts, args.quick)
    report.complete = parts == USUAL
    folder = args.out or (figures.RESULTS if place.measured else Path(tempfile.mkdtemp()))
    run(Session(place, plan, report, folder))
    print(report.verdict())
    if not place.measured:
        print(NO_CLAIM)
    print("wrote " + " ".join(map(str, report.write(folder))))
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
